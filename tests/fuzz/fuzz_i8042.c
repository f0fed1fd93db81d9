/*
 * Commands and data in any order: the irq line is the output buffer's, and only what is meant to
 * resets the machine.
 */
#undef NDEBUG
#include "devices/i8042.h"
#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

struct machine {
    struct fake_irq irq;
    struct fake_requests requests;
    struct i8042 kbc;
};

static void machine_init(struct machine *m)
{
    static struct memory_core core;
    int ret = memory_core_init(&core, &(struct memory_core_config){0});

    assert(ret == 0);
    ret = i8042_init(&m->kbc, &core,
                     &(struct i8042_config){
                         .irq = fake_irq_line(&m->irq),
                         .request = fake_request_line(&m->requests),
                     });
    assert(ret == 0);
}

/* Does this step ask for a reset, by the documentation's words? */
static bool asks_for_reset(struct machine *m, struct program_step step)
{
    switch (step.op % 6) {
    case 0:
        return step.a >= 0xf0 && !(step.a & 1);
    case 1:
        return m->kbc.pending == 0xd1 && !(step.a & 1);
    case 2:
        return step.a & 1 && !(port_read(&m->kbc.mr_port92, 0) & 1);
    default:
        return false;
    }
}

static void run_step(struct machine *m, struct program_step step)
{
    unsigned expected = m->requests.num + asks_for_reset(m, step);

    switch (step.op % 6) {
    case 0:
        port_write(&m->kbc.mr_command, 0, step.a);
        break;
    case 1:
        port_write(&m->kbc.mr_data, 0, step.a);
        break;
    case 2:
        port_write(&m->kbc.mr_port92, 0, step.a);
        break;
    case 3:
        port_read(&m->kbc.mr_data, 0);
        assert(!(port_read(&m->kbc.mr_command, 0) & 0x61));
        break;
    default:
        port_read(&m->kbc.mr_port92, 0);
        break;
    }
    assert(m->requests.num == expected);
    assert(!expected || m->requests.last == DEVICE_REQUEST_RESET);
    assert(m->irq.level == ((port_read(&m->kbc.mr_command, 0) & 1) && (m->kbc.command_byte & 1)));
    assert(!(m->kbc.output_port & 2) == !(m->kbc.port92 & 2));
    assert(!(m->kbc.command_byte & 4) || port_read(&m->kbc.mr_command, 0) & 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine machine, fresh;
    struct program program = {data, size};
    struct program_step step;

    if (!fresh.kbc.config.request.request) {
        machine_init(&machine);
        fresh = machine;
    }
    machine = fresh;
    while (program_next(&program, &step)) {
        run_step(&machine, step);
    }
    i8042_reset(&machine.kbc);
    assert(!machine.irq.level);
    return 0;
}
