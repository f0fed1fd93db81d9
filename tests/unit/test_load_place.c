/* test_load_place.c - what load_place leaves in guest memory, byte by byte, and how CPUs start. */
#include <errno.h>

#include "tests/unit/elf_builder.h"
#include "tests/unit/load_fixture.h"
#include "tests/unit/multiboot_headers.h"
#include "tests/unit/run_suite.h"

#define PVH .pvh_size = 8, .pvh_entry = 0x100000, .entry = 0x100000
#define STACK_SIZE 16384U

static bool clean(struct fixture_kernel *k, uint64_t first, uint64_t last)
{
    const uint8_t *mem = fixture_read(&k->machine, first, last - first + 1);

    for (uint64_t i = 0; i <= last - first; i++) {
        if (mem[i] != FIXTURE_DIRT) {
            return false;
        }
    }
    return true;
}

/* Every segment's bytes from its pattern, then zeros. */
static void check_segments(struct fixture_kernel *k, const struct elf_spec *spec)
{
    for (unsigned s = 0; s < ELF_SPEC_SEGMENTS && spec->segments[s].mem_size; s++) {
        const uint64_t gpa = spec->segments[s].paddr;
        const uint64_t mem_size = spec->segments[s].mem_size;
        const uint8_t *mem = fixture_read(&k->machine, gpa, mem_size);

        for (uint64_t i = 0; i < mem_size; i++) {
            const uint8_t want = i < spec->segments[s].file_size ? elf_pattern(s, i) : 0;

            if (mem[i] != want) {
                ck_abort_msg("segment %u byte 0x%jx: %02x, not %02x", s, (uintmax_t)i, mem[i],
                             want);
            }
        }
    }
}

/* Around every segment there is what was there before. */
static void check_neighbours(struct fixture_kernel *k, const struct elf_spec *spec)
{
    for (unsigned s = 0; s < ELF_SPEC_SEGMENTS && spec->segments[s].mem_size; s++) {
        const uint64_t gpa = spec->segments[s].paddr, end = gpa + spec->segments[s].mem_size;

        ck_assert(clean(k, gpa - 16, gpa - 1));
        ck_assert(clean(k, end, end + 15));
    }
}

/* What every placement leaves alone. */
static void check_kept_free(struct fixture_kernel *k)
{
    ck_assert(clean(k, 0, 0xfff));
    ck_assert(clean(k, 0x8000, 0x9fff));
    ck_assert(clean(k, 0xa0000, 0xfffff));
}

static const struct elf_spec images[] = {
    {PVH, .segments = {{0x100000, 0x100000, 100, 100}}},
    {PVH, .segments = {{0x100000, 0x100000, 100, 0x5000}}},
    {.pvh_size = 4, .pvh_entry = 0x100010, .segments = {{0x100010, 0x100010, 0, 0x5000}}},
    {PVH, .is32 = true,
     .segments = {{0x100000, 0x100000, 5000, 5001}, {0x103333, 0x103333, 3, 0x777}}},
    /* over the border of two RAM regions: in the file's bytes, and in the zeros */
    {PVH, .segments = {{0x100000, 0x100000, 0x90000, 0x90001}}},
    {PVH, .segments = {{0x100000, 0x100000, 0x1000, 0xb0000}}},
    /* behind the bytes that are read at once, and large enough to give pages back */
    {PVH, .segments = {{0x100000, 0x100000, 70000, 70000}, {0x200000, 0x200000, 9, 0x300123}}},
    {PVH, .segments = {{0x100000, 0x100000, 16, 16}, {0x10000, 0x10000, 4096, 0x20000}}},
    {.entry = 0x100000,
     .segments = {{0x100000, 0x100000, 100, 300}},
     .header = mb1_plain,
     .header_size = sizeof(mb1_plain)},
    {.entry = 0xffffffff80000000, .segments = {{0x100000, 0xffffffff80000000, 5000, 8192}}},
};

