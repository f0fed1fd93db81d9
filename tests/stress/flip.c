/*
 * flip.c - two running vCPUs against a memory map that another thread changes all the time.
 *
 * usage: flip [FLIPS [VARIANT]]   FLIPS changes for each variant (2000). TAP on stdout.
 *
 * The guest (guest.h) reads inside the window that flips and checks each value against what the
 * host says is shown; the host sees every exit before it is served, and which views were current.
 * A test fails on a *spurious* exit (an MMIO exit on an address that was RAM in every view current
 * since that entry to KVM_RUN), a stale value, a write beside the window that is lost, an end of
 * the run that KVM reports, a dirty bit lost or invented, and a vCPU that does not get on.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"
#include "vmm/kvm_events.h"
#include "vmm/kvm_slots.h"
#include "vmm/vcpu.h"

enum { CPU_NUM = 2, PAGE = 4096, FLIPS_DEFAULT = 2000, BARRIER_EVERY = 8, STUCK_S = 20 };
#define RAM_SIZE UINT64_C(0x100000)
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
    struct vcpu_group vcpus;
    MemoryListener audit;
    uint8_t *ram_host, *store_host, *rom_host;
    /* flipper and vCPUs */
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

static struct guest_shared *shared_of(struct stress *stress)
{
    return (struct guest_shared *)(void *)(stress->ram_host + GUEST_SHARED);
}

static struct guest_cpu *cpu_of(struct stress *stress, unsigned index)
{
    return (struct guest_cpu *)(void *)(stress->ram_host + GUEST_CPU + index * PAGE);
}

/* ---- exits ------------------------------------------------------------------------------------
 */

static unsigned current_cpu(struct stress *stress)
{
    return pthread_equal(pthread_self(), stress->vcpus.vcpus[0].thread) ? 0 : 1;
}

static bool in_window(hwaddr addr)
{
    return addr >= WINDOW && addr < WINDOW + WINDOW_SIZE;
}

/* Writes trap on ROM as well, so it is reads that tell. */
static void judge(struct stress *stress, hwaddr addr, bool is_write)
{
    uint64_t entered = atomic_load(&stress->entered[current_cpu(stress)]);

    atomic_fetch_add(&stress->exits, 1);
    if (!in_window(addr) || (!is_write && entered >= atomic_load(&stress->traps_until))) {
        atomic_store(&stress->spurious_at, addr);
        atomic_fetch_add(&stress->spurious, 1);
    }
}

static void served(struct stress *stress)
{
    atomic_store(&stress->entered[current_cpu(stress)], atomic_load(&stress->flips));
}

static MemTxResult observe_read(void *opaque, hwaddr addr, uint64_t *data, unsigned size,
                                MemTxAttrs attrs)
{
    struct stress *stress = opaque;
    MemTxResult result;

    judge(stress, addr, false);
    *data = 0;
    result = address_space_read(&stress->memory, addr, attrs, data, size);
    served(stress);
    return result;
}

static MemTxResult observe_write(void *opaque, hwaddr addr, uint64_t data, unsigned size,
                                 MemTxAttrs attrs)
{
    struct stress *stress = opaque;
    MemTxResult result;

    judge(stress, addr, true);
    result = address_space_write(&stress->memory, addr, attrs, &data, size);
    served(stress);
    return result;
}

static const MemoryRegionOps observe_ops = {
    .read_with_attrs = observe_read,
    .write_with_attrs = observe_write,
    .valid = {.max_access_size = 8, .unaligned = true},
    .impl = {.max_access_size = 8, .unaligned = true},
};

static uint64_t mmio_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque, (void)addr, (void)size;
    return VALUE_MMIO;
}

static void mmio_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque, (void)addr, (void)data, (void)size;
}

static const MemoryRegionOps mmio_ops = {.read = mmio_read, .write = mmio_write};

static void on_ended(void *opaque, const struct verdict *verdict)
{
    struct stress *stress = opaque;

    if (!atomic_exchange(&stress->ended, true)) {
        (void)snprintf(stress->why, sizeof(stress->why), "%.200s rip %llx", verdict->message,
                       verdict->regs.rip);
    }
    vcpu_group_stop(&stress->vcpus);
}

/* ---- the machine ------------------------------------------------------------------------------
 */

