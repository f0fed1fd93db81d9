/*
 * restart.c - for --reboot: a restarted machine is as at power-on. Each start checks what it finds,
 * leaves as much as it can behind, and asks for a reset at a bad moment: from within an interrupt,
 * with the other CPU (cpus=2) in the middle of reads that only the monitor answers.
 */
#include "guest/lib/guest.h"

#define STARTS 6
#define START_COUNT 0x51 /* a byte of the clock chip's memory */
#define UNASSIGNED 0xd0000000
#define IOAPIC_SELECT 0xfec00000
#define IOAPIC_WINDOW 0xfec00010
#define IOAPIC_ENTRY 0x10 /* low half of input 0's entry */
#define LAPIC_BASE 0xfee00000
#define LAPIC_TPR 0x80
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_TIMER_INITIAL 0x380
#define PIC1 0x20
#define PIC_READ_ISR 0x0b
#define PAT_AT_RESET UINT64_C(0x0007040600070406)
#define DR7_AT_RESET 0x400
#define EFER 0xc0000080
#define EFER_SCE 1

enum { MSR_PAT = 0x277, MSR_SYSENTER_EIP = 0x176, MSR_LSTAR = 0xc0000082, MSR_CSTAR };

static const uint32_t zero_msrs[] = {MSR_SYSENTER_EIP, MSR_LSTAR, MSR_CSTAR, 0xc0000102};
static unsigned start;
static volatile bool other_reads;

static void expect(const char *what, uint64_t value, uint64_t want)
{
    if (value != want) {
        console_printf("not ok - start %u: %s is 0x%lx, not 0x%lx\n", start, what, value, want);
    }
}

static void check(void)
{
    uint64_t dr0, dr7;

    __asm__ volatile("mov %%dr0, %0; mov %%dr7, %1" : "=r"(dr0), "=r"(dr7));
    expect("DR0", dr0, 0);
    expect("DR7", dr7, DR7_AT_RESET);
    expect("PAT", rdmsr(MSR_PAT), PAT_AT_RESET);
    expect("EFER.SCE", rdmsr(EFER) & EFER_SCE, 0);
    for (size_t i = 0; i < sizeof(zero_msrs) / sizeof(zero_msrs[0]); i++) {
        expect("an MSR", rdmsr(zero_msrs[i]), 0);
    }
    expect("the PIC's mask", inb(PIC1 + 1), 0);
    outb(PIC1, PIC_READ_ISR);
    expect("the PIC's ISR", inb(PIC1), 0);
    expect("the IO-APIC's entry", ioapic_entry(0), 0x10000);
    expect("TPR", mmio_read32(LAPIC_BASE + LAPIC_TPR), 0);
    expect("the LAPIC timer", mmio_read32(LAPIC_BASE + LAPIC_LVT_TIMER), 0x10000);
    expect("its count", mmio_read32(LAPIC_BASE + LAPIC_TIMER_INITIAL), 0);
}

static void leave_things_behind(void)
{
    __asm__ volatile("mov %0, %%dr0; mov %1, %%dr7" ::"r"(UINT64_C(0x1000)), "r"(UINT64_C(0x402)));
    wrmsr(MSR_PAT, 0);
    wrmsr(EFER, rdmsr(EFER) | EFER_SCE);
    for (size_t i = 0; i < sizeof(zero_msrs) / sizeof(zero_msrs[0]); i++) {
        wrmsr(zero_msrs[i], 0x123456);
    }
    mmio_write32(IOAPIC_SELECT, IOAPIC_ENTRY);
    mmio_write32(IOAPIC_WINDOW, 0x731);
    mmio_write32(LAPIC_BASE + LAPIC_LVT_TIMER, 0x20000 | 48);
    mmio_write32(LAPIC_BASE + LAPIC_TIMER_INITIAL, 1000000);
    mmio_write32(LAPIC_BASE + LAPIC_TPR, 0xf0); /* the PIC's interrupts come through all the same */
}

/* Half of them go through a port, half straddle two pages of nothing, which KVM cuts in two. */
static void read_for_ever(void)
{
    for (;;) {
        (void)inb(0x62);
        (void)mmio_read64(UNASSIGNED + 0xffc);
        other_reads = true;
    }
}

static void read_until_reset(unsigned number)
{
    (void)number;
    read_for_ever();
}

static void reset_in_a_while(unsigned number)
{
    (void)number;
    delay_ms(5);
    guest_reset();
}

static void reset_now(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    guest_reset();
}

int main(const struct boot_info *boot)
{
    bool two = boot_option_number(boot, "cpus", 1) > 1;

    start = cmos_read(START_COUNT);
    check();
    if (start == STARTS) {
        cmos_write(START_COUNT, 0);
        console_printf("restart: %u times as at power-on\n", start);
        return GUEST_EXIT_PASS;
    }
    cmos_write(START_COUNT, (uint8_t)(start + 1));
    lapic_enable(true);
    if (two && start % 2) {
        if (!cpu_start(1, reset_in_a_while)) {
            console_printf("not ok - start %u: the other CPU does not start\n", start);
            return GUEST_EXIT_FAIL;
        }
        leave_things_behind();
        read_for_ever();
    }
    if (two) {
        if (!cpu_start(1, read_until_reset)) {
            console_printf("not ok - start %u: the other CPU does not start\n", start);
            return GUEST_EXIT_FAIL;
        }
        while (!other_reads) {
            cpu_pause();
        }
    }
    pit_ticks_start(2, 10000, reset_now, NULL);
    leave_things_behind();
    interrupts_on();
    delay_ms(1000);
    console_printf("not ok - start %u: no interrupt\n", start);
    return GUEST_EXIT_FAIL;
}
