/*
 * qmp_cpus.c - the CPUs: who they are, their registers, and interrupts that cannot be masked. What
 * only a vCPU's own thread may do is posted to it.
 */
#include "vmm/monitor_commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/options.h"

json_t *qmp_query_cpus_fast(struct machine *machine, const json_t *arguments, struct error *err)
{
    struct vcpu_group *group = &machine->vcpus;
    char path[32];
    json_t *list;
    unsigned i;

    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    list = json_array();
    for (i = 0; i < group->config.num; i++) {
        (void)snprintf(path, sizeof(path), "/machine/cpu[%u]", i);
        (void)json_array_append_new(list, json_pack("{s:i, s:s, s:i, s:s, s:{s:i, s:i, s:i}}",
                                                    "cpu-index", (int)i, "qom-path", path,
                                                    "thread-id", atomic_load(&group->vcpus[i].tid),
                                                    "target", "x86_64", "props", "socket-id", 0,
                                                    "core-id", (int)i, "thread-id", 0));
    }
    return list;
}

int hmp_info_cpus(struct machine *machine, const char *arguments, struct memory_sink *sink,
                  struct error *err)
{
    struct vcpu_group *group = &machine->vcpus;
    unsigned i;
    int ret = hmp_no_arguments(arguments, err);

    for (i = 0; i < group->config.num && ret == 0; i++) {
        memory_sink_printf(sink, "CPU #%u: thread_id=%d exits=%" PRIu64 "\n", i,
                           atomic_load(&group->vcpus[i].tid), atomic_load(&group->vcpus[i].exits));
    }
    return ret;
}

/* ---- NMI ---- */

enum {
    LAPIC_LVT1 = 0x360, /* of LINT1, to which a PC's NMI button is wired */
    LVT_MODE_MASK = 0x700,
    LVT_MODE_NMI = 0x400,
    LVT_MASKED = 0x10000,
    APIC_BASE_ENABLE = 1 << 11,
};

struct nmi {
    bool irqchip;
    _Atomic unsigned taken;
    _Atomic int error;
};

/* Would this CPU's local APIC pass the pin on? Source: Intel SDM vol. 3A 11.5.1, 11.4.3. */
static bool takes_nmi(struct kvm *kvm, int fd)
{
    struct kvm_lapic_state lapic;
    struct kvm_sregs sregs;
    uint32_t lvt;

    if (kvm_get_sregs(kvm, fd, &sregs) < 0 || kvm_get_lapic(kvm, fd, &lapic) < 0) {
        return false;
    }
    memcpy(&lvt, lapic.regs + LAPIC_LVT1, sizeof(lvt));
    return !(sregs.apic_base & APIC_BASE_ENABLE) ||
           (lvt & (LVT_MASKED | LVT_MODE_MASK)) == LVT_MODE_NMI;
}

static void inject(void *opaque, struct vcpu *vcpu)
{
    struct kvm *kvm = vcpu->group->config.kvm;
    struct nmi *nmi = opaque;
    int ret;

    if (nmi->irqchip && !takes_nmi(kvm, vcpu->fd)) {
        return;
    }
    ret = kvm_nmi(kvm, vcpu->fd);
    if (ret == 0) {
        atomic_fetch_add(&nmi->taken, 1);
    } else {
        atomic_store(&nmi->error, -ret);
    }
}

static int inject_nmi(struct machine *machine, struct error *err)
{
    struct nmi nmi = {.irqchip = machine->irqchip};

    vcpu_group_call(&machine->vcpus, inject, &nmi);
    if (nmi.error) {
        return error_set_errno(err, nmi.error, "KVM_NMI");
    }
    return nmi.taken == 0 ? error_set(err, EBUSY, "no CPU takes it: LINT1 is masked, or no NMI")
                          : 0;
}

json_t *qmp_inject_nmi(struct machine *machine, const json_t *arguments, struct error *err)
{
    return qmp_check_arguments(arguments, NULL, 0, err) == 0 && inject_nmi(machine, err) == 0
               ? json_object()
               : NULL;
}

int hmp_nmi(struct machine *machine, const char *arguments, struct memory_sink *sink,
            struct error *err)
{
    int ret = hmp_no_arguments(arguments, err);

    (void)sink;
    return ret == 0 ? inject_nmi(machine, err) : ret;
}

/* ---- registers ---- */

struct cpu_state {
    bool wanted;
    int error;
    struct kvm_regs regs;
    struct kvm_sregs sregs;
};

static void read_state(void *opaque, struct vcpu *vcpu)
{
    struct cpu_state *state = (struct cpu_state *)opaque + vcpu->index;
    struct kvm *kvm = vcpu->group->config.kvm;

    if (state->wanted) {
        vcpu_finish_access(vcpu);
        state->error = kvm_get_regs(kvm, vcpu->fd, &state->regs);
        state->error = state->error ? state->error : kvm_get_sregs(kvm, vcpu->fd, &state->sregs);
    }
}

