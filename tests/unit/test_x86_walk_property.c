/*
 * test_x86_walk_property.c - random page tables in a small memory, walked by x86_walk() and by an
 * oracle that spells out each paging mode as the manual's figures do, sharing nothing with it.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"
#include "vmm/x86_walk.h"

enum { PAGES = 32, MEMORY_SIZE = PAGES * 4096, TABLES = 150, ADDRESSES = 100 };

static uint64_t memory[MEMORY_SIZE / 8];
static uint64_t random_state;

/* xorshift64*. */
static uint64_t random_bits(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static bool one_in(unsigned num)
{
    return random_bits() % num == 0;
}

/* An entry that mostly leads on to another table in memory. */
static uint64_t random_entry(void)
{
    uint64_t entry = (random_bits() % (PAGES + 1)) << 12 | 0x7;

    if (one_in(8)) {
        entry &= ~(UINT64_C(1) << random_bits() % 3); /* not present, read-only, supervisor */
    }
    if (one_in(4)) {
        entry |= random_bits() & 0xff8;
    }
    if (one_in(3)) { /* a large page, mostly aligned */
        entry = (entry & 0xfff) | 0x80 | (random_bits() & UINT64_C(0x3fffe00000));
        entry |= one_in(4) ? random_bits() & 0x3ffff000 : 0;
    }
    if (one_in(8)) {
        entry |= UINT64_C(1) << (32 + random_bits() % 32);
    }
    return entry;
}

static int read_memory(void *opaque, uint64_t gpa, void *buf, unsigned len)
{
    ck_assert_ptr_eq(opaque, memory);
    ck_assert_uint_eq(gpa % len, 0);
    if (gpa > sizeof(memory) - len) {
        return -EFAULT;
    }
    memcpy(buf, (const char *)memory + gpa, len);
    return 0;
}

/* ---- the oracle ---- */

struct truth {
    enum x86_walk_result result;
    unsigned reads;
    uint64_t gpa, page_size;
    bool writable, user, executable, global;
};

static void truth_begin(struct truth *truth)
{
    *truth = (struct truth){.writable = true, .user = true, .executable = true};
}

/* Takes an entry in. Returns: false when the walk ends there. */
static bool oracle_entry(struct truth *truth, uint64_t at, unsigned size, uint64_t *entry)
{
    truth->reads++;
    *entry = 0;
    if (at + size > MEMORY_SIZE) {
        truth->result = X86_WALK_NO_MEMORY;
        return false;
    }
    memcpy(entry, (const char *)memory + at, size);
    if (*entry % 2 == 0) {
        truth->result = X86_WALK_NOT_PRESENT;
        return false;
    }
    return true;
}

static void oracle_rights(struct truth *truth, uint64_t entry)
{
    truth->writable = truth->writable && (entry & 2) != 0;
    truth->user = truth->user && (entry & 4) != 0;
    truth->executable = truth->executable && entry >> 63 == 0;
}

static void oracle_page(struct truth *truth, uint64_t entry, uint64_t page, uint64_t size,
                        uint64_t linear)
{
    truth->page_size = size;
    truth->gpa = page + linear % size;
    truth->global = (entry & 0x100) != 0;
}

/* SDM vol. 3A 4.3, figures 4-2 to 4-4. */
static void oracle_32bit(const struct x86_paging *paging, uint64_t linear, struct truth *truth)
{
    uint64_t pde, pte, cr3 = paging->cr3 & 0xfffff000;

    if (linear >> 32 != 0) {
        truth->result = X86_WALK_TOO_LARGE;
        return;
    }
    if (!oracle_entry(truth, cr3 + linear / 0x400000 * 4, 4, &pde)) {
        return;
    }
    if ((pde & 0x80) && (paging->cr4 & 0x10)) { /* PSE: 31:22, and 39:32 in 20:13 */
        if (pde & 0x200000) {
            truth->result = X86_WALK_RESERVED;
            return;
        }
        oracle_rights(truth, pde);
        oracle_page(truth, pde, (pde & 0xffc00000) + ((pde >> 13 & 0xff) << 32), 0x400000, linear);
        return;
    }
    oracle_rights(truth, pde);
    if (oracle_entry(truth, (pde & 0xfffff000) + linear / 0x1000 % 1024 * 4, 4, &pte)) {
        oracle_rights(truth, pte);
        oracle_page(truth, pte, pte & 0xfffff000, 0x1000, linear);
    }
}

/* What must be zero in each 8-byte entry that has rights. `lowest`: of a large page's address. */
static bool oracle_reserved(const struct x86_paging *paging, uint64_t entry, bool pae,
                            unsigned lowest)
{
    unsigned bit;

    for (bit = paging->physical_bits; bit < 52; bit++) {
        if (entry >> bit & 1) {
            return true;
        }
    }
    if (pae && (entry >> 52 & 0x7ff) != 0) {
        return true;
    }
    if (entry >> 63 != 0 && !(paging->efer & 0x800)) {
        return true;
    }
    for (bit = 13; bit < lowest; bit++) { /* 12 is PAT */
        if (entry >> bit & 1) {
            return true;
        }
    }
    return false;
}

/* From the page directory on: the same in PAE and long mode. */
static void oracle_directory(const struct x86_paging *paging, uint64_t table, bool pae,
                             uint64_t linear, struct truth *truth)
{
    uint64_t entry, address = UINT64_C(0x000ffffffffff000);

    if (!oracle_entry(truth, table + linear / 0x200000 % 512 * 8, 8, &entry)) {
        return;
    }
    if (oracle_reserved(paging, entry, pae, entry & 0x80 ? 21 : 0)) {
        truth->result = X86_WALK_RESERVED;
        return;
    }
    oracle_rights(truth, entry);
    if (entry & 0x80) {
        oracle_page(truth, entry, entry & address & ~UINT64_C(0x1fffff), 0x200000, linear);
        return;
    }
    if (!oracle_entry(truth, (entry & address) + linear / 0x1000 % 512 * 8, 8, &entry)) {
        return;
    }
    if (oracle_reserved(paging, entry, pae, 0)) {
        truth->result = X86_WALK_RESERVED;
        return;
    }
    oracle_rights(truth, entry);
    oracle_page(truth, entry, entry & address, 0x1000, linear);
}

/* 4.4, figures 4-5 to 4-7, table 4-8. */
static void oracle_pae(const struct x86_paging *paging, uint64_t linear, struct truth *truth)
{
    uint64_t pdpte, must_be_zero = UINT64_C(0xfff00000000001e6);
    unsigned bit;

    if (linear >> 32 != 0) {
        truth->result = X86_WALK_TOO_LARGE;
        return;
    }
    if (!oracle_entry(truth, (paging->cr3 & 0xffffffe0) + linear / 0x40000000 * 8, 8, &pdpte)) {
        return;
    }
    for (bit = paging->physical_bits; bit < 52; bit++) {
        must_be_zero |= UINT64_C(1) << bit;
    }
    if (pdpte & must_be_zero) {
        truth->result = X86_WALK_RESERVED;
        return;
    }
    oracle_directory(paging, pdpte & UINT64_C(0x000ffffffffff000), true, linear, truth);
}

/* 4.5, figures 4-8 to 4-11, tables 4-14 to 4-20. */
static void oracle_long(const struct x86_paging *paging, unsigned levels, uint64_t linear,
                        struct truth *truth)
{
    uint64_t entry, table = paging->cr3 & UINT64_C(0x000ffffffffff000);
    uint64_t upper = linear >> (levels == 5 ? 56 : 47);
    unsigned level;

    if (upper != 0 && upper != (levels == 5 ? 0xff : 0x1ffff)) {
        truth->result = X86_WALK_NON_CANONICAL;
        return;
    }
    for (level = levels; level >= 3; level--) {
        unsigned index = (unsigned)(linear >> (12 + 9 * (level - 1)) & 0x1ff);
        bool page = level == 3 && (table + index * 8 + 8 <= MEMORY_SIZE) &&
                    (memory[table / 8 + index] & 0x80);

        if (!oracle_entry(truth, table + index * 8, 8, &entry)) {
            return;
        }
        if (oracle_reserved(paging, entry, false, page ? 30 : 0) || (level > 3 && (entry & 0x80))) {
            truth->result = X86_WALK_RESERVED;
            return;
        }
        oracle_rights(truth, entry);
        table = entry & UINT64_C(0x000ffffffffff000);
        if (page) {
            oracle_page(truth, entry, table & ~UINT64_C(0x3fffffff), 0x40000000, linear);
            return;
        }
    }
    oracle_directory(paging, table, false, linear, truth);
}

/* ---- both against each other ---- */

static const struct {
    enum x86_paging_mode mode;
    uint64_t cr4, efer;
    unsigned linear_bits; /* of most addresses tried */
} modes[] = {
    {X86_PAGING_32BIT, 0x00, 0, 32},        {X86_PAGING_32BIT, 0x10, 0, 32},
    {X86_PAGING_PAE, 0x20, 0, 32},          {X86_PAGING_PAE, 0x20, 0x800, 32},
    {X86_PAGING_4LEVEL, 0x20, 0x500, 48},   {X86_PAGING_4LEVEL, 0x20, 0xd00, 48},
    {X86_PAGING_5LEVEL, 0x1020, 0xd00, 57},
};

static void ask_oracle(enum x86_paging_mode mode, const struct x86_paging *paging, uint64_t linear,
                       struct truth *truth)
{
    truth_begin(truth);
    switch (mode) {
    case X86_PAGING_32BIT:
        oracle_32bit(paging, linear, truth);
        break;
    case X86_PAGING_PAE:
        oracle_pae(paging, linear, truth);
        break;
    case X86_PAGING_4LEVEL:
    case X86_PAGING_5LEVEL:
        oracle_long(paging, mode == X86_PAGING_5LEVEL ? 5 : 4, linear, truth);
        break;
    case X86_PAGING_OFF:
        ck_abort();
    }
}

/* Few different indices, so that walks meet entries that others met at another level. */
static uint64_t random_linear(unsigned bits)
{
    uint64_t linear = random_bits();

    if (one_in(16)) {
        return linear;
    }
    return (uint64_t)((int64_t)(linear << (64 - bits)) >> (64 - bits)) &
           (bits == 32 ? UINT32_MAX : UINT64_MAX);
}

static unsigned ended[X86_WALK_NO_MEMORY + 1];

static void compare(enum x86_paging_mode mode, const struct x86_paging *paging, uint64_t linear)
{
    struct x86_walk walk;
    struct truth truth;

    x86_walk(paging, linear, read_memory, memory, &walk);
    ask_oracle(mode, paging, linear, &truth);
    ck_assert_int_eq(walk.mode, mode);
    ck_assert_msg(walk.result == truth.result, "0x%llx: %s, should be %s",
                  (unsigned long long)linear, x86_walk_result_name(walk.result),
                  x86_walk_result_name(truth.result));
    ck_assert_uint_eq(walk.level_num, truth.reads);
    ended[walk.result]++;
    if (walk.result == X86_WALK_OK) {
        ck_assert_uint_eq(walk.gpa, truth.gpa);
        ck_assert_uint_eq(walk.page_size, truth.page_size);
        ck_assert_int_eq(walk.writable, truth.writable);
        ck_assert_int_eq(walk.user, truth.user);
        ck_assert_int_eq(walk.executable, truth.executable);
        ck_assert_int_eq(walk.global, truth.global);
    }
}

START_TEST(walks_of_random_tables_are_those_of_the_manual)
{
    struct x86_paging paging = {
        .cr0 = 0x80000001, .cr4 = modes[_i].cr4, .efer = modes[_i].efer, .physical_bits = 40};
    unsigned table, address;
    size_t i;

    random_state = 0x5eed + (unsigned)_i;
    for (table = 0; table < TABLES; table++) {
        for (i = 0; i < MEMORY_SIZE / 8; i++) {
            memory[i] = modes[_i].mode == X86_PAGING_32BIT
                            ? (random_entry() & UINT32_MAX) | random_entry() << 32
                            : random_entry();
            if (modes[_i].mode == X86_PAGING_PAE && i < 512) { /* the pointers, without rights */
                memory[i] = one_in(8) ? memory[i] : memory[i] & 0x1f001;
            }
        }
        paging.cr3 = (random_bits() % 512) * 8 & (modes[_i].mode == X86_PAGING_PAE ? 0xfe0 : 0x18);
        for (address = 0; address < ADDRESSES; address++) {
            compare(modes[_i].mode, &paging, random_linear(modes[_i].linear_bits));
        }
    }
    /* The tables were such that every kind of end was met. */
    ck_assert_uint_gt(ended[X86_WALK_OK], TABLES);
    ck_assert_uint_gt(ended[X86_WALK_NOT_PRESENT], TABLES);
    ck_assert_uint_gt(ended[X86_WALK_NO_MEMORY], 0);
    if (modes[_i].cr4 != 0) {
        ck_assert_uint_gt(ended[X86_WALK_RESERVED], TABLES);
    }
    ck_assert_uint_gt(ended[X86_WALK_TOO_LARGE] + ended[X86_WALK_NON_CANONICAL], 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x86_walk_property");
    TCase *tcase = tcase_create("oracle");

    tcase_add_table_test(tcase, walks_of_random_tables_are_those_of_the_manual, modes);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
