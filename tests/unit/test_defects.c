/*
 * What is known to go wrong in QEMU's memory API and is not shown by a test of the part concerned:
 * the q numbers count those defects (scripts/items).
 */
#include "tests/unit/memory_device.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define ATTRS MEMTXATTRS_UNSPECIFIED

static uint64_t work_of(const struct fixture *f)
{
    const struct memory_counters *counters = &f->core.counters;

    return counters->ranges_visited + counters->nodes_copied + counters->callbacks;
}

/* ---- many regions -----------------------------------------------------------------------------
 */

enum { FEW = 100, LOTS = 5000, MEASURED = 50 };

/* Mounts regions up to `num`, each in a transaction of its own. Returns: work of the last few. */
static uint64_t grow_to(struct fixture *f, unsigned from, unsigned num)
{
    uint64_t before = 0;
    unsigned i;

    for (i = from; i < num; i++) {
        before = i + MEASURED == num ? work_of(f) : before;
        put(f->root, (hwaddr)i * 0x100, io_new(f, "io", 0x80));
    }
    return work_of(f) - before;
}

START_TEST(q02_the_thousandth_region_costs_what_the_hundredth_did)
{
    struct fixture *f = fixture_new();
    uint64_t early = grow_to(f, 0, FEW), late = grow_to(f, FEW, LOTS);

    ck_assert_uint_gt(early, 0);
    ck_assert_uint_le(late, 3 * early);
    fixture_free(f);
}
END_TEST

/* Their places are found among gaps ordered by size, and not by going through all blocks. */
START_TEST(q02_thousands_of_blocks_have_places_of_their_own)
{
    struct fixture *f = fixture_new();
    static RAMBlock *blocks[LOTS];
    uint8_t *memory =
        mmap(NULL, LOTS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned i;

    ck_assert_ptr_ne(memory, MAP_FAILED);
    for (i = 0; i < LOTS; i++) {
        struct ram_block_config config = {
            .backing = RAM_PTR, .size = PAGE, .ptr = memory + (size_t)i * PAGE};

        OK(ram_block_new(&f->core, "block", &config, &blocks[i]));
        ck_assert_uint_eq(blocks[i]->offset, (uint64_t)i * 64 * PAGE);
    }
    for (i = 0; i < LOTS; i += 2) { /* the holes are used again */
        ram_block_unref(blocks[i]);
    }
    drain_rcu();
    for (i = 0; i < LOTS; i += 2) {
        struct ram_block_config config = {
            .backing = RAM_PTR, .size = PAGE, .ptr = memory + (size_t)i * PAGE};

        OK(ram_block_new(&f->core, "again", &config, &blocks[i]));
        ck_assert_uint_lt(blocks[i]->offset, (uint64_t)LOTS * 64 * PAGE);
    }
    for (i = 0; i < LOTS; i++) {
        ram_block_unref(blocks[i]);
    }
    drain_rcu();
    fixture_free(f);
    (void)munmap(memory, LOTS * PAGE);
}
END_TEST

/* Regions with an eventfd each; one more is added and taken away. Returns: work of a pair. */
static uint64_t eventfd_cost(unsigned num)
{
    struct fixture *f = fixture_new();
    struct trace trace = {0};
    struct recorder recorder;
    MemoryRegion *io = NULL;
    uint64_t before;
    unsigned i;

    memory_region_transaction_begin(&f->core);
    for (i = 0; i < num; i++) {
        io = io_new(f, "io", 0x80);
        put(f->root, (hwaddr)i * 0x100, io);
        OK(memory_region_add_eventfd(io, 0, 4, false, 0, (int)i));
    }
    OK(memory_region_transaction_commit(&f->core));
    recorder_init(&recorder, &trace, "L", 0);
    OK(memory_listener_register(&recorder.listener, &f->as));
    trace_finish(&trace);
    before = work_of(f);
    OK(memory_region_add_eventfd(io, 8, 4, false, 0, (int)num));
    OK(memory_region_del_eventfd(io, 8, 4, false, 0, (int)num));
    before = work_of(f) - before;
    memory_listener_unregister(&recorder.listener);
    trace_finish(&trace);
    fixture_free(f);
    return before;
}

START_TEST(q04_an_eventfd_among_thousands_costs_what_one_among_a_hundred_does)
{
    uint64_t among_few = eventfd_cost(FEW), among_lots = eventfd_cost(LOTS);

    ck_assert_uint_gt(among_few, 0);
    ck_assert_uint_le(among_lots, 3 * among_few);
}
END_TEST

/* ---- many threads -----------------------------------------------------------------------------
 */

struct busy {
    pthread_barrier_t inside, done;
    struct fixture *f;
};

/* Answers only when the test has done what it wants to do meanwhile. */
static uint64_t busy_read(void *opaque, hwaddr addr, unsigned size)
{
    struct busy *busy = opaque;

    (void)addr;
    (void)size;
    pthread_barrier_wait(&busy->inside);
    pthread_barrier_wait(&busy->done);
    return 1;
}

static void busy_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)data;
    (void)size;
}

