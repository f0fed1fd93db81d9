/* test_options.c - the parser, the values, and what `run` makes of a command line. */
#include "vmm/options.h"

#include "tests/unit/run_suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    int result;
    uint64_t bytes;
} sizes[] = {
    {"0", 0, 0},
    {"1", 0, 1},
    {"4096", 0, 4096},
    {"0x1000", 0, 4096},
    {"128M", 0, UINT64_C(128) << 20},
    {"128m", 0, UINT64_C(128) << 20},
    {"1K", 0, 1024},
    {"3G", 0, UINT64_C(3) << 30},
    {"1T", 0, UINT64_C(1) << 40},
    {"18446744073709551615", 0, UINT64_MAX},
    {"18446744073709551616", -ERANGE, 0},
    {"16777215T", 0, UINT64_C(16777215) << 40},
    {"16777216T", -ERANGE, 0},
    {"", -EINVAL, 0},
    {"M", -EINVAL, 0},
    {"-1", -EINVAL, 0},
    {"+1", -EINVAL, 0},
    {" 1", -EINVAL, 0},
    {"1 M", -EINVAL, 0},
    {"1MB", -EINVAL, 0},
    {"1.5G", -EINVAL, 0},
    {"0x", -EINVAL, 0},
    {"1Q", -EINVAL, 0},
};

START_TEST(size_is_read_or_refused)
{
    uint64_t bytes = 0;

    ck_assert_int_eq(options_size(sizes[_i].text, &bytes), sizes[_i].result);
    ck_assert_uint_eq(bytes, sizes[_i].bytes);
}
END_TEST

static const struct {
    const char *text;
    int result;
    uint64_t ns;
} times[] = {
    {"1", 0, 1000000000},
    {"0.5", 0, 500000000},
    {".25", 0, 250000000},
    {"2.", 0, 2000000000},
    {"0.000000001", 0, 1},
    {"1.0000000001", -EINVAL, 0},
    {"9223372036", 0, UINT64_C(9223372036000000000)},
    {"9223372037", -ERANGE, 0},
    {"99999999999999999999", -ERANGE, 0},
    {"", -EINVAL, 0},
    {".", -EINVAL, 0},
    {"1s", -EINVAL, 0},
    {"0x10", -EINVAL, 0},
    {"-1", -EINVAL, 0},
    {"1e3", -EINVAL, 0},
};

START_TEST(seconds_are_read_or_refused)
{
    uint64_t ns = 0;

    ck_assert_int_eq(options_seconds(times[_i].text, &ns), times[_i].result);
    ck_assert_uint_eq(ns, times[_i].ns);
}
END_TEST

enum { WORDS_MAX = 8 };

/* Command lines that are refused, and the text of the error. */
static const struct {
    const char *argv[WORDS_MAX];
    const char *text;
} refused[] = {
    {{NULL}, "no kernel given (usage: acre run [options] KERNEL)"},
    {{"a", "b"}, "b: a second kernel (the first is a)"},
    {{"--bogus"}, "--bogus: unknown option (see --help)"},
    {{"--bogus=3"}, "--bogus: unknown option (see --help)"},
    {{"-Z"}, "-Z: unknown option (see --help)"},
    {{"a", "--cpus"}, "--cpus: wants N"},
    {{"a", "--reboot=1"}, "--reboot: takes no value"},
    {{"a", "-m", "x"}, "-m: x: not a size (try 128M or 1G)"},
    {{"a", "-m128"}, "-m: 128: less than 64K of memory (did you mean 128M?)"},
    {{"a", "--memory=65K"}, "--memory: 65K: not a multiple of 4K"},
    {{"a", "-m", "2T"}, "-m: 2T: more than 1T of memory is not supported"},
    {{"a", "--cpus", "0"}, "--cpus: 0: not a number of CPUs (1..255)"},
    {{"a", "--flat", "8"}, "--flat: 8: wants 16, 32 or 64, and @ADDR if it matters"},
    {{"a", "--flat", "16@"}, "--flat: 16@: not an address after @"},
    {{"a", "--flat", "16@1x"}, "--flat: 16@1x: wants 16, 32 or 64, and @ADDR if it matters"},
    {{"a", "--timeout", "0"}, "--timeout: 0: not a number of seconds above 0"},
    {{"a", "--exit-status", "x"}, "--exit-status: x: wants raw or qemu"},
    {{"a", "--rtc", "2023-02-29"},
     "--rtc: 2023-02-29: wants utc, localtime, or a date as 2006-06-17T16:01:21"},
    {{"a", "--watchdog-action", "bark"},
     "--watchdog-action: bark: not one of exit, reset, poweroff, none"},
    {{"a", "--dirty-ring", "128"}, "--dirty-ring: 128: not a power of two in 256..65536"},
    {{"a", "--dirty-ring", "1000"}, "--dirty-ring: 1000: not a power of two in 256..65536"},
    {{"a", "--dirty-ring", "1k"}, "--dirty-ring: 1k: not a power of two in 256..65536"},
    {{"a", "--dirty-ring", "131072"}, "--dirty-ring: 131072: not a power of two in 256..65536"},
    {{"a", "--sandbox", "maybe"}, "--sandbox: maybe: wants on or off"},
    {{"a", "--debug", "tree,wood"},
     "--debug: 'wood': nothing to show by that name (try --debug help)"},
    {{"a", "--debug", "tree,"}, "--debug: '': nothing to show by that name (try --debug help)"},
    {{"a", "--debug", ""}, "--debug: is empty; wants WORDS"},
    {{"a", "--board="}, "--board: is empty; wants NAME|FILE"},
    {{"a", "-m", "63K"}, "-m: 63K: less than 64K of memory"},
    {{"a", "-m", "0"}, "-m: 0: less than 64K of memory"},
    {{"a", "--module", " x"}, "--module:  x: wants a file before the space"},
    {{"a", "--timeout", "99999999999"}, "--timeout: 99999999999: more than 292 years"},
    {{""}, "the kernel's name is empty"},
};

