/*
 * watch_layers.c - which overlays the watches want, and laying them. The watches' pages are swept
 * in ascending order into intervals with or without reads watched; what lies beneath cuts those
 * into pieces; pieces that have an overlay already keep it, all else changes in one transaction.
 *
 * When the map beneath an overlay changes, a ROM device could show memory that is not there any
 * more: the vCPUs are held from before the end of that commit until the loop has laid anew.
 */
#include "vmm/watch_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LAYER_PRIORITY = INT32_MAX };

/* Growing lists. */
struct pieces {
    struct watch_piece *items;
    size_t num, room;
};

/* A watch begins or ends to want a page. */
struct edge {
    uint64_t page;
    int reads, all; /* +1 or -1; reads: of those that watch reads */
};

static bool continues(const struct watch_piece *a, const struct watch_piece *b)
{
    return a->last + 1 == b->first && a->ram == b->ram && a->block == b->block &&
           (!a->block || a->block_offset + (a->last - a->first) + 1 == b->block_offset);
}

static int add_piece(struct pieces *pieces, const struct watch_piece *piece)
{
    struct watch_piece *items;
    size_t room = pieces->room ? 2 * pieces->room : 16;

    if (pieces->num > 0 && continues(&pieces->items[pieces->num - 1], piece)) {
        pieces->items[pieces->num - 1].last = piece->last;
        return 0;
    }
    if (pieces->num == pieces->room) {
        items = reallocarray(pieces->items, room, sizeof(*items));
        if (!items) {
            return -ENOMEM;
        }
        pieces->items = items;
        pieces->room = room;
    }
    pieces->items[pieces->num++] = *piece;
    return 0;
}

/* What lies beneath from `first` on: a piece of one kind, at most to `last`. Whole pages. */
static struct watch_piece beneath(const FlatView *view, hwaddr first, hwaddr last, bool slots)
{
    const FlatRange *range = flatview_at_or_after(view, first);
    struct watch_piece piece = {.first = first, .last = first + (WATCH_PAGE - 1)};
    bool whole = range && range->first <= first && range->last >= piece.last;
    hwaddr end;

    if (!whole) { /* a hole, or several things in a page */
        if (!range || range->first > piece.last) {
            end = range ? (range->first & ~(WATCH_PAGE - 1)) - 1 : UINT64_MAX;
            piece.last = end < last ? end : last;
        }
        return piece;
    }
    end = range->last == UINT64_MAX ? UINT64_MAX : ((range->last + 1) & ~(WATCH_PAGE - 1)) - 1;
    piece.last = end < last ? end : last;
    piece.ram = range->mr->kind == MEMORY_REGION_RAM;
    if (piece.ram && slots && !range->mr->ram_block->resizable) {
        uint64_t offset = range->offset_in_region + (first - range->first);

        if (offset % WATCH_PAGE == 0) {
            piece.block = range->mr->ram_block;
            piece.block_offset = offset;
        }
    }
    return piece;
}

static int add_pages(const FlatView *view, hwaddr first, hwaddr last, bool slots,
                     struct pieces *pieces)
{
    struct watch_piece piece;
    int ret;

    for (;;) {
        piece = beneath(view, first, last, slots);
        ret = add_piece(pieces, &piece);
        if (ret < 0 || piece.last == last) {
            return ret;
        }
        first = piece.last + 1;
    }
}

/* Whole pages, but for those that are spared. */
static int add_interval(const struct watch_set *set, const FlatView *view, hwaddr first,
                        hwaddr last, bool slots, struct pieces *pieces)
{
    size_t i;
    int ret = 0;

    for (i = 0; i < set->spared_num && ret == 0; i++) {
        hwaddr page = set->spared[i] * WATCH_PAGE;

        if (page < first || page > last) {
            continue;
        }
        if (page > first) {
            ret = add_pages(view, first, page - 1, slots, pieces);
        }
        if (last - page < WATCH_PAGE) {
            return ret;
        }
        first = page + WATCH_PAGE;
    }
    return ret < 0 ? ret : add_pages(view, first, last, slots, pieces);
}

