/* debugexit-large.c - a status beyond what acre keeps for guests is the last of those. */
#include "guest/lib/guest.h"

TEST_NOTE("status = 119\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    outl(0xf4, 0x10000);
    return GUEST_EXIT_FAIL;
}
