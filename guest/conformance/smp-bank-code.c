/* smp-bank-code.c - one CPU moves the code that the other one runs: it returns 1 or 2 and never
 * fails. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\ncpus = 2\n");

#define WINDOW 0xd1300000
#define CODE 0xd2100000
#define OTHER 0x4000
#define FLIPS 100
#define FLIPS_MAX 5000 /* until it was seen to run both: the CPUs share a host's */

static volatile unsigned ready, stop, counts[3], wrong;

static void ap_main(unsigned number)
{
    int (*run)(void) = (int (*)(void))(uintptr_t)WINDOW;

    (void)number;
    ready = 1;
    while (!stop) {
        int value = run();

        if (value == 1 || value == 2) {
            counts[value]++;
        } else {
            wrong++;
        }
    }
    ready = 2;
}

int main(const struct boot_info *boot)
{
    uint64_t bank_switch = bank_switch_open(boot);
    bool done = true;

    bank_switch_select(bank_switch, "code-window");
    code_put_return(CODE, 1);
    code_put_return(CODE + OTHER, 2);
    lapic_enable(false);
    report(cpu_start(1, ap_main) && interrupts_until(&ready, 1), "the other CPU runs the code");
    for (unsigned i = 1; i <= FLIPS || (i <= FLIPS_MAX && !(counts[1] && counts[2])); i++) {
        done = done && bank_switch_set(bank_switch, BANK_SWITCH_OFFSET, i % 2 ? OTHER : 0) == 0;
        delay_ms(i % 8 == 0);
    }
    stop = 1;
    report(interrupts_until(&ready, 2) && done, "%u moves or more while it did", FLIPS);
    report(counts[1] > 0 && counts[2] > 0, "it ran both");
    report(wrong == 0, "and nothing else");
    return report_finish();
}
