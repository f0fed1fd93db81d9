/*
 * test_overlay.c - regions that every space shows but the one beneath them.
 */
#include "tests/unit/memory_device.h"

#include <stdlib.h>
#include <string.h>

static struct fixture *f;
static AddressSpace beneath;
static MemoryRegion *ram;

/* RAM of four pages, and a second space of the same root. */
static void setup(void)
{
    f = fixture_new();
    ram = ram_new(f, "ram", 4 * PAGE);
    put(f->root, 0, ram);
    OK(address_space_init(&beneath, &f->core, f->root, "beneath", MEMORY_UNASSIGNED_MEMORY));
}

static void teardown(void)
{
    address_space_finish(&beneath);
    fixture_free(f);
}

/* A window of MMIO over the second page. */
static MemoryRegion *overlay_new(void)
{
    MemoryRegion *overlay = io_new(f, "overlay", PAGE);

    memory_region_set_beneath(overlay, &beneath, PAGE);
    put_prio(f->root, PAGE, overlay, INT32_MAX);
    return overlay;
}

/* What the space shows; drawn from scratch it would show overlays, too. */
static void expect_beneath(AddressSpace *as, const char *expected)
{
    char *got = view_text(as);

    ck_assert_str_eq(got, expected);
    free(got);
}

START_TEST(an_overlay_is_shown_but_in_the_space_beneath)
{
    MemoryRegion *overlay = overlay_new();

    expect_view(&f->as, "0-fff ram\n1000-1fff overlay\n2000-3fff ram@2000\n");
    expect_beneath(&beneath, "0-3fff ram\n");
    take_out(f->root, overlay);
    expect_view(&f->as, "0-3fff ram\n");
    expect_beneath(&beneath, "0-3fff ram\n");
}
END_TEST

START_TEST(what_changes_under_an_overlay_changes_in_the_space_beneath_alone)
{
    MemoryRegion *other = ram_new(f, "other", PAGE);

    (void)overlay_new();
    put_prio(f->root, PAGE, other, 1);
    expect_view(&f->as, "0-fff ram\n1000-1fff overlay\n2000-3fff ram@2000\n");
    expect_beneath(&beneath, "0-fff ram\n1000-1fff other\n2000-3fff ram@2000\n");
}
END_TEST

START_TEST(who_wants_memory_finds_what_an_overlay_hides)
{
    const MemTxAttrs memory = {.memory = true}, plain = MEMTXATTRS_UNSPECIFIED;
    uint8_t *host = memory_region_get_ram_ptr(ram), bytes[16];

    (void)overlay_new();
    memset(host, 0x5a, 4 * PAGE);
    ck_assert_uint_eq(address_space_read(&f->as, PAGE - 8, memory, bytes, 16), MEMTX_OK);
    ck_assert_uint_eq(bytes[0], 0x5a);
    ck_assert_uint_eq(bytes[15], 0x5a);
    memset(bytes, 0xa5, sizeof(bytes));
    ck_assert_uint_eq(address_space_write(&f->as, 2 * PAGE - 8, memory, bytes, 16), MEMTX_OK);
    ck_assert_uint_eq(host[2 * PAGE - 1], 0xa5);
    ck_assert_uint_eq(host[2 * PAGE], 0xa5);
    ck_assert_uint_eq(address_space_read(&f->as, 2 * PAGE - 8, plain, bytes, 8), MEMTX_OK);
    ck_assert_uint_eq(bytes[0], 0); /* the overlay's own answer */
}
END_TEST

START_TEST(images_are_written_through_an_overlay)
{
    uint8_t *host = memory_region_get_ram_ptr(ram), bytes[2 * PAGE];

    (void)overlay_new();
    memset(bytes, 0x77, sizeof(bytes));
    OK((int)address_space_write_rom(&f->as, PAGE / 2, MEMTXATTRS_UNSPECIFIED, bytes,
                                    sizeof(bytes)));
    ck_assert_uint_eq(host[PAGE / 2 - 1], 0);
    ck_assert_mem_eq(host + PAGE / 2, bytes, sizeof(bytes));
    ck_assert_uint_eq(host[PAGE / 2 + 2 * PAGE], 0);
}
END_TEST

static void name_winner(void *opaque, const MemoryExplainStep *step)
{
    const char **winner = opaque;

    if (step->state == MEMORY_EXPLAIN_WINS) {
        *winner = memory_region_name(step->mr);
    }
}

START_TEST(explanations_say_what_the_space_shows)
{
    const char *winner = NULL;

    (void)overlay_new();
    OK(memory_explain(&f->as, PAGE + 8, name_winner, &winner));
    ck_assert_str_eq(winner, "overlay");
    OK(memory_explain(&beneath, PAGE + 8, name_winner, &winner));
    ck_assert_str_eq(winner, "ram");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("overlay");
    TCase *tc = tcase_create("overlay");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_overlay_is_shown_but_in_the_space_beneath);
    tcase_add_test(tc, what_changes_under_an_overlay_changes_in_the_space_beneath_alone);
    tcase_add_test(tc, who_wants_memory_finds_what_an_overlay_hides);
    tcase_add_test(tc, images_are_written_through_an_overlay);
    tcase_add_test(tc, explanations_say_what_the_space_shows);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
