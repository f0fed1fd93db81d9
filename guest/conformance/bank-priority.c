/* bank-priority.c - priorities that change while the machine runs decide who shows, -1 below 0. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANK 0xd1000000             /* RAM of priority 1 over ROM of priority 0 */
#define ROM_TEXT 0x6d6f72206b6e6162 /* "bank rom" */
#define MARK 0x1234

static uint64_t bank;

static bool set(const char *name, int priority)
{
    bank_switch_select(bank, name);
    return bank_switch_set(bank, BANK_SWITCH_PRIORITY, (uint64_t)priority) == 0 &&
           bank_switch_get(bank, BANK_SWITCH_PRIORITY) == (uint64_t)priority;
}

int main(const struct boot_info *boot)
{
    bank = bank_switch_open(boot);
    mmio_write64(BANK, MARK);
    report(set("bank-rom", 2) && mmio_read64(BANK) == ROM_TEXT, "2 over 1");
    mmio_write64(BANK, 0);
    report(set("bank-ram", 3) && mmio_read64(BANK) == MARK, "3 over 2, and it kept its bytes");
    report(set("bank-ram", -1) && mmio_read64(BANK) == ROM_TEXT, "-1 is below 2");
    report(set("bank-rom", -2) && mmio_read64(BANK) == MARK, "and over -2");
    report(set("bank-rom", 0x7fffffff) && mmio_read64(BANK) == ROM_TEXT, "the highest there is");
    report(set("bank-rom", -0x7fffffff - 1) && mmio_read64(BANK) == MARK, "and the lowest");
    bank_switch_select(bank, "bank-rom");
    report(bank_switch_set(bank, BANK_SWITCH_PRIORITY, 1UL << 40) == 22 &&
               mmio_read64(BANK) == MARK,
           "more than 32 bits are refused");
    return report_finish();
}
