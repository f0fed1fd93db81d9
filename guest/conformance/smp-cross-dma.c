/*
 * smp-cross-dma.c - two CPUs start two devices that reach into each other, at the same time: nobody
 * waits for ever; an access is done, or refused with an error.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\ncpus = 2\n");

#define RAM 0x800000
#define LENGTH 4096 /* long enough that the two are under way at the same time */
#define ROUNDS 60
#define ACCESS_ERROR 4

static struct testdev devs[2];
static volatile unsigned ready, done, wrong;

/* The second device of a pair is reached while its own DMA may be under way. */
static void cross(unsigned mine)
{
    uint64_t target = devs[1 - mine].memory + TESTDEV_BUFFER, from = RAM + LENGTH * mine;

    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    while (ready < 2) {
        cpu_pause();
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t result;

        result = testdev_dma(&devs[mine], TESTDEV_DMA_COPY, from, target, LENGTH, 0);
        if (result != 0 && result != ACCESS_ERROR) {
            __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
        }
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void ap_main(unsigned number)
{
    (void)number;
    cross(1);
}

int main(const struct boot_info *boot)
{
    devs[0] = testdev_open(boot, 0);
    devs[1] = testdev_open(boot, 1);
    lapic_enable(false);
    report(cpu_start(1, ap_main), "the other CPU starts");
    cross(0);
    report(interrupts_until(&done, 2), "both come to an end");
    report(wrong == 0, "each access was done or refused");
    mmio_write64(RAM, 0xabcd);
    report(testdev_dma(&devs[0], TESTDEV_DMA_COPY, RAM, devs[1].memory + TESTDEV_SCRATCH, 8, 0) ==
                   0 &&
               testdev_read(&devs[1], TESTDEV_SCRATCH) == 0xabcd,
           "alone, it is done");
    return report_finish();
}
