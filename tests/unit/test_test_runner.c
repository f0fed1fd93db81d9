/*
 * test_test_runner.c - guests that misbehave in every way, each in its process. The runner starts
 * /proc/self/exe, which is this program: with `run` as its first argument it plays `acre run`, and
 * the kernel's name says what it does.
 */
#include "vmm/test_runner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/run_suite.h"
#include "vmm/sandbox.h"

#define MS UINT64_C(1000000)

/* --- what is played --- */

static int print(const char *text, int status)
{
    (void)!write(STDOUT_FILENO, text, strlen(text));
    return status;
}

static int flood(int fd)
{
    char block[4096];

    memset(block, 'x', sizeof(block));
    while (write(fd, block, sizeof(block)) > 0) {
    }
    return 0;
}

static void last_words(int signo)
{
    (void)!write(STDERR_FILENO, "this is where I was\n", 20);
    _exit(128 + signo);
}

static int hang(void)
{
    (void)signal(SIGTERM, SIG_IGN);
    while (pause() < 0) {
    }
    return 0;
}

static int echo(void)
{
    char buffer[100000];
    ssize_t n;

    (void)print("ready\n", 0);
    while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0) {
        (void)!write(STDOUT_FILENO, buffer, (size_t)n);
    }
    return print("end\n", 0);
}

/* Passes when it is run for the third time. */
static int flaky(void)
{
    const char *path = getenv("TEST_RUNNER_FILE");
    FILE *file = fopen(path, "ae");

    if (!file || fputc('x', file) == EOF || fflush(file) != 0) {
        return 9;
    }
    return ftell(file) >= 3 ? 0 : print("not ok 1 - again\n1..1\n", 1);
}

