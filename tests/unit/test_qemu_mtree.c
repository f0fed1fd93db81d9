/*
 * What is made of QEMU's listings: small ones, written for one question each. Whole boards are
 * captured in tests/qemu.
 */
#include "vmm/qemu_mtree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/memory.h"
#include "tests/unit/run_suite.h"

enum { OUTPUT_MAX = 1 << 20 };

struct output {
    char text[OUTPUT_MAX];
    size_t size;
    struct error err;
};

static struct output output;

static void append(void *opaque, const char *text, size_t len)
{
    struct output *out = opaque;

    ck_assert_uint_lt(out->size + len, sizeof(out->text));
    memcpy(out->text + out->size, text, len);
    out->size += len;
    out->text[out->size] = '\0';
}

static int compare_bytes(const char *tree, size_t tree_size, const char *flat, size_t flat_size)
{
    const struct qemu_mtree_text tree_text = {.path = "T", .text = tree, .size = tree_size};
    const struct qemu_mtree_text flat_text = {.path = "F", .text = flat, .size = flat_size};
    struct memory_sink sink = {.write = append, .opaque = &output};
    int ret;

    output.size = 0;
    output.text[0] = '\0';
    output.err.text[0] = '\0';
    memory_thread_register();
    ret = qemu_mtree_compare(&tree_text, flat ? &flat_text : NULL, &sink, &output.err);
    memory_thread_unregister();
    return ret;
}

static int compare(const char *tree, const char *flat)
{
    return compare_bytes(tree, strlen(tree), flat, flat ? strlen(flat) : 0);
}

/* Parts of lines that the listings below are made of. */
#define A0 "0000000000000000"
#define A1 "0000000000001000"
#define A2 "0000000000002000"
#define A3 "0000000000003000"
#define L0 "0000000000000fff"
#define L1 "0000000000001fff"
#define L2 "0000000000002fff"
#define L3 "0000000000003fff"
#define END "ffffffffffffffff"
#define SPACE "address-space: memory\n"
#define ROOT "  " A0 "-" END " (prio 0, i/o): system\n"
#define VIEW "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n"

/* ---- what the tree's text leaves open ---- */

static const struct reading {
    const char *what, *tree, *flat;
    const char *inference; /* NULL: there is nothing to say but that system is a container */
} readings[] = {
    {"io_that_never_shows_is_a_container",
     SPACE ROOT "    " A0 "-" L1 " (prio 0, i/o): bus\n"
                "      " A1 "-" L1 " (prio 0, i/o): dev\n\n",
     VIEW "  " A1 "-" L1 " (prio 0, i/o): dev\n\n", "line 3: bus is a pure container"},
    {"io_that_shows_beside_its_children_answers",
     SPACE ROOT "    " A0 "-" L2 " (prio 0, i/o): bus\n"
                "      " A1 "-" L1 " (prio 0, i/o): dev\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, i/o): bus\n"
          "  " A1 "-" L1 " (prio 0, i/o): dev\n"
          "  " A2 "-" L2 " (prio 0, i/o): bus @" A2 "\n\n",
     "line 3: bus answers where its children do not"},
    {"io_without_children_that_never_shows_is_an_empty_container",
     SPACE ROOT "    " A0 "-" L2 " (prio 0, ram): ram\n"
                "    " A1 "-" L1 " (prio 1, i/o): window\n\n",
     VIEW "  " A0 "-" L2 " (prio 0, ram): ram\n\n", "line 4: window is an empty container"},
    {"what_a_container_leaves_open_shows_lower_siblings",
     SPACE ROOT "    " A0 "-" L2 " (prio 1, i/o): bus\n"
                "      " A1 "-" L1 " (prio 0, i/o): dev\n"
                "    " A0 "-" L2 " (prio 0, ram): ram\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, ram): ram\n"
          "  " A1 "-" L1 " (prio 0, i/o): dev\n"
          "  " A2 "-" L2 " (prio 0, ram): ram @" A2 "\n\n",
     "line 3: bus is a pure container"},
    {"rom_of_a_ram_is_a_read_only_alias",
     SPACE ROOT "    " A0 "-" L0 " (prio 0, ram): alias shadow @ram " A0 "-" L0 "\n"
                "    " A1 "-" L1 " (prio 0, ram): alias plain @ram " A1 "-" L1 "\n\n"
                "memory-region: ram\n  " A0 "-" L3 " (prio 0, ram): ram\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, rom): ram\n"
          "  " A1 "-" L1 " (prio 0, ram): ram @" A1 "\n\n",
     "line 3: shadow is read-only"},
    {"lower_address_is_newer_where_the_view_says_so",
     SPACE ROOT "    " A0 "-" L1 " (prio 0, i/o): low\n"
                "    " A1 "-" L2 " (prio 0, i/o): high\n\n",
     VIEW "  " A0 "-" L1 " (prio 0, i/o): low\n"
          "  " A2 "-" L2 " (prio 0, i/o): high @" A1 "\n\n",
     "line 3: low is newer than line 4: high"},
    {"higher_address_is_newer_where_the_view_says_so",
     SPACE ROOT "    " A0 "-" L1 " (prio 0, i/o): low\n"
                "    " A1 "-" L2 " (prio 0, i/o): high\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, i/o): low\n"
          "  " A1 "-" L2 " (prio 0, i/o): high\n\n",
     "line 4: high is newer than line 3: low"},
    {"same_address_keeps_the_order_of_the_listing",
     SPACE ROOT "    " A0 "-" L0 " (prio 0, i/o): newer\n"
                "    " A0 "-" L1 " (prio 0, i/o): older\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, i/o): newer\n"
          "  " A1 "-" L1 " (prio 0, i/o): older @" A1 "\n\n",
     NULL},
    {"order_counts_only_among_equal_priorities",
     SPACE ROOT "    " A0 "-" L1 " (prio 1, i/o): low\n"
                "    " A1 "-" L2 " (prio -1, i/o): high\n\n",
     VIEW "  " A0 "-" L1 " (prio 1, i/o): low\n"
          "  " A2 "-" L2 " (prio -1, i/o): high @" A1 "\n\n",
     NULL},
    {"size_0_is_printed_as_1",
     SPACE ROOT "    " A0 "-" A0 " (prio 1, ram): alias gone @ram " A0 "-" A0 "\n"
                "    " A0 "-" L0 " (prio 0, i/o): dev\n\n"
                "memory-region: ram\n  " A0 "-" L3 " (prio 0, ram): ram\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, i/o): dev\n\n", "line 3: gone has size 0"},
};

