/*
 * test_kvm_property.c - random changes of a map of pages, some of which fail at an ioctl or for
 * want of memory. After each the model of the kernel has what the view shows: the audit says so,
 * the eventfds and zones are those that a listener was told of, no slot went that need not, and
 * what the guest wrote is what is dirty.
 */
#include <errno.h>
#include <stdlib.h>

#include "kvm_fixture.h"
#include "run_suite.h"
#include "vmm/kvm_slots_plan.h"

enum { PAGE_BYTES = 4096, RAM_PAGES = 256, MAP_PAGES = 400, STEPS = 3000 };
enum { ROMD_PAGES = 4, SPARE_PAGES = 8, SPARE_PAGES_MAX = 24, FDS = 3, TOLD_MAX = 64 };

/* Regions that come, go and change; the RAM at 0 stays, and is logged from the start. */
enum { WINDOW, ROM, ROMD, SPARE, RAM_ALIAS, ROM_ALIAS, OTHER_ALIAS, BOX, POOL };

/* How a run differs from the others. */
static const struct {
    unsigned slots_max;
    bool no_manual;
} variants[] = {{0, false}, {0, true}, {4, false}, {9, true}, {24, false}};

struct page {
    uint64_t hva; /* 0: no memory */
    uint32_t flags;
};

static MemoryRegion romd, spare, aliases[3], box, *pool[POOL];
static struct kvm_events events;
static MemoryListener told;
static struct kvm_ioeventfd told_events[TOLD_MAX];
static struct kvm_coalesced_mmio_zone told_zones[TOLD_MAX];
static unsigned told_event_num, told_zone_num, seed, refused, given_up, undone;
static bool model[RAM_PAGES];
static struct page pages[MAP_PAGES];

static unsigned any(unsigned below)
{
    return (unsigned)rand_r(&seed) % below;
}

/* ---- what a listener is told ----------------------------------------------------------------- */

static void told_event_add(MemoryListener *listener, const MemoryEventfd *eventfd)
{
    (void)listener;
    ck_assert_uint_lt(told_event_num, TOLD_MAX);
    told_events[told_event_num++] =
        (struct kvm_ioeventfd){.addr = eventfd->addr,
                               .len = eventfd->size,
                               .fd = eventfd->fd,
                               .datamatch = eventfd->data,
                               .flags = eventfd->match_data ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0};
}

static void told_event_del(MemoryListener *listener, const MemoryEventfd *eventfd)
{
    unsigned i = 0;

    (void)listener;
    while (told_events[i].addr != eventfd->addr || told_events[i].fd != eventfd->fd ||
           told_events[i].len != eventfd->size || told_events[i].datamatch != eventfd->data) {
        ck_assert_uint_lt(++i, told_event_num);
    }
    told_events[i] = told_events[--told_event_num];
}

static void told_zone_add(MemoryListener *listener, const MemoryCoalescedZone *zone)
{
    (void)listener;
    ck_assert_uint_lt(told_zone_num, TOLD_MAX);
    told_zones[told_zone_num++] = (struct kvm_coalesced_mmio_zone){
        .addr = zone->first, .size = (uint32_t)(zone->last - zone->first + 1)};
}

static void told_zone_del(MemoryListener *listener, const MemoryCoalescedZone *zone)
{
    unsigned i = 0;

    (void)listener;
    while (told_zones[i].addr != zone->first ||
           told_zones[i].size != zone->last - zone->first + 1) {
        ck_assert_uint_lt(++i, told_zone_num);
    }
    told_zones[i] = told_zones[--told_zone_num];
}

static int by_event(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct kvm_ioeventfd));
}

static int by_zone(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct kvm_coalesced_mmio_zone));
}

static void check_events(void)
{
    unsigned i;

    for (i = 0; i < mock.event_num; i++) {
        mock.events[i].flags &= KVM_IOEVENTFD_FLAG_DATAMATCH;
    }
    qsort(mock.events, mock.event_num, sizeof(mock.events[0]), by_event);
    qsort(told_events, told_event_num, sizeof(told_events[0]), by_event);
    ck_assert_uint_eq(mock.event_num, told_event_num);
    ck_assert_mem_eq(mock.events, told_events, told_event_num * sizeof(told_events[0]));
    qsort(mock.zones, mock.zone_num, sizeof(mock.zones[0]), by_zone);
    qsort(told_zones, told_zone_num, sizeof(told_zones[0]), by_zone);
    ck_assert_uint_eq(mock.zone_num, told_zone_num);
    ck_assert_mem_eq(mock.zones, told_zones, told_zone_num * sizeof(told_zones[0]));
}

