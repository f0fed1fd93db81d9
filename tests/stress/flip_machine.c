/*
 * flip_machine.c - a VM from acre's parts. The vCPUs' exits go through one more address space, all
 * of it one region, which judges each before it passes it on.
 */
#include <errno.h>
#include <stdarg.h>

#include "flip.h"

void give_up(struct stress *stress, const char *format, ...)
{
    va_list args;

    if (!atomic_exchange(&stress->ended, true)) {
        va_start(args, format);
        (void)vsnprintf(stress->why, sizeof(stress->why), format, args);
        va_end(args);
    }
}

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

    give_up(stress, "%.200s rip %llx", verdict->message, verdict->regs.rip);
    vcpu_group_stop(&stress->vcpus);
}

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

    give_up(stress, "the map broke: %s, %s", strerror(-apply_error), strerror(-undo_error));
}

static void on_commit(MemoryListener *listener, const MemoryCommit *commit)
{
    struct stress *stress = listener->opaque;
    char why[200];

    if (!kvm_slots_audit(&stress->slots, commit->new_view, why, sizeof(why))) {
        give_up(stress, "audit: %s", why);
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
        /* With rings enough pages to fill them. */
        .write_end =
            stress->rings.size ? (uint32_t)RAM_SIZE : (uint32_t)LOG_FIRST + LOG_PAGES * PAGE,
    };
}

int machine_make(struct stress *stress, const struct variant *variant, uint32_t ring)
{
    const struct memory_core_config core_config = {
        .park = on_park, .unpark = on_unpark, .broken = on_broken, .opaque = stress};
    const struct kvm_slots_config slots_config = {.park = on_park,
                                                  .unpark = on_unpark,
                                                  .opaque = stress,
                                                  .rings = ring ? &stress->rings : NULL};
    const struct vcpu_group_config group_config = {.kvm = &stress->kvm,
                                                   .core = &stress->core,
                                                   .memory = &stress->observer,
                                                   .io = &stress->io,
                                                   .ring = &stress->ring,
                                                   .dirty_rings = ring ? &stress->rings : NULL,
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
    if (kvm_open(&stress->kvm, NULL, &err) != 0 || kvm_create_vm(&stress->kvm, false, &err) != 0 ||
        (ring && (kvm_dirty_ring_probe(&stress->kvm, ring, &err) != 0 ||
                  kvm_dirty_rings_init(&stress->rings, &stress->kvm, ring, &err) != 0))) {
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

void machine_unmake(struct stress *stress)
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
    kvm_dirty_rings_finish(&stress->rings);
    kvm_close(&stress->kvm);
    address_space_finish(&stress->observer);
    address_space_finish(&stress->io);
    address_space_finish(&stress->memory);
    for (i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        memory_region_unref(regions[i]);
    }
    memory_core_finish(&stress->core);
}
