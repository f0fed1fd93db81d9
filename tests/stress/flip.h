/*
 * flip.h - what the files of flip share: the machine under strain (flip_machine.c), the ways its
 * map changes (flip_variants.c), the watch over dirty bits (flip_dirty.c), and the run (flip.c).
 */
#ifndef ACRE_TESTS_STRESS_FLIP_H
#define ACRE_TESTS_STRESS_FLIP_H

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "guest.h"
#include "vmm/kvm_events.h"
#include "vmm/kvm_slots.h"
#include "vmm/vcpu.h"

enum { CPU_NUM = 2, PAGE = 4096 };
#define RAM_SIZE UINT64_C(0x400000)
#define WINDOW UINT64_C(0x40000)
#define WINDOW_SIZE UINT64_C(0x4000)
#define LOG_FIRST UINT64_C(0x20000) /* what the vCPUs of the logged variants write */
#define LOG_PAGES 64                /* a word of a bitmap; the window lies in the middle */
#define NEVER UINT64_MAX

/* What the window may show: the dword that every read gives. */
enum value { VALUE_RAM = 1, VALUE_ROM, VALUE_MMIO, VALUE_STORE_A, VALUE_STORE_B };

/* The pages of `store`, which aliases show. */
enum { STORE_CODE = 0, STORE_A = 0x8000, STORE_B = 0xc000, STORE_SIZE = 0x10000 };

struct log_page {
    uint32_t before[CPU_NUM], after[CPU_NUM]; /* what the vCPUs wrote, around the last harvest */
    bool late; /* seen written without a bit: emulated writes come before their bit */
};

struct stress {
    struct memory_core core;
    AddressSpace memory, io, observer; /* vCPUs see the first through the last */
    MemoryRegion root, io_root, observed, ram, rom, store, mmio, code, alias, alias_b;
    struct kvm kvm;
    struct kvm_slots slots;
    struct kvm_events events;
    struct kvm_ring ring;
    struct kvm_dirty_rings rings;
    struct vcpu_group vcpus;
    MemoryListener audit;
    uint8_t *ram_host, *store_host, *rom_host;
    /* written by the thread that flips and by the vCPUs */
    _Atomic uint64_t flips;            /* changes that have ended */
    _Atomic uint64_t traps_until;      /* reads of the window trapped up to then; NEVER: now */
    _Atomic uint64_t entered[CPU_NUM]; /* `flips` at or before the vCPU's last entry */
    _Atomic uint64_t exits, spurious, spurious_at;
    _Atomic bool ended, quit;
    char why[256]; /* of `ended`, or of what the audit found */
    /* dirty bits */
    pthread_mutex_t harvest_lock;
    struct log_page logs[LOG_PAGES];
    uint64_t harvests, bits, lost, invented;
    unsigned parks;
};

struct variant {
    const char *name;
    bool logged;
    uint64_t window_first, window_end; /* what the guest reads: it always shows one value */
    int (*arrange)(struct stress *stress);
    /* Changes the map. */
    int (*flip)(struct stress *stress, uint64_t n);
    /* What the window, or the code page, shows after flip n (0: at the start). */
    enum value (*shows)(uint64_t n);
    uint32_t (*code)(uint64_t n);
};

extern const struct variant variants[];
extern const unsigned variant_num;

#define TRY(call)                                                                                  \
    do {                                                                                           \
        int try_result = (call);                                                                   \
        if (try_result < 0) {                                                                      \
            (void)fprintf(stderr, "flip: error: %s: %s\n", #call, strerror(-try_result));          \
            return try_result;                                                                     \
        }                                                                                          \
    } while (0)

/* The guest's memory, as the host has it. */
static inline struct guest_shared *shared_of(struct stress *stress)
{
    return (struct guest_shared *)(void *)(stress->ram_host + GUEST_SHARED);
}

static inline struct guest_cpu *cpu_of(struct stress *stress, unsigned index)
{
    return (struct guest_cpu *)(void *)(stress->ram_host + GUEST_CPU + index * PAGE);
}

/*
 * All but the vCPU threads, with the variant's arrangement.
 * @ring  entries of each vCPU's dirty ring; 0: bitmaps.
 * Returns: 0; -errno, said on stderr.
 */
int machine_make(struct stress *stress, const struct variant *variant, uint32_t ring);
void machine_unmake(struct stress *stress);

/* Ends the run with a reason; the first one counts. */
void give_up(struct stress *stress, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Takes the dirty bits, and compares with what the guest wrote since the last time.
 * @paused  no vCPU is in KVM_RUN, or serves an exit.
 */
void harvest(struct stress *stress, bool paused);
/* Bits and contents as they are before the guest runs. */
void harvest_first(struct stress *stress);
/* A thread that harvests until stress->quit. */
void *harvest_thread(void *opaque);

#endif
