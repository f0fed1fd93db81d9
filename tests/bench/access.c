/*
 * access.c - what a lookup and an access cost beside doing the same without a memory API, and
 * beside commits. No KVM.
 */
#include <pthread.h>

#include "tests/bench/memory_map.h"

/* ---- lookups ----------------------------------------------------------------------------------
 */

struct plain {
    hwaddr first, last;
    void *what;
    uint64_t offset, flags[2];
};

static size_t plain_find(const struct plain *ranges, size_t num, hwaddr addr)
{
    size_t lo = 0, hi = num;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (ranges[mid].first <= addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo && ranges[lo - 1].last >= addr ? lo - 1 : num;
}

__attribute__((noinline)) static bool in_range(const FlatRange *range, hwaddr addr)
{
    return addr >= range->first && addr <= range->last;
}

static void bench_lookup(size_t num)
{
    size_t lookups = quick() ? 1000 : 1000000;
    struct plain *plain = calloc(num, sizeof(*plain));
    hwaddr *addrs = calloc(lookups, sizeof(*addrs));
    double tree[ROUNDS_MAX], array[ROUNDS_MAX], sum = 0;
    struct map map;
    FlatView *view;

    open_map(&map, FLAT, num);
    mount_all(&map);
    for (size_t i = 0; i < num; i++) {
        plain[i] = (struct plain){place(&map, i), place(&map, i) + SLOT / 2 - 1, NULL, 0, {0, 0}};
    }
    for (size_t i = 0; i < lookups; i++) {
        addrs[i] = place(&map, next_random(&map.seed) % num);
    }
    view = address_space_get_flatview(&map.as);
    for (unsigned round = 0; round < rounds(); round++) {
        double start = thread_ns(), middle;

        for (size_t i = 0; i < lookups; i++) {
            sum += flatview_lookup(view, addrs[i]) != NULL;
        }
        middle = thread_ns();
        for (size_t i = 0; i < lookups; i++) {
            sum += plain_find(plain, num, addrs[i]) < num;
        }
        tree[round] = middle - start;
        array[round] = thread_ns() - middle;
    }
    if (sum != 2.0 * (double)lookups * rounds()) {
        abort(); /* one of the two finds less */
    }
    printf("  a random one of %zu ranges: %.0f ns, %.2fx a binary search of a sorted array\n", num,
           median(tree, rounds()) / (double)lookups,
           median(tree, rounds()) / median(array, rounds()));
    flatview_unref(view);
    close_map(&map);
    free(plain);
    free(addrs);
}

/* ---- accesses ---------------------------------------------------------------------------------
 */

struct access_bench {
    struct map map;
    MemoryRegion ram, locked, lockless;
    MemoryOwner owner;
    uint8_t *copy;
};

__attribute__((noinline)) static void copy8(uint8_t *to, const uint8_t *from)
{
    memcpy(to, from, 8);
}

static uint64_t (*volatile bare_read)(void *, hwaddr, unsigned) = device_read;

static void open_access(struct access_bench *bench)
{
    struct ram_block_config config = {.size = 1 << 20};
    RAMBlock *block;

    open_map(&bench->map, FLAT, 16);
    mount_all(&bench->map);
    memory_owner_init(&bench->owner, "bench");
    must(ram_block_new(&bench->map.core, "ram", &config, &block));
    must(memory_region_init_ram(&bench->ram, NULL, "ram", block));
    must(memory_region_init_io(&bench->locked, &bench->map.core, &bench->owner, &device_ops, NULL,
                               "locked", SLOT));
    must(memory_region_init_io(&bench->lockless, &bench->map.core, &bench->owner, &device_ops, NULL,
                               "lockless", SLOT));
    memory_region_set_lockless(&bench->lockless, true);
    must(memory_region_add_subregion(&bench->map.root, 1ULL << 50, &bench->ram));
    must(memory_region_add_subregion(&bench->map.root, 1ULL << 51, &bench->locked));
    must(memory_region_add_subregion(&bench->map.root, 1ULL << 52, &bench->lockless));
    bench->copy = calloc(1, 1 << 20);
}

static void close_access(struct access_bench *bench)
{
    must(memory_region_del_subregion(&bench->map.root, &bench->ram));
    must(memory_region_del_subregion(&bench->map.root, &bench->locked));
    must(memory_region_del_subregion(&bench->map.root, &bench->lockless));
    memory_region_unref(&bench->ram);
    memory_region_unref(&bench->locked);
    memory_region_unref(&bench->lockless);
    close_map(&bench->map);
    memory_owner_finish(&bench->owner);
    free(bench->copy);
}

static double time_rw(struct access_bench *bench, hwaddr addr, uint64_t len, unsigned times)
{
    MemoryAccessCache cache = {0};
    double start = thread_ns();

    for (unsigned i = 0; i < times; i++) {
        (void)address_space_rw_cached(&bench->map.as, &cache, addr, MEMTXATTRS_UNSPECIFIED,
                                      bench->copy, len, false);
    }
    return (thread_ns() - start) / times;
}

/* The floors: what the access does without any memory API around it. */
static double time_floor(struct access_bench *bench, int which, uint64_t len, unsigned times)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    uint8_t *ram = memory_region_get_ram_ptr(&bench->ram);
    double start = thread_ns();
    uint64_t sum = 0;

    for (unsigned i = 0; i < times; i++) {
        if (which == 0) {
            memcpy(bench->copy, ram, len);
            __asm__ volatile("" ::: "memory");
        } else if (which == 1) {
            copy8(bench->copy, ram);
        } else if (which == 2) {
            pthread_mutex_lock(&lock);
            sum += bare_read(NULL, i, 4);
            pthread_mutex_unlock(&lock);
        } else {
            sum += bare_read(NULL, i, 4);
        }
    }
    __asm__ volatile("" ::"r"(sum));
    return (thread_ns() - start) / times;
}

