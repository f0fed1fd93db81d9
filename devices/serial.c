/*
 * Both FIFOs are arrays that are used one deep while FIFO mode is off, so that the two modes share
 * all code. The interrupt is never stored: interrupt_id() derives it from the registers and the
 * time, update() moves the line to what it says. Only the THRE interrupt has a latch of its own.
 */
#include "devices/serial.h"

#include <errno.h>
#include <string.h>

enum serial_register {
    REG_RBR_THR_DLL = 0,
    REG_IER_DLM = 1,
    REG_IIR_FCR = 2,
    REG_LCR = 3,
    REG_MCR = 4,
    REG_LSR = 5,
    REG_MSR = 6,
    REG_SCR = 7,
};

enum {
    IER_ERBFI = 0x01,
    IER_ETBEI = 0x02,
    IER_ELSI = 0x04,
    IER_EDSSI = 0x08,
    IER_MASK = 0x0f,

    IIR_MODEM = 0x00,
    IIR_NONE = 0x01,
    IIR_THRE = 0x02,
    IIR_RECEIVED = 0x04,
    IIR_LINE_STATUS = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFOS = 0xc0,

    FCR_ENABLE = 0x01,
    FCR_CLEAR_RX = 0x02,
    FCR_CLEAR_TX = 0x04,
    FCR_STORED = 0xc9, /* enable, DMA mode, trigger */

    LCR_WORD_LENGTH = 0x03,
    LCR_STOP = 0x04,
    LCR_PARITY = 0x08,
    LCR_BREAK = 0x40,
    LCR_DLAB = 0x80,

    MCR_DTR = 0x01,
    MCR_RTS = 0x02,
    MCR_OUT1 = 0x04,
    MCR_OUT2 = 0x08,
    MCR_LOOP = 0x10,
    MCR_MASK = 0x1f,

    LSR_DR = 0x01,
    LSR_OE = 0x02,
    LSR_PE = 0x04,
    LSR_FE = 0x08,
    LSR_BI = 0x10,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,

    MSR_TERI = 0x04,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80,
};

static bool fifo_on(const struct serial *s)
{
    return s->fcr & FCR_ENABLE;
}

static bool loopback(const struct serial *s)
{
    return s->mcr & MCR_LOOP;
}

static unsigned fifo_depth(const struct serial *s)
{
    return fifo_on(s) ? SERIAL_FIFO_SIZE : 1;
}

static unsigned trigger_level(const struct serial *s)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    return fifo_on(s) ? levels[s->fcr >> 6] : 1;
}

/* Of a character that goes through the shift registers: 5 to 8 bits, the rest reads 0. */
static uint8_t word_mask(const struct serial *s)
{
    return (uint8_t)(0xff >> (3 - (s->lcr & LCR_WORD_LENGTH)));
}

/* Start, data, parity and stop bits at 16 clocks a bit. Counted in half bits for 1.5 stop bits. */
static uint64_t character_ns(const struct serial *s)
{
    unsigned word = 5 + (s->lcr & LCR_WORD_LENGTH);
    unsigned stop_halves = !(s->lcr & LCR_STOP) ? 2 : word == 5 ? 3 : 4;
    unsigned halves = 2 * (1 + word + (s->lcr & LCR_PARITY ? 1 : 0)) + stop_halves;
    uint64_t divisor = (uint64_t)(s->dlm << 8 | s->dll);

    return halves * 8 * (divisor ? divisor : 1) * 1000000000 / s->config.clock_hz;
}

static bool timed_out(const struct serial *s, uint64_t now)
{
    return fifo_on(s) && s->rx_num && now >= s->rx_timeout_ns;
}

static void restart_timeout(struct serial *s, uint64_t now)
{
    s->rx_timeout_ns = now + 4 * character_ns(s);
}

/* The modem lines as MSR's high nibble. In loopback the MCR's outputs are wired to them. */
static uint8_t modem_lines(const struct serial *s)
{
    unsigned lines = 0;

    if (!loopback(s)) {
        return MSR_CTS | MSR_DSR | MSR_DCD;
    }
    lines |= s->mcr & MCR_RTS ? MSR_CTS : 0;
    lines |= s->mcr & MCR_DTR ? MSR_DSR : 0;
    lines |= s->mcr & MCR_OUT1 ? MSR_RI : 0;
    lines |= s->mcr & MCR_OUT2 ? MSR_DCD : 0;
    return (uint8_t)lines;
}

