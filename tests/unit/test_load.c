/* test_load.c - what load_open makes of files, good and hostile; nothing is placed here. */
#include <errno.h>
#include <fcntl.h>

#include "tests/unit/elf_builder.h"
#include "tests/unit/load_fixture.h"
#include "tests/unit/multiboot_headers.h"
#include "tests/unit/run_suite.h"

#define SEGMENT_1M                                                                                 \
    {                                                                                              \
        {                                                                                          \
            .paddr = 0x100000, .vaddr = 0x100000, .file_size = 64, .mem_size = 128                 \
        }                                                                                          \
    }
#define HEADER(h) .header = (h), .header_size = sizeof(h)

static const struct {
    const char *what; /* must be part of the line */
    enum boot_kind kind, chosen;
    struct elf_spec spec;
} recognised[] = {
    {"kernel: pvh (entry 0x100008); multiboot2: no header in the first 32768 bytes; "
     "multiboot1: no header in the first 8192 bytes; elf: fits, too: ELF64, entry 0x100000",
     BOOT_AUTO,
     BOOT_PVH,
     {.entry = 0x100000, .segments = SEGMENT_1M, .pvh_size = 8, .pvh_entry = 0x100008}},
    {"pvh (entry 0x100008)",
     BOOT_AUTO,
     BOOT_PVH,
     {.is32 = true,
      .entry = 0x100000,
      .segments = SEGMENT_1M,
      .pvh_size = 4,
      .pvh_entry = 0x100008}},
    {"pvh (entry 0x100008)",
     BOOT_AUTO,
     BOOT_PVH,
     {.entry = 0x100000, .segments = SEGMENT_1M, .pvh_size = 4, .pvh_entry = 0x100008}},
    {"pvh (entry 0x100008)",
     BOOT_AUTO,
     BOOT_PVH,
     {.entry = 0x100000,
      .segments = SEGMENT_1M,
      .pvh_size = 8,
      .pvh_entry = 0x100008,
      .note_align = 8,
      .acre_note = true}},
    {"pvh (entry 0x100010)",
     BOOT_AUTO,
     BOOT_PVH, /* a virtual address in the note */
     {.entry = 0x100000,
      .segments =
          {{.paddr = 0x100000, .vaddr = 0xffffffff80100000, .file_size = 64, .mem_size = 64}},
      .pvh_size = 8,
      .pvh_entry = 0xffffffff80100010}},
    {"pvh (entry 0x100008); multiboot2: fits, too: header at 0x400",
     BOOT_AUTO,
     BOOT_PVH,
     {.entry = 0x100000,
      .segments = SEGMENT_1M,
      .pvh_size = 8,
      .pvh_entry = 0x100008,
      HEADER(mb2_plain)}},
    {"multiboot2 as asked (header at 0x400, entry 0x100000)",
     BOOT_MULTIBOOT2,
     BOOT_MULTIBOOT2,
     {.entry = 0x100000,
      .segments = SEGMENT_1M,
      .pvh_size = 8,
      .pvh_entry = 0x100008,
      HEADER(mb2_plain)}},
    {"multiboot2 (header at 0x400, entry 0x100000); pvh: no PVH note",
     BOOT_AUTO,
     BOOT_MULTIBOOT2,
     {.entry = 0x100000, .segments = SEGMENT_1M, HEADER(mb2_plain)}},
    {"multiboot2 (header at 0x400, entry 0x100000, no screen)",
     BOOT_AUTO,
     BOOT_MULTIBOOT2,
     {.is32 = true, .entry = 0x100000, .segments = SEGMENT_1M, HEADER(mb2_all)}},
    {"multiboot2",
     BOOT_AUTO,
     BOOT_MULTIBOOT2,
     {.entry = 0x100000, .segments = SEGMENT_1M, HEADER(mb2_optional_tag)}},
    {"multiboot2",
     BOOT_AUTO,
     BOOT_MULTIBOOT2,
     {.entry = 0x100000, .segments = SEGMENT_1M, HEADER(mb2_optional_info)}},
    {"multiboot2 (header at 0x400, entry 0x100004)",
     BOOT_AUTO,
     BOOT_MULTIBOOT2,
     {.entry = 0x100000, .segments = SEGMENT_1M, HEADER(mb2_entry)}},
    {"multiboot1 (header at 0x400, entry 0x100000)",
     BOOT_AUTO,
     BOOT_MULTIBOOT1,
     {.is32 = true, .entry = 0x100000, .segments = SEGMENT_1M, HEADER(mb1_plain)}},
    {"multiboot1 (header at 0x400, entry 0x100004)",
     BOOT_AUTO,
     BOOT_MULTIBOOT1,
     {.entry = 0xffff800000100004,
      HEADER(mb1_optional),
      .segments =
          {{.paddr = 0x100000, .vaddr = 0xffff800000100000, .file_size = 64, .mem_size = 64}}}},
    {"multiboot1 (header at 0x400, entry 0x100000, no video mode)",
     BOOT_AUTO,
     BOOT_MULTIBOOT1,
     {.entry = 0x100000, .segments = SEGMENT_1M, HEADER(mb1_all), .symbols = true}},
    {"elf (ELF64, entry 0x100000); pvh: no PVH note",
     BOOT_AUTO,
     BOOT_ELF,
     {.entry = 0x100000, .segments = SEGMENT_1M, HEADER(mb1_bad_checksum)}},
    {"elf (ELF64, entry 0xffffffff80100000)",
     BOOT_AUTO,
     BOOT_ELF,
     {.entry = 0xffffffff80100000,
      .segments =
          {{.paddr = 0x100000, .vaddr = 0xffffffff80100000, .file_size = 64, .mem_size = 64}}}},
    {"elf (ELF32, entry 0x100000)",
     BOOT_AUTO,
     BOOT_ELF, /* entry in a virtual range */
     {.is32 = true,
      .entry = 0xc0100000,
      .segments = {{.paddr = 0x100000, .vaddr = 0xc0100000, .file_size = 64, .mem_size = 64}}}},
    {"elf (ELF64",
     BOOT_AUTO,
     BOOT_ELF, /* static, position-independent, nothing to relocate */
     {.type = ET_DYN, .entry = 0x100000, .segments = SEGMENT_1M}},
    {"flat16 as asked (flat binary at 0x10000)",
     BOOT_FLAT16,
     BOOT_FLAT16,
     {.entry = 0x100000, .segments = SEGMENT_1M}},
    {"flat64 as asked (flat binary at 0x100000)",
     BOOT_FLAT64,
     BOOT_FLAT64,
     {.entry = 0x100000, .segments = SEGMENT_1M}},
};

