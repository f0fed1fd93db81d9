/*
 * top_rows.h - what `acre top` shows, made of two answers of acre-query-exits: lines of numbers
 * with what changed between them, sorted.
 *
 * The answers come from a socket: fields may be missing or of other types, and count as 0 or "?".
 * Context: one thread.
 */
#ifndef ACRE_VMM_TOP_ROWS_H
#define ACRE_VMM_TOP_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum top_what { TOP_PLACES, TOP_CODE, TOP_REASONS, TOP_WHAT_NUM };
enum top_sort { TOP_BY_RATE, TOP_BY_EXITS, TOP_BY_TIME, TOP_BY_NAME };

enum { TOP_NAME_SIZE = 160, TOP_LINE_SIZE = 256 };

struct top_row {
    char name[TOP_NAME_SIZE]; /* printable ASCII */
    uint64_t exits, ns;       /* since the run began */
    uint64_t new_exits;       /* since the answer before; all of them when there is none */
    uint64_t per_second;      /* those, by the time between the answers */
};

/*
 * @before  the answer before; NULL: none.
 * @rows  the caller's to free.
 * Returns: 0; -ENOMEM.
 */
int top_rows_make(const json_t *answer, const json_t *before, enum top_what what,
                  enum top_sort sort, struct top_row **rows, size_t *num)
    __attribute__((warn_unused_result));

/* The line above all: how many exits, how many a second, and where the CPUs' time goes. */
void top_summary(const json_t *answer, const json_t *before, char line[TOP_LINE_SIZE]);
/* The columns' names, and a row in these columns. */
void top_heading(enum top_what what, char line[TOP_LINE_SIZE]);
void top_line(const struct top_row *row, char line[TOP_LINE_SIZE]);

/* "rate", "exits", "time", "name". Returns: 0; -1 no such order. */
int top_sort_parse(const char *word, enum top_sort *sort);

#endif