START_TEST(reading_is_told_by_the_flat_view)
{
    const struct reading *reading = &readings[_i];
    int ret = compare(reading->tree, reading->flat);

    ck_assert_msg(ret == QEMU_MTREE_EQUAL, "%s: %d %s\n%s", reading->what, ret, output.err.text,
                  output.text);
    ck_assert_msg(strstr(output.text, reading->inference ? reading->inference
                                                         : "line 2: system is a pure container"),
                  "%s: no such inference in:\n%s", reading->what, output.text);
}
END_TEST

/* ---- kinds, sizes and forms of lines ---- */

static const struct form {
    const char *what, *tree, *flat;
} forms[] = {
    {"all_types_and_nonvolatile",
     SPACE ROOT "    " A0 "-" L0 " (prio 0, rom): rom\n    " A1 "-" L1 " (prio 0, romd): flash\n"
                "    " A2 "-" L2 " (prio 0, ramd): dev\n    " A3 "-" L3 " (prio 0, nv-ram): nv\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, rom): rom\n  " A1 "-" L1 " (prio 0, romd): flash\n"
          "  " A2 "-" L2 " (prio 0, ramd): dev\n  " A3 "-" L3 " (prio 0, nv-ram): nv\n\n"},
    {"terabytes_of_ram_cost_nothing",
     SPACE ROOT "    " A0 "-00000fffffffffff (prio 0, ram): big\n"
                "    0000100000000000-00ffffffffffffff (prio 0, ram): bigger\n\n",
     VIEW "  " A0 "-00000fffffffffff (prio 0, ram): big\n"
          "  0000100000000000-00ffffffffffffff (prio 0, ram): bigger\n\n"},
    {"ram_ends_within_a_page",
     SPACE ROOT "    " A0 "-00000000000000ff (prio 3, ram): sram\n"
                "    " A0 "-" L0 " (prio 2, rom): below\n\n",
     VIEW "  " A0 "-00000000000000ff (prio 3, ram): sram\n"
          "  0000000000000100-" L0 " (prio 2, rom): below @0000000000000100\n\n"},
    {"io_of_2_to_the_64", SPACE "  " A0 "-" END " (prio 0, i/o): system\n\n",
     "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n"
     "  " A0 "-" END " (prio 0, i/o): system\n\n"},
    {"child_is_cut_to_its_container_and_an_end_that_wraps_is_marked",
     SPACE ROOT "[DETECTED OVERFLOW!]     fffffffffffff000-" L0 " (prio 0, i/o): wraps\n\n",
     VIEW "  fffffffffffff000-" END " (prio 0, i/o): wraps\n\n"},
    {"alias_larger_than_its_target_leaves_a_hole",
     SPACE ROOT "    " A1 "-" L3 " (prio 1, ram): alias a @ram " A0 "-" L2 "\n"
                "    " A0 "-" L3 " (prio 0, i/o): below\n\n"
                "memory-region: ram\n  " A0 "-" L0 " (prio 0, ram): ram\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, i/o): below\n  " A1 "-" L1 " (prio 0, ram): ram\n"
          "  " A2 "-" L3 " (prio 0, i/o): below @" A2 "\n\n"},
    {"alias_offset_above_its_address",
     SPACE ROOT "    " A0 "-" L0 " (prio 0, ram): alias a @ram " A2 "-" L2 "\n\n"
                "memory-region: ram\n  " A0 "-" L3 " (prio 0, ram): ram\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, ram): ram @" A2 "\n\n"},
    {"alias_of_an_alias_of_a_disabled_region_shows_nothing",
     SPACE ROOT "    " A0 "-" L0 " (prio 0, ram): alias a @b " A0 "-" L0 "\n"
                "    " A1 "-" L1 " (prio 0, i/o): dev\n\n"
                "memory-region: b\n  " A0 "-" L0 " (prio 0, ram): alias b @ram " A0 "-" L0 "\n\n"
                "memory-region: ram\n  " A0 "-" L0 " (prio 0, ram): ram [disabled]\n\n",
     VIEW "  " A1 "-" L1 " (prio 0, i/o): dev\n\n"},
    {"disabled_container_hides_its_children_and_nothing_else",
     SPACE ROOT "    " A0 "-" L1 " (prio 9, i/o): off [disabled]\n"
                "      " A0 "-" L0 " (prio 0, i/o): child\n"
                "    " A0 "-" L1 " (prio 0, ram): ram\n\n",
     VIEW "  " A0 "-" L1 " (prio 0, ram): ram\n\n"},
    {"space_of_a_root_that_is_mounted_begins_at_its_address",
     SPACE ROOT "    " A1 "-" L2 " (prio 0, i/o): io\n      " A1 "-" L1 " (prio 0, i/o): dev\n\n"
                "address-space: I/O\n  " A1 "-" L2 " (prio 0, i/o): io\n"
                "    " A1 "-" L1 " (prio 0, i/o): dev\n\n",
     VIEW "  " A1 "-" L1 " (prio 0, i/o): dev\n\n"
          "FlatView #1\n AS \"I/O\", root: io\n Root memory region: io\n"
          "  " A1 "-" L1 " (prio 0, i/o): dev\n\n"},
    {"spaces_without_a_root_or_with_a_disabled_one_are_empty",
     SPACE ROOT "    " A0 "-" L0 " (prio 0, i/o): dev\n\n"
                "address-space: none\n\n"
                "address-space: off\n  " A0 "-" L0 " (prio 0, i/o): off [disabled]\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, i/o): dev\n\n"
          "FlatView #1\n AS \"none\", root: (none)\n AS \"off\", root: off\n"
          " Root memory region: (none)\n  No rendered FlatView\n\n"},
    {"spaces_of_one_name_find_their_own_views",
     "address-space: dma\n  " A0 "-" L1 " (prio 0, i/o): bus\n"
     "    " A0 "-" L0 " (prio 0, i/o): dev\n\n"
     "address-space: dma\n  " A0 "-" L1 " (prio 0, i/o): bus\n"
     "    " A1 "-" L1 " (prio 0, i/o): dev\n\n",
     "FlatView #0\n AS \"dma\", root: bus\n Root memory region: bus\n"
     "  " A1 "-" L1 " (prio 0, i/o): dev\n\n"
     "FlatView #1\n AS \"dma\", root: bus\n Root memory region: bus\n"
     "  " A0 "-" L0 " (prio 0, i/o): dev\n\n"},
    {"blocks_of_one_name_are_told_by_the_order_in_which_aliases_meet_them",
     SPACE ROOT "    " A0 "-" L0 " (prio 0, ram): alias a @ram " A0 "-" L0 "\n"
                "    " A1 "-" L1 " (prio 0, rom): alias b @rom " A0 "-" L0 "\n"
                "    " A2 "-" L2 " (prio 0, rom): alias c @ram " A0 "-" L0 "\n\n"
                "memory-region: ram\n  " A0 "-" L0 " (prio 1, ram): ram\n\n"
                "memory-region: rom\n  " A0 "-" L0 " (prio 2, rom): rom\n\n"
                "memory-region: ram\n  " A0 "-" L0 " (prio 3, rom): ram\n\n",
     VIEW "  " A0 "-" L0 " (prio 1, ram): ram\n  " A1 "-" L1 " (prio 2, rom): rom\n"
          "  " A2 "-" L2 " (prio 3, rom): ram\n\n"},
    {"container_mirrors_a_part_of_itself",
     SPACE ROOT "    " A0 "-" L1 " (prio 0, i/o): box\n"
                "      " A0 "-" L0 " (prio 0, i/o): dev\n"
                "      " A1 "-" L1 " (prio -5, i/o): alias mirror @box " A0 "-" L0 "\n\n"
                "memory-region: box\n  " A0 "-" L1 " (prio 0, i/o): box\n"
                "    " A0 "-" L0 " (prio 0, i/o): dev\n"
                "    " A1 "-" L1 " (prio -5, i/o): alias mirror @box " A0 "-" L0 "\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, i/o): dev\n  " A1 "-" L1 " (prio 0, i/o): dev\n\n"},
    {"disabled_alias_may_contain_itself_for_good",
     SPACE ROOT "    " A0 "-" END " (prio 0, i/o): alias all @system " A0 "-" END " [disabled]\n"
                "    " A0 "-" L0 " (prio 0, i/o): dev\n\n"
                "memory-region: system\n" ROOT "    " A0 "-" END
                " (prio 0, i/o): alias all @system " A0 "-" END " [disabled]\n"
                "    " A0 "-" L0 " (prio 0, i/o): dev\n\n",
     VIEW "  " A0 "-" L0 " (prio 0, i/o): dev\n\n"},
    {"prompts_carriage_returns_owners_marks_and_dispatch_trees_are_passed_over",
     "QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) info mtree -o -D\r\n"
     "address-space: memory\r\n  " A0 "-" END " (prio 0, i/o): system owner:{obj path=/x}\r\n"
     "    " A0 "-" L0 " (prio 0, ram): alias a @ram " A0 "-" L0
     " [disabled] owner:{dev id=d} parent:{obj type=t}\r\n"
     "    " A1 "-" L1 " (prio 0, ram): ram orphan\r\n\r\n"
     "memory-region: ram\r\n  " A1 "-" L1 " (prio 0, ram): ram\r\n\r\n(qemu) quit",
     "(qemu) info mtree -f\r\nFlatView #0\r\n AS \"memory\", root: system, alias x\r\n"
     " Root memory region: system\r\n  " A1 "-" L1 " (prio 0, ram): ram KVM owner:{dev id=d}\r\n"
     "  Dispatch\r\n    Physical sections\r\n      #1 @" A0 ".." L0 " ram [ROM]\r\n\r\n(qemu) "},
};

