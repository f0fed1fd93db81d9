/*
 * hostile.c - does what no sane guest does, for a while, and then shows that it still can speak:
 * the monitor must neither end, nor hang, nor flood, nor lose its way. Words of the command line
 * choose; seed=N starts elsewhere.
 */
#include "guest/lib/guest.h"

#define ROUNDS 4000
#define RESETS 20
#define STATE ((volatile struct state *)0x9000) /* RAM that a restart leaves alone */
#define STATE_MAGIC 0x68747372
#define COM1 0x3f8
#define PIT_CONTROL 0x43

struct state {
    uint32_t magic, resets, seed;
};

static uint32_t seed;
static uint8_t buffer[8192];

static uint32_t random32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

/* Every register of every device that a board has, but the two that end the run. */
static uint16_t any_port(void)
{
    static const struct {
        uint16_t first, num;
    } ports[] = {
        {0x20, 2}, {0x40, 4},     {0x60, 5},  {0x70, 2},  {0x92, 1},  {0xa0, 2}, {0xe8, 3},
        {0x80, 1}, {COM1 - 1, 9}, {0x4d0, 2}, {0xcf8, 8}, {0x5f0, 8}, {0x0, 4},  {0xfffc, 4},
    };
    uint32_t i = random32() % (sizeof(ports) / sizeof(ports[0]));

    return (uint16_t)(ports[i].first + random32() % ports[i].num);
}

/* Would a write of `value`, `size` bytes wide, reach a reset? */
static bool may_reset(uint16_t port, unsigned size)
{
    static const uint16_t reset_ports[] = {0x60, 0x64, 0x92, 0xcf9};

    for (size_t i = 0; i < sizeof(reset_ports) / sizeof(reset_ports[0]); i++) {
        if (port <= reset_ports[i] && reset_ports[i] < port + size) {
            return true;
        }
    }
    return false;
}

static void write_port(uint16_t port, unsigned size, bool many)
{
    size_t count = random32() % 64;

    if (many && size == 1) {
        outsb(port, buffer, count);
    } else if (many && size == 2) {
        outsw_down(port, buffer + sizeof(buffer) - 2, count);
    } else if (many) {
        outsl(port, buffer, count);
    } else if (size == 1) {
        outb(port, (uint8_t)random32());
    } else if (size == 2) {
        outw(port, (uint16_t)random32());
    } else {
        outl(port, random32());
    }
}

static void read_port(uint16_t port, unsigned size, bool many)
{
    size_t count = random32() % 2048;

    if (many && size == 1) {
        insb_down(port, buffer + sizeof(buffer) - 1, count);
    } else if (many && size == 2) {
        insw(port, buffer, count);
    } else if (many) {
        insl_down(port, buffer + sizeof(buffer) - 4, count);
    } else if (size == 1) {
        (void)inb(port);
    } else if (size == 2) {
        (void)inw(port);
    } else {
        (void)inl(port);
    }
}

static void touch_ports(unsigned rounds, bool resets)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint16_t port = any_port();
        unsigned size = 1u << random32() % 3;
        bool many = random32() % 64 == 0;

        if (random32() % 2) {
            read_port(port, size, many);
        } else if (resets || !may_reset(port, size)) {
            write_port(port, size, many);
        }
    }
}

/* The serial port as the library had it: 8 bits, no break, FIFOs, no loopback, no interrupts. */
static void restore_console(void)
{
    outb(COM1 + 3, 3);
    outb(COM1 + 1, 0);
    outb(COM1 + 2, 7);
    outb(COM1 + 4, 3);
}

static void ports(void)
{
    touch_ports(ROUNDS, false);
    restore_console();
}

static void resets(void)
{
    if (STATE->magic != STATE_MAGIC) {
        *STATE = (struct state){STATE_MAGIC, 0, seed};
    }
    seed = STATE->seed + ++STATE->resets;
    if (STATE->resets <= RESETS) {
        touch_ports(ROUNDS, true);
        guest_reset();
    }
    STATE->magic = 0;
}

static void ignore(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    ++*(volatile unsigned *)opaque;
}

