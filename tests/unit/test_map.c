/*
 * Host pointers to guest memory: direct, bounced, kept alive; windows that notice a new view.
 */
#include "tests/unit/memory_device.h"

#include <errno.h>
#include <string.h>

#define ATTRS MEMTXATTRS_UNSPECIFIED

static uint8_t *host_of(MemoryRegion *mr)
{
    return memory_region_get_ram_ptr(mr);
}

/* A block whose pages are clean for the VGA client. */
static RAMBlock *clean(MemoryRegion *mr)
{
    OK(ram_block_track_dirty(mr->ram_block, DIRTY_MEMORY_VGA));
    (void)ram_block_test_and_clear_dirty(mr->ram_block, 0, memory_region_size(mr),
                                         DIRTY_MEMORY_VGA);
    return mr->ram_block;
}

START_TEST(m54_a_map_runs_on_over_consecutive_ranges_of_one_region)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 8 * PAGE), *other = ram_new(f, "other", PAGE);
    MemoryRegion *low = alias_new(f, "low", ram, 0, 2 * PAGE);
    MemoryRegion *next = alias_new(f, "next", ram, 2 * PAGE, 2 * PAGE);
    uint64_t len = 16 * PAGE;
    void *host;

    OK(memory_region_set_unmergeable(low, true)); /* two flat ranges, one run of bytes */
    put(f->root, 0, low);
    put(f->root, 2 * PAGE, next);
    put(f->root, 4 * PAGE, other);
    host = address_space_map(&f->as, 0x10, &len, false, ATTRS);
    ck_assert_ptr_eq(host, host_of(ram) + 0x10);
    ck_assert_uint_eq(len, 4 * PAGE - 0x10);
    ck_assert_uint_eq(address_space_unmap(&f->as, host, len, false, len), MEMTX_OK);
    OK(memory_region_set_alias_offset(next, 3 * PAGE)); /* now there is a jump */
    len = 16 * PAGE;
    host = address_space_map(&f->as, 0, &len, false, ATTRS);
    ck_assert_uint_eq(len, 2 * PAGE);
    (void)address_space_unmap(&f->as, host, len, false, 0);
    fixture_free(f);
}
END_TEST

/* Row: is_write, bytes accessed, pages dirty afterwards. */
static const struct {
    bool is_write;
    uint64_t access_len;
    unsigned dirty;
} unmaps[] = {
    {true, 0, 0},        {true, 1, 1},         {true, PAGE, 1},
    {true, PAGE + 1, 2}, {true, 99 * PAGE, 4}, {false, 4 * PAGE, 0},
};

START_TEST(m55_unmap_marks_just_what_was_accessed)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 8 * PAGE);
    uint64_t len = 4 * PAGE, bits;
    RAMBlock *block = clean(ram);
    void *host;

    put(f->root, 0, ram);
    host = address_space_map(&f->as, PAGE, &len, unmaps[_i].is_write, ATTRS);
    ck_assert_uint_eq(
        address_space_unmap(&f->as, host, len, unmaps[_i].is_write, unmaps[_i].access_len),
        MEMTX_OK);
    ck_assert_uint_eq(ram_block_snapshot_and_clear_dirty(block, 0, 8, DIRTY_MEMORY_VGA, &bits),
                      unmaps[_i].dirty);
    ck_assert_uint_eq(bits, ((1U << unmaps[_i].dirty) - 1) << 1);
    fixture_free(f);
}
END_TEST

