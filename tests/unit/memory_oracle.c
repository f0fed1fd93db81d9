/*
 * No clipping and no painting: a region answers at an address when every region on the way down
 * covers that address. That is what makes it slow, and easy to believe.
 */
#include "tests/unit/memory_oracle.h"

#include <stdlib.h>

typedef __int128 wide;

enum { EDGES_MAX = 1 << 15 };

/* What has been gathered on the way down. `base` is where the container's offset 0 lies. */
struct way {
    wide base;
    uint64_t path;
    bool readonly, nonvolatile, unmergeable;
};

struct edges {
    uint64_t at[EDGES_MAX];
    size_t num;
    bool overflow;
};

static wide size_of(const struct oracle_region *region)
{
    return region->size == UINT64_MAX ? (wide)1 << 64 : (wide)region->size;
}

bool oracle_has_ram(enum oracle_kind kind)
{
    return kind == ORACLE_RAM || kind == ORACLE_ROM || kind == ORACLE_ROM_DEVICE ||
           kind == ORACLE_RAM_DEVICE;
}

static bool answers_itself(enum oracle_kind kind)
{
    return kind == ORACLE_IO || kind == ORACLE_RESERVATION || kind == ORACLE_IOMMU ||
           oracle_has_ram(kind);
}

/* One step down: into region `index`, whose place is relative to way->base. */
static struct way enter(const struct oracle *oracle, int index, struct way way)
{
    const struct oracle_region *region = &oracle->regions[index];

    way.base += region->addr;
    way.path = way.path * 31 + (uint64_t)index + 1;
    way.readonly |= region->readonly;
    way.nonvolatile |= region->nonvolatile;
    way.unmergeable |= region->unmergeable;
    return way;
}

/* From an alias to its target, whose own place must not count. */
static struct way through(const struct oracle *oracle, const struct oracle_region *alias,
                          struct way way)
{
    way.base -= (wide)oracle->regions[alias->target].addr + alias->alias_offset;
    return way;
}

/* The children of `index` from the strongest to the weakest. */
static int children_of(const struct oracle *oracle, int index, int children[ORACLE_REGIONS])
{
    int num = 0;

    for (int i = 0; i < ORACLE_REGIONS; i++) {
        const struct oracle_region *child = &oracle->regions[i];
        int at;

        if (child->kind == ORACLE_NONE || child->container != index) {
            continue;
        }
        for (at = num++; at > 0; at--) {
            const struct oracle_region *other = &oracle->regions[children[at - 1]];

            if (other->priority > child->priority ||
                (other->priority == child->priority && other->seq > child->seq)) {
                break;
            }
            children[at] = children[at - 1];
        }
        children[at] = i;
    }
    return num;
}

static void answer_as(const struct oracle *oracle, int index, const struct way *way, uint64_t addr,
                      struct oracle_range *answer)
{
    const struct oracle_region *region = &oracle->regions[index];

    *answer = (struct oracle_range){
        .first = addr,
        .last = addr,
        .region = index,
        .offset = (uint64_t)((wide)addr - way->base),
        .path = way->path,
        .romd = region->kind == ORACLE_ROM_DEVICE && region->romd,
        .readonly = way->readonly && oracle_has_ram(region->kind),
        .nonvolatile = way->nonvolatile,
        .unmergeable = way->unmergeable,
    };
    for (unsigned client = 0; client < ORACLE_CLIENTS; client++) {
        if (region->log_count[client]) {
            answer->dirty_log_mask |= (uint8_t)(1U << client);
        }
    }
    if (oracle->log_all > 0 && oracle_has_ram(region->kind)) {
        answer->dirty_log_mask |= 1U << ORACLE_LOG_ALL;
    }
}

static bool ask(const struct oracle *oracle, int index, struct way way, uint64_t addr,
                struct oracle_range *answer)
{
    const struct oracle_region *region = &oracle->regions[index];
    int children[ORACLE_REGIONS];

