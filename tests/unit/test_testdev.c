/* The test device: registers, interrupt, banks of every shape, the log, zones, doorbells. */
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

START_TEST(identifies_itself_in_one_read_or_two)
{
    ck_assert_uint_eq(reg(&m, TESTDEV_ID), TESTDEV_ID_VALUE);
    ck_assert_mem_eq(&(uint64_t){TESTDEV_ID_VALUE}, "acretest", 8);
    ck_assert_uint_eq(get(&m, DEV + TESTDEV_ID, 4, NULL), (uint32_t)TESTDEV_ID_VALUE);
    ck_assert_uint_eq(get(&m, DEV + TESTDEV_ID + 4, 4, NULL), TESTDEV_ID_VALUE >> 32);
}
END_TEST

/* Accesses that registers refuse. */
static const struct {
    unsigned offset, size;
} refused[] = {{TESTDEV_SCRATCH, 1}, {TESTDEV_SCRATCH, 2}, {TESTDEV_SCRATCH + 2, 4}};

START_TEST(registers_refuse_narrow_and_unaligned_accesses)
{
    const hwaddr addr = DEV + refused[_i].offset;
    MemTxResult result;

    set_reg(&m, TESTDEV_SCRATCH, 0x1122334455667788);
    ck_assert_uint_eq(get(&m, addr, refused[_i].size, &result), 0);
    ck_assert_uint_ne(result & MEMTX_DECODE_ERROR, 0);
    ck_assert_uint_ne(put(&m, addr, refused[_i].size, 0) & MEMTX_DECODE_ERROR, 0);
    ck_assert_uint_eq(reg(&m, TESTDEV_SCRATCH), 0x1122334455667788);
}
END_TEST

START_TEST(four_bytes_take_their_upper_half_from_high_once)
{
    put(&m, DEV + TESTDEV_HIGH, 4, 0xaabbccdd);
    put(&m, DEV + TESTDEV_SCRATCH, 4, 0x11223344);
    ck_assert_uint_eq(reg(&m, TESTDEV_SCRATCH), 0xaabbccdd11223344);
    put(&m, DEV + TESTDEV_SCRATCH, 4, 0x55667788);
    ck_assert_uint_eq(reg(&m, TESTDEV_SCRATCH), 0x55667788);
    put(&m, DEV + TESTDEV_SCRATCH + 4, 4, 0xffffffff);
    ck_assert_uint_eq(reg(&m, TESTDEV_SCRATCH), 0x55667788);
}
END_TEST

static const unsigned read_only[] = {
    TESTDEV_ID,           TESTDEV_BLOCKED_REENTRY, TESTDEV_BLOCKED_DEADLOCK, TESTDEV_IRQ_PENDING,
    TESTDEV_DMA_RESULT,   TESTDEV_DMA_COUNT,       TESTDEV_IOMMU_UNMAPS,     TESTDEV_IOMMU_MAPS,
    TESTDEV_EVENT_RESULT, TESTDEV_BANK_RESULT,     TESTDEV_DIRTY_RESULT,     TESTDEV_DIRTY_COUNT,
    TESTDEV_DIRTY_BITMAP, TESTDEV_LOG_COUNT,       TESTDEV_COALESCE_RESULT,  0xff8, /* reserved */
};

START_TEST(read_only_and_reserved_registers_ignore_writes)
{
    uint64_t before = reg(&m, read_only[_i]);

    set_reg(&m, read_only[_i], ~before);
    ck_assert_uint_eq(reg(&m, read_only[_i]), before);
}
END_TEST

START_TEST(counter_counts_its_own_reads)
{
    ck_assert_uint_eq(reg(&m, TESTDEV_COUNTER), 0);
    ck_assert_uint_eq(reg(&m, TESTDEV_COUNTER), 1);
    set_reg(&m, TESTDEV_COUNTER, 100);
    ck_assert_uint_eq(get(&m, DEV + TESTDEV_COUNTER, 4, NULL), 100);
    ck_assert_uint_eq(reg(&m, TESTDEV_COUNTER), 101);
}
END_TEST