START_TEST(form_is_understood)
{
    const struct form *form = &forms[_i];
    int ret = compare(form->tree, form->flat);

    ck_assert_msg(ret == QEMU_MTREE_EQUAL, "%s: %d %s\n%s", form->what, ret, output.err.text,
                  output.text);
}
END_TEST

START_TEST(one_file_may_hold_both_listings_in_either_order)
{
    static const char tree[] = SPACE ROOT "    " A0 "-" L0 " (prio 0, i/o): dev\n\n";
    static const char flat[] = VIEW "  " A0 "-" L0 " (prio 0, i/o): dev\n\n";
    char both[2 * sizeof(tree) + sizeof(flat)];

    (void)snprintf(both, sizeof(both), "%s(qemu) info mtree -f\n%s", tree, flat);
    ck_assert_int_eq(compare(both, both), QEMU_MTREE_EQUAL);
    (void)snprintf(both, sizeof(both), "%s(qemu) info mtree -D\n%s", flat, tree);
    ck_assert_int_eq(compare(both, both), QEMU_MTREE_EQUAL);
    ck_assert_ptr_nonnull(strstr(output.text, "equal: 1 views, 1 lines"));
}
END_TEST

/* ---- differences ---- */

#define TREE_OF_TWO                                                                                \
    SPACE ROOT "    " A0 "-" L1 " (prio 0, ram): ram\n    " A1 "-" L2 " (prio 1, i/o): dev\n\n"
