/*
 * crash.c - collects: registers of each CPU from KVM, the kernel's symbols from its file, the rings
 * that others kept. What they mean is crash_explain.c's.
 */
#include "vmm/crash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void use_kept(struct crash_cpu *cpu, const struct vcpu_kept *kept)
{
    cpu->source = CRASH_SOURCE_LAST_EXIT;
    cpu->regs = kept->regs;
    cpu->sregs = kept->sregs;
    cpu->exits_since = kept->exits - kept->sregs_at;
    cpu->paging.regs.cr0 = kept->sregs.cr0;
    cpu->paging.regs.cr3 = kept->sregs.cr3;
    cpu->paging.regs.cr4 = kept->sregs.cr4;
    cpu->paging.regs.efer = kept->sregs.efer;
    cpu->paging.pdptes_loaded = false;
    cpu->has_events = false;
}

void crash_read_cpu(struct vcpu *vcpu, enum verdict_kind kind, struct crash_cpu *cpu)
{
    struct kvm *kvm = vcpu->group->config.kvm;

    *cpu = (struct crash_cpu){.index = vcpu->index};
    if (kvm_get_regs(kvm, vcpu->fd, &cpu->regs) != 0 ||
        kvm_get_sregs(kvm, vcpu->fd, &cpu->sregs) != 0 ||
        vcpu_paging_read(vcpu, &cpu->paging) != 0) {
        return;
    }
    cpu->source = CRASH_SOURCE_END;
    cpu->has_events = kvm_get_vcpu_events(kvm, vcpu->fd, &cpu->events) == 0;
    cpu->has_mp_state =
        vcpu->group->config.irqchip && kvm_get_mp_state(kvm, vcpu->fd, &cpu->mp_state) == 0;
    if (kind == VERDICT_TRIPLE_FAULT && x86_is_power_on(&cpu->regs, &cpu->sregs)) {
        if (vcpu->kept.sregs_at > 0) {
            use_kept(cpu, &vcpu->kept);
        } else {
            cpu->source = CRASH_SOURCE_RESET;
        }
    }
}

static void read_cpus(struct crash *crash, struct machine *machine, const struct verdict *verdict)
{
    struct vcpu_group *group = &machine->vcpus;
    unsigned first = verdict->cpu > 0 ? (unsigned)verdict->cpu : 0, i;

    for (i = 0; i < group->config.num; i++) {
        /* The verdict's, then the others in order. */
        unsigned index = i == 0 ? first : i <= first ? i - 1 : i;
        struct crash_cpu *cpu = &crash->cpus[crash->cpu_num++];
        /* Only the CPU that met the end was reset by it. */
        enum verdict_kind kind = i == 0 ? verdict->kind : VERDICT_NONE;

        crash_read_cpu(&group->vcpus[index], kind, cpu);
        crash_explain_cpu(cpu, kind, board_memory(machine->board), crash->symbols);
    }
}

static void read_serials(struct crash *crash, struct machine *machine)
{
    size_t i;

    for (i = 0; i < sizeof(machine->consoles) / sizeof(machine->consoles[0]); i++) {
        struct machine_console *end = &machine->consoles[i];
        struct crash_serial *serial = &crash->serials[crash->serial_num];

        (void)snprintf(serial->name, sizeof(serial->name), "%s", end->name);
        serial->len = console_tail(&end->console, serial->data, sizeof(serial->data));
        crash->serial_num += serial->len > 0;
    }
}

int crash_init(struct crash *crash, struct machine *machine, const struct verdict *verdict,
               const struct history_line *exits, size_t exit_num)
{
    const struct boot_config *boot = &machine->config.boot;
    struct error err;

    *crash = (struct crash){.exits = exits, .exit_num = exit_num};
    if (machine->vcpus.vcpus) {
        crash->cpus = calloc(machine->vcpus.config.num, sizeof(*crash->cpus));
        if (!crash->cpus) {
            return -ENOMEM;
        }
        /* A kernel that boots may have a symbol table that is no use: names are a help, no need. */
        if (symbols_load(&crash->symbols, boot->path, boot->fd, &err) < 0) {
            crash->symbols = NULL;
        }
        read_cpus(crash, machine, verdict);
    }
    crash->change_num = map_changes_read(&machine->map_changes, crash->changes);
    read_serials(crash, machine);
    return 0;
}

void crash_finish(struct crash *crash)
{
    symbols_free(crash->symbols);
    free(crash->cpus);
    *crash = (struct crash){0};
}
