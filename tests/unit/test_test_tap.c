/* test_test_tap.c - what counts as TAP in a guest's output, and what is wrong with it. */
#include "vmm/test_tap.h"

#include <string.h>

#include "tests/unit/run_suite.h"

static const struct {
    const char *text;
    size_t num, failed, skipped;
    bool skip_all, bail;
    const char *wrong;
} outputs[] = {
    {"", 0, 0, 0, false, false, ""},
    {"Hello.\nok then, not TAP\nokay\n", 1, 0, 0, false, false, "it printed tests, but no plan"},
    {"okay\nnot okay\n1..\n1...2\n", 0, 0, 0, false, false, ""},
    {"TAP version 14\n1..2\nok 1 - a\nok 2 - b\n", 2, 0, 0, false, false, ""},
    {"ok 1 - a\r\nnot ok 2 - b\r\n1..2\r\n", 2, 1, 0, false, false, ""},
    {"ok\nnot ok\n1..2\n", 2, 1, 0, false, false, ""},
    {"ok 1 # SKIP no clock\nok 2 - b # skip\n1..2\n", 2, 0, 2, false, false, ""},
    {"not ok 1 - x # TODO later\nnot ok 2 - y # SKIP\n1..2\n", 2, 0, 2, false, false, ""},
    {"ok 1 - x # todo at last\nnot ok 2 - y # TODOS\n1..2\n", 2, 1, 0, false, false, ""},
    {"ok 1 - a \\# SKIP no directive\n1..1\n", 1, 0, 0, false, false, ""},
    {"ok 1 - a \\\\# SKIP one, behind a backslash\n1..1\n", 1, 0, 1, false, false, ""},
    {"not ok 1 - a # 3 # SKIP later\n1..1\n", 1, 0, 1, false, false, ""},
    {"ok 1 - a # SKIPPER\n1..1\n", 1, 0, 0, false, false, ""},
    {"1..0 # SKIP no such device\n", 0, 0, 0, true, false, ""},
    {"1..0 # no such device\n", 0, 0, 0, true, false, ""},
    {"1..0\n", 0, 0, 0, true, false, ""},
    {"1..0 # SKIP not so\nok 1\n", 1, 0, 0, true, false, "tests run: 1 where 0 were due"},
    {"1..3\nok 1\nok 2\n", 2, 0, 0, false, false, "tests run: 2 where 3 were due"},
    {"1..1\nok 1\nok 2\n", 2, 0, 0, false, false, "tests run: 2 where 1 was due"},
    {"ok 1\nok 3\n1..2\n", 2, 0, 0, false, false, "test 3 of 2"},
    {"1..3\nok 2\nok 3\nok 1\n", 3, 0, 0, false, false, ""},
    {"1..3\nok 3\nok 1\nok\n", 3, 0, 0, false, false, ""},
    {"1..2\nok 2\nok\n", 2, 0, 0, false, false, "test 3 of 2"},
    {"1..2\nok 1\nok 1\n", 2, 0, 0, false, false, "test 1 is there twice"},
    {"1..2\nok 1\nok 0\n", 2, 0, 0, false, false, "test 0: they are numbered from 1"},
    {"1..2\nok 18446744073709551615\nok\n", 2, 0, 0, false, false,
     "test 18446744073709551615 of 2"},
    {"ok 1\n1..2\nok 2\n", 2, 0, 0, false, false,
     "the plan is neither before the tests nor behind them"},
    {"1..1\nok 1\n1..1\n", 1, 0, 0, false, false, "a second plan, 1..1 after 1..1"},
    {"1..2\nok 1\nBail out! no memory\n", 1, 0, 0, false, true, "tests run: 1 where 2 were due"},
    {"bail OUT!\n", 0, 0, 0, false, true, ""},
    {"1..99999999999999999999999999\nok\n", 1, 0, 0, false, false,
     "tests run: 1 where 18446744073709551615 were due"},
    {"    not ok 1 - indented is somebody else's\n1..1\nok 1", 1, 0, 0, false, false, ""},
};