START_TEST(segments_are_placed_and_bss_is_zero_at_every_start)
{
    struct elf_bytes file = elf_build(&images[_i]);
    struct fixture_kernel k = {0};

    fixture_load(&k, file.data, file.size);
    check_segments(&k, &images[_i]);
    check_neighbours(&k, &images[_i]);
    check_kept_free(&k);
    /* The guest scribbles all over, then resets. */
    ck_assert_uint_eq(
        address_space_set(&k.machine.as, 0, FIXTURE_DIRT, FIXTURE_SIZE, MEMTXATTRS_UNSPECIFIED), 0);
    ck_assert_int_eq(fixture_place(&k), 0);
    check_segments(&k, &images[_i]);
    check_neighbours(&k, &images[_i]);
    check_kept_free(&k);
    fixture_finish(&k);
    free(file.data);
}
END_TEST

static bool apart(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a + a_size <= b || b + b_size <= a;
}

#define MODULE_NUM 4
static const size_t module_sizes[MODULE_NUM] = {1, 4096, 4097, 200000};

/* Where kernels of all sizes lie, and how large the low RAM is. */
static const struct {
    uint64_t low_last, kernel, kernel_size;
} crowds[] = {
    {0x9ffff, 0x100000, 0x1000},   {0x9ffff, 0x100000, 0x800000}, {0x9ffff, 0xa000, 0x96000},
    {0x9ffff, 0x1000, 0x7000},     {0x7fff, 0x100000, 0x10000},   {0xfff, 0x100000, 0x10000},
    {0x9ffff, 0xf00000, 0x100000}, {0x9ffff, 0x80000, 0x20000},
};

START_TEST(nothing_placed_overlaps_anything)
{
    const struct elf_spec spec = {
        .entry = crowds[_i].kernel,
        .segments = {{crowds[_i].kernel, crowds[_i].kernel, 64, crowds[_i].kernel_size}},
    };
    const struct boot_map_entry map[] = {{0, crowds[_i].low_last, BOOT_MAP_RAM},
                                         {0x100000, 0xffffff, BOOT_MAP_RAM}};
    struct elf_bytes file = elf_build(&spec);
    uint8_t *data = malloc(module_sizes[MODULE_NUM - 1]);
    struct boot_module_file modules[MODULE_NUM];
    struct fixture_kernel k = {.config = {.map = map,
                                          .map_num = 2,
                                          .append = "a b",
                                          .modules = modules,
                                          .module_num = MODULE_NUM}};
    struct {
        uint64_t gpa, size;
    } taken[MODULE_NUM + 5];
    unsigned num = 0;
    uint64_t list;

    for (size_t i = 0; i < module_sizes[MODULE_NUM - 1]; i++) {
        data[i] = (uint8_t)(i * 13 + i / 251);
    }
    for (unsigned i = 0; i < MODULE_NUM; i++) {
        modules[i] = (struct boot_module_file){"module", fixture_file(data, module_sizes[i]), ""};
    }
    fixture_load(&k, file.data, file.size);
    list = fixture_u64(&k, k.entry.rdi + 16);
    for (unsigned i = 0; i < MODULE_NUM; i++) {
        const uint64_t gpa = fixture_u64(&k, list + 32 * i);

        ck_assert_uint_eq(gpa % 4096, 0);
        ck_assert_uint_eq(fixture_u64(&k, list + 32 * i + 8), module_sizes[i]);
        ck_assert_int_eq(
            memcmp(fixture_read(&k.machine, gpa, module_sizes[i]), data, module_sizes[i]), 0);
        taken[num].gpa = gpa;
        taken[num++].size = module_sizes[i];
        close(modules[i].fd);
    }
    taken[num].gpa = crowds[_i].kernel;
    taken[num++].size = crowds[_i].kernel_size;
    /* stack, start info and tables are one block: from the stack to behind the last table */
    taken[num].gpa = k.entry.rsp - 8 - STACK_SIZE;
    taken[num++].size = k.entry.cr3 + 6 * 4096 - (k.entry.rsp - 8 - STACK_SIZE);
    ck_assert(k.entry.rdi > k.entry.rsp && k.entry.rdi < k.entry.cr3);
    ck_assert(k.entry.gdt > k.entry.rsp && k.entry.gdt < k.entry.cr3);
    taken[num].gpa = 0; /* page 0, what is no RAM, trampolines */
    taken[num++].size = 0x1000;
    taken[num].gpa = crowds[_i].low_last + 1;
    taken[num++].size = 0x100000 - (crowds[_i].low_last + 1);
    if (crowds[_i].low_last > 0x9fff) {
        taken[num].gpa = 0x8000;
        taken[num++].size = 0x2000;
    }
    for (unsigned a = 0; a < num; a++) {
        for (unsigned b = 0; b < a; b++) {
            ck_assert_msg(apart(taken[a].gpa, taken[a].size, taken[b].gpa, taken[b].size),
                          "%u: 0x%jx+0x%jx and %u: 0x%jx+0x%jx overlap", a, (uintmax_t)taken[a].gpa,
                          (uintmax_t)taken[a].size, b, (uintmax_t)taken[b].gpa,
                          (uintmax_t)taken[b].size);
        }
    }
    check_segments(&k, &spec);
    fixture_finish(&k);
    free(data);
    free(file.data);
}
END_TEST

