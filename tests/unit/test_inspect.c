/*
 * test_inspect.c - every built-in board as `acre inspect` opens it: explanations agree with the
 * views at every boundary, and the JSON is whole.
 */
#include "vmm/inspect.h"

#include <check.h>
#include <jansson.h>
#include <string.h>

#include "run_suite.h"
#include "tests/unit/explain_check.h"
#include "vmm/map_json.h"

enum { BOARDS_MAX = 16 };

static struct inspect inspect;

/* Returns: false when there are not so many boards. */
static bool open_builtin(int index)
{
    struct run_options options = {0};
    const char *summary;
    struct error err = {0};

    options.board = board_builtin((size_t)index, &summary);
    if (!options.board) {
        return false;
    }
    ck_assert_msg(inspect_open(&inspect, &options, &err) == 0, "%s", err.text);
    return true;
}

START_TEST(explanations_agree_with_the_views_of_every_board)
{
    char why[192];

    if (open_builtin(_i)) {
        ck_assert_msg(explain_agrees(board_memory(inspect.board), why, sizeof(why)), "%s", why);
        ck_assert_msg(explain_agrees(board_io(inspect.board), why, sizeof(why)), "%s", why);
        inspect_close(&inspect);
    }
}
END_TEST

/* Every range names a region, and slots only where memory is. */
static void check_ranges(const json_t *map)
{
    const json_t *view, *range;
    size_t i, j;

    json_array_foreach(json_object_get(map, "flat-views"), i, view)
    {
        json_array_foreach(json_object_get(view, "ranges"), j, range)
        {
            const char *type = json_string_value(json_object_get(range, "type"));
            const json_t *slots = json_object_get(range, "slots");

            ck_assert_ptr_nonnull(json_string_value(json_object_get(range, "region")));
            ck_assert_ptr_nonnull(type);
            if (slots && strcmp(type, "i/o") == 0) {
                ck_assert_uint_eq(json_array_size(slots), 0);
            }
        }
    }
}

START_TEST(map_of_every_board_is_whole_json)
{
    json_t *map, *why;

    if (!open_builtin(_i)) {
        return;
    }
    map = map_json(&inspect.core, board_memory(inspect.board), &inspect.slots, true);
    ck_assert_ptr_nonnull(map);
    ck_assert_int_eq(json_integer_value(json_object_get(map, "version")), MAP_JSON_VERSION);
    ck_assert_uint_ge(json_array_size(json_object_get(map, "trees")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(map, "slots")),
                      kvm_slots_num(&inspect.slots));
    ck_assert_uint_ge(json_array_size(json_object_get(map, "ram-blocks")), 1);
    check_ranges(map);
    json_decref(map);
    why = map_json_why(board_memory(inspect.board), 0, 8, &inspect.slots);
    ck_assert_str_eq(json_string_value(json_object_get(why, "address")), "0x0");
    ck_assert_ptr_nonnull(json_string_value(json_object_get(why, "winner")));
    ck_assert_uint_eq(json_array_size(json_object_get(why, "accesses")), 8);
    json_decref(why);
    inspect_close(&inspect);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inspect");
    TCase *tcase = tcase_create("boards");

    tcase_add_loop_test(tcase, explanations_agree_with_the_views_of_every_board, 0, BOARDS_MAX);
    tcase_add_loop_test(tcase, map_of_every_board_is_whole_json, 0, BOARDS_MAX);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
