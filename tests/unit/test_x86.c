/* test_x86.c - what a guest's CPUID says, and the state it is entered in. */
#include "vmm/x86.h"
#include "tests/unit/run_suite.h"

#include <stdlib.h>
#include <string.h>

#define X2APIC (1U << 21)
#define DEADLINE (1U << 24)
#define HYPERVISOR (1U << 31)
#define APIC (1U << 9)
#define HTT (1U << 28)

/* What a KVM might support: an APIC, a TSC, caches, topology, and its own leaves. */
static void fill(struct x86_cpuid *cpuid)
{
    static const struct kvm_cpuid_entry2 entries[] = {
        {.function = 0, .eax = 0x1f},
        {.function = 1, .ebx = 0x12345678, .ecx = X2APIC, .edx = APIC},
        {.function = 4, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 0x121},
        {.function = 4, .index = 3, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 0x163},
        {.function = 0xb, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .edx = 77},
        {.function = 0x15, .eax = 2, .ebx = 200},
        {.function = 0x40000000, .eax = 0x40000001, .ebx = 0x4b4d564b},
        {.function = 0x80000008, .ecx = 0x300f},
    };

    *cpuid = (struct x86_cpuid){.nent = sizeof(entries) / sizeof(entries[0])};
    memcpy(cpuid->entries, entries, sizeof(entries));
}

START_TEST(each_cpu_has_its_own_apic_id_and_the_hypervisor_bit)
{
    struct x86_cpuid_config config = {.cpu_num = 4, .irqchip = true};
    struct x86_cpuid cpuid;

    fill(&cpuid);
    for (config.index = 0; config.index < 4; config.index++) { /* edited again and again */
        x86_cpuid_edit(&cpuid, &config);
        ck_assert_uint_eq(x86_cpuid_find(&cpuid, 1, 0)->ebx >> 24, config.index);
        ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0xb, 0)->edx, config.index);
        ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0xb, 1)->edx, config.index);
    }
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 1, 0)->ebx & 0xffffff, 0x045678);
    ck_assert(x86_cpuid_find(&cpuid, 1, 0)->ecx & HYPERVISOR);
    ck_assert(x86_cpuid_find(&cpuid, 1, 0)->edx & HTT);
}
END_TEST

START_TEST(topology_is_one_thread_a_core_and_one_package)
{
    struct x86_cpuid_config config = {.cpu_num = 3, .irqchip = true};
    struct x86_cpuid cpuid;

    fill(&cpuid);
    x86_cpuid_edit(&cpuid, &config);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0xb, 0)->ebx, 1);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0xb, 0)->ecx, 0x100);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0xb, 1)->eax, 2); /* bits for 3 CPUs */
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0xb, 1)->ebx, 3);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0xb, 1)->ecx, 0x201);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0xb, 2)->ecx, 2);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 4, 0)->eax >> 14 & 0xfff, 0);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 4, 3)->eax >> 14 & 0xfff, 3);
    ck_assert_ptr_null(x86_cpuid_find(&cpuid, 0x1f, 0)); /* not supported: not invented */
}
END_TEST

static const struct {
    bool irqchip, deadline;
    uint32_t ecx, edx;
} apics[] = {
    {true, true, X2APIC | DEADLINE | HYPERVISOR, APIC},
    {true, false, X2APIC | HYPERVISOR, APIC},
    {false, true, HYPERVISOR, 0},
    {false, false, HYPERVISOR, 0},
};

START_TEST(what_needs_a_lapic_goes_without_one)
{
    struct x86_cpuid_config config = {
        .cpu_num = 1, .irqchip = apics[_i].irqchip, .tsc_deadline = apics[_i].deadline};
    struct x86_cpuid cpuid;

    fill(&cpuid);
    x86_cpuid_edit(&cpuid, &config);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 1, 0)->ecx, apics[_i].ecx);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 1, 0)->edx, apics[_i].edx);
}
END_TEST

