/* The bank switch: each change, lists of them, what is refused, and that nothing is half done. */
#include "devices/bank_switch.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum { SWITCH = 0x9000, PAGE = 0x1000, RAM_B = 1, WINDOW = 2, BOX = 3, NUM = 4 };

static struct fake_bus bus;
static struct bank_switch dev;
static MemoryRegion a, b, window, box;

static void check(int ret)
{
    if (ret != 0) {
        abort();
    }
}

/* A page of RAM full of one byte. */
static void init_ram(MemoryRegion *mr, const char *name, int byte)
{
    const struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = PAGE};
    RAMBlock *block;

    check(ram_block_new(&bus.core, name, &config, &block));
    check(memory_region_init_ram(mr, NULL, name, block));
    memset(memory_region_get_ram_ptr(mr), byte, PAGE);
}

static struct bank_switch_region describe(MemoryRegion *mr, hwaddr addr, int32_t priority,
                                          uint64_t max_size)
{
    return (struct bank_switch_region){
        .mr = mr,
        .max_size = max_size,
        .initial = {.addr = addr,
                    .size = memory_region_size(mr),
                    .priority = priority,
                    .enabled = true},
    };
}

/* A at 0x1000 over B at 0x1000; the window shows B at 0x3000; an empty box at 0x5000. */
static void setup(void)
{
    struct bank_switch_region regions[NUM];

    fake_bus_init(&bus);
    init_ram(&a, "a", 0xaa);
    init_ram(&b, "b", 0xbb);
    memset((uint8_t *)memory_region_get_ram_ptr(&b) + 0x800, 0xb8, 0x800);
    check(memory_region_init_alias(&window, NULL, "window", &b, 0, 0x800));
    check(memory_region_init(&box, &bus.core, NULL, "a box with a name of more than 32 bytes",
                             0x800));
    check(memory_region_add_subregion_overlap(&bus.root, 0x1000, &a, 1));
    check(memory_region_add_subregion(&bus.root, 0x1000, &b));
    check(memory_region_add_subregion(&bus.root, 0x3000, &window));
    check(memory_region_add_subregion(&bus.root, 0x5000, &box));
    check(bank_switch_init(&dev, &bus.core));
    fake_bus_mount(&bus, SWITCH, &dev.mr);
    regions[0] = describe(&a, 0x1000, 1, PAGE);
    regions[RAM_B] = describe(&b, 0x1000, 0, PAGE);
    regions[WINDOW] = describe(&window, 0x3000, 0, UINT64_MAX);
    regions[BOX] = describe(&box, 0x5000, 0, 0x800);
    check(bank_switch_set_regions(&dev, regions, NUM));
}

static void teardown(void)
{
    MemoryRegion *const mounted[] = {&a, &b, &window, &box};
    size_t i;

    fake_bus_unmount(&bus, &dev.mr);
    bank_switch_finish(&dev);
    for (i = 0; i < NUM; i++) {
        fake_bus_unmount(&bus, mounted[i]);
        memory_region_unref(mounted[i]);
    }
    fake_bus_finish(&bus);
}

static uint64_t get(hwaddr reg)
{
    uint64_t value = 0;

    (void)address_space_read(&bus.as, SWITCH + reg, MEMTXATTRS_UNSPECIFIED, &value, 8);
    return value;
}

static void set(hwaddr reg, uint64_t value)
{
    (void)address_space_write(&bus.as, SWITCH + reg, MEMTXATTRS_UNSPECIFIED, &value, 8);
}

/* One change of a region; the result. */
static uint64_t change(unsigned region, hwaddr reg, uint64_t value)
{
    set(BANK_SWITCH_SELECT, region);
    set(reg, value);
    return get(BANK_SWITCH_RESULT);
}

static uint64_t command(uint64_t value)
{
    set(BANK_SWITCH_COMMAND, value);
    return get(BANK_SWITCH_RESULT);
}

static unsigned byte_at(hwaddr addr)
{
    return bus_in(&bus, addr, 1, NULL);
}

