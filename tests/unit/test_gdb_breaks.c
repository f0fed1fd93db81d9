/*
 * test_gdb_breaks.c - what is to find each breakpoint and watchpoint of a debugger, by itself, and
 * watchpoints in debug registers of CPUs that run (fake_cpu.h).
 */
#include "gdb_machine.h"

START_TEST(debug_registers_go_to_watchpoints_first_and_the_rest_is_stepped)
{
    const struct gdb_means means = {.step = true, .execute = true, .data = true};
    static struct gdb_breaks breaks;
    uint64_t i;

    for (i = 0; i < 4; i++) {
        ck_assert_ptr_nonnull(gdb_breaks_add(&breaks, GDB_BREAK_SOFTWARE, 0x1000 + i, 1));
    }
    gdb_breaks_plan(&breaks, &means);
    ck_assert(!breaks.steps);
    ck_assert_uint_eq(breaks.slot_num, 4);
    ck_assert_ptr_nonnull(gdb_breaks_add(&breaks, GDB_WATCH_WRITE, 0x2000, 8));
    gdb_breaks_plan(&breaks, &means);
    ck_assert(breaks.steps && breaks.blind);
    ck_assert_uint_eq(breaks.list[4].slots, 1);
    ck_assert_uint_eq(breaks.slot_num, 4);
    ck_assert(breaks.list[3].steps && !breaks.list[2].steps);
    ck_assert(gdb_breaks_traps(&breaks, 0x1002) && !gdb_breaks_traps(&breaks, 0x1003));
    ck_assert_ptr_eq(gdb_breaks_hit(&breaks, 1), &breaks.list[4]);
    ck_assert_ptr_null(gdb_breaks_hit(&breaks, 2));
    ck_assert_ptr_eq(gdb_breaks_at(&breaks, 0x1003), &breaks.list[3]);
    ck_assert_ptr_null(gdb_breaks_at(&breaks, 0x2000));
    gdb_breaks_remove(&breaks, gdb_breaks_find(&breaks, GDB_BREAK_SOFTWARE, 0x1000, 1));
    gdb_breaks_plan(&breaks, &means);
    ck_assert(!breaks.steps);
}
END_TEST

START_TEST(breakpoints_are_stepped_where_kvm_delivers_none)
{
    const struct gdb_means means = {.step = true};
    static struct gdb_breaks breaks;

    ck_assert_ptr_nonnull(gdb_breaks_add(&breaks, GDB_BREAK_HARDWARE, 0x1000, 1));
    gdb_breaks_plan(&breaks, &means);
    ck_assert(breaks.steps);
    ck_assert_uint_eq(breaks.slot_num, 0);
}
END_TEST

START_TEST(int3_is_for_breakpoints_that_debug_registers_have_no_room_for)
{
    const struct gdb_means means = {.step = true, .execute = true, .software = true};
    static struct gdb_breaks breaks;
    uint64_t i;

    for (i = 0; i < 6; i++) {
        ck_assert_ptr_nonnull(gdb_breaks_add(
            &breaks, i == 5 ? GDB_BREAK_HARDWARE : GDB_BREAK_SOFTWARE, 0x1000 + i, 1));
    }
    gdb_breaks_plan(&breaks, &means);
    ck_assert(!breaks.steps);
    ck_assert_uint_eq(breaks.slots[0].addr, 0x1005);
    ck_assert(!breaks.list[2].software && breaks.list[3].software && breaks.list[4].software);
    ck_assert(gdb_breaks_traps(&breaks, 0x1002) && gdb_breaks_traps(&breaks, 0x1003));
    gdb_breaks_step(&breaks, &breaks.list[3]); /* it cannot be */
    ck_assert(breaks.steps && breaks.blind);
    ck_assert(!breaks.list[3].software && breaks.list[4].software);
    ck_assert(!gdb_breaks_traps(&breaks, 0x1003));
    for (i = 0; i < 4; i++) {
        ck_assert_ptr_nonnull(gdb_breaks_add(&breaks, GDB_BREAK_HARDWARE, 0x2000 + i, 1));
    }
    gdb_breaks_plan(&breaks, &means);
    ck_assert(breaks.steps && breaks.list[9].steps); /* the fifth that must not be an int3 */
    ck_assert(breaks.list[0].software);
}
END_TEST

