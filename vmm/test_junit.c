/*
 * test_junit.c - JUnit XML, by hand: the few elements that all readers know, in the order that
 * Jenkins' schema wants them. A guest is a <testcase>, each of its own tests another one.
 */
#include "vmm/test_output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S 1e9

static void print_xml(FILE *file, const char *text, size_t len)
{
    test_text_clean(file, text, len, TEST_TEXT_XML);
}

/* In an attribute a newline would be read as a blank: none comes here. */
static void print_attribute(FILE *file, const char *name, const char *text, size_t len)
{
    (void)fprintf(file, " %s=\"", name);
    print_xml(file, text, len);
    (void)fputc('"', file);
}

/* The same for what TAP has escaped: a backslash before # or another one. */
static void print_tap_attribute(FILE *file, const char *name, const char *text, size_t len)
{
    size_t i, done = 0;

    (void)fprintf(file, " %s=\"", name);
    for (i = 0; i + 1 < len; i++) {
        if (text[i] == '\\' && (text[i + 1] == '\\' || text[i + 1] == '#')) {
            print_xml(file, text + done, i - done);
            done = ++i;
        }
    }
    print_xml(file, text + done, len - done);
    (void)fputc('"', file);
}

/* Head and tail of what a guest printed. */
static void print_output(FILE *file, const char *element, const struct test_text *text)
{
    struct test_text shown = {0};

    if (text->len > 0 && test_text_add(&shown, text->data, text->len) == 0) {
        test_text_cut(&shown, TEST_OUTPUT_KEPT);
        (void)fprintf(file, "      <%s>", element);
        print_xml(file, shown.data, shown.len);
        (void)fprintf(file, "</%s>\n", element);
    }
    test_text_finish(&shown);
}

static void begin_case(FILE *file, const char *suite, const char *name, uint64_t took_ns)
{
    (void)fputs("    <testcase", file);
    print_attribute(file, "classname", suite, strlen(suite));
    print_attribute(file, "name", name, strlen(name));
    (void)fprintf(file, " time=\"%.3f\">\n", (double)took_ns / NS_PER_S);
}

static void print_skipped(FILE *file, const char *reason)
{
    (void)fputs("      <skipped", file);
    print_attribute(file, "message", reason, strlen(reason));
    (void)fputs("/>\n", file);
}

/* Every reason, then what else is known. */
static void print_failure(FILE *file, const struct test_verdict *result)
{
    const char *kind = json_string_value(json_object_get(result->end, "kind"));
    char *details = NULL;
    size_t len, i;
    FILE *memory = open_memstream(&details, &len);

    (void)fputs("      <failure", file);
    print_attribute(file, "message", result->why.words[0], strlen(result->why.words[0]));
    print_attribute(file, "type", kind ? kind : "failure", strlen(kind ? kind : "failure"));
    (void)fputc('>', file);
    for (i = 0; i < result->why.num; i++) {
        print_xml(file, result->why.words[i], strlen(result->why.words[i]));
        (void)fputc('\n', file);
    }
    if (memory) {
        test_output_details(memory, result, "");
        if (fclose(memory) == 0) {
            print_xml(file, details, len);
        }
        free(details);
    }
    (void)fputs("</failure>\n", file);
}

static void print_flaky(FILE *file, const struct test_verdict *result)
{
    size_t i;

    if (result->outcome == TEST_PASSED && result->flaky.num > 0) {
        (void)fprintf(file, "      <system-err>flaky: passed on try %u, after\n", result->tries);
        for (i = 0; i < result->flaky.num; i++) {
            print_xml(file, result->flaky.words[i], strlen(result->flaky.words[i]));
            (void)fputc('\n', file);
        }
        (void)fputs("</system-err>\n", file);
    } else {
        print_output(file, "system-err", &result->err);
    }
}

