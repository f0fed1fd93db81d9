/*
 * symbols.c - the symbols that name code or data, sorted by address; of several at one address the
 * one a person would choose stands first. What lies in no PT_LOAD is left out.
 */
#include "vmm/symbols.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/elf_file.h"

enum {
    SYMBOL_BYTES_MAX = 128 << 20, /* of a symbol table; */
    STRING_BYTES_MAX = 128 << 20, /* of its names; more than any kernel has */
};

struct symbol {
    uint64_t addr, size; /* size 0: a label */
    uint32_t name;       /* in strings */
    uint8_t segment;     /* of elf.segments */
    uint8_t rank;        /* small is better */
};

struct symbols {
    struct elf_file elf;
    struct symbol *all; /* by address, then rank */
    size_t num;
    char *strings; /* with a 0 added at the end */
    size_t string_size;
};

struct section {
    uint32_t type, link;
    uint64_t offset, size, entry_size;
};

static int read_section(const struct elf_file *elf, const struct load_file *file, uint32_t index,
                        struct section *section, struct error *err)
{
    uint64_t offset;
    Elf32_Shdr narrow;
    Elf64_Shdr wide;
    int ret;

    if (index >= elf->section_num ||
        __builtin_add_overflow(elf->section_offset, (uint64_t)index * elf->section_size, &offset)) {
        return error_set(err, EINVAL, "%s: no section %" PRIu32, file->path, index);
    }
    if (elf->is64) {
        ret = load_file_read(file, offset, &wide, sizeof(wide), err);
        *section = (struct section){wide.sh_type, wide.sh_link, wide.sh_offset, wide.sh_size,
                                    wide.sh_entsize};
    } else {
        ret = load_file_read(file, offset, &narrow, sizeof(narrow), err);
        *section = (struct section){narrow.sh_type, narrow.sh_link, narrow.sh_offset,
                                    narrow.sh_size, narrow.sh_entsize};
    }
    return ret;
}

/* Returns: 1 and the section; 0 there is none; -errno. */
static int find_table(const struct elf_file *elf, const struct load_file *file,
                      struct section *table, struct error *err)
{
    uint32_t i;
    int ret;

    if (elf->section_size < (elf->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr))) {
        return 0;
    }
    for (i = 0; i < elf->section_num && i < ELF_SECTION_MAX; i++) {
        ret = read_section(elf, file, i, table, err);
        if (ret < 0) {
            return ret;
        }
        if (table->type == SHT_SYMTAB) {
            return 1;
        }
    }
    return 0;
}

/* A section's bytes, from malloc, with a 0 after them. */
static int read_bytes(const struct load_file *file, const struct section *section, uint64_t max,
                      char **bytes, struct error *err)
{
    int ret;

    if (section->size > max) {
        return error_set(err, EINVAL, "%s: a symbol table of %" PRIu64 " bytes", file->path,
                         section->size);
    }
    *bytes = malloc((size_t)section->size + 1);
    if (!*bytes) {
        return error_set_errno(err, ENOMEM, "%s: symbols", file->path);
    }
    (*bytes)[section->size] = '\0';
    ret = section->size == 0
              ? 0
              : load_file_read(file, section->offset, *bytes, (size_t)section->size, err);
    if (ret < 0) {
        free(*bytes);
        *bytes = NULL;
    }
    return ret;
}

/* Returns: the segment that holds an address as linked, or -1. */
static int segment_of(const struct elf_file *elf, uint64_t addr)
{
    size_t i;

    for (i = 0; i < elf->segment_num; i++) {
        if (addr - elf->segments[i].vaddr < elf->segments[i].mem_size) {
            return (int)i;
        }
    }
    return -1;
}

static uint8_t rank_of(unsigned type, unsigned bind)
{
    return (uint8_t)((type == STT_NOTYPE ? 2 : 0) + (bind == STB_LOCAL ? 1 : 0));
}

/* Adds one if it names code or data. */
static void take(struct symbols *symbols, const Elf64_Sym *raw)
{
    unsigned type = ELF64_ST_TYPE(raw->st_info);
    int segment = segment_of(&symbols->elf, raw->st_value);

    if ((type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE) ||
        raw->st_shndx == SHN_UNDEF || raw->st_shndx == SHN_ABS || segment < 0 ||
        raw->st_name >= symbols->string_size || symbols->strings[raw->st_name] == '\0') {
        return;
    }
    symbols->all[symbols->num++] = (struct symbol){
        .addr = raw->st_value,
        .size = raw->st_size,
        .name = raw->st_name,
        .segment = (uint8_t)segment,
        .rank = rank_of(type, ELF64_ST_BIND(raw->st_info)),
    };
}

static void take_all(struct symbols *symbols, const char *bytes, size_t num)
{
    Elf64_Sym wide;
    Elf32_Sym narrow;
    size_t i;

    for (i = 0; i < num; i++) {
        if (symbols->elf.is64) {
            memcpy(&wide, bytes + i * sizeof(wide), sizeof(wide));
        } else {
            memcpy(&narrow, bytes + i * sizeof(narrow), sizeof(narrow));
            wide = (Elf64_Sym){.st_name = narrow.st_name,
                               .st_value = narrow.st_value,
                               .st_size = narrow.st_size,
                               .st_info = narrow.st_info,
                               .st_shndx = narrow.st_shndx};
        }
        take(symbols, &wide);
    }
}

