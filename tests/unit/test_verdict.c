/* test_verdict.c - how an end is told: status, line, registers and JSON. */
#include "vmm/verdict.h"
#include "tests/unit/run_suite.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    enum verdict_kind kind;
    uint32_t guest_status;
    int signal;
    int plain, qemu;
    bool quiet;
} statuses[] = {
    {VERDICT_EXIT, 0, 0, 0, 1, true},
    {VERDICT_EXIT, 3, 0, 3, 7, false},
    {VERDICT_EXIT, 119, 0, 119, 239, false},
    {VERDICT_EXIT, 120, 0, 119, 241, false},
    {VERDICT_EXIT, UINT32_MAX, 0, 119, 255, false},
    {VERDICT_POWEROFF, 0, 0, 0, 0, true},
    {VERDICT_QUIT, 0, 0, 0, 0, true},
    {VERDICT_RESET, 0, 0, 120, 120, false},
    {VERDICT_IDLE_HANG, 0, 0, 121, 121, false},
    {VERDICT_PANIC, 0, 0, 122, 122, false},
    {VERDICT_WATCHDOG, 0, 0, 123, 123, false},
    {VERDICT_TIMEOUT, 0, 0, 124, 124, false},
    {VERDICT_FAULT, 0, 0, 125, 125, false},
    {VERDICT_TRIPLE_FAULT, 0, 0, 126, 126, false},
    {VERDICT_INTERNAL_ERROR, 0, 0, 126, 126, false},
    {VERDICT_ENTRY_FAILURE, 0, 0, 126, 126, false},
    {VERDICT_SIGNAL, 0, 15, 143, 143, false},
};

START_TEST(each_kind_has_its_exit_status)
{
    struct verdict verdict;

    verdict_make(&verdict, statuses[_i].kind, "it ended");
    verdict.guest_status = statuses[_i].guest_status;
    verdict.signal = statuses[_i].signal;
    ck_assert_int_eq(verdict_exit_status(&verdict, VERDICT_STATUS_PLAIN), statuses[_i].plain);
    ck_assert_int_eq(verdict_exit_status(&verdict, VERDICT_STATUS_QEMU), statuses[_i].qemu);
    ck_assert(verdict_is_quiet(&verdict) == statuses[_i].quiet);
}
END_TEST

START_TEST(the_first_verdict_wins)
{
    struct verdict_box box = {0};
    struct verdict first, second;

    ck_assert_ptr_null(verdict_settled(&box));
    verdict_make(&first, VERDICT_RESET, "first");
    verdict_make(&second, VERDICT_PANIC, "second");
    ck_assert(verdict_settle(&box, &first));
    ck_assert(!verdict_settle(&box, &second));
    ck_assert_str_eq(verdict_settled(&box)->message, "first");
}
END_TEST

struct race {
    struct verdict_box box;
    _Atomic int winners;
};

static void *settle(void *arg)
{
    struct race *race = arg;
    struct verdict verdict;

    verdict_make(&verdict, VERDICT_PANIC, "one of many");
    atomic_fetch_add(&race->winners, verdict_settle(&race->box, &verdict));
    return NULL;
}

START_TEST(one_of_many_threads_wins)
{
    struct race race = {0};
    pthread_t threads[8];
    int i;

    for (i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, settle, &race), 0);
    }
    for (i = 0; i < 8; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    ck_assert_int_eq(race.winners, 1);
    ck_assert_ptr_nonnull(verdict_settled(&race.box));
}
END_TEST

static void make_crash(struct verdict *verdict)
{
    static const uint8_t bytes[] = {0x0f, 0x0b, 0xf4};

    verdict_make(verdict, VERDICT_INTERNAL_ERROR, "KVM internal error 1");
    verdict->cpu = 1;
    verdict->suberror = 1;
    verdict->has_regs = true;
    verdict->regs.rip = 0x100042;
    verdict->regs.rax = UINT64_MAX;
    verdict->sregs.cr0 = 0x11;
    verdict->bytes_at = 0x100042;
    memcpy(verdict->bytes, bytes, sizeof(bytes));
    verdict->byte_num = sizeof(bytes);
}

START_TEST(the_line_names_cpu_and_rip_of_a_crash)
{
    struct verdict verdict;
    char line[200];

    make_crash(&verdict);
    verdict_line(&verdict, line, sizeof(line));
    ck_assert_str_eq(line, "KVM internal error 1 (cpu 1, rip 0x100042)");
}
END_TEST

