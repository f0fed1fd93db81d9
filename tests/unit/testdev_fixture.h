/*
 * testdev_fixture.h - two test devices in a machine: RAM at 0, ports, and event inputs that count.
 * As a guest would, tests go through the address spaces.
 */
#ifndef ACRE_TESTS_UNIT_TESTDEV_FIXTURE_H
#define ACRE_TESTS_UNIT_TESTDEV_FIXTURE_H

#include <errno.h>
#include <stdlib.h>

#include "devices/testdev.h"
#include "tests/unit/device_fakes.h"

enum {
    RAM_SIZE = 0x100000,
    DEV = 0x10000000,   /* device 0's window; device 1's is DEV_STRIDE behind */
    IOMMU = 0x10100000, /* device 0's translated window */
    DEV_STRIDE = 0x1000000,
    PORTS = 0x700, /* device 0's ports; device 1's are PORT_STRIDE behind */
    PORT_STRIDE = 0x80,
    NUM = 2,
    HANDLE = 1000, /* of the first device's first event */
};

struct fake_event {
    uint64_t pending;
};

struct testdev_machine {
    struct memory_core core;
    MemoryRegion system, io, ram;
    AddressSpace memory, ports;
    struct testdev dev[NUM];
    struct fake_irq irq[NUM];
    struct fake_event events[NUM][TESTDEV_EVENT_SLOTS];
    _Atomic unsigned logged; /* lines of memory_core_config.log */
};

static inline uint64_t fake_event_take(void *opaque)
{
    struct fake_event *event = opaque;
    uint64_t count = event->pending;

    event->pending = 0;
    return count;
}

static inline void fixture_signal(void *opaque, int fd)
{
    struct testdev_machine *m = opaque;

    m->events[(fd - HANDLE) / TESTDEV_EVENT_SLOTS][(fd - HANDLE) % TESTDEV_EVENT_SLOTS].pending++;
}

static inline void fixture_log(void *opaque, const char *line)
{
    (void)line;
    ((struct testdev_machine *)opaque)->logged++;
}

/* Set-up must not fail: outside of check, too. */
static inline void must(int ret)
{
    if (ret != 0) {
        abort();
    }
}

static inline void testdev_machine_devices(struct testdev_machine *m)
{
    struct testdev_config config = {.memory = &m->memory};
    unsigned i, k;

    for (i = 0; i < NUM; i++) {
        config.irq = fake_irq_line(&m->irq[i]);
        for (k = 0; k < TESTDEV_EVENT_SLOTS; k++) {
            config.events[k] = (struct event_input){
                .handle = HANDLE + (int)(i * TESTDEV_EVENT_SLOTS + k),
                .take = fake_event_take,
                .opaque = &m->events[i][k],
            };
        }
        must(testdev_init(&m->dev[i], &m->core, &config));
        must(memory_region_add_subregion(&m->system, DEV + i * DEV_STRIDE, &m->dev[i].mr_memory));
        must(memory_region_add_subregion(&m->system, IOMMU + i * DEV_STRIDE, &m->dev[i].mr_iommu));
        must(memory_region_add_subregion(&m->io, PORTS + i * PORT_STRIDE, &m->dev[i].mr_ports));
    }
}

static inline void testdev_machine_init(struct testdev_machine *m)
{
    const struct memory_core_config config = {
        .signal_eventfd = fixture_signal,
        .log = fixture_log,
        .opaque = m,
    };
    const struct ram_block_config ram = {.backing = RAM_ANONYMOUS, .size = RAM_SIZE};
    RAMBlock *block;

    memory_thread_register();
    memset(m, 0, sizeof(*m));
    must(memory_core_init(&m->core, &config));
    must(memory_region_init(&m->system, &m->core, NULL, "system", UINT64_MAX));
    must(memory_region_init(&m->io, &m->core, NULL, "io", 0x10000));
    must(ram_block_new(&m->core, "ram", &ram, &block));
    must(memory_region_init_ram(&m->ram, NULL, "ram", block));
    must(memory_region_add_subregion(&m->system, 0, &m->ram));
    testdev_machine_devices(m);
    must(address_space_init(&m->memory, &m->core, &m->system, "memory", MEMORY_UNASSIGNED_MEMORY));
    must(address_space_init(&m->ports, &m->core, &m->io, "I/O", MEMORY_UNASSIGNED_IO));
}

static inline void testdev_machine_finish(struct testdev_machine *m)
{
    unsigned i;

    address_space_finish(&m->ports);
    address_space_finish(&m->memory);
    for (i = 0; i < NUM; i++) {
        must(memory_region_del_subregion(&m->system, &m->dev[i].mr_memory));
        must(memory_region_del_subregion(&m->system, &m->dev[i].mr_iommu));
        must(memory_region_del_subregion(&m->io, &m->dev[i].mr_ports));
        testdev_finish(&m->dev[i]);
    }
    must(memory_region_del_subregion(&m->system, &m->ram));
    memory_region_unref(&m->ram);
    memory_region_unref(&m->io);
    memory_region_unref(&m->system);
    memory_core_finish(&m->core);
    memory_thread_unregister();
}

/* One access of 1, 2, 4 or 8 bytes. @result  may be NULL. */
static inline uint64_t get(struct testdev_machine *m, hwaddr addr, unsigned size,
                           MemTxResult *result)
{
    uint64_t value = 0;
    MemTxResult res = address_space_read(&m->memory, addr, MEMTXATTRS_UNSPECIFIED, &value, size);

    if (result) {
        *result = res;
    }
    return value;
}

static inline MemTxResult put(struct testdev_machine *m, hwaddr addr, unsigned size, uint64_t value)
{
    return address_space_write(&m->memory, addr, MEMTXATTRS_UNSPECIFIED, &value, size);
}

static inline MemTxResult put_port(struct testdev_machine *m, hwaddr port, unsigned size,
                                   uint32_t value)
{
    return address_space_write(&m->ports, port, MEMTXATTRS_UNSPECIFIED, &value, size);
}

static inline uint32_t get_port(struct testdev_machine *m, hwaddr port, unsigned size)
{
    uint32_t value = 0;

    (void)address_space_read(&m->ports, port, MEMTXATTRS_UNSPECIFIED, &value, size);
    return value;
}

/* Registers of device 0. */
static inline uint64_t reg(struct testdev_machine *m, hwaddr offset)
{
    return get(m, DEV + offset, 8, NULL);
}

static inline void set_reg(struct testdev_machine *m, hwaddr offset, uint64_t value)
{
    (void)put(m, DEV + offset, 8, value);
}

/* Entry `n` of device 0's log. */
static inline struct testdev_call logged_call(struct testdev_machine *m, unsigned n)
{
    const hwaddr entry = DEV + TESTDEV_LOG + n * TESTDEV_LOG_ENTRY_SIZE;

    return (struct testdev_call){
        .who = get(m, entry + TESTDEV_LOG_WHO, 8, NULL),
        .size = get(m, entry + TESTDEV_LOG_SIZE, 8, NULL),
        .offset = get(m, entry + TESTDEV_LOG_OFFSET, 8, NULL),
        .value = get(m, entry + TESTDEV_LOG_VALUE, 8, NULL),
    };
}

#endif
