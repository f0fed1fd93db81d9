/* apic.c - register writes, and the INIT-SIPI-SIPI sequence of the MP specification. */
#include "guest/lib/apic.h"

#include "guest/lib/cpu.h"
#include "guest/lib/interrupt.h"
#include "guest/lib/io.h"
#include "guest/lib/start.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"

#define LAPIC_BASE 0xfee00000
#define CPUID_EDX_APIC (1u << 9)
#define CPUID_ECX_DEADLINE (1u << 24)
#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define APIC_BASE_ENABLE (1u << 11)

enum lapic_reg {
    LAPIC_ID = 0x20,
    LAPIC_VERSION = 0x30,
    LAPIC_TPR = 0x80,
    LAPIC_EOI = 0xb0,
    LAPIC_SVR = 0xf0,
    LAPIC_IRR = 0x200, /* 8 registers of 32 vectors, 16 bytes apart */
    LAPIC_ICR_LOW = 0x300,
    LAPIC_ICR_HIGH = 0x310,
    LAPIC_LVT_TIMER = 0x320,
    LAPIC_LVT_LINT0 = 0x350,
    LAPIC_LVT_LINT1 = 0x360,
    LAPIC_TIMER_INITIAL = 0x380,
    LAPIC_TIMER_DIVIDE = 0x3e0,
};
#define SVR_ENABLE (1u << 8)
#define LVT_MASKED (1u << 16)
#define LVT_PERIODIC (1u << 17)
#define LVT_DEADLINE (2u << 17)
#define LVT_EXTINT 0x700u
#define LVT_NMI 0x400u
#define ICR_INIT 0x4500u
#define ICR_SIPI 0x4600u
#define ICR_FIXED 0x4000u
#define ICR_NMI 0x4400u
#define ICR_PENDING (1u << 12)
#define DIVIDE_BY_16 3

#define IOAPIC_SELECT 0xfec00000
#define IOAPIC_WINDOW 0xfec00010
#define IOAPIC_ENTRIES 0x10 /* two registers for each pin */

extern const char ap_trampoline[], ap_trampoline_end[];
extern volatile uint32_t ap_count; /* CPUs that came up; start.S counts */

static void (*ap_entry)(unsigned number); /* what started CPUs run; start.S has no arguments */

void ap_start(unsigned number);

static uint32_t reg_read(enum lapic_reg reg)
{
    return mmio_read32(LAPIC_BASE + reg);
}

static void reg_write(enum lapic_reg reg, uint32_t value)
{
    mmio_write32(LAPIC_BASE + reg, value);
}

bool lapic_present(void)
{
    return (cpuid(1).edx & CPUID_EDX_APIC) && (rdmsr(MSR_APIC_BASE) & APIC_BASE_ENABLE);
}

uint8_t lapic_version(void)
{
    return (uint8_t)reg_read(LAPIC_VERSION);
}

uint8_t lapic_id(void)
{
    return (uint8_t)(reg_read(LAPIC_ID) >> 24);
}

void lapic_enable(bool pic)
{
    reg_write(LAPIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
    reg_write(LAPIC_LVT_LINT0, pic ? LVT_EXTINT : LVT_MASKED);
    reg_write(LAPIC_LVT_LINT1, LVT_NMI);
}

void lapic_eoi(void)
{
    reg_write(LAPIC_EOI, 0);
}

static void send(uint8_t id, uint32_t command)
{
    while (reg_read(LAPIC_ICR_LOW) & ICR_PENDING) {
        cpu_pause();
    }
    reg_write(LAPIC_ICR_HIGH, (uint32_t)id << 24);
    reg_write(LAPIC_ICR_LOW, command);
}

void lapic_send(uint8_t id, unsigned vector)
{
    send(id, ICR_FIXED | vector);
}

void lapic_send_nmi(uint8_t id)
{
    send(id, ICR_NMI);
}

void lapic_set_priority(unsigned priority)
{
    reg_write(LAPIC_TPR, priority << 4);
}

static void ioapic_write(uint32_t reg, uint32_t value)
{
    mmio_write32(IOAPIC_SELECT, reg);
    mmio_write32(IOAPIC_WINDOW, value);
}

void ioapic_route(unsigned pin, unsigned vector, unsigned flags, uint8_t id)
{
    ioapic_write(IOAPIC_ENTRIES + 2 * pin, IOAPIC_MASKED); /* until both halves are there */
    ioapic_write(IOAPIC_ENTRIES + 2 * pin + 1, (uint32_t)id << 24);
    ioapic_write(IOAPIC_ENTRIES + 2 * pin, vector | flags);
}

uint32_t ioapic_entry(unsigned pin)
{
    mmio_write32(IOAPIC_SELECT, IOAPIC_ENTRIES + 2 * pin);
    return mmio_read32(IOAPIC_WINDOW);
}

void lapic_timer_start(unsigned vector, uint32_t count, bool periodic)
{
    reg_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
    reg_write(LAPIC_LVT_TIMER, vector | (periodic ? LVT_PERIODIC : 0));
    reg_write(LAPIC_TIMER_INITIAL, count);
}

void lapic_timer_stop(unsigned vector)
{
    reg_write(LAPIC_LVT_TIMER, LVT_MASKED);
    reg_write(LAPIC_TIMER_INITIAL, 0);
    interrupts_on();
    while (reg_read(LAPIC_IRR + vector / 32 * 0x10) & 1u << vector % 32) {
        cpu_pause();
    }
    interrupts_off();
}

bool lapic_deadline_present(void)
{
    return cpuid(1).ecx & CPUID_ECX_DEADLINE;
}

void lapic_deadline_start(unsigned vector, uint64_t tsc)
{
    reg_write(LAPIC_LVT_TIMER, vector | LVT_DEADLINE);
    __asm__ volatile("mfence" ::: "memory"); /* MMIO before the MSR, which is not serialising */
    wrmsr(MSR_TSC_DEADLINE, tsc);
}

static bool wait_for_cpus(uint32_t count, unsigned ms)
{
    struct deadline limit = deadline_ms(ms);

    while (ap_count < count) {
        if (deadline_passed(&limit)) {
            return false;
        }
        cpu_pause();
    }
    return true;
}

bool cpu_start(uint8_t id, void (*entry)(unsigned number))
{
    uint32_t want = ap_count + 1;

    if (want > AP_MAX) {
        return false;
    }
    ap_entry = entry;
    memcpy((void *)AP_TRAMPOLINE, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
    send(id, ICR_INIT);
    delay_ms(10);
    send(id, ICR_SIPI | AP_TRAMPOLINE >> 12);
    if (wait_for_cpus(want, 200)) {
        return true;
    }
    /* The second SIPI is ignored by a CPU that took the first. */
    send(id, ICR_SIPI | AP_TRAMPOLINE >> 12);
    return wait_for_cpus(want, 2000);
}

/* Called by start.S on the new CPU. */
void ap_start(unsigned number)
{
    interrupts_load();
    lapic_enable(false);
    ap_entry(number);
}