static void on_park(void *opaque)
{
    struct stress *stress = opaque;

    stress->parks++;
    if (stress->vcpus.vcpus) {
        vcpu_group_park(&stress->vcpus);
    }
}

static void on_unpark(void *opaque)
{
    struct stress *stress = opaque;

    if (stress->vcpus.vcpus) {
        vcpu_group_unpark(&stress->vcpus);
    }
}

static void on_broken(void *opaque, int apply_error, int undo_error)
{
    struct stress *stress = opaque;

    atomic_store(&stress->ended, true);
    (void)snprintf(stress->why, sizeof(stress->why), "the map broke: %s, %s",
                   strerror(-apply_error), strerror(-undo_error));
}

static void on_commit(MemoryListener *listener, const MemoryCommit *commit)
{
    struct stress *stress = listener->opaque;
    char why[200];

    if (!kvm_slots_audit(&stress->slots, commit->new_view, why, sizeof(why)) &&
        !atomic_exchange(&stress->ended, true)) {
        (void)snprintf(stress->why, sizeof(stress->why), "audit: %s", why);
    }
}

static int make_block(struct stress *stress, const char *name, uint64_t size, uint32_t fill,
                      RAMBlock **block, uint8_t **host)
{
    struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = size};
    int result = ram_block_new(&stress->core, name, &config, block);
    uint64_t i;

    for (i = 0; result == 0 && i < size / sizeof(fill); i++) {
        ((uint32_t *)(void *)(*block)->host)[i] = fill;
    }
    *host = result == 0 ? (*block)->host : NULL;
    return result;
}

/* Each copy of the code and each part of `store` says what it is. */
static void fill_store(struct stress *stress)
{
    size_t size = (size_t)(guest_code_end - guest_code), id = (size_t)(guest_code_id - guest_code);
    uint32_t copy;
    uint64_t i;

    for (copy = 0; copy < 2; copy++) {
        uint8_t *at = stress->store_host + STORE_CODE + copy * PAGE;

        memcpy(at, guest_code, size);
        memcpy(at + id, &copy, sizeof(copy));
    }
    for (i = 0; i < WINDOW_SIZE / 4; i++) {
        ((uint32_t *)(void *)(stress->store_host + STORE_A))[i] = VALUE_STORE_A;
        ((uint32_t *)(void *)(stress->store_host + STORE_B))[i] = VALUE_STORE_B;
    }
}

