/*
 * time.c - time from the TSC, whose rate is looked up or measured once (file-scope: the machine has
 * one); the i8254 and the clock chip by their ports.
 */
#include "guest/lib/time.h"

#include "guest/lib/cpu.h"
#include "guest/lib/io.h"

#include <stddef.h>

enum { PIT_CHANNEL0 = 0x40, PIT_CONTROL = 0x43, PORT_GATE2 = 0x61 };
#define PIT_READ_BACK_STATUS 0xe0
#define PIT_LOW_HIGH 0x30
#define GATE2_ON 1
#define GATE2_SPEAKER 2
#define GATE2_OUT 0x20
enum { CMOS_INDEX = 0x70, CMOS_DATA = 0x71 };
#define TSC_KHZ_GUESS 1000000

static uint64_t khz;
static const char *khz_source;

/* CPUID 15H: TSC / crystal ratio in EBX / EAX, the crystal's Hz in ECX. */
static uint64_t khz_from_cpuid15(void)
{
    struct cpuid c;

    if (cpuid(0).eax < 0x15) {
        return 0;
    }
    c = cpuid(0x15);
    return c.eax && c.ebx ? (uint64_t)c.ecx * c.ebx / c.eax / 1000 : 0;
}

static uint64_t khz_from_hypervisor(void)
{
    struct cpuid c;

    if (!(cpuid(1).ecx >> 31)) {
        return 0;
    }
    c = cpuid(0x40000000);
    return c.eax >= 0x40000010 && c.eax < 0x40010000 ? cpuid(0x40000010).eax : 0;
}

/* 10 ms of channel 2, one shot (mode 0), gated by port 0x61 and seen there. */
static uint64_t khz_from_pit(void)
{
    const uint16_t count = PIT_HZ / 100;
    uint8_t gate = (uint8_t)((inb(PORT_GATE2) & ~GATE2_SPEAKER) | GATE2_ON);
    uint64_t first;

    if (!pit_present()) {
        return 0;
    }
    outb(PORT_GATE2, gate);
    pit_start(2, 0, count);
    first = rdtsc();
    for (unsigned i = 0; !(inb(PORT_GATE2) & GATE2_OUT); i++) {
        if (i == 1000000) {
            return 0;
        }
    }
    return (rdtsc() - first) / 10;
}

uint64_t tsc_khz(const char **source)
{
    static const struct {
        const char *name;
        uint64_t (*find)(void);
    } sources[] = {
        {"CPUID 15H", khz_from_cpuid15},
        {"CPUID 40000010H", khz_from_hypervisor},
        {"the PIT", khz_from_pit},
    };

    for (size_t i = 0; khz == 0 && i < sizeof(sources) / sizeof(sources[0]); i++) {
        khz = sources[i].find();
        khz_source = sources[i].name;
    }
    if (khz == 0) {
        khz = TSC_KHZ_GUESS;
        khz_source = "a guess";
    }
    if (source) {
        *source = khz_source;
    }
    return khz;
}

uint64_t us_since(uint64_t tsc)
{
    return (rdtsc() - tsc) * 1000 / tsc_khz(NULL);
}

struct deadline deadline_ms(unsigned ms)
{
    return (struct deadline){rdtsc() + tsc_khz(NULL) * ms};
}

bool deadline_passed(const struct deadline *deadline)
{
    return (int64_t)(rdtsc() - deadline->tsc) >= 0;
}

void delay_ms(unsigned ms)
{
    struct deadline end = deadline_ms(ms);

    while (!deadline_passed(&end)) {
        cpu_pause();
    }
}

bool pit_present(void)
{
    pit_start(2, 1, 0x1234); /* a mode without effect while the gate is still */
    return (pit_status(2) & 0x3f) == (PIT_LOW_HIGH | 1 << 1);
}

void pit_start(unsigned channel, unsigned mode, uint16_t count)
{
    outb(PIT_CONTROL, (uint8_t)(channel << 6 | PIT_LOW_HIGH | mode << 1));
    pit_set_count(channel, count);
}

void pit_set_count(unsigned channel, uint16_t count)
{
    uint16_t port = (uint16_t)(PIT_CHANNEL0 + channel);

    outb(port, (uint8_t)count);
    outb(port, (uint8_t)(count >> 8));
}

static void ignore(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
}

void pit_ticks_start(unsigned mode, uint16_t count, interrupt_handler *handler, void *opaque)
{
    irq_enable(PIT_IRQ, ignore, NULL);
    pit_start(0, mode, 0); /* the longest */
    irq_drain(PIT_IRQ);
    interrupt_set(VECTOR_IRQ + PIT_IRQ, handler, opaque);
    pit_start(0, mode, count);
}

uint16_t pit_count(unsigned channel)
{
    uint16_t port = (uint16_t)(PIT_CHANNEL0 + channel);
    uint8_t low;

    outb(PIT_CONTROL, (uint8_t)(channel << 6));
    low = inb(port);
    return (uint16_t)(inb(port) << 8 | low);
}

uint8_t pit_status(unsigned channel)
{
    outb(PIT_CONTROL, (uint8_t)(PIT_READ_BACK_STATUS | 2u << channel));
    return inb((uint16_t)(PIT_CHANNEL0 + channel));
}

uint8_t cmos_read(uint8_t index)
{
    outb(CMOS_INDEX, index);
    return inb(CMOS_DATA);
}

void cmos_write(uint8_t index, uint8_t value)
{
    outb(CMOS_INDEX, index);
    outb(CMOS_DATA, value);
}

enum { RTC_SECOND, RTC_MINUTE = 2, RTC_HOUR = 4, RTC_DAY = 7, RTC_MONTH, RTC_YEAR, RTC_A, RTC_B };
#define RTC_A_UPDATING 0x80
#define RTC_B_BINARY 0x04
#define RTC_B_24H 0x02
#define RTC_HOUR_PM 0x80

bool rtc_present(void)
{
    return cmos_read(RTC_B) != 0xff;
}

static unsigned rtc_number(uint8_t raw, uint8_t format)
{
    return format & RTC_B_BINARY ? raw : (raw >> 4) * 10u + (raw & 15);
}

static unsigned rtc_hour(uint8_t raw, uint8_t format)
{
    unsigned hour;

    if (format & RTC_B_24H) {
        return rtc_number(raw, format);
    }
    hour = rtc_number(raw & (uint8_t)~RTC_HOUR_PM, format) % 12;
    return raw & RTC_HOUR_PM ? hour + 12 : hour;
}

bool rtc_read(struct rtc_time *time)
{
    struct deadline limit = deadline_ms(2000);
    uint8_t format = cmos_read(RTC_B), second;

    do {
        while (cmos_read(RTC_A) & RTC_A_UPDATING) {
            if (deadline_passed(&limit)) {
                return false;
            }
        }
        second = cmos_read(RTC_SECOND);
        *time = (struct rtc_time){
            .year = 2000 + rtc_number(cmos_read(RTC_YEAR), format),
            .month = rtc_number(cmos_read(RTC_MONTH), format),
            .day = rtc_number(cmos_read(RTC_DAY), format),
            .hour = rtc_hour(cmos_read(RTC_HOUR), format),
            .minute = rtc_number(cmos_read(RTC_MINUTE), format),
            .second = rtc_number(second, format),
        };
    } while (cmos_read(RTC_SECOND) != second && !deadline_passed(&limit));
    return true;
}