START_TEST(kernel_is_recognised_and_the_line_says_why)
{
    struct elf_bytes file = elf_build(&recognised[_i].spec);
    int fd = fixture_file(file.data, file.size);
    struct boot_image *image = NULL;
    struct error err = {""};
    char why[1024];

    ck_assert_msg(fixture_open_fd(fd, recognised[_i].kind, &image, why, sizeof(why), &err) == 0,
                  "%s", err.text);
    ck_assert_int_eq(load_kind(image), recognised[_i].chosen);
    ck_assert_msg(strstr(why, recognised[_i].what), "%s", why);
    ck_assert_ptr_null(strchr(why, '\n'));
    load_close(image);
    close(fd);
    free(file.data);
}
END_TEST

static const struct {
    const char *what;
    int err_no;
    enum boot_kind kind;
    struct elf_spec spec;
} refused[] = {
    {"kernel: pvh: entry 0x300000 lies in no segment",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .pvh_size = 8, .pvh_entry = 0x300000, .entry = 0x100000}},
    {"kernel: not bootable as pvh: no PVH note",
     ENOEXEC,
     BOOT_PVH,
     {.segments = SEGMENT_1M, .pvh_size = 0, .acre_note = true}},
    {"kernel: not bootable as multiboot1: no header in the first 8192 bytes",
     ENOEXEC,
     BOOT_MULTIBOOT1,
     {.segments = SEGMENT_1M, .entry = 0x100000}},
    {"kernel: not bootable as multiboot2: no header in the first 32768 bytes",
     ENOEXEC,
     BOOT_MULTIBOOT2,
     {.segments = SEGMENT_1M, .entry = 0x100000}},
    {"kernel: multiboot1: the header requires unknown features 0x8",
     ENOEXEC,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb1_unknown)}},
    {"the header requires an unknown feature",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_unknown_tag)}},
    {"the header requires information of an unknown type",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_unknown_info)}},
    {"the header requires a screen",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_needs_screen)}},
    {"the header is for another architecture",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_arch)}},
    {"the header has no end tag",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_no_end)}},
    {"a header tag's size is out of range",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_tag_size_0)}},
    {"a header tag's size is out of range",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_tag_too_big)}},
    {"the header is truncated or leaves the first 32 KiB",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_too_long)}},
    {"the header is truncated or leaves the first 32 KiB",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_length_0)}},
    {"entry 0x300004 lies in no segment",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_entry_outside)}},
    {"an address tag without an entry address tag",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_addresses_no_entry)}},
    {"the relocatable tag contradicts itself",
     EINVAL,
     BOOT_AUTO,
     {.segments = SEGMENT_1M, .entry = 0x100000, HEADER(mb2_relocatable_bad)}},
    {"entry 0x1 lies in no segment", EINVAL, BOOT_AUTO, {.segments = SEGMENT_1M, .entry = 1}},
    {"entry 0x100080 lies in no segment",
     EINVAL,
     BOOT_AUTO, /* one past the end */
     {.segments = SEGMENT_1M, .entry = 0x100080}},
    {"the segments at 0x100000 and 0x10003f overlap",
     EINVAL,
     BOOT_AUTO,
     {.entry = 0x100000, .segments = {{0x100000, 0x100000, 64, 64}, {0x10003f, 0x20003f, 64, 64}}}},
    {"the segment of 0x4000000000000 bytes at 0x100000 does not end below 4 GiB",
     EINVAL,
     BOOT_AUTO,
     {.entry = 0x100000, .segments = {{0x100000, 0x100000, 64, 1ULL << 50}}}},
    {"(a virtual address? give it a load address",
     EINVAL,
     BOOT_AUTO,
     {.entry = 0xffffffff80000000, .segments = {{0xffffffff80000000, 0xffffffff80000000, 64, 64}}}},
    {"segment 0 wraps around the address space",
     EINVAL,
     BOOT_AUTO,
     {.entry = 0x100000, .segments = {{0x100000, 0x100000, 64, UINT64_MAX}}}},
    {"segment 0 wraps around the address space",
     EINVAL,
     BOOT_AUTO,
     {.entry = 0x100000, .segments = {{0x100000, UINT64_MAX - 8, 64, 64}}}},
    {"segment 0 has more bytes in the file than in memory",
     EINVAL,
     BOOT_AUTO,
     {.entry = 0x100000, .segments = {{0x100000, 0x100000, 65, 64}}}},
    {"virtual address 0x800000000000 is not canonical",
     EINVAL,
     BOOT_AUTO,
     {.entry = 0x100000, .segments = {{0x100000, 0x800000000000, 64, 64}}}},
    {"virtual 0xffffffff80000800 and physical 0x100000 differ in their place in a page",
     EINVAL,
     BOOT_AUTO,
     {.entry = 0x100000, .segments = {{0x100000, 0xffffffff80000800, 64, 64}}}},
    {"the segments at virtual 0xffffffff80000000 and 0xffffffff80000800 share a page",
     EINVAL,
     BOOT_AUTO,
     {.entry = 0x100000,
      .segments = {{0x100000, 0xffffffff80000000, 64, 64},
                   {0x200800, 0xffffffff80000800, 64, 64}}}},
    {"has relocations to be applied",
     ENOEXEC,
     BOOT_AUTO,
     {.type = ET_DYN, .entry = 0x100000, .segments = SEGMENT_1M, .reloc_size = 24}},
    {"asks for a dynamic linker",
     ENOEXEC,
     BOOT_AUTO,
     {.type = ET_DYN, .entry = 0x100000, .segments = SEGMENT_1M, .interp = true}},
    {"ELF32 with 64-bit code",
     ENOEXEC,
     BOOT_AUTO,
     {.is32 = true, .machine = EM_X86_64, .entry = 0x100000, .segments = SEGMENT_1M}},
    {"kernel: an ELF file for machine 183, not for x86",
     ENOEXEC,
     BOOT_AUTO,
     {.machine = EM_AARCH64, .entry = 0x100000, .segments = SEGMENT_1M}},
    {"an ELF file for machine 3, not for x86",
     ENOEXEC,
     BOOT_AUTO,
     {.machine = EM_386, .entry = 0x100000, .segments = SEGMENT_1M}},
    {"of type 1, not an executable (an object: link it)",
     ENOEXEC,
     BOOT_AUTO,
     {.type = ET_REL, .entry = 0x100000, .segments = SEGMENT_1M}},
    {"of type 4, not an executable",
     ENOEXEC,
     BOOT_AUTO,
     {.type = ET_CORE, .entry = 0x100000, .segments = SEGMENT_1M}},
    {"kernel: no program headers, nothing to load", EINVAL, BOOT_AUTO, {.entry = 0x100000}},
    {"kernel: elf: no segment to load", EINVAL, BOOT_AUTO, {.acre_note = true}},
    {"acre's note asks for unknown features 0x4",
     EINVAL,
     BOOT_AUTO,
     {.entry = 0x100000, .segments = SEGMENT_1M, .acre_note = true, .acre_flags = 4}},
};

