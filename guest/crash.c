/*
 * crash.c - every way to end, or not to, chosen by a word of the command line. With last-words it
 * says so on the debug console right before.
 */
#include "guest/lib/guest.h"

#define UNASSIGNED 0xd0000000 /* nothing answers there */
#define REBOOT_COUNT 0x50     /* a byte of the clock chip's memory */

/* An exception with no table to find its handler in, nor that of the fault that follows. */
static void triple(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) empty = {0, 0};

    __asm__ volatile("lidt %0; ud2" ::"m"(empty));
}

static void undefined(void)
{
    __asm__ volatile("ud2");
}

/* Instructions cannot be fetched where no memory is: KVM gives up. */
static void internal(void)
{
    __asm__ volatile("call *%0" ::"r"((uint64_t)UNASSIGNED) : "memory");
}

static void page_fault(void)
{
    *(volatile uint32_t *)(UINT64_C(1) << 40) = 0;
}

static void spin(void)
{
    for (;;) {
        __asm__ volatile("");
    }
}

static void flood(void)
{
    for (unsigned i = 0;; i++) {
        console_printf("flood %u, and no end of it: the quick brown fox jumps\n", i);
    }
}

/* Halted for good, but an interrupt could still wake it. */
static void doze(void)
{
    for (;;) {
        interrupt_wait();
    }
}

static void halt_for_good(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    guest_hang();
}

/* Idles as long as somebody who can wake, then no more; without an exit in between. */
static void hang_late(void)
{
    enum { VECTOR = 48, TICKS_OF_1_S = 62500000 };

    interrupt_set(VECTOR, halt_for_good, NULL);
    lapic_enable(true);
    lapic_timer_start(VECTOR, TICKS_OF_1_S, false);
    doze();
}

/* Counts in memory that a reset leaves alone; ends by itself at the third start. */
static void reboot_twice(void)
{
    uint8_t count = cmos_read(REBOOT_COUNT);

    if (count >= 2) {
        cmos_write(REBOOT_COUNT, 0);
        console_printf("reboots: %u\n", count);
        guest_exit(GUEST_EXIT_PASS);
    }
    cmos_write(REBOOT_COUNT, (uint8_t)(count + 1));
    guest_reset();
}

int main(const struct boot_info *boot)
{
    static const struct {
        const char *word;
        void (*act)(void);
    } ways[] = {
        {"triple", triple},     {"ud", undefined},
        {"internal", internal}, {"page-fault", page_fault},
        {"hang", guest_hang},   {"hang-late", hang_late},
        {"spin", spin},         {"poweroff", guest_poweroff},
        {"reset", guest_reset}, {"flood", flood},
        {"doze", doze},         {"reboot", reboot_twice},
    };

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (boot_option(boot, ways[i].word)) {
            console_printf("crash: %s\n", ways[i].word);
            console_flush();
            if (boot_option(boot, "last-words")) {
                debugcon_write("these are the last words\n");
            }
            ways[i].act();
            delay_ms(1000);
            console_printf("crash: still here after %s\n", ways[i].word);
            return GUEST_EXIT_FAIL;
        }
    }
    return (int)boot_option_number(boot, "exit", GUEST_EXIT_FAIL);
}
