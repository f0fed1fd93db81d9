/*
 * gdb_patch.c - a list of bytes of the host. They are written there and not through the address
 * space: to the guest, and to who asks what it has written, nothing has changed.
 */
#include "vmm/gdb_patch.h"

#include "memory/flatview.h"

#define INT3 UINT8_C(0xcc)

const struct gdb_patch *gdb_patches_at(const struct gdb_patches *patches, hwaddr gpa)
{
    unsigned i;

    for (i = 0; i < patches->num; i++) {
        if (patches->list[i].gpa == gpa) {
            return &patches->list[i];
        }
    }
    return NULL;
}

/* The byte at an address, its region referenced; NULL: none that can have an int3. */
static uint8_t *find_byte(AddressSpace *memory, hwaddr gpa, MemoryRegion **mr)
{
    MemoryRegionSection section;
    bool readonly = false;

    if (!address_space_find(memory, gpa, 1, &section)) {
        return NULL;
    }
    if (section.mr->kind != MEMORY_REGION_RAM || !memory_section_is_slot(&section, &readonly) ||
        readonly) {
        memory_region_unref(section.mr);
        return NULL;
    }
    *mr = section.mr;
    return memory_section_host(&section);
}

bool gdb_patches_add(struct gdb_patches *patches, AddressSpace *memory, uint64_t addr, hwaddr gpa)
{
    struct gdb_patch patch = {.addr = addr, .gpa = gpa};

    if (gdb_patches_at(patches, gpa)) {
        return true;
    }
    if (patches->num == GDB_PATCH_MAX) {
        return false;
    }
    patch.host = find_byte(memory, gpa, &patch.mr);
    if (!patch.host) {
        return false;
    }
    patches->list[patches->num++] = patch;
    return true;
}

static uint8_t load(const struct gdb_patch *patch)
{
    return __atomic_load_n(patch->host, __ATOMIC_RELAXED);
}

static void store(const struct gdb_patch *patch, uint8_t value)
{
    __atomic_store_n(patch->host, value, __ATOMIC_RELAXED);
}

/* Of a byte that shows at two addresses the first one has the original: the second finds an int3.
 */
void gdb_patches_insert(struct gdb_patches *patches)
{
    unsigned i;

    for (i = 0; i < patches->num && !patches->inserted; i++) {
        struct gdb_patch *patch = &patches->list[i];

        patch->overwritten = false;
        patch->original = load(patch);
        store(patch, INT3);
    }
    patches->inserted = true;
}

/* The last first, for the same reason. */
void gdb_patches_remove(struct gdb_patches *patches)
{
    unsigned i;

    for (i = patches->num; i-- > 0 && patches->inserted;) {
        struct gdb_patch *patch = &patches->list[i];

        patch->overwritten = load(patch) != INT3;
        if (!patch->overwritten) {
            store(patch, patch->original);
        }
    }
    patches->inserted = false;
}

bool gdb_patches_lost(const struct gdb_patches *patches, uint64_t addr)
{
    unsigned i;

    for (i = 0; i < patches->num; i++) {
        if (patches->list[i].addr == addr && patches->list[i].overwritten) {
            return true;
        }
    }
    return false;
}

void gdb_patches_clear(struct gdb_patches *patches)
{
    gdb_patches_remove(patches);
    while (patches->num > 0) {
        memory_region_unref(patches->list[--patches->num].mr);
    }
}

void gdb_patches_conceal(const struct gdb_patches *patches, hwaddr gpa, uint8_t *byte)
{
    const struct gdb_patch *patch = patches->inserted ? gdb_patches_at(patches, gpa) : NULL, *first;

    if (patch && *byte == INT3) {
        for (first = patches->list; first->host != patch->host; first++) {
        }
        *byte = first->original;
    }
}
