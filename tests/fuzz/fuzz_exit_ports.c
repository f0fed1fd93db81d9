/*
 * The devices whose ports take a value and act: debug-exit, ACPI's registers and reset control,
 * watchdog, pvpanic, debug console. Accesses of every width at and around them, through the whole
 * of memory/, and time.
 */
#undef NDEBUG
#include "devices/acpi_pm.h"
#include "devices/debug_exit.h"
#include "devices/debugcon.h"
#include "devices/ib700.h"
#include "devices/pvpanic.h"
#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

struct machine {
    struct fake_bus bus;
    struct fake_clock clock;
    struct fake_irq sci;
    struct fake_requests exits, powers, barks, panics;
    struct fake_sink sink;
    struct debug_exit debug_exit;
    struct debugcon debugcon;
    struct acpi_pm pm;
    struct ib700 dog;
    struct pvpanic pvpanic;
};

static void machine_init(struct machine *m)
{
    int ret;

    fake_bus_init(&m->bus);
    fake_clock_init(&m->clock);
    ret = debug_exit_init(
        &m->debug_exit, &m->bus.core,
        &(struct debug_exit_config){.request = fake_request_line(&m->exits), .iosize = 4});
    assert(ret == 0);
    ret = debugcon_init(&m->debugcon, &m->bus.core,
                        &(struct debugcon_config){.sink = fake_byte_sink(&m->sink, 0)});
    assert(ret == 0);
    ret = acpi_pm_init(&m->pm, &m->bus.core,
                       &(struct acpi_pm_config){.sci = fake_irq_line(&m->sci),
                                                .clock = &m->clock.clock,
                                                .request = fake_request_line(&m->powers),
                                                .timer_bits = 24});
    assert(ret == 0);
    ret = ib700_init(
        &m->dog, &m->bus.core,
        &(struct ib700_config){.clock = &m->clock.clock, .request = fake_request_line(&m->barks)});
    assert(ret == 0);
    ret = pvpanic_init(&m->pvpanic, &m->bus.core,
                       &(struct pvpanic_config){.request = fake_request_line(&m->panics)});
    assert(ret == 0);
    fake_bus_mount(&m->bus, 0xf4, &m->debug_exit.mr);
    fake_bus_mount(&m->bus, 0xe9, &m->debugcon.mr);
    fake_bus_mount(&m->bus, 0x600, &m->pm.mr);
    fake_bus_mount(&m->bus, 0xcf8, &m->pm.mr_reset_control);
    fake_bus_mount(&m->bus, 0x441, &m->dog.mr_stop);
    fake_bus_mount(&m->bus, 0x443, &m->dog.mr_start);
    fake_bus_mount(&m->bus, 0x505, &m->pvpanic.mr);
}

/* Time, and what may come of it: an interrupt that nobody clears costs one wake-up. */
static void run_time(struct machine *m, struct program_step step)
{
    uint64_t expired = m->clock.expired;
    unsigned barks = m->barks.num;

    fake_clock_run(&m->clock, program_span_ns(step));
    assert(m->clock.expired - expired <= 2 && m->barks.num - barks <= 1);
    assert(!m->barks.num || m->barks.last == DEVICE_REQUEST_WATCHDOG);
    assert(m->sci.level ==
           ((bus_in(&m->bus, 0x600, 2, NULL) & bus_in(&m->bus, 0x602, 2, NULL)) != 0));
}

static void write_port(struct machine *m, uint32_t addr, unsigned size, uint32_t value)
{
    bool covers_debugcon = addr <= 0xe9 && addr + size > 0xe9;
    uint64_t seen = m->sink.len + debugcon_dropped(&m->debugcon);
    unsigned num = m->powers.num;

    bus_out(&m->bus, addr, size, value);
    assert(m->sink.len + debugcon_dropped(&m->debugcon) == seen + covers_debugcon);
    /* A reset comes of one byte at 0xcf9 and of nothing else. */
    if (m->powers.num != num) {
        bool is_reset = m->powers.last == DEVICE_REQUEST_RESET;

        assert(is_reset ? addr == 0xcf9 && size == 1 : addr >= 0x602 && addr <= 0x605);
    }
    assert(!m->exits.num || m->exits.last == DEVICE_REQUEST_EXIT);
}

static void run_step(struct machine *m, struct program_step step)
{
    static const uint16_t bases[] = {0xe6, 0xf2, 0x600, 0xcf6, 0x43f, 0x503, 0x606, 0x602};
    static const uint8_t sizes[] = {1, 2, 4};
    uint32_t addr = bases[step.op & 7] + (step.a & 7U), value;
    unsigned size = sizes[(step.op >> 3 & 3) % 3];

    if (step.op >> 6 == 3) {
        run_time(m, step);
    } else if (step.op >> 6 == 2) {
        value = bus_in(&m->bus, addr, size, NULL);
        assert(addr > 0xe9 || addr + size <= 0xe9 || (value >> 8 * (0xe9 - addr) & 0xff) == 0xe9);
    } else {
        m->sink.room = step.b & 1;
        write_port(m, addr, size, step.b * 0x01010101U ^ (step.op & 0x40 ? 0x2000U : 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine machine;
    struct program program = {data, size};
    struct program_step step;

    if (!machine.bus.as.root) {
        machine_init(&machine);
    }
    acpi_pm_reset(&machine.pm);
    ib700_reset(&machine.dog);
    machine.powers = machine.exits = machine.barks = machine.panics = (struct fake_requests){0};
    while (program_next(&program, &step)) {
        run_step(&machine, step);
    }
    acpi_pm_reset(&machine.pm);
    ib700_reset(&machine.dog);
    assert(!machine.sci.level && !machine.clock.first);
    return 0;
}