/* Which of them was mapped first makes no difference. */
START_TEST(m55_each_of_several_mappings_of_the_same_bytes_counts_for_itself)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 8 * PAGE);
    RAMBlock *block = clean(ram);
    uint64_t lens[3] = {PAGE, 3 * PAGE, 2 * PAGE};
    bool writes[3] = {false, true, true};
    uint64_t accessed[3] = {PAGE, 3 * PAGE, 0};
    uint8_t *host[3];

    put(f->root, 0, ram);
    for (unsigned i = 0; i < 3; i++) {
        unsigned n = (i + (unsigned)_i) % 3;

        host[n] = address_space_map(&f->as, 0, &lens[n], writes[n], ATTRS);
        ck_assert_ptr_eq(host[n], host_of(ram));
    }
    for (unsigned i = 0; i < 3; i++) {
        uint64_t bits, pages = writes[i] ? accessed[i] / PAGE : 0;

        OK(address_space_unmap(&f->as, host[i], lens[i], writes[i], accessed[i]));
        ck_assert_uint_eq(ram_block_snapshot_and_clear_dirty(block, 0, 8, DIRTY_MEMORY_VGA, &bits),
                          pages);
        ck_assert_uint_eq(address_space_unmap(&f->as, host[i], lens[i], writes[i], 0), MEMTX_ERROR);
    }
    fixture_free(f);
}
END_TEST

struct waiter {
    struct address_space_map_waiter waiter;
    unsigned woken;
};

static void wake(struct address_space_map_waiter *waiter)
{
    ((struct waiter *)(void *)waiter)->woken++;
}

START_TEST(m56_bouncing_stays_in_the_budget_and_wakes_each_waiter_once)
{
    struct fixture *f = fixture_new();
    struct waiter one = {.waiter = {.wake = wake}}, two = one, gone = one;
    struct device device;
    uint64_t len = 48, rest = 48, none = 16;
    void *first, *second;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, 0, DEVICE_BYTES);
    address_space_set_bounce_budget(&f->as, 64);
    first = address_space_map(&f->as, 0, &len, false, ATTRS);
    ck_assert_uint_eq(len, 48);
    ck_assert_mem_eq(first, device.regs, 48);
    second = address_space_map(&f->as, 0, &rest, true, ATTRS);
    ck_assert_uint_eq(rest, 16); /* what was left of it */
    ck_assert_ptr_null(address_space_map(&f->as, 0, &none, false, ATTRS));
    ck_assert_uint_eq(none, 0);
    address_space_register_map_waiter(&f->as, &one.waiter);
    address_space_register_map_waiter(&f->as, &two.waiter);
    address_space_register_map_waiter(&f->as, &gone.waiter);
    address_space_cancel_map_waiter(&f->as, &gone.waiter);
    (void)address_space_unmap(&f->as, second, rest, true, 0);
    (void)address_space_unmap(&f->as, first, len, false, 48);
    ck_assert_uint_eq(one.woken, 1);
    ck_assert_uint_eq(two.woken, 1);
    ck_assert_uint_eq(gone.woken, 0);
    address_space_register_map_waiter(&f->as, &gone.waiter); /* there is budget: at once */
    ck_assert_uint_eq(gone.woken, 1);
    none = 64;
    first = address_space_map(&f->as, 0, &none, false, ATTRS);
    ck_assert_uint_eq(none, 64);
    (void)address_space_unmap(&f->as, first, none, false, 0);
    trace_finish(&device.trace);
    fixture_free(f);
}
END_TEST

/* No setting is needed for what a disk asks for in one go. */
START_TEST(m56_q09_large_transfers_are_bounced_side_by_side)
{
    enum { TRANSFER = 65536, TRANSFERS = 4 };
    struct fixture *f = fixture_new();
    void *host[TRANSFERS];
    unsigned i;

    put(f->root, 0, io_new(f, "io", TRANSFER * TRANSFERS));
    for (i = 0; i < TRANSFERS; i++) {
        uint64_t len = TRANSFER;

        host[i] = address_space_map(&f->as, (hwaddr)i * TRANSFER, &len, i & 1, ATTRS);
        ck_assert_ptr_nonnull(host[i]);
        ck_assert_uint_eq(len, TRANSFER);
    }
    for (i = 0; i < TRANSFERS; i++) {
        ck_assert_uint_eq(address_space_unmap(&f->as, host[i], TRANSFER, i & 1, TRANSFER),
                          MEMTX_OK);
    }
    fixture_free(f);
}
END_TEST

