/*
 * elf_file.c - both classes are widened to one form as they are read; then each program header is
 * checked and remembered by kind. Notes are walked with both alignments in use.
 */
#include "vmm/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/load.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18U
#define DYNAMIC_SIZE_MAX 16384U /* bytes of a PT_DYNAMIC that are looked at */

static void widen_phdr(const struct elf_file *elf, const uint8_t *raw, Elf64_Phdr *wide)
{
    Elf32_Phdr narrow;

    if (elf->is64) {
        memcpy(wide, raw, sizeof(*wide));
        return;
    }
    memcpy(&narrow, raw, sizeof(narrow));
    *wide = (Elf64_Phdr){
        .p_type = narrow.p_type,
        .p_flags = narrow.p_flags,
        .p_offset = narrow.p_offset,
        .p_vaddr = narrow.p_vaddr,
        .p_paddr = narrow.p_paddr,
        .p_filesz = narrow.p_filesz,
        .p_memsz = narrow.p_memsz,
        .p_align = narrow.p_align,
    };
}

static void widen_ehdr(const uint8_t *raw, bool is64, Elf64_Ehdr *wide)
{
    Elf32_Ehdr narrow;

    if (is64) {
        memcpy(wide, raw, sizeof(*wide));
        return;
    }
    memcpy(&narrow, raw, sizeof(narrow));
    *wide = (Elf64_Ehdr){
        .e_type = narrow.e_type,
        .e_machine = narrow.e_machine,
        .e_version = narrow.e_version,
        .e_entry = narrow.e_entry,
        .e_phoff = narrow.e_phoff,
        .e_shoff = narrow.e_shoff,
        .e_phentsize = narrow.e_phentsize,
        .e_phnum = narrow.e_phnum,
        .e_shentsize = narrow.e_shentsize,
        .e_shnum = narrow.e_shnum,
        .e_shstrndx = narrow.e_shstrndx,
    };
}

static int check_ident(const struct load_file *file, struct error *err)
{
    const uint8_t *ident = file->head;

    if (file->head_size < SELFMAG || memcmp(ident, ELFMAG, SELFMAG) != 0) {
        return error_set(err, ENOEXEC, "%s: not an ELF file", file->path);
    }
    if (file->head_size < sizeof(Elf32_Ehdr) ||
        (ident[EI_CLASS] == ELFCLASS64 && file->head_size < sizeof(Elf64_Ehdr))) {
        return error_set(err, EINVAL, "%s: truncated ELF header (%zu bytes)", file->path,
                         file->head_size);
    }
    if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64) {
        return error_set(err, EINVAL, "%s: ELF class %u is neither 32 nor 64 bits", file->path,
                         ident[EI_CLASS]);
    }
    if (ident[EI_DATA] != ELFDATA2LSB) {
        return error_set(err, ENOEXEC, "%s: a big-endian ELF file, not one for x86", file->path);
    }
    return 0;
}

static int check_ehdr(const struct elf_file *elf, const Elf64_Ehdr *ehdr, const char *path,
                      struct error *err)
{
    size_t size = elf->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

    if (ehdr->e_machine != EM_X86_64 && (ehdr->e_machine != EM_386 || elf->is64)) {
        return error_set(err, ENOEXEC, "%s: an ELF file for machine %u, not for x86", path,
                         ehdr->e_machine);
    }
    if (ehdr->e_type != ET_EXEC && ehdr->e_type != ET_DYN) {
        return error_set(err, ENOEXEC, "%s: an ELF file of type %u, not an executable%s", path,
                         ehdr->e_type, ehdr->e_type == ET_REL ? " (an object: link it)" : "");
    }
    if (ehdr->e_phnum == 0) {
        return error_set(err, EINVAL, "%s: no program headers, nothing to load", path);
    }
    if (ehdr->e_phnum > ELF_PHDR_MAX) {
        return error_set(err, EINVAL, "%s: %u program headers, more than %u", path, ehdr->e_phnum,
                         ELF_PHDR_MAX);
    }
    if (ehdr->e_phentsize != size) {
        return error_set(err, EINVAL, "%s: program headers of %u bytes, not %zu", path,
                         ehdr->e_phentsize, size);
    }
    return 0;
}

