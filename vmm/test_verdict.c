/*
 * test_verdict.c - the judgement: everything that is wrong is said, not only the first thing.
 */
#include "vmm/test_verdict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { LINE_SHOWN = 200 };

/* One reason more. Returns: 0; -ENOMEM. */
static int __attribute__((format(printf, 2, 3)))
blame(struct test_verdict *result, const char *format, ...)
{
    char *line = NULL;
    va_list ap;
    int ret;

    va_start(ap, format);
    ret = vasprintf(&line, format, ap);
    va_end(ap);
    if (ret < 0) {
        return -ENOMEM;
    }
    ret = test_words_add(&result->why, line);
    free(line);
    return ret;
}

/* Of its first line. */
static size_t line_len(const struct test_text *text)
{
    const char *end = text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;
    size_t len = end ? (size_t)(end - text->data) : text->len;

    return len < LINE_SHOWN ? len : LINE_SHOWN;
}

/* acre's exit status; -1: it has none, and why says so. */
static int judge_end(struct test_verdict *result, const struct test_child *child, int *status)
{
    const size_t err_len = line_len(&result->err);

    *status = -1;
    if (child->flooded) {
        return blame(result, "it printed more than %d bytes, and was ended", TEST_OUTPUT_MAX);
    }
    if (child->late) {
        return blame(result, "acre did not end it at its time limit, and was killed");
    }
    if (WIFSIGNALED(child->wait_status)) {
        return blame(result, "acre was killed by signal %d (%s)%s%.*s",
                     WTERMSIG(child->wait_status), strsignal(WTERMSIG(child->wait_status)),
                     err_len > 0 ? ": " : "", (int)err_len, err_len > 0 ? result->err.data : "");
    }
    *status = WEXITSTATUS(child->wait_status);
    /* `acre run --help` ends well, too. */
    return *status == 0 && !result->end ? blame(result, "acre ran no guest: it tells no result")
                                        : 0;
}

static int judge_status(struct test_verdict *result, const struct test_guest *guest, int status)
{
    const char *message = json_string_value(json_object_get(result->end, "message"));
    size_t len = message ? strlen(message) : 0;

    if (status < 0 || status == guest->status) {
        return 0;
    }
    if (!message && result->err.len > 0) { /* acre did not come as far: its first line says why */
        message = result->err.data;
        len = line_len(&result->err);
    }
    return blame(result, "exit status %d, not %d%s%.*s", status, guest->status, len > 0 ? ": " : "",
                 (int)len, len > 0 ? message : "");
}

static int judge_patterns(struct test_verdict *result, const struct test_patterns *patterns,
                          const struct test_text *text, const char *stream)
{
    int ret = 0;
    size_t i;

    for (i = 0; i < patterns->num && ret == 0; i++) {
        if (!test_pattern_matches(&patterns->items[i], text)) {
            ret = blame(result, "no line of std%s matches: %s", stream, patterns->items[i].text);
        }
    }
    return ret;
}

static int judge_tap(struct test_verdict *result)
{
    enum { NAMED_MAX = 10 };
    const struct test_tap *tap = &result->tap;
    size_t i, named = 0;
    int ret = 0;

    for (i = 0; i < tap->num && ret == 0 && named < NAMED_MAX; i++) {
        if (test_point_failed(&tap->points[i])) {
            named++;
            ret = blame(
                result, "%.*s",
                (int)(tap->points[i].line_len < LINE_SHOWN ? tap->points[i].line_len : LINE_SHOWN),
                tap->points[i].line);
        }
    }
    if (ret == 0 && tap->failed > named) {
        ret = blame(result, "and %zu more", tap->failed - named);
    }
    if (ret == 0 && tap->bail) {
        ret = blame(result, "it bailed out: %.*s",
                    (int)(tap->bail_len < LINE_SHOWN ? tap->bail_len : LINE_SHOWN), tap->bail);
    }
    if (ret == 0 && tap->wrong[0] != '\0') {
        ret = blame(result, "%s", tap->wrong);
    }
    return ret;
}