/* ---- slots ----------------------------------------------------------------------------------- */

static void take_pages(void)
{
    FlatView *view = address_space_get_flatview(&as);
    unsigned i;

    for (i = 0; i < MAP_PAGES; i++) {
        hwaddr at = (hwaddr)i * PAGE_BYTES;
        const FlatRange *range = flatview_lookup(view, at);
        MemoryRegionSection section;
        bool readonly;

        pages[i] = (struct page){0};
        if (!range || range->last < at + (PAGE_BYTES - 1)) {
            continue;
        }
        section = flat_range_section(&as, view, range);
        if (memory_section_is_slot(&section, &readonly)) {
            pages[i].hva = (uintptr_t)memory_section_host(&section) + (at - range->first);
            pages[i].flags = (readonly ? KVM_MEM_READONLY : 0U) |
                             (range->dirty_log_mask ? KVM_MEM_LOG_DIRTY_PAGES : 0U);
            pages[i].hva = pages[i].hva % PAGE_BYTES ? 0 : pages[i].hva;
        }
    }
    flatview_unref(view);
}

/* A slot goes only where memory behind it, or its rights, or a part of its log change. */
static void check_need(const struct page *before)
{
    struct kvm_slots_delta delta = kvm_slots_last_delta(&slots);
    const struct kvm_slot *slot;
    hwaddr at;
    bool need;

    for (slot = delta.removed; slot; slot = slot->next) {
        need = false;
        for (at = slot->node.first; at < slot->node.last; at += PAGE_BYTES) {
            const struct page *was = &before[at / PAGE_BYTES], *is = &pages[at / PAGE_BYTES];

            need |= was->hva != is->hva || was->flags != is->flags;
        }
        ck_assert_msg(need, "slot %u at %llx went for nothing", slot->id,
                      (unsigned long long)slot->node.first);
    }
}

/* `ok` or not, there is one map, and KVM has it. @parked  before. */
static void check(int result, unsigned parked)
{
    static struct page before[MAP_PAGES];
    bool compact = result == 0 && slots.plan->compact;

    ck_assert_uint_eq(broken_calls, 0);
    assert_audit();
    check_events();
    ck_assert_int_eq(parks, unparks);
    if (mock.log[0] == '-' || strstr(mock.log, " -")) { /* a slot went */
        ck_assert_uint_gt(parks, parked);
    }
    memcpy(before, pages, sizeof(before));
    take_pages();
    if (result == 0 && !compact) {
        check_need(before);
    }
    given_up += compact;
    if (result != 0) {
        refused++;
        ck_assert_mem_eq(before, pages, sizeof(before));
    }
}

/* ---- steps ----------------------------------------------------------------------------------- */

static uint64_t any_place(void)
{
    uint64_t place = any(MAP_PAGES - 40) * (uint64_t)PAGE_BYTES;

    return any(8) ? place : place + 0x10 * any(256); /* at times amid a page */
}

static int change_region(MemoryRegion *mr)
{
    switch (any(9)) {
    case 0:
        return memory_region_set_enabled(mr, any(3) > 0);
    case 1:
    case 2:
        return memory_region_set_address(mr, any_place());
    case 3:
        return memory_region_set_priority(mr, (int32_t)any(4));
    case 4:
        return mr->ram_block ? 0 : memory_region_set_size(mr, (1 + any(20)) * 0x1000U - any(2));
    case 5:
        return mr->alias ? memory_region_set_alias_offset(mr, any(RAM_PAGES) * 0x1000U) : 0;
    case 6:
        return memory_region_set_readonly(mr, any(2));
    case 7:
        return memory_region_set_unmergeable(mr, any(2));
    default:
        return mr == &romd ? memory_region_rom_device_set_romd(mr, any(2)) : 0;
    }
}

static int mount_or_unmount(MemoryRegion *mr)
{
    if (mr->state.container) {
        return any(2) ? memory_region_del_subregion(mr->state.container, mr) : 0;
    }
    return memory_region_add_subregion_overlap(any(4) || mr == &box ? &root : &box, any_place(), mr,
                                               1 + (int32_t)any(3));
}

