/*
 * test_kvm_dirty_ring.c - the dirty ring of one vCPU, against a model of the kernel's half: what
 * the guest writes reaches the client that takes bits, through wrap-around, full rings, resets that
 * stop early and slots that go.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm_fixture.h"
#include "run_suite.h"

enum { PAGES = 256, SIZE = 256, STEPS = 4000, RING_AT = KVM_DIRTY_LOG_PAGE_OFFSET * 4096 };

static uint64_t bitmap[PAGES / 64];
static struct kvm_dirty_rings rings;
static int vcpu_fd;

static void setup_rings(void)
{
    const struct kvm_slots_config config = {.park = on_park, .unpark = on_unpark, .rings = &rings};
    size_t bytes = SIZE * sizeof(struct kvm_dirty_gfn);
    struct error err;

    setup();
    kvm_slots_finish(&slots, false);
    ck_assert_int_eq(kvm_dirty_rings_init(&rings, &kvm, SIZE, &err), 0);
    ck_assert_uint_eq(mock.ring_size, SIZE);
    vcpu_fd = memfd_create("vcpu", 0);
    ck_assert_int_eq(ftruncate(vcpu_fd, (off_t)(RING_AT + bytes)), 0);
    ck_assert_int_eq(kvm_dirty_rings_add(&rings, vcpu_fd), 0);
    mock.ring = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd, RING_AT);
    ck_assert_ptr_ne(mock.ring, MAP_FAILED);
    ck_assert_int_eq(kvm_slots_init(&slots, &kvm, &as, &config), 0);
    ck_assert_int_eq(memory_region_set_log(&ram, true, DIRTY_MEMORY_VGA), 0);
    (void)ram_block_test_and_clear_dirty(ram.ram_block, 0, RAM_SIZE, DIRTY_MEMORY_VGA);
    mock_restart(&mock);
    parks = unparks = 0;
}

static void teardown_rings(void)
{
    teardown();
    kvm_dirty_rings_finish(&rings);
    ck_assert_int_eq(munmap(mock.ring, SIZE * sizeof(struct kvm_dirty_gfn)), 0);
    (void)close(vcpu_fd);
}

static void guest_writes(unsigned page)
{
    ck_assert(mock_guest_write(&mock, page * UINT64_C(4096)));
}

static uint64_t take(uint64_t first, uint64_t num)
{
    return memory_region_snapshot_and_clear_dirty(&ram, first * 4096, num, DIRTY_MEMORY_VGA,
                                                  bitmap);
}

static bool is_dirty(unsigned page)
{
    return ram_block_test_dirty(ram.ram_block, page * UINT64_C(4096), 1, DIRTY_MEMORY_VGA);
}

START_TEST(a_sync_harvests_with_the_vcpus_parked_and_resets)
{
    guest_writes(3);
    guest_writes(200);
    ck_assert_uint_eq(take(0, PAGES), 2);
    ck_assert(bitmap[0] == 1 << 3 && bitmap[3] == 1 << (200 - 192));
    ck_assert_uint_eq(parks, 1);
    ck_assert_uint_eq(unparks, 1);
    ck_assert_uint_eq(mock.ring_back, 2);
    ck_assert_str_eq(mock.log, ""); /* neither log read nor cleared */
    guest_writes(3);                /* it is watched again */
    ck_assert_uint_eq(take(0, PAGES), 1);
    ck_assert(!mock.manual);
}
END_TEST

START_TEST(an_empty_ring_costs_no_ioctl)
{
    ck_assert_uint_eq(take(0, PAGES), 0);
    ck_assert_uint_eq(mock.calls, 0);
}
END_TEST

START_TEST(a_ring_goes_round_many_times)
{
    unsigned round, page;

    for (round = 0; round < 40; round++) {
        for (page = 0; page < 100; page++) {
            guest_writes((round * 37 + page) % PAGES);
        }
        ck_assert_uint_eq(take(0, PAGES), 100);
    }
    ck_assert_uint_eq(mock.ring_back, 4000);
}
END_TEST

