/*
 * test_output.c - TAP 14 holds results back until it is their turn, so that two runs of a suite can
 * be compared; a terminal gets failures at once.
 */
#include "vmm/test_output.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S 1e9

static void print_clean(FILE *file, const char *text, size_t len)
{
    test_text_clean(file, text, len, TEST_TEXT_PLAIN);
}

/* A name in a line of TAP, where # begins a directive. */
static void print_name(FILE *file, const char *name)
{
    for (; *name != '\0'; name++) {
        size_t len = strcspn(name, "#\\");

        print_clean(file, name, len);
        name += len;
        if (*name == '\0') {
            return;
        }
        (void)fprintf(file, "\\%c", *name);
    }
}

static void print_subtests(FILE *file, const char *name, const struct test_tap *tap)
{
    size_t i;

    if (tap->num == 0) {
        return;
    }
    (void)fputs("# Subtest: ", file);
    print_name(file, name);
    (void)fputc('\n', file);
    for (i = 0; i < tap->num; i++) {
        (void)fputs("    ", file);
        print_clean(file, tap->points[i].line, tap->points[i].line_len);
        (void)fputc('\n', file);
    }
    (void)fprintf(file, "    1..%" PRIu64 "\n", tap->planned ? tap->plan : tap->num);
}

static void print_list(FILE *file, const char *name, const struct test_words *lines)
{
    size_t i;

    if (lines->num > 0) {
        (void)fprintf(file, "  %s:\n", name);
    }
    for (i = 0; i < lines->num; i++) {
        (void)fputs("    - ", file);
        test_output_quoted(file, lines->words[i]);
    }
}

static void print_tap(FILE *file, size_t number, const struct test_guest *guest,
                      const struct test_verdict *result)
{
    print_subtests(file, guest->name, &result->tap);
    (void)fprintf(file, "%s %zu - ", result->outcome == TEST_FAILED ? "not ok" : "ok", number);
    print_name(file, guest->name);
    if (result->outcome == TEST_SKIPPED) {
        (void)fputs(" # SKIP ", file);
        print_clean(file, result->skip_reason ? result->skip_reason : "exit status 77",
                    strlen(result->skip_reason ? result->skip_reason : "exit status 77"));
    }
    (void)fprintf(file, "\n  ---\n  duration_ms: %" PRIu64 "\n", result->took_ns / NS_PER_MS);
    if (result->tries > 1) {
        (void)fprintf(file, "  tries: %u\n", result->tries);
    }
    print_list(file, result->outcome == TEST_PASSED ? "flaky" : "earlier_tries", &result->flaky);
    print_list(file, "why", &result->why);
    if (result->outcome == TEST_FAILED) {
        test_output_details(file, result, "  ");
    }
    (void)fputs("  ...\n", file);
}

static void flush(struct test_output *output)
{
    errno = EIO;
    if ((fflush(output->file) != 0 || ferror(output->file)) && !output->failed) {
        output->failed = errno;
    }
}

/* Those whose turn it is; at the end of an interrupted run, all that are there. */
static void print_due(struct test_output *output, bool all)
{
    for (; output->next < output->guests->num; output->next++) {
        if (output->results[output->next].final) {
            print_tap(output->file, output->next + 1, &output->guests->items[output->next],
                      &output->results[output->next]);
        } else if (!all) {
            break;
        }
    }
    flush(output);
}

static void print_lines(FILE *file, const char *prefix, const struct test_words *lines)
{
    size_t i;

    for (i = 0; i < lines->num; i++) {
        test_text_lines(file, prefix, lines->words[i], strlen(lines->words[i]), 0);
    }
}

