/* test_board_source.c - trees from sources, and overlays: what they change, and what is refused. */
#include "tests/unit/board_fixture.h"

#include <errno.h>
#include <libfdt.h>

static char overlay_path[64];

/* Opens the board `name` with the overlay of this source, as text (.dtso) or compiled (.dtbo). */
static int open_with(const char *name, const char *source, bool compiled)
{
    const char *const overlays[] = {overlay_path};
    const struct board_config config = {.name = name, .overlays = overlays, .overlay_num = 1};
    char command[256];
    int ret;

    write_source(source);
    (void)snprintf(overlay_path, sizeof(overlay_path), "/tmp/acre-board-%d.%s", (int)getpid(),
                   compiled ? "dtbo" : "dtso");
    (void)snprintf(command, sizeof(command),
                   compiled ? "dtc -q -@ -I dts -O dtb -o %s %s" : "mv %2$s %1$s", overlay_path,
                   dts_path);
    ck_assert_int_eq(system(command), 0); // NOLINT: the test's own strings
    ret = board_open(&config, &board, &err);
    (void)unlink(overlay_path);
    (void)unlink(dts_path);
    return ret;
}

/* Overlays of pc, and what shows at an address then. */
static const struct {
    const char *source;
    hwaddr addr;
    const char *name;
} changes[] = {
    {"/dts-v1/; /plugin/; &ram { reg = <0 0 0 0x10000>; };", 0x10000, "-"},
    {"/dts-v1/; /plugin/; &{/} { x { compatible = \"mmio-sram\"; reg = <0 0xd0000000 0 0x1000>; };"
     " };",
     0xd0000000, "x"},
    {"/dts-v1/; /plugin/; &rom { status = \"disabled\"; };", 0xfffc0000, "-"},
    /* Labels of the overlay and of the board in one property. */
    {"/dts-v1/; /plugin/; &{/} { a { compatible = \"acre,alias\"; reg = <0 0xd0000000 0 0x1000>;"
     " acre,target = <&b>; }; b: b { compatible = \"acre,alias\"; reg = <0 0xe0000000 0 0x1000>;"
     " acre,target = <&rom>; }; };",
     0xd0000000, "rom"},
};

START_TEST(overlay_changes_the_board)
{
    int form;

    for (form = 0; form < 2; form++) {
        ck_assert_msg(open_with("pc", changes[_i].source, form) == 0, "%s", err.text);
        ck_assert_msg(board_build(board, &core, NULL, &err) == 0, "%s", err.text);
        ck_assert_str_eq(region_at(board_memory(board), changes[_i].addr), changes[_i].name);
        teardown();
        setup();
    }
}
END_TEST

START_TEST(overlays_come_in_order_and_before_edits)
{
    static const char *const texts[] = {
        "/dts-v1/; /plugin/; &ram { reg = <0 0 0 0x10000>; }; &{/} { x: x { }; };",
        "/dts-v1/; /plugin/; &x { v = <1>; }; &ram { reg = <0 0 0 0x20000>; };",
    };
    char paths[2][64];
    const char *const overlays[] = {paths[0], paths[1]};
    struct board_config config = {.name = "pc", .overlays = overlays, .overlay_num = 2};
    int round, i;

    for (round = 0; round < 2; round++) {
        for (i = 0; i < 2; i++) {
            write_source(texts[i]);
            (void)snprintf(paths[i], sizeof(paths[i]), "/tmp/acre-board-%d-%d.dtso", (int)getpid(),
                           i);
            ck_assert_int_eq(rename(dts_path, paths[i]), 0);
        }
        config.ram_size = round ? 0x40000 : 0;
        ck_assert_msg(board_open(&config, &board, &err) == 0, "%s", err.text);
        ck_assert_uint_eq(board_ram_size(board), round ? 0x40000 : 0x20000);
        (void)unlink(paths[0]);
        (void)unlink(paths[1]);
        board_free(board);
        board = NULL;
    }
}
END_TEST

