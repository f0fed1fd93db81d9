/*
 * machine.c - puts the parts together in the order they need each other and takes them apart in
 * reverse. What happens while the machine runs is in machine_run.c.
 */
#include "vmm/machine_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/guest_page.h"
#include "vmm/log.h"
#include "vmm/probes.h"
#include "vmm/sandbox.h"
#include "vmm/watch_user.h"

enum { AUDIT_PRIORITY = 30 /* after everything that changes slots */, WHY_SIZE = 1024 };

static void park(void *opaque)
{
    struct machine *machine = opaque;

    if (machine->vcpus.vcpus) {
        vcpu_group_park(&machine->vcpus);
    }
}

static void unpark(void *opaque)
{
    struct machine *machine = opaque;

    if (machine->vcpus.vcpus) {
        vcpu_group_unpark(&machine->vcpus);
    }
}

static void flush_coalesced(void *opaque)
{
    struct machine *machine = opaque;

    kvm_ring_drain(&machine->ring);
}

static void log_line(void *opaque, const char *line)
{
    struct machine *machine = opaque;

    log_warn_limited(&machine->guest_log, "%s", line);
}

/* KVM's map is neither the old nor the new: the run ends before a vCPU enters again. */
static void map_broken(void *opaque, int apply_error, int undo_error)
{
    struct verdict verdict;

    if (apply_error == 0) {
        verdict_make(&verdict, VERDICT_FAULT,
                     "a change of the memory map could not be taken back: %s",
                     strerror(-undo_error));
    } else {
        verdict_make(&verdict, VERDICT_FAULT,
                     "a change of the memory map failed (%s) and could not be taken back (%s)",
                     strerror(-apply_error), strerror(-undo_error));
    }
    machine_end(opaque, &verdict);
}

static void audit(MemoryListener *listener, const MemoryCommit *commit)
{
    struct machine *machine = listener->opaque;
    struct verdict verdict;
    char why[WHY_SIZE];

    if (!kvm_slots_audit(&machine->slots, commit->new_view, why, sizeof(why))) {
        verdict_make(&verdict, VERDICT_FAULT, "slots and view differ: %.200s", why);
        machine_end(machine, &verdict);
    }
}

static bool wants_audit(const struct machine *machine)
{
#ifdef ACRE_AUDIT
    (void)machine;
    return true;
#else
    return machine->config.audit;
#endif
}

static void set_irq(void *opaque, bool level)
{
    struct machine_irq *irq = opaque;
    const struct machine_irq_tap *tap;
    int result = kvm_irq_line(&irq->machine->kvm, irq->gsi, level);

    if (atomic_exchange_explicit(&irq->level, level, memory_order_relaxed) != level && level) {
        atomic_fetch_add_explicit(&irq->raised, 1, memory_order_relaxed);
    }
    PROBE_IRQ(irq->gsi, level);
    for (tap = irq->machine->irq_taps; tap; tap = tap->next) {
        tap->set(tap->opaque, irq->gsi, level);
    }
    if (result < 0) {
        log_warn_limited(&irq->machine->guest_log, "interrupt %u: %s", irq->gsi, strerror(-result));
    }
}

static struct irq_line irq_of(void *opaque, unsigned gsi)
{
    struct machine *machine = opaque;

    if (!machine->irqchip || gsi >= MACHINE_IRQ_NUM) {
        return (struct irq_line){0};
    }
    machine->irqs[gsi].machine = machine;
    machine->irqs[gsi].gsi = gsi;
    return (struct irq_line){.set = set_irq, .opaque = &machine->irqs[gsi]};
}

/* The vCPU that asks is outside the guest while its access is served. */
static void flush_page(void *opaque, uint64_t addr)
{
    struct machine *machine = opaque;
    int result;

    park(machine);
    result = guest_page_flush(board_memory(machine->board), addr);
    unpark(machine);
    if (result < 0) {
        log_warn_limited(&machine->guest_log, "page 0x%" PRIx64 " stays mapped: %s", addr,
                         strerror(-result));
    }
}

static int64_t wall_clock_s(void *opaque)
{
    (void)opaque;
    return (int64_t)time(NULL);
}

static int open_image(struct machine *machine, struct error *err)
{
    struct boot_config *boot = &machine->config.boot;
    char why[WHY_SIZE];
    bool tell = machine->config.chosen != NULL;
    int result;

    boot->map = board_map(machine->board, &boot->map_num);
    boot->dtb = board_dtb(machine->board, &boot->dtb_size);
    result = load_open(boot, &machine->image, tell ? why : NULL, tell ? sizeof(why) : 0, err);
    if (result == 0 && tell) {
        machine->config.chosen(machine->config.opaque, why);
    }
    return result;
}

