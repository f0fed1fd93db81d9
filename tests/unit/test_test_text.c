/* test_test_text.c - words, quoting, and what guests print made harmless. */
#include "vmm/test_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/run_suite.h"

static const struct {
    const char *text;
    const char *words[6]; /* NULL-terminated */
} splits[] = {
    {"", {NULL}},
    {"  \t ", {NULL}},
    {"one", {"one"}},
    {" --cpus 2\t-m 64M ", {"--cpus", "2", "-m", "64M"}},
    {"--append \"two words\"", {"--append", "two words"}},
    {"'a  b'c\"d\"", {"a  bcd"}},
    {"'' \"\"", {"", ""}},
    {"a\\ b \\\\ \\\"", {"a b", "\\", "\""}},
    {"'\\' x", {"\\", "x"}},
    {"\"$dir/x y\" $dir '$dir'", {"/tmp/d/x y", "/tmp/d", "$dir"}},
    {"a;b|c `d` $HOME *", {"a;b|c", "`d`", "$HOME", "*"}},
};

START_TEST(text_is_split_as_a_shell_would)
{
    struct test_words words = {0};
    struct error err;
    size_t i;

    ck_assert_int_eq(test_words_split(&words, splits[_i].text, "/tmp/d", &err), 0);
    for (i = 0; splits[_i].words[i]; i++) {
        ck_assert_uint_lt(i, words.num);
        ck_assert_str_eq(words.words[i], splits[_i].words[i]);
    }
    ck_assert_uint_eq(words.num, i);
    test_words_finish(&words);
}
END_TEST

static const struct {
    const char *text, *message;
} unsplittable[] = {
    {"'open", "a ' without its end"},
    {"a \"b' c", "a \" without its end"},
    {"$dir/x", "$dir without a `file` before it"},
};

START_TEST(text_that_no_shell_would_take_is_refused)
{
    struct test_words words = {0};
    struct error err;

    ck_assert_int_eq(test_words_split(&words, unsplittable[_i].text, NULL, &err), -EINVAL);
    ck_assert_str_eq(err.text, unsplittable[_i].message);
    test_words_finish(&words);
}
END_TEST

static const struct {
    const char *word, *quoted;
} quotes[] = {
    {"plain-1.2/x=y", "plain-1.2/x=y"},
    {"", "''"},
    {"two words", "'two words'"},
    {"it's", "'it'\\''s'"},
    {"$HOME", "'$HOME'"},
    {"gr\xc3\xbc\xc3\x9f\t", "'gr\xc3\xbc\xc3\x9f\t'"},
    {"a\nb", "\"$(printf '\\141\\012\\142')\""},
    {"\xff'", "\"$(printf '\\377\\047')\""},
};

START_TEST(a_quoted_word_is_what_a_shell_reads_as_that_word)
{
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    test_word_quote(file, quotes[_i].word);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_str_eq(text, quotes[_i].quoted);
    free(text);
}
END_TEST