START_TEST(the_tsc_frequency_is_in_both_leaves)
{
    struct x86_cpuid_config config = {.cpu_num = 1, .tsc_khz = 2600000};
    struct x86_cpuid cpuid;

    fill(&cpuid);
    x86_cpuid_edit(&cpuid, &config);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0x15, 0)->ecx, 2600000000U);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0x15, 0)->eax, 1);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0x40000010, 0)->eax, 2600000);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0x40000000, 0)->eax, 0x40000010);
}
END_TEST

START_TEST(a_frequency_above_32_bits_of_hz_leaves_the_crystal_leaf_empty)
{
    struct x86_cpuid_config config = {.cpu_num = 1, .tsc_khz = 5000000};
    struct x86_cpuid cpuid;

    fill(&cpuid);
    x86_cpuid_edit(&cpuid, &config);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0x15, 0)->eax, 0);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0x15, 0)->ecx, 0);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0x40000010, 0)->eax, 5000000);
}
END_TEST

START_TEST(a_full_table_stays_within_its_room)
{
    struct x86_cpuid_config config = {.cpu_num = 2, .irqchip = true, .tsc_khz = 1};
    struct x86_cpuid cpuid;
    uint32_t i;

    fill(&cpuid);
    for (i = cpuid.nent; i < X86_CPUID_MAX; i++) {
        cpuid.entries[i] = (struct kvm_cpuid_entry2){.function = 0x70000000 + i};
    }
    cpuid.nent = X86_CPUID_MAX;
    x86_cpuid_edit(&cpuid, &config);
    ck_assert_uint_eq(cpuid.nent, X86_CPUID_MAX);
    ck_assert_uint_eq(x86_cpuid_find(&cpuid, 0x7000000a, 0)->function, 0x7000000a);
}
END_TEST

START_TEST(a_boot_sector_starts_in_real_mode_with_its_drive)
{
    struct boot_entry entry = {
        .mode = CPU_MODE_REAL, .rip = 0x7c00, .rsp = 0x7c00, .dl_boot_drive = true};
    struct kvm_sregs sregs = {.apic_base = 0xfee00900};
    struct kvm_regs regs;

    x86_entry_state(&entry, &regs, &sregs);
    ck_assert_uint_eq(regs.rdx, 0x80);
    ck_assert_uint_eq(regs.rflags, 2);
    ck_assert_uint_eq(sregs.cr0 & 0x80000001, 0);
    ck_assert_uint_eq(sregs.cs.base, 0);
    ck_assert_uint_eq(sregs.apic_base, 0xfee00900);
}
END_TEST

START_TEST(a_flat16_image_starts_in_its_own_segment)
{
    struct boot_entry entry = {.mode = CPU_MODE_REAL, .cs = 0x1000, .rsp = 0x7c00};
    struct kvm_sregs sregs = {0};
    struct kvm_regs regs;

    x86_entry_state(&entry, &regs, &sregs);
    ck_assert_uint_eq(sregs.cs.base, 0x10000);
    ck_assert_uint_eq(sregs.ds.selector, 0x1000);
    ck_assert_uint_eq(sregs.ss.base, 0);
}
END_TEST

START_TEST(long_mode_has_paging_and_the_tables_of_the_entry)
{
    struct boot_entry entry = {
        .mode = CPU_MODE_LONG64, .rip = 0x100000, .cr3 = 0x9000, .gdt = 0x8000, .gdt_limit = 39};
    struct kvm_sregs sregs = {0};
    struct kvm_regs regs;

    x86_entry_state(&entry, &regs, &sregs);
    ck_assert_uint_eq(sregs.cr3, 0x9000);
    ck_assert_uint_eq(sregs.efer, 0x500);
    ck_assert_uint_eq(sregs.cr0 & 0x80000001, 0x80000001);
    ck_assert_uint_eq(sregs.cs.l, 1);
    ck_assert_uint_eq(sregs.cs.db, 0);
    ck_assert_uint_eq(sregs.cs.selector, BOOT_GDT_CODE);
    ck_assert_uint_eq(sregs.gdt.base, 0x8000);
    ck_assert_uint_eq(sregs.gdt.limit, 39);
}
END_TEST

