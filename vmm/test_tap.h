/*
 * test_tap.h - the TAP that a guest printed, found among what else it said.
 *
 * A line is TAP when it begins with `ok`, `not ok`, `1..N`, `Bail out!`; all other lines are passed
 * over. A `not ok` with a TODO or SKIP is no failure. Tests may come in any order; each number of
 * the plan is there once.
 *
 * Context: one thread. Source: https://testanything.org/tap-version-14-specification.html
 */
#ifndef ACRE_VMM_TEST_TAP_H
#define ACRE_VMM_TEST_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/test_text.h"

enum test_directive {
    TEST_DIRECTIVE_NONE,
    TEST_DIRECTIVE_SKIP,
    TEST_DIRECTIVE_TODO,
};

/* A test point; texts lie in what was parsed. */
struct test_point {
    const char *line; /* all of it, without its end */
    size_t line_len;
    const char *name; /* the description, without number, dash and directive; escaped */
    size_t name_len;
    uint64_t number; /* 0: it names none */
    enum test_directive directive;
    const char *reason; /* of the directive */
    size_t reason_len;
    bool ok;
};

struct test_tap {
    struct test_point *points;
    size_t num;
    size_t failed, skipped; /* a TODO that is not ok yet counts as skipped */
    bool planned;
    uint64_t plan;
    size_t plan_at;     /* how many tests came before it */
    bool skip_all;      /* the plan is `1..0` */
    const char *reason; /* of skip_all */
    size_t reason_len;
    const char *bail; /* what follows `Bail out!`; NULL: it did not */
    size_t bail_len;
    char wrong[96]; /* what is wrong with the whole: numbers, plan; "": nothing */
};

/* Is it a failure? Directives forgive. */
bool test_point_failed(const struct test_point *point);
/* Was it not run, or is it known to be missing? */
bool test_point_skipped(const struct test_point *point);

/* @text  must outlive `tap`. Returns: 0; -ENOMEM. */
int test_tap_parse(struct test_tap *tap, const struct test_text *text)
    __attribute__((warn_unused_result));
void test_tap_finish(struct test_tap *tap);

#endif
