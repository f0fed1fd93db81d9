/*
 * commit_report.h - one change of the memory map as a diff of view and slots, as text and as JSON:
 * for `--debug commits` and traces.
 *
 * JSON: {"commit": number, "address-space": name, "cause": the setter or null, "cause-region":
 * name or null, "built": true for what stood when reporting began, "refused": true when a listener
 * refused it and nothing changed, "removed": [section...], "added": [section...], "changed":
 * [section...]} and for the space that has slots "slots": {"ioctls": count, "us": their time,
 * "removed": [slot...], "added", "changed"}.
 * - section: {"first", "last", "region", "offset", "type"}
 * - slot: as map_json.h has it, and "us": what its ioctl took
 *
 * Context: a listener's callback.
 */
#ifndef ACRE_VMM_COMMIT_REPORT_H
#define ACRE_VMM_COMMIT_REPORT_H

#include <jansson.h>

#include "memory/memory.h"
#include "vmm/kvm_slots.h"

struct commit_report {
    const MemoryCommit *commit;
    unsigned num; /* its number, from 1 */
    bool built;   /* no change: what stood before */
    bool refused;
    const struct kvm_slots *slots; /* NULL: the space has none, or the commit was refused */
    /* Host addresses change with every run: show block and offset instead. NULL: show them. */
    struct memory_core *core;
    bool costs;       /* text: say what ioctls and the whole took */
    uint64_t took_ns; /* with costs: from the first listener to the last */
};

void commit_print(struct memory_sink *sink, const struct commit_report *report);
/* A line without its end. @core  as above. */
void commit_print_slot(struct memory_sink *sink, const char *mark, const struct kvm_slot *slot,
                       struct memory_core *core);
/*
 * What it did to the slots. Of the map as built the numbers alone: kvm_slots_for_each() has them.
 */
struct kvm_slots_delta commit_slots(const struct commit_report *report);
/* Returns: a new reference; NULL out of memory. */
json_t *commit_json(const struct commit_report *report);

#endif
