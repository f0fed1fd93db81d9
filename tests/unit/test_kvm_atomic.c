/*
 * test_kvm_atomic.c - a commit happens, or it does not: each ioctl and each allocation of each kind
 * of change is made to fail, one by one; then an ioctl of the roll-back fails, too.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "kvm_fixture.h"
#include "run_suite.h"

enum { TEXT_SIZE = 32768, MANY = 200 };
/* Which of a long roll-back's ioctls fail: all, but in the builds that only look for other faults.
 */
#ifdef ACRE_AUDIT
enum { EACH = 5 };
#else
enum { EACH = 1 };
#endif

static struct kvm_events events;
static MemoryRegion alias, romd;

/* ---- the map and what KVM has of it, as text --------------------------------------------------
 */

struct text {
    char chars[TEXT_SIZE];
    size_t len;
};

static void text_write(void *opaque, const char *chars, size_t len)
{
    struct text *text = opaque;

    ck_assert_uint_lt(text->len + len, TEXT_SIZE);
    memcpy(text->chars + text->len, chars, len);
    text->len += len;
    text->chars[text->len] = '\0';
}

static int compare_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct kvm_ioeventfd));
}

static int compare_zones(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct kvm_coalesced_mmio_zone));
}

static void take_text(struct text *text)
{
    struct memory_sink sink = {.write = text_write, .opaque = text};
    unsigned i;

    *text = (struct text){.len = 0};
    memory_print_tree(&core, &sink, MEMORY_PRINT_DISABLED);
    memory_print_flat(&core, &sink, NULL, NULL);
    for (i = 0; i < MOCK_SLOTS; i++) {
        if (mock.slots[i].memory_size) {
            memory_sink_printf(&sink, "slot %u %llx+%llx %llx %x\n", i,
                               mock.slots[i].guest_phys_addr, mock.slots[i].memory_size,
                               mock.slots[i].userspace_addr, mock.slots[i].flags);
        }
    }
    qsort(mock.events, mock.event_num, sizeof(mock.events[0]), compare_bytes);
    for (i = 0; i < mock.event_num; i++) {
        memory_sink_printf(&sink, "event %llx/%u %d\n", mock.events[i].addr, mock.events[i].len,
                           mock.events[i].fd);
    }
    qsort(mock.zones, mock.zone_num, sizeof(mock.zones[0]), compare_zones);
    for (i = 0; i < mock.zone_num; i++) {
        memory_sink_printf(&sink, "zone %llx+%x\n", mock.zones[i].addr, mock.zones[i].size);
    }
}

/* ---- kinds of change --------------------------------------------------------------------------
 */

static void nothing(void)
{
}

static int add_rom(void)
{
    return memory_region_add_subregion_overlap(&root, 0x8000, &rom, 1);
}

static void have_rom(void)
{
    mount(&rom, 0x8000);
}

static int delete_rom(void)
{
    return memory_region_del_subregion(&root, &rom);
}

static void have_been_flipped(void)
{
    mount(&rom, 0x8000);
    unmount(&rom);
}

static int add_alias(void)
{
    return memory_region_add_subregion(&root, 2 * RAM_SIZE, &alias);
}

/* Nothing is deleted, so the commit itself parks nobody. */
static int add_alias_and_rom(void)
{
    memory_region_transaction_begin(&core);
    if (add_alias() < 0 || memory_region_add_subregion(&root, 4 * RAM_SIZE, &rom) < 0) {
        memory_region_transaction_abort(&core);
        return -ENOMEM;
    }
    return memory_region_transaction_commit(&core);
}

static void have_alias(void)
{
    mount(&alias, 2 * RAM_SIZE);
}

static int move_alias(void)
{
    return memory_region_set_address(&alias, 4 * RAM_SIZE);
}

static int resize_alias(void)
{
    return memory_region_set_size(&alias, 0x6000);
}

static int shift_alias(void)
{
    return memory_region_set_alias_offset(&alias, 0x10000);
}

static int make_readonly(void)
{
    return memory_region_set_readonly(&alias, true);
}

static void have_romd(void)
{
    mount(&romd, 0x20000);
}

