/* The test device's engines: DMA, IOMMU, eventfds, the dirty query. */
#include "tests/unit/run_suite.h"
#include "tests/unit/testdev_fixture.h"

static struct testdev_machine m;

static void setup(void)
{
    testdev_machine_init(&m);
}

static void teardown(void)
{
    testdev_machine_finish(&m);
}

static uint64_t dma(uint64_t command, uint64_t source, uint64_t dest, uint64_t length)
{
    set_reg(&m, TESTDEV_DMA_SOURCE, source);
    set_reg(&m, TESTDEV_DMA_DEST, dest);
    set_reg(&m, TESTDEV_DMA_LENGTH, length);
    set_reg(&m, TESTDEV_DMA_COMMAND, command);
    return reg(&m, TESTDEV_DMA_RESULT);
}

static uint8_t *ram(hwaddr addr)
{
    return (uint8_t *)memory_region_get_ram_ptr(&m.ram) + addr;
}

START_TEST(dma_copies_fills_reads_and_writes)
{
    memcpy(ram(0x1000), "sixteen letters", 16);
    ck_assert_uint_eq(dma(TESTDEV_DMA_COPY, 0x1000, 0x2003, 16), 0);
    ck_assert_str_eq((char *)ram(0x2003), "sixteen letters");
    set_reg(&m, TESTDEV_DMA_PATTERN, 0x1122334455667788);
    ck_assert_uint_eq(dma(TESTDEV_DMA_FILL, 0, 0x3000, 10), 0);
    ck_assert_mem_eq(ram(0x3000), "\x88\x77\x66\x55\x44\x33\x22\x11\x88\x77\0", 11);
    ck_assert_uint_eq(dma(TESTDEV_DMA_READ, 0x2003, 0, 16), 0);
    ck_assert_uint_eq(get(&m, DEV + TESTDEV_BUFFER + 8, 1, NULL), 'l');
    ck_assert_uint_eq(dma(TESTDEV_DMA_WRITE, 0, 0x4000, 16), 0);
    ck_assert_str_eq((char *)ram(0x4000), "sixteen letters");
    ck_assert_uint_eq(reg(&m, TESTDEV_DMA_COUNT), 4);
    ck_assert(!m.irq[0].level);
}
END_TEST

START_TEST(dma_copies_64_kib_over_many_pieces)
{
    unsigned i;

    for (i = 0; i < 0x10000; i++) {
        *ram(0x10001 + i) = (uint8_t)(i * 31 + i / 256);
    }
    ck_assert_uint_eq(dma(TESTDEV_DMA_COPY, 0x10001, 0x40007, 0x10000), 0);
    ck_assert_mem_eq(ram(0x40007), ram(0x10001), 0x10000);
    ck_assert_uint_eq(*ram(0x50007), 0);
}
END_TEST

static const struct {
    uint64_t command, source, dest, length, result;
} dmas[] = {
    {TESTDEV_DMA_COPY, 0, 0, 0x10001, TESTDEV_DMA_REFUSED},
    {TESTDEV_DMA_COPY, 0, 0, UINT64_MAX, TESTDEV_DMA_REFUSED},
    {TESTDEV_DMA_READ, 0, 0, 4097, TESTDEV_DMA_REFUSED},
    {TESTDEV_DMA_WRITE, 0, 0, 4097, TESTDEV_DMA_REFUSED},
    {0, 0, 0, 1, TESTDEV_DMA_REFUSED},
    {5, 0, 0, 1, TESTDEV_DMA_REFUSED},
    {UINT64_MAX, 0, 0, 1, TESTDEV_DMA_REFUSED},
    {TESTDEV_DMA_COPY, 0, 0, 0, MEMTX_OK},
    {TESTDEV_DMA_COPY, 0xf0000000, 0, 4, MEMTX_DECODE_ERROR}, /* nothing there */
    {TESTDEV_DMA_FILL, 0, UINT64_MAX, 2, MEMTX_DECODE_ERROR}, /* beyond 2^64 */
    {TESTDEV_DMA_COPY, UINT64_MAX - 1, UINT64_MAX, 0x10000, MEMTX_DECODE_ERROR},
    {TESTDEV_DMA_READ, DEV + TESTDEV_SCRATCH, 0, 8, MEMTX_ACCESS_ERROR}, /* itself */
    {TESTDEV_DMA_READ, DEV + DEV_STRIDE + TESTDEV_ERROR, 0, 8, MEMTX_ERROR},
    {TESTDEV_DMA_READ, DEV + DEV_STRIDE + TESTDEV_SCRATCH, 0, 8, MEMTX_OK},
};

