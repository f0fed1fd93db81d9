/*
 * memory.c - what the memory API costs, as ratios measured in this run.
 *
 * Maps of 10^2 to 10^5 leaf regions in four shapes; one change and its commit, building, lookups,
 * accesses, readers beside a committer, memory use. No KVM. Every figure is the median of several
 * rounds, the sides of a ratio interleaved. BENCH_QUICK=1 runs each thing once, on small maps: that
 * the benchmark works, no figures.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memory/memory.h"

#define ROUNDS_MAX 9
#define SLOT 0x1000ULL

enum shape { FLAT, NESTED, ALIASED, OVERLAP, SHAPES };
static const char *const shape_names[SHAPES] = {"flat", "nested 8 deep", "half aliased",
                                                "overlapping"};

struct map {
    struct memory_core core;
    MemoryRegion root, window[8], bus, alias;
    AddressSpace as;
    MemoryRegion *leaves;
    size_t num;
    enum shape shape;
    uint64_t seed;
};

static bool quick;
static unsigned rounds;

static uint64_t device_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    return addr + size;
}

static void device_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)data;
    (void)size;
}

static const MemoryRegionOps device_ops = {
    .read = device_read,
    .write = device_write,
    .valid = {.max_access_size = 8},
    .impl = {.max_access_size = 8},
};

static double now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double thread_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

static double median(double *values, unsigned num)
{
    qsort(values, num, sizeof(values[0]), by_value);
    return values[num / 2];
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return *seed >> 33;
}

/* What the API says must not fail here, does not. */
static void must(int ret)
{
    if (ret) {
        (void)fprintf(stderr, "bench: unexpected error %d\n", ret);
        abort();
    }
}

/* ---- building maps ----------------------------------------------------------------------------
 */

static void open_map(struct map *map, enum shape shape, size_t num)
{
    MemoryRegion *inner;

    *map = (struct map){.shape = shape, .num = num, .seed = 1};
    must(memory_core_init(&map->core, NULL));
    must(memory_region_init(&map->root, &map->core, NULL, "root", UINT64_MAX));
    must(memory_region_init(&map->bus, &map->core, NULL, "bus", 1ULL << 48));
    must(address_space_init(&map->as, &map->core, &map->root, "bench", MEMORY_UNASSIGNED_MEMORY));
    inner = &map->root;
    for (int i = 0; shape == NESTED && i < 8; i++) {
        must(memory_region_init(&map->window[i], &map->core, NULL, "window", 1ULL << 49));
        must(memory_region_add_subregion(inner, SLOT, &map->window[i]));
        inner = &map->window[i];
    }
    must(memory_region_init_alias(&map->alias, NULL, "alias", &map->bus, 0, 1ULL << 48));
    must(memory_region_add_subregion(inner, 0, shape == ALIASED ? &map->alias : &map->bus));
    map->leaves = calloc(num, sizeof(map->leaves[0]));
    for (size_t i = 0; i < num; i++) {
        uint64_t size = shape == OVERLAP ? (1 + next_random(&map->seed) % 3) * SLOT : SLOT / 2;

        must(memory_region_init_io(&map->leaves[i], &map->core, NULL, &device_ops, NULL, "leaf",
                                   size));
    }
}

/* Half of an aliased map's leaves are mounted beside the alias. */
static MemoryRegion *home(struct map *map, size_t i)
{
    return map->shape == ALIASED && i % 2 ? &map->root : &map->bus;
}

static hwaddr place(const struct map *map, size_t i)
{
    return (map->shape == ALIASED && i % 2 ? 1ULL << 48 : 0) + (i + 1) * SLOT;
}

static void mount(struct map *map, size_t i)
{
    must(memory_region_add_subregion_overlap(home(map, i), place(map, i), &map->leaves[i],
                                             map->shape == OVERLAP ? (int32_t)(i % 5) : 0));
}

static void mount_all(struct map *map)
{
    for (size_t i = 0; i < map->num; i++) {
        mount(map, i);
    }
}

static void close_map(struct map *map)
{
    memory_region_transaction_begin(&map->core);
    for (size_t i = 0; i < map->num; i++) {
        must(memory_region_del_subregion(home(map, i), &map->leaves[i]));
    }
    must(memory_region_transaction_commit(&map->core));
    for (size_t i = 0; i < map->num; i++) {
        memory_region_unref(&map->leaves[i]);
    }
    address_space_finish(&map->as);
    memory_region_unref(&map->root);
    for (int i = 0; map->shape == NESTED && i < 8; i++) {
        memory_region_unref(&map->window[i]);
    }
    memory_region_unref(&map->alias);
    memory_region_unref(&map->bus);
    memory_core_finish(&map->core);
    free(map->leaves);
}

/* ---- one change -------------------------------------------------------------------------------
 */

