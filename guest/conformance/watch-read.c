/*
 * watch-read.c - reads of watched memory give what is there and are told, of every width, from
 * instructions and strings; writes to it and neighbours work and are not told.
 */
#include "guest/lib/guest.h"

#define PAGE 0x400000
#define WATCHED 0x400ffc /* the last word of a page, and the first of the next */

TEST_NOTE("options = --watch 0x400ffc:8:r\n"
          "err = ^acre: watch 1: cpu 0 read 1 byte at 0x400ffc: 0x11, at 0x[0-9a-f]+ "
          "\\(read_widths\\+0x[0-9a-f]+\\)$\n"
          "err = ^acre: watch 1: cpu 0 read 2 bytes at 0x400ffd: 0x3322,\n"
          "err = ^acre: watch 1: cpu 0 read 4 bytes at 0x400ffc: 0x44332211,\n"
          "err = ^acre: watch 1: cpu 0 read 8 bytes at 0x400ff8: 0x4433221100000000,\n"
          "err = ^acre: watch 1: cpu 0 read 4 bytes at 0x401000: 0x88776655,\n"
          "err = ^acre: watch 1: 0x400ffc, 8 bytes, r: 7 hits$\n");

static __attribute__((noinline)) void read_widths(void)
{
    report(mmio_read8(WATCHED) == 0x11, "a byte");
    report(mmio_read16(WATCHED + 1) == 0x3322, "a word, unaligned");
    report(mmio_read32(WATCHED) == 0x44332211, "a long");
    report(mmio_read64(WATCHED - 4) == 0x4433221100000000, "a quad, half of it watched");
    report(mmio_read64(WATCHED) == 0x8877665544332211, "a quad over two pages"); /* two hits */
}

int main(const struct boot_info *boot)
{
    uint8_t bytes[4] = {0};

    (void)boot;
    mmio_write64(WATCHED, 0x8877665544332211);
    read_widths();
    mmio_copy8((uintptr_t)bytes, WATCHED + 7, 4);
    report(bytes[0] == 0x88 && bytes[1] == 0, "a string that begins in it");
    mmio_write32(PAGE, 0x1234);
    mmio_write64(WATCHED + 8, 0x5678);
    report(mmio_read32(PAGE) == 0x1234 && mmio_read64(WATCHED + 8) == 0x5678, "neighbours");
    return report_finish();
}
