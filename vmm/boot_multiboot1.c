/*
 * boot_multiboot1.c - Multiboot 1: a header in the first 8 KiB, an information structure in EBX.
 * ELF64 files are taken as well; they are entered in 32-bit mode like all others.
 *
 * Source: Multiboot Specification 0.6.96, sections 3.1 (header), 3.2 (machine state), 3.3.
 */
#include <errno.h>
#include <string.h>

#include "vmm/boot.h"

#define SEARCH_SIZE 8192U
#define HEADER_MAGIC 0x1BADB002U
#define LOADER_MAGIC 0x2BADB002U
#define HEADER_PAGE_ALIGN (1U << 0)  /* modules: ours are, always */
#define HEADER_MEMORY_INFO (1U << 1) /* given, always */
#define HEADER_VIDEO_MODE (1U << 2)  /* a preference only; there is no display */
#define HEADER_ADDRESSES (1U << 16)
#define HEADER_REQUIRED 0xffffU /* the bits that a loader must understand or refuse */
#define HEADER_KNOWN (HEADER_PAGE_ALIGN | HEADER_MEMORY_INFO | HEADER_VIDEO_MODE)

#define INFO_MEMORY (1U << 0)
#define INFO_CMDLINE (1U << 2)
#define INFO_MODS (1U << 3)
#define INFO_ELF_SHDR (1U << 5)
#define INFO_MEM_MAP (1U << 6)
#define INFO_BOOT_LOADER_NAME (1U << 9)

struct multiboot1_header {
    uint32_t magic, flags, checksum;
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr; /* bit 16 */
};

struct multiboot1_info {
    uint32_t flags;
    uint32_t mem_lower, mem_upper;
    uint32_t boot_device;
    uint32_t cmdline;
    uint32_t mods_count, mods_addr;
    uint32_t elf_num, elf_size, elf_addr, elf_shndx;
    uint32_t mmap_length, mmap_addr;
    uint32_t drives_length, drives_addr;
    uint32_t config_table;
    uint32_t boot_loader_name;
    uint32_t apm_table;
};

struct multiboot1_module {
    uint32_t mod_start, mod_end, string, reserved;
};

struct multiboot1_mmap {
    uint32_t size; /* of what follows */
    uint64_t base_addr, length;
    uint32_t type;
} __attribute__((packed));

/* Copies the header out; where the file ends first, the rest reads as zero. */
static bool find_header(const struct load_file *file, struct multiboot1_header *header,
                        size_t *offset, size_t *avail)
{
    const size_t fixed = offsetof(struct multiboot1_header, header_addr);
    size_t end = file->head_size < SEARCH_SIZE ? file->head_size : SEARCH_SIZE;

    for (size_t at = 0; at + fixed <= end; at += 4) {
        memset(header, 0, sizeof(*header));
        memcpy(header, file->head + at, fixed);
        if (header->magic == HEADER_MAGIC &&
            header->magic + header->flags + header->checksum == 0) {
            *offset = at;
            *avail = end - at < sizeof(*header) ? end - at : sizeof(*header);
            memcpy(header, file->head + at, *avail);
            return true;
        }
    }
    return false;
}

static bool probe_addresses(const struct boot_image *image, struct boot_plan *plan,
                            const struct multiboot1_header *header, size_t offset, size_t avail,
                            struct boot_verdict *verdict)
{
    const struct boot_addresses at = {
        .header_offset = offset,
        .header = header->header_addr,
        .load = header->load_addr,
        .load_end = header->load_end_addr,
        .bss_end = header->bss_end_addr,
        .entry = header->entry_addr,
    };

    if (avail < sizeof(*header)) {
        boot_verdict_set(verdict, BOOT_UNFIT, EINVAL, "the header at 0x%zx is truncated", offset);
        return false;
    }
    return boot_plan_addresses(image, plan, &at, verdict);
}

void boot_multiboot1_probe(const struct boot_image *image, struct boot_plan *plan,
                           struct boot_verdict *verdict)
{
    struct multiboot1_header header;
    size_t offset = 0, avail = 0;