/* Only what could upset arithmetic later is refused here. */
static int add_segment(struct elf_file *elf, const Elf64_Phdr *phdr, unsigned index,
                       const char *path, struct error *err)
{
    uint64_t end;

    if (phdr->p_filesz > phdr->p_memsz) {
        return error_set(err, EINVAL, "%s: segment %u has more bytes in the file than in memory",
                         path, index);
    }
    if (phdr->p_memsz == 0) {
        return 0;
    }
    if (__builtin_add_overflow(phdr->p_paddr, phdr->p_memsz - 1, &end) ||
        __builtin_add_overflow(phdr->p_vaddr, phdr->p_memsz - 1, &end)) {
        return error_set(err, EINVAL, "%s: segment %u wraps around the address space", path, index);
    }
    if (elf->segment_num == ELF_SEGMENT_MAX) {
        return error_set(err, EINVAL, "%s: more than %u segments to load", path, ELF_SEGMENT_MAX);
    }
    elf->segments[elf->segment_num++] = (struct load_segment){
        .paddr = phdr->p_paddr,
        .vaddr = phdr->p_vaddr,
        .mem_size = phdr->p_memsz,
        .file_offset = phdr->p_offset,
        .file_size = phdr->p_filesz,
    };
    return 0;
}

static bool is_named(const char *wanted, size_t size, const uint8_t *name, uint32_t name_size)
{
    return name_size == size && memcmp(name, wanted, size) == 0;
}

/* @offset  of the description in the file */
static void take_note(struct elf_file *elf, uint32_t type, const uint8_t *name, uint32_t name_size,
                      const uint8_t *desc, uint32_t desc_size, uint64_t offset)
{
    if (is_named("Xen", sizeof("Xen"), name, name_size) && type == XEN_ELFNOTE_PHYS32_ENTRY &&
        (desc_size == 4 || desc_size == 8)) {
        elf->pvh_note = true;
        elf->pvh_entry = 0;
        memcpy(&elf->pvh_entry, desc, desc_size);
    } else if (is_named(ACRE_NOTE_NAME, sizeof(ACRE_NOTE_NAME), name, name_size)) {
        if (type == ACRE_NOTE_TYPE && desc_size == 4) {
            elf->acre_note = true;
            memcpy(&elf->acre_flags, desc, desc_size);
        } else if (type == ACRE_NOTE_TEST_TYPE) {
            elf->test_offset = offset;
            elf->test_size = desc_size;
        }
    }
}

/*
 * A malformed note ends the walk: with the wrong alignment, well-formed notes look so as well.
 * @offset  of `notes` in the file
 */
static void walk_notes(struct elf_file *elf, const uint8_t *notes, uint64_t size, uint64_t align,
                       uint64_t offset)
{
    uint64_t at = 0;

    while (size - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr nhdr;
        uint64_t desc, next;

        memcpy(&nhdr, notes + at, sizeof(nhdr));
        desc = (at + sizeof(nhdr) + nhdr.n_namesz + align - 1) & ~(align - 1);
        next = desc + nhdr.n_descsz; /* no overflow: 64-bit sum of 32-bit values */
        if (next > size) {
            return;
        }
        take_note(elf, nhdr.n_type, notes + at + sizeof(nhdr), nhdr.n_namesz, notes + desc,
                  nhdr.n_descsz, offset + desc);
        at = (next + align - 1) & ~(align - 1);
        if (at > size) {
            return;
        }
    }
}

static int read_notes(struct elf_file *elf, const Elf64_Phdr *phdr, const struct load_file *file,
                      struct error *err)
{
    uint8_t *notes;
    int r;

    if (phdr->p_filesz > ELF_NOTES_SIZE_MAX) {
        return error_set(err, EINVAL, "%s: notes of %ju bytes, more than %u", file->path,
                         (uintmax_t)phdr->p_filesz, ELF_NOTES_SIZE_MAX);
    }
    notes = malloc(phdr->p_filesz);
    if (!notes) {
        return error_set_errno(err, ENOMEM, "%s", file->path);
    }
    r = load_file_read(file, phdr->p_offset, notes, phdr->p_filesz, err);
    if (r == 0) {
        /*
         * Nearly everybody aligns to 4; p_align 8 means 8 by the gABI, but a linker script that
         * gathers all notes in one segment gives it to notes aligned to 4, too.
         */
        walk_notes(elf, notes, phdr->p_filesz, 4, phdr->p_offset);
        if (phdr->p_align == 8) {
            walk_notes(elf, notes, phdr->p_filesz, 8, phdr->p_offset);
        }
    }
    free(notes);
    return r;
}