    way = enter(oracle, index, way);
    if (!region->enabled || addr < way.base || addr >= way.base + size_of(region)) {
        return false;
    }
    if (region->kind == ORACLE_ALIAS) {
        return ask(oracle, region->target, through(oracle, region, way), addr, answer);
    }
    int num = children_of(oracle, index, children);
    for (int i = 0; i < num; i++) {
        if (ask(oracle, children[i], way, addr, answer)) {
            return true;
        }
    }
    if (!answers_itself(region->kind)) {
        return false;
    }
    answer_as(oracle, index, &way, addr, answer);
    return true;
}

bool oracle_lookup(const struct oracle *oracle, int root, uint64_t addr,
                   struct oracle_range *answer)
{
    return ask(oracle, root, (struct way){0}, addr, answer);
}

static void add_edge(struct edges *edges, wide at)
{
    if (at <= 0 || at > UINT64_MAX) {
        return;
    }
    if (edges->num == EDGES_MAX) {
        edges->overflow = true;
        return;
    }
    edges->at[edges->num++] = (uint64_t)at;
}

static void gather(const struct oracle *oracle, int index, struct way way, struct edges *edges)
{
    const struct oracle_region *region = &oracle->regions[index];

    way = enter(oracle, index, way);
    if (!region->enabled || edges->overflow) {
        return;
    }
    add_edge(edges, way.base);
    add_edge(edges, way.base + size_of(region));
    if (region->kind == ORACLE_ALIAS) {
        gather(oracle, region->target, through(oracle, region, way), edges);
        return;
    }
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        if (oracle->regions[i].kind != ORACLE_NONE && oracle->regions[i].container == index) {
            gather(oracle, i, way, edges);
        }
    }
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* What would be one range; an uninterrupted piece of one region seen one way is one range anyhow.
 */
static bool joins(const struct oracle_range *low, const struct oracle_range *high)
{
    if (low->last + 1 != high->first || low->region != high->region ||
        low->offset + (low->last - low->first) + 1 != high->offset) {
        return false;
    }
    if (low->path == high->path) {
        return true;
    }
    return low->dirty_log_mask == high->dirty_log_mask && low->romd == high->romd &&
           low->readonly == high->readonly && low->nonvolatile == high->nonvolatile &&
           !low->unmergeable && !high->unmergeable;
}

size_t oracle_render(const struct oracle *oracle, int root, struct oracle_range *ranges)
{
    struct edges *edges = calloc(1, sizeof(*edges));
    size_t num = 0;

    if (edges == NULL) {
        return SIZE_MAX;
    }
    edges->at[edges->num++] = 0;
    gather(oracle, root, (struct way){0}, edges);
    qsort(edges->at, edges->num, sizeof(edges->at[0]), compare);
    for (size_t i = 0; i < edges->num && num != SIZE_MAX; i++) {
        struct oracle_range piece;

        if (i + 1 < edges->num && edges->at[i] == edges->at[i + 1]) {
            continue;
        }
        if (!oracle_lookup(oracle, root, edges->at[i], &piece)) {
            continue;
        }
        piece.last = i + 1 < edges->num ? edges->at[i + 1] - 1 : UINT64_MAX;
        if (num > 0 && joins(&ranges[num - 1], &piece)) {
            ranges[num - 1].last = piece.last;
            ranges[num - 1].path = piece.path;
        } else if (num == ORACLE_RANGES) {
            num = SIZE_MAX;
        } else {
            ranges[num++] = piece;
        }
    }
    num = edges->overflow ? SIZE_MAX : num;
    free(edges);
    return num;
}

bool oracle_reaches(const struct oracle *oracle, int from, int to)
{
    if (from == to) {
        return true;
    }
    if (oracle->regions[from].kind == ORACLE_ALIAS) {
        return oracle_reaches(oracle, oracle->regions[from].target, to);
    }
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        if (oracle->regions[i].kind != ORACLE_NONE && oracle->regions[i].container == from &&
            oracle_reaches(oracle, i, to)) {
            return true;
        }
    }
    return false;
}
