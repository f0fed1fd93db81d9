/*
 * core_map.c - page tables by walking one address after the other: each walk says how far what it
 * found reaches, be it a page or an entry that is not present, and the next begins behind it.
 */
#include "vmm/core_map.h"

#include <errno.h>
#include <stdlib.h>

enum { WALKS_MAX = 1 << 22 };

static int append(struct core_map *map, const struct core_mapping *mapping)
{
    struct core_mapping *mappings;
    size_t room = map->room ? 2 * map->room : 64;

    if (map->num == CORE_MAPPINGS_MAX) {
        return -E2BIG;
    }
    if (map->num == map->room) {
        mappings = reallocarray(map->mappings, room, sizeof(*mappings));
        if (!mappings) {
            return -ENOMEM;
        }
        map->mappings = mappings;
        map->room = room;
    }
    map->mappings[map->num++] = *mapping;
    return 0;
}

int core_map_physical(struct core_map *map, const struct guest_ram *ram, uint64_t offset)
{
    size_t i;
    int ret = 0;

    for (i = 0; i < ram->num && ret == 0; i++) {
        const struct guest_ram_range *range = &ram->ranges[i];
        const struct core_mapping mapping = {
            .vaddr = offset + range->first,
            .paddr = range->first,
            .size = range->last - range->first + 1,
        };

        ret = append(map, &mapping);
    }
    return ret;
}

/* What of a mapped page, or of several in a row, is RAM. */
static int add_page(struct core_map *map, const struct guest_ram *ram,
                    const struct core_mapping *page)
{
    hwaddr last = page->paddr + (page->size - 1);
    const struct guest_ram_range *range = guest_ram_at_or_after(ram, page->paddr);
    int ret = 0;

    while (range && range->first <= last && ret == 0) {
        hwaddr first = range->first < page->paddr ? page->paddr : range->first;
        hwaddr end = range->last > last ? last : range->last;
        const struct core_mapping piece = {
            .vaddr = page->vaddr + (first - page->paddr), .paddr = first, .size = end - first + 1};

        ret = append(map, &piece);
        range = end == last ? NULL : guest_ram_at_or_after(ram, end + 1);
    }
    return ret;
}

/* How many address bits the last entry that was read stands for. */
static unsigned entry_bits(const struct x86_walk *walk)
{
    static const unsigned char bits[][X86_WALK_LEVEL_MAX] = {
        [X86_PAGING_32BIT] = {22, 12},
        [X86_PAGING_PAE] = {30, 21, 12},
        [X86_PAGING_4LEVEL] = {39, 30, 21, 12},
        [X86_PAGING_5LEVEL] = {48, 39, 30, 21, 12},
    };

    return bits[walk->mode][walk->level_num - 1];
}

/* The last address for which the walk's answer holds; true when there is none behind it. */
static bool answer_ends(const struct x86_walk *walk, uint64_t addr, uint64_t *last)
{
    switch (walk->result) {
    case X86_WALK_OK:
        *last = addr | (walk->page_size - 1);
        break;
    case X86_WALK_NON_CANONICAL: /* one hole in the middle: up to the negative half */
        *last = (walk->mode == X86_PAGING_5LEVEL ? UINT64_MAX << 56 : UINT64_MAX << 47) - 1;
        break;
    case X86_WALK_TOO_LARGE:
        return true;
    case X86_WALK_NOT_PRESENT:
    case X86_WALK_RESERVED:
    case X86_WALK_NO_MEMORY:
        *last = addr | ((UINT64_C(1) << entry_bits(walk)) - 1);
        break;
    }
    return *last == UINT64_MAX;
}

int core_map_paging(struct core_map *map, const struct guest_ram *ram,
                    const struct vcpu_paging *paging, AddressSpace *memory)
{
    struct core_mapping run = {.size = 0};
    uint64_t addr = 0, last = 0;
    unsigned walks;
    bool end = false;
    int ret = 0;

    for (walks = 0; !end && ret == 0; walks++, addr = last + 1) {
        struct x86_walk walk;

        if (walks == WALKS_MAX) {
            return -E2BIG;
        }
        vcpu_paging_walk(paging, memory, addr, &walk);
        end = answer_ends(&walk, addr, &last);
        if (walk.result == X86_WALK_OK && run.size > 0 && addr == run.vaddr + run.size &&
            walk.gpa == run.paddr + run.size) {
            run.size += walk.page_size;
        } else if (walk.result == X86_WALK_OK) {
            ret = run.size > 0 ? add_page(map, ram, &run) : 0;
            run = (struct core_mapping){addr, walk.gpa, walk.page_size};
        }
    }
    return ret == 0 && run.size > 0 ? add_page(map, ram, &run) : ret;
}

void core_map_finish(struct core_map *map)
{
    free(map->mappings);
    *map = (struct core_map){.num = 0};
}
