/*
 * load_place.c - carries a plan out: the image's room is taken (and searched, for a relocatable
 * one), modules go high, then what the kernel is told goes low, in one block:
 * [stack][return address, GDT, start info, strings][page tables].
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/boot.h"
#include "vmm/boot_tables.h"
#include "vmm/load_guest.h"

#define PAGE_MASK ((uint64_t)BOOT_PAGE_SIZE - 1)
#define STACK_SIZE 16384U
#define STACK_SP_LONG 8U /* as after a call: 16-byte aligned with the return address pushed */
#define STACK_SP_32 12U
#define LOW_LAST 0x9ffffU
#define TRAMPOLINE_FIRST 0x8000U /* guests start their other CPUs there */
#define TRAMPOLINE_LAST 0x9fffU
#define MODULE_LAST (BOOT_LAST_32 - BOOT_PAGE_SIZE) /* so that its end fits in 32 bits, too */
#define RESERVED_NUM 8U /* page 0, trampolines, the block, and some room */

static boot_describe_fn *const describers[] = {
    [BOOT_PVH] = boot_pvh_describe,
    [BOOT_MULTIBOOT2] = boot_multiboot2_describe,
    [BOOT_MULTIBOOT1] = boot_multiboot1_describe,
    [BOOT_ELF] = boot_elf_describe,
    [BOOT_FLAT16] = NULL, /* is told nothing */
    [BOOT_FLAT32] = boot_elf_describe,
    [BOOT_FLAT64] = boot_elf_describe,
};

static bool wants_dtb(const struct boot_image *image)
{
    return image->is_elf && image->elf.acre_note && image->config.dtb && image->config.dtb_size > 0;
}

static int no_room(const char *path, uint64_t size, const char *what, struct error *err)
{
    return error_set(err, ENOSPC, "%s: no room in the guest's RAM for %s (%ju bytes)", path, what,
                     (uintmax_t)size);
}

/* Finds a new place for a relocatable image: where it is linked if that will do. */
static int relocate(struct boot_placement *placement, struct error *err)
{
    const struct boot_plan *plan = &placement->image->plan;
    const struct boot_relocation *relocation = &plan->relocation;
    uint64_t first = UINT64_MAX, last = 0, gpa;
    struct load_want want;

    for (size_t i = 0; i < plan->segment_num; i++) {
        const struct load_segment *segment = &plan->segments[i];
        const uint64_t end = segment->paddr + (segment->mem_size - 1);

        first = segment->paddr < first ? segment->paddr : first;
        last = end > last ? end : last;
    }
    want = (struct load_want){
        .size = last - first + 1,
        .align = relocation->align,
        .first = relocation->first,
        .last = relocation->last,
        .highest = relocation->preference == 2,
    };
    if (relocation->preference == 0 && first >= want.first && last <= want.last &&
        first % want.align == 0 && load_alloc_is_ram(&placement->alloc, first, last)) {
        return 0;
    }
    if (!load_alloc_get(&placement->alloc, &want, &gpa)) {
        return error_set(err, ENOSPC,
                         "%s: no room in the guest's RAM for %ju bytes within 0x%jx-0x%jx",
                         placement->image->file.path, (uintmax_t)want.size, (uintmax_t)want.first,
                         (uintmax_t)want.last);
    }
    placement->delta = gpa - first;
    return 0;
}

/*
 * Takes the image's pages out. Virtual addresses that hide physical ones of the identity map
 * are taken, too: what the kernel is told must be seen at its physical address.
 */
static int take_image(struct boot_placement *placement, struct error *err)
{
    const struct boot_plan *plan = &placement->image->plan;
    struct load_alloc *alloc = &placement->alloc;

    for (size_t i = 0; i < plan->segment_num; i++) {
        const struct load_segment *segment = &plan->segments[i];
        const uint64_t first = segment->paddr + placement->delta;
        const uint64_t last = first + (segment->mem_size - 1);

        if (!load_alloc_is_ram(alloc, first, last)) {
            return error_set(err, EFAULT, "%s: its bytes for 0x%jx-0x%jx do not all lie in RAM%s",
                             placement->image->file.path, (uintmax_t)first, (uintmax_t)last,
                             last > load_alloc_ram_last(alloc) ? " (give it more: -m)" : "");
        }
        load_alloc_reserve(alloc, first & ~PAGE_MASK, last | PAGE_MASK);
        if (plan->tables) {
            load_alloc_reserve(alloc, segment->vaddr & ~PAGE_MASK,
                               (segment->vaddr + (segment->mem_size - 1)) | PAGE_MASK);
        }
    }
    return 0;
}

