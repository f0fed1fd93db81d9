/*
 * iommu_fixture.h - an IOMMU in front of RAM in which each 8 bytes say where they are.
 *
 * Context: one thread.
 */
#ifndef ACRE_TESTS_UNIT_IOMMU_FIXTURE_H
#define ACRE_TESTS_UNIT_IOMMU_FIXTURE_H

#undef NDEBUG
#include "devices/iommu.h"
#include "tests/unit/device_fakes.h"

enum {
    IOMMU_RAM_SIZE = 0x200000, /* at 0 */
    IOMMU_WINDOW = 0x10000000, /* where the window is mounted */
    IOMMU_REGISTERS = 0x20000000,
};

struct iommu_machine {
    struct memory_core core;
    MemoryRegion system, ram;
    AddressSpace memory;
    struct iommu dev;
};

static inline uint64_t *iommu_ram(struct iommu_machine *m, hwaddr addr)
{
    return (uint64_t *)(void *)(m->ram.host + addr);
}

/* @config  target is filled in. */
static inline void iommu_machine_init(struct iommu_machine *m, struct iommu_config config)
{
    const struct ram_block_config ram = {.backing = RAM_ANONYMOUS, .size = IOMMU_RAM_SIZE};
    RAMBlock *block;
    int ret;

    memory_thread_register();
    memset(m, 0, sizeof(*m));
    config.name = "iommu";
    config.target = &m->memory;
    ret = memory_core_init(&m->core, &(struct memory_core_config){0});
    ret |= memory_region_init(&m->system, &m->core, NULL, "system", UINT64_MAX);
    ret |= ram_block_new(&m->core, "ram", &ram, &block);
    ret |= memory_region_init_ram(&m->ram, NULL, "ram", block);
    ret |= iommu_init(&m->dev, &m->core, &config);
    ret |= memory_region_add_subregion(&m->system, 0, &m->ram);
    ret |= memory_region_add_subregion(&m->system, IOMMU_WINDOW, &m->dev.mr_window);
    ret |= memory_region_add_subregion(&m->system, IOMMU_REGISTERS, &m->dev.mr_registers);
    ret |= address_space_init(&m->memory, &m->core, &m->system, "memory", MEMORY_UNASSIGNED_MEMORY);
    assert(ret == 0);
    (void)ret;
    for (hwaddr addr = 0; addr < IOMMU_RAM_SIZE; addr += 8) {
        *iommu_ram(m, addr) = addr;
    }
}

static inline void iommu_machine_finish(struct iommu_machine *m)
{
    address_space_finish(&m->memory);
    memory_region_unref(&m->system);
    memory_region_unref(&m->ram);
    iommu_finish(&m->dev);
    memory_core_finish(&m->core);
    memory_thread_unregister();
}

/* An access of 1 to 8 bytes. @result  may be NULL */
static inline uint64_t iommu_get(struct iommu_machine *m, hwaddr addr, unsigned size,
                                 MemTxResult *result)
{
    uint64_t value = 0;
    MemTxResult res = address_space_read(&m->memory, addr, MEMTXATTRS_UNSPECIFIED, &value, size);

    if (result) {
        *result = res;
    }
    return value;
}

static inline MemTxResult iommu_put(struct iommu_machine *m, hwaddr addr, unsigned size,
                                    uint64_t value)
{
    return address_space_write(&m->memory, addr, MEMTXATTRS_UNSPECIFIED, &value, size);
}

/* An entry's word. @page  of the window; @bits  IOMMU_ENTRY_READ and others */
static inline uint64_t iommu_entry(uint64_t page, uint64_t target, unsigned order, uint64_t bits)
{
    return page << IOMMU_ENTRY_PAGE_SHIFT | target | (uint64_t)order << IOMMU_ENTRY_ORDER_SHIFT |
           bits;
}

#endif