static void bench_access(void)
{
    static const struct {
        const char *name, *floor;
        hwaddr addr;
        uint64_t len;
        int which;
        unsigned times;
    } cases[] = {
        {"64 KiB of RAM", "memcpy", 1ULL << 50, 65536, 0, 20000},
        {"8 bytes of RAM", "an out-of-line copy", 1ULL << 50, 8, 1, 4000000},
        {"a device's register", "the call under a mutex", 1ULL << 51, 4, 2, 4000000},
        {"a lock-free register", "the bare call", 1ULL << 52, 4, 3, 4000000},
    };
    struct access_bench bench;

    open_access(&bench);
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        double ours[ROUNDS_MAX], floor[ROUNDS_MAX], ns;
        unsigned times = quick() ? 100 : cases[c].times;

        for (unsigned i = 0; i < rounds(); i++) {
            ours[i] = time_rw(&bench, cases[c].addr, cases[c].len, times);
            floor[i] = time_floor(&bench, cases[c].which, cases[c].len, times);
        }
        ns = median(ours, rounds());
        printf("  %-22s %9.1f ns  %.2fx %s\n", cases[c].name, ns, ns / median(floor, rounds()),
               cases[c].floor);
    }
    close_access(&bench);
}

/* A repeated hit: the cached path against a range check under the read lock, out of line. */
static void bench_hit(void)
{
    unsigned times = quick() ? 100 : 4000000;
    double ours[ROUNDS_MAX], floor[ROUNDS_MAX], sum = 0;
    struct map map;
    FlatView *view;
    MemoryAccessCache cache = {0};

    open_map(&map, FLAT, quick() ? 100 : 100000);
    mount_all(&map);
    view = address_space_get_flatview(&map.as);
    for (unsigned round = 0; round < rounds(); round++) {
        const FlatRange *range = flatview_lookup(view, place(&map, 7));
        double start = thread_ns();

        for (unsigned i = 0; i < times; i++) {
            memory_read_lock();
            sum += address_space_cache_lookup(&map.as, &cache, place(&map, 7) + (i & 7)) != NULL;
            memory_read_unlock();
        }
        ours[round] = thread_ns() - start;
        start = thread_ns();
        for (unsigned i = 0; i < times; i++) {
            memory_read_lock();
            sum += in_range(range, place(&map, 7) + (i & 7));
            memory_read_unlock();
        }
        floor[round] = thread_ns() - start;
    }
    printf("  a repeated hit: %.1f ns, %.2fx a range check under the read lock (%.0f)\n",
           median(ours, rounds()) / times, median(ours, rounds()) / median(floor, rounds()), sum);
    flatview_unref(view);
    close_map(&map);
}

/* ---- readers beside a committer ---------------------------------------------------------------
 */

struct reader {
    pthread_t thread;
    struct map *map;
    atomic_bool *stop;
    double per_cpu_second;
};

static void *read_on(void *opaque)
{
    struct reader *reader = opaque;
    MemoryAccessCache cache = {0};
    uint64_t seed = 7, num = 0, value;
    double start = thread_ns();

    memory_thread_register();
    while (!atomic_load_explicit(reader->stop, memory_order_relaxed)) {
        hwaddr addr = place(reader->map, next_random(&seed) % (reader->map->num / 2));

        for (int i = 0; i < 16; i++, num++) {
            (void)address_space_rw_cached(&reader->map->as, &cache, addr, MEMTXATTRS_UNSPECIFIED,
                                          &value, 4, false);
        }
    }
    reader->per_cpu_second = (double)num / ((thread_ns() - start) / 1e9);
    memory_thread_unregister();
    return NULL;
}

/* Reads a CPU-second of two threads, beside `commits` commits a second. */
static double time_readers(struct map *map, unsigned commits)
{
    struct reader readers[2];
    atomic_bool stop = false;
    struct timespec pause = {0, commits ? 1000000000L / (long)commits : 0};
    double end = now_ns() + (quick() ? 1e7 : 4e8), sum = 0;

    for (int i = 0; i < 2; i++) {
        readers[i] = (struct reader){.map = map, .stop = &stop};
        must(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]));
    }
    for (unsigned turn = 0; now_ns() < end; turn++) {
        if (commits) {
            must(memory_region_set_enabled(&map->leaves[map->num - 1], turn & 1));
        } else {
            pause.tv_nsec = 1000000;
        }
        nanosleep(&pause, NULL);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(readers[i].thread, NULL);
        sum += readers[i].per_cpu_second;
    }
    return sum;
}

static void bench_readers(size_t num)
{
    double with[ROUNDS_MAX], without[ROUNDS_MAX];
    struct map map;

    open_map(&map, FLAT, num);
    mount_all(&map);
    for (unsigned i = 0; i < rounds(); i++) {
        without[i] = time_readers(&map, 0);
        with[i] = time_readers(&map, 1000);
    }
    printf("  two readers beside 1,000 commits a second keep %.2f of their rate per CPU-second\n",
           median(with, rounds()) / median(without, rounds()));
    close_map(&map);
}

int main(void)
{
    memory_thread_register();
    printf("memory: lookups\n");
    bench_lookup(big_num());
    bench_hit();
    printf("memory: address_space_rw\n");
    bench_access();
    printf("memory: concurrency\n");
    bench_readers(big_num());
    memory_thread_unregister();
    return 0;
}
