/* smp-ipi.c - interrupts between two CPUs, to and fro: each arrives once. */
#include "guest/lib/guest.h"

TEST_NOTE("cpus = 2\n");

#define ROUNDS 20
#define VECTOR_PING 48
#define VECTOR_PONG 49

static volatile unsigned pings, pongs;

static void ping(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    pings++;
    lapic_send(0, VECTOR_PONG);
}

static void pong(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    pongs++;
}

static void ap_main(unsigned number)
{
    (void)number;
    for (;;) {
        interrupt_wait();
    }
}

int main(const struct boot_info *boot)
{
    unsigned round;

    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR_PING, ping, NULL);
    interrupt_set(VECTOR_PONG, pong, NULL);
    report(cpu_start(1, ap_main), "the other CPU starts");
    for (round = 0; round < ROUNDS; round++) {
        lapic_send(1, VECTOR_PING);
        if (!interrupts_until(&pongs, round + 1)) {
            break;
        }
    }
    report(pings == ROUNDS, "%u interrupts there", pings);
    report(pongs == ROUNDS, "%u back", pongs);
    return report_finish();
}
