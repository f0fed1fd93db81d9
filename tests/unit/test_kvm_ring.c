/* The coalesced ring: entries arrive whole, in order, once; and wait while a device is busy. */
#include "vmm/kvm_ring.h"

#include <stdlib.h>

#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum { ADDR = 0x100, SIZE = 0x40 };

static struct fake_bus bus;
static MemoryRegion mr;
static MemoryOwner owner;
static struct kvm_ring ring;
static struct kvm_coalesced_mmio_ring *page;
static uint64_t written[256];
static unsigned num;

static uint64_t read_zero(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)size;
    return 0;
}

static void remember(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque;
    written[num++ % 256] = addr << 32 | size << 16 | data;
}

static const MemoryRegionOps ops = {
    .read = read_zero,
    .write = remember,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};

static void setup(void)
{
    fake_bus_init(&bus);
    memory_owner_init(&owner, "device");
    ck_assert_int_eq(memory_region_init_io(&mr, &bus.core, &owner, &ops, NULL, "device", SIZE), 0);
    fake_bus_mount(&bus, ADDR, &mr);
    page = aligned_alloc(KVM_RING_PAGE, KVM_RING_PAGE);
    ck_assert_ptr_nonnull(page);
    memset(page, 0, KVM_RING_PAGE);
    kvm_ring_init(&ring, page, &bus.as, &bus.as);
}

static void teardown(void)
{
    kvm_ring_finish(&ring);
    free(page);
    fake_bus_unmount(&bus, &mr);
    memory_region_unref(&mr);
    fake_bus_finish(&bus);
    memory_owner_finish(&owner);
}

/* What KVM does for a write of `len` bytes. */
static void produce(hwaddr addr, uint32_t len, uint8_t byte)
{
    struct kvm_coalesced_mmio *entry = &page->coalesced_mmio[page->last];

    *entry = (struct kvm_coalesced_mmio){.phys_addr = addr, .len = len, .data = {byte}};
    page->last = (page->last + 1) % ring.entry_num;
}

START_TEST(entries_arrive_in_order_and_once)
{
    produce(ADDR, 4, 1);
    produce(ADDR + 8, 1, 2);
    kvm_ring_drain(&ring);
    kvm_ring_drain(&ring);
    ck_assert_uint_eq(num, 2);
    ck_assert_uint_eq(written[0], 4 << 16 | 1);
    ck_assert_uint_eq(written[1], UINT64_C(8) << 32 | 1 << 16 | 2);
}
END_TEST

START_TEST(ring_goes_round)
{
    unsigned i;

    for (i = 0; i < 3 * ring.entry_num; i++) {
        produce(ADDR, 1, (uint8_t)i);
        kvm_ring_drain(&ring);
        ck_assert_uint_eq(num, i + 1);
        ck_assert_uint_eq(written[i % 256], 1 << 16 | (uint8_t)i);
    }
}
END_TEST

/* Delivered now, it would be refused as re-entrant, and lost. */
START_TEST(entry_for_the_device_that_the_thread_is_inside_of_waits)
{
    struct memory_owner_frame frame;

    produce(ADDR, 1, 7);
    ck_assert(memory_owner_enter(&owner, &frame));
    kvm_ring_drain(&ring);
    ck_assert_uint_eq(num, 0);
    ck_assert_uint_eq(page->first, 0);
    memory_owner_leave(&frame);
    kvm_ring_drain(&ring);
    ck_assert_uint_eq(num, 1);
    ck_assert_uint_eq(owner.blocked_reentry, 0);
}
END_TEST

START_TEST(index_out_of_range_delivers_nothing)
{
    page->first = ring.entry_num;
    page->last = 0;
    kvm_ring_drain(&ring);
    ck_assert_uint_eq(num, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("kvm_ring");
    TCase *tc = tcase_create("kvm_ring");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, entries_arrive_in_order_and_once);
    tcase_add_test(tc, ring_goes_round);
    tcase_add_test(tc, entry_for_the_device_that_the_thread_is_inside_of_waits);
    tcase_add_test(tc, index_out_of_range_delivers_nothing);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