static const MemoryRegionOps busy_ops = {.read = busy_read, .write = busy_write};

static void *read_busy(void *opaque)
{
    struct busy *busy = opaque;
    uint32_t value = 0;

    memory_thread_register();
    ck_assert_uint_eq(address_space_read(&busy->f->as, 0x1000, ATTRS, &value, 4), MEMTX_OK);
    memory_thread_unregister();
    return NULL;
}

/* Under one big lock each of these would wait for ever. */
START_TEST(q05_a_busy_device_holds_up_nobody_else)
{
    struct fixture *f = fixture_new();
    struct busy busy = {.f = f};
    MemoryOwner slow, quick;
    MemoryRegion *io;
    struct device device;
    pthread_t thread;
    uint32_t value = 0;

    memory_owner_init(&slow, "slow");
    memory_owner_init(&quick, "quick");
    pthread_barrier_init(&busy.inside, NULL, 2);
    pthread_barrier_init(&busy.done, NULL, 2);
    put(f->root, 0x1000, device_new(f, &slow, &busy_ops, &busy, "slow", 0x10));
    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device.mr = device_new(f, &quick, &device.ops, &device, "quick", DEVICE_BYTES);
    put(f->root, 0x2000, device.mr);
    put(f->root, 0x3000, ram_new(f, "ram", PAGE));
    ck_assert_int_eq(pthread_create(&thread, NULL, read_busy, &busy), 0);
    pthread_barrier_wait(&busy.inside);
    ck_assert_uint_eq(address_space_read(&f->as, 0x2000, ATTRS, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, 0x04030201);
    ck_assert_uint_eq(address_space_write(&f->as, 0x3000, ATTRS, &value, 4), MEMTX_OK);
    io = io_new(f, "io", 0x10);
    put(f->root, 0x5000, io); /* a commit */
    take_out(f->root, io);
    pthread_barrier_wait(&busy.done);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    trace_finish(&device.trace);
    pthread_barrier_destroy(&busy.inside);
    pthread_barrier_destroy(&busy.done);
    fixture_free(f);
    memory_owner_finish(&slow);
    memory_owner_finish(&quick);
}
END_TEST

/* ---- lifetime ---------------------------------------------------------------------------------
 */

struct ends {
    _Atomic unsigned num;
};

static void count_end(MemoryRegion *mr)
{
    struct ends *ends = mr->destructor_opaque;

    ends->num++;
}

/*
 * A device's BAR in a container of the same device, an alias of it, a mapping of it and an address
 * space over it: references that go round by way of the owner would keep them all for ever.
 */
START_TEST(q14_regions_of_one_owner_that_refer_to_each_other_end_one_by_one)
{
    struct fixture *f = fixture_new();
    static MemoryRegion bus, bar, window;
    struct ends ended = {0};
    AddressSpace dma = {0};
    MemoryOwner owner;
    uint64_t len = PAGE;
    void *host;

    memory_owner_init(&owner, "device");
    OK(memory_region_init(&bus, &f->core, &owner, "bus", 0x10000));
    OK(memory_region_init_ram(&bar, &owner, "bar", block_new(f, "bar", PAGE)));
    OK(memory_region_init_alias(&window, &owner, "window", &bar, 0, PAGE));
    memory_region_set_destructor(&bus, count_end, &ended);
    memory_region_set_destructor(&bar, count_end, &ended);
    memory_region_set_destructor(&window, count_end, &ended);
    put(&bus, 0, &bar);
    put(&bus, PAGE, &window);
    put(f->root, 0x10000, &bus);
    OK(address_space_init(&dma, &f->core, &bus, "dma", MEMORY_UNASSIGNED_MEMORY));
    host = address_space_map(&f->as, 0x10000, &len, true, ATTRS);
    ck_assert_ptr_nonnull(host);

    take_out(f->root, &bus);
    address_space_finish(&dma);
    memory_region_unref(&bus);
    memory_region_unref(&window);
    memory_region_unref(&bar);
    drain_rcu();
    drain_rcu(); /* the container's end lets go of the alias, whose end comes after */
    ck_assert_uint_eq(ended.num, 2);
    memset(host, 0x5a, PAGE); /* the BAR is mapped, and there */
    ck_assert_uint_eq(address_space_unmap(&f->as, host, len, true, PAGE), MEMTX_OK);
    drain_rcu();
    ck_assert_uint_eq(ended.num, 3); /* while the owner lives */
    fixture_free(f);
    memory_owner_finish(&owner);
}
END_TEST

/* ---- memory -----------------------------------------------------------------------------------
 */

/* What a descriptor gives for reading only must not be stored to: that would be a fault of ours. */
START_TEST(q19_a_write_to_a_read_only_ram_device_is_refused)
{
    struct fixture *f = fixture_new();
    uint8_t *memory = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct ram_block_config config = {.backing = RAM_PTR, .size = PAGE, .ptr = memory};
    MemoryRegion *bar = region_alloc();
    MemoryRegion *alias;
    uint64_t value = UINT64_MAX;
    RAMBlock *block;
    unsigned size;

    ck_assert_ptr_ne(memory, MAP_FAILED);
    OK(ram_block_new(&f->core, "bar", &config, &block));
    OK(memory_region_init_ram_device(bar, NULL, "bar", block));
    (void)adopt(f, bar);
    alias = alias_new(f, "alias", bar, 0, PAGE);
    if (_i) {
        OK(memory_region_set_readonly(alias, true));
    } else {
        OK(memory_region_set_readonly(bar, true));
    }
    put(f->root, 0, alias);
    for (size = 1; size <= 8; size *= 2) {
        ck_assert_uint_eq(address_space_write(&f->as, 0, ATTRS, &value, size), MEMTX_DECODE_ERROR);
    }
    ck_assert(!address_space_access_valid(&f->as, 0, 8, true, ATTRS));
    ck_assert_uint_eq(address_space_read(&f->as, 0, ATTRS, &value, 8), MEMTX_OK);
    ck_assert_uint_eq(value, 0);
    fixture_free(f);
    (void)munmap(memory, PAGE);
}
END_TEST

/* No width of anything ends below 2^64: the last page is like the first. */
START_TEST(q20_the_last_page_of_all_is_reached_like_the_first)
{
    static const hwaddr pages[] = {0, 1ULL << 38, 1ULL << 62, 1ULL << 63, UINT64_MAX - 0xfff};
    struct fixture *f = fixture_new();
    hwaddr addr = pages[_i];
    MemoryRegion *ram = ram_new(f, "ram", PAGE);
    struct device device;
    uint64_t value = 0, len = PAGE, bits;
    uint8_t *host = memory_region_get_ram_ptr(ram);

    put_prio(f->root, addr, ram, 0);
    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device.mr = device_new(f, NULL, &device.ops, &device, "device", DEVICE_BYTES);
    put_prio(f->root, addr + PAGE - DEVICE_BYTES, device.mr, 1);
    OK(ram_block_track_dirty(ram->ram_block, DIRTY_MEMORY_VGA));
    (void)ram_block_snapshot_and_clear_dirty(ram->ram_block, 0, 1, DIRTY_MEMORY_VGA, &bits);

    address_space_stl_le(&f->as, addr + 4, 0x11223344, ATTRS, NULL);
    ck_assert_uint_eq(host[4], 0x44);
    ck_assert(ram_block_test_dirty(ram->ram_block, 0, PAGE, DIRTY_MEMORY_VGA));
    ck_assert_uint_eq(address_space_read(&f->as, addr + PAGE - 4, ATTRS, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, 0x403f3e3d); /* its last registers */
    ck_assert_ptr_eq(address_space_map(&f->as, addr, &len, false, ATTRS), host);
    ck_assert_uint_eq(len, PAGE - DEVICE_BYTES);
    ck_assert_uint_eq(address_space_unmap(&f->as, host, len, false, 0), MEMTX_OK);
    trace_finish(&device.trace);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("defects");
    TCase *many = tcase_create("many"), *one = tcase_create("one");

    tcase_set_timeout(many, 60);
    tcase_add_test(many, q02_the_thousandth_region_costs_what_the_hundredth_did);
    tcase_add_test(many, q02_thousands_of_blocks_have_places_of_their_own);
    tcase_add_test(many, q04_an_eventfd_among_thousands_costs_what_one_among_a_hundred_does);
    suite_add_tcase(suite, many);
    tcase_add_test(one, q05_a_busy_device_holds_up_nobody_else);
    tcase_add_test(one, q14_regions_of_one_owner_that_refer_to_each_other_end_one_by_one);
    tcase_add_loop_test(one, q19_a_write_to_a_read_only_ram_device_is_refused, 0, 2);
    tcase_add_loop_test(one, q20_the_last_page_of_all_is_reached_like_the_first, 0, 5);
    suite_add_tcase(suite, one);
    return run_suite(suite);
}
