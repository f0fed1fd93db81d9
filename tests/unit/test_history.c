/* test_history.c - what a vCPU remembers of its exits, and how it is told. */
#include "vmm/history_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/run_suite.h"

/* A kvm_run with room behind it for a port's data, as KVM maps it. */
struct shared_page {
    struct kvm_run run;
    uint8_t data[64];
};

static void set_port(struct shared_page *page, bool write, uint8_t size, uint32_t count)
{
    page->run.exit_reason = KVM_EXIT_IO;
    page->run.io.direction = write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
    page->run.io.size = size;
    page->run.io.count = count;
    page->run.io.port = 0x3f8;
    page->run.io.data_offset = offsetof(struct shared_page, data);
}

START_TEST(a_port_write_is_noted_with_its_value_before_it_is_served)
{
    struct history history = {0};
    struct shared_page page = {.data = {0x34, 0x12, 0xff}};
    struct history_exit *exit;

    set_port(&page, true, 2, 1);
    exit = history_begin(&history, &page.run);
    ck_assert_uint_eq(exit->addr, 0x3f8);
    ck_assert_uint_eq(exit->value, 0x1234);
    ck_assert_uint_eq(exit->size, 2);
    ck_assert(exit->write);
    ck_assert(!exit->done);
    history_done(exit, &page.run);
    ck_assert(exit->done);
    ck_assert_uint_eq(exit->value, 0x1234);
}
END_TEST

START_TEST(an_mmio_read_is_noted_with_its_answer)
{
    struct history history = {0};
    struct shared_page page = {.run = {.exit_reason = KVM_EXIT_MMIO}};
    struct history_exit *exit;

    page.run.mmio.phys_addr = 0xfed00000;
    page.run.mmio.len = 8;
    exit = history_begin(&history, &page.run);
    ck_assert_uint_eq(exit->value, 0);
    memset(page.run.mmio.data, 0xa5, 8);
    history_done(exit, &page.run);
    ck_assert_uint_eq(exit->value, UINT64_C(0xa5a5a5a5a5a5a5a5));
    ck_assert_uint_eq(exit->addr, 0xfed00000);
}
END_TEST

START_TEST(an_exit_that_is_no_access_has_neither_size_nor_value)
{
    struct history history = {0};
    struct shared_page page = {.run = {.exit_reason = KVM_EXIT_SHUTDOWN}};
    struct history_exit *exit = history_begin(&history, &page.run);

    history_done(exit, &page.run);
    ck_assert_uint_eq(exit->size, 0);
    ck_assert_uint_eq(exit->count, 0);
    ck_assert(exit->done);
}
END_TEST

static const struct {
    uint64_t exits;
    size_t num;
    uint64_t first, last;
} fillings[] = {
    {0, 0, 0, 0}, {1, 1, 1, 1}, {32, 32, 1, 32}, {33, 32, 2, 33}, {1000, 32, 969, 1000},
};

START_TEST(the_latest_exits_are_kept_and_read_oldest_first)
{
    struct history history = {0};
    struct shared_page page = {0};
    struct history_line lines[HISTORY_LEN];
    uint64_t i;
    size_t num;

    set_port(&page, true, 4, 1);
    for (i = 1; i <= fillings[_i].exits; i++) {
        memcpy(page.data, &i, sizeof(i));
        history_done(history_begin(&history, &page.run), &page.run);
    }
    num = history_read(&history, 3, lines);
    ck_assert_uint_eq(num, fillings[_i].num);
    if (num > 0) {
        ck_assert_uint_eq(lines[0].exit.value, fillings[_i].first);
        ck_assert_uint_eq(lines[num - 1].exit.value, fillings[_i].last);
        ck_assert_uint_eq(lines[0].cpu, 3);
    }
}
END_TEST

START_TEST(exits_of_several_cpus_are_put_in_the_order_of_time)
{
    struct history_line lines[] = {
        {.cpu = 0, .exit = {.stamp = 10}},
        {.cpu = 0, .exit = {.stamp = 30}},
        {.cpu = 1, .exit = {.stamp = 20}},
        {.cpu = 1, .exit = {.stamp = UINT64_MAX}},
    };

    history_sort(lines, 4);
    ck_assert_uint_eq(lines[1].cpu, 1);
    ck_assert_uint_eq(lines[2].exit.stamp, 30);
    ck_assert_uint_eq(lines[3].exit.stamp, UINT64_MAX);
}
END_TEST

static const struct {
    struct history_line line;
    const char *text;
} texts[] = {
    {{.cpu = 1,
      .exit = {.reason = KVM_EXIT_IO,
               .addr = 0x3f8,
               .size = 1,
               .count = 1,
               .write = true,
               .value = 0x41,
               .done = true},
      .region = "serial"},
     "cpu 1 port write 0x3f8 size 1 value 0x41 (serial+0x0)"},
    {{.exit =
          {.reason = KVM_EXIT_IO, .addr = 0x1f0, .size = 2, .count = 4, .value = 7, .done = true}},
     "cpu 0 port read 0x1f0 size 2 count 4 value 0x7"},
    {{.exit = {.reason = KVM_EXIT_MMIO, .addr = UINT64_MAX, .size = 8, .count = 1},
      .region = "hpet",
      .offset = 0xf0},
     "cpu 0 mmio read 0xffffffffffffffff size 8 value 0x0 (hpet+0xf0) not finished"},
    {{.exit = {.reason = KVM_EXIT_HLT, .done = true}}, "cpu 0 hlt"},
    {{.exit = {.reason = 12345, .done = true}}, "cpu 0 other"},
};

START_TEST(an_exit_is_one_line_of_text)
{
    char text[160];

    history_text(&texts[_i].line, text, sizeof(text));
    ck_assert_str_eq(text, texts[_i].text);
}
END_TEST

START_TEST(json_has_an_object_for_each_exit_and_only_what_it_has)
{
    const struct history_line lines[] = {texts[2].line, texts[3].line};
    json_t *array = history_json(lines, 2), *object;

    ck_assert_uint_eq(json_array_size(array), 2);
    object = json_array_get(array, 0);
    ck_assert_str_eq(json_string_value(json_object_get(object, "address")), "0xffffffffffffffff");
    ck_assert_str_eq(json_string_value(json_object_get(object, "direction")), "read");
    ck_assert_str_eq(json_string_value(json_object_get(object, "region")), "hpet");
    ck_assert_str_eq(json_string_value(json_object_get(object, "offset")), "0xf0");
    ck_assert(json_is_false(json_object_get(object, "done")));
    object = json_array_get(array, 1);
    ck_assert_str_eq(json_string_value(json_object_get(object, "reason")), "hlt");
    ck_assert_ptr_null(json_object_get(object, "address"));
    ck_assert_ptr_null(json_object_get(object, "done"));
    json_decref(array);
    array = history_json(NULL, 0);
    ck_assert_uint_eq(json_array_size(array), 0);
    json_decref(array);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history");
    TCase *tc = tcase_create("history");

    tcase_add_test(tc, a_port_write_is_noted_with_its_value_before_it_is_served);
    tcase_add_test(tc, an_mmio_read_is_noted_with_its_answer);
    tcase_add_test(tc, an_exit_that_is_no_access_has_neither_size_nor_value);
    tcase_add_table_test(tc, the_latest_exits_are_kept_and_read_oldest_first, fillings);
    tcase_add_test(tc, exits_of_several_cpus_are_put_in_the_order_of_time);
    tcase_add_table_test(tc, an_exit_is_one_line_of_text, texts);
    tcase_add_test(tc, json_has_an_object_for_each_exit_and_only_what_it_has);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