#define TRY(call)                                                                                  \
    do {                                                                                           \
        int try_result = (call);                                                                   \
        if (try_result < 0) {                                                                      \
            (void)fprintf(stderr, "flip: error: %s: %s\n", #call, strerror(-try_result));          \
            return try_result;                                                                     \
        }                                                                                          \
    } while (0)

static int make_regions(struct stress *stress)
{
    RAMBlock *ram, *rom, *store;

    TRY(make_block(stress, "ram", RAM_SIZE, VALUE_RAM, &ram, &stress->ram_host));
    TRY(make_block(stress, "rom", WINDOW_SIZE, VALUE_ROM, &rom, &stress->rom_host));
    TRY(make_block(stress, "store", STORE_SIZE, 0, &store, &stress->store_host));
    fill_store(stress);
    TRY(memory_region_init(&stress->root, &stress->core, NULL, "root", UINT64_MAX));
    TRY(memory_region_init(&stress->io_root, &stress->core, NULL, "io", 0x10000));
    TRY(memory_region_init_io(&stress->observed, &stress->core, NULL, &observe_ops, stress,
                              "observed", UINT64_MAX));
    TRY(memory_region_init_ram(&stress->ram, NULL, "ram", ram));
    TRY(memory_region_init_rom(&stress->rom, NULL, "rom", rom));
    TRY(memory_region_init_ram(&stress->store, NULL, "store", store));
    TRY(memory_region_init_io(&stress->mmio, &stress->core, NULL, &mmio_ops, NULL, "mmio",
                              WINDOW_SIZE));
    TRY(memory_region_init_alias(&stress->code, NULL, "code", &stress->store, STORE_CODE, PAGE));
    TRY(memory_region_init_alias(&stress->alias, NULL, "alias", &stress->store, STORE_A,
                                 WINDOW_SIZE));
    TRY(memory_region_init_alias(&stress->alias_b, NULL, "alias-b", &stress->store, STORE_B,
                                 WINDOW_SIZE));
    TRY(memory_region_add_subregion(&stress->root, 0, &stress->ram));
    return memory_region_add_subregion_overlap(&stress->root, GUEST_CODE, &stress->code, 1);
}

static int enter_cpu(struct stress *stress, unsigned index, uint64_t window_first)
{
    const struct boot_entry entry = {
        .mode = CPU_MODE_PROTECTED32,
        .rip = GUEST_CODE,
        .rsi = GUEST_CPU + index * PAGE,
        .rdi = window_first,
    };
    int fd = stress->vcpus.vcpus[index].fd;
    struct kvm_sregs sregs;
    struct kvm_regs regs;

    TRY(kvm_get_sregs(&stress->kvm, fd, &sregs));
    x86_entry_state(&entry, &regs, &sregs);
    sregs.apic_base = 0;
    TRY(kvm_set_sregs(&stress->kvm, fd, &sregs));
    return kvm_set_regs(&stress->kvm, fd, &regs);
}

static void fill_cpu(struct stress *stress, unsigned index, const struct variant *variant)
{
    uint32_t word = index * 4;

    *cpu_of(stress, index) = (struct guest_cpu){
        .below = (uint32_t)WINDOW - 8 + word,
        .above = (uint32_t)(WINDOW + WINDOW_SIZE) + word,
        .first = (uint32_t)variant->window_first + word,
        .end = (uint32_t)variant->window_end,
        .at = variant->logged ? (uint32_t)LOG_FIRST + word : 0,
        .write_first = (uint32_t)LOG_FIRST + word,
        .write_end = (uint32_t)LOG_FIRST + LOG_PAGES * PAGE,
    };
}

static int make_machine(struct stress *stress, const struct variant *variant)
{
    const struct memory_core_config core_config = {
        .park = on_park, .unpark = on_unpark, .broken = on_broken, .opaque = stress};
    const struct kvm_slots_config slots_config = {
        .park = on_park, .unpark = on_unpark, .opaque = stress};
    const struct vcpu_group_config group_config = {.kvm = &stress->kvm,
                                                   .core = &stress->core,
                                                   .memory = &stress->observer,
                                                   .io = &stress->io,
                                                   .ring = &stress->ring,
                                                   .num = CPU_NUM,
                                                   .ended = on_ended,
                                                   .opaque = stress};
    struct error err;
    unsigned i;

    TRY(memory_core_init(&stress->core, &core_config));
    TRY(make_regions(stress));
    TRY(address_space_init(&stress->memory, &stress->core, &stress->root, "memory",
                           MEMORY_UNASSIGNED_MEMORY));
    TRY(address_space_init(&stress->io, &stress->core, &stress->io_root, "io",
                           MEMORY_UNASSIGNED_IO));
    TRY(address_space_init(&stress->observer, &stress->core, &stress->observed, "observer",
                           MEMORY_UNASSIGNED_MEMORY));
    if (kvm_open(&stress->kvm, NULL, &err) != 0 || kvm_create_vm(&stress->kvm, false, &err) != 0) {
        (void)fprintf(stderr, "flip: error: %s\n", err.text);
        return -EIO;
    }
    TRY(kvm_slots_init(&stress->slots, &stress->kvm, &stress->memory, &slots_config));
    TRY(kvm_events_init(&stress->events, &stress->kvm, &stress->memory, false));
    stress->audit =
        (MemoryListener){.name = "audit", .priority = 30, .opaque = stress, .commit = on_commit};
    TRY(memory_listener_register(&stress->audit, &stress->memory));
    if (vcpu_group_init(&stress->vcpus, &group_config, &err) != 0) {
        (void)fprintf(stderr, "flip: error: %s\n", err.text);
        return -EIO;
    }
    TRY(variant->arrange(stress));
    for (i = 0; i < CPU_NUM; i++) {
        fill_cpu(stress, i, variant);
        TRY(enter_cpu(stress, i, variant->window_first + i * 4));
    }
    return 0;
}

static void unmake_machine(struct stress *stress)
{
    MemoryRegion *regions[] = {
        &stress->root, &stress->io_root, &stress->observed, &stress->alias, &stress->alias_b,
        &stress->code, &stress->ram,     &stress->rom,      &stress->store, &stress->mmio};
    size_t i;

    memory_listener_unregister(&stress->audit);
    kvm_events_finish(&stress->events, true);
    kvm_slots_finish(&stress->slots, true);
    vcpu_group_finish(&stress->vcpus);
    kvm_ring_finish(&stress->ring);
    kvm_close(&stress->kvm);
    address_space_finish(&stress->observer);
    address_space_finish(&stress->io);
    address_space_finish(&stress->memory);
    for (i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        memory_region_unref(regions[i]);
    }
    memory_core_finish(&stress->core);
}

/* ---- variants ---------------------------------------------------------------------------------
 */

static int mount(struct stress *stress, MemoryRegion *mr, int32_t priority)
{
    return memory_region_add_subregion_overlap(&stress->root, WINDOW, mr, priority);
}

/* RAM, a ROM over it, RAM again, MMIO over it. */
static enum value overlay_shows(uint64_t n)
{
    static const enum value values[] = {VALUE_RAM, VALUE_ROM, VALUE_RAM, VALUE_MMIO};

    return values[n % 4];
}

static int overlay_arrange(struct stress *stress)
{
    TRY(memory_region_set_enabled(&stress->rom, false));
    TRY(memory_region_set_enabled(&stress->mmio, false));
    TRY(mount(stress, &stress->rom, 1));
    return mount(stress, &stress->mmio, 1);
}

static int overlay_flip(struct stress *stress, uint64_t n)
{
    MemoryRegion *mr = (n - 1) % 4 < 2 ? &stress->rom : &stress->mmio;

    return memory_region_set_enabled(mr, overlay_shows(n) != VALUE_RAM);
}

/* ROM straight to MMIO and back: never RAM in between. */
static enum value swap_shows(uint64_t n)
{
    return n % 2 ? VALUE_MMIO : VALUE_ROM;
}

static int swap_arrange(struct stress *stress)
{
    TRY(memory_region_set_enabled(&stress->mmio, false));
    TRY(mount(stress, &stress->rom, 1));
    return mount(stress, &stress->mmio, 1);
}

static int swap_flip(struct stress *stress, uint64_t n)
{
    memory_region_transaction_begin(&stress->core);
    if (memory_region_set_enabled(&stress->rom, n % 2 == 0) < 0 ||
        memory_region_set_enabled(&stress->mmio, n % 2 == 1) < 0) {
        memory_region_transaction_abort(&stress->core);
        return -ENOMEM;
    }
    return memory_region_transaction_commit(&stress->core);
}

static enum value store_shows(uint64_t n)
{
    return n % 2 ? VALUE_STORE_B : VALUE_STORE_A;
}

static int alias_arrange(struct stress *stress)
{
    return mount(stress, &stress->alias, 1);
}

static int alias_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_alias_offset(&stress->alias, n % 2 ? STORE_B : STORE_A);
}

