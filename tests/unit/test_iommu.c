/*
 * Accesses that pass through IOMMUs, and those who follow their mappings.
 */
#include "tests/unit/memory_device.h"

#include <errno.h>
#include <string.h>

#define ATTRS MEMTXATTRS_UNSPECIFIED

/* An IOMMU of 16 pages, each mapped to a page of `target` or not at all. */
struct iommu {
    MemoryRegion *mr;
    AddressSpace *target;
    AddressSpace as; /* what a device behind it sees */
    struct {
        hwaddr page;
        IOMMUAccessFlags perm;
    } entries[16];
    int index; /* that translate was last asked with */
    unsigned old_flags, new_flags, refuse;
};

static IOMMUTLBEntry translate(void *opaque, hwaddr addr, IOMMUAccessFlags flag, int index)
{
    struct iommu *iommu = opaque;
    size_t page = addr / PAGE % 16;

    (void)flag;
    iommu->index = index;
    return (IOMMUTLBEntry){
        .target_as = iommu->target,
        .iova = page * PAGE,
        .translated_addr = iommu->entries[page].page,
        .addr_mask = PAGE - 1,
        .perm = iommu->entries[page].perm,
    };
}

static int attrs_to_index(void *opaque, MemTxAttrs attrs)
{
    (void)opaque;
    return attrs.secure;
}

static int flag_changed(void *opaque, unsigned old_flags, unsigned new_flags)
{
    struct iommu *iommu = opaque;

    if (new_flags & iommu->refuse) {
        return -EINVAL;
    }
    iommu->old_flags = old_flags;
    iommu->new_flags = new_flags;
    return 0;
}

static const IOMMUMemoryRegionOps iommu_ops = {
    .translate = translate,
    .attrs_to_index = attrs_to_index,
    .notify_flag_changed = flag_changed,
};

static void iommu_open(struct iommu *iommu, struct fixture *f, AddressSpace *target)
{
    *iommu = (struct iommu){.mr = region_alloc(), .target = target};
    OK(memory_region_init_iommu(iommu->mr, &f->core, NULL, &iommu_ops, iommu, "iommu", 16 * PAGE));
    adopt(f, iommu->mr);
    OK(address_space_init(&iommu->as, &f->core, iommu->mr, "behind", MEMORY_UNASSIGNED_MEMORY));
}

