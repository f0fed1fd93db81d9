/*
 * debug.h - `--debug` and `acre inspect`: the region tree, the flat view, the slots, and what each
 * commit does, as text.
 */
#ifndef ACRE_VMM_DEBUG_H
#define ACRE_VMM_DEBUG_H

#include "memory/memory.h"
#include "vmm/kvm_slots.h"

/* Text on its way to a descriptor: few write(2) calls. */
struct debug_text {
    struct memory_sink sink; /* what printers write to */
    int fd;
    int error; /* errno of the first write that failed; what comes later is dropped */
    size_t used;
    char text[2048];
};

void debug_text_init(struct debug_text *out, int fd);
/* Writes what waits. Returns: 0; -errno of the first write that failed since init. */
int debug_text_flush(struct debug_text *out);

struct debug_config {
    unsigned what; /* enum debug_what of options.h */
    int fd;        /* where to; the caller's */
    /* Host addresses change with every run: show block and offset instead. */
    bool stable;
    struct memory_core *core;
    AddressSpace *memory, *io;
    const struct kvm_slots *slots;
};

struct debug {
    /* private */
    struct debug_config config;
    struct debug_text out;
    MemoryListener listeners[2]; /* memory, I/O */
    unsigned commit_num;
    bool built; /* what is told now stood before */
};

/*
 * Prints what stands, and from here on every commit if that was asked for.
 * Returns: 0; -errno of registering with the address spaces.
 * Context: where no commit can run.
 */
int debug_start(struct debug *debug, const struct debug_config *config)
    __attribute__((warn_unused_result));
/* Accepts a zeroed one. */
void debug_finish(struct debug *debug);

#endif
