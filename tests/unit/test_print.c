/*
 * Listings, to the letter: the layout of QEMU's `info mtree` and `info mtree -f`.
 */
#include "tests/unit/memory_fixture.h"

#include <string.h>

struct text {
    char bytes[8192];
    size_t len;
};

static void append(void *opaque, const char *bytes, size_t len)
{
    struct text *text = opaque;

    ck_assert_uint_lt(text->len + len, sizeof(text->bytes));
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

static void expect_tree(struct fixture *f, unsigned flags, const char *expected)
{
    struct text text = {.len = 0};
    struct memory_sink sink = {append, &text};

    memory_print_tree(&f->core, &sink, flags);
    ck_assert_str_eq(text.bytes, expected);
}

static void expect_flat(struct fixture *f, const char *expected)
{
    struct text text = {.len = 0};
    struct memory_sink sink = {append, &text};

    memory_print_flat(&f->core, &sink, NULL, NULL);
    ck_assert_str_eq(text.bytes, expected);
}

/* RAM below, a disabled device with a child, an owner, and an alias that makes a ROM of RAM. */
static void build(struct fixture *f, MemoryOwner *owner)
{
    MemoryRegion *ram = ram_new(f, "guest.ram", 0x8000000);
    MemoryRegion *low = alias_new(f, "lowram", ram, 0, 0xc0000);
    MemoryRegion *shadow = alias_new(f, "shadow", ram, 0xc0000, 0x20000);
    MemoryRegion *regs = container_new(f, "regs", 0x1000);
    MemoryRegion *ioapic = region_alloc();

    OK(memory_region_set_readonly(shadow, true));
    put(f->root, 0, low);
    put(f->root, 0xc0000, shadow);
    put(regs, 0x10, io_new(f, "ctl", 0x10));
    put_prio(f->root, 0xd0000000, regs, 1);
    OK(memory_region_set_enabled(regs, false));
    OK(memory_region_init_reservation(ioapic, &f->core, owner, "ioapic", 0x1000));
    put(f->root, 0xfec00000, adopt(f, ioapic));
}

START_TEST(m80_tree_is_listed_without_what_is_disabled)
{
    struct fixture *f = fixture_new();

    build(f, NULL);
    expect_tree(f, 0,
                "address-space: memory\n"
                "  0000000000000000-ffffffffffffffff (prio 0, i/o): root\n"
                "    0000000000000000-00000000000bffff (prio 0, ram): alias lowram @guest.ram "
                "0000000000000000-00000000000bffff\n"
                "    00000000000c0000-00000000000dffff (prio 0, rom): alias shadow @guest.ram "
                "00000000000c0000-00000000000dffff\n"
                "    00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\n"
                "\n"
                "memory-region: guest.ram\n"
                "  0000000000000000-0000000007ffffff (prio 0, ram): guest.ram\n"
                "\n");
    fixture_free(f);
}
END_TEST

START_TEST(m80_disabled_regions_and_owners_are_listed_on_request)
{
    struct fixture *f = fixture_new();
    MemoryOwner owner;

    memory_owner_init(&owner, "/chips/ioapic");
    build(f, &owner);
    expect_tree(
        f, MEMORY_PRINT_DISABLED | MEMORY_PRINT_OWNER,
        "address-space: memory\n"
        "  0000000000000000-ffffffffffffffff (prio 0, i/o): root\n"
        "    0000000000000000-00000000000bffff (prio 0, ram): alias lowram @guest.ram "
        "0000000000000000-00000000000bffff\n"
        "    00000000000c0000-00000000000dffff (prio 0, rom): alias shadow @guest.ram "
        "00000000000c0000-00000000000dffff\n"
        "    00000000d0000000-00000000d0000fff (prio 1, i/o): regs [disabled]\n"
        "      00000000d0000010-00000000d000001f (prio 0, i/o): ctl\n"
        "    00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic owner:{/chips/ioapic}\n"
        "\n"
        "memory-region: guest.ram\n"
        "  0000000000000000-0000000007ffffff (prio 0, ram): guest.ram\n"
        "\n");
    fixture_free(f);
    memory_owner_finish(&owner);
}
END_TEST

START_TEST(m80_flat_view_shows_the_effective_readonly_state)
{
    struct fixture *f = fixture_new();

    build(f, NULL);
    expect_flat(f, "FlatView #0\n"
                   " AS \"memory\", root: root\n"
                   " Root memory region: root\n"
                   "  0000000000000000-00000000000bffff (prio 0, ram): guest.ram\n"
                   "  00000000000c0000-00000000000dffff (prio 0, rom): guest.ram "
                   "@00000000000c0000\n"
                   "  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\n"
                   "\n");
    fixture_free(f);
}
END_TEST

START_TEST(m80_an_empty_view_says_so)
{
    struct fixture *f = fixture_new();

    expect_flat(f, "FlatView #0\n AS \"memory\", root: root\n Root memory region: root\n"
                   "  No rendered FlatView\n\n");
    fixture_free(f);
}
END_TEST

START_TEST(m80_spaces_of_one_root_share_a_listing)
{
    struct fixture *f = fixture_new();
    MemoryRegion *alias = alias_new(f, "window", f->root, 0, PAGE);
    AddressSpace dma, windowed;

    OK(address_space_init(&dma, &f->core, f->root, "dma", MEMORY_UNASSIGNED_MEMORY));
    OK(address_space_init(&windowed, &f->core, alias, "windowed", MEMORY_UNASSIGNED_MEMORY));
    expect_flat(f, "FlatView #0\n AS \"memory\", root: root\n AS \"dma\", root: root\n"
                   " Root memory region: root\n  No rendered FlatView\n\n"
                   "FlatView #1\n AS \"windowed\", root: window, alias root\n"
                   " Root memory region: window\n  No rendered FlatView\n\n");
    address_space_finish(&windowed);
    address_space_finish(&dma);
    fixture_free(f);
}
END_TEST

static void note_host(void *opaque, AddressSpace *as, const FlatRange *range,
                      struct memory_sink *sink)
{
    ck_assert_ptr_eq(as, opaque);
    memory_sink_printf(sink, " slot of %s", memory_region_name(range->mr));
}

START_TEST(m80_a_note_follows_each_line)
{
    struct fixture *f = fixture_new();
    struct text text = {.len = 0};
    struct memory_sink sink = {append, &text};

    put(f->root, 0, ram_new(f, "ram", PAGE));
    memory_print_flat(&f->core, &sink, note_host, &f->as);
    ck_assert_ptr_nonnull(strstr(text.bytes, "(prio 0, ram): ram slot of ram\n"));
    fixture_free(f);
}
END_TEST

START_TEST(words_for_every_type)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE), *rom = rom_new(f, "rom", PAGE),
                 *flash = romd_new(f, NULL, NULL, "flash", PAGE), *io = io_new(f, "io", 1);
    MemoryRegion *alias = alias_new(f, "alias", alias_new(f, "inner", rom, 0, 8), 0, 8);

    ck_assert_str_eq(memory_region_type_name(ram, false, false), "ram");
    ck_assert_str_eq(memory_region_type_name(ram, true, false), "rom");
    ck_assert_str_eq(memory_region_type_name(ram, false, true), "nv-ram");
    ck_assert_str_eq(memory_region_type_name(rom, false, false), "rom");
    ck_assert_str_eq(memory_region_type_name(flash, false, false), "romd");
    ck_assert_str_eq(memory_region_type_name(io, false, false), "i/o");
    ck_assert_str_eq(memory_region_type_name(f->root, false, false), "i/o");
    ck_assert_str_eq(memory_region_type_name(alias, false, false), "rom");
    fixture_free(f);
}
END_TEST

START_TEST(long_lines_are_cut)
{
    struct text text = {.len = 0};
    struct memory_sink sink = {append, &text};

    memory_sink_printf(&sink, "%2000s", "x");
    ck_assert_uint_lt(text.len, 1025);
    ck_assert_uint_gt(text.len, 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("print");
    TCase *tcase = tcase_create("print");

    tcase_add_test(tcase, m80_tree_is_listed_without_what_is_disabled);
    tcase_add_test(tcase, m80_disabled_regions_and_owners_are_listed_on_request);
    tcase_add_test(tcase, m80_flat_view_shows_the_effective_readonly_state);
    tcase_add_test(tcase, m80_an_empty_view_says_so);
    tcase_add_test(tcase, m80_spaces_of_one_root_share_a_listing);
    tcase_add_test(tcase, m80_a_note_follows_each_line);
    tcase_add_test(tcase, words_for_every_type);
    tcase_add_test(tcase, long_lines_are_cut);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
