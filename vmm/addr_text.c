/*
 * addr_text.c - the chain as lines for a person, outermost step first; and the argument parser.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "vmm/addr_chain.h"
#include "vmm/options.h"
#include "vmm/why.h"

static const char *const space_names[] = {
    [ADDR_GVA] = "gva",
    [ADDR_GPA] = "gpa",
    [ADDR_HVA] = "hva",
};
enum { SPACE_NUM = sizeof(space_names) / sizeof(space_names[0]) };

const char *addr_space_name(enum addr_space space)
{
    return space_names[space];
}

int addr_space_parse(const char *name, size_t len, enum addr_space *space)
{
    unsigned i;

    for (i = 0; i < SPACE_NUM; i++) {
        if (strlen(space_names[i]) == len && memcmp(name, space_names[i], len) == 0) {
            *space = (enum addr_space)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* " --cpu N" or nothing. */
static int parse_cpu(const char *text, unsigned *cpu)
{
    uint64_t number;
    const char *end = text + strspn(text, " ");

    if (*end == '\0') {
        return 0;
    }
    if (end == text || strncmp(end, "--cpu", 5) != 0 || (end[5] != ' ' && end[5] != '=')) {
        return -EINVAL;
    }
    end += 6;
    end += strspn(end, " ");
    if (options_number(end, &number, &end) < 0 || number > UINT_MAX) {
        return -EINVAL;
    }
    *cpu = (unsigned)number;
    return end[strspn(end, " ")] == '\0' ? 0 : -EINVAL;
}

int addr_parse(const char *text, unsigned cpu, struct addr_request *request, struct error *err)
{
    const char *start = text + strspn(text, " ");
    size_t len = strcspn(start, ": ");

    *request = (struct addr_request){.space = ADDR_GVA, .cpu = cpu};
    if (start[len] == ':') {
        if (addr_space_parse(start, len, &request->space) < 0) {
            return error_set(err, EINVAL, "%.*s: not an address space (gva, gpa or hva)",
                             (int)(len < 32 ? len : 32), start);
        }
        start += len + 1;
    }
    if (options_number(start, &request->addr, &start) < 0 || parse_cpu(start, &request->cpu) < 0) {
        return error_set(err, EINVAL,
                         "%.64s: not an address (try 0x1000, gpa:0x1000 or 0x1000 --cpu 1)", text);
    }
    return 0;
}

static void print_levels(const struct x86_walk *walk, struct memory_sink *sink)
{
    char flags[48];
    unsigned i;

    for (i = 0; i < walk->level_num; i++) {
        const struct x86_walk_level *level = &walk->levels[i];
        bool unread = walk->result == X86_WALK_NO_MEMORY && i + 1 == walk->level_num;

        x86_walk_flags(level, flags, sizeof(flags));
        memory_sink_printf(sink, "  %-5s %3u at 0x%012" PRIx64 ": ", level->name, level->index,
                           level->entry_gpa);
        if (unread) {
            memory_sink_printf(sink, "?\n");
        } else {
            memory_sink_printf(sink, "0x%016" PRIx64 " %s\n", level->raw, flags);
        }
    }
}

static void print_page_size(uint64_t size, struct memory_sink *sink)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    unsigned unit = 0;

    while (size >= 1024 && unit < 3) {
        size /= 1024;
        unit++;
    }
    memory_sink_printf(sink, "a page of %" PRIu64 " %s", size, units[unit]);
}

static void print_kvm(const struct addr_linear *linear, struct memory_sink *sink)
{
    memory_sink_printf(sink, "  KVM_TRANSLATE ");
    if (linear->kvm == ADDR_KVM_FAILED) {
        memory_sink_printf(sink, "failed: %s\n", strerror(-linear->kvm_result));
    } else if (linear->kvm == ADDR_KVM_AGREES) {
        memory_sink_printf(sink, "agrees\n");
    } else if (linear->kvm_result == 0) {
        memory_sink_printf(
            sink, "%s: gpa 0x%" PRIx64 "%s\n", addr_kvm_name(linear->kvm), linear->kvm_gpa,
            linear->kvm == ADDR_KVM_UNCHECKED ? ", without a look at the upper bits" : "");
    } else {
        memory_sink_printf(sink, "differs: not mapped\n");
    }
}