START_TEST(shows_what_it_may_change)
{
    ck_assert_uint_eq(get(BANK_SWITCH_ID), BANK_SWITCH_ID_VALUE);
    ck_assert_mem_eq(&(uint64_t){BANK_SWITCH_ID_VALUE}, "acrebank", 8);
    ck_assert_uint_eq(get(BANK_SWITCH_REGIONS), NUM);
    ck_assert_uint_eq(get(BANK_SWITCH_SELECT), 0);
    ck_assert_uint_eq(get(BANK_SWITCH_FAILED), UINT64_MAX);
    set(BANK_SWITCH_SELECT, WINDOW);
    ck_assert_uint_eq(get(BANK_SWITCH_ENABLED), 1);
    ck_assert_uint_eq(get(BANK_SWITCH_ADDRESS), 0x3000);
    ck_assert_uint_eq(get(BANK_SWITCH_LENGTH), 0x800);
    ck_assert_uint_eq(get(BANK_SWITCH_PRIORITY), 0);
    ck_assert_uint_eq(get(BANK_SWITCH_MAX), UINT64_MAX);
    ck_assert_mem_eq(&(uint64_t){get(BANK_SWITCH_NAME)}, "window\0\0", 8);
    set(BANK_SWITCH_SELECT, BOX);
    ck_assert_mem_eq(&(uint64_t){get(BANK_SWITCH_NAME + 24)}, "e than 3", 8);
    ck_assert_uint_eq(get(BANK_SWITCH_NAME + 32), 0);
}
END_TEST

START_TEST(without_a_selection_there_is_nothing)
{
    set(BANK_SWITCH_SELECT, NUM);
    ck_assert_uint_eq(get(BANK_SWITCH_RESULT), EINVAL);
    ck_assert_uint_eq(get(BANK_SWITCH_ADDRESS), UINT64_MAX);
    ck_assert_uint_eq(get(BANK_SWITCH_NAME), UINT64_MAX);
    set(BANK_SWITCH_ENABLED, 0);
    ck_assert_uint_eq(get(BANK_SWITCH_RESULT), EINVAL);
    ck_assert_uint_eq(get(BANK_SWITCH_GENERATION), 0);
}
END_TEST

/* One change, what stands at an address then, and the register's new value. */
static const struct {
    unsigned region;
    hwaddr reg;
    uint64_t value;
    hwaddr addr;
    unsigned byte;
} changes[] = {
    {0, BANK_SWITCH_ENABLED, 0, 0x1000, 0xbb},
    {0, BANK_SWITCH_PRIORITY, UINT64_MAX, 0x1000, 0xbb},
    {RAM_B, BANK_SWITCH_PRIORITY, 2, 0x1fff, 0xb8},
    {0, BANK_SWITCH_ADDRESS, 0x7000, 0x7fff, 0xaa},
    {0, BANK_SWITCH_ADDRESS, 0x7000, 0x1000, 0xbb},
    {WINDOW, BANK_SWITCH_OFFSET, 0x800, 0x3000, 0xb8},
    {WINDOW, BANK_SWITCH_LENGTH, 0x1000, 0x3fff, 0xb8},
    {WINDOW, BANK_SWITCH_LENGTH, 1, 0x3001, 0xff},
    {WINDOW, BANK_SWITCH_LENGTH, 0, 0x3000, 0xff},
    {WINDOW, BANK_SWITCH_LENGTH, UINT64_MAX, 0x3fff, 0xb8},
    {WINDOW, BANK_SWITCH_OFFSET, UINT64_MAX, 0x3001, 0xff},
    {WINDOW, BANK_SWITCH_ADDRESS, UINT64_MAX, 0x3000, 0xff},
    {BOX, BANK_SWITCH_LENGTH, 0, 0x5000, 0xff},
};

START_TEST(change_takes_effect_at_once)
{
    ck_assert_uint_eq(change(changes[_i].region, changes[_i].reg, changes[_i].value), 0);
    ck_assert_uint_eq(byte_at(changes[_i].addr), changes[_i].byte);
    ck_assert_uint_eq(get(changes[_i].reg), changes[_i].value);
    ck_assert_uint_eq(get(BANK_SWITCH_GENERATION), 1);
    ck_assert_uint_eq(command(BANK_SWITCH_RESTORE), 0);
    ck_assert_uint_eq(byte_at(0x1000), 0xaa);
    ck_assert_uint_eq(byte_at(0x3000), 0xbb);
    ck_assert_uint_eq(byte_at(0x3800), 0xff);
    ck_assert_uint_eq(byte_at(0x7000), 0xff);
    ck_assert_uint_eq(get(BANK_SWITCH_GENERATION), 2);
}
END_TEST

