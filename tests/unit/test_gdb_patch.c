/*
 * test_gdb_patch.c - where there can be an int3, where it goes, and what is done when it cannot be
 * or does not stay: ROM, page tables that differ or change, a guest that writes over it, a reset.
 */
#include "gdb_machine.h"

enum { TABLES = 0x10000 };

/* "O" and the line in hex is in the output. */
static void assert_told(const char *line)
{
    char hex[512] = "$O";
    size_t i;

    for (i = 0; line[i]; i++) {
        (void)snprintf(hex + 2 + 2 * i, 3, "%02x", (uint8_t)line[i]);
    }
    ck_assert_msg(strstr(out, hex) != NULL, "%s is not in %s", hex, out);
}

/* ---- where there can be no int3 ---- */

START_TEST(rom_is_stepped_and_not_written)
{
    begin(1, int3_means);
    set_pc(0, ROM);
    ask("Z0,600003,1");
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, ROM + 3);
    ck_assert_uint_eq(fake->asked & KVM_GUESTDBG_USE_SW_BP, 0);
    end();
}
END_TEST

START_TEST(stepped_ones_leave_debug_registers_and_int3_to_others)
{
    static const char *const packets[] = {"Z1,1000,1", "Z1,1001,1", "Z1,1002,1",
                                          "Z1,1003,1", "Z1,1004,1", "Z0,1005,1"};
    unsigned i;

    begin(1, all_means);
    for (i = 0; i < 6; i++) {
        ask(packets[i]);
    }
    for (i = 0; i < 12; i++) {
        run_to("c", i % 6 == 5 ? "T05thread:1;swbreak:;" : "T05thread:1;hwbreak:;");
        assert_at(0, CODE + i % 6);
    }
    ck_assert_uint_eq(gdb->breaks.slot_num, 4);
    ck_assert(gdb->breaks.list[4].steps && gdb->breaks.list[5].software);
    end();
}
END_TEST

START_TEST(handlers_that_are_not_stepped_are_told_of_once)
{
    struct gdb_means means = step_means;

    means.enters = false;
    begin(1, means);
    (void)talk("vCont;s:1");
    (void)wait_for_stop();
    ck_assert_ptr_null(strstr(out, "$O"));
    ask("Z0,1002,1");
    (void)talk("c");
    ck_assert_ptr_nonnull(strstr(wait_for_stop(), "$T05"));
    assert_told("every CPU is stepped, and this KVM does not step interrupt handlers");
    run_to("c", "T05thread:1;swbreak:;");
    ck_assert_ptr_null(strstr(out, "$O"));
    end();
}
END_TEST

START_TEST(hardware_breakpoints_are_never_int3)
{
    begin(1, int3_means);
    ask("Z1,1003,1");
    run_to("c", "T05thread:1;hwbreak:;");
    assert_at(0, CODE + 3);
    ck_assert_uint_eq(fake->asked & KVM_GUESTDBG_USE_SW_BP, 0);
    end();
}
END_TEST

START_TEST(debug_registers_come_first_and_int3_is_for_the_rest)
{
    static const char *const packets[] = {"Z0,1000,1", "Z0,1001,1", "Z0,1002,1",
                                          "Z1,1003,1", "Z0,1004,1", "Z0,1005,1"};
    unsigned i;

    begin(1, all_means);
    for (i = 0; i < 6; i++) {
        ask(packets[i]);
    }
    for (i = 0; i < 12; i++) {
        run_to("c", i % 6 == 3 ? "T05thread:1;hwbreak:;" : "T05thread:1;swbreak:;");
        assert_at(0, CODE + i % 6);
    }
    ask("z0,1001,1");
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, CODE);
    set_pc(0, DATA);
    put(DATA, loop_code, sizeof(loop_code));
    (void)talk("c");
    assert_runs(0);
    ck_assert_str_eq(patched(), "5 "); /* 3, 0, 2, 4 are in debug registers */
    end();
}
END_TEST

