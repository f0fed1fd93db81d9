/*
 * device_fakes.h - what stands around a device in its tests: a clock that moves when told to, an
 * irq line and a request line that remember, a byte sink of limited room, and a bus.
 *
 * Context: one thread.
 */
#ifndef ACRE_TESTS_UNIT_DEVICE_FAKES_H
#define ACRE_TESTS_UNIT_DEVICE_FAKES_H

#include <assert.h>
#include <string.h>

#include "devices/device.h"
#include "memory/address_space.h"
#include "memory/core.h"
#include "memory/region.h"

struct fake_clock {
    struct device_clock clock; /* first: leads back here */
    uint64_t now_ns;
    uint64_t step_ns; /* how far time goes on with each look */
    struct device_timer *first;
    uint64_t arms;    /* calls of arm */
    uint64_t expired; /* timers that fired */
};

static inline uint64_t fake_clock_now_ns(struct device_clock *clock)
{
    struct fake_clock *fake = (struct fake_clock *)clock;

    fake->now_ns += fake->step_ns;
    return fake->now_ns;
}

static inline void fake_clock_disarm(struct device_clock *clock, struct device_timer *timer)
{
    struct device_timer **link = &((struct fake_clock *)clock)->first;

    while (*link && *link != timer) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = timer->next;
    }
    timer->armed = false;
}

static inline void fake_clock_arm(struct device_clock *clock, struct device_timer *timer,
                                  uint64_t deadline_ns)
{
    struct fake_clock *fake = (struct fake_clock *)clock;
    struct device_timer **link = &fake->first;

    assert(timer->expired && timer->owner);
    fake_clock_disarm(clock, timer);
    while (*link && (*link)->deadline_ns <= deadline_ns) {
        link = &(*link)->next;
    }
    timer->deadline_ns = deadline_ns;
    timer->armed = true;
    timer->next = *link;
    *link = timer;
    fake->arms++;
}

static inline void fake_clock_init(struct fake_clock *fake)
{
    *fake = (struct fake_clock){
        .clock = {.now_ns = fake_clock_now_ns, .arm = fake_clock_arm, .disarm = fake_clock_disarm},
    };
}

/* Moves time to `to_ns`; each timer fires at its deadline, in order. */
static inline void fake_clock_run_to(struct fake_clock *fake, uint64_t to_ns)
{
    while (fake->first && fake->first->deadline_ns <= to_ns) {
        struct device_timer *timer = fake->first;

        if (timer->deadline_ns > fake->now_ns) {
            fake->now_ns = timer->deadline_ns;
        }
        fake_clock_disarm(&fake->clock, timer);
        fake->expired++;
        timer->expired(timer->opaque);
    }
    fake->now_ns = to_ns;
}

static inline void fake_clock_run(struct fake_clock *fake, uint64_t ns)
{
    fake_clock_run_to(fake, fake->now_ns + ns);
}

/* Moves time without firing timers, as a host that is late; run() with 0 fires them then. */
static inline void fake_clock_oversleep(struct fake_clock *fake, uint64_t ns)
{
    fake->now_ns += ns;
}

struct fake_irq {
    bool level;
    uint64_t rises;
};

/* A device must report changes only. */
static inline void fake_irq_set(void *opaque, bool level)
{
    struct fake_irq *irq = opaque;

    assert(level != irq->level);
    irq->level = level;
    irq->rises += level;
}

static inline struct irq_line fake_irq_line(struct fake_irq *irq)
{
    return (struct irq_line){.set = fake_irq_set, .opaque = irq};
}

struct fake_sink {
    size_t room; /* bytes it still takes */
    size_t len;
    uint8_t data[4096]; /* the first of what it took */
};

static inline size_t fake_sink_write(void *opaque, const uint8_t *data, size_t len)
{
    struct fake_sink *sink = opaque;
    size_t taken = len < sink->room ? len : sink->room;

    for (size_t i = 0; i < taken; i++) {
        sink->data[(sink->len + i) % sizeof(sink->data)] = data[i];
    }
    sink->len += taken;
    sink->room -= taken;
    return taken;
}

static inline struct byte_sink fake_byte_sink(struct fake_sink *sink, size_t room)
{
    *sink = (struct fake_sink){.room = room};
    return (struct byte_sink){.write = fake_sink_write, .opaque = sink};
}

struct fake_requests {
    unsigned num;
    enum device_request last;
    uint32_t value;
};

static inline void fake_request(void *opaque, enum device_request request, uint32_t value)
{
    struct fake_requests *requests = opaque;

    requests->num++;
    requests->last = request;
    requests->value = value;
}

static inline struct request_line fake_request_line(struct fake_requests *requests)
{
    return (struct request_line){.request = fake_request, .opaque = requests};
}

/* A device's own callbacks, as dispatch calls them for one byte. */
static inline uint8_t port_read(const MemoryRegion *mr, hwaddr addr)
{
    return (uint8_t)mr->ops->read(mr->opaque, addr, 1);
}

static inline void port_write(const MemoryRegion *mr, hwaddr addr, uint8_t value)
{
    mr->ops->write(mr->opaque, addr, value, 1);
}

/* 64 KiB of ports, through the whole of memory/. */
struct fake_bus {
    struct memory_core core;
    MemoryRegion root;
    AddressSpace as;
};

static inline void fake_bus_init(struct fake_bus *bus)
{
    int ret;

    memory_thread_register();
    memset(bus, 0, sizeof(*bus));
    ret = memory_core_init(&bus->core, &(struct memory_core_config){0});
    assert(ret == 0);
    ret = memory_region_init(&bus->root, &bus->core, NULL, "io", 0x10000);
    assert(ret == 0);
    ret = address_space_init(&bus->as, &bus->core, &bus->root, "I/O", MEMORY_UNASSIGNED_IO);
    assert(ret == 0);
    (void)ret;
}

static inline void fake_bus_mount(struct fake_bus *bus, hwaddr addr, MemoryRegion *mr)
{
    int ret = memory_region_add_subregion(&bus->root, addr, mr);

    assert(ret == 0);
    (void)ret;
}

static inline void fake_bus_unmount(struct fake_bus *bus, MemoryRegion *mr)
{
    int ret = memory_region_del_subregion(&bus->root, mr);

    assert(ret == 0);
    (void)ret;
}

static inline void fake_bus_finish(struct fake_bus *bus)
{
    address_space_finish(&bus->as);
    memory_region_unref(&bus->root);
    memory_core_finish(&bus->core);
    memory_thread_unregister();
}

/* One access of 1, 2 or 4 bytes. @result  may be NULL. */
static inline uint32_t bus_in(struct fake_bus *bus, hwaddr addr, unsigned size, MemTxResult *result)
{
    uint32_t value = 0;
    MemTxResult res = address_space_read(&bus->as, addr, MEMTXATTRS_UNSPECIFIED, &value, size);

    if (result) {
        *result = res;
    }
    return value;
}

static inline MemTxResult bus_out(struct fake_bus *bus, hwaddr addr, unsigned size, uint32_t value)
{
    return address_space_write(&bus->as, addr, MEMTXATTRS_UNSPECIFIED, &value, size);
}

#endif
