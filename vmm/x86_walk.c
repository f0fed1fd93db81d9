/*
 * x86_walk.c - one loop over the levels of a mode. A mode is a row of a table: where each level's
 * index lies in the address, how large its entries are, and which levels may map a page.
 */
#include "vmm/x86_walk.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CR0_PG (UINT64_C(1) << 31)
#define CR4_PSE (UINT64_C(1) << 4)
#define CR4_PAE (UINT64_C(1) << 5)
#define CR4_LA57 (UINT64_C(1) << 12)
#define EFER_LMA (UINT64_C(1) << 10)
#define EFER_NXE (UINT64_C(1) << 11)

#define ENTRY_P (UINT64_C(1) << 0)
#define ENTRY_RW (UINT64_C(1) << 1)
#define ENTRY_US (UINT64_C(1) << 2)
#define ENTRY_PWT (UINT64_C(1) << 3)
#define ENTRY_PCD (UINT64_C(1) << 4)
#define ENTRY_PS (UINT64_C(1) << 7)
#define ENTRY_G (UINT64_C(1) << 8)
#define ENTRY_NX (UINT64_C(1) << 63)

enum { ADDRESS_BITS_MAX = 52 };

/* How one level is indexed. */
struct level {
    const char *name;
    unsigned shift; /* of the index in the linear address; also log2 of what an entry maps */
    unsigned bits;  /* of the index */
    bool leaf;      /* PS makes it a page */
    bool rights;    /* has R/W, U/S and NX (a PDPTE of PAE has not) */
};

struct mode {
    const char *name;
    unsigned linear_bits, entry_size, level_num;
    struct level levels[X86_WALK_LEVEL_MAX];
};

#define PML5E                                                                                      \
    {                                                                                              \
        "PML5E", 48, 9, false, true                                                                \
    }
#define PML4E                                                                                      \
    {                                                                                              \
        "PML4E", 39, 9, false, true                                                                \
    }
#define PDPTE                                                                                      \
    {                                                                                              \
        "PDPTE", 30, 9, true, true                                                                 \
    }
#define PDE                                                                                        \
    {                                                                                              \
        "PDE", 21, 9, true, true                                                                   \
    }
#define PTE                                                                                        \
    {                                                                                              \
        "PTE", 12, 9, false, true                                                                  \
    }

static const struct mode modes[] = {
    [X86_PAGING_OFF] = {.name = "off", .linear_bits = 64},
    [X86_PAGING_32BIT] =
        {"32-bit", 32, 4, 2, {{"PDE", 22, 10, true, true}, {"PTE", 12, 10, false, true}}},
    [X86_PAGING_PAE] = {"PAE", 32, 8, 3, {{"PDPTE", 30, 2, false, false}, PDE, PTE}},
    [X86_PAGING_4LEVEL] = {"4-level", 48, 8, 4, {PML4E, PDPTE, PDE, PTE}},
    [X86_PAGING_5LEVEL] = {"5-level", 57, 8, 5, {PML5E, PML4E, PDPTE, PDE, PTE}},
};

enum x86_paging_mode x86_paging_mode(const struct x86_paging *paging)
{
    if (!(paging->cr0 & CR0_PG)) {
        return X86_PAGING_OFF;
    }
    if (paging->efer & EFER_LMA) {
        return paging->cr4 & CR4_LA57 ? X86_PAGING_5LEVEL : X86_PAGING_4LEVEL;
    }
    return paging->cr4 & CR4_PAE ? X86_PAGING_PAE : X86_PAGING_32BIT;
}

const char *x86_paging_mode_name(enum x86_paging_mode mode)
{
    return modes[mode].name;
}

