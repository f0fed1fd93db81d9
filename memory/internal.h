/*
 * internal.h - what the files of memory/ share and nobody else sees.
 *
 * Reading order: setters.c edits the tree (windows.c notes what may have changed, undo.c how it
 * was), transaction.c commits, render.c draws the dirty windows into an edit of the B+ tree
 * (fvtree.c), plan.c compares old and new, listener.c tells, view.c publishes and reclaims;
 * dispatch.c and access.c serve accesses.
 */
#ifndef ACRE_MEMORY_INTERNAL_H
#define ACRE_MEMORY_INTERNAL_H

#include <errno.h>

#include "memory/memory.h"
#include "memory/rcu.h"

/* ---- allocation: every one of a commit goes through here, so that tests can fail each ---------
 */

void *memory_alloc(struct memory_core *core, size_t size); /* zeroed; NULL: none left */

/* Grows a dynamic array by one; NULL when out of memory (the array stays). Items: see plan.c. */
struct memory_vec {
    void *items;
    size_t num, max;
};
void *memory_vec_add(struct memory_core *core, struct memory_vec *vec, size_t item_size);

/* ---- owners -----------------------------------------------------------------------------------
 */

/* This thread's innermost frame. */
extern _Thread_local struct memory_owner_frame *memory_owner_chain
    __attribute__((visibility("hidden")));

static inline void owner_leave(struct memory_owner_frame *frame)
{
    memory_owner_chain = frame->outer;
    if (frame->locked) {
        pthread_mutex_unlock(&frame->owner->lock);
    }
}

enum owner_entry { OWNER_ENTERED, OWNER_REENTRY, OWNER_DEADLOCK };
/* The rules of owner.h for a thread that is inside some owner already. */
__attribute__((cold)) enum owner_entry owner_enter_nested(MemoryOwner *owner,
                                                          struct memory_owner_frame *frame,
                                                          bool lockless, bool reentrant);

/* For a thread that is inside none. */
static inline enum owner_entry owner_enter_first(MemoryOwner *owner,
                                                 struct memory_owner_frame *frame, bool lockless)
{
    frame->owner = owner;
    frame->outer = NULL;
    frame->locked = !lockless;
    if (!lockless) {
        pthread_mutex_lock(&owner->lock);
    }
    memory_owner_chain = frame;
    return OWNER_ENTERED;
}

/* @mr  has an owner. */
static inline enum owner_entry region_enter(const MemoryRegion *mr,
                                            struct memory_owner_frame *frame)
{
    return memory_owner_chain ? owner_enter_nested(mr->owner, frame, mr->lockless, mr->reentrant)
                              : owner_enter_first(mr->owner, frame, mr->lockless);
}

/* ---- regions ----------------------------------------------------------------------------------
 */

/* Lists hang off a region and are replaced whole; readers of live_eventfds use RCU. */
struct memory_eventfd_list {
    struct rcu_head rcu;
    size_t num;
    MemoryRegionIoeventfd items[];
};

struct memory_zone_list {
    size_t num;
    MemoryCoalescedZone items[]; /* offsets in the region */
};

struct memory_iommu {
    const IOMMUMemoryRegionOps *ops;
    IOMMUNotifier *notifiers;
};

int region_init(MemoryRegion *mr, struct memory_core *core, MemoryOwner *owner, const char *name,
                uint64_t size, enum memory_region_kind kind);
void region_attach(MemoryRegion *mr); /* into the indexes that its state says, and their counts */
void region_detach(MemoryRegion *mr);

/* References of our own (mounts, views, maps): no transaction takes them back. */
MemoryRegion *region_get(MemoryRegion *mr);
void region_put(MemoryRegion *mr);

void ram_list_init(RAMList *list);

/* ---- dirty windows ----------------------------------------------------------------------------
 */

/* Region-local [first, last] may look different now, in every space that can see it. */
void region_mark_dirty(MemoryRegion *mr, hwaddr first, hwaddr last);
/* All of the region as its container and aliases show it, whether or not it is enabled. */
void region_mark_dirty_whole(MemoryRegion *mr);
void as_windows_add(struct as_windows *windows, struct memory_core *core, hwaddr first,
                    hwaddr last);
/* Sorts and joins those that overlap or touch. */
void as_windows_normalise(struct as_windows *windows);
void as_windows_clear(struct as_windows *windows);

/* ---- the open transaction ---------------------------------------------------------------------
 */

struct memory_saved {
    MemoryRegion *mr; /* referenced */
    struct memory_region_state state;
};

struct memory_transaction {
    struct memory_vec saved; /* struct memory_saved, one for each region touched */
    MemoryRegion *counted;   /* those of which references were taken or dropped inside */
    const char *cause;       /* of the first change */
    const char *cause_region;
    unsigned marks; /* regions met on the way up from what changed */
    bool all_dirty; /* all of every space counts as changed */
};

