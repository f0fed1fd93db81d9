/*
 * smp-same-device.c - two CPUs write and read the same register: each read gives a value
 * that one of them wrote, whole.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = smp.dtb\ncpus = 2\n");

#define DEVICE 0xe0000000
#define ROUNDS 150

static volatile uint32_t ready, done, sum;

static void write_scratch(uint8_t mine)
{
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    while (ready < 2) {
        cpu_pause();
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t seen;

        mmio_write8(DEVICE + SERIAL_SCR, mine);
        seen = mmio_read8(DEVICE + SERIAL_SCR);
        __atomic_fetch_add(&sum, seen == 0x3c || seen == 0xc3, __ATOMIC_SEQ_CST);
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void ap_main(unsigned number)
{
    (void)number;
    write_scratch(0xc3);
}

int main(const struct boot_info *boot)
{
    uint8_t last;

    (void)boot;
    lapic_enable(false);
    report(cpu_start(1, ap_main), "the other CPU starts");
    write_scratch(0x3c);
    interrupts_until(&done, 2);
    last = mmio_read8(DEVICE + SERIAL_SCR);
    report(done == 2, "both are done");
    report(sum == 2 * ROUNDS, "each read gave what one of them wrote");
    report(last == 0x3c || last == 0xc3, "and so does the last");
    return report_finish();
}
