/*
 * x86_walk.h - a linear address to a physical one, as the CPU's page tables say, step by step.
 *
 * Nothing is assumed of the tables: they are the guest's. What is read is what the CPU would read
 * now; a CPU may still use an older translation from its TLB, and with PAE the four PDPTEs that it
 * loaded with CR3.
 *
 * Context: any thread; no locks; at most five reads. Nothing is allocated.
 * Source: Intel SDM vol. 3A ch. 4 (4.3 32-bit, 4.4 PAE, 4.5 4- and 5-level paging, 4.6 access
 * rights); AMD APM vol. 2 ch. 5.
 */
#ifndef ACRE_VMM_X86_WALK_H
#define ACRE_VMM_X86_WALK_H

#include <stdbool.h>
#include <stdint.h>

/* Bits of an entry that a CPU sets: accessed; dirty, of one that maps a page. */
#define X86_ENTRY_A (UINT64_C(1) << 5)
#define X86_ENTRY_D (UINT64_C(1) << 6)

enum x86_paging_mode {
    X86_PAGING_OFF,
    X86_PAGING_32BIT,
    X86_PAGING_PAE,
    X86_PAGING_4LEVEL,
    X86_PAGING_5LEVEL,
};

enum { X86_WALK_LEVEL_MAX = 5 };

/* The registers that decide. */
struct x86_paging {
    uint64_t cr0, cr3, cr4, efer;
    unsigned physical_bits; /* MAXPHYADDR, 32..52; 0: 52 */
};

enum x86_walk_result {
    X86_WALK_OK,
    X86_WALK_NON_CANONICAL, /* the address, before any table */
    X86_WALK_TOO_LARGE,     /* above 4 GiB, where linear addresses have 32 bits */
    X86_WALK_NOT_PRESENT,   /* the last entry read */
    X86_WALK_RESERVED,      /* the last entry read has a bit set that must be 0 */
    X86_WALK_NO_MEMORY,     /* the last entry could not be read: no memory there */
};

/* One entry on the way. */
struct x86_walk_level {
    const char *name;   /* "PML5E", "PML4E", "PDPTE", "PDE", "PTE" */
    uint64_t entry_gpa; /* where it lies */
    unsigned index;     /* in its table */
    uint64_t raw;       /* its value; 4 bytes in 32-bit paging, else 8 */
    bool leaf;          /* maps a page */
};

struct x86_walk {
    enum x86_walk_result result;
    enum x86_paging_mode mode;
    unsigned level_num; /* entries read, or tried */
    struct x86_walk_level levels[X86_WALK_LEVEL_MAX];
    /* With X86_WALK_OK. */
    uint64_t gpa;
    uint64_t page_size; /* bytes; 0 with paging off */
    bool writable;      /* by every entry (CR0.WP decides for the supervisor) */
    bool user;          /* by every entry */
    bool executable;    /* no entry forbids it */
    bool global;
};

enum x86_paging_mode x86_paging_mode(const struct x86_paging *paging);
/* "off", "32-bit", "PAE", "4-level", "5-level". */
const char *x86_paging_mode_name(enum x86_paging_mode mode);
/* "not present" and so on. */
const char *x86_walk_result_name(enum x86_walk_result result);

/*
 * @read  copies `len` bytes (4 or 8, naturally aligned) from guest memory; 0 or -errno.
 */
void x86_walk(const struct x86_paging *paging, uint64_t linear,
              int (*read)(void *opaque, uint64_t gpa, void *buf, unsigned len), void *opaque,
              struct x86_walk *walk);

/* The flags of one entry as text, "P RW US A D PS NX" and so on. @text 48 bytes or more. */
void x86_walk_flags(const struct x86_walk_level *level, char *text, unsigned size);

#endif