/* Notes how the region is before its first change. Returns: 0, -ENOMEM. */
int undo_save(MemoryRegion *mr, const char *cause);
void undo_restore(struct memory_core *core); /* the tree as it was at the outermost begin */
void undo_forget(struct memory_core *core); /* the changes stand: publish and drop what they left */
bool core_held_by_me(struct memory_core *core);
/*
 * May this thread wait for readers to leave? Not where it is one itself, nor with a lock that one
 * of them may wait for.
 */
bool core_may_wait(struct memory_core *core);
/* One level less of the open transaction, which was not the last, or holds no change. */
void core_leave(struct memory_core *core);
/* Core lock held: a transaction is open, or a listener's callback runs. */
static inline bool core_busy(const struct memory_core *core)
{
    return core->depth || core->in_commit;
}

/* ---- setters ----------------------------------------------------------------------------------
 */

/* Closes what a setter opened. A setter that failed changed nothing; its own error is told. */
int setter_finish(MemoryRegion *mr, int ret);
/* A change that may show wherever the region does. */
void setter_mark(MemoryRegion *mr);
/* Gives the region another size, noted for the undo. Returns: 0, -ENOMEM. */
int setter_resize(MemoryRegion *mr, uint64_t size, const char *cause);

/* ---- flat views -------------------------------------------------------------------------------
 */

#define FV_MAX 32 /* entries of a node: a leaf is under 2 KiB, 10^5 ranges are 4 levels */

struct fv_node {
    struct fv_node *link; /* of the edit that made it, or of the view whose garbage it is */
    uint64_t edit;        /* the edit that made it */
    uint16_t num;
    bool leaf;
    bool dropped;         /* replaced within the edit that made it */
    hwaddr first[FV_MAX]; /* of each entry; of the first entry of an inner node: not used */
    union {
        FlatRange ranges[FV_MAX];
        struct fv_node *children[FV_MAX];
    } u;
};
#define FV_INNER_SIZE (offsetof(struct fv_node, u) + FV_MAX * sizeof(struct fv_node *))

struct FlatView {
    uint64_t refs; /* atomic: publication, older view, holders */
    struct memory_core *core;
    struct fv_node *root;         /* NULL: empty */
    size_t num;                   /* ranges */
    FlatView *retired;            /* next in the list of old views */
    FlatView *newer;              /* referenced: the view after this one, which shares its nodes */
    struct fv_node *garbage;      /* this view's nodes that `newer` does not have */
    MemoryRegionSection *dropped; /* its ranges that `newer` does not have */
    size_t dropped_num;
};

/* A view under construction: nodes made by this edit are changed in place, others are copied. */
struct fv_edit {
    struct memory_core *core;
    const AddressSpace *as; /* whose view it is; rendering leaves out what is not shown there */
    uint64_t id;
    unsigned parts; /* of regions, met while rendering */
    struct fv_node *root;
    size_t num;
    struct fv_node *made;     /* by this edit */
    struct fv_node *replaced; /* nodes of the old view that the new one does not have */
};

const FlatRange *fv_at_or_after(const struct fv_node *root, hwaddr addr);
const FlatRange *fv_lookup(const struct fv_node *root, hwaddr addr);
void fv_edit_begin(struct fv_edit *edit, const FlatView *view);
/* Both return 0 or -ENOMEM; then only fv_edit_abort is allowed. */
int fv_insert(struct fv_edit *edit, const FlatRange *range);
int fv_erase(struct fv_edit *edit, hwaddr first);
/* The stored range that starts at `first`, to be changed in place (not its `first`). */
int fv_mutable(struct fv_edit *edit, hwaddr first, FlatRange **range);
void fv_edit_abort(struct fv_edit *edit);
/* Hands root and garbage over. */
void fv_edit_publish(struct fv_edit *edit, FlatView *old_view, FlatView *new_view);
void fv_free_list(struct fv_node *list);

FlatView *flatview_new(struct memory_core *core);
FlatView *flatview_ref(FlatView *view);
/* The view is published no more: give up its publication once all readers have left. */
void flatview_retire(struct memory_core *core, FlatView *view);
int reclaim_init(struct memory_core *core);
void reclaim_finish(struct memory_core *core);

/* ---- rendering and comparing ------------------------------------------------------------------
 */

#define RENDER_DEPTH_MAX 256 /* containers and aliases in each other; deeper ones are -ELOOP */
#define RENDER_PARTS_MAX (1U << 22) /* parts of regions met in one commit; more are -E2BIG */

/* For qsort of MemoryRegion pointers, siblings: who comes first is drawn first. */
int region_by_precedence(const void *a, const void *b);
/*
 * Draws the tree of `root` into the edit, inside [first, last] only.
 * Returns: 0, -ENOMEM, -ELOOP, -E2BIG.
 */
int render_window(struct fv_edit *edit, MemoryRegion *root, hwaddr first, hwaddr last);
bool flat_range_same(const FlatRange *a, const FlatRange *b); /* but for the dirty-log mask */

