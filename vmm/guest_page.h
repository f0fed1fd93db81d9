/*
 * guest_page.h - makes KVM forget how it mapped a page of the guest, which it learns anew at the
 * next access. Kernel tests ask for that (devices/pc_testdev.h) to meet the fault of an access that
 * has to be mapped first, in the middle of an interrupt's delivery, say.
 */
#ifndef ACRE_VMM_GUEST_PAGE_H
#define ACRE_VMM_GUEST_PAGE_H

#include "memory/memory.h"

/*
 * Does nothing where no whole page of 4096 bytes at `addr` (which need not be aligned) is memory
 * that KVM maps: a device's, a hole, beyond all memory. What the page holds stays, and acre's own
 * accesses to it work all the while. Returns: 0; -errno of mprotect(2). Context: no vCPU is inside
 * KVM_RUN, nor enters it meanwhile: KVM could not map the page.
 */
int guest_page_flush(AddressSpace *as, hwaddr addr) __attribute__((warn_unused_result));

#endif
