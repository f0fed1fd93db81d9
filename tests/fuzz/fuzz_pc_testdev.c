/*
 * pc-testdev: accesses of every width at and across its regions. The word and the memory read as a
 * plain array would that was written the same way; each line is what was written last.
 */
#undef NDEBUG
#include "devices/pc_testdev.h"

#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

enum { WINDOW = 0x4000, WINDOW_SIZE = 0x8000 /* on this bus */ };

struct machine {
    struct fake_bus bus;
    struct fake_irq irqs[PC_TESTDEV_IRQ_NUM];
    struct pc_testdev dev;
    MemoryRegion window;
    uint8_t word[4], memory[WINDOW_SIZE];
};

static void flush_page(void *opaque, hwaddr addr)
{
    assert(!opaque && addr % 4096 == 0 && addr <= UINT32_MAX);
}

static void machine_init(struct machine *m)
{
    struct pc_testdev_config config = {.flush_page = flush_page};
    int ret;

    fake_bus_init(&m->bus);
    for (unsigned i = 0; i < PC_TESTDEV_IRQ_NUM; i++) {
        config.irqs[i] = fake_irq_line(&m->irqs[i]);
    }
    ret = pc_testdev_init(&m->dev, &m->bus.core, &config);
    assert(ret == 0);
    ret = memory_region_init_alias(&m->window, NULL, "window", &m->dev.mr_iomem, 0, WINDOW_SIZE);
    assert(ret == 0);
    fake_bus_mount(&m->bus, 0xe0, &m->dev.mr_ioport);
    fake_bus_mount(&m->bus, 0xe4, &m->dev.mr_flush);
    fake_bus_mount(&m->bus, 0xe8, &m->dev.mr_ioport_byte);
    fake_bus_mount(&m->bus, 0x2000, &m->dev.mr_irq);
    fake_bus_mount(&m->bus, WINDOW, &m->window);
}

/* Where the model keeps the byte at an address; NULL: nowhere. */
static uint8_t *model(struct machine *m, uint32_t addr)
{
    if ((addr & ~3U) == 0xe0 || (addr & ~3U) == 0xe8) {
        return &m->word[addr & 3];
    }
    return addr >= WINDOW && addr < WINDOW + WINDOW_SIZE ? &m->memory[addr - WINDOW] : NULL;
}

static void run_step(struct machine *m, struct program_step step)
{
    static const uint16_t bases[] = {0xde, 0x1ffe, WINDOW, WINDOW + WINDOW_SIZE - 16};
    static const uint8_t sizes[] = {1, 2, 4, 4};
    uint32_t addr = bases[step.op & 3] + (step.a & 31U), value = step.b * 0x01030507U;
    unsigned size = sizes[step.op >> 2 & 3];
    bool is_write = step.op & 0x80;

    if (is_write) {
        bus_out(&m->bus, addr, size, value);
    } else {
        value = bus_in(&m->bus, addr, size, NULL);
    }
    for (unsigned i = 0; i < size; i++) {
        uint8_t *byte = model(m, addr + i), now = (uint8_t)(value >> 8 * i);
        uint32_t line = addr + i - 0x2000;

        if (byte && is_write) {
            *byte = now;
        }
        assert(!byte || *byte == now);
        assert(!is_write || line >= PC_TESTDEV_IRQ_NUM || m->irqs[line].level == (now != 0));
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
    pc_testdev_reset(&machine.dev);
    memset(machine.word, 0, sizeof(machine.word));
    memset(machine.memory, 0, sizeof(machine.memory));
    while (program_next(&program, &step)) {
        run_step(&machine, step);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert(bus_in(&machine.bus, 0xe0 + i, 1, NULL) == machine.word[i]);
    }
    return 0;
}
