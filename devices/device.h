/*
 * device.h - all that a device model sees of the world: an irq line, a clock, a byte sink, memory/.
 *
 * A device is a pure state machine: no file descriptor, no thread, no lock of its own, no KVM. Its
 * functions run under the lock of its MemoryOwner: dispatch takes it around MemoryRegionOps, vmm
 * takes it (memory_owner_enter) around timers, received bytes and reset.
 * Every device: `struct x` embedded by whoever builds the board; x_init() gives -errno and leaves
 * nothing to undo when it fails, but its storage has to last all the same until
 * memory_core_finish(), which may reclaim regions in it; x_reset() is power-on state; x_finish()
 * accepts a zeroed one.
 */
#ifndef ACRE_DEVICES_DEVICE_H
#define ACRE_DEVICES_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An interrupt output. set() is called on changes of level only (devices remember their own
 * level); a zeroed line goes nowhere. Must not call back into the device.
 */
struct irq_line {
    void (*set)(void *opaque, bool level);
    void *opaque;
};

static inline void irq_line_set(const struct irq_line *line, bool level)
{
    if (line->set) {
        line->set(line->opaque, level);
    }
}

/*
 * A virtual clock. It stands still while the VM is stopped. Unit: nanoseconds since power-on,
 * monotonic.
 */
struct device_timer;
struct device_clock {
    uint64_t (*now_ns)(struct device_clock *clock);
    /*
     * Call timer->expired once at or after `deadline_ns`, under the owner's lock, never from
     * within arm. Replaces an earlier deadline.
     */
    void (*arm)(struct device_clock *clock, struct device_timer *timer, uint64_t deadline_ns);
    void (*disarm)(struct device_clock *clock, struct device_timer *timer);
};

struct MemoryOwner;

/* The device's storage; set the first three before the first arm, never touch the rest. */
struct device_timer {
    void (*expired)(void *opaque);
    void *opaque;
    struct MemoryOwner *owner; /* whose lock `expired` runs under */
    /* private to the clock */
    uint64_t deadline_ns;
    struct device_timer *next;
    bool armed;
};

static inline uint64_t device_clock_now(struct device_clock *clock)
{
    return clock->now_ns(clock);
}

/*
 * Where a device's bytes go. write() takes what it can without blocking and returns how many bytes
 * that was (0..len); when it took fewer it calls the device's own "writable" function later, under
 * the owner's lock. A zeroed sink takes everything and forgets it.
 */
struct byte_sink {
    size_t (*write)(void *opaque, const uint8_t *data, size_t len);
    void *opaque;
};

static inline size_t byte_sink_write(const struct byte_sink *sink, const uint8_t *data, size_t len)
{
    return sink->write ? sink->write(sink->opaque, data, len) : len;
}

/*
 * Something that others signal without calling the device: KVM, for a write that it matches itself
 * (memory_region_add_eventfd). The device hands `handle` on and does nothing else with it.
 */
struct event_input {
    int handle;                     /* the `fd` of memory_region_add_eventfd(); -1: there is none */
    uint64_t (*take)(void *opaque); /* signals since it was asked last; never blocks */
    void *opaque;
};

/* What a machine should do that only its monitor can. */
enum device_request {
    DEVICE_REQUEST_POWEROFF,
    DEVICE_REQUEST_RESET,
    DEVICE_REQUEST_EXIT,         /* value: the guest's status, 0.. */
    DEVICE_REQUEST_PANIC,        /* the guest says it panicked */
    DEVICE_REQUEST_CRASH_LOADED, /* it panicked and deals with that itself: only to be told of */
    DEVICE_REQUEST_WATCHDOG,     /* expired; value: enum device_watchdog_action */
};

/* What follows when a watchdog expires. */
enum device_watchdog_action {
    DEVICE_WATCHDOG_EXIT, /* the run ends, with a status of its own */
    DEVICE_WATCHDOG_RESET,
    DEVICE_WATCHDOG_POWEROFF,
    DEVICE_WATCHDOG_NONE, /* only to be told of */
};

/* Must not call back into the device; takes effect after the access that caused it. */
struct request_line {
    void (*request)(void *opaque, enum device_request request, uint32_t value);
    void *opaque;
};

static inline void request_line_raise(const struct request_line *line, enum device_request request,
                                      uint32_t value)
{
    if (line->request) {
        line->request(line->opaque, request, value);
    }
}

#endif