static uint64_t translate(struct fixture_kernel *k, uint64_t va)
{
    uint64_t table = k->entry.cr3;

    for (unsigned shift = 39;; shift -= 9) {
        const uint64_t entry = fixture_u64(k, table + (va >> shift) % 512 * 8);

        if (!(entry & 1)) {
            return UINT64_MAX;
        }
        if (shift == 12 || (entry & 0x80)) {
            return (entry & 0x000ffffffffff000ULL) + (va & ((1ULL << shift) - 1));
        }
        table = entry & 0x000ffffffffff000ULL;
    }
}

START_TEST(elf64_is_entered_in_long_mode_with_its_addresses_mapped)
{
    const struct elf_spec spec = {
        .entry = 0xffffffff80000010,
        .segments = {{0x100000, 0x100000, 64, 64},
                     {0x200000, 0xffffffff80000000, 64, 0x3000},
                     /* hides low memory's own addresses */
                     {0x300000, 0x10000, 64, 0x90000}},
    };
    struct elf_bytes file = elf_build(&spec);
    struct fixture_kernel k = {0};

    fixture_load(&k, file.data, file.size);
    ck_assert_int_eq(k.entry.mode, CPU_MODE_LONG64);
    ck_assert_uint_eq(k.entry.rip, 0xffffffff80000010);
    ck_assert_uint_eq(translate(&k, 0xffffffff80002fff), 0x202fff);
    ck_assert_uint_eq(translate(&k, 0xffffffff80003000), UINT64_MAX);
    ck_assert_uint_eq(translate(&k, 0x10000), 0x300000);
    ck_assert_uint_eq(translate(&k, 0x9ffff), 0x38ffff);
    ck_assert_uint_eq(translate(&k, 0xa0000), 0xa0000);
    ck_assert_uint_eq(translate(&k, 0xfee00000), 0xfee00000);
    /* what the kernel is given can be reached where it is said to be */
    ck_assert_uint_eq(translate(&k, k.entry.rdi), k.entry.rdi);
    ck_assert_uint_eq(translate(&k, k.entry.rsp - STACK_SIZE), k.entry.rsp - STACK_SIZE);
    ck_assert_uint_eq(translate(&k, k.entry.gdt), k.entry.gdt);
    ck_assert_uint_eq(translate(&k, k.entry.cr3), k.entry.cr3);
    ck_assert_uint_eq(k.entry.rsp % 16, 8);
    ck_assert_uint_eq(fixture_u64(&k, k.entry.rsp), 0);
    ck_assert_uint_eq(k.entry.rbx, k.entry.rdi);
    ck_assert_uint_eq(fixture_u32(&k, k.entry.rdi), 0x336ec578);
    ck_assert_uint_eq(fixture_u64(&k, k.entry.gdt + BOOT_GDT_CODE), 0x00af9b000000ffff);
    ck_assert_uint_eq(k.entry.gdt_limit, 39);
    check_segments(&k, &spec);
    fixture_finish(&k);
    free(file.data);
}
END_TEST

