/*
 * boot_plan.c - what more than one boot protocol needs when it judges a file: segments that can be
 * loaded, an entry that lies in them, Multiboot's address fields.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/boot.h"

void boot_verdict_set(struct boot_verdict *verdict, enum boot_fit fit, int err_no,
                      const char *format, ...)
{
    va_list ap;

    verdict->fit = fit;
    verdict->err_no = err_no;
    va_start(ap, format);
    (void)vsnprintf(verdict->text, sizeof(verdict->text), format, ap);
    va_end(ap);
}

/* Which bytes would win is anybody's guess, and .bss would not be zero; so that is refused. */
static bool overlap(const struct load_segment *a, const struct load_segment *b)
{
    return a->paddr <= b->paddr + (b->mem_size - 1) && b->paddr <= a->paddr + (a->mem_size - 1);
}

bool boot_plan_elf(const struct boot_image *image, struct boot_plan *plan,
                   struct boot_verdict *verdict)
{
    const struct elf_file *elf = &image->elf;

    if (elf->segment_num == 0) {
        boot_verdict_set(verdict, BOOT_UNFIT, EINVAL, "no segment to load");
        return false;
    }
    for (size_t i = 0; i < elf->segment_num; i++) {
        const struct load_segment *segment = &elf->segments[i];

        if (segment->paddr + (segment->mem_size - 1) > BOOT_LAST_32) {
            boot_verdict_set(verdict, BOOT_UNFIT, EINVAL,
                             "the segment of 0x%jx bytes at 0x%jx does not end below 4 GiB%s",
                             (uintmax_t)segment->mem_size, (uintmax_t)segment->paddr,
                             segment->paddr == segment->vaddr
                                 ? " (a virtual address? give it a load address: AT in a script)"
                                 : "");
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (overlap(segment, &elf->segments[k])) {
                boot_verdict_set(verdict, BOOT_UNFIT, EINVAL,
                                 "the segments at 0x%jx and 0x%jx overlap",
                                 (uintmax_t)elf->segments[k].paddr, (uintmax_t)segment->paddr);
                return false;
            }
        }
    }
    memcpy(plan->segments, elf->segments, elf->segment_num * sizeof(*elf->segments));
    plan->segment_num = elf->segment_num;
    return true;
}

const struct load_segment *boot_plan_at_paddr(const struct boot_plan *plan, uint64_t paddr)
{
    for (size_t i = 0; i < plan->segment_num; i++) {
        if (paddr - plan->segments[i].paddr < plan->segments[i].mem_size) {
            return &plan->segments[i];
        }
    }
    return NULL;
}

const struct load_segment *boot_plan_at_vaddr(const struct boot_plan *plan, uint64_t vaddr)
{
    for (size_t i = 0; i < plan->segment_num; i++) {
        if (vaddr - plan->segments[i].vaddr < plan->segments[i].mem_size) {
            return &plan->segments[i];
        }
    }
    return NULL;
}

bool boot_plan_entry(struct boot_plan *plan, uint64_t entry, struct boot_verdict *verdict)
{
    const struct load_segment *segment = boot_plan_at_vaddr(plan, entry);

    /* Virtual first, as boot loaders do: where both fit, they mostly are the same. */
    if (segment) {
        plan->entry = entry - segment->vaddr + segment->paddr;
        return true;
    }
    if (boot_plan_at_paddr(plan, entry)) {
        plan->entry = entry;
        return true;
    }
    boot_verdict_set(verdict, BOOT_UNFIT, EINVAL, "entry 0x%jx lies in no segment",
                     (uintmax_t)entry);
    return false;
}

/* What is wrong with the fields, or NULL. *offset: where in the file the image begins. */
static const char *check_addresses(const struct boot_addresses *at, uint64_t file_size,
                                   uint64_t *offset, uint64_t *load_size)
{
    /* All fields are 32 bits wide and any of them may lie; each difference is checked before it is
     * used. The header tells where in the file the image starts: as far before the header as
     * load_addr is before header_addr. */
    if (at->load > at->header) {
        return "load_addr is above header_addr";
    }
    if (at->header - at->load > at->header_offset) {
        return "load_addr is before the start of the file";
    }
    *offset = at->header_offset - (at->header - at->load);
    *load_size = file_size - *offset;
    if (at->load_end) { /* 0: up to the end of the file */
        if (at->load_end <= at->load) {
            return "load_end_addr is not above load_addr";
        }
        if (at->load_end - at->load > *load_size) {
            return "truncated: load_end_addr is beyond the end of the file";
        }
        *load_size = at->load_end - at->load;
    }
    if (at->load + *load_size - 1 > BOOT_LAST_32) {
        return "the image does not end below 4 GiB";
    }
    if (at->bss_end && at->bss_end < at->load + *load_size) {
        return "bss_end_addr is before the end of the image";
    }
    return NULL;
}

bool boot_plan_addresses(const struct boot_image *image, struct boot_plan *plan,
                         const struct boot_addresses *at, struct boot_verdict *verdict)
{
    uint64_t offset = 0, load_size = 0;
    const char *wrong = check_addresses(at, image->file.size, &offset, &load_size);

    if (wrong) {
        boot_verdict_set(verdict, BOOT_UNFIT, EINVAL, "%s", wrong);
        return false;
    }
    plan->segment_num = 1;
    plan->segments[0] = (struct load_segment){
        .paddr = at->load,
        .vaddr = at->load,
        .mem_size = at->bss_end ? at->bss_end - at->load : load_size,
        .file_offset = offset,
        .file_size = load_size,
    };
    return boot_plan_entry(plan, at->entry, verdict);
}

void boot_basic_memory(const struct boot_config *config, uint32_t *lower_kib, uint32_t *upper_kib)
{
    const uint64_t mib = 1U << 20;
    uint64_t lower = 0, upper = mib;

    for (size_t i = 0; i < config->map_num; i++) {
        const struct boot_map_entry *entry = &config->map[i];

        if (entry->type != BOOT_MAP_RAM) {
            continue;
        }
        if (entry->first == lower && lower < mib) { /* from 0 without a gap */
            lower = entry->last + 1;
        }
        if (entry->first <= upper && entry->last >= upper) {
            upper = entry->last + 1; /* up to the first hole */
        }
    }
    upper = upper - 1 > BOOT_LAST_32 ? BOOT_LAST_32 + 1 : upper;
    *lower_kib = (uint32_t)((lower < 640 * 1024 ? lower : 640 * 1024) / 1024);
    *upper_kib = (uint32_t)((upper - mib) / 1024);
}