#define RAM_LINE "  " A0 "-" L0 " (prio 0, ram): ram\n"
#define DEV_LINE "  " A1 "-" L2 " (prio 1, i/o): dev\n"

static const struct difference {
    const char *what, *flat, *line;
} differences[] = {
    {"another_end", VIEW "  " A0 "-0000000000000ffe (prio 0, ram): ram\n" DEV_LINE "\n",
     "- " A0 "-0000000000000ffe"},
    {"another_name", VIEW RAM_LINE "  " A1 "-" L2 " (prio 1, i/o): other\n\n",
     "+ " A1 "-" L2 " (prio 1, i/o): dev\n"},
    {"another_priority", VIEW RAM_LINE "  " A1 "-" L2 " (prio 2, i/o): dev\n\n",
     "- " A1 "-" L2 " (prio 2, i/o): dev\n"},
    {"another_type", VIEW "  " A0 "-" L0 " (prio 0, ramd): ram\n" DEV_LINE "\n",
     "- " A0 "-" L0 " (prio 0, ramd): ram\n"},
    {"another_offset", VIEW RAM_LINE "  " A1 "-" L2 " (prio 1, i/o): dev @" A1 "\n\n",
     "- " A1 "-" L2 " (prio 1, i/o): dev @" A1 "\n"},
    {"ram_made_rom_by_nothing", VIEW "  " A0 "-" L0 " (prio 0, rom): ram\n" DEV_LINE "\n",
     "+ " A0 "-" L0 " (prio 0, ram): ram\n"},
    {"line_that_is_missing", VIEW DEV_LINE "\n", "+ " A0 "-" L0 " (prio 0, ram): ram\n"},
    {"line_too_many", VIEW RAM_LINE DEV_LINE "  " A3 "-" L3 " (prio 0, i/o): x\n\n",
     "- " A3 "-" L3 " (prio 0, i/o): x\n"},
    {"range_cut_in_two",
     VIEW RAM_LINE "  " A1 "-" L1 " (prio 1, i/o): dev\n  " A2 "-" L2 " (prio 1, i/o): dev @" A1
                   "\n\n",
     "+ " A1 "-" L2 " (prio 1, i/o): dev\n"},
    {"part_of_a_device_hidden_by_what_is_lower",
     VIEW "  " A0 "-" L1 " (prio 0, ram): ram\n  " A2 "-" L2 " (prio 1, i/o): dev @" A1 "\n\n",
     "- " A2 "-" L2 " (prio 1, i/o): dev @" A1 "\n"},
    {"space_of_another_name",
     "FlatView #0\n AS \"other\", root: system\n Root memory region: system\n" RAM_LINE DEV_LINE
     "\n",
     "-AS \"other\", root: system\n"},
    {"space_too_many", VIEW RAM_LINE DEV_LINE "\nFlatView #1\n AS \"more\", root: r\n\n",
     "-AS \"more\", root: r\n"},
    {"empty_view", VIEW "  No rendered FlatView\n\n", "+ " A0 "-" L1 " (prio 0, ram): ram\n"},
};

