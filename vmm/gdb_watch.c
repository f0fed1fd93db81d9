/*
 * gdb_watch.c - inserting and removing: what debug registers and stepping can do is a line in a
 * list.
 */
#include "vmm/gdb.h"

#include <errno.h>

int gdb_watch_insert(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size)
{
    struct gdb *gdb = opaque;

    if (gdb_break_is_watch(kind) && !gdb_breaks_fits(&gdb->means, kind, addr, size)) {
        return -EOPNOTSUPP;
    }
    if (!gdb_break_is_watch(kind) && !gdb->means.execute && !gdb->means.step) {
        return -EOPNOTSUPP;
    }
    if (gdb_breaks_find(&gdb->breaks, kind, addr, size)) {
        return 0; /* to insert it again is allowed and does nothing */
    }
    return gdb_breaks_add(&gdb->breaks, kind, addr, size) ? 0 : -ENOSPC;
}

int gdb_watch_remove(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size)
{
    struct gdb *gdb = opaque;
    struct gdb_breakpoint *one = gdb_breaks_find(&gdb->breaks, kind, addr, size);

    if (one) {
        gdb_breaks_remove(&gdb->breaks, one);
    }
    return 0;
}

void gdb_watch_remove_all(struct gdb *gdb)
{
    while (gdb->breaks.num > 0) {
        gdb_breaks_remove(&gdb->breaks, &gdb->breaks.list[gdb->breaks.num - 1]);
    }
}
