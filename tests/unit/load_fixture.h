/*
 * load_fixture.h - for tests of the loaders: files made of bytes, and a machine with RAM only.
 */
#ifndef ACRE_TESTS_LOAD_FIXTURE_H
#define ACRE_TESTS_LOAD_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/memory.h"
#include "vmm/load.h"

/* A descriptor of a file with these bytes. The caller closes it. */
static inline int fixture_file(const void *data, size_t size)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    if (size > 0) {
        ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    }
    return fd;
}

/* RAM in two regions next to each other from 0, so that images lie across their border. */
struct fixture_machine {
    struct memory_core core;
    MemoryRegion root, ram[2];
    AddressSpace as;
    uint64_t size;
    uint8_t *copy; /* what fixture_read() read last */
};

static inline void fixture_machine_init(struct fixture_machine *m, uint64_t first_size,
                                        uint64_t second_size)
{
    const uint64_t size[2] = {first_size, second_size};

    memset(m, 0, sizeof(*m));
    memory_thread_register();
    ck_assert_int_eq(memory_core_init(&m->core, &(struct memory_core_config){0}), 0);
    ck_assert_int_eq(memory_region_init(&m->root, &m->core, NULL, "system", UINT64_MAX), 0);
    for (unsigned i = 0; i < 2; i++) {
        const struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = size[i]};
        RAMBlock *block;

        ck_assert_int_eq(ram_block_new(&m->core, i ? "ram1" : "ram0", &config, &block), 0);
        ck_assert_int_eq(memory_region_init_ram(&m->ram[i], NULL, i ? "ram1" : "ram0", block), 0);
        ck_assert_int_eq(memory_region_add_subregion(&m->root, m->size, &m->ram[i]), 0);
        m->size += size[i];
    }
    ck_assert_int_eq(
        address_space_init(&m->as, &m->core, &m->root, "memory", MEMORY_UNASSIGNED_MEMORY), 0);
    /* RAM as a guest leaves it behind */
    ck_assert_uint_eq(address_space_set(&m->as, 0, 0xa5, m->size, MEMTXATTRS_UNSPECIFIED),
                      MEMTX_OK);
}

static inline void fixture_machine_finish(struct fixture_machine *m)
{
    free(m->copy);
    address_space_finish(&m->as);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(memory_region_del_subregion(&m->root, &m->ram[i]), 0);
        memory_region_unref(&m->ram[i]);
    }
    memory_region_unref(&m->root);
    memory_core_finish(&m->core);
    memory_thread_unregister();
}

/* Guest memory as it is now, until the next call. */
static inline const uint8_t *fixture_read(struct fixture_machine *m, uint64_t gpa, size_t len)
{
    m->copy = realloc(m->copy, len ? len : 1);
    ck_assert_uint_eq(address_space_read(&m->as, gpa, MEMTXATTRS_UNSPECIFIED, m->copy, len),
                      MEMTX_OK);
    return m->copy;
}

#endif
