/* alias-container.c - an alias of a container shows all that is in it, holes included. */
#include "guest/lib/guest.h"

TEST_NOTE("board = alias.dtb\n");

#define BOX 0xe0020000
#define ALIAS 0xe0040000
#define FAR 0x1900000 /* the container's last page alone */

int main(const struct boot_info *boot)
{
    (void)boot;
    report(mmio_read32(ALIAS) == 0xffffffff, "a hole at the beginning");
    mmio_write32(ALIAS + 0x1ffc, 0xcafe0001);
    report(mmio_read32(BOX + 0x1ffc) == 0xcafe0001, "RAM in the container");
    mmio_write32(BOX + 0x1000, 0xcafe0002);
    report(mmio_read32(ALIAS + 0x1000) == 0xcafe0002, "both ways");
    report(mmio_read8(ALIAS + 0x2000) == 0xff, "a hole in the middle");
    report(mmio_read8(ALIAS + 0x3fff) == 0x77, "a ROM at the end");
    report(mmio_read8(FAR) == 0x77 && mmio_read8(FAR + 0xfff) == 0x77 &&
               mmio_read8(FAR + 0x1000) == 0xff,
           "an alias of that page alone");
    return report_finish();
}