/* The pending interrupt of the highest priority, as IIR bits 3-0. */
static uint8_t interrupt_id(const struct serial *s, uint64_t now)
{
    if (s->ier & IER_ELSI && s->lsr_errors) {
        return IIR_LINE_STATUS;
    }
    if (s->ier & IER_ERBFI && timed_out(s, now)) {
        return IIR_TIMEOUT;
    }
    if (s->ier & IER_ERBFI && s->rx_num >= trigger_level(s)) {
        return IIR_RECEIVED;
    }
    if (s->ier & IER_ETBEI && s->thre_pending) {
        return IIR_THRE;
    }
    if (s->ier & IER_EDSSI && s->msr_delta) {
        return IIR_MODEM;
    }
    return IIR_NONE;
}

/*
 * A timer that fires too early looks again and re-arms, so it is moved only when it would be late:
 * one arming in four character times, however many characters come and go.
 */
static void update_timer(struct serial *s, uint64_t now)
{
    bool could_raise = fifo_on(s) && s->ier & IER_ERBFI && s->rx_num &&
                       s->rx_num < trigger_level(s) && !timed_out(s, now);

    if (could_raise && (!s->timeout_armed_ns || s->timeout_armed_ns > s->rx_timeout_ns)) {
        s->timeout_armed_ns = s->rx_timeout_ns;
        s->config.clock->arm(s->config.clock, &s->timeout, s->rx_timeout_ns);
    }
}

static void update(struct serial *s)
{
    uint64_t now = device_clock_now(s->config.clock);
    bool level = interrupt_id(s, now) != IIR_NONE;

    if (level != s->irq_level) {
        s->irq_level = level;
        irq_line_set(&s->config.irq, level);
    }
    update_timer(s, now);
}

static void timeout_expired(void *opaque)
{
    struct serial *s = opaque;

    s->timeout_armed_ns = 0;
    update(s);
}

static void tell_of_room(struct serial *s)
{
    if (s->receive_refused && !loopback(s) && s->rx_num < fifo_depth(s)) {
        s->receive_refused = false;
        if (s->config.can_receive) {
            s->config.can_receive(s->config.opaque);
        }
    }
}

/* A character's errors enter LSR when it gets to the top of the FIFO. */
static void reveal_errors(struct serial *s)
{
    struct serial_char *top = &s->rx[s->rx_first];

    if (s->rx_num) {
        s->lsr_errors |= top->errors;
        top->errors = 0;
    }
}

static void receive_char(struct serial *s, uint8_t data, uint8_t errors)
{
    const struct serial_char character = {.data = data, .errors = errors};
    uint64_t now = device_clock_now(s->config.clock);

    if (s->rx_num == fifo_depth(s)) {
        /* A full FIFO keeps what it has; the single RBR is overwritten. */
        s->lsr_errors |= LSR_OE;
        if (fifo_on(s)) {
            return;
        }
        s->rx_num = 0;
    }
    /* Once due, the time-out stands until a character is read. */
    if (!timed_out(s, now)) {
        restart_timeout(s, now);
    }
    s->rx[(s->rx_first + s->rx_num) % SERIAL_FIFO_SIZE] = character;
    s->rx_num++;
    reveal_errors(s);
}

static uint8_t read_rbr(struct serial *s)
{
    if (s->rx_num) {
        s->rbr = s->rx[s->rx_first].data;
        s->rx_first = (s->rx_first + 1) % SERIAL_FIFO_SIZE;
        s->rx_num--;
        restart_timeout(s, device_clock_now(s->config.clock));
        reveal_errors(s);
        update(s);
        tell_of_room(s);
    }
    return s->rbr;
}

static uint8_t read_iir(struct serial *s)
{
    uint8_t id = interrupt_id(s, device_clock_now(s->config.clock));

    if (id == IIR_THRE) {
        s->thre_pending = false;
    }
    update(s);
    return (uint8_t)(id | (fifo_on(s) ? IIR_FIFOS : 0));
}

