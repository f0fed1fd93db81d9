/*
 * commit_report.c - a commit as text: a line for the whole, then one for each section and slot that
 * went, came or changed.
 */
#include "vmm/commit_report.h"

#include <inttypes.h>

#define NS_PER_US 1000.0

void commit_print_slot(struct memory_sink *sink, const char *mark, const struct kvm_slot *slot,
                       struct memory_core *core)
{
    uint64_t first = slot->node.first, last = slot->node.last, offset = 0;
    RAMBlock *block;

    memory_sink_printf(sink, "  %s%4" PRIu32 ": %016" PRIx64 "-%016" PRIx64 " size 0x%" PRIx64 " ",
                       mark, slot->id, first, last, last - first + 1);
    if (core) {
        block = ram_block_from_host(core, (const void *)(uintptr_t)slot->hva, &offset);
        memory_sink_printf(sink, "block %s+0x%" PRIx64, block ? block->name : "?", offset);
        ram_block_unref(block);
    } else {
        memory_sink_printf(sink, "hva 0x%" PRIx64, slot->hva);
    }
    memory_sink_printf(sink, " flags 0x%" PRIx32 " (%s%s) %s", slot->flags,
                       slot->flags & KVM_MEM_READONLY ? "ro" : "rw",
                       slot->flags & KVM_MEM_LOG_DIRTY_PAGES ? ",log" : "",
                       memory_region_name(slot->mr));
}

static void print_section(struct memory_sink *sink, char mark, const MemoryRegionSection *section)
{
    memory_sink_printf(
        sink, "  %c %016" PRIx64 "-%016" PRIx64 " (%s) %s @%016" PRIx64 "\n", mark,
        section->offset_within_address_space, section->last,
        memory_region_type_name(section->mr, section->readonly, section->nonvolatile),
        memory_region_name(section->mr), section->offset_within_region);
}

static void print_sections(struct memory_sink *sink, const MemoryCommit *commit)
{
    size_t i;

    for (i = 0; i < commit->del_num; i++) {
        print_section(sink, '-', &commit->del[i]);
    }
    for (i = 0; i < commit->add_num; i++) {
        print_section(sink, '+', &commit->add[i]);
    }
    for (i = 0; i < commit->log_num; i++) {
        print_section(sink, '~', &commit->log[i].section);
    }
}

struct slot_list {
    struct memory_sink *sink;
    const struct commit_report *report;
    const char *mark;
};

static void print_listed(void *opaque, const struct kvm_slot *slot)
{
    const struct slot_list *list = opaque;

    commit_print_slot(list->sink, list->mark, slot, list->report->core);
    if (list->report->costs) {
        memory_sink_printf(list->sink, ", %.1f us", (double)slot->ioctl_ns / NS_PER_US);
    }
    memory_sink_printf(list->sink, "\n");
}

static void print_slot_list(struct memory_sink *sink, const struct commit_report *report,
                            const char *mark, const struct kvm_slot *slot)
{
    struct slot_list list = {sink, report, mark};

    for (; slot; slot = slot->next) {
        print_listed(&list, slot);
    }
}

static void add_cost(void *opaque, const struct kvm_slot *slot)
{
    struct kvm_slots_delta *delta = opaque;

    delta->added_num++;
    delta->ioctls++;
    delta->ioctl_ns += slot->ioctl_ns;
}

struct kvm_slots_delta commit_slots(const struct commit_report *report)
{
    struct kvm_slots_delta delta = {.added_num = 0};

    if (!report->built) {
        return kvm_slots_last_delta(report->slots);
    }
    kvm_slots_for_each(report->slots, add_cost, &delta); /* the last change may be any */
    return delta;
}

static void print_slot_delta(struct memory_sink *sink, const struct commit_report *report)
{
    const struct kvm_slots_delta delta = commit_slots(report);
    struct slot_list all = {sink, report, "+ "};

    if (delta.removed_num + delta.added_num + delta.changed_num == 0) {
        return;
    }
    memory_sink_printf(sink, "  slots: %u removed, %u added, %u changed, %u ioctls",
                       delta.removed_num, delta.added_num, delta.changed_num, delta.ioctls);
    if (report->costs) {
        memory_sink_printf(sink, " in %.1f us", (double)delta.ioctl_ns / NS_PER_US);
    }
    memory_sink_printf(sink, "\n");
    print_slot_list(sink, report, "- ", delta.removed);
    print_slot_list(sink, report, "+ ", delta.added);
    print_slot_list(sink, report, "~ ", delta.changed);
    if (report->built) {
        kvm_slots_for_each(report->slots, print_listed, &all);
    }
}

void commit_print(struct memory_sink *sink, const struct commit_report *report)
{
    const MemoryCommit *commit = report->commit;

    memory_sink_printf(sink, "commit %u: %s: %zu removed, %zu added, %zu changed", report->num,
                       commit->as->name, commit->del_num, commit->add_num, commit->log_num);
    if (report->built) {
        memory_sink_printf(sink, " (the map as built)");
    } else if (commit->cause) {
        memory_sink_printf(sink, " (%s %s)", commit->cause,
                           commit->cause_region ? commit->cause_region : "");
    }
    if (report->refused) {
        memory_sink_printf(sink, ", refused");
    }
    if (report->costs && !report->built) {
        memory_sink_printf(sink, " in %.1f us", (double)report->took_ns / NS_PER_US);
    }
    memory_sink_printf(sink, "\n");
    print_sections(sink, commit);
    if (report->slots) {
        print_slot_delta(sink, report);
    }
}
