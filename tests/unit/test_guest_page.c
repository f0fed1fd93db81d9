/*
 * test_guest_page.c - flushing pages of the guest: those that KVM maps keep what they hold and can
 * be used as before, whatever else is at an address is left alone. That KVM maps anew is tested in
 * the lab (tests/lab/flush.sh).
 */
#include "vmm/guest_page.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/memory_fixture.h"

static struct fixture *f;
static MemoryRegion *ram, *rom;

static void setup(void)
{
    f = fixture_new();
    ram = ram_new(f, "ram", 0x4000);
    rom = rom_new(f, "rom", 0x1000);
    put(f->root, 0, ram);
    put(f->root, 0x8000, rom);
}

static void teardown(void)
{
    fixture_free(f);
}

/* Permissions of the host's mapping at an address, as "rw-p". */
static void permissions(const void *at, char *text)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long first, last;
    char line[256];

    ck_assert_ptr_nonnull(maps);
    (void)strcpy(text, "none");
    while (fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx %4s", &first, &last, text) == 3 && // NOLINT: the kernel's form
            (uintptr_t)at >= first && (uintptr_t)at < last) {
            break;
        }
    }
    (void)fclose(maps);
}

static const hwaddr mapped[] = {0, 0x1, 0x1fff, 0x3000, 0x3fff, 0x8000, 0x8abc};

START_TEST(page_of_memory_stays_as_it_was)
{
    const hwaddr addr = mapped[_i];
    uint8_t *host = addr < 0x8000 ? ram->host + addr : rom->host + (addr - 0x8000);
    char text[8];

    *host = 0x5a;
    for (unsigned i = 0; i < 100; i++) {
        OK(guest_page_flush(&f->as, addr));
    }
    ck_assert_uint_eq(*host, 0x5a);
    *host = 0xa5;
    permissions(host, text);
    ck_assert_str_eq(text, "rw-p");
}
END_TEST

START_TEST(what_is_no_page_of_memory_is_left_alone)
{
    static const hwaddr others[] = {
        0x4000,  0x9000,  0x10000, 0x12000,    0x15000,
        0x16000, 0x17800, 0x18000, UINT64_MAX, UINT64_MAX - 4095,
    };
    MemoryRegion *askew = alias_new(f, "askew", ram, 0x123, 0x1000);
    MemoryRegion *ragged = alias_new(f, "ragged", ram, 0x800, 0x1800);

    put(f->root, 0x10000, io_new(f, "io", 0x1000));
    put(f->root, 0x12000, reservation_new(f, "reserved", 0x1000));
    put(f->root, 0x15000, askew);
    put(f->root, 0x17800, ragged);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        OK(guest_page_flush(&f->as, others[i]));
    }
    put_prio(f->root, 0x1800, io_new(f, "over", 0x10), 1);
    OK(guest_page_flush(&f->as, 0x1000)); /* a page in parts */
    OK(guest_page_flush(&f->as, 0x3000));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guest_page");
    TCase *tcase = tcase_create("guest_page");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_table_test(tcase, page_of_memory_stays_as_it_was, mapped);
    tcase_add_test(tcase, what_is_no_page_of_memory_is_left_alone);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
