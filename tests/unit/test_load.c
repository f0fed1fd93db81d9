/* test_load.c - what load_open makes of files, good and hostile; nothing is placed here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

#include "tests/unit/elf_builder.h"
#include "tests/unit/load_fixture.h"
#include "tests/unit/multiboot_headers.h"
#include "tests/unit/run_suite.h"

static const struct boot_map_entry map[] = {{0, 0x9ffff, BOOT_MAP_RAM},
                                            {0xa0000, 0xfffff, BOOT_MAP_RESERVED},
                                            {0x100000, 0x7ffffff, BOOT_MAP_RAM}};

static int open_fd(int fd, enum boot_kind kind, struct boot_image **image, char *why,
                   size_t why_size, struct error *err)
{
    const struct boot_config config = {
        .path = "kernel", .fd = fd, .kind = kind, .map = map, .map_num = 3};

    return load_open(&config, image, why, why_size, err);
}

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

    ck_assert_msg(open_fd(fd, recognised[_i].kind, &image, why, sizeof(why), &err) == 0, "%s",
                  err.text);
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
    int r = open_fd(fd, refused[_i].kind, &image, NULL, 0, &err);

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
    r = open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err);
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
        int r = open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err);

        ck_assert_msg(r == -EINVAL || (size < 4 && r == -ENOEXEC), "%zu: %d %s", size, r, err.text);
        close(fd);
    }
    free(file.data);
}
END_TEST

static const struct {
    const char *data, *what;
    size_t size;
} no_kernels[] = {
    {"hello, world", "not an ELF file and no Multiboot header (a flat binary? then say --flat 16",
     12},
    {"\x7f", "not an ELF file", 1},
    {"\x1f\x8b\x08", "gzip: uncompress it first", 3},
    {"!<arch>\n", "an archive", 8},
};

START_TEST(file_of_no_kind_is_refused_with_a_hint)
{
    int fd = fixture_file(no_kernels[_i].data, no_kernels[_i].size);
    struct boot_image *image = NULL;
    struct error err;

    ck_assert_int_eq(open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -ENOEXEC);
    ck_assert_msg(strstr(err.text, no_kernels[_i].what), "%s", err.text);
    close(fd);
}
END_TEST

START_TEST(bzimage_is_named_as_such)
{
    uint8_t data[1024] = {0};
    struct boot_image *image = NULL;
    struct error err;
    int fd;

    memcpy(data + 0x202, "HdrS", 4);
    fd = fixture_file(data, sizeof(data));
    ck_assert_int_eq(open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -ENOEXEC);
    ck_assert_msg(strstr(err.text, "a Linux bzImage"), "%s", err.text);
    close(fd);
}
END_TEST

/* Multiboot headers in files that are not ELF, at byte 64 of 4096. */
static const struct {
    const void *header;
    size_t size;
    enum boot_kind kind;
    const char *what; /* of an error; NULL: fits */
} raw[] = {
    {mb1_addresses, sizeof(mb1_addresses), BOOT_MULTIBOOT1, NULL},
    {mb1_whole_file, sizeof(mb1_whole_file), BOOT_MULTIBOOT1, NULL},
    {mb2_addresses, sizeof(mb2_addresses), BOOT_MULTIBOOT2, NULL},
    {mb2_file_start, sizeof(mb2_file_start), BOOT_MULTIBOOT2, NULL},
    {mb1_plain, sizeof(mb1_plain), BOOT_AUTO, "without address fields in a file that is not ELF"},
    {mb2_plain, sizeof(mb2_plain), BOOT_AUTO, "without an address tag in a file that is not ELF"},
};

START_TEST(multiboot_header_with_addresses_needs_no_elf)
{
    uint8_t data[4096] = {0};
    struct boot_image *image = NULL;
    struct error err = {""};
    int fd, r;

    memcpy(data + 64, raw[_i].header, raw[_i].size);
    fd = fixture_file(data, sizeof(data));
    r = open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err);
    if (raw[_i].what) {
        ck_assert_int_eq(r, -ENOEXEC);
        ck_assert_msg(strstr(err.text, raw[_i].what), "%s", err.text);
    } else {
        ck_assert_msg(r == 0, "%s", err.text);
        ck_assert_int_eq(load_kind(image), raw[_i].kind);
    }
    load_close(image);
    close(fd);
}
END_TEST

