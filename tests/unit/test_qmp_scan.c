/* test_qmp_scan.c - messages cut out of a stream, whatever pieces it comes in. */
#include "vmm/qmp_scan.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"

/* Input, and what comes of it: messages in full, errors as B, L, D. */
static const struct {
    const char *input, *want;
} streams[] = {
    {"", ""},
    {"{}", "{};"},
    {" \t\r\n{}\n", "{};"},
    {"{}{}[ ]", "{};{};[ ];"},
    {"{\"a\":{\"b\":[1,2]}} {}", "{\"a\":{\"b\":[1,2]}};{};"},
    {"{\"a\":\"}\"}", "{\"a\":\"}\"};"},
    {"{\"a\":\"\\\"}\"}", "{\"a\":\"\\\"}\"};"},
    {"{\"a\":\"\\\\\"}{}", "{\"a\":\"\\\\\"};{};"},
    {"{\"a\"", ""},
    {"x {}\n{}", "B;{};"},
    {"}\n{}", "B;{};"},
    {"\"text\"\n{}", "B;{};"},
    {"17\n18\n{}", "B;B;{};"},
    {"{]}\n{}", "B;{};"},
    {"[{]}\n{}", "B;{};"},
    {"[}\n{}", "B;{};"},
    {"{\"a\n\"}\n{}", "B;B;{};"}, /* the string ended with the line; so did the rest */
    {"{\"a\xff{}", "{};"},
    {"garbage \xff{}", "B;{};"},
    {"\xff\xff{}", "{};"},
};

static const size_t pieces[] = {1, 2, 3, 7, 1000};

static void run(const char *input, size_t piece, char *got, size_t size)
{
    static const char *const errors[] = {[QMP_SCAN_BAD] = "B",
                                         [QMP_SCAN_TOO_LONG] = "L",
                                         [QMP_SCAN_TOO_DEEP] = "D",
                                         [QMP_SCAN_NO_MEMORY] = "M"};
    struct qmp_scan scan = {0};
    size_t len = strlen(input), part, used;
    enum qmp_scan_result result;

    got[0] = '\0';
    while (len > 0) {
        part = piece < len ? piece : len;
        result = qmp_scan_feed(&scan, input, part, &used);
        ck_assert_uint_le(used, part);
        input += used;
        len -= used;
        if (result == QMP_SCAN_MESSAGE) {
            ck_assert_uint_lt(strlen(got) + scan.len + 2, size);
            strncat(got, scan.text, scan.len);
        } else if (result != QMP_SCAN_MORE) {
            strcat(got, errors[result]);
        }
        if (result != QMP_SCAN_MORE) {
            strcat(got, ";");
        }
    }
    qmp_scan_finish(&scan);
}

START_TEST(stream_is_cut_into_the_same_messages_in_any_pieces)
{
    char got[256];
    size_t i;

    for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        run(streams[_i].input, pieces[i], got, sizeof(got));
        ck_assert_msg(strcmp(got, streams[_i].want) == 0, "\"%s\" by %zu: %s", streams[_i].input,
                      pieces[i], got);
    }
}
END_TEST

START_TEST(nesting_has_a_limit_that_is_met_exactly)
{
    char input[2 * QMP_SCAN_DEPTH_MAX + 8] = "", got[2 * QMP_SCAN_DEPTH_MAX + 8];
    size_t i;

    memset(input, '[', QMP_SCAN_DEPTH_MAX);
    memset(input + QMP_SCAN_DEPTH_MAX, ']', QMP_SCAN_DEPTH_MAX);
    run(input, 1000, got, sizeof(got));
    ck_assert_uint_eq(strlen(got), 2 * QMP_SCAN_DEPTH_MAX + 1);
    for (i = 0; i <= QMP_SCAN_DEPTH_MAX; i++) {
        input[i] = '{';
    }
    strcpy(input + i, "\n{}");
    run(input, 5, got, sizeof(got));
    ck_assert_str_eq(got, "D;{};");
}
END_TEST

START_TEST(brackets_pair_however_deep_they_are)
{
    enum { DEPTH = 300 };
    char input[2 * DEPTH + 1] = "", got[2 * DEPTH + 8];
    size_t i;

    for (i = 0; i < DEPTH; i++) {
        input[i] = i % 3 == 0 ? '{' : '[';
        input[2 * DEPTH - 1 - i] = i % 3 == 0 ? '}' : ']';
    }
    run(input, 7, got, sizeof(got));
    ck_assert_uint_eq(strlen(got), 2 * DEPTH + 1);
    for (i = 0; i < DEPTH; i += 17) {
        char *wrong = &input[2 * DEPTH - 1 - i], right = *wrong;

        *wrong = right == '}' ? ']' : '}';
        run(input, 7, got, sizeof(got));
        ck_assert_str_eq(got, "B;");
        *wrong = right;
    }
}
END_TEST

/* A string message of `size` bytes, brackets included. */
static enum qmp_scan_result feed_long(struct qmp_scan *scan, size_t size)
{
    char *input = malloc(size);
    enum qmp_scan_result result = QMP_SCAN_MORE;
    size_t at, used, part;

    ck_assert_ptr_nonnull(input);
    memset(input, 'x', size);
    memcpy(input, "[\"", 2);
    memcpy(input + size - 2, "\"]", 2);
    for (at = 0; at < size && result == QMP_SCAN_MORE; at += used) {
        part = size - at < 16384 ? size - at : 16384;
        result = qmp_scan_feed(scan, input + at, part, &used);
    }
    free(input);
    return result;
}

START_TEST(message_has_a_size_limit_that_is_met_exactly)
{
    struct qmp_scan scan = {0};
    size_t used;

    ck_assert_int_eq(feed_long(&scan, QMP_SCAN_SIZE_MAX), QMP_SCAN_MESSAGE);
    ck_assert_uint_eq(scan.len, QMP_SCAN_SIZE_MAX);
    ck_assert_int_eq(feed_long(&scan, QMP_SCAN_SIZE_MAX + 1), QMP_SCAN_TOO_LONG);
    ck_assert_int_eq(qmp_scan_feed(&scan, "xxx\n[]", 6, &used), QMP_SCAN_MESSAGE);
    ck_assert_uint_eq(scan.len, 2);
    scan.size_max = 2 * QMP_SCAN_SIZE_MAX;
    ck_assert_int_eq(feed_long(&scan, 2 * QMP_SCAN_SIZE_MAX), QMP_SCAN_MESSAGE);
    ck_assert_int_eq(feed_long(&scan, 2 * QMP_SCAN_SIZE_MAX + 1), QMP_SCAN_TOO_LONG);
    qmp_scan_finish(&scan);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qmp_scan");
    TCase *tc = tcase_create("streams");

    tcase_add_table_test(tc, stream_is_cut_into_the_same_messages_in_any_pieces, streams);
    tcase_add_test(tc, nesting_has_a_limit_that_is_met_exactly);
    tcase_add_test(tc, brackets_pair_however_deep_they_are);
    tcase_add_test(tc, message_has_a_size_limit_that_is_met_exactly);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
