/* high-border.c - accesses across the 4 GiB border: the memory on both sides is one another's next.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = high.dtb\n");

#define BORDER UINT64_C(0x100000000)
#define MIRROR UINT64_C(0xfff00000) /* shows the RAM from BORDER + 1 MiB on */
#define SHOWN (BORDER + 0x100000)

int main(const struct boot_info *boot)
{
    uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    (void)boot;
    report(paging_map_gib(BORDER), "the pages are mapped");
    mmio_write64(0, 0);
    mmio_write32(MIRROR, 0xcafe0001);
    report(mmio_read32(SHOWN) == 0xcafe0001, "an alias below the border shows RAM above it");
    mmio_write64(BORDER - 4, 0x8877665544332211);
    report(mmio_read32(BORDER) == 0x88776655, "a write across the border: its upper half");
    report(mmio_read32(SHOWN + 0xffffc) == 0x44332211, "and its lower half");
    report(mmio_read64(BORDER - 4) == 0x8877665544332211, "a read across it");
    mmio_copy8(BORDER - 3, (uintptr_t)bytes, sizeof(bytes));
    report(mmio_read64(BORDER - 3) == 0x0807060504030201, "a string across it");
    report(mmio_read64(0) == 0, "and address 0 has nothing of it");
    return report_finish();
}
