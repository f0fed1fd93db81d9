/*
 * Dirty bits, discarded and resized RAM, huge pages.
 */
#include "tests/unit/memory_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ATTRS MEMTXATTRS_UNSPECIFIED
#define MIB (1ULL << 20)

static uint8_t *host_of(MemoryRegion *mr)
{
    return memory_region_get_ram_ptr(mr);
}

START_TEST(m65_a_clients_bits_are_its_own)
{
    struct fixture *f = fixture_new();
    RAMBlock *block = block_new(f, "ram", 200 * PAGE);
    uint64_t bits[4];

    ck_assert(ram_block_test_dirty(block, 0, 1, DIRTY_MEMORY_VGA)); /* nobody knows: dirty */
    OK(ram_block_track_dirty(block, DIRTY_MEMORY_VGA));
    OK(ram_block_track_dirty(block, DIRTY_MEMORY_CODE));
    ck_assert_int_eq(ram_block_track_dirty(block, DIRTY_MEMORY_NUM), -EINVAL);
    ck_assert_uint_eq(ram_block_snapshot_and_clear_dirty(block, 0, 200, DIRTY_MEMORY_VGA, bits),
                      200);
    ck_assert_uint_eq(bits[3], 0xff);
    ck_assert(!ram_block_test_dirty(block, 0, 200 * PAGE, DIRTY_MEMORY_VGA));
    ck_assert(ram_block_test_dirty(block, 7 * PAGE, 1, DIRTY_MEMORY_CODE));
    ram_block_set_dirty(block, 64 * PAGE - 1, 2); /* two pages in two words */
    ck_assert_uint_eq(
        ram_block_snapshot_and_clear_dirty(block, 60 * PAGE, 70, DIRTY_MEMORY_VGA, bits), 2);
    ck_assert_uint_eq(bits[0], 3U << 3);
    ck_assert_uint_eq(bits[1], 0);
    ram_block_unref(block);
    fixture_free(f);
}
END_TEST

START_TEST(m65_clearing_some_pages_leaves_their_neighbours)
{
    struct fixture *f = fixture_new();
    RAMBlock *block = block_new(f, "ram", 200 * PAGE);

    OK(ram_block_track_dirty(block, DIRTY_MEMORY_VGA));
    ck_assert(ram_block_test_and_clear_dirty(block, 10 * PAGE, 100 * PAGE, DIRTY_MEMORY_VGA));
    ck_assert(!ram_block_test_and_clear_dirty(block, 10 * PAGE, 100 * PAGE, DIRTY_MEMORY_VGA));
    ck_assert(ram_block_test_dirty(block, 9 * PAGE, PAGE, DIRTY_MEMORY_VGA));
    ck_assert(ram_block_test_dirty(block, 110 * PAGE, PAGE, DIRTY_MEMORY_VGA));
    ram_block_unref(block);
    fixture_free(f);
}
END_TEST

START_TEST(m65_accesses_and_imported_logs_set_them)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 100 * PAGE);
    uint64_t logged[2] = {1ULL << 63 | 1, 1}, bits[2];
    uint8_t bytes[PAGE] = {0};

    put(f->root, 0, ram);
    OK(memory_region_set_log(ram, true, DIRTY_MEMORY_VGA));
    (void)ram_block_test_and_clear_dirty(ram->ram_block, 0, 100 * PAGE, DIRTY_MEMORY_VGA);
    ck_assert_uint_eq(address_space_read(&f->as, 0, ATTRS, bytes, PAGE), MEMTX_OK);
    ck_assert(!ram_block_test_dirty(ram->ram_block, 0, 100 * PAGE, DIRTY_MEMORY_VGA));
    ck_assert_uint_eq(address_space_write(&f->as, 5 * PAGE + 1, ATTRS, bytes, PAGE), MEMTX_OK);
    ck_assert_uint_eq(address_space_write_rom(&f->as, 9 * PAGE, ATTRS, bytes, 1), MEMTX_OK);
    ck_assert_uint_eq(ram_block_import_dirty(ram->ram_block, 10 * PAGE, 65, logged), 3);
    ck_assert_uint_eq(memory_region_snapshot_and_clear_dirty(ram, 0, 100, DIRTY_MEMORY_VGA, bits),
                      6);
    ck_assert_uint_eq(bits[0], 1ULL << 5 | 1ULL << 6 | 1ULL << 9 | 1ULL << 10);
    ck_assert_uint_eq(bits[1], 1ULL << (73 - 64) | 1ULL << (74 - 64));
    fixture_free(f);
}
END_TEST

