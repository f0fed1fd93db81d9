/* exit-large.c - a status that is too large for a guest's is 119. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\nstatus = 119\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    report(true, "a guest that ends with status 0x12300");
    (void)report_finish();
    return 0x12300; /* its low byte is 0 */
}
