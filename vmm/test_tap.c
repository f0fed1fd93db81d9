/*
 * test_tap.c - line by line; each kind of line has its function. Whatever a guest prints is
 * something: there are no errors but a test that failed.
 */
#include "vmm/test_tap.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The rest of a line. */
struct rest {
    const char *at;
    size_t len;
};

static void skip_bytes(struct rest *rest, size_t num)
{
    rest->at += num;
    rest->len -= num;
}

static void skip_blanks(struct rest *rest)
{
    while (rest->len > 0 && (rest->at[0] == ' ' || rest->at[0] == '\t')) {
        skip_bytes(rest, 1);
    }
}

static bool take_word(struct rest *rest, const char *word)
{
    size_t len = strlen(word);
    bool found = rest->len >= len && memcmp(rest->at, word, len) == 0;

    if (found) {
        skip_bytes(rest, len);
    }
    return found;
}

/* Returns: whether there was a number; one that is too large is UINT64_MAX. */
static bool take_number(struct rest *rest, uint64_t *value)
{
    bool any = false;

    *value = 0;
    while (rest->len > 0 && rest->at[0] >= '0' && rest->at[0] <= '9') {
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(rest->at[0] - '0'), value)) {
            *value = UINT64_MAX;
        }
        skip_bytes(rest, 1);
        any = true;
    }
    return any;
}

/* The first complaint stays. */
static void __attribute__((format(printf, 2, 3)))
complain(struct test_tap *tap, const char *format, ...)
{
    va_list ap;

    if (tap->wrong[0] == '\0') {
        va_start(ap, format);
        (void)vsnprintf(tap->wrong, sizeof(tap->wrong), format, ap);
        va_end(ap);
    }
}

/* A word of letters, in any case. */
static bool take_any_case(struct rest *rest, const char *word)
{
    size_t len = strlen(word);
    bool found = rest->len >= len && strncasecmp(rest->at, word, len) == 0 &&
                 (rest->len == len || !isalpha((unsigned char)rest->at[len]));

    if (found) {
        skip_bytes(rest, len);
    }
    return found;
}

/* Is the byte behind an odd number of backslashes? */
static bool is_escaped(const char *text, size_t at)
{
    size_t i = at;

    while (i > 0 && text[i - 1] == '\\') {
        i--;
    }
    return (at - i) % 2 != 0;
}

/* A directive `# SKIP reason` or `# TODO reason`; the description ends before it. */
static enum test_directive take_directive(struct rest *description, struct rest *reason)
{
    size_t i;

    for (i = 0; i < description->len; i++) {
        struct rest rest = {description->at + i + 1, description->len - i - 1};
        enum test_directive directive = TEST_DIRECTIVE_NONE;

        if (description->at[i] != '#' || is_escaped(description->at, i)) {
            continue;
        }
        skip_blanks(&rest);
        if (take_any_case(&rest, "skip")) {
            directive = TEST_DIRECTIVE_SKIP;
        } else if (take_any_case(&rest, "todo")) {
            directive = TEST_DIRECTIVE_TODO;
        } else {
            continue;
        }
        skip_blanks(&rest);
        *reason = rest;
        while (i > 0 && description->at[i - 1] == ' ') {
            i--;
        }
        description->len = i;
        return directive;
    }
    return TEST_DIRECTIVE_NONE;
}

bool test_point_failed(const struct test_point *point)
{
    return !point->ok && point->directive == TEST_DIRECTIVE_NONE;
}

bool test_point_skipped(const struct test_point *point)
{
    return point->directive == TEST_DIRECTIVE_SKIP ||
           (point->directive == TEST_DIRECTIVE_TODO && !point->ok);
}

/* @rest  what follows `ok` or `not ok`. */
static int add_point(struct test_tap *tap, const struct rest *line, struct rest rest, bool ok)
{
    struct test_point *grown, point = {.line = line->at, .line_len = line->len, .ok = ok};
    struct rest reason = {0};

    skip_blanks(&rest);
    if (take_number(&rest, &point.number) && point.number == 0) {
        complain(tap, "test 0: they are numbered from 1");
    }
    skip_blanks(&rest);
    if (take_word(&rest, "- ")) {
        skip_blanks(&rest);
    }
    point.directive = take_directive(&rest, &reason);
    point.reason = reason.at;
    point.reason_len = reason.len;
    point.name = rest.at;
    point.name_len = rest.len;
    /* Doubles: the length is a power of two whenever there is no room. */
    if ((tap->num & (tap->num - 1)) == 0) {
        grown = realloc(tap->points, (tap->num ? 2 * tap->num : 1) * sizeof(*grown));
        if (!grown) {
            return -ENOMEM;
        }
        tap->points = grown;
    }
    tap->points[tap->num++] = point;
    tap->failed += test_point_failed(&point);
    tap->skipped += test_point_skipped(&point);
    return 0;
}