enum { WRITES = 20000 };

static void *write_on(void *opaque)
{
    for (int i = 0; i < WRITES; i++) {
        ram_block_set_dirty(opaque, (uint64_t)(i % 128) * PAGE, 1);
    }
    return NULL;
}

START_TEST(m65_no_bit_is_lost_between_a_writer_and_a_collector)
{
    struct fixture *f = fixture_new();
    RAMBlock *block = block_new(f, "ram", 128 * PAGE);
    uint64_t bits[2], seen[2] = {0};
    pthread_t thread;

    OK(ram_block_track_dirty(block, DIRTY_MEMORY_VGA));
    (void)ram_block_test_and_clear_dirty(block, 0, 128 * PAGE, DIRTY_MEMORY_VGA);
    OK(pthread_create(&thread, NULL, write_on, block));
    for (int i = 0; i < 1000; i++) {
        (void)ram_block_snapshot_and_clear_dirty(block, 0, 128, DIRTY_MEMORY_VGA, bits);
        seen[0] |= bits[0];
        seen[1] |= bits[1];
    }
    pthread_join(thread, NULL);
    (void)ram_block_snapshot_and_clear_dirty(block, 0, 128, DIRTY_MEMORY_VGA, bits);
    ck_assert_uint_eq(seen[0] | bits[0], UINT64_MAX);
    ck_assert_uint_eq(seen[1] | bits[1], UINT64_MAX);
    ram_block_unref(block);
    fixture_free(f);
}
END_TEST

START_TEST(logging_all_ram_shows_in_every_range_and_ends)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE), *late;

    put(f->root, 0, ram);
    put(f->root, PAGE, io_new(f, "io", PAGE));
    OK(memory_global_dirty_log_start(&f->core));
    OK(memory_global_dirty_log_start(&f->core)); /* counted */
    expect_view(&f->as, "0-fff ram log4\n1000-1fff io\n");
    late = ram_new(f, "late", PAGE);
    put(f->root, 2 * PAGE, late);
    (void)ram_block_test_and_clear_dirty(late->ram_block, 0, PAGE, DIRTY_MEMORY_MIGRATION);
    ck_assert(!ram_block_test_dirty(late->ram_block, 0, PAGE, DIRTY_MEMORY_MIGRATION));
    OK(memory_global_dirty_log_stop(&f->core));
    expect_view(&f->as, "0-fff ram log4\n1000-1fff io\n2000-2fff late log4\n");
    OK(memory_global_dirty_log_stop(&f->core));
    expect_view(&f->as, "0-fff ram\n1000-1fff io\n2000-2fff late\n");
    ck_assert_int_eq(memory_global_dirty_log_stop(&f->core), -EINVAL);
    fixture_free(f);
}
END_TEST

static int refuse_log(MemoryListener *listener)
{
    (void)listener;
    return -ENOSPC;
}

static void stop_log(MemoryListener *listener)
{
    ++*(unsigned *)listener->opaque;
}

START_TEST(a_listener_that_cannot_log_stops_the_others_again)
{
    struct fixture *f = fixture_new();
    unsigned stopped = 0;
    MemoryListener willing = {.name = "willing", .opaque = &stopped, .log_global_stop = stop_log};
    MemoryListener other = {.name = "other", .priority = 1, .log_global_start = refuse_log};

    OK(memory_listener_register(&willing, &f->as));
    OK(memory_listener_register(&other, &f->as));
    ck_assert_int_eq(memory_global_dirty_log_start(&f->core), -ENOSPC);
    ck_assert_uint_eq(stopped, 1);
    memory_listener_unregister(&other);
    memory_listener_unregister(&willing);
    fixture_free(f);
}
END_TEST

struct log_listener {
    MemoryListener listener;
    int start, prepare; /* what these say */
    unsigned starts, stops;
};

static int count_start(MemoryListener *listener)
{
    struct log_listener *each = listener->opaque;

    each->starts++;
    return each->start;
}

static void count_stop(MemoryListener *listener)
{
    ((struct log_listener *)listener->opaque)->stops++;
}

static int say_prepare(MemoryListener *listener, MemoryCommit *commit)
{
    (void)commit;
    return ((struct log_listener *)listener->opaque)->prepare;
}

static void say_nothing(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener, (void)commit;
}

