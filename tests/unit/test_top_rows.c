/* test_top_rows.c - what acre top makes of the monitor's answers, sound or not. */
#include "vmm/top_rows.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/run_suite.h"

static json_t *load(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(json);
    return json;
}

static const char first[] =
    "{\"exits\": 10, \"cpus\": 1, \"elapsed-ns\": 1000000000, \"guest-ns\": 500000000,"
    " \"serving-ns\": 500000000, \"places\": [{\"space\": \"io\", \"address\": \"0x3f8\","
    " \"direction\": \"write\", \"region\": \"serial\", \"offset\": \"0x0\", \"exits\": 10,"
    " \"ns\": 20000}]}";
static const char second[] =
    "{\"exits\": 35, \"cpus\": 1, \"elapsed-ns\": 1500000000, \"guest-ns\": 900000000,"
    " \"serving-ns\": 600000000, \"places\": [{\"space\": \"io\", \"address\": \"0x3f8\","
    " \"direction\": \"write\", \"region\": \"serial\", \"offset\": \"0x0\", \"exits\": 30,"
    " \"ns\": 60000}], \"unassigned\": [{\"space\": \"memory\", \"address\": \"0xd0000000\","
    " \"direction\": \"read\", \"exits\": 5, \"ns\": 900000}], \"code\": [{\"rip\": \"0x100\","
    " \"symbol\": \"main\\u001b+0x4\", \"exits\": 35, \"ns\": 960000}], \"reasons\": []}";

static void make(const char *answer, const char *before, enum top_what what, enum top_sort sort,
                 struct top_row **rows, size_t *num)
{
    json_t *now = load(answer), *then = before ? load(before) : NULL;

    ck_assert_int_eq(top_rows_make(now, then, what, sort, rows, num), 0);
    json_decref(now);
    json_decref(then);
}

START_TEST(a_row_has_what_came_since_the_answer_before)
{
    struct top_row *rows;
    size_t num;

    make(second, first, TOP_PLACES, TOP_BY_RATE, &rows, &num);
    ck_assert_uint_eq(num, 2);
    ck_assert_str_eq(rows[0].name, "port 0x3f8 write serial+0x0");
    ck_assert_uint_eq(rows[0].exits, 30);
    ck_assert_uint_eq(rows[0].new_exits, 20);
    ck_assert_uint_eq(rows[0].per_second, 40);
    ck_assert_str_eq(rows[1].name, "memory 0xd0000000 read nobody");
    ck_assert_uint_eq(rows[1].new_exits, 5);
    free(rows);
}
END_TEST

static const struct {
    enum top_sort sort;
    const char *first;
} orders[] = {
    {TOP_BY_RATE, "port 0x3f8 write serial+0x0"},
    {TOP_BY_EXITS, "port 0x3f8 write serial+0x0"},
    {TOP_BY_TIME, "memory 0xd0000000 read nobody"},
    {TOP_BY_NAME, "memory 0xd0000000 read nobody"},
};

START_TEST(rows_are_in_the_order_that_is_asked_for)
{
    struct top_row *rows;
    size_t num;

    make(second, NULL, TOP_PLACES, orders[_i].sort, &rows, &num);
    ck_assert_str_eq(rows[0].name, orders[_i].first);
    free(rows);
}
END_TEST

START_TEST(names_cannot_draw_on_the_terminal)
{
    struct top_row *rows;
    size_t num;

    make(second, NULL, TOP_CODE, TOP_BY_EXITS, &rows, &num);
    ck_assert_uint_eq(num, 1);
    ck_assert_str_eq(rows[0].name, "0x100 main?+0x4");
    free(rows);
}
END_TEST

static const char *const odd[] = {
    "{}",
    "[]",
    "{\"places\": 7, \"unassigned\": {\"x\": 1}}",
    "{\"places\": [1, null, \"x\", {}, {\"exits\": -5, \"ns\": \"many\", \"region\": 3}]}",
};

START_TEST(an_answer_that_lacks_things_is_no_crash)
{
    char line[TOP_LINE_SIZE];
    struct top_row *rows;
    json_t *json = load(odd[_i]);
    size_t num, i;
    int what;

    for (what = 0; what < TOP_WHAT_NUM; what++) {
        make(odd[_i], odd[_i], (enum top_what)what, TOP_BY_RATE, &rows, &num);
        for (i = 0; i < num; i++) {
            ck_assert_uint_eq(rows[i].exits, 0);
            ck_assert_uint_eq(rows[i].ns, 0);
            top_line(&rows[i], line);
        }
        free(rows);
    }
    top_summary(json, NULL, line);
    ck_assert(strncmp(line, "0 exits", 7) == 0);
    json_decref(json);
}
END_TEST

START_TEST(the_summary_is_of_the_time_between_two_answers)
{
    char line[TOP_LINE_SIZE];
    json_t *now = load(second), *then = load(first);

    top_summary(now, then, line);
    ck_assert_str_eq(line, "35 exits in 1.5 s, 50 a second; guest 80.0 %, serving 20.0 %; CPUs: 1");
    json_decref(now);
    json_decref(then);
}
END_TEST

START_TEST(orders_have_names)
{
    enum top_sort sort = TOP_BY_RATE;

    ck_assert_int_eq(top_sort_parse("time", &sort), 0);
    ck_assert_int_eq(sort, TOP_BY_TIME);
    ck_assert_int_lt(top_sort_parse("size", &sort), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("top rows");
    TCase *tcase = tcase_create("top rows");

    tcase_add_test(tcase, a_row_has_what_came_since_the_answer_before);
    tcase_add_table_test(tcase, rows_are_in_the_order_that_is_asked_for, orders);
    tcase_add_test(tcase, names_cannot_draw_on_the_terminal);
    tcase_add_table_test(tcase, an_answer_that_lacks_things_is_no_crash, odd);
    tcase_add_test(tcase, the_summary_is_of_the_time_between_two_answers);
    tcase_add_test(tcase, orders_have_names);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