START_TEST(error_register_gives_the_result_that_was_asked_for)
{
    MemTxResult result;

    ck_assert_uint_eq(put(&m, DEV + TESTDEV_ERROR, 8, 1), MEMTX_ERROR);
    set_reg(&m, TESTDEV_ERROR_RESULT, (uint64_t)_i | 0xfff0);
    ck_assert_uint_eq(reg(&m, TESTDEV_ERROR_RESULT), (uint64_t)_i);
    ck_assert_uint_eq(get(&m, DEV + TESTDEV_ERROR, 4, &result), 0);
    ck_assert_uint_eq(result, (MemTxResult)_i);
    ck_assert_uint_eq(put(&m, DEV + TESTDEV_ERROR, 4, 1), (MemTxResult)_i);
}
END_TEST

START_TEST(line_is_high_while_anything_is_pending)
{
    set_reg(&m, TESTDEV_IRQ_RAISE, TESTDEV_IRQ_GUEST | 0x10);
    ck_assert(m.irq[0].level);
    set_reg(&m, TESTDEV_IRQ_LOWER, TESTDEV_IRQ_GUEST);
    ck_assert(m.irq[0].level);
    ck_assert_uint_eq(reg(&m, TESTDEV_IRQ_PENDING), 0x10);
    set_reg(&m, TESTDEV_IRQ_LOWER, 0x10);
    ck_assert(!m.irq[0].level);
    ck_assert_uint_eq(m.irq[0].rises, 1);
}
END_TEST

static const struct {
    uint64_t pending, written, rises;
} pulses[] = {{0, 1, 1}, {0, 64, 64}, {0, 0, 0}, {0, 65, 0}, {0, UINT64_MAX, 0}, {4, 3, 0}};

START_TEST(pulses_are_counted_and_bounded)
{
    uint64_t rises;

    set_reg(&m, TESTDEV_IRQ_RAISE, pulses[_i].pending);
    rises = m.irq[0].rises;
    set_reg(&m, TESTDEV_IRQ_PULSE, pulses[_i].written);
    ck_assert_uint_eq(m.irq[0].rises - rises, pulses[_i].rises);
    ck_assert_uint_eq(m.irq[0].level, pulses[_i].pending != 0);
}
END_TEST

/* Bank 0 is valid 1..8, impl 1..8; 1 is the same, big endian; 3 has impl 1..1; 4 has 4..4, RMW. */
static const struct {
    unsigned bank, offset, size;
    uint64_t value;
    unsigned num;
    struct testdev_call calls[4];
} splits[] = {
    {0, 0, 4, 0x11223344, 1, {{0, 0x104, 0, 0x11223344}}},
    {1, 0, 4, 0x11223344, 1, {{1, 0x104, 0, 0x44332211}}},
    {3, 4, 2, 0x1122, 2, {{3, 0x101, 4, 0x22}, {3, 0x101, 5, 0x11}}},
    {7, 8, 8, 0x1122334455667788, 2, {{7, 0x104, 8, 0x88776655}, {7, 0x104, 12, 0x44332211}}},
    {4, 1, 1, 0xab, 2, {{4, 4, 0, 0}, {4, 0x104, 0, 0xab00}}},
    {4,
     2,
     4,
     0x11223344,
     4,
     {{4, 4, 0, 0}, {4, 0x104, 0, 0x33440000}, {4, 4, 4, 0}, {4, 0x104, 4, 0x1122}}},
};

START_TEST(log_has_each_call_in_order)
{
    const hwaddr addr = DEV + TESTDEV_BANKS + splits[_i].bank * TESTDEV_BANK_SIZE;
    unsigned i;

    ck_assert_uint_eq(put(&m, addr + splits[_i].offset, splits[_i].size, splits[_i].value), 0);
    ck_assert_uint_eq(reg(&m, TESTDEV_LOG_COUNT), splits[_i].num);
    for (i = 0; i < splits[_i].num; i++) {
        const struct testdev_call call = logged_call(&m, i);

        ck_assert_uint_eq(call.who, splits[_i].calls[i].who);
        ck_assert_uint_eq(call.size, splits[_i].calls[i].size);
        ck_assert_uint_eq(call.offset, splits[_i].calls[i].offset);
        ck_assert_uint_eq(call.value, splits[_i].calls[i].value);
    }
}
END_TEST

