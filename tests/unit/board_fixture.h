/*
 * board_fixture.h - a board from a tree that a test writes down: compiled, opened, built, asked.
 *
 * Context: one thread; one board at a time.
 */
#ifndef ACRE_TESTS_UNIT_BOARD_FIXTURE_H
#define ACRE_TESTS_UNIT_BOARD_FIXTURE_H

#include "tests/unit/run_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/memory.h"
#include "vmm/board.h"

static struct memory_core core;
static struct board *board;
static struct error err;
static char dts_path[64], dtb_path[64];
static char warnings[2048]; /* a line each */

static void setup(void)
{
    const struct memory_core_config config = {.opaque = NULL};

    board = NULL;
    memory_thread_register();
    ck_assert_int_eq(memory_core_init(&core, &config), 0);
}

static void teardown(void)
{
    board_unbuild(board);
    memory_core_finish(&core);
    board_free(board);
    memory_thread_unregister();
}

static void write_source(const char *source)
{
    FILE *file;

    (void)snprintf(dts_path, sizeof(dts_path), "/tmp/acre-board-%d.dts", (int)getpid());
    file = fopen(dts_path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(source, file);
    (void)fclose(file);
}

/* Compiles a tree. The wrapper spares every test the header. */
static inline void compile(const char *source)
{
    static char text[1 << 16];
    char command[256];

    (void)snprintf(text, sizeof(text),
                   "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;\n"
                   "memory@0 { device_type = \"memory\"; reg = <0 0 0 0x100000>; };\n%s };\n",
                   source);
    write_source(text);
    (void)snprintf(dtb_path, sizeof(dtb_path), "/tmp/acre-board-%d.dtb", (int)getpid());
    (void)snprintf(command, sizeof(command), "dtc -q -f -@ -I dts -O dtb -o %s %s", dtb_path,
                   dts_path);
    ck_assert_int_eq(system(command), 0); // NOLINT: the test's own strings
    (void)unlink(dts_path);
}

static inline void keep_warning(void *opaque, const char *line)
{
    size_t used = strlen(warnings);

    (void)opaque;
    (void)snprintf(warnings + used, sizeof(warnings) - used, "%s\n", line);
}

/* Opens and builds what was compiled. @host NULL: nothing. Returns: the first error. */
static inline int try_tree_on(const struct board_host *host)
{
    const struct board_config config = {.name = dtb_path, .warn = keep_warning};
    int ret;

    warnings[0] = '\0';
    ret = board_open(&config, &board, &err);
    (void)unlink(dtb_path);
    return ret < 0 ? ret : board_build(board, &core, host, &err);
}

static inline int try_tree(void)
{
    return try_tree_on(NULL);
}

/* The name of the region that shows at an address, or "-". */
static inline const char *region_at(AddressSpace *as, hwaddr addr)
{
    FlatView *view = address_space_get_flatview(as);
    const FlatRange *range = flatview_lookup(view, addr);
    static char name[64];

    (void)snprintf(name, sizeof(name), "%s", range ? memory_region_name(range->mr) : "-");
    flatview_unref(view);
    return name;
}

/* "FILE: text" is the error. */
static inline void ck_assert_refused(const char *text)
{
    char expected[sizeof(err.text)];

    (void)snprintf(expected, sizeof(expected), "%s: %s", dtb_path, text);
    ck_assert_str_eq(err.text, expected);
}

#endif