START_TEST(readonly_region_keeps_its_bytes)
{
    ck_assert_uint_eq(change(0, BANK_SWITCH_READONLY, 1), 0);
    bus_out(&bus, 0x1000, 1, 0x11);
    ck_assert_uint_eq(byte_at(0x1000), 0xaa);
    ck_assert_uint_eq(change(0, BANK_SWITCH_READONLY, 0), 0);
    bus_out(&bus, 0x1000, 1, 0x11);
    ck_assert_uint_eq(byte_at(0x1000), 0x11);
}
END_TEST

static const struct {
    unsigned region;
    hwaddr reg;
    uint64_t value;
} refusals[] = {
    {0, BANK_SWITCH_ENABLED, 2},
    {0, BANK_SWITCH_ENABLED, UINT64_MAX},
    {0, BANK_SWITCH_LENGTH, 0x800}, /* RAM */
    {BOX, BANK_SWITCH_LENGTH, 0x801},
    {BOX, BANK_SWITCH_LENGTH, UINT64_MAX},
    {0, BANK_SWITCH_PRIORITY, UINT64_C(1) << 32},
    {0, BANK_SWITCH_PRIORITY, UINT64_MAX - UINT32_MAX},
    {0, BANK_SWITCH_OFFSET, 0x800}, /* no alias */
    {0, BANK_SWITCH_READONLY, 3},
    {0, BANK_SWITCH_ROMD, 1}, /* no ROM device */
};

START_TEST(impossible_change_is_refused_and_nothing_changes)
{
    uint64_t before;

    set(BANK_SWITCH_SELECT, refusals[_i].region);
    before = get(refusals[_i].reg);
    set(refusals[_i].reg, refusals[_i].value);
    ck_assert_uint_eq(get(BANK_SWITCH_RESULT), EINVAL);
    ck_assert_uint_eq(get(BANK_SWITCH_FAILED), 0);
    ck_assert_uint_eq(get(BANK_SWITCH_GENERATION), 0);
    ck_assert_uint_eq(get(refusals[_i].reg), before);
    ck_assert_uint_eq(byte_at(0x1000), 0xaa);
}
END_TEST

START_TEST(list_takes_effect_as_a_whole)
{
    const uint64_t commits = bus.core.counters.commits;

    ck_assert_uint_eq(command(BANK_SWITCH_BEGIN), 0);
    ck_assert_uint_eq(change(0, BANK_SWITCH_ADDRESS, 0x3000), 0);
    ck_assert_uint_eq(change(WINDOW, BANK_SWITCH_ADDRESS, 0x1000), 0);
    ck_assert_uint_eq(change(WINDOW, BANK_SWITCH_PRIORITY, 5), 0);
    ck_assert_uint_eq(get(BANK_SWITCH_PENDING), 3);
    ck_assert_uint_eq(get(BANK_SWITCH_PRIORITY), 0);
    ck_assert_uint_eq(byte_at(0x1000), 0xaa);
    ck_assert_uint_eq(command(BANK_SWITCH_COMMIT), 0);
    ck_assert_uint_eq(byte_at(0x1000), 0xbb);
    ck_assert_uint_eq(byte_at(0x3000), 0xaa);
    ck_assert_uint_eq(get(BANK_SWITCH_PRIORITY), 5);
    ck_assert_uint_eq(get(BANK_SWITCH_PENDING), 0);
    ck_assert_uint_eq(get(BANK_SWITCH_GENERATION), 1);
    ck_assert_uint_eq(bus.core.counters.commits, commits + 1);
}
END_TEST

START_TEST(list_with_a_bad_change_does_nothing)
{
    command(BANK_SWITCH_BEGIN);
    change(0, BANK_SWITCH_ENABLED, 0);
    change(WINDOW, BANK_SWITCH_ADDRESS, 0x7000);
    change(0, BANK_SWITCH_LENGTH, 1);
    change(0, BANK_SWITCH_ADDRESS, 0x2000);
    ck_assert_uint_eq(command(BANK_SWITCH_COMMIT), EINVAL);
    ck_assert_uint_eq(get(BANK_SWITCH_FAILED), 2);
    ck_assert_uint_eq(byte_at(0x1000), 0xaa);
    ck_assert_uint_eq(byte_at(0x3000), 0xbb);
    ck_assert_uint_eq(get(BANK_SWITCH_ENABLED), 1);
    ck_assert_uint_eq(get(BANK_SWITCH_GENERATION), 0);
    ck_assert_uint_eq(command(BANK_SWITCH_COMMIT), EINVAL); /* it is over */
}
END_TEST

