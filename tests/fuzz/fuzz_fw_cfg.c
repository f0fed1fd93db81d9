/*
 * fw_cfg: selections, reads of every width and transfers to everywhere. A transfer changes nothing
 * in RAM but its target and its control word, reaches no device, and says how it ended; whatever
 * was done, a file reads as itself.
 */
#undef NDEBUG
#include "devices/fw_cfg.h"

#include <stdlib.h>

#include "memory/ram.h"
#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

enum { RAM_SIZE = 0x4000, MMIO = 0x8000, MMIO_SIZE = 0x1000 };

struct machine {
    struct fake_bus bus;
    MemoryRegion root, ram, mmio;
    AddressSpace memory;
    struct fw_cfg dev;
    uint8_t before[RAM_SIZE];
    uint8_t descriptor[16];
};

static uint64_t mmio_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)size;
    abort(); /* a transfer reached a device */
    return 0;
}

static void mmio_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)data;
    (void)mmio_read(opaque, addr, size);
}

static const MemoryRegionOps mmio_ops = {.read = mmio_read, .write = mmio_write};
static const char content[] = "what the file says";
static const struct fw_cfg_file files[] = {{"opt/b", content, 18}, {"opt/a", content, 3}};

static void machine_init(struct machine *m)
{
    const struct ram_block_config block_config = {.backing = RAM_ANONYMOUS, .size = RAM_SIZE};
    const struct fw_cfg_config config = {
        .memory = &m->memory, .ram_size = RAM_SIZE, .cpu_num = 1, .files = files, .file_num = 2};
    RAMBlock *block;
    int ret;

    fake_bus_init(&m->bus);
    ret = memory_region_init(&m->root, &m->bus.core, NULL, "memory", UINT64_MAX);
    assert(ret == 0);
    ret = ram_block_new(&m->bus.core, "ram", &block_config, &block);
    assert(ret == 0);
    ret = memory_region_init_ram(&m->ram, NULL, "ram", block);
    assert(ret == 0);
    ret = memory_region_init_io(&m->mmio, &m->bus.core, NULL, &mmio_ops, NULL, "mmio", MMIO_SIZE);
    assert(ret == 0);
    ret = memory_region_add_subregion(&m->root, 0, &m->ram);
    assert(ret == 0);
    ret = memory_region_add_subregion(&m->root, MMIO, &m->mmio);
    assert(ret == 0);
    ret =
        address_space_init(&m->memory, &m->bus.core, &m->root, "memory", MEMORY_UNASSIGNED_MEMORY);
    assert(ret == 0);
    ret = fw_cfg_init(&m->dev, &m->bus.core, &config);
    assert(ret == 0);
    fake_bus_mount(&m->bus, 0x510, &m->dev.mr_ports);
    fake_bus_mount(&m->bus, 0x514, &m->dev.mr_dma);
}

static uint8_t *host(struct machine *m)
{
    return memory_region_get_ram_ptr(&m->ram);
}

/* Is the byte of RAM at `addr` one that the transfer may have changed? */
static bool is_target(const struct machine *m, uint64_t addr, uint64_t at)
{
    uint64_t target = 0;
    uint32_t len = 0;

    for (unsigned i = 0; i < 8; i++) {
        target = target << 8 | m->descriptor[8 + i];
        len = i < 4 ? len << 8 | m->descriptor[4 + i] : len;
    }
    return (addr >= at && addr - at < 4) || (addr >= target && addr - target < len);
}

static void start_transfer(struct machine *m, uint32_t at)
{
    const uint8_t *ram = host(m);

    memcpy(m->before, ram, RAM_SIZE);
    bus_out(&m->bus, 0x518, 4, __builtin_bswap32(at));
    for (uint32_t addr = 0; addr < RAM_SIZE; addr++) {
        assert(ram[addr] == m->before[addr] || is_target(m, addr, at));
    }
    if (at <= RAM_SIZE - sizeof(m->descriptor)) {
        assert(ram[at] == 0 && ram[at + 1] == 0 && ram[at + 2] == 0 && ram[at + 3] <= 1);
    }
}

static void run_step(struct machine *m, struct program_step step)
{
    static const uint8_t sizes[] = {1, 2, 4, 1};
    static const uint32_t places[] = {0, 0x1000, RAM_SIZE - 16, RAM_SIZE - 8, MMIO, UINT32_MAX - 8};
    uint32_t at = places[step.a % 6] + step.b;

    switch (step.op & 7) {
    case 0:
        bus_out(&m->bus, 0x510, 2, step.a | (uint32_t)step.b << 8);
        break;
    case 1:
        (void)bus_in(&m->bus, 0x50e + step.a % 16, sizes[step.b & 3], NULL);
        break;
    case 2:
        bus_out(&m->bus, 0x50e + step.a % 9, sizes[step.b & 3], step.b);
        break;
    case 3:
    case 4:
        m->descriptor[step.a & 15] = step.b;
        break;
    case 5:
        bus_out(&m->bus, 0x514, 4, __builtin_bswap32(step.a & 1));
        break;
    default:
        if (at <= RAM_SIZE - sizeof(m->descriptor)) {
            memcpy(host(m) + at, m->descriptor, sizeof(m->descriptor));
        } else {
            memset(m->descriptor, 0, sizeof(m->descriptor));
        }
        bus_out(&m->bus, 0x514, 4, 0);
        start_transfer(m, at);
        break;
    }
}

static void check_file(struct machine *m)
{
    bus_out(&m->bus, 0x510, 2, FW_CFG_FILE_FIRST + 1);
    for (unsigned i = 0; i < sizeof(content); i++) {
        assert(bus_in(&m->bus, 0x511, 1, NULL) == (uint8_t)content[i]);
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
    memset(host(&machine), 0, RAM_SIZE);
    memset(machine.descriptor, 0, sizeof(machine.descriptor));
    fw_cfg_reset(&machine.dev);
    while (program_next(&program, &step)) {
        run_step(&machine, step);
    }
    check_file(&machine);
    return 0;
}
