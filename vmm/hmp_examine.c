/* hmp_examine.c - x and xp: the registers of one CPU, for its page tables and for addresses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/crash_code.h"
#include "vmm/examine.h"
#include "vmm/monitor_commands.h"
#include "vmm/vcpu_snapshot.h"

/* A CPU's registers for addresses: $rip, or $pc, is where the next instruction lies. */
static struct kvm_regs registers_of(const struct vcpu_snapshot *cpu)
{
    struct kvm_regs regs = cpu->regs;

    if (code_bits(&cpu->sregs) != 64) {
        regs.rip = (uint32_t)(cpu->sregs.cs.base + regs.rip);
    }
    return regs;
}

static int examine_memory(struct machine *machine, const struct examine *examine, bool physical,
                          struct memory_sink *sink, struct error *err)
{
    struct vcpu_group *group = &machine->vcpus;
    struct vcpu_snapshot *cpus;
    struct kvm_regs regs;
    uint64_t addr;
    int ret;

    if (examine->cpu >= group->config.num) {
        return error_set(err, EINVAL, "--cpu %u: there are %u", examine->cpu, group->config.num);
    }
    cpus = calloc(group->config.num, sizeof(*cpus));
    if (!cpus) {
        return error_set_errno(err, ENOMEM, "registers");
    }
    ret = vcpu_snapshots_take(group, cpus);
    if (ret < 0) {
        (void)error_set_errno(err, -ret, "registers");
    } else {
        regs = registers_of(&cpus[examine->cpu]);
        ret = examine_address(examine->address, &regs, &addr, err);
    }
    if (ret == 0) {
        const struct peek peek = {
            .memory = board_memory(machine->board),
            .paging = physical ? NULL : &cpus[examine->cpu].paging,
        };

        examine_print(examine, &peek, addr, code_bits(&cpus[examine->cpu].sregs), sink);
    }
    free(cpus);
    return ret;
}

static int parse_and_examine(struct machine *machine, const char *arguments, bool physical,
                             struct memory_sink *sink, struct error *err)
{
    struct examine examine;
    char *text = strdup(arguments);
    int ret = text ? examine_parse(text, machine->human_cpu, &examine, err)
                   : error_set_errno(err, ENOMEM, "arguments");

    if (ret == 0) {
        ret = examine_memory(machine, &examine, physical, sink, err);
    }
    free(text);
    return ret;
}

int hmp_x(struct machine *machine, const char *arguments, struct memory_sink *sink,
          struct error *err)
{
    return parse_and_examine(machine, arguments, false, sink, err);
}

int hmp_xp(struct machine *machine, const char *arguments, struct memory_sink *sink,
           struct error *err)
{
    return parse_and_examine(machine, arguments, true, sink, err);
}
