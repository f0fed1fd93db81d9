/*
 * Accesses through an address space: over regions, beside commits, in both byte orders.
 */
#include "tests/unit/memory_device.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ATTRS MEMTXATTRS_UNSPECIFIED

static uint8_t *host_of(MemoryRegion *mr)
{
    return memory_region_get_ram_ptr(mr);
}

START_TEST(m40_a_bulk_access_is_stitched_over_regions_and_results_are_ored)
{
    struct fixture *f = fixture_new();
    MemoryRegion *low = ram_new(f, "low", PAGE), *high = ram_new(f, "high", PAGE);
    struct device device;
    uint8_t out[3 * PAGE], in[3 * PAGE];

    device_init_with_attrs(&device, DEVICE_LITTLE_ENDIAN);
    device.result = MEMTX_ERROR;
    device_place(&device, f, 2 * PAGE, 8);
    put(f->root, 0, low);
    put(f->root, PAGE, high);
    for (unsigned i = 0; i < sizeof(out); i++) {
        out[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    ck_assert_uint_eq(address_space_write(&f->as, 0x10, ATTRS, out, 2 * PAGE - 0x10), MEMTX_OK);
    ck_assert_mem_eq(host_of(low) + 0x10, out, PAGE - 0x10);
    ck_assert_mem_eq(host_of(high), out + PAGE - 0x10, PAGE);
    ck_assert_uint_eq(address_space_read(&f->as, 0x10, ATTRS, in, 2 * PAGE),
                      MEMTX_ERROR | MEMTX_DECODE_ERROR);
    ck_assert_mem_eq(in, out, 2 * PAGE - 0x10);
    ck_assert_mem_eq(in + 2 * PAGE - 0x10, device.regs, 8);
    ck_assert_uint_eq(in[2 * PAGE - 8], 0xff); /* behind the device: nothing, filled all the same */
    trace_finish(&device.trace);
    fixture_free(f);
}
END_TEST

START_TEST(accesses_do_not_wrap_at_the_end_of_the_space)
{
    struct fixture *f = fixture_new();
    MemoryRegion *first = ram_new(f, "first", PAGE), *last = ram_new(f, "last", PAGE);
    uint64_t value = 0;

    put(f->root, 0, first);
    put(f->root, UINT64_MAX - PAGE + 1, last);
    memset(host_of(first), 0x11, PAGE);
    memset(host_of(last), 0x22, PAGE);
    ck_assert_uint_eq(address_space_read(&f->as, UINT64_MAX - 3, ATTRS, &value, 8),
                      MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(value, UINT64_C(0xffffffff22222222));
    memset(&value, 0x33, 8);
    ck_assert_uint_eq(address_space_write(&f->as, UINT64_MAX - 3, ATTRS, &value, 8),
                      MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(host_of(first)[0], 0x11);
    ck_assert_uint_eq(host_of(last)[PAGE - 1], 0x33);
    fixture_free(f);
}
END_TEST

START_TEST(an_access_of_no_bytes_does_nothing)
{
    struct fixture *f = fixture_new();

    ck_assert_uint_eq(address_space_read(&f->as, 0, ATTRS, NULL, 0), MEMTX_OK);
    ck_assert_uint_eq(address_space_write(&f->as, UINT64_MAX, ATTRS, NULL, 0), MEMTX_OK);
    fixture_free(f);
}
END_TEST

/* Row 0: a ROM; row 1: RAM seen through a readonly alias. */
START_TEST(m45_q08_read_only_memory_drops_writes_and_takes_write_rom_and_debug)
{
    struct fixture *f = fixture_new();
    MemoryRegion *memory = _i ? ram_new(f, "ram", PAGE) : rom_new(f, "rom", PAGE);
    MemoryRegion *alias = alias_new(f, "alias", memory, 0, PAGE);
    uint32_t value = 0x12345678, got = 0;

    OK(memory_region_set_readonly(alias, true));
    put(f->root, 0, _i ? alias : memory);
    ck_assert_uint_ne(address_space_write(&f->as, 0, ATTRS, &value, 4), MEMTX_OK);
    address_space_stl_le(&f->as, 4, value, ATTRS, NULL);
    ck_assert_uint_eq(address_space_read(&f->as, 0, ATTRS, &got, 4), MEMTX_OK);
    ck_assert_uint_eq(got, 0);
    ck_assert_uint_eq(address_space_ldl_le(&f->as, 4, ATTRS, NULL), 0);

    ck_assert_uint_eq(address_space_write_rom(&f->as, 0, ATTRS, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(address_space_write(&f->as, 4, MEMTXATTRS_DEBUG, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(address_space_ldl_le(&f->as, 0, ATTRS, NULL), value);
    ck_assert_uint_eq(address_space_ldl_le(&f->as, 4, ATTRS, NULL), value);
    fixture_free(f);
}
END_TEST

START_TEST(write_rom_skips_devices)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE);
    struct device device;
    uint8_t bytes[16];

    memset(bytes, 0x77, sizeof(bytes));
    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, 0, 8);
    put(f->root, 8, ram);
    ck_assert_uint_eq(address_space_write_rom(&f->as, 0, ATTRS, bytes, 16), MEMTX_OK);
    ck_assert_uint_eq(device.calls, 0);
    ck_assert_mem_eq(host_of(ram), bytes, 8);
    fixture_free(f);
}
END_TEST

START_TEST(m48_straddling_items_are_stitched_like_bulk_accesses)
{
    struct fixture *f = fixture_new();
    MemoryRegion *low = ram_new(f, "low", PAGE), *high = ram_new(f, "high", PAGE);
    MemTxResult result = MEMTX_ERROR;

    put(f->root, 0, low);
    put(f->root, PAGE, high);
    address_space_stq_le(&f->as, PAGE - 4, UINT64_C(0x8877665544332211), ATTRS, &result);
    ck_assert_uint_eq(result, MEMTX_OK);
    ck_assert_mem_eq(host_of(low) + PAGE - 4, "\x11\x22\x33\x44", 4);
    ck_assert_mem_eq(host_of(high), "\x55\x66\x77\x88", 4);
    ck_assert_uint_eq(address_space_ldq_be(&f->as, PAGE - 4, ATTRS, &result),
                      UINT64_C(0x1122334455667788));
    ck_assert_uint_eq(result, MEMTX_OK);
    ck_assert_uint_eq(address_space_ldl_le(&f->as, 2 * PAGE - 2, ATTRS, &result), 0xffff0000);
    ck_assert_uint_eq(result, MEMTX_DECODE_ERROR);
    fixture_free(f);
}
END_TEST

START_TEST(items_have_the_byte_order_in_their_name)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE);

    put(f->root, 0, ram);
    address_space_stb(&f->as, 0, 0xab, ATTRS, NULL);
    address_space_stw_le(&f->as, 1, 0x1122, ATTRS, NULL);
    address_space_stw_be(&f->as, 3, 0x1122, ATTRS, NULL);
    address_space_stl_le(&f->as, 5, 0x11223344, ATTRS, NULL);
    address_space_stl_be(&f->as, 9, 0x11223344, ATTRS, NULL);
    address_space_stq_be(&f->as, 13, UINT64_C(0x1122334455667788), ATTRS, NULL);
    ck_assert_mem_eq(host_of(ram),
                     "\xab\x22\x11\x11\x22\x44\x33\x22\x11\x11\x22\x33\x44"
                     "\x11\x22\x33\x44\x55\x66\x77\x88",
                     21);
    ck_assert_uint_eq(address_space_ldub(&f->as, 0, ATTRS, NULL), 0xab);
    ck_assert_uint_eq(address_space_lduw_le(&f->as, 1, ATTRS, NULL), 0x1122);
    ck_assert_uint_eq(address_space_lduw_be(&f->as, 3, ATTRS, NULL), 0x1122);
    ck_assert_uint_eq(address_space_ldl_le(&f->as, 5, ATTRS, NULL), 0x11223344);
    ck_assert_uint_eq(address_space_ldl_be(&f->as, 9, ATTRS, NULL), 0x11223344);
    ck_assert_uint_eq(address_space_ldq_be(&f->as, 13, ATTRS, NULL), UINT64_C(0x1122334455667788));
    ck_assert_uint_eq(address_space_ldq_le(&f->as, 13, ATTRS, NULL), UINT64_C(0x8877665544332211));
    fixture_free(f);
}
END_TEST

START_TEST(m49_q03_any_of_100000_ranges_is_found)
{
    struct fixture *f = fixture_new();
    MemoryRegionSection section;
    enum { NUM = 100000 };
    FlatView *view;
    size_t at = 0;

    memory_region_transaction_begin(&f->core);
    for (unsigned i = 0; i < NUM; i++) {
        put(f->root, (hwaddr)i * 0x100, io_new(f, "io", 0x80));
    }
    OK(memory_region_transaction_commit(&f->core));
    view = address_space_get_flatview(&f->as);
    ck_assert_uint_eq(flatview_range_num(view), NUM);
    for (const FlatRange *range = flatview_at_or_after(view, 0); range;
         range = flatview_at_or_after(view, range->last + 1), at++) {
        ck_assert_uint_eq(range->first, at * 0x100);
        ck_assert_ptr_eq(flatview_lookup(view, range->first + 0x7f), range);
        ck_assert_ptr_null(flatview_lookup(view, range->last + 1));
    }
    ck_assert_uint_eq(at, NUM);
    flatview_unref(view);
    ck_assert(address_space_find(&f->as, 0x5555 * 0x100 - 0x10, 0x20, &section));
    ck_assert_uint_eq(section.offset_within_address_space, 0x5555 * 0x100);
    ck_assert_uint_eq(section.last, 0x5555 * 0x100 + 0xf);
    memory_region_unref(section.mr);
    fixture_free(f);
}
END_TEST

START_TEST(m50_a_page_is_shared_byte_by_byte)
{
    struct fixture *f = fixture_new();
    struct device devices[16];
    uint8_t buf[16];

    for (unsigned i = 0; i < 16; i++) {
        device_init(&devices[i], DEVICE_LITTLE_ENDIAN);
        devices[i].regs[0] = (uint8_t)(0xf0 + i);
        device_place(&devices[i], f, 0x100 + i, 1);
    }
    ck_assert_uint_eq(address_space_read(&f->as, 0x100, ATTRS, buf, 16), MEMTX_OK);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(buf[i], 0xf0 + i);
        ck_assert_uint_eq(devices[i].illegal, 0);
        expect_trace(&devices[i].trace, "r1@0\n");
    }
    fixture_free(f);
}
END_TEST

START_TEST(string_io_repeats_one_address)
{
    struct fixture *f = fixture_new();
    MemoryAccessCache cache = {0};
    struct device device;
    uint16_t items[3] = {0x1111, 0x2222, 0x3333};

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, 0x60, 8);
    ck_assert_uint_eq(address_space_rw_items(&f->as, &cache, 0x60, ATTRS, items, 2, 3, true),
                      MEMTX_OK);
    expect_trace(&device.trace, "w2@0=1111\nw2@0=2222\nw2@0=3333\n");
    ck_assert_uint_eq(address_space_rw_items(&f->as, &cache, 0x62, ATTRS, items, 1, 2, false),
                      MEMTX_OK);
    expect_trace(&device.trace, "r1@2\nr1@2\n");
    ck_assert_uint_eq(items[0], 0x0303);
    fixture_free(f);
}
END_TEST

START_TEST(a_cache_notices_a_new_view)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE), *over = ram_new(f, "over", PAGE);
    MemoryAccessCache cache = {0};
    AddressSpace other = {0};
    uint8_t byte = 0;

    put(f->root, 0, ram);
    host_of(ram)[8] = 1;
    host_of(over)[8] = 2;
    OK(address_space_init(&other, &f->core, over, "other", MEMORY_UNASSIGNED_MEMORY));
    for (unsigned i = 0; i < 3; i++) {
        address_space_rw_cached(&f->as, &cache, 8, ATTRS, &byte, 1, false);
        ck_assert_uint_eq(byte, 1);
        address_space_rw_cached(&other, &cache, 8, ATTRS, &byte, 1, false); /* another space */
        ck_assert_uint_eq(byte, 2);
    }
    address_space_rw_cached(&f->as, &cache, 8, ATTRS, &byte, 1, false);
    put_prio(f->root, 0, over, 1);
    address_space_rw_cached(&f->as, &cache, 8, ATTRS, &byte, 1, false);
    ck_assert_uint_eq(byte, 2);
    take_out(f->root, over);
    address_space_rw_cached(&f->as, &cache, 8, ATTRS, &byte, 1, false);
    ck_assert_uint_eq(byte, 1);
    address_space_finish(&other);
    fixture_free(f);
}
END_TEST

