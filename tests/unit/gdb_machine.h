/*
 * gdb_machine.h - a machine whose vCPUs are fake_cpu.h's, under a debugger whose client is the
 * test: its packets go to the session, only the socket is missing.
 *
 * Context: one thread; one machine at a time.
 */
#ifndef ACRE_TESTS_UNIT_GDB_MACHINE_H
#define ACRE_TESTS_UNIT_GDB_MACHINE_H

#include "vmm/gdb.h"

#include "board_fixture.h"
#include "fake_cpu.h"
#include "vmm/machine_control.h"
#include "vmm/machine_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CODE = 0x1000, DATA = 0x8000, ROM = 0x600000 };

static struct machine machine;
static struct gdb *gdb;
static struct fake_kvm *fake;
static char out[1 << 16]; /* what the client got since it sent something */
static size_t out_len;

/* A loop over all there is to stop at. CODE: six nop; CODE + 6: jmp CODE. */
static const uint8_t loop_code[] = {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xeb, 0xf8};

/* CODE: mov dword [DATA + 4], 0x11223344; mov byte [DATA + 9], 0x55; jmp CODE */
static const uint8_t storing_code[] = {0xc7, 0x05, 0x04, 0x80, 0x00, 0x00, 0x44, 0x33, 0x22, 0x11,
                                       0xc6, 0x05, 0x09, 0x80, 0x00, 0x00, 0x55, 0xeb, 0xed};

static inline void hear(void *opaque, const char *data, size_t len)
{
    (void)opaque;
    ck_assert_uint_lt(out_len + len, sizeof(out));
    memcpy(out + out_len, data, len);
    out_len += len;
    out[out_len] = '\0';
    if (strstr(out, "$T") || strstr(out, "$W")) {
        loop_quit(&machine.loop);
    }
}

static inline void put(uint64_t gpa, const void *bytes, size_t len)
{
    ck_assert_int_eq(
        address_space_write(board_memory(board), gpa, MEMTXATTRS_UNSPECIFIED, bytes, len),
        MEMTX_OK);
}

/* What the guest would read. */
static inline uint8_t byte_at(uint64_t gpa)
{
    uint8_t byte = 0;

    (void)address_space_read(board_memory(board), gpa, MEMTXATTRS_UNSPECIFIED, &byte, 1);
    return byte;
}

/* Sends a packet. Returns: what the client got at once. */
static inline const char *talk(const char *packet)
{
    char frame[512];
    uint8_t sum = 0;
    size_t i;

    for (i = 0; packet[i]; i++) {
        sum = (uint8_t)(sum + (uint8_t)packet[i]);
    }
    (void)snprintf(frame, sizeof(frame), "$%s#%02x", packet, sum);
    out_len = 0;
    out[0] = '\0';
    gdb_session_receive(&gdb->session, frame, strlen(frame));
    return out;
}

/* The stop that the client waits for; check's time limit ends it otherwise. */
static inline const char *wait_for_stop(void)
{
    if (!strstr(out, "$T") && !strstr(out, "$W")) {
        ck_assert_int_eq(loop_run(&machine.loop), 0);
    }
    machine.loop.quit = false;
    return strstr(out, "$T") ? strstr(out, "$T") : strstr(out, "$W");
}

/* Sends what makes the target run, and has it stop as `stop` says, "T05thread:1;swbreak:;" say. */
static inline void run_to(const char *packet, const char *stop)
{
    (void)talk(packet);
    ck_assert_msg(strncmp(wait_for_stop() + 1, stop, strlen(stop)) == 0, "%s: %s, not %s", packet,
                  out, stop);
}

static inline void ask(const char *packet)
{
    ck_assert_msg(strcmp(talk(packet), "$OK#9a") == 0, "%s: %s", packet, out);
}

static inline void assert_at(unsigned cpu, uint64_t pc)
{
    ck_assert_uint_eq(fake->cpus[cpu].regs.rip, pc);
}

/* Waits until a CPU has done something. */
static inline void assert_runs(unsigned cpu)
{
    unsigned before = atomic_load(&fake->cpus[cpu].instructions);

    while (atomic_load(&fake->cpus[cpu].instructions) - before < 20) {
        (void)sched_yield();
    }
}

