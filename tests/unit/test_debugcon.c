/* The debug console: order, what is dropped, and that KVM may coalesce its writes. */
#include "devices/debugcon.h"
#include "memory/listener.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

static struct fake_bus bus;
static struct fake_sink sink;
static struct debugcon dev;

static void setup(void)
{
    const struct debugcon_config config = {.sink = fake_byte_sink(&sink, 100)};

    fake_bus_init(&bus);
    ck_assert_int_eq(debugcon_init(&dev, &bus.core, &config), 0);
    fake_bus_mount(&bus, 0xe9, &dev.mr);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &dev.mr);
    debugcon_finish(&dev);
    fake_bus_finish(&bus);
}

START_TEST(bytes_go_to_the_sink_in_order)
{
    char text[] = "debug";

    ck_assert_uint_eq(address_space_rw_items(&bus.as, &(MemoryAccessCache){0}, 0xe9,
                                             MEMTXATTRS_UNSPECIFIED, text, 1, 5, true),
                      MEMTX_OK);
    ck_assert_uint_eq(sink.len, 5);
    ck_assert_mem_eq(sink.data, "debug", 5);
    ck_assert_uint_eq(debugcon_dropped(&dev), 0);
}
END_TEST

START_TEST(reads_give_the_ports_own_number)
{
    ck_assert_uint_eq(bus_in(&bus, 0xe9, 1, NULL), 0xe9);
}
END_TEST

START_TEST(what_the_sink_refuses_is_dropped_and_counted)
{
    sink.room = 2;
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(bus_out(&bus, 0xe9, 1, 'a' + i), MEMTX_OK);
    }
    ck_assert_uint_eq(debugcon_dropped(&dev), 3);
    sink.room = 1;
    bus_out(&bus, 0xe9, 1, 'z');
    ck_assert_uint_eq(sink.len, 3);
    ck_assert_mem_eq(sink.data, "abz", 3);
    debugcon_reset(&dev);
    ck_assert_uint_eq(debugcon_dropped(&dev), 3);
}
END_TEST

static void add_zone(MemoryListener *listener, const MemoryCoalescedZone *zone)
{
    *(MemoryCoalescedZone *)listener->opaque = *zone;
}

START_TEST(its_port_is_a_coalesced_zone)
{
    MemoryCoalescedZone zone = {0};
    MemoryListener listener = {.name = "zones", .opaque = &zone, .coalesced_io_add = add_zone};

    ck_assert_int_eq(memory_listener_register(&listener, &bus.as), 0);
    ck_assert_uint_eq(zone.first, 0xe9);
    ck_assert_uint_eq(zone.last, 0xe9);
    memory_listener_unregister(&listener);
}
END_TEST

START_TEST(finish_takes_a_zeroed_device)
{
    debugcon_finish(&(struct debugcon){0});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("debugcon");
    TCase *tc = tcase_create("debugcon");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, bytes_go_to_the_sink_in_order);
    tcase_add_test(tc, reads_give_the_ports_own_number);
    tcase_add_test(tc, what_the_sink_refuses_is_dropped_and_counted);
    tcase_add_test(tc, its_port_is_a_coalesced_zone);
    tcase_add_test(tc, finish_takes_a_zeroed_device);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
