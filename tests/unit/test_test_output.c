/* test_test_output.c - what is told of results: TAP 14 with its YAML, a terminal's lines, JUnit. */
#include "vmm/test_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/run_suite.h"

enum { GUESTS_MAX = 4 };

struct fixture {
    struct test_guests guests;
    struct test_verdict results[GUESTS_MAX];
    struct test_output output;
    char *text;
    size_t len;
};

/* @names  "[name]" lines; each guest passes, in no time, and printed nothing. */
static void set_up(struct fixture *fixture, enum test_format format, const char *names)
{
    char list[400] = "";
    struct error err;
    size_t i;

    *fixture = (struct fixture){0};
    while (*names != '\0') {
        int len = (int)strcspn(names, "\n");

        (void)sprintf(list + strlen(list), "[%.*s]\nkernel = k\n", len, names);
        names += len + (names[len] == '\n');
    }
    ck_assert_int_eq(test_guests_parse_list(&fixture->guests, "l", NULL, list, strlen(list), &err),
                     0);
    for (i = 0; i < fixture->guests.num; i++) {
        fixture->results[i] = (struct test_verdict){.outcome = TEST_PASSED, .tries = 1};
    }
    fixture->output = (struct test_output){
        .file = open_memstream(&fixture->text, &fixture->len),
        .format = format,
        .guests = &fixture->guests,
        .results = fixture->results,
    };
    test_output_begin(&fixture->output);
    for (i = 0; i < fixture->guests.num; i++) {
        test_output_begun(&fixture->output, i);
    }
}

static void print(struct test_text *text, const char *what)
{
    ck_assert_int_eq(test_text_add(text, what, strlen(what)), 0);
}

static void printed(struct test_verdict *result, const char *out)
{
    print(&result->out, out);
    ck_assert_int_eq(test_tap_parse(&result->tap, &result->out), 0);
}

static void failed(struct test_verdict *result, const char *why)
{
    result->outcome = TEST_FAILED;
    ck_assert_int_eq(test_words_add(&result->why, why), 0);
}

static void done(struct fixture *fixture, size_t index)
{
    fixture->results[index].final = true;
    test_output_done(&fixture->output, index);
}

static void tear_down(struct fixture *fixture)
{
    size_t i;

    for (i = 0; i < fixture->guests.num; i++) {
        test_verdict_finish(&fixture->results[i]);
    }
    if (fixture->output.file) {
        (void)fclose(fixture->output.file);
    }
    free(fixture->text);
    test_guests_finish(&fixture->guests);
}

#define HEAD "TAP version 14\n1..1\n"

START_TEST(a_test_point_has_its_subtests_before_it_and_yaml_behind)
{
    struct fixture fixture;

    set_up(&fixture, TEST_FORMAT_TAP, "a # b\\c");
    printed(&fixture.results[0],
            "Booting.\nok 1 - x \\# y # SKIP later\nnot ok 2 # TODO z\n1..2\n");
    done(&fixture, 0);
    ck_assert_str_eq(fixture.text, HEAD "# Subtest: a \\# b\\\\c\n"
                                        "    ok 1 - x \\# y # SKIP later\n"
                                        "    not ok 2 # TODO z\n"
                                        "    1..2\n"
                                        "ok 1 - a \\# b\\\\c\n"
                                        "  ---\n"
                                        "  duration_ms: 0\n"
                                        "  ...\n");
    tear_down(&fixture);
}
END_TEST

START_TEST(results_come_in_the_order_of_the_guests)
{
    struct fixture fixture;
    const char *first, *second, *third;

    set_up(&fixture, TEST_FORMAT_TAP, "a\nb\nc");
    fixture.results[1].outcome = TEST_SKIPPED;
    done(&fixture, 2);
    done(&fixture, 1);
    ck_assert_str_eq(fixture.text, "TAP version 14\n1..3\n");
    done(&fixture, 0);
    test_output_end(&fixture.output, 0);
    first = strstr(fixture.text, "\nok 1 - a\n");
    second = strstr(fixture.text, "\nok 2 - b # SKIP exit status 77\n");
    third = strstr(fixture.text, "\nok 3 - c\n");
    ck_assert(first && first < second && second < third);
    ck_assert_ptr_nonnull(strstr(third, "\n# 2 passed, 0 failed, 1 skipped in 0.0 s\n"));
    tear_down(&fixture);
}
END_TEST

