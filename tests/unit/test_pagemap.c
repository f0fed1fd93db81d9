/* test_pagemap.c - what entries of a page map mean, from a file written here, and this process's.
 */
#include "vmm/pagemap.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run_suite.h"

#define HVA UINT64_C(0x7f0012345678)

static const struct {
    uint64_t entry;
    enum pagemap_state state;
    uint64_t hpa;
    const char *name;
} entries[] = {
    {UINT64_C(0x8100000000134e9a), PAGEMAP_PRESENT, UINT64_C(0x134e9a678), "present"},
    {UINT64_C(0x800000ffffffffff), PAGEMAP_PRESENT, UINT64_C(0xffffffffff678), "present"},
    {UINT64_C(0x8100000000000000), PAGEMAP_HIDDEN, 0, "hidden"},
    {UINT64_C(0x4000000000012345), PAGEMAP_SWAPPED, 0, "swapped"},
    {UINT64_C(0x0080000000000000), PAGEMAP_ABSENT, 0, "absent"},
};

START_TEST(entry_says_where_a_page_is_or_why_not)
{
    struct pagemap pagemap = {.fd = memfd_create("pagemap", MFD_CLOEXEC)};
    struct pagemap_page page;

    ck_assert_int_ge(pagemap.fd, 0);
    ck_assert_int_eq(
        pwrite(pagemap.fd, &entries[_i].entry, 8, (off_t)(HVA / (uint64_t)getpagesize() * 8)), 8);
    page = pagemap_look(&pagemap, HVA);
    ck_assert_int_eq(page.state, entries[_i].state);
    ck_assert_uint_eq(page.hpa, entries[_i].hpa);
    ck_assert_str_eq(pagemap_state_name(page.state), entries[_i].name);
    ck_assert_int_eq(strlen(pagemap_why(&page)) > 0, page.state != PAGEMAP_PRESENT);
    pagemap_close(&pagemap);
    ck_assert_int_eq(pagemap.fd, -1);
}
END_TEST

START_TEST(map_that_cannot_be_read_says_why)
{
    struct pagemap pagemap = {.fd = memfd_create("pagemap", MFD_CLOEXEC)};
    struct pagemap_page page = pagemap_look(&pagemap, HVA);

    ck_assert_int_eq(page.state, PAGEMAP_UNREADABLE); /* too short */
    ck_assert_str_eq(pagemap_why(&page), strerror(ENODATA));
    pagemap_close(&pagemap);
    pagemap.open_errno = EACCES;
    page = pagemap_look(&pagemap, HVA);
    ck_assert_int_eq(page.state, PAGEMAP_UNREADABLE);
    ck_assert_str_eq(pagemap_why(&page), strerror(EACCES));
    ck_assert_int_eq(pagemap_look(NULL, HVA).state, PAGEMAP_CLOSED);
}
END_TEST

START_TEST(own_pages_are_absent_until_they_are_touched)
{
    size_t size = (size_t)getpagesize();
    volatile char *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct pagemap pagemap;
    enum pagemap_state state;

    ck_assert(memory != MAP_FAILED);
    pagemap_open(&pagemap);
    ck_assert_int_ge(pagemap.fd, 0);
    ck_assert_int_eq(pagemap_look(&pagemap, (uintptr_t)memory).state, PAGEMAP_ABSENT);
    memory[0] = 1;
    state = pagemap_look(&pagemap, (uintptr_t)memory).state;
    ck_assert(state == PAGEMAP_PRESENT || state == PAGEMAP_HIDDEN); /* by our privileges */
    pagemap_close(&pagemap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pagemap");
    TCase *tcase = tcase_create("entries");

    tcase_add_table_test(tcase, entry_says_where_a_page_is_or_why_not, entries);
    tcase_add_test(tcase, map_that_cannot_be_read_says_why);
    tcase_add_test(tcase, own_pages_are_absent_until_they_are_touched);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
