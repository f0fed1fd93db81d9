/*
 * trace.c - what tracing adds to an exit: the two taps of a vCPU around an access to one of 16
 * regions, and taking the record out of the ring again (without writing it). CPU time.
 */
#include "memory_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace_parts.h"

enum { LEAVES = 16 };

static struct vcpu vcpu;
static struct machine machine;
static struct kvm_run run;

/* What vcpu.c does around an exit that is tapped. @taken  counts records. */
static double time_exits(struct trace *trace, const struct map *map, unsigned times,
                         uint64_t *taken)
{
    struct history history = {0};
    double start = thread_ns();

    for (unsigned i = 0; i < times; i++) {
        struct history_exit *exit;

        run.mmio.phys_addr = place(map, i % LEAVES);
        exit = history_begin(&history, &run);
        for (struct vcpu_tap *tap = vcpu.taps; tap; tap = tap->next) {
            tap->exiting(tap->opaque, &vcpu, exit);
        }
        history_done(exit, &run);
        for (struct vcpu_tap *tap = vcpu.taps; tap; tap = tap->next) {
            tap->served(tap->opaque, &vcpu, exit);
        }
        while (trace_ring_first(&trace->cpus[0].ring)) {
            trace_ring_pop(&trace->cpus[0].ring);
            ++*taken;
        }
    }
    return (thread_ns() - start) / times;
}

/* Sets up as trace_start() does, without a machine that runs. Returns: ns for an exit. */
static double time_spec(const char *text, const struct map *map, unsigned times, uint64_t *taken)
{
    struct trace_spec spec;
    struct trace *trace;
    struct error err;
    double ns;

    must(trace_spec_parse(text, &spec, &err));
    must(trace_new(&spec, 1, &trace, &err));
    trace->machine = &machine;
    trace->cpu_num = 1;
    trace->cpus = aligned_alloc(_Alignof(struct trace_cpu), sizeof(*trace->cpus));
    if (!trace->cpus) {
        abort();
    }
    memset(trace->cpus, 0, sizeof(*trace->cpus));
    trace->work.queued = true; /* there is no loop to be woken */
    must(trace_taps_set(trace, &err));
    ns = time_exits(trace, map, times, taken);
    trace_taps_clear(trace);
    trace_free(trace);
    return ns;
}

int main(void)
{
    static const struct {
        const char *name, *spec;
        unsigned records; /* of each exit */
    } cases[] = {
        {"not of exits", "irq", 0},
        {"exits", "exits", 1},
        {"accesses", "mmio", 1},
        {"accesses, none of them wanted", "mmio:region=other", 0},
        {"exits and accesses", "exits,mmio", 2},
    };
    enum { CASES = sizeof(cases) / sizeof(cases[0]) };
    unsigned rounds = getenv("BENCH_QUICK") ? 1 : 9, times = rounds == 1 ? 1000 : 200000;
    double ns[CASES][9];
    struct map map;

    memory_thread_register();
    open_map(&map, FLAT, LEAVES);
    mount_all(&map);
    run.exit_reason = KVM_EXIT_MMIO;
    run.mmio.len = 4;
    vcpu.group = &machine.vcpus;
    machine.vcpus.vcpus = &vcpu;
    machine.vcpus.config = (struct vcpu_group_config){.num = 1, .memory = &map.as, .io = &map.as};
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < CASES; i++) {
            uint64_t taken = 0;

            ns[i][round] = time_spec(cases[i].spec, &map, times, &taken);
            if (taken != (uint64_t)times * cases[i].records) {
                abort(); /* something was not recorded */
            }
        }
    }
    for (unsigned i = 0; i < CASES; i++) {
        printf("trace: %s: %.0f ns an exit, history and ring included\n", cases[i].name,
               median(ns[i], rounds));
    }
    close_map(&map);
    memory_thread_unregister();
    return 0;
}