START_TEST(protected_mode_is_flat_without_paging)
{
    struct boot_entry entry = {.mode = CPU_MODE_PROTECTED32, .rip = 0x100000, .rbx = 0x6000};
    struct kvm_sregs sregs = {.cr3 = 0};
    struct kvm_regs regs;

    x86_entry_state(&entry, &regs, &sregs);
    ck_assert_uint_eq(regs.rbx, 0x6000);
    ck_assert_uint_eq(sregs.cr0 & 0x80000001, 1);
    ck_assert_uint_eq(sregs.efer, 0);
    ck_assert_uint_eq(sregs.cs.db, 1);
    ck_assert_uint_eq(sregs.cs.limit, UINT32_MAX);
    ck_assert_uint_eq(sregs.ss.selector, BOOT_GDT_DATA);
}
END_TEST

/* A KVM whose two MSRs, 0x10 and 0x11, read as 7; only the first can be written. */
static int refuse_one_msr(struct kvm *kvm, int fd, unsigned long request, void *arg)
{
    struct kvm_msrs *msrs = arg;

    (void)kvm, (void)fd;
    if (request == KVM_GET_MSRS) {
        msrs->entries[0].data = 7;
        return 1;
    }
    return request == KVM_SET_MSRS && msrs->entries[0].index == 0x10;
}

struct refusals {
    unsigned num;
    uint32_t msr;
};

static void note_refusal(void *opaque, uint32_t msr)
{
    struct refusals *refusals = opaque;

    *refusals = (struct refusals){refusals->num + 1, msr};
}

/* @value  what 0x11 was at reset. */
static struct refusals reset_with_msr_at(uint64_t value)
{
    static struct x86_reset_state state;
    struct kvm kvm = {.sys_fd = -1, .vm_fd = -1, .call = refuse_one_msr};
    struct refusals refusals = {0};

    state.msrs.nmsrs = 2;
    state.msrs.entries[0] = (struct kvm_msr_entry){.index = 0x10};
    state.msrs.entries[1] = (struct kvm_msr_entry){.index = 0x11, .data = value};
    ck_assert_int_eq(x86_reset_write(&kvm, -1, true, true, &state, note_refusal, &refusals), 0);
    return refusals;
}

START_TEST(an_msr_that_a_restart_cannot_put_back_is_named)
{
    struct refusals refusals = reset_with_msr_at(0);

    ck_assert_uint_eq(refusals.num, 1);
    ck_assert_uint_eq(refusals.msr, 0x11);
}
END_TEST

START_TEST(a_read_only_msr_that_still_has_its_value_is_not_named)
{
    ck_assert_uint_eq(reset_with_msr_at(7).num, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x86");
    TCase *tcase = tcase_create("x86");

    tcase_add_test(tcase, each_cpu_has_its_own_apic_id_and_the_hypervisor_bit);
    tcase_add_test(tcase, topology_is_one_thread_a_core_and_one_package);
    tcase_add_table_test(tcase, what_needs_a_lapic_goes_without_one, apics);
    tcase_add_test(tcase, the_tsc_frequency_is_in_both_leaves);
    tcase_add_test(tcase, a_frequency_above_32_bits_of_hz_leaves_the_crystal_leaf_empty);
    tcase_add_test(tcase, a_full_table_stays_within_its_room);
    tcase_add_test(tcase, a_boot_sector_starts_in_real_mode_with_its_drive);
    tcase_add_test(tcase, a_flat16_image_starts_in_its_own_segment);
    tcase_add_test(tcase, long_mode_has_paging_and_the_tables_of_the_entry);
    tcase_add_test(tcase, protected_mode_is_flat_without_paging);
    tcase_add_test(tcase, an_msr_that_a_restart_cannot_put_back_is_named);
    tcase_add_test(tcase, a_read_only_msr_that_still_has_its_value_is_not_named);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