enum change { ENABLE, ADD_DEL, MOVE, RESIZE, PRIORITY, CHANGES };
static const char *const change_names[CHANGES] = {"enable", "add/del", "move", "resize",
                                                  "priority"};

static void change(struct map *map, enum change what, size_t i, unsigned turn)
{
    MemoryRegion *leaf = &map->leaves[i];

    switch (what) {
    case ENABLE:
        must(memory_region_set_enabled(leaf, turn & 1));
        break;
    case ADD_DEL:
        if (turn & 1) {
            mount(map, i);
        } else {
            must(memory_region_del_subregion(home(map, i), leaf));
        }
        break;
    case MOVE:
        must(memory_region_set_address(leaf, place(map, i) + (turn & 1 ? 0 : 0x100)));
        break;
    case RESIZE:
        must(memory_region_set_size(leaf, turn & 1 ? SLOT / 2 : SLOT / 4));
        break;
    case PRIORITY:
        must(memory_region_set_priority(leaf, turn & 1 ? 0 : 1));
        break;
    case CHANGES:
    default:
        break;
    }
}

/* ns of one change and its commit, back and forth on one leaf or on random ones. */
static double time_change(struct map *map, enum change what, bool random_leaf, unsigned pairs)
{
    double start = now_ns();
    size_t i = map->num / 2;

    for (unsigned turn = 0; turn < 2 * pairs; turn++) {
        if (random_leaf && !(turn & 1)) {
            i = next_random(&map->seed) % map->num;
        }
        change(map, what, i, turn);
    }
    return (now_ns() - start) / (2 * pairs);
}

static double time_scratch(struct map *map)
{
    AddressSpace as;
    double start = now_ns(), end;

    must(address_space_init(&as, &map->core, &map->root, "scratch", MEMORY_UNASSIGNED_MEMORY));
    end = now_ns();
    address_space_finish(&as);
    return end - start;
}

static void bench_changes(enum shape shape, size_t small_num, size_t big_num)
{
    unsigned pairs = quick ? 20 : 4000;
    struct map small, big;
    double scratch[ROUNDS_MAX];

    open_map(&small, shape, small_num);
    open_map(&big, shape, big_num);
    mount_all(&small);
    mount_all(&big);
    for (unsigned i = 0; i < rounds; i++) {
        scratch[i] = time_scratch(&big);
    }
    for (enum change what = 0; what < CHANGES; what++) {
        double at_small[2][ROUNDS_MAX], at_big[2][ROUNDS_MAX], same, any;

        if (shape == OVERLAP && what == RESIZE) {
            continue; /* its sizes are random already */
        }
        for (unsigned i = 0; i < rounds; i++) {
            for (int any_leaf = 0; any_leaf < 2; any_leaf++) {
                at_small[any_leaf][i] = time_change(&small, what, any_leaf, pairs);
                at_big[any_leaf][i] = time_change(&big, what, any_leaf, pairs);
            }
        }
        same = median(at_big[0], rounds);
        any = median(at_big[1], rounds);
        printf("  %-14s %-9s %8.2f %8.2f %7.2fx %6.2fx %11.0fx\n", shape_names[shape],
               change_names[what], same / 1e3, any / 1e3, same / median(at_small[0], rounds),
               any / median(at_small[1], rounds), median(scratch, rounds) / any);
    }
    close_map(&small);
    close_map(&big);
}

/* ---- building, and memory ---------------------------------------------------------------------
 */

static double time_build(enum shape shape, size_t num)
{
    struct map map;
    double start, ns;

    open_map(&map, shape, num);
    start = now_ns();
    mount_all(&map);
    ns = (now_ns() - start) / (double)num;
    close_map(&map);
    return ns;
}

static void bench_building(size_t small_num, size_t big_num)
{
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        double at_small[ROUNDS_MAX], at_big[ROUNDS_MAX], big;

        for (unsigned i = 0; i < rounds; i++) {
            at_small[i] = time_build(shape, small_num);
            at_big[i] = time_build(shape, big_num);
        }
        big = median(at_big, rounds);
        printf("  %-14s %8.2f us a region   %.2fx\n", shape_names[shape], big / 1e3,
               big / median(at_small, rounds));
    }
}

static size_t used(struct mallinfo2 info)
{
    return info.uordblks + info.hblkhd;
}

