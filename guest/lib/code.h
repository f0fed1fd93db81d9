/*
 * code.h - small functions made at run time.
 *
 * Source: Intel SDM vol. 2.
 */
#ifndef ACRE_GUEST_LIB_CODE_H
#define ACRE_GUEST_LIB_CODE_H

#include <stdint.h>

#include "guest/lib/io.h"
#include "guest/lib/string.h"

#define CODE_RETURN_SIZE 6
#define CODE_RETURN_VALUE 1 /* where in it the number stands, 4 bytes */

/* mov $value, %eax; ret */
static inline void code_put_return(uint64_t addr, uint32_t value)
{
    mmio_write8(addr, 0xb8);
    mmio_write32(addr + CODE_RETURN_VALUE, value);
    mmio_write8(addr + 5, 0xc3);
}

static inline int code_call(uint64_t addr)
{
    int (*function)(void) = (int (*)(void))(uintptr_t)addr;

    /* A CPU notices code that was changed where it sees it, and at a jump at the latest. */
    __asm__ volatile("cpuid" : : "a"(0), "c"(0) : "rbx", "rdx", "memory");
    return function();
}

#endif
