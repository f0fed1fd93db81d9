/*
 * test_output.h - how `acre test` tells what became of its guests: TAP, lines for a terminal, JUnit
 * XML. All text of guests goes through test_text_clean().
 *
 * Context: one thread.
 */
#ifndef ACRE_VMM_TEST_OUTPUT_H
#define ACRE_VMM_TEST_OUTPUT_H

#include <time.h>

#include "vmm/test_runner.h"

enum test_format {
    TEST_FORMAT_TAP,      /* version 14, in the order of the guests */
    TEST_FORMAT_TERMINAL, /* failures as they come, and a line of progress */
};

struct test_output {
    FILE *file;
    enum test_format format;
    const struct test_guests *guests;
    const struct test_verdict *results;
    struct test_counts counts;
    uint64_t started_ns;
    /* private */
    size_t next; /* the first guest without a result; TAP has printed all before it */
    size_t begun, running;
    int failed; /* errno of the first write that failed; 0: none did */
};

/* Before the first guest: the plan. `file`, `format`, `guests` and `results` are set. */
void test_output_begin(struct test_output *output);
void test_output_begun(struct test_output *output, size_t index);
void test_output_done(struct test_output *output, size_t index);
/*
 * After the last guest: the sums.
 * @signal  that ended the run early; 0: none. Results that are there are printed.
 */
void test_output_end(struct test_output *output, int signal);

/* A line of YAML: the text in quotes, cleaned. */
void test_output_quoted(FILE *file, const char *text);

/*
 * For a failure: how the guest ended, its last access, registers, last exits, the last lines of its
 * output, the command that runs it; each line behind `prefix`. As YAML goes.
 */
void test_output_details(FILE *file, const struct test_verdict *result, const char *prefix);

/*
 * JUnit XML as Jenkins, GitLab and GitHub's parsers read it: a <testsuite>, and in it a <testcase>
 * for each guest and for each of its own tests.
 * @started  wall-clock time. Returns: 0; -errno of writing.
 */
int test_junit_write(int fd, const struct test_guests *guests, const struct test_verdict *results,
                     time_t started, uint64_t took_ns) __attribute__((warn_unused_result));

#endif
