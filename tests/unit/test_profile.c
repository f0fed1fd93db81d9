/* test_profile.c - what a profile counts, when its tables are full, and several of them summed. */
#include "vmm/profile.h"

#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/run_suite.h"

enum { BEGIN = 1000 };

static struct profile *new_profile(void)
{
    struct profile *profile = malloc(sizeof(*profile));

    ck_assert_ptr_nonnull(profile);
    profile_init(profile, BEGIN);
    return profile;
}

static const char region;

/* One access, which takes `ticks`. */
static void access(struct profile *profile, uint64_t addr, bool write, uint64_t stamp,
                   uint64_t ticks)
{
    const struct profile_exit exit = {
        .stamp = stamp,
        .reason = KVM_EXIT_IO,
        .size = 1,
        .write = write,
        .has_rip = true,
        .count = 3,
        .addr = addr,
        .name = "serial",
        .offset = addr & 7,
        .region = &region,
        .rip = 0x100000 + addr,
    };

    profile_begin(profile, &exit);
    profile_end(profile, stamp + ticks);
}

START_TEST(an_access_counts_for_its_reason_its_place_and_its_instruction)
{
    struct profile *profile = new_profile();
    struct profile_sum total;

    access(profile, 0x3f8, true, BEGIN + 10, 5);
    access(profile, 0x3f8, true, BEGIN + 20, 9);
    total = profile_total(profile);
    ck_assert_uint_eq(total.exits, 2);
    ck_assert_uint_eq(total.ticks, 14);
    ck_assert_uint_eq(total.ticks_max, 9);
    ck_assert_uint_eq(profile->reasons[KVM_EXIT_IO].exits, 2);
    ck_assert_uint_eq(profile->guest_ticks, 15);
    ck_assert_uint_eq(profile->place_num, 1);
    ck_assert_uint_eq(profile->places[0].sum.exits, 2);
    ck_assert_uint_eq(profile->places[0].sum.ticks, 14);
    ck_assert_uint_eq(profile->places[0].items, 6);
    ck_assert_uint_eq(profile->places[0].first_rip, 0x1003f8);
    ck_assert_uint_eq(profile->places[0].slices[0], 2);
    ck_assert_str_eq(profile->places[0].name, "serial");
    ck_assert_uint_eq(profile->code_num, 1);
    ck_assert_uint_eq(profile->code[0].sum.exits, 2);
    free(profile);
}
END_TEST

START_TEST(reads_and_writes_of_one_address_are_two_places)
{
    struct profile *profile = new_profile();

    access(profile, 0x3f8, true, BEGIN, 1);
    access(profile, 0x3f8, false, BEGIN, 1);
    ck_assert_uint_eq(profile->place_num, 2);
    ck_assert_uint_eq(profile->code_num, 1);
    free(profile);
}
END_TEST

START_TEST(another_region_at_the_same_address_is_another_place)
{
    struct profile *profile = new_profile();
    struct profile_exit exit = {.reason = KVM_EXIT_MMIO, .size = 4, .addr = 0x1000, .count = 1};

    profile_begin(profile, &exit);
    profile_end(profile, BEGIN);
    exit.region = &region;
    exit.name = "window";
    profile_begin(profile, &exit);
    profile_end(profile, BEGIN);
    ck_assert_uint_eq(profile->place_num, 2);
    ck_assert_str_eq(profile->places[0].name, "");
    ck_assert_str_eq(profile->places[1].name, "window");
    ck_assert_uint_eq(profile->code_num, 0); /* no RIP was known */
    free(profile);
}
END_TEST

START_TEST(an_exit_that_is_no_access_has_no_place)
{
    struct profile *profile = new_profile();
    const struct profile_exit exit = {.reason = 1000, .stamp = BEGIN, .has_rip = true, .rip = 7};

    profile_begin(profile, &exit);
    profile_end(profile, BEGIN + 3);
    ck_assert_uint_eq(profile->place_num, 0);
    ck_assert_uint_eq(profile->reasons[PROFILE_REASON_NUM - 1].ticks, 3);
    ck_assert_uint_eq(profile->code_num, 1);
    free(profile);
}
END_TEST

START_TEST(what_full_tables_have_no_room_for_is_counted)
{
    struct profile *profile = new_profile();
    uint64_t i;

    for (i = 0; i < PROFILE_PLACE_MAX + 5; i++) {
        access(profile, 0x10000 + 8 * i, false, BEGIN, 1);
    }
    access(profile, 0x10000, false, BEGIN, 1); /* is known, and still counts */
    ck_assert_uint_eq(profile->place_num, PROFILE_PLACE_MAX);
    ck_assert_uint_eq(profile->places_lost, 5);
    ck_assert_uint_eq(profile->code_lost, 5);
    ck_assert_uint_eq(profile->places[0].sum.exits, 2);
    ck_assert_uint_eq(profile_total(profile).exits, PROFILE_PLACE_MAX + 6);
    free(profile);
}
END_TEST