static int change_io(void)
{
    unsigned which = any(FDS); /* no two exclude each other in KVM */
    hwaddr offset = which * 0x800U;

    switch (any(5)) {
    case 0:
        return memory_region_add_coalescing(&window, any(0x3000), 1 + any(0x300));
    case 1:
        return memory_region_clear_coalescing(&window);
    case 2:
        return memory_region_del_eventfd(&window, offset, 4, which, which, (int)which);
    default:
        return memory_region_add_eventfd(&window, offset, 4, which, which, (int)which);
    }
}

static int change_log(void)
{
    MemoryRegion *mr = any(2) ? &spare : &romd;

    return memory_region_set_log(mr, mr->state.log_count[DIRTY_MEMORY_VGA] == 0, DIRTY_MEMORY_VGA);
}

static int change_one(void)
{
    MemoryRegion *mr = pool[any(POOL)];

    switch (any(8)) {
    case 0:
    case 1:
        return mount_or_unmount(mr);
    case 2:
        return change_io();
    case 3:
        return change_log();
    case 4:
        return any(2) ? memory_region_ram_resize(&spare, 1 + any(SPARE_PAGES_MAX) * 0x1000U) : 0;
    default:
        return change_region(mr);
    }
}

static int change_some(void)
{
    unsigned num = any(3) ? 1 : 2 + any(4);
    int result = 0;

    if (num == 1) {
        return change_one();
    }
    memory_region_transaction_begin(&core);
    while (num-- > 0) {
        (void)!change_one(); /* what is refused changes nothing; the rest stands */
    }
    if (any(6) == 0) {
        memory_region_transaction_abort(&core);
        return -ECANCELED;
    }
    result = memory_region_transaction_commit(&core);
    return result;
}

static void take_dirty(void)
{
    uint64_t bitmap[RAM_PAGES / 64];
    unsigned first = any(RAM_PAGES), num = 1 + any(RAM_PAGES - first), i;

    (void)memory_region_snapshot_and_clear_dirty(&ram, first * (uint64_t)PAGE_BYTES, num,
                                                 DIRTY_MEMORY_MIGRATION, bitmap);
    for (i = 0; i < num; i++) {
        ck_assert_msg(model[first + i] == (bitmap[i / 64] >> (i % 64) & 1), "page %u is %s",
                      first + i, model[first + i] ? "lost" : "invented");
        model[first + i] = false;
    }
}

/* The guest, or a device, writes anywhere. */
static void write_somewhere(void)
{
    hwaddr at = any(MAP_PAGES) * (hwaddr)PAGE_BYTES;
    FlatView *view = address_space_get_flatview(&as);
    const FlatRange *range = flatview_lookup(view, at);
    uint8_t byte = 1;

    if (any(3) == 0) {
        (void)address_space_write(&as, at, MEMTXATTRS_UNSPECIFIED, &byte, 1);
    } else if (!mock_guest_write(&mock, at)) {
        range = NULL;
    }
    if (range && range->mr == &ram && !range->readonly) {
        model[(range->offset_in_region + (at - range->first)) / PAGE_BYTES] = true;
    }
    flatview_unref(view);
}

static void random_step(void)
{
    unsigned what = any(10), parked = parks;
    int result;

    if (what < 4) {
        write_somewhere();
        return;
    }
    if (what < 5) {
        take_dirty();
        return;
    }
    kvm_slots_plan_reset(&slots); /* a commit that touches no slot leaves the last one's plan */
    mock_restart(&mock);
    switch (any(6)) {
    case 0:
        mock.fail_at[0] = 1 + any(4);
        break;
    case 1:
        core.fail_alloc = 1 + any(24);
        break;
    case 2:
        slots.fail_alloc = 1 + any(8);
        break;
    default:
        break;
    }
    result = change_some();
    core.fail_alloc = slots.fail_alloc = 0;
    undone += mock.fail_at[0] && mock.calls > mock.fail_at[0];
    mock.fail_at[0] = 0;
    check(result, parked);
}