START_TEST(elf32_is_entered_in_flat_protected_mode)
{
    struct elf_bytes file = elf_build(&(struct elf_spec){
        .is32 = true, .entry = 0xc0100010, .segments = {{0x100000, 0xc0100000, 64, 64}}});
    struct fixture_kernel k = {0};

    fixture_load(&k, file.data, file.size);
    ck_assert_int_eq(k.entry.mode, CPU_MODE_PROTECTED32);
    ck_assert_uint_eq(k.entry.rip, 0x100010);
    ck_assert_uint_eq(k.entry.rsp % 16, 12);
    ck_assert_uint_eq(fixture_u32(&k, k.entry.rsp), 0);
    ck_assert_uint_eq(k.entry.rbx, k.entry.rdi);
    ck_assert_uint_eq(fixture_u32(&k, k.entry.rbx), 0x336ec578);
    ck_assert_uint_eq(k.entry.cr3, 0);
    ck_assert_uint_eq(fixture_u64(&k, k.entry.gdt + BOOT_GDT_CODE), 0x00cf9b000000ffff);
    fixture_finish(&k);
    free(file.data);
}
END_TEST

static const struct {
    enum boot_kind kind;
    bool boot_sector, addr_given;
    uint64_t addr; /* where it must be */
    enum cpu_mode mode;
    uint64_t rip;
    uint16_t cs;
} flats[] = {
    {BOOT_FLAT16, false, false, 0x10000, CPU_MODE_REAL, 0, 0x1000},
    {BOOT_FLAT16, false, true, 0x6000, CPU_MODE_REAL, 0, 0x600},
    {BOOT_FLAT16, true, false, 0x7c00, CPU_MODE_REAL, 0x7c00, 0},
    {BOOT_FLAT16, true, true, 0x20000, CPU_MODE_REAL, 0, 0x2000},
    {BOOT_FLAT32, false, false, 0x100000, CPU_MODE_PROTECTED32, 0x100000, 0},
    {BOOT_FLAT32, true, true, 0x200001, CPU_MODE_PROTECTED32, 0x200001, 0},
    {BOOT_FLAT64, false, false, 0x100000, CPU_MODE_LONG64, 0x100000, 0},
    {BOOT_FLAT64, false, true, 0x7000, CPU_MODE_LONG64, 0x7000, 0},
};

START_TEST(flat_binary_goes_where_it_should_and_starts_there)
{
    struct fixture_kernel k = {.config = {.kind = flats[_i].kind,
                                          .flat_addr_given = flats[_i].addr_given,
                                          .flat_addr = flats[_i].addr}};
    uint8_t data[512];

    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = elf_pattern(0, i);
    }
    data[510] = 0x55;
    data[511] = flats[_i].boot_sector ? 0xaa : 0xab;
    fixture_load(&k, data, sizeof(data));
    ck_assert_int_eq(memcmp(fixture_read(&k.machine, flats[_i].addr, 512), data, 512), 0);
    ck_assert(clean(&k, flats[_i].addr - 32, flats[_i].addr - 1));
    ck_assert(clean(&k, flats[_i].addr + 512, flats[_i].addr + 544));
    check_kept_free(&k);
    ck_assert_int_eq(k.entry.mode, flats[_i].mode);
    ck_assert_uint_eq(k.entry.rip, flats[_i].rip);
    if (k.entry.mode == CPU_MODE_REAL) {
        const bool sector = flats[_i].boot_sector && !flats[_i].addr_given;

        ck_assert_uint_eq(k.entry.cs, flats[_i].cs);
        ck_assert_uint_eq(k.entry.ss, 0);
        ck_assert_uint_eq(k.entry.rsp, 0x7c00);
        ck_assert(k.entry.dl_boot_drive == sector);
        ck_assert_uint_eq(k.entry.rdx, sector ? 0x80 : 0);
    } else {
        ck_assert_uint_eq(fixture_u32(&k, k.entry.rdi), 0x336ec578);
        ck_assert_uint_gt(k.entry.rsp, 0);
        ck_assert(k.entry.mode != CPU_MODE_LONG64 || translate(&k, k.entry.rip) == k.entry.rip);
    }
    fixture_finish(&k);
}
END_TEST

