/*
 * test_explain.c - who is said to win at an address, by which rule, and why the others do not; and
 * what an access is said to do, against what it does.
 */
#include "memory/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/explain_check.h"
#include "tests/unit/memory_fixture.h"

static struct fixture *f;
static char text[4096];

static void setup(void)
{
    f = fixture_new();
    text[0] = '\0';
}

static void teardown(void)
{
    fixture_free(f);
}

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text + used, sizeof(text) - used, format, args);
    va_end(args);
}

/* One line a step: dots for depth, name@offset, state, and by what. */
static void write_step(void *opaque, const MemoryExplainStep *step)
{
    static const char *const states[] = {
        [MEMORY_EXPLAIN_WINS] = "wins",         [MEMORY_EXPLAIN_PASSES] = "passes",
        [MEMORY_EXPLAIN_HOLE] = "hole",         [MEMORY_EXPLAIN_HIDDEN] = "hidden",
        [MEMORY_EXPLAIN_DISABLED] = "disabled", [MEMORY_EXPLAIN_CLIPPED] = "clipped",
    };
    static const char *const rules[] = {"", " priority", " newest", " child"};

    (void)opaque;
    add("%.*s%s@%" PRIx64 " %s", (int)step->depth, "........", step->mr->name, step->offset,
        states[step->state]);
    add("%s%s%s%s\n", rules[step->rule], step->by ? " " : "", step->by ? step->by->name : "",
        step->readonly ? " ro" : "");
}

static void expect_at(hwaddr addr, const char *expected)
{
    char why[192];

    text[0] = '\0';
    OK(memory_explain(&f->as, addr, write_step, NULL));
    ck_assert_str_eq(text, expected);
    ck_assert_msg(explain_agrees(&f->as, why, sizeof(why)), "%s", why);
}

START_TEST(higher_priority_wins_and_the_loser_says_so)
{
    put(f->root, 0x1000, ram_new(f, "ram", 0x4000));
    put_prio(f->root, 0x2000, io_new(f, "dev", 0x1000), 1);
    put_prio(f->root, 0x2000, io_new(f, "low", 0x1000), -1);
    expect_at(0x2010, "root@2010 passes\n"
                      ".dev@10 wins priority ram\n"
                      ".ram@1010 hidden priority dev\n"
                      ".low@10 hidden priority dev\n");
    expect_at(0x1010, "root@1010 passes\n.ram@10 wins\n");
    expect_at(0x10, "root@10 hole\n");
}
END_TEST

START_TEST(newest_of_equals_wins)
{
    put(f->root, 0x1000, io_new(f, "old", 0x1000));
    put(f->root, 0x1800, io_new(f, "new", 0x1000));
    expect_at(0x1900, "root@1900 passes\n.new@100 wins newest old\n.old@900 hidden newest new\n");
}
END_TEST

START_TEST(region_without_bytes_neither_wins_nor_hides)
{
    MemoryRegion *box = container_new(f, "box", 0);

    put(f->root, 0x1000, ram_new(f, "ram", 0x1000));
    put_prio(f->root, 0x1000, io_new(f, "none", 0), 1);
    put_prio(f->root, 0x1000, box, 2);
    put(box, 0, io_new(f, "inside", 0x10));
    put(f->root, 0x4000, io_new(f, "alone", 0));
    expect_at(0x1000, "root@1000 passes\n.ram@0 wins\n..inside@0 clipped box\n");
    expect_at(0x4000, "root@4000 hole\n");
}
END_TEST

START_TEST(children_come_before_what_they_are_in)
{
    MemoryRegion *dev = io_new(f, "dev", 0x1000);

    put(f->root, 0x1000, dev);
    put(dev, 0x100, io_new(f, "part", 0x10));
    expect_at(0x1104, "root@1104 passes\n.dev@104 hidden child part\n..part@4 wins child dev\n");
    expect_at(0x1110, "root@1110 passes\n.dev@110 wins\n");
}
END_TEST

START_TEST(hole_of_a_container_shows_what_is_below_it)
{
    MemoryRegion *box = container_new(f, "box", 0x2000);

    put(f->root, 0x1000, ram_new(f, "ram", 0x4000));
    put_prio(f->root, 0x1000, box, 5);
    put(box, 0x1000, io_new(f, "dev", 0x100));
    expect_at(0x1010, "root@1010 passes\n.box@10 hole\n.ram@10 wins\n");
    expect_at(0x2010, "root@2010 passes\n.box@1010 passes\n..dev@10 wins priority ram\n"
                      ".ram@1010 hidden priority box\n");
}
END_TEST