static const struct {
    enum gdb_break kind;
    uint64_t addr, size;
    unsigned needs;
    struct vcpu_breakpoint slots[VCPU_BREAKPOINT_MAX];
} needs[] = {
    {GDB_WATCH_WRITE, 0x1000, 1, 1, {{0x1000, VCPU_BREAK_WRITE, 1}}},
    {GDB_WATCH_WRITE, 0x1001, 1, 1, {{0x1001, VCPU_BREAK_WRITE, 1}}},
    {GDB_WATCH_WRITE, 0x1008, 8, 1, {{0x1008, VCPU_BREAK_WRITE, 8}}},
    {GDB_WATCH_ACCESS, 0x1000, 4, 1, {{0x1000, VCPU_BREAK_ACCESS, 4}}},
    {GDB_WATCH_ACCESS,
     0x1004,
     8,
     2,
     {{0x1004, VCPU_BREAK_ACCESS, 4}, {0x1008, VCPU_BREAK_ACCESS, 4}}},
    {GDB_WATCH_WRITE, 0x1000, 3, 2, {{0x1000, VCPU_BREAK_WRITE, 2}, {0x1002, VCPU_BREAK_WRITE, 1}}},
    {GDB_WATCH_WRITE,
     0x1007,
     13,
     3,
     {{0x1007, VCPU_BREAK_WRITE, 1}, {0x1008, VCPU_BREAK_WRITE, 8}, {0x1010, VCPU_BREAK_WRITE, 4}}},
    {GDB_WATCH_WRITE,
     0x1000,
     32,
     4,
     {{0x1000, VCPU_BREAK_WRITE, 8},
      {0x1008, VCPU_BREAK_WRITE, 8},
      {0x1010, VCPU_BREAK_WRITE, 8},
      {0x1018, VCPU_BREAK_WRITE, 8}}},
    {GDB_WATCH_WRITE, UINT64_MAX, 1, 1, {{UINT64_MAX, VCPU_BREAK_WRITE, 1}}},
    {GDB_WATCH_WRITE, 0x1001, 32, 0, {{0}}},
    {GDB_WATCH_WRITE, 0x1000, UINT64_MAX, 0, {{0}}},
    {GDB_WATCH_WRITE, 0x1000, 0, 0, {{0}}},
    {GDB_WATCH_READ, 0x1000, 4, 0, {{0}}},
    {GDB_BREAK_HARDWARE, 0x1003, 1, 1, {{0x1003, VCPU_BREAK_EXECUTE, 1}}},
};

START_TEST(debug_registers_share_out_what_is_watched)
{
    const struct gdb_means means = {.step = true, .execute = true, .data = true};
    const struct gdb_means none = {.step = true};
    static struct gdb_breaks breaks;
    unsigned num = needs[_i].needs, i;

    ck_assert_uint_eq(gdb_breaks_needs(&means, needs[_i].kind, needs[_i].addr, needs[_i].size),
                      num);
    ck_assert_uint_eq(gdb_breaks_needs(&none, needs[_i].kind, needs[_i].addr, needs[_i].size), 0);
    if (num == 0) {
        return;
    }
    ck_assert_ptr_nonnull(gdb_breaks_add(&breaks, needs[_i].kind, needs[_i].addr, needs[_i].size));
    ck_assert_uint_eq(gdb_breaks_slotted(&breaks), gdb_break_is_watch(needs[_i].kind) ? num : 0);
    gdb_breaks_plan(&breaks, &means);
    ck_assert_uint_eq(breaks.slot_num, num);
    for (i = 0; i < num; i++) {
        ck_assert_uint_eq(breaks.slots[i].addr, needs[_i].slots[i].addr);
        ck_assert_uint_eq(breaks.slots[i].type, needs[_i].slots[i].type);
        ck_assert_uint_eq(breaks.slots[i].size, needs[_i].slots[i].size);
        ck_assert_ptr_eq(gdb_breaks_hit(&breaks, 0xffff0ff0 | 1U << i),
                         gdb_break_is_watch(needs[_i].kind) ? &breaks.list[0] : NULL);
    }
    ck_assert_ptr_null(gdb_breaks_hit(&breaks, 0xffff0ff0));
}
END_TEST

