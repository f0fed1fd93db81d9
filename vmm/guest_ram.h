/*
 * guest_ram.h - the memory that an address space shows, as host memory, for who writes it to files.
 *
 * RAM, ROM and ROM devices that read directly; RAM devices are not among it, since each of their
 * bytes may be a register. Where an overlay lies (region.h), what it hides is taken.
 */
#ifndef ACRE_VMM_GUEST_RAM_H
#define ACRE_VMM_GUEST_RAM_H

#include "memory/memory.h"

struct guest_ram_range {
    hwaddr first, last;
    const uint8_t *host; /* of `first` */
};

enum { GUEST_RAM_VIEWS_MAX = 4 };

/* Ascending, apart; those that follow each other in host memory as well are one. */
struct guest_ram {
    struct guest_ram_range *ranges;
    size_t num;
    /* private */
    size_t room;
    AddressSpace *spaces[GUEST_RAM_VIEWS_MAX];
    FlatView *views[GUEST_RAM_VIEWS_MAX]; /* theirs; they keep the host memory */
    size_t view_num;
};

/*
 * @first, @last  what lies outside is left out, ranges are cut.
 * Returns: 0; -ENOMEM, with nothing left to undo; -E2BIG overlays in overlays.
 * Context: registered thread.
 */
int guest_ram_init(struct guest_ram *ram, AddressSpace *as, hwaddr first, hwaddr last)
    __attribute__((warn_unused_result));
void guest_ram_finish(struct guest_ram *ram);

/* The range at `addr`, or the first behind it, or NULL. Cost: O(log n). */
const struct guest_ram_range *guest_ram_at_or_after(const struct guest_ram *ram, hwaddr addr);

#endif
