/*
 * flip_dirty.c - are the dirty bits right? Each page of the range that the guest writes has its bit
 * after a write, and a page that nobody touches never has.
 */
#include <time.h>
#include <unistd.h>

#include "flip.h"

static uint32_t logged_word(struct stress *stress, unsigned page, unsigned cpu)
{
    const uint8_t *at = stress->ram_host + LOG_FIRST + page * PAGE + cpu * 4;

    return __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

/*
 * Which pages nobody touches: the odd ones, but for the one below the window, and the one that the
 * guest reads. (KVM may count a page as written when it maps it for a read.)
 */
static bool stays_clean(unsigned page)
{
    uint64_t addr = LOG_FIRST + page * PAGE;

    return page % 2 == 1 && addr != WINDOW - PAGE && addr != WINDOW + PAGE;
}

/*
 * A page written between two harvests has its bit at the second. Or later: what KVM emulates is
 * written first and marked then; but not after KVM_RUN returned.
 */
static void check_page(struct stress *stress, unsigned page, bool dirty, bool paused)
{
    struct log_page *log = &stress->logs[page];
    unsigned cpu;

    for (cpu = 0; cpu < CPU_NUM; cpu++) {
        log->late |= log->before[cpu] != log->after[cpu];
        log->after[cpu] = logged_word(stress, page, cpu);
    }
    log->late &= !dirty;
    stress->bits += dirty;
    stress->invented += dirty && stays_clean(page);
    stress->lost += log->late && paused;
}

/* @paused  no vCPU is in KVM_RUN, or serves an exit. */
void harvest(struct stress *stress, bool paused)
{
    uint64_t bitmap;
    unsigned page, cpu;

    (void)pthread_mutex_lock(&stress->harvest_lock);
    for (page = 0; page < LOG_PAGES; page++) {
        for (cpu = 0; cpu < CPU_NUM; cpu++) {
            stress->logs[page].before[cpu] = logged_word(stress, page, cpu);
        }
    }
    (void)memory_region_snapshot_and_clear_dirty(&stress->ram, LOG_FIRST, LOG_PAGES,
                                                 DIRTY_MEMORY_VGA, &bitmap);
    for (page = 0; page < LOG_PAGES; page++) {
        check_page(stress, page, bitmap >> page & 1, paused);
    }
    stress->harvests++;
    (void)pthread_mutex_unlock(&stress->harvest_lock);
}

/* Bits start all set, which says nothing. */
void harvest_first(struct stress *stress)
{
    unsigned page, cpu;

    (void)ram_block_test_and_clear_dirty(stress->ram.ram_block, 0, RAM_SIZE, DIRTY_MEMORY_VGA);
    for (page = 0; page < LOG_PAGES; page++) {
        for (cpu = 0; cpu < CPU_NUM; cpu++) {
            stress->logs[page].after[cpu] = logged_word(stress, page, cpu);
        }
    }
}

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/*
 * Each harvest takes from the vCPUs the right to write, so they have at least as long to get it
 * back as that took: else, on a slow machine, they would do nothing else.
 */
void *harvest_thread(void *opaque)
{
    struct stress *stress = opaque;
    uint64_t rest = stress->rings.size ? 20000 : 500, took; /* rings are to fill */

    memory_thread_register();
    while (!atomic_load(&stress->quit)) {
        took = now_us();
        harvest(stress, false);
        took = now_us() - took;
        (void)usleep((useconds_t)(took > rest ? took : rest));
    }
    memory_thread_unregister();
    return NULL;
}