static int write_image(const struct boot_placement *placement, struct error *err)
{
    const struct boot_plan *plan = &placement->image->plan;
    const struct load_file *file = &placement->image->file;

    for (size_t i = 0; i < plan->segment_num; i++) {
        const struct load_segment *segment = &plan->segments[i];
        const uint64_t gpa = segment->paddr + placement->delta;
        int r = load_guest_file(placement->as, gpa, file, segment->file_offset, segment->file_size,
                                err);

        if (r < 0) {
            return r;
        }
        r = load_guest_zero(placement->as, gpa + segment->file_size,
                            segment->mem_size - segment->file_size);
        if (r < 0) {
            return error_set(err, -r, "%s: 0x%jx is not RAM", file->path,
                             (uintmax_t)(gpa + segment->file_size));
        }
    }
    return 0;
}

/* A module's pages are its alone. */
static int take_module(struct boot_placement *placement, uint64_t size, const char *path,
                       struct boot_module **module, struct error *err)
{
    struct load_want want = {
        .size = (size + PAGE_MASK) & ~PAGE_MASK,
        .align = BOOT_PAGE_SIZE,
        .first = LOW_LAST + 1,
        .last = MODULE_LAST,
        .highest = true,
    };
    uint64_t gpa;

    *module = &placement->modules[placement->module_num];
    if (!load_alloc_get(&placement->alloc, &want, &gpa)) {
        want.first = 0; /* a machine with next to no RAM */
        if (!load_alloc_get(&placement->alloc, &want, &gpa)) {
            return no_room(path, size, "this module", err);
        }
    }
    **module = (struct boot_module){.gpa = gpa, .size = size};
    placement->module_num++;
    return 0;
}

static int place_modules(struct boot_placement *placement, struct error *err)
{
    const struct boot_image *image = placement->image;
    struct boot_module *module;
    int r = 0;

    for (size_t i = 0; i < image->config.module_num && r == 0; i++) {
        const struct load_file *file = &image->modules[i];

        r = take_module(placement, file->size, file->path, &module, err);
        if (r == 0) {
            module->cmdline = image->config.modules[i].cmdline;
            module->cmdline = module->cmdline ? module->cmdline : "";
            r = load_guest_file(placement->as, module->gpa, file, 0, file->size, err);
        }
    }
    if (r == 0 && wants_dtb(image)) {
        r = take_module(placement, image->config.dtb_size, "the board's device tree", &module, err);
        if (r == 0) {
            module->cmdline = ACRE_DTB_CMDLINE;
            r = load_guest_write(placement->as, module->gpa, image->config.dtb, module->size);
            r = r < 0 ? error_set(err, -r, "%s: 0x%jx is not RAM", image->file.path,
                                  (uintmax_t)module->gpa)
                      : 0;
        }
    }
    return r;
}

/* The block without its stack and page tables; the same when measuring and for good. */
static void describe(const struct boot_placement *placement, struct boot_info *info,
                     struct boot_entry *entry)
{
    const struct boot_plan *plan = &placement->image->plan;
    const uint8_t zero[16] = {0};
    uint8_t gdt[BOOT_GDT_SIZE];
    const uint64_t top = boot_info_put(info, zero, sizeof(zero));

    *entry = (struct boot_entry){
        .mode = plan->mode,
        .rip = plan->entry + placement->delta,
        .gdt_limit = BOOT_GDT_SIZE - 1,
    };
    if (plan->stack) {
        entry->rsp = top + (plan->mode == CPU_MODE_LONG64 ? STACK_SP_LONG : STACK_SP_32);
    }
    boot_gdt_fill(gdt, plan->mode);
    entry->gdt = boot_info_put(info, gdt, sizeof(gdt));
    describers[placement->image->kind](placement, info, entry);
    (void)boot_info_align(info, BOOT_PAGE_SIZE);
}

