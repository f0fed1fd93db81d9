/*
 * An IOMMU under a hostile guest: any entry, any access to the window and to what entries may lead
 * back to, the window itself and the registers. What the window shows is what a model of the
 * entries and the board's lines says, hop by hop; circles end; a reset leaves the lines.
 */
#include "tests/fuzz/program.h"
#include "tests/unit/iommu_fixture.h"

enum { PAGES = 64, PAGE = 0x1000 };

static const struct iommu_line lines[] = {
    {0x00000, 0x02fff, 0x8000, IOMMU_RW},
    {0x04000, 0x04fff, IOMMU_WINDOW + 0x5000, IOMMU_RO},
    {0x05000, 0x05fff, IOMMU_WINDOW, IOMMU_RW},
    {0x3f000, 0x3ffff, UINT64_MAX - 0xfff, IOMMU_WO},
};

static struct iommu_machine m;
static uint64_t entries[IOMMU_ENTRIES]; /* the model: what was written */

/* Where the model has a page of the window go. Returns: false nowhere, or without permission. */
static bool model_page(uint64_t page, unsigned flag, hwaddr *target)
{
    for (unsigned i = 0; i < IOMMU_ENTRIES; i++) {
        uint64_t first = entries[i] >> 52 & (PAGES - 1), order = entries[i] >> 4 & 15, num;

        num = order > 6 ? PAGES : UINT64_C(1) << order;
        if (entries[i] & 7 && page / num == first / num) {
            *target = (entries[i] & 0xffffffffff000) / PAGE / num * num * PAGE + page % num * PAGE;
            return entries[i] & flag;
        }
    }
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (page * PAGE >= lines[i].first && page * PAGE <= lines[i].last) {
            *target = lines[i].target + (page * PAGE - lines[i].first);
            return lines[i].perm & flag;
        }
    }
    return false;
}

enum end { NOWHERE, RAM, REGISTERS };

/* Follows an address, 8 bytes of it. @addr  becomes where it ends */
static enum end model(hwaddr *addr, unsigned flag)
{
    for (unsigned hops = 0; hops <= IOMMU_HOPS_MAX; hops++) {
        hwaddr offset = *addr - IOMMU_WINDOW;

        if (*addr < IOMMU_RAM_SIZE) {
            return RAM;
        }
        if (*addr - IOMMU_REGISTERS < IOMMU_REGS_SIZE) {
            return REGISTERS;
        }
        if (offset >= PAGES * PAGE || !model_page(offset / PAGE, flag, addr)) {
            return NOWHERE;
        }
        *addr += offset % PAGE;
    }
    return NOWHERE;
}

static uint64_t value_of(uint8_t a, uint8_t b)
{
    static const hwaddr targets[] = {
        0x0,
        0x8000,
        0x1ff000,
        IOMMU_WINDOW,
        IOMMU_WINDOW + 0x4000,
        IOMMU_WINDOW + 0x3f000,
        IOMMU_REGISTERS,
        IOMMU_ENTRY_TARGET,
    };

    return iommu_entry(a & 0x7f, targets[b & 7], b >> 3 & 7U, a >> 7 | (b >> 5 & 6U));
}

/* Entries are written through the bus, so the window may have been led to the registers. */
static void write_entry(unsigned n, uint64_t value, bool halves)
{
    if (halves) {
        (void)iommu_put(&m, IOMMU_REGISTERS + IOMMU_HIGH, 4, value >> 32);
        (void)iommu_put(&m, IOMMU_REGISTERS + 8 * n, 4, (uint32_t)value);
    } else {
        (void)iommu_put(&m, IOMMU_REGISTERS + 8 * n, 8, value);
    }
    entries[n] = value;
}

static void read_window(hwaddr addr)
{
    MemTxResult result;
    uint64_t value = iommu_get(&m, addr, 8, &result);
    enum end end = model(&addr, IOMMU_RO);

    assert(result == (end == NOWHERE ? MEMTX_DECODE_ERROR : MEMTX_OK));
    assert(end != NOWHERE || value == UINT64_MAX);
    assert(end != RAM || value == *iommu_ram(&m, addr));
}

/* Writes that would reach the registers are left to write_entry(). */
static void write_window(hwaddr addr, uint64_t value)
{
    hwaddr at = addr;
    enum end end = model(&at, IOMMU_WO);

    if (end == RAM) {
        assert(iommu_put(&m, addr, 8, value) == MEMTX_OK && *iommu_ram(&m, at) == value);
        *iommu_ram(&m, at) = at;
    } else if (end == NOWHERE) {
        assert(iommu_put(&m, addr, 8, value) == MEMTX_DECODE_ERROR);
    }
}

static void run_step(struct program_step step)
{
    const unsigned n = step.op >> 4 & 15U;
    const hwaddr addr = IOMMU_WINDOW + (hwaddr)(step.a % PAGES) * PAGE + (step.b & 0xf8U);

    switch (step.op & 7) {
    case 0:
    case 1:
        write_entry(n, value_of(step.a, step.b), step.op & 8);
        break;
    case 2:
        write_entry(n, 0, step.op & 8);
        break;
    case 3:
    case 4:
        read_window(addr);
        break;
    case 5:
        write_window(addr, step.b);
        break;
    case 6: /* over a border of pages */
        (void)iommu_get(&m, addr + PAGE - 4, 8, NULL);
        break;
    default:
        (void)iommu_get(&m, IOMMU_REGISTERS + step.a, 1U << (step.b & 3), NULL);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program program = {data, size < 1200 ? size : 1200};
    struct program_step step;
    hwaddr addr;

    if (!m.memory.root) {
        iommu_machine_init(&m, (struct iommu_config){
                                   .size = PAGES * PAGE,
                                   .page_shift = 12,
                                   .lines = lines,
                                   .line_num = sizeof(lines) / sizeof(lines[0]),
                               });
    }
    while (program_next(&program, &step)) {
        run_step(step);
    }
    iommu_reset(&m.dev);
    memset(entries, 0, sizeof(entries));
    for (addr = 0; addr < PAGES * PAGE; addr += PAGE) {
        read_window(IOMMU_WINDOW + addr + 8);
    }
    return 0;
}
