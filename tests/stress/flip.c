/*
 * flip.c - two running vCPUs against a memory map that another thread changes all the time.
 *
 * usage: flip [FLIPS [VARIANT [RING]]]   FLIPS changes for each variant (250); with RING, dirty
 * pages are logged in rings of so many entries. TAP on stdout.
 *
 * The guest (guest.h) reads inside the window that flips and checks each value against what the
 * host says is shown; the host sees every exit before it is served, and which views were current.
 * A test fails on a *spurious* exit (an MMIO exit on an address that was RAM in every view current
 * since that entry to KVM_RUN), a stale value, a write beside the window that is lost, an end of
 * the run that KVM reports, a dirty bit lost or invented, a vCPU that does not get on, and rings
 * that were never full.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "flip.h"

enum { FLIPS_DEFAULT = 250, BARRIER_EVERY = 8, STUCK_S = 60 };

static uint32_t loops_of(struct stress *stress, unsigned cpu)
{
    return __atomic_load_n(&cpu_of(stress, cpu)->loops, __ATOMIC_RELAXED);
}

/*
 * Both vCPUs enter anew, after the last flip, and run through their loop. Returns: false when one
 * does not get on.
 */
static bool let_run(struct stress *stress, bool logged)
{
    uint32_t before[CPU_NUM];
    time_t limit = time(NULL) + STUCK_S;
    unsigned i;

    vcpu_group_pause(&stress->vcpus);
    for (i = 0; i < CPU_NUM; i++) {
        atomic_store(&stress->entered[i], atomic_load(&stress->flips));
        before[i] = loops_of(stress, i);
    }
    if (logged) {
        harvest(stress, true);
    }
    vcpu_group_unpark(&stress->vcpus);
    for (i = 0; i < CPU_NUM && !atomic_load(&stress->ended); i++) {
        while (loops_of(stress, i) - before[i] < 2 && !atomic_load(&stress->ended)) {
            if (time(NULL) > limit) {
                return false;
            }
            (void)sched_yield();
        }
    }
    return true;
}

/* The guest is told what it may see before and while the map changes, and what is left after. */
static int flip_once(struct stress *stress, const struct variant *variant, uint64_t n)
{
    struct guest_shared *shared = shared_of(stress);
    uint32_t window = UINT32_C(1) << variant->shows(n), code = UINT32_C(1) << variant->code(n);
    int result;

    __atomic_store_n(&shared->flips, (uint32_t)n, __ATOMIC_SEQ_CST);
    __atomic_store_n(&shared->window_mask, shared->window_mask | window, __ATOMIC_SEQ_CST);
    __atomic_store_n(&shared->code_mask, shared->code_mask | code, __ATOMIC_SEQ_CST);
    if (variant->shows(n) == VALUE_MMIO) {
        atomic_store(&stress->traps_until, NEVER);
    }
    result = variant->flip(stress, n);
    atomic_store(&stress->flips, n);
    if (variant->shows(n) != VALUE_MMIO && atomic_load(&stress->traps_until) == NEVER) {
        atomic_store(&stress->traps_until, n);
    }
    __atomic_store_n(&shared->window_mask, window, __ATOMIC_SEQ_CST);
    __atomic_store_n(&shared->code_mask, code, __ATOMIC_SEQ_CST);
    return result;
}