START_TEST(difference_is_shown_by_line)
{
    const struct difference *difference = &differences[_i];
    int ret = compare(TREE_OF_TWO, difference->flat);

    ck_assert_msg(ret == QEMU_MTREE_DIFFERENT, "%s: %d %s\n%s", difference->what, ret,
                  output.err.text, output.text);
    ck_assert_msg(strstr(output.text, difference->line), "%s: no line %s in\n%s", difference->what,
                  difference->line, output.text);
    ck_assert_ptr_nonnull(strstr(output.text, "\ndifferent: "));
}
END_TEST

START_TEST(equal_view_has_no_marks)
{
    ck_assert_int_eq(compare(TREE_OF_TWO, VIEW RAM_LINE DEV_LINE "\n"), QEMU_MTREE_EQUAL);
    ck_assert_ptr_null(strstr(output.text, "\n-"));
    ck_assert_ptr_null(strstr(output.text, "\n+"));
    ck_assert_ptr_nonnull(strstr(output.text, "\nequal: 1 views, 2 lines\n"));
}
END_TEST

START_TEST(tree_alone_is_shown_with_what_was_assumed)
{
    int ret = compare(SPACE ROOT "    " A0 "-" L1 " (prio 0, i/o): low\n"
                                 "    " A1 "-" L2 " (prio 0, i/o): high\n"
                                 "      " A2 "-" L2 " (prio 0, i/o): child\n\n",
                      NULL);

    ck_assert_int_eq(ret, QEMU_MTREE_EQUAL);
    ck_assert_ptr_nonnull(strstr(output.text, "  " A0 "-" L1 " (prio 0, i/o): low\n"
                                              "  " A2 "-" L2 " (prio 0, i/o): child\n"));
    ck_assert_ptr_nonnull(strstr(output.text, "line 4: high assumed to be a pure container"));
    ck_assert_ptr_nonnull(strstr(output.text, "line 4: high assumed to be newer than line 3: low"));
}
END_TEST

