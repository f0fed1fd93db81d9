/*
 * paging.c - builds page tables of every kind of entry, tries them, and prints what each address
 * should be found to mean, for a monitor to be compared with. With `wait` on the command line it
 * then spins in these tables; with cpus=2 the second CPU does, in tables of its own.
 *
 * A line for each: expect CPU ADDRESS LEVELS GPA SIZE TEXT. LEVELS are entries as ADDRESS=VALUE;
 * GPA and SIZE are - where nothing is mapped, and TEXT then says why, else the rights.
 *
 * Source: Intel SDM vol. 3A 4.5, 4.6.
 */
#include "guest/lib/guest.h"

#define P UINT64_C(0x1)
#define RW UINT64_C(0x2)
#define US UINT64_C(0x4)
#define UNCACHED UINT64_C(0x18)
#define PS UINT64_C(0x80)
#define GLOBAL UINT64_C(0x100)
#define NX (UINT64_C(1) << 63)
#define RESERVED UINT64_C(0x2000) /* in an entry of a large page */

#define PAGE UINT64_C(0x1000)
#define LARGE UINT64_C(0x200000)
#define GIB UINT64_C(0x40000000)
#define FRAME_A UINT64_C(0x1000000) /* RAM that nothing else uses */
#define FRAME_B UINT64_C(0x1001000)
#define LARGE_FRAME UINT64_C(0x1200000)
#define LAPIC UINT64_C(0xfee00000)
#define NOWHERE UINT64_C(0xd0000000) /* nothing answers there */
#define MSR_EFER 0xc0000080U
#define EFER_NXE UINT64_C(0x800)

enum { ENTRIES = 512, LEVELS = 4, ABSENT = 300, RECURSIVE = 510, SPARE = 511 };

/* Linear addresses by their indices, sign-extended. */
#define LINEAR(i4, i3, i2, i1, offset)                                                             \
    (((i4) >= 256 ? UINT64_C(0xffff) << 48 : 0) | (uint64_t)(i4) << 39 | (uint64_t)(i3) << 30 |    \
     (uint64_t)(i2) << 21 | (uint64_t)(i1) << 12 | (uint64_t)(offset))

static uint64_t root[ENTRIES] __attribute__((aligned(4096)));
static uint64_t second_root[ENTRIES] __attribute__((aligned(4096)));
static uint64_t pdpt[ENTRIES] __attribute__((aligned(4096)));
static uint64_t pd[ENTRIES] __attribute__((aligned(4096)));
static uint64_t pt[ENTRIES] __attribute__((aligned(4096)));

