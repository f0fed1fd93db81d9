/*
 * Register accesses and time in any order. The irq line is what B and C say, an interrupt that
 * nobody acknowledges costs one timer, and after an update the time is a time.
 */
#undef NDEBUG
#include "devices/mc146818.h"
#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

enum { A = 10, B = 11, C = 12, D = 13, CENTURY = 0x32 };

struct machine {
    struct fake_clock clock;
    struct fake_irq irq;
    struct mc146818 rtc;
};

static void machine_init(struct machine *m)
{
    static struct memory_core core;
    int ret;

    fake_clock_init(&m->clock);
    ret = memory_core_init(&core, &(struct memory_core_config){0});
    assert(ret == 0);
    ret = mc146818_init(&m->rtc, &core,
                        &(struct mc146818_config){
                            .irq = fake_irq_line(&m->irq),
                            .clock = &m->clock.clock,
                            .epoch_seconds = 1704067199,
                            .ram_low_bytes = 128 << 20,
                        });
    assert(ret == 0);
}

static uint8_t in(struct machine *m, uint8_t reg)
{
    port_write(&m->rtc.mr, 0, reg);
    return port_read(&m->rtc.mr, 1);
}

static void out(struct machine *m, uint8_t reg, uint8_t value)
{
    port_write(&m->rtc.mr, 0, reg);
    port_write(&m->rtc.mr, 1, value);
}

static bool is_bcd(uint8_t value, unsigned min, unsigned max)
{
    unsigned number = (value >> 4) * 10U + (value & 15);

    return (value & 15) < 10 && number >= min && number <= max;
}

/* Whatever was in the registers: a day later they hold a date. */
static void check_update(struct machine *m)
{
    out(m, A, 0x20);
    out(m, B, 0x02);
    fake_clock_run(&m->clock, 86400ULL * 1000000000);
    assert(is_bcd(in(m, 0), 0, 59) && is_bcd(in(m, 2), 0, 59) && is_bcd(in(m, 4), 0, 23));
    assert(is_bcd(in(m, 6), 1, 7) && is_bcd(in(m, 7), 1, 31) && is_bcd(in(m, 8), 1, 12));
    assert(is_bcd(in(m, 9), 0, 99) && is_bcd(in(m, CENTURY), 0, 99));
}

static void run_step(struct machine *m, struct program_step step)
{
    uint64_t expired = m->clock.expired, arms = m->clock.arms;

    switch (step.op % 8) {
    case 0:
    case 1:
    case 2:
        out(m, step.a, step.b);
        break;
    case 3:
        in(m, step.a);
        break;
    case 4: /* the registers that matter most */
        out(m, A + (step.a & 1), step.b);
        break;
    case 5:
        fake_clock_run(&m->clock, program_span_ns(step) << (step.op >> 4));
        break;
    case 6:
        fake_clock_oversleep(&m->clock, program_span_ns(step));
        break;
    default:
        check_update(m);
        break;
    }
    fake_clock_run(&m->clock, 0);
    assert(m->irq.level == ((m->rtc.ram[B] & m->rtc.ram[C] & 0x70) != 0));
    assert(m->clock.expired - expired <= 2 && m->clock.arms - arms <= 16);
    assert(in(m, D) == 0x80 && m->rtc.index < MC146818_RAM_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine machine, fresh;
    struct program program = {data, size};
    struct program_step step;

    if (!fresh.rtc.config.clock) {
        machine_init(&machine);
        fresh = machine;
    }
    machine = fresh;
    while (program_next(&program, &step)) {
        run_step(&machine, step);
    }
    mc146818_reset(&machine.rtc);
    assert(!machine.irq.level && !machine.clock.first);
    return 0;
}