const char *x86_walk_result_name(enum x86_walk_result result)
{
    static const char *const names[] = {
        [X86_WALK_OK] = "ok",
        [X86_WALK_NON_CANONICAL] = "not a canonical address",
        [X86_WALK_TOO_LARGE] = "above 4 GiB",
        [X86_WALK_NOT_PRESENT] = "not present",
        [X86_WALK_RESERVED] = "a reserved bit is set",
        [X86_WALK_NO_MEMORY] = "no memory there",
    };

    return names[result];
}

/* Bits first..last. */
static uint64_t bits(unsigned first, unsigned last)
{
    return first > last ? 0 : (~UINT64_C(0) >> (63 - last)) & (~UINT64_C(0) << first);
}

static unsigned physical_bits(const struct x86_paging *paging)
{
    unsigned num = paging->physical_bits;

    return num == 0 || num > ADDRESS_BITS_MAX ? ADDRESS_BITS_MAX : num;
}

static bool is_canonical(uint64_t linear, unsigned linear_bits)
{
    int64_t top = (int64_t)linear >> (linear_bits - 1);

    return top == 0 || top == -1;
}

/* What must be 0 in this entry. */
static uint64_t reserved_bits(const struct x86_paging *paging, enum x86_paging_mode mode,
                              const struct level *level, bool leaf)
{
    uint64_t nx = paging->efer & EFER_NXE ? 0 : ENTRY_NX;
    uint64_t reserved;

    if (mode == X86_PAGING_32BIT) {
        return leaf && level->shift == 22 ? UINT64_C(1) << 21 : 0; /* 13..20: PSE-36's address */
    }
    reserved = bits(physical_bits(paging), ADDRESS_BITS_MAX - 1);
    if (mode == X86_PAGING_PAE) {
        reserved |= bits(52, 62);
    }
    if (!level->rights) {
        return reserved | ENTRY_NX | bits(1, 2) | bits(5, 8);
    }
    reserved |= nx;
    if (level->shift > 30) {
        reserved |= ENTRY_PS;
    }
    if (leaf && level->shift > 12) {
        reserved |= bits(13, level->shift - 1);
    }
    return reserved;
}

/* Where an entry points: the next table, or the page's first byte. */
static uint64_t entry_address(enum x86_paging_mode mode, uint64_t raw, const struct level *level,
                              bool leaf)
{
    unsigned first = leaf ? level->shift : 12;

    if (mode == X86_PAGING_32BIT && leaf && level->shift == 22) {
        return (raw & bits(22, 31)) | (raw & bits(13, 20)) << 19;
    }
    return raw & bits(first, mode == X86_PAGING_32BIT ? 31 : ADDRESS_BITS_MAX - 1);
}

static uint64_t first_table(const struct x86_paging *paging, enum x86_paging_mode mode)
{
    switch (mode) {
    case X86_PAGING_32BIT:
        return paging->cr3 & bits(12, 31);
    case X86_PAGING_PAE:
        return paging->cr3 & bits(5, 31);
    case X86_PAGING_OFF:
    case X86_PAGING_4LEVEL:
    case X86_PAGING_5LEVEL:
        break;
    }
    return paging->cr3 & bits(12, ADDRESS_BITS_MAX - 1);
}

static bool is_leaf(const struct x86_paging *paging, enum x86_paging_mode mode,
                    const struct level *level, uint64_t raw)
{
    if (level->shift == 12) {
        return true;
    }
    return level->leaf && (raw & ENTRY_PS) && (mode != X86_PAGING_32BIT || (paging->cr4 & CR4_PSE));
}

static void collect_rights(struct x86_walk *walk, const struct level *level, uint64_t raw)
{
    if (level->rights) {
        walk->writable &= (raw & ENTRY_RW) != 0;
        walk->user &= (raw & ENTRY_US) != 0;
        walk->executable &= (raw & ENTRY_NX) == 0;
    }
}

/* Reads one entry. Returns: its address part, or the end of the walk in walk->result. */
static uint64_t step(const struct x86_paging *paging, const struct level *level, uint64_t table,
                     uint64_t linear, int (*read)(void *, uint64_t, void *, unsigned), void *opaque,
                     struct x86_walk *walk)
{
    struct x86_walk_level *seen = &walk->levels[walk->level_num++];
    unsigned entry_size = modes[walk->mode].entry_size;
    uint64_t raw = 0;