START_TEST(log_keeps_the_last_64_calls_and_can_be_cleared)
{
    unsigned i;

    for (i = 0; i < TESTDEV_LOG_ENTRIES + 3; i++) {
        put(&m, DEV + TESTDEV_BANKS, 1, i);
    }
    ck_assert_uint_eq(reg(&m, TESTDEV_LOG_COUNT), TESTDEV_LOG_ENTRIES + 3);
    ck_assert_uint_eq(logged_call(&m, 2).value, TESTDEV_LOG_ENTRIES + 2);
    ck_assert_uint_eq(logged_call(&m, 3).value, 3);
    put(&m, DEV + TESTDEV_LOG, 8, 77);
    ck_assert_uint_eq(logged_call(&m, 0).who, 0);
    set_reg(&m, TESTDEV_LOG_CLEAR, 1);
    ck_assert_uint_eq(reg(&m, TESTDEV_LOG_COUNT), 0);
    ck_assert_uint_eq(logged_call(&m, 3).value, 0);
}
END_TEST

START_TEST(port_banks_are_four_more)
{
    put_port(&m, PORTS + TESTDEV_PORT_BANKS + 16 + 4, 4, 0x11223344);
    ck_assert_uint_eq(logged_call(&m, 0).who, 9);
    ck_assert_uint_eq(logged_call(&m, 0).value, 0x44332211);
    ck_assert_uint_eq(get(&m, DEV + TESTDEV_RAW + 9 * TESTDEV_BANK_SIZE + 4, 4, NULL), 0x11223344);
    ck_assert_uint_eq(get_port(&m, PORTS + TESTDEV_PORT_BANKS + 16 + 5, 2), 0x2233);
}
END_TEST

static const struct {
    uint64_t shape, result;
} bad_shapes[] = {
    {TESTDEV_SHAPE(3, 8, 1, 1), 22}, {TESTDEV_SHAPE(1, 9, 1, 1), 22},
    {TESTDEV_SHAPE(4, 2, 1, 1), 22}, {TESTDEV_SHAPE(1, 8, 2, 1), 22},
    {TESTDEV_SHAPE(1, 8, 8, 0), 22}, {3 << TESTDEV_SHAPE_NARROW_SHIFT, 22},
    {UINT64_C(1) << 40, 22},         {UINT64_MAX, 22},
    {TESTDEV_SHAPE(8, 0, 0, 0), 0},  {0, 0},
};

START_TEST(impossible_shape_is_refused_and_the_old_one_stays)
{
    const uint64_t before = reg(&m, TESTDEV_BANK_SHAPE + 8);

    set_reg(&m, TESTDEV_BANK_SHAPE + 8, bad_shapes[_i].shape);
    ck_assert_uint_eq(reg(&m, TESTDEV_BANK_RESULT), bad_shapes[_i].result);
    ck_assert_uint_eq(reg(&m, TESTDEV_BANK_SHAPE + 8),
                      bad_shapes[_i].result ? before : bad_shapes[_i].shape);
    put(&m, DEV + TESTDEV_RAW + TESTDEV_BANK_SIZE, 4, 0x55);
    ck_assert_uint_eq(get(&m, DEV + TESTDEV_BANKS + TESTDEV_BANK_SIZE, 4, NULL), 0x55);
}
END_TEST

START_TEST(shape_without_memory_is_refused)
{
    const uint64_t before = reg(&m, TESTDEV_BANK_SHAPE);

    m.core.fail_alloc = (uint64_t)_i + 1;
    set_reg(&m, TESTDEV_BANK_SHAPE, TESTDEV_SHAPE(2, 2, 2, 2));
    m.core.fail_alloc = 0;
    ck_assert_uint_eq(reg(&m, TESTDEV_BANK_RESULT), 12);
    ck_assert_uint_eq(reg(&m, TESTDEV_BANK_SHAPE), before);
    put(&m, DEV + TESTDEV_BANKS, 1, 7);
    ck_assert_uint_eq(get(&m, DEV + TESTDEV_RAW, 1, NULL), 7);
}
END_TEST

