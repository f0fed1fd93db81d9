/*
 * hpet.h - the high precision event timers at their usual place.
 *
 * Source: IA-PC HPET Specification 1.0a, 2.3.
 */
#ifndef ACRE_GUEST_LIB_HPET_H
#define ACRE_GUEST_LIB_HPET_H

#include "guest/lib/io.h"

#define HPET_BASE UINT64_C(0xfed00000)

enum hpet_register {
    HPET_CAP_ID = 0x000,
    HPET_CONFIG = 0x010,
    HPET_STATUS = 0x020,
    HPET_COUNTER = 0x0f0
};
enum hpet_config { HPET_ENABLE = 1 << 0, HPET_LEGACY = 1 << 1 };
enum hpet_timer_config {
    HPET_LEVEL = 1 << 1,
    HPET_INT_ENB = 1 << 2,
    HPET_PERIODIC = 1 << 3,
    HPET_VAL_SET = 1 << 6,
    HPET_MODE_32 = 1 << 8,
    HPET_ROUTE_SHIFT = 9,
};

static inline uint64_t hpet_read(unsigned reg)
{
    return mmio_read64(HPET_BASE + reg);
}

static inline void hpet_write(unsigned reg, uint64_t value)
{
    mmio_write64(HPET_BASE + reg, value);
}

static inline uint64_t hpet_ticks_of_us(uint64_t us)
{
    return us * 1000000000 / (hpet_read(HPET_CAP_ID) >> 32);
}

/*
 * Counter at 0 and running, timer `num` at `us` microseconds, or each of them with HPET_PERIODIC.
 * @timer_config  enum hpet_timer_config, and the route.   @config  HPET_LEGACY or 0.
 */
static inline void hpet_start(unsigned num, uint64_t timer_config, uint64_t us, unsigned config)
{
    unsigned timer = 0x100 + 0x20 * num;

    hpet_write(HPET_CONFIG, config);
    hpet_write(HPET_COUNTER, 0);
    hpet_write(timer,
               HPET_INT_ENB | timer_config | (timer_config & HPET_PERIODIC ? HPET_VAL_SET : 0));
    hpet_write(timer + 8, hpet_ticks_of_us(us));
    hpet_write(HPET_CONFIG, HPET_ENABLE | config);
}

#endif