START_TEST(dma_gives_the_result_of_its_accesses)
{
    ck_assert_uint_eq(dma(dmas[_i].command, dmas[_i].source, dmas[_i].dest, dmas[_i].length),
                      dmas[_i].result);
    ck_assert_uint_eq(reg(&m, TESTDEV_DMA_COUNT), dmas[_i].result != TESTDEV_DMA_REFUSED);
}
END_TEST

START_TEST(dma_raises_its_interrupt_when_asked_to)
{
    set_reg(&m, TESTDEV_DMA_FLAGS, TESTDEV_DMA_IRQ);
    dma(TESTDEV_DMA_FILL, 0, 0x1000, 8);
    ck_assert(m.irq[0].level);
    ck_assert_uint_eq(reg(&m, TESTDEV_IRQ_PENDING), TESTDEV_IRQ_DMA);
    set_reg(&m, TESTDEV_IRQ_LOWER, TESTDEV_IRQ_DMA);
    ck_assert(!m.irq[0].level);
}
END_TEST

START_TEST(dma_of_the_device_to_itself_is_refused_and_counted)
{
    ck_assert_uint_eq(dma(TESTDEV_DMA_FILL, 0, DEV + TESTDEV_BANKS, 8), MEMTX_ACCESS_ERROR);
    ck_assert_uint_eq(reg(&m, TESTDEV_BLOCKED_REENTRY), 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_LOG_COUNT), 0);
    ck_assert_uint_eq(m.logged, 1);
}
END_TEST

/* 0 writes the command of 1, which writes to 0: the chain ends there. */
START_TEST(dma_through_the_other_device_back_is_refused)
{
    const hwaddr other = DEV + DEV_STRIDE;

    put(&m, other + TESTDEV_DMA_DEST, 8, DEV + TESTDEV_SCRATCH);
    put(&m, other + TESTDEV_DMA_LENGTH, 8, 8);
    put(&m, other + TESTDEV_DMA_PATTERN, 8, 99);
    set_reg(&m, TESTDEV_DMA_PATTERN, TESTDEV_DMA_FILL);
    ck_assert_uint_eq(dma(TESTDEV_DMA_FILL, 0, other + TESTDEV_DMA_COMMAND, 8), MEMTX_OK);
    ck_assert_uint_eq(get(&m, other + TESTDEV_DMA_RESULT, 8, NULL), MEMTX_ACCESS_ERROR);
    ck_assert_uint_eq(reg(&m, TESTDEV_BLOCKED_REENTRY), 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_SCRATCH), 0);
}
END_TEST

/* Each thread's device fills the registers of the other's, over and over. */
static void *cross(void *opaque)
{
    const hwaddr own = *(hwaddr *)opaque;
    unsigned i;

    memory_thread_register();
    for (i = 0; i < 2000; i++) {
        put(&m, own + TESTDEV_DMA_COMMAND, 8, TESTDEV_DMA_FILL);
    }
    memory_thread_unregister();
    return NULL;
}

START_TEST(two_devices_that_call_each_other_do_not_deadlock)
{
    hwaddr devs[NUM] = {DEV, DEV + DEV_STRIDE};
    pthread_t threads[NUM];
    uint64_t blocked = 0;
    unsigned i;

    for (i = 0; i < NUM; i++) {
        put(&m, devs[i] + TESTDEV_DMA_DEST, 8, devs[1 - i] + TESTDEV_BUFFER);
        put(&m, devs[i] + TESTDEV_DMA_LENGTH, 8, 512);
    }
    for (i = 0; i < NUM; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, cross, &devs[i]), 0);
    }
    for (i = 0; i < NUM; i++) {
        pthread_join(threads[i], NULL);
    }
    for (i = 0; i < NUM; i++) {
        blocked += get(&m, devs[i] + TESTDEV_BLOCKED_DEADLOCK, 8, NULL);
        ck_assert_uint_eq(get(&m, devs[i] + TESTDEV_DMA_COUNT, 8, NULL), 2000);
    }
    ck_assert_uint_eq(blocked, m.logged);
}
END_TEST

