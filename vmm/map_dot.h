/*
 * map_dot.h - the memory map as a graph for graphviz: regions with what they hold (solid) and what
 * aliases show (dashed), flat ranges with the region that answers, slots with the ranges they back.
 *
 * Context: any thread registered with memory_thread_register(); the core lock is taken inside.
 * Source: The DOT Language, graphviz.org/doc/info/lang.html.
 */
#ifndef ACRE_VMM_MAP_DOT_H
#define ACRE_VMM_MAP_DOT_H

#include "memory/memory.h"
#include "vmm/kvm_slots.h"

/*
 * @memory  the space that the slots are of.
 * Returns: 0; -ENOMEM. The map must not change meanwhile.
 */
int map_dot(struct memory_core *core, AddressSpace *memory, const struct kvm_slots *slots,
            struct memory_sink *sink) __attribute__((warn_unused_result));

#endif