/* What follows the # of a plan of none is the reason, with the word SKIP or without. */
static void take_plan_reason(struct test_tap *tap, struct rest rest)
{
    skip_blanks(&rest);
    if (take_word(&rest, "#")) {
        skip_blanks(&rest);
        (void)take_any_case(&rest, "skip");
        skip_blanks(&rest);
        tap->reason = rest.at;
        tap->reason_len = rest.len;
    }
}

static void take_plan(struct test_tap *tap, struct rest rest)
{
    uint64_t plan;

    if (!take_number(&rest, &plan) || (rest.len > 0 && rest.at[0] != ' ')) {
        return; /* "1..." is no plan */
    }
    if (tap->planned) {
        complain(tap, "a second plan, 1..%" PRIu64 " after 1..%" PRIu64, plan, tap->plan);
        return;
    }
    tap->planned = true;
    tap->plan = plan;
    tap->plan_at = tap->num;
    tap->skip_all = plan == 0;
    if (tap->skip_all) {
        take_plan_reason(tap, rest);
    }
}

static int take_line(struct test_tap *tap, const struct rest *line)
{
    struct rest rest = *line;
    bool ok = !take_word(&rest, "not ");

    if (take_word(&rest, "ok") && (rest.len == 0 || rest.at[0] == ' ')) {
        return add_point(tap, line, rest, ok);
    }
    rest = *line;
    if (take_word(&rest, "1..")) {
        take_plan(tap, rest);
    } else if (!tap->bail && take_any_case(&rest, "Bail out!")) {
        skip_blanks(&rest);
        tap->bail = rest.at;
        tap->bail_len = rest.len;
    }
    return 0;
}

/* Each number of the plan once; a test without one follows the last. Returns: 0; -ENOMEM. */
static int check_numbers(struct test_tap *tap)
{
    bool *seen = calloc(tap->num + 1, sizeof(*seen));
    uint64_t number = 0;
    size_t i;

    if (!seen) {
        return -ENOMEM;
    }
    for (i = 0; i < tap->num; i++) {
        number = tap->points[i].number ? tap->points[i].number : number + 1;
        if (number == 0 || number > tap->num) {
            complain(tap, "test %" PRIu64 " of %zu", number, tap->num);
        } else if (seen[number]) {
            complain(tap, "test %" PRIu64 " is there twice", number);
        } else {
            seen[number] = true;
        }
    }
    free(seen);
    return 0;
}

/* Is the whole complete? Returns: 0; -ENOMEM. */
static int check_whole(struct test_tap *tap)
{
    if (!tap->planned && tap->num > 0) {
        complain(tap, "it printed tests, but no plan");
    }
    if (tap->planned && tap->plan != tap->num) {
        complain(tap, "tests run: %zu where %" PRIu64 " %s due", tap->num, tap->plan,
                 tap->plan == 1 ? "was" : "were");
    }
    if (tap->planned && tap->plan_at > 0 && tap->plan_at < tap->num) {
        complain(tap, "the plan is neither before the tests nor behind them");
    }
    return tap->planned && tap->num > 0 ? check_numbers(tap) : 0;
}

int test_tap_parse(struct test_tap *tap, const struct test_text *text)
{
    size_t at = 0;
    int ret = 0;

    *tap = (struct test_tap){0};
    while (at < text->len && ret == 0) {
        const char *end = memchr(text->data + at, '\n', text->len - at);
        struct rest line = {
            .at = text->data + at,
            .len = end ? (size_t)(end - text->data) - at : text->len - at,
        };

        at += line.len + 1;
        line.len -= line.len > 0 && line.at[line.len - 1] == '\r';
        ret = take_line(tap, &line);
    }
    if (ret == 0) {
        ret = check_whole(tap);
    }
    if (ret < 0) {
        test_tap_finish(tap);
    }
    return ret;
}

void test_tap_finish(struct test_tap *tap)
{
    free(tap->points);
    *tap = (struct test_tap){0};
}