START_TEST(a_full_ring_is_harvested_whole)
{
    unsigned page;

    for (page = 0; page < PAGES; page++) {
        if (mock_ring_full(&mock)) {
            ck_assert_int_eq(kvm_dirty_rings_harvest(&rings), SIZE - 64);
        }
        guest_writes(page);
    }
    ck_assert_int_eq(kvm_dirty_rings_harvest(&rings), 64);
    ck_assert_int_eq(kvm_dirty_rings_harvest(&rings), 0);
    ck_assert_uint_eq(take(0, PAGES), PAGES);
}
END_TEST

START_TEST(a_ring_without_a_free_entry_is_harvested_once_round)
{
    unsigned page;

    for (page = 0; page < SIZE; page++) {
        guest_writes(page);
    }
    ck_assert_int_eq(kvm_dirty_rings_harvest(&rings), SIZE);
}
END_TEST

START_TEST(a_reset_that_stops_early_is_issued_again)
{
    unsigned page;

    mock.reset_max = 3;
    for (page = 0; page < 10; page++) {
        guest_writes(page);
    }
    ck_assert_int_eq(kvm_dirty_rings_harvest(&rings), 10);
    ck_assert_uint_eq(mock.calls, 4);
    ck_assert_uint_eq(mock.ring_back, 10);
}
END_TEST

START_TEST(a_reset_that_a_signal_interrupts_is_issued_again)
{
    guest_writes(1);
    mock.fail_at[0] = 1;
    mock.fail_errno = EINTR;
    ck_assert_int_eq(kvm_dirty_rings_harvest(&rings), 1);
    ck_assert_uint_eq(mock.ring_back, 1);
}
END_TEST

START_TEST(a_reset_that_frees_nothing_is_an_error)
{
    guest_writes(1);
    mock.ring_back = mock.ring_put; /* the kernel lost count */
    ck_assert_int_eq(kvm_dirty_rings_harvest(&rings), -EPROTO);
}
END_TEST

START_TEST(when_a_sync_fails_every_page_counts_as_written)
{
    guest_writes(1);
    mock.fail_at[0] = 1;
    ck_assert_uint_eq(take(0, PAGES), PAGES);
}
END_TEST

START_TEST(m71_entries_are_harvested_before_their_slot_goes)
{
    guest_writes(3);
    guest_writes(9); /* in the window to come */
    guest_writes(200);
    mount(&window, 0x8000);
    ck_assert_uint_eq(parks, 1);
    ck_assert_str_eq(mock.log, "-0 +0:0-7fff:1 +1:c000-fffff:1 ");
    ck_assert(is_dirty(3) && is_dirty(9) && is_dirty(200) && !is_dirty(4));
    guest_writes(200); /* now by slot 1 */
    ck_assert_uint_eq(take(0, PAGES), 3);
    ck_assert_uint_eq(bitmap[3], 1 << (200 - 192));
    ck_assert_uint_eq(take(0, PAGES), 0);
}
END_TEST

START_TEST(m71_a_failed_commit_loses_no_entry)
{
    guest_writes(3);
    mock.fail_at[0] = 3; /* reset, delete, create */
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &window, 1), -ENOMEM);
    assert_audit();
    guest_writes(5);
    ck_assert_uint_eq(take(0, PAGES), 2);
    ck_assert_uint_eq(bitmap[0], 1 << 3 | 1 << 5);
}
END_TEST

START_TEST(m71_a_reset_that_fails_fails_the_commit)
{
    guest_writes(3);
    mock.fail_at[0] = 1;
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &window, 1), -ENOMEM);
    ck_assert(is_dirty(3));
    assert_audit();
}
END_TEST

/* A running vCPU writes, and one whose ring is full harvests, before the ioctl has returned. */
static void write_and_harvest(unsigned id)
{
    ck_assert(mock_guest_write(&mock, mock.slots[id].guest_phys_addr + 0x2000));
    ck_assert_int_eq(kvm_dirty_rings_harvest(&rings), 1);
}

START_TEST(m71_a_page_is_marked_as_soon_as_its_slot_is_there)
{
    static MemoryRegion alias;

    ck_assert_int_eq(memory_region_init_alias(&alias, NULL, "alias", &ram, 0x10000, 0x8000), 0);
    mock.created = write_and_harvest;
    mount(&alias, 4 * RAM_SIZE);
    mock.created = NULL;
    ck_assert_uint_eq(parks, 0);
    ck_assert(is_dirty(18));
    unmount(&alias);
    memory_region_unref(&alias);
}
END_TEST

