/* iommu-lines.c - translations that the board makes, into a container, with their permissions. */
#include "guest/lib/guest.h"

TEST_NOTE("board = iommu.dtb\n");

#define WINDOW 0xe0100000 /* in a container itself */
#define BEHIND 0xe8000000
#define NOWHERE 0xffffffff

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write64(BEHIND + 0x1000, 0x8877665544332211);
    report(mmio_read64(WINDOW) == 0x8877665544332211, "the first page is the container's second");
    mmio_write32(WINDOW + 0x1ffc, 0xcafe);
    report(mmio_read32(BEHIND + 0x2ffc) == 0xcafe, "a line of two pages, to its end");
    mmio_write32(BEHIND, 0xbeef);
    report(mmio_read32(WINDOW + 0x2000) == 0xbeef, "a page to be read");
    mmio_write32(WINDOW + 0x2000, 1);
    report(mmio_read32(BEHIND) == 0xbeef, "but not written");
    mmio_write32(BEHIND + 0x3000, 5);
    report(mmio_read32(WINDOW + 0x3000) == NOWHERE, "a page that cannot be read");
    mmio_write32(WINDOW + 0x3000, 6);
    report(mmio_read32(BEHIND + 0x3000) == 6, "but written");
    report(mmio_read64(WINDOW + 0x1ffc) == UINT64_C(0xbeef0000cafe), "a read over two lines");
    mmio_write64(WINDOW + 0x2ffc, 0x1111111122222222);
    report(mmio_read32(BEHIND + 0xffc) == 0 && mmio_read32(BEHIND + 0x3000) == 0x11111111,
           "a write over two, one of which may not");
    report(mmio_read32(WINDOW + 0x4000) == NOWHERE && mmio_read8(WINDOW + 0xfefff) == 0xff,
           "pages without a line");
    report(mmio_read64(WINDOW + 0x8000) == 0x1716151413121110, "a ROM");
    mmio_write8(WINDOW + 0x8000, 0x55);
    report(mmio_read8(BEHIND + 0x8000) == 0x10, "is not written this way either");
    mmio_write8(WINDOW + 0x9007, 0x5a);
    report(mmio_read8(BEHIND + 0x9007) == 0x5a && mmio_read8(WINDOW + 0x9007) == 0x5a,
           "a device's register");
    mmio_write8(WINDOW + 0xff000, 1);
    report(mmio_read8(WINDOW + 0xff000) == 0xff, "a line to where nobody is");
    report(mmio_read8(WINDOW + 0xfffff) == 0xff && mmio_read8(WINDOW + 0x100000) == 0xff,
           "its end, and beyond");
    return report_finish();
}
