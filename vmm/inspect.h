/*
 * inspect.h - a board's map without KVM: slots are worked out by the code of a run, and a function
 * that agrees to everything stands in for the kernel.
 *
 * Context: one thread, registered by inspect_open() and until inspect_close().
 */
#ifndef ACRE_VMM_INSPECT_H
#define ACRE_VMM_INSPECT_H

#include "vmm/board.h"
#include "vmm/kvm_slots.h"
#include "vmm/options.h"

struct inspect {
    struct board *board;
    struct memory_core core;
    struct kvm kvm;
    struct kvm_slots slots;
    bool built, has_slots; /* private */
};

/*
 * Opens the board that the options name, builds it, and plans its slots.
 * Returns: 0; -errno, err says what; then nothing is left.
 */
int inspect_open(struct inspect *inspect, const struct run_options *options, struct error *err)
    __attribute__((warn_unused_result));
void inspect_close(struct inspect *inspect);

#endif
