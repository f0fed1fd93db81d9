/*
 * testdev_events.c - doorbells and the eventfds that a guest puts there. A signal reaches no code
 * of this device: the count is asked for when the guest reads it.
 */
#include "devices/testdev_internal.h"

#include <errno.h>

/* Brings in what was signalled. */
static void drain(struct testdev *dev, unsigned slot)
{
    const struct event_input *input = &dev->config.events[slot];

    if (input->take) {
        dev->events[slot].count += input->take(input->opaque);
    }
}

static int add_event(struct testdev *dev, unsigned slot)
{
    struct testdev_event *event = &dev->events[slot];
    MemoryRegion *mr = &dev->doorbells[event->flags & TESTDEV_EVENT_PORTS ? 1 : 0].mr;
    MemoryRegionIoeventfd as = {
        .addr = event->offset,
        .size = (unsigned)event->size,
        .match_data = event->flags & TESTDEV_EVENT_MATCH,
        .data = event->data,
        .fd = dev->config.events[slot].handle,
    };
    int ret;

    if (as.fd < 0) {
        return -ENODEV;
    }
    if (event->added_to) {
        return -EEXIST;
    }
    if (event->size > 8) {
        return -EINVAL;
    }
    ret = memory_region_add_eventfd(mr, as.addr, as.size, as.match_data, as.data, as.fd);
    if (ret == 0) {
        event->added_to = mr;
        event->added_as = as;
    }
    return ret;
}

static int remove_event(struct testdev *dev, unsigned slot)
{
    struct testdev_event *event = &dev->events[slot];
    const MemoryRegionIoeventfd *as = &event->added_as;
    int ret = -ENOENT;

    if (event->added_to) {
        ret = memory_region_del_eventfd(event->added_to, as->addr, as->size, as->match_data,
                                        as->data, as->fd);
        event->added_to = ret == 0 ? NULL : event->added_to;
    }
    return ret;
}

static void write_command(struct testdev *dev, unsigned n, uint64_t value)
{
    int ret = -EINVAL;

    (void)n;
    if (value == TESTDEV_EVENT_ADD) {
        ret = add_event(dev, (unsigned)dev->event_slot);
    } else if (value == TESTDEV_EVENT_REMOVE) {
        ret = remove_event(dev, (unsigned)dev->event_slot);
    }
    dev->event_result = testdev_errno(ret);
}

static void write_slot(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    dev->event_result = value < TESTDEV_EVENT_SLOTS ? 0 : EINVAL;
    dev->event_slot = value < TESTDEV_EVENT_SLOTS ? value : dev->event_slot;
}

/* OFFSET, SIZE, DATA and FLAGS of the slot: four fields in this order. */
static uint64_t read_field(struct testdev *dev, unsigned n)
{
    return (&dev->events[dev->event_slot].offset)[n];
}

static void write_field(struct testdev *dev, unsigned n, uint64_t value)
{
    (&dev->events[dev->event_slot].offset)[n] = value;
}

static uint64_t read_count(struct testdev *dev, unsigned n)
{
    drain(dev, n);
    return dev->events[n].count;
}

static void write_count(struct testdev *dev, unsigned n, uint64_t value)
{
    drain(dev, n);
    dev->events[n].count = value;
}

int testdev_events_init(struct testdev *dev)
{
    int ret = testdev_window_init(dev, &dev->doorbells[0], TESTDEV_WHO_DOORBELL, "testdev-doorbell",
                                  0x100);

    if (ret == 0) {
        ret = testdev_window_init(dev, &dev->doorbells[1], TESTDEV_WHO_PORT_DOORBELL,
                                  "testdev-port-doorbell", 16);
    }
    if (ret == 0) {
        ret = memory_region_add_subregion(&dev->mr_memory, TESTDEV_DOORBELL, &dev->doorbells[0].mr);
    }
    if (ret == 0) {
        ret = memory_region_add_subregion(&dev->mr_ports, TESTDEV_PORT_DOORBELL,
                                          &dev->doorbells[1].mr);
    }
    return ret;
}

/* An eventfd that cannot be removed stays where it is and can be removed later. */
void testdev_events_reset(struct testdev *dev)
{
    unsigned i;

    dev->event_slot = 0;
    dev->event_result = 0;
    for (i = 0; i < TESTDEV_EVENT_SLOTS; i++) {
        struct testdev_event *event = &dev->events[i];

        (void)remove_event(dev, i);
        drain(dev, i);
        *event = (struct testdev_event){.added_to = event->added_to, .added_as = event->added_as};
    }
}

void testdev_events_finish(struct testdev *dev)
{
    memory_region_unref(&dev->doorbells[1].mr);
    memory_region_unref(&dev->doorbells[0].mr);
}

const struct testdev_register testdev_event_registers[] = {
    {TESTDEV_FIELD(TESTDEV_EVENT_SLOT, event_slot), .write = write_slot},
    {.first = TESTDEV_EVENT_OFFSET, .num = 4, .read = read_field, .write = write_field},
    {.first = TESTDEV_EVENT_COMMAND, .num = 1, .write = write_command},
    {TESTDEV_FIELD(TESTDEV_EVENT_RESULT, event_result)},
    {.first = TESTDEV_EVENT_COUNT,
     .num = TESTDEV_EVENT_SLOTS,
     .read = read_count,
     .write = write_count},
    {.num = 0},
};
