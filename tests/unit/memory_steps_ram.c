/*
 * Steps of a random program on what is behind the regions: memory that is resized, discarded and
 * mapped, and IOMMUs whose tables change.
 *
 * A mapping is predicted byte by byte: it is direct as long as the next byte is the next of the
 * same region's memory, else it is bounced up to the first byte that is memory.
 */
#include "tests/unit/memory_machine.h"

#include <errno.h>
#include <string.h>

/* ---- IOMMUs -----------------------------------------------------------------------------------
 */

static IOMMUTLBEntry translate(void *opaque, hwaddr addr, IOMMUAccessFlags flag, int index)
{
    const struct iommu_table *table = opaque;
    const struct iommu_page *page = &table->pages[addr / IOMMU_PAGE_BYTES % IOMMU_PAGES];

    (void)flag;
    (void)index;
    return (IOMMUTLBEntry){
        .target_as = &table->machine->spaces[page->space].as,
        .iova = addr & ~(hwaddr)(IOMMU_PAGE_BYTES - 1),
        .translated_addr = page->to,
        .addr_mask = IOMMU_PAGE_BYTES - 1,
        .perm = page->perm,
    };
}

const IOMMUMemoryRegionOps machine_iommu_ops = {.translate = translate};

void step_create_iommu(struct machine *machine, const struct step *step)
{
    struct oracle_region as = {.kind = ORACLE_IOMMU, .size = 1 + (uint64_t)step->y};

    if (machine->now.regions[step->a].kind == ORACLE_NONE && machine->pool[step->a] == NULL) {
        machine->iommus[step->a] = (struct iommu_table){.machine = machine};
        machine_create(machine, step->a, as);
    }
}

/* The first IOMMU from a place on; -1: none. */
static int find_iommu(const struct machine *machine, int place)
{
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        int at = (place + i) % ORACLE_REGIONS;

        if (machine->now.regions[at].kind == ORACLE_IOMMU) {
            return at;
        }
    }
    return -1;
}

void step_iommu_page(struct machine *machine, const struct step *step)
{
    int index = find_iommu(machine, step->a);

    if (index >= 0) {
        machine->iommus[index].pages[step->x % IOMMU_PAGES] = (struct iommu_page){
            .to = (uint64_t)(step->y % 8) * IOMMU_PAGE_BYTES,
            .space = step->z / 4 % SPACES,
            .perm = step->z % 4,
        };
    }
}

/* ---- RAM --------------------------------------------------------------------------------------
 */

/* The first RAM-backed region from a place on; -1: none. */
static int find_ram(const struct machine *machine, int place)
{
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        int at = (place + i) % ORACLE_REGIONS;

        if (oracle_has_ram(machine->now.regions[at].kind)) {
            return at;
        }
    }
    return -1;
}

void step_ram_resize(struct machine *machine, const struct step *step)
{
    uint64_t size = (uint64_t)(step->x % 15) * (MACHINE_PAGE_BYTES / 4), rounded;
    int index = step->y < 240 ? find_ram(machine, step->a) : step->a;

    if (index < 0) {
        return;
    }
    struct oracle_region *region = &machine->now.regions[index];
    int error = memory_region_ram_resize(machine->pool[index], size);

    rounded = (size + MACHINE_PAGE_BYTES - 1) / MACHINE_PAGE_BYTES * MACHINE_PAGE_BYTES;
    if (!oracle_has_ram(region->kind) || size == 0 || size > MACHINE_RAM_BYTES) {
        machine_refused(machine, error, -EINVAL);
    } else if (rounded == region->size) {
        (void)machine_done(machine, error);
    } else if (machine->depth > 0) {
        machine_refused(machine, error, -EBUSY);
    } else if (machine_done(machine, error)) {
        if (rounded > region->size) {
            memset(machine->memory[index] + region->size, 0, rounded - region->size);
        }
        region->size = rounded;
    }
}

