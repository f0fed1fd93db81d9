/*
 * Owners: one lock a device, no re-entry by the chain of accesses that is already inside, and no
 * deadlock when two devices reach for each other.
 */
#include "tests/unit/memory_fixture.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define ATTRS MEMTXATTRS_UNSPECIFIED

/* A device whose every register access does DMA to `target`, and one more there if told. */
struct dma_device {
    MemoryOwner owner;
    struct fixture *f;
    hwaddr target;
    bool busy; /* has a target */
    MemTxResult last;
    unsigned calls;
    pthread_barrier_t *meet; /* both are inside before either reaches out */
};

static void dma(struct dma_device *device)
{
    uint32_t value = 1;

    device->calls++;
    if (device->meet) {
        pthread_barrier_wait(device->meet);
    }
    if (device->busy) {
        device->last = address_space_write(&device->f->as, device->target, ATTRS, &value, 4);
    }
    if (device->meet) {
        pthread_barrier_wait(device->meet);
    }
}

static uint64_t dma_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)addr;
    (void)size;
    dma(opaque);
    return 7;
}

static void dma_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)addr;
    (void)data;
    (void)size;
    dma(opaque);
}

static const MemoryRegionOps dma_ops = {.read = dma_read, .write = dma_write};

static MemoryRegion *dma_place(struct dma_device *device, struct fixture *f, const char *name,
                               hwaddr at)
{
    *device = (struct dma_device){.f = f};
    memory_owner_init(&device->owner, name);
    MemoryRegion *mr = device_new(f, &device->owner, &dma_ops, device, name, 0x100);
    put(f->root, at, mr);
    return mr;
}