START_TEST(set_fills_with_one_value)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 2 * PAGE);
    uint8_t want[PAGE];

    put(f->root, 0, ram);
    memset(want, 0x5c, sizeof(want));
    ck_assert_uint_eq(address_space_set(&f->as, 100, 0x5c, PAGE, ATTRS), MEMTX_OK);
    ck_assert_mem_eq(host_of(ram) + 100, want, PAGE);
    ck_assert_uint_eq(host_of(ram)[99], 0);
    ck_assert_uint_eq(host_of(ram)[100 + PAGE], 0);
    ck_assert_uint_eq(address_space_set(&f->as, 2 * PAGE - 1, 1, 2, ATTRS), MEMTX_DECODE_ERROR);
    fixture_free(f);
}
END_TEST

START_TEST(set_does_not_wrap)
{
    struct fixture *f = fixture_new();
    MemoryRegion *first = ram_new(f, "first", PAGE), *last = ram_new(f, "last", PAGE);

    put(f->root, 0, first);
    put(f->root, UINT64_MAX - PAGE + 1, last);
    ck_assert_uint_eq(address_space_set(&f->as, UINT64_MAX - 3, 9, 2000, ATTRS),
                      MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(host_of(last)[PAGE - 1], 9);
    for (unsigned i = 0; i < PAGE; i++) {
        ck_assert_uint_eq(host_of(first)[i], 0);
    }
    fixture_free(f);
}
END_TEST

START_TEST(access_valid_looks_without_touching)
{
    struct fixture *f = fixture_new();
    struct device device;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device.ops.valid.min_access_size = device.ops.valid.max_access_size = 4;
    put(f->root, 0, ram_new(f, "ram", PAGE));
    device_place(&device, f, PAGE, 8);
    put(f->root, 2 * PAGE, rom_new(f, "rom", PAGE));
    ck_assert(address_space_access_valid(&f->as, 0, PAGE + 8, true, ATTRS));
    ck_assert(!address_space_access_valid(&f->as, 0, PAGE + 9, true, ATTRS));
    ck_assert(!address_space_access_valid(&f->as, PAGE, 2, false, ATTRS));
    ck_assert(address_space_access_valid(&f->as, 2 * PAGE, 8, false, ATTRS));
    ck_assert(!address_space_access_valid(&f->as, 2 * PAGE, 8, true, ATTRS));
    ck_assert_uint_eq(device.calls, 0);
    fixture_free(f);
}
END_TEST

/* ---- readers beside a committer ---------------------------------------------------------------
 */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { FLIPS = 600 };
#else
enum { FLIPS = 5000 };
#endif
enum { READERS = 2 };

/* A view is two pages that always carry the same mark: of region `even` or of region `odd`. */
struct stress {
    struct fixture *f;
    atomic_bool stop;
    atomic_ulong reads, torn, holes;
};

static void *read_both(void *opaque)
{
    struct stress *stress = opaque;
    MemoryAccessCache cache = {0};

    memory_thread_register();
    while (!atomic_load(&stress->stop)) {
        uint8_t bytes[2 * 16];

        if (address_space_rw_cached(&stress->f->as, &cache, PAGE - 16, ATTRS, bytes, sizeof(bytes),
                                    false)) {
            atomic_fetch_add(&stress->holes, 1);
        } else if (bytes[0] != bytes[31] || (bytes[0] != 0xee && bytes[0] != 0x0d)) {
            atomic_fetch_add(&stress->torn, 1);
        }
        atomic_fetch_add(&stress->reads, 1);
    }
    memory_thread_unregister();
    return NULL;
}

/* Holds a view over several commits and looks at it again. */
static void *hold_view(void *opaque)
{
    struct stress *stress = opaque;

    memory_thread_register();
    while (!atomic_load(&stress->stop)) {
        FlatView *view = address_space_get_flatview(&stress->f->as);
        unsigned long until = atomic_load(&stress->reads) + 50;
        char *before = flatview_text(view), *after;

        while (atomic_load(&stress->reads) < until && !atomic_load(&stress->stop)) {
        }
        after = flatview_text(view);
        if (strcmp(before, after) != 0) {
            atomic_fetch_add(&stress->torn, 1);
        }
        free(before);
        free(after);
        flatview_unref(view);
    }
    memory_thread_unregister();
    return NULL;
}

START_TEST(m31_readers_beside_commits_see_one_view_or_the_other)
{
    struct fixture *f = fixture_new();
    struct stress stress = {.f = f};
    pthread_t threads[READERS + 1];
    MemoryRegion *pages[2][2];

    for (int which = 0; which < 2; which++) {
        for (int half = 0; half < 2; half++) {
            pages[which][half] = ram_new(f, which ? "odd" : "even", PAGE);
            memset(host_of(pages[which][half]), which ? 0x0d : 0xee, PAGE);
            put_prio(f->root, (hwaddr)half * PAGE, pages[which][half], which);
        }
    }
    for (int i = 0; i <= READERS; i++) {
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, i < READERS ? read_both : hold_view, &stress), 0);
    }
    for (unsigned flip = 0; flip < FLIPS; flip++) {
        memory_region_transaction_begin(&f->core);
        OK(memory_region_set_enabled(pages[1][0], flip % 2));
        OK(memory_region_set_enabled(pages[1][1], flip % 2));
        OK(memory_region_transaction_commit(&f->core));
        memory_core_throttle(&f->core);
    }
    atomic_store(&stress.stop, true);
    for (int i = 0; i <= READERS; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_gt(stress.reads, 0);
    ck_assert_uint_eq(stress.torn, 0);
    ck_assert_uint_eq(stress.holes, 0);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access");
    TCase *bulk = tcase_create("bulk"), *item = tcase_create("items"), *many = tcase_create("many");

    tcase_add_test(bulk, m40_a_bulk_access_is_stitched_over_regions_and_results_are_ored);
    tcase_add_test(bulk, accesses_do_not_wrap_at_the_end_of_the_space);
    tcase_add_test(bulk, an_access_of_no_bytes_does_nothing);
    tcase_add_loop_test(bulk, m45_q08_read_only_memory_drops_writes_and_takes_write_rom_and_debug,
                        0, 2);
    tcase_add_test(bulk, write_rom_skips_devices);
    tcase_add_test(bulk, set_fills_with_one_value);
    tcase_add_test(bulk, set_does_not_wrap);
    tcase_add_test(bulk, access_valid_looks_without_touching);
    suite_add_tcase(suite, bulk);
    tcase_add_test(item, m48_straddling_items_are_stitched_like_bulk_accesses);
    tcase_add_test(item, items_have_the_byte_order_in_their_name);
    tcase_add_test(item, string_io_repeats_one_address);
    tcase_add_test(item, a_cache_notices_a_new_view);
    suite_add_tcase(suite, item);
    tcase_set_timeout(many, 120);
    tcase_add_test(many, m49_q03_any_of_100000_ranges_is_found);
    tcase_add_test(many, m50_a_page_is_shared_byte_by_byte);
    tcase_add_test(many, m31_readers_beside_commits_see_one_view_or_the_other);
    suite_add_tcase(suite, many);
    return run_suite(suite);
}
