/* test_load_info.c - what kernels are told: start info, Multiboot information, modules, symbols. */
#include "tests/unit/elf_builder.h"
#include "tests/unit/load_fixture.h"
#include "tests/unit/multiboot_headers.h"
#include "tests/unit/run_suite.h"

#define KERNEL .entry = 0x100000, .segments = {{0x100000, 0x100000, 64, 64}}
#define HEADER(h) .header = (h), .header_size = sizeof(h)

static const char dtb[] = "not a real device tree, but 44 bytes of one";

/* A kernel with an initrd, a module and a command line. */
struct setup {
    struct fixture_kernel k;
    struct boot_module_file modules[2];
};

static void setup_load(struct setup *s, const struct elf_spec *spec)
{
    struct elf_bytes file = elf_build(spec);

    memset(s, 0, sizeof(*s));
    s->modules[0] = (struct boot_module_file){"initrd.img", fixture_file("initial", 7), ""};
    s->modules[1] = (struct boot_module_file){"mod", fixture_file("second", 6), "mod with args"};
    s->k.config = (struct boot_config){
        .append = "console=ttyS0 x=1",
        .modules = s->modules,
        .module_num = 2,
        .dtb = dtb,
        .dtb_size = sizeof(dtb),
    };
    fixture_load(&s->k, file.data, file.size);
    free(file.data);
}

static void setup_finish(struct setup *s)
{
    fixture_finish(&s->k);
    close(s->modules[0].fd);
    close(s->modules[1].fd);
}

static void check_bytes(struct fixture_kernel *k, uint64_t gpa, const void *data, size_t len)
{
    ck_assert_uint_eq(gpa % 4096, 0);
    ck_assert_int_eq(memcmp(fixture_read(&k->machine, gpa, len), data, len), 0);
}

/* struct hvm_start_info, version 1; offsets from Xen's start_info.h */
static void check_start_info(struct fixture_kernel *k, uint64_t gpa, uint32_t module_num)
{
    const uint64_t mods = fixture_u64(k, gpa + 16), map = fixture_u64(k, gpa + 40);

    ck_assert_uint_eq(fixture_u32(k, gpa), 0x336ec578);
    ck_assert_uint_eq(fixture_u32(k, gpa + 4), 1);
    ck_assert_uint_eq(fixture_u32(k, gpa + 8), 0);
    ck_assert_uint_eq(fixture_u32(k, gpa + 12), module_num);
    ck_assert_str_eq(fixture_string(k, fixture_u64(k, gpa + 24)), "console=ttyS0 x=1");
    ck_assert_uint_eq(fixture_u64(k, gpa + 32), 0);
    ck_assert_uint_eq(fixture_u32(k, gpa + 48), 3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(fixture_u64(k, map + 24 * i), fixture_map[i].first);
        ck_assert_uint_eq(fixture_u64(k, map + 24 * i + 8),
                          fixture_map[i].last - fixture_map[i].first + 1);
        ck_assert_uint_eq(fixture_u32(k, map + 24 * i + 16), fixture_map[i].type);
        ck_assert_uint_eq(fixture_u32(k, map + 24 * i + 20), 0);
    }
    check_bytes(k, fixture_u64(k, mods), "initial", 7);
    ck_assert_uint_eq(fixture_u64(k, mods + 8), 7);
    ck_assert_uint_eq(fixture_u64(k, mods + 16), 0); /* no command line */
    check_bytes(k, fixture_u64(k, mods + 32), "second", 6);
    ck_assert_uint_eq(fixture_u64(k, mods + 40), 6);
    ck_assert_str_eq(fixture_string(k, fixture_u64(k, mods + 48)), "mod with args");
    if (module_num == 3) {
        check_bytes(k, fixture_u64(k, mods + 64), dtb, sizeof(dtb));
        ck_assert_uint_eq(fixture_u64(k, mods + 72), sizeof(dtb));
        ck_assert_str_eq(fixture_string(k, fixture_u64(k, mods + 80)), "acre,dtb");
    }
}

START_TEST(pvh_kernel_gets_a_start_info_in_ebx)
{
    struct setup s;

    setup_load(&s, &(struct elf_spec){KERNEL, .pvh_size = 4, .pvh_entry = 0x100020});
    ck_assert_int_eq(s.k.entry.mode, CPU_MODE_PROTECTED32);
    ck_assert_uint_eq(s.k.entry.rip, 0x100020);
    ck_assert_uint_eq(s.k.entry.rax, 0);
    ck_assert_uint_eq(s.k.entry.rsp, 0);
    check_start_info(&s.k, s.k.entry.rbx, 2);
    setup_finish(&s);
}
END_TEST