/* A skip says nothing of patterns: the guest did not do what they are about. */
static bool is_skip(const struct test_guest *guest, const struct test_verdict *result, int status)
{
    return result->why.num == 0 && result->tap.failed == 0 && !result->tap.bail &&
           ((status == TEST_STATUS_SKIP && guest->status != TEST_STATUS_SKIP) ||
            (status == guest->status && result->tap.skip_all && result->tap.wrong[0] == '\0'));
}

static int take_skip(struct test_verdict *result)
{
    const struct test_tap *tap = &result->tap;
    const char *reason = tap->reason;
    size_t len = tap->reason_len;

    if (!tap->skip_all && tap->num > 0 &&
        tap->points[tap->num - 1].directive == TEST_DIRECTIVE_SKIP) {
        reason = tap->points[tap->num - 1].reason;
        len = tap->points[tap->num - 1].reason_len;
    }
    result->outcome = TEST_SKIPPED;
    if (reason && len > 0) {
        result->skip_reason = test_text_copy(reason, len);
        return result->skip_reason ? 0 : -ENOMEM;
    }
    return 0;
}

static int judge(struct test_verdict *result, const struct test_child *child)
{
    const struct test_guest *guest = child->guest;
    int status, ret = judge_end(result, child, &status);

    if (ret == 0 && is_skip(guest, result, status)) {
        return take_skip(result);
    }
    if (ret == 0) {
        ret = judge_status(result, guest, status);
    }
    if (ret == 0) {
        ret = judge_tap(result);
    }
    if (ret == 0) {
        ret = judge_patterns(result, &guest->out, &result->out, "out");
    }
    if (ret == 0) {
        ret = judge_patterns(result, &guest->err, &result->err, "err");
    }
    result->outcome = result->why.num > 0 ? TEST_FAILED : TEST_PASSED;
    return ret;
}

/* Puts away what an earlier try left. */
static void begin_try(struct test_verdict *result)
{
    struct test_verdict next = {
        .tries = result->tries + 1,
        .command = result->command,
        .flaky = result->why.num > 0 ? result->why : result->flaky,
    };

    if (result->why.num > 0) {
        test_words_finish(&result->flaky);
    }
    result->why = result->flaky = (struct test_words){0};
    result->command = NULL;
    test_verdict_finish(result);
    *result = next;
}

int test_verdict_take(struct test_verdict *result, struct test_child *child)
{
    struct test_text json = {0};
    int ret;

    begin_try(result);
    result->took_ns = test_now_ns() - child->started_ns;
    result->out = child->out;
    result->err = child->err;
    child->out = child->err = (struct test_text){0};
    ret = test_tap_parse(&result->tap, &result->out);
    if (ret == 0 && test_child_result(child, &json) == 0) {
        result->end = json_loadb(json.data ? json.data : "", json.len, 0, NULL);
    }
    test_text_finish(&json);
    if (ret == 0) {
        ret = judge(result, child);
    }
    if (result->tap.num == 0) { /* a thousand guests may flood */
        test_tap_finish(&result->tap);
        test_text_cut(&result->out, TEST_OUTPUT_KEPT);
    }
    test_text_cut(&result->err, TEST_OUTPUT_KEPT);
    return ret;
}

int test_verdict_fail(struct test_verdict *result, const char *why)
{
    begin_try(result);
    result->outcome = TEST_FAILED;
    return blame(result, "%s", why);
}

void test_verdict_finish(struct test_verdict *result)
{
    test_words_finish(&result->why);
    test_words_finish(&result->flaky);
    free(result->skip_reason);
    free(result->command);
    test_tap_finish(&result->tap);
    test_text_finish(&result->out);
    test_text_finish(&result->err);
    json_decref(result->end);
    *result = (struct test_verdict){0};
}

void test_counts_add(struct test_counts *counts, const struct test_verdict *result)
{
    counts->done += result->final;
    counts->passed += result->outcome == TEST_PASSED;
    counts->failed += result->outcome == TEST_FAILED;
    counts->skipped += result->outcome == TEST_SKIPPED;
    counts->flaky += result->outcome == TEST_PASSED && result->flaky.num > 0;
}
