/*
 * console_fixture.h - a loop, a console and a guest at its port that takes `room` bytes.
 *
 * File-scope state: check forks for each test, and a test has one console.
 */
#ifndef ACRE_TESTS_UNIT_CONSOLE_FIXTURE_H
#define ACRE_TESTS_UNIT_CONSOLE_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "vmm/console.h"

static struct loop loop;
static struct console console;
static uint8_t received[4096];
static size_t received_num, room;
static int quits, breaks, writables;

static size_t receive(void *opaque, const uint8_t *data, size_t len)
{
    (void)opaque;
    len = len < room ? len : room;
    memcpy(received + received_num, data, len);
    received_num += len;
    room -= len;
    return len;
}

static void writable(void *opaque)
{
    (void)opaque;
    writables++;
    loop_quit(&loop);
}

static void send_break(void *opaque)
{
    (void)opaque;
    breaks++;
}

static void quit(void *opaque)
{
    (void)opaque;
    quits++;
    loop_quit(&loop);
}

static inline void setup(void)
{
    struct error err;

    (void)signal(SIGPIPE, SIG_IGN);
    received_num = 0;
    room = sizeof(received);
    quits = breaks = writables = 0;
    ck_assert_int_eq(loop_init(&loop, &err), 0);
}

static inline void start_ends(const struct console_ends *ends)
{
    const struct console_config config = {
        .name = "stdout", .ends = ends, .guest = {receive, writable, send_break, quit, NULL}};
    struct error err;

    ck_assert_int_eq(console_init(&console, &loop, &config, &err), 0);
    console_start(&console);
}

static inline void start(int in_fd, int out_fd)
{
    const struct console_ends ends = {CONSOLE_BACKEND_STDIO, in_fd, out_fd, -1, -1, ""};

    start_ends(&ends);
}

static inline void teardown(void)
{
    console_finish(&console);
    loop_finish(&loop);
}

static void stop(void *opaque)
{
    (void)opaque;
    loop_quit(&loop);
}

static void stop_soon(void *opaque)
{
    static struct loop_work work = {.run = stop};

    (void)opaque;
    loop_post(&loop, &work);
}

/* Serves what is there: two rounds of the loop, in which every ready source has its turn. */
static inline void run_loop(void)
{
    struct loop_work work = {.run = stop_soon};

    loop.quit = false;
    loop_post(&loop, &work);
    ck_assert_int_eq(loop_run(&loop), 0);
}

static inline size_t put(struct byte_sink sink, const void *data, size_t len)
{
    return byte_sink_write(&sink, data, len);
}

/* Fills the descriptor and then the buffer. Returns: bytes taken. */
static inline size_t fill(struct byte_sink sink)
{
    static const uint8_t block[4096];
    size_t taken, sum = 0;

    do {
        taken = put(sink, block, sizeof(block));
        sum += taken;
    } while (taken == sizeof(block));
    return sum;
}

static inline size_t read_all(int fd)
{
    uint8_t data[8192];
    size_t sum = 0;
    ssize_t n;

    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while ((n = read(fd, data, sizeof(data))) > 0) {
        sum += (size_t)n;
    }
    return sum;
}

#endif