static bool fifo_has_errors(const struct serial *s)
{
    unsigned errors = s->lsr_errors & (LSR_PE | LSR_FE | LSR_BI);

    for (unsigned i = 0; i < s->rx_num; i++) {
        errors |= s->rx[(s->rx_first + i) % SERIAL_FIFO_SIZE].errors;
    }
    return fifo_on(s) && errors;
}

static uint8_t read_lsr(struct serial *s)
{
    unsigned lsr = s->lsr_errors;

    lsr |= s->rx_num ? LSR_DR : 0;
    lsr |= s->tx_num ? 0 : LSR_THRE | LSR_TEMT;
    lsr |= fifo_has_errors(s) ? LSR_FIFO_ERROR : 0;
    s->lsr_errors = 0;
    update(s);
    return (uint8_t)lsr;
}

static uint8_t read_msr(struct serial *s)
{
    uint8_t msr = (uint8_t)(modem_lines(s) | s->msr_delta);

    s->msr_delta = 0;
    update(s);
    return msr;
}

static uint64_t serial_read(void *opaque, hwaddr addr, unsigned size)
{
    struct serial *s = opaque;
    bool dlab = s->lcr & LCR_DLAB;

    (void)size;
    switch ((enum serial_register)addr) {
    case REG_RBR_THR_DLL:
        return dlab ? s->dll : read_rbr(s);
    case REG_IER_DLM:
        return dlab ? s->dlm : s->ier;
    case REG_IIR_FCR:
        return read_iir(s);
    case REG_LCR:
        return s->lcr;
    case REG_MCR:
        return s->mcr;
    case REG_LSR:
        return read_lsr(s);
    case REG_MSR:
        return read_msr(s);
    case REG_SCR:
        break;
    }
    return s->scr;
}

/* Offers what waits to the sink; an empty transmitter raises THRE. */
static void drain_tx(struct serial *s)
{
    size_t taken = byte_sink_write(&s->config.sink, s->tx, s->tx_num);

    s->tx_num -= (unsigned)taken;
    memmove(s->tx, s->tx + taken, s->tx_num);
    s->thre_pending = s->tx_num == 0;
}

static void queue_tx(struct serial *s, uint8_t data)
{
    bool was_empty = s->tx_num == 0;

    if (s->tx_num == fifo_depth(s)) {
        /* The guest did not wait for THRE: a full FIFO ignores it, THR is overwritten. */
        s->tx_lost++;
        s->tx_num -= fifo_on(s) ? 0 : 1;
    }
    if (s->tx_num < fifo_depth(s)) {
        s->tx[s->tx_num++] = data;
    }
    /* Bytes that wait are offered again by serial_writable(). */
    if (was_empty) {
        drain_tx(s);
    }
}

/*
 * The write ends a THRE interrupt, and the end of transmission raises the next: the line goes low
 * in between, so that an edge-triggered interrupt controller sees the second one.
 */
static void write_thr(struct serial *s, uint8_t data)
{
    s->thre_pending = false;
    update(s);
    if (loopback(s)) {
        receive_char(s, data & word_mask(s), 0);
        s->thre_pending = s->tx_num == 0;
    } else if (s->lcr & LCR_BREAK) {
        s->thre_pending = s->tx_num == 0;
    } else {
        queue_tx(s, data);
    }
    update(s);
}

static void write_ier(struct serial *s, uint8_t value)
{
    bool was_on = s->ier & IER_ETBEI;

    s->ier = value & IER_MASK;
    if (!was_on && s->ier & IER_ETBEI && s->tx_num == 0) {
        s->thre_pending = true;
    }
    update(s);
}

static void clear_tx(struct serial *s)
{
    if (s->tx_num) {
        s->tx_num = 0;
        s->thre_pending = true;
    }
}

static void write_fcr(struct serial *s, uint8_t value)
{
    bool toggled = (value ^ s->fcr) & FCR_ENABLE;

    /* With bit 0 clear no other bit is programmed; turning FIFO mode on or off empties both. */
    if (!(value & FCR_ENABLE)) {
        value = 0;
    }
    if (toggled || value & FCR_CLEAR_RX) {
        s->rx_num = 0;
    }
    if (toggled || value & FCR_CLEAR_TX) {
        clear_tx(s);
    }
    s->fcr = value & FCR_STORED;
    update(s);
    tell_of_room(s);
}

