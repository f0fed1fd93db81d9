/*
 * kvm_fixture.h - a memory map of one RAM whose slots a model of the kernel has; an MMIO window and
 * a ROM wait to be mounted. For the tests of kvm_slots and kvm_events.
 */
#ifndef ACRE_TESTS_KVM_FIXTURE_H
#define ACRE_TESTS_KVM_FIXTURE_H

#include <check.h>

#include "kvm_mock.h"
#include "vmm/kvm_events.h"
#include "vmm/kvm_slots.h"

#define RAM_SIZE UINT64_C(0x100000)

static inline uint64_t zero_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque, (void)addr, (void)size;
    return 0;
}

static inline void zero_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque, (void)addr, (void)data, (void)size;
}

static const MemoryRegionOps zero_ops = {.read = zero_read, .write = zero_write};

/* A machine of one RAM, an MMIO window and a ROM, none of which but the RAM is mounted. */
static struct memory_core core;
static AddressSpace as;
static MemoryRegion root, ram, window, rom;
static struct kvm_mock mock;
static struct kvm kvm;
static struct kvm_slots slots;
static unsigned parks, unparks, broken_calls, signals;
static unsigned late_runs; /* all let go after the second of two failures, that of the roll-back */
static int broken_apply, broken_undo;

static inline void on_park(void *opaque)
{
    (void)opaque;
    parks++;
}

static inline void on_unpark(void *opaque)
{
    (void)opaque;
    unparks++;
    late_runs +=
        mock.fail_at[0] && mock.fail_at[1] && mock.calls >= mock.fail_at[1] && unparks == parks;
}

static inline void on_broken(void *opaque, int apply_error, int undo_error)
{
    (void)opaque;
    broken_calls++;
    broken_apply = apply_error;
    broken_undo = undo_error;
}

static inline void on_signal(void *opaque, int fd)
{
    (void)opaque, (void)fd;
    signals++;
}

static inline void make_ram(MemoryRegion *mr, const char *name, uint64_t size, bool is_rom)
{
    struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = size};
    RAMBlock *block;

    ck_assert_int_eq(ram_block_new(&core, name, &config, &block), 0);
    if (is_rom) {
        ck_assert_int_eq(memory_region_init_rom(mr, NULL, name, block), 0);
    } else {
        ck_assert_int_eq(memory_region_init_ram(mr, NULL, name, block), 0);
    }
}

static inline void setup(void)
{
    struct memory_core_config config = {
        .park = on_park, .unpark = on_unpark, .broken = on_broken, .signal_eventfd = on_signal};
    struct kvm_slots_config slots_config = {.park = on_park, .unpark = on_unpark};

    memory_thread_register();
    parks = unparks = late_runs = broken_calls = signals = 0;
    mock_init(&mock, &kvm);
    ck_assert_int_eq(memory_core_init(&core, &config), 0);
    ck_assert_int_eq(memory_region_init(&root, &core, NULL, "root", UINT64_MAX), 0);
    make_ram(&ram, "ram", RAM_SIZE, false);
    make_ram(&rom, "rom", 0x2000, true);
    ck_assert_int_eq(memory_region_init_io(&window, &core, NULL, &zero_ops, NULL, "window", 0x4000),
                     0);
    ck_assert_int_eq(memory_region_add_subregion(&root, 0, &ram), 0);
    ck_assert_int_eq(address_space_init(&as, &core, &root, "memory", MEMORY_UNASSIGNED_MEMORY), 0);
    ck_assert_int_eq(kvm_slots_init(&slots, &kvm, &as, &slots_config), 0);
}

static inline void teardown(void)
{
    kvm_slots_finish(&slots, false);
    address_space_finish(&as);
    memory_region_unref(&root);
    memory_region_unref(&ram);
    memory_region_unref(&window);
    memory_region_unref(&rom);
    memory_core_finish(&core);
    memory_thread_unregister();
}

/* What the model of the kernel has is what the tree of slots says. */
static inline void assert_slot_in_mock(void *opaque, const struct kvm_slot *slot)
{
    const struct kvm_userspace_memory_region *region = &mock.slots[slot->id];

    (*(unsigned *)opaque)++;
    ck_assert_uint_eq(region->guest_phys_addr, slot->node.first);
    ck_assert_uint_eq(region->memory_size, slot->node.last - slot->node.first + 1);
    ck_assert_uint_eq(region->userspace_addr, slot->hva);
    ck_assert_uint_eq(region->flags, slot->flags);
}

static inline void assert_audit(void)
{
    char why[256] = "";
    FlatView *view = address_space_get_flatview(&as);
    unsigned num = 0, in_mock = 0, i;

    ck_assert_msg(kvm_slots_audit(&slots, view, why, sizeof(why)), "%s", why);
    flatview_unref(view);
    kvm_slots_for_each(&slots, assert_slot_in_mock, &num);
    for (i = 0; i < MOCK_SLOTS; i++) {
        in_mock += mock.slots[i].memory_size != 0;
    }
    ck_assert_uint_eq(num, in_mock);
}

static inline void mount(MemoryRegion *mr, hwaddr addr)
{
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, addr, mr, 1), 0);
}

static inline void unmount(MemoryRegion *mr)
{
    ck_assert_int_eq(memory_region_del_subregion(&root, mr), 0);
}

#endif
