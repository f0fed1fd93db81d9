/*
 * elf_builder.h - makes ELF files in memory from a description, for tests: good ones, and ones to
 * be spoilt byte by byte afterwards.
 *
 * Layout: ELF header, program headers, a Multiboot header at ELF_HEADER_AT, notes at ELF_NOTES_AT,
 * each segment's bytes from ELF_DATA_AT on, then section headers, symbols and their names.
 */
#ifndef ACRE_TESTS_ELF_BUILDER_H
#define ACRE_TESTS_ELF_BUILDER_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ELF_HEADER_AT 0x400U
#define ELF_NOTES_AT 0x800U
#define ELF_DATA_AT 0x1000U
#define ELF_SPEC_SEGMENTS 4U

struct elf_spec {
    bool is32;
    uint16_t type, machine; /* 0: ET_EXEC, and what fits the class */
    uint64_t entry;
    struct {
        uint64_t paddr, vaddr, file_size, mem_size; /* mem_size 0: no segment */
    } segments[ELF_SPEC_SEGMENTS];
    unsigned pvh_size; /* bytes of the PVH note's address: 4, 8; 0: no note */
    uint64_t pvh_entry;
    unsigned note_align; /* 0: 4 */
    bool acre_note;
    uint32_t acre_flags;
    const char *test_note; /* text for `acre test`; NULL: no note */
    const void *header;    /* Multiboot */
    size_t header_size;
    bool symbols;        /* section headers: null, symtab, strtab, shstrtab */
    uint64_t reloc_size; /* a PT_DYNAMIC with DT_RELASZ of this; 0: none */
    bool interp;
};

struct elf_bytes {
    uint8_t *data;
    size_t size;
};

/* What byte i of segment s is. */
static inline uint8_t elf_pattern(unsigned s, uint64_t i)
{
    return (uint8_t)(s * 37 + i * 7 + i / 256 + 1);
}

static inline size_t elf_add_note(uint8_t *notes, size_t at, unsigned align, const char *name,
                                  uint32_t type, const void *desc, uint32_t desc_size)
{
    const Elf64_Nhdr nhdr = {
        .n_namesz = (uint32_t)strlen(name) + 1, .n_descsz = desc_size, .n_type = type};

    memcpy(notes + at, &nhdr, sizeof(nhdr));
    at += sizeof(nhdr);
    memcpy(notes + at, name, nhdr.n_namesz);
    at = (at + nhdr.n_namesz + align - 1) / align * align;
    memcpy(notes + at, desc, desc_size);
    return (at + desc_size + align - 1) / align * align;
}

static inline void elf_put_phdr(const struct elf_spec *spec, struct elf_bytes *file, unsigned *num,
                                Elf64_Phdr phdr)
{
    const Elf32_Phdr narrow = {
        .p_type = phdr.p_type,
        .p_offset = (uint32_t)phdr.p_offset,
        .p_vaddr = (uint32_t)phdr.p_vaddr,
        .p_paddr = (uint32_t)phdr.p_paddr,
        .p_filesz = (uint32_t)phdr.p_filesz,
        .p_memsz = (uint32_t)phdr.p_memsz,
        .p_align = (uint32_t)phdr.p_align,
    };

    if (spec->is32) {
        memcpy(file->data + sizeof(Elf32_Ehdr) + *num * sizeof(narrow), &narrow, sizeof(narrow));
    } else {
        memcpy(file->data + sizeof(Elf64_Ehdr) + *num * sizeof(phdr), &phdr, sizeof(phdr));
    }
    (*num)++;
}

static inline void elf_put_shdr(const struct elf_spec *spec, uint8_t *at, Elf64_Shdr shdr)
{
    const Elf32_Shdr narrow = {
        .sh_type = shdr.sh_type,
        .sh_offset = (uint32_t)shdr.sh_offset,
        .sh_size = (uint32_t)shdr.sh_size,
    };

    memcpy(at, spec->is32 ? (const void *)&narrow : (const void *)&shdr,
           spec->is32 ? sizeof(narrow) : sizeof(shdr));
}

