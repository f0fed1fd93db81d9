/*
 * Register accesses, input, time and a sink that refuses, in any order. After every step the line
 * says what IIR says, the line status is that of the FIFOs, and no byte was made up or lost.
 */
#undef NDEBUG
#include "devices/serial.h"
#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

enum { IIR = 2, LCR = 3, MCR = 4, LSR = 5, LOOP = 0x10, DLAB = 0x80 };

struct machine {
    struct fake_clock clock;
    struct fake_irq irq;
    struct fake_sink sink;
    struct serial uart;
    uint64_t written;
    uint64_t refusals, hook_calls;
};

static void can_receive(void *opaque)
{
    ((struct machine *)opaque)->hook_calls++;
}

/* The core lives as long as the fuzzer. */
static void machine_init(struct machine *m)
{
    static struct memory_core core;
    int ret;

    fake_clock_init(&m->clock);
    ret = memory_core_init(&core, &(struct memory_core_config){0});
    assert(ret == 0);
    ret = serial_init(&m->uart, &core,
                      &(struct serial_config){
                          .irq = fake_irq_line(&m->irq),
                          .sink = fake_byte_sink(&m->sink, 16),
                          .clock = &m->clock.clock,
                          .can_receive = can_receive,
                          .opaque = m,
                      });
    assert(ret == 0);
}

static void check_registers(struct machine *m)
{
    unsigned depth = m->uart.fcr & 1 ? SERIAL_FIFO_SIZE : 1;
    bool level = m->irq.level;
    uint8_t iir = port_read(&m->uart.mr, IIR), lsr;

    assert(level == !(iir & 1));
    assert((iir >> 4) == (m->uart.fcr & 1 ? 0xc : 0));
    lsr = port_read(&m->uart.mr, LSR);
    assert((lsr & 0x60) == (m->uart.tx_num ? 0 : 0x60));
    assert((lsr & 1) == (m->uart.rx_num != 0));
    assert(depth == 16 || !(lsr & 0x80));
    assert(m->irq.level == !(port_read(&m->uart.mr, IIR) & 1));
}

static void check_bounds(const struct machine *m)
{
    unsigned depth = m->uart.fcr & 1 ? SERIAL_FIFO_SIZE : 1;

    assert(m->uart.rx_num <= depth && m->uart.tx_num <= depth);
    assert(m->sink.len + m->uart.tx_num + serial_tx_lost(&m->uart) <= m->written);
    assert(m->hook_calls <= m->refusals);
}

static void receive(struct machine *m, struct program_step step)
{
    uint8_t data[32];
    size_t len = step.a % sizeof(data), taken;
    unsigned before = m->uart.rx_num;

    memset(data, step.b, sizeof(data));
    taken = serial_receive(&m->uart, data, len);
    assert(taken <= len && m->uart.rx_num == before + taken);
    m->refusals += taken < len;
}

static void run_step(struct machine *m, struct program_step step)
{
    uint64_t arms = m->clock.arms;

    switch (step.op % 8) {
    case 0:
    case 1:
        m->written += step.a % 8 == 0 && !(m->uart.lcr & DLAB);
        port_write(&m->uart.mr, step.a % 8, step.b);
        break;
    case 2:
        port_read(&m->uart.mr, step.a % 8);
        break;
    case 3:
        receive(m, step);
        break;
    case 4:
        serial_receive_break(&m->uart);
        break;
    case 5:
        m->sink.room = step.a % 20;
        serial_writable(&m->uart);
        break;
    case 6:
        fake_clock_run(&m->clock, program_span_ns(step));
        break;
    default:
        check_registers(m);
        break;
    }
    assert(m->clock.arms - arms <= 3);
    check_bounds(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine machine, fresh;
    struct program program = {data, size};
    struct program_step step;

    if (!fresh.uart.config.clock) {
        machine_init(&machine);
        fresh = machine;
    }
    machine = fresh;
    while (program_next(&program, &step)) {
        run_step(&machine, step);
    }
    check_registers(&machine);
    serial_reset(&machine.uart);
    assert(!machine.irq.level && !machine.clock.first);
    return 0;
}