static struct translation {
    uint64_t linear;
    const uint64_t *entries[LEVELS];
    uint64_t gpa, size; /* size 0: not mapped */
    const char *text;
    enum { TRY, LEAVE } use; /* LEAVE: what answers there is no RAM, or the tables are not */
    unsigned cpu;
} translations[] = {
    {.linear = LINEAR(256, 0, 0, 0, 0x123),
     .entries = {&root[256], &pdpt[0], &pd[0], &pt[0]},
     .gpa = FRAME_A + 0x123,
     .size = PAGE,
     .text = "writable, user, executable"},
    {.linear = LINEAR(256, 0, 0, 1, 0xfff),
     .entries = {&root[256], &pdpt[0], &pd[0], &pt[1]},
     .gpa = FRAME_B + 0xfff,
     .size = PAGE,
     .text = "read-only, supervisor, executable"},
    {.linear = LINEAR(256, 0, 0, 2, 0),
     .entries = {&root[256], &pdpt[0], &pd[0], &pt[2]},
     .gpa = FRAME_A,
     .size = PAGE,
     .text = "writable, supervisor, no code"},
    {.linear = LINEAR(256, 0, 0, 3, 0x10),
     .entries = {&root[256], &pdpt[0], &pd[0], &pt[3]},
     .text = "not present"},
    {.linear = LINEAR(256, 0, 0, 4, 0x8),
     .entries = {&root[256], &pdpt[0], &pd[0], &pt[4]},
     .gpa = FRAME_B + 0x8,
     .size = PAGE,
     .text = "writable, supervisor, executable, global"},
    {.linear = LINEAR(256, 0, 0, 5, 0x20),
     .entries = {&root[256], &pdpt[0], &pd[0], &pt[5]},
     .gpa = LAPIC + 0x20,
     .size = PAGE,
     .text = "writable, supervisor, executable",
     .use = LEAVE},
    {.linear = LINEAR(256, 0, 0, 6, 0x30),
     .entries = {&root[256], &pdpt[0], &pd[0], &pt[6]},
     .gpa = NOWHERE + 0x30,
     .size = PAGE,
     .text = "writable, supervisor, executable",
     .use = LEAVE},
    {.linear = LINEAR(256, 0, 1, 0, 0x12345),
     .entries = {&root[256], &pdpt[0], &pd[1]},
     .gpa = LARGE_FRAME + 0x12345,
     .size = LARGE,
     .text = "writable, user, executable"},
    {.linear = LINEAR(256, 0, 2, 0, 0),
     .entries = {&root[256], &pdpt[0], &pd[2]},
     .text = "not present"},
    {.linear = LINEAR(256, 0, 3, 1, 0),
     .entries = {&root[256], &pdpt[0], &pd[3], (void *)(NOWHERE + 8)},
     .text = "no memory there",
     .use = LEAVE},
    {.linear = LINEAR(256, 0, 4, 0, 0),
     .entries = {&root[256], &pdpt[0], &pd[4]},
     .text = "a reserved bit is set"},
    {.linear = LINEAR(256, 0, 5, 0, 0x777),
     .entries = {&root[256], &pdpt[0], &pd[5], &pt[0]},
     .gpa = FRAME_A + 0x777,
     .size = PAGE,
     .text = "read-only, supervisor, executable"},
    {.linear = LINEAR(256, 2, 0, 0, 0), .entries = {&root[256], &pdpt[2]}, .text = "not present"},
    {.linear = LINEAR(257, 0, 0, 0, 0), .entries = {&root[257]}, .text = "a reserved bit is set"},
    {.linear = LINEAR(ABSENT, 1, 2, 3, 4), .entries = {&root[ABSENT]}, .text = "not present"},
    {.linear = LINEAR(0, 0, 8, 0, 0x456),
     .entries = {&root[0]},
     .gpa = FRAME_A + 0x456,
     .size = LARGE,
     .text = "writable, supervisor, executable"},
    {.linear = LINEAR(RECURSIVE, RECURSIVE, RECURSIVE, RECURSIVE, 8 * SPARE),
     .entries = {&root[RECURSIVE], &root[RECURSIVE], &root[RECURSIVE], &root[RECURSIVE]},
     .size = PAGE,
     .text = "writable, supervisor, executable"},
    {.linear = UINT64_C(0x0000800000000000), .text = "not a canonical address"},
    {.linear = UINT64_C(0xfffe800000000000), .text = "not a canonical address"},
    {.linear = LINEAR(258, 0, 0, 0, 0x123), .entries = {&root[258]}, .text = "not present"},
    {.linear = LINEAR(258, 0, 0, 0, 0x123),
     .entries = {&second_root[258], &pdpt[0], &pd[0], &pt[0]},
     .gpa = FRAME_A + 0x123,
     .size = PAGE,
     .text = "writable, user, executable",
     .use = LEAVE,
     .cpu = 1},
    {.linear = LINEAR(256, 0, 0, 0, 0x123),
     .entries = {&second_root[256]},
     .text = "not present",
     .use = LEAVE,
     .cpu = 1},
    /* Last: not every CPU has pages of 1 GiB. */
    {.linear = LINEAR(256, 1, 8, 0, 0x123456),
     .entries = {&root[256], &pdpt[1]},
     .gpa = FRAME_A + 0x123456,
     .size = GIB,
     .text = "writable, supervisor, executable"},
};
enum { TRANSLATIONS = sizeof(translations) / sizeof(translations[0]) };

/* The boot tables' entries for what is still mapped one to one: a page of 2 MiB. */
static void add_boot_levels(struct translation *translation)
{
    const uint64_t *boot_pdpt, *boot_pd;

    boot_pdpt = (const uint64_t *)(uintptr_t)(root[0] & ~UINT64_C(0xfff));
    boot_pd = (const uint64_t *)(uintptr_t)(boot_pdpt[0] & ~UINT64_C(0xfff));
    translation->entries[1] = boot_pdpt;
    translation->entries[2] = boot_pd + (translation->linear / LARGE);
}