static int turn_romd_off(void)
{
    return memory_region_rom_device_set_romd(&romd, false);
}

static void have_been_logged(void)
{
    ck_assert_int_eq(memory_region_set_log(&ram, true, DIRTY_MEMORY_VGA), 0);
    ck_assert_int_eq(memory_region_set_log(&ram, false, DIRTY_MEMORY_VGA), 0);
}

static int start_log(void)
{
    return memory_region_set_log(&ram, true, DIRTY_MEMORY_VGA);
}

static void have_log(void)
{
    mount(&rom, 0x8000);
    ck_assert_int_eq(memory_region_set_log(&ram, true, DIRTY_MEMORY_VGA), 0);
    mock_guest_write(&mock, 0x1000);
}

static int stop_log(void)
{
    return memory_region_set_log(&ram, false, DIRTY_MEMORY_VGA);
}

static int add_window(void)
{
    return memory_region_add_subregion_overlap(&root, 0x50000, &window, 1);
}

static void have_window(void)
{
    ck_assert_int_eq(memory_region_add_eventfd(&window, 8, 4, true, 7, 5), 0);
    ck_assert_int_eq(memory_region_add_eventfd(&window, 0x10, 0, false, 0, 6), 0);
    ck_assert_int_eq(memory_region_add_coalescing(&window, 0x100, 0x10), 0);
    ck_assert_int_eq(memory_region_add_coalescing(&window, 0x200, 0x10), 0);
    mount(&window, 0x8000);
}

static int move_window(void)
{
    return memory_region_set_address(&window, 0x30000);
}

static int disable_window(void)
{
    return memory_region_set_enabled(&window, false);
}

static int add_eventfd(void)
{
    return memory_region_add_eventfd(&window, 0x20, 4, false, 0, 7);
}

static int clear_zones(void)
{
    return memory_region_clear_coalescing(&window);
}

static void have_much(void)
{
    have_been_logged();
    have_window();
}

static int change_much(void)
{
    memory_region_transaction_begin(&core);
    if (memory_region_set_address(&window, 0x30000) < 0 ||
        memory_region_add_subregion_overlap(&root, 0x50000, &rom, 1) < 0 ||
        memory_region_add_subregion(&root, 2 * RAM_SIZE, &alias) < 0 ||
        memory_region_set_log(&ram, true, DIRTY_MEMORY_VGA) < 0) {
        memory_region_transaction_abort(&core);
        return -ENOMEM;
    }
    return memory_region_transaction_commit(&core);
}

static const struct change {
    const char *name;
    void (*arrange)(void);
    int (*make)(void);
    unsigned ioctls; /* that make() issues */
} changes[] = {
    {"a ROM over RAM, first flip", nothing, add_rom, 4},
    {"a ROM over RAM, later flip", have_been_flipped, add_rom, 2},
    {"the ROM goes", have_rom, delete_rom, 2},
    {"an alias is added", nothing, add_alias, 1},
    {"an alias and a ROM are added", nothing, add_alias_and_rom, 2},
    {"an alias moves", have_alias, move_alias, 2},
    {"an alias grows", have_alias, resize_alias, 1},
    {"an alias shows another part", have_alias, shift_alias, 2},
    {"an alias becomes read-only", have_alias, make_readonly, 2},
    {"a ROM device turns to MMIO", have_romd, turn_romd_off, 1},
    {"logging starts", have_been_logged, start_log, 1},
    {"logging stops", have_log, stop_log, 4},
    {"a slot that is logged is split", have_log, add_window, 4},
    {"a window with eventfds and zones moves", have_window, move_window, 12},
    {"a window with eventfds and zones goes", have_window, disable_window, 5},
    {"an eventfd is added", have_window, add_eventfd, 1},
    {"zones go", have_window, clear_zones, 2},
    {"all kinds at once", have_much, change_much, 0},
};

static void arrange(const struct change *change)
{
    ck_assert_int_eq(kvm_events_init(&events, &kvm, &as, false), 0);
    ck_assert_int_eq(memory_region_init_alias(&alias, NULL, "alias", &ram, 0, 0x4000), 0);
    change->arrange();
    mock_restart(&mock);
}