START_TEST(kernel_is_refused_with_the_file_and_the_reason)
{
    struct elf_bytes file = elf_build(&refused[_i].spec);
    int fd = fixture_file(file.data, file.size);
    struct boot_image *image = NULL;
    struct error err = {""};
    int r = fixture_open_fd(fd, refused[_i].kind, &image, NULL, 0, &err);

    ck_assert_msg(r == -refused[_i].err_no, "%d: %s", r, err.text);
    ck_assert_msg(strstr(err.text, refused[_i].what), "%s", err.text);
    ck_assert_int_eq(strncmp(err.text, "kernel: ", 8), 0);
    ck_assert_ptr_null(strchr(err.text, '\n'));
    ck_assert_ptr_null(image);
    close(fd);
    free(file.data);
}
END_TEST

/* A good ELF64 kernel with a few bytes replaced. */
static const struct {
    const char *what;
    int err_no;
    size_t at, len;
    uint64_t value;
} spoilt[] = {
    {"ELF class 7 is neither 32 nor 64 bits", EINVAL, EI_CLASS, 1, 7},
    {"a big-endian ELF file", ENOEXEC, EI_DATA, 1, 2},
    {"65535 program headers, more than 256", EINVAL, offsetof(Elf64_Ehdr, e_phnum), 2, 0xffff},
    {"truncated: 14336 bytes at 0x40 are beyond its end", EINVAL, offsetof(Elf64_Ehdr, e_phnum), 2,
     256},
    {"program headers of 57 bytes, not 56", EINVAL, offsetof(Elf64_Ehdr, e_phentsize), 2, 57},
    {"are beyond its end", EINVAL, offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX - 3},
    {"are beyond its end", EINVAL, offsetof(Elf64_Ehdr, e_phoff), 8, 1ULL << 40},
    {"segment 0 ends beyond the file", EINVAL, 64 + offsetof(Elf64_Phdr, p_offset), 8, 1ULL << 40},
    {"segment 0 ends beyond the file", EINVAL, 64 + offsetof(Elf64_Phdr, p_offset), 8, UINT64_MAX},
    {"segment 0 ends beyond the file", EINVAL, 64 + offsetof(Elf64_Phdr, p_filesz), 8,
     UINT64_MAX - 5},
    {"segment 1 ends beyond the file", EINVAL, 64 + 56 + offsetof(Elf64_Phdr, p_filesz), 8,
     1ULL << 33},
    {"section headers out of range", EINVAL, offsetof(Elf64_Ehdr, e_shnum), 2, 0xfff0},
    {"section headers out of range", EINVAL, offsetof(Elf64_Ehdr, e_shentsize), 2, 63},
    {"section headers out of range", EINVAL, offsetof(Elf64_Ehdr, e_shstrndx), 2, 4},
    {"are beyond its end", EINVAL, offsetof(Elf64_Ehdr, e_shoff), 8, UINT64_MAX - 63},
    {"section 1 ends beyond the file", EINVAL,
     ELF_DATA_AT + 64 + 64 + offsetof(Elf64_Shdr, sh_size), 8, UINT64_MAX - 0x1000},
    {"section 2 ends beyond the file", EINVAL,
     ELF_DATA_AT + 64 + 128 + offsetof(Elf64_Shdr, sh_offset), 8, 1ULL << 40},
};