static const struct {
    const void *header;
    size_t size;
    uint64_t entry, file_offset, load_size, mem_size;
} kludges[] = {
    {mb1_addresses, sizeof(mb1_addresses), 0x200010, 0, 0x100, 0x1800},
    {mb1_whole_file, sizeof(mb1_whole_file), 0x200010, 0, 4000, 4000},
    {mb2_addresses, sizeof(mb2_addresses), 0x200010, 0, 0x100, 0x1800},
    {mb2_file_start, sizeof(mb2_file_start), 0x200010, 0, 4000, 4000},
};

START_TEST(multiboot_addresses_are_followed)
{
    struct fixture_kernel k = {0};
    uint8_t data[4000];
    const uint8_t *mem;

    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = elf_pattern(0, i);
    }
    memcpy(data + 64, kludges[_i].header, kludges[_i].size);
    fixture_load(&k, data, sizeof(data));
    ck_assert_uint_eq(k.entry.rip, kludges[_i].entry);
    mem = fixture_read(&k.machine, 0x200000, kludges[_i].mem_size);
    ck_assert_int_eq(memcmp(mem, data, kludges[_i].load_size), 0);
    for (uint64_t i = kludges[_i].load_size; i < kludges[_i].mem_size; i++) {
        if (mem[i] != 0) {
            ck_abort_msg("byte 0x%jx is not zero", (uintmax_t)i);
        }
    }
    ck_assert(clean(&k, 0x1fff00, 0x1fffff));
    ck_assert(clean(&k, 0x200000 + kludges[_i].mem_size, 0x202000));
    fixture_finish(&k);
}
END_TEST

/* An image of 0x2100 bytes linked at 0x140000 */
static const struct {
    const void *header;
    size_t size;
    uint64_t gpa; /* 0: no room */
} moves[] = {
    {mb2_stay, sizeof(mb2_stay), 0x140000},       {mb2_lowest, sizeof(mb2_lowest), 0x180000},
    {mb2_highest, sizeof(mb2_highest), 0x2f0000}, {mb2_elsewhere, sizeof(mb2_elsewhere), 0x280000},
    {mb2_nowhere, sizeof(mb2_nowhere), 0},
};

START_TEST(relocatable_kernel_goes_where_it_may)
{
    const struct elf_spec spec = {
        .is32 = true,
        .entry = 0x141004,
        .segments = {{0x140000, 0x140000, 64, 0x1000}, {0x141000, 0x141000, 100, 0x1100}},
        .header = moves[_i].header,
        .header_size = moves[_i].size,
    };
    struct elf_bytes file = elf_build(&spec);
    struct fixture_kernel k = {0};

    ck_assert_msg(fixture_open(&k, file.data, file.size) == 0, "%s", k.err.text);
    if (moves[_i].gpa == 0) {
        ck_assert_int_eq(fixture_place(&k), -ENOSPC);
        ck_assert_str_eq(k.err.text, "dir/kernel: no room in the guest's RAM for 8448 bytes within "
                                     "0x280000-0x280fff");
    } else {
        uint64_t tag;

        ck_assert_int_eq(fixture_place(&k), 0);
        ck_assert_uint_eq(k.entry.rip, moves[_i].gpa + 0x1004);
        ck_assert_uint_eq(fixture_read(&k.machine, moves[_i].gpa, 1)[0], elf_pattern(0, 0));
        ck_assert_uint_eq(fixture_read(&k.machine, moves[_i].gpa + 0x1063, 1)[0],
                          elf_pattern(1, 99));
        ck_assert_uint_eq(fixture_read(&k.machine, moves[_i].gpa + 0x20ff, 1)[0], 0);
        ck_assert(moves[_i].gpa == 0x140000 || clean(&k, 0x140000, 0x142100));
        /* the load base address tag is the last but the end */
        tag = k.entry.rbx + fixture_u32(&k, k.entry.rbx) - 8 - 16;
        ck_assert_uint_eq(fixture_u32(&k, tag), 21);
        ck_assert_uint_eq(fixture_u32(&k, tag + 8), moves[_i].gpa);
    }
    fixture_finish(&k);
    free(file.data);
}
END_TEST

