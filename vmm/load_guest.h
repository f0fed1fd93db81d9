/*
 * load_guest.h - filling guest memory before the guest runs: bytes, zeros, pieces of files.
 *
 * Only RAM is written; anything else on the way is -EFAULT. Text for the user is the caller's,
 * except for errors of a file.
 * Context: a registered thread, no vCPU running.
 */
#ifndef ACRE_VMM_LOAD_GUEST_H
#define ACRE_VMM_LOAD_GUEST_H

#include "memory/memory.h"
#include "vmm/load_file.h"

/* Returns: 0, -EFAULT. */
int load_guest_write(AddressSpace *as, uint64_t gpa, const void *buf, uint64_t len)
    __attribute__((warn_unused_result));
/*
 * Zeroes `len` bytes (0 allowed). Large ranges of private RAM are given back to the host instead
 * of being written, so that a big .bss costs nothing until the guest touches it.
 * Returns: 0, -EFAULT.
 */
int load_guest_zero(AddressSpace *as, uint64_t gpa, uint64_t len)
    __attribute__((warn_unused_result));
/*
 * Puts `len` bytes of a file (0 allowed) at gpa, read straight into guest memory where nobody
 * tracks its dirty pages.
 * Returns: 0; -EFAULT; -EINVAL the file ends before; -errno of the read. err is filled, always.
 */
int load_guest_file(AddressSpace *as, uint64_t gpa, const struct load_file *file, uint64_t offset,
                    uint64_t len, struct error *err) __attribute__((warn_unused_result));

#endif
