/*
 * watch-code.c - code in a page whose reads are watched runs, instruction by instruction, and what
 * it reads and writes in that page is right.
 */
#include "guest/lib/guest.h"

#define PAGE 0x400000
#define WATCHED 0x400800

TEST_NOTE("options = --watch 0x400800:8\n"
          "err = ^acre: watch 1: cpu 0 wrote 4 bytes at 0x400800: 0x0 -> 0x2a,\n"
          "err = ^acre: watch 1: cpu 0 (read|wrote|accessed) .*, by an instruction that was "
          "stepped, at 0x40000[0-9a-f]\n");

int main(const struct boot_info *boot)
{
    /* incl 0x400800; mov 0x400800, %eax; ret */
    static const uint8_t code[] = {0xff, 0x04, 0x25, 0,    0x08, 0x40, 0,   0x8b,
                                   0x04, 0x25, 0,    0x08, 0x40, 0,    0xc3};

    (void)boot;
    code_put_return(PAGE + 0x100, 77);
    report(code_call(PAGE + 0x100) == 77, "a function in the page");
    mmio_write32(WATCHED, 42);
    mmio_copy8(PAGE, (uintptr_t)code, sizeof(code));
    report(code_call(PAGE) == 43, "one that counts in the watched bytes");
    report(mmio_read32(WATCHED) == 43, "which are right afterwards");
    return report_finish();
}
