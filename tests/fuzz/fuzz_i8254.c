/*
 * Port accesses and time in any order. The irq line is counter 0's OUT, reads that are latched do
 * not move, and however the guest programs it the host is woken at a bounded rate.
 */
#undef NDEBUG
#include "devices/i8254.h"
#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

enum { CONTROL = 3, SPAN_NS_MAX = 4000000 };

struct machine {
    struct fake_clock clock;
    struct fake_irq irq;
    struct i8254 pit;
};

static void machine_init(struct machine *m)
{
    static struct memory_core core;
    int ret;

    fake_clock_init(&m->clock);
    ret = memory_core_init(&core, &(struct memory_core_config){0});
    assert(ret == 0);
    ret = i8254_init(&m->pit, &core,
                     &(struct i8254_config){
                         .irq = fake_irq_line(&m->irq),
                         .clock = &m->clock.clock,
                     });
    assert(ret == 0);
}

/* A latched count is the same two bytes whenever it is read. */
static void check_latch(struct machine *m, unsigned counter, uint64_t span_ns)
{
    uint8_t first[2], second[2];

    port_write(&m->pit.mr, CONTROL, (uint8_t)(counter << 6 | 0x30 | 0x04));
    port_write(&m->pit.mr, counter, (uint8_t)span_ns);
    port_write(&m->pit.mr, counter, 3);
    fake_clock_run(&m->clock, 1000000);
    port_write(&m->pit.mr, CONTROL, (uint8_t)(counter << 6));
    port_write(&m->pit.mr, CONTROL, (uint8_t)(0xd0 | 2U << counter));
    first[0] = port_read(&m->pit.mr, counter);
    first[1] = port_read(&m->pit.mr, counter);
    port_write(&m->pit.mr, CONTROL, (uint8_t)(counter << 6));
    second[0] = port_read(&m->pit.mr, counter);
    second[1] = port_read(&m->pit.mr, counter);
    assert(memcmp(first, second, sizeof(first)) == 0);
}

static void run(struct machine *m, uint64_t span_ns)
{
    uint64_t expired = m->clock.expired, rises = m->irq.rises;

    fake_clock_run(&m->clock, span_ns);
    /* One for a load, one for a strobe, one at either end. */
    assert(m->clock.expired - expired <= span_ns / I8254_WAKE_NS_MIN + 4);
    assert(m->irq.rises - rises <= m->clock.expired - expired);
}

static void run_step(struct machine *m, struct program_step step)
{
    uint64_t arms = m->clock.arms;

    switch (step.op % 8) {
    case 0:
    case 1:
        port_write(&m->pit.mr, step.a % 4, step.b);
        break;
    case 2:
        port_read(&m->pit.mr, step.a % 4);
        break;
    case 3:
        port_write(&m->pit.mr_port61, 0, step.a);
        assert((port_read(&m->pit.mr_port61, 0) & 0xcf) == (step.a & 0x0f));
        break;
    case 4:
        i8254_set_gate(&m->pit, step.a % 3, step.b & 1);
        break;
    case 5:
        fake_clock_oversleep(&m->clock, program_span_ns(step));
        fake_clock_run(&m->clock, 0);
        break;
    case 6:
        run(m, program_span_ns(step) % SPAN_NS_MAX);
        return;
    default:
        check_latch(m, step.a % 3, step.b);
        return;
    }
    assert(m->clock.arms - arms <= 4);
    assert(i8254_out(&m->pit, 0) == m->irq.level);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine machine, fresh;
    struct program program = {data, size};
    struct program_step step;

    if (!fresh.pit.config.clock) {
        machine_init(&machine);
        fresh = machine;
    }
    machine = fresh;
    while (program_next(&program, &step)) {
        run_step(&machine, step);
    }
    i8254_reset(&machine.pit);
    assert(!machine.irq.level && !machine.clock.first);
    return 0;
}