static int priority_arrange(struct stress *stress)
{
    TRY(mount(stress, &stress->alias, 3));
    return mount(stress, &stress->alias_b, 2);
}

static int priority_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_priority(&stress->alias, n % 2 ? 1 : 3);
}

/* Its first page always shows; the guest reads the rest. */
static enum value resize_ram_shows(uint64_t n)
{
    return n % 2 ? VALUE_RAM : VALUE_STORE_A;
}

static int resize_ram_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_size(&stress->alias, n % 2 ? PAGE : WINDOW_SIZE);
}

static enum value resize_mmio_shows(uint64_t n)
{
    return n % 2 ? VALUE_RAM : VALUE_MMIO;
}

static int resize_mmio_arrange(struct stress *stress)
{
    return mount(stress, &stress->mmio, 1);
}

static int resize_mmio_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_size(&stress->mmio, n % 2 ? PAGE : WINDOW_SIZE);
}

static int move_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_address(&stress->mmio, n % 2 ? WINDOW + 0x10000 : WINDOW);
}

static enum value always_ram(uint64_t n)
{
    (void)n;
    return VALUE_RAM;
}

static int code_arrange(struct stress *stress)
{
    (void)stress;
    return 0;
}

static int code_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_alias_offset(&stress->code, STORE_CODE + (n % 2 ? PAGE : 0));
}

static uint32_t code_moves(uint64_t n)
{
    return (uint32_t)(n % 2);
}