static int allocate(void)
{
    void *much =
        mmap(NULL, (size_t)64 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return much == MAP_FAILED ? print("refused\n", 0) : print("allocated\n", 0);
}

/* A file of 1 GiB, of which nothing is written. */
static int lengthen(void)
{
    int fd = memfd_create("long", MFD_CLOEXEC);

    (void)signal(SIGXFSZ, SIG_IGN);
    return ftruncate(fd, 1 << 30) < 0 ? print("refused\n", 0) : print("made\n", 0);
}

/* As acre does at the end of a run, when asked. Returns: 3; 9 when it failed. */
static int write_result(char **argv, const char *text)
{
    FILE *file;

    while (*argv && strcmp(*argv, "--result") != 0) {
        argv++;
    }
    if (!*argv) {
        return 3;
    }
    file = fopen(argv[1], "we");
    if (!file || fputs(text, file) < 0) {
        return 9;
    }
    return fclose(file) == 0 ? 3 : 9;
}

static int play(int argc, char **argv)
{
    const char *kernel = argv[argc - 1];

    if (strcmp(kernel, "result") == 0) {
        return write_result(argv, "{\"kind\": \"exit\", \"message\": \"so it ended\"}\n");
    }
    if (strcmp(kernel, "nothing") != 0 && write_result(argv, "{}\n") != 3) {
        return 9;
    }
    if (strncmp(kernel, "status=", 7) == 0) {
        return atoi(kernel + 7);
    }
    if (strncmp(kernel, "print=", 6) == 0) {
        return print(kernel + 6, 0);
    }
    if (strcmp(kernel, "crash") == 0) {
        (void)raise(SIGKILL);
    }
    if (strcmp(kernel, "nothing") == 0) {
        return 0;
    }
    if (strcmp(kernel, "deaf-flood") == 0) {
        (void)signal(SIGTERM, SIG_IGN);
        return flood(STDOUT_FILENO);
    }
    if (strcmp(kernel, "last-words") == 0) {
        (void)signal(SIGTERM, last_words);
        return flood(STDOUT_FILENO);
    }
    return strcmp(kernel, "flood") == 0       ? flood(STDOUT_FILENO)
           : strcmp(kernel, "flood-err") == 0 ? flood(STDERR_FILENO)
           : strcmp(kernel, "hang") == 0      ? hang()
           : strcmp(kernel, "echo") == 0      ? echo()
           : strcmp(kernel, "flaky") == 0     ? flaky()
           : strcmp(kernel, "allocate") == 0  ? allocate()
           : strcmp(kernel, "lengthen") == 0  ? lengthen()
           : strcmp(kernel, "group") == 0     ? (getpgrp() == getpid() ? 0 : 1)
                                              : 99;
}

/* --- the tests --- */

struct fixture {
    struct test_guests guests;
    struct test_verdict *results;
    struct test_run run;
    struct test_words no_options;
    size_t begun, done;
    int signal; /* to be sent to ourselves when the first guest begins */
    bool stop;  /* when the first has its result */
};

static void begun(void *opaque, size_t index)
{
    struct fixture *fixture = opaque;

    (void)index;
    fixture->begun++;
    if (fixture->signal) {
        (void)kill(getpid(), fixture->signal);
        (void)kill(getpid(), SIGTERM); /* as a wrapper may */
    }
}

static void done(void *opaque, size_t index)
{
    struct fixture *fixture = opaque;

    fixture->done++;
    fixture->run.stop = fixture->stop;
    ck_assert(fixture->results[index].final);
    ck_assert_ptr_nonnull(fixture->results[index].command);
}

static void set_up(struct fixture *fixture, const char *list)
{
    struct error err;

    *fixture = (struct fixture){0};
    ck_assert_msg(test_guests_parse_list(&fixture->guests, "l", "", list, strlen(list), &err) == 0,
                  "%s", err.text);
    fixture->results = calloc(fixture->guests.num, sizeof(*fixture->results));
    fixture->run = (struct test_run){
        .guests = &fixture->guests,
        .results = fixture->results,
        .jobs = 3,
        .timeout_ns = 20000 * MS,
        .kvm_path = "/dev/kvm",
        .run_options = &fixture->no_options,
        .begun = begun,
        .done = done,
        .opaque = fixture,
    };
}

static void run_all(struct fixture *fixture, const char *list)
{
    struct error err;

    set_up(fixture, list);
    ck_assert_int_eq(test_run(&fixture->run, &err), 0);
    ck_assert_uint_eq(fixture->done, fixture->guests.num);
}

static void tear_down(struct fixture *fixture)
{
    size_t i;

    for (i = 0; i < fixture->guests.num; i++) {
        test_verdict_finish(&fixture->results[i]);
    }
    free(fixture->results);
    test_guests_finish(&fixture->guests);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
    ck_assert_int_eq(errno, ECHILD);
}

static const struct {
    const char *section; /* of a list */
    enum test_outcome outcome;
    const char *why; /* begins the first reason; or is the reason of a skip */
} endings[] = {
    {"kernel = status=0", TEST_PASSED, NULL},
    {"kernel = status=42\nstatus = 42", TEST_PASSED, NULL},
    {"kernel = status=1", TEST_FAILED, "exit status 1, not 0"},
    {"kernel = status=0\nstatus = 126", TEST_FAILED, "exit status 0, not 126"},
    {"kernel = status=77", TEST_SKIPPED, NULL},
    {"kernel = status=77\nstatus = 77", TEST_PASSED, NULL},
    {"kernel = print=1..0 # SKIP no chip", TEST_SKIPPED, "no chip"},
    {"kernel = print=1..0", TEST_SKIPPED, NULL},
    {"kernel = print=1..0\nstatus = 3", TEST_FAILED, "exit status 0, not 3"},
    {"kernel = print=ok", TEST_FAILED, "it printed tests, but no plan"},
    {"kernel = print=not ok 1 - x", TEST_FAILED, "not ok 1 - x"},
    {"kernel = print=Bail out! x", TEST_FAILED, "it bailed out: x"},
    {"kernel = print=hello\nout = ^hel+o$", TEST_PASSED, NULL},
    {"kernel = print=hello\nout = ^hel+$\nout = hello", TEST_FAILED,
     "no line of stdout matches: ^hel+$"},
    {"kernel = print=hello\nerr = hello", TEST_FAILED, "no line of stderr matches: hello"},
    {"kernel = crash", TEST_FAILED, "acre was killed by signal 9"},
    {"kernel = flood", TEST_FAILED, "it printed more than 1048576 bytes, and was ended"},
    {"kernel = flood-err", TEST_FAILED, "it printed more than 1048576 bytes, and was ended"},
    {"kernel = deaf-flood", TEST_FAILED, "it printed more than 1048576 bytes, and was ended"},
    {"kernel = result", TEST_FAILED, "exit status 3, not 0: so it ended"},
    {"kernel = nothing", TEST_FAILED, "acre ran no guest: it tells no result"},
    {"kernel = group", TEST_PASSED, NULL},
    {"kernel = echo\nafter = ^ready$\ninput = one\\ntwo\\n\nout = ^two$\nout = ^end$", TEST_PASSED,
     NULL},
    {"kernel = echo\nout = ^end$", TEST_PASSED, NULL},
    {"kernel = status=0\ninput = never read", TEST_PASSED, NULL},
};

START_TEST(each_way_to_end_has_its_outcome)
{
    struct fixture fixture;
    char list[300];
    const struct test_verdict *result;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(list, sizeof(list), "[g]\n%s\n", endings[_i].section);
    run_all(&fixture, list);
    result = &fixture.results[0];
    ck_assert_int_eq(result->outcome, endings[_i].outcome);
    ck_assert_uint_eq(result->why.num > 0, endings[_i].outcome == TEST_FAILED);
    if (endings[_i].outcome == TEST_FAILED) {
        ck_assert_int_eq(strncmp(result->why.words[0], endings[_i].why, strlen(endings[_i].why)),
                         0);
    } else if (endings[_i].outcome == TEST_SKIPPED) {
        ck_assert_pstr_eq(result->skip_reason, endings[_i].why);
    }
    tear_down(&fixture);
}
END_TEST

START_TEST(one_that_floods_may_tell_where_it_was)
{
    struct fixture fixture;
    const struct test_verdict *result;

    run_all(&fixture, "[g]\nkernel = last-words\n");
    result = &fixture.results[0];
    ck_assert_str_eq(result->why.words[0], "it printed more than 1048576 bytes, and was ended");
    ck_assert_uint_eq(result->err.len, 20);
    ck_assert_int_eq(strncmp(result->err.data, "this is where I was\n", 20), 0);
    tear_down(&fixture);
}
END_TEST

START_TEST(one_that_misbehaves_fails_alone)
{
    struct fixture fixture;
    struct test_counts counts = {0};
    size_t i;

    run_all(&fixture, "[a]\nkernel = flood\n[b]\nkernel = status=0\n[c]\nkernel = crash\n"
                      "[d]\nkernel = status=0\n[e]\nkernel = status=77\n[f]\nkernel = status=0\n");
    for (i = 0; i < 6; i++) {
        test_counts_add(&counts, &fixture.results[i]);
    }
    ck_assert_uint_eq(counts.passed, 3);
    ck_assert_uint_eq(counts.failed, 2);
    ck_assert_uint_eq(counts.skipped, 1);
    ck_assert_uint_eq(counts.flaky, 0);
    tear_down(&fixture);
}
END_TEST

START_TEST(acre_that_does_not_end_is_killed_after_its_grace)
{
    struct test_child child;
    struct pollfd fds[TEST_CHILD_FDS];
    char *argv[] = {(char[]){"acre"}, (char[]){"run"}, (char[]){"hang"}, NULL};
    struct test_guest guest;
    struct test_verdict result = {0};
    struct error err;

    ck_assert_int_eq(test_guest_init(&guest, "g", ".", &err), 0);
    ck_assert_int_eq(test_child_start(&child, argv, &guest, 1000 * MS, &err), 0);
    test_child_watch(&child, fds);
    ck_assert_int_eq(poll(fds, TEST_CHILD_FDS, 0), 0);
    test_child_serve(&child, fds, child.started_ns + 1000 * MS + TEST_GRACE_NS - 1);
    ck_assert(!child.ended);
    test_child_serve(&child, fds, child.started_ns + 1000 * MS + TEST_GRACE_NS);
    ck_assert(child.ended);
    ck_assert(child.late);
    ck_assert_int_eq(test_verdict_take(&result, &child), 0);
    ck_assert_str_eq(result.why.words[0], "acre did not end it at its time limit, and was killed");
    test_verdict_finish(&result);
    test_child_finish(&child);
    test_guest_finish(&guest);
}
END_TEST

START_TEST(a_guest_that_passes_in_the_end_is_flaky)
{
    char path[] = "/tmp/acre-runner-XXXXXX";
    struct fixture fixture;
    struct error err;
    int fd = mkstemp(path);

    ck_assert_int_eq(setenv("TEST_RUNNER_FILE", path, 1), 0);
    set_up(&fixture, "[g]\nkernel = flaky\n");
    fixture.run.retries = 2;
    ck_assert_int_eq(test_run(&fixture.run, &err), 0);
    ck_assert_int_eq(fixture.results[0].outcome, TEST_PASSED);
    ck_assert_uint_eq(fixture.results[0].tries, 3);
    ck_assert_str_eq(fixture.results[0].flaky.words[0], "exit status 1, not 0");
    ck_assert_uint_eq(fixture.done, 1);
    tear_down(&fixture);
    (void)close(fd);
    (void)unlink(path);
}
END_TEST

START_TEST(retries_end)
{
    struct fixture fixture;
    struct error err;

    set_up(&fixture, "[g]\nkernel = status=5\n");
    fixture.run.retries = 2;
    ck_assert_int_eq(test_run(&fixture.run, &err), 0);
    ck_assert_int_eq(fixture.results[0].outcome, TEST_FAILED);
    ck_assert_uint_eq(fixture.results[0].tries, 3);
    tear_down(&fixture);
}
END_TEST

START_TEST(a_signal_ends_all_and_leaves_what_was_done)
{
    struct fixture fixture;
    struct error err;

    set_up(&fixture, "[a]\nkernel = hang\n[b]\nkernel = hang\n[c]\nkernel = hang\n"
                     "[d]\nkernel = hang\n");
    fixture.signal = SIGINT;
    ck_assert_int_eq(test_run(&fixture.run, &err), SIGINT);
    ck_assert_uint_eq(fixture.begun, 3);
    ck_assert_uint_eq(fixture.done, 0);
    ck_assert(!fixture.results[0].final);
    tear_down(&fixture);
}
END_TEST

START_TEST(a_guests_process_has_limits_of_memory_and_files)
{
    struct fixture fixture;

    run_all(&fixture, "[a]\nkernel = allocate\nmemory = 64M\n[b]\nkernel = lengthen\nmemory = 64M\n"
                      "[c]\nkernel = lengthen\nmemory = 1G\n");
    if (sandbox_default()) {
        ck_assert_int_eq(strncmp(fixture.results[0].out.data, "refused", 7), 0);
        ck_assert_int_eq(strncmp(fixture.results[1].out.data, "refused", 7), 0);
    } else { /* sanitizers need all there is */
        ck_assert_int_eq(strncmp(fixture.results[0].out.data, "allocated", 9), 0);
        ck_assert_int_eq(strncmp(fixture.results[1].out.data, "made", 4), 0);
    }
    ck_assert_int_eq(strncmp(fixture.results[2].out.data, "made", 4), 0);
    tear_down(&fixture);
}
END_TEST

START_TEST(few_descriptors_mean_few_jobs)
{
    struct fixture fixture;
    struct rlimit limit = {48, 48}; /* for three jobs */
    char list[60 * 30] = "";
    struct error err;
    size_t i;

    for (i = 0; i < 40; i++) {
        (void)sprintf(list + strlen(list), "[%zu]\nkernel = status=0\n", i);
    }
    set_up(&fixture, list);
    fixture.run.jobs = 40;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(test_run(&fixture.run, &err), 0);
    for (i = 0; i < 40; i++) {
        ck_assert_int_eq(fixture.results[i].outcome, TEST_PASSED);
    }
    tear_down(&fixture);
}
END_TEST

START_TEST(when_told_to_stop_it_starts_no_more)
{
    struct fixture fixture;
    struct error err;

    set_up(&fixture, "[a]\nkernel = status=0\n[b]\nkernel = hang\n[c]\nkernel = hang\n"
                     "[d]\nkernel = hang\n[e]\nkernel = hang\n");
    fixture.stop = true;
    ck_assert_int_eq(test_run(&fixture.run, &err), 0);
    ck_assert_uint_eq(fixture.done, 1);
    ck_assert_uint_le(fixture.begun, 4);
    tear_down(&fixture);
}
END_TEST

START_TEST(the_command_runs_that_guest_alone)
{
    struct fixture fixture;
    char *command;

    set_up(&fixture, "[g]\nkernel = it's.elf\noptions = --reboot 'a b'\ntimeout = 0.5\n"
                     "input = x\\n\n");
    ck_assert_int_eq(test_words_add(&fixture.no_options, "--sandbox"), 0);
    command = test_command(&fixture.run, &fixture.guests.items[0]);
    ck_assert_ptr_nonnull(strstr(command, "printf '\\170\\012' | "));
    ck_assert_ptr_nonnull(
        strstr(command, " run --timeout 0.5 --sandbox --reboot 'a b' 'it'\\''s.elf'"));
    ck_assert_ptr_null(strstr(command, "--result"));
    free(command);
    test_words_finish(&fixture.no_options);
    tear_down(&fixture);
}
END_TEST

START_TEST(more_guests_than_jobs_all_get_their_turn)
{
    struct fixture fixture;
    char list[60 * 30] = "";
    size_t i;

    for (i = 0; i < 60; i++) {
        (void)sprintf(list + strlen(list), "[%zu]\nkernel = status=%zu\n", i, i % 2);
    }
    run_all(&fixture, list);
    for (i = 0; i < 60; i++) {
        ck_assert_int_eq(fixture.results[i].outcome, i % 2 ? TEST_FAILED : TEST_PASSED);
    }
    tear_down(&fixture);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite;
    TCase *tc;

    if (argc > 1 && strcmp(argv[1], "run") == 0) {
        return play(argc, argv);
    }
    suite = suite_create("test_runner");
    tc = tcase_create("test_runner");
    tcase_add_table_test(tc, each_way_to_end_has_its_outcome, endings);
    tcase_add_test(tc, one_that_floods_may_tell_where_it_was);
    tcase_add_test(tc, one_that_misbehaves_fails_alone);
    tcase_add_test(tc, acre_that_does_not_end_is_killed_after_its_grace);
    tcase_add_test(tc, a_guest_that_passes_in_the_end_is_flaky);
    tcase_add_test(tc, retries_end);
    tcase_add_test(tc, a_signal_ends_all_and_leaves_what_was_done);
    tcase_add_test(tc, a_guests_process_has_limits_of_memory_and_files);
    tcase_add_test(tc, few_descriptors_mean_few_jobs);
    tcase_add_test(tc, when_told_to_stop_it_starts_no_more);
    tcase_add_test(tc, the_command_runs_that_guest_alone);
    tcase_add_test(tc, more_guests_than_jobs_all_get_their_turn);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
