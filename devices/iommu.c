/* iommu.c - registers around a table of translations (iommu_table.h). */
#include "devices/iommu.h"

#include <string.h>

#include "devices/wide_register.h"

static IOMMUTLBEntry translate(void *opaque, hwaddr addr, IOMMUAccessFlags flag, int index)
{
    const struct iommu *dev = opaque;

    (void)flag;
    (void)index;
    return iommu_table_translate(&dev->table, addr);
}

static uint64_t min_page_size(void *opaque)
{
    const struct iommu *dev = opaque;

    return UINT64_C(1) << dev->table.page_shift;
}

static const IOMMUMemoryRegionOps window_ops = {
    .translate = translate,
    .get_min_page_size = min_page_size,
};

static uint64_t registers_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct iommu *dev = opaque;
    const unsigned n = (unsigned)(addr - IOMMU_ENTRY) / 8;

    return n < IOMMU_ENTRIES ? wide_register_read(addr, iommu_table_read(&dev->table, n), size) : 0;
}

static void registers_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct iommu *dev = opaque;
    const unsigned n = (unsigned)(addr - IOMMU_ENTRY) / 8;

    if (!wide_register_write(addr, &data, size, &dev->high)) {
        return;
    }
    if (n < IOMMU_ENTRIES) {
        iommu_table_write(&dev->table, &dev->mr_window, n, data);
    } else if (addr == IOMMU_HIGH) {
        dev->high = (uint32_t)data;
    }
}

static const MemoryRegionOps register_ops = {
    .read = registers_read,
    .write = registers_write,
    WIDE_REGISTER_SIZES,
};

int iommu_init(struct iommu *dev, struct memory_core *core, const struct iommu_config *config)
{
    const uint64_t pages = config->size >> config->page_shift;
    int ret;

    memset(dev, 0, sizeof(*dev));
    dev->table.target = config->target;
    dev->table.page_shift = config->page_shift;
    dev->table.pages = pages < IOMMU_PAGES_MAX ? (unsigned)pages : IOMMU_PAGES_MAX;
    dev->table.lines = config->lines;
    dev->table.line_num = config->line_num;
    memory_owner_init(&dev->owner, "iommu");
    ret = memory_region_init_iommu(&dev->mr_window, core, &dev->owner, &window_ops, dev,
                                   config->name, config->size);
    if (ret == 0) {
        ret = memory_region_init_io(&dev->mr_registers, core, &dev->owner, &register_ops, dev,
                                    "iommu-registers", IOMMU_REGS_SIZE);
    }
    if (ret < 0) {
        iommu_finish(dev);
    }
    return ret;
}

void iommu_reset(struct iommu *dev)
{
    dev->high = 0;
    iommu_table_reset(&dev->table, &dev->mr_window);
}

void iommu_finish(struct iommu *dev)
{
    memory_region_unref(&dev->mr_registers);
    memory_region_unref(&dev->mr_window);
    memory_owner_finish(&dev->owner);
}