/* header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr of a header at byte 64 of 4096 */
static const struct {
    uint32_t field[5];
    const char *what;
} addresses[] = {
    {{0x200040, 0x200041, 0, 0, 0x200041}, "load_addr is above header_addr"},
    {{0x200040, 0x1fffff, 0, 0, 0x200000}, "load_addr is before the start of the file"},
    {{0x200040, 0x200000, 0x200000, 0, 0x200000}, "load_end_addr is not above load_addr"},
    {{0x200040, 0x200000, 0x201001, 0, 0x200000}, "load_end_addr is beyond the end of the file"},
    {{0x200040, 0x200000, 0, 0x200fff, 0x200000}, "bss_end_addr is before the end of the image"},
    {{0x200040, 0x200000, 0, 0, 0x201000}, "entry 0x201000 lies in no segment"},
    {{0xffffff40, 0xffffff00, 0, 0, 0xffffff00}, "the image does not end below 4 GiB"},
};

START_TEST(contradicting_multiboot_addresses_are_refused)
{
    uint8_t data[4096] = {0};
    const uint32_t start[] = {MB1(0x10000U)};
    struct boot_image *image = NULL;
    struct error err = {""};
    int fd;

    memcpy(data + 64, start, sizeof(start));
    memcpy(data + 64 + sizeof(start), addresses[_i].field, sizeof(addresses[_i].field));
    fd = fixture_file(data, sizeof(data));
    ck_assert_int_eq(open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -EINVAL);
    ck_assert_msg(strstr(err.text, addresses[_i].what), "%s", err.text);
    close(fd);
}
END_TEST

static const struct {
    size_t at;
    const void *header;
    size_t size;
    bool found;
} places[] = {
    {8192 - 12, mb1_plain, 12, true},     {8192 - 8, mb1_plain, 12, false},
    {0x1002, mb1_plain, 12, false},       {8192, mb1_plain, 12, false},
    {32768 - 24, mb2_plain, 24, true},    {32768 - 16, mb2_plain, 24, false},
    {0x1004, mb2_plain, 24, false},       {32768, mb2_plain, 24, false},
    {8192 - 32, mb1_addresses, 32, true}, {8192 - 28, mb1_addresses, 32, false},
};

START_TEST(multiboot_header_is_found_up_to_its_limit_and_alignment)
{
    struct elf_bytes file = elf_build(
        &(struct elf_spec){.entry = 0x100000, .segments = {{0x100000, 0x100000, 40000, 40000}}});
    struct boot_image *image = NULL;
    struct error err = {""};
    uint32_t header[16];
    int fd, r;

    memset(file.data + ELF_DATA_AT, 0x90, 40000);
    memcpy(header, places[_i].header, places[_i].size);
    if (places[_i].header == mb1_addresses) { /* the addresses of this file's place */
        header[3] = 0x200000 + (uint32_t)places[_i].at;
    }
    memcpy(file.data + places[_i].at, header, places[_i].size);
    fd = fixture_file(file.data, file.size);
    r = open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err);
    ck_assert_msg(places[_i].found ? r == 0 && load_kind(image) != BOOT_ELF
                                   : r < 0 || load_kind(image) == BOOT_ELF,
                  "%d %s", r, err.text);
    load_close(image);
    close(fd);
    free(file.data);
}
END_TEST

START_TEST(directory_is_refused)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    struct boot_image *image;
    struct error err;

    ck_assert_int_eq(open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -EISDIR);
    ck_assert_str_eq(err.text, "kernel: Is a directory");
    close(fd);
}
END_TEST

START_TEST(pipe_device_and_socket_are_refused)
{
    struct boot_image *image;
    struct error err;
    int fds[2], null = open("/dev/null", O_RDONLY);

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(open_fd(fds[0], BOOT_AUTO, &image, NULL, 0, &err), -EINVAL);
    ck_assert_str_eq(err.text, "kernel: not a regular file");
    ck_assert_int_eq(open_fd(null, BOOT_AUTO, &image, NULL, 0, &err), -EINVAL);
    ck_assert_str_eq(err.text, "kernel: not a regular file");
    close(fds[0]);
    close(fds[1]);
    close(null);
}
END_TEST

START_TEST(empty_file_is_refused)
{
    int fd = fixture_file("", 0);
    struct boot_image *image;
    struct error err;

    ck_assert_int_eq(open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -EINVAL);
    ck_assert_str_eq(err.text, "kernel: the file is empty");
    ck_assert_int_eq(open_fd(fd, BOOT_FLAT32, &image, NULL, 0, &err), -EINVAL);
    close(fd);
}
END_TEST

