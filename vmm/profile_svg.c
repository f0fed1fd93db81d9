/*
 * profile_svg.c - the heat map of a profile: a row for each place, a column for each slice of time.
 * A cell's shade is the logarithm of its exits, so that one access and a million both show.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/map_svg.h"
#include "vmm/profile_report.h"

enum {
    ROW_MAX = 40, /* of those where something answers, and again of those where nobody does */
    CELL_WIDTH = 10,
    CELL_HEIGHT = 16,
    LABEL_WIDTH = 330,
    COUNT_WIDTH = 90,
    TOP = 64,
    BOTTOM = 34,
    MARKS = 4, /* of time, below */
};

struct heat {
    const struct profile_report *report;
    struct memory_sink *sink;
    struct profile_place *rows[2 * ROW_MAX];
    size_t row_num, column_num;
    uint32_t max; /* of any cell */
};

static const char style[] = "<style>\n"
                            "svg { background: #fff; color: #1a1a1a }\n"
                            "text { font: 11px sans-serif; fill: currentColor }\n"
                            ".title { font-size: 14px; font-weight: bold }\n"
                            ".note { fill: #666 }\n"
                            ".number { text-anchor: end }\n"
                            ".ground { fill: #f1f3f5 }\n"
                            ".cell { fill: #b3380c }\n"
                            ".nobody { fill: #1c5fb0 }\n"
                            "@media (prefers-color-scheme: dark) {\n"
                            "svg { background: #16181b; color: #e4e6e8 }\n"
                            ".note { fill: #9aa0a6 }\n"
                            ".ground { fill: #22262a }\n"
                            ".cell { fill: #ff9d5c }\n"
                            ".nobody { fill: #6db3ff }\n"
                            "}\n"
                            "</style>\n";

/* Takes the first rows of a list, and what they need of room and shade. */
static int take_rows(struct heat *heat, bool answered)
{
    struct profile_place **list;
    size_t num, i, column;
    int ret = profile_sort_places(heat->report->sum, answered, &list, &num);

    for (i = 0; i < num && i < ROW_MAX; i++) {
        heat->rows[heat->row_num++] = list[i];
        for (column = 0; column < PROFILE_SLICE_NUM; column++) {
            uint32_t exits = list[i]->slices[column];

            heat->max = exits > heat->max ? exits : heat->max;
            heat->column_num =
                exits > 0 && column >= heat->column_num ? column + 1 : heat->column_num;
        }
    }
    free(list);
    return ret;
}

static void print_label(const struct heat *heat, const struct profile_place *place)
{
    memory_sink_printf(heat->sink, "%s 0x%" PRIx64 " %s ",
                       place->reason == KVM_EXIT_IO ? "port" : "memory", place->addr,
                       place->write ? "write" : "read");
    if (place->region) {
        svg_put_text(heat->sink, place->name);
        memory_sink_printf(heat->sink, "+0x%" PRIx64, place->offset);
    } else {
        memory_sink_printf(heat->sink, "nobody");
    }
}

/* The logarithm to base 2, straight between powers of two. */
static double log_of(uint32_t value)
{
    unsigned bit = value > 0 ? 31 - (unsigned)__builtin_clz(value) : 0;
    double power = (double)(UINT32_C(1) << bit);

    return (double)bit + ((double)value - power) / power;
}

static double shade(const struct heat *heat, uint32_t exits)
{
    return 0.2 + 0.8 * (log_of(exits) + 1) / (log_of(heat->max) + 1);
}

static void print_row(const struct heat *heat, size_t row)
{
    const struct profile_place *place = heat->rows[row];
    unsigned y = TOP + (unsigned)row * CELL_HEIGHT;
    size_t column;

    memory_sink_printf(heat->sink, "<text x=\"12\" y=\"%u\">", y + 12);
    print_label(heat, place);
    memory_sink_printf(heat->sink, "</text>\n");
    for (column = 0; column < heat->column_num; column++) {
        if (place->slices[column] > 0) {
            memory_sink_printf(heat->sink,
                               "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" "
                               "fill-opacity=\"%.2f\"><title>%" PRIu32 " exits</title></rect>\n",
                               place->region ? "cell" : "nobody",
                               LABEL_WIDTH + (unsigned)column * CELL_WIDTH, y, CELL_WIDTH - 1,
                               CELL_HEIGHT - 1, shade(heat, place->slices[column]),
                               place->slices[column]);
        }
    }
    memory_sink_printf(heat->sink, "<text class=\"number\" x=\"%u\" y=\"%u\">%" PRIu64 "</text>\n",
                       LABEL_WIDTH + (unsigned)heat->column_num * CELL_WIDTH + COUNT_WIDTH - 16,
                       y + 12, place->sum.exits);
}

static double slice_ms(const struct heat *heat)
{
    return (double)(UINT64_C(1) << heat->report->sum->slice_shift) * heat->report->ns_per_tick /
           1e6;
}

static void print_time(const struct heat *heat)
{
    unsigned y = TOP + (unsigned)heat->row_num * CELL_HEIGHT + 16;
    double columns = (double)heat->column_num;
    unsigned i;

    for (i = 0; i <= MARKS; i++) {
        memory_sink_printf(heat->sink,
                           "<text class=\"note\" x=\"%.0f\" y=\"%u\" text-anchor=\"%s\">%.4g ms"
                           "</text>\n",
                           LABEL_WIDTH + columns * CELL_WIDTH * i / MARKS, y,
                           i == 0 ? "start" : "middle", slice_ms(heat) * columns * i / MARKS);
    }
}

int profile_svg(const struct profile_report *report, struct memory_sink *sink)
{
    struct heat heat = {.report = report, .sink = sink, .column_num = 24 /* room for the words */};
    int ret = take_rows(&heat, true);
    unsigned width, height;
    size_t i;

    if (ret == 0) {
        ret = take_rows(&heat, false);
    }
    if (ret < 0) {
        return ret;
    }
    width = LABEL_WIDTH + (unsigned)heat.column_num * CELL_WIDTH + COUNT_WIDTH;
    height = TOP + (unsigned)heat.row_num * CELL_HEIGHT + BOTTOM;
    memory_sink_printf(sink,
                       "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" "
                       "width=\"%u\" height=\"%u\">\n%s",
                       width, height, width, height, style);
    memory_sink_printf(sink,
                       "<text class=\"title\" x=\"12\" y=\"24\">Where the guest trapped, and when"
                       "</text>\n<text class=\"note\" x=\"12\" y=\"44\">%" PRIu64
                       " exits; a column is %.3g ms; the shade is the logarithm of exits, at most "
                       "%" PRIu32 "; blue: nobody answered</text>\n",
                       profile_total(report->sum).exits, slice_ms(&heat), heat.max);
    memory_sink_printf(sink,
                       "<rect class=\"ground\" x=\"%d\" y=\"%d\" width=\"%u\" height=\"%u\"/>\n",
                       LABEL_WIDTH - 1, TOP - 1, (unsigned)heat.column_num * CELL_WIDTH + 1,
                       (unsigned)heat.row_num * CELL_HEIGHT + 1);
    for (i = 0; i < heat.row_num; i++) {
        print_row(&heat, i);
    }
    print_time(&heat);
    memory_sink_printf(sink, "</svg>\n");
    return 0;
}
