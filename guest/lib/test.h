/*
 * test.h - what `acre test` has to know about a program, carried by the program itself.
 *
 * An ELF note of the name "acre" and type 2; its descriptor is text that ends in a NUL byte: lines
 * `key = value`, each key at most once unless said otherwise:
 *   board    built-in name, or a file beside the program         (pc)
 *   overlay  a file beside the program; repeatable
 *   cpus     number of CPUs                                        (1)
 *   memory   as `acre run -m` takes it
 *   append   the command line
 *   options  further options of `acre run`, as shell words
 *   timeout  seconds
 *   status   the exit status that acre shall give                  (0)
 *   out, err an extended regular expression that a line of stdout or stderr shall have; repeatable
 * A program without the note is run on the default board, and passes with status 0.
 */
#ifndef ACRE_GUEST_LIB_TEST_H
#define ACRE_GUEST_LIB_TEST_H

#include <stdint.h>

#define TEST_NOTE_TYPE 2

/* Once a program, at file scope. @text  a string literal, each of its lines ended by "\n" */
#define TEST_NOTE(text)                                                                            \
    static const struct {                                                                          \
        uint32_t name_size, text_size, type;                                                       \
        char name[8];                                                                              \
        char desc[(sizeof(text) + 3) / 4 * 4];                                                     \
    } test_note __attribute__((used, aligned(4), section(".note.acre.test"))) = {                  \
        .name_size = sizeof("acre"),                                                               \
        .text_size = sizeof(text),                                                                 \
        .type = TEST_NOTE_TYPE,                                                                    \
        .name = "acre",                                                                            \
        .desc = text,                                                                              \
    }

#endif