static const struct {
    struct gdb_means means;
    const char *text;
} words[] = {
    {{.step = true, .execute = true, .data = true, .software = true},
     "breakpoints by debug registers and int3, watchpoints by debug registers"},
    {{.step = true, .execute = true}, "breakpoints by debug registers, watchpoints by overlays"},
    {{.step = true, .software = true}, "breakpoints by int3, watchpoints by overlays"},
    {{.step = true}, "breakpoints by stepping, watchpoints by overlays"},
    {{.execute = true},
     "breakpoints by debug registers, watchpoints by overlays; this KVM cannot step"},
};

START_TEST(means_are_told_in_words)
{
    char text[128];

    gdb_means_text(&words[_i].means, text, sizeof(text));
    ck_assert_str_eq(text, words[_i].text);
}
END_TEST

/* ---- watchpoints in debug registers ---- */

static const struct {
    const char *insert, *stop, *remove;
    uint64_t pc;
    unsigned registers;
} watchpoints[] = {
    {"Z2,8004,4", "T05thread:1;watch:8004;", "z2,8004,4", CODE + 10, 1},
    {"Z4,8005,1", "T05thread:1;awatch:8005;", "z4,8005,1", CODE + 10, 1},
    {"Z2,8009,1", "T05thread:1;watch:8009;", "z2,8009,1", CODE + 17, 1},
    {"Z2,8008,8", "T05thread:1;watch:8008;", "z2,8008,8", CODE + 17, 1},
    {"Z2,8001,9", "T05thread:1;watch:8001;", "z2,8001,9", CODE + 10, 4}, /* 1 + 2 + 4 + 2 */
    {"Z2,8008,20", "T05thread:1;watch:8008;", "z2,8008,20", CODE + 17, 4},
};

START_TEST(debug_registers_watch_ranges_of_any_shape)
{
    begin(1, all_means);
    put(CODE, storing_code, sizeof(storing_code));
    ask(watchpoints[_i].insert);
    run_to("c", watchpoints[_i].stop);
    assert_at(0, watchpoints[_i].pc);
    ck_assert_uint_eq(gdb->breaks.slot_num, watchpoints[_i].registers);
    run_to("c", watchpoints[_i].stop);
    ask(watchpoints[_i].remove);
    ask("Z0,1000,1");
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, CODE);
    end();
}
END_TEST

START_TEST(breakpoint_right_behind_a_watched_write_is_told_next)
{
    begin(1, all_means);
    put(CODE, storing_code, sizeof(storing_code));
    ask("Z2,8004,4");
    ask("Z0,100a,1");
    run_to("c", "T05thread:1;watch:8004;");
    assert_at(0, CODE + 10);
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 10);
    run_to("c", "T05thread:1;watch:8004;");
    end();
}
END_TEST

START_TEST(watchpoints_work_while_breakpoints_are_stepped)
{
    const struct gdb_means means = {.step = true, .data = true};

    begin(1, means);
    put(CODE, storing_code, sizeof(storing_code));
    ask("Z2,8009,1");
    ask("Z1,100a,1");
    run_to("c", "T05thread:1;hwbreak:;");
    run_to("c", "T05thread:1;watch:8009;");
    run_to("c", "T05thread:1;hwbreak:;");
    end();
}
END_TEST

START_TEST(ranges_that_wrap_or_are_nothing_are_refused)
{
    begin(1, all_means);
    ck_assert_str_eq(talk("Z2,fffffffffffffffc,8"), "$E16#ac");
    ck_assert_str_eq(talk("Z2,8000,0"), "$E16#ac");
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gdb_breaks");
    TCase *tc = tcase_create("plan"), *registers = tcase_create("debug registers");

    tcase_add_test(tc, debug_registers_go_to_watchpoints_first_and_the_rest_is_stepped);
    tcase_add_test(tc, breakpoints_are_stepped_where_kvm_delivers_none);
    tcase_add_test(tc, int3_is_for_breakpoints_that_debug_registers_have_no_room_for);
    tcase_add_table_test(tc, debug_registers_share_out_what_is_watched, needs);
    tcase_add_table_test(tc, means_are_told_in_words, words);
    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(registers, setup, teardown);
    tcase_add_table_test(registers, debug_registers_watch_ranges_of_any_shape, watchpoints);
    tcase_add_test(registers, breakpoint_right_behind_a_watched_write_is_told_next);
    tcase_add_test(registers, watchpoints_work_while_breakpoints_are_stepped);
    tcase_add_test(registers, ranges_that_wrap_or_are_nothing_are_refused);
    suite_add_tcase(suite, registers);
    return run_suite(suite);
}
