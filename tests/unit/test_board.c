/* test_board.c - the built-in boards, and trees from files: what they make, and what is refused. */
#include "vmm/board.h"

#include "tests/unit/board_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>

#include "vmm/board_tree.h"

#define GIB (UINT64_C(1) << 30)

static int open_board(const char *name, uint64_t ram_size, unsigned cpu_num)
{
    const struct board_config config = {.name = name, .ram_size = ram_size, .cpu_num = cpu_num};

    return board_open(&config, &board, &err);
}

static void build(const char *name, uint64_t ram_size)
{
    ck_assert_msg(open_board(name, ram_size, 0) == 0, "%s", err.text);
    ck_assert_msg(board_build(board, &core, NULL, &err) == 0, "%s", err.text);
}

static const struct {
    const char *board;
    bool io;
    hwaddr addr;
    const char *name;
} places[] = {
    {"pc", false, 0, "ram"},
    {"pc", false, 0xa0000, "ram"},
    {"pc", false, 0x7ffffff, "ram"},
    {"pc", false, 0x8000000, "-"},
    {"pc", false, 0xfec00000, "ioapic"},
    {"pc", false, 0xfed000f0, "hpet"},
    {"pc", false, 0xfee00fff, "lapic"},
    {"pc", false, 0xfffc0000, "rom"},
    {"pc", false, 0xfffc1000, "-"},
    {"pc", true, 0x20, "pic"},
    {"pc", true, 0x43, "pit"},
    {"pc", true, 0x60, "i8042-data"},
    {"pc", true, 0x61, "port61"},
    {"pc", true, 0x71, "rtc"},
    {"pc", true, 0xe9, "debugcon"},
    {"pc", true, 0xf7, "debug-exit"},
    {"pc", true, 0x3f8, "serial"},
    {"pc", true, 0x400, "-"},
    {"pc", true, 0x442, "ib700-stop"},
    {"pc", true, 0x443, "ib700-start"},
    {"pc", true, 0x505, "pvpanic"},
    {"pc", true, 0x604, "acpi-pm"},
    {"pc", true, 0x608, "acpi-pm"},
    {"pc", true, 0xcf9, "reset-control"},
    {"bare", false, 0, "ram"},
    {"bare", false, 0xfec00000, "-"},
    {"bare", true, 0xf4, "debug-exit"},
    {"bare", true, 0x3ff, "serial"},
    {"bare", true, 0x40, "-"},
    /* Priorities count among siblings; what has a hole shows what is below. */
    {"puzzle", false, 0x4000000, "-"},
    {"puzzle", false, 0x100000000, "ram"},
    {"puzzle", false, 0xd3000000, "flash"},
    {"puzzle", false, 0xd3201000, "nobody"},
    {"puzzle", false, 0xd3203000, "rom-page"},
    {"puzzle", false, 0xd3300000, "bottom"},
    {"puzzle", false, 0xd3301000, "top"},
    {"puzzle", false, 0xd3302000, "low"},
    {"puzzle", false, 0xd3303fff, "clipped"},
    {"puzzle", false, 0xd3304000, "beside"},
    {"puzzle", false, 0xd3306000, "bottom"},
    /* Aliases of aliases show what the container shows, without what lies over it. */
    {"puzzle", false, 0xd3420000, "-"},
    {"puzzle", false, 0xd3421000, "low"},
    {"puzzle", false, 0xd3400000, "low"},
    {"puzzle", false, 0xd3401000, "clipped"},
    {"puzzle", false, 0xd3402000, "beside"},
    {"puzzle", false, 0xd3431fff, "floor"},
    {"puzzle", false, 0xd3432000, "-"},
    {"puzzle", false, 0xd35007ff, "-"},
    {"puzzle", false, 0xd3500800, "pool"},
    {"puzzle", false, 0xd3600000, "-"},
    {"puzzle", false, 0xd3701fff, "soc-sram"},
    {"puzzle", false, 0xd3702007, "serial"},
    {"puzzle", false, 0x18000ffff, "flash"},
};

START_TEST(built_in_board_has_each_part_in_its_place)
{
    build(places[_i].board, 0);
    ck_assert_str_eq(
        region_at(places[_i].io ? board_io(board) : board_memory(board), places[_i].addr),
        places[_i].name);
}
END_TEST

