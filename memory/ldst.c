/*
 * ldst.c - single items in a stated byte order: the access in bytes, composed here.
 */
#include "memory/internal.h"

static uint64_t ld(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, MemTxResult *result,
                   unsigned size, bool big)
{
    uint8_t bytes[8];
    uint64_t value = 0;
    MemTxResult ret = address_space_rw(as, addr, attrs, bytes, size, false);

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)bytes[i] << (8 * (big ? size - 1 - i : i));
    }
    if (result) {
        *result = ret;
    }
    return value;
}

static void st(AddressSpace *as, hwaddr addr, uint64_t val, MemTxAttrs attrs, MemTxResult *result,
               unsigned size, bool big)
{
    uint8_t bytes[8];
    MemTxResult ret;

    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(val >> (8 * (big ? size - 1 - i : i)));
    }
    ret = address_space_rw(as, addr, attrs, bytes, size, true);
    if (result) {
        *result = ret;
    }
}

#define LD(suffix, type, size, big)                                                                \
    type address_space_ld##suffix(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,                 \
                                  MemTxResult *result)                                             \
    {                                                                                              \
        return (type)ld(as, addr, attrs, result, size, big);                                       \
    }
#define ST(suffix, type, size, big)                                                                \
    void address_space_st##suffix(AddressSpace *as, hwaddr addr, type val, MemTxAttrs attrs,       \
                                  MemTxResult *result)                                             \
    {                                                                                              \
        st(as, addr, val, attrs, result, size, big);                                               \
    }

LD(ub, uint8_t, 1, false)
LD(uw_le, uint16_t, 2, false)
LD(l_le, uint32_t, 4, false)
LD(q_le, uint64_t, 8, false)
LD(uw_be, uint16_t, 2, true)
LD(l_be, uint32_t, 4, true)
LD(q_be, uint64_t, 8, true)
ST(b, uint8_t, 1, false)
ST(w_le, uint16_t, 2, false)
ST(l_le, uint32_t, 4, false)
ST(q_le, uint64_t, 8, false)
ST(w_be, uint16_t, 2, true)
ST(l_be, uint32_t, 4, true)
ST(q_be, uint64_t, 8, true)
