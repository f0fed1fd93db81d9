/*
 * x86_state.c - segments and control registers of the three modes a CPU can start in, and the way
 * back to power-on state for a restart.
 */
#include "vmm/x86.h"

#include <cpuid.h>

#define CR0_PE (1U << 0)
#define CR0_ET (1U << 4)
#define CR0_NE (1U << 5)
#define CR0_PG (1U << 31)
#define CR4_PAE (1U << 5)
#define EFER_LME (1U << 8)
#define EFER_LMA (1U << 10)
#define RFLAGS_FIXED (1U << 1)

enum {
    TYPE_CODE = 11, /* execute, read, accessed */
    TYPE_DATA = 3,  /* read, write, accessed */
    TYPE_TSS = 11,  /* busy */
    BOOT_DRIVE = 0x80,
};

bool x86_needs_kvm_pages(void)
{
    unsigned eax, ebx = 0, ecx = 0, edx = 0;

    return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == signature_INTEL_ebx &&
           ecx == signature_INTEL_ecx && edx == signature_INTEL_edx;
}

/* Flat segments as the GDT of load_place() has them. */
static struct kvm_segment flat_segment(bool code, bool long_mode)
{
    return (struct kvm_segment){
        .base = 0,
        .limit = UINT32_MAX,
        .selector = code ? BOOT_GDT_CODE : BOOT_GDT_DATA,
        .type = code ? TYPE_CODE : TYPE_DATA,
        .present = 1,
        .s = 1,
        .db = !(code && long_mode),
        .l = code && long_mode,
        .g = 1,
    };
}

static struct kvm_segment real_segment(uint16_t selector)
{
    return (struct kvm_segment){
        .base = (uint64_t)selector << 4,
        .limit = 0xffff,
        .selector = selector,
        .type = TYPE_DATA,
        .present = 1,
        .s = 1,
    };
}

static void enter_real(const struct boot_entry *entry, struct kvm_sregs *sregs)
{
    sregs->cs = real_segment(entry->cs);
    sregs->cs.type = TYPE_CODE;
    sregs->ds = sregs->es = real_segment(entry->cs);
    sregs->ss = real_segment(entry->ss);
    sregs->fs = sregs->gs = real_segment(0);
    sregs->idt = (struct kvm_dtable){.base = 0, .limit = 0x3ff};
    sregs->cr0 = CR0_ET;
    sregs->cr4 = 0;
    sregs->efer = 0;
}

static void enter_protected(const struct boot_entry *entry, struct kvm_sregs *sregs, bool long_mode)
{
    sregs->cs = flat_segment(true, long_mode);
    sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = flat_segment(false, long_mode);
    sregs->tr = (struct kvm_segment){
        .selector = BOOT_GDT_TSS, .limit = 0x67, .type = TYPE_TSS, .present = 1};
    sregs->ldt = (struct kvm_segment){.type = 2, .unusable = 1};
    sregs->gdt = (struct kvm_dtable){.base = entry->gdt, .limit = entry->gdt_limit};
    sregs->idt = (struct kvm_dtable){0};
    sregs->cr0 = CR0_PE | CR0_ET;
    sregs->cr4 = 0;
    sregs->efer = 0;
    if (long_mode) {
        sregs->cr0 |= CR0_NE | CR0_PG;
        sregs->cr3 = entry->cr3;
        sregs->cr4 = CR4_PAE;
        sregs->efer = EFER_LME | EFER_LMA;
    }
}

void x86_entry_state(const struct boot_entry *entry, struct kvm_regs *regs, struct kvm_sregs *sregs)
{
    *regs = (struct kvm_regs){
        .rax = entry->rax,
        .rbx = entry->rbx,
        .rdx = entry->dl_boot_drive ? BOOT_DRIVE : entry->rdx,
        .rsi = entry->rsi,
        .rdi = entry->rdi,
        .rsp = entry->rsp,
        .rip = entry->rip,
        .rflags = RFLAGS_FIXED,
    };
    switch (entry->mode) {
    case CPU_MODE_REAL:
        enter_real(entry, sregs);
        break;
    case CPU_MODE_PROTECTED32:
        enter_protected(entry, sregs, false);
        break;
    case CPU_MODE_LONG64:
        enter_protected(entry, sregs, true);
        break;
    }
}

/*
 * All that KVM lists. It stops at the first it cannot read for this vCPU (its CPUID lacks it, say):
 * that one is left out.
 */
static int read_msrs(struct kvm *kvm, int fd, struct x86_msrs *msrs)
{
    struct {
        uint32_t nmsrs;
        uint32_t indices[X86_MSR_NUM_MAX];
    } list = {.nmsrs = X86_MSR_NUM_MAX};
    struct x86_msrs one = {.nmsrs = 1};
    uint32_t i;
    int result = kvm_get_msr_index_list(kvm, (struct kvm_msr_list *)&list);

    for (i = 0; i < list.nmsrs && result >= 0; i++) {
        one.entries[0] = (struct kvm_msr_entry){.index = list.indices[i]};
        result = kvm_get_msrs(kvm, fd, (struct kvm_msrs *)&one);
        if (result == 1) {
            msrs->entries[msrs->nmsrs++] = one.entries[0];
        }
    }
    return result < 0 ? result : 0;
}