/* Row: what log_global_start and prepare say; how often the log is started and stopped. */
static const struct {
    int start, prepare;
    unsigned starts, stops;
} latecomers[] = {
    {0, 0, 1, 1},
    {-ENOSPC, 0, 1, 0},
    {0, -EPERM, 1, 1},
};

START_TEST(a_listener_that_comes_while_all_is_logged_is_told_so)
{
    struct fixture *f = fixture_new();
    struct log_listener late = {.start = latecomers[_i].start, .prepare = latecomers[_i].prepare};
    int refused = late.start ? late.start : late.prepare;

    late.listener = (MemoryListener){.name = "late",
                                     .opaque = &late,
                                     .prepare = say_prepare,
                                     .cancel = say_nothing,
                                     .log_global_start = count_start,
                                     .log_global_stop = count_stop};
    put(f->root, 0, ram_new(f, "ram", PAGE));
    OK(memory_global_dirty_log_start(&f->core));
    ck_assert_int_eq(memory_listener_register(&late.listener, &f->as), refused);
    if (!refused) {
        ck_assert_uint_eq(late.stops, 0);
    }
    OK(memory_global_dirty_log_stop(&f->core));
    ck_assert_uint_eq(late.starts, latecomers[_i].starts);
    ck_assert_uint_eq(late.stops, latecomers[_i].stops);
    memory_listener_unregister(&late.listener);
    ck_assert_uint_eq(late.stops, latecomers[_i].stops);
    fixture_free(f);
}
END_TEST

START_TEST(a_listener_that_leaves_while_all_is_logged_is_told_too)
{
    struct fixture *f = fixture_new();
    struct log_listener early = {.listener = {.name = "early", .opaque = &early}};

    early.listener.log_global_start = count_start;
    early.listener.log_global_stop = count_stop;
    OK(memory_listener_register(&early.listener, &f->as));
    ck_assert_uint_eq(early.starts, 0);
    OK(memory_global_dirty_log_start(&f->core));
    memory_listener_unregister(&early.listener);
    ck_assert_uint_eq(early.starts, 1);
    ck_assert_uint_eq(early.stops, 1);
    OK(memory_global_dirty_log_stop(&f->core));
    ck_assert_uint_eq(early.stops, 1);
    fixture_free(f);
}
END_TEST

/* What a setter got in each of a listener's callbacks of logging. */
struct log_trespass {
    MemoryRegion *mr;
    int start, stop, sync, clear;
};

static int trespass_start(MemoryListener *listener)
{
    struct log_trespass *t = listener->opaque;

    t->start = memory_region_set_enabled(t->mr, false);
    return 0;
}

static void trespass_stop(MemoryListener *listener)
{
    struct log_trespass *t = listener->opaque;

    t->stop = memory_region_set_enabled(t->mr, false);
}

static void trespass_sync(MemoryListener *listener, const MemoryRegionSection *section)
{
    struct log_trespass *t = listener->opaque;

    (void)section;
    t->sync = memory_region_set_enabled(t->mr, false);
}

static void trespass_clear(MemoryListener *listener, const MemoryRegionSection *section)
{
    struct log_trespass *t = listener->opaque;

    (void)section;
    t->clear = memory_region_set_enabled(t->mr, false);
}

START_TEST(the_callbacks_of_logging_may_change_nothing)
{
    struct fixture *f = fixture_new();
    struct log_trespass t = {.mr = ram_new(f, "ram", PAGE)};
    MemoryListener listener = {.name = "trespass",
                               .opaque = &t,
                               .log_global_start = trespass_start,
                               .log_global_stop = trespass_stop,
                               .log_sync = trespass_sync,
                               .log_clear = trespass_clear};
    uint64_t bits;

    put(f->root, 0, t.mr);
    OK(memory_listener_register(&listener, &f->as));
    OK(memory_global_dirty_log_start(&f->core));
    (void)memory_region_snapshot_and_clear_dirty(t.mr, 0, 1, DIRTY_MEMORY_MIGRATION, &bits);
    OK(memory_global_dirty_log_stop(&f->core));
    ck_assert_int_eq(t.start, -EBUSY);
    ck_assert_int_eq(t.stop, -EBUSY);
    ck_assert_int_eq(t.sync, -EBUSY);
    ck_assert_int_eq(t.clear, -EBUSY);
    expect_view(&f->as, "0-fff ram\n");
    OK(memory_region_set_enabled(t.mr, false));
    expect_view(&f->as, "");
    memory_listener_unregister(&listener);
    fixture_free(f);
}
END_TEST

