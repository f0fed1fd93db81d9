/* What --rtc takes: two words and a date, and nothing that only looks like one. */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/run_suite.h"
#include "vmm/rtc_base.h"

enum { NOW = 1150560081 }; /* 2006-06-17 16:01:21 UTC */

static const struct {
    const char *text;
    int64_t shown;
} right[] = {
    {"utc", NOW},
    {"2006-06-17T16:01:21", NOW},
    {"2006-06-17", 1150502400},
    {"1970-01-01", 0},
    {"1970-01-01T00:00:01", 1},
    {"2024-02-29T23:59:59", 1709251199},
    {"2000-02-29", 951782400},
    {"9999-12-31T23:59:59", 253402300799},
};

START_TEST(words_and_dates_are_seconds)
{
    int64_t shown = -1;

    ck_assert_int_eq(rtc_base_seconds(right[_i].text, NOW, &shown), 0);
    ck_assert_int_eq(shown, right[_i].shown);
}
END_TEST

static const char *const wrong[] = {
    "",
    "UTC",
    "local",
    "utc ",
    "now",
    "2006",
    "2006-6-17",
    "2006-06-17T",
    "2006-06-17 16:01:21",
    "2006-06-17T16:01",
    "2006-06-17T16:01:21Z",
    "2006-13-01",
    "2006-00-10",
    "2006-04-31",
    "2006-04-00",
    "2023-02-29",
    "1900-01-01",
    "1969-12-31",
    "2006-06-17T24:00:00",
    "2006-06-17T16:60:00",
    "2006-06-17T16:01:60",
    "-006-06-17",
    "2006-06-+7",
    "02006-06-17",
};

START_TEST(anything_else_is_refused)
{
    int64_t shown;

    ck_assert_int_eq(rtc_base_seconds(wrong[_i], NOW, &shown), -EINVAL);
}
END_TEST

static const struct {
    const char *zone;
    int64_t offset_s;
} zones[] = {{"UTC0", 0}, {"XXX-5:30", 19800}, {"YYY8", -28800}};

START_TEST(localtime_is_the_hosts_zone)
{
    int64_t shown;

    ck_assert_int_eq(setenv("TZ", zones[_i].zone, 1), 0);
    ck_assert_int_eq(rtc_base_seconds("localtime", NOW, &shown), 0);
    ck_assert_int_eq(shown - NOW, zones[_i].offset_s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rtc_base");
    TCase *tc = tcase_create("rtc_base");

    tcase_add_table_test(tc, words_and_dates_are_seconds, right);
    tcase_add_table_test(tc, anything_else_is_refused, wrong);
    tcase_add_table_test(tc, localtime_is_the_hosts_zone, zones);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