/* The VM and its interrupt controllers: they have to stand before the first vCPU. */
static int make_vm(struct machine *machine, struct error *err)
{
    struct kvm *kvm = &machine->kvm;
    int result = kvm_create_vm(kvm, machine->irqchip, err);

    if (result != 0) {
        return result;
    }
    if (x86_needs_kvm_pages()) {
        /* The identity map's page below stays where KVM has it by itself. */
        _Static_assert(BOARD_KVM_IDENTITY_ADDR == 0xfffbc000, "KVM's default");
        result = kvm_set_tss_addr(kvm, BOARD_KVM_TSS_ADDR);
        if (result < 0) {
            return error_set_errno(err, -result, "KVM_SET_TSS_ADDR");
        }
    }
    result = machine->irqchip ? kvm_create_irqchip(kvm) : 0;
    if (result < 0) {
        return error_set_errno(err, -result, "KVM_CREATE_IRQCHIP");
    }
    if (machine->irqchip && machine->config.restartable) {
        result = x86_irqchips_read(kvm, &machine->reset_irqchips);
    }
    return result < 0 ? error_set_errno(err, -result, "KVM_GET_IRQCHIP") : 0;
}

/* Logging in rings is for good, so a KVM that cannot do it is found out first. */
static int make_dirty_rings(struct machine *machine, struct error *err)
{
    uint32_t size = machine->config.dirty_ring;
    struct error why;
    int result;

    if (size == 0) {
        return 0;
    }
    result = kvm_dirty_ring_probe(&machine->kvm, size, &why);
    if (result == 0) {
        result = kvm_dirty_rings_init(&machine->dirty_rings, &machine->kvm, size, &why);
    }
    return result < 0 ? error_set(err, -result, "--dirty-ring: %s", why.text) : 0;
}

static struct kvm_dirty_rings *dirty_rings(struct machine *machine)
{
    return machine->config.dirty_ring ? &machine->dirty_rings : NULL;
}

/* Before any thread starts: those that do not block the signals would die of them. */
static int make_loop(struct machine *machine, struct error *err)
{
    int result = loop_init(&machine->loop, err);

    if (result == 0) {
        vclock_init(&machine->clock, &machine->loop);
        result = machine_consoles_init(machine, err);
    }
    return result == 0 ? machine_watch_signals(machine, err) : result;
}

struct memory_core_config machine_core_config(struct machine *machine)
{
    return (struct memory_core_config){
        .park = park,
        .unpark = unpark,
        .flush_coalesced = flush_coalesced,
        .signal_eventfd = kvm_events_signal,
        .broken = map_broken,
        .log = log_line,
        .opaque = machine,
    };
}

static int make_memory(struct machine *machine, struct error *err)
{
    const struct memory_core_config config = machine_core_config(machine);
    int result;

    memory_thread_register();
    machine->thread_registered = true;
    result = memory_core_init(&machine->core, &config);
    if (result == 0) {
        result = memory_worker_start(); /* no thread can start once system calls are filtered */
    }
    return result < 0 ? error_set_errno(err, -result, "memory") : 0;
}

static int make_board(struct machine *machine, struct error *err)
{
    struct board_host host = {
        .clock = &machine->clock.clock,
        .irq = irq_of,
        .requests = machine_requests(machine),
        .flush_page = flush_page,
        .events = true,
        .wall_clock_s = wall_clock_s,
        .opaque = machine,
    };

    machine_consoles_connect(machine, &host);
    return board_build(machine->board, &machine->core, &host, err);
}

struct kvm_slots_config machine_slots_config(struct machine *machine)
{
    return (struct kvm_slots_config){
        .park = park,
        .unpark = unpark,
        .opaque = machine,
        .rings = dirty_rings(machine),
    };
}

/* KVM learns of the map. */
static int make_map(struct machine *machine, struct error *err)
{
    const struct kvm_slots_config config = machine_slots_config(machine);
    AddressSpace *memory = board_memory(machine->board);
    int result = kvm_slots_init(&machine->slots, &machine->kvm, memory, &config);

    if (result < 0 && machine->slots.refused_last > 0) {
        return error_set_errno(err, -result, "memory slots: KVM refuses 0x%" PRIx64 "-0x%" PRIx64,
                               machine->slots.refused_first, machine->slots.refused_last);
    }
    if (result < 0) {
        return error_set_errno(err, -result, "memory slots");
    }
    if (wants_audit(machine)) {
        machine->audit = (MemoryListener){
            .name = "audit", .priority = AUDIT_PRIORITY, .opaque = machine, .commit = audit};
        result = memory_listener_register(&machine->audit, memory);
        machine->audited = result == 0;
        if (result < 0) {
            return error_set_errno(err, -result, "audit");
        }
    }
    result = map_changes_start(&machine->map_changes, memory, board_io(machine->board));
    return result < 0 ? error_set_errno(err, -result, "keeping changes of the map") : 0;
}

