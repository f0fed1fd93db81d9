/*
 * watch_parts.h - what the files of watch share. Private to them.
 *
 * watch.c keeps the watches, watch_layers.c the overlays that they need, watch_hits.c serves what
 * traps at those, watch_step.c does by stepping what cannot be served, watch_deliver.c takes
 * interrupts whose stack is watched, watch_tables.c refuses and gives up pages that KVM uses by
 * itself, watch_tick.c looks now and then for what KVM does not come out for.
 */
#ifndef ACRE_VMM_WATCH_PARTS_H
#define ACRE_VMM_WATCH_PARTS_H

#include "vmm/vcpu_paging.h"
#include "vmm/watch.h"

#define WATCH_PAGE UINT64_C(4096)

struct watch {
    struct itree_node node; /* the bytes */
    struct watch_config config;
    _Atomic uint64_t hits;
};

/* What an overlay is to be. Whole pages. */
struct watch_piece {
    hwaddr first, last;
    RAMBlock *block; /* a ROM device over it, from block_offset; NULL: MMIO. Not referenced */
    uint64_t block_offset;
    bool ram; /* nothing but RAM and ROM lies beneath */
};

/* An overlay. `mr` or, for a ROM device, `alias` is mounted in the root. Freed by its destructor.
 */
struct watch_layer {
    MemoryRegion mr, alias;
    struct watch_set *set;
    struct watch_piece piece;
    hwaddr base; /* added to an offset in mr: guest-physical */
    bool laid;   /* in set->layers */
};

/* A vCPU's instruction that is to be done again, by stepping. */
struct watch_redo {
    hwaddr last_gpa; /* of its reads of overlays so far, and how often in a row */
    unsigned last_size, repeats;
    bool wanted;
    bool locked; /* a LOCK operation: all that it accesses is one operand */
    hwaddr gpa;  /* of what it reads */
    unsigned size;
    struct kvm_regs regs; /* before it */
};

/* All watches of one address space. */
struct watch_set {
    struct memory_core *core;
    AddressSpace *memory;
    struct vcpu_group *vcpus;                     /* NULL: no CPUs (tests) */
    struct loop *loop;                            /* as vcpus */
    void (*failed)(void *opaque, int err_no);     /* overlays are not what they should be */
    void (*warn)(void *opaque, const char *text); /* a line for the user, perhaps many */
    void *opaque;
    bool readonly_slots;  /* KVM has them */
    struct vclock *clock; /* for watch_tick.c; NULL: no tick */
    AddressSpace unwatched;
    MemoryListener listener; /* of unwatched */
    bool listening;
    pthread_mutex_t lock; /* of what follows; held while hits are told */
    struct itree watches;
    /* Guarded by memory_core_freeze(), or a commit. */
    struct watch_layer **layers; /* in ascending order */
    size_t layer_num;
    bool lifted, relay_pending;
    struct loop_work relay;
    uint64_t *spared; /* numbers of pages without overlays although watched, ascending */
    size_t spared_num;
    struct watch_tick *tick; /* NULL: none */
    /* Stepping. */
    pthread_mutex_t step_lock; /* outermost; who has it keeps watches from being freed */
    struct watch_redo *redos;  /* for each vCPU, its thread's own */
};

/*
 * @set  zeroed but for what the caller chooses, core to readonly_slots.
 * Returns: 0; -errno, then nothing is left.
 */
int watch_set_init(struct watch_set *set) __attribute__((warn_unused_result));
/* Takes the overlays away; watches go with the set. Context: as watch_finish(). */
void watch_set_finish(struct watch_set *set);
/* As watch_add() and watch_del(). */
int watch_set_add(struct watch_set *set, const struct watch_config *config, struct watch **watch,
                  struct error *err) __attribute__((warn_unused_result));
void watch_set_del(struct watch_set *set, struct watch *watch);

/* ---- watch_layers.c ---- */

/* Makes the overlays what the watches want. Returns: 0; -errno, then they are as they were. */
int watch_lay(struct watch_set *set) __attribute__((warn_unused_result));
/* Pages that one instruction touches. */
struct watch_pages {
    unsigned num;
    hwaddr first[3]; /* any byte of each */
};
/*
 * Takes off the overlays of some pages, or all (NULL), for a step; and lays them again. Frozen.
 * Returns: 0; -errno, then nothing changed.
 */
int watch_lift(struct watch_set *set, const struct watch_pages *pages)
    __attribute__((warn_unused_result));
int watch_lower(struct watch_set *set) __attribute__((warn_unused_result));
bool watch_has_layer(const struct watch_set *set, hwaddr first, hwaddr last);
/* MemoryListener callbacks of `unwatched`. */
int watch_layers_prepare(MemoryListener *listener, MemoryCommit *commit);
void watch_layers_cancel(MemoryListener *listener, const MemoryCommit *commit);
void watch_layers_commit(MemoryListener *listener, const MemoryCommit *commit);

/* ---- watch_hits.c ---- */

