/*
 * test_options.c - a table, and a small function for each option.
 */
#include "vmm/test_options.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/options.h"

enum { RETRIES_MAX = 100 };
#define TIMEOUT_DEFAULT_NS (UINT64_C(30) * 1000000000)
#define TIMEOUT_MAX_NS (UINT64_C(86400) * 1000000000)
#define SHARDS_MAX UINT64_C(1000000)

/* Returns: 0; -EINVAL not a number from `least` to `most`. */
static int read_number(const char *text, uint64_t least, uint64_t most, uint64_t *number,
                       struct error *err)
{
    const char *end = "";

    if (options_number(text, number, &end) < 0 || *end != '\0' || *number < least ||
        *number > most) {
        return error_set(err, EINVAL, "%s: not a number from %ju to %ju", text, (uintmax_t)least,
                         (uintmax_t)most);
    }
    return 0;
}

static int set_jobs(void *target, const char *value, struct error *err)
{
    struct test_options *options = target;
    uint64_t number;
    int ret = read_number(value, 1, TEST_JOBS_MAX, &number, err);

    if (ret == 0) {
        options->jobs = (unsigned)number;
    }
    return ret;
}

static int set_retries(void *target, const char *value, struct error *err)
{
    struct test_options *options = target;
    uint64_t number;
    int ret = read_number(value, 0, RETRIES_MAX, &number, err);

    if (ret == 0) {
        options->retries = (unsigned)number;
    }
    return ret;
}

static int set_timeout(void *target, const char *value, struct error *err)
{
    struct test_options *options = target;

    if (options_seconds(value, &options->timeout_ns) < 0 || options->timeout_ns == 0 ||
        options->timeout_ns > TIMEOUT_MAX_NS) {
        return error_set(err, EINVAL, "%s: not a number of seconds above 0 and up to a day", value);
    }
    return 0;
}

static int add_filter(void *target, const char *value, struct error *err)
{
    struct test_options *options = target;

    return test_words_add(&options->filters, value) < 0 ? error_set_errno(err, ENOMEM, "%s", value)
                                                        : 0;
}

static int set_shard(void *target, const char *value, struct error *err)
{
    struct test_options *options = target;
    uint64_t index = 0, total = 0;
    const char *end = "";

    if (options_number(value, &index, &end) < 0 || *end != '/' ||
        options_number(end + 1, &total, &end) < 0 || *end != '\0' || index < 1 || index > total ||
        total > SHARDS_MAX) {
        return error_set(err, EINVAL, "%s: not a shard such as 1/3, 2/3, 3/3", value);
    }
    options->shard_index = index - 1;
    options->shard_total = total;
    return 0;
}

#define SET_STRING(field)                                                                          \
    static int set_##field(void *target, const char *value, struct error *err)                     \
    {                                                                                              \
        (void)err;                                                                                 \
        ((struct test_options *)target)->field = value;                                            \
        return 0;                                                                                  \
    }
#define SET_FLAG(field)                                                                            \
    static int set_##field(void *target, const char *value, struct error *err)                     \
    {                                                                                              \
        (void)value;                                                                               \
        (void)err;                                                                                 \
        ((struct test_options *)target)->field = true;                                             \
        return 0;                                                                                  \
    }

SET_STRING(guests)
SET_STRING(junit)
SET_STRING(kvm_path)
SET_FLAG(tap)
SET_FLAG(list)
SET_FLAG(help)

static const struct option_spec specs[] = {
    {'j', "jobs", "N", "guests at a time (default: the CPUs there are)", set_jobs},
    {0, "timeout", "SECONDS", "for each guest that says none (default 30)", set_timeout},
    {0, "retries", "N", "run what failed up to N times more (default 0)", set_retries},
    {0, "filter", "PATTERN", "only guests whose name fits (repeatable)", add_filter},
    {0, "shard", "I/N", "only the I-th of N parts of the suite", set_shard},
    {0, "guests", "DIR", "where the kernels of a list are (default: beside it)", set_guests},
    {0, "junit", "FILE", "write JUnit XML as well", set_junit},
    {0, "tap", NULL, "TAP 14 on a terminal, too", set_tap},
    {0, "list", NULL, "name the guests and run none", set_list},
    {0, "kvm", "PATH", "the KVM device (default /dev/kvm)", set_kvm_path},
    {'h', "help", NULL, "this text", set_help},
};

enum { SPEC_NUM = sizeof(specs) / sizeof(specs[0]) };

static int add_path(void *target, const char *arg, struct error *err)
{
    struct test_options *options = target;

    if (arg[0] == '\0' && !options->help) {
        return error_set(err, EINVAL, "a guest's name is empty");
    }
    return test_words_add(&options->paths, arg) < 0 ? error_set_errno(err, ENOMEM, "%s", arg) : 0;
}

static unsigned cpus_allowed(void)
{
    cpu_set_t set;
    int num = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

    return num < TEST_JOBS_MAX ? (unsigned)num : TEST_JOBS_MAX;
}

/* Source: https://bazel.build/reference/test-encyclopedia#test-sharding */
static int read_shards(struct test_options *options, struct error *err)
{
    const char *index = getenv("TEST_SHARD_INDEX"), *total = getenv("TEST_TOTAL_SHARDS");
    int ret;

    if (!index != !total) {
        return error_set(err, EINVAL,
                         "TEST_SHARD_INDEX and TEST_TOTAL_SHARDS: one without the other");
    }
    if (!total || strcmp(total, "0") == 0) {
        return 0;
    }
    ret = read_number(total, 1, SHARDS_MAX, &options->shard_total, err);
    if (ret < 0) {
        error_prefix(err, "TEST_TOTAL_SHARDS");
        return ret;
    }
    ret = read_number(index, 0, options->shard_total - 1, &options->shard_index, err);
    if (ret < 0) {
        error_prefix(err, "TEST_SHARD_INDEX");
    }
    return ret;
}

int test_options_parse(int argc, char **argv, struct test_options *options, struct error *err)
{
    const char *run_options = getenv("ACRE_RUN_OPTIONS");
    int ret;

    *options = (struct test_options){
        .jobs = cpus_allowed(),
        .timeout_ns = TIMEOUT_DEFAULT_NS,
        .kvm_path = "/dev/kvm",
        .shard_status_file = getenv("TEST_SHARD_STATUS_FILE"),
    };
    ret = read_shards(options, err);
    if (ret == 0 && run_options) {
        ret = test_words_split(&options->run_options, run_options, NULL, err);
        if (ret < 0) {
            error_prefix(err, "ACRE_RUN_OPTIONS");
        }
    }
    if (ret == 0) {
        ret = options_parse(specs, SPEC_NUM, argc, argv, options, add_path, err);
    }
    if (ret == 0 && !options->help && options->paths.num == 0) {
        return error_set(err, EINVAL,
                         "no guest given (usage: acre test [options] GUEST|DIR|LIST...)");
    }
    return ret;
}

void test_options_finish(struct test_options *options)
{
    test_words_finish(&options->paths);
    test_words_finish(&options->filters);
    test_words_finish(&options->run_options);
}

int test_options_print(int fd)
{
    (void)dprintf(fd,
                  "usage: acre test [options] GUEST|DIR|LIST...\n"
                  "Runs guests that test something, each in a process of its own; status 0 when\n"
                  "none failed, 1 when one did.\n\n");
    return options_print(fd, specs, SPEC_NUM);
}