START_TEST(disabled_regions_and_what_is_in_them_are_named)
{
    MemoryRegion *box = container_new(f, "box", 0x1000), *off = io_new(f, "off", 0x1000);

    put(f->root, 0x1000, box);
    put(box, 0, io_new(f, "dev", 0x1000));
    put(f->root, 0x1000, off);
    OK(memory_region_set_enabled(box, false));
    OK(memory_region_set_enabled(off, false));
    expect_at(0x1000, "root@1000 hole\n.off@0 disabled off\n.box@0 disabled box\n"
                      "..dev@0 disabled box\n");
}
END_TEST

START_TEST(what_a_container_cuts_off_is_named)
{
    MemoryRegion *outer = container_new(f, "outer", 0x1000), *box = container_new(f, "box", 0x800);

    put(f->root, 0x1000, outer);
    put(outer, 0x800, box);
    put(box, 0x400, io_new(f, "long", 0x1000));
    expect_at(0x1c00, "root@1c00 passes\n.outer@c00 passes\n..box@400 passes\n...long@0 wins\n");
    expect_at(0x2000, "root@2000 hole\n...long@400 clipped box\n");
}
END_TEST

START_TEST(alias_leads_to_its_target_and_ends_with_it)
{
    MemoryRegion *ram = ram_new(f, "ram", 0x2000);

    put(f->root, 0x8000, alias_new(f, "mirror", ram, 0x1000, 0x4000));
    put(f->root, 0, ram);
    expect_at(0x8010, "root@8010 passes\n.mirror@10 passes\n..ram@1010 wins\n");
    expect_at(0x9000, "root@9000 hole\n.mirror@1000 hole\n");
}
END_TEST

START_TEST(read_only_alias_makes_what_it_shows_read_only)
{
    MemoryRegion *ram = ram_new(f, "ram", 0x2000), *alias = alias_new(f, "rom", ram, 0, 0x2000);

    OK(memory_region_set_readonly(alias, true));
    put(f->root, 0x8000, alias);
    put(f->root, 0, ram);
    expect_at(0x8000, "root@8000 passes\n.rom@0 passes ro\n..ram@0 wins ro\n");
    expect_at(0, "root@0 passes\n.ram@0 wins\n");
}
END_TEST

START_TEST(alias_with_a_negative_base_is_followed)
{
    MemoryRegion *low = container_new(f, "low", UINT64_C(1) << 40);

    put(low, UINT64_C(1) << 39, io_new(f, "dev", 0x1000));
    put(f->root, 0x1000, alias_new(f, "window", low, UINT64_C(1) << 39, 0x1000));
    expect_at(0x1234, "root@1234 passes\n.window@234 passes\n..low@8000000234 passes\n"
                      "...dev@234 wins\n");
}
END_TEST

START_TEST(map_that_shows_too_much_at_once_is_told_in_part)
{
    int i;

    for (i = 0; i < (int)MEMORY_EXPLAIN_STEPS_MAX + 10; i++) {
        put(f->root, 0, io_new(f, "dev", 0x1000));
    }
    ck_assert_int_eq(memory_explain(&f->as, 0, write_step, NULL), -E2BIG);
}
END_TEST

START_TEST(explanation_without_memory_is_an_error)
{
    unsigned told = 0;
    uint64_t nth;

    put(f->root, 0, ram_new(f, "ram", 0x1000));
    for (nth = 1;; nth++) {
        text[0] = '\0';
        f->core.fail_alloc = nth;
        if (memory_explain(&f->as, 0, write_step, NULL) == 0) {
            break;
        }
        ck_assert_str_eq(text, "");
        told++;
    }
    f->core.fail_alloc = 0;
    ck_assert_uint_ge(told, 2);
}
END_TEST

