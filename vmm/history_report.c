/*
 * history_report.c - reading the rings: copied out in order, sorted by their stamps, each access
 * looked up in the map, and told as text or JSON.
 */
#include "vmm/history_report.h"

#include <inttypes.h>
#include <stdio.h>

size_t history_read(const struct history *history, unsigned cpu, struct history_line *lines)
{
    uint64_t first = history->num > HISTORY_LEN ? history->num - HISTORY_LEN : 0;
    size_t num = 0;
    uint64_t i;

    for (i = first; i < history->num; i++) {
        lines[num++] = (struct history_line){.cpu = cpu, .exit = history->exits[i % HISTORY_LEN]};
    }
    return num;
}

/* A shell sort: qsort() asks the kernel how much memory there is, which the sandbox does not let.
 */
void history_sort(struct history_line *lines, size_t num)
{
    size_t gap, i, j;

    for (gap = num / 2; gap > 0; gap /= 2) {
        for (i = gap; i < num; i++) {
            struct history_line line = lines[i];

            for (j = i; j >= gap && lines[j - gap].exit.stamp > line.exit.stamp; j -= gap) {
                lines[j] = lines[j - gap];
            }
            lines[j] = line;
        }
    }
}

void history_locate(struct history_line *line, AddressSpace *memory, AddressSpace *io)
{
    AddressSpace *as = line->exit.reason == KVM_EXIT_IO ? io : memory;
    MemoryRegionSection section;

    if (line->exit.size == 0 || !as || !address_space_find(as, line->exit.addr, 1, &section)) {
        return;
    }
    (void)snprintf(line->region, sizeof(line->region), "%s", memory_region_name(section.mr));
    line->offset = section.offset_within_region;
    memory_region_unref(section.mr);
}

const char *history_reason_name(uint32_t reason)
{
    static const struct {
        uint32_t reason;
        const char *name;
    } names[] = {
        {KVM_EXIT_IO, "port"},
        {KVM_EXIT_MMIO, "mmio"},
        {KVM_EXIT_HLT, "hlt"},
        {KVM_EXIT_DEBUG, "debug"},
        {KVM_EXIT_INTR, "intr"},
        {KVM_EXIT_IRQ_WINDOW_OPEN, "irq-window-open"},
        {KVM_EXIT_SHUTDOWN, "shutdown"},
        {KVM_EXIT_FAIL_ENTRY, "fail-entry"},
        {KVM_EXIT_INTERNAL_ERROR, "internal-error"},
        {KVM_EXIT_SYSTEM_EVENT, "system-event"},
        {KVM_EXIT_DIRTY_RING_FULL, "dirty-ring-full"},
        {KVM_EXIT_X86_RDMSR, "rdmsr"},
        {KVM_EXIT_X86_WRMSR, "wrmsr"},
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].reason == reason) {
            return names[i].name;
        }
    }
    return "other";
}

void history_text(const struct history_line *line, char *text, size_t size)
{
    const struct history_exit *exit = &line->exit;
    char items[32] = "", region[sizeof(line->region) + 24] = "";

    if (exit->size == 0) {
        (void)snprintf(text, size, "cpu %u %s", line->cpu, history_reason_name(exit->reason));
        return;
    }
    if (exit->count > 1) {
        (void)snprintf(items, sizeof(items), " count %" PRIu32, exit->count);
    }
    if (line->region[0] != '\0') {
        (void)snprintf(region, sizeof(region), " (%s+0x%" PRIx64 ")", line->region, line->offset);
    }
    (void)snprintf(text, size, "cpu %u %s %s 0x%" PRIx64 " size %u%s value 0x%" PRIx64 "%s%s",
                   line->cpu, history_reason_name(exit->reason), exit->write ? "write" : "read",
                   exit->addr, exit->size, items, exit->value, region,
                   exit->done ? "" : " not finished");
}

/* jansson's setters take NULL values as errors, so only the results need a look. */
static int set_hex(json_t *object, const char *key, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
    return json_object_set_new(object, key, json_string(text));
}

static int fill_object(json_t *object, const struct history_line *line)
{
    const struct history_exit *exit = &line->exit;
    int failed = json_object_set_new(object, "cpu", json_integer(line->cpu));

    failed |= json_object_set_new(object, "reason", json_string(history_reason_name(exit->reason)));
    if (exit->size > 0) {
        failed |=
            json_object_set_new(object, "direction", json_string(exit->write ? "write" : "read"));
        failed |= set_hex(object, "address", exit->addr);
        failed |= json_object_set_new(object, "size", json_integer(exit->size));
        failed |= json_object_set_new(object, "count", json_integer(exit->count));
        failed |= set_hex(object, "value", exit->value);
    }
    if (line->region[0] != '\0') {
        failed |= json_object_set_new(object, "region", json_string(line->region));
        failed |= set_hex(object, "offset", line->offset);
    }
    if (!exit->done) {
        failed |= json_object_set_new(object, "done", json_false());
    }
    return failed;
}

json_t *history_json(const struct history_line *lines, size_t num)
{
    json_t *array = json_array(), *object;
    int failed = !array;
    size_t i;

    for (i = 0; i < num && !failed; i++) {
        object = json_object();
        failed =
            !object || fill_object(object, &lines[i]) != 0 || json_array_append(array, object) != 0;
        json_decref(object);
    }
    if (failed) {
        json_decref(array);
        return NULL;
    }
    return array;
}
