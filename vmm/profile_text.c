/*
 * profile_text.c - a profile for people: a line of sums, then a table for each thing to ask for.
 */
#include "vmm/profile_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/history_report.h"

/* A report on its way out. */
struct text {
    const struct profile_report *report;
    struct memory_sink *sink;
};

enum { TIME_SIZE = 24 };

/* Four digits that matter, and the unit. */
static const char *time_text(uint64_t ns, char text[TIME_SIZE])
{
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
    size_t i;

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        double value = (double)ns / units[i].ns;

        if (value >= 1) {
            (void)snprintf(text, TIME_SIZE, "%.*f %s",
                           value < 10    ? 2
                           : value < 100 ? 1
                                         : 0,
                           value, units[i].unit);
            return text;
        }
    }
    (void)snprintf(text, TIME_SIZE, "%" PRIu64 " ns", ns);
    return text;
}

static void print_heading(const struct text *out, const char *what)
{
    memory_sink_printf(out->sink, "\n%10s %10s %10s %10s  %s\n", "exits", "time", "mean", "longest",
                       what);
}

/* The columns that all tables begin with. */
static void print_sum(const struct text *out, const struct profile_sum *sum)
{
    uint64_t ns = profile_ns(out->report, sum->ticks);
    char time[TIME_SIZE], mean[TIME_SIZE], longest[TIME_SIZE];

    memory_sink_printf(out->sink, "%10" PRIu64 " %10s %10s %10s  ", sum->exits, time_text(ns, time),
                       time_text(sum->exits ? ns / sum->exits : 0, mean),
                       time_text(profile_ns(out->report, sum->ticks_max), longest));
}

static void print_rest(const struct text *out, size_t num)
{
    if (num > PROFILE_ROWS) {
        memory_sink_printf(out->sink, "%10s and %zu more (JSON has all)\n", "...",
                           num - PROFILE_ROWS);
    }
}

static void print_total(const struct text *out)
{
    const struct profile_report *report = out->report;
    struct profile_sum total = profile_total(report->sum);
    double guest = (double)report->sum->guest_ticks;
    double all = guest + (double)total.ticks;
    unsigned i;

    memory_sink_printf(out->sink, "%" PRIu64 " exits in %.3f s", total.exits,
                       (double)report->elapsed_ns / 1e9);
    if (all > 0) {
        memory_sink_printf(out->sink, "; of the CPUs' time %.1f %% in the guest, %.1f %% serving",
                           guest * 100 / all, (double)total.ticks * 100 / all);
    }
    memory_sink_printf(out->sink, "\n");
    for (i = 0; i < report->cpu_num && report->cpu_num > 1; i++) {
        memory_sink_printf(out->sink, "%s cpu %u: %" PRIu64 "%s", i == 0 ? " " : ",", i,
                           report->cpu_exits[i], i + 1 == report->cpu_num ? "\n" : "");
    }
}

static void print_reasons(const struct text *out)
{
    const struct profile *profile = out->report->sum;
    uint32_t i;

    print_heading(out, "reason");
    for (i = 0; i < PROFILE_REASON_NUM; i++) {
        if (profile->reasons[i].exits > 0) {
            print_sum(out, &profile->reasons[i]);
            memory_sink_printf(out->sink, "%s\n", history_reason_name(i));
        }
    }
}

static const char *space_name(const struct profile_place *place)
{
    return place->reason == KVM_EXIT_IO ? "port" : "memory";
}

static void print_first(const struct text *out, const struct profile_place *place)
{
    char symbol[SYMBOLS_TEXT_SIZE];

    if (place->has_rip) {
        profile_symbol(out->report, place->first_rip, symbol);
        memory_sink_printf(out->sink, ", first at %s", symbol);
    }
    memory_sink_printf(out->sink, "\n");
}

static int print_places(const struct text *out)
{
    struct profile_place **list;
    size_t num, i;
    int ret = profile_sort_places(out->report->sum, true, &list, &num);

    if (ret < 0) {
        return ret;
    }
    if (num > 0) {
        print_heading(out, "register");
    }
    for (i = 0; i < num && i < PROFILE_ROWS; i++) {
        const struct profile_place *place = list[i];

        print_sum(out, &place->sum);
        memory_sink_printf(out->sink, "%s+0x%" PRIx64 " %s (%s 0x%" PRIx64 ")", place->name,
                           place->offset, place->write ? "write" : "read", space_name(place),
                           place->addr);
        if (place->items > place->sum.exits) {
            memory_sink_printf(out->sink, ", %" PRIu64 " items", place->items);
        }
        print_first(out, place);
    }
    print_rest(out, num);
    free(list);
    return 0;
}

