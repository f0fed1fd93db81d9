/*
 * test_board_parts.c - kinds of regions, interrupts and clocks as a tree says them, and what is
 * warned of.
 */
#include "tests/unit/board_fixture.h"

#include <errno.h>

#define PIC "pic: pic@f0000020 { compatible = \"intel,i8259\"; reg = <0 0xf0000020 0 2>; };"
#define IOAPIC                                                                                     \
    "apic: apic { compatible = \"intel,ce4100-ioapic\"; reg = <0 0xfec00000 0 0x1000>;"            \
    " #interrupt-cells = <2>; };"
#define UART(name, addr, text)                                                                     \
    name " { compatible = \"ns16550a\"; reg = <0 " addr " 0 8>; " text " };"
#define SRAM(name, addr, size, text)                                                               \
    name " { compatible = \"mmio-sram\"; reg = <0 " addr " 0 " size ">; " text " };"

/* A container that shows another one twice. */
#define TWICE(name, addr, other)                                                                   \
    name ": " name " { compatible = \"acre,container\"; reg = <0 " addr " 0 0x1000>;"              \
         " #address-cells = <1>; #size-cells = <1>;"                                               \
         " 0 { compatible = \"acre,alias\"; reg = <0 0x800>; acre,target = <&" other ">; };"       \
         " 1 { compatible = \"acre,alias\"; reg = <1 0x800>; acre,target = <&" other ">; }; };"

/* Properties of the root, behind the nodes. */
#define ROOT(text) "}; / { " text

/* What kind of range shows at an address. */
static const struct {
    const char *source;
    hwaddr addr;
    enum memory_region_kind kind;
    bool readonly, romd;
} kinds[] = {
    {SRAM("a", "0x200000", "0x1000", ""), 0x200000, MEMORY_REGION_RAM, false, false},
    {SRAM("a", "0x200000", "0x1000", "read-only;"), 0x200000, MEMORY_REGION_RAM, true, false},
    {"r { compatible = \"acre,ram-device\"; reg = <0 0x200000 0 0x1000>; };", 0x200fff,
     MEMORY_REGION_RAM_DEVICE, false, false},
    {"r { compatible = \"acre,reservation\"; reg = <0 0x5000 0 0x1000>; acre,priority = <1>; };",
     0x5000, MEMORY_REGION_RESERVATION, false, false},
    {"r { compatible = \"acre,reservation\"; reg = <0 0x5000 0 0x1000>; acre,priority = <(-1)>; };",
     0x5000, MEMORY_REGION_RAM, false, false},
    {"r { compatible = \"acre,reservation\"; reg = <0 0x200000 0 1>, <0 0x300000 0 2>; };",
     0x300001, MEMORY_REGION_RESERVATION, false, false},
    {"f { compatible = \"acre,rom-device\"; reg = <0 0x200000 0 0x1000>; };", 0x200000,
     MEMORY_REGION_ROM_DEVICE, false, true},
    {"v { compatible = \"acre,alias\"; reg = <0 0x200000 0 0x1000>; acre,target = <&t>; read-only;"
     " };" SRAM("t: t", "0x300000", "0x1000", ""),
     0x200000, MEMORY_REGION_RAM, true, false},
    {"v { compatible = \"acre,alias\"; reg = <0 0x200000 0 0x1000>; acre,target = <&t>; read-only;"
     " };" SRAM("t: t", "0x300000", "0x1000", ""),
     0x300000, MEMORY_REGION_RAM, false, false},
    {"b { compatible = \"acre,container\"; reg = <0 0x200000 0 0x1000>; read-only;"
     " #address-cells = <1>; #size-cells = <1>;"
     " i { compatible = \"mmio-sram\"; reg = <0 0x1000>; }; };",
     0x200000, MEMORY_REGION_RAM, true, false},
};

START_TEST(node_makes_the_kind_of_region_that_it_names)
{
    const FlatRange *range;
    FlatView *view;

    compile(kinds[_i].source);
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    view = address_space_get_flatview(board_memory(board));
    range = flatview_lookup(view, kinds[_i].addr);
    ck_assert_ptr_nonnull(range);
    ck_assert_int_eq(range->mr->kind, kinds[_i].kind);
    ck_assert_int_eq(range->readonly, kinds[_i].readonly);
    ck_assert_int_eq(range->romd_mode, kinds[_i].romd);
    flatview_unref(view);
    ck_assert_str_eq(warnings, "");
}
END_TEST