START_TEST(m53_each_page_is_translated_and_its_permission_checked)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 4 * PAGE);
    struct iommu iommu;
    uint8_t bytes[2 * PAGE];
    uint8_t *host;

    put(f->root, 0, ram);
    host = memory_region_get_ram_ptr(ram);
    for (unsigned page = 0; page < 4; page++) {
        memset(host + page * PAGE, (int)page + 1, PAGE);
    }
    iommu_open(&iommu, f, &f->as);
    iommu.entries[0] = (typeof(iommu.entries[0])){3 * PAGE, IOMMU_RW};
    iommu.entries[1] = (typeof(iommu.entries[0])){PAGE, IOMMU_RO};
    ck_assert_uint_eq(address_space_read(&iommu.as, PAGE / 2, ATTRS, bytes, PAGE), MEMTX_OK);
    ck_assert_uint_eq(bytes[0], 4);
    ck_assert_uint_eq(bytes[PAGE / 2 - 1], 4);
    ck_assert_uint_eq(bytes[PAGE / 2], 2);
    /* A write over both: the first page takes it, the read-only one does not. */
    memset(bytes, 0x99, sizeof(bytes));
    ck_assert_uint_eq(address_space_write(&iommu.as, PAGE - 4, ATTRS, bytes, 8),
                      MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(host[4 * PAGE - 1], 0x99);
    ck_assert_uint_eq(host[PAGE], 2);
    /* An unmapped page reads as the space says. */
    ck_assert_uint_eq(address_space_read(&iommu.as, 2 * PAGE, ATTRS, bytes, 4), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(bytes[3], 0xff);
    ck_assert(address_space_access_valid(&iommu.as, PAGE, 4, false, ATTRS));
    ck_assert(!address_space_access_valid(&iommu.as, PAGE, 4, true, ATTRS));
    ck_assert(!address_space_access_valid(&iommu.as, PAGE, PAGE + 1, false, ATTRS));
    address_space_finish(&iommu.as);
    fixture_free(f);
}
END_TEST

START_TEST(m53_attributes_choose_the_index)
{
    struct fixture *f = fixture_new();
    struct iommu iommu;
    uint8_t byte;

    iommu_open(&iommu, f, &f->as);
    (void)address_space_read(&iommu.as, 0, (MemTxAttrs){.secure = true}, &byte, 1);
    ck_assert_int_eq(iommu.index, 1);
    (void)address_space_read(&iommu.as, 0, ATTRS, &byte, 1);
    ck_assert_int_eq(iommu.index, 0);
    address_space_finish(&iommu.as);
    fixture_free(f);
}
END_TEST

START_TEST(m53_a_chain_of_iommus_is_followed)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE);
    struct iommu inner, outer;
    uint32_t value = 0x1234;

    put(f->root, 0, ram);
    iommu_open(&inner, f, &f->as);
    iommu_open(&outer, f, &inner.as);
    outer.entries[7] = (typeof(outer.entries[0])){5 * PAGE, IOMMU_RW};
    inner.entries[5] = (typeof(inner.entries[0])){0, IOMMU_RW};
    ck_assert_uint_eq(address_space_write(&outer.as, 7 * PAGE + 8, ATTRS, &value, 4), MEMTX_OK);
    ck_assert_mem_eq((uint8_t *)memory_region_get_ram_ptr(ram) + 8, &value, 4);
    address_space_finish(&outer.as);
    address_space_finish(&inner.as);
    fixture_free(f);
}
END_TEST

