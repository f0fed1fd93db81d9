/* bank-hostile.c - what a bank switch cannot do it refuses, whatever is asked for, and goes on. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define WINDOW 0xd1100000
#define POOL 0xd2000000

int main(const struct boot_info *boot)
{
    static const uint64_t values[] = {
        0, 1, 2, 0xfff, 0x1001, 0xffffffff, 1UL << 32, 1UL << 63, ~0UL - 0xfff, ~0UL - 1, ~0UL};
    uint64_t bank = bank_switch_open(boot), num = bank_switch_get(bank, BANK_SWITCH_REGIONS);
    unsigned refused = 0;

    mmio_write64(POOL, 1234);
    report(bank_switch_set(bank, BANK_SWITCH_SELECT, num) == 22 &&
               bank_switch_get(bank, BANK_SWITCH_ADDRESS) == UINT64_MAX &&
               bank_switch_set(bank, BANK_SWITCH_ENABLED, 0) == 22,
           "no region behind the last");
    for (unsigned command = 0; command < 8; command++) {
        if (command < BANK_SWITCH_BEGIN || command > BANK_SWITCH_RESTORE) {
            report(bank_switch_set(bank, BANK_SWITCH_COMMAND, command) == 22, "no command %u",
                   command);
        }
    }
    bank_switch_select(bank, "window");
    for (unsigned reg = BANK_SWITCH_ADDRESS; reg <= BANK_SWITCH_OFFSET; reg += 8) {
        for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            bank_switch_select(bank, "window");
            refused += bank_switch_set(bank, reg, values[i]) != 0;
            if (bank_switch_set(bank, BANK_SWITCH_COMMAND, BANK_SWITCH_RESTORE) != 0) {
                report(false, "register %x, value %lx: restored", reg, values[i]);
            }
        }
    }
    report(refused >= 2, "priorities of more than 32 bits, at least, were refused");
    report(mmio_read64(WINDOW) == 1234, "the window shows what it showed");
    bank_switch_set(bank, BANK_SWITCH_COMMAND, BANK_SWITCH_BEGIN);
    for (unsigned i = 0; i < BANK_SWITCH_CHANGES_MAX; i++) {
        bank_switch_set(bank, BANK_SWITCH_OFFSET, i);
    }
    report(bank_switch_set(bank, BANK_SWITCH_OFFSET, 0) == 7 &&
               bank_switch_set(bank, BANK_SWITCH_COMMAND, BANK_SWITCH_COMMIT) == 7 &&
               mmio_read64(WINDOW) == 1234,
           "a list has 64 changes at most");
    return report_finish();
}
