/*
 * test_symbols.c - names for addresses, from small ELF files of both classes made here, and from
 * files that lie.
 */
#include "vmm/symbols.h"

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run_suite.h"

#define VIRT UINT64_C(0xffffffff80000000)
#define PHYS UINT64_C(0x100000)
#define TEXT_SIZE 0x3000

static const char strings[] = "\0start\0loop\0main\0alias\0table\0far\0local_alias";
enum { START = 1, LOOP = 7, MAIN = 12, ALIAS = 17, TABLE = 23, FAR = 29, LOCAL_ALIAS = 33 };

/* As a compiler and an assembler would leave them, in no order. */
static const Elf64_Sym symbols[] = {
    {0},
    {MAIN, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, VIRT + 0x100, 0x40},
    {START, ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE), 0, 1, VIRT, 0},
    {LOCAL_ALIAS, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0, 1, VIRT + 0x100, 0x40},
    {ALIAS, ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE), 0, 1, VIRT + 0x100, 0},
    {LOOP, ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE), 0, 1, VIRT + 0x120, 0},
    {TABLE, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, 1, VIRT + 0x2000, 0x10},
    {FAR, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, SHN_ABS, 0x1234, 0},
    {START, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, SHN_UNDEF, VIRT + 0x200, 0},
    {START, ELF64_ST_INFO(STB_GLOBAL, STT_FILE), 0, 1, VIRT + 0x200, 0},
    {sizeof(strings) + 5, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, VIRT + 0x300, 8},
};
enum { SYMBOL_NUM = sizeof(symbols) / sizeof(symbols[0]) };

/* An ELF file: headers, the symbol table, its names. */
static struct image {
    Elf64_Ehdr ehdr;
    Elf64_Phdr phdr;
    Elf64_Shdr shdrs[3];
    Elf64_Sym symbols[SYMBOL_NUM];
    char strings[sizeof(strings)];
    char text[TEXT_SIZE];
} image;

static struct symbols *table;

static void make_image(void)
{
    memset(&image, 0, sizeof(image));
    image.ehdr = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = VIRT,
        .e_phoff = offsetof(struct image, phdr),
        .e_shoff = offsetof(struct image, shdrs),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 1,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = 3,
    };
    image.phdr = (Elf64_Phdr){.p_type = PT_LOAD,
                              .p_offset = offsetof(struct image, text),
                              .p_vaddr = VIRT,
                              .p_paddr = PHYS,
                              .p_filesz = TEXT_SIZE,
                              .p_memsz = TEXT_SIZE};
    image.shdrs[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
                                  .sh_link = 2,
                                  .sh_offset = offsetof(struct image, symbols),
                                  .sh_size = sizeof(symbols),
                                  .sh_entsize = sizeof(Elf64_Sym)};
    image.shdrs[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
                                  .sh_offset = offsetof(struct image, strings),
                                  .sh_size = sizeof(strings)};
    memcpy(image.symbols, symbols, sizeof(symbols));
    memcpy(image.strings, strings, sizeof(strings));
    table = NULL;
}

static void free_table(void)
{
    symbols_free(table);
}

static int load_bytes(const void *data, size_t size)
{
    int ret, fd = memfd_create("image", MFD_CLOEXEC);
    struct error err = {0};

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    ret = symbols_load(&table, "image", fd, &err);
    ck_assert(ret == 0 || strncmp(err.text, "image: ", 7) == 0);
    (void)close(fd);
    return ret;
}

static const struct {
    uint64_t addr;
    const char *text;
} places[] = {
    {VIRT, "start"}, /* a label reaches to the next symbol */
    {VIRT + 0xff, "start+0xff"},
    {VIRT + 0x100, "main"}, /* of three at one address the global function */
    {VIRT + 0x11f, "main+0x1f"},
    {VIRT + 0x120, "main+0x20"}, /* a function rather than a label inside of it */
    {VIRT + 0x13f, "main+0x3f"},
    {VIRT + 0x140, "loop+0x20"}, /* behind its end: the nearest label */
    {VIRT + 0x2000, "table"},
    {VIRT + 0x200f, "table+0xf"},
    {PHYS + 0x104, "main+0x4"}, /* where it was loaded */
    {VIRT + TEXT_SIZE, ""},
    {VIRT - 1, ""},
    {0x1234, ""},
    {0, ""},
    {UINT64_MAX, ""},
};

START_TEST(addresses_have_the_name_a_person_would_choose)
{
    char text[SYMBOLS_TEXT_SIZE];

    ck_assert_int_eq(load_bytes(&image, sizeof(image)), 0);
    ck_assert_uint_eq(symbols_num(table), 6);
    symbols_text(table, places[_i].addr, text);
    ck_assert_str_eq(text, places[_i].text);
}
END_TEST