static int by_page(const void *a, const void *b)
{
    const struct edge *left = a, *right = b;

    return left->page < right->page ? -1 : left->page > right->page;
}

/* @edges  two for each watch. */
static void list_edges(const struct watch_set *set, struct edge *edges)
{
    struct itree_node *node;

    for (node = itree_first(&set->watches); node; node = itree_next(node)) {
        int reads = (itree_entry(node, struct watch, node)->config.access & WATCH_READ) != 0;

        *edges++ = (struct edge){node->first / WATCH_PAGE, reads, 1};
        *edges++ = (struct edge){node->last / WATCH_PAGE + 1, -reads, -1};
    }
}

static int sweep(const struct watch_set *set, const FlatView *view, struct edge *edges,
                 struct pieces *pieces)
{
    bool one_cpu = !set->vcpus || set->vcpus->config.num == 1;
    size_t i, num = 2 * set->watches.num;
    int reads = 0, all = 0, ret = 0;

    list_edges(set, edges);
    qsort(edges, num, sizeof(*edges), by_page);
    for (i = 0; i < num && ret == 0; i++) {
        if (all > 0 && edges[i].page > edges[i - 1].page) {
            ret = add_interval(set, view, edges[i - 1].page * WATCH_PAGE,
                               (edges[i].page - 1) * WATCH_PAGE + (WATCH_PAGE - 1),
                               reads == 0 && one_cpu && set->readonly_slots, pieces);
        }
        reads += edges[i].reads;
        all += edges[i].all;
    }
    return ret;
}

static int want(struct watch_set *set, const FlatView *view, struct pieces *pieces)
{
    struct edge *edges;
    int ret;

    if (set->watches.num == 0) {
        return 0;
    }
    edges = calloc(2 * set->watches.num, sizeof(*edges));
    if (!edges) {
        return -ENOMEM;
    }
    ret = sweep(set, view, edges, pieces);
    free(edges);
    return ret;
}

static MemoryRegion *mounted(struct watch_layer *layer)
{
    return layer->piece.block ? &layer->alias : &layer->mr;
}

static void layer_destroy(MemoryRegion *mr)
{
    free(mr->destructor_opaque);
}

/* Both free the layer when they fail. */
static int init_rom(struct watch_layer *layer)
{
    const struct watch_piece *piece = &layer->piece;
    int ret = memory_region_init_rom_device(&layer->mr, NULL, &watch_layer_ops, layer, "watch",
                                            ram_block_ref(piece->block));

    if (ret < 0) {
        ram_block_unref(piece->block);
        free(layer);
        return ret;
    }
    memory_region_set_destructor(&layer->mr, layer_destroy, layer);
    layer->base = piece->first - piece->block_offset;
    memory_region_set_beneath(&layer->mr, &layer->set->unwatched, layer->base);
    ret = memory_region_init_alias(&layer->alias, NULL, "watch", &layer->mr, piece->block_offset,
                                   range_size(piece->first, piece->last));
    if (ret < 0) {
        memory_region_unref(&layer->mr);
    } else {
        memory_region_set_beneath(&layer->alias, &layer->set->unwatched, piece->first);
    }
    return ret;
}

static int init_io(struct watch_layer *layer)
{
    const struct watch_piece *piece = &layer->piece;
    int ret = memory_region_init_io(&layer->mr, layer->set->core, NULL, &watch_layer_ops, layer,
                                    "watch", range_size(piece->first, piece->last));

    if (ret < 0) {
        free(layer);
        return ret;
    }
    memory_region_set_destructor(&layer->mr, layer_destroy, layer);
    layer->base = piece->first;
    memory_region_set_beneath(&layer->mr, &layer->set->unwatched, layer->base);
    return 0;
}