START_TEST(output_is_read_as_tap_where_it_is)
{
    struct test_text text = {0};
    struct test_tap tap;

    ck_assert_int_eq(test_text_add(&text, outputs[_i].text, strlen(outputs[_i].text)), 0);
    ck_assert_int_eq(test_tap_parse(&tap, &text), 0);
    ck_assert_uint_eq(tap.num, outputs[_i].num);
    ck_assert_uint_eq(tap.failed, outputs[_i].failed);
    ck_assert_uint_eq(tap.skipped, outputs[_i].skipped);
    ck_assert_int_eq(tap.skip_all, outputs[_i].skip_all);
    ck_assert_int_eq(tap.bail != NULL, outputs[_i].bail);
    ck_assert_str_eq(tap.wrong, outputs[_i].wrong);
    test_tap_finish(&tap);
    test_text_finish(&text);
}
END_TEST

START_TEST(names_and_reasons_are_found)
{
    static const char output[] = "ok 1 - first thing # SKIP no such chip\n"
                                 "not ok second\n1..2\nBail out! because\n";
    struct test_text text = {0};
    struct test_tap tap;

    ck_assert_int_eq(test_text_add(&text, output, sizeof(output) - 1), 0);
    ck_assert_int_eq(test_tap_parse(&tap, &text), 0);
    ck_assert_uint_eq(tap.num, 2);
    ck_assert_int_eq(strncmp(tap.points[0].name, "first thing", tap.points[0].name_len), 0);
    ck_assert_uint_eq(tap.points[0].name_len, strlen("first thing"));
    ck_assert_uint_eq(tap.points[0].reason_len, strlen("no such chip"));
    ck_assert_int_eq(strncmp(tap.points[1].name, "second", 6), 0);
    ck_assert_uint_eq(tap.bail_len, strlen("because"));
    test_tap_finish(&tap);
    test_text_finish(&text);
}
END_TEST

static const struct {
    const char *plan, *reason;
} reasons[] = {
    {"1..0", ""},
    {"1..0 # SKIP no chip", "no chip"},
    {"1..0 #skip  no chip", "no chip"},
    {"1..0 # no chip", "no chip"},
    {"1..0 # SKIP", ""},
    {"1..0 # Skipping it", "Skipping it"},
};

START_TEST(a_plan_of_none_says_why)
{
    struct test_text text = {0};
    struct test_tap tap;

    ck_assert_int_eq(test_text_add(&text, reasons[_i].plan, strlen(reasons[_i].plan)), 0);
    ck_assert_int_eq(test_tap_parse(&tap, &text), 0);
    ck_assert(tap.skip_all);
    ck_assert_uint_eq(tap.reason_len, strlen(reasons[_i].reason));
    ck_assert_int_eq(memcmp(tap.reason ? tap.reason : "", reasons[_i].reason, tap.reason_len), 0);
    test_tap_finish(&tap);
    test_text_finish(&text);
}
END_TEST

START_TEST(a_guest_may_print_any_number_of_tests)
{
    struct test_text text = {0};
    struct test_tap tap;
    int i;

    for (i = 0; i < 50000; i++) {
        ck_assert_int_eq(test_text_add(&text, "ok\n", 3), 0);
    }
    ck_assert_int_eq(test_text_add(&text, "1..50000\n", 9), 0);
    ck_assert_int_eq(test_tap_parse(&tap, &text), 0);
    ck_assert_uint_eq(tap.num, 50000);
    ck_assert_str_eq(tap.wrong, "");
    test_tap_finish(&tap);
    test_text_finish(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("test_tap");
    TCase *tc = tcase_create("test_tap");

    tcase_add_table_test(tc, output_is_read_as_tap_where_it_is, outputs);
    tcase_add_test(tc, names_and_reasons_are_found);
    tcase_add_table_test(tc, a_plan_of_none_says_why, reasons);
    tcase_add_test(tc, a_guest_may_print_any_number_of_tests);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
