/*
 * boot.h - what the boot protocols share with load.c and with each other; private to the loaders.
 *
 * A protocol is two functions: probe judges a file and fills a plan (where its segments go, where
 * it is entered), describe lays out what the kernel is told once everything has its place.
 *
 * Context: one thread at a time; no vCPU runs.
 */
#ifndef ACRE_VMM_BOOT_H
#define ACRE_VMM_BOOT_H

#include "vmm/boot_info.h"
#include "vmm/elf_file.h"
#include "vmm/load.h"
#include "vmm/load_alloc.h"

#define BOOT_LOADER_NAME "acre"
#define BOOT_LAST_32 0xffffffffULL /* the last byte that 32-bit protocols reach */

enum boot_fit {
    BOOT_FITS,
    BOOT_ABSENT, /* nothing of this protocol in the file */
    BOOT_UNFIT,  /* there is, but it is broken or asks for what acre has not */
};

struct boot_verdict {
    enum boot_fit fit;
    int err_no;     /* ENOEXEC or EINVAL, when it does not fit */
    char text[200]; /* "entry 0x100000", "no header", ... */
};

/* Where a relocatable kernel may go; Multiboot 2 only. */
struct boot_relocation {
    bool wanted;
    uint32_t first, last, align; /* align: 1.. */
    uint32_t preference;         /* 0 none, 1 lowest, 2 highest */
};

struct boot_plan {
    struct load_segment segments[ELF_SEGMENT_MAX];
    size_t segment_num;
    uint64_t entry; /* physical, or virtual in LONG64; before relocation */
    enum cpu_mode mode;
    uint16_t real_cs; /* REAL */
    bool boot_sector; /* REAL */
    bool stack;       /* enter with one */
    bool tables;      /* LONG64: page tables */
    bool sections;    /* the kernel is told of its ELF sections */
    struct boot_relocation relocation;
};

struct boot_image {
    struct boot_config config;
    struct load_file file;
    bool is_elf;
    struct elf_file elf; /* when is_elf */
    enum boot_kind kind;
    struct boot_plan plan;
    uint8_t *section_headers;  /* when plan.sections and the file has some: elf.section_num */
    struct load_file *modules; /* config.module_num */
};

struct boot_module {
    uint64_t gpa, size;
    const char *cmdline;  /* never NULL */
    uint64_t cmdline_gpa; /* room for describe */
};

/* The section headers as the kernel gets them. */
struct boot_sections {
    uint8_t *headers; /* heap; NULL: none */
    uint32_t num, entry_size, names;
};

/* Everything that has a place now. */
struct boot_placement {
    const struct boot_image *image;
    AddressSpace *as;
    struct load_alloc alloc;
    uint64_t delta; /* add it to each address of the image, modulo 2^64 */
    struct boot_module *modules;
    size_t module_num;
    struct boot_sections sections;
};

/* boot_plan.c */
void boot_verdict_set(struct boot_verdict *verdict, enum boot_fit fit, int err_no,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Takes the ELF's segments over. Returns: true; false with a verdict when they cannot be loaded. */
bool boot_plan_elf(const struct boot_image *image, struct boot_plan *plan,
                   struct boot_verdict *verdict);
/* Is the address inside a segment, by physical (virtual) addresses? Returns: that one or NULL. */
const struct load_segment *boot_plan_at_paddr(const struct boot_plan *plan, uint64_t paddr);
const struct load_segment *boot_plan_at_vaddr(const struct boot_plan *plan, uint64_t vaddr);
/*
 * Sets plan->entry for a CPU without paging: an address inside a segment's virtual range is
 * translated. Returns: false with a verdict when it lies in no segment.
 */
bool boot_plan_entry(struct boot_plan *plan, uint64_t entry, struct boot_verdict *verdict);
/* The address fields that both Multiboot versions have, for files that are not to be read as ELF.
 */
struct boot_addresses {
    uint64_t header_offset; /* of the header in the file */
    uint32_t header, load, load_end, bss_end, entry;
};
bool boot_plan_addresses(const struct boot_image *image, struct boot_plan *plan,
                         const struct boot_addresses *at, struct boot_verdict *verdict);

/*
 * boot_sections.c. Open reads the headers and checks them; place puts the symbol and string tables
 * that no segment loads into memory (those that find room) and notes it in a copy of the headers.
 */
int boot_sections_open(struct boot_image *image, struct error *err)
    __attribute__((warn_unused_result));
int boot_sections_place(struct boot_placement *placement, struct error *err)
    __attribute__((warn_unused_result));

typedef void boot_probe_fn(const struct boot_image *image, struct boot_plan *plan,
                           struct boot_verdict *verdict);
typedef void boot_describe_fn(const struct boot_placement *placement, struct boot_info *info,
                              struct boot_entry *entry);

boot_probe_fn boot_pvh_probe, boot_multiboot2_probe, boot_multiboot1_probe, boot_elf_probe;
boot_probe_fn boot_flat_probe;
/* An hvm_start_info; entry->rbx is its address. For plain ELF and flat kernels also in rdi. */
boot_describe_fn boot_pvh_describe, boot_elf_describe;
boot_describe_fn boot_multiboot2_describe, boot_multiboot1_describe;

/* mem_lower and mem_upper of both Multiboot versions, in KiB. */
void boot_basic_memory(const struct boot_config *config, uint32_t *lower_kib, uint32_t *upper_kib);

#endif
