/*
 * cmd_test.c - `acre test`: finds the guests, lets them run, tells how it went.
 */
#include "vmm/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cmd_files.h"
#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/test_options.h"
#include "vmm/test_output.h"

enum { STATUS_FAILED = 1, STATUS_SIGNAL_BASE = 128 };

struct suite {
    struct test_options options;
    struct test_guests guests;
    struct test_verdict *results;
    struct test_output output;
    struct test_run run;
    int junit_fd; /* -1: none */
    time_t started;
    int signal; /* that ended the run early; 0: none */
};

static int collect(struct suite *suite, struct error *err)
{
    const struct test_options *options = &suite->options;
    size_t i;
    int ret = 0;

    for (i = 0; i < options->paths.num && ret == 0; i++) {
        ret = test_guests_add(&suite->guests, options->paths.words[i], options->guests, err);
    }
    if (ret == 0 && suite->guests.num == 0) {
        ret = error_set(err, ENOENT, "%s: no guests there", options->paths.words[0]);
    }
    if (ret == 0 && options->filters.num > 0) {
        test_guests_filter(&suite->guests, (const char *const *)options->filters.words,
                           options->filters.num);
        if (suite->guests.num == 0) {
            ret = error_set(err, ENOENT, "--filter: fits no guest");
        }
    }
    if (ret == 0 && options->shard_total > 0) {
        test_guests_shard(&suite->guests, options->shard_index, options->shard_total);
    }
    return ret;
}

/* By this file Bazel learns that shards are understood. */
static int touch_shard_file(const char *path, struct error *err)
{
    int fd, ret = path && *path != '\0' ? cmd_create_file(path, &fd, err) : 1;

    if (ret == 0) {
        (void)close(fd);
    }
    return ret < 0 ? ret : 0;
}

/* Better once here than as a failure of each guest. */
static int check_kvm(const char *path, struct error *err)
{
    struct kvm kvm = {.sys_fd = -1, .vm_fd = -1};
    int ret = kvm_open(&kvm, path, err);

    if (ret < 0) {
        size_t len = strlen(err->text);

        (void)snprintf(err->text + len, sizeof(err->text) - len, " (acre doctor says what to do)");
        return ret;
    }
    kvm_close(&kvm);
    return 0;
}

/* When nobody reads stdout any more, only a file is a reason to go on. */
static void look_for_readers(struct suite *suite)
{
    suite->run.stop = suite->output.failed && suite->junit_fd < 0;
}

static void begun(void *opaque, size_t index)
{
    struct suite *suite = opaque;

    test_output_begun(&suite->output, index);
    look_for_readers(suite);
}

static void done(void *opaque, size_t index)
{
    struct suite *suite = opaque;

    test_output_done(&suite->output, index);
    look_for_readers(suite);
}

static int write_junit(const struct suite *suite, struct error *err)
{
    int ret = 0;

    if (suite->junit_fd >= 0) {
        ret = test_junit_write(suite->junit_fd, &suite->guests, suite->results, suite->started,
                               test_now_ns() - suite->output.started_ns);
    }
    return ret < 0 ? error_set_errno(err, -ret, "%s", suite->options.junit) : 0;
}

static int run(struct suite *suite, struct error *err)
{
    const struct test_options *options = &suite->options;
    int ret;

    suite->run = (struct test_run){
        .guests = &suite->guests,
        .results = suite->results,
        .jobs = options->jobs,
        .timeout_ns = options->timeout_ns,
        .retries = options->retries,
        .kvm_path = options->kvm_path,
        .run_options = &options->run_options,
        .begun = begun,
        .done = done,
        .opaque = suite,
    };
    suite->started = time(NULL);
    suite->output = (struct test_output){
        .file = stdout,
        .format = !options->tap && isatty(STDOUT_FILENO) ? TEST_FORMAT_TERMINAL : TEST_FORMAT_TAP,
        .guests = &suite->guests,
        .results = suite->results,
    };
    test_output_begin(&suite->output);
    ret = test_run(&suite->run, err);
    suite->signal = ret > 0 ? ret : 0;
    test_output_end(&suite->output, suite->signal);
    if (ret < 0) {
        return ret;
    }
    ret = write_junit(suite, err);
    if (ret == 0 && suite->output.failed) {
        ret = error_set_errno(err, suite->output.failed, "stdout");
    }
    return ret;
}

static int list(const struct suite *suite)
{
    int ret = 0;
    size_t i;

    for (i = 0; i < suite->guests.num && ret >= 0; i++) {
        ret = dprintf(STDOUT_FILENO, "%s\n", suite->guests.items[i].name);
    }
    return cmd_stdout_status(ret < 0 ? -errno : 0);
}

static int run_suite(struct suite *suite, struct error *err)
{
    const struct test_options *options = &suite->options;
    int ret = touch_shard_file(options->shard_status_file, err);

    suite->results = calloc(suite->guests.num + 1, sizeof(*suite->results));
    if (ret == 0 && !suite->results) {
        ret = error_set_errno(err, ENOMEM, "results");
    }
    if (ret == 0) {
        ret = check_kvm(options->kvm_path, err);
    }
    if (ret == 0 && options->junit) {
        ret = cmd_create_file(options->junit, &suite->junit_fd, err);
    }
    return ret == 0 ? run(suite, err) : ret;
}

static void finish(struct suite *suite)
{
    size_t i;

    for (i = 0; suite->results && i < suite->guests.num; i++) {
        test_verdict_finish(&suite->results[i]);
    }
    free(suite->results);
    if (suite->junit_fd >= 0) {
        (void)close(suite->junit_fd);
    }
    test_guests_finish(&suite->guests);
    test_options_finish(&suite->options);
}

static int status_of(const struct suite *suite, int ret, const struct error *err)
{
    if (ret < 0) {
        log_error("%s", err->text);
        return STATUS_ACRE_FAILED;
    }
    if (suite->signal) {
        return STATUS_SIGNAL_BASE + suite->signal;
    }
    return suite->output.counts.failed > 0 ? STATUS_FAILED : 0;
}

int cmd_test(int argc, char **argv)
{
    struct suite suite = {.junit_fd = -1};
    struct error err;
    int status, ret = test_options_parse(argc, argv, &suite.options, &err);

    (void)signal(SIGPIPE, SIG_IGN); /* a guest may end before it has read its input */
    if (ret == 0 && suite.options.help) {
        status = cmd_stdout_status(test_options_print(STDOUT_FILENO));
    } else {
        if (ret == 0) {
            ret = collect(&suite, &err);
        }
        if (ret == 0 && suite.options.list) {
            status = list(&suite);
        } else {
            if (ret == 0) {
                ret = run_suite(&suite, &err);
            }
            status = status_of(&suite, ret, &err);
        }
    }
    finish(&suite);
    return status;
}