/* Holds device 1, as another CPU inside of it would, until told to leave. */
static pthread_barrier_t inside;

static void *hold(void *opaque)
{
    struct memory_owner_frame frame;

    (void)opaque;
    ck_assert(memory_owner_enter(&m.dev[1].owner, &frame));
    pthread_barrier_wait(&inside);
    pthread_barrier_wait(&inside);
    memory_owner_leave(&frame);
    return NULL;
}

START_TEST(dma_into_a_device_that_another_cpu_is_inside_of_is_refused)
{
    const hwaddr other = DEV + DEV_STRIDE;
    pthread_t thread;

    pthread_barrier_init(&inside, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, hold, NULL), 0);
    pthread_barrier_wait(&inside);
    ck_assert_uint_eq(dma(TESTDEV_DMA_FILL, 0, other + TESTDEV_SCRATCH, 8), MEMTX_ACCESS_ERROR);
    pthread_barrier_wait(&inside);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(get(&m, other + TESTDEV_BLOCKED_DEADLOCK, 8, NULL), 1);
    ck_assert_uint_eq(dma(TESTDEV_DMA_FILL, 0, other + TESTDEV_SCRATCH, 8), MEMTX_OK);
    pthread_barrier_destroy(&inside);
}
END_TEST

static uint64_t entry(uint64_t iova_page, uint64_t target, unsigned order, uint64_t permissions)
{
    return iova_page << TESTDEV_IOMMU_IOVA_SHIFT | target |
           (uint64_t)order << TESTDEV_IOMMU_ORDER_SHIFT | permissions;
}

static const struct {
    uint64_t permissions;
    MemTxResult read, write;
} permissions[] = {
    {0, MEMTX_DECODE_ERROR, MEMTX_DECODE_ERROR},
    {TESTDEV_IOMMU_READ, MEMTX_OK, MEMTX_DECODE_ERROR},
    {TESTDEV_IOMMU_WRITE, MEMTX_DECODE_ERROR, MEMTX_OK},
    {TESTDEV_IOMMU_READ | TESTDEV_IOMMU_WRITE, MEMTX_OK, MEMTX_OK},
};

START_TEST(window_translates_what_is_permitted)
{
    MemTxResult result;
    uint64_t value;

    set_reg(&m, TESTDEV_IOMMU_ENTRY, entry(3, 0x8000, 0, permissions[_i].permissions));
    *ram(0x8010) = 0x42;
    value = get(&m, IOMMU + 0x3010, 1, &result);
    ck_assert_uint_eq(result, permissions[_i].read);
    ck_assert_uint_eq(value, result ? 0xff : 0x42);
    ck_assert_uint_eq(put(&m, IOMMU + 0x3010, 1, 7), permissions[_i].write);
    ck_assert_uint_eq(*ram(0x8010), permissions[_i].write ? 0x42 : 7);
    ck_assert_uint_eq(put(&m, IOMMU + 0x4010, 1, 7), MEMTX_DECODE_ERROR);
}
END_TEST

START_TEST(entry_covers_its_order_and_the_lowest_wins)
{
    set_reg(&m, TESTDEV_IOMMU_ENTRY + 8 * 15, entry(0x13, 0x2f000, 4, 3)); /* 64 KiB at 0x10 */
    set_reg(&m, TESTDEV_IOMMU_ENTRY + 8 * 2, entry(0x11, 0x80000, 0, 3));
    put(&m, IOMMU + 0x10008, 1, 1);
    put(&m, IOMMU + 0x11008, 1, 2);
    put(&m, IOMMU + 0x1f008, 1, 3);
    ck_assert_uint_eq(*ram(0x20008), 1);
    ck_assert_uint_eq(*ram(0x80008), 2);
    ck_assert_uint_eq(*ram(0x2f008), 3);
    set_reg(&m, TESTDEV_IOMMU_ENTRY + 8 * 2, 0);
    put(&m, IOMMU + 0x11008, 1, 4);
    ck_assert_uint_eq(*ram(0x21008), 4);
}
END_TEST

