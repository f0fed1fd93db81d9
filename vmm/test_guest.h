/*
 * test_guest.h - one guest that `acre test` is to run: how, and what it shall do.
 *
 * Both a guest's own ELF note (ACRE_NOTE_TEST_TYPE) and a section of a list file say it in lines
 * `key = value`; blank lines and those that begin with # are passed over.
 *
 *   kernel    lists only, and there needed: the image, relative to the folder of kernels
 *   board     a built-in board, or a file (it holds a '/' or ends in .dtb or .dts)
 *   overlay   a file; repeatable
 *   cpus, memory, append   as `acre run` takes --cpus, --memory, --append
 *   options   further options of `acre run`, as shell words; $dir is the folder of `file`
 *   file      NAME TEXT: a file to be made in $dir, before it is named in options; repeatable
 *   input     text for stdin, with the escapes \n \t \\ and \NNN (octal); then the input ends
 *   after     an expression: the input comes when a line of stdout matches
 *   timeout   seconds, less than a day
 *   status    the exit status that acre shall give (0)
 *   out, err  an expression that some line of stdout or stderr shall match; repeatable
 *
 * Expressions are POSIX extended ones, of 512 bytes at most, without back-references, and with
 * counts
 * ({2,9}) whose product is 10,000 at most. Numbers that follow a comma count, too. Files of boards
 * and overlays are relative to the folder that the note's guest, or the list, is in.
 *
 * Context: one thread; a guest is its owner's.
 */
#ifndef ACRE_VMM_TEST_GUEST_H
#define ACRE_VMM_TEST_GUEST_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/test_text.h"

struct test_pattern {
    char *text;
    regex_t regex;
};

struct test_patterns {
    struct test_pattern *items;
    size_t num;
};

struct test_guest {
    char *name;                /* what it is called in results */
    char *folder;              /* what files are relative to */
    char *kernel;              /* path; NULL: not known yet */
    struct test_words options; /* of `acre run`, the kernel not among them */
    struct test_patterns out, err;
    struct test_patterns after; /* one at most */
    bool has_input;
    struct test_text input;
    uint64_t timeout_ns; /* 0: not said */
    int status;          /* 0..255 */
    char *dir;           /* where its files are; NULL: it has none */
    struct test_words files, file_texts;
};

/*
 * @name, @folder  copied. Returns: 0; -ENOMEM.
 */
int test_guest_init(struct test_guest *guest, const char *name, const char *folder,
                    struct error *err) __attribute__((warn_unused_result));
/* Also removes the files it made. Accepts a zeroed one. */
void test_guest_finish(struct test_guest *guest);

/*
 * One line, without its newline.
 * @kernels  the folder of kernels; NULL: this is a note, which has no kernel.
 * Returns: 0; -EINVAL; -ENOMEM; -errno of making a file. err says which key, not which line.
 */
int test_guest_line(struct test_guest *guest, const char *line, const char *kernels,
                    struct error *err) __attribute__((warn_unused_result));

/* Does some line of the text match? Of a line, the first 4096 bytes count, and no \r at its end. */
bool test_pattern_matches(const struct test_pattern *pattern, const struct test_text *text);

/* "FOLDER/NAME", or NAME where it is absolute. Returns: the caller's; NULL: out of memory. */
char *test_path_join(const char *folder, const char *name);

#endif
