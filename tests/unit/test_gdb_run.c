/*
 * test_gdb_run.c - a client that stops, steps and continues CPUs which run: with int3 and debug
 * registers as KVM delivers them where it does (fake_cpu.h), and with stepping.
 */
#include "gdb_machine.h"

#include <errno.h>

START_TEST(registers_that_kvm_keeps_apart_are_read_and_written)
{
    unsigned number;
    char packet[64];

    begin(1, step_means);
    for (number = 0; number < gdb_register_num(GDB_ARCH_X86_64); number++) {
        if (strcmp(gdb_register_name(GDB_ARCH_X86_64, number), "mxcsr") == 0) {
            fake->cpus[0].xsave[6] = 0x1f80;
            (void)snprintf(packet, sizeof(packet), "p%x", number);
            ck_assert_ptr_nonnull(strstr(talk(packet), "$801f0000#"));
            (void)snprintf(packet, sizeof(packet), "P%x=001f0000", number);
            ask(packet);
            ck_assert_uint_eq(fake->cpus[0].xsave[6], 0x1f00);
            ck_assert_uint_eq(fake->cpus[0].xsave[128] & 2, 2); /* XSTATE_BV: it counts */
        } else if (strcmp(gdb_register_name(GDB_ARCH_X86_64, number), "k_gs_base") == 0) {
            (void)snprintf(packet, sizeof(packet), "P%x=8877665544332211", number);
            ask(packet);
            ck_assert_uint_eq(fake->cpus[0].kernel_gs_base, UINT64_C(0x1122334455667788));
            packet[0] = 'p';
            *strchr(packet, '=') = '\0';
            ck_assert_ptr_nonnull(strstr(talk(packet), "$8877665544332211#"));
        }
    }
    end();
}
END_TEST

/* ---- int3 ---- */

START_TEST(int3_stops_and_is_seen_by_nobody)
{
    begin(1, int3_means);
    ask("Z0,1002,1");
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 2);
    ck_assert_str_eq(patched(), "");
    ck_assert_str_eq(talk("m1000,4"), "$90909090#a4");
    ck_assert_uint_ne(fake->asked & KVM_GUESTDBG_USE_SW_BP, 0);
    ask("z0,1002,1");
    (void)talk("c");
    assert_runs(0);
    ck_assert_str_eq(patched(), "");
    end();
}
END_TEST

START_TEST(each_time_round_stops_once_for_who_leaves_it_in)
{
    unsigned i;

    begin(1, int3_means);
    fake->counted_pc = CODE + 2;
    ask("Z0,1002,1");
    ask("Z0,1004,1");
    for (i = 0; i < 5; i++) {
        run_to("c", "T05thread:1;swbreak:;");
        assert_at(0, CODE + 2);
        ck_assert_uint_eq(fake->cpus[0].counted, i);
        run_to("vCont;c", "T05thread:1;swbreak:;");
        assert_at(0, CODE + 4);
    }
    end();
}
END_TEST

START_TEST(memory_is_the_guests_while_others_look)
{
    static const uint8_t int3 = 0xcc;
    struct verdict verdict = {.kind = VERDICT_NONE};
    uint8_t byte = int3;

    begin(1, int3_means);
    put(DATA, loop_code, sizeof(loop_code)); /* where it spins, out of the breakpoints' way */
    set_pc(0, DATA);
    ask("Z0,1002,1");
    ask("Z0,1005,1");
    (void)talk("c");
    assert_runs(0);
    ck_assert_str_eq(patched(), "2 5 ");
    machine_look_begin(&machine);
    machine_look_begin(&machine);
    ck_assert_str_eq(patched(), "");
    machine_look_end(&machine);
    ck_assert_str_eq(patched(), "");
    machine_look_end(&machine);
    ck_assert_str_eq(patched(), "2 5 ");
    machine_vcpu_conceal(&machine, CODE + 2, &byte);
    ck_assert_uint_eq(byte, 0x90);
    byte = int3;
    machine_vcpu_conceal(&machine, CODE + 3, &byte);
    ck_assert_uint_eq(byte, int3);
    vcpu_group_stop(&machine.vcpus);
    vcpu_group_join(&machine.vcpus);
    fake->cpus[0].regs.rip = CODE;
    vcpu_read_state(&machine.vcpus.vcpus[0], &verdict); /* for a crash report */
    ck_assert_mem_eq(verdict.bytes, loop_code, sizeof(loop_code));
    end();
}
END_TEST

static const struct {
    const char *packet;
    bool runs; /* the guest, afterwards */
} leaves[] = {
    {"\003", false}, {"D", true}, {"k", false}, {NULL, true} /* the connection is lost */};

