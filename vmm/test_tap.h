/*
 * test_tap.h - the TAP that a guest printed, found among what else it said.
 *
 * A line is TAP when it begins with `ok`, `not ok`, `1..N`, `Bail out!`; all other lines are passed
 * over. A `not ok` is a failure, with a TODO as well: a guest that is known to fail does not belong
 * into a suite.
 *
 * Context: one thread. Source: https://testanything.org/tap-version-14-specification.html
 */
#ifndef ACRE_VMM_TEST_TAP_H
#define ACRE_VMM_TEST_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/test_text.h"

/* A test point; texts lie in what was parsed. */
struct test_point {
    const char *line; /* all of it, without its end */
    size_t line_len;
    const char *name; /* the description, without number, dash and directive */
    size_t name_len;
    const char *reason; /* of a skip */
    size_t reason_len;
    bool ok, skip;
};

struct test_tap {
    struct test_point *points;
    size_t num, failed, skipped;
    bool planned;
    uint64_t plan;
    bool skip_all;      /* `1..0 # SKIP` */
    const char *reason; /* of skip_all */
    size_t reason_len;
    const char *bail; /* what follows `Bail out!`; NULL: it did not */
    size_t bail_len;
    char wrong[96]; /* what is wrong with the whole: numbers, plan; "": nothing */
};

/* @text  must outlive `tap`. Returns: 0; -ENOMEM. */
int test_tap_parse(struct test_tap *tap, const struct test_text *text)
    __attribute__((warn_unused_result));
void test_tap_finish(struct test_tap *tap);

#endif