/* ---- where QEMU's listing is wrong ---- */

/*
 * Section 7, defect 2: without -D only the line of a disabled region is left out, its children are
 * listed as if they were live.
 */
START_TEST(q7_2_children_of_a_disabled_region_that_is_left_out_are_not_live)
{
    int ret = compare(SPACE ROOT "      " A0 "-" L0 " (prio 0, i/o): acpi-evt\n"
                                 "    " A1 "-" L1 " (prio 0, i/o): dev\n\n"
                                 "memory-region: off\n"
                                 "    " A0 "-" L0 " (prio 0, i/o): inside\n\n",
                      VIEW "  " A1 "-" L1 " (prio 0, i/o): dev\n\n");

    ck_assert_msg(ret == QEMU_MTREE_EQUAL, "%d %s\n%s", ret, output.err.text, output.text);
    ck_assert_ptr_nonnull(strstr(output.text, "1 lines lie below a disabled region"));
}
END_TEST

/*
 * Section 8, item 18: a root that is an alias from 0 is replaced by its target, which then shows
 * from its own address on. acre shows what the alias shows.
 */
START_TEST(q8_18_root_alias_shows_its_target_from_0)
{
    int ret = compare("address-space: view\n"
                      "  " A0 "-" L0 " (prio 0, ram): alias root @ram " A0 "-" L0 "\n\n"
                      "memory-region: ram\n  " A2 "-" L2 " (prio 0, ram): ram\n\n",
                      "FlatView #0\n AS \"view\", root: root, alias ram\n"
                      " Root memory region: ram\n  " A2 "-" L2 " (prio 0, ram): ram\n\n");

    ck_assert_int_eq(ret, QEMU_MTREE_DIFFERENT);
    ck_assert_ptr_nonnull(strstr(output.text, "+ " A0 "-" L0 " (prio 0, ram): ram\n"));
    ck_assert_ptr_nonnull(strstr(output.text, "- " A2 "-" L2 " (prio 0, ram): ram\n"));
}
END_TEST

/* ---- bad input ---- */

