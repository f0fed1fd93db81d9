/*
 * history_report.h - the vCPUs' last exits as others read them: copied out, put in order, each
 * access with who answers there, as text and as JSON.
 *
 * Nothing here runs while a guest does.
 */
#ifndef ACRE_VMM_HISTORY_REPORT_H
#define ACRE_VMM_HISTORY_REPORT_H

#include <jansson.h>
#include <stddef.h>

#include "memory/memory.h"
#include "vmm/history.h"

/* One exit as a reader sees it. */
struct history_line {
    unsigned cpu;
    struct history_exit exit;
    char region[48]; /* who answers at addr; "": nobody, or not looked up */
    uint64_t offset; /* of addr in that region */
};

/*
 * The exits of one vCPU, the oldest first, with no region yet.
 * @lines  room for HISTORY_LEN.
 * Returns: how many. Context: the vCPU's thread stands still.
 */
size_t history_read(const struct history *history, unsigned cpu, struct history_line *lines);
/* Orders the lines of several vCPUs by time, the oldest first. */
void history_sort(struct history_line *lines, size_t num);
/*
 * Looks up who answers at the line's address now; the map may have been another when it happened.
 * @memory, @io  the address spaces of MMIO and ports. Context: a registered thread.
 */
void history_locate(struct history_line *line, AddressSpace *memory, AddressSpace *io);

/* `mmio`, `port`, or KVM's name of another exit, in lower case. */
const char *history_reason_name(uint32_t reason);
/*
 * A line for people: "cpu 0 port write 0x3f8 size 1 value 0x41 (serial+0x0)".
 * Never longer than 160 bytes.
 */
void history_text(const struct history_line *line, char *text, size_t size);
/*
 * An array, an object for each line: cpu, reason; of an access also direction ("read", "write"),
 * address, size, count, value (of the first item), region and offset where something answers;
 * "done": false where it was never finished. Returns: a new reference; NULL: out of memory.
 */
json_t *history_json(const struct history_line *lines, size_t num);

#endif