static int layer_new(struct watch_set *set, const struct watch_piece *piece,
                     struct watch_layer **result)
{
    struct watch_layer *layer = calloc(1, sizeof(*layer));
    int ret;

    if (!layer) {
        return -ENOMEM;
    }
    layer->set = set;
    layer->piece = *piece;
    ret = piece->block ? init_rom(layer) : init_io(layer);
    *result = ret < 0 ? NULL : layer;
    return ret;
}

/* Our references; the storage goes when views and accesses have let go, too. */
static void layer_unref(struct watch_layer *layer)
{
    if (layer->piece.block) {
        memory_region_unref(&layer->alias);
    }
    memory_region_unref(&layer->mr);
}

static bool same(const struct watch_piece *a, const struct watch_piece *b)
{
    return a->first == b->first && a->last == b->last && a->block == b->block &&
           a->block_offset == b->block_offset && a->ram == b->ram;
}

static int mount(struct watch_set *set, struct watch_layer *layer)
{
    MemoryRegion *root = set->memory->root;
    int ret = set->lifted ? memory_region_set_enabled(mounted(layer), false) : 0;

    return ret < 0
               ? ret
               : memory_region_add_subregion_overlap(root, layer->piece.first - root->state.addr,
                                                     mounted(layer), LAYER_PRIORITY);
}

/* layers[] for pieces[]: those that there are where they fit, new ones elsewhere. */
static int choose(struct watch_set *set, const struct pieces *pieces, struct watch_layer **layers,
                  bool *kept)
{
    size_t i, j = 0;
    int ret = 0;

    for (i = 0; i < pieces->num && ret == 0; i++) {
        while (j < set->layer_num && set->layers[j]->piece.first < pieces->items[i].first) {
            j++;
        }
        if (j < set->layer_num && same(&set->layers[j]->piece, &pieces->items[i])) {
            layers[i] = set->layers[j];
            kept[j] = true;
        } else {
            ret = layer_new(set, &pieces->items[i], &layers[i]);
        }
    }
    return ret;
}

/* Mounts the new ones, after the old ones that are not kept went: all of it or nothing. */
static int change(struct watch_set *set, const struct pieces *pieces, struct watch_layer **layers,
                  const bool *kept)
{
    size_t i, j;
    int ret = 0;

    memory_region_transaction_begin(set->core);
    for (j = 0; j < set->layer_num && ret == 0; j++) {
        if (!kept[j]) {
            ret = memory_region_del_subregion(set->memory->root, mounted(set->layers[j]));
        }
    }
    for (i = 0; i < pieces->num && ret == 0; i++) {
        if (!layers[i]->laid) {
            ret = mount(set, layers[i]);
        }
    }
    if (ret < 0) {
        memory_region_transaction_abort(set->core);
        return ret;
    }
    return memory_region_transaction_commit(set->core);
}

static int transact(struct watch_set *set, const struct pieces *pieces)
{
    struct watch_layer **layers = calloc(pieces->num + 1, sizeof(struct watch_layer *));
    bool *kept = calloc(set->layer_num + 1, sizeof(*kept));
    size_t i;
    int ret = layers && kept ? 0 : -ENOMEM;

    if (ret == 0) {
        ret = choose(set, pieces, layers, kept);
        ret = ret < 0 ? ret : change(set, pieces, layers, kept);
        for (i = 0; ret < 0 && i < pieces->num; i++) {
            if (layers[i] && !layers[i]->laid) {
                layer_unref(layers[i]);
            }
        }
        for (i = 0; ret == 0 && i < set->layer_num; i++) {
            if (!kept[i]) {
                layer_unref(set->layers[i]);
            }
        }
    }
    if (ret == 0) {
        free(set->layers);
        set->layers = layers;
        set->layer_num = pieces->num;
        for (i = 0; i < pieces->num; i++) {
            layers[i]->laid = true;
        }
        layers = NULL;
    }
    free(layers);
    free(kept);
    return ret;
}

