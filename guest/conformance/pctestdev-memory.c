/* pctestdev-memory.c - testdev's 64 KiB behave as memory, each access a device's. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

#define IOMEM 0xff000000
#define LAST (IOMEM + 0xffff)

int main(const struct boot_info *boot)
{
    static char text[] = "sixteen letters";
    static char copy[16];

    (void)boot;
    report(mmio_read64(IOMEM) == 0 && mmio_read8(LAST) == 0, "zeros at first");
    mmio_write64(IOMEM + 8, 0x8877665544332211);
    report(mmio_read64(IOMEM + 8) == 0x8877665544332211, "8 bytes");
    report(mmio_read32(IOMEM + 12) == 0x88776655 && mmio_read16(IOMEM + 10) == 0x4433 &&
               mmio_read8(IOMEM + 9) == 0x22,
           "parts of them");
    mmio_write32(IOMEM + 9, 0xddccbbaa);
    report(mmio_read64(IOMEM + 8) == 0x887766ddccbbaa11, "4 bytes that are not aligned");
    mmio_write16(IOMEM + 11, 0xeeff);
    mmio_write8(IOMEM + 15, 0x99);
    report(mmio_read64(IOMEM + 8) == 0x997766eeffbbaa11, "2 bytes, and one");
    mmio_write32(IOMEM + 16, 0xffffffff);
    mmio_lock_inc32(IOMEM + 16);
    report(mmio_read32(IOMEM + 16) == 0, "a locked increment");
    mmio_copy8(IOMEM + 0xfff8, (uintptr_t)text, 8);
    mmio_copy8((uintptr_t)copy, IOMEM + 0xfff8, 8);
    report(memcmp(copy, "sixteen ", 8) == 0, "a string in and out, at its end");
    report(mmio_read8(LAST) == ' ' && mmio_read8(LAST + 1) == 0xff, "its last byte, and no more");
    return report_finish();
}