/* The client puts a CPU elsewhere. */
static inline void set_pc(unsigned cpu, uint64_t pc)
{
    char packet[64];
    size_t used, i;

    (void)snprintf(packet, sizeof(packet), "Hg%x", cpu + 1);
    ask(packet);
    used = (size_t)snprintf(packet, sizeof(packet), "P10=");
    for (i = 0; i < sizeof(pc); i++) {
        used += (size_t)snprintf(packet + used, sizeof(packet) - used, "%02x",
                                 (unsigned)(pc >> (8 * i) & 0xff));
    }
    ask(packet);
}

/* A CPU that runs goes on elsewhere. */
static inline void move_cpu(unsigned cpu, uint64_t pc)
{
    vcpu_group_pause(&machine.vcpus);
    fake->cpus[cpu].regs.rip = pc;
    vcpu_group_unpark(&machine.vcpus);
}

/* Work for the loop that CPUs have posted is done; nothing is told. */
static inline void serve_loop(void)
{
    struct loop_work last = {.run = (void (*)(void *))(void *)loop_quit, .opaque = &machine.loop};

    loop_post(&machine.loop, &last);
    ck_assert_int_eq(loop_run(&machine.loop), 0);
    machine.loop.quit = false;
}

static inline void make_machine(unsigned cpu_num)
{
    unsigned i;

    compile("rom@600000 { compatible = \"acre,rom\"; reg = <0 0x600000 0 0x1000>;"
            "acre,data = [90 90 90 90 90 90 eb f8]; };");
    ck_assert_int_eq(try_tree(), 0);
    memset(&machine, 0, sizeof(machine));
    machine.board = board;
    ck_assert_int_eq(loop_init(&machine.loop, &err), 0);
    vclock_init(&machine.clock, &machine.loop);
    fake = calloc(1, sizeof(*fake));
    fake->memory = board_memory(board);
    machine.kvm = (struct kvm){.sys_fd = -1, .vm_fd = -1, .call = fake_kvm_call, .opaque = fake};
    machine.vcpus.config = (struct vcpu_group_config){
        .kvm = &machine.kvm,
        .memory = board_memory(board),
        .io = board_io(board),
        .ring = &machine.ring,
        .num = cpu_num,
        .irqchip = true,
        .ended = machine_vcpu_ended,
        .debugged = machine_vcpu_debugged,
        .conceal = machine_vcpu_conceal,
        .opaque = &machine,
    };
    for (i = 0; i < cpu_num; i++) {
        fake->cpus[i].regs.rip = CODE;
    }
    put(CODE, loop_code, sizeof(loop_code));
    fake_cpus_start(fake, &machine.vcpus);
}

static inline void make_gdb(struct gdb_means means)
{
    const struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP};
    struct gdb_target target;

    gdb = calloc(1, sizeof(*gdb));
    gdb->means = means;
    gdb_init(gdb, &machine);
    target = gdb_target(gdb);
    gdb_session_begin(&gdb->session, &target, hear, gdb, &stop);
    gdb_run_stop(gdb, &stop);
    vcpu_group_unpark(&machine.vcpus); /* the hold that they were started with */
    (void)talk("QStartNoAckMode");
    (void)talk("qSupported:swbreak+;hwbreak+");
}

static const struct gdb_means all_means = {
    .step = true, .execute = true, .data = true, .software = true, .enters = true};
static const struct gdb_means int3_means = {.step = true, .software = true, .enters = true};
static const struct gdb_means step_means = {.step = true, .enters = true};

/* Where int3 are, or "" when all is what the guest made it. */
static inline const char *patched(void)
{
    static char where[64];
    uint64_t gpa;
    size_t used = 0;

    where[0] = '\0';
    for (gpa = CODE; gpa < CODE + 8; gpa++) {
        if (byte_at(gpa) == 0xcc) {
            used +=
                (size_t)snprintf(where + used, sizeof(where) - used, "%" PRIx64 " ", gpa - CODE);
        }
    }
    return where;
}

static inline void begin(unsigned cpu_num, struct gdb_means means)
{
    make_machine(cpu_num);
    make_gdb(means);
}

static inline void end(void)
{
    vcpu_group_stop(&machine.vcpus);
    vcpu_group_join(&machine.vcpus);
    gdb_finish(gdb);
    fake_cpus_finish(&machine.vcpus);
    vclock_finish(&machine.clock);
    loop_finish(&machine.loop);
    free(gdb);
    free(fake);
}

#endif
