/* test_trace_ring.c - the ring between a vCPU and what writes the trace. */
#include "vmm/trace_ring.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"

static struct trace_ring *ring;

static void setup(void)
{
    ring = aligned_alloc(_Alignof(struct trace_ring), sizeof(*ring));
    ck_assert_ptr_nonnull(ring);
    memset(ring, 0, sizeof(*ring));
}

static void teardown(void)
{
    free(ring);
}

static bool push(uint64_t value, bool *half)
{
    const struct trace_record record = {.stamp = value, .value = ~value};

    return trace_ring_push(ring, &record, half);
}

START_TEST(records_come_out_in_the_order_they_went_in)
{
    bool half = false;
    uint64_t i, round;

    for (round = 0; round < 5 * TRACE_RING_LEN; round += 3) {
        for (i = 0; i < 3; i++) {
            ck_assert(push(round + i, &half));
        }
        for (i = 0; i < 3; i++) {
            const struct trace_record *record = trace_ring_first(ring);

            ck_assert_ptr_nonnull(record);
            ck_assert_uint_eq(record->stamp, round + i);
            trace_ring_pop(ring);
        }
        ck_assert_ptr_null(trace_ring_first(ring));
    }
    ck_assert_uint_eq(trace_ring_dropped(ring), 0);
}
END_TEST

START_TEST(a_full_ring_drops_what_comes_and_counts_it)
{
    bool half = false;
    uint64_t i;

    for (i = 0; i < TRACE_RING_LEN; i++) {
        ck_assert(push(i, &half));
        ck_assert_int_eq(half, i + 1 >= TRACE_RING_LEN / 2);
    }
    for (i = 0; i < 7; i++) {
        ck_assert(!push(0, &half));
    }
    ck_assert_uint_eq(trace_ring_dropped(ring), 7);
    ck_assert_uint_eq(trace_ring_dropped(ring), 0);
    ck_assert_uint_eq(trace_ring_first(ring)->stamp, 0);
    trace_ring_pop(ring);
    ck_assert(push(TRACE_RING_LEN, &half));
    ck_assert(!push(0, &half));
    ck_assert_uint_eq(trace_ring_dropped(ring), 1);
    for (i = 1; i <= TRACE_RING_LEN; i++) {
        ck_assert_uint_eq(trace_ring_first(ring)->stamp, i);
        trace_ring_pop(ring);
    }
    ck_assert_ptr_null(trace_ring_first(ring));
}
END_TEST

enum { PUSHES = 200000 };

static void *produce(void *opaque)
{
    bool half = false;
    uint64_t i;

    (void)opaque;
    for (i = 1; i <= PUSHES; i++) {
        (void)push(i, &half);
    }
    return NULL;
}

START_TEST(between_two_threads_each_record_is_whole_or_counted)
{
    uint64_t last = 0, got = 0, dropped = 0;
    const struct trace_record *record;
    pthread_t producer;

    ck_assert_int_eq(pthread_create(&producer, NULL, produce, NULL), 0);
    while (got + dropped < PUSHES) {
        record = trace_ring_first(ring);
        if (record) {
            ck_assert_uint_gt(record->stamp, last);
            ck_assert_uint_eq(record->value, ~record->stamp);
            last = record->stamp;
            trace_ring_pop(ring);
            got++;
        } else {
            dropped += trace_ring_dropped(ring);
            (void)sched_yield();
        }
    }
    ck_assert_int_eq(pthread_join(producer, NULL), 0);
    ck_assert_uint_eq(got + dropped, PUSHES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace_ring");
    TCase *tc = tcase_create("ring");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, records_come_out_in_the_order_they_went_in);
    tcase_add_test(tc, a_full_ring_drops_what_comes_and_counts_it);
    tcase_add_test(tc, between_two_threads_each_record_is_whole_or_counted);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