static const struct {
    uint64_t gpa, size;
    const char *what;
} outside[] = {
    {0x9f000, 0x1001, "dir/kernel: its bytes for 0x9f000-0xa0000 do not all lie in RAM"},
    {0xa0000, 1, "0xa0000-0xa0000 do not all lie in RAM"},
    {0xfff000, 0x1001, "0xfff000-0x1000000 do not all lie in RAM (give it more: -m)"},
    {0xfffffff0, 0x10, "(give it more: -m)"},
};

START_TEST(image_outside_ram_is_refused_before_anything_is_written)
{
    struct elf_bytes file = elf_build(
        &(struct elf_spec){.entry = 0x100000,
                           .segments = {{0x100000, 0x100000, 64, 64},
                                        {outside[_i].gpa, outside[_i].gpa, 1, outside[_i].size}}});
    struct fixture_kernel k = {0};

    ck_assert_int_eq(fixture_open(&k, file.data, file.size), 0);
    ck_assert_int_eq(fixture_place(&k), -EFAULT);
    ck_assert_msg(strstr(k.err.text, outside[_i].what), "%s", k.err.text);
    ck_assert(clean(&k, 0, FIXTURE_SIZE - 1));
    fixture_finish(&k);
    free(file.data);
}
END_TEST

START_TEST(map_that_promises_missing_ram_is_found_out)
{
    static const struct boot_map_entry map[] = {{0, 0x3ffffff, BOOT_MAP_RAM}};
    struct elf_bytes file = elf_build(&(struct elf_spec){
        .entry = 0x1000000, .segments = {{0x1000000 - 8, 0x1000000 - 8, 64, 64}}});
    struct fixture_kernel k = {.config = {.map = map, .map_num = 1}};

    ck_assert_int_eq(fixture_open(&k, file.data, file.size), 0);
    ck_assert_int_eq(fixture_place(&k), -EFAULT);
    ck_assert_str_eq(k.err.text, "dir/kernel: 0x1000000 is not RAM");
    fixture_finish(&k);
    free(file.data);
}
END_TEST

START_TEST(module_without_room_is_refused_by_name)
{
    struct elf_bytes file =
        elf_build(&(struct elf_spec){PVH, .segments = {{0x100000, 0x100000, 64, 64}}});
    struct boot_module_file module = {"big.img", fixture_file("x", 1), ""};
    struct fixture_kernel k = {.config = {.modules = &module, .module_num = 1}};

    ck_assert_int_eq(ftruncate(module.fd, 0xf00000), 0);
    ck_assert_int_eq(fixture_open(&k, file.data, file.size), 0);
    ck_assert_int_eq(fixture_place(&k), -ENOSPC);
    ck_assert_str_eq(k.err.text,
                     "big.img: no room in the guest's RAM for this module (15728640 bytes)");
    fixture_finish(&k);
    close(module.fd);
    free(file.data);
}
END_TEST

START_TEST(machine_without_room_for_the_tables_is_refused)
{
    static const struct boot_map_entry map[] = {{0x100000, 0x104fff, BOOT_MAP_RAM}};
    struct elf_bytes file = elf_build(
        &(struct elf_spec){.entry = 0x100000, .segments = {{0x100000, 0x100000, 64, 64}}});
    struct fixture_kernel k = {.config = {.map = map, .map_num = 1}};

    ck_assert_int_eq(fixture_open(&k, file.data, file.size), 0);
    ck_assert_int_eq(fixture_place(&k), -ENOSPC);
    ck_assert_msg(strstr(k.err.text, "no room in the guest's RAM for what the kernel is told"),
                  "%s", k.err.text);
    fixture_finish(&k);
    free(file.data);
}
END_TEST

