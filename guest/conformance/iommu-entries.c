/* iommu-entries.c - entries that the guest writes, in memory and by ports, over the board's lines.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = iommu.dtb\n");

#define WINDOW 0x800000 /* over RAM */
#define REGISTERS 0xd0000000
#define PORTS 0xa00
#define PORT_WINDOW 0xd3000000
#define RAM 0xa00000
#define RW (IOMMU_ENTRY_READ | IOMMU_ENTRY_WRITE)

static uint64_t entry(uint64_t page, uint64_t target, unsigned order, unsigned bits)
{
    return page << IOMMU_ENTRY_PAGE_SHIFT | target | (uint64_t)order << IOMMU_ENTRY_ORDER_SHIFT |
           bits;
}

static void set(unsigned n, uint64_t value)
{
    mmio_write64(REGISTERS + IOMMU_ENTRY + 8 * n, value);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    for (unsigned page = 0; page < 32; page++) {
        mmio_write32(RAM + page * 0x1000, 0x100 + page);
    }
    report(mmio_read32(WINDOW + 0x3000) == 0x103, "the board's line");
    set(9, entry(2, RAM + 0x12000, 1, IOMMU_ENTRY_READ));
    set(4, entry(2, RAM + 0x1f000, 0, RW));
    report(mmio_read32(WINDOW + 0x3000) == 0x113, "an entry comes before it");
    report(mmio_read32(WINDOW + 0x2000) == 0x11f, "the lower of two counts");
    report(mmio_read32(WINDOW + 0x1000) == 0x101 && mmio_read32(WINDOW + 0x4000) == 0x104,
           "the line shows around them");
    mmio_write32(WINDOW + 0x3000, 1);
    report(mmio_read32(RAM + 0x13000) == 0x113, "the entry's permission, not the line's");
    set(4, entry(2, 0, 0, IOMMU_ENTRY_BLOCK));
    report(mmio_read32(WINDOW + 0x2000) == 0xffffffff, "an entry that blocks its page");
    set(4, 0);
    report(mmio_read32(WINDOW + 0x2000) == 0x112, "taken away, it shows what is below");
    set(9, 0);
    mmio_write32(WINDOW + 0x2004, 7);
    report(mmio_read32(RAM + 0x2004) == 7, "and at last the line");
    set(0, UINT64_MAX);
    report(mmio_read64(REGISTERS) == entry(0xff, IOMMU_ENTRY_TARGET, 8, RW | IOMMU_ENTRY_BLOCK),
           "what is reserved does not stay");
    set(0, entry(0xff, RAM, 0, RW));
    report(mmio_read32(WINDOW + 0xff000) == 0x100, "the window's last page");
    outl(PORTS + IOMMU_HIGH, 1 << 20); /* page 1 */
    outl(PORTS + 8, (RAM + 0x5000) | RW);
    report(mmio_read32(PORT_WINDOW + 0x1000) == 0x105 && mmio_read32(PORT_WINDOW) == 0xffffffff,
           "by ports, in halves");
    report(inl(PORTS + 12) == 1 << 20 && inl(PORTS + 8) == ((RAM + 0x5000) | RW), "and read back");
    return report_finish();
}
