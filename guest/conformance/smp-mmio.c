/*
 * smp-mmio.c - two CPUs access two devices at the same time, in memory and among the ports; each
 * sees its own device only.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = smp.dtb\ncpus = 2\n");

#define FIRST 0xe0000000
#define SECOND 0xe0000008
#define FIRST_PORT 0x2e8
#define SECOND_PORT 0x2f0
#define ROUNDS 300

static volatile uint32_t ready, done, wrong;

static void hammer(uint64_t device, uint16_t port, unsigned seed)
{
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    while (ready < 2) {
        cpu_pause();
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t value = (uint8_t)(seed + i), other = value ^ 0xff;

        mmio_write8(device + SERIAL_SCR, value);
        outb((uint16_t)(port + SERIAL_SCR), other);
        if (mmio_read8(device + SERIAL_SCR) != value ||
            inb((uint16_t)(port + SERIAL_SCR)) != other) {
            __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
        }
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void ap_main(unsigned number)
{
    (void)number;
    hammer(SECOND, SECOND_PORT, 100);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    report(cpu_start(1, ap_main), "the other CPU starts");
    hammer(FIRST, FIRST_PORT, 0);
    interrupts_until(&done, 2);
    report(done == 2, "both are done");
    report(wrong == 0, "%u of %u accesses went wrong", wrong, 4 * ROUNDS);
    return report_finish();
}
