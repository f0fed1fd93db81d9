/*
 * top_rows.c - a row for each object of the lists in an answer. A row's name says what it is, so
 * the answer before is searched by it, through a JSON object of name and exits.
 */
#include "vmm/top_rows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t number(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));

    return value > 0 ? (uint64_t)value : 0;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "?";
}

static void name_row(const json_t *object, enum top_what what, char name[TOP_NAME_SIZE])
{
    const char *space = strcmp(text(object, "space"), "io") == 0 ? "port" : "memory";
    char *at;

    if (what == TOP_REASONS) {
        (void)snprintf(name, TOP_NAME_SIZE, "%s", text(object, "reason"));
    } else if (what == TOP_CODE) {
        (void)snprintf(name, TOP_NAME_SIZE, "%s %s", text(object, "rip"), text(object, "symbol"));
    } else if (json_object_get(object, "region")) {
        (void)snprintf(name, TOP_NAME_SIZE, "%s %s %s %s+%s", space, text(object, "address"),
                       text(object, "direction"), text(object, "region"), text(object, "offset"));
    } else {
        (void)snprintf(name, TOP_NAME_SIZE, "%s %s %s nobody", space, text(object, "address"),
                       text(object, "direction"));
    }
    for (at = name; *at != '\0'; at++) {
        *at = *at >= ' ' && *at <= '~' ? *at : '?';
    }
}

/* The lists of an answer that a table is made of; the second may be NULL. */
static void lists_of(const json_t *answer, enum top_what what, const json_t *lists[2])
{
    static const char *const keys[TOP_WHAT_NUM][2] = {
        [TOP_PLACES] = {"places", "unassigned"},
        [TOP_CODE] = {"code", NULL},
        [TOP_REASONS] = {"reasons", NULL},
    };

    lists[0] = json_object_get(answer, keys[what][0]);
    lists[1] = keys[what][1] ? json_object_get(answer, keys[what][1]) : NULL;
}

/* {name: exits} of an answer. NULL: out of memory. */
static json_t *exits_by_name(const json_t *answer, enum top_what what)
{
    json_t *exits = json_object();
    const json_t *lists[2];
    char name[TOP_NAME_SIZE];
    size_t list, i;

    lists_of(answer, what, lists);
    for (list = 0; list < 2; list++) {
        for (i = 0; i < json_array_size(lists[list]) && exits; i++) {
            const json_t *object = json_array_get(lists[list], i);

            name_row(object, what, name);
            if (json_object_set_new(exits, name,
                                    json_integer((json_int_t)number(object, "exits"))) < 0) {
                json_decref(exits);
                exits = NULL;
            }
        }
    }
    return exits;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Of a count in a time. */
static uint64_t per_second(uint64_t count, uint64_t ns)
{
    return ns ? (uint64_t)((double)count * 1e9 / (double)ns) : 0;
}

static uint64_t time_between(const json_t *answer, const json_t *before)
{
    return less(number(answer, "elapsed-ns"), number(before, "elapsed-ns"));
}

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct top_row *)a)->name, ((const struct top_row *)b)->name);
}

static int by_exits(const void *a, const void *b)
{
    const struct top_row *left = a, *right = b;
    int order = by_number(right->exits, left->exits);

    return order ? order : by_name(a, b);
}

static int by_rate(const void *a, const void *b)
{
    const struct top_row *left = a, *right = b;
    int order = by_number(right->new_exits, left->new_exits);

    return order ? order : by_exits(a, b);
}

static int by_time(const void *a, const void *b)
{
    const struct top_row *left = a, *right = b;
    int order = by_number(right->ns, left->ns);

    return order ? order : by_exits(a, b);
}

int top_rows_make(const json_t *answer, const json_t *before, enum top_what what,
                  enum top_sort sort, struct top_row **rows, size_t *num)
{
    static int (*const orders[])(const void *a, const void *b) = {
        [TOP_BY_RATE] = by_rate,
        [TOP_BY_EXITS] = by_exits,
        [TOP_BY_TIME] = by_time,
        [TOP_BY_NAME] = by_name,
    };
    json_t *exits = exits_by_name(before, what);
    uint64_t ns = time_between(answer, before);
    const json_t *lists[2];
    size_t list, i;

    lists_of(answer, what, lists);
    *num = 0;
    *rows = calloc(json_array_size(lists[0]) + json_array_size(lists[1]) + 1, sizeof(**rows));
    if (!*rows || !exits) {
        free(*rows);
        json_decref(exits);
        return -ENOMEM;
    }
    for (list = 0; list < 2; list++) {
        for (i = 0; i < json_array_size(lists[list]); i++) {
            const json_t *object = json_array_get(lists[list], i);
            struct top_row *row = &(*rows)[(*num)++];

            name_row(object, what, row->name);
            row->exits = number(object, "exits");
            row->ns = number(object, "ns");
            row->new_exits = less(row->exits, number(exits, row->name));
            row->per_second = per_second(row->new_exits, ns);
        }
    }
    json_decref(exits);
    qsort(*rows, *num, sizeof(**rows), orders[sort]);
    return 0;
}

void top_summary(const json_t *answer, const json_t *before, char line[TOP_LINE_SIZE])
{
    uint64_t exits = number(answer, "exits");
    uint64_t guest = less(number(answer, "guest-ns"), number(before, "guest-ns"));
    uint64_t serving = less(number(answer, "serving-ns"), number(before, "serving-ns"));
    double all = (double)guest + (double)serving;

    (void)snprintf(line, TOP_LINE_SIZE,
                   "%" PRIu64 " exits in %.1f s, %" PRIu64
                   " a second; guest %.1f %%, serving %.1f %%; CPUs: "
                   "%" PRIu64,
                   exits, (double)number(answer, "elapsed-ns") / 1e9,
                   per_second(less(exits, number(before, "exits")), time_between(answer, before)),
                   all > 0 ? (double)guest * 100 / all : 0,
                   all > 0 ? (double)serving * 100 / all : 0, number(answer, "cpus"));
}

void top_heading(enum top_what what, char line[TOP_LINE_SIZE])
{
    static const char *const names[TOP_WHAT_NUM] = {
        [TOP_PLACES] = "register",
        [TOP_CODE] = "instruction",
        [TOP_REASONS] = "reason",
    };

    (void)snprintf(line, TOP_LINE_SIZE, "%10s %12s %10s %9s  %s", "exits/s", "exits", "time ms",
                   "mean us", names[what]);
}

void top_line(const struct top_row *row, char line[TOP_LINE_SIZE])
{
    (void)snprintf(line, TOP_LINE_SIZE, "%10" PRIu64 " %12" PRIu64 " %10.2f %9.2f  %s",
                   row->per_second, row->exits, (double)row->ns / 1e6,
                   row->exits ? (double)row->ns / 1e3 / (double)row->exits : 0, row->name);
}

int top_sort_parse(const char *word, enum top_sort *sort)
{
    static const char *const words[] = {
        [TOP_BY_RATE] = "rate",
        [TOP_BY_EXITS] = "exits",
        [TOP_BY_TIME] = "time",
        [TOP_BY_NAME] = "name",
    };
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            *sort = (enum top_sort)i;
            return 0;
        }
    }
    return -1;
}
