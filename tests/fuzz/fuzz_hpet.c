/*
 * Register accesses and time in any order. Lines are what level-triggered timers say, comparators
 * of periodic timers lie ahead, time never goes back, and the host is woken at a bounded rate.
 */
#undef NDEBUG
#include "devices/hpet.h"
#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

enum { LEVEL = 0x02, INT_ENB = 0x04, PERIODIC = 0x08, SPAN_NS_MAX = 4000000 };

struct machine {
    struct fake_clock clock;
    struct fake_irq irqs[HPET_NUM_IRQS];
    bool legacy;
    struct hpet hpet;
};

static void legacy(void *opaque, bool on)
{
    struct machine *m = opaque;

    assert(on != m->legacy);
    m->legacy = on;
}

static void machine_init(struct machine *m)
{
    static struct memory_core core;
    struct hpet_config config = {
        .clock = &m->clock.clock, .route_cap = 0xff0000, .legacy = legacy, .opaque = m};
    int ret;

    fake_clock_init(&m->clock);
    for (unsigned i = 0; i < HPET_NUM_IRQS; i++) {
        config.irqs[i] = fake_irq_line(&m->irqs[i]);
    }
    ret = memory_core_init(&core, &(struct memory_core_config){0});
    assert(ret == 0);
    ret = hpet_init(&m->hpet, &core, &config);
    assert(ret == 0);
}

static uint64_t in(struct machine *m, hwaddr addr, unsigned size)
{
    return m->hpet.mr.ops->read(m->hpet.mr.opaque, addr, size);
}

static void out(struct machine *m, hwaddr addr, uint64_t value, unsigned size)
{
    m->hpet.mr.ops->write(m->hpet.mr.opaque, addr, value, size);
}

static void check(struct machine *m)
{
    uint64_t counter = in(m, 0x0f0, 8), status = in(m, 0x020, 8);
    bool enabled = in(m, 0x010, 8) & 1;
    unsigned high = 0, levels = 0;

    assert(in(m, 0x000, 8) == 0x009896808086a201 && status < 8);
    assert(m->legacy == ((in(m, 0x010, 8) & 2) != 0));
    for (unsigned i = 0; i < HPET_NUM_TIMERS; i++) {
        uint64_t config = in(m, 0x100 + 0x20 * i, 8), comparator = in(m, 0x108 + 0x20 * i, 8);

        assert((config & ~UINT64_C(0xffff)) == UINT64_C(0xff0000) << 32);
        assert(!(config & 0x100) || comparator <= UINT32_MAX);
        assert(!(config & 0x40) || config & PERIODIC);
        levels += enabled && status >> i & 1 && (config & (LEVEL | INT_ENB)) == (LEVEL | INT_ENB);
    }
    for (unsigned i = 0; i < HPET_NUM_IRQS; i++) {
        high += m->irqs[i].level;
        assert(!m->irqs[i].level || i >= 16 || (m->legacy && (i == 0 || i == 8)));
    }
    assert(high <= levels);
    assert(in(m, 0x0f0, 8) == counter);
}

static void run(struct machine *m, uint64_t span_ns)
{
    uint64_t expired = m->clock.expired, before = in(m, 0x0f0, 8);

    fake_clock_run(&m->clock, span_ns);
    /* For each timer: one at either end, and one for each time a 32-bit counter comes round. */
    assert(m->clock.expired - expired <= HPET_NUM_TIMERS * (span_ns / HPET_WAKE_NS_MIN + 3));
    assert(in(m, 0x0f0, 8) - before <= span_ns / HPET_PERIOD_NS + 1);
}

/* The registers that matter, by a byte of the program. */
static hwaddr reg_of(uint8_t byte)
{
    static const hwaddr regs[] = {0x010, 0x020, 0x0f0, 0x100, 0x108, 0x120, 0x128, 0x140, 0x148};

    return byte & 0x80 ? (byte & 0x7fU) * 8 : regs[byte % 9];
}

static void run_step(struct machine *m, struct program_step step)
{
    uint64_t arms = m->clock.arms;

    switch (step.op % 8) {
    case 0:
    case 1: /* a byte in any place of the register */
        out(m, reg_of(step.a), (uint64_t)step.b << (step.op >> 3), 8);
        break;
    case 2:
        out(m, reg_of(step.a) + (step.op & 8 ? 4 : 0), (uint32_t)step.b << (step.op >> 4), 4);
        break;
    case 3: /* a timer with its interrupt on */
        out(m, 0x100 + 0x20 * (step.a % 3), step.b | INT_ENB | 20 << 9, 8);
        break;
    case 4: /* a comparator near the counter */
        out(m, 0x108 + 0x20 * (step.a % 3), in(m, 0x0f0, 8) + step.b, 8);
        break;
    case 5:
        fake_clock_oversleep(&m->clock, program_span_ns(step));
        fake_clock_run(&m->clock, 0);
        break;
    default:
        run(m, program_span_ns(step) % SPAN_NS_MAX);
        break;
    }
    assert(step.op % 8 >= 5 || m->clock.arms - arms <= HPET_NUM_TIMERS);
    check(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine machine, fresh;
    struct program program = {data, size};
    struct program_step step;

    if (!fresh.hpet.config.clock) {
        machine_init(&machine);
        fresh = machine;
    }
    machine = fresh;
    while (program_next(&program, &step)) {
        run_step(&machine, step);
    }
    hpet_reset(&machine.hpet);
    assert(!machine.clock.first && !machine.legacy && machine.hpet.lines == 0);
    return 0;
}