static MemoryRegion *resizable(struct fixture *f, enum ram_backing backing, unsigned *told)
{
    struct ram_block_config config = {
        .backing = backing, .size = 2 * PAGE, .max_size = 8 * PAGE, .resized_opaque = told};
    MemoryRegion *mr = region_alloc();
    RAMBlock *block;

    OK(ram_block_new(&f->core, "grows", &config, &block));
    OK(memory_region_init_ram(mr, NULL, "grows", block));
    return adopt(f, mr);
}

/* Row: the backing. */
static const enum ram_backing backings[] = {RAM_ANONYMOUS, RAM_MEMFD};

START_TEST(m64_what_grows_back_reads_zero)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = resizable(f, backings[_i], NULL);

    put(f->root, 0, ram);
    OK(memory_region_ram_resize(ram, 4 * PAGE));
    expect_view(&f->as, "0-3fff grows\n");
    memset(host_of(ram), 0x77, 4 * PAGE);
    OK(memory_region_ram_resize(ram, PAGE + 1)); /* rounded up */
    expect_view(&f->as, "0-1fff grows\n");
    OK(memory_region_ram_resize(ram, 4 * PAGE));
    ck_assert_uint_eq(host_of(ram)[2 * PAGE - 1], 0x77);
    for (unsigned i = 0; i < 2 * PAGE; i++) {
        ck_assert_uint_eq(host_of(ram)[2 * PAGE + i], 0);
    }
    fixture_free(f);
}
END_TEST

START_TEST(m63_a_resize_keeps_to_its_bounds)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = resizable(f, RAM_ANONYMOUS, NULL), *fixed = ram_new(f, "fixed", PAGE);

    put(f->root, 0, ram);
    ck_assert_int_eq(memory_region_ram_resize(ram, 8 * PAGE + 1), -EINVAL);
    ck_assert_int_eq(memory_region_ram_resize(ram, 0), -EINVAL);
    ck_assert_int_eq(memory_region_ram_resize(fixed, 2 * PAGE), -EINVAL);
    ck_assert_int_eq(memory_region_ram_resize(f->root, PAGE), -EINVAL);
    OK(memory_region_ram_resize(fixed, PAGE));
    memory_region_transaction_begin(&f->core);
    ck_assert_int_eq(memory_region_ram_resize(ram, 4 * PAGE), -EBUSY);
    memory_region_transaction_abort(&f->core);
    expect_view(&f->as, "0-1fff grows\n");
    fixture_free(f);
}
END_TEST

START_TEST(m66_discarded_pages_read_zero)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = resizable(f, backings[_i], NULL);
    RAMBlock *block = ram->ram_block;

    memset(host_of(ram), 0x11, 2 * PAGE);
    OK(ram_block_discard_range(block, PAGE, PAGE));
    ck_assert_uint_eq(host_of(ram)[PAGE - 1], 0x11);
    ck_assert_uint_eq(host_of(ram)[PAGE], 0);
    ck_assert_int_eq(ram_block_discard_range(block, 1, PAGE), -EINVAL);
    ck_assert_int_eq(ram_block_discard_range(block, 0, PAGE - 1), -EINVAL);
    ck_assert_int_eq(ram_block_discard_range(block, 0, 0), -EINVAL);
    ck_assert_int_eq(ram_block_discard_range(block, 8 * PAGE, PAGE), -EINVAL);
    ck_assert_int_eq(ram_block_discard_range(block, UINT64_MAX - PAGE + 1, PAGE), -EINVAL);
    fixture_free(f);
}
END_TEST

START_TEST(m66_a_read_only_descriptor_is_not_discarded)
{
    struct fixture *f = fixture_new();
    struct ram_block_config config = {.backing = RAM_FD, .size = PAGE, .readonly = true};
    RAMBlock *block;

    config.fd = memfd_create("read-only", MFD_CLOEXEC);
    OK(ftruncate(config.fd, PAGE));
    OK(ram_block_new(&f->core, "read-only", &config, &block));
    ck_assert_int_eq(ram_block_discard_range(block, 0, PAGE), -EROFS);
    ram_block_unref(block);
    close(config.fd);
    fixture_free(f);
}
END_TEST

typedef int (*arbiter)(struct memory_core *core, bool state);