void step_discard(struct machine *machine, const struct step *step)
{
    uint64_t start = (uint64_t)(step->x % 4) * MACHINE_PAGE_BYTES + (step->x > 240);
    uint64_t length = (uint64_t)(step->y % 4) * MACHINE_PAGE_BYTES;
    int index = find_ram(machine, step->a);

    if (index < 0) {
        return;
    }
    int error = ram_block_discard_range(machine->pool[index]->ram_block, start, length);

    if (step->x > 240 || length == 0 || start + length > MACHINE_RAM_BYTES) {
        machine_refused(machine, error, -EINVAL);
    } else if (machine_done(machine, error)) {
        memset(machine->memory[index] + start, 0, length);
    }
}

/* ---- mappings ---------------------------------------------------------------------------------
 */

/* The range at an address of a space; its `region` is -1 where there is none. */
static struct oracle_range range_at(const struct machine *machine, int space, hwaddr addr)
{
    struct oracle_range range;

    if (!oracle_lookup(&machine->now, machine->spaces[space].root, addr, &range)) {
        range = (struct oracle_range){.first = addr, .last = addr, .region = -1};
    }
    return range;
}

static enum oracle_kind kind_at(const struct machine *machine, const struct oracle_range *range)
{
    return range->region < 0 ? ORACLE_NONE : machine->now.regions[range->region].kind;
}

static bool is_direct(const struct machine *machine, const struct oracle_range *range,
                      bool is_write)
{
    enum oracle_kind kind = kind_at(machine, range);

    return ((kind == ORACLE_RAM || kind == ORACLE_ROM) && !(is_write && range->readonly)) ||
           (kind == ORACLE_ROM_DEVICE && range->romd && !is_write);
}

/* How many of `len` bytes one mapping has. */
static uint64_t predict(const struct machine *machine, int space, hwaddr addr, uint64_t len,
                        bool is_write)
{
    struct oracle_range before = range_at(machine, space, addr);
    bool direct = is_direct(machine, &before, is_write);
    uint64_t num;

    for (num = 1; num < len && addr + num > addr; num++) {
        struct oracle_range next = range_at(machine, space, addr + num);

        if (is_direct(machine, &next, is_write) != direct ||
            (direct && (next.region != before.region || next.offset != before.offset + 1))) {
            break;
        }
        before = next;
    }
    return num;
}

/* Does every byte of a bounced mapping go alone? Devices get several at once. */
static bool by_bytes(const struct machine *machine, const struct mapping *mapping)
{
    for (uint64_t i = 0; i < mapping->len; i++) {
        struct oracle_range range = range_at(machine, mapping->space, mapping->addr + i);
        enum oracle_kind kind = kind_at(machine, &range);

        if (kind == ORACLE_IO || kind == ORACLE_ROM_DEVICE || kind == ORACLE_RAM_DEVICE ||
            kind == ORACLE_IOMMU) {
            return false;
        }
    }
    return true;
}

static void check_mapped(struct machine *machine, const struct mapping *mapping)
{
    MemTxResult result = MEMTX_OK;

    if (mapping->bounced && (mapping->is_write || !by_bytes(machine, mapping))) {
        return;
    }
    for (uint64_t i = 0; i < mapping->len; i++) {
        uint8_t want = machine_read_byte(machine, mapping->space, mapping->addr + i, 0, &result);

        if (mapping->host[i] != want) {
            machine_fail(machine, "byte %lx of a mapping is %02x, not %02x", i, mapping->host[i],
                         want);
            return;
        }
    }
}

/* Writes through a direct mapping, which shows at once. */
static void scribble(struct machine *machine, const struct mapping *mapping, uint8_t with)
{
    for (uint64_t i = 0; i < mapping->len; i++) {
        struct oracle_range range = range_at(machine, mapping->space, mapping->addr + i);

        mapping->host[i] = (uint8_t)(with + i);
        machine->memory[range.region][range.offset] = (uint8_t)(with + i);
    }
}

