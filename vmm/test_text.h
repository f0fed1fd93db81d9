/*
 * test_text.h - text for `acre test`: growing bytes, lists of words, and what a guest printed made
 * fit for a terminal, TAP and XML.
 *
 * Context: any thread; everything is its owner's alone.
 */
#ifndef ACRE_VMM_TEST_TEXT_H
#define ACRE_VMM_TEST_TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "vmm/error.h"

/* Bytes that grow; not terminated. Zero it to start. */
struct test_text {
    char *data;
    size_t len, room;
};

/* Returns: 0; -ENOMEM, and nothing was added. */
int test_text_add(struct test_text *text, const void *data, size_t len)
    __attribute__((warn_unused_result));
/* Keeps `max` bytes of its head and tail, and a line between that says so. Out of memory: all. */
void test_text_cut(struct test_text *text, size_t max);
void test_text_finish(struct test_text *text);
/* Bytes that need not end in a NUL, as a string from malloc. Returns: NULL out of memory. */
char *test_text_copy(const char *data, size_t len);

/* Strings of its own, and a NULL behind the last: an argv. Zero it to start. */
struct test_words {
    char **words; /* NULL while there are none */
    size_t num;
};

/* Adds a copy. Returns: 0; -ENOMEM. */
int test_words_add(struct test_words *words, const char *word) __attribute__((warn_unused_result));
/*
 * Adds the words of `text` as a shell would split it: blanks, '..', "..", and \ before a character.
 * Nothing is expanded but $dir, outside of '..'.
 * @dir  what $dir is; NULL: an error.
 * Returns: 0; -EINVAL a quote without end, or $dir without a directory; -ENOMEM.
 */
int test_words_split(struct test_words *words, const char *text, const char *dir, struct error *err)
    __attribute__((warn_unused_result));
void test_words_finish(struct test_words *words);
/* Writes a word quoted for a shell, where it needs to be; test_text_clean() leaves it alone. */
void test_word_quote(FILE *file, const char *word);

enum test_text_form {
    TEST_TEXT_PLAIN, /* a line: for terminals, TAP and YAML */
    TEST_TEXT_XML,   /* also escapes < > & ", and keeps newlines and tabs */
};

/*
 * Writes text of a guest's: UTF-8 as it is; each byte that is no UTF-8, and each of a control
 * character, a line or paragraph separator, a byte order mark or a change of direction, as \xNN.
 */
void test_text_clean(FILE *file, const char *data, size_t len, enum test_text_form form);
/* Where the last `line_max` (1..) lines begin. */
size_t test_text_tail(const char *data, size_t len, size_t line_max);
/* Each line of it, cut to 200 bytes, behind `prefix`; the last `line_max` lines (0: all). */
void test_text_lines(FILE *file, const char *prefix, const char *data, size_t len, size_t line_max);

#endif
