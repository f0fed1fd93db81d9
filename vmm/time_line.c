/* time_line.c - an array of marks, kept in order of time. */
#include "vmm/time_line.h"

#include <string.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0};

    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t time_line_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t time_line_process_ns(void)
{
    uint64_t now = time_line_now_ns(), used = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

    return now > used ? now - used : now;
}

void time_line_begin(struct time_line *line, uint64_t begin_ns)
{
    *line = (struct time_line){.begin_ns = begin_ns ? begin_ns : time_line_now_ns()};
    time_line_mark(line, "process started, options and files read");
}

void time_line_insert(struct time_line *line, const char *name, uint64_t ns)
{
    size_t at = line->num;

    if (ns == 0 || line->num == TIME_LINE_MAX) {
        return;
    }
    for (; at > 0 && line->marks[at - 1].ns > ns; at--) {
        line->marks[at] = line->marks[at - 1];
    }
    line->marks[at] = (struct time_line_mark){.name = name, .ns = ns};
    line->num++;
}

void time_line_mark(struct time_line *line, const char *name)
{
    time_line_insert(line, name, time_line_now_ns());
}

json_t *time_line_json(const struct time_line *line)
{
    json_t *array = json_array();
    uint64_t before = line->begin_ns;
    size_t i;

    for (i = 0; i < line->num && array; i++) {
        const struct time_line_mark *mark = &line->marks[i];

        if (json_array_append_new(array, json_pack("{s:s, s:I, s:I}", "stage", mark->name, "ns",
                                                   (json_int_t)(mark->ns - line->begin_ns),
                                                   "took-ns", (json_int_t)(mark->ns - before))) <
            0) {
            json_decref(array);
            return NULL;
        }
        before = mark->ns;
    }
    return array;
}