START_TEST(access_over_two_pages_goes_to_two_places)
{
    set_reg(&m, TESTDEV_IOMMU_ENTRY, entry(0, 0x8000, 0, 3));
    set_reg(&m, TESTDEV_IOMMU_ENTRY + 8, entry(1, 0x4000, 0, 3));
    put(&m, IOMMU + 0xffe, 4, 0x44332211);
    ck_assert_mem_eq(ram(0x8ffe), "\x11\x22", 2);
    ck_assert_mem_eq(ram(0x4000), "\x33\x44", 2);
}
END_TEST

START_TEST(entry_drops_what_is_reserved)
{
    set_reg(&m, TESTDEV_IOMMU_ENTRY, UINT64_MAX);
    ck_assert_uint_eq(reg(&m, TESTDEV_IOMMU_ENTRY), entry(0xff, TESTDEV_IOMMU_TARGET, 8, 7));
}
END_TEST

START_TEST(entry_that_leads_back_into_the_window_ends)
{
    MemTxResult result;

    set_reg(&m, TESTDEV_IOMMU_ENTRY, entry(0, IOMMU, 0, 3));
    get(&m, IOMMU, 4, &result);
    ck_assert_uint_eq(result, MEMTX_DECODE_ERROR);
}
END_TEST

START_TEST(dma_goes_through_the_iommu_when_asked_to)
{
    set_reg(&m, TESTDEV_IOMMU_ENTRY, entry(1, 0x8000, 0, TESTDEV_IOMMU_READ));
    set_reg(&m, TESTDEV_IOMMU_ENTRY + 8, entry(2, 0x9000, 0, TESTDEV_IOMMU_WRITE));
    memcpy(ram(0x8000), "through", 8);
    set_reg(&m, TESTDEV_DMA_FLAGS, TESTDEV_DMA_SOURCE_IOMMU | TESTDEV_DMA_DEST_IOMMU);
    ck_assert_uint_eq(dma(TESTDEV_DMA_COPY, 0x1000, 0x2000, 8), 0);
    ck_assert_str_eq((char *)ram(0x9000), "through");
    ck_assert_uint_eq(dma(TESTDEV_DMA_COPY, 0x2000, 0x1000, 8), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(dma(TESTDEV_DMA_READ, TESTDEV_IOMMU_SIZE, 0, 8), MEMTX_DECODE_ERROR);
}
END_TEST

START_TEST(changes_of_entries_are_told_to_who_listens)
{
    set_reg(&m, TESTDEV_IOMMU_ENTRY, entry(1, 0x8000, 0, 3));
    ck_assert_uint_eq(reg(&m, TESTDEV_IOMMU_MAPS), 0);
    set_reg(&m, TESTDEV_IOMMU_NOTIFY, 3);
    set_reg(&m, TESTDEV_IOMMU_ENTRY, entry(0x40, 0x8000, 2, 1));
    ck_assert_uint_eq(reg(&m, TESTDEV_IOMMU_UNMAPS), 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_IOMMU_MAPS), 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_IOMMU_LAST_IOVA), 0x40000);
    ck_assert_uint_eq(reg(&m, TESTDEV_IOMMU_LAST_MASK), 0x3fff);
    set_reg(&m, TESTDEV_IOMMU_REPLAY, 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_IOMMU_MAPS), 5);
    set_reg(&m, TESTDEV_IOMMU_NOTIFY, 1);
    set_reg(&m, TESTDEV_IOMMU_ENTRY, 0);
    ck_assert_uint_eq(reg(&m, TESTDEV_IOMMU_UNMAPS), 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_IOMMU_MAPS), 0);
    set_reg(&m, TESTDEV_IOMMU_NOTIFY, 0);
    set_reg(&m, TESTDEV_IOMMU_ENTRY, entry(1, 0x8000, 0, 3));
    set_reg(&m, TESTDEV_IOMMU_REPLAY, 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_IOMMU_MAPS), 0);
}
END_TEST