static void write_piece(void *opaque, const MemoryPiece *piece)
{
    static const char *const kinds[] = {
        [MEMORY_PIECE_DIRECT] = "direct",
        [MEMORY_PIECE_RAM_DEVICE] = "ramd",
        [MEMORY_PIECE_CALL] = "call",
        [MEMORY_PIECE_REFUSED] = "refused",
        [MEMORY_PIECE_CUT] = "cut",
        [MEMORY_PIECE_READ_ONLY] = "read-only",
        [MEMORY_PIECE_UNASSIGNED] = "unassigned",
        [MEMORY_PIECE_IOMMU] = "iommu",
    };

    (void)opaque;
    add("%" PRIx64 "+%u %s %s@%" PRIx64 "+%u%s\n", piece->addr, piece->size, kinds[piece->kind],
        piece->mr ? piece->mr->name : "-", piece->unit_offset, piece->unit_size,
        piece->read_first ? " rmw" : "");
}

static void expect_access(hwaddr addr, unsigned size, bool is_write, const char *expected)
{
    text[0] = '\0';
    memory_explain_access(&f->as, addr, size, is_write, write_piece, NULL);
    ck_assert_str_eq(text, expected);
}

START_TEST(access_across_ram_a_hole_and_rom_is_three_pieces)
{
    put(f->root, 0x1000, ram_new(f, "ram", 0x1000));
    put(f->root, 0x2002, reservation_new(f, "hole", 2));
    put(f->root, 0x3000, rom_new(f, "rom", 0x1000));
    expect_access(0x1ffe, 8, false,
                  "1ffe+2 direct ram@ffe+2\n2000+2 unassigned -@0+2\n"
                  "2002+2 unassigned hole@0+2\n2004+2 unassigned -@0+2\n");
    expect_access(0x3000, 4, true, "3000+4 read-only rom@0+4\n");
    expect_access(0x3000, 4, false, "3000+4 direct rom@0+4\n");
    expect_access(UINT64_MAX - 1, 4, false, "fffffffffffffffe+4 unassigned -@0+4\n");
    put(f->root, UINT64_MAX - 0xfff, ram_new(f, "top", 0x1000));
    expect_access(UINT64_MAX - 1, 4, false,
                  "fffffffffffffffe+2 direct top@ffe+2\nffffffffffffffff+2 unassigned -@0+2\n");
}
END_TEST

/* Pages 0 and 2 of an IOMMU, the latter to be read only. */
static IOMMUTLBEntry translate(void *opaque, hwaddr addr, IOMMUAccessFlags flag, int index)
{
    (void)flag, (void)index;
    return (IOMMUTLBEntry){
        .target_as = opaque,
        .iova = addr & ~(hwaddr)0xfff,
        .translated_addr = 0x7000 + (addr & ~(hwaddr)0xfff),
        .addr_mask = 0xfff,
        .perm = addr < 0x1000   ? IOMMU_RW
                : addr < 0x2000 ? IOMMU_NONE
                                : IOMMU_RO,
    };
}

static void write_target(void *opaque, const MemoryPiece *piece)
{
    (void)opaque;
    ck_assert_int_eq(piece->kind, MEMORY_PIECE_IOMMU);
    add("%" PRIx64 "+%u %s@%" PRIx64 " %s %" PRIx64 "\n", piece->addr, piece->size, piece->mr->name,
        piece->unit_offset, piece->target_as ? piece->target_as->name : "-", piece->target_addr);
}

START_TEST(iommu_says_where_each_page_leads)
{
    static const IOMMUMemoryRegionOps ops = {.translate = translate};
    MemoryRegion *mr = region_alloc();

    OK(memory_region_init_iommu(mr, &f->core, NULL, &ops, &f->as, "iommu", 0x3000));
    put(f->root, 0x10000, adopt(f, mr));
    memory_explain_access(&f->as, 0x10ffc, 8, false, write_target, NULL);
    memory_explain_access(&f->as, 0x11ffc, 8, false, write_target, NULL);
    memory_explain_access(&f->as, 0x12ffe, 2, true, write_target, NULL);
    ck_assert_str_eq(text, "10ffc+4 iommu@ffc memory 7ffc\n11000+4 iommu@1000 - 0\n"
                           "11ffc+4 iommu@1ffc - 0\n12000+4 iommu@2000 memory 9000\n"
                           "12ffe+2 iommu@2ffe - 0\n");
}
END_TEST

/* What a device's callbacks were called with, and what the explanation said they would be. */
static char called[1024], said[1024];

