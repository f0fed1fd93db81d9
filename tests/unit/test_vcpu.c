/*
 * test_vcpu.c - the gate at which vCPUs wait, with threads that count instead of running a guest;
 * and what a debugger's wishes look like to KVM.
 */
#include "vmm/vcpu.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"

enum { CPU_NUM = 2 };

static struct vcpu_group group;
static struct kvm_run runs[CPU_NUM];
static _Atomic uint64_t counts[CPU_NUM];

/* The order of vcpu.c, with counting for KVM_RUN. */
static void *count(void *arg)
{
    struct vcpu *vcpu = arg;

    for (;;) {
        atomic_store(&vcpu->in_guest, true);
        while (atomic_load(&vcpu->requests) == 0) {
            atomic_fetch_add(&counts[vcpu->index], 1);
            (void)sched_yield();
        }
        atomic_store(&vcpu->in_guest, false);
        if (atomic_load(&vcpu->requests) & VCPU_REQUEST_WAIT) {
            vcpu_group_left_guest(vcpu);
        }
        if (!vcpu_group_gate(vcpu)) {
            return NULL;
        }
    }
}

static void setup(void)
{
    unsigned i;

    group = (struct vcpu_group){.config = {.num = CPU_NUM}};
    group.vcpus = aligned_alloc(_Alignof(struct vcpu), CPU_NUM * sizeof(*group.vcpus));
    ck_assert_ptr_nonnull(group.vcpus);
    memset(group.vcpus, 0, CPU_NUM * sizeof(*group.vcpus));
    (void)pthread_mutex_init(&group.lock, NULL);
    (void)pthread_cond_init(&group.changed, NULL);
    for (i = 0; i < CPU_NUM; i++) {
        struct vcpu *vcpu = &group.vcpus[i];

        vcpu->group = &group;
        vcpu->index = i;
        vcpu->run = &runs[i];
        ck_assert_int_eq(pthread_create(&vcpu->thread, NULL, count, vcpu), 0);
        vcpu->thread_started = true;
    }
    /* The kick's signal is not needed: these threads look at their requests all the time. */
    (void)signal(vcpu_kick_signal(), SIG_IGN);
}

static void teardown(void)
{
    vcpu_group_stop(&group);
    vcpu_group_join(&group);
    free(group.vcpus);
}

/* Waits until a CPU counts on; check's time limit ends it otherwise. */
static void assert_runs(unsigned cpu)
{
    uint64_t before = atomic_load(&counts[cpu]);

    while (atomic_load(&counts[cpu]) == before) {
        (void)sched_yield();
    }
}

static void assert_stands(unsigned cpu)
{
    uint64_t before = atomic_load(&counts[cpu]);
    int i;

    for (i = 0; i < 1000; i++) {
        (void)sched_yield();
    }
    ck_assert_uint_eq(atomic_load(&counts[cpu]), before);
}

START_TEST(paused_cpus_stand_until_the_last_hold_ends)
{
    assert_runs(0);
    assert_runs(1);
    vcpu_group_pause(&group);
    vcpu_group_park(&group);
    vcpu_group_unpark(&group);
    assert_stands(0);
    assert_stands(1);
    vcpu_group_unpark(&group);
    assert_runs(0);
    assert_runs(1);
}
END_TEST

START_TEST(cpu_that_was_let_through_runs_alone)
{
    vcpu_group_pause(&group);
    vcpu_group_let(&group, &group.vcpus[1]);
    assert_runs(1);
    assert_stands(0);
    vcpu_group_unlet(&group);
    vcpu_group_pause(&group); /* unlet does not wait */
    assert_stands(1);
    vcpu_group_unpark(&group);
    assert_stands(1);
    vcpu_group_unpark(&group);
    assert_runs(0);
    assert_runs(1);
}
END_TEST

START_TEST(hold_that_comes_later_stops_the_one_let_through_until_it_ends)
{
    vcpu_group_pause(&group);
    vcpu_group_let(&group, &group.vcpus[0]);
    assert_runs(0);
    vcpu_group_park(&group);
    assert_stands(0);
    vcpu_group_unpark(&group);
    assert_runs(0);
    assert_stands(1);
    vcpu_group_unpark(&group);
    assert_runs(1);
}
END_TEST

START_TEST(letting_through_ends_with_the_last_hold)
{
    vcpu_group_pause(&group);
    vcpu_group_let(&group, &group.vcpus[0]);
    vcpu_group_unpark(&group);
    assert_runs(1);
    vcpu_group_pause(&group);
    assert_stands(0);
    assert_stands(1);
    vcpu_group_unpark(&group);
}
END_TEST

static void add_one(void *opaque, struct vcpu *vcpu)
{
    atomic_fetch_add((_Atomic unsigned *)opaque, 1 + vcpu->index);
}

START_TEST(posted_function_runs_on_all_while_one_is_let_through)
{
    _Atomic unsigned sum = 0;

    group.running = CPU_NUM;
    vcpu_group_pause(&group);
    vcpu_group_let(&group, &group.vcpus[0]);
    assert_runs(0);
    vcpu_group_call(&group, add_one, &sum);
    ck_assert_uint_eq(sum, 3);
    assert_runs(0);
    vcpu_group_unpark(&group);
}
END_TEST