START_TEST(buses_in_buses_translate_step_by_step)
{
    compile("soc { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>;"
            " ranges = <0x40000000 1 0x700000 0x10000>;"
            " p { compatible = \"simple-bus\"; #address-cells = <2>; #size-cells = <1>;"
            " ranges = <5 0 0x40000000 0x8000>;"
            " s { compatible = \"mmio-sram\"; reg = <5 0x1000 0x1000>; }; }; };");
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    ck_assert_str_eq(region_at(board_memory(board), 0x100701000), "s");
}
END_TEST

START_TEST(memory_may_have_banks_and_holes_below_and_above_4_gib)
{
    const struct boot_map_entry *map;
    size_t num;

    compile("memory@200000 { device_type = \"memory\"; reg = <0 0x200000 0 0x100000>,"
            " <1 0 0 0x100000>, <2 0 0 0x1000>; };");
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    ck_assert_uint_eq(board_ram_size(board), 0x301000);
    map = board_map(board, &num);
    ck_assert_uint_eq(num, 6);
    ck_assert_uint_eq(map[5].first, 0x200000000);
    ck_assert_str_eq(region_at(board_memory(board), 0x180000), "-");
    ck_assert_str_eq(region_at(board_memory(board), 0x200000fff), "ram");
}
END_TEST

/* What acre,image and acre,data leave in a flash of a page, at 0, 4 and at its end. */
static const struct {
    const char *before;
    bool image;
    uint8_t at_0, at_4, at_last;
} fills[] = {
    {"", false, 0xff, 0xff, 0xff},
    {"acre,data = [01 02 03 04];", false, 0x01, 0x01, 0x04},
    {"", true, 'a', 0, 0},
    {"acre,data = [01 02 03 04];", true, 'a', 0, 0},
};