/* Low where that is free, so that it is out of the way of kernels that grow upwards. */
static bool take_block(struct load_alloc *alloc, uint64_t size, uint64_t *gpa)
{
    struct load_want want = {
        .size = size,
        .align = BOOT_PAGE_SIZE,
        .last = LOW_LAST,
        .highest = true,
    };

    if (load_alloc_get(alloc, &want, gpa)) {
        return true;
    }
    want.last = MODULE_LAST;
    return load_alloc_get(alloc, &want, gpa);
}

static int place_info(struct boot_placement *placement, struct boot_entry *entry, struct error *err)
{
    const struct boot_image *image = placement->image;
    const uint64_t ram_last = load_alloc_ram_last(&placement->alloc);
    const struct boot_mapping mapping = {
        .identity_last = ram_last > BOOT_LAST_32 ? ram_last : BOOT_LAST_32,
        .segments = image->plan.segments,
        .segment_num = image->plan.segment_num,
    };
    /* What the guest must be able to name comes first; the tables, which it may rebuild, last. */
    const size_t stack_size = image->plan.stack ? STACK_SIZE : 0;
    const size_t tables_size = image->plan.tables ? boot_tables_num(&mapping) * BOOT_PAGE_SIZE : 0;
    struct boot_info info = {0};
    uint64_t gpa;
    int r;

    describe(placement, &info, entry);
    info.size = info.used;
    if (!take_block(&placement->alloc, stack_size + info.size + tables_size, &gpa)) {
        return no_room(image->file.path, stack_size + info.size + tables_size,
                       "what the kernel is told", err);
    }
    info.buf = calloc(1, info.size + tables_size);
    if (!info.buf) {
        return error_set_errno(err, ENOMEM, "%s", image->file.path);
    }
    info.gpa = gpa + stack_size;
    info.used = 0;
    describe(placement, &info, entry);
    if (image->plan.tables) {
        entry->cr3 = info.gpa + info.size;
        boot_tables_fill(info.buf + info.size, entry->cr3, &mapping);
    }
    r = load_guest_write(placement->as, info.gpa, info.buf, info.size + tables_size);
    free(info.buf);
    return r < 0 ? error_set(err, -r, "%s: 0x%jx is not RAM", image->file.path, (uintmax_t)info.gpa)
                 : 0;
}

/* A 16-bit kernel: no modules, nothing to be told. */
static void enter_real(const struct boot_plan *plan, struct boot_entry *entry)
{
    *entry = (struct boot_entry){
        .mode = CPU_MODE_REAL,
        .rip = plan->entry,
        .rsp = 0x7c00,
        .rdx = plan->boot_sector ? 0x80 : 0,
        .cs = plan->real_cs,
        .dl_boot_drive = plan->boot_sector,
    };
}

static int place_all(struct boot_placement *placement, struct boot_entry *entry, struct error *err)
{
    const struct boot_image *image = placement->image;
    int r = 0;

    /* Taken before all else; only an image that is linked there may have them. */
    load_alloc_reserve(&placement->alloc, 0, PAGE_MASK);
    load_alloc_reserve(&placement->alloc, TRAMPOLINE_FIRST, TRAMPOLINE_LAST);
    if (image->plan.relocation.wanted) {
        r = relocate(placement, err);
    }
    if (r == 0) {
        r = take_image(placement, err);
    }
    if (r == 0) {
        r = write_image(placement, err);
    }
    if (r == 0 && image->kind == BOOT_FLAT16) {
        enter_real(&image->plan, entry);
        return 0;
    }
    if (r == 0) {
        r = place_modules(placement, err);
    }
    if (r == 0) {
        r = boot_sections_place(placement, err);
    }
    return r < 0 ? r : place_info(placement, entry, err);
}

int load_place(struct boot_image *image, AddressSpace *as, struct boot_entry *entry,
               struct error *err)
{
    const struct boot_config *config = &image->config;
    const size_t used_max = RESERVED_NUM + 2 * image->plan.segment_num + config->module_num +
                            (image->section_headers ? image->elf.section_num : 0);
    struct boot_placement placement = {.image = image, .as = as};
    int r = load_alloc_init(&placement.alloc, config->map, config->map_num, used_max);

    placement.modules = calloc(config->module_num + 1, sizeof(*placement.modules));
    if (r < 0 || !placement.modules) {
        r = error_set_errno(err, ENOMEM, "%s", image->file.path);
    } else {
        r = place_all(&placement, entry, err);
    }
    free(placement.sections.headers);
    free(placement.modules);
    load_alloc_finish(&placement.alloc);
    return r;
}