static void print_segment(struct memory_sink *sink, const char *name,
                          const struct kvm_segment *segment)
{
    memory_sink_printf(sink, "%-3s=%04x %016" PRIx64 " %08x type %x s %u dpl %u %s%s%s%s\n", name,
                       segment->selector, (uint64_t)segment->base, segment->limit, segment->type,
                       segment->s, segment->dpl, segment->present ? "p" : "-",
                       segment->l ? " l" : "", segment->db ? " db" : "", segment->g ? " g" : "");
}

static void print_general(struct memory_sink *sink, const struct kvm_regs *regs)
{
    const struct {
        const char *name;
        uint64_t value;
    } values[] = {
        {"RAX", regs->rax}, {"RBX", regs->rbx}, {"RCX", regs->rcx}, {"RDX", regs->rdx},
        {"RSI", regs->rsi}, {"RDI", regs->rdi}, {"RBP", regs->rbp}, {"RSP", regs->rsp},
        {"R8 ", regs->r8},  {"R9 ", regs->r9},  {"R10", regs->r10}, {"R11", regs->r11},
        {"R12", regs->r12}, {"R13", regs->r13}, {"R14", regs->r14}, {"R15", regs->r15},
    };
    size_t i;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        memory_sink_printf(sink, "%s=%016" PRIx64 "%s", values[i].name, values[i].value,
                           i % 4 == 3 ? "\n" : " ");
    }
    memory_sink_printf(sink, "RIP=%016" PRIx64 " RFL=%08" PRIx64 "\n", (uint64_t)regs->rip,
                       (uint64_t)regs->rflags);
}

static void print_state(struct memory_sink *sink, const struct cpu_state *state)
{
    const struct kvm_sregs *sregs = &state->sregs;

    print_general(sink, &state->regs);
    print_segment(sink, "ES", &sregs->es);
    print_segment(sink, "CS", &sregs->cs);
    print_segment(sink, "SS", &sregs->ss);
    print_segment(sink, "DS", &sregs->ds);
    print_segment(sink, "FS", &sregs->fs);
    print_segment(sink, "GS", &sregs->gs);
    print_segment(sink, "LDT", &sregs->ldt);
    print_segment(sink, "TR", &sregs->tr);
    memory_sink_printf(sink, "GDT=     %016" PRIx64 " %08x\nIDT=     %016" PRIx64 " %08x\n",
                       (uint64_t)sregs->gdt.base, sregs->gdt.limit, (uint64_t)sregs->idt.base,
                       sregs->idt.limit);
    memory_sink_printf(sink,
                       "CR0=%08" PRIx64 " CR2=%016" PRIx64 " CR3=%016" PRIx64 " CR4=%08" PRIx64
                       "\nEFER=%016" PRIx64 " APIC_BASE=%016" PRIx64 "\n",
                       (uint64_t)sregs->cr0, (uint64_t)sregs->cr2, (uint64_t)sregs->cr3,
                       (uint64_t)sregs->cr4, (uint64_t)sregs->efer, (uint64_t)sregs->apic_base);
}

/* "-a", a CPU's number, or nothing: `cpu`. */
static int choose_cpus(const char *arguments, uint64_t cpu, struct cpu_state *states, unsigned num,
                       struct error *err)
{
    bool all = strcmp(arguments, "-a") == 0;
    const char *end = "";
    unsigned i;

    if (!all && arguments[0] && (options_number(arguments, &cpu, &end) < 0 || *end != '\0')) {
        return error_set(err, EINVAL, "%s: takes -a, or the number of a CPU", arguments);
    }
    if (cpu >= num) {
        return error_set(err, EINVAL, "%s: there are %u CPUs", arguments, num);
    }
    for (i = 0; i < num; i++) {
        states[i].wanted = all || i == cpu;
    }
    return 0;
}

int hmp_info_registers(struct machine *machine, const char *arguments, struct memory_sink *sink,
                       struct error *err)
{
    unsigned num = machine->vcpus.config.num, printed = 0, i;
    struct cpu_state *states = calloc(num ? num : 1, sizeof(*states));
    int ret = states ? choose_cpus(arguments, machine->human_cpu, states, num, err)
                     : error_set_errno(err, ENOMEM, "registers");

    if (ret == 0) {
        vcpu_group_call(&machine->vcpus, read_state, states);
    }
    for (i = 0; i < num && ret == 0; i++) {
        if (states[i].wanted && states[i].error) {
            ret = error_set_errno(err, -states[i].error, "reading cpu %u", i);
        } else if (states[i].wanted) {
            memory_sink_printf(sink, "%sCPU#%u\n", printed > 0 ? "\n" : "", i);
            print_state(sink, &states[i]);
            printed++;
        }
    }
    free(states);
    return ret;
}