START_TEST(m51_a_device_cannot_be_entered_again_through_its_own_dma)
{
    struct fixture *f = fixture_new();
    struct dma_device device;
    uint32_t value = 0;

    dma_place(&device, f, "nic", 0x1000);
    device.busy = true;
    device.target = 0x1010;
    ck_assert_uint_eq(address_space_read(&f->as, 0x1000, ATTRS, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, 7);
    ck_assert_uint_eq(device.last, MEMTX_ACCESS_ERROR);
    ck_assert_uint_eq(device.calls, 1);
    ck_assert_uint_eq(device.owner.blocked_reentry, 1);
    ck_assert_uint_eq(f->logs, 1);
    ck_assert_ptr_nonnull(strstr(f->last_log, "nic"));
    fixture_free(f);
    memory_owner_finish(&device.owner);
}
END_TEST

START_TEST(m51_a_device_cannot_be_entered_again_by_way_of_another)
{
    struct fixture *f = fixture_new();
    struct dma_device a, b;
    uint32_t value = 0;

    dma_place(&a, f, "a", 0x1000);
    dma_place(&b, f, "b", 0x2000);
    a.busy = b.busy = true;
    a.target = 0x2000;
    b.target = 0x1000;
    ck_assert_uint_eq(address_space_write(&f->as, 0x1000, ATTRS, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(a.last, MEMTX_OK);
    ck_assert_uint_eq(b.last, MEMTX_ACCESS_ERROR);
    ck_assert_uint_eq(a.owner.blocked_reentry, 1);
    ck_assert_uint_eq(b.owner.blocked_reentry, 0);
    fixture_free(f);
    memory_owner_finish(&a.owner);
    memory_owner_finish(&b.owner);
}
END_TEST

START_TEST(m51_a_timer_cannot_enter_its_device_again_either)
{
    struct fixture *f = fixture_new();
    struct dma_device device;
    struct memory_owner_frame frame;
    uint32_t value = 0;

    dma_place(&device, f, "timer", 0x1000);
    ck_assert(!memory_owner_inside());
    ck_assert(memory_owner_enter(&device.owner, &frame));
    ck_assert(memory_owner_inside());
    ck_assert_uint_eq(address_space_read(&f->as, 0x1000, ATTRS, &value, 4), MEMTX_ACCESS_ERROR);
    ck_assert_uint_eq(device.calls, 0);
    memory_owner_leave(&frame);
    ck_assert(!memory_owner_inside());
    fixture_free(f);
    memory_owner_finish(&device.owner);
}
END_TEST

START_TEST(m51_a_region_may_opt_out_of_the_guard)
{
    struct fixture *f = fixture_new();
    struct dma_device device;
    uint32_t value = 0;

    dma_place(&device, f, "outer", 0x1000);
    MemoryRegion *script = device_new(f, &device.owner, &dma_ops, &device, "script", 0x100);
    memory_region_set_reentrant(script, true);
    put(f->root, 0x3000, script);
    struct memory_owner_frame frame;
    ck_assert(memory_owner_enter(&device.owner, &frame));
    ck_assert_uint_eq(address_space_read(&f->as, 0x3000, ATTRS, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, 7);
    memory_owner_leave(&frame);
    fixture_free(f);
    memory_owner_finish(&device.owner);
}
END_TEST

START_TEST(m51_q10_lockless_regions_are_guarded_too)
{
    struct fixture *f = fixture_new();
    struct dma_device device = {.f = f, .busy = true, .target = 0x1010};
    uint32_t value = 0;

    memory_owner_init(&device.owner, "hpet");
    MemoryRegion *mr = device_new(f, &device.owner, &dma_ops, &device, "hpet", 0x100);
    memory_region_set_lockless(mr, true);
    put(f->root, 0x1000, mr);
    pthread_mutex_lock(&device.owner.lock); /* would block, were the lock taken */
    ck_assert_uint_eq(address_space_read(&f->as, 0x1000, ATTRS, &value, 4), MEMTX_OK);
    pthread_mutex_unlock(&device.owner.lock);
    ck_assert_uint_eq(device.last, MEMTX_ACCESS_ERROR);
    fixture_free(f);
    memory_owner_finish(&device.owner);
}
END_TEST

struct cpu {
    struct fixture *f;
    hwaddr addr;
    unsigned rounds;
};

static void *cpu_run(void *opaque)
{
    struct cpu *cpu = opaque;
    uint32_t value = 0;

    memory_thread_register();
    for (unsigned i = 0; i < cpu->rounds; i++) {
        (void)address_space_write(&cpu->f->as, cpu->addr, ATTRS, &value, 4);
    }
    memory_thread_unregister();
    return NULL;
}

static void run_two_cpus(struct fixture *f, unsigned rounds)
{
    struct cpu cpus[2] = {{f, 0x1000, rounds}, {f, 0x2000, rounds}};
    pthread_t threads[2];

    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, cpu_run, &cpus[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}

/* A flag of the device, rather than of the chain, would take the second CPU for a re-entry. */
START_TEST(m51_q10_two_cpus_in_one_lockless_region_are_no_reentry)
{
    struct fixture *f = fixture_new();
    pthread_barrier_t meet;
    struct dma_device a, b;
    MemoryOwner owner;

    memory_owner_init(&owner, "timer");
    pthread_barrier_init(&meet, NULL, 2);
    a = b = (struct dma_device){.f = f, .meet = &meet};
    MemoryRegion *low = device_new(f, &owner, &dma_ops, &a, "low", 0x100);
    MemoryRegion *high = device_new(f, &owner, &dma_ops, &b, "high", 0x100);
    memory_region_set_lockless(low, true);
    memory_region_set_lockless(high, true);
    put(f->root, 0x1000, low);
    put(f->root, 0x2000, high);
    run_two_cpus(f, 50); /* neither comes out before the other is in */
    ck_assert_uint_eq(a.calls, 50);
    ck_assert_uint_eq(b.calls, 50);
    ck_assert_uint_eq(owner.blocked_reentry, 0);
    fixture_free(f);
    memory_owner_finish(&owner);
    pthread_barrier_destroy(&meet);
}
END_TEST

START_TEST(m52_the_guard_is_gone_after_every_way_back)
{
    struct fixture *f = fixture_new();
    struct dma_device device;
    uint8_t bytes[16];
    uint32_t value = 0;

    dma_place(&device, f, "nic", 0x1000);
    device.busy = true;
    device.target = 0x1010; /* refused while inside */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(address_space_read(&f->as, 0x1000, ATTRS, &value, 4), MEMTX_OK);
        ck_assert_uint_eq(device.last, MEMTX_ACCESS_ERROR);
    }
    device.target = 0x8000; /* nothing there */
    ck_assert_uint_eq(address_space_write(&f->as, 0x10f8, ATTRS, bytes, 16), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(device.last, MEMTX_DECODE_ERROR);
    ck_assert(!memory_owner_inside());
    device.busy = false;
    ck_assert_uint_eq(address_space_read(&f->as, 0x1000, ATTRS, &value, 4), MEMTX_OK);
    fixture_free(f);
    memory_owner_finish(&device.owner);
}
END_TEST

START_TEST(two_devices_that_reach_for_each_other_do_not_deadlock)
{
    struct fixture *f = fixture_new();
    pthread_barrier_t meet;
    struct dma_device a, b;

    pthread_barrier_init(&meet, NULL, 2);
    dma_place(&a, f, "a", 0x1000);
    dma_place(&b, f, "b", 0x2000);
    a.busy = b.busy = true;
    a.target = 0x2000;
    b.target = 0x1000;
    a.meet = b.meet = &meet;
    run_two_cpus(f, 200);
    /* Both were inside each time, so neither could ever reach the other. */
    ck_assert_uint_eq(a.owner.blocked_deadlock, 200);
    ck_assert_uint_eq(b.owner.blocked_deadlock, 200);
    ck_assert_uint_eq(a.last, MEMTX_ACCESS_ERROR);
    ck_assert_uint_eq(a.calls, 200);
    fixture_free(f);
    memory_owner_finish(&a.owner);
    memory_owner_finish(&b.owner);
    pthread_barrier_destroy(&meet);
}
END_TEST

START_TEST(two_devices_under_free_running_cpus_do_not_deadlock)
{
    struct fixture *f = fixture_new();
    struct dma_device a, b;

    dma_place(&a, f, "a", 0x1000);
    dma_place(&b, f, "b", 0x2000);
    a.busy = b.busy = true;
    a.target = 0x2000;
    b.target = 0x1000;
    run_two_cpus(f, 5000);
    ck_assert_uint_ge(a.calls + b.calls, 10000);
    fixture_free(f);
    memory_owner_finish(&a.owner);
    memory_owner_finish(&b.owner);
}
END_TEST

/* A device whose registers flip a region: its CPU, inside an access, wants the core's lock. */
struct flipper {
    struct fixture *f;
    MemoryRegion *mr;
    _Atomic bool inside;
};

static uint64_t flip(void *opaque, hwaddr addr, unsigned size)
{
    struct flipper *flipper = opaque;

    (void)addr, (void)size;
    flipper->inside = true;
    OK(memory_region_set_enabled(flipper->mr, false));
    return 0;
}

static const MemoryRegionOps flip_ops = {.read = flip, .write = dma_write};

static void *read_a_register(void *opaque)
{
    struct flipper *flipper = opaque;
    uint32_t value;

    memory_thread_register();
    ck_assert_uint_eq(address_space_read(&flipper->f->as, 0x1000, ATTRS, &value, 4), MEMTX_OK);
    memory_thread_unregister();
    return NULL;
}

/* So many changes that a commit would wait for readers, had it not the lock that one waits for. */
START_TEST(who_holds_the_core_waits_for_no_reader)
{
    struct fixture *f = fixture_new();
    MemoryRegion *other = io_new(f, "other", 0x100);
    struct flipper flipper = {.f = f, .mr = io_new(f, "flipped", 0x100)};
    pthread_t cpu;

    put(f->root, 0, other);
    put(f->root, 0x200, flipper.mr);
    put(f->root, 0x1000, device_new(f, NULL, &flip_ops, &flipper, "flipper", 0x100));
    memory_core_freeze(&f->core);
    ck_assert_int_eq(pthread_create(&cpu, NULL, read_a_register, &flipper), 0);
    while (!flipper.inside) {
    }
    for (unsigned i = 0; i < 200; i++) {
        OK(memory_region_set_enabled(other, i & 1));
        if (_i) {
            OK(memory_global_dirty_log_start(&f->core));
            OK(memory_global_dirty_log_stop(&f->core));
        }
    }
    ck_assert_uint_gt(f->core.counters.views_pending, 64);
    memory_core_thaw(&f->core);
    pthread_join(cpu, NULL);
    expect_view(&f->as, "0-ff other\n1000-10ff flipper\n");
    memory_core_throttle(&f->core);
    drain_rcu();
    ck_assert_uint_le(f->core.counters.views_pending, 65);
    fixture_free(f);
}
END_TEST

/* The reader stands at the lock of the device that grows its memory. */
START_TEST(memory_grows_inside_its_owner_and_waits_for_no_reader)
{
    struct fixture *f = fixture_new();
    struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = PAGE, .max_size = 4 * PAGE};
    struct flipper reader = {.f = f};
    struct dma_device device;
    struct memory_owner_frame frame;
    MemoryRegion *ram = region_alloc();
    RAMBlock *block;
    pthread_t cpu;

    OK(ram_block_new(&f->core, "grows", &config, &block));
    OK(memory_region_init_ram(ram, NULL, "grows", block));
    put(f->root, 0x10000, adopt(f, ram));
    dma_place(&device, f, "device", 0x1000);
    ck_assert(memory_owner_enter(&device.owner, &frame));
    ck_assert_int_eq(pthread_create(&cpu, NULL, read_a_register, &reader), 0);
    (void)usleep(10000); /* gets there; where it does not, the test only proves less */
    OK(memory_region_ram_resize(ram, 2 * PAGE));
    memory_owner_leave(&frame);
    pthread_join(cpu, NULL);
    expect_view(&f->as, "1000-10ff device\n10000-11fff grows\n");
    fixture_free(f);
    memory_owner_finish(&device.owner);
}
END_TEST

START_TEST(entering_from_inside_another_owner_tries_only)
{
    MemoryOwner outer, inner;
    struct memory_owner_frame first, second;

    memory_owner_init(&outer, "outer");
    memory_owner_init(&inner, "inner");
    ck_assert(memory_owner_enter(&outer, &first));
    ck_assert(memory_owner_enter(&inner, &second)); /* free: taken */
    memory_owner_leave(&second);
    pthread_mutex_lock(&inner.lock);
    ck_assert(!memory_owner_enter(&inner, &second)); /* held: refused at once */
    ck_assert_uint_eq(inner.blocked_deadlock, 1);
    pthread_mutex_unlock(&inner.lock);
    ck_assert(!memory_owner_enter(&outer, &second));
    ck_assert_uint_eq(outer.blocked_reentry, 1);
    memory_owner_leave(&first);
    memory_owner_finish(&outer);
    memory_owner_finish(&inner);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("owner");
    TCase *guard = tcase_create("guard"), *locks = tcase_create("locks");

    tcase_add_test(guard, m51_a_device_cannot_be_entered_again_through_its_own_dma);
    tcase_add_test(guard, m51_a_device_cannot_be_entered_again_by_way_of_another);
    tcase_add_test(guard, m51_a_timer_cannot_enter_its_device_again_either);
    tcase_add_test(guard, m51_a_region_may_opt_out_of_the_guard);
    tcase_add_test(guard, m51_q10_lockless_regions_are_guarded_too);
    tcase_add_test(guard, m51_q10_two_cpus_in_one_lockless_region_are_no_reentry);
    tcase_add_test(guard, m52_the_guard_is_gone_after_every_way_back);
    suite_add_tcase(suite, guard);
    tcase_set_timeout(locks, 60);
    tcase_add_test(locks, two_devices_that_reach_for_each_other_do_not_deadlock);
    tcase_add_test(locks, two_devices_under_free_running_cpus_do_not_deadlock);
    tcase_add_loop_test(locks, who_holds_the_core_waits_for_no_reader, 0, 2);
    tcase_add_test(locks, memory_grows_inside_its_owner_and_waits_for_no_reader);
    tcase_add_test(locks, entering_from_inside_another_owner_tries_only);
    suite_add_tcase(suite, locks);
    return run_suite(suite);
}