/* What KVM was asked for. */
static struct kvm_guest_debug asked;
static uint32_t refused;

static int take(struct kvm *kvm, int fd, unsigned long request, void *arg)
{
    (void)kvm, (void)fd;
    ck_assert_uint_eq(request, KVM_SET_GUEST_DEBUG);
    memcpy(&asked, arg, sizeof(asked));
    return asked.control & refused ? -EINVAL : 0;
}

static const struct {
    struct vcpu_debug debug;
    int result;
    uint32_t control;
    uint64_t dr7;
} wishes[] = {
    {{0}, 0, 0, 0},
    {{.step = true}, 0, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, 0},
    {{.step = true, .block_irqs = true},
     0,
     KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_BLOCKIRQ,
     0},
    {{.software = true}, 0, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, 0},
    {{.step = true, .software = true},
     0,
     KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP,
     0},
    {{.breakpoint_num = 1, .breakpoints = {{0x1001, VCPU_BREAK_EXECUTE, 1}}},
     0,
     KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
     0x702},
    {{.breakpoint_num = 4,
      .breakpoints = {{0x1000, VCPU_BREAK_WRITE, 1},
                      {0x1002, VCPU_BREAK_WRITE, 2},
                      {0x1004, VCPU_BREAK_ACCESS, 4},
                      {0x1008, VCPU_BREAK_ACCESS, 8}}},
     0,
     KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
     0xbf5107aa},
    {{.breakpoint_num = 1, .breakpoints = {{0x1000, VCPU_BREAK_EXECUTE, 4}}}, -EINVAL, 0, 0},
    {{.breakpoint_num = 1, .breakpoints = {{0x1001, VCPU_BREAK_WRITE, 2}}}, -EINVAL, 0, 0},
    {{.breakpoint_num = 1, .breakpoints = {{0x1000, VCPU_BREAK_WRITE, 3}}}, -EINVAL, 0, 0},
    {{.breakpoint_num = VCPU_BREAKPOINT_MAX + 1}, -EINVAL, 0, 0},
};

static int set_debug(const struct vcpu_debug *debug)
{
    struct kvm kvm = {.call = take};
    struct vcpu_group owner = {.config = {.kvm = &kvm, .num = 1}};
    struct vcpu vcpu = {.group = &owner};

    memset(&asked, 0, sizeof(asked));
    return vcpu_set_debug(&vcpu, debug);
}

START_TEST(wishes_of_a_debugger_reach_kvm)
{
    refused = 0;
    ck_assert_int_eq(set_debug(&wishes[_i].debug), wishes[_i].result);
    ck_assert_uint_eq(asked.control, wishes[_i].control);
    ck_assert_uint_eq(asked.arch.debugreg[7], wishes[_i].dr7);
    if (wishes[_i].result == 0 && wishes[_i].debug.breakpoint_num > 0) {
        ck_assert_uint_eq(asked.arch.debugreg[0], wishes[_i].debug.breakpoints[0].addr);
    }
}
END_TEST

START_TEST(kvm_that_cannot_block_interrupts_steps_without)
{
    const struct vcpu_debug debug = {.step = true, .block_irqs = true};

    refused = KVM_GUESTDBG_BLOCKIRQ;
    ck_assert_int_eq(set_debug(&debug), 0);
    ck_assert_uint_eq(asked.control, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP);
    refused = KVM_GUESTDBG_ENABLE;
    ck_assert_int_eq(set_debug(&debug), -EINVAL);
}
END_TEST

START_TEST(guests_int3_goes_back_with_all_that_is_in_force)
{
    struct kvm kvm = {.call = take};
    struct vcpu_group owner = {.config = {.kvm = &kvm, .num = 1}};
    struct vcpu vcpu = {
        .group = &owner,
        .debug = {.software = true,
                  .breakpoint_num = 1,
                  .breakpoints = {{0x1001, VCPU_BREAK_EXECUTE, 1}}},
    };

    refused = 0;
    ck_assert_int_eq(vcpu_reflect_breakpoint(&vcpu), 0);
    ck_assert_uint_eq(asked.control, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP |
                                         KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_BP);
    ck_assert_uint_eq(asked.arch.debugreg[7], 0x702);
    refused = KVM_GUESTDBG_INJECT_BP;
    ck_assert_int_eq(vcpu_reflect_breakpoint(&vcpu), -EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vcpu");
    TCase *gate = tcase_create("gate"), *debug = tcase_create("debug");

    tcase_add_checked_fixture(gate, setup, teardown);
    tcase_add_test(gate, paused_cpus_stand_until_the_last_hold_ends);
    tcase_add_test(gate, cpu_that_was_let_through_runs_alone);
    tcase_add_test(gate, hold_that_comes_later_stops_the_one_let_through_until_it_ends);
    tcase_add_test(gate, letting_through_ends_with_the_last_hold);
    tcase_add_test(gate, posted_function_runs_on_all_while_one_is_let_through);
    suite_add_tcase(suite, gate);
    tcase_add_table_test(debug, wishes_of_a_debugger_reach_kvm, wishes);
    tcase_add_test(debug, kvm_that_cannot_block_interrupts_steps_without);
    tcase_add_test(debug, guests_int3_goes_back_with_all_that_is_in_force);
    suite_add_tcase(suite, debug);
    return run_suite(suite);
}