START_TEST(file_that_shrinks_after_it_was_opened_is_refused)
{
    struct elf_bytes file =
        elf_build(&(struct elf_spec){PVH, .segments = {{0x100000, 0x100000, 100000, 100000}}});
    struct boot_module_file module = {"initrd", fixture_file(file.data, file.size), ""};
    struct fixture_kernel k = {.config = {.modules = &module, .module_num = 1}};

    ck_assert_int_eq(fixture_open(&k, file.data, file.size), 0);
    ck_assert_int_eq(ftruncate(module.fd, 100), 0);
    ck_assert_int_eq(fixture_place(&k), -EINVAL);
    ck_assert_str_eq(k.err.text, "initrd: the file shrank while it was read");
    ck_assert_int_eq(ftruncate(k.config.fd, 70000), 0);
    ck_assert_int_eq(fixture_place(&k), -EINVAL);
    ck_assert_str_eq(k.err.text, "dir/kernel: the file shrank while it was read");
    fixture_finish(&k);
    close(module.fd);
    free(file.data);
}
END_TEST

/* Small kernels come from the one read at open: the file may even be gone by the next reset. */
START_TEST(small_kernel_is_placed_from_what_was_read_at_open)
{
    const struct elf_spec spec = {PVH, .segments = {{0x100000, 0x100000, 5000, 6000}}};
    struct elf_bytes file = elf_build(&spec);
    struct fixture_kernel k = {0};

    ck_assert_int_eq(fixture_open(&k, file.data, file.size), 0);
    ck_assert_int_eq(ftruncate(k.config.fd, 0), 0);
    ck_assert_int_eq(fixture_place(&k), 0);
    check_segments(&k, &spec);
    fixture_finish(&k);
    free(file.data);
}
END_TEST

/* A region whose dirty pages are tracked is written through the address space. */
START_TEST(tracked_ram_is_loaded_as_well)
{
    const struct elf_spec spec = {PVH, .segments = {{0x100000, 0x100000, 100000, 0x200000}}};
    struct elf_bytes file = elf_build(&spec);
    struct fixture_kernel k = {0};

    fixture_load(&k, file.data, file.size);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(memory_region_set_log(&k.machine.ram[i], true, DIRTY_MEMORY_VGA), 0);
    }
    ck_assert_uint_eq(
        address_space_set(&k.machine.as, 0, FIXTURE_DIRT, FIXTURE_SIZE, MEMTXATTRS_UNSPECIFIED), 0);
    ck_assert_int_eq(fixture_place(&k), 0);
    check_segments(&k, &spec);
    fixture_finish(&k);
    free(file.data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load_place");
    TCase *tc = tcase_create("place");

    tcase_add_table_test(tc, segments_are_placed_and_bss_is_zero_at_every_start, images);
    tcase_add_table_test(tc, nothing_placed_overlaps_anything, crowds);
    tcase_add_table_test(tc, flat_binary_goes_where_it_should_and_starts_there, flats);
    tcase_add_table_test(tc, multiboot_addresses_are_followed, kludges);
    tcase_add_table_test(tc, relocatable_kernel_goes_where_it_may, moves);
    tcase_add_table_test(tc, image_outside_ram_is_refused_before_anything_is_written, outside);
    tcase_add_test(tc, elf64_is_entered_in_long_mode_with_its_addresses_mapped);
    tcase_add_test(tc, elf32_is_entered_in_flat_protected_mode);
    tcase_add_test(tc, map_that_promises_missing_ram_is_found_out);
    tcase_add_test(tc, module_without_room_is_refused_by_name);
    tcase_add_test(tc, machine_without_room_for_the_tables_is_refused);
    tcase_add_test(tc, file_that_shrinks_after_it_was_opened_is_refused);
    tcase_add_test(tc, small_kernel_is_placed_from_what_was_read_at_open);
    tcase_add_test(tc, tracked_ram_is_loaded_as_well);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
