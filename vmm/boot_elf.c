/*
 * boot_elf.c - an ELF file of no boot protocol: ELF64 is entered in long mode with its own virtual
 * addresses mapped, ELF32 in flat protected mode. Both get an hvm_start_info and a stack.
 */
#include <elf.h>
#include <errno.h>

#include "vmm/boot.h"
#include "vmm/boot_tables.h"

static uint64_t page_first(const struct load_segment *segment)
{
    return segment->vaddr & ~(uint64_t)(BOOT_PAGE_SIZE - 1);
}

static uint64_t page_last(const struct load_segment *segment)
{
    return (segment->vaddr + (segment->mem_size - 1)) | (BOOT_PAGE_SIZE - 1);
}

/* Bits 63..47 are all the same, at both ends and so in between (a segment is below 4 GiB long). */
static bool is_canonical(const struct load_segment *segment)
{
    const uint64_t sign_first = segment->vaddr >> 47;
    const uint64_t sign_last = (segment->vaddr + (segment->mem_size - 1)) >> 47;

    return sign_first == sign_last && (sign_first == 0 || sign_first == 0x1ffff);
}

/* Can each segment's virtual addresses show it? Returns: false with a verdict. */
static bool check_virtual(const struct boot_plan *plan, struct boot_verdict *verdict)
{
    for (size_t i = 0; i < plan->segment_num; i++) {
        const struct load_segment *a = &plan->segments[i];

        if (!is_canonical(a)) {
            boot_verdict_set(verdict, BOOT_UNFIT, EINVAL, "virtual address 0x%jx is not canonical",
                             (uintmax_t)a->vaddr);
            return false;
        }
        if ((a->vaddr - a->paddr) % BOOT_PAGE_SIZE != 0) {
            boot_verdict_set(verdict, BOOT_UNFIT, EINVAL,
                             "virtual 0x%jx and physical 0x%jx differ in their place in a page",
                             (uintmax_t)a->vaddr, (uintmax_t)a->paddr);
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            const struct load_segment *b = &plan->segments[k];

            if (page_first(a) <= page_last(b) && page_first(b) <= page_last(a) &&
                a->vaddr - a->paddr != b->vaddr - b->paddr) {
                boot_verdict_set(verdict, BOOT_UNFIT, EINVAL,
                                 "the segments at virtual 0x%jx and 0x%jx share a page",
                                 (uintmax_t)b->vaddr, (uintmax_t)a->vaddr);
                return false;
            }
        }
    }
    return true;
}

static bool probe_long(const struct boot_image *image, struct boot_plan *plan,
                       struct boot_verdict *verdict)
{
    if (!check_virtual(plan, verdict)) {
        return false;
    }
    plan->entry = image->elf.entry;
    plan->mode = CPU_MODE_LONG64;
    plan->tables = true;
    if (!boot_plan_at_vaddr(plan, plan->entry) && !boot_plan_at_paddr(plan, plan->entry)) {
        boot_verdict_set(verdict, BOOT_UNFIT, EINVAL, "entry 0x%jx lies in no segment",
                         (uintmax_t)plan->entry);
        return false;
    }
    return true;
}

static bool probe_protected(const struct boot_image *image, struct boot_plan *plan,
                            struct boot_verdict *verdict)
{
    if (image->elf.machine != EM_386) {
        boot_verdict_set(verdict, BOOT_UNFIT, ENOEXEC, "ELF32 with 64-bit code (x32)");
        return false;
    }
    plan->mode = CPU_MODE_PROTECTED32;
    return boot_plan_entry(plan, image->elf.entry, verdict);
}

void boot_elf_probe(const struct boot_image *image, struct boot_plan *plan,
                    struct boot_verdict *verdict)
{
    const struct elf_file *elf = &image->elf;

    if (!image->is_elf) {
        boot_verdict_set(verdict, BOOT_ABSENT, ENOEXEC, "not an ELF file");
        return;
    }
    if (elf->interp) {
        boot_verdict_set(verdict, BOOT_UNFIT, ENOEXEC,
                         "asks for a dynamic linker (a program of the host? link with -static)");
        return;
    }
    if (elf->relocations) {
        boot_verdict_set(verdict, BOOT_UNFIT, ENOEXEC,
                         "has relocations to be applied (link with -no-pie)");
        return;
    }
    plan->stack = true;
    if (!boot_plan_elf(image, plan, verdict) ||
        !(elf->is64 ? probe_long(image, plan, verdict) : probe_protected(image, plan, verdict))) {
        return;
    }
    boot_verdict_set(verdict, BOOT_FITS, 0, "ELF%s, entry 0x%jx", elf->is64 ? "64" : "32",
                     (uintmax_t)plan->entry);
}

void boot_elf_describe(const struct boot_placement *placement, struct boot_info *info,
                       struct boot_entry *entry)
{
    boot_pvh_describe(placement, info, entry);
    entry->rdi = entry->rbx;
}
