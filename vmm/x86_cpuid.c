/*
 * x86_cpuid.c - a guest sees what KVM supports, with its own APIC id and topology; what needs a
 * LAPIC goes when there is none. Each rule edits one leaf in place.
 */
#include "vmm/x86.h"

#include <stddef.h>

enum {
    LEAF_FEATURES = 0x1,
    LEAF_CACHES = 0x4,
    LEAF_TOPOLOGY = 0xb,
    LEAF_TSC = 0x15,
    LEAF_TOPOLOGY_V2 = 0x1f,
    TOPOLOGY_SMT = 1,
    TOPOLOGY_CORE = 2,
};
#define LEAF_HYPERVISOR 0x40000000U
#define LEAF_HYPERVISOR_TIMING 0x40000010U
#define LEAF_AMD_FEATURES 0x80000001U
#define LEAF_AMD_SIZES 0x80000008U
#define LEAF_AMD_TOPOLOGY 0x8000001eU

#define ECX_X2APIC (1U << 21)
#define ECX_TSC_DEADLINE (1U << 24)
#define ECX_HYPERVISOR (1U << 31)
#define EDX_APIC (1U << 9)
#define EDX_HTT (1U << 28)
#define AMD_ECX_CMP_LEGACY (1U << 1)
#define AMD_ECX_EXTAPIC (1U << 3)

struct kvm_cpuid_entry2 *x86_cpuid_find(struct x86_cpuid *cpuid, uint32_t function, uint32_t index)
{
    uint32_t i;

    for (i = 0; i < cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

        if (entry->function == function &&
            (entry->index == index || !(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX))) {
            return entry;
        }
    }
    return NULL;
}

static struct kvm_cpuid_entry2 *find_or_add(struct x86_cpuid *cpuid, uint32_t function,
                                            uint32_t index, bool indexed)
{
    struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, function, index);

    if (!entry && cpuid->nent < X86_CPUID_MAX) {
        entry = &cpuid->entries[cpuid->nent++];
        *entry = (struct kvm_cpuid_entry2){
            .function = function,
            .index = index,
            .flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
        };
    }
    return entry;
}

static void set_bit(uint32_t *word, uint32_t bit, bool on)
{
    *word = on ? *word | bit : *word & ~bit;
}

/* Bits of APIC id that tell `num` CPUs apart. */
static unsigned id_bits(unsigned num)
{
    unsigned bits = 0;

    while (1U << bits < num) {
        bits++;
    }
    return bits;
}

static void edit_features(struct x86_cpuid *cpuid, const struct x86_cpuid_config *config)
{
    struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, LEAF_FEATURES, 0);
    uint32_t logical = 1U << id_bits(config->cpu_num);

    if (!entry) {
        return;
    }
    entry->ebx = (entry->ebx & 0xffff) | (logical & 0xff) << 16 | (config->index & 0xff) << 24;
    set_bit(&entry->ecx, ECX_HYPERVISOR, true);
    set_bit(&entry->ecx, ECX_TSC_DEADLINE, config->irqchip && config->tsc_deadline);
    if (!config->irqchip) {
        set_bit(&entry->ecx, ECX_X2APIC, false);
        set_bit(&entry->edx, EDX_APIC, false);
    }
    set_bit(&entry->edx, EDX_HTT, config->cpu_num > 1);
}

/* Leaf 4: which CPUs share a cache (the last level: all of them; others: none). */
static void edit_caches(struct x86_cpuid *cpuid, const struct x86_cpuid_config *config)
{
    uint32_t cores = (1U << id_bits(config->cpu_num)) - 1, i;

    for (i = 0; i < cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];
        uint32_t level = entry->eax >> 5 & 7;

        if (entry->function == LEAF_CACHES && (entry->eax & 0x1f) != 0) {
            entry->eax = (entry->eax & 0x3fff) | (cores & 0x3f) << 26 |
                         (level >= 3 ? (cores & 0xfff) << 14 : 0);
        }
    }
}