START_TEST(pc_wants_an_irqchip_and_bare_does_not)
{
    ck_assert_int_eq(open_board("pc", 0, 0), 0);
    ck_assert(board_needs_irqchip(board));
    ck_assert_uint_eq(board_cpu_num(board), 1);
    ck_assert_uint_eq(board_ram_size(board), 128 << 20);
    board_free(board);
    ck_assert_int_eq(open_board("bare", 0, 0), 0);
    ck_assert(!board_needs_irqchip(board));
}
END_TEST

START_TEST(rom_of_the_pc_repeats_its_text)
{
    char text[32];

    build("pc", 0);
    ck_assert_uint_eq(address_space_read(board_memory(board), 0xfffc0fe0, MEMTXATTRS_UNSPECIFIED,
                                         text, sizeof(text)),
                      MEMTX_OK);
    ck_assert_mem_eq(text, "acre rom\0\0\0\0\0\0\0\0acre rom\0\0\0\0\0\0\0\0", 32);
}
END_TEST

/* What -m makes of the map. {0, 0, 0} ends a list. */
static const struct {
    uint64_t ram_size;
    struct boot_map_entry map[8];
} maps[] = {
    {0x10000, {{0, 0xffff, BOOT_MAP_RAM}, {0xa0000, 0xfffff, 2}, {0xfffbc000, 0xfffbffff, 2}}},
    {0xa0000, {{0, 0x9ffff, BOOT_MAP_RAM}, {0xa0000, 0xfffff, 2}, {0xfffbc000, 0xfffbffff, 2}}},
    {0x8000000,
     {{0, 0x9ffff, BOOT_MAP_RAM},
      {0xa0000, 0xfffff, 2},
      {0x100000, 0x7ffffff, BOOT_MAP_RAM},
      {0xfffbc000, 0xfffbffff, 2}}},
    {3 * GIB,
     {{0, 0x9ffff, BOOT_MAP_RAM},
      {0xa0000, 0xfffff, 2},
      {0x100000, 0xbfffffff, BOOT_MAP_RAM},
      {0xfffbc000, 0xfffbffff, 2}}},
    {3 * GIB + 4096,
     {{0, 0x9ffff, BOOT_MAP_RAM},
      {0xa0000, 0xfffff, 2},
      {0x100000, 0xbfffffff, BOOT_MAP_RAM},
      {0xfffbc000, 0xfffbffff, 2},
      {4 * GIB, 4 * GIB + 4095, BOOT_MAP_RAM}}},
    {8 * GIB,
     {{0, 0x9ffff, BOOT_MAP_RAM},
      {0xa0000, 0xfffff, 2},
      {0x100000, 0xbfffffff, BOOT_MAP_RAM},
      {0xfffbc000, 0xfffbffff, 2},
      {4 * GIB, 9 * GIB - 1, BOOT_MAP_RAM}}},
};

START_TEST(memory_is_split_at_3_gib_and_the_map_says_so)
{
    const struct boot_map_entry *map;
    size_t num, i;

    build("pc", maps[_i].ram_size);
    ck_assert_uint_eq(board_ram_size(board), maps[_i].ram_size);
    map = board_map(board, &num);
    for (i = 0; i < num; i++) {
        ck_assert_uint_eq(map[i].first, maps[_i].map[i].first);
        ck_assert_uint_eq(map[i].last, maps[_i].map[i].last);
        ck_assert_int_eq(map[i].type, maps[_i].map[i].type);
    }
    ck_assert_int_eq(maps[_i].map[num].type, 0);
    ck_assert_str_eq(region_at(board_memory(board), 3 * GIB), "-");
    ck_assert_str_eq(region_at(board_memory(board), 4 * GIB),
                     maps[_i].ram_size > 3 * GIB ? "ram" : "-");
}
END_TEST

START_TEST(bytes_above_4_gib_follow_those_below_3_gib)
{
    MemoryRegionSection section;

    build("pc", 4 * GIB);
    ck_assert(address_space_find(board_memory(board), 4 * GIB, 1, &section));
    ck_assert_uint_eq(section.offset_within_region, 3 * GIB);
    memory_region_unref(section.mr);
}
END_TEST

static const unsigned cpu_nums[] = {1, 2, 3, 255};