static void write_mcr(struct serial *s, uint8_t value)
{
    unsigned before = modem_lines(s), changed, deltas;

    s->mcr = value & MCR_MASK;
    changed = before ^ modem_lines(s);
    deltas = (changed & (MSR_CTS | MSR_DSR | MSR_DCD)) >> 4;
    /* Only the trailing edge of RI is noticed. */
    deltas |= changed & before & MSR_RI ? MSR_TERI : 0;
    s->msr_delta = (uint8_t)(s->msr_delta | deltas);
    update(s);
    tell_of_room(s);
}

static void serial_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct serial *s = opaque;
    uint8_t value = (uint8_t)data;
    bool dlab = s->lcr & LCR_DLAB;

    (void)size;
    switch ((enum serial_register)addr) {
    case REG_RBR_THR_DLL:
        if (dlab) {
            s->dll = value;
        } else {
            write_thr(s, value);
        }
        break;
    case REG_IER_DLM:
        if (dlab) {
            s->dlm = value;
        } else {
            write_ier(s, value);
        }
        break;
    case REG_IIR_FCR:
        write_fcr(s, value);
        break;
    case REG_LCR:
        s->lcr = value;
        break;
    case REG_MCR:
        write_mcr(s, value);
        break;
    case REG_LSR: /* read-only in use; writes are for the chip's factory test */
    case REG_MSR:
        break;
    case REG_SCR:
        s->scr = value;
        break;
    }
}

/* The bus cuts wider accesses into bytes at consecutive ports, as an ISA bridge does. */
static const MemoryRegionOps serial_ops = {
    .read = serial_read,
    .write = serial_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

int serial_init(struct serial *s, struct memory_core *core, const struct serial_config *config)
{
    int ret;

    if (!config->clock) {
        return -EINVAL;
    }
    *s = (struct serial){.config = *config};
    s->config.name = config->name ? config->name : "serial";
    s->config.clock_hz = config->clock_hz ? config->clock_hz : SERIAL_CLOCK_HZ;
    s->timeout = (struct device_timer){
        .expired = timeout_expired,
        .opaque = s,
        .owner = &s->owner,
    };
    memory_owner_init(&s->owner, s->config.name);
    ret = memory_region_init_io(&s->mr, core, &s->owner, &serial_ops, s, s->config.name,
                                SERIAL_NUM_PORTS);
    if (ret < 0) {
        memory_owner_finish(&s->owner);
        *s = (struct serial){0};
        return ret;
    }
    serial_reset(s);
    return 0;
}

void serial_reset(struct serial *s)
{
    s->ier = s->fcr = s->lcr = s->mcr = s->scr = s->dlm = 0;
    s->dll = 1;
    s->msr_delta = s->lsr_errors = s->rbr = 0;
    s->thre_pending = false;
    s->rx_first = s->rx_num = s->tx_num = 0;
    s->timeout_armed_ns = 0;
    s->config.clock->disarm(s->config.clock, &s->timeout);
    update(s);
    tell_of_room(s);
}

void serial_finish(struct serial *s)
{
    if (!s->config.clock) {
        return;
    }
    s->config.clock->disarm(s->config.clock, &s->timeout);
    memory_region_unref(&s->mr);
    memory_owner_finish(&s->owner);
}

size_t serial_receive(struct serial *s, const uint8_t *data, size_t len)
{
    size_t room = loopback(s) ? 0 : fifo_depth(s) - s->rx_num;
    size_t num = len < room ? len : room;

    for (size_t i = 0; i < num; i++) {
        receive_char(s, data[i], 0);
    }
    s->receive_refused |= num < len;
    update(s);
    return num;
}

void serial_receive_break(struct serial *s)
{
    if (!loopback(s)) {
        /* The stop bit is missing as well, hence FE. */
        receive_char(s, 0, LSR_BI | LSR_FE);
        update(s);
    }
}

void serial_writable(struct serial *s)
{
    if (s->tx_num) {
        drain_tx(s);
        update(s);
    }
}

uint64_t serial_tx_lost(const struct serial *s)
{
    return s->tx_lost;
}