START_TEST(kvm_that_refuses_is_told_of_and_leaves_nothing_behind)
{
    begin(1, int3_means);
    fake->refused = KVM_GUESTDBG_USE_SW_BP;
    ask("Z0,1002,1");
    run_to("c", "T05thread:1;#");
    ck_assert_str_eq(patched(), "");
    assert_at(0, CODE);
    ask("z0,1002,1");
    (void)talk("c");
    assert_runs(0);
    end();
}
END_TEST

/* ---- page tables ---- */

/* 32-bit paging: a directory at `cr3` whose first table follows it. */
static void map(uint64_t cr3, uint64_t linear, uint32_t page)
{
    uint32_t directory = (uint32_t)(cr3 + 0x1000) | 3, entry = page | 3;

    put(cr3, &directory, sizeof(directory));
    put(cr3 + 0x1000 + linear / 0x1000 * 4, &entry, sizeof(entry));
}

static void use_tables(unsigned cpu, uint64_t cr3)
{
    fake->cpus[cpu].sregs.cr0 = UINT64_C(0x80000001);
    fake->cpus[cpu].sregs.cr3 = cr3;
}

/*
 * CODE is at 0x1000 of the first tables; of the second, at 0x3000, where the first have it, too.
 * @second  KVM_MP_STATE_ of the second CPU
 */
static void begin_paged(uint32_t second)
{
    make_machine(2);
    fake->cpus[1].mp_state = second;
    map(TABLES, CODE, CODE);
    map(TABLES, 0x3000, CODE);
    map(TABLES + 0x2000, CODE, DATA);
    map(TABLES + 0x2000, 0x3000, CODE);
    put(DATA, loop_code, sizeof(loop_code));
    use_tables(0, TABLES);
    use_tables(1, TABLES + 0x2000);
    make_gdb(int3_means);
}

START_TEST(one_address_of_two_address_spaces_has_two_int3)
{
    begin_paged(KVM_MP_STATE_RUNNABLE);
    ask("Z0,1002,1");
    run_to("vCont;c:1", "T05thread:1;swbreak:;");
    run_to("vCont;c:2", "T05thread:2;swbreak:;");
    assert_at(1, CODE + 2);
    (void)talk("vCont;c:2");
    wait_for_stop();
    ck_assert_uint_eq(byte_at(CODE + 2), 0x90);
    ck_assert_uint_eq(byte_at(DATA + 2), 0x90);
    end();
}
END_TEST

START_TEST(int3_that_another_address_shows_is_gone_over_without_a_word)
{
    begin_paged(KVM_MP_STATE_UNINITIALIZED);
    set_pc(0, 0x3000);
    fake->counted_pc = 0x3002;
    ask("Z0,1002,1");
    (void)talk("c");
    while (fake->cpus[0].counted < 3) {
        serve_loop();
    }
    ck_assert_str_eq(out, "");
    gdb_session_receive(&gdb->session, "\003", 1);
    ck_assert_ptr_nonnull(strstr(wait_for_stop(), "T02"));
    ck_assert_str_eq(patched(), "");
    end();
}
END_TEST

START_TEST(address_that_is_not_mapped_is_stepped)
{
    begin_paged(KVM_MP_STATE_UNINITIALIZED);
    ask("Z0,5002,1");
    (void)talk("c");
    assert_runs(0);
    ck_assert_uint_eq(fake->asked & KVM_GUESTDBG_USE_SW_BP, 0);
    vcpu_group_pause(&machine.vcpus);
    map(TABLES, 0x5000, CODE);
    fake->cpus[0].regs.rip = 0x5000;
    vcpu_group_unpark(&machine.vcpus);
    ck_assert_ptr_nonnull(strstr(wait_for_stop(), "$T05thread:1;swbreak:;"));
    assert_at(0, 0x5002);
    end();
}
END_TEST

