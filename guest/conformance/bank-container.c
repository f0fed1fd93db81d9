/* bank-container.c - a region moves within a container, and the container moves with what is in it.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BOX 0xd1400000 /* 32 KiB over RAM; half of it RAM of its own */
#define ELSEWHERE 0xd1480000

int main(const struct boot_info *boot)
{
    uint64_t bank_switch = bank_switch_open(boot);

    mmio_write32(BOX, 0x1111);
    mmio_write32(BOX + 0x4000, 0x2222);
    bank_switch_select(bank_switch, "half");
    report(bank_switch_set(bank_switch, BANK_SWITCH_ADDRESS, 0x3000) == 0, "the half moves up");
    report(mmio_read32(BOX + 0x3000) == 0x1111, "with what it has");
    report(mmio_read32(BOX) == 0, "where it was the RAM below shows");
    report(mmio_read32(BOX + 0x4000) == 0, "and where it is that is hidden");
    report(bank_switch_set(bank_switch, BANK_SWITCH_ADDRESS, 0x6000) == 0 &&
               mmio_read32(BOX + 0x6000) == 0x1111 && mmio_read32(BOX + 0x4000) == 0x2222,
           "higher, and it leaves the other alone");
    report(mmio_read32(BOX + 0x8000) == 0, "cut off where the container ends");
    bank_switch_select(bank_switch, "box");
    report(bank_switch_set(bank_switch, BANK_SWITCH_ADDRESS, ELSEWHERE) == 0,
           "the container moves");
    report(mmio_read32(ELSEWHERE + 0x6000) == 0x1111, "and the half in it");
    report(mmio_read32(ELSEWHERE) == 0xffffffff, "a hole over nothing");
    report(mmio_read32(BOX + 0x6000) == 0, "RAM where it was");
    report(bank_switch_set(bank_switch, BANK_SWITCH_ENABLED, 0) == 0 &&
               mmio_read32(ELSEWHERE + 0x6000) == 0xffffffff,
           "disabled, all of it goes");
    return report_finish();
}
