/*
 * The comparisons that follow every outermost commit of a random program.
 */
#include "tests/unit/memory_machine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/explain_check.h"

enum { READ_BYTES = 256 };

void machine_fail(struct machine *machine, const char *format, ...)
{
    struct memory_program_result *result = machine->result;
    va_list args;

    if (result->failed) {
        return;
    }
    result->failed = true;
    va_start(args, format);
    (void)vsnprintf(result->what, sizeof(result->what), format, args);
    va_end(args);
}

uint8_t machine_byte(int region, uint64_t offset)
{
    return (uint8_t)((uint64_t)region * 37 + offset * 11 + (offset >> 8) + 5);
}

int machine_index(const struct machine *machine, const MemoryRegion *mr)
{
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        if (machine->pool[i] == mr) {
            return i;
        }
    }
    return -1;
}

static struct oracle_range as_oracle_range(const struct machine *machine, const FlatRange *range)
{
    return (struct oracle_range){
        .first = range->first,
        .last = range->last,
        .region = machine_index(machine, range->mr),
        .offset = range->offset_in_region,
        .dirty_log_mask = range->dirty_log_mask,
        .romd = range->romd_mode,
        .readonly = range->readonly,
        .nonvolatile = range->nonvolatile,
        .unmergeable = range->unmergeable,
    };
}

static bool same_range(const struct oracle_range *a, const struct oracle_range *b)
{
    return a->first == b->first && a->last == b->last && a->region == b->region &&
           a->offset == b->offset && a->dirty_log_mask == b->dirty_log_mask && a->romd == b->romd &&
           a->readonly == b->readonly && a->nonvolatile == b->nonvolatile &&
           a->unmergeable == b->unmergeable;
}

static void describe(const struct oracle_range *range, char text[128])
{
    (void)snprintf(text, 128, "%" PRIx64 "-%" PRIx64 " region %d@%" PRIx64 "%s%s%s%s log%u",
                   range->first, range->last, range->region, range->offset,
                   range->readonly ? " ro" : "", range->nonvolatile ? " nv" : "",
                   range->unmergeable ? " um" : "", range->romd ? " romd" : "",
                   range->dirty_log_mask);
}

struct comparison {
    struct machine *machine;
    const char *what;
    const struct oracle_range *expected;
    size_t num, at;
};

static void compare(struct comparison *comparison, const struct oracle_range *got)
{
    char want_text[128] = "nothing", got_text[128];

    if (comparison->at < comparison->num &&
        same_range(&comparison->expected[comparison->at], got)) {
        comparison->at++;
        return;
    }
    if (comparison->at < comparison->num) {
        describe(&comparison->expected[comparison->at], want_text);
    }
    describe(got, got_text);
    machine_fail(comparison->machine, "%s, range %zu: %s, expected %s", comparison->what,
                 comparison->at, got_text, want_text);
}

static bool compare_next(const FlatRange *range, void *opaque)
{
    struct comparison *comparison = opaque;
    struct oracle_range got = as_oracle_range(comparison->machine, range);

    compare(comparison, &got);
    return comparison->machine->result->failed;
}

static void compare_end(struct comparison *comparison)
{
    char text[128];

    if (comparison->at < comparison->num) {
        describe(&comparison->expected[comparison->at], text);
        machine_fail(comparison->machine, "%s ends before %s", comparison->what, text);
    }
}

static void compare_view(struct machine *machine, const FlatView *view, const char *what,
                         const struct oracle_range *expected, size_t num)
{
    struct comparison comparison = {machine, what, expected, num, 0};

    flatview_for_each_range(view, compare_next, &comparison);
    compare_end(&comparison);
    if (flatview_range_num(view) != num) {
        machine_fail(machine, "%s counts %zu ranges, not %zu", what, flatview_range_num(view), num);
    }
}

