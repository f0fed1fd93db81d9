/*
 * watch-bank.c - what lies beneath a watch changes: reads show what is there by then, writes reach
 * it, and both are as they would be without the watch.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n"
          "options = --watch 0xd1100000:8:w --watch 0xd1180004:4:w\n"
          "err = ^acre: watch 1: cpu 0 wrote 4 bytes at 0xd1100004: 0x0 -> 0xcafe, next\n"
          "err = ^acre: watch 1: 0xd1100000, 8 bytes, w: 1 hit$\n"
          "err = ^acre: watch 2: 0xd1180004, 4 bytes, w: 1 hit$\n");

#define WINDOW 0xd1100000
#define ELSEWHERE 0xd1180000
#define POOL 0xd2000000
#define STEP 0x3000

int main(const struct boot_info *boot)
{
    uint64_t bank_switch = bank_switch_open(boot);
    bool right = true;

    bank_switch_select(bank_switch, "window");
    for (uint32_t i = 0; i < 16; i++) {
        mmio_write32(POOL + i * STEP, 0x1000 + i);
    }
    for (uint32_t i = 0; i < 16; i++) {
        right = right && bank_switch_set(bank_switch, BANK_SWITCH_OFFSET, i * STEP) == 0 &&
                mmio_read32(WINDOW) == 0x1000 + i;
    }
    report(right, "each place of the pool shows in turn");
    mmio_write32(WINDOW + 4, 0xcafe);
    report(mmio_read32(POOL + 15 * STEP + 4) == 0xcafe, "a write goes to the last");
    report(bank_switch_set(bank_switch, BANK_SWITCH_ADDRESS, ELSEWHERE) == 0, "the window moves");
    report(mmio_read32(ELSEWHERE + 4) == 0xcafe, "it shows there");
    report(mmio_read32(WINDOW + 4) == 0xffffffff, "and nothing where it was");
    mmio_write32(ELSEWHERE + 4, 0xbabe);
    report(mmio_read32(POOL + 15 * STEP + 4) == 0xbabe, "a write goes there");
    return report_finish();
}