static void make_pool(void)
{
    struct ram_block_config config = {.backing = RAM_ANONYMOUS,
                                      .size = SPARE_PAGES * (uint64_t)PAGE_BYTES,
                                      .max_size = SPARE_PAGES_MAX * (uint64_t)PAGE_BYTES};
    MemoryRegion *targets[] = {&ram, &rom, &spare};
    RAMBlock *block;
    unsigned i;

    ck_assert_int_eq(ram_block_new(&core, "spare", &config, &block), 0);
    ck_assert_int_eq(memory_region_init_ram(&spare, NULL, "spare", block), 0);
    config.size = ROMD_PAGES * (uint64_t)PAGE_BYTES;
    config.max_size = 0;
    ck_assert_int_eq(ram_block_new(&core, "romd", &config, &block), 0);
    ck_assert_int_eq(memory_region_init_rom_device(&romd, NULL, &zero_ops, NULL, "romd", block), 0);
    ck_assert_int_eq(memory_region_init(&box, &core, NULL, "box", 0x20000), 0);
    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(
            memory_region_init_alias(&aliases[i], NULL, "alias", targets[i], 0, 0x8000), 0);
        pool[RAM_ALIAS + i] = &aliases[i];
    }
    pool[WINDOW] = &window;
    pool[ROM] = &rom;
    pool[ROMD] = &romd;
    pool[SPARE] = &spare;
    pool[BOX] = &box;
}

static void setup_pool(void)
{
    setup();
    make_pool();
    told = (MemoryListener){.name = "told",
                            .priority = 20,
                            .eventfd_add = told_event_add,
                            .eventfd_del = told_event_del,
                            .coalesced_io_add = told_zone_add,
                            .coalesced_io_del = told_zone_del};
    told_event_num = told_zone_num = refused = given_up = undone = 0;
    ck_assert_int_eq(kvm_events_init(&events, &kvm, &as, false), 0);
    ck_assert_int_eq(memory_listener_register(&told, &as), 0);
}

static void teardown_pool(void)
{
    unsigned i;

    memory_region_transaction_begin(
        &core); /* one by one they might need more slots than there are */
    for (i = 0; i < POOL; i++) {
        if (pool[i]->state.container) {
            ck_assert_int_eq(memory_region_del_subregion(pool[i]->state.container, pool[i]), 0);
        }
    }
    ck_assert_int_eq(memory_region_transaction_commit(&core), 0);
    assert_audit();
    check_events();
    memory_listener_unregister(&told);
    kvm_events_finish(&events, false);
    ck_assert_uint_eq(mock.event_num + mock.zone_num, 0);
    for (i = 0; i < 3; i++) {
        memory_region_unref(&aliases[i]);
    }
    memory_region_unref(&box);
    memory_region_unref(&romd);
    memory_region_unref(&spare);
    teardown();
}

/* Fewer slots than the fixture's. */
static void restrict_slots(unsigned slots_max)
{
    const struct kvm_slots_config config = {
        .slots_max = slots_max, .park = on_park, .unpark = on_unpark};

    kvm_slots_finish(&slots, false);
    ck_assert_int_eq(kvm_slots_init(&slots, &kvm, &as, &config), 0);
}

START_TEST(m69_m70_m71_m78_any_change_leaves_kvm_with_what_is_shown)
{
    unsigned variant = (unsigned)_i % (unsigned)(sizeof(variants) / sizeof(variants[0])), step;

    seed = (unsigned)_i;
    mock.no_manual = variants[variant].no_manual;
    restrict_slots(variants[variant].slots_max);
    ck_assert_int_eq(memory_region_set_log(&ram, true, DIRTY_MEMORY_MIGRATION), 0);
    (void)ram_block_test_and_clear_dirty(ram.ram_block, 0, RAM_SIZE, DIRTY_MEMORY_MIGRATION);
    memset(model, 0, sizeof(model));
    take_pages();
    for (step = 0; step < STEPS; step++) {
        random_step();
    }
    mock_restart(&mock);
    /* What never got anywhere would agree with everything. */
    ck_assert_uint_gt(refused, STEPS / 40);
    ck_assert_uint_gt(undone, 2);
    ck_assert(variants[variant].slots_max == 0 || given_up > 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kvm_property");
    TCase *tcase = tcase_create("maps");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup_pool, teardown_pool);
    tcase_add_loop_test(tcase, m69_m70_m71_m78_any_change_leaves_kvm_with_what_is_shown, 1, 11);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