static int veto(MemoryListener *listener, MemoryCommit *commit)
{
    (void)listener;
    (void)commit;
    return -ENOSPC;
}

static void no_cancel(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener;
    (void)commit;
}

START_TEST(vetoed_change_gives_the_listeners_errno)
{
    MemoryListener listener = {.name = "veto", .cancel = no_cancel};

    ck_assert_int_eq(memory_listener_register(&listener, &bus.as), 0);
    listener.prepare = veto;
    ck_assert_uint_eq(change(0, BANK_SWITCH_ENABLED, 0), ENOSPC);
    ck_assert_uint_eq(get(BANK_SWITCH_FAILED), UINT64_MAX);
    ck_assert_uint_eq(get(BANK_SWITCH_ENABLED), 1);
    ck_assert_uint_eq(byte_at(0x1000), 0xaa);
    listener.prepare = NULL;
    ck_assert_uint_eq(change(0, BANK_SWITCH_ENABLED, 0), 0);
    listener.prepare = veto;
    bank_switch_reset(&dev);
    ck_assert_uint_eq(get(BANK_SWITCH_RESULT), ENOSPC);
    ck_assert_uint_eq(get(BANK_SWITCH_ENABLED), 0);
    listener.prepare = NULL;
    memory_listener_unregister(&listener);
}
END_TEST

START_TEST(list_is_bounded)
{
    unsigned i;

    command(BANK_SWITCH_BEGIN);
    for (i = 0; i < BANK_SWITCH_CHANGES_MAX; i++) {
        ck_assert_uint_eq(change(0, BANK_SWITCH_ADDRESS, 0x2000 + i), 0);
    }
    ck_assert_uint_eq(change(0, BANK_SWITCH_ADDRESS, 0x1000), E2BIG);
    ck_assert_uint_eq(command(BANK_SWITCH_COMMIT), E2BIG);
    ck_assert_uint_eq(byte_at(0x1000), 0xaa);
    ck_assert_uint_eq(get(BANK_SWITCH_GENERATION), 0);
    command(BANK_SWITCH_BEGIN);
    for (i = 0; i < BANK_SWITCH_CHANGES_MAX; i++) {
        change(0, BANK_SWITCH_ADDRESS, 0x2000 + i);
    }
    ck_assert_uint_eq(command(BANK_SWITCH_COMMIT), 0);
    ck_assert_uint_eq(byte_at(0x2000 + BANK_SWITCH_CHANGES_MAX - 1), 0xaa);
    ck_assert_uint_eq(byte_at(0x1000), 0xbb);
}
END_TEST

START_TEST(commands_out_of_turn_are_refused)
{
    ck_assert_uint_eq(command(BANK_SWITCH_COMMIT), EINVAL);
    ck_assert_uint_eq(command(0), EINVAL);
    ck_assert_uint_eq(command(5), EINVAL);
    ck_assert_uint_eq(command(BANK_SWITCH_BEGIN), 0);
    change(0, BANK_SWITCH_ENABLED, 0);
    ck_assert_uint_eq(command(BANK_SWITCH_BEGIN), EALREADY);
    ck_assert_uint_eq(get(BANK_SWITCH_PENDING), 1);
    ck_assert_uint_eq(command(BANK_SWITCH_ABORT), 0);
    ck_assert_uint_eq(get(BANK_SWITCH_PENDING), 0);
    ck_assert_uint_eq(command(BANK_SWITCH_COMMIT), EINVAL);
    ck_assert_uint_eq(byte_at(0x1000), 0xaa);
}
END_TEST

