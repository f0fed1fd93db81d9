/*
 * trace_spec.h - what `--trace` says: events with filters, a format, and where to.
 *
 *   SPEC    = ITEM[,ITEM...][=FILE]
 *   ITEM    = EVENT[:KEY=VALUE...] | format=text|json|chrome
 *   EVENT   = pio | mmio | irq | msr | commit | slots | exits | boot | all | REGION.REGISTER
 *   KEY     = region (a shell pattern), addr (FIRST[-LAST]), cpu (N), line (FIRST[-LAST])
 *
 * `serial.IIR` is the accesses, by port or memory, to that register; `serial.*` to any of that
 * region. FILE is all that follows the first `=` that does not belong to a KEY or to `format`.
 *
 * Context: any thread; nothing is kept between calls, nothing is allocated.
 */
#ifndef ACRE_VMM_TRACE_SPEC_H
#define ACRE_VMM_TRACE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/error.h"

enum trace_event {
    TRACE_PIO,
    TRACE_MMIO,
    TRACE_REGISTER, /* pio and mmio, of one device's registers; never a record's event */
    TRACE_IRQ,
    TRACE_MSR,
    TRACE_COMMIT,
    TRACE_SLOTS,
    TRACE_EXITS,
    TRACE_BOOT,
    TRACE_EVENT_NUM
};

enum trace_format { TRACE_TEXT, TRACE_JSON, TRACE_CHROME, TRACE_FORMAT_NUM };

enum { TRACE_RULES_MAX = 32, TRACE_REGION_SIZE = 40, TRACE_REGISTER_SIZE = 24, TRACE_ANY_CPU = -1 };

/* One event, and which of its kind. */
struct trace_rule {
    enum trace_event event;
    int cpu;                        /* TRACE_ANY_CPU */
    uint64_t first, last;           /* addresses, MSRs or interrupt lines */
    char region[TRACE_REGION_SIZE]; /* pattern; "": any */
    char reg[TRACE_REGISTER_SIZE];  /* TRACE_REGISTER: its name; "*": any */
};

struct trace_spec {
    struct trace_rule rules[TRACE_RULES_MAX];
    size_t rule_num;
    enum trace_format format;
    const char *file; /* in the text; NULL: stderr */
};

/*
 * Without `format=` a file's name decides: .jsonl JSON lines, .json Chrome's format, else text.
 * Returns: 0; -EINVAL, err says what is wrong with the text.
 */
int trace_spec_parse(const char *text, struct trace_spec *spec, struct error *err)
    __attribute__((warn_unused_result));
/*
 * One ITEM that is an event, as a monitor's command has it.
 * @rules  room for TRACE_EVENT_NUM.   Returns: how many rules (`all`: several); -EINVAL.
 */
int trace_rules_parse(const char *text, struct trace_rule *rules, struct error *err)
    __attribute__((warn_unused_result));

/* `pio`; of TRACE_REGISTER "register". */
const char *trace_event_name(enum trace_event event);
/* `--trace help`. Returns: 0; -errno of the write that failed. */
int trace_events_print(int fd);

#endif
