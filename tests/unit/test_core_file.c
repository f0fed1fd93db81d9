/*
 * test_core_file.c - an ELF core read back: headers, notes and memory, from a map with a hole, a
 * ROM, an alias and an overlay; and page tables that map it.
 */
#include "vmm/core_map.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#include "tests/unit/memory_fixture.h"

enum { RAM_PAGES = 16, ROM_AT = 0x100000, ROM_PAGES = 2 };

static struct fixture *f;
static MemoryRegion *ram, *rom;
static struct guest_ram found;

static void set_up(void)
{
    f = fixture_new();
    ram = ram_new(f, "ram", RAM_PAGES * PAGE);
    rom = rom_new(f, "rom", ROM_PAGES * PAGE);
    put(f->root, 0, ram);
    put(f->root, ROM_AT, rom);
}

static void tear_down(void)
{
    guest_ram_finish(&found);
    fixture_free(f);
}

static uint8_t *ram_bytes(void)
{
    return memory_region_get_ram_ptr(ram);
}

/* A file that is gone when it is closed, and what was written to it. */
static int new_file(void)
{
    int fd = memfd_create("core", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}
static const uint8_t *map_file(int fd, size_t *size)
{
    struct stat status;
    void *bytes;

    ck_assert_int_eq(fstat(fd, &status), 0);
    *size = (size_t)status.st_size;
    bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
    ck_assert_ptr_ne(bytes, MAP_FAILED);
    return bytes;
}

/* ---- which memory there is ---- */

static void expect_ranges(hwaddr first, hwaddr last, const char *text)
{
    char line[64], all[512] = "";
    size_t i;

    guest_ram_finish(&found);
    OK(guest_ram_init(&found, &f->as, first, last));
    for (i = 0; i < found.num; i++) {
        (void)snprintf(line, sizeof(line), "%lx-%lx ", found.ranges[i].first, found.ranges[i].last);
        (void)strcat(all, line);
    }
    ck_assert_str_eq(all, text);
}

START_TEST(ranges_are_those_of_ram_and_rom_cut_to_what_is_asked_for)
{
    MemoryRegion *window = alias_new(f, "window", ram, 0x4000, 0x2000);
    MemoryRegion *device = io_new(f, "device", PAGE);

    expect_ranges(0, UINT64_MAX, "0-ffff 100000-101fff ");
    ck_assert_ptr_eq(found.ranges[0].host, ram_bytes());
    expect_ranges(0x1234, 0x100000, "1234-ffff 100000-100000 ");
    ck_assert_ptr_eq(found.ranges[0].host, ram_bytes() + 0x1234);
    expect_ranges(0x10000, 0xfffff, "");
    put_prio(f->root, 0x2000, device, 1);
    put(f->root, 0x200000, window);
    expect_ranges(0, UINT64_MAX, "0-1fff 3000-ffff 100000-101fff 200000-201fff ");
    ck_assert_ptr_eq(found.ranges[3].host, ram_bytes() + 0x4000);
    ck_assert_ptr_eq(guest_ram_at_or_after(&found, 0x2fff), &found.ranges[1]);
    ck_assert_ptr_eq(guest_ram_at_or_after(&found, 0xffff), &found.ranges[1]);
    ck_assert_ptr_null(guest_ram_at_or_after(&found, 0x202000));
}
END_TEST

START_TEST(ranges_in_a_row_are_one_only_where_the_host_has_them_in_a_row)
{
    MemoryRegion *rest = alias_new(f, "rest", ram, 0x1000, 0x1000);
    MemoryRegion *first = alias_new(f, "first", ram, 0, 0x1000);

    put(f->root, 0x301000, rest);
    put(f->root, 0x302000, first);
    expect_ranges(0x300000, UINT64_MAX, "301000-301fff 302000-302fff ");
    ck_assert_ptr_eq(found.ranges[1].host, ram_bytes());
    put(f->root, 0x300000, alias_new(f, "again", ram, 0, 0x1000));
    expect_ranges(0x300000, UINT64_MAX, "300000-301fff 302000-302fff ");
    ck_assert_ptr_eq(found.ranges[0].host, ram_bytes());
}
END_TEST

START_TEST(what_an_overlay_hides_is_there)
{
    MemoryRegion *overlays[6];
    AddressSpace beneath;
    unsigned i;

    OK(address_space_init(&beneath, &f->core, f->root, "beneath", MEMORY_UNASSIGNED_MEMORY));
    for (i = 0; i < 6; i++) {
        overlays[i] = io_new(f, "overlay", PAGE);
        memory_region_set_beneath(overlays[i], &beneath, (2 * i + 1) * PAGE);
        put_prio(f->root, (2 * i + 1) * PAGE, overlays[i], 1);
    }
    expect_ranges(0x800, UINT64_MAX, "800-ffff 100000-101fff ");
    ck_assert_ptr_eq(found.ranges[0].host, ram_bytes() + 0x800);
    expect_ranges(0x1800, 0x18ff, "1800-18ff ");
    ck_assert_ptr_eq(found.ranges[0].host, ram_bytes() + 0x1800);
    guest_ram_finish(&found);
    for (i = 0; i < 6; i++) {
        take_out(f->root, overlays[i]);
    }
    address_space_finish(&beneath);
}
END_TEST

/* ---- the file ---- */

static const Elf64_Phdr *programs(const uint8_t *file)
{
    return (const Elf64_Phdr *)(const void *)(file + sizeof(Elf64_Ehdr));
}

/* Note number `wanted`, its payload of a type, name and size. */
static const void *note(const uint8_t *file, unsigned wanted, const char *name, uint32_t type,
                        size_t size)
{
    const uint8_t *at = file + programs(file)[0].p_offset;
    const Elf64_Nhdr *head = (const Elf64_Nhdr *)(const void *)at;
    unsigned i;

    for (i = 0;; i++) {
        const uint8_t *payload = at + sizeof(*head) + (head->n_namesz + 3) / 4 * 4;

        ck_assert(at < file + programs(file)[0].p_offset + programs(file)[0].p_filesz);
        if (i == wanted) {
            ck_assert_str_eq((const char *)(head + 1), name);
            ck_assert_uint_eq(head->n_namesz, strlen(name) + 1);
            ck_assert_uint_eq(head->n_type, type);
            ck_assert_uint_eq(head->n_descsz, size);
            return payload;
        }
        at = payload + (head->n_descsz + 3) / 4 * 4;
        head = (const Elf64_Nhdr *)(const void *)at;
    }
}

static struct vcpu_snapshot some_cpu(unsigned index)
{
    return (struct vcpu_snapshot){
        .regs = {.rip = 0xfff0 + index, .rsp = 0x8000, .rax = 0xa, .r15 = 0xf15, .rflags = 2},
        .sregs =
            {
                .cs = {.base = 0xffff0000,
                       .limit = 0xffff,
                       .selector = 0xf000,
                       .type = 11,
                       .present = 1,
                       .dpl = 3,
                       .db = 1,
                       .s = 1,
                       .l = 1,
                       .g = 1,
                       .avl = 1},
                .gs = {.base = 0x9500},
                .gdt = {.base = 0x9d70, .limit = 0x1f},
                .cr0 = 0x80000011,
                .cr2 = 0xbad,
                .cr3 = 0x3000,
                .cr4 = 0x20,
            },
        .kernel_gs_base = 0x9501,
        .fxsave = {[0] = 0x7f, [511] = 0x5a},
    };
}

static void write_core(const struct core *core, int fd)
{
    struct sparse_file file;

    sparse_file_init(&file, fd);
    OK(core_write(core, &file));
}

START_TEST(notes_have_the_registers_of_each_cpu)
{
    const struct vcpu_snapshot cpus[] = {some_cpu(0), some_cpu(1)};
    const struct core core = {.cpus = cpus, .cpu_num = 2, .ram = &found};
    struct core_cpu_state state;
    struct elf_prstatus status;
    struct user_regs_struct regs;
    const uint8_t *file, *fp;
    size_t size;
    int fd = new_file();

    write_core(&core, fd);
    file = map_file(fd, &size);
    ck_assert_uint_eq(programs(file)[0].p_type, PT_NOTE);
    memcpy(&status, note(file, 2, "CORE", NT_PRSTATUS, sizeof(status)), sizeof(status));
    ck_assert_int_eq(status.pr_pid, 2);
    memcpy(&regs, &status.pr_reg, sizeof(regs));
    ck_assert_uint_eq(regs.rip, 0xfff1);
    ck_assert_uint_eq(regs.rsp, 0x8000);
    ck_assert_uint_eq(regs.rax, 0xa);
    ck_assert_uint_eq(regs.r15, 0xf15);
    ck_assert_uint_eq(regs.cs, 0xf000);
    ck_assert_uint_eq(regs.gs_base, 0x9500);
    fp = note(file, 3, "CORE", NT_PRFPREG, sizeof(struct user_fpregs_struct));
    ck_assert_uint_eq(fp[0], 0x7f);
    ck_assert_uint_eq(fp[511], 0x5a);
    memcpy(&state, note(file, 4, "QEMU", 0, sizeof(state)), sizeof(state)); /* 4-byte alignment */
    ck_assert_uint_eq(state.version, 1);
    ck_assert_uint_eq(state.size, 440);
    ck_assert_uint_eq(state.rip, 0xfff0);
    ck_assert_uint_eq(state.cs.base, 0xffff0000);
    ck_assert_uint_eq(state.cs.flags, 0xf0fb00);
    ck_assert_uint_eq(state.gdt.limit, 0x1f);
    ck_assert_uint_eq(state.cr[0], 0x80000011);
    ck_assert_uint_eq(state.cr[2], 0xbad);
    ck_assert_uint_eq(state.cr[3], 0x3000);
    ck_assert_uint_eq(state.cr[4], 0x20);
    ck_assert_uint_eq(state.kernel_gs_base, 0x9501);
    memcpy(&state, note(file, 5, "QEMU", 0, sizeof(state)), sizeof(state));
    ck_assert_uint_eq(state.rip, 0xfff1);
    (void)close(fd);
}
END_TEST

START_TEST(memory_is_in_the_file_once_however_often_it_is_mapped)
{
    const struct vcpu_snapshot cpu = some_cpu(0);
    const struct core_mapping mappings[] = {
        {.vaddr = 0xffff800000003000, .paddr = 0x3000, .size = 2 * PAGE},
        {.vaddr = 0x400000, .paddr = 0x4000, .size = PAGE},
        {.vaddr = 0x500000, .paddr = ROM_AT + PAGE, .size = PAGE},
    };
    const struct core core = {
        .cpus = &cpu, .cpu_num = 1, .ram = &found, .mappings = mappings, .mapping_num = 3};
    struct stat status;
    const Elf64_Ehdr *head;
    const Elf64_Phdr *load;
    const uint8_t *file;
    size_t size;
    int fd = new_file();

    ram_bytes()[0x4abc] = 0x4a;
    ((uint8_t *)memory_region_get_ram_ptr(rom))[PAGE + 1] = 0x60;
    expect_ranges(0, UINT64_MAX, "0-ffff 100000-101fff ");
    write_core(&core, fd);
    file = map_file(fd, &size);
    head = (const Elf64_Ehdr *)(const void *)file;
    ck_assert_mem_eq(head->e_ident, ELFMAG, SELFMAG);
    ck_assert_uint_eq(head->e_type, ET_CORE);
    ck_assert_uint_eq(head->e_machine, EM_X86_64);
    ck_assert_uint_eq(head->e_phnum, 4);
    load = programs(file) + 1;
    ck_assert_uint_eq(load[0].p_vaddr, 0xffff800000003000);
    ck_assert_uint_eq(load[0].p_paddr, 0x3000);
    ck_assert_uint_eq(load[0].p_filesz, 2 * PAGE);
    ck_assert_uint_eq(load[1].p_offset, load[0].p_offset + PAGE);
    ck_assert_uint_eq(file[load[1].p_offset + 0xabc], 0x4a);
    ck_assert_uint_eq(file[load[2].p_offset + 1], 0x60);
    ck_assert_uint_eq(size, load[2].p_offset + PAGE);
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_int_le(status.st_blocks * 512, 4 * (int)PAGE); /* of 18 pages: the rest are holes */
    (void)close(fd);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    const struct vcpu_snapshot cpu = some_cpu(0);
    const struct core core = {.cpus = &cpu, .cpu_num = 1, .ram = &found};
    struct sparse_file file;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    sparse_file_init(&file, fd);
    ck_assert_int_eq(core_write(&core, &file), -ENOSPC);
    (void)close(fd);
}
END_TEST

START_TEST(zeros_are_holes_and_count_to_the_end)
{
    static const uint8_t bytes[3 * PAGE] = {[PAGE] = 7};
    struct sparse_file file;
    struct stat status;
    int fd = new_file();
    char at[2];

    sparse_file_init(&file, fd);
    OK(sparse_file_add(&file, bytes, sizeof(bytes)));
    OK(sparse_file_add(&file, NULL, 5 * PAGE + 1));
    OK(sparse_file_end(&file));
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_int_eq(status.st_size, 8 * PAGE + 1);
    ck_assert_int_eq(status.st_blocks, PAGE / 512);
    ck_assert_int_eq(pread(fd, at, 2, PAGE), 2);
    ck_assert(at[0] == 7 && at[1] == 0);
    (void)close(fd);
}
END_TEST

START_TEST(no_file_is_longer_than_2_63)
{
    struct sparse_file file;
    int fd = new_file();

    sparse_file_init(&file, fd);
    OK(sparse_file_add(&file, NULL, PAGE));
    ck_assert_int_eq(sparse_file_add(&file, NULL, UINT64_MAX), -EFBIG);
    ck_assert_int_eq(sparse_file_add(&file, NULL, INT64_MAX), -EFBIG);
    ck_assert_uint_eq(file.length, PAGE);
    (void)close(fd);
}
END_TEST

/* ---- page tables ---- */

enum { P = 1, W = 2, PS = 0x80 };

static void set_entry(unsigned table, unsigned index, uint64_t value)
{
    memcpy(ram_bytes() + table * PAGE + index * sizeof(value), &value, sizeof(value));
}

static const struct vcpu_paging long_mode = {
    .regs = {.cr0 = 0x80000001, .cr3 = PAGE, .cr4 = 0x20, .efer = 0x500, .physical_bits = 40},
};

static void expect_mappings(const char *text)
{
    struct core_map map = {.num = 0};
    char line[64], all[512] = "";
    size_t i;

    guest_ram_finish(&found);
    OK(guest_ram_init(&found, &f->as, 0, UINT64_MAX));
    OK(core_map_paging(&map, &found, &long_mode, &f->as));
    for (i = 0; i < map.num; i++) {
        (void)snprintf(line, sizeof(line), "%lx:%lx+%lx ", map.mappings[i].vaddr,
                       map.mappings[i].paddr, map.mappings[i].size);
        (void)strcat(all, line);
    }
    core_map_finish(&map);
    ck_assert_str_eq(all, text);
}

START_TEST(mappings_are_what_the_tables_map_to_memory)
{
    set_entry(1, 0, 2 * PAGE | P | W);
    set_entry(1, 511, 2 * PAGE | P | W);
    set_entry(2, 0, 3 * PAGE | P | W);
    set_entry(3, 0, 4 * PAGE | P | W);
    set_entry(3, 1, 0 | P | W | PS);      /* 2 MiB, of which RAM and ROM are in it */
    set_entry(3, 2, 0xe0000000 | P | PS); /* a device: nothing to save */
    set_entry(4, 5, 5 * PAGE | P | W);
    set_entry(4, 6, 6 * PAGE | P | W); /* follows: one mapping */
    set_entry(4, 7, 5 * PAGE | P | W); /* the same page again */
    expect_mappings("5000:5000+2000 7000:5000+1000 200000:0+10000 300000:100000+2000 "
                    "ffffff8000005000:5000+2000 ffffff8000007000:5000+1000 "
                    "ffffff8000200000:0+10000 ffffff8000300000:100000+2000 ");
}
END_TEST

START_TEST(tables_that_show_one_another_come_to_an_end)
{
    struct core_map map = {.num = 0};
    unsigned i;

    for (i = 0; i < 512; i++) {
        set_entry(1, i, PAGE | P | W);
    }
    OK(guest_ram_init(&found, &f->as, 0, UINT64_MAX));
    ck_assert_int_eq(core_map_paging(&map, &found, &long_mode, &f->as), -E2BIG);
    core_map_finish(&map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_file");
    TCase *tcase = tcase_create("core_file");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, ranges_are_those_of_ram_and_rom_cut_to_what_is_asked_for);
    tcase_add_test(tcase, ranges_in_a_row_are_one_only_where_the_host_has_them_in_a_row);
    tcase_add_test(tcase, what_an_overlay_hides_is_there);
    tcase_add_test(tcase, notes_have_the_registers_of_each_cpu);
    tcase_add_test(tcase, memory_is_in_the_file_once_however_often_it_is_mapped);
    tcase_add_test(tcase, a_full_disk_is_an_error);
    tcase_add_test(tcase, zeros_are_holes_and_count_to_the_end);
    tcase_add_test(tcase, no_file_is_longer_than_2_63);
    tcase_add_test(tcase, mappings_are_what_the_tables_map_to_memory);
    tcase_add_test(tcase, tables_that_show_one_another_come_to_an_end);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
