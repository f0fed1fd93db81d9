/*
 * watch_user.h - watchpoints as a user sees them: numbered, written as GPA[:LEN][:r|w|rw], each hit
 * a line on stderr and a QMP event ACRE_WATCH; and ACRE_WATCH_LOST for a page that cannot be
 * watched any longer.
 *
 * - ACRE_WATCH: {"id", "gpa", "size", "write", "stepped", "dma", "value"}, and where they apply
 *   "old-value", "ignored" (true: nothing took the write), "cpu", "rip" or "next-rip", "symbol",
 * "vector" (of the interrupt or exception whose frame it is part of), "dropped" (events before it
 * that were left out)
 * - ACRE_WATCH_LOST: {"id", "page", "cpu", "what"}
 * Addresses and values are strings "0x...".
 *
 * Both are limited: lines as log.h says, events to EVENTS_PER_SECOND; what is left out is counted.
 * Names of RIPs come from the kernel's symbols (watch_service.c).
 *
 * Context: the loop's thread, or before the vCPUs start, but where said.
 */
#ifndef ACRE_VMM_WATCH_USER_H
#define ACRE_VMM_WATCH_USER_H

#include "vmm/symbols.h"
#include "vmm/watch.h"

enum { WATCH_LEN_DEFAULT = 8 };

struct watch_place {
    hwaddr gpa;
    uint64_t len;    /* bytes */
    unsigned access; /* enum watch_access, OR-ed */
};

/* One of those that there are. */
struct watch_listed {
    unsigned id; /* 1.. */
    struct watch_place place;
    uint64_t hits;
    bool partial; /* some page of it is not watched: see watch_config.lost */
};

/*
 * "0x1000", "4096:4", "0x1000:w", "0x1000:4:rw"; without LEN 8 bytes, without letters both.
 * Returns: 0; -EINVAL with err filled. Context: any thread.
 */
int watch_parse(const char *text, struct watch_place *place, struct error *err)
    __attribute__((warn_unused_result));
/* "r", "w" or "rw". */
const char *watch_access_name(unsigned access);

/* Returns: 0 with *id; as watch_add(). */
int watch_user_add(struct machine *machine, const struct watch_place *place, unsigned *id,
                   struct error *err) __attribute__((warn_unused_result));
/* Returns: 0; -ENOENT there is no such watch. */
int watch_user_del(struct machine *machine, unsigned id, struct error *err)
    __attribute__((warn_unused_result));
/* In order of their numbers. */
void watch_user_each(struct machine *machine,
                     void (*each)(void *opaque, const struct watch_listed *listed), void *opaque);

/*
 * Where names come from: called once, before the first watch is added. Takes the table over.
 * Returns: NULL when there is none.
 */
int watch_user_set_symbols(struct machine *machine, struct symbols *(*load)(void *opaque),
                           void *opaque) __attribute__((warn_unused_result));
/* Says how often each was hit, and how many lines were left out. */
void watch_user_sum_up(struct machine *machine);
/* Before watch_finish(). Accepts a machine that never had one. */
void watch_user_finish(struct machine *machine);

/* One hit as a line, without the number of the watch. @symbols  may be NULL. */
void watch_hit_text(const struct watch_hit *hit, const struct symbols *symbols, char *text,
                    size_t size);

#endif
