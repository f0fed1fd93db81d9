/* test_test_collect.c - guests from lists, notes and folders; which of them are run. */
#include "vmm/test_collect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/elf_builder.h"
#include "tests/unit/run_suite.h"

static int parse(struct test_guests *guests, const char *text, struct error *err)
{
    *guests = (struct test_guests){0};
    return test_guests_parse_list(guests, "lists/some.list", "kernels", text, strlen(text), err);
}

/* The options of a guest as one text. */
static const char *joined(const struct test_guest *guest)
{
    static char text[1000];
    size_t i;

    text[0] = '\0';
    for (i = 0; i < guest->options.num; i++) {
        (void)strcat(text, i ? "|" : "");
        (void)strcat(text, guest->options.words[i]);
    }
    return text;
}

START_TEST(a_list_has_a_guest_for_each_section)
{
    static const char list[] = "# comment\n\n[one]\nkernel = a.elf\n\n"
                               "[two]\r\nkernel = /b.elf\r\ncpus = 2\r\nmemory = 64M\r\n"
                               "append = some  words \r\noptions = --reboot 'x y'\r\n"
                               "timeout = 1.5\r\nstatus = 126\r\n";
    struct test_guests guests;
    struct error err;

    ck_assert_msg(parse(&guests, list, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(guests.num, 2);
    ck_assert_str_eq(guests.items[0].name, "one");
    ck_assert_str_eq(guests.items[0].kernel, "kernels/a.elf");
    ck_assert_uint_eq(guests.items[0].timeout_ns, 0);
    ck_assert_int_eq(guests.items[0].status, 0);
    ck_assert_str_eq(guests.items[1].kernel, "/b.elf");
    ck_assert_str_eq(joined(&guests.items[1]),
                     "--cpus|2|--memory|64M|--append|some  words |--reboot|x y");
    ck_assert_uint_eq(guests.items[1].timeout_ns, 1500000000);
    ck_assert_int_eq(guests.items[1].status, 126);
    test_guests_finish(&guests);
}
END_TEST

static const struct {
    const char *line, *options;
} boards[] = {
    {"board = pc", "--board|pc"},
    {"board = my.dtb", "--board|lists/my.dtb"},
    {"board = my.dts", "--board|lists/my.dts"},
    {"board = ../other", "--board|lists/../other"},
    {"board = /abs/x.dtb", "--board|/abs/x.dtb"},
    {"overlay = o.dtbo\noverlay = p.dtbo", "--overlay|lists/o.dtbo|--overlay|lists/p.dtbo"},
};

START_TEST(files_of_boards_are_beside_the_list)
{
    struct test_guests guests;
    struct error err;
    char list[200];

    (void)snprintf(list, sizeof(list), "[g]\nkernel = k\n%s\n", boards[_i].line);
    ck_assert_int_eq(parse(&guests, list, &err), 0);
    ck_assert_str_eq(joined(&guests.items[0]), boards[_i].options);
    test_guests_finish(&guests);
}
END_TEST

static const struct {
    const char *list, *message;
} wrong[] = {
    {"", "lists/some.list: neither an ELF file nor a list of guests"},
    {"#!/bin/sh\n", "lists/some.list: neither an ELF file nor a list of guests"},
    {"hello\n", "lists/some.list:1: neither an ELF file nor a list: no [name] yet"},
    {"[a]\n", "lists/some.list: [a] has no kernel"},
    {"[a]\n[b]\nkernel = x\n", "lists/some.list:2: [a] has no kernel"},
    {"[]\n", "lists/some.list:1: []: wants [name]"},
    {"[a\n", "lists/some.list:1: [a: wants [name]"},
    {"[a]\nkernel = x\nkernel = y\n", "lists/some.list:3: kernel: is there twice"},
    {"[a]\nkernel\n", "lists/some.list:2: kernel: wants `key = value`"},
    {"[a]\nkernel =\n", "lists/some.list:2: kernel: has no value"},
    {"[a]\nweather = fine\n", "lists/some.list:2: weather: no such key"},
    {"[a]\nstatus = 256\n", "lists/some.list:2: status: 256: not an exit status, 0 to 255"},
    {"[a]\nstatus = -1\n", "lists/some.list:2: status: -1: not an exit status, 0 to 255"},
    {"[a]\ntimeout = 0\n",
     "lists/some.list:2: timeout: 0: not a number of seconds above 0 and up to a day"},
    {"[a]\ntimeout = 86401\n",
     "lists/some.list:2: timeout: 86401: not a number of seconds above 0 and up to a day"},
    {"[a]\nout = (\n", "lists/some.list:2: out: (: Unmatched ( or \\("},
    {"[a]\nout = (x{99}){99}{99}\n",
     "lists/some.list:2: out: (x{99}){99}{99}: back-references, or counts above 10000 in all"},
    {"[a]\nerr = (.*)\\1\n",
     "lists/some.list:2: err: (.*)\\1: back-references, or counts above 10000 in all"},
    {"[a]\noptions = 'x\n", "lists/some.list:2: options: a ' without its end"},
    {"[a]\noptions = $dir\n", "lists/some.list:2: options: $dir without a `file` before it"},
    {"[a]\nfile = ../x y\n", "lists/some.list:2: file: wants NAME TEXT, a name without '/'"},
    {"[a]\nfile = x/y z\n", "lists/some.list:2: file: wants NAME TEXT, a name without '/'"},
    {"[a]\ninput = a\ninput = b\n", "lists/some.list:3: input: is there twice"},
    {"[a]\nafter = a\nafter = b\n", "lists/some.list:3: after: is there twice"},
};

START_TEST(what_is_wrong_with_a_list_is_said_with_its_line)
{
    struct test_guests guests;
    struct error err;

    ck_assert_int_lt(parse(&guests, wrong[_i].list, &err), 0);
    ck_assert_str_eq(err.text, wrong[_i].message);
    test_guests_finish(&guests);
}
END_TEST

START_TEST(a_nul_byte_in_a_list_is_refused)
{
    static const char list[] = "[a]\nkernel = x\0y\n";
    struct test_guests guests = {0};
    struct error err;

    ck_assert_int_eq(test_guests_parse_list(&guests, "l", NULL, list, sizeof(list) - 1, &err),
                     -EINVAL);
    ck_assert_str_eq(err.text, "l:2: a NUL byte");
    test_guests_finish(&guests);
}
END_TEST

START_TEST(input_has_escapes)
{
    struct test_guests guests;
    struct error err;
    const struct test_text *input;

    ck_assert_int_eq(parse(&guests, "[a]\nkernel = k\ninput = a\\n\\t\\\\\\0\\101\\q\\\n", &err),
                     0);
    input = &guests.items[0].input;
    ck_assert_uint_eq(input->len, 8);
    ck_assert_int_eq(memcmp(input->data, "a\n\t\\\0Aq\\", 8), 0);
    test_guests_finish(&guests);
}
END_TEST

START_TEST(files_are_made_and_removed_with_the_guest)
{
    struct test_guests guests;
    struct error err;
    char path[300], text[20] = "";
    FILE *file;

    ck_assert_int_eq(parse(&guests,
                           "[a]\nkernel = k\nfile = initrd two words\nfile = empty\n"
                           "options = --initrd \"$dir/initrd\"\n",
                           &err),
                     0);
    (void)snprintf(path, sizeof(path), "%s", guests.items[0].options.words[1]);
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
    (void)fclose(file);
    ck_assert_str_eq(text, "two words\n");
    test_guests_finish(&guests);
    ck_assert_int_ne(access(path, F_OK), 0);
    *strrchr(path, '/') = '\0';
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* A folder of its own for a test, where files are made. */
struct folder {
    char path[64];
};

static void make_folder(struct folder *folder)
{
    (void)strcpy(folder->path, "/tmp/acre-collect-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder->path));
}

static void remove_folder(const struct folder *folder)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -r %s", folder->path);
    ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c): its own folder */
}

static void put_file(const struct folder *folder, const char *name, const void *data, size_t len)
{
    char path[200];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
    (void)close(fd);
}

/* An ELF file with a note of text, or none. */
static void put_elf(const struct folder *folder, const char *name, const char *note)
{
    struct elf_spec spec = {
        .segments = {{0x100000, 0x100000, 16, 16}},
        .test_note = note,
    };
    struct elf_bytes elf = elf_build(&spec);

    put_file(folder, name, elf.data, elf.size);
    free(elf.data);
}

static int add(struct test_guests *guests, const struct folder *folder, const char *name,
               struct error *err)
{
    char path[200];

    (void)snprintf(path, sizeof(path), "%s%s", folder->path, name);
    return test_guests_add(guests, path, NULL, err);
}

START_TEST(a_guest_says_in_its_note_what_it_needs)
{
    struct test_guests guests = {0};
    struct folder folder;
    struct error err;
    char board[100];

    make_folder(&folder);
    put_elf(&folder, "g.elf", "board = b.dtb\ncpus = 2\nout = ^done$\nstatus = 3\n");
    ck_assert_msg(add(&guests, &folder, "/g.elf", &err) == 0, "%s", err.text);
    ck_assert_uint_eq(guests.num, 1);
    ck_assert_str_eq(guests.items[0].name, "g");
    (void)snprintf(board, sizeof(board), "--board|%s/b.dtb|--cpus|2", folder.path);
    ck_assert_str_eq(joined(&guests.items[0]), board);
    ck_assert_uint_eq(guests.items[0].out.num, 1);
    ck_assert_int_eq(guests.items[0].status, 3);
    test_guests_finish(&guests);
    remove_folder(&folder);
}
END_TEST

static const struct {
    const char *note, *message;
} wrong_notes[] = {
    {"kernel = x\n", "g.elf:1: kernel: no such key"},
    {"cpus = 1\nnonsense\n", "g.elf:2: nonsense: wants `key = value`"},
};

START_TEST(what_is_wrong_with_a_note_is_said_with_its_file)
{
    struct test_guests guests = {0};
    struct folder folder;
    struct error err;

    make_folder(&folder);
    put_elf(&folder, "g.elf", wrong_notes[_i].note);
    ck_assert_int_eq(add(&guests, &folder, "/g.elf", &err), -EINVAL);
    ck_assert_str_eq(err.text + strlen(folder.path) + 1, wrong_notes[_i].message);
    test_guests_finish(&guests);
    remove_folder(&folder);
}
END_TEST

START_TEST(a_folder_is_read_in_the_order_of_its_names_and_below)
{
    struct test_guests guests = {0};
    struct folder folder;
    struct error err;
    char path[100];

    make_folder(&folder);
    put_elf(&folder, "b.elf", NULL);
    put_elf(&folder, "a.elf", NULL);
    put_elf(&folder, "C.elf", NULL);
    put_elf(&folder, ".hidden.elf", NULL);
    put_elf(&folder, "notes.txt", NULL);
    put_file(&folder, "board.dtb", "x", 1);
    (void)snprintf(path, sizeof(path), "%s/aa", folder.path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    put_elf(&folder, "aa/z.elf", NULL);
    ck_assert_msg(add(&guests, &folder, "/", &err) == 0, "%s", err.text);
    ck_assert_uint_eq(guests.num, 4);
    ck_assert_str_eq(guests.items[0].name, "C");
    ck_assert_str_eq(guests.items[1].name, "a");
    ck_assert_str_eq(guests.items[2].name, "aa/z");
    ck_assert_str_eq(guests.items[3].name, "b");
    test_guests_finish(&guests);
    remove_folder(&folder);
}
END_TEST

START_TEST(what_is_no_guest_in_a_folder_is_one_all_the_same)
{
    static const char *const names[] = {"dangling", "empty", "folder/x", "good", "pipe", "text"};
    struct test_guests guests = {0};
    struct folder folder;
    struct error err;
    char path[100];
    size_t i;

    make_folder(&folder);
    put_elf(&folder, "good.elf", "status = 3\n");
    put_file(&folder, "empty.elf", "", 0);
    put_file(&folder, "text.elf", "[x]\nkernel = y\n", 15);
    (void)snprintf(path, sizeof(path), "%s/dangling.elf", folder.path);
    ck_assert_int_eq(symlink("nowhere", path), 0);
    (void)snprintf(path, sizeof(path), "%s/pipe.elf", folder.path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    (void)snprintf(path, sizeof(path), "%s/folder", folder.path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    put_elf(&folder, "folder/x.elf", NULL);
    ck_assert_msg(add(&guests, &folder, "", &err) == 0, "%s", err.text);
    ck_assert_uint_eq(guests.num, sizeof(names) / sizeof(names[0]));
    for (i = 0; i < guests.num; i++) {
        ck_assert_str_eq(guests.items[i].name, names[i]);
        ck_assert_int_eq(guests.items[i].status, strcmp(names[i], "good") == 0 ? 3 : 0);
    }
    test_guests_finish(&guests);
    remove_folder(&folder);
}
END_TEST

START_TEST(what_is_not_there_or_too_large_is_an_error)
{
    struct test_guests guests = {0};
    struct folder folder;
    struct error err;
    char *large = malloc(2 << 20);

    memset(large, 'x', 2 << 20);
    make_folder(&folder);
    put_file(&folder, "large", large, 2 << 20);
    put_file(&folder, "empty", "", 0);
    ck_assert_int_eq(add(&guests, &folder, "/nosuch", &err), -ENOENT);
    ck_assert_int_eq(add(&guests, &folder, "/large", &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 1 MiB"));
    ck_assert_int_lt(add(&guests, &folder, "/empty", &err), 0);
    ck_assert_uint_eq(guests.num, 0);
    free(large);
    remove_folder(&folder);
}
END_TEST

/* Guests called a, b, ... so many. */
static void make_guests(struct test_guests *guests, size_t num)
{
    char list[27 * 40] = "";
    struct error err;
    size_t i;

    for (i = 0; i < num; i++) {
        (void)sprintf(list + strlen(list), "[set/%c]\nkernel = k\n", (char)('a' + i));
    }
    ck_assert_int_eq(parse(guests, list, &err), 0);
}

static const struct {
    const char *patterns[2];
    size_t num, kept;
} filters[] = {
    {{"set/c"}, 1, 1}, {{"/"}, 1, 10},           {{"set/[a-c]"}, 1, 3}, {{"*"}, 1, 10},
    {{"c*"}, 1, 0},    {{"set/a", "*/b"}, 2, 2}, {{"nothing"}, 1, 0},
};

START_TEST(a_filter_is_a_shell_pattern_or_a_part_of_the_name)
{
    struct test_guests guests;

    make_guests(&guests, 10);
    test_guests_filter(&guests, filters[_i].patterns, filters[_i].num);
    ck_assert_uint_eq(guests.num, filters[_i].kept);
    test_guests_finish(&guests);
}
END_TEST

static const struct {
    size_t guests;
    uint64_t shards;
} shardings[] = {{10, 1}, {10, 3}, {26, 8}, {3, 5}, {1, 1000000}};

START_TEST(shards_are_disjoint_and_even_and_together_all)
{
    size_t seen[26] = {0}, least = SIZE_MAX, most = 0, i;
    uint64_t shard;

    for (shard = 0; shard < shardings[_i].shards && shard < 30; shard++) {
        struct test_guests guests;

        make_guests(&guests, shardings[_i].guests);
        test_guests_shard(&guests, shard, shardings[_i].shards);
        for (i = 0; i < guests.num; i++) {
            seen[guests.items[i].name[4] - 'a']++;
        }
        least = guests.num < least ? guests.num : least;
        most = guests.num > most ? guests.num : most;
        test_guests_finish(&guests);
    }
    for (i = 0; i < shardings[_i].guests; i++) {
        ck_assert_uint_eq(seen[i], 1);
    }
    ck_assert_uint_le(most - least, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("test_collect");
    TCase *tc = tcase_create("test_collect");

    tcase_add_test(tc, a_list_has_a_guest_for_each_section);
    tcase_add_table_test(tc, files_of_boards_are_beside_the_list, boards);
    tcase_add_table_test(tc, what_is_wrong_with_a_list_is_said_with_its_line, wrong);
    tcase_add_test(tc, a_nul_byte_in_a_list_is_refused);
    tcase_add_test(tc, input_has_escapes);
    tcase_add_test(tc, files_are_made_and_removed_with_the_guest);
    tcase_add_test(tc, a_guest_says_in_its_note_what_it_needs);
    tcase_add_table_test(tc, what_is_wrong_with_a_note_is_said_with_its_file, wrong_notes);
    tcase_add_test(tc, a_folder_is_read_in_the_order_of_its_names_and_below);
    tcase_add_test(tc, what_is_no_guest_in_a_folder_is_one_all_the_same);
    tcase_add_test(tc, what_is_not_there_or_too_large_is_an_error);
    tcase_add_table_test(tc, a_filter_is_a_shell_pattern_or_a_part_of_the_name, filters);
    tcase_add_table_test(tc, shards_are_disjoint_and_even_and_together_all, shardings);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
