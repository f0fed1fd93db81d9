/*
 * boot_sections.c - a Multiboot kernel is told of its ELF sections, so that it can find its own
 * symbols. Those are in no segment: they are put where there is room, and sh_addr says where.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/boot.h"
#include "vmm/load_guest.h"

/* Where it says so in a header, of either class. */
static Elf64_Shdr widen(const struct elf_file *elf, const uint8_t *raw)
{
    Elf64_Shdr wide;
    Elf32_Shdr narrow;

    if (elf->is64) {
        memcpy(&wide, raw, sizeof(wide));
        return wide;
    }
    memcpy(&narrow, raw, sizeof(narrow));
    return (Elf64_Shdr){
        .sh_type = narrow.sh_type,
        .sh_flags = narrow.sh_flags,
        .sh_addr = narrow.sh_addr,
        .sh_offset = narrow.sh_offset,
        .sh_size = narrow.sh_size,
    };
}

static void set_addr(const struct elf_file *elf, uint8_t *raw, uint32_t gpa)
{
    if (elf->is64) {
        memcpy(raw + offsetof(Elf64_Shdr, sh_addr), &(uint64_t){gpa}, 8);
    } else {
        memcpy(raw + offsetof(Elf32_Shdr, sh_addr), &gpa, 4);
    }
}

/* Debug information is left where it is: it can be a hundred times the kernel's size. */
static bool is_symbols(const Elf64_Shdr *shdr)
{
    return (shdr->sh_type == SHT_SYMTAB || shdr->sh_type == SHT_STRTAB) && shdr->sh_addr == 0 &&
           !(shdr->sh_flags & SHF_ALLOC) && shdr->sh_size > 0;
}

static int check(const struct boot_image *image, struct error *err)
{
    const struct elf_file *elf = &image->elf;

    for (uint32_t i = 0; i < elf->section_num; i++) {
        const Elf64_Shdr shdr = widen(elf, image->section_headers + (size_t)i * elf->section_size);
        uint64_t end;

        if (is_symbols(&shdr) && (__builtin_add_overflow(shdr.sh_offset, shdr.sh_size, &end) ||
                                  end > image->file.size)) {
            return error_set(err, EINVAL,
                             "%s: truncated: section %u ends beyond the file's %ju bytes",
                             image->file.path, i, (uintmax_t)image->file.size);
        }
    }
    return 0;
}

int boot_sections_open(struct boot_image *image, struct error *err)
{
    const struct elf_file *elf = &image->elf;
    const uint32_t want = elf->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    const size_t size = (size_t)elf->section_num * want;
    int r;

    if (elf->section_num == 0) {
        return 0;
    }
    if (elf->section_num > ELF_SECTION_MAX || elf->section_size != want ||
        elf->section_names >= elf->section_num) {
        return error_set(err, EINVAL, "%s: section headers out of range (%u of %u bytes, names %u)",
                         image->file.path, elf->section_num, elf->section_size, elf->section_names);
    }
    image->section_headers = malloc(size);
    if (!image->section_headers) {
        return error_set_errno(err, ENOMEM, "%s", image->file.path);
    }
    r = load_file_read(&image->file, elf->section_offset, image->section_headers, size, err);
    return r < 0 ? r : check(image, err);
}

int boot_sections_place(struct boot_placement *placement, struct error *err)
{
    const struct boot_image *image = placement->image;
    const struct elf_file *elf = &image->elf;
    const size_t size = (size_t)elf->section_num * elf->section_size;
    struct boot_sections *sections = &placement->sections;
    int r = 0;

    if (!image->section_headers) {
        return 0;
    }
    *sections = (struct boot_sections){
        .headers = malloc(size),
        .num = elf->section_num,
        .entry_size = elf->section_size,
        .names = elf->section_names,
    };
    if (!sections->headers) {
        return error_set_errno(err, ENOMEM, "%s", image->file.path);
    }
    /* The originals stay as they are in the file: the next start may choose other places. */
    memcpy(sections->headers, image->section_headers, size);
    for (uint32_t i = 0; i < elf->section_num && r == 0; i++) {
        uint8_t *raw = sections->headers + (size_t)i * elf->section_size;
        const Elf64_Shdr shdr = widen(elf, raw);
        const struct load_want want = {
            .size = shdr.sh_size,
            .align = 16,
            .last = BOOT_LAST_32,
            .highest = true,
        };
        uint64_t gpa;

        /* Without room for its symbols a kernel still runs; sh_addr stays 0. */
        if (is_symbols(&shdr) && load_alloc_get(&placement->alloc, &want, &gpa)) {
            set_addr(elf, raw, (uint32_t)gpa);
            r = load_guest_file(placement->as, gpa, &image->file, shdr.sh_offset, shdr.sh_size,
                                err);
        }
    }
    return r;
}