static uint32_t code_stays(uint64_t n)
{
    (void)n;
    return 0;
}

static int logged_arrange(struct stress *stress)
{
    TRY(memory_region_set_log(&stress->ram, true, DIRTY_MEMORY_VGA));
    return overlay_arrange(stress);
}

static const struct variant variants[] = {
    {"a window flips between RAM, ROM and MMIO", .window_first = WINDOW,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = overlay_arrange, .flip = overlay_flip,
     .shows = overlay_shows, .code = code_stays},
    {"a window flips between ROM and MMIO in one commit", .window_first = WINDOW,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = swap_arrange, .flip = swap_flip,
     .shows = swap_shows, .code = code_stays},
    {"an alias is moved over its target", .window_first = WINDOW,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = alias_arrange, .flip = alias_flip,
     .shows = store_shows, .code = code_stays},
    {"priorities change", .window_first = WINDOW, .window_end = WINDOW + WINDOW_SIZE,
     .arrange = priority_arrange, .flip = priority_flip, .shows = store_shows, .code = code_stays},
    {"RAM over RAM is resized", .window_first = WINDOW + PAGE, .window_end = WINDOW + WINDOW_SIZE,
     .arrange = alias_arrange, .flip = resize_ram_flip, .shows = resize_ram_shows,
     .code = code_stays},
    {"MMIO over RAM is resized", .window_first = WINDOW + PAGE, .window_end = WINDOW + WINDOW_SIZE,
     .arrange = resize_mmio_arrange, .flip = resize_mmio_flip, .shows = resize_mmio_shows,
     .code = code_stays},
    {"MMIO over RAM is moved away and back", .window_first = WINDOW,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = resize_mmio_arrange, .flip = move_flip,
     .shows = resize_mmio_shows, .code = code_stays},
    {"the code that runs is moved in its block", .window_first = WINDOW,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = code_arrange, .flip = code_flip,
     .shows = always_ram, .code = code_moves},
    {"a window flips in RAM whose writes are logged", .logged = true, .window_first = WINDOW + PAGE,
     .window_end = WINDOW + 2 * PAGE, .arrange = logged_arrange, .flip = overlay_flip,
     .shows = overlay_shows, .code = code_stays},
};

/* ---- dirty bits -------------------------------------------------------------------------------
 */