/*
 * One at a time: what KVM reads but does not let us write keeps the others from nothing. It is
 * worth a word only where the guest has changed it.
 */
static int write_msrs(struct kvm *kvm, int fd, const struct x86_msrs *msrs,
                      void (*refused)(void *opaque, uint32_t msr), void *opaque)
{
    struct x86_msrs one = {.nmsrs = 1};
    uint32_t i;
    int result = 0;

    for (i = 0; i < msrs->nmsrs && result >= 0; i++) {
        one.entries[0] = msrs->entries[i];
        result = kvm_set_msrs(kvm, fd, (struct kvm_msrs *)&one);
        if (result == 0 && kvm_get_msrs(kvm, fd, (struct kvm_msrs *)&one) == 1 &&
            one.entries[0].data != msrs->entries[i].data) {
            refused(opaque, msrs->entries[i].index);
        }
    }
    return result < 0 ? result : 0;
}

int x86_reset_read(struct kvm *kvm, int fd, bool irqchip, struct x86_reset_state *state)
{
    int result = kvm_get_regs(kvm, fd, &state->regs);

    if (result == 0) {
        result = kvm_get_sregs(kvm, fd, &state->sregs);
    }
    if (result == 0) {
        result = read_msrs(kvm, fd, &state->msrs);
    }
    if (result == 0) {
        result = kvm_get_vcpu_events(kvm, fd, &state->events);
    }
    if (result == 0) {
        result = kvm_get_debugregs(kvm, fd, &state->debugregs);
    }
    if (result == 0 && irqchip) {
        result = kvm_get_lapic(kvm, fd, &state->lapic);
    }
    state->has_xsave = kvm_get_xcrs(kvm, fd, &state->xcrs) == 0 && state->xcrs.nr_xcrs > 0 &&
                       kvm_get_xsave(kvm, fd, &state->xsave) == 0;
    return result;
}

static int write_xsave(struct kvm *kvm, int fd, const struct x86_reset_state *state)
{
    int result = state->has_xsave ? kvm_set_xsave(kvm, fd, &state->xsave) : 0;

    return result == 0 && state->has_xsave ? kvm_set_xcrs(kvm, fd, &state->xcrs) : result;
}

/* Control registers before MSRs: EFER cannot change while the guest's paging is on. */
int x86_reset_write(struct kvm *kvm, int fd, bool irqchip, bool boot_cpu,
                    const struct x86_reset_state *state,
                    void (*refused)(void *opaque, uint32_t msr), void *opaque)
{
    int result = kvm_set_sregs(kvm, fd, &state->sregs);

    if (result == 0) {
        result = kvm_set_regs(kvm, fd, &state->regs);
    }
    if (result == 0) {
        result = write_msrs(kvm, fd, &state->msrs, refused, opaque);
    }
    if (result == 0) {
        result = kvm_set_debugregs(kvm, fd, &state->debugregs);
    }
    if (result == 0) {
        result = write_xsave(kvm, fd, state);
    }
    if (result == 0) {
        result = kvm_set_vcpu_events(kvm, fd, &state->events);
    }
    if (result == 0 && irqchip) {
        result = kvm_set_lapic(kvm, fd, &state->lapic);
    }
    if (result == 0 && irqchip) {
        result = kvm_set_mp_state(kvm, fd,
                                  boot_cpu ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED);
    }
    return result;
}

int x86_irqchips_read(struct kvm *kvm, struct x86_irqchips *state)
{
    uint32_t i;
    int result = 0;

    for (i = 0; i < X86_IRQCHIP_NUM && result == 0; i++) {
        state->chips[i].chip_id = i; /* KVM_IRQCHIP_PIC_MASTER, _PIC_SLAVE, _IOAPIC */
        result = kvm_get_irqchip(kvm, &state->chips[i]);
    }
    return result;
}

int x86_irqchips_write(struct kvm *kvm, const struct x86_irqchips *state)
{
    uint32_t i;
    int result = 0;

    for (i = 0; i < X86_IRQCHIP_NUM && result == 0; i++) {
        result = kvm_set_irqchip(kvm, &state->chips[i]);
    }
    return result;
}

bool x86_is_power_on(const struct kvm_regs *regs, const struct kvm_sregs *sregs)
{
    enum { RIP = 0xfff0 };
    const uint64_t cs_base = 0xffff0000;

    return regs->rip == RIP && sregs->cs.base == cs_base && (sregs->cr0 & CR0_PE) == 0;
}