static int count_words(const char *const *argv)
{
    int num = 0;

    while (num < WORDS_MAX && argv[num]) {
        num++;
    }
    return num;
}

/* The options point into argv, so that it outlives the call. */
static int parse_run(const char *const *words, struct run_options *options, struct error *err)
{
    static char storage[WORDS_MAX][64];
    char *argv[WORDS_MAX];
    int i, num = count_words(words);

    for (i = 0; i < num; i++) {
        (void)snprintf(storage[i], sizeof(storage[i]), "%s", words[i]);
        argv[i] = storage[i];
    }
    return run_options_parse(num, argv, options, err);
}

START_TEST(bad_command_line_is_one_error_that_names_the_option)
{
    struct run_options options;
    struct error err;

    ck_assert_int_eq(parse_run(refused[_i].argv, &options, &err), -EINVAL);
    ck_assert_str_eq(err.text, refused[_i].text);
}
END_TEST

START_TEST(defaults_leave_the_board_as_it_is)
{
    const char *const words[WORDS_MAX] = {"kernel"};
    struct run_options options;
    struct error err;

    ck_assert_int_eq(parse_run(words, &options, &err), 0);
    ck_assert_str_eq(options.kernel, "kernel");
    ck_assert_str_eq(options.board, "pc");
    ck_assert_uint_eq(options.ram_size, 0);
    ck_assert_uint_eq(options.cpu_num, 0);
    ck_assert_int_eq(options.boot_kind, BOOT_AUTO);
    ck_assert_uint_eq(options.timeout_ns, 0);
    ck_assert(!options.reboot && !options.exit_status_qemu && !options.verbose);
}
END_TEST

START_TEST(values_may_be_attached_or_follow)
{
    const char *const words[WORDS_MAX] = {"-m1G", "--cpus=2", "--timeout", ".5", "-v", "--", "-k"};
    struct run_options options;
    struct error err;

    ck_assert_int_eq(parse_run(words, &options, &err), 0);
    ck_assert_uint_eq(options.ram_size, UINT64_C(1) << 30);
    ck_assert_uint_eq(options.cpu_num, 2);
    ck_assert_uint_eq(options.timeout_ns, 500000000);
    ck_assert(options.verbose);
    ck_assert_str_eq(options.kernel, "-k");
}
END_TEST

static const struct {
    const char *text;
    enum boot_kind kind;
    bool given;
    uint64_t addr;
} flats[] = {
    {"16", BOOT_FLAT16, false, 0},
    {"32@0x200000", BOOT_FLAT32, true, 0x200000},
    {"64@0", BOOT_FLAT64, true, 0},
};

START_TEST(flat_says_mode_and_address)
{
    const char *const words[WORDS_MAX] = {"--flat", flats[_i].text, "k"};
    struct run_options options;
    struct error err;

    ck_assert_int_eq(parse_run(words, &options, &err), 0);
    ck_assert_int_eq(options.boot_kind, flats[_i].kind);
    ck_assert_int_eq(options.flat_addr_given, flats[_i].given);
    ck_assert_uint_eq(options.flat_addr, flats[_i].addr);
}
END_TEST

START_TEST(debug_words_add_up)
{
    const char *const words[WORDS_MAX] = {"--debug", "tree,slots", "--debug=commits", "k"};
    struct run_options options;
    struct error err;

    ck_assert_int_eq(parse_run(words, &options, &err), 0);
    ck_assert_uint_eq(options.debug, DEBUG_TREE | DEBUG_SLOTS | DEBUG_COMMITS);
}
END_TEST

START_TEST(modules_are_kept_in_order_up_to_a_limit)
{
    char *argv[2 * RUN_MODULES_MAX + 3];
    struct run_options options;
    struct error err;
    char option[] = "--module", value[] = "file words", kernel[] = "k";
    int i;

    argv[0] = kernel;
    for (i = 0; i <= RUN_MODULES_MAX; i++) {
        argv[2 * i + 1] = option;
        argv[2 * i + 2] = value;
    }
    ck_assert_int_eq(run_options_parse(2 * RUN_MODULES_MAX + 1, argv, &options, &err), 0);
    ck_assert_uint_eq(options.module_num, RUN_MODULES_MAX);
    ck_assert_str_eq(options.modules[RUN_MODULES_MAX - 1], "file words");
    ck_assert_int_eq(run_options_parse(2 * RUN_MODULES_MAX + 3, argv, &options, &err), -EINVAL);
    ck_assert_str_eq(err.text, "--module: more than 32 modules");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");

    tcase_add_table_test(tcase, size_is_read_or_refused, sizes);
    tcase_add_table_test(tcase, seconds_are_read_or_refused, times);
    tcase_add_table_test(tcase, bad_command_line_is_one_error_that_names_the_option, refused);
    tcase_add_test(tcase, defaults_leave_the_board_as_it_is);
    tcase_add_test(tcase, values_may_be_attached_or_follow);
    tcase_add_table_test(tcase, flat_says_mode_and_address, flats);
    tcase_add_test(tcase, debug_words_add_up);
    tcase_add_test(tcase, modules_are_kept_in_order_up_to_a_limit);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