START_TEST(spoilt_header_is_refused)
{
    struct elf_bytes file = elf_build(&(struct elf_spec){.entry = 0x100000,
                                                         .segments = SEGMENT_1M,
                                                         .acre_note = true,
                                                         .symbols = true,
                                                         HEADER(mb1_plain)});
    struct boot_image *image = NULL;
    struct error err = {""};
    int fd, r;

    memcpy(file.data + spoilt[_i].at, &spoilt[_i].value, spoilt[_i].len);
    fd = fixture_file(file.data, file.size);
    r = fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err);
    ck_assert_msg(r == -spoilt[_i].err_no, "%d: %s", r, err.text);
    ck_assert_msg(strstr(err.text, spoilt[_i].what), "%s", err.text);
    close(fd);
    free(file.data);
}
END_TEST

START_TEST(kernel_cut_short_anywhere_is_refused)
{
    struct elf_bytes file = elf_build(&(struct elf_spec){
        .entry = 0x100000, .segments = SEGMENT_1M, .pvh_size = 8, .pvh_entry = 0x100000});

    for (size_t size = 0; size < ELF_DATA_AT + 64; size++) {
        int fd = fixture_file(file.data, size);
        struct boot_image *image = NULL;
        struct error err = {""};
        int r = fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err);

        ck_assert_msg(r == -EINVAL || (size < 4 && r == -ENOEXEC), "%zu: %d %s", size, r, err.text);
        close(fd);
    }
    free(file.data);
}
END_TEST