START_TEST(int3_go_when_the_client_stops_the_guest_or_leaves)
{
    const char *packet = leaves[_i].packet;

    begin(1, int3_means);
    put(DATA, loop_code, sizeof(loop_code));
    set_pc(0, DATA);
    ask("Z0,1002,1");
    (void)talk("c");
    assert_runs(0);
    ck_assert_str_eq(patched(), "2 ");
    if (!packet) {
        gdb->session.over = true;
        gdb_run_free(gdb);
    } else if (*packet == '\003') {
        gdb_session_receive(&gdb->session, packet, 1);
        (void)wait_for_stop();
    } else {
        (void)talk(packet);
    }
    if (packet && *packet == 'k') { /* what machine_run() does with it */
        ck_assert_ptr_nonnull(verdict_settled(&machine.verdict));
        vcpu_group_join(&machine.vcpus);
        machine_look_begin(&machine);
    }
    ck_assert_str_eq(patched(), "");
    if (leaves[_i].runs) {
        move_cpu(0, CODE);
        assert_runs(0);
    }
    end();
}
END_TEST

START_TEST(what_the_client_writes_under_one_stays)
{
    begin(1, int3_means);
    ask("Z0,1002,1");
    run_to("c", "T05thread:1;swbreak:;");
    ask("M1002,2:ebfc"); /* jmp CODE */
    fake->counted_pc = CODE + 4;
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 2);
    ck_assert_uint_eq(byte_at(CODE + 2), 0xeb);
    ck_assert_uint_eq(fake->cpus[0].counted, 0);
    end();
}
END_TEST

/* ---- the guest's own ---- */

START_TEST(guests_own_int3_is_given_to_it)
{
    static const uint8_t int3 = 0xcc;

    begin(1, int3_means);
    put(CODE + 1, &int3, 1);
    ask("Z0,1004,1");
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 4);
    ck_assert_uint_eq(fake->cpus[0].breakpoints, 1);
    ck_assert_uint_eq(byte_at(CODE + 1), int3);
    end();
}
END_TEST

START_TEST(breakpoint_on_the_guests_own_int3_is_both)
{
    static const uint8_t int3 = 0xcc;

    begin(1, int3_means);
    put(CODE + 1, &int3, 1);
    ask("Z0,1001,1");
    run_to("c", "T05thread:1;swbreak:;");
    ck_assert_uint_eq(fake->cpus[0].breakpoints, 0);
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 1);
    ck_assert_uint_eq(fake->cpus[0].breakpoints, 1);
    ck_assert_uint_eq(byte_at(CODE + 1), int3);
    end();
}
END_TEST

START_TEST(guests_int3_that_kvm_does_not_take_back_stops_in_the_debugger)
{
    static const uint8_t int3 = 0xcc;

    begin(1, int3_means);
    fake->inject_error = EBUSY;
    put(CODE + 1, &int3, 1);
    ask("Z0,1004,1");
    run_to("c", "T05thread:1;#");
    assert_at(0, CODE + 1);
    ck_assert_uint_eq(fake->cpus[0].breakpoints, 0);
    end();
}
END_TEST

/* ---- several CPUs ---- */

/* Nobody ever executes what is at the breakpoint without having been told to be there. */
START_TEST(no_cpu_runs_past_while_another_one_is_stepped_over)
{
    unsigned told[FAKE_CPU_MAX] = {0}, i, cpu;

    begin(FAKE_CPU_MAX, _i == 0 ? int3_means : _i == 1 ? all_means : step_means);
    fake->counted_pc = CODE + 3;
    ask("Z0,1003,1");
    for (i = 0; i < 60; i++) {
        (void)talk("c");
        ck_assert_int_eq(sscanf(wait_for_stop(), "$T05thread:%u;swbreak:;", &cpu), 1);
        cpu--;
        assert_at(cpu, CODE + 3);
        told[cpu]++;
        for (cpu = 0; cpu < FAKE_CPU_MAX; cpu++) {
            ck_assert_uint_le(fake->cpus[cpu].counted, told[cpu]);
            ck_assert_uint_ge(fake->cpus[cpu].counted + 1, told[cpu]);
        }
    }
    end();
}
END_TEST

START_TEST(cpu_that_steps_beside_running_ones_goes_over_its_int3)
{
    begin(2, int3_means);
    put(DATA, loop_code, sizeof(loop_code));
    set_pc(1, DATA);
    ask("Z0,1002,1");
    run_to("c", "T05thread:1;swbreak:;");
    run_to("vCont;s:1;c", "T05thread:1;#");
    assert_at(0, CODE + 3);
    ck_assert_str_eq(patched(), "");
    end();
}
END_TEST

