/*
 * gdb_packet.h - the remote protocol's outermost layer: `$data#sum` frames, acknowledgements, the
 * interrupt byte, escapes; and what packets are written with: hex.
 *
 * Source: GDB manual, appendix E "Remote Serial Protocol", E.1 Overview, E.12 Packet
 * Acknowledgment.
 * Context: any thread; nothing is shared, allocated or waited for.
 */
#ifndef ACRE_VMM_GDB_PACKET_H
#define ACRE_VMM_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GDB_PACKET_MAX = 0x4000,                /* bytes of a packet's data, either way, unescaped */
    GDB_FRAME_MAX = 2 * GDB_PACKET_MAX + 4, /* of a frame: all escaped, and `$`, `#`, sum */
};

/* What a byte completed. */
enum gdb_input {
    GDB_INPUT_NONE,
    GDB_INPUT_PACKET,    /* in reader->data, ended by a NUL that does not count */
    GDB_INPUT_BAD,       /* a packet with a wrong sum, or too long */
    GDB_INPUT_INTERRUPT, /* 0x03 between packets */
    GDB_INPUT_ACK,
    GDB_INPUT_NAK,
};

/* Zeroed: before the first byte. */
struct gdb_reader {
    char data[GDB_PACKET_MAX + 1];
    size_t len;
    /* private */
    enum { GDB_READER_BETWEEN, GDB_READER_DATA, GDB_READER_SUM_1, GDB_READER_SUM_2 } state;
    bool escape, bad;
    uint8_t sum, sent_sum;
};

/* Takes one byte from the client. A packet stays valid until the next call. */
enum gdb_input gdb_reader_feed(struct gdb_reader *reader, char byte);

/* A packet being written: what does not fit is left out, and `full` says so. Zeroed: empty. */
struct gdb_reply {
    char data[GDB_PACKET_MAX];
    size_t len;
    bool full;
};

void gdb_reply_bytes(struct gdb_reply *reply, const void *data, size_t len);
void gdb_reply_text(struct gdb_reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Two digits a byte, in memory order. */
void gdb_reply_hex(struct gdb_reply *reply, const void *data, size_t len);

/* The frame of a packet. @frame  GDB_FRAME_MAX bytes. Returns: its length. */
size_t gdb_frame(const struct gdb_reply *reply, char *frame);

/* A digit's value; -1: none. */
int gdb_hex_digit(char digit);
/*
 * A hexadecimal number of 1 to 16 digits at *text, which moves behind it.
 * Returns: false: there is none, or more digits than that.
 */
bool gdb_hex_number(const char **text, uint64_t *value);
/* Pairs of digits into bytes. Returns: how many, at most `max`; stops before what is no pair. */
size_t gdb_hex_bytes(const char *text, void *data, size_t max);

#endif