START_TEST(pvh_kernel_without_options_is_told_of_none)
{
    struct elf_bytes file =
        elf_build(&(struct elf_spec){KERNEL, .pvh_size = 4, .pvh_entry = 0x100020});
    struct fixture_kernel k = {.config = {.append = ""}};

    fixture_load(&k, file.data, file.size);
    ck_assert_uint_eq(fixture_u32(&k, k.entry.rbx + 12), 0);
    ck_assert_uint_eq(fixture_u64(&k, k.entry.rbx + 16), 0);
    ck_assert_uint_eq(fixture_u64(&k, k.entry.rbx + 24), 0);
    fixture_finish(&k);
    free(file.data);
}
END_TEST

START_TEST(plain_kernel_gets_the_same_start_info)
{
    struct setup s;

    setup_load(&s, &(struct elf_spec){KERNEL, .is32 = _i == 1});
    ck_assert_int_eq(load_kind(s.k.image), BOOT_ELF);
    check_start_info(&s.k, s.k.entry.rdi, 2);
    setup_finish(&s);
}
END_TEST

START_TEST(kernel_with_acres_note_gets_the_boards_tree_as_last_module)
{
    struct setup s;

    setup_load(&s, &(struct elf_spec){KERNEL, .is32 = _i == 1, .acre_note = true});
    check_start_info(&s.k, s.k.entry.rdi, 3);
    setup_finish(&s);
}
END_TEST

/* What a Multiboot 1 information structure has; offsets from the specification's figure. */
static void check_multiboot1(struct fixture_kernel *k, uint64_t gpa, uint32_t flags)
{
    const uint32_t mods = fixture_u32(k, gpa + 24), map = fixture_u32(k, gpa + 48);

    ck_assert_uint_eq(fixture_u32(k, gpa), flags);
    ck_assert_uint_eq(fixture_u32(k, gpa + 4), 640);
    ck_assert_uint_eq(fixture_u32(k, gpa + 8), 15 * 1024);
    ck_assert_str_eq(fixture_string(k, fixture_u32(k, gpa + 16)), "dir/kernel console=ttyS0 x=1");
    ck_assert_uint_eq(fixture_u32(k, gpa + 20), 2);
    check_bytes(k, fixture_u32(k, mods), "initial", 7);
    ck_assert_uint_eq(fixture_u32(k, mods + 4) - fixture_u32(k, mods), 7);
    ck_assert_str_eq(fixture_string(k, fixture_u32(k, mods + 8)), "");
    check_bytes(k, fixture_u32(k, mods + 16), "second", 6);
    ck_assert_uint_eq(fixture_u32(k, mods + 20) - fixture_u32(k, mods + 16), 6);
    ck_assert_str_eq(fixture_string(k, fixture_u32(k, mods + 24)), "mod with args");
    ck_assert_uint_eq(fixture_u32(k, gpa + 44), 3 * 24);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(fixture_u32(k, map + 24 * i), 20);
        ck_assert_uint_eq(fixture_u64(k, map + 24 * i + 4), fixture_map[i].first);
        ck_assert_uint_eq(fixture_u64(k, map + 24 * i + 12),
                          fixture_map[i].last - fixture_map[i].first + 1);
        ck_assert_uint_eq(fixture_u32(k, map + 24 * i + 20), fixture_map[i].type);
    }
    ck_assert_str_eq(fixture_string(k, fixture_u32(k, gpa + 64)), "acre");
}

START_TEST(multiboot1_kernel_gets_its_information)
{
    struct setup s;

    setup_load(&s, &(struct elf_spec){KERNEL, .is32 = _i == 1, HEADER(mb1_all)});
    ck_assert_int_eq(s.k.entry.mode, CPU_MODE_PROTECTED32);
    ck_assert_uint_eq(s.k.entry.rax, 0x2BADB002);
    ck_assert_uint_eq(s.k.entry.rip, 0x100000);
    check_multiboot1(&s.k, s.k.entry.rbx, 1U << 0 | 1U << 2 | 1U << 3 | 1U << 6 | 1U << 9);
    setup_finish(&s);
}
END_TEST

/* sh_addr of section i among headers at gpa */
static uint64_t section_addr(struct fixture_kernel *k, uint64_t headers, unsigned i, bool is32)
{
    return is32 ? fixture_u32(k, headers + 40 * i + 12) : fixture_u64(k, headers + 64 * i + 16);
}

