/* bank-window.c - a window over a pool of RAM is moved in the pool, and in the machine. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

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
    report(bank_switch_set(bank_switch, BANK_SWITCH_LENGTH, 0x2000) == 0 &&
               mmio_read8(ELSEWHERE + 0x1fff) == 0 && mmio_read8(ELSEWHERE + 0x2000) == 0xff,
           "it is made shorter");
    report(bank_switch_set(bank_switch, BANK_SWITCH_OFFSET, 1) == 0 &&
               mmio_read32(ELSEWHERE) == 0x10,
           "and shows the pool from an odd byte on");
    return report_finish();
}
