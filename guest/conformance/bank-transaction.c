/* bank-transaction.c - changes of several regions take place together, or not at all. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANK 0xd1000000
#define WINDOW 0xd1100000
#define POOL 0xd2000000
#define ROM_WORD 0x6b6e6162
#define EINVAL 22

static uint64_t bank_switch;

static uint64_t command(uint64_t value)
{
    return bank_switch_set(bank_switch, BANK_SWITCH_COMMAND, value);
}

static void note(const char *name, unsigned reg, uint64_t value)
{
    bank_switch_select(bank_switch, name);
    (void)bank_switch_set(bank_switch, reg, value);
}

int main(const struct boot_info *boot)
{
    uint64_t generation;

    bank_switch = bank_switch_open(boot);
    mmio_write32(BANK, 0x1111);
    mmio_write32(POOL + 0x5000, 0x5555);
    generation = bank_switch_get(bank_switch, BANK_SWITCH_GENERATION);
    report(command(BANK_SWITCH_BEGIN) == 0, "begin");
    note("bank-ram", BANK_SWITCH_ENABLED, 0);
    note("window", BANK_SWITCH_OFFSET, 0x5000);
    report(mmio_read32(BANK) == 0x1111 && mmio_read32(WINDOW) == 0, "nothing changes yet");
    report(command(BANK_SWITCH_COMMIT) == 0, "commit");
    report(mmio_read32(BANK) == ROM_WORD && mmio_read32(WINDOW) == 0x5555, "both change");
    report(bank_switch_get(bank_switch, BANK_SWITCH_GENERATION) == generation + 1, "at once");
    (void)command(BANK_SWITCH_BEGIN);
    note("bank-ram", BANK_SWITCH_ENABLED, 1);
    note("bank-rom", BANK_SWITCH_LENGTH, 0x100);
    report(command(BANK_SWITCH_COMMIT) == EINVAL, "a change that cannot be: refused");
    report(bank_switch_get(bank_switch, BANK_SWITCH_FAILED) == 1, "it is named");
    report(mmio_read32(BANK) == ROM_WORD, "and the other one was not made");
    (void)command(BANK_SWITCH_BEGIN);
    note("bank-ram", BANK_SWITCH_ENABLED, 1);
    report(command(BANK_SWITCH_ABORT) == 0 && mmio_read32(BANK) == ROM_WORD, "abort");
    report(command(BANK_SWITCH_COMMIT) == EINVAL, "there is nothing to commit");
    return report_finish();
}