void machine_make_events(struct machine *machine)
{
    AddressSpace *memory = board_memory(machine->board), *io = board_io(machine->board);
    int result = kvm_events_init(&machine->memory_events, &machine->kvm, memory, false);

    if (result == 0) {
        result = kvm_events_init(&machine->io_events, &machine->kvm, io, true);
    }
    if (result < 0) {
        log_warn("eventfds and coalesced zones: %s; their writes exit to acre", strerror(-result));
    }
}

static int make_vcpus(struct machine *machine, struct error *err)
{
    const struct vcpu_group_config config = {
        .kvm = &machine->kvm,
        .core = &machine->core,
        .memory = board_memory(machine->board),
        .io = board_io(machine->board),
        .ring = &machine->ring,
        .dirty_rings = dirty_rings(machine),
        .num = machine->config.cpu_num,
        .irqchip = machine->irqchip,
        .restartable = machine->config.restartable,
        .ended = machine_vcpu_ended,
        .debugged = machine_vcpu_debugged,
        .conceal = machine_vcpu_conceal,
        .rescue = watch_rescue,
        .warn = log_line,
        .signal_stacks = machine_has_terminal(machine),
        .opaque = machine,
    };

    return vcpu_group_init(&machine->vcpus, &config, err);
}

int machine_place(struct machine *machine, struct error *err)
{
    struct boot_entry entry = {0};
    int result = load_place(machine->image, board_memory(machine->board), &entry, err);

    return result == 0 ? vcpu_group_set_entry(&machine->vcpus, &entry, err) : result;
}

static int check_cpus(struct machine *machine, struct error *err)
{
    machine->irqchip = board_needs_irqchip(machine->board);
    if (machine->config.cpu_num > 1 && !machine->irqchip) {
        return error_set(err, EINVAL,
                         "--cpus %u: this board has no interrupt controllers, so nothing could "
                         "start the other CPUs",
                         machine->config.cpu_num);
    }
    return 0;
}

/* Privileges go while there is one thread, and after the last file was opened. */
static int open_kvm(struct machine *machine, struct error *err)
{
    int result = kvm_open(&machine->kvm, machine->config.kvm_path, err);

    return result == 0 && machine->config.sandbox ? sandbox_drop_privileges(err) : result;
}

/* In this order; whatever one needs, an earlier one has made. */
static const struct {
    int (*make)(struct machine *machine, struct error *err);
    const char *name; /* in the time line */
} stages[] = {
    {check_cpus, "board checked"},
    {open_image, "kernel's headers read"},
    {machine_consoles_open, "consoles opened"},
    {open_kvm, "KVM opened"},
    {make_vm, "VM made"},
    {make_dirty_rings, "dirty rings made"},
    {make_loop, "event loop made"},
    {make_memory, "memory core made"},
    {make_board, "board built"},
    {make_map, "memory slots set"},
    {make_vcpus, "CPUs made"},
    {machine_place, "images placed"},
};

int machine_init(struct machine *machine, const struct machine_config *config, struct error *err)
{
    size_t i;
    int result = 0;

    *machine = (struct machine){.config = *config, .board = config->board};
    machine->config.restartable |= config->reboot;
    time_line_begin(&machine->time_line, config->begin_ns);
    for (i = 0; i < sizeof(stages) / sizeof(stages[0]) && result == 0; i++) {
        result = stages[i].make(machine, err);
        time_line_mark(&machine->time_line, stages[i].name);
    }
    if (result == 0 && config->ready) {
        result = config->ready(config->opaque, machine, err);
        machine->told_ready = result == 0;
    }
    if (result != 0) {
        machine_finish(machine);
    }
    return result;
}

static void finish_visible(struct machine *machine)
{
    if (machine->told_ready && machine->config.finished) {
        machine->config.finished(machine->config.opaque, machine);
    }
    machine_consoles_finish(machine);
    log_limit_flush(&machine->guest_log);
}

void machine_leave(struct machine *machine)
{
#ifdef ACRE_AUDIT
    machine_finish(machine);
    free(machine);
#else
    finish_visible(machine);
#endif
}

void machine_finish(struct machine *machine)
{
    finish_visible(machine);
    watch_user_finish(machine);
    watch_finish(machine);
    map_changes_stop(&machine->map_changes);
    if (machine->audited) {
        memory_listener_unregister(&machine->audit);
    }
    kvm_events_finish(&machine->io_events, true);
    kvm_events_finish(&machine->memory_events, true);
    kvm_slots_finish(&machine->slots, true);
    vcpu_group_finish(&machine->vcpus);
    kvm_ring_finish(&machine->ring);
    kvm_dirty_rings_finish(&machine->dirty_rings);
    kvm_close(&machine->kvm);
    load_close(machine->image);
    board_unbuild(machine->board);
    memory_core_finish(&machine->core);
    board_free(machine->board);
    vclock_finish(&machine->clock);
    loop_finish(&machine->loop);
    machine_consoles_close(machine);
    if (machine->thread_registered) {
        memory_thread_unregister();
    }
    *machine = (struct machine){0};
}