static inline void elf_put_ehdr(const struct elf_spec *spec, struct elf_bytes *file, unsigned phnum,
                                uint64_t shoff)
{
    const uint16_t machine =
        spec->machine ? spec->machine : (spec->is32 ? (uint16_t)EM_386 : (uint16_t)EM_X86_64);
    const uint16_t type = spec->type ? spec->type : (uint16_t)ET_EXEC;
    Elf64_Ehdr wide = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = type,
        .e_machine = machine,
        .e_version = EV_CURRENT,
        .e_entry = spec->entry,
        .e_phoff = sizeof(wide),
        .e_shoff = shoff,
        .e_ehsize = sizeof(wide),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (uint16_t)phnum,
        .e_shentsize = shoff ? sizeof(Elf64_Shdr) : 0,
        .e_shnum = shoff ? 4 : 0,
        .e_shstrndx = shoff ? 3 : 0,
    };
    const Elf32_Ehdr narrow = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = type,
        .e_machine = machine,
        .e_version = EV_CURRENT,
        .e_entry = (uint32_t)spec->entry,
        .e_phoff = sizeof(narrow),
        .e_shoff = (uint32_t)shoff,
        .e_ehsize = sizeof(narrow),
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = (uint16_t)phnum,
        .e_shentsize = shoff ? sizeof(Elf32_Shdr) : 0,
        .e_shnum = wide.e_shnum,
        .e_shstrndx = wide.e_shstrndx,
    };

    if (spec->is32) {
        memcpy(file->data, &narrow, sizeof(narrow));
    } else {
        memcpy(file->data, &wide, sizeof(wide));
    }
}

static inline size_t elf_put_notes(const struct elf_spec *spec, uint8_t *notes)
{
    const unsigned align = spec->note_align ? spec->note_align : 4;
    /* A note of somebody else's first; its name's length makes the two alignments differ. */
    size_t size = elf_add_note(notes, 0, align, "GNU-li", 1, "abcdefgh", 8);

    if (spec->pvh_size) {
        size = elf_add_note(notes, size, align, "Xen", 18, &spec->pvh_entry, spec->pvh_size);
    }
    if (spec->acre_note) {
        size = elf_add_note(notes, size, align, "acre", 1, &spec->acre_flags, 4);
    }
    if (spec->test_note) {
        size = elf_add_note(notes, size, align, "acre", 2, spec->test_note,
                            (uint32_t)strlen(spec->test_note) + 1);
    }
    return size;
}

/* The caller frees data. */
static inline struct elf_bytes elf_build(const struct elf_spec *spec)
{
    struct elf_bytes file = {.size = ELF_DATA_AT};
    unsigned phnum = 0;
    uint64_t shoff = 0;
    size_t at = ELF_DATA_AT;

    for (unsigned s = 0; s < ELF_SPEC_SEGMENTS; s++) {
        file.size += spec->segments[s].file_size;
    }
    file.size += 512;
    file.data = calloc(1, file.size);
    for (unsigned s = 0; s < ELF_SPEC_SEGMENTS && spec->segments[s].mem_size; s++) {
        elf_put_phdr(spec, &file, &phnum,
                     (Elf64_Phdr){.p_type = PT_LOAD,
                                  .p_offset = at,
                                  .p_vaddr = spec->segments[s].vaddr,
                                  .p_paddr = spec->segments[s].paddr,
                                  .p_filesz = spec->segments[s].file_size,
                                  .p_memsz = spec->segments[s].mem_size,
                                  .p_align = 4096});
        for (uint64_t i = 0; i < spec->segments[s].file_size; i++) {
            file.data[at++] = elf_pattern(s, i);
        }
    }
    if (spec->pvh_size || spec->acre_note || spec->test_note) {
        elf_put_phdr(spec, &file, &phnum,
                     (Elf64_Phdr){.p_type = PT_NOTE,
                                  .p_offset = ELF_NOTES_AT,
                                  .p_filesz = elf_put_notes(spec, file.data + ELF_NOTES_AT),
                                  .p_align = spec->note_align ? spec->note_align : 4});
    }
    if (spec->reloc_size) {
        const Elf64_Dyn wide = {.d_tag = DT_RELASZ, .d_un.d_val = spec->reloc_size};

        memcpy(file.data + ELF_NOTES_AT + 0x400, &wide, sizeof(wide));
        elf_put_phdr(
            spec, &file, &phnum,
            (Elf64_Phdr){.p_type = PT_DYNAMIC, .p_offset = ELF_NOTES_AT + 0x400, .p_filesz = 32});
    }
    if (spec->interp) {
        elf_put_phdr(spec, &file, &phnum, (Elf64_Phdr){.p_type = PT_INTERP});
    }
    if (spec->header) {
        memcpy(file.data + ELF_HEADER_AT, spec->header, spec->header_size);
    }
    if (spec->symbols) {
        const size_t size = spec->is32 ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr);

        shoff = at;
        elf_put_shdr(spec, file.data + at + size,
                     (Elf64_Shdr){.sh_type = SHT_SYMTAB, .sh_offset = at + 256, .sh_size = 48});
        elf_put_shdr(spec, file.data + at + 2 * size,
                     (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = at + 304, .sh_size = 16});
        elf_put_shdr(spec, file.data + at + 3 * size,
                     (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = at + 320, .sh_size = 24});
        memcpy(file.data + at + 256, "symbols", 8);
        memcpy(file.data + at + 304, "\0main\0second", 13);
        memcpy(file.data + at + 320, "\0.symtab\0.strtab", 17);
    }
    elf_put_ehdr(spec, &file, phnum, shoff);
    return file;
}

#endif