    if (!find_header(&image->file, &header, &offset, &avail)) {
        boot_verdict_set(verdict, BOOT_ABSENT, ENOEXEC, "no header in the first %u bytes",
                         SEARCH_SIZE);
        return;
    }
    if (header.flags & HEADER_REQUIRED & ~HEADER_KNOWN) {
        boot_verdict_set(verdict, BOOT_UNFIT, ENOEXEC, "the header requires unknown features 0x%x",
                         header.flags & HEADER_REQUIRED & ~HEADER_KNOWN);
        return;
    }
    if (header.flags & HEADER_ADDRESSES) {
        if (!probe_addresses(image, plan, &header, offset, avail, verdict)) {
            return;
        }
    } else if (!image->is_elf) {
        boot_verdict_set(verdict, BOOT_UNFIT, ENOEXEC,
                         "a header without address fields in a file that is not ELF");
        return;
    } else if (!boot_plan_elf(image, plan, verdict) ||
               !boot_plan_entry(plan, image->elf.entry, verdict)) {
        return;
    }
    plan->mode = CPU_MODE_PROTECTED32;
    /* With addresses the file is not read as ELF, even if it is one: there are no sections then. */
    plan->sections = image->is_elf && !(header.flags & HEADER_ADDRESSES);
    boot_verdict_set(verdict, BOOT_FITS, 0, "header at 0x%zx, entry 0x%jx%s", offset,
                     (uintmax_t)plan->entry,
                     header.flags & HEADER_VIDEO_MODE ? ", no video mode" : "");
}

static uint32_t put_map(const struct boot_config *config, struct boot_info *info)
{
    const uint32_t gpa = (uint32_t)boot_info_align(info, 8);

    for (size_t i = 0; i < config->map_num; i++) {
        const struct multiboot1_mmap entry = {
            .size = sizeof(entry) - sizeof(entry.size),
            .base_addr = config->map[i].first,
            .length = range_size(config->map[i].first, config->map[i].last),
            .type = config->map[i].type,
        };

        (void)boot_info_put(info, &entry, sizeof(entry));
    }
    return gpa;
}

static uint32_t put_modules(const struct boot_placement *placement, struct boot_info *info)
{
    uint32_t gpa;

    for (size_t i = 0; i < placement->module_num; i++) {
        struct boot_module *module = &placement->modules[i];

        module->cmdline_gpa = boot_info_string(info, module->cmdline);
    }
    gpa = (uint32_t)boot_info_align(info, 8);
    for (size_t i = 0; i < placement->module_num; i++) {
        const struct boot_module *module = &placement->modules[i];
        const struct multiboot1_module entry = {
            .mod_start = (uint32_t)module->gpa,
            .mod_end = (uint32_t)(module->gpa + module->size),
            .string = (uint32_t)module->cmdline_gpa,
        };

        (void)boot_info_put(info, &entry, sizeof(entry));
    }
    return gpa;
}

void boot_multiboot1_describe(const struct boot_placement *placement, struct boot_info *info,
                              struct boot_entry *entry)
{
    const struct boot_config *config = &placement->image->config;
    const struct boot_sections *sections = &placement->sections;
    struct multiboot1_info mbi = {
        .flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODS | INFO_MEM_MAP | INFO_BOOT_LOADER_NAME,
        .mods_count = (uint32_t)placement->module_num,
    };

    boot_basic_memory(config, &mbi.mem_lower, &mbi.mem_upper);
    mbi.cmdline = (uint32_t)boot_info_words(info, config->path, config->append);
    mbi.boot_loader_name = (uint32_t)boot_info_string(info, BOOT_LOADER_NAME);
    mbi.mods_addr = put_modules(placement, info);
    mbi.mmap_addr = put_map(config, info);
    mbi.mmap_length = (uint32_t)(config->map_num * sizeof(struct multiboot1_mmap));
    if (sections->headers) {
        mbi.flags |= INFO_ELF_SHDR;
        mbi.elf_num = sections->num;
        mbi.elf_size = sections->entry_size;
        mbi.elf_shndx = sections->names;
        (void)boot_info_align(info, 8);
        mbi.elf_addr = (uint32_t)boot_info_put(info, sections->headers,
                                               (size_t)sections->num * sections->entry_size);
    }
    (void)boot_info_align(info, 8);
    /* ESP is undefined by the specification: kernels bring a stack. */
    entry->rax = LOADER_MAGIC;
    entry->rbx = boot_info_put(info, &mbi, sizeof(mbi));
}
