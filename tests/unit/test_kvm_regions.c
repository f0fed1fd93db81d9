/*
 * test_kvm_regions.c - a slot may show several regions that share a block (a watched page of a ROM
 * lies in one with the rest of it). It names one that is there, whatever comes and goes.
 */
#include <stdlib.h>

#include "kvm_fixture.h"
#include "run_suite.h"

enum { BLOCK_PAGES = 8, PAGE_BYTES = 0x1000, STEPS = 2000 };

static const hwaddr BASE = 2 * RAM_SIZE;

/* A page of a block, shown by a region of its own. */
struct overlay {
    MemoryRegion whole, part;
};

static MemoryRegion shared;
static struct overlay *overlays[BLOCK_PAGES]; /* NULL: not shown */

static void overlay_free(MemoryRegion *mr)
{
    free(mr->destructor_opaque);
}

static void show(unsigned page)
{
    struct overlay *o = calloc(1, sizeof(*o));

    ck_assert_ptr_nonnull(o);
    ck_assert_int_eq(
        memory_region_init_rom(&o->whole, NULL, "watch", ram_block_ref(shared.ram_block)), 0);
    memory_region_set_destructor(&o->whole, overlay_free, o);
    ck_assert_int_eq(
        memory_region_init_alias(&o->part, NULL, "watch", &o->whole, page * PAGE_BYTES, PAGE_BYTES),
        0);
    mount(&o->part, BASE + page * PAGE_BYTES);
    overlays[page] = o;
}

static void hide(unsigned page)
{
    struct overlay *o = overlays[page];

    unmount(&o->part);
    memory_region_unref(&o->part);
    memory_region_unref(&o->whole);
    overlays[page] = NULL;
}

static void setup_shared(void)
{
    setup();
    make_ram(&shared, "shared", BLOCK_PAGES * PAGE_BYTES, true);
    ck_assert_int_eq(memory_region_add_subregion(&root, BASE, &shared), 0);
    mock_restart(&mock);
}

static void teardown_shared(void)
{
    unsigned page;

    for (page = 0; page < BLOCK_PAGES; page++) {
        if (overlays[page]) {
            hide(page);
        }
    }
    unmount(&shared);
    memory_region_unref(&shared);
    teardown();
}

START_TEST(a_slot_that_is_cut_names_a_region_on_its_side)
{
    show(1);
    ck_assert_str_eq(mock.log, ""); /* the same memory */
    assert_audit();
    mount(&window, BASE + 3 * PAGE_BYTES); /* four pages: what is left is 0-2 and 7 */
    assert_audit();
    hide(1);
    assert_audit();
    ck_assert_ptr_eq(kvm_slots_lookup(&slots, BASE + 7 * PAGE_BYTES)->mr, &shared);
    unmount(&window);
    assert_audit();
}
END_TEST

/* Overlays and the window come and go by chance. */
START_TEST(a_slot_names_a_region_that_it_shows)
{
    unsigned step, random = 1;
    bool cut = false;

    for (step = 0; step < STEPS; step++) {
        unsigned what = (random >> 16) % (BLOCK_PAGES + 1);

        random = random * 1103515245 + 12345;
        if (what < BLOCK_PAGES) {
            (overlays[what] ? hide : show)(what);
        } else if (cut) {
            unmount(&window);
            cut = false;
        } else {
            mount(&window, BASE + (random >> 20) % 5 * PAGE_BYTES);
            ck_assert_int_eq(memory_region_set_priority(&window, 2), 0);
            cut = true;
        }
        assert_audit();
    }
    if (cut) {
        unmount(&window);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kvm_regions");
    TCase *tcase = tcase_create("regions");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup_shared, teardown_shared);
    tcase_add_test(tcase, a_slot_that_is_cut_names_a_region_on_its_side);
    tcase_add_test(tcase, a_slot_names_a_region_that_it_shows);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
