/* test_board_alias.c - aliases of aliases as a tree says them, in any order, with an end or none.
 */
#include "tests/unit/board_fixture.h"

#include <errno.h>

#define ALIAS(label, addr, target)                                                                 \
    label ": " label " { compatible = \"acre,alias\"; reg = <0 " addr " 0 0x1000>;"                \
          " acre,target = <&" target ">; };"

static const struct {
    const char *source, *text;
} bad[] = {
    {ALIAS("a", "0x200000", "a"), "/a: acre,target: leads back to this alias"},
    {ALIAS("a", "0x200000", "b") ALIAS("b", "0x201000", "c") ALIAS("c", "0x202000", "a"),
     "/a: acre,target: leads back to this alias"},
    /* Those that only lead to a circle are not in it. */
    {ALIAS("a", "0x200000", "b") ALIAS("b", "0x201000", "c") ALIAS("c", "0x202000", "b"),
     "/b: acre,target: leads back to this alias"},
    {ALIAS("b", "0x200000", "c") ALIAS("c", "0x201000", "b") ALIAS("d", "0x202000", "b"),
     "/b: acre,target: leads back to this alias"},
    {"a { compatible = \"acre,alias\"; reg = <0 0x200000 0 0x1000>; acre,target = <77>; };",
     "/a: acre,target: no such node"},
    {"a { compatible = \"acre,alias\"; reg = <0 0x200000 0 0x1000>; acre,target = <0>; };",
     "/a: acre,target: no such node"},
    {"a { compatible = \"acre,alias\"; reg = <0 0x200000 0 0x1000>; acre,target = <1 2>; };",
     "/a: acre,target: 8 bytes, not 4"},
    {ALIAS("a", "0x200000", "b") ALIAS("b", "0x201000", "n") "n: n { v = <1>; };",
     "/b: acre,target: names a node that has no region"},
    {ALIAS("a", "0x200000", "off") "off: off { compatible = \"mmio-sram\"; reg = <0 0x300000 0 "
                                   "0x1000>; status = \"disabled\"; };",
     "/a: acre,target: names a node that has no region"},
    {"b: b { compatible = \"acre,container\"; reg = <0 0x200000 0 0x2000>; #address-cells = <1>;"
     " #size-cells = <1>; a { compatible = \"acre,alias\"; reg = <0 0x1000>; acre,target = <&b>; };"
     " };",
     "/b/a: aliases lead back to what holds them"},
};

START_TEST(alias_that_cannot_be_is_one_error_that_names_it)
{
    compile(bad[_i].source);
    ck_assert_int_eq(try_tree(), -EINVAL);
    ck_assert_refused(bad[_i].text);
}
END_TEST

/* 64 and 65 aliases of each other; the last one that is named shows memory. */
static const struct {
    unsigned num;
    bool forward;     /* what an alias shows comes before it */
    const char *text; /* NULL: it is a board */
} chains[] = {
    {64, true, NULL},
    {64, false, NULL},
    {65, true, "/a64: acre,target: the end of more than 64 aliases of each other"},
    {65, false, "/a0: acre,target: the end of more than 64 aliases of each other"},
};

START_TEST(aliases_of_each_other_have_an_end)
{
    char source[8000] = "r: r { compatible = \"mmio-sram\"; reg = <0 0x300000 0 0x1000>; };";
    const unsigned num = chains[_i].num;
    size_t used = strlen(source);
    char target[8];

    for (unsigned i = 0; i < num; i++) {
        unsigned shown = chains[_i].forward ? i - 1 : i + 1;

        (void)snprintf(target, sizeof(target), shown < num ? "a%u" : "r", shown);
        used += (size_t)snprintf(source + used, sizeof(source) - used,
                                 "a%u: a%u{compatible=\"acre,alias\";reg=<0 0x%x 0 4096>;"
                                 "acre,target=<&%s>;};\n",
                                 i, i, 0x400000 + 0x1000 * i, target);
    }
    ck_assert_uint_lt(used, sizeof(source));
    compile(source);
    if (chains[_i].text) {
        ck_assert_int_eq(try_tree(), -EINVAL);
        ck_assert_refused(chains[_i].text);
    } else {
        ck_assert_msg(try_tree() == 0, "%s", err.text);
        ck_assert_str_eq(region_at(board_memory(board), 0x400000), "r");
        ck_assert_str_eq(region_at(board_memory(board), 0x43ffff), "r");
    }
}
END_TEST

START_TEST(containers_that_show_each_other_have_an_end)
{
    static char source[60000] =
        "r: r { compatible = \"mmio-sram\"; reg = <0 0x300000 0 0x1000>; };";
    size_t used = strlen(source);
    char target[8];

    for (unsigned i = 0; i < 150; i++) {
        (void)snprintf(target, sizeof(target), i > 0 ? "c%u" : "r", i - 1);
        used += (size_t)snprintf(source + used, sizeof(source) - used,
                                 "c%u: c%u{compatible=\"acre,container\";reg=<0 0x%x 0 4096>;"
                                 "#address-cells=<1>;#size-cells=<1>;v{compatible=\"acre,alias\";"
                                 "reg=<0 4096>;acre,target=<&%s>;};};\n",
                                 i, i, 0x400000 + 0x1000 * i, target);
    }
    ck_assert_uint_lt(used, sizeof(source));
    compile(source);
    ck_assert_int_eq(try_tree(), -EINVAL);
    ck_assert_refused("/: containers and aliases show each other too deeply");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("board_alias");
    TCase *tcase = tcase_create("board_alias");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_table_test(tcase, alias_that_cannot_be_is_one_error_that_names_it, bad);
    tcase_add_table_test(tcase, aliases_of_each_other_have_an_end, chains);
    tcase_add_test(tcase, containers_that_show_each_other_have_an_end);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