START_TEST(what_was_not_run_is_told_after_a_signal)
{
    struct fixture fixture;

    set_up(&fixture, TEST_FORMAT_TAP, "a\nb");
    done(&fixture, 1);
    test_output_end(&fixture.output, 2);
    ck_assert_ptr_nonnull(strstr(fixture.text, "\nok 2 - b\n"));
    ck_assert_ptr_null(strstr(fixture.text, "ok 1"));
    ck_assert_ptr_nonnull(strstr(fixture.text, "\nBail out! interrupted by signal 2 (Interrupt)\n"
                                               "# 1 passed, 0 failed, 0 skipped, 1 not run in "));
    tear_down(&fixture);
}
END_TEST

static const struct {
    const char *out;
    const char *yaml; /* of `serial` */
} serials[] = {
    {"one\ntwo\n", "  serial: |\n    one\n    two\n"},
    {"  ...\n---\n", "  serial: |2\n      ...\n    ---\n"},
    {"\n\n   x\ny", "  serial: |2\n    \n    \n       x\n    y\n"},
    {"   \nx\n", "  serial: |2\n       \n    x\n"},
    {"\r\nx: y # z\r\n", "  serial: |\n    \n    x: y # z\n"},
    {"\tx\xff\x1b[0m\n", "  serial: |\n    \tx\\xff\\x1b[0m\n"},
    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n 21\n22\n",
     "  serial: |\n    3\n    4\n    5\n    6\n    7\n    8\n    9\n    10\n    11\n    12\n    "
     "13\n"
     "    14\n    15\n    16\n    17\n    18\n    19\n    20\n     21\n    22\n"},
};

START_TEST(the_last_lines_are_a_yaml_scalar_whatever_they_are)
{
    struct fixture fixture;
    const char *yaml;

    set_up(&fixture, TEST_FORMAT_TAP, "a");
    print(&fixture.results[0].out, serials[_i].out);
    failed(&fixture.results[0], "it's wrong: \x01 # {");
    done(&fixture, 0);
    ck_assert_ptr_nonnull(
        strstr(fixture.text, "\n  why:\n    - 'it''s wrong: \\x01 # {'\n  serial: |"));
    yaml = strstr(fixture.text, "  serial: |");
    ck_assert_uint_eq(strlen(yaml), strlen(serials[_i].yaml) + strlen("  ...\n"));
    ck_assert_int_eq(strncmp(yaml, serials[_i].yaml, strlen(serials[_i].yaml)), 0);
    tear_down(&fixture);
}
END_TEST

START_TEST(the_last_access_is_quoted_and_the_last_exits_are_lines)
{
    struct fixture fixture;

    set_up(&fixture, TEST_FORMAT_TAP, "a");
    failed(&fixture.results[0], "so");
    fixture.results[0].end =
        json_pack("{s:s, s:[{s:i, s:s, s:s, s:s, s:i, s:s, s:s, s:s}, {s:i, s:s, s:b}]}", "kind",
                  "timeout", "last_exits", "cpu", 1, "reason", "mmio", "direction", "write",
                  "address", "0xd0000000", "size", 4, "value", "0x1", "region", "it's: #1",
                  "offset", "0x0", "cpu", 0, "reason", "hlt", "done", 0);
    ck_assert_ptr_nonnull(fixture.results[0].end);
    done(&fixture, 0);
    ck_assert_ptr_nonnull(
        strstr(fixture.text,
               "\n  ended: timeout\n"
               "  last_access: 'cpu 1 mmio write 0xd0000000 size 4 value 0x1 (it''s: #1+0x0)'\n"
               "  last_exits: |\n"
               "    cpu 1 mmio write 0xd0000000 size 4 value 0x1 (it's: #1+0x0)\n"
               "    cpu 0 hlt not finished\n"
               "  ...\n"));
    tear_down(&fixture);
}
END_TEST

START_TEST(a_terminal_names_the_guest_that_runs_longest)
{
    struct fixture fixture;

    set_up(&fixture, TEST_FORMAT_TERMINAL, "a\nb\nc");
    ck_assert_ptr_nonnull(strstr(fixture.text, "\r\033[K[0/3] 0 failed, 3 running: a"));
    done(&fixture, 0);
    ck_assert_ptr_nonnull(strstr(fixture.text, "\r\033[K[1/3] 0 failed, 2 running: b"));
    failed(&fixture.results[2], "it is wrong");
    done(&fixture, 2);
    ck_assert_ptr_nonnull(strstr(fixture.text, "\r\033[KFAIL c\n  it is wrong\n"
                                               "\r\033[K[2/3] 1 failed, 1 running: b"));
    tear_down(&fixture);
}
END_TEST

START_TEST(output_that_cannot_be_written_is_noticed)
{
    struct fixture fixture;

    set_up(&fixture, TEST_FORMAT_TAP, "a");
    (void)fclose(fixture.output.file);
    fixture.output.file = fopen("/dev/full", "we");
    ck_assert_int_eq(fixture.output.failed, 0);
    done(&fixture, 0);
    ck_assert_int_eq(fixture.output.failed, ENOSPC);
    tear_down(&fixture);
}
END_TEST

