/*
 * watch.h - watchpoints on guest-physical memory, made by overlays: any number, any size, any
 * alignment, no debug register used.
 *
 * Every watched page is covered by a region of the highest priority, which only system_memory
 * shows; what lies beneath is seen through a second address space without the overlays
 * ("unwatched"), and each trapped access is passed on to it. Only accesses that touch watched bytes
 * are hits; neighbours in the page are served and not counted.
 *
 * A page of which only writes are watched, all of it RAM, in a machine of one CPU, is a ROM device
 * over the same block: KVM has a READONLY slot for it, so that reads and code run at full speed.
 * Any other watched page has no slot at all. Accesses of devices (DMA) count as well.
 *
 * What cannot be done that way is done by stepping (watch_step.c): an instruction that KVM cannot
 * emulate at such a page, code fetched from a page without a slot, and LOCK operations where there
 * are several CPUs. All other vCPUs stand still while the overlays are off for that instruction;
 * what it did is told from the watched bytes before and after, so that a read, or a write of the
 * value that stood there, is told as "stepped" without more.
 *
 * KVM pushes on the stack by itself when it delivers an interrupt or exception, and cannot where an
 * overlay is: then the event is taken in its place (watch_deliver.c), at once or, where KVM says
 * nothing, some milliseconds later.
 *
 * Not to be watched are pages that KVM reads or writes by itself for the guest: the tables that
 * CR3, GDTR, IDTR, LDTR and TR of any vCPU lead to. When a guest moves one into a watched page,
 * that page's overlay is taken away and its watches are told; that is looked for some times a
 * second, and a guest that had faults of it before that, and died, gets a verdict that says so.
 *
 * Lock order: owners' locks, then the core's, then the watches', then the group's and the loop's.
 * Source: api.rst 4.35 (KVM_MEM_READONLY), 5 "KVM_EXIT_MMIO", "KVM_EXIT_INTERNAL_ERROR".
 */
#ifndef ACRE_VMM_WATCH_H
#define ACRE_VMM_WATCH_H

#include "vmm/machine.h"

enum watch_access { WATCH_READ = 1 << 0, WATCH_WRITE = 1 << 1 };

struct watch; /* private */

/* One access to watched bytes. */
struct watch_hit {
    hwaddr gpa;    /* the access's first byte, perhaps before the watch's */
    unsigned size; /* bytes, 1..8 (larger ones come in pieces); 0: a stepped one, not known */
    bool write;    /* false with `stepped`: it read, or wrote what was there */
    bool stepped;  /* by an instruction that was stepped; gpa and size: what it changed */
    bool dma;      /* by a device */
    bool delivery; /* by the CPU, pushing the frame of event `vector`; rip: what it interrupted */
    unsigned vector;
    bool ignored;       /* a write that nothing took: to ROM, or where nobody answers */
    bool has_old;       /* a write to RAM */
    uint64_t old_value; /* what stood there; little-endian, `size` bytes */
    uint64_t value;     /* read or written */
    int cpu;            /* on whose thread; -1: none (a timer's DMA, a monitor) */
    bool has_rip;       /* the CPU itself accessed */
    bool rip_next;      /* rip is the instruction after the one that accessed */
    uint64_t rip;       /* RIP, with the base of CS added outside 64-bit mode */
};

struct watch_config {
    hwaddr gpa;
    uint64_t len;    /* bytes, 1.., within 2^64 */
    unsigned access; /* WATCH_READ, WATCH_WRITE or both */
    /*
     * The access has been carried out. Context: the thread that accessed, perhaps inside a device's
     * lock; the watches' lock is held, so that none comes after watch_del(). It may hold the group
     * (vcpu_group_hold), post to the loop and log, and nothing of watch.h.
     */
    void (*hit)(void *opaque, const struct watch_hit *hit);
    /*
     * A page of it is not watched any more: KVM uses it for a table of that CPU ("a page table").
     * Context: the loop's thread. May be NULL.
     */
    void (*lost)(void *opaque, hwaddr page, const char *what, unsigned cpu);
    void *opaque;
};

/*
 * Lays the overlays that are needed. The same bytes may be watched many times.
 * Context: the loop's thread, or before the vCPUs' threads start; no owner's lock.
 * Returns: 0; -EINVAL no bytes, beyond 2^64, or no access; -EBUSY a page is in use by KVM itself
 * (err says by what); -ENOMEM; what the commit said. After a failure nothing has changed.
 * Cost: a commit, and a walk of the page tables of all vCPUs.
 */
int watch_add(struct machine *machine, const struct watch_config *config, struct watch **watch,
              struct error *err) __attribute__((warn_unused_result));
/* Takes it away, with overlays that nobody else needs. Accepts NULL. Context: as watch_add(). */
void watch_del(struct machine *machine, struct watch *watch);

/* Accesses that touched it so far. Context: any thread. */
uint64_t watch_hits(const struct watch *watch);

/*
 * Guest-physical memory without the overlays, for who looks on and is no guest: a debugger, a dump.
 * Context: the loop's thread; until the machine is finished.
 */
AddressSpace *watch_beneath(struct machine *machine);

/* Is a page of it not watched, as told by watch_config.lost? Context: as watch_add(). */
bool watch_is_partial(struct machine *machine, const struct watch *watch);

/* vcpu_group_config.rescue of a machine. Context: the vCPU's thread, outside the guest. */
bool watch_rescue(void *opaque, struct vcpu *vcpu, struct error *why);
/* Takes everything away that was not. Context: no vCPU runs. */
void watch_finish(struct machine *machine);

#endif