/*
 * What the banks' header says, in other words than dispatch's: an access is cut to pieces of at
 * most valid.max bytes, at multiples of their size unless unaligned ones are taken; a piece below
 * valid.min is refused. A piece covers units of impl.min bytes, some only in part.
 */
struct expected {
    uint8_t written[TESTDEV_BANK_SIZE]; /* the bank after a write */
    MemTxResult write_result, read_result;
    bool refused[8]; /* bytes that read 0 */
};

static void expect_piece(uint32_t shape, unsigned offset, unsigned size, const uint8_t *data,
                         struct expected *e)
{
    const unsigned unit = shape >> TESTDEV_SHAPE_IMPL_MIN_SHIFT & 15;
    const unsigned narrow = shape >> TESTDEV_SHAPE_NARROW_SHIFT & 3;
    unsigned i, k;

    for (i = offset & ~(unit - 1); i < offset + size; i += unit) {
        bool whole = i >= offset && i + unit <= offset + size;

        if (!whole && narrow == TESTDEV_NARROW_REJECT) {
            e->write_result = MEMTX_DECODE_ERROR;
            continue;
        }
        for (k = i; k < i + unit; k++) {
            if (k >= offset && k < offset + size) {
                e->written[k] = data[k - offset];
            } else if (narrow == TESTDEV_NARROW_ZERO_EXTEND) {
                e->written[k] = 0;
            }
        }
    }
}

static void expect(uint32_t shape, unsigned offset, unsigned size, const uint8_t *data,
                   struct expected *e)
{
    const unsigned min = shape & 15, max = shape >> TESTDEV_SHAPE_VALID_MAX_SHIFT & 15;
    unsigned done, piece;

    e->write_result = e->read_result = MEMTX_OK;
    for (done = 0; done < size; done += piece) {
        for (piece = max; piece > size - done ||
                          (!(shape & TESTDEV_SHAPE_VALID_UNALIGNED) && (offset + done) % piece);) {
            piece /= 2;
        }
        memset(e->refused + done, piece < min, piece);
        if (piece < min) {
            e->write_result = e->read_result = MEMTX_DECODE_ERROR;
        } else {
            expect_piece(shape, offset + done, piece, data + done, e);
        }
    }
}

/* One write and one read of a bank of this shape against the words above. */
static void check_access(uint32_t shape, unsigned offset, unsigned size)
{
    const hwaddr bank = DEV + TESTDEV_BANKS;
    const uint64_t value = 0xa1a2a3a4a5a6a7a8;
    struct expected e;
    MemTxResult result;
    uint64_t got, want = 0;
    unsigned i;

    for (i = 0; i < sizeof(e.written); i++) {
        e.written[i] = (uint8_t)(i + 1);
    }
    memcpy(m.dev[0].raw, e.written, sizeof(e.written));
    expect(shape, offset, size, (const uint8_t *)&value, &e);
    result = put(&m, bank + offset, size, value);
    ck_assert_msg(result == e.write_result, "shape %x offset %u size %u", shape, offset, size);
    ck_assert_msg(memcmp(e.written, m.dev[0].raw, sizeof(e.written)) == 0,
                  "shape %x offset %u size %u", shape, offset, size);
    for (i = 0; i < size; i++) {
        want |= e.refused[i] ? 0 : (uint64_t)e.written[offset + i] << 8 * i;
    }
    got = get(&m, bank + offset, size, &result);
    ck_assert_msg(got == want && result == e.read_result, "shape %x offset %u size %u", shape,
                  offset, size);
}