static int print_unassigned(const struct text *out)
{
    struct profile_place **list;
    size_t num, i;
    int ret = profile_sort_places(out->report->sum, false, &list, &num);

    if (ret < 0) {
        return ret;
    }
    if (num > 0) {
        memory_sink_printf(out->sink, "\nnobody answered\n");
    }
    for (i = 0; i < num && i < PROFILE_ROWS; i++) {
        memory_sink_printf(out->sink, "  %s 0x%" PRIx64 ": %" PRIu64 " %s%s", space_name(list[i]),
                           list[i]->addr, list[i]->sum.exits, list[i]->write ? "write" : "read",
                           list[i]->sum.exits == 1 ? "" : "s");
        print_first(out, list[i]);
    }
    print_rest(out, num);
    free(list);
    return 0;
}

static int print_code(const struct text *out)
{
    char symbol[SYMBOLS_TEXT_SIZE];
    struct profile_code **list;
    size_t num, i;
    int ret = profile_sort_code(out->report->sum, &list, &num);

    if (ret < 0) {
        return ret;
    }
    if (num > 0) {
        print_heading(out, "instruction (of a memory write, the next one)");
    }
    for (i = 0; i < num && i < PROFILE_ROWS; i++) {
        print_sum(out, &list[i]->sum);
        profile_symbol(out->report, list[i]->rip, symbol);
        memory_sink_printf(out->sink, "0x%" PRIx64 " %s\n", list[i]->rip,
                           symbol[0] == '0' ? "" : symbol);
    }
    print_rest(out, num);
    free(list);
    return 0;
}

static void print_counters(const struct text *out)
{
    const struct profile_report *report = out->report;
    bool any = false;
    size_t i;

    memory_sink_printf(out->sink, "\n");
    for (i = 0; i < MACHINE_IRQ_NUM; i++) {
        if (report->irqs[i] > 0) {
            memory_sink_printf(out->sink, "%s%zu: %" PRIu64,
                               any ? ", " : "interrupt lines raised: ", i, report->irqs[i]);
            any = true;
        }
    }
    memory_sink_printf(out->sink,
                       "%smemory map: %" PRIu64 " commits, %" PRIu64 " slots changed in %" PRIu64
                       " ioctls (of %" PRIu64 " to KVM)\n",
                       any ? "\n" : "", report->commits, report->slot_changes, report->slot_ioctls,
                       report->ioctls);
    if (report->sum->places_lost + report->sum->code_lost > 0) {
        memory_sink_printf(out->sink,
                           "the tables had no room for %" PRIu64 " exits' registers and %" PRIu64
                           " exits' instructions\n",
                           report->sum->places_lost, report->sum->code_lost);
    }
}

static void print_values(const struct text *out, const char *whose, const json_t *values)
{
    const char *name;
    json_t *value;
    bool first = true;

    if (json_object_size(values) == 0) {
        return;
    }
    memory_sink_printf(out->sink, "kvm, %s:", whose);
    /* jansson iterates without changing anything, but its macro wants a pointer to non-const. */
    json_object_foreach((json_t *)(uintptr_t)values, name, value)
    {
        memory_sink_printf(out->sink, "%s %s %" JSON_INTEGER_FORMAT, first ? "" : ",", name,
                           json_integer_value(value));
        first = false;
    }
    memory_sink_printf(out->sink, "\n");
}

static void print_kvm(const struct text *out)
{
    const json_t *cpus = json_object_get(out->report->kvm, "cpus");
    char whose[32];
    size_t i;

    print_values(out, "the VM", json_object_get(out->report->kvm, "vm"));
    for (i = 0; i < json_array_size(cpus); i++) {
        (void)snprintf(whose, sizeof(whose), "cpu %zu", i);
        print_values(out, whose, json_array_get(cpus, i));
    }
}

static void print_time_line(const struct text *out)
{
    const json_t *stages = out->report->time_line, *stage;
    size_t i;

    memory_sink_printf(out->sink, "\n%10s %10s\n", "at", "after");
    for (i = 0; i < json_array_size(stages); i++) {
        char at[TIME_SIZE], took[TIME_SIZE];

        stage = json_array_get(stages, i);
        memory_sink_printf(
            out->sink, "%10s %10s  %s\n",
            time_text((uint64_t)json_integer_value(json_object_get(stage, "ns")), at),
            time_text((uint64_t)json_integer_value(json_object_get(stage, "took-ns")), took),
            json_string_value(json_object_get(stage, "stage")));
    }
}

int profile_text(const struct profile_report *report, struct memory_sink *sink)
{
    const struct text out = {.report = report, .sink = sink};
    int ret;

    print_total(&out);
    print_reasons(&out);
    ret = print_places(&out);
    if (ret == 0) {
        ret = print_unassigned(&out);
    }
    if (ret == 0) {
        ret = print_code(&out);
    }
    if (ret == 0) {
        print_counters(&out);
        print_kvm(&out);
        print_time_line(&out);
    }
    return ret;
}