START_TEST(ports_of_32_bits_set_64)
{
    bus_out(&bus, SWITCH + BANK_SWITCH_SELECT, 4, WINDOW);
    bus_out(&bus, SWITCH + BANK_SWITCH_HIGH, 4, 0x80);
    bus_out(&bus, SWITCH + BANK_SWITCH_ADDRESS, 4, 0x3000);
    ck_assert_uint_eq(get(BANK_SWITCH_ADDRESS), 0x8000003000);
    ck_assert_uint_eq(bus_in(&bus, SWITCH + BANK_SWITCH_ADDRESS + 4, 4, NULL), 0x80);
    bus_out(&bus, SWITCH + BANK_SWITCH_ADDRESS, 4, 0x3000);
    ck_assert_uint_eq(byte_at(0x3000), 0xbb);
}
END_TEST

START_TEST(switch_may_take_itself_away)
{
    const struct bank_switch_region self = describe(&dev.mr, SWITCH, 0, BANK_SWITCH_SIZE);

    ck_assert_int_eq(bank_switch_set_regions(&dev, &self, 1), 0);
    set(BANK_SWITCH_ENABLED, 0);
    ck_assert_uint_eq(get(BANK_SWITCH_ID), UINT64_MAX);
    bank_switch_reset(&dev);
    ck_assert_uint_eq(get(BANK_SWITCH_ID), BANK_SWITCH_ID_VALUE);
}
END_TEST

START_TEST(reset_brings_back_the_map_and_forgets_the_list)
{
    change(0, BANK_SWITCH_ENABLED, 0);
    change(WINDOW, BANK_SWITCH_OFFSET, 0x800);
    command(BANK_SWITCH_BEGIN);
    change(0, BANK_SWITCH_ADDRESS, 0);
    bank_switch_reset(&dev);
    ck_assert_uint_eq(byte_at(0x1000), 0xaa);
    ck_assert_uint_eq(byte_at(0x3000), 0xbb);
    ck_assert_uint_eq(get(BANK_SWITCH_GENERATION), 0);
    ck_assert_uint_eq(get(BANK_SWITCH_PENDING), 0);
    ck_assert_uint_eq(get(BANK_SWITCH_SELECT), 0);
    ck_assert_uint_eq(command(BANK_SWITCH_COMMIT), EINVAL);
}
END_TEST

START_TEST(too_many_regions_are_refused)
{
    struct bank_switch_region many[BANK_SWITCH_REGIONS_MAX + 1];
    size_t i;

    for (i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        many[i] = describe(&a, 0x1000, 1, PAGE);
    }
    ck_assert_int_eq(bank_switch_set_regions(&dev, many, BANK_SWITCH_REGIONS_MAX + 1), -EINVAL);
    ck_assert_uint_eq(get(BANK_SWITCH_REGIONS), NUM);
    ck_assert_int_eq(bank_switch_set_regions(&dev, many, BANK_SWITCH_REGIONS_MAX), 0);
    ck_assert_uint_eq(get(BANK_SWITCH_REGIONS), BANK_SWITCH_REGIONS_MAX);
}
END_TEST

START_TEST(init_without_memory_leaves_nothing)
{
    struct bank_switch other;

    bus.core.fail_alloc = 1;
    ck_assert_int_eq(bank_switch_init(&other, &bus.core), -ENOMEM);
    bank_switch_finish(&other);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("bank_switch");
    TCase *tc = tcase_create("bank_switch");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, shows_what_it_may_change);
    tcase_add_test(tc, without_a_selection_there_is_nothing);
    tcase_add_table_test(tc, change_takes_effect_at_once, changes);
    tcase_add_test(tc, readonly_region_keeps_its_bytes);
    tcase_add_table_test(tc, impossible_change_is_refused_and_nothing_changes, refusals);
    tcase_add_test(tc, list_takes_effect_as_a_whole);
    tcase_add_test(tc, list_with_a_bad_change_does_nothing);
    tcase_add_test(tc, vetoed_change_gives_the_listeners_errno);
    tcase_add_test(tc, list_is_bounded);
    tcase_add_test(tc, commands_out_of_turn_are_refused);
    tcase_add_test(tc, ports_of_32_bits_set_64);
    tcase_add_test(tc, switch_may_take_itself_away);
    tcase_add_test(tc, reset_brings_back_the_map_and_forgets_the_list);
    tcase_add_test(tc, too_many_regions_are_refused);
    tcase_add_test(tc, init_without_memory_leaves_nothing);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