static void print_guest(FILE *file, const struct test_guest *guest,
                        const struct test_verdict *result)
{
    const char *reason = result->skip_reason ? result->skip_reason : "exit status 77";

    begin_case(file, "acre", guest->name, result->took_ns);
    if (!result->final) {
        print_skipped(file, "interrupted");
    } else if (result->outcome == TEST_FAILED) {
        print_failure(file, result);
    } else if (result->outcome == TEST_SKIPPED) {
        print_skipped(file, reason);
    }
    print_output(file, "system-out", &result->out);
    print_flaky(file, result);
    (void)fputs("    </testcase>\n", file);
}

/* A TODO that is not ok yet is known to fail: for readers without a word for it, that is a skip. */
static void print_point(FILE *file, const struct test_guest *guest, const struct test_point *point)
{
    (void)fputs("    <testcase", file);
    print_attribute(file, "classname", guest->name, strlen(guest->name));
    if (point->name_len > 0) {
        print_tap_attribute(file, "name", point->name, point->name_len);
    } else {
        print_attribute(file, "name", "(unnamed)", strlen("(unnamed)"));
    }
    (void)fputs(" time=\"0.000\">\n", file);
    if (test_point_failed(point)) {
        (void)fputs("      <failure", file);
        print_attribute(file, "message", point->line, point->line_len);
        (void)fputs(" type=\"not ok\"/>\n", file);
    } else if (test_point_skipped(point)) {
        (void)fputs("      <skipped", file);
        if (point->reason_len > 0) {
            print_tap_attribute(file, "message", point->reason, point->reason_len);
        }
        (void)fputs(point->directive == TEST_DIRECTIVE_TODO ? " type=\"todo\"/>\n" : "/>\n", file);
    }
    (void)fputs("    </testcase>\n", file);
}

/* Cases are guests and their tests alike. */
struct sums {
    size_t tests, failures, skipped;
};

static struct sums sum_up(const struct test_verdict *results, size_t num)
{
    struct sums sums = {.tests = num};
    size_t i;

    for (i = 0; i < num; i++) {
        sums.tests += results[i].tap.num;
        sums.failures +=
            results[i].tap.failed + (results[i].final && results[i].outcome == TEST_FAILED);
        sums.skipped +=
            results[i].tap.skipped + (results[i].outcome == TEST_SKIPPED || !results[i].final);
    }
    return sums;
}

static void begin_suite(FILE *file, const struct sums *sums, time_t started, double seconds)
{
    struct tm tm = {0};
    char when[32] = "", host[128] = "localhost";

    if (gmtime_r(&started, &tm)) {
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    }
    (void)gethostname(host, sizeof(host) - 1);
    (void)fprintf(file,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<testsuites name=\"acre test\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
                  "time=\"%.3f\">\n"
                  "  <testsuite name=\"acre test\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
                  "skipped=\"%zu\" time=\"%.3f\" timestamp=\"%s\"",
                  sums->tests, sums->failures, seconds, sums->tests, sums->failures, sums->skipped,
                  seconds, when);
    print_attribute(file, "hostname", host, strlen(host));
    (void)fputs(">\n", file);
}

static void print_all(FILE *file, const struct test_guests *guests,
                      const struct test_verdict *results, time_t started, uint64_t took_ns)
{
    struct sums sums = sum_up(results, guests->num);
    size_t i, j;

    begin_suite(file, &sums, started, (double)took_ns / NS_PER_S);
    for (i = 0; i < guests->num; i++) {
        print_guest(file, &guests->items[i], &results[i]);
        for (j = 0; j < results[i].tap.num; j++) {
            print_point(file, &guests->items[i], &results[i].tap.points[j]);
        }
    }
    (void)fputs("  </testsuite>\n</testsuites>\n", file);
}

int test_junit_write(int fd, const struct test_guests *guests, const struct test_verdict *results,
                     time_t started, uint64_t took_ns)
{
    int copy = dup(fd), failed;
    FILE *file = copy >= 0 ? fdopen(copy, "w") : NULL;

    if (!file) {
        int result = -errno;

        if (copy >= 0) {
            (void)close(copy);
        }
        return result;
    }
    print_all(file, guests, results, started, took_ns);
    failed = ferror(file);
    errno = EIO;
    return fclose(file) != 0 || failed ? -errno : 0;
}
