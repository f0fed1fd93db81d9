/*
 * elf_file.h - what the loaders need to know of an ELF file, of either class, checked.
 *
 * Context: one thread at a time; no locks.
 * Source: System V gABI ch. 4 and 5; the x86-64 psABI; Xen public/elfnote.h.
 */
#ifndef ACRE_VMM_ELF_FILE_H
#define ACRE_VMM_ELF_FILE_H

#include <stdbool.h>

#include "vmm/load_file.h"

/* More than any kernel has; a file that claims more is refused. */
#define ELF_PHDR_MAX 256U
#define ELF_SEGMENT_MAX 64U
#define ELF_SECTION_MAX 1024U
#define ELF_NOTES_SIZE_MAX 65536U /* bytes of one PT_NOTE */

struct elf_file {
    bool is64;        /* ELFCLASS64 */
    uint16_t type;    /* ET_EXEC or ET_DYN */
    uint16_t machine; /* EM_386 or EM_X86_64 */
    uint64_t entry;
    struct load_segment segments[ELF_SEGMENT_MAX]; /* PT_LOAD with a size, in the file's order */
    size_t segment_num;
    bool interp;         /* has a PT_INTERP: needs a dynamic linker */
    bool relocations;    /* its PT_DYNAMIC lists some */
    bool pvh_note;       /* XEN_ELFNOTE_PHYS32_ENTRY, */
    uint64_t pvh_entry;  /* and what it says */
    bool acre_note;      /* ACRE_NOTE_NAME, ACRE_NOTE_TYPE, */
    uint32_t acre_flags; /* and what it says */
    /* The description of a note ACRE_NOTE_NAME, ACRE_NOTE_TEST_TYPE: where in the file. */
    uint64_t test_offset;
    uint32_t test_size; /* bytes; 0: there is none */
    /* Section headers: not read, not checked yet (boot_sections.c does). */
    uint64_t section_offset; /* bytes, in the file */
    uint32_t section_num;    /* 0: none */
    uint32_t section_size;   /* bytes of each header */
    uint32_t section_names;  /* index of .shstrtab */
};

/*
 * Every PT_LOAD, PT_NOTE and PT_DYNAMIC lies within the file, no PT_LOAD has a p_filesz above its
 * p_memsz or wraps around; where segments go is not judged.
 * Returns: 0; -ENOEXEC not an ELF file, or not one for x86, or not an executable; -EINVAL truncated
 * or malformed; -ENOMEM; -errno of a read.
 */
int elf_file_parse(struct elf_file *elf, const struct load_file *file, struct error *err)
    __attribute__((warn_unused_result));

#endif