static void compare_replica(struct machine *machine, const struct replica *replica,
                            const char *what, const struct space *space)
{
    struct comparison comparison = {machine, what, space->expected, space->expected_num, 0};

    if (!replica->registered) {
        return;
    }
    if (replica->in_batch) {
        machine_fail(machine, "%s was left inside a batch", what);
    }
    for (size_t i = 0; i < replica->num && !machine->result->failed; i++) {
        const MemoryRegionSection *section = &replica->sections[i];
        struct oracle_range got = {
            .first = section->offset_within_address_space,
            .last = section->last,
            .region = machine_index(machine, section->mr),
            .offset = section->offset_within_region,
            .dirty_log_mask = section->dirty_log_mask,
            .romd = section->romd_mode,
            .readonly = section->readonly,
            .nonvolatile = section->nonvolatile,
            .unmergeable = section->unmergeable,
        };
        compare(&comparison, &got);
    }
    compare_end(&comparison);
}

static void check_lookup(struct machine *machine, struct space *space, const FlatView *view,
                         hwaddr addr)
{
    const FlatRange *range = flatview_lookup(view, addr);
    const FlatRange *next = flatview_at_or_after(view, addr);
    struct oracle_range answer;

    if (!oracle_lookup(&machine->now, space->root, addr, &answer)) {
        if (range != NULL || (next != NULL && next->first <= addr)) {
            machine_fail(machine, "lookup of %" PRIx64 " finds what is not there", addr);
        }
        return;
    }
    if (range == NULL || range->first > addr || range->last < addr || next != range ||
        machine_index(machine, range->mr) != answer.region ||
        range->offset_in_region + (addr - range->first) != answer.offset) {
        machine_fail(machine, "lookup of %" PRIx64 " is wrong", addr);
    }
}

static void check_lookups(struct machine *machine, struct space *space, const FlatView *view)
{
    for (size_t i = 0; i < space->expected_num; i++) {
        const struct oracle_range *range = &space->expected[i];

        check_lookup(machine, space, view, range->first);
        check_lookup(machine, space, view, range->last);
        check_lookup(machine, space, view, range->first - 1);
        check_lookup(machine, space, view, range->last + 1);
    }
    check_lookup(machine, space, view, 0);
    check_lookup(machine, space, view, UINT64_MAX);
    for (hwaddr addr = 1; addr < READ_BYTES; addr += 7) {
        check_lookup(machine, space, view, addr);
    }
}

static void check_find(struct machine *machine, struct space *space)
{
    const struct oracle_range *first = &space->expected[0];
    MemoryRegionSection section;

    if (space->expected_num == 0) {
        if (address_space_find(&space->as, 0, UINT64_MAX, &section)) {
            machine_fail(machine, "something is found in an empty space");
        }
        return;
    }
    if (!address_space_find(&space->as, first->first, 2, &section)) {
        machine_fail(machine, "nothing found at %" PRIx64, first->first);
        return;
    }
    if (machine_index(machine, section.mr) != first->region ||
        section.offset_within_region != first->offset ||
        section.offset_within_address_space != first->first ||
        section.last != (first->first == first->last ? first->first : first->first + 1)) {
        machine_fail(machine, "what is found at %" PRIx64 " is wrong", first->first);
    }
    memory_region_unref(section.mr);
}

uint8_t machine_content(const struct machine *machine, const struct oracle_range *range,
                        uint64_t addr)
{
    enum oracle_kind kind = machine->now.regions[range->region].kind;
    uint64_t offset = range->offset + (addr - range->first);

    return oracle_has_ram(kind) && (kind != ORACLE_ROM_DEVICE || range->romd)
               ? machine->memory[range->region][offset]
               : machine_byte(range->region, offset);
}

uint8_t machine_read_byte(const struct machine *machine, int space, uint64_t addr, unsigned hops,
                          MemTxResult *result)
{
    enum oracle_kind kind = ORACLE_NONE;
    struct oracle_range range;

    if (oracle_lookup(&machine->now, machine->spaces[space].root, addr, &range)) {
        kind = machine->now.regions[range.region].kind;
    }
    if (kind == ORACLE_IOMMU) {
        const struct iommu_page *page =
            &machine->iommus[range.region].pages[range.offset / IOMMU_PAGE_BYTES % IOMMU_PAGES];
        uint64_t inside = range.offset % IOMMU_PAGE_BYTES;

        if (hops < IOMMU_HOPS_MAX && (page->perm & IOMMU_RO)) {
            return machine_read_byte(machine, page->space, page->to + inside, hops + 1, result);
        }
    }
    if (kind == ORACLE_NONE || kind == ORACLE_RESERVATION || kind == ORACLE_IOMMU) {
        *result |= MEMTX_DECODE_ERROR;
        return 0xff;
    }
    return machine_content(machine, &range, addr);
}