    seen->name = level->name;
    seen->index = (unsigned)(linear >> level->shift & bits(0, level->bits - 1));
    seen->entry_gpa = table + (uint64_t)seen->index * entry_size;
    if (read(opaque, seen->entry_gpa, &raw, entry_size) < 0) {
        walk->result = X86_WALK_NO_MEMORY;
        return 0;
    }
    seen->raw = raw;
    if (!(raw & ENTRY_P)) {
        walk->result = X86_WALK_NOT_PRESENT;
        return 0;
    }
    seen->leaf = is_leaf(paging, walk->mode, level, raw);
    if (raw & reserved_bits(paging, walk->mode, level, seen->leaf)) {
        walk->result = X86_WALK_RESERVED;
        return 0;
    }
    collect_rights(walk, level, raw);
    return entry_address(walk->mode, raw, level, seen->leaf);
}

static enum x86_walk_result check_address(enum x86_paging_mode mode,
                                          const struct x86_paging *paging, uint64_t linear)
{
    unsigned linear_bits = modes[mode].linear_bits;

    if (mode == X86_PAGING_OFF) {
        return paging->efer & EFER_LMA || linear <= UINT32_MAX ? X86_WALK_OK : X86_WALK_TOO_LARGE;
    }
    if (linear_bits == 32) {
        return linear <= UINT32_MAX ? X86_WALK_OK : X86_WALK_TOO_LARGE;
    }
    return is_canonical(linear, linear_bits) ? X86_WALK_OK : X86_WALK_NON_CANONICAL;
}

void x86_walk(const struct x86_paging *paging, uint64_t linear,
              int (*read)(void *opaque, uint64_t gpa, void *buf, unsigned len), void *opaque,
              struct x86_walk *walk)
{
    const struct mode *mode;
    uint64_t table;
    unsigned i;

    memset(walk, 0, sizeof(*walk));
    walk->mode = x86_paging_mode(paging);
    walk->writable = walk->user = walk->executable = true;
    walk->gpa = linear;
    walk->result = check_address(walk->mode, paging, linear);
    mode = &modes[walk->mode];
    table = first_table(paging, walk->mode);
    for (i = 0; i < mode->level_num && walk->result == X86_WALK_OK; i++) {
        const struct level *level = &mode->levels[i];

        table = step(paging, level, table, linear, read, opaque, walk);
        if (walk->result == X86_WALK_OK && walk->levels[i].leaf) {
            walk->page_size = UINT64_C(1) << level->shift;
            walk->gpa = table | (linear & (walk->page_size - 1));
            walk->global = (walk->levels[i].raw & ENTRY_G) != 0;
            break;
        }
    }
}

void x86_walk_flags(const struct x86_walk_level *level, char *text, unsigned size)
{
    static const struct {
        uint64_t bit;
        const char *name;
        bool leaf_only;
    } flags[] = {
        {ENTRY_P, "P", false},     {ENTRY_RW, "RW", false},   {ENTRY_US, "US", false},
        {ENTRY_PWT, "PWT", false}, {ENTRY_PCD, "PCD", false}, {X86_ENTRY_A, "A", false},
        {X86_ENTRY_D, "D", true},  {ENTRY_G, "G", true},      {ENTRY_NX, "NX", false},
    };
    size_t i, used = 0;

    if (size > 0) {
        text[0] = '\0';
    }
    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if ((level->raw & flags[i].bit) && (level->leaf || !flags[i].leaf_only) && used < size) {
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "",
                                     flags[i].name);
        }
    }
    if (level->leaf && strcmp(level->name, "PTE") != 0 && used < size) {
        (void)snprintf(text + used, size - used, " PS");
    }
}