START_TEST(overlay_larger_than_the_board_fits)
{
    static char source[200000] = "/dts-v1/; /plugin/; &{/} {";
    char node[160];
    const void *dtb;
    size_t size;
    int i;

    for (i = 0; i < 800; i++) {
        (void)snprintf(node, sizeof(node), "n%d: a-node-with-a-long-name-%d { some = \"text\"; };",
                       i, i);
        (void)strcat(source, node);
    }
    (void)strcat(source, "};");
    ck_assert_msg(open_with("bare", source, true) == 0, "%s", err.text);
    dtb = board_dtb(board, &size);
    ck_assert_int_eq(fdt_check_full(dtb, size), 0);
    ck_assert_int_ge(fdt_path_offset(dtb, "/a-node-with-a-long-name-799"), 0);
}
END_TEST

/* Overlays that are refused; the text follows the file's name. */
static const struct {
    const char *source, *text;
} bad_overlays[] = {
    {"/dts-v1/; /plugin/; &nothing { v = <1>; };", "wants &nothing, which pc has not"},
    {"/dts-v1/; / { };", "not an overlay: no fragment in it"},
    {"/dts-v1/; / { f { target-path = \"/nowhere\"; __overlay__ { }; }; };",
     "wants /nowhere, which pc has not"},
    {"/dts-v1/; / { f { target = <99>; __overlay__ { }; }; };",
     "not an overlay for pc: FDT_ERR_NOTFOUND"},
};

START_TEST(bad_overlay_is_one_error_that_names_its_file)
{
    char expected[256];

    ck_assert_int_eq(open_with("pc", bad_overlays[_i].source, true), -EINVAL);
    (void)snprintf(expected, sizeof(expected), "%s: %s", overlay_path, bad_overlays[_i].text);
    ck_assert_str_eq(err.text, expected);
}
END_TEST

START_TEST(errors_name_the_overlays_that_are_in_the_board)
{
    char expected[256];

    ck_assert_msg(
        open_with("pc", "/dts-v1/; /plugin/; &{/} { x { compatible = \"y\"; }; };", true) == 0,
        "%s", err.text);
    ck_assert_int_eq(board_build(board, &core, NULL, &err), -EINVAL);
    (void)snprintf(expected, sizeof(expected), "pc with %s: /x: compatible: nothing here is a 'y'",
                   overlay_path);
    ck_assert_str_eq(err.text, expected);
}
END_TEST

/* Names that no source can have: a byte in a compiled tree becomes another. */
static const struct {
    char from, to;
} names[] = {{'N', '\n'}, {'N', '\x1b'}, {'N', '/'}, {'N', ' '}, {'N', '\x80'}, {'P', '\n'}};