static const struct bad {
    const char *what, *tree, *flat, *message;
} bad_texts[] = {
    {"empty_file", "", NULL, "T:0: no address-space"},
    {"no_listing", "Hello,\nworld.\n", NULL, "T:2: no address-space"},
    {"flat_file_without_a_view", SPACE ROOT, "nothing\n", "F:1: no FlatView"},
    {"line_that_is_no_region", SPACE ROOT "    hello\n", NULL, "T:3: not a line of info mtree"},
    {"odd_indentation", SPACE ROOT "   " A0 "-" L0 " (prio 0, i/o): x\n", NULL, "T:3: not a line"},
    {"short_address", SPACE "  0000-" L0 " (prio 0, i/o): x\n", NULL, "T:2: not a line"},
    {"priority_out_of_range", SPACE "  " A0 "-" L0 " (prio 2147483648, i/o): x\n", NULL,
     "T:2: not a line"},
    {"priority_with_a_plus", SPACE "  " A0 "-" L0 " (prio +1, i/o): x\n", NULL, "T:2: not a line"},
    {"unknown_type", SPACE "  " A0 "-" L0 " (prio 0, rum): x\n", NULL, "T:2: not a line"},
    {"two_roots", SPACE ROOT ROOT, NULL, "T:3: a second root"},
    {"size_of_2_to_the_64_less_1", SPACE "  " A0 "-fffffffffffffffe (prio 0, i/o): x\n", NULL,
     "T:2: a size of 2^64-1"},
    {"region_outside_of_a_space", SPACE ROOT "\n" ROOT, NULL, "T:4: a region of no space"},
    {"end_of_line_cut_off", SPACE "  " A0 "-" L0 " (prio 0, i/o): sys", NULL, "T:2: cut off"},
    {"alias_without_a_block",
     SPACE ROOT "    " A0 "-" L0 " (prio 0, ram): alias a @b " A0 "-" L0 "\n", NULL,
     "T:3: alias of b, of which"},
    {"alias_of_nothing", SPACE ROOT "    " A0 "-" L0 " (prio 0, ram): alias a b " A0 "-" L0 "\n",
     NULL, "T:3: an alias of nothing"},
    {"alias_of_another_size",
     SPACE ROOT "    " A0 "-" L0 " (prio 0, ram): alias a @b " A0 "-" L1 "\n", NULL,
     "T:3: an alias of another size"},
    {"alias_that_shows_itself",
     SPACE ROOT "    " A0 "-" END " (prio 0, i/o): alias a @system " A0 "-" END "\n\n"
                "memory-region: system\n" ROOT "    " A0 "-" END
                " (prio 0, i/o): alias a @system " A0 "-" END "\n\n",
     NULL, "lead back to themselves"},
    {"two_aliases_of_each_other",
     SPACE "  " A0 "-" L0 " (prio 0, i/o): alias a @b " A0 "-" L0 "\n\n"
           "memory-region: b\n  " A0 "-" L0 " (prio 0, i/o): alias b @a " A0 "-" L0 "\n\n"
           "memory-region: a\n  " A0 "-" L0 " (prio 0, i/o): alias a @b " A0 "-" L0 "\n\n",
     NULL, "lead back to themselves"},
    {"more_ram_than_there_is",
     SPACE ROOT "    " A0 "-5fffffffffffffff (prio 0, ram): a\n"
                "    6000000000000000-bfffffffffffffff (prio 0, ram): b\n\n",
     NULL, "T:4: b: more RAM"},
    {"one_ram_too_large", SPACE "  " A0 "-" END " (prio 0, ram): a\n\n", NULL, "T:2: a: RAM of"},
    {"control_characters", SPACE "  \x1b[2J\n", NULL, "T:2: not a line of info mtree:   ?[2J"},
    {"flat_ranges_overlap", SPACE ROOT,
     VIEW "  " A0 "-" L1 " (prio 0, i/o): a\n  " A1 "-" L1 " (prio 0, i/o): b\n",
     "F:5: not in ascending order"},
    {"flat_range_ends_before_it_starts", SPACE ROOT, VIEW "  " A1 "-" L0 " (prio 0, i/o): a\n",
     "F:4: not in ascending order"},
    {"flat_line_cut_off", SPACE ROOT, VIEW "  " A0 "-" L1 " (prio 0", "F:4: cut off"},
    {"flat_space_without_a_root", SPACE ROOT, "FlatView #0\n AS \"x\"\n", "F:2: not a line"},
    {"tree_given_as_flat", SPACE ROOT, SPACE ROOT, "F:2: no FlatView"},
};

START_TEST(bad_text_is_refused_by_file_and_line)
{
    const struct bad *bad = &bad_texts[_i];
    int ret = compare(bad->tree, bad->flat);

    ck_assert_msg(ret < 0, "%s: %d\n%s", bad->what, ret, output.text);
    ck_assert_msg(strstr(output.err.text, bad->message), "%s: %s", bad->what, output.err.text);
    ck_assert_ptr_null(strchr(output.err.text, '\n'));
    ck_assert_ptr_null(strchr(output.err.text, '\x1b'));
    ck_assert_uint_eq(output.size, 0);
}
END_TEST

START_TEST(nul_in_a_line_is_not_text)
{
    static const char tree[] = SPACE "  " A0 "\0\n";

    ck_assert_int_lt(compare_bytes(tree, sizeof(tree) - 1, NULL, 0), 0);
    ck_assert_str_eq(output.err.text, "T:2: not text");
}
END_TEST

START_TEST(huge_line_is_refused)
{
    static char tree[200000];

    memset(tree, 'x', sizeof(tree));
    tree[sizeof(tree) - 1] = '\n';
    ck_assert_int_lt(compare_bytes(tree, sizeof(tree), NULL, 0), 0);
    ck_assert_str_eq(output.err.text, "T:1: longer than 4096 bytes");
}
END_TEST