static void map(struct machine *machine, const struct step *step)
{
    struct mapping mapping = {
        .space = step->a % SPACES,
        .addr = step->x < 250 ? step->x * UINT64_C(5) : UINT64_MAX - (255U - step->x) * 9,
        .is_write = step->y & 1,
    };
    uint64_t want = 1 + step->y;
    struct mapping *free_one = NULL;

    for (int i = 0; i < MAPPINGS; i++) {
        free_one = machine->mappings[i].host ? free_one : &machine->mappings[i];
    }
    if (free_one == NULL) {
        return;
    }
    struct oracle_range first = range_at(machine, mapping.space, mapping.addr);

    mapping.bounced = !is_direct(machine, &first, mapping.is_write);
    mapping.len = want;
    mapping.host = address_space_map(&machine->spaces[mapping.space].as, mapping.addr, &mapping.len,
                                     mapping.is_write, MEMTXATTRS_UNSPECIFIED);
    want = predict(machine, mapping.space, mapping.addr, want, mapping.is_write);
    if (mapping.host == NULL || mapping.len != want) {
        machine_fail(machine, "%lu bytes mapped, not %lu", mapping.len, want);
        return;
    }
    check_mapped(machine, &mapping);
    if (mapping.is_write && !mapping.bounced && !machine->result->failed) {
        scribble(machine, &mapping, step->z);
    }
    *free_one = mapping;
}

/* Inside a transaction readers see the map from before it, and so must the oracle. */
static void with_tree_as_seen(struct machine *machine, const struct step *step,
                              void (*run)(struct machine *machine, const struct step *step))
{
    struct oracle now = machine->now;

    if (machine->depth > 0) {
        machine->now = machine->begun;
    }
    run(machine, step);
    machine->now = now;
}

void step_map(struct machine *machine, const struct step *step)
{
    with_tree_as_seen(machine, step, map);
}

/* What is written back, as the bytes are shown now. Returns: the result it should have. */
static MemTxResult write_back(struct machine *machine, const struct mapping *mapping, uint8_t with)
{
    MemTxResult result = MEMTX_OK;

    for (uint64_t i = 0; i < mapping->len; i++) {
        struct oracle_range range = range_at(machine, mapping->space, mapping->addr + i);

        mapping->host[i] = (uint8_t)(with + i);
        if (is_direct(machine, &range, true)) {
            machine->memory[range.region][range.offset] = (uint8_t)(with + i);
        } else {
            result |= MEMTX_DECODE_ERROR;
        }
    }
    return result;
}

static void unmap(struct machine *machine, struct mapping *mapping, uint8_t with)
{
    AddressSpace *as = &machine->spaces[mapping->space].as;
    MemTxResult want = MEMTX_OK;
    uint64_t len = 0;

    mapping->host[0] |= 0; /* it is there, whatever became of the region */
    if (mapping->is_write && mapping->bounced && by_bytes(machine, mapping)) {
        want = write_back(machine, mapping, with);
        len = mapping->len;
    }
    if (address_space_unmap(as, mapping->host, mapping->len, mapping->is_write, len) != want) {
        machine_fail(machine, "an unmap has another result than %x", want);
    }
    *mapping = (struct mapping){0};
}

static void unmap_one(struct machine *machine, const struct step *step)
{
    struct mapping *mapping = &machine->mappings[step->x % MAPPINGS];

    if (mapping->host) {
        unmap(machine, mapping, step->y);
    }
}

void step_unmap(struct machine *machine, const struct step *step)
{
    with_tree_as_seen(machine, step, unmap_one);
}

void machine_unmap(struct machine *machine)
{
    for (int i = 0; i < MAPPINGS; i++) {
        if (machine->mappings[i].host) {
            unmap(machine, &machine->mappings[i], 0);
        }
    }
}
