/*
 * test_kvm_events.c - eventfds and coalesced zones: KVM has those that the view shows, and no write
 * is lost while it has not.
 */
#include <errno.h>

#include "kvm_fixture.h"
#include "run_suite.h"

static int nothing_to_undo(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener, (void)commit;
    return 0;
}

START_TEST(m78_eventfds_and_zones_follow_their_region)
{
    struct kvm_events events;

    ck_assert_int_eq(kvm_events_init(&events, &kvm, &as, false), 0);
    ck_assert_int_eq(memory_region_add_eventfd(&window, 8, 4, true, 7, 5), 0);
    ck_assert_int_eq(memory_region_add_coalescing(&window, 0x100, 0x10), 0);
    mount(&window, 0x8000);
    ck_assert_uint_eq(mock.event_num, 1);
    ck_assert_uint_eq(mock.events[0].addr, 0x8008);
    ck_assert_uint_eq(mock.zones[0].addr, 0x8100);
    ck_assert_int_eq(memory_region_set_address(&window, 0x10000), 0);
    ck_assert_uint_eq(mock.event_num, 1);
    ck_assert_uint_eq(mock.events[0].addr, 0x10008);
    ck_assert_uint_eq(mock.zone_num, 1);
    ck_assert_uint_eq(mock.zones[0].addr, 0x10100);
    unmount(&window);
    ck_assert_uint_eq(mock.event_num + mock.zone_num, 0);
    kvm_events_finish(&events, false);
}
END_TEST

START_TEST(a_move_that_fails_anywhere_leaves_eventfds_and_zones)
{
    struct kvm_events events;

    ck_assert_int_eq(kvm_events_init(&events, &kvm, &as, false), 0);
    ck_assert_int_eq(memory_region_add_eventfd(&window, 8, 4, true, 7, 5), 0);
    ck_assert_int_eq(memory_region_add_coalescing(&window, 0x100, 0x10), 0);
    mount(&window, 0x80000000); /* beside the RAM: no slot ioctls in between */
    mock_restart(&mock);
    mock.fail_at[0] = (unsigned)_i;
    ck_assert_int_eq(memory_region_set_address(&window, 0x90000000), -ENOMEM);
    ck_assert_uint_eq(mock.event_num, 1);
    ck_assert_uint_eq(mock.events[0].addr, 0x80000008);
    ck_assert_uint_eq(mock.zone_num, 1);
    ck_assert_uint_eq(mock.zones[0].addr, 0x80000100);
    mock_restart(&mock);
    unmount(&window);
    kvm_events_finish(&events, false);
}
END_TEST

static bool is_zoned(hwaddr addr)
{
    unsigned i, num = 0;

    for (i = 0; i < mock.zone_num; i++) {
        num += addr >= mock.zones[i].addr && addr < mock.zones[i].addr + mock.zones[i].size;
    }
    ck_assert_uint_le(num, 1);
    return num == 1;
}

START_TEST(m78_nested_zones_survive_one_of_them)
{
    struct kvm_events events;
    static MemoryRegion cover;

    ck_assert_int_eq(kvm_events_init(&events, &kvm, &as, false), 0);
    ck_assert_int_eq(memory_region_init_io(&cover, &core, NULL, &zero_ops, NULL, "cover", 8), 0);
    ck_assert_int_eq(memory_region_add_coalescing(&window, 0x100, 0x100), 0);
    ck_assert_int_eq(memory_region_add_coalescing(&window, 0x140, 0x10), 0);
    ck_assert_int_eq(memory_region_add_coalescing(&window, 0x1f0, 0x20), 0);
    mount(&window, RAM_SIZE);
    ck_assert(is_zoned(RAM_SIZE + 0x13f) && is_zoned(RAM_SIZE + 0x20f));
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, RAM_SIZE + 0x144, &cover, 2), 0);
    ck_assert(is_zoned(RAM_SIZE + 0x143) && !is_zoned(RAM_SIZE + 0x144));
    ck_assert(!is_zoned(RAM_SIZE + 0x14b) && is_zoned(RAM_SIZE + 0x14c));
    unmount(&cover);
    ck_assert(is_zoned(RAM_SIZE + 0x144) && is_zoned(RAM_SIZE + 0x100));
    memory_region_transaction_begin(&core); /* the inner one goes alone */
    ck_assert_int_eq(memory_region_clear_coalescing(&window), 0);
    ck_assert_int_eq(memory_region_add_coalescing(&window, 0x100, 0x100), 0);
    ck_assert_int_eq(memory_region_transaction_commit(&core), 0);
    ck_assert(is_zoned(RAM_SIZE + 0x140) && is_zoned(RAM_SIZE + 0x1ff));
    ck_assert(!is_zoned(RAM_SIZE + 0x200));
    unmount(&window);
    ck_assert_uint_eq(mock.zone_num, 0);
    memory_region_unref(&cover);
    kvm_events_finish(&events, false);
}
END_TEST

static unsigned signals_in_apply;

/* A write that KVM handed out while the eventfd was gone from it. */
static int kick_in_apply(MemoryListener *listener, const MemoryCommit *commit)
{
    uint32_t value = 7;

    (void)listener, (void)commit;
    (void)address_space_write(&as, 0x8008, MEMTXATTRS_UNSPECIFIED, &value, sizeof(value));
    signals_in_apply = signals;
    return 0;
}

