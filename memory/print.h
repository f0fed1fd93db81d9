/*
 * print.h - the memory map as text, in the layout of QEMU's `info mtree` and `info mtree -f`.
 *
 * What differs from QEMU (defects of its listing): children of disabled regions are not shown as
 * live, `rom` says the effective read-only state.
 *
 * Context: any thread; the core lock is held meanwhile, so a sink must not edit the map.
 */
#ifndef ACRE_MEMORY_PRINT_H
#define ACRE_MEMORY_PRINT_H

#include "memory/core.h"

/* Where text goes. `write` gets pieces of any length, no NUL. */
struct memory_sink {
    void (*write)(void *opaque, const char *text, size_t len);
    void *opaque;
};

enum {
    MEMORY_PRINT_DISABLED = 1 << 0, /* disabled regions too, marked (info mtree -D) */
    MEMORY_PRINT_OWNER = 1 << 1,    /* owners (-o) */
};

/* The region trees of all address spaces, then the targets of aliases. */
void memory_print_tree(struct memory_core *core, struct memory_sink *sink, unsigned flags);

/*
 * Every flat view.
 * @note  may be NULL; else it is called for each range and may write what follows the line's
 *        name (the KVM slot that backs it, say).
 */
void memory_print_flat(struct memory_core *core, struct memory_sink *sink,
                       void (*note)(void *opaque, AddressSpace *as, const FlatRange *range,
                                    struct memory_sink *sink),
                       void *opaque);

/* `ram`, `rom`, `romd`, `ramd` or `i/o`, with `nv-` before: the word listings use. */
const char *memory_region_type_name(const MemoryRegion *mr, bool readonly, bool nonvolatile);

/* printf into a sink; lines longer than 1 KiB are cut. */
void memory_sink_printf(struct memory_sink *sink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
