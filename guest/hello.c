/*
 * hello.c - says how it was booted and what the machine has. Words of the command line:
 * exit=N (the status to end with), pc or bare (fail unless the devices of that board are there).
 */
#include "guest/lib/guest.h"

#define TICKS 10
#define TICK_HZ 100
#define TEXT_MAX 64

static const char *map_type(uint32_t type)
{
    static const char *const names[] = {
        [1] = "RAM",
        [2] = "reserved",
        [3] = "ACPI tables",
        [4] = "ACPI storage",
    };

    return type < sizeof(names) / sizeof(names[0]) && names[type] ? names[type] : "other";
}

static void print_map(const struct boot_info *boot)
{
    for (size_t i = 0; i < boot->map_num; i++) {
        const struct boot_map_entry *entry = &boot->map[i];

        console_printf("  %016lx-%016lx %s\n", entry->first, entry->last, map_type(entry->type));
    }
}

/* The size, the command line and the beginning of each: printable ASCII as it is, else a dot. */
static void print_modules(const struct boot_info *boot)
{
    for (size_t i = 0; i < boot->module_num; i++) {
        const struct boot_module *module = &boot->modules[i];
        const char *text = module->data;

        console_printf("module %zu: %lu bytes, command line \"%s\", begins: ", i, module->size,
                       module->cmdline);
        for (uint64_t k = 0; k < module->size && k < TEXT_MAX; k++) {
            console_printf("%c", text[k] >= ' ' && text[k] <= '~' ? text[k] : '.');
        }
        console_printf("\n");
    }
}

static void count_tick(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    ++*(volatile unsigned *)opaque;
}

static void print_ticks(void)
{
    const char *source;
    uint64_t khz = tsc_khz(&source), first = rdtsc();
    volatile unsigned ticks = 0;

    pit_ticks_start(2, PIT_HZ / TICK_HZ, count_tick, (void *)(uintptr_t)&ticks);
    while (ticks < TICKS) {
        interrupt_wait();
    }
    irq_disable(PIT_IRQ);
    console_printf("timer: %u ticks of %u ms in %lu ms (TSC at %lu kHz by %s)\n", TICKS,
                   1000 / TICK_HZ, (rdtsc() - first) / khz, khz, source);
}

static void print_clock(void)
{
    struct rtc_time t;

    if (rtc_read(&t)) {
        console_printf("clock: %u-%02u-%02u %02u:%02u:%02u\n", t.year, t.month, t.day, t.hour,
                       t.minute, t.second);
    } else {
        console_printf("clock: always busy\n");
    }
}

int main(const struct boot_info *boot)
{
    const char *uart = console_uart_type();
    bool pic = pic_present(), pit = pit_present(), rtc = rtc_present(), lapic = lapic_present();
    bool i8042 = inb(0x64) != 0xff;
    int status = (int)boot_option_number(boot, "exit", GUEST_EXIT_PASS);

    console_printf("Hello from a guest of acre.\n");
    console_printf("booted by %s, loader \"%s\", command line \"%s\"\n", boot->protocol,
                   boot->loader, boot->cmdline);
    console_printf("memory map: %zu entries%s\n", boot->map_num,
                   boot->truncated ? " (more than fit)" : "");
    print_map(boot);
    print_modules(boot);
    console_printf("device tree: %lu bytes\n", boot->dtb_size);
    console_printf("devices: serial %s, PIC %s, PIT %s, RTC %s, i8042 %s, LAPIC %s\n",
                   uart ? uart : "none", pic ? "yes" : "no", pit ? "yes" : "no", rtc ? "yes" : "no",
                   i8042 ? "yes" : "no", lapic ? "yes" : "no");
    if (lapic) {
        console_printf("LAPIC: id %u, version 0x%x\n", lapic_id(), lapic_version());
    }
    if (rtc) {
        print_clock();
    }
    if (pic && pit) {
        print_ticks();
    } else {
        console_printf("timer: none, this machine has no interrupts\n");
    }
    if ((boot_option(boot, "pc") && !(uart && pic && pit && rtc && i8042 && lapic)) ||
        (boot_option(boot, "bare") && (pic || pit || rtc || lapic))) {
        console_printf("these are not the devices of that board\n");
        return GUEST_EXIT_FAIL;
    }
    return status;
}
