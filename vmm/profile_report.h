/*
 * profile_report.h - a profile as text, as JSON and as a picture.
 *
 * JSON, format "acre-exits", version 1. Addresses, offsets and RIPs are strings "0x..."; times are
 * nanoseconds. Fields may be added; the version goes up when one changes its meaning.
 *
 * - {"format", "version", "cpus", "exits", "cpu-exits": [number...], "elapsed-ns", "guest-ns",
 *   "serving-ns", "reasons": [sum + {"reason"}...], "places": [place...], "unassigned": [place...],
 *   "code": [sum + {"rip", "symbol"}...], "lost": {"places", "code"} (exits that the tables had no
 *   room for), "interrupts": [{"gsi", "rises"}...], "memory-map": {"commits", "slot-changes",
 *   "slot-ioctls", "ioctls"}, "kvm": {"vm": {name: value...}, "cpus": [{name: value...}...]},
 *   "time-line": [{"stage", "ns", "took-ns"}...]}
 * - sum: {"exits", "ns", "max-ns"}
 * - place: sum + {"space": "io" or "memory", "address", "direction": "read" or "write", "items",
 *   "sizes": [bytes...]}, with "region" and "offset" where something answered, "first-rip" and
 *   "first" (its symbol) where KVM says
 *
 * Lists are in descending order of exits, then by address.
 */
#ifndef ACRE_VMM_PROFILE_REPORT_H
#define ACRE_VMM_PROFILE_REPORT_H

#include "memory/print.h"
#include "vmm/profiler.h"

enum { PROFILE_JSON_VERSION = 1, PROFILE_ROWS = 20 /* of a table of the text */ };

/* For people. Lists are cut to PROFILE_ROWS rows, and say so. Returns: 0; -ENOMEM. */
int profile_text(const struct profile_report *report, struct memory_sink *sink)
    __attribute__((warn_unused_result));
/* Returns: a new reference; NULL out of memory. */
json_t *profile_json(const struct profile_report *report);
/*
 * A heat map: a row for each of the places with most exits, time from left to right, the darker the
 * more exits. Returns: 0; -ENOMEM.
 */
int profile_svg(const struct profile_report *report, struct memory_sink *sink)
    __attribute__((warn_unused_result));

/* ---- what the three share ---- */

/*
 * The places where something answers, or nobody does, in order.
 * @list  the caller's to free; its entries are the profile's. Returns: 0; -ENOMEM.
 */
int profile_sort_places(struct profile *profile, bool answered, struct profile_place ***list,
                        size_t *num) __attribute__((warn_unused_result));
int profile_sort_code(struct profile *profile, struct profile_code ***list, size_t *num)
    __attribute__((warn_unused_result));

uint64_t profile_ns(const struct profile_report *report, uint64_t ticks);
/* "name+0x1f", or "0x..." without a symbol; in printable ASCII whatever the file says. */
void profile_symbol(const struct profile_report *report, uint64_t rip,
                    char text[SYMBOLS_TEXT_SIZE]);

#endif