/* All 1200 shapes whose unaligned accesses are cut up: _i is the pair of impl sizes. */
START_TEST(bank_of_every_shape_keeps_the_order_of_bytes)
{
    static const unsigned pairs[][2] = {{1, 1}, {1, 2}, {1, 4}, {1, 8}, {2, 2},
                                        {2, 4}, {2, 8}, {4, 4}, {4, 8}, {8, 8}};
    unsigned valid, flags, narrow, offset, size;

    for (valid = 0; valid < 10; valid++) {
        for (flags = 0; flags < 4; flags++) {
            for (narrow = 0; narrow < 3; narrow++) {
                const uint32_t shape =
                    TESTDEV_SHAPE(pairs[valid][0], pairs[valid][1], pairs[_i][0], pairs[_i][1]) |
                    narrow << TESTDEV_SHAPE_NARROW_SHIFT |
                    (flags & 1 ? TESTDEV_SHAPE_VALID_UNALIGNED : 0) |
                    (flags & 2 ? TESTDEV_SHAPE_BIG_ENDIAN : 0);

                set_reg(&m, TESTDEV_BANK_SHAPE, shape);
                ck_assert_uint_eq(reg(&m, TESTDEV_BANK_RESULT), 0);
                for (size = 1; size <= 8; size *= 2) {
                    for (offset = 0; offset < 9; offset++) {
                        check_access(shape, offset, size);
                    }
                }
            }
        }
    }
}
END_TEST

START_TEST(access_over_two_banks_reaches_both)
{
    put(&m, DEV + TESTDEV_BANKS + TESTDEV_BANK_SIZE - 2, 4, 0x44332211);
    ck_assert_uint_eq(logged_call(&m, 0).who, 0);
    ck_assert_uint_eq(logged_call(&m, 0).offset, TESTDEV_BANK_SIZE - 2);
    ck_assert_uint_eq(logged_call(&m, 0).value, 0x2211);
    ck_assert_uint_eq(logged_call(&m, 1).who, 1);
    ck_assert_uint_eq(logged_call(&m, 1).value, 0x3344);
}
END_TEST

START_TEST(zones_log_and_give_zeros)
{
    put(&m, DEV + TESTDEV_ZONE + 8, 8, UINT64_MAX);
    put_port(&m, PORTS + TESTDEV_PORT_ZONE + 1, 2, 0x1234);
    ck_assert_uint_eq(get(&m, DEV + TESTDEV_ZONE + 8, 8, NULL), 0);
    ck_assert_uint_eq(get_port(&m, PORTS + TESTDEV_PORT_ZONE, 4), 0);
    ck_assert_uint_eq(logged_call(&m, 0).who, TESTDEV_WHO_ZONE);
    ck_assert_uint_eq(logged_call(&m, 0).value, UINT64_MAX);
    ck_assert_uint_eq(logged_call(&m, 1).who, TESTDEV_WHO_PORT_ZONE);
    ck_assert_uint_eq(logged_call(&m, 1).value, 0x1234);
    ck_assert_uint_eq(logged_call(&m, 2).size, 8);
    ck_assert_uint_eq(logged_call(&m, 3).who, TESTDEV_WHO_PORT_ZONE);
}
END_TEST

/* Zones of the memory space, as a listener is told. */
static unsigned zones;

static void zone_added(MemoryListener *listener, const MemoryCoalescedZone *zone)
{
    (void)listener;
    zones += zone->first == DEV + TESTDEV_ZONE && zone->last == DEV + TESTDEV_ZONE + 0xfff;
}

static void zone_deleted(MemoryListener *listener, const MemoryCoalescedZone *zone)
{
    (void)listener;
    zones -= zone->first == DEV + TESTDEV_ZONE;
}

START_TEST(coalescing_is_on_and_can_be_turned_off)
{
    MemoryListener listener = {
        .name = "zones", .coalesced_io_add = zone_added, .coalesced_io_del = zone_deleted};

    ck_assert_uint_eq(reg(&m, TESTDEV_COALESCE), 3);
    ck_assert_int_eq(memory_listener_register(&listener, &m.memory), 0);
    ck_assert_uint_eq(zones, 1);
    set_reg(&m, TESTDEV_COALESCE, 2);
    ck_assert_uint_eq(zones, 0);
    set_reg(&m, TESTDEV_COALESCE, 4);
    ck_assert_uint_eq(reg(&m, TESTDEV_COALESCE_RESULT), 22);
    ck_assert_uint_eq(reg(&m, TESTDEV_COALESCE), 2);
    testdev_reset(&m.dev[0]);
    ck_assert_uint_eq(zones, 1);
    memory_listener_unregister(&listener);
}
END_TEST