static void bench_memory(size_t num)
{
    struct mallinfo2 before = mallinfo2(), with_leaves, with_view;
    struct map map;

    open_map(&map, FLAT, num);
    with_leaves = mallinfo2();
    mount_all(&map);
    with_view = mallinfo2();
    printf("  %.0f bytes a region (sizeof MemoryRegion %zu), %.0f bytes a flat range, "
           "%llu old views at most\n",
           (double)(used(with_leaves) - used(before)) / (double)num, sizeof(MemoryRegion),
           (double)(used(with_view) - used(with_leaves)) / (double)num,
           (unsigned long long)map.core.counters.views_pending_max);
    close_map(&map);
}

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
    size_t lookups = quick ? 1000 : 1000000;
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
    for (unsigned round = 0; round < rounds; round++) {
        double start = now_ns(), middle;

        for (size_t i = 0; i < lookups; i++) {
            sum += flatview_lookup(view, addrs[i]) != NULL;
        }
        middle = now_ns();
        for (size_t i = 0; i < lookups; i++) {
            sum += plain_find(plain, num, addrs[i]) < num;
        }
        tree[round] = middle - start;
        array[round] = now_ns() - middle;
    }
    if (sum != 2.0 * (double)lookups * rounds) {
        abort(); /* one of the two finds less */
    }
    printf("  a random one of %zu ranges: %.0f ns, %.2fx a binary search of a sorted array\n", num,
           median(tree, rounds) / (double)lookups, median(tree, rounds) / median(array, rounds));
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
    double start = now_ns();

    for (unsigned i = 0; i < times; i++) {
        (void)address_space_rw_cached(&bench->map.as, &cache, addr, MEMTXATTRS_UNSPECIFIED,
                                      bench->copy, len, false);
    }
    return (now_ns() - start) / times;
}

/* The floors: what the access does without any memory API around it. */
static double time_floor(struct access_bench *bench, int which, uint64_t len, unsigned times)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    uint8_t *ram = memory_region_get_ram_ptr(&bench->ram);
    double start = now_ns();
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
    return (now_ns() - start) / times;
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
        unsigned times = quick ? 100 : cases[c].times;

        for (unsigned i = 0; i < rounds; i++) {
            ours[i] = time_rw(&bench, cases[c].addr, cases[c].len, times);
            floor[i] = time_floor(&bench, cases[c].which, cases[c].len, times);
        }
        ns = median(ours, rounds);
        printf("  %-22s %9.1f ns  %.2fx %s\n", cases[c].name, ns, ns / median(floor, rounds),
               cases[c].floor);
    }
    close_access(&bench);
}

/* A repeated hit: the cached path against a range check under the read lock, out of line. */
static void bench_hit(void)
{
    unsigned times = quick ? 100 : 4000000;
    double ours[ROUNDS_MAX], floor[ROUNDS_MAX], sum = 0;
    struct map map;
    FlatView *view;
    MemoryAccessCache cache = {0};

    open_map(&map, FLAT, quick ? 100 : 100000);
    mount_all(&map);
    view = address_space_get_flatview(&map.as);
    for (unsigned round = 0; round < rounds; round++) {
        const FlatRange *range = flatview_lookup(view, place(&map, 7));
        double start = now_ns();

        for (unsigned i = 0; i < times; i++) {
            memory_read_lock();
            sum += address_space_cache_lookup(&map.as, &cache, place(&map, 7) + (i & 7)) != NULL;
            memory_read_unlock();
        }
        ours[round] = now_ns() - start;
        start = now_ns();
        for (unsigned i = 0; i < times; i++) {
            memory_read_lock();
            sum += in_range(range, place(&map, 7) + (i & 7));
            memory_read_unlock();
        }
        floor[round] = now_ns() - start;
    }
    printf("  a repeated hit: %.1f ns, %.2fx a range check under the read lock (%.0f)\n",
           median(ours, rounds) / times, median(ours, rounds) / median(floor, rounds), sum);
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
    double end = now_ns() + (quick ? 1e7 : 4e8), sum = 0;

    for (int i = 0; i < 2; i++) {
        readers[i] = (struct reader){.map = map, .stop = &stop};
        must(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]));
    }
    for (unsigned turn = 0; now_ns() < end; turn++) {
        if (commits) {
            change(map, ENABLE, map->num - 1, turn);
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
    for (unsigned i = 0; i < rounds; i++) {
        without[i] = time_readers(&map, 0);
        with[i] = time_readers(&map, 1000);
    }
    printf("  two readers beside 1,000 commits a second keep %.2f of their rate per CPU-second\n",
           median(with, rounds) / median(without, rounds));
    close_map(&map);
}

int main(void)
{
    size_t small_num = 100, big_num;

    quick = getenv("BENCH_QUICK") != NULL;
    rounds = quick ? 1 : 5;
    big_num = quick ? 400 : 100000;
    memory_thread_register();
    printf("memory: one change and its commit at %zu regions (us: same leaf, random leaf; each over"
           " %zu regions; a render from scratch over it)\n",
           big_num, small_num);
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        bench_changes(shape, small_num, big_num);
    }
    printf("memory: building %zu regions, each its own transaction (over %zu)\n", big_num,
           small_num);
    bench_building(small_num, big_num);
    printf("memory: size\n");
    bench_memory(big_num);
    printf("memory: lookups\n");
    bench_lookup(big_num);
    bench_hit();
    printf("memory: address_space_rw\n");
    bench_access();
    printf("memory: concurrency\n");
    bench_readers(big_num);
    memory_thread_unregister();
    return 0;
}