static uint64_t event_command(unsigned slot, uint64_t command)
{
    set_reg(&m, TESTDEV_EVENT_SLOT, slot);
    set_reg(&m, TESTDEV_EVENT_COMMAND, command);
    return reg(&m, TESTDEV_EVENT_RESULT);
}

static uint64_t add_event(unsigned slot, uint64_t offset, uint64_t size, uint64_t data,
                          uint64_t flags)
{
    set_reg(&m, TESTDEV_EVENT_SLOT, slot);
    set_reg(&m, TESTDEV_EVENT_OFFSET, offset);
    set_reg(&m, TESTDEV_EVENT_SIZE, size);
    set_reg(&m, TESTDEV_EVENT_DATA, data);
    set_reg(&m, TESTDEV_EVENT_FLAGS, flags);
    return event_command(slot, TESTDEV_EVENT_ADD);
}

static const struct {
    uint64_t size, data, flags; /* of the eventfd at 0x10 */
    unsigned write_offset, write_size;
    uint64_t write_data;
    bool signalled;
} matches[] = {
    {4, 0, 0, 0x10, 4, 99, true},
    {4, 0, 0, 0x10, 2, 99, false},
    {4, 0, 0, 0x14, 4, 99, false},
    {0, 0, 0, 0x10, 1, 99, true},
    {0, 0, 0, 0x10, 8, 99, true},
    {4, 7, TESTDEV_EVENT_MATCH, 0x10, 4, 7, true},
    {4, 7, TESTDEV_EVENT_MATCH, 0x10, 4, 8, false},
    {8, UINT64_MAX, TESTDEV_EVENT_MATCH, 0x10, 8, UINT64_MAX, true},
};

START_TEST(eventfd_takes_what_it_matches_and_the_device_gets_the_rest)
{
    ck_assert_uint_eq(add_event(1, 0x10, matches[_i].size, matches[_i].data, matches[_i].flags), 0);
    put(&m, DEV + TESTDEV_DOORBELL + matches[_i].write_offset, matches[_i].write_size,
        matches[_i].write_data);
    ck_assert_uint_eq(reg(&m, TESTDEV_EVENT_COUNT + 8), matches[_i].signalled);
    ck_assert_uint_eq(reg(&m, TESTDEV_LOG_COUNT), !matches[_i].signalled);
    if (!matches[_i].signalled) {
        ck_assert_uint_eq(logged_call(&m, 0).who, TESTDEV_WHO_DOORBELL);
    }
}
END_TEST

START_TEST(port_doorbell_takes_eventfds_too)
{
    ck_assert_uint_eq(add_event(3, 4, 2, 0x1234, TESTDEV_EVENT_MATCH | TESTDEV_EVENT_PORTS), 0);
    put_port(&m, PORTS + TESTDEV_PORT_DOORBELL + 4, 2, 0x1234);
    put_port(&m, PORTS + TESTDEV_PORT_DOORBELL + 4, 2, 0x4321);
    ck_assert_uint_eq(reg(&m, TESTDEV_EVENT_COUNT + 24), 1);
    ck_assert_uint_eq(logged_call(&m, 0).who, TESTDEV_WHO_PORT_DOORBELL);
    ck_assert_uint_eq(logged_call(&m, 0).value, 0x4321);
    ck_assert_uint_eq(get_port(&m, PORTS + TESTDEV_PORT_DOORBELL, 2), 0);
}
END_TEST

START_TEST(removed_eventfd_is_silent_and_its_count_stays)
{
    add_event(0, 0, 4, 0, 0);
    put(&m, DEV + TESTDEV_DOORBELL, 4, 1);
    set_reg(&m, TESTDEV_EVENT_OFFSET, 0x20); /* of the next ADD, not of this REMOVE */
    ck_assert_uint_eq(event_command(0, TESTDEV_EVENT_REMOVE), 0);
    put(&m, DEV + TESTDEV_DOORBELL, 4, 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_EVENT_COUNT), 1);
    set_reg(&m, TESTDEV_EVENT_COUNT, 50);
    ck_assert_uint_eq(event_command(0, TESTDEV_EVENT_ADD), 0);
    put(&m, DEV + TESTDEV_DOORBELL + 0x20, 4, 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_EVENT_COUNT), 51);
}
END_TEST