START_TEST(entries_of_no_slot_and_past_its_end_are_given_back_unused)
{
    mock_ring_push(&mock, 63, 0);    /* no such slot */
    mock_ring_push(&mock, 0, PAGES); /* past its end */
    ck_assert_int_eq(kvm_dirty_rings_harvest(&rings), 2);
    ck_assert_uint_eq(take(0, PAGES), 0);
}
END_TEST

START_TEST(a_kvm_without_rings_is_refused_in_words)
{
    struct kvm_dirty_rings none;
    struct kvm_mock other;
    struct kvm its;
    struct error err;

    mock_init(&other, &its);
    other.no_ring = true;
    ck_assert_int_eq(kvm_dirty_rings_init(&none, &its, SIZE, &err), -ENOTSUP);
    ck_assert_ptr_nonnull(strstr(err.text, "no dirty rings of 256 entries"));
    kvm_dirty_rings_finish(&none);
}
END_TEST

/* The guest writes anywhere, the map changes, clients take: a model says what. */
START_TEST(m71_no_entry_is_lost_and_none_is_invented)
{
    bool model[PAGES] = {false};
    unsigned seed = (unsigned)_i, step, i;

    mount(&window, 0x8000);
    for (step = 0; step < STEPS; step++) {
        unsigned what = (unsigned)rand_r(&seed) % 16, page = (unsigned)rand_r(&seed) % PAGES;

        if (what < 10) {
            if (mock_ring_full(&mock)) {
                ck_assert_int_gt(kvm_dirty_rings_harvest(&rings), 0);
            }
            model[page] |= mock_guest_write(&mock, page * UINT64_C(4096));
        } else if (what < 12) {
            ck_assert_int_eq(memory_region_set_address(&window, page * UINT64_C(4096)), 0);
        } else if (what < 14) {
            ck_assert_int_eq(memory_region_set_enabled(&window, rand_r(&seed) % 2), 0);
        } else {
            unsigned num = 1 + (unsigned)rand_r(&seed) % (PAGES - page);

            (void)take(page, num);
            for (i = 0; i < num; i++) {
                ck_assert_msg(model[page + i] == (bitmap[i / 64] >> (i % 64) & 1), "page %u",
                              page + i);
                model[page + i] = false;
            }
        }
    }
    assert_audit();
    unmount(&window);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kvm_dirty_ring");
    TCase *tcase = tcase_create("ring");

    tcase_add_checked_fixture(tcase, setup_rings, teardown_rings);
    tcase_add_test(tcase, a_sync_harvests_with_the_vcpus_parked_and_resets);
    tcase_add_test(tcase, an_empty_ring_costs_no_ioctl);
    tcase_add_test(tcase, a_ring_goes_round_many_times);
    tcase_add_test(tcase, a_full_ring_is_harvested_whole);
    tcase_add_test(tcase, a_ring_without_a_free_entry_is_harvested_once_round);
    tcase_add_test(tcase, a_reset_that_stops_early_is_issued_again);
    tcase_add_test(tcase, a_reset_that_a_signal_interrupts_is_issued_again);
    tcase_add_test(tcase, a_reset_that_frees_nothing_is_an_error);
    tcase_add_test(tcase, when_a_sync_fails_every_page_counts_as_written);
    tcase_add_test(tcase, m71_entries_are_harvested_before_their_slot_goes);
    tcase_add_test(tcase, m71_a_failed_commit_loses_no_entry);
    tcase_add_test(tcase, m71_a_reset_that_fails_fails_the_commit);
    tcase_add_test(tcase, m71_a_page_is_marked_as_soon_as_its_slot_is_there);
    tcase_add_test(tcase, entries_of_no_slot_and_past_its_end_are_given_back_unused);
    tcase_add_test(tcase, a_kvm_without_rings_is_refused_in_words);
    tcase_add_loop_test(tcase, m71_no_entry_is_lost_and_none_is_invented, 1, 9);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