START_TEST(held_cpus_stand_while_one_goes_on)
{
    unsigned before;

    begin(2, int3_means);
    ask("Z0,1002,1");
    set_pc(0, DATA); /* a shutdown, should it run */
    before = fake->cpus[0].instructions;
    run_to("vCont;c:2", "T05thread:2;swbreak:;");
    run_to("vCont;s:2", "T05thread:2;#");
    run_to("vCont;r1003,1005:2", "T05thread:2;#");
    assert_at(1, CODE + 5);
    run_to("vCont;c:2", "T05thread:2;swbreak:;");
    ck_assert_uint_eq(fake->cpus[0].instructions, before);
    end();
}
END_TEST

/* ---- stepping, ranges, RIP ---- */

START_TEST(ranges_and_steps_begin_at_a_breakpoint_and_end_at_the_next)
{
    begin(1, _i == 0 ? int3_means : _i == 1 ? all_means : step_means);
    ask("Z0,1001,1");
    ask("Z0,1004,1");
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 1);
    run_to("vCont;s:1", "T05thread:1;#");
    assert_at(0, CODE + 2);
    run_to("vCont;r1002,1006:1", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 4);
    run_to("vCont;r1004,1006:1", "T05thread:1;#");
    assert_at(0, CODE + 6);
    run_to("s", "T05thread:1;#");
    assert_at(0, CODE);
    run_to("s", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 1);
    end();
}
END_TEST

START_TEST(cpu_that_was_put_at_a_breakpoint_stops_there)
{
    begin(1, _i == 0 ? int3_means : _i == 1 ? all_means : step_means);
    ask("Z0,1004,1");
    fake->counted_pc = CODE + 4;
    run_to("c1004", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 4);
    ck_assert_uint_eq(fake->cpus[0].counted, 0);
    run_to("c", "T05thread:1;swbreak:;"); /* round */
    ck_assert_uint_eq(fake->cpus[0].counted, 1);
    end();
}
END_TEST

START_TEST(step_over_an_access_ends_behind_it)
{
    static const uint8_t out_80[] = {0xe6, 0x80};

    begin(1, _i == 0 ? int3_means : step_means);
    put(CODE + 2, out_80, sizeof(out_80));
    ask("Z0,1002,1");
    ask("Z0,1004,1");
    run_to("c", "T05thread:1;swbreak:;");
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, CODE + 4);
    end();
}
END_TEST

/* An interrupt's part: the CPU goes on behind its HLT. */
static void wake(unsigned cpu)
{
    while (fake->cpus[cpu].mp_state != KVM_MP_STATE_HALTED) {
        (void)sched_yield();
    }
    vcpu_group_pause(&machine.vcpus);
    fake->cpus[cpu].mp_state = KVM_MP_STATE_RUNNABLE;
    vcpu_group_unpark(&machine.vcpus);
}

START_TEST(stepped_halt_halts_there_and_then)
{
    static const uint8_t hlt = 0xf4;
    struct gdb_means means = step_means;

    means.halts_late = _i == 1;
    make_machine(1);
    fake->halts_late = _i == 1;
    fake->cpus[0].events.interrupt.shadow = 1; /* of the STI before it */
    put(CODE + 2, &hlt, 1);
    make_gdb(means);
    ask("Z0,1002,1");
    ask("Z0,1004,1");
    run_to("c", "T05thread:1;swbreak:;");
    (void)talk("c");
    wake(0); /* else it stands: check's time limit */
    ck_assert_ptr_nonnull(strstr(wait_for_stop(), "T05thread:1;swbreak:;"));
    assert_at(0, CODE + 4);
    ck_assert(_i == 0 || fake->cpus[0].events.interrupt.shadow == 0);
    run_to("c1002", "T05thread:1;swbreak:;");
    run_to("s", "T05thread:1;#");
    assert_at(0, CODE + 3);
    ck_assert_uint_eq(fake->cpus[0].mp_state, KVM_MP_STATE_HALTED);
    ask("z0,1002,1");
    ask("z0,1004,1");
    (void)talk("c"); /* no more steps */
    wake(0);
    wake(0);
    end();
}
END_TEST

START_TEST(kvm_that_forgets_to_step_is_asked_again)
{
    unsigned i;

    make_machine(1);
    fake->forgets = true;
    make_gdb(step_means);
    ask("Z0,1003,1");
    ask("Z0,1005,1");
    for (i = 0; i < 4; i++) {
        run_to("c", "T05thread:1;swbreak:;");
        assert_at(0, CODE + (i % 2 ? 5 : 3));
    }
    run_to("vCont;r1000,1002:1", "T05thread:1;#");
    end();
}
END_TEST