static const struct {
    uint64_t offset, size, flags, result;
} bad_events[] = {
    {0x100, 4, 0, 22},
    {0xfe, 4, 0, 22},
    {UINT64_MAX, 1, 0, 22},
    {0, 3, 0, 22},
    {0, 16, 0, 22},
    {0, UINT64_C(1) << 32, 0, 22},
    {0, 0, TESTDEV_EVENT_MATCH, 22},
    {16, 1, TESTDEV_EVENT_PORTS, 22},
};

START_TEST(impossible_eventfds_are_refused)
{
    ck_assert_uint_eq(
        add_event(0, bad_events[_i].offset, bad_events[_i].size, 0, bad_events[_i].flags),
        bad_events[_i].result);
    ck_assert_uint_eq(event_command(0, TESTDEV_EVENT_REMOVE), 2);
}
END_TEST

START_TEST(event_commands_say_what_is_wrong)
{
    ck_assert_uint_eq(event_command(0, 0), 22);
    ck_assert_uint_eq(event_command(0, 3), 22);
    ck_assert_uint_eq(add_event(0, 0, 4, 0, 0), 0);
    ck_assert_uint_eq(event_command(0, TESTDEV_EVENT_ADD), 17);
    set_reg(&m, TESTDEV_EVENT_SLOT, TESTDEV_EVENT_SLOTS);
    ck_assert_uint_eq(reg(&m, TESTDEV_EVENT_RESULT), 22);
    ck_assert_uint_eq(reg(&m, TESTDEV_EVENT_SLOT), 0);
    m.dev[0].config.events[2].handle = -1;
    ck_assert_uint_eq(add_event(2, 8, 4, 0, 0), 19);
}
END_TEST

static uint64_t dirty(uint64_t command, uint64_t addr, uint64_t pages, uint64_t client)
{
    set_reg(&m, TESTDEV_DIRTY_ADDR, addr);
    set_reg(&m, TESTDEV_DIRTY_PAGES, pages);
    set_reg(&m, TESTDEV_DIRTY_CLIENT, client);
    set_reg(&m, TESTDEV_DIRTY_COMMAND, command);
    return reg(&m, TESTDEV_DIRTY_RESULT);
}

START_TEST(dirty_query_shows_and_takes_what_was_written)
{
    ck_assert_uint_eq(dirty(TESTDEV_DIRTY_START, 0x2000, 1, 1), 0);
    ck_assert_uint_eq(dirty(TESTDEV_DIRTY_TAKE, 0, 256, 1), 0);
    ck_assert_uint_eq(reg(&m, TESTDEV_DIRTY_COUNT), 256); /* what was before nobody knows */
    put(&m, 0x10000, 1, 1);
    put(&m, 0x52fff, 2, 1);
    ck_assert_uint_eq(dirty(TESTDEV_DIRTY_SYNC, 0x10000, 100, 1), 0);
    ck_assert_uint_eq(reg(&m, TESTDEV_DIRTY_COUNT), 3);
    ck_assert_uint_eq(reg(&m, TESTDEV_DIRTY_BITMAP), 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_DIRTY_BITMAP + 8), 12);
    ck_assert_uint_eq(dirty(TESTDEV_DIRTY_TAKE, 0x10000, 1, 1), 0);
    ck_assert_uint_eq(reg(&m, TESTDEV_DIRTY_COUNT), 1);
    ck_assert_uint_eq(dirty(TESTDEV_DIRTY_SYNC, 0, 256, 1), 0);
    ck_assert_uint_eq(reg(&m, TESTDEV_DIRTY_COUNT), 2);
    ck_assert_uint_eq(dirty(TESTDEV_DIRTY_STOP, 0, 1, 0), 0);
    ck_assert_uint_eq(dirty(TESTDEV_DIRTY_STOP, 0, 1, 0), 2);
}
END_TEST

