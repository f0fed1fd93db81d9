/*
 * overlap-example.c - the example of QEMU's documentation, both ways: C under B, B holding D and E.
 * A pure container shows what lies below it in its holes; one that answers itself does not.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = overlap.dtb\n");

static void check(const char *name, uint64_t base, const uint8_t *want)
{
    for (unsigned page = 0; page < 8; page++) {
        uint64_t first = base + page * 0x1000;

        report(mmio_read8(first) == want[page] && mmio_read8(first + 0xfff) == want[page],
               "%s: page %u shows 0x%x", name, page, want[page]);
    }
}

int main(const struct boot_info *boot)
{
    static const uint8_t pure[] = {0xcc, 0xcc, 0xdd, 0xcc, 0xee, 0xcc, 0xff, 0xff};
    static const uint8_t answering[] = {0xcc, 0xcc, 0xdd, 0xbb, 0xee, 0xbb, 0xff, 0xff};

    (void)boot;
    check("holes", 0xe0020000, pure);
    check("no holes", 0xe0030000, answering);
    return report_finish();
}