/* Row: with the first in force, is the second refused? */
static const struct {
    arbiter held, wanted;
    bool refused;
} claims[] = {
    {ram_block_discard_disable, ram_block_discard_require, true},
    {ram_block_discard_disable, ram_block_coordinated_discard_require, true},
    {ram_block_discard_disable, ram_block_uncoordinated_discard_disable, false},
    {ram_block_uncoordinated_discard_disable, ram_block_discard_require, true},
    {ram_block_uncoordinated_discard_disable, ram_block_coordinated_discard_require, false},
    {ram_block_discard_require, ram_block_discard_disable, true},
    {ram_block_discard_require, ram_block_uncoordinated_discard_disable, true},
    {ram_block_coordinated_discard_require, ram_block_discard_disable, true},
    {ram_block_coordinated_discard_require, ram_block_uncoordinated_discard_disable, false},
};

START_TEST(m66_disabling_and_requiring_exclude_each_other)
{
    struct fixture *f = fixture_new();
    RAMBlock *block = block_new(f, "ram", PAGE);
    bool disables = claims[_i].held == ram_block_discard_disable ||
                    claims[_i].held == ram_block_uncoordinated_discard_disable;

    OK(claims[_i].held(&f->core, true));
    OK(claims[_i].held(&f->core, true));
    OK(claims[_i].held(&f->core, false));
    ck_assert_int_eq(claims[_i].wanted(&f->core, true), claims[_i].refused ? -EBUSY : 0);
    if (disables) {
        ck_assert_int_eq(ram_block_discard_range(block, 0, PAGE), -EBUSY);
    }
    OK(claims[_i].held(&f->core, false));
    ck_assert_int_eq(claims[_i].held(&f->core, false), -EINVAL);
    ram_block_unref(block);
    fixture_free(f);
}
END_TEST

START_TEST(m67_huge_pages_set_the_page_size)
{
    struct fixture *f = fixture_new();
    struct ram_block_config config = {.backing = RAM_MEMFD, .size = 4 * MIB, .page_size = 2 * MIB};
    RAMBlock *block;
    int ret = ram_block_new(&f->core, "huge", &config, &block);

    if (ret == 0) { /* the host may have no huge pages at all: then the errors are what is tested */
        ck_assert_uint_eq(block->page_size, 2 * MIB);
        ck_assert_uint_eq((uintptr_t)block->host % (2 * MIB), 0);
        ck_assert_int_eq(ram_block_discard_range(block, PAGE, PAGE), -EINVAL);
        ram_block_unref(block);
    } else {
        ck_assert(ret == -ENOENT || ret == -ENODEV || ret == -EINVAL || ret == -ENOMEM);
    }
    config.size = 3 * MIB;
    ck_assert_int_ne(ram_block_new(&f->core, "odd", &config, &block), 0);
    config = (struct ram_block_config){.backing = RAM_MEMFD, .size = MIB, .page_size = 3 * MIB};
    ck_assert_int_ne(ram_block_new(&f->core, "no such size", &config, &block), 0);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dirty");
    TCase *bits = tcase_create("bits"), *ram = tcase_create("ram");

    tcase_add_test(bits, m65_a_clients_bits_are_its_own);
    tcase_add_test(bits, m65_clearing_some_pages_leaves_their_neighbours);
    tcase_add_test(bits, m65_accesses_and_imported_logs_set_them);
    tcase_add_test(bits, m65_no_bit_is_lost_between_a_writer_and_a_collector);
    tcase_add_test(bits, logging_all_ram_shows_in_every_range_and_ends);
    tcase_add_test(bits, a_listener_that_cannot_log_stops_the_others_again);
    tcase_add_table_test(bits, a_listener_that_comes_while_all_is_logged_is_told_so, latecomers);
    tcase_add_test(bits, a_listener_that_leaves_while_all_is_logged_is_told_too);
    tcase_add_test(bits, the_callbacks_of_logging_may_change_nothing);
    suite_add_tcase(suite, bits);
    tcase_add_table_test(ram, m64_what_grows_back_reads_zero, backings);
    tcase_add_test(ram, m63_a_resize_keeps_to_its_bounds);
    tcase_add_table_test(ram, m66_discarded_pages_read_zero, backings);
    tcase_add_test(ram, m66_a_read_only_descriptor_is_not_discarded);
    tcase_add_table_test(ram, m66_disabling_and_requiring_exclude_each_other, claims);
    tcase_add_test(ram, m67_huge_pages_set_the_page_size);
    suite_add_tcase(suite, ram);
    return run_suite(suite);
}
