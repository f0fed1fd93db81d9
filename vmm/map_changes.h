/*
 * map_changes.h - the last changes of the memory map, for reports of how a run ended.
 *
 * Listens to both address spaces and keeps the last MAP_CHANGES_LEN commits that changed what one
 * of them shows: a ring, written in a commit's last callback. Cost of a commit: some 100 bytes
 * copied.
 */
#ifndef ACRE_VMM_MAP_CHANGES_H
#define ACRE_VMM_MAP_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/memory.h"

enum { MAP_CHANGES_LEN = 16 /* a power of two */, MAP_CHANGES_NAME_SIZE = 40 };

struct map_change {
    uint64_t number;                    /* of the change, 1.. */
    bool io;                            /* of ports; else of memory */
    const char *cause;                  /* the setter's name; NULL: not known */
    char region[MAP_CHANGES_NAME_SIZE]; /* that it was called for */
    uint32_t removed, added;            /* flat ranges */
    hwaddr first, last;                 /* from the first to the last that changed */
};

struct map_changes {
    /* private */
    MemoryListener memory, io;
    bool listening; /* else a registration replays the map */
    uint64_t num;   /* ever */
    struct map_change ring[MAP_CHANGES_LEN];
};

/* Returns: 0; -errno of the registration, and nothing is left. */
int map_changes_start(struct map_changes *changes, AddressSpace *memory, AddressSpace *io)
    __attribute__((warn_unused_result));
/* Accepts one that never started. */
void map_changes_stop(struct map_changes *changes);

/*
 * The last changes, the oldest first; `changes` has room for MAP_CHANGES_LEN.
 * Returns: how many. Context: no commit runs.
 */
size_t map_changes_read(const struct map_changes *changes, struct map_change *out);

#endif
