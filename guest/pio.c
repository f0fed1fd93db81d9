/*
 * pio.c - port accesses of every width, alignment and direction, single and repeated. What carries
 * data is the serial port's scratch register, its loopback, and the clock chip's memory.
 */
#include "guest/lib/guest.h"

#define SCRATCH (SERIAL_PORT + SERIAL_SCR)
#define PORT_EMPTY 0x5f0 /* nothing answers from here on */
#define CMOS_INDEX 0x70
#define CMOS_FIRST 0x40 /* of the bytes written here */
#define CMOS_COUNT 8
#define LONG_COUNT 5000 /* more than a page */
#define GUARD 0x77

static void check_unassigned(void)
{
    static const uint16_t ports[] = {PORT_EMPTY, PORT_EMPTY + 1, PORT_EMPTY + 3, 0xa00, 0xfffc};

    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        uint16_t port = ports[i];

        outb(port, 0);
        outw(port, 0);
        outl(port, 0);
        report(inb(port) == 0xff && inw(port) == 0xffff && inl(port) == 0xffffffff,
               "port 0x%x is unassigned: all ones at each width", port);
    }
    report(inw(0xffff) == 0xffff, "a word at the last port reads all ones");
}

static void check_widths(void)
{
    outb(SCRATCH, 0x5a);
    report(inb(SCRATCH) == 0x5a, "a byte is written and read back");
    report(inw(SCRATCH - 1) >> 8 == 0x5a, "it is the high half of the word below");
    report(inl(SCRATCH - 3) >> 24 == 0x5a, "and the top byte of the double word below");
    report(inw(SCRATCH) == 0xff5a, "a word across a device's end: the rest is all ones");
    report(inl(SCRATCH) == 0xffffff5a, "a double word across a device's end, too");
    outw(SCRATCH - 1, 0xc300);
    report(inb(SCRATCH) == 0xc3, "a word write reaches both bytes");
    outl(SCRATCH - 3, 0x3c000000 | SERIAL_MCR_READY);
    report(inb(SCRATCH) == 0x3c && inb(SCRATCH - 3) == SERIAL_MCR_READY,
           "a double word write reaches all four");
    outw(SCRATCH, 0x1299);
    report(inb(SCRATCH) == 0x99, "a word write across a device's end keeps its low byte");
}

static void check_repeated_input(void)
{
    static uint8_t buf[LONG_COUNT + 16];

    outb(SCRATCH, 0x81);
    memset(buf, GUARD, sizeof(buf));
    insb(SCRATCH, buf + 8, LONG_COUNT);
    report(memory_is(buf, GUARD, 8) && memory_is(buf + 8, 0x81, LONG_COUNT) &&
               memory_is(buf + 8 + LONG_COUNT, GUARD, 8),
           "rep insb of %u bytes fills them and no others", LONG_COUNT);
    memset(buf, GUARD, 64);
    insb_down(SCRATCH, buf + 40, 9);
    report(memory_is(buf, GUARD, 32) && memory_is(buf + 32, 0x81, 9) &&
               memory_is(buf + 41, GUARD, 8),
           "rep insb downwards");
    memset(buf, GUARD, 64);
    insw(SCRATCH - 1, buf + 8, 3);
    report(buf[9] == 0x81 && buf[11] == 0x81 && buf[13] == 0x81 && memory_is(buf + 14, GUARD, 8),
           "rep insw: every item is a word of the same port");
    memset(buf, GUARD, 64);
    insl_down(SCRATCH - 3, buf + 16, 3);
    report(buf[19] == 0x81 && buf[15] == 0x81 && buf[11] == 0x81 && memory_is(buf, GUARD, 8) &&
               memory_is(buf + 20, GUARD, 8),
           "rep insl downwards");
    memset(buf, GUARD, 64);
    insl(PORT_EMPTY, buf + 8, 4);
    report(memory_is(buf + 8, 0xff, 16) && memory_is(buf + 24, GUARD, 8),
           "rep insl from an unassigned port: all ones");
    insb(SCRATCH, buf + 24, 0);
    report(memory_is(buf + 24, GUARD, 8), "rep insb of nothing");
}

