/*
 * The devices whose ports take a value and act: debug-exit, soft-off and reset control, debug
 * console. Accesses of every width at and around them, through the whole of memory/.
 */
#undef NDEBUG
#include "devices/debug_exit.h"
#include "devices/debugcon.h"
#include "devices/shutdown.h"
#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

struct machine {
    struct fake_bus bus;
    struct fake_requests exits, powers;
    struct fake_sink sink;
    struct debug_exit debug_exit;
    struct debugcon debugcon;
    struct shutdown shutdown;
};

static void machine_init(struct machine *m)
{
    int ret;

    fake_bus_init(&m->bus);
    ret = debug_exit_init(
        &m->debug_exit, &m->bus.core,
        &(struct debug_exit_config){.request = fake_request_line(&m->exits), .iosize = 4});
    assert(ret == 0);
    ret = debugcon_init(&m->debugcon, &m->bus.core,
                        &(struct debugcon_config){.sink = fake_byte_sink(&m->sink, 0)});
    assert(ret == 0);
    ret = shutdown_init(&m->shutdown, &m->bus.core,
                        &(struct shutdown_config){.request = fake_request_line(&m->powers)});
    assert(ret == 0);
    fake_bus_mount(&m->bus, 0xf4, &m->debug_exit.mr);
    fake_bus_mount(&m->bus, 0xe9, &m->debugcon.mr);
    fake_bus_mount(&m->bus, 0x604, &m->shutdown.mr_pm1_control);
    fake_bus_mount(&m->bus, 0xcf8, &m->shutdown.mr_reset_control);
}

static void run_step(struct machine *m, struct program_step step)
{
    static const uint16_t bases[] = {0xe6, 0xf2, 0x602, 0xcf6};
    static const uint8_t sizes[] = {1, 2, 4, 1};
    uint32_t addr = bases[step.op & 3] + (step.op >> 2 & 7U);
    unsigned size = sizes[step.op >> 5 & 3], num = m->powers.num;
    bool covers_debugcon = addr <= 0xe9 && addr + size > 0xe9;
    uint64_t seen = m->sink.len + debugcon_dropped(&m->debugcon);

    if (step.op & 0x80) {
        uint32_t value = bus_in(&m->bus, addr, size, NULL);

        assert(!covers_debugcon || (value >> 8 * (0xe9 - addr) & 0xff) == 0xe9);
        return;
    }
    m->sink.room = step.b & 1;
    bus_out(&m->bus, addr, size, step.a | (uint32_t)step.b << 8 | (uint32_t)step.a << 16);
    assert(m->sink.len + debugcon_dropped(&m->debugcon) == seen + covers_debugcon);
    /* A reset comes of one byte at 0xcf9 and of nothing else. */
    if (m->powers.num != num) {
        bool is_reset = m->powers.last == DEVICE_REQUEST_RESET;

        assert(is_reset ? addr == 0xcf9 && size == 1 : addr >= 0x601 && addr <= 0x605);
    }
    assert(!m->exits.num || m->exits.last == DEVICE_REQUEST_EXIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine machine;
    struct program program = {data, size};
    struct program_step step;

    if (!machine.bus.as.root) {
        machine_init(&machine);
    }
    shutdown_reset(&machine.shutdown);
    machine.powers = machine.exits = (struct fake_requests){0};
    while (program_next(&program, &step)) {
        run_step(&machine, step);
    }
    return 0;
}
