/* test_board_serial.c - serial ports of a tree: their numbers, back ends, and those that are added.
 */
#include "tests/unit/board_fixture.h"

#include <errno.h>
#include <libfdt.h>

#define UART(name, addr, text)                                                                     \
    name " { compatible = \"ns16550a\"; reg = <0 " addr " 0 8>; " text " };"
#define ISA                                                                                        \
    "isa { compatible = \"isa\"; device_type = \"isa\"; #address-cells = <2>; #size-cells = <1>;"  \
    " ranges = <0 0 0 0 0x1000000>; };"

static unsigned port_of_byte; /* the port whose sink was written last */
static unsigned wanted;       /* the port that wants input */

static size_t sink_of(unsigned port)
{
    port_of_byte = port;
    return 1;
}

#define SINK(port)                                                                                 \
    static size_t write##port(void *opaque, const uint8_t *data, size_t len)                       \
    {                                                                                              \
        (void)opaque;                                                                              \
        (void)data;                                                                                \
        (void)len;                                                                                 \
        return sink_of(port);                                                                      \
    }
SINK(0)
SINK(1)
SINK(2)
SINK(3)

static void want_input(void *opaque, unsigned port)
{
    (void)opaque;
    wanted = port;
}

static bool line_level;
static unsigned line_changes;

static void set_line(void *opaque, bool level)
{
    (void)opaque;
    line_level = level;
    line_changes++;
}

static struct irq_line give_line(void *opaque, unsigned gsi)
{
    (void)opaque;
    return gsi == 3 ? (struct irq_line){.set = set_line} : (struct irq_line){.set = NULL};
}

static const struct board_host host = {
    .irq = give_line,
    .serial_out = {{.write = write0}, {.write = write1}, {.write = write2}, {.write = write3}},
    .input_wanted = want_input,
};

/* Which addresses the ports are at, by number; 0: no such port. */
static const struct {
    const char *source;
    hwaddr addrs[BOARD_SERIALS];
    unsigned console;
} trees[] = {
    {"", {0}, BOARD_SERIALS},
    {UART("a", "0x200000", "") UART("b", "0x200010", ""), {0x200000, 0x200010}, 0},
    {UART("a", "0x200000", "status = \"disabled\";") UART("b", "0x200010", ""), {0x200010}, 0},
    {UART("a", "0x200000", "") UART("b: b", "0x200010", "") "aliases { serial0 = &b; };",
     {0x200010, 0x200000},
     0},
    {UART("a: a", "0x200000", "") "aliases { serial2 = &a; };", {0, 0, 0x200000}, 2},
    {UART("a: a", "0x200000", "") "aliases { serial0 = &a; serial1 = &a; };", {0x200000}, 0},
    {UART("a: a", "0x200000", "") "aliases { serial1 = \"/nowhere\"; };", {0x200000}, 0},
    {UART("a", "0x200000", "") UART("b", "0x200010", "") "chosen { stdout-path = \"/b:9600\"; };",
     {0x200000, 0x200010},
     1},
    {UART("a", "0x200000", "") UART("b", "0x200010", "") UART("c", "0x200020", "")
         UART("d", "0x200030", "") UART("e", "0x200040", ""),
     {0x200000, 0x200010, 0x200020, 0x200030},
     0},
};

START_TEST(aliases_number_the_ports_and_the_others_take_what_is_free)
{
    unsigned i;

    compile(trees[_i].source);
    ck_assert_msg(try_tree_on(&host) == 0, "%s", err.text);
    ck_assert_uint_eq(board_console_port(board), trees[_i].console);
    for (i = 0; i < BOARD_SERIALS; i++) {
        ck_assert_int_eq(board_has_serial(board, i), trees[_i].addrs[i] != 0);
        if (trees[_i].addrs[i]) {
            port_of_byte = BOARD_SERIALS;
            address_space_stb(board_memory(board), trees[_i].addrs[i], 'x', MEMTXATTRS_UNSPECIFIED,
                              NULL);
            ck_assert_uint_eq(port_of_byte, i);
        }
    }
}
END_TEST