START_TEST(breakpoint_that_may_have_been_missed_is_told)
{
    static const uint8_t nop = 0x90;

    begin_paged(KVM_MP_STATE_UNINITIALIZED);
    set_pc(0, 0x3004);            /* away from it */
    put(CODE + 6, "\xeb\xfe", 2); /* where it stays */
    ask("Z0,1002,1");
    (void)talk("c");
    assert_runs(0);
    vcpu_group_pause(&machine.vcpus);
    if (_i == 0) {
        put(CODE + 2, &nop, 1); /* by the guest */
    } else {
        map(TABLES, CODE, DATA);
    }
    vcpu_group_unpark(&machine.vcpus);
    gdb_session_receive(&gdb->session, "\003", 1);
    ck_assert_ptr_nonnull(strstr(wait_for_stop(), "$T02thread:1;"));
    assert_told("breakpoint at 0x1002: the guest has written over it or mapped other memory there");
    ck_assert_uint_eq(byte_at(CODE + 2), nop);
    out_len = 0;
    out[0] = '\0';
    (void)talk("c");
    assert_runs(0);
    gdb_session_receive(&gdb->session, "\003", 1);
    ck_assert_ptr_null(strstr(wait_for_stop(), "$O"));
    ck_assert_ptr_null(strstr(out, "$O")); /* the new one is where it belongs */
    end();
}
END_TEST

START_TEST(one_that_was_missed_is_told_when_the_guest_ends_as_well)
{
    static const uint8_t nop = 0x90;
    struct verdict verdict;

    begin(1, int3_means);
    put(DATA, loop_code, sizeof(loop_code));
    set_pc(0, DATA);
    ask("Z0,1002,1");
    (void)talk("c");
    assert_runs(0);
    vcpu_group_stop(&machine.vcpus);
    vcpu_group_join(&machine.vcpus);
    put(CODE + 2, &nop, 1);
    machine_look_begin(&machine);
    verdict_make(&verdict, VERDICT_EXIT, "guest exited");
    machine_tell(&machine, MACHINE_EVENT_END, &verdict);
    assert_told("breakpoint at 0x1002: the guest has written over it");
    ck_assert_ptr_nonnull(strstr(out, "$W00"));
    end();
}
END_TEST

/* ---- a reset ---- */

START_TEST(reset_keeps_them_at_the_entry_and_in_the_new_image)
{
    begin(1, _i == 0 ? int3_means : _i == 1 ? all_means : step_means);
    put(DATA, loop_code, sizeof(loop_code));
    set_pc(0, DATA);
    ask("Z0,1000,1");
    ask("Z0,1003,1");
    (void)talk("c");
    assert_runs(0);
    vcpu_group_pause(&machine.vcpus); /* as restart() in machine_run.c */
    machine_look_begin(&machine);
    put(CODE, loop_code, sizeof(loop_code));
    fake->cpus[0].regs.rip = CODE;
    machine_tell(&machine, MACHINE_EVENT_RESET, NULL);
    machine_look_end(&machine);
    vcpu_group_unpark(&machine.vcpus);
    ck_assert_ptr_nonnull(strstr(wait_for_stop(), "$T05thread:1;swbreak:;"));
    assert_at(0, CODE);
    ck_assert_ptr_null(strstr(out, "$O"));
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 3);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gdb_patch");
    TCase *tc = tcase_create("gdb_patch");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, rom_is_stepped_and_not_written);
    tcase_add_test(tc, stepped_ones_leave_debug_registers_and_int3_to_others);
    tcase_add_test(tc, handlers_that_are_not_stepped_are_told_of_once);
    tcase_add_test(tc, hardware_breakpoints_are_never_int3);
    tcase_add_test(tc, debug_registers_come_first_and_int3_is_for_the_rest);
    tcase_add_test(tc, kvm_that_refuses_is_told_of_and_leaves_nothing_behind);
    tcase_add_test(tc, one_address_of_two_address_spaces_has_two_int3);
    tcase_add_test(tc, int3_that_another_address_shows_is_gone_over_without_a_word);
    tcase_add_test(tc, address_that_is_not_mapped_is_stepped);
    tcase_add_loop_test(tc, breakpoint_that_may_have_been_missed_is_told, 0, 2);
    tcase_add_test(tc, one_that_was_missed_is_told_when_the_guest_ends_as_well);
    tcase_add_loop_test(tc, reset_keeps_them_at_the_entry_and_in_the_new_image, 0, 3);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