extern const MemoryRegionOps watch_layer_ops;
/* The vCPU whose thread this is, or NULL. */
struct vcpu *watch_this_vcpu(const struct watch_set *set);
/* Fills in who: rip and the rest. `next`: the access is a write that KVM has gone past. */
void watch_fill_cpu(const struct watch_set *set, struct vcpu *vcpu, bool next,
                    struct watch_hit *hit);
/* Tells the watches of an access. Lock held. */
void watch_tell(struct watch_set *set, const struct watch_hit *hit);
/* Would an access of that kind be a hit? Lock held. */
bool watch_is_watched(const struct watch_set *set, hwaddr first, hwaddr last, unsigned access);

/* ---- watch_step.c ---- */

/*
 * Asks for the instruction to be stepped that a vCPU came out to read for, when it is a LOCK
 * operation and there are other CPUs, or has come for the same so often that it may never end:
 * KVM's LGDT and LIDT do not take what we answer. Returns: true when it did.
 */
bool watch_ask_redo(struct watch_set *set, struct vcpu *vcpu, hwaddr gpa, unsigned size);
/* As watch_rescue(). */
bool watch_set_rescue(struct watch_set *set, struct vcpu *vcpu, struct error *why);
/*
 * All other vCPUs out of the guest, nobody commits, no watch is freed; and on again. Context: a
 * vCPU's thread, outside the guest.
 */
void watch_stand_still(struct watch_set *set, bool begins);
/* vcpu_step()'s `serving` meanwhile. @opaque  the set. */
void watch_serving(void *opaque, bool begins);

/* ---- watch_deliver.c ---- */

/* A vCPU before an instruction. */
struct watch_before {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct vcpu_paging paging;
};

/* Context: its thread, outside the guest. Returns: 0; -errno of KVM_GET_REGS and the like. */
int watch_read_before(const struct watch_set *set, struct vcpu *vcpu, struct watch_before *before)
    __attribute__((warn_unused_result));
/*
 * After a step: if the instruction raised an exception, the CPU pushed the TF by which KVM steps,
 * and the guest would get a #DB when the handler returns. Takes it out of the frame, if there is
 * one. Context: frozen, the others parked.
 */
void watch_clear_trap_flag(struct watch_set *set, struct vcpu *vcpu,
                           const struct watch_before *before);

enum watch_trouble {
    WATCH_TROUBLE_NONE,      /* it was asked for: KVM may be trying in vain */
    WATCH_TROUBLE_EMULATION, /* KVM came out since it cannot emulate an instruction, */
    WATCH_TROUBLE_DELIVERY,  /* since it cannot deliver an event, */
    WATCH_TROUBLE_SHUTDOWN,  /* with a shutdown */
};

/*
 * Takes the event that KVM holds, if its frame goes to a watched page.
 * Returns: 0 the guest can go on; -ENOENT there is none, or the watches are not in its way;
 * -ENOTSUP with `why` filled: acre cannot either; -errno of KVM_SET_SREGS and the like. Context:
 * the vCPU's thread, outside the guest, no lock held.
 */
int watch_deliver(struct watch_set *set, struct vcpu *vcpu, enum watch_trouble trouble,
                  struct error *why);

/* ---- watch_tables.c ---- */

/* Returns: 0; -EBUSY with err filled when KVM uses a page of [first, last] itself; -errno. */
int watch_check_tables(struct watch_set *set, hwaddr first, hwaddr last, struct error *err)
    __attribute__((warn_unused_result));
/*
 * Takes the overlays off pages that KVM uses itself by now, and tells their watches. Context: the
 * loop's thread. Cost: as the check of watch_add(), but for pages of tables beyond some thousand.
 */
void watch_spare_tables(struct watch_set *set);
/* Has it a page of [first, last] among the spared? */
bool watch_has_spared(const struct watch_set *set, hwaddr first, hwaddr last);
/* Pages of [first, last] are watched again, if anybody wants to. Context: frozen. */
void watch_unspare(struct watch_set *set, hwaddr first, hwaddr last);
/*
 * A vCPU came to grief: is it for a table in a watched page? Returns: true with why filled.
 * Context: its thread, outside the guest.
 */
bool watch_explain_tables(struct watch_set *set, struct vcpu *vcpu, struct error *why);

/* ---- watch_tick.c ---- */

/*
 * Every 10 ms of running, asks busy vCPUs to look for events that are held back; now and then looks
 * for tables. Idle ones are let sleep. Returns: 0; -ENOMEM.
 */
int watch_tick_init(struct watch_set *set) __attribute__((warn_unused_result));
/* Goes on ticking if there are overlays, and stops itself when there are none. Loop's thread. */
void watch_tick_go(struct watch_set *set);
void watch_tick_finish(struct watch_set *set);
/* What a vCPU that was asked does. Context: its thread, outside the guest, no lock held. */
void watch_tick_deliver(struct watch_set *set, struct vcpu *vcpu);

#endif