static void check_symbols(struct fixture_kernel *k, uint64_t headers, bool is32)
{
    const uint64_t symbols = section_addr(k, headers, 1, is32);
    const uint64_t names = section_addr(k, headers, 2, is32);

    ck_assert_uint_eq(section_addr(k, headers, 0, is32), 0);
    ck_assert_str_eq(fixture_string(k, symbols), "symbols");
    ck_assert_int_eq(memcmp(fixture_read(&k->machine, names, 13), "\0main\0second", 13), 0);
}

START_TEST(multiboot1_kernel_finds_its_symbols)
{
    struct setup s;

    setup_load(&s, &(struct elf_spec){KERNEL, .is32 = _i == 1, HEADER(mb1_plain), .symbols = true});
    check_multiboot1(&s.k, s.k.entry.rbx,
                     1U << 0 | 1U << 2 | 1U << 3 | 1U << 5 | 1U << 6 | 1U << 9);
    ck_assert_uint_eq(fixture_u32(&s.k, s.k.entry.rbx + 28), 4);
    ck_assert_uint_eq(fixture_u32(&s.k, s.k.entry.rbx + 32), _i == 1 ? 40 : 64);
    ck_assert_uint_eq(fixture_u32(&s.k, s.k.entry.rbx + 40), 3);
    check_symbols(&s.k, fixture_u32(&s.k, s.k.entry.rbx + 36), _i == 1);
    setup_finish(&s);
}
END_TEST

/* The gpa of the n-th tag of a type, or 0. Walks all tags and checks their form. */
static uint64_t find_tag(struct fixture_kernel *k, uint32_t type, unsigned n)
{
    const uint64_t info = k->entry.rbx, end = info + fixture_u32(k, info);
    uint64_t at = info + 8, found = 0;

    ck_assert_uint_eq(info % 8, 0);
    ck_assert_uint_eq(fixture_u32(k, info + 4), 0);
    for (;;) {
        const uint32_t size = fixture_u32(k, at + 4);

        ck_assert_uint_ge(size, 8);
        ck_assert_uint_le(at + size, end);
        if (fixture_u32(k, at) == type && n-- == 0) {
            found = at;
        }
        if (fixture_u32(k, at) == 0) {
            ck_assert_uint_eq(size, 8);
            ck_assert_uint_eq(at + size, end);
            return found;
        }
        at = (at + size + 7) & ~7ULL;
    }
}

static void check_multiboot2_modules(struct fixture_kernel *k)
{
    const uint64_t first = find_tag(k, 3, 0), second = find_tag(k, 3, 1);

    check_bytes(k, fixture_u32(k, first + 8), "initial", 7);
    ck_assert_uint_eq(fixture_u32(k, first + 12) - fixture_u32(k, first + 8), 7);
    ck_assert_str_eq(fixture_string(k, first + 16), "");
    ck_assert_uint_eq(fixture_u32(k, first + 4), 17);
    check_bytes(k, fixture_u32(k, second + 8), "second", 6);
    ck_assert_str_eq(fixture_string(k, second + 16), "mod with args");
    ck_assert_uint_eq(find_tag(k, 3, 2), 0);
}

START_TEST(multiboot2_kernel_gets_its_information)
{
    static const uint32_t left_out[] = {5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21};
    struct setup s;
    struct fixture_kernel *k = &s.k;
    uint64_t tag;

    setup_load(&s, &(struct elf_spec){KERNEL, .is32 = _i == 1, HEADER(mb2_all)});
    ck_assert_int_eq(k->entry.mode, CPU_MODE_PROTECTED32);
    ck_assert_uint_eq(k->entry.rax, 0x36d76289);
    ck_assert_uint_eq(k->entry.rip, 0x100000);
    tag = find_tag(k, 1, 0);
    ck_assert_str_eq(fixture_string(k, tag + 8), "dir/kernel console=ttyS0 x=1");
    ck_assert_uint_eq(fixture_u32(k, tag + 4), 8 + sizeof("dir/kernel console=ttyS0 x=1"));
    ck_assert_str_eq(fixture_string(k, find_tag(k, 2, 0) + 8), "acre");
    check_multiboot2_modules(k);
    tag = find_tag(k, 4, 0);
    ck_assert_uint_eq(fixture_u32(k, tag + 4), 16);
    ck_assert_uint_eq(fixture_u32(k, tag + 8), 640);
    ck_assert_uint_eq(fixture_u32(k, tag + 12), 15 * 1024);
    tag = find_tag(k, 6, 0);
    ck_assert_uint_eq(fixture_u32(k, tag + 4), 16 + 3 * 24);
    ck_assert_uint_eq(fixture_u32(k, tag + 8), 24);
    ck_assert_uint_eq(fixture_u32(k, tag + 12), 0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(fixture_u64(k, tag + 16 + 24 * i), fixture_map[i].first);
        ck_assert_uint_eq(fixture_u64(k, tag + 24 + 24 * i),
                          fixture_map[i].last - fixture_map[i].first + 1);
        ck_assert_uint_eq(fixture_u32(k, tag + 32 + 24 * i), fixture_map[i].type);
    }
    for (unsigned i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
        ck_assert_uint_eq(find_tag(k, left_out[i], 0), 0);
    }
    setup_finish(&s);
}
END_TEST

