/*
 * watch-write.c - writes to watched memory take effect and are told, of every width, aligned or
 * not; neighbours and reads are served and not told.
 */
#include "guest/lib/guest.h"

#define WATCHED 0x400010
#define PAGE 0x400000

TEST_NOTE("options = --watch 0x400010:8:w\n"
          "err = ^acre: watch 1: cpu 0 wrote 1 byte at 0x400010: 0x0 -> 0x11, next instruction "
          "0x[0-9a-f]+ \\(write_widths(\\+0x[0-9a-f]+)?\\)$\n"
          "err = ^acre: watch 1: cpu 0 wrote 2 bytes at 0x400012: 0x0 -> 0x2222,\n"
          "err = ^acre: watch 1: cpu 0 wrote 4 bytes at 0x400014: 0x0 -> 0x44444444,\n"
          "err = ^acre: watch 1: cpu 0 wrote 8 bytes at 0x40000c: 0x[0-9a-f]*00000000 -> "
          "0x8888888888888888,\n"
          "err = ^acre: watch 1: 0x400010, 8 bytes, w: 7 hits$\n");

static __attribute__((noinline)) void write_widths(void)
{
    mmio_write8(WATCHED, 0x11);
    mmio_write16(WATCHED + 2, 0x2222);
    mmio_write32(WATCHED + 4, 0x44444444);
    mmio_write64(WATCHED - 4, 0x8888888888888888);
    mmio_write64(WATCHED + 5, 0x7777777777777777);
    mmio_lock_inc32(WATCHED);
}

int main(const struct boot_info *boot)
{
    uint8_t bytes[4] = {1, 2, 3, 4};

    (void)boot;

    memset((void *)(uintptr_t)(PAGE + 0x100), 0, 0x100);
    write_widths();
    report(mmio_read64(WATCHED - 8) == 0x8888888800000000, "below the watch");
    report(mmio_read64(WATCHED) == 0x7777774488888889, "the watched bytes: %lx",
           mmio_read64(WATCHED));
    report(mmio_read64(WATCHED + 8) == 0x7777777777, "above it");
    mmio_write64(WATCHED + 0x10, 5); /* a neighbour */
    mmio_write64(WATCHED - 8, 6);
    report(mmio_read64(WATCHED + 0x10) == 5 && mmio_read64(WATCHED - 8) == 6, "neighbours");
    mmio_copy8(WATCHED - 3, (uintptr_t)bytes, 4); /* one byte of it is watched */
    report(mmio_read8(WATCHED) == 4 && mmio_read8(WATCHED - 1) == 3, "a string across its start");
    return report_finish();
}