START_TEST(name_that_cannot_be_printed_is_refused)
{
    static const char word[] = "Name", property[] = "Prop";
    const struct board_config config = {.name = dtb_path};
    static char blob[8192];
    FILE *file;
    size_t size, i;

    compile("Name { Prop = <1>; };");
    file = fopen(dtb_path, "r+");
    ck_assert_ptr_nonnull(file);
    size = fread(blob, 1, sizeof(blob), file);
    for (i = 0; i + 4 < size; i++) {
        if (memcmp(blob + i, names[_i].from == 'N' ? word : property, 5) == 0) {
            blob[i] = names[_i].to;
        }
    }
    rewind(file);
    ck_assert_uint_eq(fwrite(blob, 1, size, file), size);
    (void)fclose(file);
    ck_assert_int_eq(board_open(&config, &board, &err), -EINVAL);
    (void)unlink(dtb_path);
    ck_assert_ptr_nonnull(strstr(err.text, "its name, or a property's, is not printable"));
    ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

START_TEST(board_without_labels_says_how_to_get_them)
{
    char command[256], path[64], expected[256];

    write_source("/dts-v1/; / { memory { device_type = \"memory\"; reg = <0 0 0x1000>; }; };");
    (void)snprintf(path, sizeof(path), "/tmp/acre-board-%d-plain.dtb", (int)getpid());
    (void)snprintf(command, sizeof(command), "dtc -q -O dtb -o %s %s", path, dts_path);
    ck_assert_int_eq(system(command), 0); // NOLINT: the test's own strings
    ck_assert_int_eq(open_with(path, "/dts-v1/; /plugin/; &ram { v = <1>; };", true), -EINVAL);
    (void)snprintf(expected, sizeof(expected),
                   "%.80s: wants &ram, and %.80s was made without labels (dtc -@)", overlay_path,
                   path);
    ck_assert_str_eq(err.text, expected);
    (void)unlink(path);
}
END_TEST

START_TEST(source_is_a_board_with_labels)
{
    char path[64];

    write_source("/dts-v1/; / { ram: memory { device_type = \"memory\"; reg = <0 0 0x3000>; }; };");
    ck_assert_msg(board_open(&(struct board_config){.name = dts_path}, &board, &err) == 0, "%s",
                  err.text);
    ck_assert_uint_eq(board_ram_size(board), 0x3000);
    board_free(board);
    (void)snprintf(path, sizeof(path), "/tmp/acre-board-%d-base.dts", (int)getpid());
    ck_assert_int_eq(rename(dts_path, path), 0);
    ck_assert_msg(open_with(path, "/dts-v1/; /plugin/; &ram { reg = <0 0 0x4000>; };", false) == 0,
                  "%s", err.text);
    ck_assert_uint_eq(board_ram_size(board), 0x4000);
    (void)unlink(path);
}
END_TEST

START_TEST(bad_source_is_dtcs_first_line_with_file_and_line)
{
    char expected[256];

    write_source("/dts-v1/;\n/ {\n    a = <1> b;\n    c = ;\n};\n");
    ck_assert_int_eq(board_open(&(struct board_config){.name = dts_path}, &board, &err), -EINVAL);
    (void)snprintf(expected, sizeof(expected), "%s:3.13-14 syntax error", dts_path);
    ck_assert_str_eq(err.text, expected);
    (void)unlink(dts_path);
}
END_TEST

START_TEST(source_without_dtc_is_an_error_that_names_the_package)
{
    char expected[256];

    write_source("/dts-v1/; / { };");
    ck_assert_int_eq(setenv("PATH", "/nowhere", 1), 0);
    ck_assert_int_eq(board_open(&(struct board_config){.name = dts_path}, &board, &err), -ENOENT);
    (void)snprintf(expected, sizeof(expected),
                   "%s: a source, and dtc is not installed (package device-tree-compiler)",
                   dts_path);
    ck_assert_str_eq(err.text, expected);
    (void)unlink(dts_path);
}
END_TEST

START_TEST(tree_without_end_is_refused)
{
    static char source[16384];
    char expected[256];
    int i;

    (void)strcpy(source, "/dts-v1/; / { ");
    for (i = 0; i < 70; i++) {
        (void)strcat(source, "n { ");
    }
    for (i = 0; i < 70; i++) {
        (void)strcat(source, "}; ");
    }
    (void)strcat(source, "};");
    write_source(source);
    ck_assert_int_eq(board_open(&(struct board_config){.name = dts_path}, &board, &err), -EINVAL);
    (void)snprintf(expected, sizeof(expected), "%.80s: nodes are nested more than 64 deep",
                   dts_path);
    ck_assert_str_eq(err.text, expected);
    (void)unlink(dts_path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("board_source");
    TCase *tcase = tcase_create("board_source");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_table_test(tcase, overlay_changes_the_board, changes);
    tcase_add_test(tcase, overlays_come_in_order_and_before_edits);
    tcase_add_test(tcase, overlay_larger_than_the_board_fits);
    tcase_add_table_test(tcase, bad_overlay_is_one_error_that_names_its_file, bad_overlays);
    tcase_add_test(tcase, errors_name_the_overlays_that_are_in_the_board);
    tcase_add_table_test(tcase, name_that_cannot_be_printed_is_refused, names);
    tcase_add_test(tcase, board_without_labels_says_how_to_get_them);
    tcase_add_test(tcase, source_is_a_board_with_labels);
    tcase_add_test(tcase, bad_source_is_dtcs_first_line_with_file_and_line);
    tcase_add_test(tcase, source_without_dtc_is_an_error_that_names_the_package);
    tcase_add_test(tcase, tree_without_end_is_refused);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
