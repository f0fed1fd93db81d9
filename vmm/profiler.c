/*
 * profiler.c - a tap on the exits, one on the interrupt lines, and a listener on the memory map.
 * Who answers an access is looked up before it is served, since the access may change the map.
 */
#include "vmm/profiler.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "vmm/kvm_stats.h"
#include "vmm/machine_control.h"
#include "vmm/profile_report.h"

/* One vCPU's. */
struct profiler_cpu {
    struct profile profile;
    MemoryAccessCache memory_cache, io_cache; /* the vCPU's own would show what came before */
    struct kvm_stats stats;
};

struct profiler {
    struct machine *machine;
    struct vcpu_tap tap;
    struct machine_irq_tap irq_tap;
    MemoryListener listeners[2];
    bool counting; /* the listeners have been told of what stood */
    bool has_rip;
    unsigned cpu_num;
    struct profiler_cpu *cpus;
    struct kvm_stats stats; /* the VM's */
    uint64_t begin_tsc, begin_ns;
    _Atomic uint64_t irqs[MACHINE_IRQ_NUM];
    _Atomic uint64_t commits, slot_changes, slot_ioctls; /* commits come from any thread */
    struct symbols *symbols;
};

/* ---- exits ---- */

/* Who answers there now. */
static void locate(AddressSpace *as, MemoryAccessCache *cache, struct profile_exit *exit)
{
    const FlatRange *range;

    memory_read_lock();
    range = address_space_cache_lookup(as, cache, exit->addr);
    if (range && memory_region_get_kind(range->mr) != MEMORY_REGION_RESERVATION) {
        exit->region = range->mr;
        exit->name = memory_region_name(range->mr);
        exit->offset = range->offset_in_region + (exit->addr - range->first);
    }
    memory_read_unlock();
}

static void exiting(void *opaque, struct vcpu *vcpu, const struct history_exit *history)
{
    struct profiler *profiler = opaque;
    struct profiler_cpu *cpu = &profiler->cpus[vcpu->index];
    const struct vcpu_group_config *config = &vcpu->group->config;
    struct profile_exit exit = {
        .stamp = history->stamp,
        .reason = history->reason,
        .size = history->size,
        .write = history->write,
        .count = history->count,
        .addr = history->addr,
        .has_rip = profiler->has_rip,
        .rip = profiler->has_rip ? vcpu->run->s.regs.regs.rip : 0,
    };

    if (exit.size > 0 && exit.reason == KVM_EXIT_IO) {
        locate(config->io, &cpu->io_cache, &exit);
    } else if (exit.size > 0) {
        locate(config->memory, &cpu->memory_cache, &exit);
    }
    profile_begin(&cpu->profile, &exit);
}

static void served(void *opaque, struct vcpu *vcpu, const struct history_exit *history)
{
    struct profiler *profiler = opaque;

    (void)history;
    profile_end(&profiler->cpus[vcpu->index].profile, __rdtsc());
}

/* ---- interrupts and the map ---- */

static void irq_set(void *opaque, unsigned gsi, bool level)
{
    struct profiler *profiler = opaque;

    if (level && gsi < MACHINE_IRQ_NUM) {
        atomic_fetch_add_explicit(&profiler->irqs[gsi], 1, memory_order_relaxed);
    }
}

static void committed(MemoryListener *listener, const MemoryCommit *commit)
{
    struct profiler *profiler = listener->opaque;
    struct kvm_slots_delta delta;

    if (!profiler->counting) {
        return;
    }
    atomic_fetch_add_explicit(&profiler->commits, 1, memory_order_relaxed);
    if (commit->as == board_memory(profiler->machine->board)) {
        delta = kvm_slots_last_delta(&profiler->machine->slots);
        atomic_fetch_add_explicit(&profiler->slot_changes,
                                  delta.removed_num + delta.added_num + delta.changed_num,
                                  memory_order_relaxed);
        atomic_fetch_add_explicit(&profiler->slot_ioctls, delta.ioctls, memory_order_relaxed);
    }
}

static int watch_commits(struct profiler *profiler)
{
    AddressSpace *const spaces[] = {board_memory(profiler->machine->board),
                                    board_io(profiler->machine->board)};
    int ret = 0;
    size_t i;

    for (i = 0; i < 2 && ret == 0; i++) {
        profiler->listeners[i] = (MemoryListener){
            .name = "profiler", .priority = INT_MIN, .opaque = profiler, .commit = committed};
        ret = memory_listener_register(&profiler->listeners[i], spaces[i]);
    }
    profiler->counting = true;
    return ret;
}

/* ---- beginning and end ---- */

static void profiler_free(struct profiler *profiler)
{
    unsigned i;

    for (i = 0; i < profiler->cpu_num; i++) {
        kvm_stats_finish(&profiler->cpus[i].stats);
    }
    kvm_stats_finish(&profiler->stats);
    symbols_free(profiler->symbols);
    free(profiler->cpus);
    free(profiler);
}

/* Has KVM leave the registers where we find them at each exit; one bit, no ioctl. */
static void share_registers(struct profiler *profiler, struct vcpu_group *vcpus)
{
    int offered = kvm_has(&profiler->machine->kvm, KVM_HAS_SYNC_REGS);
    unsigned i;

    profiler->has_rip = ((unsigned long)offered & KVM_SYNC_X86_REGS) != 0;
    for (i = 0; i < profiler->cpu_num && profiler->has_rip; i++) {
        vcpus->vcpus[i].run->kvm_valid_regs |= KVM_SYNC_X86_REGS;
    }
}