START_TEST(cpus_are_edited_into_the_tree)
{
    char path[24];
    size_t size;
    const void *dtb;

    ck_assert_int_eq(open_board("pc", 0, cpu_nums[_i]), 0);
    ck_assert_uint_eq(board_cpu_num(board), cpu_nums[_i]);
    dtb = board_dtb(board, &size);
    ck_assert_int_eq(fdt_check_full(dtb, size), 0);
    (void)snprintf(path, sizeof(path), "/cpus/cpu@%x", cpu_nums[_i] - 1);
    ck_assert_int_ge(fdt_path_offset(dtb, path), 0);
}
END_TEST

/* CPU nodes of a board, and what --cpus 2 makes of them. */
static const struct {
    const char *nodes;
    unsigned num;
} cpu_nodes[] = {
    {"", 1},
    {"cpu@0 { };", 1},
    {"cpu@0 { }; cpu@1 { }; cpu@2 { };", 3},
    {"cpu@0 { }; cpu@1 { status = \"disabled\"; };", 1},
    {"cpu@0 { }; cpu@2 { };", 2},
    {"cpu@5 { }; cpu@01 { }; cpu@x { };", 3},
    {"cpu-map { }; cpu@a { }; l2-cache { };", 1},
};

START_TEST(as_many_cpus_as_are_asked_for)
{
    struct board_config config = {.name = dtb_path};
    char source[256];
    size_t size;
    const void *dtb;

    (void)snprintf(source, sizeof(source), "cpus { %s };", cpu_nodes[_i].nodes);
    compile(source);
    ck_assert_msg(board_open(&config, &board, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(board_cpu_num(board), cpu_nodes[_i].num);
    board_free(board);
    config.cpu_num = 2;
    ck_assert_msg(board_open(&config, &board, &err) == 0, "%s", err.text);
    (void)unlink(dtb_path);
    ck_assert_uint_eq(board_cpu_num(board), 2);
    dtb = board_dtb(board, &size);
    if (cpu_nodes[_i].num != 2) {
        ck_assert_int_ge(fdt_path_offset(dtb, "/cpus/cpu@0"), 0);
        ck_assert_int_ge(fdt_path_offset(dtb, "/cpus/cpu@1"), 0);
    }
}
END_TEST

START_TEST(command_line_is_edited_into_the_tree)
{
    const struct board_config config = {.name = "pc", .bootargs = "console=ttyS0"};
    const void *dtb;
    size_t size;

    ck_assert_int_eq(board_open(&config, &board, &err), 0);
    dtb = board_dtb(board, &size);
    ck_assert_str_eq(fdt_getprop(dtb, fdt_path_offset(dtb, "/chosen"), "bootargs", NULL),
                     "console=ttyS0");
}
END_TEST

/* Trees that work, and what shows at an address. */
static const struct {
    const char *source;
    hwaddr addr;
    const char *name;
} good[] = {
    {"", 0xfffff, "ram"},
    /* The later of equals wins; priority beats order. */
    {"a@0 { compatible = \"mmio-sram\"; reg = <0 0x200000 0 0x1000>; };"
     "b@1 { compatible = \"mmio-sram\"; reg = <0 0x200000 0 0x1000>; };",
     0x200000, "b"},
    {"a@0 { compatible = \"mmio-sram\"; reg = <0 0x200000 0 0x1000>; acre,priority = <1>; };"
     "b@1 { compatible = \"mmio-sram\"; reg = <0 0x200000 0 0x1000>; };",
     0x200000, "a"},
    {"a@0 { compatible = \"mmio-sram\"; reg = <0 0x200000 0 0x1000>; };"
     "b@1 { compatible = \"mmio-sram\"; reg = <0 0x200000 0 0x1000>;"
     " acre,priority = <0xffffffff>; };",
     0x200000, "a"},
    /* A container's children are relative to it. */
    {"box@0 { compatible = \"acre,container\"; reg = <0 0x200000 0 0x2000>;"
     " #address-cells = <1>; #size-cells = <1>;"
     " in@1000 { compatible = \"mmio-sram\"; reg = <0x1000 0x1000>; acre,name = \"inner\"; }; };",
     0x201000, "inner"},
    {"box@0 { compatible = \"acre,container\"; reg = <0 0x200000 0 0x2000>;"
     " #address-cells = <1>; #size-cells = <1>;"
     " in@1000 { compatible = \"mmio-sram\"; reg = <0x1000 0x2000>; }; };",
     0x202000, "-"},
    /* Aliases, of memory and of each other, whatever comes first. */
    {"w@0 { compatible = \"acre,alias\"; reg = <0 0x300000 0 0x1000>; acre,target = <&v>;"
     " acre,offset = <0x1000>; };"
     "v: v@0 { compatible = \"acre,alias\"; reg = <0 0x400000 0 0x2000>; acre,target = <&r>; };"
     "r: r@0 { compatible = \"mmio-sram\"; reg = <0 0x500000 0 0x2000>; };",
     0x300fff, "r"},
    /* A bus translates. */
    {"bus@0 { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>;"
     " ranges = <0x0 0x0 0x600000 0x1000>;"
     " s@0 { compatible = \"mmio-sram\"; reg = <0x0 0x1000>; }; };",
     0x600000, "s"},
    /* A serial port in memory. */
    {"uart@0 { compatible = \"vendor,thing\", \"ns16550a\"; reg = <0 0x600000 0 8>; };", 0x600007,
     "serial"},
    {"off@0 { compatible = \"mmio-sram\"; reg = <0 0x200000 0 0x1000>; status = \"disabled\"; };",
     0x200000, "-"},
    {"some-node { value = <1>; };", 0x200000, "-"},
};

START_TEST(tree_makes_the_map_it_describes)
{
    compile(good[_i].source);
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    ck_assert_str_eq(region_at(board_memory(board), good[_i].addr), good[_i].name);
}
END_TEST

/* Trees that are refused; the text follows the file's name. */
static const struct {
    const char *source, *text;
} bad[] = {
    {"x@0 { compatible = \"acme,rocket\"; };", "/x@0: compatible: nothing here is a 'acme,rocket'"},
    {"x@0 { compatible = [61 62]; };", "/x@0: compatible: nothing here is a ''"},
    {"x@0 { compatible = \"ns16550a\"; };", "/x@0: reg: missing"},
    {"x@0 { compatible = \"ns16550a\"; reg = <0 0>; };",
     "/x@0: reg: 8 bytes, not a multiple of 16"},
    {"x@0 { compatible = \"ns16550a\"; reg = <0 0x600000 0 0>; };",
     "/x@0: reg: 0x600000 and 0x0 bytes: not a range"},
    {"x@0 { compatible = \"ns16550a\"; reg = <0xffffffff 0xffffffff 0 8>; };",
     "/x@0: reg: 0xffffffffffffffff and 0x8 bytes: not a range"},
    {"x@0 { compatible = \"ns16550a\"; reg = <0 0x600000 0 16>; };",
     "/x@0: reg: 16 bytes in entry 0, the device has 8"},
    {"x@0 { compatible = \"ns16550a\"; reg = <0 0x600000 0 8>, <0 0x700000 0 8>; };",
     "/x@0: reg: 2 entries, the device has 1"},
    {"x@0 { compatible = \"ns16550a\"; reg = <0 0x600000 0 8>; reg-shift = <2>; };",
     "/x@0: reg-shift: registers are one byte each, next to each other"},
    {"x@0 { compatible = \"ns16550a\"; reg = <0 0x600000 0 8>; clock-frequency = \"x\"; };",
     "/x@0: clock-frequency: 2 bytes, not 4"},
    {"x@0 { compatible = \"ns16550a\"; reg = <0 0x600000 0 8>; interrupts = <4>; };",
     "/x@0: interrupts: the board has no interrupt controllers (no intel,i8259)"},
    {"pic@0 { compatible = \"intel,i8259\"; reg = <0 0x700000 0 2>; };"
     "x@0 { compatible = \"ns16550a\"; reg = <0 0x600000 0 8>; interrupts = <16>; };",
     "/x@0: interrupts: there is no ISA interrupt 16"},
    {"x@0 { compatible = \"motorola,mc146818\"; reg = <0 0x600000 0 2>; acre,base = \"now\"; };",
     "/x@0: acre,base: 'now' is not utc, localtime, or a date as 2006-06-17T16:01:21"},
    {"x@0 { compatible = \"mmio-sram\"; reg = <0 0x600000 0 0x1000>; acre,name = \"a\\x1b[2J\"; };",
     "/x@0: acre,name: a name must be of printable ASCII characters"},
    {"x@0 { compatible = \"mmio-sram\"; reg = <0 0x600000 0 0x1000>; acre,name = \"\\x80\"; };",
     "/x@0: acre,name: a name must be of printable ASCII characters"},
    {"x@0 { compatible = \"motorola,mc146818\"; reg = <0 0x600000 0 2>; acre,base = [31]; };",
     "/x@0: acre,base: not a string"},
    {"x@0 { compatible = \"ibase,ib700\"; reg = <0 0x600000 0 2>, <0 0x600002 0 2>;"
     "acre,action = \"bark\"; };",
     "/x@0: acre,action: 'bark' is not one of exit, reset, poweroff, none"},
    {"x@0 { compatible = \"acre,acpi-pm\"; reg = <0 0x600000 0 12>, <0 0x600cf8 0 4>;"
     "acre,timer-bits = <31>; };",
     "/x@0: acre,timer-bits: 24 or 32, not 31"},
    {"x@0 { compatible = \"intel,ce4100-hpet\"; reg = <0 0x600000 0 0x400>;"
     "acre,interrupt-routes = <0x1000001>; };",
     "/x@0: acre,interrupt-routes: 0x1000001 has interrupts other than 3 to 23"},
    {"x@0 { compatible = \"acre,debug-exit\"; reg = <0 0x600000 0 3>; };",
     "/x@0: reg: 3 ports; 1, 2 or 4 are possible"},
    {"x@0 { compatible = \"acre,rom\"; reg = <0 0x600000 0 0x1000>; };",
     "/x@0: acre,data: missing, and acre,image too"},
    {"x@0 { compatible = \"acre,rom\"; reg = <0 0x600000 0 0x800>; acre,data = [01]; };",
     "/x@0: reg: memory comes in pages of 4096 bytes"},
    {"x@0 { compatible = \"acre,rom\"; reg = <0 0x600000 1 0>; acre,data = [01]; };",
     "/x@0: reg: a ROM has at most 64 MiB"},
    {"x@0 { compatible = \"acre,rom\"; reg = <0 0x600000 0 0x1000>; acre,image = \"/no/file\"; };",
     "/x@0: acre,image: /no/file: No such file or directory"},
    {"x@0 { compatible = \"acre,rom\"; reg = <0 0x600000 0 0x1000>; acre,image = \"/proc\"; };",
     "/x@0: acre,image: /proc: not a regular file"},
    {"x@0 { compatible = \"acre,alias\"; reg = <0 0x600000 0 0x1000>; };",
     "/x@0: acre,target: no such node"},
    {"x: x@0 { compatible = \"acre,alias\"; reg = <0 0x600000 0 0x1000>; acre,target = <&x>; };",
     "/x@0: acre,target: leads back to this alias"},
    {"n: n { v = <1>; };"
     "x@0 { compatible = \"acre,alias\"; reg = <0 0x600000 0 0x1000>; acre,target = <&n>; };",
     "/x@0: acre,target: names a node that has no region"},
    {"x@0 { compatible = \"acre,bank-switch\"; reg = <0 0x600000 0 0x100>; };",
     "/x@0: acre,regions: wanted: 1 to 32 phandles of nodes with a region"},
    {"x@0 { compatible = \"acre,bank-switch\"; reg = <0 0x600000 0 0x100>; acre,regions = <0>; };",
     "/x@0: acre,regions: phandle 0 names no node that has a region"},
    {"x@0 { compatible = \"acre,bank-switch\"; reg = <0 0x600000 0 0x100>; acre,regions = [01]; };",
     "/x@0: acre,regions: wanted: 1 to 32 phandles of nodes with a region"},
    {"n: n { v = <1>; };"
     "x@0 { compatible = \"acre,bank-switch\"; reg = <0 0x600000 0 0x100>; acre,regions = <&n>; };",
     "/x@0: acre,regions: phandle 1 names no node that has a region"},
    {"x@0 { compatible = \"simple-bus\"; #address-cells = <3>; };",
     "/x@0: #address-cells: 3 is more than 2"},
    {"x@0 { compatible = \"isa\"; #address-cells = <1>; };",
     "/x@0: #address-cells: an isa bus has 2, and 1 in #size-cells"},
    {"x@0 { compatible = \"isa\"; #address-cells = <2>; #size-cells = <1>;"
     " y { compatible = \"acre,debugcon\"; reg = <1 0x10000 1>; }; };",
     "/x@0/y: reg: there is no port 0x10000"},
    {"x@0 { compatible = \"isa\"; #address-cells = <2>; #size-cells = <1>;"
     " y { compatible = \"acre,debugcon\"; reg = <2 0 1>; }; };",
     "/x@0/y: reg: 2 in the first cell (0: memory, 1: I/O port)"},
    {"x@0 { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>;"
     " y { compatible = \"mmio-sram\"; reg = <0 0x1000>; }; };",
     "/x@0: ranges: missing, so that what is inside has no address outside"},
    {"x@0 { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>;"
     " ranges = <0 0 0 0x1000>; y { compatible = \"mmio-sram\"; reg = <0x1000 0x1000>; }; };",
     "/x@0/y: reg: 0x1000 is in none of its bus's ranges"},
    {"x@0 { compatible = \"simple-bus\"; #address-cells = <0>; #size-cells = <0>; ranges;"
     " x2 { compatible = \"simple-bus\"; #address-cells = <0>; #size-cells = <0>; ranges = <0>;"
     " x3 { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>; ranges;"
     " y { compatible = \"mmio-sram\"; reg = <0x10000000 0x1000>; }; }; }; };",
     "/x@0/x2: ranges: 4 bytes, not a multiple of 0"},
    {"memory@1 { device_type = \"memory\"; reg = <0 0x80000 0 0x1000>; };",
     "/memory@1: reg: overlaps other memory"},
    {"memory@1 { device_type = \"memory\"; reg = <0 0x200000 0 0x800>; };",
     "/memory@1: reg: memory comes in pages of 4096 bytes"},
};

START_TEST(bad_tree_is_one_error_that_names_node_and_property)
{
    compile(bad[_i].source);
    ck_assert_int_lt(try_tree(), 0);
    ck_assert_refused(bad[_i].text);
}
END_TEST

/* The error after a failed build leaves a board that can only be freed: teardown does that. */
START_TEST(nesting_has_an_end)
{
    char source[4096] = "";
    int i;

    for (i = 0; i < 20; i++) {
        (void)strcat(source, "b { compatible = \"simple-bus\"; ranges; ");
    }
    for (i = 0; i < 20; i++) {
        (void)strcat(source, "}; ");
    }
    compile(source);
    ck_assert_int_eq(try_tree(), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "nested more than 16 deep"));
}
END_TEST

static const struct {
    const char *name, *text;
    int result;
} files[] = {
    {"pcx", "pcx: unknown board (--board help lists them; a file ends in .dtb or .dts)", -ENOENT},
    {"/no/such.dtb", "/no/such.dtb: No such file or directory", -ENOENT},
    {"/proc/", "/proc/: not a regular file", -EINVAL},
    {"/proc/self/status", "/proc/self/status: 0 bytes; a device tree has 1 to 1048576", -EINVAL},
    {"/etc/passwd", "/etc/passwd: not a device tree: FDT_ERR_BADMAGIC", -EINVAL},
};

START_TEST(file_that_is_no_tree_is_named)
{
    ck_assert_int_eq(open_board(files[_i].name, 0, 0), files[_i].result);
    ck_assert_str_eq(err.text, files[_i].text);
}
END_TEST

static bool irq_levels[32];

static void set_line(void *opaque, bool level)
{
    *(bool *)opaque = level;
}

static struct irq_line give_line(void *opaque, unsigned gsi)
{
    (void)opaque;
    return (struct irq_line){.set = set_line, .opaque = &irq_levels[gsi]};
}

static uint8_t sent[16];
static size_t sent_num;

static size_t send(void *opaque, const uint8_t *data, size_t len)
{
    (void)opaque;
    memcpy(sent + sent_num, data, len);
    sent_num += len;
    return len;
}

static void build_with_host(const char *name)
{
    const struct board_host host = {.irq = give_line, .serial_out = {{.write = send}}};

    ck_assert_int_eq(open_board(name, 0, 0), 0);
    ck_assert_msg(board_build(board, &core, &host, &err) == 0, "%s", err.text);
}

START_TEST(hpet_takes_the_timers_interrupt_over_and_gives_it_back)
{
    AddressSpace *io;

    build_with_host("pc");
    io = board_io(board);
    address_space_stb(io, 0x43, 0x34, MEMTXATTRS_UNSPECIFIED, NULL); /* mode 2: OUT is high */
    ck_assert(irq_levels[0]);
    address_space_stl_le(board_memory(board), 0xfed00010, 2, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert(!irq_levels[0]);
    address_space_stl_le(board_memory(board), 0xfed00010, 0, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert(irq_levels[0]);
    address_space_stl_le(board_memory(board), 0xfed00010, 2, MEMTXATTRS_UNSPECIFIED, NULL);
    board_reset(board);
    ck_assert(!irq_levels[0]);
    address_space_stb(io, 0x43, 0x34, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert_msg(irq_levels[0], "a reset gives it back, too");
}
END_TEST

START_TEST(running_watchdog_is_told_of)
{
    AddressSpace *io;

    build_with_host("pc");
    io = board_io(board);
    ck_assert(!board_watchdog_runs(board));
    address_space_stb(io, 0x443, 0, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert(board_watchdog_runs(board));
    board_reset(board);
    ck_assert(!board_watchdog_runs(board));
}
END_TEST

START_TEST(serial_port_is_connected_to_console_and_interrupt)
{
    const uint8_t text[] = "hi";
    AddressSpace *io;

    build_with_host("pc");
    io = board_io(board);
    address_space_stb(io, 0x3f8, 'A', MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert_uint_eq(sent_num, 1);
    ck_assert_uint_eq(sent[0], 'A');
    address_space_stb(io, 0x3fa, 1, MEMTXATTRS_UNSPECIFIED, NULL); /* FIFO on */
    address_space_stb(io, 0x3f9, 1, MEMTXATTRS_UNSPECIFIED, NULL); /* received data */
    ck_assert_uint_eq(board_serial_receive(board, 0, text, 2), 2);
    ck_assert(irq_levels[4]);
    ck_assert_uint_eq(address_space_ldub(io, 0x3f8, MEMTXATTRS_UNSPECIFIED, NULL), 'h');
    board_reset(board);
    ck_assert(!irq_levels[4]);
}
END_TEST

START_TEST(board_without_serial_port_takes_all_input_and_forgets_it)
{
    compile("");
    ck_assert_int_eq(try_tree(), 0);
    ck_assert_uint_eq(board_serial_receive(board, 0, (const uint8_t *)"abc", 3), 3);
    board_serial_writable(board, 0);
    board_serial_break(board, 0);
    board_reset(board);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("board");
    TCase *tcase = tcase_create("board");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_table_test(tcase, built_in_board_has_each_part_in_its_place, places);
    tcase_add_test(tcase, pc_wants_an_irqchip_and_bare_does_not);
    tcase_add_test(tcase, rom_of_the_pc_repeats_its_text);
    tcase_add_table_test(tcase, memory_is_split_at_3_gib_and_the_map_says_so, maps);
    tcase_add_test(tcase, bytes_above_4_gib_follow_those_below_3_gib);
    tcase_add_table_test(tcase, cpus_are_edited_into_the_tree, cpu_nums);
    tcase_add_table_test(tcase, as_many_cpus_as_are_asked_for, cpu_nodes);
    tcase_add_test(tcase, command_line_is_edited_into_the_tree);
    tcase_add_table_test(tcase, tree_makes_the_map_it_describes, good);
    tcase_add_table_test(tcase, bad_tree_is_one_error_that_names_node_and_property, bad);
    tcase_add_test(tcase, nesting_has_an_end);
    tcase_add_table_test(tcase, file_that_is_no_tree_is_named, files);
    tcase_add_test(tcase, serial_port_is_connected_to_console_and_interrupt);
    tcase_add_test(tcase, hpet_takes_the_timers_interrupt_over_and_gives_it_back);
    tcase_add_test(tcase, running_watchdog_is_told_of);
    tcase_add_test(tcase, board_without_serial_port_takes_all_input_and_forgets_it);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
