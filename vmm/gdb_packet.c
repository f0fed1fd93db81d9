/*
 * gdb_packet.c - a state machine of four states takes frames apart byte by byte; writing escapes
 * the four bytes that mean something to the frame.
 */
#include "vmm/gdb_packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ESCAPE = '}', ESCAPE_XOR = 0x20, INTERRUPT = 0x03, LINE_MAX_TEXT = 512 };

static const char digits[] = "0123456789abcdef";

static void begin(struct gdb_reader *reader)
{
    reader->state = GDB_READER_DATA;
    reader->len = 0;
    reader->sum = 0;
    reader->escape = reader->bad = false;
}

static enum gdb_input between(struct gdb_reader *reader, char byte)
{
    switch (byte) {
    case '$':
        begin(reader);
        return GDB_INPUT_NONE;
    case INTERRUPT:
        return GDB_INPUT_INTERRUPT;
    case '+':
        return GDB_INPUT_ACK;
    case '-':
        return GDB_INPUT_NAK;
    default:
        return GDB_INPUT_NONE;
    }
}

static void take_data(struct gdb_reader *reader, char byte)
{
    reader->sum = (uint8_t)(reader->sum + (uint8_t)byte);
    if (byte == ESCAPE && !reader->escape) {
        reader->escape = true;
        return;
    }
    if (reader->len == GDB_PACKET_MAX) {
        reader->bad = true; /* read on to its end */
        return;
    }
    reader->data[reader->len++] = reader->escape ? (char)(byte ^ ESCAPE_XOR) : byte;
    reader->escape = false;
}

static enum gdb_input take_sum(struct gdb_reader *reader, char byte)
{
    int digit = gdb_hex_digit(byte);

    reader->bad |= digit < 0;
    reader->sent_sum = (uint8_t)(reader->sent_sum << 4 | (digit & 0xf));
    if (reader->state == GDB_READER_SUM_1) {
        reader->state = GDB_READER_SUM_2;
        return GDB_INPUT_NONE;
    }
    reader->state = GDB_READER_BETWEEN;
    reader->data[reader->len] = '\0';
    return reader->bad || reader->escape || reader->sent_sum != reader->sum ? GDB_INPUT_BAD
                                                                            : GDB_INPUT_PACKET;
}

enum gdb_input gdb_reader_feed(struct gdb_reader *reader, char byte)
{
    switch (reader->state) {
    case GDB_READER_BETWEEN:
        return between(reader, byte);
    case GDB_READER_DATA:
        if (byte == '#') {
            reader->state = GDB_READER_SUM_1;
            reader->sent_sum = 0;
        } else if (byte == '$') { /* the one before was cut off */
            begin(reader);
        } else {
            take_data(reader, byte);
        }
        return GDB_INPUT_NONE;
    case GDB_READER_SUM_1:
    case GDB_READER_SUM_2:
        break;
    }
    return take_sum(reader, byte);
}

void gdb_reply_bytes(struct gdb_reply *reply, const void *data, size_t len)
{
    if (len > sizeof(reply->data) - reply->len) {
        reply->full = true;
        return;
    }
    memcpy(reply->data + reply->len, data, len);
    reply->len += len;
}

void gdb_reply_text(struct gdb_reply *reply, const char *format, ...)
{
    char text[LINE_MAX_TEXT];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text)) {
        reply->full = true;
    } else {
        gdb_reply_bytes(reply, text, (size_t)len);
    }
}

void gdb_reply_hex(struct gdb_reply *reply, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    size_t i;

    for (i = 0; i < len; i++) {
        const char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 0xf]};

        gdb_reply_bytes(reply, pair, sizeof(pair));
    }
}

static bool needs_escape(char byte)
{
    return byte == '$' || byte == '#' || byte == ESCAPE || byte == '*';
}

size_t gdb_frame(const struct gdb_reply *reply, char *frame)
{
    uint8_t sum = 0;
    size_t len = 0, i;

    frame[len++] = '$';
    for (i = 0; i < reply->len; i++) {
        char byte = reply->data[i];

        if (needs_escape(byte)) {
            frame[len++] = ESCAPE;
            byte ^= ESCAPE_XOR;
        }
        frame[len++] = byte;
    }
    for (i = 1; i < len; i++) {
        sum = (uint8_t)(sum + (uint8_t)frame[i]);
    }
    frame[len++] = '#';
    frame[len++] = digits[sum >> 4];
    frame[len++] = digits[sum & 0xf];
    return len;
}

int gdb_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool gdb_hex_number(const char **text, uint64_t *value)
{
    unsigned num = 0;

    *value = 0;
    while (gdb_hex_digit(**text) >= 0) {
        if (++num > 16) {
            return false;
        }
        *value = *value << 4 | (unsigned)gdb_hex_digit(*(*text)++);
    }
    return num > 0;
}

size_t gdb_hex_bytes(const char *text, void *data, size_t max)
{
    uint8_t *bytes = data;
    size_t len = 0;

    while (len < max) {
        int high = gdb_hex_digit(text[2 * len]);
        int low = high < 0 ? -1 : gdb_hex_digit(text[2 * len + 1]);

        if (low < 0) {
            break;
        }
        bytes[len++] = (uint8_t)(high << 4 | low);
    }
    return len;
}