/* Without statistics a report has none: an old KVM is no reason not to run. */
static void open_stats(struct profiler *profiler, struct vcpu_group *vcpus)
{
    struct kvm *kvm = &profiler->machine->kvm;
    unsigned i;
    int ret = kvm_stats_open(&profiler->stats, kvm, kvm->vm_fd);

    for (i = 0; i < profiler->cpu_num; i++) {
        profiler->cpus[i].stats.fd = -1;
        if (ret == 0) {
            ret = kvm_stats_open(&profiler->cpus[i].stats, kvm, vcpus->vcpus[i].fd);
        }
    }
}

/* A kernel without symbols, or a flat one, has addresses only. */
static void load_symbols(struct profiler *profiler)
{
    const struct boot_config *boot = &profiler->machine->config.boot;
    struct error err;

    if (symbols_load(&profiler->symbols, boot->path, boot->fd, &err) < 0) {
        profiler->symbols = NULL;
    }
}

int profiler_start(struct machine *machine, struct error *err)
{
    struct vcpu_group *vcpus = &machine->vcpus;
    struct profiler *profiler = calloc(1, sizeof(*profiler));
    unsigned i;
    int ret;

    if (profiler) {
        profiler->cpus = calloc(vcpus->config.num, sizeof(*profiler->cpus));
    }
    if (!profiler || !profiler->cpus) {
        free(profiler);
        return error_set_errno(err, ENOMEM, "profile");
    }
    profiler->machine = machine;
    profiler->cpu_num = vcpus->config.num;
    open_stats(profiler, vcpus);
    load_symbols(profiler);
    ret = watch_commits(profiler);
    if (ret < 0) {
        memory_listener_unregister(&profiler->listeners[0]);
        profiler_free(profiler);
        return error_set_errno(err, -ret, "profile");
    }
    share_registers(profiler, vcpus);
    profiler->begin_ns = time_line_now_ns();
    profiler->begin_tsc = __rdtsc();
    for (i = 0; i < profiler->cpu_num; i++) {
        profile_init(&profiler->cpus[i].profile, profiler->begin_tsc);
    }
    profiler->tap = (struct vcpu_tap){.exiting = exiting, .served = served, .opaque = profiler};
    profiler->irq_tap = (struct machine_irq_tap){.set = irq_set, .opaque = profiler};
    vcpu_group_tap(vcpus, &profiler->tap);
    machine_tap_irqs(machine, &profiler->irq_tap);
    machine->profiler = profiler;
    return 0;
}

void profiler_finish(struct machine *machine)
{
    struct profiler *profiler = machine->profiler;
    size_t i;

    if (!profiler) {
        return;
    }
    vcpu_group_untap(&machine->vcpus, &profiler->tap);
    machine_untap_irqs(machine, &profiler->irq_tap);
    for (i = 0; i < 2; i++) {
        profiler->listeners[i].commit = NULL; /* the removal's own replay is no change */
        memory_listener_unregister(&profiler->listeners[i]);
    }
    machine->profiler = NULL;
    profiler_free(profiler);
}

/* ---- reports ---- */

static json_t *kvm_json(const struct profiler *profiler)
{
    json_t *cpus = json_array();
    unsigned i;

    for (i = 0; i < profiler->cpu_num && profiler->stats.num > 0; i++) {
        (void)json_array_append_new(cpus, kvm_stats_json(&profiler->cpus[i].stats));
    }
    return json_pack("{s:o, s:o}", "vm", kvm_stats_json(&profiler->stats), "cpus", cpus);
}

static void add_up(struct profiler *profiler, struct profile_report *report)
{
    unsigned i;

    vcpu_group_pause(&profiler->machine->vcpus);
    profile_init(report->sum, profiler->begin_tsc);
    for (i = 0; i < profiler->cpu_num; i++) {
        profile_add(report->sum, &profiler->cpus[i].profile);
        report->cpu_exits[i] = profile_total(&profiler->cpus[i].profile).exits;
    }
    vcpu_group_unpark(&profiler->machine->vcpus);
}

static void read_counters(struct profiler *profiler, struct profile_report *report)
{
    uint64_t ticks = __rdtsc() - profiler->begin_tsc;
    size_t i;

    report->elapsed_ns = time_line_now_ns() - profiler->begin_ns;
    report->ns_per_tick = ticks ? (double)report->elapsed_ns / (double)ticks : 0;
    for (i = 0; i < MACHINE_IRQ_NUM; i++) {
        report->irqs[i] = atomic_load(&profiler->irqs[i]);
    }
    report->commits = atomic_load(&profiler->commits);
    report->slot_changes = atomic_load(&profiler->slot_changes);
    report->slot_ioctls = atomic_load(&profiler->slot_ioctls);
    report->ioctls = atomic_load(&profiler->machine->kvm.calls);
    report->symbols = profiler->symbols;
}

int profiler_report(struct machine *machine, struct profile_report *report, struct error *err)
{
    struct profiler *profiler = machine->profiler;
    struct time_line line;

    *report = (struct profile_report){0};
    if (!profiler) {
        return error_set(err, ENOENT, "this run counts no exits (--stats or --monitor)");
    }
    report->sum = malloc(sizeof(*report->sum));
    report->cpu_num = profiler->cpu_num;
    report->cpu_exits = calloc(profiler->cpu_num, sizeof(*report->cpu_exits));
    machine_time_line(machine, &line);
    report->kvm = kvm_json(profiler);
    report->time_line = time_line_json(&line);
    if (!report->sum || !report->cpu_exits || !report->kvm || !report->time_line) {
        profile_report_finish(report);
        return error_set_errno(err, ENOMEM, "profile");
    }
    add_up(profiler, report);
    read_counters(profiler, report);
    return 0;
}

void profile_report_finish(struct profile_report *report)
{
    json_decref(report->kvm);
    json_decref(report->time_line);
    free(report->cpu_exits);
    free(report->sum);
    *report = (struct profile_report){0};
}
