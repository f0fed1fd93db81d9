/*
 * bank-code.c - the page that code runs in is moved by that code: the next instruction comes from
 * what shows there now.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define WINDOW 0xd1300000 /* shows 16 KiB of the code RAM */
#define CODE 0xd2100000
#define OTHER 0x4000 /* what the window shows after the switch */

/* void (uint64_t *reg, uint64_t value): writes, then returns a number that differs by page. */
static const uint8_t switcher[] = {
    0x48, 0x89, 0x37,             /* mov %rsi, (%rdi) */
    0xb8, 0x01, 0x00, 0x00, 0x00, /* mov $1, %eax */
    0xc3,                         /* ret */
};
#define NUMBER 4

int main(const struct boot_info *boot)
{
    int (*run)(uint64_t, uint64_t) = (int (*)(uint64_t, uint64_t))(uintptr_t)WINDOW;
    uint64_t bank_switch = bank_switch_open(boot);
    bool right = true;

    bank_switch_select(bank_switch, "code-window");
    memcpy((void *)CODE, switcher, sizeof(switcher));
    memcpy((void *)(CODE + OTHER), switcher, sizeof(switcher));
    mmio_write32(CODE + OTHER + NUMBER, 2);
    report(run(bank_switch + BANK_SWITCH_OFFSET, 0) == 1, "nothing moves: the first page goes on");
    report(run(bank_switch + BANK_SWITCH_OFFSET, OTHER) == 2, "it moves: the second goes on");
    report(run(bank_switch + BANK_SWITCH_OFFSET, 0) == 1, "and back");
    for (unsigned i = 0; i < 50; i++) {
        right = right && run(bank_switch + BANK_SWITCH_OFFSET, OTHER) == 2 &&
                run(bank_switch + BANK_SWITCH_OFFSET, 0) == 1;
    }
    report(right, "a hundred times");
    return report_finish();
}