START_TEST(names_have_an_address)
{
    uint64_t addr = 0;

    ck_assert_int_eq(load_bytes(&image, sizeof(image)), 0);
    ck_assert_int_eq(symbols_address(table, "main", &addr), 0);
    ck_assert_uint_eq(addr, VIRT + 0x100);
    ck_assert_int_eq(symbols_address(table, "far", &addr), -ENOENT);
    ck_assert_int_eq(symbols_address(table, "", &addr), -ENOENT);
}
END_TEST

START_TEST(file_without_symbols_or_no_elf_file_gives_an_empty_table)
{
    uint64_t addr;
    char text[SYMBOLS_TEXT_SIZE];

    image.shdrs[1].sh_type = SHT_PROGBITS;
    ck_assert_int_eq(load_bytes(&image, sizeof(image)), 0);
    ck_assert_uint_eq(symbols_num(table), 0);
    symbols_free(table);
    ck_assert_int_eq(load_bytes("\xeb\xfe", 2), 0);
    ck_assert_uint_eq(symbols_num(table), 0);
    symbols_text(table, VIRT, text);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(symbols_address(table, "main", &addr), -ENOENT);
    ck_assert_uint_eq(symbols_num(NULL), 0);
    symbols_text(NULL, 0, text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(class_of_32_bits_is_read_too)
{
    struct {
        Elf32_Ehdr ehdr;
        Elf32_Phdr phdr;
        Elf32_Shdr shdrs[3];
        Elf32_Sym symbols[2];
        char strings[sizeof(strings)];
    } small = {
        .ehdr = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
                             EV_CURRENT},
                 .e_type = ET_EXEC,
                 .e_machine = EM_386,
                 .e_version = EV_CURRENT,
                 .e_phoff = sizeof(Elf32_Ehdr),
                 .e_shoff = sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
                 .e_ehsize = sizeof(Elf32_Ehdr),
                 .e_phentsize = sizeof(Elf32_Phdr),
                 .e_phnum = 1,
                 .e_shentsize = sizeof(Elf32_Shdr),
                 .e_shnum = 3},
        .phdr = {.p_type = PT_LOAD, .p_vaddr = 0x1000, .p_paddr = 0x1000, .p_memsz = 0x1000},
        .symbols = {{0},
                    {.st_name = MAIN,
                     .st_value = 0x1100,
                     .st_size = 16,
                     .st_info = ELF32_ST_INFO(STB_GLOBAL, STT_FUNC),
                     .st_shndx = 1}},
    };
    char text[SYMBOLS_TEXT_SIZE];

    memcpy(small.strings, strings, sizeof(strings));
    small.shdrs[1] = (Elf32_Shdr){.sh_type = SHT_SYMTAB,
                                  .sh_link = 2,
                                  .sh_offset = (Elf32_Off)((char *)small.symbols - (char *)&small),
                                  .sh_size = sizeof(small.symbols)};
    small.shdrs[2] = (Elf32_Shdr){.sh_type = SHT_STRTAB,
                                  .sh_offset = (Elf32_Off)((char *)small.strings - (char *)&small),
                                  .sh_size = sizeof(strings)};
    ck_assert_int_eq(load_bytes(&small, sizeof(small)), 0);
    symbols_text(table, 0x110f, text);
    ck_assert_str_eq(text, "main+0xf");
    symbols_text(table, 0x1110, text);
    ck_assert_str_eq(text, "");
}
END_TEST

/* One field each that no linker writes. */
static void huge_table(void)
{
    image.shdrs[1].sh_size = UINT64_MAX;
}
static void table_past_the_end(void)
{
    image.shdrs[1].sh_offset = sizeof(image) - 8;
}
static void names_past_the_end(void)
{
    image.shdrs[2].sh_offset = UINT64_MAX - 8;
}
static void no_such_names(void)
{
    image.shdrs[1].sh_link = 7;
}
static void headers_past_the_end(void)
{
    image.ehdr.e_shoff = sizeof(image) - 1;
}
static void (*const lies[])(void) = {huge_table, table_past_the_end, names_past_the_end,
                                     no_such_names, headers_past_the_end};

START_TEST(files_that_lie_are_refused_with_their_name)
{
    lies[_i]();
    ck_assert_int_eq(load_bytes(&image, sizeof(image)), -EINVAL);
    ck_assert_ptr_null(table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("symbols");
    TCase *tcase = tcase_create("symbols");

    tcase_add_checked_fixture(tcase, make_image, free_table);
    tcase_add_table_test(tcase, addresses_have_the_name_a_person_would_choose, places);
    tcase_add_test(tcase, names_have_an_address);
    tcase_add_test(tcase, file_without_symbols_or_no_elf_file_gives_an_empty_table);
    tcase_add_test(tcase, class_of_32_bits_is_read_too);
    tcase_add_table_test(tcase, files_that_lie_are_refused_with_their_name, lies);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
