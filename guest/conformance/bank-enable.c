/* bank-enable.c - of two regions at one place the switched one shows while it is on, and keeps. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANK 0xd1000000 /* RAM over a ROM */
#define ROM_WORD 0x6b6e6162

int main(const struct boot_info *boot)
{
    uint64_t bank_switch = bank_switch_open(boot);

    bank_switch_select(bank_switch, "bank-ram");
    mmio_write32(BANK, 0x12345678);
    report(mmio_read32(BANK) == 0x12345678, "the RAM shows");
    report(bank_switch_set(bank_switch, BANK_SWITCH_ENABLED, 0) == 0, "it is switched off");
    report(mmio_read32(BANK) == ROM_WORD, "the ROM shows at once");
    mmio_write32(BANK, 0);
    report(mmio_read32(BANK) == ROM_WORD, "and cannot be written");
    report(bank_switch_set(bank_switch, BANK_SWITCH_ENABLED, 1) == 0, "the RAM is switched on");
    report(mmio_read32(BANK) == 0x12345678, "with what it had");
    report(bank_switch_set(bank_switch, BANK_SWITCH_PRIORITY, UINT64_MAX) == 0 &&
               mmio_read32(BANK) == ROM_WORD,
           "below the ROM by priority -1");
    report(bank_switch_set(bank_switch, BANK_SWITCH_COMMAND, BANK_SWITCH_RESTORE) == 0 &&
               mmio_read32(BANK) == 0x12345678,
           "all as at first");
    return report_finish();
}