/* Every byte as a reader sees it. */
static void check_reads(struct machine *machine, struct space *space)
{
    uint8_t want[READ_BYTES], got[READ_BYTES];
    MemTxResult result = MEMTX_OK, got_result = MEMTX_OK;
    int index = (int)(space - machine->spaces);

    for (hwaddr addr = 0; addr < READ_BYTES; addr++) {
        want[addr] = machine_read_byte(machine, index, addr, 0, &result);
    }
    /* By bytes: a wider access that begins in a register goes to it whole, overlapped or not. */
    for (hwaddr addr = 0; addr < READ_BYTES; addr++) {
        got_result |= address_space_rw_cached(&space->as, &space->cache, addr,
                                              MEMTXATTRS_UNSPECIFIED, &got[addr], 1, false);
    }
    for (size_t i = 0; i < READ_BYTES; i++) {
        if (got[i] != want[i]) {
            machine_fail(machine, "byte %zx reads %02x, not %02x", i, got[i], want[i]);
        }
    }
    if (got_result != result) {
        machine_fail(machine, "read gives result %x, not %x", got_result, result);
    }
}

static void check_fresh(struct machine *machine, struct space *space)
{
    AddressSpace fresh = {0};

    if (address_space_init(&fresh, machine->core, machine->pool[space->root], "fresh",
                           MEMORY_UNASSIGNED_MEMORY)) {
        machine_fail(machine, "a fresh space cannot be made");
        return;
    }
    FlatView *view = address_space_get_flatview(&fresh);

    compare_view(machine, view, "a view from scratch", space->expected, space->expected_num);
    flatview_unref(view);
    address_space_finish(&fresh);
}

static void check_explain(struct machine *machine, struct space *space)
{
    char why[192];

    if (!explain_agrees(&space->as, why, sizeof(why))) {
        machine_fail(machine, "explanation: %s", why);
    }
}

static void check_space(struct machine *machine, struct space *space)
{
    FlatView *view;

    space->expected_num = oracle_render(&machine->now, space->root, space->expected);
    if (space->expected_num > ORACLE_RANGES) {
        machine->too_complex = true;
        return;
    }
    view = address_space_get_flatview(&space->as);
    compare_view(machine, view, "the view", space->expected, space->expected_num);
    if (!machine->result->failed) {
        check_lookups(machine, space, view);
    }
    flatview_unref(view);
    if (!machine->result->failed) {
        compare_replica(machine, &space->early, "the listener's replica", space);
        compare_replica(machine, &space->late, "a late listener's replica", space);
        machine_check_eventfds(machine, &space->early, space);
        machine_check_zones(machine, &space->early, space);
        check_find(machine, space);
        check_reads(machine, space);
        check_fresh(machine, space);
        check_explain(machine, space);
    }
    if (space->kept) {
        compare_view(machine, space->kept, "a view kept by a reader", space->kept_ranges,
                     space->kept_num);
    }
    if (space->vetoer.applied) {
        machine_fail(machine, "a listener was left with its change applied");
    }
    space->vetoer.prepared = false;
}

/* All that RAM-backed regions have, shown or not. */
static void check_memory(struct machine *machine)
{
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        const struct oracle_region *region = &machine->now.regions[i];

        if (oracle_has_ram(region->kind) && memcmp(memory_region_get_ram_ptr(machine->pool[i]),
                                                   machine->memory[i], region->size) != 0) {
            machine_fail(machine, "region %d does not hold what it should", i);
        }
    }
}

void machine_check(struct machine *machine)
{
    check_memory(machine);
    for (unsigned i = 0; i < SPACES && !machine->result->failed && !machine->too_complex; i++) {
        check_space(machine, &machine->spaces[i]);
    }
    memory_core_throttle(machine->core);
}