START_TEST(names_are_cut_and_made_printable)
{
    struct profile *profile = new_profile();
    struct profile_exit exit = {.reason = KVM_EXIT_IO, .size = 1, .region = &region};
    char name[100];

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    name[0] = '\033';
    name[1] = (char)0xc3;
    exit.name = name;
    profile_begin(profile, &exit);
    profile_end(profile, BEGIN);
    ck_assert_uint_eq(strlen(profile->places[0].name), PROFILE_NAME_SIZE - 1);
    ck_assert(strncmp(profile->places[0].name, "??xxx", 5) == 0);
    free(profile);
}
END_TEST

START_TEST(slices_of_time_grow_with_the_run_and_lose_nothing)
{
    struct profile *profile = new_profile();
    uint64_t sum = 0;
    size_t i;

    for (i = 0; i < 50; i++) {
        access(profile, 0x3f8, true, BEGIN + (UINT64_C(1) << i), 1);
    }
    for (i = 0; i < PROFILE_SLICE_NUM; i++) {
        sum += profile->places[0].slices[i];
    }
    ck_assert_uint_eq(sum, 50);
    ck_assert_uint_eq(profile->places[0].slices[32], 1); /* 2^49 of 2^50 */
    ck_assert_uint_eq(profile->slice_shift, 44);
    free(profile);
}
END_TEST

START_TEST(a_sum_of_profiles_has_what_each_has)
{
    struct profile *sum = new_profile(), *first = new_profile(), *second = new_profile();

    access(first, 0x3f8, true, BEGIN + 500, 5);
    access(second, 0x3f8, true, BEGIN + 100, 20);
    second->places[0].first_rip = 0xabc;
    access(second, 0x3f9, true, BEGIN + (UINT64_C(1) << 30), 1);
    profile_add(sum, first);
    profile_add(sum, second);
    ck_assert_uint_eq(profile_total(sum).exits, 3);
    ck_assert_uint_eq(profile_total(sum).ticks_max, 20);
    ck_assert_uint_eq(sum->place_num, 2);
    ck_assert_uint_eq(sum->places[0].sum.exits, 2);
    ck_assert_uint_eq(sum->places[0].sum.ticks, 25);
    ck_assert_uint_eq(sum->places[0].items, 6);
    ck_assert_uint_eq(sum->places[0].first_rip, 0xabc); /* the earlier one's */
    ck_assert_uint_eq(sum->places[0].slices[0], 2);
    ck_assert_uint_eq(sum->slice_shift, second->slice_shift);
    ck_assert_uint_eq(sum->code_num, 2);
    ck_assert_uint_eq(sum->guest_ticks, first->guest_ticks + second->guest_ticks);
    free(sum);
    free(first);
    free(second);
}
END_TEST

START_TEST(a_finer_profile_is_added_in_its_slices)
{
    struct profile *sum = new_profile(), *fine = new_profile(), *coarse = new_profile();
    const uint64_t slice = UINT64_C(1) << coarse->slice_shift;

    access(coarse, 0x3f8, true, BEGIN + 127 * slice, 1);
    access(fine, 0x3f8, true, BEGIN + 63 * slice, 1);
    profile_add(sum, coarse);
    profile_add(sum, fine);
    ck_assert_uint_eq(sum->places[0].slices[63], 1);
    ck_assert_uint_eq(sum->places[0].slices[31], 1);
    free(sum);
    free(fine);
    free(coarse);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("profile");
    TCase *tcase = tcase_create("profile");

    tcase_add_test(tcase, an_access_counts_for_its_reason_its_place_and_its_instruction);
    tcase_add_test(tcase, reads_and_writes_of_one_address_are_two_places);
    tcase_add_test(tcase, another_region_at_the_same_address_is_another_place);
    tcase_add_test(tcase, an_exit_that_is_no_access_has_no_place);
    tcase_add_test(tcase, what_full_tables_have_no_room_for_is_counted);
    tcase_add_test(tcase, names_are_cut_and_made_printable);
    tcase_add_test(tcase, slices_of_time_grow_with_the_run_and_lose_nothing);
    tcase_add_test(tcase, a_sum_of_profiles_has_what_each_has);
    tcase_add_test(tcase, a_finer_profile_is_added_in_its_slices);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