static uint32_t logged_word(struct stress *stress, unsigned page, unsigned cpu)
{
    const uint8_t *at = stress->ram_host + LOG_FIRST + page * PAGE + cpu * 4;

    return __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

/* Which pages nobody writes: the odd ones, but for the one below the window. */
static bool stays_clean(unsigned page)
{
    return page % 2 == 1 && LOG_FIRST + page * PAGE != WINDOW - PAGE;
}

/*
 * A page written between two harvests has its bit at the second. Or later: what KVM emulates is
 * written first and marked then; but not after KVM_RUN returned.
 */
static void check_page(struct stress *stress, unsigned page, bool dirty, bool paused)
{
    struct log_page *log = &stress->logs[page];
    unsigned cpu;

    for (cpu = 0; cpu < CPU_NUM; cpu++) {
        log->late |= log->before[cpu] != log->after[cpu];
        log->after[cpu] = logged_word(stress, page, cpu);
    }
    log->late &= !dirty;
    stress->bits += dirty;
    stress->invented += dirty && stays_clean(page);
    stress->lost += log->late && paused;
}

/* @paused  no vCPU is in KVM_RUN, or serves an exit. */
static void harvest(struct stress *stress, bool paused)
{
    uint64_t bitmap;
    unsigned page, cpu;

    (void)pthread_mutex_lock(&stress->harvest_lock);
    for (page = 0; page < LOG_PAGES; page++) {
        for (cpu = 0; cpu < CPU_NUM; cpu++) {
            stress->logs[page].before[cpu] = logged_word(stress, page, cpu);
        }
    }
    (void)memory_region_snapshot_and_clear_dirty(&stress->ram, LOG_FIRST, LOG_PAGES,
                                                 DIRTY_MEMORY_VGA, &bitmap);
    for (page = 0; page < LOG_PAGES; page++) {
        check_page(stress, page, bitmap >> page & 1, paused);
    }
    stress->harvests++;
    (void)pthread_mutex_unlock(&stress->harvest_lock);
}

/* Bits and contents as they are before the guest runs: bits start all set, which says nothing. */
static void first_harvest(struct stress *stress)
{
    unsigned page, cpu;

    (void)ram_block_test_and_clear_dirty(stress->ram.ram_block, 0, RAM_SIZE, DIRTY_MEMORY_VGA);
    for (page = 0; page < LOG_PAGES; page++) {
        for (cpu = 0; cpu < CPU_NUM; cpu++) {
            stress->logs[page].after[cpu] = logged_word(stress, page, cpu);
        }
    }
}

static void *harvester(void *opaque)
{
    struct stress *stress = opaque;

    memory_thread_register();
    while (!atomic_load(&stress->quit)) {
        harvest(stress, false);
        (void)usleep(500);
    }
    memory_thread_unregister();
    return NULL;
}

/* ---- a run ------------------------------------------------------------------------------------
 */

static uint32_t loops_of(struct stress *stress, unsigned cpu)
{
    return __atomic_load_n(&cpu_of(stress, cpu)->loops, __ATOMIC_RELAXED);
}

/*
 * Both vCPUs enter anew, after the last flip, and run through their loop. Returns: false when one
 * does not get on.
 */
static bool let_run(struct stress *stress, bool logged)
{
    uint32_t before[CPU_NUM];
    time_t limit = time(NULL) + STUCK_S;
    unsigned i;

    vcpu_group_pause(&stress->vcpus);
    for (i = 0; i < CPU_NUM; i++) {
        atomic_store(&stress->entered[i], atomic_load(&stress->flips));
        before[i] = loops_of(stress, i);
    }
    if (logged) {
        harvest(stress, true);
    }
    vcpu_group_unpark(&stress->vcpus);
    for (i = 0; i < CPU_NUM && !atomic_load(&stress->ended); i++) {
        while (loops_of(stress, i) - before[i] < 2 && !atomic_load(&stress->ended)) {
            if (time(NULL) > limit) {
                return false;
            }
            (void)sched_yield();
        }
    }
    return true;
}

/* The guest is told what it may see before and while the map changes, and what is left after. */
static int flip_once(struct stress *stress, const struct variant *variant, uint64_t n)
{
    struct guest_shared *shared = shared_of(stress);
    uint32_t window = UINT32_C(1) << variant->shows(n), code = UINT32_C(1) << variant->code(n);
    int result;

    __atomic_store_n(&shared->flips, (uint32_t)n, __ATOMIC_SEQ_CST);
    __atomic_store_n(&shared->window_mask, shared->window_mask | window, __ATOMIC_SEQ_CST);
    __atomic_store_n(&shared->code_mask, shared->code_mask | code, __ATOMIC_SEQ_CST);
    if (variant->shows(n) == VALUE_MMIO) {
        atomic_store(&stress->traps_until, NEVER);
    }
    result = variant->flip(stress, n);
    atomic_store(&stress->flips, n);
    if (variant->shows(n) != VALUE_MMIO && atomic_load(&stress->traps_until) == NEVER) {
        atomic_store(&stress->traps_until, n);
    }
    __atomic_store_n(&shared->window_mask, window, __ATOMIC_SEQ_CST);
    __atomic_store_n(&shared->code_mask, code, __ATOMIC_SEQ_CST);
    return result;
}

static void flip_all(struct stress *stress, const struct variant *variant, uint64_t flips)
{
    uint64_t n;

    shared_of(stress)->window_mask = UINT32_C(1) << variant->shows(0);
    shared_of(stress)->code_mask = UINT32_C(1) << variant->code(0);
    atomic_store(&stress->traps_until, variant->shows(0) == VALUE_MMIO ? NEVER : 0);
    vcpu_group_unpark(&stress->vcpus);
    for (n = 1; n <= flips && !atomic_load(&stress->ended); n++) {
        int result = flip_once(stress, variant, n);

        if (result < 0 && !atomic_exchange(&stress->ended, true)) {
            (void)snprintf(stress->why, sizeof(stress->why), "flip %" PRIu64 ": %s", n,
                           strerror(-result));
        }
        if ((variant->logged || n % BARRIER_EVERY == 0) && !let_run(stress, variant->logged) &&
            !atomic_exchange(&stress->ended, true)) {
            (void)snprintf(stress->why, sizeof(stress->why), "a vCPU stands still");
        }
        memory_core_throttle(&stress->core);
    }
}

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool report(struct stress *stress, const struct variant *variant, unsigned number,
                   double took)
{
    struct guest_cpu sum = {0};
    uint64_t flips = atomic_load(&stress->flips);
    bool passed;
    unsigned i;

    for (i = 0; i < CPU_NUM; i++) {
        const struct guest_cpu *cpu = cpu_of(stress, i);

        sum.loops += cpu->loops;
        sum.stale += cpu->stale;
        sum.unsure += cpu->unsure;
        sum.beside_lost += cpu->beside_lost;
        sum.bad = cpu->stale ? cpu->bad : sum.bad;
        sum.bad_mask = cpu->stale ? cpu->bad_mask : sum.bad_mask;
    }
    passed = !atomic_load(&stress->ended) && sum.stale == 0 && sum.beside_lost == 0 &&
             atomic_load(&stress->spurious) == 0 && stress->lost == 0 && stress->invented == 0;
    (void)printf("%sok %u - m77 %s\n", passed ? "" : "not ", number, variant->name);
    (void)printf("# %" PRIu64 " flips in %.1f s (%.0f a second), %u with vCPUs parked; %" PRIu64
                 " exits\n",
                 flips, took, (double)flips / took, stress->parks, atomic_load(&stress->exits));
    (void)printf(
        "# %u guest loops: %u stale (value 0x%x, allowed 0x%x), %u unsure, %u lost beside; "
        "%" PRIu64 " spurious exits (0x%" PRIx64 ")\n",
        sum.loops, sum.stale, sum.bad, sum.bad_mask, sum.unsure, sum.beside_lost,
        atomic_load(&stress->spurious), atomic_load(&stress->spurious_at));
    if (variant->logged) {
        (void)printf("# %" PRIu64 " harvests of %" PRIu64 " dirty bits: %" PRIu64 " lost, %" PRIu64
                     " invented\n",
                     stress->harvests, stress->bits, stress->lost, stress->invented);
    }
    if (stress->why[0]) {
        (void)printf("# %s\n", stress->why);
    }
    (void)fflush(stdout);
    return passed;
}

static int run(const struct variant *variant, unsigned number, uint64_t flips, bool *passed)
{
    struct stress *stress = calloc(1, sizeof(*stress));
    struct error err;
    pthread_t thread;
    double start;

    if (!stress) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&stress->harvest_lock, NULL);
    TRY(make_machine(stress, variant));
    if (variant->logged) {
        first_harvest(stress);
        TRY(-pthread_create(&thread, NULL, harvester, stress));
    }
    if (vcpu_group_start(&stress->vcpus, &err) != 0) {
        (void)fprintf(stderr, "flip: error: %s\n", err.text);
        return -EIO;
    }
    start = seconds();
    flip_all(stress, variant, flips);
    start = seconds() - start;
    vcpu_group_stop(&stress->vcpus);
    vcpu_group_join(&stress->vcpus);
    atomic_store(&stress->quit, true);
    if (variant->logged) {
        (void)pthread_join(thread, NULL);
    }
    *passed = report(stress, variant, number, start);
    unmake_machine(stress);
    (void)pthread_mutex_destroy(&stress->harvest_lock);
    free(stress);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t flips = argc > 1 ? strtoull(argv[1], NULL, 0) : FLIPS_DEFAULT;
    unsigned num = sizeof(variants) / sizeof(variants[0]), only = 0, i;
    bool all = true, passed = false;

    if (argc > 2) {
        only = (unsigned)strtoul(argv[2], NULL, 0);
    }
    if (flips == 0 || only > num) {
        (void)fprintf(stderr, "usage: flip [FLIPS [VARIANT]]   variants 1..%u\n", num);
        return 2;
    }
    if (access("/dev/kvm", R_OK | W_OK) != 0) {
        (void)printf("1..0 # SKIP no usable /dev/kvm\n");
        return 0;
    }
    memory_thread_register();
    (void)printf("1..%u\n", only ? 1 : num);
    for (i = only ? only - 1 : 0; i < (only ? only : num); i++) {
        if (run(&variants[i], only ? 1 : i + 1, flips, &passed) < 0) {
            return 1;
        }
        all &= passed;
    }
    memory_thread_unregister();
    return all ? 0 : 1;
}
