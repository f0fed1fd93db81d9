/*
 * Two test devices under a hostile guest: any register, any window, DMA into each other. Whatever
 * it does, the interrupt line, the log of dirty pages and the eventfds are what the registers say,
 * and a reset brings power-on state back.
 */
#undef NDEBUG
#include "tests/fuzz/program.h"
#include "tests/unit/testdev_fixture.h"

static struct testdev_machine m;

/* Where accesses and DMA go. */
static const hwaddr places[] = {
    0,
    RAM_SIZE - 64,
    DEV,
    DEV + TESTDEV_DMA_SOURCE,
    DEV + TESTDEV_LOG,
    DEV + TESTDEV_RAW,
    DEV + TESTDEV_BUFFER + 4090,
    DEV + TESTDEV_ZONE,
    DEV + TESTDEV_DOORBELL,
    DEV + TESTDEV_BANKS,
    DEV + TESTDEV_MEMORY_SIZE - 8,
    IOMMU,
    IOMMU + 0xff0,
    DEV + DEV_STRIDE,
    DEV + DEV_STRIDE + TESTDEV_BANK_SHAPE,
    DEV + DEV_STRIDE + TESTDEV_EVENT_SLOT,
    DEV + DEV_STRIDE + TESTDEV_BANKS,
    IOMMU + DEV_STRIDE,
    UINT64_MAX - 16,
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* A value from an operand: small, a place, an IOMMU entry, or an edge. */
static uint64_t value_of(uint8_t b)
{
    static const uint64_t edges[] = {
        0x100, 0x1000, 0xffff,  0x10000, 0x10001,  UINT32_MAX, INT64_MAX, UINT64_MAX,
        0x33,  0x1111, 0x38181, 0x44848, 0x108888, 0x204141,   0x27181,   0x60008181,
    };

    if (b < 0x40) {
        return b;
    }
    if (b < 0x80) {
        return places[(b - 0x40) % PLACES];
    }
    if (b < 0xc0) {
        return (uint64_t)(b & 7) << TESTDEV_IOMMU_IOVA_SHIFT | places[(b & 0x3f) % PLACES] |
               (b & 0x30U) | 3;
    }
    return edges[b % (sizeof(edges) / sizeof(edges[0]))];
}

static void run_step(struct program_step step)
{
    const hwaddr dev = DEV + (step.op & 0x80 ? (hwaddr)DEV_STRIDE : 0);
    const unsigned size = 1U << (step.op >> 4 & 3);
    uint64_t value = 0;

    switch (step.op & 7) {
    case 0:
    case 1:
        (void)put(&m, dev + 8U * step.a, 8, value_of(step.b));
        break;
    case 2:
        (void)put(&m, dev + 4U * step.a, 4, value_of(step.b));
        break;
    case 3:
        value = get(&m, dev + 8U * step.a, 8, NULL);
        break;
    case 4:
        (void)put(&m, places[step.a % PLACES] + (step.b & 15), size, step.b * 0x0101010101010101U);
        break;
    case 5:
        value = get(&m, places[step.a % PLACES] + (step.b & 15), size, NULL);
        break;
    case 6:
        (void)put_port(&m, PORTS + step.a, size > 4 ? 4 : size, step.b * 0x01010101U);
        break;
    default:
        value = get_port(&m, PORTS + step.a, size > 4 ? 4 : size);
        break;
    }
    (void)value;
}

static void check(void)
{
    unsigned i, k, logged = 0;

    for (i = 0; i < NUM; i++) {
        const struct testdev *dev = &m.dev[i];

        assert(get(&m, DEV + i * DEV_STRIDE, 8, NULL) == TESTDEV_ID_VALUE);
        assert(m.irq[i].level == (dev->irq_pending != 0));
        logged |= dev->dirty.logged ? 1U << dev->dirty.logged_client : 0;
        for (k = 0; k < TESTDEV_EVENT_SLOTS; k++) {
            const struct testdev_event *event = &dev->events[k];
            const struct memory_region_state *state =
                event->added_to ? &event->added_to->state : NULL;

            assert(!state || state->eventfds);
        }
        for (k = 0; k < TESTDEV_BANK_NUM; k++) {
            assert(dev->banks[k] && memory_region_is_mapped((MemoryRegion *)dev->banks[k]));
        }
    }
    assert(m.ram.state.dirty_log_mask == logged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program program = {data, size < 600 ? size : 600};
    struct program_step step;
    unsigned i;

    if (!m.core.config.log) {
        testdev_machine_init(&m);
    }
    while (program_next(&program, &step)) {
        run_step(step);
        check();
    }
    for (i = 0; i < NUM; i++) {
        testdev_reset(&m.dev[i]);
        assert(!m.irq[i].level && !m.dev[i].dirty.logged);
        assert(m.dev[i].coalesce == 3 && m.dev[i].log_count == 0);
    }
    assert(m.ram.state.dirty_log_mask == 0);
    memory_core_throttle(&m.core);
    return 0;
}
