/* test_map_diff.c - how two maps differ, from the JSON that describes them. */
#include "vmm/map_diff.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "run_suite.h"

/* A map of one space, "memory", with these ranges and slots. */
static json_t *map_of(const char *ranges, const char *slots)
{
    char text[2048];
    json_error_t bad;
    json_t *map;

    (void)snprintf(text, sizeof(text),
                   "{\"flat-views\": [{\"address-spaces\": [\"memory\"], \"ranges\": [%s]}],"
                   " \"slots\": [%s]}",
                   ranges, slots);
    map = json_loads(text, 0, &bad);
    ck_assert_msg(map != NULL, "%s", bad.text);
    return map;
}

#define RANGE(first, last, region, offset)                                                         \
    "{\"first\": \"" first "\", \"last\": \"" last                                                 \
    "\", \"priority\": 0, \"type\": \"ram\", \"region\": \"" region "\", \"offset\": \"" offset    \
    "\", \"slots\": [7]}"
#define SLOT(id, first, last, flags)                                                               \
    "{\"id\": " id ", \"first\": \"" first "\", \"last\": \"" last                                 \
    "\", \"ram-block\": \"ram\", \"offset\": \"0x0\", \"flags\": [" flags "]}"

static void keep(void *opaque, const char *text, size_t len)
{
    (void)strncat(opaque, text, len);
}

static const struct {
    const char *old_ranges, *old_slots, *new_ranges, *new_slots, *text;
} cases[] = {
    {RANGE("0x0", "0xfff", "a", "0x0"), SLOT("0", "0x0", "0xfff", ""),
     RANGE("0x0", "0xfff", "a", "0x0"), SLOT("5", "0x0", "0xfff", ""), ""},
    {"", "", "", "", ""},
    /* One of the same place that shows something else. */
    {RANGE("0x0", "0xfff", "a", "0x0"), "", RANGE("0x0", "0xfff", "b", "0x0"), "",
     "address-space: memory\n"
     "- 0000000000000000-0000000000000fff (prio 0, ram) a @0000000000000000\n"
     "+ 0000000000000000-0000000000000fff (prio 0, ram) b @0000000000000000\n"},
    {RANGE("0x0", "0xfff", "a", "0x0"), "", RANGE("0x0", "0xfff", "a", "0x1000"), "",
     "address-space: memory\n"
     "- 0000000000000000-0000000000000fff (prio 0, ram) a @0000000000000000\n"
     "+ 0000000000000000-0000000000000fff (prio 0, ram) a @0000000000001000\n"},
    /* What is alike around it is left out. */
    {RANGE("0x0", "0xfff", "a", "0x0") "," RANGE("0x2000", "0x2fff", "c", "0x0"), "",
     RANGE("0x0", "0xfff", "a", "0x0") "," RANGE("0x1000", "0x1fff", "b",
                                                 "0x0") "," RANGE("0x2000", "0x2fff", "c", "0x0"),
     "",
     "address-space: memory\n"
     "+ 0000000000001000-0000000000001fff (prio 0, ram) b @0000000000000000\n"},
    {RANGE("0xfffffffffffff000", "0xffffffffffffffff", "a", "0x0"), "", "", "",
     "address-space: memory\n"
     "- fffffffffffff000-ffffffffffffffff (prio 0, ram) a @0000000000000000\n"},
    /* Slots: their flags count, their numbers do not. */
    {"", SLOT("1", "0x0", "0xfff", ""), "", SLOT("1", "0x0", "0xfff", "\"readonly\""),
     "slots\n"
     "- 0000000000000000-0000000000000fff ram @0000000000000000\n"
     "+ 0000000000000000-0000000000000fff ram @0000000000000000 readonly\n"},
};

START_TEST(what_one_map_has_and_the_other_has_not_is_told_by_address)
{
    json_t *old_map = map_of(cases[_i].old_ranges, cases[_i].old_slots);
    json_t *new_map = map_of(cases[_i].new_ranges, cases[_i].new_slots);
    json_t *diff = map_diff(old_map, new_map), *back = map_diff(new_map, old_map);
    char text[1024] = "";
    struct memory_sink sink = {.write = keep, .opaque = text};

    ck_assert_ptr_nonnull(diff);
    map_diff_print(diff, &sink);
    ck_assert_str_eq(text, cases[_i].text);
    ck_assert_int_eq(map_diff_is_equal(diff), cases[_i].text[0] == '\0');
    /* The other way round it is the same, with the signs changed. */
    ck_assert(map_diff_is_equal(diff) == map_diff_is_equal(back));
    ck_assert(json_equal(json_object_get(json_object_get(diff, "slots"), "removed"),
                         json_object_get(json_object_get(back, "slots"), "added")));
    json_decref(diff);
    json_decref(back);
    json_decref(old_map);
    json_decref(new_map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("map_diff");
    TCase *tcase = tcase_create("map_diff");

    tcase_add_table_test(tcase, what_one_map_has_and_the_other_has_not_is_told_by_address, cases);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