START_TEST(bad_and_unreadable_descriptors_are_refused)
{
    int fd = open("/tmp", O_TMPFILE | O_WRONLY, 0600);
    struct boot_image *image;
    struct error err;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    ck_assert_int_eq(open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -EBADF);
    ck_assert_str_eq(err.text, "kernel: Bad file descriptor");
    close(fd);
    ck_assert_int_eq(open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -EBADF);
}
END_TEST

START_TEST(bad_module_is_refused_under_its_own_name)
{
    struct elf_bytes file = elf_build(&(struct elf_spec){
        .entry = 0x100000, .segments = SEGMENT_1M, .pvh_size = 8, .pvh_entry = 0x100000});
    const int fd = fixture_file(file.data, file.size), empty = fixture_file("", 0);
    const struct boot_module_file modules[] = {{"good", fd, ""}, {"initrd.img", empty, ""}};
    const struct boot_config config = {
        .path = "kernel", .fd = fd, .modules = modules, .module_num = 2, .map = map, .map_num = 3};
    struct boot_image *image;
    struct error err;

    ck_assert_int_eq(load_open(&config, &image, NULL, 0, &err), -EINVAL);
    ck_assert_str_eq(err.text, "initrd.img: the file is empty");
    close(fd);
    close(empty);
    free(file.data);
}
END_TEST

static const struct {
    uint64_t addr;
    size_t module_num;
    const char *append, *what;
    enum boot_kind kind;
} flats[] = {
    {0x7c00, 0, NULL, NULL, BOOT_FLAT16},
    {0xffff0, 0, "", NULL, BOOT_FLAT16},
    {0x7c08, 0, NULL, "a 16-bit image's address is a multiple of 16 below 1 MiB", BOOT_FLAT16},
    {0x100000, 0, NULL, "a 16-bit image's address is a multiple of 16 below 1 MiB", BOOT_FLAT16},
    {0x7c00, 1, NULL, "a 16-bit image cannot be told of modules", BOOT_FLAT16},
    {0x7c00, 0, "x", "a 16-bit image cannot be told of a command line", BOOT_FLAT16},
    {0x100000000, 0, NULL, "do not end below 4 GiB", BOOT_FLAT32},
    {0xfffffff8, 0, NULL, NULL, BOOT_FLAT64},
    {0xfffffff9, 0, NULL, "do not end below 4 GiB", BOOT_FLAT64},
    {UINT64_MAX, 0, NULL, "do not end below 4 GiB", BOOT_FLAT64},
};

START_TEST(flat_binary_takes_fitting_options_only)
{
    const int fd = fixture_file("\xeb\xfe......", 8);
    const struct boot_module_file module = {"module", fd, ""};
    const struct boot_config config = {.path = "kernel",
                                       .fd = fd,
                                       .kind = flats[_i].kind,
                                       .flat_addr_given = true,
                                       .flat_addr = flats[_i].addr,
                                       .append = flats[_i].append,
                                       .modules = &module,
                                       .module_num = flats[_i].module_num,
                                       .map = map,
                                       .map_num = 3};
    struct boot_image *image = NULL;
    struct error err = {""};
    int r = load_open(&config, &image, NULL, 0, &err);

    if (flats[_i].what) {
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_msg(strstr(err.text, flats[_i].what), "%s", err.text);
    } else {
        ck_assert_msg(r == 0, "%s", err.text);
    }
    load_close(image);
    close(fd);
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
        ck_assert_int_eq(open_fd(fd, BOOT_AUTO, &image, why, size, &err), 0);
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
    tcase_add_table_test(tc, file_of_no_kind_is_refused_with_a_hint, no_kernels);
    tcase_add_table_test(tc, multiboot_header_with_addresses_needs_no_elf, raw);
    tcase_add_table_test(tc, contradicting_multiboot_addresses_are_refused, addresses);
    tcase_add_table_test(tc, multiboot_header_is_found_up_to_its_limit_and_alignment, places);
    tcase_add_table_test(tc, flat_binary_takes_fitting_options_only, flats);
    tcase_add_test(tc, kernel_cut_short_anywhere_is_refused);
    tcase_add_test(tc, bzimage_is_named_as_such);
    tcase_add_test(tc, directory_is_refused);
    tcase_add_test(tc, pipe_device_and_socket_are_refused);
    tcase_add_test(tc, empty_file_is_refused);
    tcase_add_test(tc, bad_and_unreadable_descriptors_are_refused);
    tcase_add_test(tc, bad_module_is_refused_under_its_own_name);
    tcase_add_test(tc, why_line_is_cut_at_its_buffer);
    tcase_add_test(tc, kind_names_parse_back);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
