/* test_options.h - the command line of `acre test`, and what CI systems say in the environment. */
#ifndef ACRE_VMM_TEST_OPTIONS_H
#define ACRE_VMM_TEST_OPTIONS_H

#include <stdbool.h>

#include "vmm/test_runner.h"

struct test_options {
    struct test_words paths, filters;
    unsigned jobs; /* at a time */
    unsigned retries;
    uint64_t timeout_ns;
    uint64_t shard_index, shard_total; /* index 0..total-1; total 0: all guests */
    const char *guests;                /* folder of lists' kernels; NULL: beside the list */
    const char *junit;                 /* NULL: none */
    const char *kvm_path;
    const char *shard_status_file; /* NULL: none */
    struct test_words run_options; /* of ACRE_RUN_OPTIONS */
    bool tap, list, help;
};

/*
 * argv over the environment (TEST_SHARD_INDEX, TEST_TOTAL_SHARDS, TEST_SHARD_STATUS_FILE as Bazel
 * sets them; ACRE_RUN_OPTIONS) over defaults. Strings point into both.
 * Returns: 0; -EINVAL; -ENOMEM. To be finished in any case.
 */
int test_options_parse(int argc, char **argv, struct test_options *options, struct error *err)
    __attribute__((warn_unused_result));
void test_options_finish(struct test_options *options);
/* `acre test --help`. Returns: 0; -errno of the write that failed. */
int test_options_print(int fd);

#endif