START_TEST(reset_is_power_on)
{
    struct testdev *fresh = calloc(1, sizeof(*fresh));
    unsigned i;

    ck_assert_ptr_nonnull(fresh);
    for (i = 0; i < 0x1000; i += 8) {
        set_reg(&m, i, i == TESTDEV_DMA_COMMAND ? 0 : 1);
    }
    put(&m, DEV + TESTDEV_BANKS, 8, 1);
    put(&m, DEV + TESTDEV_BUFFER, 8, 1);
    testdev_reset(&m.dev[0]);
    for (i = 0; i < 0x1000; i += 8) {
        if (i != TESTDEV_COUNTER && i != TESTDEV_ERROR) {
            ck_assert_uint_eq(reg(&m, i), get(&m, DEV + DEV_STRIDE + i, 8, NULL));
        }
    }
    ck_assert_uint_eq(reg(&m, TESTDEV_COUNTER), 0);
    ck_assert_mem_eq(m.dev[0].raw, fresh->raw, sizeof(fresh->raw));
    ck_assert_mem_eq(m.dev[0].dma.buffer, fresh->dma.buffer, sizeof(fresh->dma.buffer));
    ck_assert(!m.irq[0].level);
    free(fresh);
}
END_TEST

/* Storage of a failed init may be freed only after the core: its regions go by RCU. */
START_TEST(init_without_memory_leaves_nothing)
{
    struct testdev_config config = {.memory = &m.memory};
    struct testdev *devs[128];
    size_t num = 0, i;
    int ret = -ENOMEM;

    for (i = 0; i < TESTDEV_EVENT_SLOTS; i++) {
        config.events[i].handle = -1;
    }
    while (ret == -ENOMEM && num < sizeof(devs) / sizeof(devs[0])) {
        devs[num] = malloc(sizeof(struct testdev));
        ck_assert_ptr_nonnull(devs[num]);
        m.core.fail_alloc = ++num;
        ret = testdev_init(devs[num - 1], &m.core, &config);
    }
    m.core.fail_alloc = 0;
    ck_assert_int_eq(ret, 0);
    ck_assert_uint_gt(num, 30);
    testdev_finish(devs[num - 1]);
    testdev_finish(&(struct testdev){.core = NULL});
    teardown();
    for (i = 0; i < num; i++) {
        free(devs[i]);
    }
    setup();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("testdev");
    TCase *tc = tcase_create("testdev");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, identifies_itself_in_one_read_or_two);
    tcase_add_table_test(tc, registers_refuse_narrow_and_unaligned_accesses, refused);
    tcase_add_test(tc, four_bytes_take_their_upper_half_from_high_once);
    tcase_add_table_test(tc, read_only_and_reserved_registers_ignore_writes, read_only);
    tcase_add_test(tc, counter_counts_its_own_reads);
    tcase_add_loop_test(tc, error_register_gives_the_result_that_was_asked_for, 0, 8);
    tcase_add_test(tc, line_is_high_while_anything_is_pending);
    tcase_add_table_test(tc, pulses_are_counted_and_bounded, pulses);
    tcase_add_table_test(tc, log_has_each_call_in_order, splits);
    tcase_add_test(tc, log_keeps_the_last_64_calls_and_can_be_cleared);
    tcase_add_test(tc, port_banks_are_four_more);
    tcase_add_table_test(tc, impossible_shape_is_refused_and_the_old_one_stays, bad_shapes);
    tcase_add_loop_test(tc, shape_without_memory_is_refused, 0, 4);
    tcase_add_loop_test(tc, bank_of_every_shape_keeps_the_order_of_bytes, 0, 10);
    tcase_add_test(tc, access_over_two_banks_reaches_both);
    tcase_add_test(tc, zones_log_and_give_zeros);
    tcase_add_test(tc, coalescing_is_on_and_can_be_turned_off);
    tcase_add_test(tc, reset_is_power_on);
    tcase_add_test(tc, init_without_memory_leaves_nothing);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