START_TEST(the_line_of_an_exit_names_the_status_and_its_cut)
{
    struct verdict verdict;
    char line[200];

    verdict_make(&verdict, VERDICT_EXIT, "guest exited");
    verdict.guest_status = 500;
    verdict_line(&verdict, line, sizeof(line));
    ck_assert_str_eq(line, "guest exited with status 500 (reported as 119)");
}
END_TEST

START_TEST(crashes_hangs_panics_and_time_outs_want_a_report_and_other_ends_do_not)
{
    struct verdict verdict;
    int kind, wanted = 0;

    for (kind = VERDICT_NONE; kind < VERDICT_KIND_NUM; kind++) {
        verdict_make(&verdict, (enum verdict_kind)kind, "it ended");
        wanted |= verdict_wants_report(&verdict) << kind;
    }
    ck_assert_int_eq(wanted, 1 << VERDICT_IDLE_HANG | 1 << VERDICT_PANIC | 1 << VERDICT_WATCHDOG |
                                 1 << VERDICT_TIMEOUT | 1 << VERDICT_TRIPLE_FAULT |
                                 1 << VERDICT_INTERNAL_ERROR | 1 << VERDICT_ENTRY_FAILURE);
}
END_TEST

static json_t *written(const struct verdict *verdict)
{
    FILE *file = tmpfile();
    json_error_t error;
    json_t *root;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(verdict_write_json(verdict, VERDICT_STATUS_PLAIN, NULL, 0, NULL, fileno(file)),
                     0);
    rewind(file);
    root = json_loadf(file, 0, &error);
    ck_assert_msg(root != NULL, "%s", error.text);
    (void)fclose(file);
    return root;
}

START_TEST(json_of_a_crash_has_registers_and_instruction)
{
    struct verdict verdict;
    const char *kind, *rip, *bytes;
    int version, status, suberror, cpu;
    json_t *root;

    make_crash(&verdict);
    root = written(&verdict);
    ck_assert_int_eq(json_unpack(root, "{s:i s:s s:i s:i s:i s:{s:s} s:{s:s}}", "version", &version,
                                 "kind", &kind, "status", &status, "suberror", &suberror, "cpu",
                                 &cpu, "registers", "rip", &rip, "instruction", "bytes", &bytes),
                     0);
    ck_assert_int_eq(version, 1);
    ck_assert_str_eq(kind, "kvm-internal-error");
    ck_assert_int_eq(status, 126);
    ck_assert_int_eq(suberror, 1);
    ck_assert_int_eq(cpu, 1);
    ck_assert_str_eq(rip, "0x100042");
    ck_assert_str_eq(bytes, "0f 0b f4");
    json_decref(root);
}
END_TEST

START_TEST(json_of_an_exit_keeps_all_32_bits)
{
    struct verdict verdict;
    json_int_t guest_status;
    json_t *root;

    verdict_make(&verdict, VERDICT_EXIT, "guest exited");
    verdict.guest_status = UINT32_MAX;
    root = written(&verdict);
    ck_assert_int_eq(json_unpack(root, "{s:I}", "guest_status", &guest_status), 0);
    ck_assert(guest_status == UINT32_MAX);
    ck_assert_ptr_null(json_object_get(root, "registers"));
    ck_assert_ptr_null(json_object_get(root, "cpu"));
    json_decref(root);
}
END_TEST

START_TEST(json_to_a_full_device_is_an_error)
{
    struct verdict verdict;
    FILE *full = fopen("/dev/full", "w");

    ck_assert_ptr_nonnull(full);
    verdict_make(&verdict, VERDICT_POWEROFF, "guest powered off");
    ck_assert_int_lt(
        verdict_write_json(&verdict, VERDICT_STATUS_PLAIN, NULL, 0, NULL, fileno(full)), 0);
    (void)fclose(full);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verdict");
    TCase *tcase = tcase_create("verdict");

    tcase_add_table_test(tcase, each_kind_has_its_exit_status, statuses);
    tcase_add_test(tcase, the_first_verdict_wins);
    tcase_add_test(tcase, one_of_many_threads_wins);
    tcase_add_test(tcase, the_line_names_cpu_and_rip_of_a_crash);
    tcase_add_test(tcase, the_line_of_an_exit_names_the_status_and_its_cut);
    tcase_add_test(tcase, crashes_hangs_panics_and_time_outs_want_a_report_and_other_ends_do_not);
    tcase_add_test(tcase, json_of_a_crash_has_registers_and_instruction);
    tcase_add_test(tcase, json_of_an_exit_keeps_all_32_bits);
    tcase_add_test(tcase, json_to_a_full_device_is_an_error);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