/* Leaves 0xb and 0x1f: one thread a core, all cores in one package. */
static void edit_topology(struct x86_cpuid *cpuid, const struct x86_cpuid_config *config,
                          uint32_t leaf)
{
    const struct {
        uint32_t shift, count, type;
    } levels[] = {
        {0, 1, TOPOLOGY_SMT},
        {id_bits(config->cpu_num), config->cpu_num, TOPOLOGY_CORE},
        {0, 0, 0},
    };
    const struct kvm_cpuid_entry2 *highest = x86_cpuid_find(cpuid, 0, 0);
    uint32_t i;

    if (!highest || highest->eax < leaf ||
        (leaf == LEAF_TOPOLOGY_V2 && !x86_cpuid_find(cpuid, leaf, 0))) {
        return;
    }
    for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        struct kvm_cpuid_entry2 *entry = find_or_add(cpuid, leaf, i, true);

        if (entry) {
            entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
            entry->eax = levels[i].shift;
            entry->ebx = levels[i].count;
            entry->ecx = levels[i].type << 8 | i;
            entry->edx = config->index;
        }
    }
}

static void edit_amd(struct x86_cpuid *cpuid, const struct x86_cpuid_config *config)
{
    struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, LEAF_AMD_FEATURES, 0);

    if (entry) {
        set_bit(&entry->ecx, AMD_ECX_CMP_LEGACY,
                config->cpu_num > 1 && (entry->ecx & AMD_ECX_CMP_LEGACY));
        if (!config->irqchip) {
            set_bit(&entry->ecx, AMD_ECX_EXTAPIC, false);
        }
    }
    entry = x86_cpuid_find(cpuid, LEAF_AMD_SIZES, 0);
    if (entry) {
        entry->ecx = (entry->ecx & ~0xf0ffU) | id_bits(config->cpu_num) << 12 |
                     ((config->cpu_num - 1) & 0xff);
    }
    entry = x86_cpuid_find(cpuid, LEAF_AMD_TOPOLOGY, 0);
    if (entry) {
        entry->eax = config->index;
        entry->ebx = config->index & 0xff;
        entry->ecx = 0;
    }
}

/*
 * The TSC's frequency, where an operating system looks for it: the crystal leaf when KVM shows it,
 * and the hypervisors' timing leaf (kHz).
 */
static void edit_frequency(struct x86_cpuid *cpuid, const struct x86_cpuid_config *config)
{
    struct kvm_cpuid_entry2 *entry;

    if (config->tsc_khz == 0) {
        return;
    }
    entry = x86_cpuid_find(cpuid, LEAF_TSC, 0);
    if (entry) { /* ratio 1 of a crystal that runs at the TSC's own rate, in Hz */
        entry->eax = entry->ebx = 1;
        entry->ecx = config->tsc_khz > UINT32_MAX / 1000 ? 0 : config->tsc_khz * 1000;
        if (entry->ecx == 0) {
            entry->eax = entry->ebx = 0;
        }
        entry->edx = 0;
    }
    if (!x86_cpuid_find(cpuid, LEAF_HYPERVISOR, 0)) {
        return;
    }
    entry = find_or_add(cpuid, LEAF_HYPERVISOR_TIMING, 0, false);
    if (entry) {
        entry->eax = config->tsc_khz;
        entry->ebx = 0;
        entry = x86_cpuid_find(cpuid, LEAF_HYPERVISOR, 0);
        entry->eax = entry->eax < LEAF_HYPERVISOR_TIMING ? LEAF_HYPERVISOR_TIMING : entry->eax;
    }
}

void x86_cpuid_edit(struct x86_cpuid *cpuid, const struct x86_cpuid_config *config)
{
    edit_features(cpuid, config);
    edit_caches(cpuid, config);
    edit_topology(cpuid, config, LEAF_TOPOLOGY);
    edit_topology(cpuid, config, LEAF_TOPOLOGY_V2);
    edit_amd(cpuid, config);
    edit_frequency(cpuid, config);
}