START_TEST(bad_module_is_refused_under_its_own_name)
{
    struct elf_bytes file = elf_build(&(struct elf_spec){
        .entry = 0x100000, .segments = SEGMENT_1M, .pvh_size = 8, .pvh_entry = 0x100000});
    const int fd = fixture_file(file.data, file.size), empty = fixture_file("", 0);
    const struct boot_module_file modules[] = {{"good", fd, ""}, {"initrd.img", empty, ""}};
    const struct boot_config config = {.path = "kernel",
                                       .fd = fd,
                                       .modules = modules,
                                       .module_num = 2,
                                       .map = fixture_map,
                                       .map_num = 3};
    struct boot_image *image;
    struct error err;

    ck_assert_int_eq(load_open(&config, &image, NULL, 0, &err), -EINVAL);
    ck_assert_str_eq(err.text, "initrd.img: the file is empty");
    close(fd);
    close(empty);
    free(file.data);
}
END_TEST

START_TEST(why_line_is_cut_at_its_buffer)
{
    struct elf_bytes file =
        elf_build(&(struct elf_spec){.entry = 0x100000, .segments = SEGMENT_1M});
    const int fd = fixture_file(file.data, file.size);

    for (size_t size = 0; size < 64; size++) {
        struct boot_image *image;
        struct error err;
        char why[65];

        memset(why, '#', sizeof(why));
        ck_assert_int_eq(fixture_open_fd(fd, BOOT_AUTO, &image, why, size, &err), 0);
        ck_assert_int_eq(why[size], '#');
        ck_assert(size == 0 || strlen(why) == size - 1);
        load_close(image);
    }
    close(fd);
    free(file.data);
}
END_TEST

START_TEST(kind_names_parse_back)
{
    enum boot_kind kind;

    for (enum boot_kind k = BOOT_AUTO; k <= BOOT_FLAT64; k++) {
        ck_assert_int_eq(boot_kind_parse(boot_kind_name(k), &kind), 0);
        ck_assert_int_eq(kind, k);
    }
    ck_assert_int_eq(boot_kind_parse("PVH", &kind), -EINVAL);
    ck_assert_int_eq(boot_kind_parse("", &kind), -EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load");
    TCase *tc = tcase_create("open");

    tcase_add_table_test(tc, kernel_is_recognised_and_the_line_says_why, recognised);
    tcase_add_table_test(tc, kernel_is_refused_with_the_file_and_the_reason, refused);
    tcase_add_table_test(tc, spoilt_header_is_refused, spoilt);
    tcase_add_test(tc, kernel_cut_short_anywhere_is_refused);
    tcase_add_test(tc, bad_module_is_refused_under_its_own_name);
    tcase_add_test(tc, why_line_is_cut_at_its_buffer);
    tcase_add_test(tc, kind_names_parse_back);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