__attribute__((format(printf, 2, 3))) static void append(char *to, const char *format, ...)
{
    size_t used = strlen(to);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(to + used, sizeof(called) - used, format, args);
    va_end(args);
}

static uint64_t note_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    append(called, "r%u@%" PRIx64 " ", size, addr);
    return 0;
}

static void note_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque, (void)data;
    append(called, "w%u@%" PRIx64 " ", size, addr);
}

static void say_call(void *opaque, const MemoryPiece *piece)
{
    bool is_write = *(const bool *)opaque;

    if (piece->kind != MEMORY_PIECE_CALL) {
        return;
    }
    if (piece->read_first) {
        append(said, "r%u@%" PRIx64 " ", piece->unit_size, piece->unit_offset);
    }
    append(said, "%c%u@%" PRIx64 " ", is_write ? 'w' : 'r', piece->unit_size, piece->unit_offset);
}

static void compare(const char *what, hwaddr addr, unsigned size, bool is_write)
{
    uint8_t buf[8] = {0};

    called[0] = said[0] = '\0';
    memory_explain_access(&f->as, addr, size, is_write, say_call, &is_write);
    (void)address_space_rw(&f->as, addr, MEMTXATTRS_UNSPECIFIED, buf, size, is_write);
    ck_assert_msg(strcmp(called, said) == 0, "%s, %c%u at %" PRIx64 ": calls %s, not %s", what,
                  is_write ? 'w' : 'r', size, addr, called, said);
}

/* Each combination of sizes that ops can state, one a loop test: bits of _i. */
static MemoryRegionOps ops_of(int combination)
{
    unsigned bits = (unsigned)combination;

    return (MemoryRegionOps){
        .read = note_read,
        .write = note_write,
        .valid = {.min_access_size = 1U << (bits & 1),
                  .max_access_size = 2U << (bits >> 1 & 3) & 0xf,
                  .unaligned = (bits >> 3 & 1) != 0},
        .impl = {.min_access_size = 1U << (bits >> 4 & 3),
                 .max_access_size = 8,
                 .unaligned = (bits >> 6 & 1) != 0,
                 .narrow_write =
                     bits >> 7 & 1 ? MEMORY_NARROW_WRITE_RMW : MEMORY_NARROW_WRITE_REJECT},
    };
}

START_TEST(callbacks_of_an_access_are_those_explained)
{
    MemoryRegionOps ops = ops_of(_i);
    char what[32];
    unsigned offset, size;

    (void)snprintf(what, sizeof(what), "ops %d", _i);
    put(f->root, 0x1000, device_new(f, NULL, &ops, NULL, "dev", 0x1d));
    for (offset = 0; offset < 0x20; offset++) {
        for (size = 1; size <= 8; size++) {
            compare(what, 0x1000 + offset, size, false);
            compare(what, 0x1000 + offset, size, true);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *tree = tcase_create("tree"), *access = tcase_create("access");

    tcase_add_checked_fixture(tree, setup, teardown);
    tcase_add_test(tree, higher_priority_wins_and_the_loser_says_so);
    tcase_add_test(tree, newest_of_equals_wins);
    tcase_add_test(tree, region_without_bytes_neither_wins_nor_hides);
    tcase_add_test(tree, children_come_before_what_they_are_in);
    tcase_add_test(tree, hole_of_a_container_shows_what_is_below_it);
    tcase_add_test(tree, disabled_regions_and_what_is_in_them_are_named);
    tcase_add_test(tree, what_a_container_cuts_off_is_named);
    tcase_add_test(tree, alias_leads_to_its_target_and_ends_with_it);
    tcase_add_test(tree, read_only_alias_makes_what_it_shows_read_only);
    tcase_add_test(tree, alias_with_a_negative_base_is_followed);
    tcase_add_test(tree, map_that_shows_too_much_at_once_is_told_in_part);
    tcase_add_test(tree, explanation_without_memory_is_an_error);
    suite_add_tcase(suite, tree);
    tcase_add_checked_fixture(access, setup, teardown);
    tcase_add_test(access, access_across_ram_a_hole_and_rom_is_three_pieces);
    tcase_add_test(access, iommu_says_where_each_page_leads);
    tcase_add_loop_test(access, callbacks_of_an_access_are_those_explained, 0, 256);
    suite_add_tcase(suite, access);
    return run_suite(suite);
}
