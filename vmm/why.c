/*
 * why.c - one line for each step of the explanation, indented by depth; then the accesses, those
 * that do the same in one line.
 */
#include "vmm/why.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/options.h"

int why_parse(const char *text, struct why_place *place, struct error *err)
{
    const char *number = text, *end;

    *place = (struct why_place){.io = strncmp(text, "io:", 3) == 0};
    if (place->io) {
        number += 3;
    } else if (strncmp(text, "memory:", 7) == 0) {
        number += 7;
    }
    if (options_number(number, &place->addr, &end) < 0 || *end != '\0') {
        return error_set(err, EINVAL, "%s: not an address (try 0xfee00000 or io:0x3f8)", text);
    }
    if (place->io && place->addr > 0xffff) {
        return error_set(err, EINVAL, "%s: ports end at 0xffff", text);
    }
    return 0;
}

static bool is_reservation(const MemoryExplainStep *step)
{
    return memory_region_info(step->mr).kind == MEMORY_REGION_RESERVATION;
}

/* Why it stands where it does: ", by priority over ram" and the like. */
static void print_reason(struct memory_sink *sink, const MemoryExplainStep *step)
{
    const char *by = step->by ? memory_region_name(step->by) : "";

    switch (step->state) {
    case MEMORY_EXPLAIN_WINS:
        memory_sink_printf(sink, is_reservation(step) ? "keeps it free: " : "answers: ");
        if (step->rule == MEMORY_EXPLAIN_PRIORITY) {
            memory_sink_printf(sink, "before %s by priority", by);
        } else if (step->rule == MEMORY_EXPLAIN_NEWEST) {
            memory_sink_printf(sink, "before %s as the newer of equals", by);
        } else if (step->rule == MEMORY_EXPLAIN_CHILD) {
            memory_sink_printf(sink, "before %s, which it is in", by);
        } else {
            memory_sink_printf(sink, is_reservation(step) ? "nothing else is there"
                                                          : "nothing else would");
        }
        break;
    case MEMORY_EXPLAIN_PASSES:
        memory_sink_printf(sink, "shows what is in it");
        break;
    case MEMORY_EXPLAIN_HOLE:
        memory_sink_printf(sink, "has nothing here");
        break;
    case MEMORY_EXPLAIN_HIDDEN:
        if (step->rule == MEMORY_EXPLAIN_PRIORITY) {
            memory_sink_printf(sink, "hidden by %s of higher priority", by);
        } else if (step->rule == MEMORY_EXPLAIN_NEWEST) {
            memory_sink_printf(sink, "hidden by %s, newer and of equal priority", by);
        } else {
            memory_sink_printf(sink, "hidden by %s, which is in it", by);
        }
        break;
    case MEMORY_EXPLAIN_DISABLED:
        memory_sink_printf(sink, step->by == step->mr ? "disabled" : "in %s, which is disabled",
                           by);
        break;
    case MEMORY_EXPLAIN_CLIPPED:
        memory_sink_printf(sink, "cut off: %s, which it is in, ends before", by);
        break;
    }
}

struct printing {
    struct memory_sink *sink;
    bool answered;
};

static const char *kind_of(const MemoryExplainStep *step, const MemoryRegionInfo *info)
{
    return info->block || info->ops
               ? memory_region_type_name(step->mr, step->readonly && info->block, info->nonvolatile)
               : memory_region_kind_name(info->kind);
}

static void print_step(void *opaque, const MemoryExplainStep *step)
{
    struct printing *printing = opaque;
    struct memory_sink *sink = printing->sink;
    MemoryRegionInfo info = memory_region_info(step->mr);

    printing->answered |= step->state == MEMORY_EXPLAIN_WINS && !is_reservation(step);
    memory_sink_printf(sink, "  %c %*s%016" PRIx64 "-%016" PRIx64 " (prio %" PRId32 ", %s) %s",
                       step->state == MEMORY_EXPLAIN_WINS ? '*' : ' ', (int)(2 * step->depth), "",
                       step->first, step->last, info.priority, kind_of(step, &info), info.name);
    if (info.alias) {
        memory_sink_printf(sink, " -> %s @0x%" PRIx64, memory_region_name(info.alias),
                           info.alias_offset);
    }
    memory_sink_printf(sink, " +0x%" PRIx64 ": ", step->offset);
    print_reason(sink, step);
    memory_sink_printf(sink, "\n");
}

/* What an access does, as text to compare with that of others. */
struct doing {
    char text[512];
    size_t used;
    uint8_t fill; /* of what nobody answers */
};

__attribute__((format(printf, 2, 3))) static void add(struct doing *doing, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(doing->text + doing->used, sizeof(doing->text) - doing->used, format, args);
    va_end(args);
    if (len > 0) {
        doing->used += (size_t)len < sizeof(doing->text) - doing->used
                           ? (size_t)len
                           : sizeof(doing->text) - doing->used - 1;
    }
}

