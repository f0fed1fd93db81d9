/*
 * fuzz_gdb.c - any bytes as what a gdb sends. A byte above 0x7f is no byte of it: the rest of it
 * says how the target behaves from there on, and a newline in the input is a packet's end with the
 * right sum, so that packets are found without guessing sums.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/gdb_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct gdb_fake *fake, char byte)
{
    gdb_session_receive(&fake->session, &byte, 1);
}

static void end_packet(struct gdb_fake *fake, uint8_t sum)
{
    char text[4];
    int i;

    (void)snprintf(text, sizeof(text), "#%02x", sum);
    for (i = 0; i < 3; i++) {
        feed(fake, text[i]);
    }
}

/* What was sent are acknowledgements and whole frames with right sums. */
static void check_output(const struct gdb_fake *fake)
{
    static struct gdb_reader reader;
    size_t i;

    reader = (struct gdb_reader){.len = 0};
    for (i = 0; i < fake->out_len; i++) {
        if (gdb_reader_feed(&reader, fake->out[i]) == GDB_INPUT_BAD) {
            abort();
        }
    }
    if (reader.state != GDB_READER_BETWEEN) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gdb_fake fake;
    const struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP, .cpu = 2};
    uint8_t sum = 0;
    size_t i;

    memset(&fake, 0, sizeof(fake));
    fake_begin(&fake);
    for (i = 0; i < size; i++) {
        if (data[i] == '\n') {
            end_packet(&fake, sum);
        } else if (data[i] > 0x7f) {
            fake.stops_at_once = data[i] & 1;
            if (data[i] & 2) {
                gdb_session_stopped(&fake.session, &stop);
            }
        } else {
            sum = data[i] == '$' ? 0 : (uint8_t)(sum + data[i]);
            feed(&fake, (char)data[i]);
        }
    }
    check_output(&fake);
    return 0;
}