static void check_repeated_output(void)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5};
    static const uint16_t words[] = {0x1100, 0x2200, 0x3300};
    static const uint32_t doubles[] = {0x44000000 | SERIAL_MCR_READY,
                                       0x55000000 | SERIAL_MCR_READY};

    outsb(SCRATCH, bytes, sizeof(bytes));
    report(inb(SCRATCH) == 5, "rep outsb: the last item stays");
    outsb_down(SCRATCH, bytes + 4, sizeof(bytes));
    report(inb(SCRATCH) == 1, "rep outsb downwards: it is the first in memory");
    outsw(SCRATCH - 1, words, 3);
    report(inb(SCRATCH) == 0x33, "rep outsw");
    outsw_down(SCRATCH - 1, words + 2, 3);
    report(inb(SCRATCH) == 0x11, "rep outsw downwards");
    outsl(SCRATCH - 3, doubles, 2);
    report(inb(SCRATCH) == 0x55, "rep outsl");
    outsl_down(SCRATCH - 3, doubles + 1, 2);
    report(inb(SCRATCH) == 0x44, "rep outsl downwards");
}

/* Sends 16 bytes round the serial port's loopback. The console is silent meanwhile. */
static void loop_back(const uint8_t *out, uint8_t *in, bool down)
{
    struct deadline limit = deadline_ms(1000);

    console_flush();
    outb(SERIAL_PORT + SERIAL_MCR, SERIAL_MCR_READY | SERIAL_MCR_LOOP);
    if (down) {
        outsb_down(SERIAL_PORT, out + SERIAL_FIFO_SIZE - 1, SERIAL_FIFO_SIZE);
    } else {
        outsb(SERIAL_PORT, out, SERIAL_FIFO_SIZE);
    }
    while (!(inb(SERIAL_PORT + SERIAL_LSR) & SERIAL_LSR_TEMT) && !deadline_passed(&limit)) {
        cpu_pause();
    }
    insb(SERIAL_PORT, in, SERIAL_FIFO_SIZE);
    outb(SERIAL_PORT + SERIAL_MCR, SERIAL_MCR_READY);
}

static void check_order(void)
{
    uint8_t out[SERIAL_FIFO_SIZE], in[SERIAL_FIFO_SIZE];
    bool reversed = true;

    for (unsigned i = 0; i < SERIAL_FIFO_SIZE; i++) {
        out[i] = (uint8_t)(0xa0 + i);
    }
    memset(in, 0, sizeof(in));
    loop_back(out, in, false);
    report(memcmp(in, out, sizeof(in)) == 0, "16 bytes by rep outsb come back in order");
    memset(in, 0, sizeof(in));
    loop_back(out, in, true);
    for (unsigned i = 0; i < SERIAL_FIFO_SIZE; i++) {
        reversed = reversed && in[i] == out[SERIAL_FIFO_SIZE - 1 - i];
    }
    report(reversed, "written downwards, they come back reversed");
}

/* A word at the index port is index and data in one. */
static void check_words_of_two_registers(void)
{
    uint16_t words[CMOS_COUNT];
    bool same = true;

    for (unsigned i = 0; i < CMOS_COUNT; i++) {
        words[i] = (uint16_t)((0x60 + 3 * i) << 8 | (CMOS_FIRST + i));
    }
    outsw(CMOS_INDEX, words, CMOS_COUNT);
    for (unsigned i = 0; i < CMOS_COUNT; i++) {
        same = same && cmos_read((uint8_t)(CMOS_FIRST + i)) == 0x60 + 3 * i;
    }
    report(same, "a word reaches two registers, the lower port's first");
}

int main(const struct boot_info *boot)
{
    (void)boot;
    check_unassigned();
    check_widths();
    check_repeated_input();
    check_repeated_output();
    check_order();
    if (rtc_present()) {
        check_words_of_two_registers();
    } else {
        report_skip("words of two registers", "this machine has no clock chip");
    }
    return report_finish();
}
