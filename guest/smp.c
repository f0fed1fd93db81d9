/*
 * smp.c - starts the other CPUs (cpus=N on the command line, 2 if nothing is said), lets all count
 * under a lock prefix, and bats interrupts to and fro with each of them.
 */
#include "guest/lib/guest.h"

#define INCREMENTS 2000
#define ROUNDS 20
#define VECTOR_PING 48 /* to a started CPU */
#define VECTOR_PONG 49 /* back to the first */
#define WAIT_MS 10000

static uint32_t counter;
static volatile uint32_t counted, pings, pongs;
static volatile uint32_t ids_seen; /* bit n: the CPU with APIC id n reported */
static uint8_t first_id;

static void count(void)
{
    for (unsigned i = 0; i < INCREMENTS; i++) {
        __atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_fetch_add(&counted, 1, __ATOMIC_SEQ_CST);
}

static void ping(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    __atomic_fetch_add(&pings, 1, __ATOMIC_SEQ_CST);
    lapic_send(first_id, VECTOR_PONG);
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
    __atomic_fetch_or(&ids_seen, 1u << (lapic_id() & 31), __ATOMIC_SEQ_CST);
    count();
    for (;;) {
        interrupt_wait();
    }
}

static bool reaches(const volatile uint32_t *value, uint32_t want)
{
    struct deadline limit = deadline_ms(WAIT_MS);

    while (*value < want && !deadline_passed(&limit)) {
        cpu_pause();
    }
    return *value == want;
}

/* With interrupts on, the pongs come in between. */
static void check_pings(unsigned id)
{
    unsigned round;

    pings = 0;
    pongs = 0;
    interrupts_on();
    for (round = 0; round < ROUNDS; round++) {
        lapic_send((uint8_t)id, VECTOR_PING);
        if (!reaches(&pongs, round + 1)) {
            break;
        }
    }
    interrupts_off();
    report(pings == ROUNDS && pongs == ROUNDS, "cpu %u answers %u of %u interrupts", id, pongs,
           ROUNDS);
}

int main(const struct boot_info *boot)
{
    unsigned cpus = (unsigned)boot_option_number(boot, "cpus", 2), id;

    if (!lapic_present()) {
        report_skip("further CPUs", "this machine has no LAPIC");
        return report_finish();
    }
    lapic_enable(false);
    first_id = lapic_id();
    ids_seen = 1u << (first_id & 31);
    interrupt_set(VECTOR_PING, ping, NULL);
    interrupt_set(VECTOR_PONG, pong, NULL);
    report(first_id == 0, "the first CPU has APIC id %u", first_id);
    for (id = 1; id < cpus; id++) {
        if (!report(cpu_start((uint8_t)id, ap_main), "cpu %u starts by INIT and SIPI", id)) {
            return report_finish();
        }
    }
    count();
    report(reaches(&counted, cpus), "all %u CPUs have counted", cpus);
    report(counter == cpus * INCREMENTS, "no increment is lost: %u", counter);
    report(ids_seen == (1u << cpus) - 1, "each has its own APIC id: 0x%x", ids_seen);
    for (id = 1; id < cpus; id++) {
        check_pings(id);
    }
    report(!cpu_start((uint8_t)cpus, ap_main), "there is no CPU %u", cpus);
    return report_finish();
}