/* @num  --serial options, of which each says pty. */
static int open_with(const char *name, unsigned num)
{
    struct board_config config = {.name = name};
    unsigned i;

    for (i = 0; i < num; i++) {
        config.serials[i] = (struct board_backend){.given = true, .word = "pty"};
    }
    return board_open(&config, &board, &err);
}

static uint32_t cell_of(const void *fdt, const char *path, const char *property)
{
    int node = fdt_path_offset(fdt, path), len = 0;
    const fdt32_t *cell = node < 0 ? NULL : fdt_getprop(fdt, node, property, &len);

    ck_assert_ptr_nonnull(cell);
    ck_assert_int_eq(len, 4);
    return fdt32_ld(cell);
}

START_TEST(ports_that_a_pc_lacks_are_added_where_pcs_have_them)
{
    static const uint16_t ports[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    const void *fdt;
    unsigned i;
    size_t size;

    ck_assert_msg(open_with("pc", 4) == 0, "%s", err.text);
    ck_assert_msg(board_build(board, &core, &host, &err) == 0, "%s", err.text);
    fdt = board_dtb(board, &size);
    ck_assert_int_eq(fdt_check_full(fdt, size), 0);
    ck_assert_uint_eq(cell_of(fdt, "/isa/serial@i2f8", "interrupts"), 3);
    ck_assert_uint_eq(cell_of(fdt, "/isa/serial@i3e8", "interrupts"), 4);
    ck_assert_uint_eq(cell_of(fdt, "/isa/serial@i2e8", "interrupts"), 3);
    ck_assert_uint_eq(board_console_port(board), 0);
    for (i = 0; i < BOARD_SERIALS; i++) {
        ck_assert_str_eq(board_serial_backend(board, i), "pty");
        address_space_stb(board_io(board), ports[i], 'x', MEMTXATTRS_UNSPECIFIED, NULL);
        ck_assert_uint_eq(port_of_byte, i);
    }
}
END_TEST

START_TEST(board_without_interrupts_gets_polled_ports)
{
    const void *fdt;
    size_t size;

    ck_assert_int_eq(open_with("bare", 2), 0);
    fdt = board_dtb(board, &size);
    ck_assert_ptr_null(
        fdt_getprop(fdt, fdt_path_offset(fdt, "/isa/serial@i2f8"), "interrupts", NULL));
    ck_assert_msg(board_build(board, &core, &host, &err) == 0, "%s", err.text);
    ck_assert(!board_needs_irqchip(board));
}
END_TEST

START_TEST(port_without_an_isa_bus_to_add_it_to_is_refused)
{
    compile(UART("a", "0x200000", ""));
    ck_assert_int_eq(open_with(dtb_path, 2), -EINVAL);
    (void)unlink(dtb_path);
    ck_assert_refused("the board has no serial at port 0x2f8, and no isa bus for one");
}
END_TEST

START_TEST(port_is_not_added_over_a_node_of_its_name)
{
    /* Not an ns16550a, but there. */
    compile("isa { compatible = \"isa\"; device_type = \"isa\"; #address-cells = <2>;"
            " #size-cells = <1>; ranges = <0 0 0 0 0x1000000>; serial@i3f8 { }; };");
    ck_assert_int_eq(open_with(dtb_path, 1), -EINVAL);
    (void)unlink(dtb_path);
    ck_assert_refused("/isa: serial@i3f8 cannot be added: FDT_ERR_EXISTS");
}
END_TEST

START_TEST(debug_console_is_added_where_there_is_none)
{
    struct board_config config = {.name = dtb_path, .debugcon = {.given = true, .word = "null"}};

    compile(ISA);
    ck_assert_msg(board_open(&config, &board, &err) == 0, "%s", err.text);
    (void)unlink(dtb_path);
    ck_assert_str_eq(board_debugcon_backend(board), "null");
    ck_assert_msg(board_build(board, &core, &host, &err) == 0, "%s", err.text);
    ck_assert_str_eq(region_at(board_io(board), 0xe9), "debugcon");
}
END_TEST

/* A path on the command line: not for the tree, where it takes the place of what was there. */
START_TEST(back_end_that_is_a_path_leaves_no_word_in_the_tree)
{
    struct board_config config = {.name = dtb_path, .serials = {{.given = true, .word = NULL}}};

    compile(UART("a", "0x200000", "acre,backend = \"pty\";"));
    ck_assert_msg(board_open(&config, &board, &err) == 0, "%s", err.text);
    (void)unlink(dtb_path);
    ck_assert_ptr_null(board_serial_backend(board, 0));
}
END_TEST

static const char *const words[] = {"file:x", "unix:x", "unix:x,server", "modem", ""};

START_TEST(tree_that_names_a_path_or_nonsense_is_refused)
{
    char source[256];

    (void)snprintf(source, sizeof(source), UART("a", "0x200000", "acre,backend = \"%s\";"),
                   words[_i]);
    compile(source);
    ck_assert_int_eq(try_tree(), -EINVAL);
    ck_assert_refused("/a: acre,backend: a tree may say stdio, null or pty; paths are for --serial "
                      "and --debugcon");
}
END_TEST

START_TEST(ports_hold_a_shared_line_together)
{
    AddressSpace *io;

    ck_assert_int_eq(open_with("pc", 4), 0);
    ck_assert_msg(board_build(board, &core, &host, &err) == 0, "%s", err.text);
    io = board_io(board);
    address_space_stb(io, 0x2f9, 1, MEMTXATTRS_UNSPECIFIED, NULL);
    address_space_stb(io, 0x2e9, 1, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert_uint_eq(board_serial_receive(board, 1, (const uint8_t *)"b", 1), 1);
    ck_assert_uint_eq(board_serial_receive(board, 3, (const uint8_t *)"d", 1), 1);
    ck_assert(line_level && line_changes == 1);
    ck_assert_uint_eq(address_space_ldub(io, 0x2f8, MEMTXATTRS_UNSPECIFIED, NULL), 'b');
    ck_assert(line_level && line_changes == 1);
    ck_assert_uint_eq(address_space_ldub(io, 0x2e8, MEMTXATTRS_UNSPECIFIED, NULL), 'd');
    ck_assert(!line_level && line_changes == 2);
}
END_TEST

START_TEST(each_port_asks_for_its_own_input)
{
    unsigned port;

    ck_assert_int_eq(open_with("pc", 4), 0);
    ck_assert_msg(board_build(board, &core, &host, &err) == 0, "%s", err.text);
    for (port = 0; port < BOARD_SERIALS; port++) {
        static const uint16_t ports[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};

        wanted = BOARD_SERIALS;
        ck_assert_uint_eq(board_serial_receive(board, port, (const uint8_t *)"xy", 2), 1);
        (void)address_space_ldub(board_io(board), ports[port], MEMTXATTRS_UNSPECIFIED, NULL);
        ck_assert_uint_eq(wanted, port);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("board_serial");
    TCase *tcase = tcase_create("board_serial");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_table_test(tcase, aliases_number_the_ports_and_the_others_take_what_is_free, trees);
    tcase_add_test(tcase, ports_that_a_pc_lacks_are_added_where_pcs_have_them);
    tcase_add_test(tcase, board_without_interrupts_gets_polled_ports);
    tcase_add_test(tcase, port_without_an_isa_bus_to_add_it_to_is_refused);
    tcase_add_test(tcase, port_is_not_added_over_a_node_of_its_name);
    tcase_add_test(tcase, debug_console_is_added_where_there_is_none);
    tcase_add_test(tcase, back_end_that_is_a_path_leaves_no_word_in_the_tree);
    tcase_add_table_test(tcase, tree_that_names_a_path_or_nonsense_is_refused, words);
    tcase_add_test(tcase, ports_hold_a_shared_line_together);
    tcase_add_test(tcase, each_port_asks_for_its_own_input);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