static void build(void)
{
    const uint64_t *boot_root;
    size_t i;

    __asm__ volatile("mov %%cr3, %0" : "=r"(boot_root));
    pt[0] = FRAME_A | P | RW | US;
    pt[1] = FRAME_B | P;
    pt[2] = FRAME_A | P | RW | NX;
    pt[3] = FRAME_B | RW | US;
    pt[4] = FRAME_B | P | RW | GLOBAL;
    pt[5] = LAPIC | P | RW | UNCACHED;
    pt[6] = NOWHERE | P | RW;
    pd[0] = (uintptr_t)pt | P | RW | US;
    pd[1] = LARGE_FRAME | P | RW | US | PS;
    pd[3] = NOWHERE | P | RW;
    pd[4] = LARGE_FRAME | P | RW | PS | RESERVED;
    pd[5] = (uintptr_t)pt | P;
    pdpt[0] = (uintptr_t)pd | P | RW | US;
    pdpt[1] = P | RW | PS;
    root[0] = second_root[0] = boot_root[0];
    root[256] = second_root[258] = (uintptr_t)pdpt | P | RW | US;
    root[257] = (uintptr_t)pdpt | P | RW | PS;
    root[RECURSIVE] = (uintptr_t)root | P | RW;
    for (i = 0; i < TRANSLATIONS; i++) {
        if (translations[i].linear < GIB) {
            add_boot_levels(&translations[i]);
        } else if (translations[i].entries[3] == &root[RECURSIVE]) {
            translations[i].gpa = (uintptr_t)&root[SPARE];
        }
    }
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    __asm__ volatile("mov %0, %%cr3" ::"r"(root) : "memory");
}

static unsigned faults;

/* The access below is an instruction of two bytes; on with the next one. */
static void skip_access(struct interrupt_frame *frame, void *opaque)
{
    (void)opaque;
    faults++;
    frame->rip += 2;
}

/* Reads a byte. Returns: 0..255; -1 it faulted. */
static int try_byte(uint64_t linear)
{
    unsigned before = faults;
    int value;

    __asm__ volatile("xorl %%eax, %%eax\n\t.byte 0x8a, 0x07 /* movb (%%rdi), %%al */"
                     : "=a"(value)
                     : "D"(linear)
                     : "memory", "cc");
    return faults == before ? value : -1;
}

/* Is it what the table says, as this CPU sees it? */
static void try_translation(const struct translation *translation)
{
    volatile uint8_t *byte = (volatile uint8_t *)(uintptr_t)translation->gpa;
    uint8_t before;

    if (translation->size == 0) {
        report(try_byte(translation->linear) < 0, "0x%lx faults: %s",
               (unsigned long)translation->linear, translation->text);
        return;
    }
    before = *byte;
    *byte = 0xa5;
    report(try_byte(translation->linear) == 0xa5, "0x%lx shows 0x%lx",
           (unsigned long)translation->linear, (unsigned long)translation->gpa);
    *byte = before;
}

static void tell(const struct translation *translation)
{
    const char *separator = " ";

    console_printf("expect %u 0x%lx", translation->cpu, (unsigned long)translation->linear);
    for (size_t i = 0; i < LEVELS && translation->entries[i]; i++) {
        uintptr_t at = (uintptr_t)translation->entries[i];

        console_printf("%s0x%lx=", separator, (unsigned long)at);
        if (at >= NOWHERE) {
            console_printf("?");
        } else {
            console_printf("0x%lx", (unsigned long)*translation->entries[i]);
        }
        separator = ",";
    }
    if (!translation->entries[0]) {
        console_printf(" -");
    }
    if (translation->size > 0) {
        console_printf(" 0x%lx 0x%lx %s\n", (unsigned long)translation->gpa,
                       (unsigned long)translation->size, translation->text);
    } else {
        console_printf(" - - %s\n", translation->text);
    }
}

static volatile unsigned second_cpu_ready;

static void second_cpu(unsigned number)
{
    (void)number;
    __asm__ volatile("mov %0, %%cr3" ::"r"(second_root) : "memory");
    (void)*(volatile uint8_t *)(uintptr_t)LINEAR(258, 0, 0, 0, 0x123);
    second_cpu_ready = 1;
    for (;;) {
        cpu_pause();
    }
}

int main(const struct boot_info *boot)
{
    uint64_t cpus = boot_option_number(boot, "cpus", 1);
    const bool waits = boot_option(boot, "wait");
    bool has_gib_pages = (cpuid(0x80000001U).edx >> 26 & 1) != 0;
    size_t num = has_gib_pages ? TRANSLATIONS : TRANSLATIONS - 1;
    int status;

    interrupt_set(13, skip_access, NULL);
    interrupt_set(14, skip_access, NULL);
    build();
    for (size_t i = 0; i < num; i++) {
        if (translations[i].use == TRY) {
            try_translation(&translations[i]);
        }
    }
    if (!has_gib_pages) {
        report_skip("a page of 1 GiB", "CPUID does not announce them");
    }
    if (cpus > 1) {
        lapic_enable(false);
        if (!report(cpu_start(1, second_cpu), "the second CPU starts")) {
            return report_finish();
        }
        while (!second_cpu_ready) {
            cpu_pause();
        }
    }
    status = report_finish();
    for (size_t i = 0; i < num; i++) {
        if (translations[i].cpu < cpus) {
            tell(&translations[i]);
        }
    }
    console_printf("ready\n");
    if (waits) {
        for (;;) {
            cpu_pause();
        }
    }
    return status;
}