int watch_lay(struct watch_set *set)
{
    struct pieces pieces = {0};
    FlatView *view;
    int ret;

    memory_core_freeze(set->core);
    view = address_space_get_flatview(&set->unwatched);
    ret = want(set, view, &pieces);
    if (ret == 0) {
        ret = transact(set, &pieces);
    }
    memory_core_thaw(set->core);
    flatview_unref(view);
    free(pieces.items);
    return ret;
}

/* The index of the first that ends at or after an address; layer_num: none does. */
static size_t layer_from(const struct watch_set *set, hwaddr first)
{
    size_t lo = 0, hi = set->layer_num;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (set->layers[mid]->piece.last < first) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

bool watch_has_layer(const struct watch_set *set, hwaddr first, hwaddr last)
{
    size_t i = layer_from(set, first);

    return i < set->layer_num && set->layers[i]->piece.first <= last;
}

static int lift_pages(struct watch_set *set, const struct watch_pages *pages)
{
    unsigned i;
    int ret = 0;

    for (i = 0; i < pages->num && ret == 0; i++) {
        size_t at = layer_from(set, pages->first[i]);

        if (at < set->layer_num && set->layers[at]->piece.first <= pages->first[i]) {
            ret = memory_region_set_enabled(mounted(set->layers[at]), false);
        }
    }
    return ret;
}

static int set_all(struct watch_set *set, bool enabled)
{
    size_t i;
    int ret = 0;

    for (i = 0; i < set->layer_num && ret == 0; i++) {
        ret = memory_region_set_enabled(mounted(set->layers[i]), enabled);
    }
    return ret;
}

/* @ret  of the changes made. Returns: as watch_lift(). */
static int end_changes(struct watch_set *set, int ret, bool lifted)
{
    if (ret < 0) {
        memory_region_transaction_abort(set->core);
        return ret;
    }
    ret = memory_region_transaction_commit(set->core);
    if (ret == 0) {
        set->lifted = lifted;
    }
    return ret;
}

int watch_lift(struct watch_set *set, const struct watch_pages *pages)
{
    memory_region_transaction_begin(set->core);
    return end_changes(set, pages ? lift_pages(set, pages) : set_all(set, false), true);
}

int watch_lower(struct watch_set *set)
{
    memory_region_transaction_begin(set->core);
    return end_changes(set, set_all(set, true), false);
}

static bool any_under(const struct watch_set *set, const MemoryRegionSection *sections, size_t num)
{
    size_t i;

    for (i = 0; i < num; i++) {
        if (watch_has_layer(set, sections[i].offset_within_address_space, sections[i].last)) {
            return true;
        }
    }
    return false;
}

static bool concerns(const struct watch_set *set, const MemoryCommit *commit)
{
    return any_under(set, commit->del, commit->del_num) ||
           any_under(set, commit->add, commit->add_num);
}

int watch_layers_prepare(MemoryListener *listener, MemoryCommit *commit)
{
    commit->park |= concerns(listener->opaque, commit);
    return 0;
}

void watch_layers_cancel(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener;
    (void)commit;
}

static void relay(void *opaque)
{
    struct watch_set *set = opaque;
    int ret;

    memory_core_freeze(set->core);
    set->relay_pending = false;
    memory_core_thaw(set->core);
    ret = watch_lay(set);
    if (ret < 0) {
        set->failed(set->opaque, -ret);
    }
    vcpu_group_unpark(set->vcpus);
}

void watch_layers_commit(MemoryListener *listener, const MemoryCommit *commit)
{
    struct watch_set *set = listener->opaque;

    if (set->vcpus && !set->relay_pending && concerns(set, commit)) {
        set->relay_pending = true;
        vcpu_group_hold(set->vcpus);
        set->relay = (struct loop_work){.run = relay, .opaque = set};
        loop_post(set->loop, &set->relay);
    }
}