START_TEST(multiboot2_kernel_finds_its_symbols)
{
    struct setup s;
    uint64_t tag;

    setup_load(&s, &(struct elf_spec){KERNEL, .is32 = _i == 1, HEADER(mb2_plain), .symbols = true});
    tag = find_tag(&s.k, 9, 0);
    ck_assert_uint_eq(fixture_u32(&s.k, tag + 8), 4);
    ck_assert_uint_eq(fixture_u32(&s.k, tag + 12), _i == 1 ? 40 : 64);
    ck_assert_uint_eq(fixture_u32(&s.k, tag + 16), 3);
    ck_assert_uint_eq(fixture_u32(&s.k, tag + 4), 20 + 4 * (_i == 1 ? 40 : 64));
    check_symbols(&s.k, tag + 20, _i == 1);
    setup_finish(&s);
}
END_TEST

/* mem_lower and mem_upper of maps that are not a PC's */
static const struct {
    struct boot_map_entry map[3];
    size_t num;
    uint32_t lower, upper;
} maps[] = {
    {{{0, 0xffffff, BOOT_MAP_RAM}}, 1, 640, 15 * 1024},
    {{{0, 0x7ffff, BOOT_MAP_RAM}, {0x100000, 0xffffff, BOOT_MAP_RAM}}, 2, 512, 15 * 1024},
    {{{0x1000, 0x9ffff, BOOT_MAP_RAM},
      {0x100000, 0x2fffff, BOOT_MAP_RAM},
      {0x300000, 0xffffff, BOOT_MAP_RAM}},
     3,
     0,
     15 * 1024},
    {{{0, 0x9ffff, BOOT_MAP_RAM},
      {0x100000, 0x2fffff, BOOT_MAP_RAM},
      {0x400000, 0xffffff, BOOT_MAP_RAM}},
     3,
     640,
     2 * 1024},
    {{{0, 0x9ffff, BOOT_MAP_RAM},
      {0x100000, 0xffffff, BOOT_MAP_RAM},
      {0x1000000, UINT64_MAX, BOOT_MAP_RAM}},
     3,
     640,
     4095 * 1024},
};

START_TEST(basic_memory_is_what_lies_before_the_first_holes)
{
    struct elf_bytes file = elf_build(&(struct elf_spec){
        .entry = 0x110000, .segments = {{0x110000, 0x110000, 64, 64}}, HEADER(mb1_plain)});
    struct fixture_kernel k = {.config = {.map = maps[_i].map, .map_num = maps[_i].num}};

    ck_assert_int_eq(fixture_open(&k, file.data, file.size), 0);
    ck_assert_msg(fixture_place(&k) == 0, "%s", k.err.text);
    ck_assert_uint_eq(fixture_u32(&k, k.entry.rbx + 4), maps[_i].lower);
    ck_assert_uint_eq(fixture_u32(&k, k.entry.rbx + 8), maps[_i].upper);
    fixture_finish(&k);
    free(file.data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load_info");
    TCase *tc = tcase_create("info");

    tcase_add_test(tc, pvh_kernel_gets_a_start_info_in_ebx);
    tcase_add_test(tc, pvh_kernel_without_options_is_told_of_none);
    /* 0: ELF64, 1: ELF32 */
    tcase_add_loop_test(tc, plain_kernel_gets_the_same_start_info, 0, 2);
    tcase_add_loop_test(tc, kernel_with_acres_note_gets_the_boards_tree_as_last_module, 0, 2);
    tcase_add_loop_test(tc, multiboot1_kernel_gets_its_information, 0, 2);
    tcase_add_loop_test(tc, multiboot1_kernel_finds_its_symbols, 0, 2);
    tcase_add_loop_test(tc, multiboot2_kernel_gets_its_information, 0, 2);
    tcase_add_loop_test(tc, multiboot2_kernel_finds_its_symbols, 0, 2);
    tcase_add_table_test(tc, basic_memory_is_what_lies_before_the_first_holes, maps);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