/* Only whether there is a relocation to apply: a table of any of the four kinds with a size. */
static int read_dynamic(struct elf_file *elf, const Elf64_Phdr *phdr, const struct load_file *file,
                        struct error *err)
{
    size_t entry_size = elf->is64 ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
    size_t size = phdr->p_filesz < DYNAMIC_SIZE_MAX ? (size_t)phdr->p_filesz : DYNAMIC_SIZE_MAX;
    uint8_t *raw = malloc(size);
    int r = raw ? load_file_read(file, phdr->p_offset, raw, size, err)
                : error_set_errno(err, ENOMEM, "%s", file->path);

    for (size_t at = 0; r == 0 && size - at >= entry_size; at += entry_size) {
        Elf64_Dyn wide;
        Elf32_Dyn narrow;

        if (elf->is64) {
            memcpy(&wide, raw + at, sizeof(wide));
        } else {
            memcpy(&narrow, raw + at, sizeof(narrow));
            wide.d_tag = narrow.d_tag;
            wide.d_un.d_val = narrow.d_un.d_val;
        }
        if (wide.d_tag == DT_NULL) {
            break;
        }
        if ((wide.d_tag == DT_RELASZ || wide.d_tag == DT_RELSZ || wide.d_tag == DT_RELRSZ ||
             wide.d_tag == DT_PLTRELSZ) &&
            wide.d_un.d_val > 0) {
            elf->relocations = true;
        }
    }
    free(raw);
    return r;
}

static int take_phdr(struct elf_file *elf, const Elf64_Phdr *phdr, unsigned index,
                     const struct load_file *file, struct error *err)
{
    bool wanted = phdr->p_type == PT_LOAD || phdr->p_type == PT_NOTE || phdr->p_type == PT_DYNAMIC;
    uint64_t end;

    /* Others (GNU_STACK, TLS, a note's twin GNU_PROPERTY) may say what they like. */
    elf->interp = elf->interp || phdr->p_type == PT_INTERP;
    if (!wanted) {
        return 0;
    }
    if (phdr->p_filesz > 0 &&
        (__builtin_add_overflow(phdr->p_offset, phdr->p_filesz, &end) || end > file->size)) {
        return error_set(err, EINVAL, "%s: truncated: segment %u ends beyond the file's %ju bytes",
                         file->path, index, (uintmax_t)file->size);
    }
    if (phdr->p_type == PT_LOAD) {
        return add_segment(elf, phdr, index, file->path, err);
    }
    if (phdr->p_filesz == 0) {
        return 0;
    }
    return phdr->p_type == PT_NOTE ? read_notes(elf, phdr, file, err)
                                   : read_dynamic(elf, phdr, file, err);
}

int elf_file_parse(struct elf_file *elf, const struct load_file *file, struct error *err)
{
    uint8_t table[ELF_PHDR_MAX * sizeof(Elf64_Phdr)];
    Elf64_Ehdr ehdr;
    int r = check_ident(file, err);

    if (r < 0) {
        return r;
    }
    memset(elf, 0, sizeof(*elf));
    elf->is64 = file->head[EI_CLASS] == ELFCLASS64;
    widen_ehdr(file->head, elf->is64, &ehdr);
    r = check_ehdr(elf, &ehdr, file->path, err);
    if (r == 0) { /* the table is 14 KiB at most, and mostly in the head */
        r = load_file_read(file, ehdr.e_phoff, table, (size_t)ehdr.e_phnum * ehdr.e_phentsize, err);
    }
    if (r < 0) {
        return r;
    }
    elf->type = ehdr.e_type;
    elf->machine = ehdr.e_machine;
    elf->entry = ehdr.e_entry;
    elf->section_offset = ehdr.e_shoff;
    elf->section_num = ehdr.e_shoff ? ehdr.e_shnum : 0;
    elf->section_size = ehdr.e_shentsize;
    elf->section_names = ehdr.e_shstrndx;
    for (unsigned i = 0; i < ehdr.e_phnum && r == 0; i++) {
        Elf64_Phdr phdr;

        widen_phdr(elf, table + (size_t)i * ehdr.e_phentsize, &phdr);
        r = take_phdr(elf, &phdr, i, file, err);
    }
    return r;
}