/* In the handler the client takes its breakpoints away: after the return nobody steps. */
START_TEST(interrupt_while_stepping_leaves_no_trap_flag_to_the_guest)
{
    static const uint8_t handler[] = {0x90, 0x90, 0xcf};

    begin(1, step_means);
    put(DATA, handler, sizeof(handler));
    (void)talk("c");
    assert_runs(0);
    gdb_session_receive(&gdb->session, "\003", 1);
    (void)wait_for_stop();
    fake->cpus[0].regs.rsp = DATA + 0x100;
    fake->cpus[0].handler = DATA;
    ask("Z0,8001,1");
    run_to("c", "T05thread:1;swbreak:;");
    assert_at(0, DATA + 1);
    ck_assert_uint_eq(byte_at(fake->cpus[0].regs.rsp + 5) & 1, 0);
    ask("z0,8001,1");
    (void)talk("c");
    assert_runs(0);
    ck_assert_uint_eq(fake->cpus[0].traps, 0);
    end();
}
END_TEST

/* ---- memory that is compared ---- */

START_TEST(stack_is_watched_by_stepping)
{
    static const uint8_t zeros[16] = {0};

    make_machine(1);
    put(CODE, storing_code, sizeof(storing_code));
    fake->cpus[0].regs.rsp = DATA + 0x20;
    make_gdb(step_means);
    ask("Z2,8004,4");
    ask("Z2,8009,1");
    run_to("c", "T05thread:1;watch:8004;");
    assert_at(0, CODE + 10);
    run_to("c", "T05thread:1;watch:8009;");
    assert_at(0, CODE + 17);
    put(DATA, zeros, sizeof(zeros)); /* by the client: no hit of the guest's */
    run_to("c", "T05thread:1;watch:8004;");
    assert_at(0, CODE + 10);
    ask("z2,8004,4");
    ask("z2,8009,1");
    ask("Z0,1000,1");
    run_to("c", "T05thread:1;swbreak:;");
    ck_assert_str_eq(talk("Z3,8004,4"), "$E10#a6");   /* a read changes nothing */
    ck_assert_str_eq(talk("Z2,8004,101"), "$E10#a6"); /* too much to compare */
    end();
}
END_TEST

START_TEST(what_another_cpu_writes_to_a_stack_is_told_as_well)
{
    make_machine(2);
    put(CODE, storing_code, sizeof(storing_code));
    put(DATA + 0x100, loop_code, sizeof(loop_code));
    fake->cpus[0].regs.rsp = DATA + 0x20;
    fake->cpus[0].regs.rip = DATA + 0x100;
    make_gdb(step_means);
    ask("Z2,8004,4");
    run_to("c", "T05thread:1;watch:8004;"); /* by its owner, after its next instruction */
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gdb_run");
    TCase *tc = tcase_create("gdb_run");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, registers_that_kvm_keeps_apart_are_read_and_written);
    tcase_add_test(tc, int3_stops_and_is_seen_by_nobody);
    tcase_add_test(tc, each_time_round_stops_once_for_who_leaves_it_in);
    tcase_add_test(tc, memory_is_the_guests_while_others_look);
    tcase_add_table_test(tc, int3_go_when_the_client_stops_the_guest_or_leaves, leaves);
    tcase_add_test(tc, what_the_client_writes_under_one_stays);
    tcase_add_test(tc, guests_own_int3_is_given_to_it);
    tcase_add_test(tc, breakpoint_on_the_guests_own_int3_is_both);
    tcase_add_test(tc, guests_int3_that_kvm_does_not_take_back_stops_in_the_debugger);
    tcase_add_loop_test(tc, no_cpu_runs_past_while_another_one_is_stepped_over, 0, 3);
    tcase_add_test(tc, cpu_that_steps_beside_running_ones_goes_over_its_int3);
    tcase_add_test(tc, held_cpus_stand_while_one_goes_on);
    tcase_add_loop_test(tc, ranges_and_steps_begin_at_a_breakpoint_and_end_at_the_next, 0, 3);
    tcase_add_loop_test(tc, cpu_that_was_put_at_a_breakpoint_stops_there, 0, 3);
    tcase_add_loop_test(tc, step_over_an_access_ends_behind_it, 0, 2);
    tcase_add_loop_test(tc, stepped_halt_halts_there_and_then, 0, 2);
    tcase_add_test(tc, kvm_that_forgets_to_step_is_asked_again);
    tcase_add_test(tc, interrupt_while_stepping_leaves_no_trap_flag_to_the_guest);
    tcase_add_test(tc, stack_is_watched_by_stepping);
    tcase_add_test(tc, what_another_cpu_writes_to_a_stack_is_told_as_well);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