START_TEST(too_many_lines_are_refused)
{
    static char tree[1 << 19];

    memset(tree, '\n', sizeof(tree));
    ck_assert_int_lt(compare_bytes(tree, sizeof(tree), NULL, 0), 0);
    ck_assert_str_eq(output.err.text, "T: more than 262144 lines");
}
END_TEST

START_TEST(absurd_nesting_is_refused)
{
    static char tree[1 << 20];
    size_t at = (size_t)sprintf(tree, SPACE);
    int level;

    for (level = 1; level < 300; level++) {
        at += (size_t)sprintf(tree + at, "%*s" A0 "-" END " (prio 0, i/o): r\n", 2 * level, "");
    }
    ck_assert_int_lt(compare(tree, NULL), 0);
    ck_assert_ptr_nonnull(strstr(output.err.text, "T:202: nested too deep"));
}
END_TEST

/* Each block shows the next one twice. */
START_TEST(aliases_that_double_what_they_show_are_refused)
{
    static char tree[1 << 16];
    size_t at = (size_t)sprintf(tree, SPACE);
    int block;

    for (block = 0; block < 40; block++) {
        at += (size_t)sprintf(tree + at,
                              "%s%.0d  " A0 "-" L3 " (prio 0, i/o): b%d\n"
                              "    " A0 "-" L1 " (prio 0, i/o): alias x @b%d " A0 "-" L1 "\n"
                              "    " A0 "-" L1 " (prio 0, i/o): alias y @b%d " A0 "-" L1 "\n\n",
                              "", 0, block, block + 1, block + 1);
        at += (size_t)sprintf(tree + at, "memory-region: b%d\n", block + 1);
    }
    (void)sprintf(tree + at, "  " A0 "-" L3 " (prio 0, i/o): b%d\n\n", block);
    ck_assert_int_lt(compare(tree, NULL), 0);
    ck_assert_ptr_nonnull(strstr(output.err.text, "multiply to more than"));
}
END_TEST

/*
 * Very many siblings, all over each other, and a view in which none of them is as expected: the
 * search ends before all orders are tried, and says so.
 */
START_TEST(search_that_ends_early_leaves_it_undecided)
{
    enum { NUM = 3000 };
    static char tree[1 << 18], flat[1 << 18];
    size_t at = (size_t)sprintf(tree, SPACE ROOT), flat_at = (size_t)sprintf(flat, VIEW);
    int i;

    for (i = 0; i < NUM; i++) {
        at += (size_t)sprintf(tree + at, "    %016x-%016x (prio 0, i/o): r\n", i, 0xfffff + i);
    }
    (void)sprintf(tree + at, "\n");
    flat_at += (size_t)sprintf(flat + flat_at, "  " A0 "-00000000000fffff (prio 0, i/o): r\n");
    for (i = 1; i < NUM; i++) {
        flat_at +=
            (size_t)sprintf(flat + flat_at, "  %016x-%016x (prio 0, i/o): r @00000000000fffff\n",
                            0xfffff + i, 0xfffff + i);
    }
    (void)sprintf(flat + flat_at, "\n");
    ck_assert_int_eq(compare(tree, flat), QEMU_MTREE_UNDECIDED);
    ck_assert_ptr_nonnull(strstr(output.text, "\nundecided: "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qemu_mtree");
    TCase *tc = tcase_create("qemu_mtree");

    tcase_set_timeout(tc, 60);
    tcase_add_table_test(tc, reading_is_told_by_the_flat_view, readings);
    tcase_add_table_test(tc, form_is_understood, forms);
    tcase_add_test(tc, one_file_may_hold_both_listings_in_either_order);
    tcase_add_table_test(tc, difference_is_shown_by_line, differences);
    tcase_add_test(tc, equal_view_has_no_marks);
    tcase_add_test(tc, tree_alone_is_shown_with_what_was_assumed);
    tcase_add_test(tc, q7_2_children_of_a_disabled_region_that_is_left_out_are_not_live);
    tcase_add_test(tc, q8_18_root_alias_shows_its_target_from_0);
    tcase_add_table_test(tc, bad_text_is_refused_by_file_and_line, bad_texts);
    tcase_add_test(tc, nul_in_a_line_is_not_text);
    tcase_add_test(tc, huge_line_is_refused);
    tcase_add_test(tc, too_many_lines_are_refused);
    tcase_add_test(tc, absurd_nesting_is_refused);
    tcase_add_test(tc, aliases_that_double_what_they_show_are_refused);
    tcase_add_test(tc, search_that_ends_early_leaves_it_undecided);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
