/*
 * peek.h - reading a guest's memory from outside, by linear or by guest-physical address.
 *
 * Only memory is read: a device would notice.
 *
 * Context: registered thread. The guest may run: what it writes meanwhile is read or not.
 */
#ifndef ACRE_VMM_PEEK_H
#define ACRE_VMM_PEEK_H

#include "vmm/vcpu_paging.h"

struct peek {
    AddressSpace *memory;
    const struct vcpu_paging *paging; /* NULL: addresses are guest-physical */
};

enum { PEEK_PAGE = 4096 };

/*
 * @bad  the first address that could not be read, when there is one.
 * Returns: 0; -EFAULT not mapped, no memory, or beyond 2^64-1.
 * Cost: a page walk each 4 KiB.
 */
int peek_read(const struct peek *peek, uint64_t addr, void *buf, size_t len, uint64_t *bad)
    __attribute__((warn_unused_result));

#endif
