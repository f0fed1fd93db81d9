/* iommu-circle.c - IOMMUs that lead to each other: a way out is found, a circle ends. */
#include "guest/lib/guest.h"

TEST_NOTE("board = iommu.dtb\n");

#define PING 0xd1000000 /* pages of 64 KiB, two of them PONG's first */
#define PING_REGISTERS 0xd1200000
#define PONG 0xd2000000 /* pages of 4 KiB: 16 of PING's first page, then one of RAM */
#define RAM 0xa00000
#define NOWHERE 0xffffffff

static void set(unsigned page, uint64_t target)
{
    mmio_write64(PING_REGISTERS + IOMMU_ENTRY + 8 * page,
                 (uint64_t)page << IOMMU_ENTRY_PAGE_SHIFT | target | IOMMU_ENTRY_READ);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write32(RAM + 0x20, 0x1234);
    report(mmio_read32(PING + 0x10020) == 0x1234, "through both of them to RAM");
    report(mmio_read32(PING + 0x20) == NOWHERE && mmio_read32(PONG + 0x20) == NOWHERE,
           "from one to the other and back, it ends");
    mmio_write32(PING + 0x20, 1);
    mmio_write32(PING + 0x10020, 2);
    report(mmio_read32(RAM + 0x20) == 0x1234,
           "nothing is written there, nor where it is forbidden");
    set(0, PING);
    report(mmio_read32(PING + 0x20) == NOWHERE, "a page that leads to itself");
    for (unsigned page = 0; page < 15; page++) {
        set(page, PING + 0x10000 * (page + 1));
    }
    set(15, RAM);
    report(mmio_read32(PING + 0x20) == 0x1234, "sixteen pages of a way");
    report(mmio_read32(PONG + 0x20) == NOWHERE, "and one more");
    return report_finish();
}
