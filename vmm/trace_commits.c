/*
 * trace_commits.c - commits and slots. A listener of the lowest priority hears of a commit first,
 * one of the highest last: what is between them is its cost. The diff is rendered at once, since
 * regions and views do not outlive the commit.
 */
#include "vmm/trace_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/commit_report.h"

/* A sink that grows. */
struct text {
    char *bytes;
    size_t used, room;
    bool failed;
};

static void add_text(void *opaque, const char *bytes, size_t len)
{
    struct text *text = opaque;
    size_t wanted = text->used + len + 1;
    char *grown;

    if (wanted > text->room) {
        grown = realloc(text->bytes, 2 * wanted);
        if (!grown) {
            text->failed = true;
            return;
        }
        text->bytes = grown;
        text->room = 2 * wanted;
    }
    memcpy(text->bytes + text->used, bytes, len);
    text->used += len;
    text->bytes[text->used] = '\0';
}

static char *render_text(const struct commit_report *report)
{
    struct text text = {0};
    struct memory_sink sink = {.write = add_text, .opaque = &text};

    commit_print(&sink, report);
    if (text.failed) {
        free(text.bytes);
        return NULL;
    }
    return text.bytes;
}

void trace_note_free(struct trace_note *note)
{
    if (note) {
        free(note->text);
        json_decref(note->json);
        free(note);
    }
}

/* Returns: NULL out of memory. */
static struct trace_note *render(const struct trace *trace, unsigned outputs,
                                 const struct commit_report *report)
{
    struct trace_note *note = calloc(1, sizeof(*note));
    bool text = false, json = false;
    unsigned i;

    for (i = 0; i < trace->out_num; i++) {
        if (outputs & 1U << i) {
            text |= trace->outs[i].format == TRACE_TEXT;
            json |= trace->outs[i].format != TRACE_TEXT;
        }
    }
    if (note) {
        note->text = text ? render_text(report) : NULL;
        note->json = json ? commit_json(report) : NULL;
        if ((text && !note->text) || (json && !note->json)) {
            trace_note_free(note);
            note = NULL;
        }
    }
    return note;
}

static uint64_t rules_of_sections(const struct trace *trace, const MemoryRegionSection *sections,
                                  size_t num)
{
    uint64_t rules = 0;
    size_t i;

    for (i = 0; i < num; i++) {
        rules |= trace_rules_of(trace, memory_region_name(sections[i].mr));
    }
    return rules;
}

/* By the region that was changed, or one that came or went. */
static unsigned outputs_of(const struct trace *trace, const MemoryCommit *commit)
{
    uint64_t rules = trace_rules_of(trace, commit->cause_region ? commit->cause_region : "") |
                     rules_of_sections(trace, commit->del, commit->del_num) |
                     rules_of_sections(trace, commit->add, commit->add_num);
    unsigned outputs = 0, i;

    for (i = 0; i < trace->rule_num; i++) {
        if ((rules & UINT64_C(1) << i) && trace->rules[i].rule.event == TRACE_COMMIT) {
            outputs |= 1U << trace->rules[i].output;
        }
    }
    return outputs;
}