START_TEST(m53_a_circle_of_iommus_ends_with_an_error)
{
    struct fixture *f = fixture_new();
    struct iommu iommu;
    uint32_t value = 0;

    iommu_open(&iommu, f, NULL);
    iommu.target = &iommu.as;
    iommu.entries[0] = (typeof(iommu.entries[0])){0, IOMMU_RW};
    ck_assert_uint_eq(address_space_read(&iommu.as, 0, ATTRS, &value, 4), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(value, UINT32_MAX);
    ck_assert(!address_space_access_valid(&iommu.as, 0, 4, false, ATTRS));
    address_space_finish(&iommu.as);
    fixture_free(f);
}
END_TEST

struct follower {
    IOMMUNotifier notifier;
    unsigned events;
    IOMMUTLBEntry last;
};

static void follow(IOMMUNotifier *notifier, const IOMMUTLBEntry *entry)
{
    struct follower *follower = (struct follower *)(void *)notifier;

    follower->events++;
    follower->last = *entry;
}

static struct follower follower_of(unsigned flags, hwaddr first, hwaddr last)
{
    return (struct follower){
        .notifier = {.notify = follow, .flags = flags, .first = first, .last = last}};
}

START_TEST(notifiers_are_told_what_they_asked_for)
{
    struct fixture *f = fixture_new();
    struct follower maps = follower_of(IOMMU_NOTIFIER_MAP, 0, UINT64_MAX);
    struct follower some = follower_of(IOMMU_NOTIFIER_UNMAP, PAGE, 2 * PAGE - 1);
    struct follower cropped = follower_of(IOMMU_NOTIFIER_DEVIOTLB_UNMAP, PAGE, 2 * PAGE - 1);
    IOMMUTLBEntry all = {.iova = 0, .addr_mask = 4 * PAGE - 1};
    IOMMUTLBEntry page = {.iova = PAGE, .addr_mask = PAGE - 1};
    struct iommu iommu;

    iommu_open(&iommu, f, &f->as);
    OK(memory_region_register_iommu_notifier(iommu.mr, &maps.notifier));
    OK(memory_region_register_iommu_notifier(iommu.mr, &some.notifier));
    OK(memory_region_register_iommu_notifier(iommu.mr, &cropped.notifier));
    ck_assert_uint_eq(iommu.new_flags, 7);
    memory_region_notify_iommu(iommu.mr, IOMMU_NOTIFIER_MAP, &page);
    ck_assert_uint_eq(maps.events, 1);
    ck_assert_uint_eq(some.events, 0);
    memory_region_notify_iommu(iommu.mr, IOMMU_NOTIFIER_UNMAP, &page);
    memory_region_notify_iommu(iommu.mr, IOMMU_NOTIFIER_UNMAP, &all); /* sticks out of its range */
    ck_assert_uint_eq(some.events, 1);
    memory_region_notify_iommu(iommu.mr, IOMMU_NOTIFIER_DEVIOTLB_UNMAP, &all);
    ck_assert_uint_eq(cropped.events, 1);
    ck_assert_uint_eq(cropped.last.iova, PAGE);
    ck_assert_uint_eq(cropped.last.addr_mask, PAGE - 1);
    memory_region_unregister_iommu_notifier(iommu.mr, &maps.notifier);
    ck_assert_uint_eq(iommu.new_flags, 5);
    memory_region_notify_iommu(iommu.mr, IOMMU_NOTIFIER_MAP, &page);
    ck_assert_uint_eq(maps.events, 1);
    address_space_finish(&iommu.as);
    fixture_free(f);
}
END_TEST

START_TEST(a_notifier_that_cannot_be_is_refused)
{
    struct fixture *f = fixture_new();
    struct follower none = follower_of(0, 0, 1), turned = follower_of(IOMMU_NOTIFIER_MAP, 2, 1);
    struct follower maps = follower_of(IOMMU_NOTIFIER_MAP, 0, 1);
    struct iommu iommu;

    iommu_open(&iommu, f, &f->as);
    iommu.refuse = IOMMU_NOTIFIER_MAP;
    ck_assert_int_eq(memory_region_register_iommu_notifier(iommu.mr, &none.notifier), -EINVAL);
    ck_assert_int_eq(memory_region_register_iommu_notifier(iommu.mr, &turned.notifier), -EINVAL);
    ck_assert_int_eq(memory_region_register_iommu_notifier(iommu.mr, &maps.notifier), -EINVAL);
    ck_assert_int_eq(memory_region_register_iommu_notifier(f->root, &maps.notifier), -EINVAL);
    address_space_finish(&iommu.as);
    fixture_free(f);
}
END_TEST

START_TEST(replay_tells_every_mapped_page)
{
    struct fixture *f = fixture_new();
    struct follower maps = follower_of(IOMMU_NOTIFIER_MAP, 0, UINT64_MAX);
    struct iommu iommu;

    iommu_open(&iommu, f, &f->as);
    iommu.entries[2] = (typeof(iommu.entries[0])){0, IOMMU_RO};
    iommu.entries[15] = (typeof(iommu.entries[0])){PAGE, IOMMU_RW};
    memory_region_iommu_replay(iommu.mr, &maps.notifier);
    ck_assert_uint_eq(maps.events, 2);
    ck_assert_uint_eq(maps.last.iova, 15 * PAGE);
    address_space_finish(&iommu.as);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iommu");
    TCase *access = tcase_create("access"), *notify = tcase_create("notify");

    tcase_add_test(access, m53_each_page_is_translated_and_its_permission_checked);
    tcase_add_test(access, m53_attributes_choose_the_index);
    tcase_add_test(access, m53_a_chain_of_iommus_is_followed);
    tcase_add_test(access, m53_a_circle_of_iommus_ends_with_an_error);
    suite_add_tcase(suite, access);
    tcase_add_test(notify, notifiers_are_told_what_they_asked_for);
    tcase_add_test(notify, a_notifier_that_cannot_be_is_refused);
    tcase_add_test(notify, replay_tells_every_mapped_page);
    suite_add_tcase(suite, notify);
    return run_suite(suite);
}
