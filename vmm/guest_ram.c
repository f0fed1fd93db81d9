/*
 * guest_ram.c - one walk over the flat view, which goes on below wherever an overlay is.
 */
#include "vmm/guest_ram.h"

#include <errno.h>
#include <stdlib.h>

static int append(struct guest_ram *ram, const struct guest_ram_range *range)
{
    struct guest_ram_range *before = ram->num > 0 ? &ram->ranges[ram->num - 1] : NULL, *ranges;
    size_t room = ram->room ? 2 * ram->room : 16;

    if (before && before->last + 1 == range->first &&
        before->host + (before->last - before->first) + 1 == range->host) {
        before->last = range->last;
        return 0;
    }
    if (ram->num == ram->room) {
        ranges = reallocarray(ram->ranges, room, sizeof(*ranges));
        if (!ranges) {
            return -ENOMEM;
        }
        ram->ranges = ranges;
        ram->room = room;
    }
    ram->ranges[ram->num++] = *range;
    return 0;
}

/* The view that was taken of a space, or NULL when there are too many. */
static const FlatView *view_of(struct guest_ram *ram, AddressSpace *as)
{
    size_t i;

    for (i = 0; i < ram->view_num; i++) {
        if (ram->spaces[i] == as) {
            return ram->views[i];
        }
    }
    if (i == GUEST_RAM_VIEWS_MAX) {
        return NULL;
    }
    ram->spaces[i] = as;
    ram->views[i] = address_space_get_flatview(as);
    ram->view_num++;
    return ram->views[i];
}

/* A part of a space. */
struct part {
    AddressSpace *as;
    hwaddr first, last;
    hwaddr shift;   /* what to add to an address in `as` for the guest's, modulo 2^64 */
    unsigned depth; /* in overlays */
};

static int collect(struct guest_ram *ram, const struct part *part);

/* What of [from, to] of the range is memory. */
static int collect_range(struct guest_ram *ram, const struct part *part, const FlatRange *range,
                         hwaddr from, hwaddr to)
{
    const MemoryRegionSection section = flat_range_section(part->as, NULL, range);
    hwaddr into = from - range->first;
    bool readonly;

    if (range->mr->kind != MEMORY_REGION_RAM_DEVICE &&
        memory_section_is_slot(&section, &readonly)) {
        const uint8_t *host = memory_section_host(&section);
        const struct guest_ram_range found = {from + part->shift, to + part->shift, host + into};

        return append(ram, &found);
    }
    if (range->mr->beneath) {
        hwaddr below = range->offset_in_region + into + range->mr->beneath_offset;
        const struct part under = {range->mr->beneath, below, below + (to - from),
                                   from + part->shift - below, part->depth + 1};

        return collect(ram, &under);
    }
    return 0;
}

static int collect(struct guest_ram *ram, const struct part *part)
{
    const FlatView *view = part->depth < GUEST_RAM_VIEWS_MAX ? view_of(ram, part->as) : NULL;
    const FlatRange *range = view ? flatview_at_or_after(view, part->first) : NULL;
    int ret = view ? 0 : -E2BIG;

    while (range && range->first <= part->last && ret == 0) {
        ret =
            collect_range(ram, part, range, range->first < part->first ? part->first : range->first,
                          range->last > part->last ? part->last : range->last);
        range = range->last == UINT64_MAX ? NULL : flatview_at_or_after(view, range->last + 1);
    }
    return ret;
}

int guest_ram_init(struct guest_ram *ram, AddressSpace *as, hwaddr first, hwaddr last)
{
    const struct part whole = {.as = as, .first = first, .last = last};
    int ret;

    *ram = (struct guest_ram){.num = 0};
    ret = collect(ram, &whole);
    if (ret < 0) {
        guest_ram_finish(ram);
    }
    return ret;
}

void guest_ram_finish(struct guest_ram *ram)
{
    while (ram->view_num > 0) {
        flatview_unref(ram->views[--ram->view_num]);
    }
    free(ram->ranges);
    *ram = (struct guest_ram){.num = 0};
}

const struct guest_ram_range *guest_ram_at_or_after(const struct guest_ram *ram, hwaddr addr)
{
    size_t low = 0, high = ram->num;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ram->ranges[middle].last < addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ram->num ? &ram->ranges[low] : NULL;
}