static void flip_all(struct stress *stress, const struct variant *variant, uint64_t flips)
{
    uint64_t n;

    shared_of(stress)->window_mask = UINT32_C(1) << variant->shows(0);
    shared_of(stress)->code_mask = UINT32_C(1) << variant->code(0);
    atomic_store(&stress->traps_until, variant->shows(0) == VALUE_MMIO ? NEVER : 0);
    vcpu_group_unpark(&stress->vcpus);
    for (n = 1; n <= flips && !atomic_load(&stress->ended); n++) {
        int result = flip_once(stress, variant, n);

        if (result < 0) {
            give_up(stress, "flip %" PRIu64 ": %s", n, strerror(-result));
        }
        if ((variant->logged || n % BARRIER_EVERY == 0) && !let_run(stress, variant->logged)) {
            give_up(stress, "a vCPU stands still");
        }
        memory_core_throttle(&stress->core);
    }
}

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool report(struct stress *stress, const struct variant *variant, unsigned number,
                   double took)
{
    struct guest_cpu sum = {0};
    uint64_t flips = atomic_load(&stress->flips);
    /* All other exits are accesses. */
    uint64_t full = vcpu_group_exits(&stress->vcpus) - atomic_load(&stress->exits);
    bool passed;
    unsigned i;

    for (i = 0; i < CPU_NUM; i++) {
        const struct guest_cpu *cpu = cpu_of(stress, i);

        sum.loops += cpu->loops;
        sum.stale += cpu->stale;
        sum.unsure += cpu->unsure;
        sum.beside_lost += cpu->beside_lost;
        sum.bad = cpu->stale ? cpu->bad : sum.bad;
        sum.bad_mask = cpu->stale ? cpu->bad_mask : sum.bad_mask;
    }
    passed = !atomic_load(&stress->ended) && sum.stale == 0 && sum.beside_lost == 0 &&
             atomic_load(&stress->spurious) == 0 && stress->lost == 0 && stress->invented == 0 &&
             (full > 0) == (stress->rings.size > 0);
    (void)printf("%sok %u - %s\n", passed ? "" : "not ", number, variant->name);
    (void)printf("# %" PRIu64 " flips in %.1f s (%.0f a second), %u with vCPUs parked; %" PRIu64
                 " exits\n",
                 flips, took, (double)flips / took, stress->parks, atomic_load(&stress->exits));
    (void)printf(
        "# %u guest loops: %u stale (value 0x%x, allowed 0x%x), %u unsure, %u lost beside; "
        "%" PRIu64 " spurious exits (0x%" PRIx64 ")\n",
        sum.loops, sum.stale, sum.bad, sum.bad_mask, sum.unsure, sum.beside_lost,
        atomic_load(&stress->spurious), atomic_load(&stress->spurious_at));
    if (variant->logged) {
        (void)printf("# %" PRIu64 " harvests of %" PRIu64 " dirty bits: %" PRIu64 " lost, %" PRIu64
                     " invented; rings full %" PRIu64 " times\n",
                     stress->harvests, stress->bits, stress->lost, stress->invented, full);
    }
    if (stress->why[0]) {
        (void)printf("# %s\n", stress->why);
    }
    (void)fflush(stdout);
    return passed;
}

static int run(const struct variant *variant, unsigned number, uint64_t flips, uint32_t ring,
               bool *passed)
{
    struct stress *stress = calloc(1, sizeof(*stress));
    struct error err;
    pthread_t thread;
    double start;

    if (!stress) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&stress->harvest_lock, NULL);
    TRY(machine_make(stress, variant, ring));
    if (variant->logged) {
        harvest_first(stress);
        TRY(-pthread_create(&thread, NULL, harvest_thread, stress));
    }
    if (vcpu_group_start(&stress->vcpus, &err) != 0) {
        (void)fprintf(stderr, "flip: error: %s\n", err.text);
        return -EIO;
    }
    start = seconds();
    flip_all(stress, variant, flips);
    start = seconds() - start;
    vcpu_group_stop(&stress->vcpus);
    vcpu_group_join(&stress->vcpus);
    atomic_store(&stress->quit, true);
    if (variant->logged) {
        (void)pthread_join(thread, NULL);
    }
    *passed = report(stress, variant, number, start);
    machine_unmake(stress);
    (void)pthread_mutex_destroy(&stress->harvest_lock);
    free(stress);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t flips = argc > 1 ? strtoull(argv[1], NULL, 0) : FLIPS_DEFAULT;
    uint32_t ring = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 0;
    unsigned num = variant_num, only = 0, i;
    bool all = true, passed = false;

    if (argc > 2) {
        only = (unsigned)strtoul(argv[2], NULL, 0);
    }
    if (flips == 0 || only > num) {
        (void)fprintf(stderr, "usage: flip [FLIPS [VARIANT [RING]]]   variants 1..%u\n", num);
        return 2;
    }
    if (access("/dev/kvm", R_OK | W_OK) != 0) {
        (void)printf("1..0 # SKIP no usable /dev/kvm\n");
        return 0;
    }
    memory_thread_register();
    (void)printf("1..%u\n", only ? 1 : num);
    for (i = only ? only - 1 : 0; i < (only ? only : num); i++) {
        if (run(&variants[i], only ? 1 : i + 1, flips, ring, &passed) < 0) {
            return 1;
        }
        all &= passed;
    }
    memory_thread_unregister();
    return all ? 0 : 1;
}