static uint32_t ticks_since(uint64_t stamp)
{
    uint64_t ticks = __rdtsc() - stamp;

    return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

static void report(struct trace_space *space, const MemoryCommit *commit, bool built, bool refused)
{
    struct trace *trace = space->trace;
    bool slots = space == &trace->spaces[0] && !refused && !(built && trace->late);
    struct commit_report report = {
        .commit = commit,
        .num = ++trace->commit_num,
        .built = built,
        .refused = refused,
        .slots = slots ? &trace->machine->slots : NULL,
        .core = &trace->machine->core,
        .costs = true,
    };
    struct trace_record record = {.event = TRACE_COMMIT, .ticks = ticks_since(space->begun)};

    record.outputs = (uint16_t)outputs_of(trace, commit);
    if (record.outputs == 0) {
        return;
    }
    report.took_ns = (uint64_t)((double)record.ticks * trace->ns_per_tick_first);
    record.note = render(trace, record.outputs, &report);
    if (record.note) {
        trace_push_shared(trace, &record);
    }
}

static void push_slot(struct trace *trace, const struct kvm_slot *slot,
                      enum trace_slot_change change)
{
    const char *name = memory_region_name(slot->mr);
    uint64_t rules = trace_rules_of(trace, name);
    struct trace_record record = {
        .event = TRACE_SLOTS,
        .addr = slot->node.first,
        .value = slot->node.last - slot->node.first + 1,
        .count = (uint16_t)slot->id,
        .size = (uint8_t)slot->flags,
        .write = (uint8_t)change,
    };
    double ticks = (double)slot->ioctl_ns / trace->ns_per_tick_first;
    unsigned outputs = 0, i;

    for (i = 0; i < trace->rule_num; i++) {
        const struct trace_rule *rule = &trace->rules[i].rule;

        if ((rules & UINT64_C(1) << i) && rule->event == TRACE_SLOTS &&
            slot->node.last >= rule->first && slot->node.first <= rule->last) {
            outputs |= 1U << trace->rules[i].output;
        }
    }
    if (outputs != 0) {
        record.outputs = (uint16_t)outputs;
        record.region = trace_name(trace, name);
        record.ticks = ticks < (double)UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
        trace_push_shared(trace, &record);
    }
}

static void push_slots(struct trace *trace)
{
    const struct kvm_slots_delta delta = kvm_slots_last_delta(&trace->machine->slots);
    const struct kvm_slot *slot;

    for (slot = delta.removed; slot; slot = slot->next) {
        push_slot(trace, slot, TRACE_SLOT_REMOVED);
    }
    for (slot = delta.added; slot; slot = slot->next) {
        push_slot(trace, slot, TRACE_SLOT_ADDED);
    }
    for (slot = delta.changed; slot; slot = slot->next) {
        push_slot(trace, slot, TRACE_SLOT_CHANGED);
    }
}

static int heard_of(MemoryListener *listener, MemoryCommit *commit)
{
    (void)commit;
    ((struct trace_space *)listener->opaque)->begun = __rdtsc();
    return 0;
}

static void was_refused(MemoryListener *listener, const MemoryCommit *commit)
{
    struct trace_space *space = listener->opaque;

    if (trace_wants(space->trace, TRACE_COMMIT)) {
        report(space, commit, false, true);
    }
}

static void committed(MemoryListener *listener, const MemoryCommit *commit)
{
    struct trace_space *space = listener->opaque;
    struct trace *trace = space->trace;
    bool built = !trace->listening; /* a new listener is told of all that stands */

    if (trace_wants(trace, TRACE_SLOTS) && space == &trace->spaces[0] && !(built && trace->late)) {
        push_slots(trace);
    }
    if (trace_wants(trace, TRACE_COMMIT)) {
        report(space, commit, built, false);
    }
}

static int listen_to(struct trace_space *space)
{
    int ret;

    space->first = (MemoryListener){.name = "trace-first",
                                    .priority = INT_MIN,
                                    .opaque = space,
                                    .prepare = heard_of,
                                    .cancel = was_refused};
    space->last = (MemoryListener){
        .name = "trace-last", .priority = INT_MAX, .opaque = space, .commit = committed};
    ret = memory_listener_register(&space->first, space->as);
    return ret == 0 ? memory_listener_register(&space->last, space->as) : ret;
}

static void forget(struct trace_space *space)
{
    /* The removal's own replay is of no interest. */
    space->last.commit = NULL;
    memory_listener_unregister(&space->last);
    memory_listener_unregister(&space->first);
}

int trace_commits_listen(struct trace *trace)
{
    int ret = 0;
    size_t i;

    for (i = 0; i < 2 && ret == 0; i++) {
        ret = listen_to(&trace->spaces[i]);
    }
    trace->listening = true;
    if (ret < 0) {
        trace_commits_forget(trace);
    }
    return ret;
}

void trace_commits_forget(struct trace *trace)
{
    size_t i;

    for (i = 0; i < 2 && trace->listening; i++) {
        forget(&trace->spaces[i]);
    }
    trace->listening = false;
}
