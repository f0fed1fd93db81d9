/*
 * pagemap.h - where a page of this process lies in the host's memory, as /proc/self/pagemap says.
 *
 * The kernel tells frame numbers to who had CAP_SYS_ADMIN when the file was opened; it has to be
 * opened before privileges are dropped.
 *
 * Context: any thread; nothing changes after opening.
 * Source: Linux Documentation/admin-guide/mm/pagemap.rst.
 */
#ifndef ACRE_VMM_PAGEMAP_H
#define ACRE_VMM_PAGEMAP_H

#include <stdint.h>

struct pagemap {
    int fd;         /* -1: could not be opened */
    int open_errno; /* why not */
};

enum pagemap_state {
    PAGEMAP_PRESENT,    /* hpa says where */
    PAGEMAP_HIDDEN,     /* present; where is not for us to know */
    PAGEMAP_SWAPPED,    /* or being moved */
    PAGEMAP_ABSENT,     /* not touched yet */
    PAGEMAP_UNREADABLE, /* err_no says why */
    PAGEMAP_CLOSED,     /* nobody asked for it to be opened */
};

struct pagemap_page {
    enum pagemap_state state;
    uint64_t hpa; /* of the byte asked for */
    int err_no;
};

/* Opens it. That it cannot be is no failure, but an answer to every question later. */
void pagemap_open(struct pagemap *pagemap);
void pagemap_close(struct pagemap *pagemap);

/*
 * @pagemap  NULL: not opened.
 * Cost: one read.
 */
struct pagemap_page pagemap_look(const struct pagemap *pagemap, uint64_t hva);

/* "present", "hidden", "swapped", "absent", "unreadable", "closed". */
const char *pagemap_state_name(enum pagemap_state state);
/* A line for a person of what is not PAGEMAP_PRESENT. */
const char *pagemap_why(const struct pagemap_page *page);

#endif