/* What a terminal keeps: failures, flaky guests and skips; passes are only counted. */
static void print_kept(FILE *file, const struct test_guest *guest,
                       const struct test_verdict *result)
{
    static const char *const words[] = {[TEST_NOT_RUN] = "",
                                        [TEST_PASSED] = "flaky",
                                        [TEST_FAILED] = "FAIL",
                                        [TEST_SKIPPED] = "skip"};
    const char *reason = result->skip_reason ? result->skip_reason : "";

    (void)fprintf(file, "\r\033[K%s ", words[result->outcome]);
    print_clean(file, guest->name, strlen(guest->name));
    if (*reason != '\0') {
        (void)fputs(": ", file);
        print_clean(file, reason, strlen(reason));
    }
    if (result->flaky.num > 0) {
        (void)fprintf(file, " (%u tries)", result->tries);
    }
    (void)fputc('\n', file);
    print_lines(file, "  ", result->outcome == TEST_FAILED ? &result->why : &result->flaky);
    if (result->outcome == TEST_FAILED) {
        test_output_details(file, result, "    ");
    }
}

static unsigned columns(FILE *file)
{
    struct winsize size = {0};

    return ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Counts, and of the guests that run the one that began first. */
static void print_progress(struct test_output *output)
{
    const struct test_counts *counts = &output->counts;
    const char *name;
    unsigned width = columns(output->file);
    char line[160];
    int len;
    size_t room;

    while (output->next < output->begun && output->results[output->next].final) {
        output->next++;
    }
    name = output->next < output->begun ? output->guests->items[output->next].name : "";
    len = snprintf(line, sizeof(line), "[%zu/%zu] %zu failed, %zu running: ", counts->done,
                   counts->total, counts->failed, output->running);
    room = width > (unsigned)len + 1 ? width - (unsigned)len - 1 : 0;
    (void)fprintf(output->file, "\r\033[K%.*s", (int)width - 1, line);
    print_clean(output->file, name, strlen(name) < room ? strlen(name) : room);
    flush(output);
}

void test_output_begin(struct test_output *output)
{
    output->counts = (struct test_counts){.total = output->guests->num};
    output->started_ns = test_now_ns();
    if (output->format == TEST_FORMAT_TAP) {
        (void)fprintf(output->file, "TAP version 14\n1..%zu%s\n", output->guests->num,
                      output->guests->num == 0 ? " # SKIP no guest in this shard" : "");
        flush(output);
    }
}

void test_output_begun(struct test_output *output, size_t index)
{
    output->running++;
    output->begun = index + 1;
    if (output->format == TEST_FORMAT_TERMINAL) {
        print_progress(output);
    }
}

void test_output_done(struct test_output *output, size_t index)
{
    const struct test_verdict *result = &output->results[index];

    output->running--;
    test_counts_add(&output->counts, result);
    if (output->format == TEST_FORMAT_TAP) {
        print_due(output, false);
        return;
    }
    if (result->outcome != TEST_PASSED || result->flaky.num > 0) {
        print_kept(output->file, &output->guests->items[index], result);
    }
    print_progress(output);
}

void test_output_end(struct test_output *output, int signal)
{
    const struct test_counts *counts = &output->counts;
    double seconds = (double)(test_now_ns() - output->started_ns) / NS_PER_S;

    if (output->format == TEST_FORMAT_TAP) {
        print_due(output, true);
        if (signal) {
            (void)fprintf(output->file, "Bail out! interrupted by signal %d (%s)\n", signal,
                          strsignal(signal));
        }
        (void)fputs("# ", output->file);
    } else {
        (void)fputs("\r\033[K", output->file);
        if (signal) {
            (void)fprintf(output->file, "interrupted by signal %d (%s)\n", signal,
                          strsignal(signal));
        }
    }
    (void)fprintf(output->file, "%zu passed, %zu failed, %zu skipped", counts->passed,
                  counts->failed, counts->skipped);
    if (counts->flaky > 0) {
        (void)fprintf(output->file, ", %zu flaky", counts->flaky);
    }
    if (counts->done < counts->total) {
        (void)fprintf(output->file, ", %zu not run", counts->total - counts->done);
    }
    (void)fprintf(output->file, " in %.1f s\n", seconds);
    flush(output);
}
