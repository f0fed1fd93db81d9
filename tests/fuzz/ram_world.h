/*
 * ram_world.h - an address space with RAM at 0 and nothing else, for targets that read a guest's
 * memory.
 */
#ifndef ACRE_TESTS_FUZZ_RAM_WORLD_H
#define ACRE_TESTS_FUZZ_RAM_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/memory.h"

#define RAM_SIZE (64U << 10)
#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct ram_world {
    struct memory_core core;
    MemoryRegion root, ram;
    AddressSpace as;
    uint8_t *host; /* RAM_SIZE bytes */
};

/* Never NULL, and never freed. */
static inline struct ram_world *ram_world_new(void)
{
    const struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = RAM_SIZE};
    struct ram_world *w = calloc(1, sizeof(*w));
    RAMBlock *block;

    MUST(w);
    memory_thread_register();
    MUST(memory_core_init(&w->core, &(struct memory_core_config){0}) == 0);
    MUST(memory_region_init(&w->root, &w->core, NULL, "system", UINT64_MAX) == 0);
    MUST(ram_block_new(&w->core, "ram", &config, &block) == 0);
    MUST(memory_region_init_ram(&w->ram, NULL, "ram", block) == 0);
    MUST(memory_region_add_subregion(&w->root, 0, &w->ram) == 0);
    MUST(address_space_init(&w->as, &w->core, &w->root, "memory", MEMORY_UNASSIGNED_MEMORY) == 0);
    w->host = block->host;
    return w;
}

/* What RAM holds: the input's bytes, then zeros. */
static inline void ram_world_fill(struct ram_world *w, const uint8_t *data, size_t size)
{
    size_t len = size < RAM_SIZE ? size : RAM_SIZE;

    memset(w->host + len, 0, RAM_SIZE - len);
    memcpy(w->host, data, len);
}

#endif