START_TEST(m78_a_kick_that_comes_out_during_a_move_is_not_lost)
{
    MemoryListener late = {
        .name = "late", .priority = 50, .apply = kick_in_apply, .undo = nothing_to_undo};
    struct kvm_events events;
    uint32_t value = 7, other = 8;

    ck_assert_int_eq(kvm_events_init(&events, &kvm, &as, false), 0);
    ck_assert_int_eq(memory_region_add_eventfd(&window, 8, 4, true, 7, 5), 0);
    mount(&window, 0x8000);
    ck_assert_int_eq(memory_listener_register(&late, &as), 0);
    signals = 0;
    ck_assert_int_eq(memory_region_set_address(&window, 0x10000), 0);
    ck_assert_uint_eq(signals_in_apply, 1); /* the old view still showed it */
    (void)address_space_write(&as, 0x10008, MEMTXATTRS_UNSPECIFIED, &value, sizeof(value));
    ck_assert_uint_eq(signals, 2);
    (void)address_space_write(&as, 0x10008, MEMTXATTRS_UNSPECIFIED, &other, sizeof(other));
    (void)address_space_write(&as, 0x8008, MEMTXATTRS_UNSPECIFIED, &value, sizeof(value));
    ck_assert_uint_eq(signals, 2); /* another value; and RAM by now */
    memory_listener_unregister(&late);
    unmount(&window);
    kvm_events_finish(&events, false);
}
END_TEST

/* What a vCPU's exit asks for arrives as it was asked. */
static struct {
    uint64_t addr, data;
    unsigned size;
} calls[8];
static unsigned call_num;

static uint64_t record_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    calls[call_num].addr = addr;
    calls[call_num++].size = size;
    return UINT64_C(0x8877665544332211) + call_num;
}

static void record_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque;
    calls[call_num].addr = addr;
    calls[call_num].data = data;
    calls[call_num++].size = size;
}

static const MemoryRegionOps record_ops = {
    .read = record_read,
    .write = record_write,
    .valid = {.max_access_size = 8},
    .impl = {.max_access_size = 8},
};

START_TEST(m79_an_mmio_exit_of_1_2_4_or_8_bytes_is_one_access)
{
    static MemoryRegion device;
    MemoryAccessCache cache = {0};
    unsigned size;

    call_num = 0;
    ck_assert_int_eq(
        memory_region_init_io(&device, &core, NULL, &record_ops, NULL, "device", 0x1000), 0);
    mount(&device, RAM_SIZE);
    for (size = 1; size <= 8; size *= 2) {
        uint64_t data = UINT64_C(0x1122334455667788), mask = UINT64_MAX >> (64 - 8 * size);

        call_num = 0;
        ck_assert_int_eq(address_space_rw_cached(&as, &cache, RAM_SIZE + 8 * size,
                                                 MEMTXATTRS_UNSPECIFIED, &data, size, true),
                         MEMTX_OK);
        data = 0;
        ck_assert_int_eq(address_space_rw_cached(&as, &cache, RAM_SIZE + 8 * size,
                                                 MEMTXATTRS_UNSPECIFIED, &data, size, false),
                         MEMTX_OK);
        ck_assert_uint_eq(call_num, 2);
        ck_assert_uint_eq(calls[0].addr, 8 * size);
        ck_assert_uint_eq(calls[0].size, size);
        ck_assert_uint_eq(calls[0].data & mask, UINT64_C(0x1122334455667788) & mask);
        ck_assert_uint_eq(calls[1].size, size);
        ck_assert_uint_eq(data, UINT64_C(0x8877665544332213) & mask);
    }
    unmount(&device);
    memory_region_unref(&device);
}
END_TEST

START_TEST(m79_items_of_a_string_exit_arrive_in_order_at_one_port)
{
    static MemoryRegion device;
    MemoryAccessCache cache = {0};
    uint16_t items[4] = {0x1111, 0x2222, 0x3333, 0x4444};
    unsigned i;

    call_num = 0;
    ck_assert_int_eq(
        memory_region_init_io(&device, &core, NULL, &record_ops, NULL, "device", 0x1000), 0);
    mount(&device, RAM_SIZE);
    (void)address_space_rw_items(&as, &cache, RAM_SIZE + 0x10, MEMTXATTRS_UNSPECIFIED, items, 2, 4,
                                 true);
    ck_assert_uint_eq(call_num, 4);
    for (i = 0; i < 4; i++) {
        ck_assert_uint_eq(calls[i].addr, 0x10);
        ck_assert_uint_eq(calls[i].size, 2);
        ck_assert_uint_eq(calls[i].data & 0xffff, items[i]);
    }
    call_num = 0;
    (void)address_space_rw_items(&as, &cache, RAM_SIZE + 0x10, MEMTXATTRS_UNSPECIFIED, items, 2, 4,
                                 false);
    ck_assert_uint_eq(call_num, 4);
    for (i = 0; i < 4; i++) {
        ck_assert_uint_eq(items[i], 0x2212 + i);
    }
    unmount(&device);
    memory_region_unref(&device);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kvm_events");
    TCase *tcase = tcase_create("events");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, m78_eventfds_and_zones_follow_their_region);
    tcase_add_loop_test(tcase, a_move_that_fails_anywhere_leaves_eventfds_and_zones, 1, 5);
    tcase_add_test(tcase, m78_nested_zones_survive_one_of_them);
    tcase_add_test(tcase, m78_a_kick_that_comes_out_during_a_move_is_not_lost);
    tcase_add_test(tcase, m79_an_mmio_exit_of_1_2_4_or_8_bytes_is_one_access);
    tcase_add_test(tcase, m79_items_of_a_string_exit_arrive_in_order_at_one_port);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
