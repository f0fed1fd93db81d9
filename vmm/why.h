/*
 * why.h - "who answers at this address, and why?" as text for a person.
 *
 * Context: any thread registered with memory_thread_register(); the core lock is taken inside.
 */
#ifndef ACRE_VMM_WHY_H
#define ACRE_VMM_WHY_H

#include "memory/memory.h"
#include "vmm/error.h"
#include "vmm/kvm_slots.h"

/* An address in one of the two spaces: "0xfee00000", "memory:0x1000", "io:0x3f8". */
struct why_place {
    bool io;
    hwaddr addr;
};

/* Returns: 0; -EINVAL, err says what is wrong with it (a port is at most 0xffff). */
int why_parse(const char *text, struct why_place *place, struct error *err)
    __attribute__((warn_unused_result));

/*
 * Writes the regions that cover the address in the order they are tried, the winner, and what
 * accesses of 1, 2, 4 and 8 bytes, up to size_max, do.
 * @slots  of this space; NULL: none are named.
 * Returns: 0; -ENOMEM; -E2BIG it told only a part.
 */
int why_print(struct memory_sink *sink, AddressSpace *as, hwaddr addr, unsigned size_max,
              const struct kvm_slots *slots);
/* Its parts. Returns: as above. */
int why_print_regions(struct memory_sink *sink, AddressSpace *as, hwaddr addr);
/* A line: the slot of an address, or why `range` there has none. NULL range: nothing is said. */
void why_print_slot(struct memory_sink *sink, const FlatRange *range, const struct kvm_slot *slot);
void why_print_accesses(struct memory_sink *sink, AddressSpace *as, hwaddr addr, unsigned size_max);
/* The widest access of each space. */
enum { WHY_MEMORY_SIZE_MAX = 8, WHY_IO_SIZE_MAX = 4 };

#endif