/* Two input clocks a period is what the chip can do at most: 1.7 us. */
static void fast_timer(void)
{
    static unsigned ticks;
    struct deadline end = deadline_ms(500);

    pit_ticks_start(2, 2, ignore, &ticks);
    interrupts_on();
    for (unsigned i = 0; !deadline_passed(&end); i++) {
        outb(PIT_CONTROL, (uint8_t)(0x30 | (i % 6) << 1));
        outb(PIT_CONTROL - 3, 2);
        outb(PIT_CONTROL - 3, 0);
    }
    interrupts_off();
    irq_disable(0);
    console_printf("# %u ticks of the timer\n", ticks);
}

/* Everything on, and every byte sent comes back as one received. */
static void loopback(void)
{
    static unsigned served;
    struct deadline end = deadline_ms(300);

    console_flush();
    irq_enable(4, ignore, &served);
    outb(COM1 + 3, 0x03);
    outb(COM1 + 4, 0x1f);
    outb(COM1 + 1, 0x0f);
    interrupts_on();
    while (!deadline_passed(&end)) {
        outb(COM1 + 2, (uint8_t)(random32() | 1));
        outb(COM1, (uint8_t)random32());
        outb(COM1 + 4, (uint8_t)(0x10 | random32()));
        (void)inb(COM1 + random32() % 8);
    }
    interrupts_off();
    irq_disable(4);
    restore_console();
    console_printf("# %u interrupts of the serial port\n", served);
}

/* The 2 MiB at `physical`, at the virtual address returned. */
static volatile uint8_t *map(uint64_t physical)
{
    static _Alignas(4096) uint64_t pdpt[512], pd[512];
    uint64_t *pml4;

    __asm__ volatile("mov %%cr3, %0" : "=r"(pml4));
    pd[0] = physical | 0x83;
    pdpt[0] = (uintptr_t)pd | 3;
    pml4[1] = (uintptr_t)pdpt | 3;
    __asm__ volatile("mov %0, %%cr3" ::"r"(pml4) : "memory");
    return (volatile uint8_t *)(UINT64_C(1) << 39);
}

static void address_space_end(void)
{
    unsigned bits = cpuid(0x80000008).eax & 0xff;
    volatile uint8_t *page = map((UINT64_C(1) << bits) - (2 << 20));
    uintptr_t end = (uintptr_t)page + (2 << 20);

    for (unsigned i = 0; i < 100; i++) {
        (void)mmio_read8(end - 1);
        (void)mmio_read16(end - 2);
        (void)mmio_read32(end - 4);
        (void)mmio_read64(end - 8);
        mmio_write8(end - 1, 0);
        mmio_write64(end - 8, 0);
    }
}

/* 4 GiB is the end of what is mapped: across it, by a map of both sides. */
static void four_gib(void)
{
    uintptr_t border = (uintptr_t)map((UINT64_C(4) << 30) - (2 << 20)) + (2 << 20);

    for (unsigned back = 1; back < 8; back++) {
        (void)mmio_read32((uintptr_t)border - back - 4);
        mmio_write32((uintptr_t)border - back - 4, random32());
        mmio_lock_inc32((uintptr_t)border - back - 4);
    }
    mmio_copy8(border - 4096, border - 8192, 4096);
    mmio_copy8((uintptr_t)buffer, border - 4096, 4096);
}

/* Of interrupt controllers there are three kinds, all KVM's. */
static void controllers(void)
{
    for (unsigned i = 0; i < 500; i++) {
        mmio_write32(0xfec00000, random32());
        mmio_write32(0xfec00010, random32() | 0x10000);
        (void)mmio_read32(0xfee00000 + random32() % 64 * 16);
        (void)mmio_read8(0xfee00000 + random32() % 4096);
        (void)mmio_read64(0xfec00000 + random32() % 4088);
    }
}

int main(const struct boot_info *boot)
{
    static const struct {
        const char *word;
        void (*act)(void);
    } acts[] = {
        {"ports", ports},           {"timer", fast_timer}, {"loopback", loopback},
        {"end", address_space_end}, {"border", four_gib},  {"controllers", controllers},
        {"resets", resets},
    };

    seed = (uint32_t)boot_option_number(boot, "seed", 1) * 2654435761u | 1;
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (boot_option(boot, acts[i].word)) {
            acts[i].act();
        }
    }
    console_printf("\nhostile: still here\n");
    return GUEST_EXIT_PASS;
}
