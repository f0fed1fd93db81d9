/*
 * gdb_fake.h - a target for a gdb session without a machine: registers and a little memory of its
 * own, and a record of what it was asked to do. For the unit test and the fuzz target.
 */
#ifndef ACRE_TESTS_UNIT_GDB_FAKE_H
#define ACRE_TESTS_UNIT_GDB_FAKE_H

#include <errno.h>
#include <string.h>

#include "vmm/gdb_session.h"

enum { FAKE_CPUS = 3, FAKE_MEMORY = 0x400, FAKE_BASE = 0x1000, FAKE_OUT_MAX = 1 << 17 };

struct gdb_fake {
    struct gdb_session session;
    struct gdb_registers registers[FAKE_CPUS];
    uint8_t memory[FAKE_MEMORY]; /* at FAKE_BASE; physical: at 0 */
    char out[FAKE_OUT_MAX];
    size_t out_len;
    struct gdb_plan plan;
    unsigned monitor_cpu, resumed, interrupted, detached, killed, inserted, removed, changed;
    bool stops_at_once, irqs_taken;
};

static inline int fake_read_registers(void *opaque, unsigned cpu, struct gdb_registers *registers)
{
    struct gdb_fake *fake = opaque;

    *registers = fake->registers[cpu];
    return 0;
}

static inline int fake_write_registers(void *opaque, unsigned cpu,
                                       const struct gdb_registers *registers, unsigned changed)
{
    struct gdb_fake *fake = opaque;

    fake->registers[cpu] = *registers;
    fake->changed |= changed;
    return 0;
}

static inline size_t fake_room(bool physical, uint64_t addr, size_t len, uint64_t *offset)
{
    *offset = addr - (physical ? 0 : FAKE_BASE);
    if (*offset >= FAKE_MEMORY) {
        return 0;
    }
    return len < FAKE_MEMORY - *offset ? len : (size_t)(FAKE_MEMORY - *offset);
}

static inline int fake_read_memory(void *opaque, unsigned cpu, bool physical, uint64_t addr,
                                   void *data, size_t len, size_t *done)
{
    struct gdb_fake *fake = opaque;
    uint64_t offset;

    (void)cpu;
    *done = fake_room(physical, addr, len, &offset);
    if (*done > 0) {
        memcpy(data, fake->memory + offset, *done);
    }
    return *done == len ? 0 : -EFAULT;
}

static inline int fake_write_memory(void *opaque, unsigned cpu, bool physical, uint64_t addr,
                                    const void *data, size_t len)
{
    struct gdb_fake *fake = opaque;
    uint64_t offset;

    (void)cpu;
    if (fake_room(physical, addr, len, &offset) != len) {
        return -EFAULT;
    }
    memcpy(fake->memory + offset, data, len);
    return 0;
}

static inline int fake_insert(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size)
{
    (void)addr;
    (void)size;
    ((struct gdb_fake *)opaque)->inserted++;
    return kind == GDB_WATCH_READ ? -EOPNOTSUPP : 0;
}

static inline int fake_remove(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size)
{
    (void)kind;
    (void)addr;
    (void)size;
    ((struct gdb_fake *)opaque)->removed++;
    return 0;
}

static inline void fake_resume(void *opaque, const struct gdb_plan *plan)
{
    struct gdb_fake *fake = opaque;
    const struct gdb_stop stop = {
        .signal = GDB_SIGNAL_TRAP, .cpu = 1, .at_break = true, .kind = GDB_BREAK_HARDWARE};

    fake->resumed++;
    fake->plan = *plan;
    if (fake->stops_at_once) {
        gdb_session_stopped(&fake->session, &stop);
    }
}

static inline void fake_interrupt(void *opaque)
{
    struct gdb_fake *fake = opaque;
    const struct gdb_stop stop = {.signal = GDB_SIGNAL_INT};

    fake->interrupted++;
    gdb_session_stopped(&fake->session, &stop);
}

static inline void fake_detach(void *opaque)
{
    ((struct gdb_fake *)opaque)->detached++;
}

static inline void fake_kill(void *opaque)
{
    ((struct gdb_fake *)opaque)->killed++;
}

static inline void fake_describe(void *opaque, unsigned cpu, char *text, size_t size)
{
    (void)opaque;
    (void)snprintf(text, size, "%s", cpu == 0 ? "running" : "");
}

static inline void fake_monitor(void *opaque, unsigned cpu, const char *line,
                                struct memory_sink *sink)
{
    ((struct gdb_fake *)opaque)->monitor_cpu = cpu;
    memory_sink_printf(sink, "you said %.64s\n", line);
}

static inline void fake_set_step_irqs(void *opaque, bool blocked)
{
    ((struct gdb_fake *)opaque)->irqs_taken = !blocked;
}

static inline void fake_send(void *opaque, const char *data, size_t len)
{
    struct gdb_fake *fake = opaque;

    if (len > FAKE_OUT_MAX - fake->out_len) {
        fake->out_len = 0; /* the newest is what matters */
    }
    memcpy(fake->out + fake->out_len, data, len);
    fake->out_len += len;
}

static inline void fake_begin(struct gdb_fake *fake)
{
    const struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP};
    const struct gdb_target target = {
        .cpu_num = FAKE_CPUS,
        .read_registers = fake_read_registers,
        .write_registers = fake_write_registers,
        .read_memory = fake_read_memory,
        .write_memory = fake_write_memory,
        .insert = fake_insert,
        .remove = fake_remove,
        .resume = fake_resume,
        .interrupt = fake_interrupt,
        .detach = fake_detach,
        .kill = fake_kill,
        .describe = fake_describe,
        .monitor = fake_monitor,
        .set_step_irqs = fake_set_step_irqs,
    };

    gdb_session_begin(&fake->session, &target, fake_send, fake, &stop);
}

#endif
