/*
 * memory_map.h - maps of many regions for the benchmarks of the memory API: 10^2 to 10^5 leaves in
 * four shapes, and the clocks. Times are CPU times: those of a change with what reclaims the views
 * before it. Every figure is the median of several rounds, the sides of a ratio
 * interleaved. BENCH_QUICK=1 runs each thing once, on small maps: that the benchmark works, no
 * figures.
 */
#ifndef ACRE_TESTS_BENCH_MEMORY_MAP_H
#define ACRE_TESTS_BENCH_MEMORY_MAP_H

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

static inline bool quick(void)
{
    return getenv("BENCH_QUICK") != NULL;
}

static inline unsigned rounds(void)
{
    return quick() ? 1 : 5;
}

static inline size_t big_num(void)
{
    return quick() ? 400 : 100000;
}

static inline uint64_t device_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    return addr + size;
}

static inline void device_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
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

static inline double now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* CPU time, which other work on the machine does not add to: of all threads, of this one. */
static inline double process_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static inline double thread_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static inline int by_value(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

static inline double median(double *values, unsigned num)
{
    qsort(values, num, sizeof(values[0]), by_value);
    return values[num / 2];
}

static inline uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return *seed >> 33;
}

/* What the API says must not fail here, does not. */
static inline void must(int ret)
{
    if (ret) {
        (void)fprintf(stderr, "bench: unexpected error %d\n", ret);
        abort();
    }
}

/* ---- building maps ----------------------------------------------------------------------------
 */

static inline void open_map(struct map *map, enum shape shape, size_t num)
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
static inline MemoryRegion *home(struct map *map, size_t i)
{
    return map->shape == ALIASED && i % 2 ? &map->root : &map->bus;
}

static inline hwaddr place(const struct map *map, size_t i)
{
    return (map->shape == ALIASED && i % 2 ? 1ULL << 48 : 0) + (i + 1) * SLOT;
}

static inline void mount(struct map *map, size_t i)
{
    must(memory_region_add_subregion_overlap(home(map, i), place(map, i), &map->leaves[i],
                                             map->shape == OVERLAP ? (int32_t)(i % 5) : 0));
}

static inline void mount_all(struct map *map)
{
    for (size_t i = 0; i < map->num; i++) {
        mount(map, i);
    }
}

static inline void close_map(struct map *map)
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

#endif