/* Lengths are of what the literal has before its own NUL. */
#define BYTES(literal) literal, sizeof(literal) - 1
static const struct {
    const char *data;
    size_t len;
    const char *plain, *xml;
} cleanings[] = {
    {BYTES("a<b> & \"c\""), "a<b> & \"c\"", "a&lt;b&gt; &amp; &quot;c&quot;"},
    {BYTES("tab\there"), "tab\there", "tab\there"},
    {BYTES("two\nlines"), "two\\x0alines", "two\nlines"},
    {BYTES("\x1b[31m\r\0\x7f"), "\\x1b[31m\\x0d\\x00\\x7f", "\\x1b[31m\\x0d\\x00\\x7f"},
    {BYTES("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
     "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
     "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
    /* Cut off, overlong, a surrogate, U+FFFE, C1, beyond U+10FFFF, a lone continuation. */
    {BYTES("\xe2\x82"), "\\xe2\\x82", "\\xe2\\x82"},
    {BYTES("\xc0\xaf"), "\\xc0\\xaf", "\\xc0\\xaf"},
    {BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},
    {BYTES("\xef\xbf\xbe"), "\\xef\\xbf\\xbe", "\\xef\\xbf\\xbe"},
    {BYTES("\xc2\x9b"), "\\xc2\\x9b", "\\xc2\\x9b"},
    {BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80"},
    /* A line separator, a change of direction, a byte order mark. */
    {BYTES("a\xe2\x80\xa8"
           "b"),
     "a\\xe2\\x80\\xa8"
     "b",
     "a\\xe2\\x80\\xa8"
     "b"},
    {BYTES("\xe2\x80\xae\xe2\x81\xa6"), "\\xe2\\x80\\xae\\xe2\\x81\\xa6",
     "\\xe2\\x80\\xae\\xe2\\x81\\xa6"},
    {BYTES("\xef\xbb\xbf"), "\\xef\\xbb\\xbf", "\\xef\\xbb\\xbf"},
    {BYTES("\xff\x80"), "\\xff\\x80", "\\xff\\x80"},
};

START_TEST(what_a_guest_printed_cannot_draw_on_a_terminal_or_break_xml)
{
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    test_text_clean(file, cleanings[_i].data, cleanings[_i].len, TEST_TEXT_PLAIN);
    (void)fputc('|', file);
    test_text_clean(file, cleanings[_i].data, cleanings[_i].len, TEST_TEXT_XML);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_uint_eq(strlen(text), strlen(cleanings[_i].plain) + 1 + strlen(cleanings[_i].xml));
    ck_assert_int_eq(strncmp(text, cleanings[_i].plain, strlen(cleanings[_i].plain)), 0);
    ck_assert_str_eq(strchr(text, '|') + 1, cleanings[_i].xml);
    free(text);
}
END_TEST

START_TEST(long_text_is_cut_to_its_head_and_tail)
{
    struct test_text text = {0};

    ck_assert_int_eq(test_text_add(&text, "0123456789", 10), 0);
    test_text_cut(&text, 10);
    ck_assert_uint_eq(text.len, 10);
    test_text_cut(&text, 5);
    ck_assert_uint_eq(text.len, strlen("01\n[5 bytes left out]\n789"));
    ck_assert_int_eq(memcmp(text.data, "01\n[5 bytes left out]\n789", text.len), 0);
    test_text_finish(&text);
    test_text_cut(&text, 5);
    ck_assert_uint_eq(text.len, 0);
}
END_TEST

static const struct {
    const char *text;
    size_t max;
    const char *shown;
} tails[] = {
    {"", 3, ""},
    {"a\nb\nc\nd\n", 2, "> c\n> d\n"},
    {"a\nb\nc\nd", 2, "> c\n> d\n"},
    {"a\nb\n", 5, "> a\n> b\n"},
    {"a\n\n", 1, "> \n"},
    {"a\r\nb\n", 0, "> a\n> b\n"},
};

START_TEST(the_last_lines_are_shown_behind_a_prefix)
{
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    test_text_lines(file, "> ", tails[_i].text, strlen(tails[_i].text), tails[_i].max);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_str_eq(text, tails[_i].shown);
    free(text);
}
END_TEST

START_TEST(a_very_long_line_is_cut)
{
    char line[1000], *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    memset(line, 'x', sizeof(line));
    test_text_lines(file, "", line, sizeof(line), 1);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_uint_eq(len, 200 + strlen("...\n"));
    free(text);
}
END_TEST

START_TEST(bytes_are_added_whatever_their_number)
{
    struct test_text text = {0};
    char block[1000];
    int i;

    memset(block, 7, sizeof(block));
    for (i = 0; i < 100; i++) {
        ck_assert_int_eq(test_text_add(&text, block, sizeof(block)), 0);
    }
    ck_assert_uint_eq(text.len, 100000);
    ck_assert_int_eq(text.data[99999], 7);
    test_text_finish(&text);
    ck_assert_ptr_null(text.data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("test_text");
    TCase *tc = tcase_create("test_text");

    tcase_add_table_test(tc, text_is_split_as_a_shell_would, splits);
    tcase_add_table_test(tc, text_that_no_shell_would_take_is_refused, unsplittable);
    tcase_add_table_test(tc, a_quoted_word_is_what_a_shell_reads_as_that_word, quotes);
    tcase_add_table_test(tc, what_a_guest_printed_cannot_draw_on_a_terminal_or_break_xml,
                         cleanings);
    tcase_add_test(tc, long_text_is_cut_to_its_head_and_tail);
    tcase_add_table_test(tc, the_last_lines_are_shown_behind_a_prefix, tails);
    tcase_add_test(tc, a_very_long_line_is_cut);
    tcase_add_test(tc, bytes_are_added_whatever_their_number);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