static const struct {
    const char *out;
    const char *xml; /* of the guest's own tests */
} points[] = {
    {"ok 1 - a \\# b \\\\ c \\d\n1..1\n", "    <testcase classname=\"g\" name=\"a # b \\ c \\d\" "
                                          "time=\"0.000\">\n    </testcase>\n"},
    {"ok\n1..1\n",
     "    <testcase classname=\"g\" name=\"(unnamed)\" time=\"0.000\">\n    </testcase>\n"},
    {"not ok 1 - <x> \"y\"\n1..1\n",
     "    <testcase classname=\"g\" name=\"&lt;x&gt; &quot;y&quot;\" time=\"0.000\">\n"
     "      <failure message=\"not ok 1 - &lt;x&gt; &quot;y&quot;\" type=\"not ok\"/>\n"
     "    </testcase>\n"},
    {"not ok 1 - x # SKIP no \\# 2\n1..1\n",
     "    <testcase classname=\"g\" name=\"x\" time=\"0.000\">\n"
     "      <skipped message=\"no # 2\"/>\n    </testcase>\n"},
    {"not ok 1 - x # TODO later\n1..1\n",
     "    <testcase classname=\"g\" name=\"x\" time=\"0.000\">\n"
     "      <skipped message=\"later\" type=\"todo\"/>\n    </testcase>\n"},
    {"ok 1 - x # TODO done\n1..1\n",
     "    <testcase classname=\"g\" name=\"x\" time=\"0.000\">\n    </testcase>\n"},
};

/* Returns: the caller's. */
static char *junit(struct fixture *fixture)
{
    enum { MAX = 1 << 20 };
    int fd = memfd_create("junit", MFD_CLOEXEC);
    char *text = calloc(1, MAX);

    ck_assert_int_eq(test_junit_write(fd, &fixture->guests, fixture->results, 0, 0), 0);
    ck_assert_int_gt(pread(fd, text, MAX - 1, 0), 0);
    (void)close(fd);
    return text;
}

START_TEST(a_guests_tests_are_cases_of_junit)
{
    struct fixture fixture;
    char *xml;

    set_up(&fixture, TEST_FORMAT_TAP, "g");
    printed(&fixture.results[0], points[_i].out);
    fixture.results[0].final = true;
    xml = junit(&fixture);
    ck_assert_ptr_nonnull(strstr(xml, "    </testcase>\n    <testcase classname=\"g\""));
    ck_assert_int_eq(strncmp(strstr(xml, "    <testcase classname=\"g\""), points[_i].xml,
                             strlen(points[_i].xml)),
                     0);
    ck_assert_ptr_nonnull(strstr(xml, "tests=\"2\""));
    free(xml);
    tear_down(&fixture);
}
END_TEST

START_TEST(junit_has_head_and_tail_of_long_output)
{
    enum { LINES = 20000 };
    struct fixture fixture;
    char *xml;
    int i;

    set_up(&fixture, TEST_FORMAT_TAP, "g");
    print(&fixture.results[0].out, "begin\n");
    for (i = 0; i < LINES; i++) {
        print(&fixture.results[0].out, "line ]]>\n");
    }
    print(&fixture.results[0].out, "end\n");
    xml = junit(&fixture);
    ck_assert_ptr_nonnull(strstr(xml, "<system-out>begin\nline ]]&gt;\n"));
    ck_assert_ptr_nonnull(strstr(xml, "\n[114474 bytes left out]\n"));
    ck_assert_ptr_nonnull(strstr(xml, "line ]]&gt;\nend\n</system-out>"));
    free(xml);
    tear_down(&fixture);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("test_output");
    TCase *tc = tcase_create("test_output");

    tcase_add_test(tc, a_test_point_has_its_subtests_before_it_and_yaml_behind);
    tcase_add_test(tc, results_come_in_the_order_of_the_guests);
    tcase_add_test(tc, what_was_not_run_is_told_after_a_signal);
    tcase_add_table_test(tc, the_last_lines_are_a_yaml_scalar_whatever_they_are, serials);
    tcase_add_test(tc, the_last_access_is_quoted_and_the_last_exits_are_lines);
    tcase_add_test(tc, a_terminal_names_the_guest_that_runs_longest);
    tcase_add_test(tc, output_that_cannot_be_written_is_noticed);
    tcase_add_table_test(tc, a_guests_tests_are_cases_of_junit, points);
    tcase_add_test(tc, junit_has_head_and_tail_of_long_output);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