START_TEST(start_anew_ends_the_log_before)
{
    ck_assert_uint_eq(dirty(TESTDEV_DIRTY_START, 0, 1, 0), 0);
    ck_assert_uint_eq(dirty(TESTDEV_DIRTY_START, 0, 1, 2), 0);
    ck_assert_uint_eq(m.ram.state.dirty_log_mask, 1 << 2);
    testdev_reset(&m.dev[0]);
    ck_assert_uint_eq(m.ram.state.dirty_log_mask, 0);
}
END_TEST

static const struct {
    uint64_t command, addr, pages, client, result;
} queries[] = {
    {0, 0, 1, 0, 22},
    {5, 0, 1, 0, 22},
    {TESTDEV_DIRTY_SYNC, 0, 0, 0, 22},
    {TESTDEV_DIRTY_SYNC, 0, 513, 0, 22},
    {TESTDEV_DIRTY_SYNC, 0, UINT64_MAX, 0, 22},
    {TESTDEV_DIRTY_SYNC, 0, 257, 0, 22}, /* beyond the RAM */
    {TESTDEV_DIRTY_TAKE, RAM_SIZE - 4096, 2, 0, 22},
    {TESTDEV_DIRTY_SYNC, 1, 1, 0, 22},
    {TESTDEV_DIRTY_START, 0, 1, 3, 22},
    {TESTDEV_DIRTY_START, 0, 1, UINT64_C(1) << 32, 22},
    {TESTDEV_DIRTY_START, RAM_SIZE, 1, 0, 2},
    {TESTDEV_DIRTY_TAKE, DEV, 1, 0, 2},
    {TESTDEV_DIRTY_TAKE, UINT64_MAX, 1, 0, 2},
    {TESTDEV_DIRTY_SYNC, RAM_SIZE - 4096, 1, 0, 0}, /* without bits everything is dirty */
};

START_TEST(dirty_query_says_what_is_wrong)
{
    ck_assert_uint_eq(
        dirty(queries[_i].command, queries[_i].addr, queries[_i].pages, queries[_i].client),
        queries[_i].result);
    ck_assert_uint_eq(reg(&m, TESTDEV_DIRTY_COUNT), queries[_i].result == 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("testdev_engines");
    TCase *tc = tcase_create("engines");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, dma_copies_fills_reads_and_writes);
    tcase_add_test(tc, dma_copies_64_kib_over_many_pieces);
    tcase_add_table_test(tc, dma_gives_the_result_of_its_accesses, dmas);
    tcase_add_test(tc, dma_raises_its_interrupt_when_asked_to);
    tcase_add_test(tc, dma_of_the_device_to_itself_is_refused_and_counted);
    tcase_add_test(tc, dma_through_the_other_device_back_is_refused);
    tcase_add_test(tc, two_devices_that_call_each_other_do_not_deadlock);
    tcase_add_test(tc, dma_into_a_device_that_another_cpu_is_inside_of_is_refused);
    tcase_add_table_test(tc, window_translates_what_is_permitted, permissions);
    tcase_add_test(tc, entry_covers_its_order_and_the_lowest_wins);
    tcase_add_test(tc, access_over_two_pages_goes_to_two_places);
    tcase_add_test(tc, entry_drops_what_is_reserved);
    tcase_add_test(tc, entry_that_leads_back_into_the_window_ends);
    tcase_add_test(tc, dma_goes_through_the_iommu_when_asked_to);
    tcase_add_test(tc, changes_of_entries_are_told_to_who_listens);
    tcase_add_table_test(tc, eventfd_takes_what_it_matches_and_the_device_gets_the_rest, matches);
    tcase_add_test(tc, port_doorbell_takes_eventfds_too);
    tcase_add_test(tc, removed_eventfd_is_silent_and_its_count_stays);
    tcase_add_table_test(tc, impossible_eventfds_are_refused, bad_events);
    tcase_add_test(tc, event_commands_say_what_is_wrong);
    tcase_add_test(tc, dirty_query_shows_and_takes_what_was_written);
    tcase_add_test(tc, start_anew_ends_the_log_before);
    tcase_add_table_test(tc, dirty_query_says_what_is_wrong, queries);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