START_TEST(m57_bounced_bytes_are_written_back_with_the_attributes_of_the_map)
{
    struct fixture *f = fixture_new();
    MemTxAttrs attrs = {.requester_id = 0x1234, .secure = true};
    struct device device;
    uint64_t len = 8;
    uint8_t *bytes;

    device_init_with_attrs(&device, DEVICE_LITTLE_ENDIAN);
    device.result = MEMTX_ERROR;
    device_place(&device, f, 0, DEVICE_BYTES);
    bytes = address_space_map(&f->as, 8, &len, true, attrs);
    memset(bytes, 0xa5, len);
    ck_assert_uint_eq(address_space_unmap(&f->as, bytes, len, true, 4),
                      MEMTX_ERROR); /* the device's word */
    ck_assert_uint_eq(device.attrs.requester_id, 0x1234);
    ck_assert(device.attrs.secure);
    ck_assert_uint_eq(device.regs[11], 0xa5);
    ck_assert_uint_eq(device.regs[12], 13); /* only four bytes were accessed */
    trace_finish(&device.trace);
    fixture_free(f);
}
END_TEST

START_TEST(writes_to_read_only_memory_are_bounced_and_dropped)
{
    struct fixture *f = fixture_new();
    MemoryRegion *rom = rom_new(f, "rom", PAGE);
    uint64_t len = 2 * PAGE;
    uint8_t *bytes;

    put(f->root, 0, rom);
    bytes = address_space_map(&f->as, 0, &len, true, ATTRS);
    ck_assert_ptr_ne(bytes, host_of(rom));
    bytes[0] = 1;
    ck_assert_uint_eq(address_space_unmap(&f->as, bytes, len, true, 1), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(host_of(rom)[0], 0);
    fixture_free(f);
}
END_TEST

START_TEST(m58_unmap_takes_null_and_refuses_what_it_does_not_know)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE);
    uint64_t len = PAGE, zero = 0;
    uint8_t *host, foreign;

    put(f->root, 0, ram);
    ck_assert_ptr_null(address_space_map(&f->as, 0, &zero, false, ATTRS));
    ck_assert_uint_eq(address_space_unmap(&f->as, NULL, 0, false, 0), MEMTX_OK);
    ck_assert_uint_eq(address_space_unmap(&f->as, &foreign, 1, false, 1), MEMTX_ERROR);
    host = address_space_map(&f->as, 0, &len, true, ATTRS);
    ck_assert_uint_eq(address_space_unmap(&f->as, host + 1, len - 1, true, 1),
                      MEMTX_ERROR); /* not its start */
    ck_assert_uint_eq(address_space_unmap(&f->as, host, len, true, 1), MEMTX_OK);
    ck_assert_uint_eq(address_space_unmap(&f->as, host, len, true, 1), MEMTX_ERROR); /* once only */
    fixture_free(f);
}
END_TEST

START_TEST(m59_a_mapped_region_lives_until_it_is_unmapped)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE);
    uint64_t len = PAGE;
    uint8_t *host;

    put(f->root, 0, ram);
    host = address_space_map(&f->as, 0, &len, true, ATTRS);
    take_out(f->root, ram);
    disown(f, ram);
    drain_rcu();
    memset(host, 0x5a, PAGE); /* a fault, were it gone */
    ck_assert_uint_eq(host[PAGE - 1], 0x5a);
    ck_assert_uint_eq(address_space_unmap(&f->as, host, len, true, PAGE), MEMTX_OK);
    fixture_free(f);
}
END_TEST

