/*
 * trace_taps.c - the producers. What a vCPU does goes into its own ring, in two steps: before an
 * access is served the map tells who will answer, after it the answer is known. Everything else
 * goes into one ring under a lock.
 */
#include "vmm/trace_parts.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/machine_control.h"

static inline uint32_t ticks_since(uint64_t stamp)
{
    uint64_t ticks = __rdtsc() - stamp;

    return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

uint16_t trace_name(struct trace *trace, const char *name)
{
    unsigned num, i;
    uint16_t number = 0;

    (void)pthread_mutex_lock(&trace->lock);
    num = atomic_load_explicit(&trace->name_num, memory_order_relaxed);
    for (i = 1; i < num && number == 0; i++) {
        number = strcmp(trace->names[i], name) == 0 ? (uint16_t)i : 0;
    }
    if (number == 0 && num < TRACE_NAMES_MAX && (trace->names[num] = strdup(name)) != NULL) {
        number = (uint16_t)num;
        atomic_store_explicit(&trace->name_num, num + 1, memory_order_release);
    }
    (void)pthread_mutex_unlock(&trace->lock);
    return number;
}

uint64_t trace_rules_of(const struct trace *trace, const char *region)
{
    uint64_t rules = 0;
    unsigned i;

    for (i = 0; i < trace->rule_num; i++) {
        const struct trace_active *active = &trace->rules[i];

        if (active->on && (active->rule.region[0] == '\0' ||
                           (region[0] != '\0' && fnmatch(active->rule.region, region, 0) == 0))) {
            rules |= UINT64_C(1) << i;
        }
    }
    return rules;
}

/* Who answers at the access's address, by what was learnt when it was last asked. */
static const struct trace_place *find_place(struct trace *trace, struct trace_cpu *cpu, bool port,
                                            AddressSpace *as, struct trace_record *record)
{
    hwaddr addr = record->addr;
    struct trace_place *place = &cpu->places[port][(addr ^ addr >> 4 ^ addr >> 12) % TRACE_PLACES];
    const FlatRange *range;
    const char *name;

    memory_read_lock();
    range = address_space_cache_lookup(as, &place->cache, addr);
    if (range) {
        if (!place->known || place->generation != place->cache.generation ||
            place->first != range->first) {
            name = memory_region_name(range->mr);
            place->region = trace_name(trace, name);
            place->registers = trace_registers_of(name);
            place->rules = trace_rules_of(trace, name);
            place->generation = place->cache.generation;
            place->first = range->first;
            place->known = true;
        }
        record->offset = range->offset_in_region + (addr - range->first);
    }
    memory_read_unlock();
    return range ? place : NULL;
}

/* The outputs of those rules, among `rules`, that take the record. */
static uint16_t outputs_of(const struct trace *trace, const struct trace_record *record, int cpu,
                           uint64_t rules)
{
    unsigned events = 1U << record->event, outputs = 0, i;
    uint64_t last = record->addr + (record->size > 0 ? record->size - 1U : 0);

    if (record->event == TRACE_PIO || record->event == TRACE_MMIO) {
        events |= 1U << TRACE_REGISTER;
    }
    for (; rules; rules &= rules - 1) {
        const struct trace_rule *rule;

        i = (unsigned)__builtin_ctzll(rules);
        rule = &trace->rules[i].rule;
        if ((events & 1U << (unsigned)rule->event) == 0 || last < rule->first ||
            record->addr > rule->last || (rule->cpu != TRACE_ANY_CPU && rule->cpu != cpu) ||
            (rule->event == TRACE_REGISTER &&
             (!record->reg || !trace_register_is(record->reg, rule->reg)))) {
            continue;
        }
        outputs |= 1U << trace->rules[i].output;
    }
    return (uint16_t)outputs;
}

static void begin_access(struct trace *trace, struct trace_cpu *cpu, const struct vcpu *vcpu,
                         const struct history_exit *exit)
{
    const struct vcpu_group_config *config = &vcpu->group->config;
    struct trace_record *record = &cpu->access;
    bool port = exit->reason == KVM_EXIT_IO;
    const struct trace_place *place;

    *record = (struct trace_record){
        .stamp = exit->stamp,
        .addr = exit->addr,
        .event = port ? TRACE_PIO : TRACE_MMIO,
        .size = exit->size,
        .write = exit->write,
        .count = exit->count < UINT16_MAX ? (uint16_t)exit->count : UINT16_MAX,
    };
    if (!trace_wants(trace, record->event) && !trace_wants(trace, TRACE_REGISTER)) {
        return;
    }
    place = find_place(trace, cpu, port, port ? config->io : config->memory, record);
    if (place) {
        record->region = place->region;
        record->reg = trace_register_name(place->registers, record->offset, exit->write);
    }
    record->outputs =
        outputs_of(trace, record, (int)vcpu->index, place ? place->rules : trace->rules_no_name);
}

static void begin_msr(struct trace *trace, struct trace_cpu *cpu, const struct vcpu *vcpu,
                      const struct history_exit *exit)
{
    struct trace_record *record = &cpu->access;

    *record = (struct trace_record){
        .stamp = exit->stamp,
        .addr = vcpu->run->msr.index,
        .event = TRACE_MSR,
        .size = 1,
        .write = exit->reason == KVM_EXIT_X86_WRMSR,
    };
    record->value = record->write ? vcpu->run->msr.data : 0;
    record->outputs = outputs_of(trace, record, (int)vcpu->index, trace->rules_no_name);
}

static void exiting(void *opaque, struct vcpu *vcpu, const struct history_exit *exit)
{
    struct trace *trace = opaque;
    struct trace_cpu *cpu = &trace->cpus[vcpu->index];

    atomic_store_explicit(&cpu->open, exit->stamp, memory_order_relaxed);
    cpu->access.outputs = 0;
    if (exit->size > 0) {
        begin_access(trace, cpu, vcpu, exit);
    } else if (exit->reason == KVM_EXIT_X86_RDMSR || exit->reason == KVM_EXIT_X86_WRMSR) {
        begin_msr(trace, cpu, vcpu, exit);
    }
}

/* The exit before the access that it was for: where they nest, the outer one comes first. */
static void push_exit(struct trace *trace, struct trace_cpu *cpu, const struct vcpu *vcpu,
                      const struct history_exit *exit, uint32_t ticks, bool *half)
{
    struct trace_record record = {
        .stamp = exit->stamp,
        .ticks = ticks,
        .event = TRACE_EXITS,
        .write = (uint8_t)exit->reason,
    };

    record.outputs = outputs_of(trace, &record, (int)vcpu->index, trace->rules_no_name);
    if (record.outputs != 0) {
        (void)trace_ring_push(&cpu->ring, &record, half);
    }
}

static void served(void *opaque, struct vcpu *vcpu, const struct history_exit *exit)
{
    struct trace *trace = opaque;
    struct trace_cpu *cpu = &trace->cpus[vcpu->index];
    uint32_t ticks = ticks_since(exit->stamp);
    bool half = false;

    if (trace_wants(trace, TRACE_EXITS)) {
        push_exit(trace, cpu, vcpu, exit, ticks, &half);
    }
    if (cpu->access.outputs != 0) {
        cpu->access.ticks = ticks;
        if (cpu->access.event != TRACE_MSR) {
            cpu->access.value = exit->value;
        }
        (void)trace_ring_push(&cpu->ring, &cpu->access, &half);
    }
    atomic_store_explicit(&cpu->open, 0, memory_order_relaxed);
    if (half) {
        loop_post(&trace->machine->loop, &trace->work);
    }
}

void trace_push_shared(struct trace *trace, struct trace_record *record)
{
    bool half = false, pushed;

    (void)pthread_mutex_lock(&trace->lock);
    record->stamp = __rdtsc();
    pushed = trace_ring_push(trace->shared, record, &half);
    (void)pthread_mutex_unlock(&trace->lock);
    if (!pushed && record->note) {
        trace_note_free(record->note);
    }
    if (half) {
        loop_post(&trace->machine->loop, &trace->work);
    }
}

static void irq_set(void *opaque, unsigned gsi, bool level)
{
    struct trace *trace = opaque;
    struct trace_record record = {.addr = gsi, .value = level, .event = TRACE_IRQ};

    record.outputs = outputs_of(trace, &record, TRACE_ANY_CPU, trace->rules_no_name);
    if (record.outputs != 0) {
        trace_push_shared(trace, &record);
    }
}

/* KVM then asks instead of giving the guest #GP, which the vCPU does in its place. */
static int set_msrs(struct trace *trace, bool on, struct error *err)
{
    uint64_t reasons = on ? KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL : 0;
    int ret;

    if (trace->msrs == on) {
        return 0;
    }
    ret = kvm_enable_cap(&trace->machine->kvm, KVM_CAP_X86_USER_SPACE_MSR, reasons);
    if (ret < 0) {
        return error_set(err, -ret, "trace msr: this KVM does not tell of MSRs (%s)",
                         strerror(-ret));
    }
    trace->msrs = on;
    return 0;
}

static void tap_exits(struct trace *trace, bool on)
{
    if (on && !trace->tapped) {
        trace->tap = (struct vcpu_tap){.exiting = exiting, .served = served, .opaque = trace};
        vcpu_group_tap(&trace->machine->vcpus, &trace->tap);
    } else if (!on && trace->tapped) {
        vcpu_group_untap(&trace->machine->vcpus, &trace->tap);
    }
    trace->tapped = on;
}

static void tap_irqs(struct trace *trace, bool on)
{
    if (on && !trace->irq_tapped) {
        trace->irq_tap = (struct machine_irq_tap){.set = irq_set, .opaque = trace};
        machine_tap_irqs(trace->machine, &trace->irq_tap);
    } else if (!on && trace->irq_tapped) {
        machine_untap_irqs(trace->machine, &trace->irq_tap);
    }
    trace->irq_tapped = on;
}

/* What places know of rules is out of date. */
static void forget_places(struct trace *trace)
{
    unsigned i;

    for (i = 0; i < trace->cpu_num; i++) {
        memset(trace->cpus[i].places, 0, sizeof(trace->cpus[i].places));
    }
    trace->rules_no_name = trace_rules_of(trace, "");
}

int trace_taps_set(struct trace *trace, struct error *err)
{
    static const unsigned of_exits = 1U << TRACE_PIO | 1U << TRACE_MMIO | 1U << TRACE_REGISTER |
                                     1U << TRACE_MSR | 1U << TRACE_EXITS;
    bool commits = trace_wants(trace, TRACE_COMMIT) || trace_wants(trace, TRACE_SLOTS);
    int ret = set_msrs(trace, trace_wants(trace, TRACE_MSR), err);

    if (ret < 0) {
        return ret;
    }
    forget_places(trace);
    if (commits && !trace->listening) {
        ret = trace_commits_listen(trace);
        if (ret < 0) {
            return error_set_errno(err, -ret, "trace: listening to commits");
        }
    } else if (!commits) {
        trace_commits_forget(trace);
    }
    tap_exits(trace, (trace->wanted & of_exits) != 0);
    tap_irqs(trace, trace_wants(trace, TRACE_IRQ));
    return 0;
}

void trace_taps_clear(struct trace *trace)
{
    tap_exits(trace, false);
    tap_irqs(trace, false);
    trace_commits_forget(trace);
}
