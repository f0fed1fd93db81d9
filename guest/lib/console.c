/*
 * console.c - polled serial output: one look at LSR buys a FIFO of bytes. State is file-scope
 * because the port is one and the program owns the machine.
 */
#include "guest/lib/console.h"

#include "guest/lib/cpu.h"
#include "guest/lib/io.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"

#define DEBUGCON_PORT 0xe9

static unsigned fifo_size = 1; /* bytes the port takes once THRE is set */
static unsigned room;          /* of these, how many are left */
static uint32_t printing;      /* held by the CPU whose text goes out */

static uint8_t reg_read(enum serial_reg reg)
{
    return inb((uint16_t)(SERIAL_PORT + reg));
}

static void reg_write(enum serial_reg reg, uint8_t value)
{
    outb((uint16_t)(SERIAL_PORT + reg), value);
}

void console_init(void)
{
    reg_write(SERIAL_IER, 0);
    reg_write(SERIAL_LCR, SERIAL_LCR_DLAB | SERIAL_LCR_8N1);
    reg_write(SERIAL_DATA, 1); /* divisor: 115200 baud */
    reg_write(SERIAL_IER, 0);
    reg_write(SERIAL_LCR, SERIAL_LCR_8N1);
    reg_write(SERIAL_IIR, SERIAL_FCR_ENABLE | SERIAL_FCR_CLEAR);
    reg_write(SERIAL_MCR, SERIAL_MCR_READY);
    fifo_size = (reg_read(SERIAL_IIR) & 0xc0) == 0xc0 ? SERIAL_FIFO_SIZE : 1;
    room = 0;
}

void console_write(const char *data, size_t len)
{
    while (len > 0) {
        size_t part = len;

        while (room == 0) {
            if (reg_read(SERIAL_LSR) & SERIAL_LSR_THRE) {
                room = fifo_size;
            }
        }
        if (part > room) {
            part = room;
        }
        outsb(SERIAL_PORT, data, part);
        data += part;
        len -= part;
        room -= (unsigned)part;
    }
}

void console_flush(void)
{
    const uint8_t empty = SERIAL_LSR_THRE | SERIAL_LSR_TEMT;
    struct deadline limit = deadline_ms(1000);

    while ((reg_read(SERIAL_LSR) & empty) != empty && !deadline_passed(&limit)) {
        cpu_pause();
    }
    room = 0;
}

const char *console_uart_type(void)
{
    uint8_t first, second;

    reg_write(SERIAL_SCR, 0x5a);
    first = reg_read(SERIAL_SCR);
    reg_write(SERIAL_SCR, 0xa5);
    second = reg_read(SERIAL_SCR);
    if (reg_read(SERIAL_LSR) == 0xff) {
        return NULL;
    }
    if (first != 0x5a || second != 0xa5) {
        return "8250"; /* no scratch register */
    }
    return fifo_size == SERIAL_FIFO_SIZE ? "16550A" : "16450";
}

bool debugcon_present(void)
{
    return inb(DEBUGCON_PORT) == DEBUGCON_PORT; /* its way of saying so */
}

void debugcon_write(const char *text)
{
    outsb(DEBUGCON_PORT, text, strlen(text));
}

/* Digits of value, most significant first, into end[-1], end[-2].. Returns: their number. */
static size_t put_digits(char *end, uint64_t value, unsigned base)
{
    size_t len = 0;

    do {
        end[-1 - (long)len] = "0123456789abcdef"[value % base];
        value /= base;
        len++;
    } while (value);
    return len;
}

static void put_padded(const char *text, size_t len, size_t width, bool left, char pad)
{
    for (size_t i = len; !left && i < width; i++) {
        console_write(&pad, 1);
    }
    console_write(text, len);
    for (size_t i = len; left && i < width; i++) {
        console_write(" ", 1);
    }
}

struct conversion {
    bool left, is_long;
    char pad;
    size_t width;
};

/* Reads what stands between % and the letter. Returns: where the letter is. */
static const char *parse_conversion(const char *s, struct conversion *c)
{
    *c = (struct conversion){.pad = ' '};
    for (; *s == '-' || *s == '0'; s++) {
        if (*s == '-') {
            c->left = true;
        } else {
            c->pad = '0';
        }
    }
    for (; *s >= '0' && *s <= '9'; s++) {
        c->width = c->width * 10 + (size_t)(*s - '0');
    }
    for (; *s == 'l' || *s == 'z'; s++) {
        c->is_long = true;
    }
    return s;
}

static void put_number(const struct conversion *c, char letter, uint64_t value)
{
    char digits[24], *end = digits + sizeof(digits);
    size_t len;
    bool negative = (letter == 'd' || letter == 'i') && (int64_t)value < 0;

    len = put_digits(end, negative ? 0 - value : value, letter == 'x' || letter == 'p' ? 16 : 10);
    if (negative) {
        end[-1 - (long)len] = '-';
        len++;
    }
    put_padded(end - len, len, c->width, c->left, negative ? ' ' : c->pad);
}

static void put_text(const struct conversion *c, const char *text)
{
    put_padded(text, strlen(text), c->width, c->left, ' ');
}

/* One conversion; `args` moves on. A letter not known is printed as it is. */
static void put_conversion(const struct conversion *c, char letter, __builtin_va_list *args)
{
    char one;

    switch (letter) {
    case 's':
        put_text(c, __builtin_va_arg(*args, const char *));
        break;
    case 'c':
        one = (char)__builtin_va_arg(*args, int);
        put_padded(&one, 1, c->width, c->left, ' ');
        break;
    case 'p':
        put_number(c, letter, (uintptr_t) __builtin_va_arg(*args, void *));
        break;
    case 'd':
    case 'i':
        put_number(c, letter,
                   (uint64_t)(c->is_long ? __builtin_va_arg(*args, long)
                                         : (long)__builtin_va_arg(*args, int)));
        break;
    case 'u':
    case 'x':
        put_number(c, letter,
                   c->is_long ? __builtin_va_arg(*args, unsigned long)
                              : __builtin_va_arg(*args, unsigned));
        break;
    default:
        console_write(&letter, 1);
    }
}

void console_vprintf(const char *format, __builtin_va_list args)
{
    struct conversion c;
    __builtin_va_list rest;

    __builtin_va_copy(rest, args);
    while (__atomic_exchange_n(&printing, 1, __ATOMIC_ACQUIRE)) {
        cpu_pause();
    }
    while (*format) {
        size_t plain = 0;

        while (format[plain] && format[plain] != '%') {
            plain++;
        }
        console_write(format, plain);
        format += plain;
        if (*format == '%') {
            format = parse_conversion(format + 1, &c);
            if (*format == '\0') {
                break;
            }
            put_conversion(&c, *format, &rest);
            format++;
        }
    }
    __atomic_store_n(&printing, 0, __ATOMIC_RELEASE);
    __builtin_va_end(rest);
}

void console_printf(const char *format, ...)
{
    __builtin_va_list args;

    __builtin_va_start(args, format);
    console_vprintf(format, args);
    __builtin_va_end(args);
}