START_TEST(flash_begins_erased_or_as_it_is_told)
{
    char source[256], image[64];
    AddressSpace *memory;
    FILE *file;
    int len;

    (void)snprintf(image, sizeof(image), "/tmp/acre-board-%d.image", (int)getpid());
    file = fopen(image, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs("abc", file);
    (void)fclose(file);
    len = snprintf(source, sizeof(source),
                   "f { compatible = \"acre,rom-device\"; reg = <0 0x200000 0 0x1000>; %s };",
                   fills[_i].before);
    if (fills[_i].image) {
        (void)snprintf(source + len - 2, sizeof(source) - (size_t)len + 2,
                       "acre,image = \"%s\"; };", image);
    }
    compile(source);
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    (void)unlink(image);
    memory = board_memory(board);
    ck_assert_uint_eq(address_space_ldub(memory, 0x200000, MEMTXATTRS_UNSPECIFIED, NULL),
                      fills[_i].at_0);
    ck_assert_uint_eq(address_space_ldub(memory, 0x200004, MEMTXATTRS_UNSPECIFIED, NULL),
                      fills[_i].at_4);
    ck_assert_uint_eq(address_space_ldub(memory, 0x200fff, MEMTXATTRS_UNSPECIFIED, NULL),
                      fills[_i].at_last);
}
END_TEST

/* What a flash keeps over a reset, and whether it can be programmed. */
static const struct {
    const char *text;
    uint8_t after;
} locks[] = {{"", 0x0f}, {"read-only;", 0xff}};

START_TEST(flash_is_programmed_unless_read_only_and_reset_shows_it)
{
    char source[256];
    AddressSpace *memory;

    (void)snprintf(source, sizeof(source),
                   "f { compatible = \"acre,rom-device\"; reg = <0 0x200000 0 0x1000>; %s };",
                   locks[_i].text);
    compile(source);
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    memory = board_memory(board);
    address_space_stb(memory, 0x200007, 0x40, MEMTXATTRS_UNSPECIFIED, NULL);
    address_space_stb(memory, 0x200007, 0x0f, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert_uint_ne(address_space_ldub(memory, 0x200007, MEMTXATTRS_UNSPECIFIED, NULL), 0x0f);
    board_reset(board);
    ck_assert_uint_eq(address_space_ldub(memory, 0x200007, MEMTXATTRS_UNSPECIFIED, NULL),
                      locks[_i].after);
}
END_TEST

static bool levels[BOARD_GSI_NUM];
static unsigned asked, changes;

static void set_level(void *opaque, bool level)
{
    *(bool *)opaque = level;
    changes++;
}

static struct irq_line line_of(void *opaque, unsigned gsi)
{
    (void)opaque;
    asked |= 1U << gsi;
    return (struct irq_line){.set = set_level, .opaque = &levels[gsi]};
}

static int try_with_lines(const char *source)
{
    const struct board_host host = {.irq = line_of};

    asked = 0;
    compile(source);
    return try_tree_on(&host);
}

/* One port, and the input it is connected to. */
static const struct {
    const char *source;
    unsigned gsi;
} inputs[] = {
    {PIC UART("u", "0x600000", "interrupts = <4>;"), 4},
    {PIC IOAPIC UART("u", "0x600000", "interrupt-parent = <&apic>; interrupts = <23 2>;"), 23},
    {PIC IOAPIC UART("u", "0x600000", "interrupt-parent = <&apic>; interrupts = <2 0>;"), 2},
    {PIC IOAPIC UART("u", "0x600000", "interrupt-parent = <&pic>; interrupts = <15>;"), 15},
    {PIC IOAPIC UART("u", "0x600000", "interrupts = <19 1>;") ROOT("interrupt-parent = <&apic>;"),
     19},
    {PIC IOAPIC
     "bus { compatible = \"simple-bus\"; ranges; #address-cells = <2>; #size-cells = <2>;"
     " interrupt-parent = <&apic>; " UART("u", "0x600000", "interrupts = <17 1>;") " };" ROOT(
         "interrupt-parent = <&pic>;"),
     17},
    {"p { compatible = \"intel,i8259\"; reg = <0 0x700000 0 2>; #interrupt-cells = <2>; };" UART(
         "u", "0x600000", "interrupts = <3 3>;"),
     3},
};

START_TEST(interrupt_goes_to_the_input_of_its_interrupt_parent)
{
    ck_assert_msg(try_with_lines(inputs[_i].source) == 0, "%s", err.text);
    ck_assert_uint_eq(asked, 1U << inputs[_i].gsi);
}
END_TEST

/* Lets the port at `addr` ask for an interrupt: its transmitter is empty. */
static void raise(hwaddr addr, bool on)
{
    address_space_stb(board_memory(board), addr + 1, on ? 2 : 0, MEMTXATTRS_UNSPECIFIED, NULL);
}

START_TEST(shared_line_is_up_while_anybody_holds_it)
{
    ck_assert_msg(try_with_lines(PIC UART("u", "0x600000", "interrupts = <4>;")
                                     UART("v", "0x700000", "interrupts = <4>;")) == 0,
                  "%s", err.text);
    changes = 0;
    raise(0x600000, true);
    ck_assert(levels[4]);
    raise(0x700000, true);
    raise(0x600000, false);
    ck_assert(levels[4]);
    raise(0x700000, false);
    ck_assert(!levels[4]);
    ck_assert_uint_eq(changes, 2);
    raise(0x700000, true);
    ck_assert(levels[4]);
    board_reset(board);
    ck_assert(!levels[4]);
}
END_TEST

/* Frequencies that a timer takes, and that it does not. */
static const struct {
    const char *text, *refused;
} clocks[] = {
    {"", NULL},
    {"clock-frequency = <1193182>;", NULL},
    {"clocks = <&c>;", NULL},
    {"clock-frequency = <1000000>;", "/t: clock-frequency: 1000000 Hz; this timer has 1193182"},
    {"clocks = <&d>;", "/d: clock-frequency: missing or 0"},
    {"clocks = <&n>;", "/t: clocks: not one fixed-clock"},
    {"clocks = <99>;", "/t: clocks: not one fixed-clock"},
    {"clocks = <&c &c>;", "/t: clocks: not one fixed-clock"},
};

START_TEST(clock_is_a_frequency_or_a_fixed_clock)
{
    char source[512];

    (void)snprintf(source, sizeof(source),
                   "c: c { compatible = \"fixed-clock\"; clock-frequency = <1193182>; };"
                   "d: d { compatible = \"fixed-clock\"; };"
                   "n: n { clock-frequency = <1193182>; };"
                   "t { compatible = \"intel,8254\"; reg = <0 0x600000 0 4>, <0 0x601000 0 1>; %s"
                   " };",
                   clocks[_i].text);
    compile(source);
    if (clocks[_i].refused) {
        ck_assert_int_eq(try_tree(), -EINVAL);
        ck_assert_refused(clocks[_i].refused);
    } else {
        ck_assert_msg(try_tree() == 0, "%s", err.text);
    }
}
END_TEST

/* Trees that are refused; the text follows the file's name. */
static const struct {
    const char *source, *text;
} bad[] = {
    {PIC UART("u", "0x600000", "interrupts = <2>;"), "/u: interrupts: there is no ISA interrupt 2"},
    {PIC IOAPIC UART("u", "0x600000", "interrupt-parent = <&apic>; interrupts = <24 1>;"),
     "/u: interrupts: the I/O APIC has no input 24"},
    {PIC IOAPIC UART("u", "0x600000", "interrupt-parent = <&apic>; interrupts = <16 4>;"),
     "/u: interrupts: 4 in the second cell (0 rising, 1 low, 2 high, 3 falling)"},
    {PIC IOAPIC UART("u", "0x600000", "interrupt-parent = <&apic>; interrupts = <16>;"),
     "/u: interrupts: 4 bytes; the device has 1 of 8 each"},
    {PIC UART("u", "0x600000", "interrupts = <3>, <4>;"),
     "/u: interrupts: 8 bytes; the device has 1 of 4 each"},
    {PIC UART("u", "0x600000", "interrupts = [];"),
     "/u: interrupts: 0 bytes; the device has 1 of 4 each"},
    {PIC "x { compatible = \"acre,debugcon\"; reg = <0 0x600000 0 1>; interrupts = <4>; };",
     "/x: interrupts: 4 bytes; the device has 0 of 4 each"},
    {PIC UART("u", "0x600000", "interrupt-parent = <77>; interrupts = <4>;"),
     "/u: interrupt-parent: no such node"},
    {PIC "n: n { };" UART("u", "0x600000", "interrupt-parent = <&n>; interrupts = <4>;"),
     "/n: compatible: an interrupt-parent is an intel,i8259 or an intel,ce4100-ioapic"},
    {IOAPIC UART("u", "0x600000", "interrupt-parent = <&apic>; interrupts = <16 1>;"),
     "/u: interrupts: the board has no interrupt controllers (no intel,i8259)"},
    {"p { compatible = \"intel,i8259\"; reg = <0 0x700000 0 2>; #interrupt-cells = <3>; };" UART(
         "u", "0x600000", "interrupts = <3 3>;"),
     "/p: #interrupt-cells: 3, neither 1 nor 2"},
    {"p { compatible = \"intel,i8259\"; reg = <0 0x700000 0 2>; status = \"disabled\"; };" UART(
         "u", "0x600000", "interrupts = <3>;"),
     "/u: interrupts: the board has no interrupt controllers (no intel,i8259)"},
    {PIC "t { compatible = \"intel,8254\"; reg = <0 0x800000 0 4>, <0 0x801000 0 1>;"
         " interrupts = <4>; };" UART("u", "0x600000", "interrupts = <4>;"),
     "/u: interrupts: 4 is taken by /t, and the two cannot share it"},
    {PIC UART("u", "0x600000", "interrupts = <4>;") "t { compatible = \"intel,8254\"; reg = <0 "
                                                    "0x800000 0 4>, <0 0x801000 0 1>;"
                                                    " interrupts = <4>; };",
     "/t: interrupts: 4 is taken by /u, and the two cannot share it"},
    {"f { compatible = \"acre,rom-device\"; reg = <0 0x200000 0 0x1000>; acre,erase-size = <300>;"
     " };",
     "/f: acre,erase-size: 0x12c, not a power of two from 256 on"},
    {"f { compatible = \"acre,rom-device\"; reg = <0 0x200000 0 0x1000>, <0 0x300000 0 1>; };",
     "/f: reg: 2 entries, the device has 1"},
    {"r { compatible = \"acre,reservation\"; };", "/r: reg: missing"},
    {SRAM("a", "0x200000", "0x1000", "acre,priority = \"high\";"),
     "/a: acre,priority: 5 bytes, not 4"},
    {"b: b { compatible = \"acre,container\"; reg = <0 0x200000 0 0x2000>;"
     " #address-cells = <1>; #size-cells = <1>;"
     " v { compatible = \"acre,alias\"; reg = <0 0x1000>; acre,target = <&b>; }; };",
     "/b/v: aliases lead back to what holds them"},
    {TWICE("a", "0x401000", "b") TWICE("b", "0x402000", "c") TWICE("c", "0x403000", "d")
         TWICE("d", "0x404000", "e") TWICE("e", "0x405000", "f") TWICE("f", "0x406000", "g")
             TWICE("g", "0x407000", "h") TWICE("h", "0x408000", "i") TWICE("i", "0x409000", "j")
                 TWICE("j", "0x410000", "k") TWICE("k", "0x411000", "l") TWICE("l", "0x412000", "m")
                     TWICE("m", "0x413000", "n") TWICE("n", "0x414000", "o")
                         TWICE("o", "0x415000", "p") TWICE("p", "0x416000", "q")
                             TWICE("q", "0x417000", "r") TWICE("r", "0x418000", "s")
                                 TWICE("s", "0x419000", "t") TWICE("t", "0x420000", "u")
                                     TWICE("u", "0x421000", "v") TWICE("v", "0x422000", "w")
                                         TWICE("w", "0x423000", "x") TWICE("x", "0x424000", "y")
                                             SRAM("y: y", "0x300000", "0x1000", ""),
     "/: aliases and containers multiply to too many regions"},
    {ROOT("memory@0 { status = \"disabled\"; };"), "/: no memory node"},
    {SRAM("a", "0x200000", "0x1000", "acre,name = \"x\\ny\";"),
     "/a: acre,name: a name must be of printable ASCII characters"},
    {SRAM("a", "0x200000", "0x1000", "acre,name = \"\";"),
     "/a: acre,name: a name must be of printable ASCII characters"},
    {"x { compatible = \"a\\n\\x1b[1m\"; };", "/x: compatible: nothing here is a 'a??[1m'"},
    {"b { compatible = \"simple-bus\"; #address-cells = <2>; #size-cells = <2>; ranges;"
     " m { device_type = \"memory\"; reg = <0 0x200000 0 0x1000>; }; };",
     "/b/m: device_type: memory is a child of the root (mmio-sram may be anywhere)"},
    {"b { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>;"
     " ranges = <0 0xffffffff 0xfffff000 0x2000>; s { compatible = \"mmio-sram\";"
     " reg = <0x1000 0x1000>; }; };",
     "/b/s: reg: 0x1000 is in none of its bus's ranges"},
    {"memory@f { device_type = \"memory\"; reg = <0x10000 0 0x10000000 0>; };",
     "/memory@f: reg: 1125899906842624 KiB of memory: Cannot allocate memory"},
};

START_TEST(bad_tree_is_one_error_that_names_node_and_property)
{
    compile(bad[_i].source);
    ck_assert_int_lt(try_tree(), 0);
    ck_assert_refused(bad[_i].text);
}
END_TEST

/* Trees that work, and what is said about them; the text follows the file's name. NULL: nothing. */
static const struct {
    const char *source, *text;
} odd[] = {
    {SRAM("a", "0x200000", "0x1000", "acre,prioritiy = <1>;"),
     "/a: acre,prioritiy: there is no such property"},
    {SRAM("a", "0x200000", "0x1000", "other,priority = <1>; label = \"x\";"), NULL},
    {SRAM("a", "0x200000", "0x2000", "") SRAM("b", "0x201000", "0x2000", ""),
     "/b: reg: covers 0x201000-0x201fff of /a at the same priority (acre,priority decides)"},
    {SRAM("b", "0x201000", "0x2000", "") SRAM("a", "0x200000", "0x2000", ""),
     "/a: reg: covers 0x201000-0x201fff of /b at the same priority (acre,priority decides)"},
    {SRAM("a", "0x200000", "0x4000", "") SRAM("b", "0x201000", "0x1000", "acre,priority = <1>;"),
     NULL},
    {SRAM("a", "0x200000", "0x1000", "") SRAM("b", "0x201000", "0x1000", ""), NULL},
    {SRAM("a", "0xff000", "0x1000", ""),
     "/a: reg: covers 0xff000-0xfffff of /memory@0 at the same priority (acre,priority decides)"},
    {"c { compatible = \"acre,container\"; reg = <0 0x200000 0 0x2000>;"
     " #address-cells = <1>; #size-cells = <1>;"
     " i { compatible = \"mmio-sram\"; reg = <0 0x2000>; };"
     " j { compatible = \"mmio-sram\"; reg = <0x1000 0x1000>; }; };",
     "/c/j: reg: covers 0x1000-0x1fff of /c/i at the same priority (acre,priority decides)"},
    {"v { compatible = \"acre,alias\"; reg = <0 0x200000 0 0x2000>; acre,target = <&t>;"
     " acre,offset = <0x10>; };" SRAM("t: t", "0x300000", "0x4000", ""),
     "0x200000-0x201fff: 8192 bytes of t are no whole pages of the host, so that each access exits"
     " to acre (acre,partial-pages in the root: meant so)"},
    {"v { compatible = \"acre,alias\"; reg = <0 0x200800 0 0x2000>; acre,target = <&t>;"
     " acre,offset = <0x800>; };" SRAM("t: t", "0x300000", "0x4000", ""),
     "0x200800-0x2027ff: 4096 bytes of t are no whole pages of the host, so that each access exits"
     " to acre (acre,partial-pages in the root: meant so)"},
    {"v { compatible = \"acre,alias\"; reg = <0 0x200800 0 0x2000>; acre,target = <&t>;"
     " acre,offset = <0x800>; };" SRAM("t: t", "0x300000", "0x4000", "")
         ROOT("acre,partial-pages;"),
     NULL},
};

START_TEST(what_may_not_be_meant_is_warned_of)
{
    char expected[512] = "";

    compile(odd[_i].source);
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    if (odd[_i].text) {
        (void)snprintf(expected, sizeof(expected), "%s: %s\n", dtb_path, odd[_i].text);
    }
    ck_assert_str_eq(warnings, expected);
}
END_TEST

START_TEST(warnings_have_an_end)
{
    static char source[8192];
    const char *line = warnings;
    unsigned num = 0;

    for (unsigned i = 0; i < 30; i++) {
        (void)sprintf(source + strlen(source), "n%u { acre,nothing; };", i);
    }
    compile(source);
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    while ((line = strchr(line, '\n'))) {
        num++;
        line++;
    }
    ck_assert_uint_eq(num, 21);
    ck_assert_ptr_nonnull(strstr(warnings, ".dtb: and 10 more warnings\n"));
}
END_TEST

/* What is under test is the node's `acre,priority`, `acre,name` and `read-only`. */
START_TEST(memory_has_a_priority_and_a_name_like_any_region)
{
    MemoryRegionSection section;

    compile("memory@200000 { device_type = \"memory\"; reg = <0 0x200000 0 0x1000>,"
            " <0 0x400000 0 0x1000>; acre,priority = <2>; acre,name = \"main\"; read-only; };" SRAM(
                "a", "0x200000", "0x1000", "acre,priority = <1>;")
                SRAM("b", "0x400000", "0x1000", "acre,priority = <3>;"));
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    ck_assert_str_eq(warnings, "");
    ck_assert_str_eq(region_at(board_memory(board), 0x200000), "main");
    ck_assert_str_eq(region_at(board_memory(board), 0x400000), "b");
    ck_assert(address_space_find(board_memory(board), 0x200000, 1, &section));
    ck_assert(section.readonly);
    memory_region_unref(section.mr);
}
END_TEST

START_TEST(built_in_boards_give_no_warning)
{
    /* With an edit, since what is built in is checked only when something changed. */
    struct board_config config = {.warn = keep_warning, .bootargs = "x"};
    const char *summary;
    size_t i;

    warnings[0] = '\0';
    for (i = 0; (config.name = board_builtin(i, &summary)) != NULL; i++) {
        ck_assert_ptr_nonnull(summary);
        ck_assert_msg(board_open(&config, &board, &err) == 0, "%s", err.text);
        ck_assert_msg(board_build(board, &core, NULL, &err) == 0, "%s", err.text);
        ck_assert_str_eq(warnings, "");
        teardown();
        setup();
    }
    ck_assert_uint_ge(i, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("board_parts");
    TCase *tcase = tcase_create("board_parts");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_table_test(tcase, node_makes_the_kind_of_region_that_it_names, kinds);
    tcase_add_test(tcase, buses_in_buses_translate_step_by_step);
    tcase_add_test(tcase, memory_may_have_banks_and_holes_below_and_above_4_gib);
    tcase_add_table_test(tcase, flash_begins_erased_or_as_it_is_told, fills);
    tcase_add_table_test(tcase, flash_is_programmed_unless_read_only_and_reset_shows_it, locks);
    tcase_add_table_test(tcase, interrupt_goes_to_the_input_of_its_interrupt_parent, inputs);
    tcase_add_test(tcase, shared_line_is_up_while_anybody_holds_it);
    tcase_add_table_test(tcase, clock_is_a_frequency_or_a_fixed_clock, clocks);
    tcase_add_table_test(tcase, bad_tree_is_one_error_that_names_node_and_property, bad);
    tcase_add_table_test(tcase, what_may_not_be_meant_is_warned_of, odd);
    tcase_add_test(tcase, warnings_have_an_end);
    tcase_add_test(tcase, memory_has_a_priority_and_a_name_like_any_region);
    tcase_add_test(tcase, built_in_boards_give_no_warning);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
