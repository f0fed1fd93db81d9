/* explain_check.c - one winner, or none, and never another. */
#include "tests/unit/explain_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct heard {
    unsigned winners;
    MemoryExplainStep winner;
    bool misplaced; /* a step that does not hold the address */
};

static void hear(void *opaque, const MemoryExplainStep *step)
{
    struct heard *heard = opaque;

    if (step->state == MEMORY_EXPLAIN_WINS) {
        heard->winners++;
        heard->winner = *step;
    }
    heard->misplaced |= step->offset > range_last(0, step->mr->state.size);
}

bool explain_agrees_at(AddressSpace *as, const FlatView *view, hwaddr addr, char *why,
                       size_t why_size)
{
    const FlatRange *range = flatview_lookup(view, addr);
    struct heard heard = {0};
    int ret = memory_explain(as, addr, hear, &heard);

    if (ret == -E2BIG || ret == -ENOMEM) {
        return true;
    }
    if (ret == 0 && !heard.misplaced && heard.winners == (range ? 1 : 0) &&
        (!range || (heard.winner.mr == range->mr &&
                    heard.winner.offset == range->offset_in_region + (addr - range->first) &&
                    (heard.winner.readonly && range->mr->ram_block) == range->readonly))) {
        return true;
    }
    (void)snprintf(why, why_size,
                   "at %" PRIx64 ": the view shows %s@%" PRIx64
                   ", of %u winners one is %s@%" PRIx64,
                   addr, range ? range->mr->name : "nothing",
                   range ? range->offset_in_region + (addr - range->first) : 0, heard.winners,
                   heard.winners ? heard.winner.mr->name : "nothing", heard.winner.offset);
    return false;
}

bool explain_agrees(AddressSpace *as, char *why, size_t why_size)
{
    FlatView *view = address_space_get_flatview(as);
    const FlatRange *range = flatview_at_or_after(view, 0);
    bool agrees = explain_agrees_at(as, view, 0, why, why_size) &&
                  explain_agrees_at(as, view, UINT64_MAX, why, why_size);

    while (agrees && range) {
        agrees = explain_agrees_at(as, view, range->first, why, why_size) &&
                 explain_agrees_at(as, view, range->last, why, why_size) &&
                 explain_agrees_at(as, view, range->first - 1, why, why_size) &&
                 explain_agrees_at(as, view, range->last + 1, why, why_size);
        range = range->last == UINT64_MAX ? NULL : flatview_at_or_after(view, range->last + 1);
    }
    flatview_unref(view);
    return agrees;
}