START_TEST(m60_a_window_follows_its_view)
{
    struct fixture *f = fixture_new();
    MemoryRegion *low = ram_new(f, "low", PAGE), *high = ram_new(f, "high", PAGE);
    MemoryRegionCache window, reader;
    uint32_t value = 0;

    put(f->root, PAGE, low);
    OK(address_space_cache_init(&window, &f->as, PAGE + 0x100, 0x40, true));
    OK(address_space_cache_init(&reader, &f->as, PAGE + 0x100, 0x40, false));
    value = 1;
    ck_assert_uint_eq(address_space_write_cached(&window, 0, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(host_of(low)[0x100], 1);
    put_prio(f->root, PAGE, high, 1);
    value = 2;
    ck_assert_uint_eq(address_space_write_cached(&window, 0, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(host_of(low)[0x100], 1);
    ck_assert_uint_eq(host_of(high)[0x100], 2);
    take_out(f->root, high);
    ck_assert_uint_eq(address_space_read_cached(&reader, 0, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, 1);
    ck_assert_uint_eq(address_space_write_cached(&reader, 0, &value, 4), MEMTX_ACCESS_ERROR);
    ck_assert_uint_eq(address_space_read_cached(&reader, 0x3d, &value, 4), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(value, 0);
    ck_assert_uint_eq(address_space_write_cached(&window, UINT64_MAX, &value, 2),
                      MEMTX_DECODE_ERROR);
    fixture_free(f);
}
END_TEST

/* The storage of a space that ended may become another's. */
START_TEST(m60_a_cache_trusts_no_space_but_the_one_it_knew)
{
    struct fixture *f = fixture_new();
    MemoryRegion *old = ram_new(f, "old", PAGE), *new = ram_new(f, "new", PAGE);
    MemoryAccessCache cache = {0};
    AddressSpace space;
    uint8_t value = 0;

    host_of(old)[0] = 1;
    host_of(new)[0] = 2;
    OK(address_space_init(&space, &f->core, old, "first", MEMORY_UNASSIGNED_MEMORY));
    for (unsigned i = 0; i < 2; i++) {
        OK(address_space_rw_cached(&space, &cache, 0, ATTRS, &value, 1, false));
        ck_assert_uint_eq(value, 1);
    }
    address_space_finish(&space);
    OK(address_space_init(&space, &f->core, new, "second", MEMORY_UNASSIGNED_MEMORY));
    OK(address_space_rw_cached(&space, &cache, 0, ATTRS, &value, 1, false));
    ck_assert_uint_eq(value, 2);
    address_space_finish(&space);
    fixture_free(f);
}
END_TEST

START_TEST(a_window_must_have_bytes_and_not_wrap)
{
    struct fixture *f = fixture_new();
    MemoryRegionCache window;

    ck_assert_int_eq(address_space_cache_init(&window, &f->as, 0, 0, false), -EINVAL);
    ck_assert_int_eq(address_space_cache_init(&window, &f->as, UINT64_MAX, 2, false), -EINVAL);
    OK(address_space_cache_init(&window, &f->as, UINT64_MAX, 1, false));
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("map");
    TCase *map = tcase_create("map"), *window = tcase_create("window");

    tcase_add_test(map, m54_a_map_runs_on_over_consecutive_ranges_of_one_region);
    tcase_add_table_test(map, m55_unmap_marks_just_what_was_accessed, unmaps);
    tcase_add_loop_test(map, m55_each_of_several_mappings_of_the_same_bytes_counts_for_itself, 0,
                        3);
    tcase_add_test(map, m56_bouncing_stays_in_the_budget_and_wakes_each_waiter_once);
    tcase_add_test(map, m56_q09_large_transfers_are_bounced_side_by_side);
    tcase_add_test(map, m57_bounced_bytes_are_written_back_with_the_attributes_of_the_map);
    tcase_add_test(map, writes_to_read_only_memory_are_bounced_and_dropped);
    tcase_add_test(map, m58_unmap_takes_null_and_refuses_what_it_does_not_know);
    tcase_add_test(map, m59_a_mapped_region_lives_until_it_is_unmapped);
    suite_add_tcase(suite, map);
    tcase_add_test(window, m60_a_window_follows_its_view);
    tcase_add_test(window, m60_a_cache_trusts_no_space_but_the_one_it_knew);
    tcase_add_test(window, a_window_must_have_bytes_and_not_wrap);
    suite_add_tcase(suite, window);
    return run_suite(suite);
}
