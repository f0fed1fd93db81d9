/*
 * testdev_internal.h - what the files of the test device share: one table of registers for each
 * function. Private to devices/testdev*.c.
 */
#ifndef ACRE_DEVICES_TESTDEV_INTERNAL_H
#define ACRE_DEVICES_TESTDEV_INTERNAL_H

#include <stddef.h>

#include "devices/testdev.h"

/*
 * `num` registers from `first` on. Without a callback, a read gives the field and a write, where
 * `writable`, sets it; num fields follow each other.
 */
struct testdev_register {
    hwaddr first;
    unsigned num;
    size_t field; /* offset of a uint64_t in struct testdev */
    bool writable;
    uint64_t (*read)(struct testdev *dev, unsigned n);
    void (*write)(struct testdev *dev, unsigned n, uint64_t value);
};

/* Tables end with num 0. */
extern const struct testdev_register testdev_bank_registers[];
extern const struct testdev_register testdev_dma_registers[];
extern const struct testdev_register testdev_iommu_registers[];
extern const struct testdev_register testdev_event_registers[];
extern const struct testdev_register testdev_dirty_registers[];

#define TESTDEV_FIELD(reg, member)                                                                 \
    .first = (reg), .num = 1, .field = offsetof(struct testdev, member)

/* What a setter or a command said, as *_RESULT shows it. */
static inline uint64_t testdev_errno(int ret)
{
    return ret < 0 ? (uint64_t)-ret : 0;
}

/* Sets and clears bits of PENDING, and moves the line. */
void testdev_irq_change(struct testdev *dev, uint64_t set, uint64_t clear);
void testdev_log_call(struct testdev *dev, unsigned who, hwaddr addr, uint64_t value, unsigned size,
                      bool is_write);

/* A window of this name and size, mounted nowhere yet. Returns: 0, -ENOMEM. */
int testdev_window_init(struct testdev *dev, struct testdev_window *window, unsigned who,
                        const char *name, uint64_t size) __attribute__((warn_unused_result));

/* Each part's own regions; 0 or -errno with nothing left to undo. */
int testdev_banks_init(struct testdev *dev) __attribute__((warn_unused_result));
int testdev_zones_init(struct testdev *dev) __attribute__((warn_unused_result));
int testdev_events_init(struct testdev *dev) __attribute__((warn_unused_result));
int testdev_iommu_init(struct testdev *dev) __attribute__((warn_unused_result));
void testdev_banks_reset(struct testdev *dev);
void testdev_zones_reset(struct testdev *dev);
void testdev_dma_reset(struct testdev *dev);
void testdev_events_reset(struct testdev *dev);
void testdev_iommu_reset(struct testdev *dev);
void testdev_dirty_reset(struct testdev *dev);
/* Accept what was never made. */
void testdev_banks_finish(struct testdev *dev);
void testdev_zones_finish(struct testdev *dev);
void testdev_events_finish(struct testdev *dev);
void testdev_iommu_finish(struct testdev *dev);

#endif
