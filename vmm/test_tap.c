/*
 * test_tap.c - line by line; each kind of line has its function. Whatever a guest prints is
 * something: there are no errors but a test that failed.
 */
#include "vmm/test_tap.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
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
static void complain(struct test_tap *tap, const char *what, uint64_t number, uint64_t due)
{
    if (tap->wrong[0] == '\0') {
        (void)snprintf(tap->wrong, sizeof(tap->wrong), "%s %" PRIu64 " where %" PRIu64 " was due",
                       what, number, due);
    }
}

/* A directive `# SKIP reason`; the description ends before it. */
static bool take_skip(struct rest *description, const char **reason, size_t *reason_len)
{
    size_t i;

    for (i = 0; i < description->len; i++) {
        struct rest rest = {description->at + i + 1, description->len - i - 1};

        if (description->at[i] != '#' || (i > 0 && description->at[i - 1] == '\\')) {
            continue;
        }
        skip_blanks(&rest);
        if (rest.len >= 4 && strncasecmp(rest.at, "skip", 4) == 0 &&
            (rest.len == 4 || !isalpha((unsigned char)rest.at[4]))) {
            skip_bytes(&rest, 4);
            skip_blanks(&rest);
            *reason = rest.at;
            *reason_len = rest.len;
            while (i > 0 && description->at[i - 1] == ' ') {
                i--;
            }
            description->len = i;
            return true;
        }
    }
    return false;
}

/* @rest  what follows `ok` or `not ok`. */
static int add_point(struct test_tap *tap, const struct rest *line, struct rest rest, bool ok)
{
    struct test_point *grown, point = {.line = line->at, .line_len = line->len, .ok = ok};
    uint64_t number;

    skip_blanks(&rest);
    if (take_number(&rest, &number) && number != tap->num + 1) {
        complain(tap, "test", number, tap->num + 1);
    }
    skip_blanks(&rest);
    if (take_word(&rest, "- ")) {
        skip_blanks(&rest);
    }
    point.skip = ok && take_skip(&rest, &point.reason, &point.reason_len);
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
    tap->failed += !ok;
    tap->skipped += point.skip;
    return 0;
}

static void take_plan(struct test_tap *tap, struct rest rest)
{
    uint64_t plan;

    if (!take_number(&rest, &plan)) {
        return; /* "1..." is no plan */
    }
    if (tap->planned) {
        complain(tap, "a second plan,", plan, tap->plan);
        return;
    }
    tap->planned = true;
    tap->plan = plan;
    tap->skip_all = plan == 0 && take_skip(&rest, &tap->reason, &tap->reason_len);
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
    } else if (take_word(&rest, "Bail out!") && !tap->bail) {
        skip_blanks(&rest);
        tap->bail = rest.at;
        tap->bail_len = rest.len;
    }
    return 0;
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
    if (ret < 0) {
        test_tap_finish(tap);
        return ret;
    }
    if (tap->planned && tap->plan != tap->num) {
        complain(tap, "tests run:", tap->num, tap->plan);
    } else if (!tap->planned && tap->num > 0 && tap->wrong[0] == '\0') {
        (void)snprintf(tap->wrong, sizeof(tap->wrong), "it printed tests, but no plan");
    }
    return 0;
}

void test_tap_finish(struct test_tap *tap)
{
    free(tap->points);
    *tap = (struct test_tap){0};
}
