/* string-order.c - a string written to a FIFO comes back in order, and reversed with DF set. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\n");

static uint8_t out[SERIAL_FIFO_SIZE], in[SERIAL_FIFO_SIZE];

/* Round the serial port's loopback; the console is silent meanwhile. */
static void loop_back(bool down)
{
    struct deadline limit = deadline_ms(1000);

    memset(in, 0, sizeof(in));
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

int main(const struct boot_info *boot)
{
    bool reversed = true;

    (void)boot;
    for (unsigned i = 0; i < SERIAL_FIFO_SIZE; i++) {
        out[i] = (uint8_t)(0xa0 + i);
    }
    loop_back(false);
    report(memcmp(in, out, sizeof(in)) == 0, "%u bytes by rep outsb come back in order",
           SERIAL_FIFO_SIZE);
    loop_back(true);
    for (unsigned i = 0; i < SERIAL_FIFO_SIZE; i++) {
        reversed = reversed && in[i] == out[SERIAL_FIFO_SIZE - 1 - i];
    }
    report(reversed, "written downwards, they come back reversed");
    return report_finish();
}