/* What a commit does to one address space, from rendering to publication. */
struct as_plan {
    MemoryCommit commit;
    struct fv_edit edit;
    FlatView *view;              /* to be published */
    FlatView *view_before;       /* set by plan_publish */
    bool silent;                 /* something changed that no listener is told of */
    bool replay;                 /* the whole view, to a listener that comes or goes */
    struct memory_vec listeners; /* MemoryListener *, ascending priority */
    struct memory_vec del, add, nop, log;
    struct memory_vec eventfd_del, eventfd_add, coalesced_del, coalesced_add;
    struct memory_vec eventfd_nodes, coalesced_nodes; /* made before publication, used by it */
    struct as_plan *next;
};

/*
 * Renders the dirty windows and finds what they change. *plan is NULL when nothing changes.
 * Returns: 0, -ENOMEM, -ELOOP, -E2BIG.
 */
int plan_make(AddressSpace *as, struct as_plan **plan);
/* All of the current view as added to, or deleted from, one listener. Returns: 0, -ENOMEM. */
int plan_replay(AddressSpace *as, MemoryListener *listener, bool add, struct as_plan **plan);
void plan_free(struct as_plan *plan);
bool plan_tells(const struct as_plan *plan); /* is there anything for listeners */
void plan_publish(struct as_plan *plan);     /* cannot fail */
void plan_retire(struct as_plan *plan);      /* lets go of the view before */
/* plan_zones.c: eventfds and coalesced zones of the ranges in [first, last]. */
int plan_compare_zones(struct as_plan *plan, hwaddr first, hwaddr last);
/* All that the space shows now, as added or as deleted. */
int plan_list_zones(struct as_plan *plan, bool add);
int plan_make_zone_nodes(struct as_plan *plan);
void plan_publish_zones(struct as_plan *plan);
int eventfd_compare(const void *a, const void *b);

/* What an address space shows now: nodes of AddressSpace.eventfds and .coalesced. */
struct as_eventfd {
    struct itree_node node;
    MemoryEventfd eventfd;
};
struct as_zone {
    struct itree_node node;
    MemoryCoalescedZone zone;
};

/* ---- listeners --------------------------------------------------------------------------------
 */

/* prepare, park, apply of all plans; on failure everything is undone. The caller unparks. */
int listeners_carry_out(struct memory_core *core, struct as_plan *plans, bool *parked);
void listeners_tell(struct memory_core *core, struct as_plan *plan);

/* ---- mappings ---------------------------------------------------------------------------------
 */

int map_list_init(AddressSpace *as);
void map_list_finish(AddressSpace *as);

/* ---- accesses ---------------------------------------------------------------------------------
 */

/*
 * One piece of an access: `len` (1, 2, 4, 8) bytes of buf, in the order of addresses, at `offset`
 * of a region that is not directly accessed.
 */
MemTxResult region_dispatch(const FlatRange *range, hwaddr offset, uint8_t *buf, unsigned len,
                            bool is_write, MemTxAttrs attrs);
/* May the bytes be copied from or to host memory? A debugger writes what the guest may not. */
static inline bool range_is_direct(const FlatRange *range, bool is_write, bool debug)
{
    switch (range->mr->kind) {
    case MEMORY_REGION_RAM:
        return !is_write || !range->readonly || (debug && !range->mr->ram_block->readonly);
    case MEMORY_REGION_ROM_DEVICE:
        return range->romd_mode && (!is_write || (debug && !range->mr->ram_block->readonly));
    case MEMORY_REGION_CONTAINER:
    case MEMORY_REGION_RAM_DEVICE:
    case MEMORY_REGION_IO:
    case MEMORY_REGION_RESERVATION:
    case MEMORY_REGION_ALIAS:
    case MEMORY_REGION_IOMMU:
    default:
        return false;
    }
}

/*
 * What remains of address_space_rw_cached, whose read section they end: of any access; of one that
 * ends within the cached range, which is no memory.
 */
MemTxResult access_last(AddressSpace *as, MemoryAccessCache *cache, hwaddr addr, MemTxAttrs attrs,
                        void *buf, uint64_t len, bool is_write);
MemTxResult access_unit_last(AddressSpace *as, MemoryAccessCache *cache, hwaddr addr,
                             MemTxAttrs attrs, void *buf, uint64_t len, bool is_write);
/* The sizes, OR'ed, of accesses that are one callback where they are aligned. */
uint8_t region_unit_sizes(const MemoryRegionOps *ops);
/* How many bytes of an access of `len` go to the region at once. */
unsigned region_piece(const FlatRange *range, hwaddr offset, uint64_t len);
/*
 * How many of `len` bytes at `offset` the next callback serves, and the size it is called with:
 * *wide is larger where impl does not let it be less.
 */
unsigned region_next_unit(const MemoryRegionOps *ops, hwaddr offset, unsigned len, unsigned *wide);
/* Of memory that has no ops: none for a RAM device, all sizes for anything else. */
MemoryRefusal region_access_refusal(const MemoryRegion *mr, hwaddr offset, unsigned len,
                                    bool is_write, MemTxAttrs attrs);
static inline bool region_access_valid(const MemoryRegion *mr, hwaddr offset, unsigned len,
                                       bool is_write, MemTxAttrs attrs)
{
    return region_access_refusal(mr, offset, len, is_write, attrs) == MEMORY_REFUSAL_NONE;
}

#endif