static void disarrange(void)
{
    mock_restart(&mock);
    core.broken = false; /* that all may be taken apart */
    kvm_events_finish(&events, true);
    kvm_slots_finish(&slots, true);
}

static void setup_all(void)
{
    struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = 0x2000};
    RAMBlock *block;

    setup();
    ck_assert_int_eq(ram_block_new(&core, "romd", &config, &block), 0);
    ck_assert_int_eq(memory_region_init_rom_device(&romd, NULL, &zero_ops, NULL, "romd", block), 0);
}

static void teardown_all(void)
{
    memory_region_unref(&romd);
    memory_region_unref(&alias);
    teardown();
}

static void start_again(const struct change *change)
{
    disarrange();
    teardown_all();
    setup_all();
    arrange(change);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

START_TEST(m69_m78_each_kind_of_change_issues_as_many_ioctls_as_it_must)
{
    const struct change *change = &changes[_i];

    arrange(change);
    ck_assert_int_eq(change->make(), 0);
    if (change->ioctls) {
        ck_assert_msg(mock.calls == change->ioctls, "%s: %u ioctls: %s", change->name, mock.calls,
                      mock.log);
    }
    assert_audit();
    disarrange();
}
END_TEST

START_TEST(m32_q16_a_commit_fails_cleanly_at_each_ioctl)
{
    const struct change *change = &changes[_i];
    static struct text before, after;
    unsigned n;
    int result = -1;

    arrange(change);
    for (n = 1; result != 0; n++) {
        ck_assert_uint_lt(n, MANY);
        take_text(&before);
        mock_restart(&mock);
        mock.fail_at[0] = n;
        result = change->make();
        if (mock.calls < n) {
            ck_assert_int_eq(result, 0);
        } else {
            ck_assert_int_eq(result, -ENOMEM);
            take_text(&after);
            ck_assert_str_eq(before.chars, after.chars);
            assert_audit();
        }
        ck_assert_uint_eq(broken_calls, 0);
        ck_assert_uint_eq(parks, unparks);
    }
    assert_audit();
    disarrange();
}
END_TEST

/* Which allocations there are: those of the core, and those of the slots. */
static uint64_t *counter_of(bool of_core)
{
    return of_core ? &core.fail_alloc : &slots.fail_alloc;
}

static void fail_each_allocation(const struct change *change, bool of_core)
{
    static struct text before, after;
    uint64_t *fail = counter_of(of_core);
    bool failed = true;
    unsigned n;
    int result;

    arrange(change);
    for (n = 1; failed; n++) {
        ck_assert_uint_lt(n, MANY);
        take_text(&before);
        mock_restart(&mock);
        *fail = n;
        result = change->make();
        failed = *fail == 0;
        *fail = 0;
        assert_audit();
        ck_assert(result == -ENOMEM ? failed : result == 0);
        if (result != 0) {
            take_text(&after);
            ck_assert_str_eq(before.chars, after.chars);
        } else if (failed) { /* it could do without: on with the next, on a fresh map */
            start_again(change);
        }
    }
    ck_assert(n > 2 || !of_core); /* a change of eventfds alone asks the slots for nothing */
    disarrange();
}

START_TEST(m32_a_commit_fails_cleanly_at_each_allocation_of_the_core)
{
    fail_each_allocation(&changes[_i], true);
}
END_TEST

START_TEST(m32_a_commit_fails_cleanly_at_each_allocation_of_the_slots)
{
    fail_each_allocation(&changes[_i], false);
}
END_TEST

/* What must be when a commit failed and could not be undone, for `apply`. */
static void assert_broken(int apply)
{
    int apply_error = 0, undo_error = 0;

    ck_assert_uint_eq(broken_calls, 1);
    ck_assert_int_eq(broken_apply, apply);
    ck_assert_int_eq(broken_undo, -EIO);
    ck_assert(memory_core_is_broken(&core, &apply_error, &undo_error));
    ck_assert_int_eq(apply_error, apply);
    ck_assert_int_eq(undo_error, -EIO);
    ck_assert_uint_lt(unparks, parks); /* no vCPU runs again */
    ck_assert_uint_eq(late_runs, 0);
    ck_assert_int_eq(memory_region_set_enabled(&ram, false), -EIO);
}

/* One change whose n-th ioctl fails, and the k-th after that. Returns: did the second, too? */
static bool fail_twice(const struct change *change, unsigned n, unsigned k)
{
    bool twice;
    int result;

    mock.fail_at[0] = n;
    mock.fail_at[1] = n + k;
    result = change->make();
    twice = mock.calls >= n + k;
    if (mock.calls >= n) {
        ck_assert_int_eq(result, -ENOMEM);
    }
    if (twice) {
        assert_broken(-ENOMEM);
    } else {
        ck_assert_uint_eq(broken_calls, 0);
    }
    start_again(change);
    return twice;
}

START_TEST(a_roll_back_that_fails_too_breaks_the_core_and_names_both_errors)
{
    const struct change *change = &changes[_i];
    unsigned n, k, num, seen = 0;

    arrange(change);
    ck_assert_int_eq(change->make(), 0);
    num = mock.calls;
    start_again(change);
    for (n = 1; n <= num; n++) {
        for (k = 1; fail_twice(change, n, k); k += num > EACH ? EACH : 1) {
            seen++;
        }
    }
    ck_assert(seen > 0 || num < 2); /* the first has nothing to take back */
    disarrange();
}
END_TEST

/*
 * One change whose n-th allocation fails and, with k, whose k-th ioctl then does.
 * Returns: how many ioctls it issued; UINT_MAX when there is no such allocation.
 */
static unsigned fail_allocation_and_ioctl(const struct change *change, bool of_core, unsigned n,
                                          unsigned k)
{
    uint64_t *fail = counter_of(of_core);
    unsigned calls;
    int result;

    *fail = n;
    mock.fail_at[1] = k;
    result = change->make();
    calls = *fail ? UINT_MAX : mock.calls;
    *fail = 0;
    if (broken_calls) {
        ck_assert_uint_ge(calls, k);
        ck_assert_int_eq(result, -ENOMEM);
        assert_broken(-ENOMEM);
    } else {
        ck_assert_int_eq(parks, unparks);
        assert_audit();
    }
    if (broken_calls || result == 0) {
        start_again(change);
    } else {
        mock_restart(&mock);
    }
    return calls;
}

/* Most allocations come before the first ioctl, and leave nothing to be taken back. */
START_TEST(an_allocation_and_then_the_roll_back_fail)
{
    const struct change *change = &changes[_i];
    unsigned of_core, n, k, calls;

    arrange(change);
    for (of_core = 0; of_core < 2; of_core++) {
        for (n = 1; (calls = fail_allocation_and_ioctl(change, of_core, n, 0)) != UINT_MAX; n++) {
            ck_assert_uint_lt(n, MANY);
            for (k = 1; k <= calls; k += EACH) {
                (void)fail_allocation_and_ioctl(change, of_core, n, k);
            }
        }
    }
    disarrange();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kvm_atomic");
    TCase *tcase = tcase_create("commits"), *pairs = tcase_create("pairs of failures");

    tcase_add_checked_fixture(tcase, setup_all, teardown_all);
    tcase_add_table_test(tcase, m69_m78_each_kind_of_change_issues_as_many_ioctls_as_it_must,
                         changes);
    tcase_add_table_test(tcase, m32_q16_a_commit_fails_cleanly_at_each_ioctl, changes);
    tcase_add_table_test(tcase, m32_a_commit_fails_cleanly_at_each_allocation_of_the_core, changes);
    tcase_add_table_test(tcase, m32_a_commit_fails_cleanly_at_each_allocation_of_the_slots,
                         changes);
    suite_add_tcase(suite, tcase);
    /* Each pair of failures on a map of its own, whose end waits for the RCU worker. */
    tcase_set_timeout(pairs, 120);
    tcase_add_checked_fixture(pairs, setup_all, teardown_all);
    tcase_add_table_test(pairs, a_roll_back_that_fails_too_breaks_the_core_and_names_both_errors,
                         changes);
    tcase_add_table_test(pairs, an_allocation_and_then_the_roll_back_fail, changes);
    suite_add_tcase(suite, pairs);
    return run_suite(suite);
}
