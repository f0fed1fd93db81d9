/*
 * test_collect.h - which guests `acre test` is to run: from files, folders and lists, chosen by
 * name, and divided among machines.
 *
 * The order is that of the arguments, of a folder's file names (byte by byte), of a list's
 * sections: the same on every machine.
 *
 * Context: one thread.
 */
#ifndef ACRE_VMM_TEST_COLLECT_H
#define ACRE_VMM_TEST_COLLECT_H

#include "vmm/test_guest.h"

struct test_guests {
    struct test_guest *items;
    size_t num;
};

/*
 * Adds what `path` names:
 *   an ELF file: that guest, called as the file is without `.elf`; its note is read, if it has one;
 *   a folder: each file NAME.elf in it and below, called by its path in the folder; one that cannot
 *       be read, or is no ELF file, is a guest that will fail;
 *   anything else: a list, sections `[name]` of lines as test_guest.h has them, 1 MiB at most.
 * @kernels  the folder of a list's kernels; NULL: the list's own.
 * Returns: 0; -EINVAL a list or note that is wrong; -errno of reading; -ENOMEM. err names file and
 * line.
 */
int test_guests_add(struct test_guests *guests, const char *path, const char *kernels,
                    struct error *err) __attribute__((warn_unused_result));
void test_guests_finish(struct test_guests *guests);

/*
 * A list's text, for tests and fuzzing.
 * @path  for messages, and the folder of its files.
 */
int test_guests_parse_list(struct test_guests *guests, const char *path, const char *kernels,
                           const char *text, size_t len, struct error *err)
    __attribute__((warn_unused_result));

/* Keeps the guests that fit one of the patterns: shell patterns, or parts of the name; in order. */
void test_guests_filter(struct test_guests *guests, const char *const *patterns, size_t num);
/*
 * Keeps each `total`-th guest, from number `index` on: shards differ by one guest at most, are
 * disjoint, and together all.
 * @index  0..total-1.
 */
void test_guests_shard(struct test_guests *guests, uint64_t index, uint64_t total);

#endif