static void add_piece(void *opaque, const MemoryPiece *piece)
{
    struct doing *doing = opaque;
    const char *name = piece->mr ? memory_region_name(piece->mr) : "";

    add(doing, "%s", doing->used > 0 ? ", " : "");
    switch (piece->kind) {
    case MEMORY_PIECE_DIRECT:
        add(doing, "memory %s+0x%" PRIx64 " (%u)", name, piece->unit_offset, piece->size);
        break;
    case MEMORY_PIECE_RAM_DEVICE:
        add(doing, "one access to %s+0x%" PRIx64 " (%u)", name, piece->unit_offset, piece->size);
        break;
    case MEMORY_PIECE_CALL:
        add(doing, "%s%s+0x%" PRIx64 " (%u)", piece->read_first ? "read and write " : "", name,
            piece->unit_offset, piece->unit_size);
        break;
    case MEMORY_PIECE_REFUSED:
        add(doing, "%u refused by %s%s (reads 0)", piece->size, name,
            piece->refusal == MEMORY_REFUSAL_SIZE        ? ", size"
            : piece->refusal == MEMORY_REFUSAL_UNALIGNED ? ", unaligned"
                                                         : "");
        break;
    case MEMORY_PIECE_CUT:
        add(doing, "%u too narrow for %s (reads 0)", piece->size, name);
        break;
    case MEMORY_PIECE_READ_ONLY:
        add(doing, "%u ignored by %s, read-only", piece->size, name);
        break;
    case MEMORY_PIECE_UNASSIGNED:
        add(doing, "%u unassigned (reads 0x%02x)", piece->size, doing->fill);
        break;
    case MEMORY_PIECE_IOMMU:
        if (piece->target_as) {
            add(doing, "%u translated by %s to %s 0x%" PRIx64, piece->size, name,
                piece->target_as->name, piece->target_addr);
        } else {
            add(doing, "%u not permitted by %s", piece->size, name);
        }
        break;
    }
}

void why_print_accesses(struct memory_sink *sink, AddressSpace *as, hwaddr addr, unsigned size_max)
{
    static const unsigned sizes[] = {1, 2, 4, 8};
    struct doing reads = {.fill = as->unassigned.fill}, writes = reads;
    size_t i;

    memory_sink_printf(sink, "accesses, by size in bytes:\n");
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && sizes[i] <= size_max; i++) {
        reads.used = writes.used = 0;
        memory_explain_access(as, addr, sizes[i], false, add_piece, &reads);
        memory_explain_access(as, addr, sizes[i], true, add_piece, &writes);
        if (strcmp(reads.text, writes.text) == 0) {
            memory_sink_printf(sink, "  %u: %s\n", sizes[i], reads.text);
        } else {
            memory_sink_printf(sink, "  %u, read: %s\n  %u, written: %s\n", sizes[i], reads.text,
                               sizes[i], writes.text);
        }
    }
}

int why_print_regions(struct memory_sink *sink, AddressSpace *as, hwaddr addr)
{
    struct printing printing = {.sink = sink};
    int ret;

    memory_sink_printf(sink, "%s 0x%" PRIx64 ", as regions are tried:\n", as->name, addr);
    ret = memory_explain(as, addr, print_step, &printing);
    if (ret == -E2BIG) {
        memory_sink_printf(sink, "    ... and more\n");
    }
    if (!printing.answered && ret == 0) {
        memory_sink_printf(sink, "  nobody answers: reads give 0x%02x in every byte, with %s\n",
                           as->unassigned.fill,
                           as->unassigned.result == MEMTX_OK ? "no error" : "a decode error");
    }
    return ret;
}

void why_print_slot(struct memory_sink *sink, const FlatRange *range, const struct kvm_slot *slot)
{
    MemoryRegionInfo info = range ? memory_region_info(range->mr) : (MemoryRegionInfo){0};

    if (slot) {
        memory_sink_printf(sink, "slot %" PRIu32 ": %016" PRIx64 "-%016" PRIx64 "%s%s\n", slot->id,
                           slot->node.first, slot->node.last,
                           slot->flags & KVM_MEM_READONLY ? " read-only" : "",
                           slot->flags & KVM_MEM_LOG_DIRTY_PAGES ? " log-dirty-pages" : "");
    } else if (range && info.kind == MEMORY_REGION_RESERVATION) {
        memory_sink_printf(sink, "no slot: reserved, as is what KVM serves itself\n");
    } else if (range && info.block && (info.kind != MEMORY_REGION_ROM_DEVICE || info.romd_mode)) {
        memory_sink_printf(sink, "no slot: no whole page of the host's, accesses trap\n");
    } else if (range) {
        memory_sink_printf(sink, "no slot: accesses trap\n");
    }
}

int why_print(struct memory_sink *sink, AddressSpace *as, hwaddr addr, unsigned size_max,
              const struct kvm_slots *slots)
{
    FlatView *view = address_space_get_flatview(as);
    int ret = why_print_regions(sink, as, addr);

    if (slots) {
        why_print_slot(sink, flatview_lookup(view, addr), kvm_slots_lookup(slots, addr));
    }
    flatview_unref(view);
    why_print_accesses(sink, as, addr, size_max);
    return ret;
}