static void print_linear(const struct addr_chain *chain, struct memory_sink *sink)
{
    const struct addr_linear *linear = &chain->linear;
    const struct x86_walk *walk = &linear->walk;

    memory_sink_printf(sink, "gva 0x%016" PRIx64 " on CPU %u, paging %s", chain->request.addr,
                       chain->request.cpu, x86_paging_mode_name(walk->mode));
    if (walk->mode != X86_PAGING_OFF) {
        memory_sink_printf(sink, ", CR3 0x%" PRIx64, linear->paging.regs.cr3);
    }
    memory_sink_printf(sink, "%s\n",
                       linear->paging.pdptes_loaded ? ", PDPTEs as the CPU holds them" : "");
    print_levels(walk, sink);
    if (walk->result != X86_WALK_OK) {
        memory_sink_printf(sink, "  no translation: %s\n", x86_walk_result_name(walk->result));
    } else if (walk->page_size > 0) {
        memory_sink_printf(sink, "  ");
        print_page_size(walk->page_size, sink);
        memory_sink_printf(sink, ": %s, %s, %s%s\n", walk->writable ? "writable" : "read-only",
                           walk->user ? "user" : "supervisor",
                           walk->executable ? "executable" : "no code",
                           walk->global ? ", global" : "");
    }
    print_kvm(linear, sink);
}

static void print_path(const struct addr_path *path, struct memory_sink *sink)
{
    unsigned i;

    for (i = 0; i < path->num; i++) {
        memory_sink_printf(sink, "%s%s",
                           i == 0                     ? ""
                           : path->steps[i].via_alias ? " -> "
                                                      : " / ",
                           memory_region_name(path->steps[i].mr));
    }
}

static void print_place(const struct addr_place *place, struct memory_sink *sink)
{
    const FlatRange *range = place->range;

    memory_sink_printf(sink, "gpa 0x%016" PRIx64 ": ", place->gpa);
    if (!range) {
        memory_sink_printf(sink, "nobody answers\n");
        return;
    }
    print_path(&place->path, sink);
    memory_sink_printf(sink,
                       "\n  range %016" PRIx64 "-%016" PRIx64 " (prio %" PRId32 ", %s): %s"
                       " + 0x%" PRIx64 "\n",
                       range->first, range->last, memory_region_info(range->mr).priority,
                       memory_region_type_name(range->mr, range->readonly, range->nonvolatile),
                       memory_region_name(range->mr),
                       range->offset_in_region + (place->gpa - range->first));
    memory_sink_printf(sink, "  ");
    why_print_slot(sink, range, place->slot);
}

static void print_host(const struct addr_host *host, struct memory_sink *sink)
{
    const RAMBlock *block = host->block;

    memory_sink_printf(sink, "hva 0x%016" PRIx64 ": RAM block %s + 0x%" PRIx64, host->hva,
                       block->name, host->offset);
    if (block->fd >= 0) {
        memory_sink_printf(sink, ", %s (descriptor %d) + 0x%" PRIx64,
                           block->backing == RAM_MEMFD ? "memfd" : "file", block->fd,
                           block->fd_offset + host->offset);
    } else {
        memory_sink_printf(sink, ", %s",
                           block->backing == RAM_PTR ? "memory of acre's own" : "anonymous");
    }
    memory_sink_printf(sink, "%s\n", block->shared ? ", shared" : "");
    if (host->page.state == PAGEMAP_PRESENT) {
        memory_sink_printf(sink, "hpa 0x%016" PRIx64 "\n", host->page.hpa);
    } else {
        memory_sink_printf(sink, "hpa %s\n", pagemap_why(&host->page));
    }
}

void addr_chain_print(const struct addr_chain *chain, struct memory_sink *sink)
{
    AddressSpace *memory = board_memory(chain->machine->board);
    size_t i;

    if (chain->request.space == ADDR_GVA) {
        print_linear(chain, sink);
    } else if (chain->request.space == ADDR_HVA) {
        print_host(&chain->host, sink);
        memory_sink_printf(sink, "shown at %zu guest-physical address%s\n", chain->place_num,
                           chain->place_num == 1 ? "" : "es");
    }
    for (i = 0; i < chain->place_num; i++) {
        print_place(&chain->places[i], sink);
    }
    if (chain->request.space == ADDR_HVA || chain->place_num == 0) {
        return;
    }
    (void)why_print_regions(sink, memory, chain->places[0].gpa);
    if (chain->host.block) {
        print_host(&chain->host, sink);
    } else {
        why_print_accesses(sink, memory, chain->places[0].gpa, WHY_MEMORY_SIZE_MAX);
    }
}