static int by_address(const void *left, const void *right)
{
    const struct symbol *a = left, *b = right;

    if (a->addr != b->addr) {
        return a->addr < b->addr ? -1 : 1;
    }
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return a->name < b->name ? -1 : a->name > b->name;
}

static int read_table(struct symbols *symbols, const struct load_file *file,
                      const struct section *table, struct error *err)
{
    size_t entry = symbols->elf.is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    size_t num = (size_t)(table->size / entry);
    struct section names;
    char *bytes = NULL;
    int ret = read_section(&symbols->elf, file, table->link, &names, err);

    if (ret == 0) {
        ret = read_bytes(file, &names, STRING_BYTES_MAX, &symbols->strings, err);
    }
    if (ret == 0) {
        symbols->string_size = (size_t)names.size;
        ret = read_bytes(file, table, SYMBOL_BYTES_MAX, &bytes, err);
    }
    if (ret == 0) {
        symbols->all = calloc(num + 1, sizeof(*symbols->all));
        ret = symbols->all ? 0 : error_set_errno(err, ENOMEM, "%s: symbols", file->path);
    }
    if (ret == 0) {
        take_all(symbols, bytes, num);
        qsort(symbols->all, symbols->num, sizeof(*symbols->all), by_address);
    }
    free(bytes);
    return ret;
}

static int load(struct symbols *symbols, const struct load_file *file, struct error *err)
{
    struct section table;
    int ret = elf_file_parse(&symbols->elf, file, err);

    if (ret == -ENOEXEC) {
        return 0;
    }
    ret = ret < 0 ? ret : find_table(&symbols->elf, file, &table, err);
    return ret == 1 ? read_table(symbols, file, &table, err) : ret;
}

int symbols_load(struct symbols **symbols, const char *path, int fd, struct error *err)
{
    struct symbols *made = calloc(1, sizeof(*made));
    struct load_file file;
    int ret;

    if (!made) {
        return error_set_errno(err, ENOMEM, "%s: symbols", path);
    }
    ret = load_file_open(&file, path, fd, LOAD_HEAD_SIZE, err);
    if (ret == 0) {
        ret = load(made, &file, err);
        load_file_finish(&file);
    }
    if (ret < 0) {
        symbols_free(made);
        return ret;
    }
    *symbols = made;
    return 0;
}

void symbols_free(struct symbols *symbols)
{
    if (symbols) {
        free(symbols->all);
        free(symbols->strings);
        free(symbols);
    }
}

size_t symbols_num(const struct symbols *symbols)
{
    return symbols ? symbols->num : 0;
}

/* Returns: how many symbols begin at or before addr. */
static size_t count_up_to(const struct symbols *symbols, uint64_t addr)
{
    size_t low = 0, high = symbols->num;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (symbols->all[middle].addr <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The best of those that begin where all[last] does. */
static size_t first_alike(const struct symbols *symbols, size_t last)
{
    while (last > 0 && symbols->all[last - 1].addr == symbols->all[last].addr) {
        last--;
    }
    return last;
}

static const struct symbol *find_linked(const struct symbols *symbols, uint64_t addr)
{
    enum { LOOK_BACK = 32 }; /* labels inside of a function, at most */
    int segment = segment_of(&symbols->elf, addr);
    const struct symbol *label = NULL;
    size_t i = count_up_to(symbols, addr), tries;

    for (tries = 0; segment >= 0 && i > 0 && tries < LOOK_BACK; tries++) {
        const struct symbol *symbol;

        i = first_alike(symbols, i - 1);
        symbol = &symbols->all[i];
        if (symbol->segment != segment) {
            break;
        }
        if (addr - symbol->addr < symbol->size) {
            return symbol;
        }
        if (symbol->size == 0 && !label) {
            label = symbol;
        }
    }
    return label;
}

/* What was linked to the place that a segment is loaded from `addr`; addr itself when none. */
static uint64_t linked_address(const struct elf_file *elf, uint64_t addr)
{
    size_t i;

    for (i = 0; i < elf->segment_num; i++) {
        if (addr - elf->segments[i].paddr < elf->segments[i].mem_size) {
            return addr - elf->segments[i].paddr + elf->segments[i].vaddr;
        }
    }
    return addr;
}

const char *symbols_find(const struct symbols *symbols, uint64_t addr, uint64_t *offset)
{
    const struct symbol *symbol = NULL;

    if (symbols_num(symbols) > 0) {
        if (segment_of(&symbols->elf, addr) < 0) {
            addr = linked_address(&symbols->elf, addr);
        }
        symbol = find_linked(symbols, addr);
    }
    if (!symbol) {
        return NULL;
    }
    *offset = addr - symbol->addr;
    return symbols->strings + symbol->name;
}

void symbols_text(const struct symbols *symbols, uint64_t addr, char text[SYMBOLS_TEXT_SIZE])
{
    uint64_t offset = 0;
    const char *name = symbols_find(symbols, addr, &offset);

    text[0] = '\0';
    if (name && offset == 0) {
        (void)snprintf(text, SYMBOLS_TEXT_SIZE, "%.70s", name);
    } else if (name) {
        (void)snprintf(text, SYMBOLS_TEXT_SIZE, "%.70s+0x%" PRIx64, name, offset);
    }
}

int symbols_address(const struct symbols *symbols, const char *name, uint64_t *addr)
{
    size_t i;

    for (i = 0; i < symbols_num(symbols); i++) {
        if (strcmp(symbols->strings + symbols->all[i].name, name) == 0) {
            *addr = symbols->all[i].addr;
            return 0;
        }
    }
    return -ENOENT;
}
