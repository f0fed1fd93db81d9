/*
 * Bytes written and read anywhere in a flash, through the whole of memory/: no step sets a bit of
 * the array but an erase, and the array is read exactly while romd mode is on.
 */
#undef NDEBUG
#include "devices/rom_device.h"
#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

enum { SIZE = 0x2000, ERASE_SIZE = 0x100 };

struct machine {
    struct fake_bus bus;
    struct rom_device flash;
    RAMBlock *block;
};

static void machine_init(struct machine *m, bool locked)
{
    const struct ram_block_config ram = {.backing = RAM_ANONYMOUS, .size = SIZE};
    struct rom_device_config config = {.name = "flash", .erase_size = ERASE_SIZE, .locked = locked};
    int ret;

    fake_bus_init(&m->bus);
    ret = ram_block_new(&m->bus.core, "flash", &ram, &m->block);
    assert(ret == 0);
    memset(m->block->host, 0x5a, SIZE);
    config.block = m->block;
    ret = rom_device_init(&m->flash, &m->bus.core, &config);
    assert(ret == 0);
    fake_bus_mount(&m->bus, 0, &m->flash.mr);
}

static hwaddr offset_of(struct program_step step)
{
    return (hwaddr)(step.op >> 3) * 0x108 % (SIZE - 8);
}

static void run_step(struct machine *m, struct program_step step)
{
    static const uint8_t commands[] = {0xff, 0x90, 0x70, 0x50, 0x40, 0x10, 0x20, 0xd0};
    hwaddr at = offset_of(step);
    uint8_t before = m->block->host[at], read;
    bool erasing = m->flash.command == 0x20;

    switch (step.op % 8) {
    case 0:
        (void)bus_out(&m->bus, at, 4, (uint32_t)step.a << 8 | step.b);
        break;
    case 1:
    case 2:
        (void)bus_out(&m->bus, at, 1, step.a);
        assert(erasing || (m->block->host[at] & ~before) == 0);
        break;
    case 3:
        rom_device_reset(&m->flash);
        assert(memory_region_is_romd(&m->flash.mr));
        break;
    default:
        (void)bus_out(&m->bus, at, 1, commands[step.a % 8]);
        assert(erasing || (m->block->host[at] & ~before) == 0);
        break;
    }
    read = (uint8_t)bus_in(&m->bus, at, 1, NULL);
    assert(!memory_region_is_romd(&m->flash.mr) || read == m->block->host[at]);
    assert(memory_region_is_romd(&m->flash.mr) == (m->flash.command == 0xff));
    assert(m->flash.status & ROM_DEVICE_READY);
    assert(!m->flash.locked || m->block->host[at] == 0x5a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program program = {data, size};
    struct program_step step;
    struct machine m;

    machine_init(&m, size & 1);
    while (program_next(&program, &step)) {
        run_step(&m, step);
    }
    fake_bus_unmount(&m.bus, &m.flash.mr);
    rom_device_finish(&m.flash);
    fake_bus_finish(&m.bus);
    return 0;
}
