/*
 * monitored.c - a guest for monitors to act on: it says what it notices, and does what the letters
 * on its serial port ask for.
 */
#include "guest/lib/guest.h"

#define PM_BASE 0x600
#define PM_STATUS PM_BASE
#define PM_ENABLE (PM_BASE + 2)
#define PM_TIMER (PM_BASE + 8)
#define PM_POWER_BUTTON 0x0100
#define SCI_IRQ 9

#define LAPIC_LINT1 UINT64_C(0xfee00360)
#define LVT_NMI 0x400
#define VECTOR_NMI 2

#define PVPANIC 0x505
#define END_OF_TRANSMISSION 0x04

static volatile unsigned buttons, nmis;

static void sci(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    if (inw(PM_STATUS) & PM_POWER_BUTTON) {
        outw(PM_STATUS, PM_POWER_BUTTON);
        buttons++;
    }
}

static void nmi(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    nmis++;
}

static void listen(void)
{
    irq_enable(SCI_IRQ, sci, NULL);
    outw(PM_ENABLE, PM_POWER_BUTTON);
    interrupt_set(VECTOR_NMI, nmi, NULL);
    lapic_enable(true);
    mmio_write32(LAPIC_LINT1, LVT_NMI);
}

/* Shows and hides a bank many times; it is hidden in the end. */
static void change_map(const struct boot_info *boot)
{
    uint64_t bank_switch = bank_switch_open(boot);
    unsigned i;

    bank_switch_select(bank_switch, "bank-ram");
    for (i = 1; i <= 101; i++) {
        (void)bank_switch_set(bank_switch, BANK_SWITCH_ENABLED, i % 2 == 0);
    }
    console_printf("map: changed\n");
}

/* Returns: false at the end. */
static bool obey(const struct boot_info *boot, int letter)
{
    switch (letter) {
    case 't':
        console_printf("ticks: %u\n", inl(PM_TIMER));
        break;
    case 'm':
        change_map(boot);
        break;
    case 'r':
        guest_reset();
        break;
    case 'p':
        outb(PVPANIC, 1);
        break;
    case END_OF_TRANSMISSION:
        return false;
    default:
        break;
    }
    return true;
}

int main(const struct boot_info *boot)
{
    unsigned seen = 0;

    listen();
    console_printf("monitored: ready\n");
    console_flush();
    serial_interrupts_start();
    while (obey(boot, serial_take())) {
        if (buttons > 0) {
            console_printf("power button\n");
            guest_poweroff();
        }
        if (nmis > seen) {
            console_printf("nmi %u\n", ++seen);
        }
        console_flush();
        interrupt_wait();
    }
    return GUEST_EXIT_PASS;
}
