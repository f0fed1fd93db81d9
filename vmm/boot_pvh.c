/*
 * boot_pvh.c - PVH: an ELF note names a 32-bit entry; the kernel gets an hvm_start_info in EBX.
 *
 * Source: Xen docs/misc/pvh.pandoc, public/arch-x86/hvm/start_info.h (version 1).
 */
#include <errno.h>
#include <string.h>

#include "vmm/boot.h"

#define START_INFO_MAGIC 0x336ec578U
#define START_INFO_VERSION 1U

struct hvm_start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t nr_modules;
    uint64_t modlist_paddr;
    uint64_t cmdline_paddr;
    uint64_t rsdp_paddr;
    uint64_t memmap_paddr;
    uint32_t memmap_entries;
    uint32_t reserved;
};

struct hvm_modlist_entry {
    uint64_t paddr, size, cmdline_paddr, reserved;
};

struct hvm_memmap_table_entry {
    uint64_t addr, size;
    uint32_t type, reserved;
};

void boot_pvh_probe(const struct boot_image *image, struct boot_plan *plan,
                    struct boot_verdict *verdict)
{
    const struct elf_file *elf = &image->elf;

    if (!image->is_elf || !elf->pvh_note) {
        boot_verdict_set(verdict, BOOT_ABSENT, ENOEXEC, "%s",
                         image->is_elf ? "no PVH note" : "not an ELF file");
        return;
    }
    if (!boot_plan_elf(image, plan, verdict)) {
        return;
    }
    /* The note gives a physical address; who put a virtual one there is helped out. */
    if (boot_plan_at_paddr(plan, elf->pvh_entry)) {
        plan->entry = elf->pvh_entry;
    } else if (!boot_plan_entry(plan, elf->pvh_entry, verdict)) {
        return;
    }
    plan->mode = CPU_MODE_PROTECTED32;
    boot_verdict_set(verdict, BOOT_FITS, 0, "entry 0x%jx", (uintmax_t)plan->entry);
}

/* 0 stands for "none" in every address of the structure. */
static uint64_t put_cmdline(struct boot_info *info, const char *text)
{
    return text && *text ? boot_info_string(info, text) : 0;
}

static uint64_t put_modules(const struct boot_placement *placement, struct boot_info *info)
{
    uint64_t gpa = 0;

    for (size_t i = 0; i < placement->module_num; i++) {
        struct boot_module *module = &placement->modules[i];

        module->cmdline_gpa = put_cmdline(info, module->cmdline);
    }
    (void)boot_info_align(info, 8);
    for (size_t i = 0; i < placement->module_num; i++) {
        const struct boot_module *module = &placement->modules[i];
        const struct hvm_modlist_entry entry = {
            .paddr = module->gpa,
            .size = module->size,
            .cmdline_paddr = module->cmdline_gpa,
        };
        uint64_t at = boot_info_put(info, &entry, sizeof(entry));

        gpa = i == 0 ? at : gpa;
    }
    return gpa;
}

static uint64_t put_map(const struct boot_config *config, struct boot_info *info)
{
    uint64_t gpa = boot_info_align(info, 8);

    for (size_t i = 0; i < config->map_num; i++) {
        const struct hvm_memmap_table_entry entry = {
            .addr = config->map[i].first,
            .size = range_size(config->map[i].first, config->map[i].last),
            /* XEN_HVM_MEMMAP_TYPE_* are E820 types, as ours */
            .type = config->map[i].type,
        };

        (void)boot_info_put(info, &entry, sizeof(entry));
    }
    return gpa;
}

void boot_pvh_describe(const struct boot_placement *placement, struct boot_info *info,
                       struct boot_entry *entry)
{
    const struct boot_config *config = &placement->image->config;
    struct hvm_start_info start = {
        .magic = START_INFO_MAGIC,
        .version = START_INFO_VERSION,
        .nr_modules = (uint32_t)placement->module_num,
        .memmap_entries = (uint32_t)config->map_num,
    };

    start.cmdline_paddr = put_cmdline(info, config->append);
    start.modlist_paddr = put_modules(placement, info);
    start.memmap_paddr = put_map(config, info);
    (void)boot_info_align(info, 8);
    entry->rbx = boot_info_put(info, &start, sizeof(start));
}
