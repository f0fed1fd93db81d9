/*
 * serial_irq.c - the serial port by interrupt: the handler moves bytes between the port and two
 * rings, until IIR says that nothing is pending. File-scope state: there is one port.
 */
#include "guest/lib/console.h"
#include "guest/lib/interrupt.h"
#include "guest/lib/io.h"

#define RING_SIZE 256
#define IIR_NONE 1

struct ring {
    uint8_t bytes[RING_SIZE];
    unsigned head, tail; /* ever growing; head - tail bytes wait */
};

static struct ring received, to_send;

static bool ring_put(struct ring *ring, uint8_t byte)
{
    if (ring->head - ring->tail == RING_SIZE) {
        return false;
    }
    ring->bytes[ring->head++ % RING_SIZE] = byte;
    return true;
}

static int ring_get(struct ring *ring)
{
    if (ring->head == ring->tail) {
        return -1;
    }
    return ring->bytes[ring->tail++ % RING_SIZE];
}

static void receive(void)
{
    while (inb(SERIAL_PORT + SERIAL_LSR) & SERIAL_LSR_DATA) {
        (void)ring_put(&received, inb(SERIAL_PORT + SERIAL_DATA));
    }
}

/* Fills the FIFO; with nothing left to send the THRE interrupt goes off until the next give. */
static void transmit(void)
{
    int byte;

    if (!(inb(SERIAL_PORT + SERIAL_LSR) & SERIAL_LSR_THRE)) {
        return;
    }
    for (int i = 0; i < SERIAL_FIFO_SIZE && (byte = ring_get(&to_send)) >= 0; i++) {
        outb(SERIAL_PORT + SERIAL_DATA, (uint8_t)byte);
    }
    if (serial_drained()) {
        outb(SERIAL_PORT + SERIAL_IER, SERIAL_IER_RECEIVED);
    }
}

static void serial_interrupt(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    while (!(inb(SERIAL_PORT + SERIAL_IIR) & IIR_NONE)) {
        receive();
        transmit();
    }
}

void serial_interrupts_start(void)
{
    irq_enable(SERIAL_IRQ, serial_interrupt, NULL);
    outb(SERIAL_PORT + SERIAL_IER, SERIAL_IER_RECEIVED);
}

int serial_take(void)
{
    return ring_get(&received);
}

bool serial_give(uint8_t byte)
{
    if (!ring_put(&to_send, byte)) {
        return false;
    }
    outb(SERIAL_PORT + SERIAL_IER, SERIAL_IER_RECEIVED | SERIAL_IER_THRE);
    return true;
}

bool serial_drained(void)
{
    return to_send.head == to_send.tail;
}
