/*
 * load_fixture.h - for tests of the loaders: files made of bytes, and a machine with RAM only.
 */
#ifndef ACRE_TESTS_LOAD_FIXTURE_H
#define ACRE_TESTS_LOAD_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
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

/* 16 MiB of dirty RAM with a PC's hole, the border of the two regions at 1.5 MiB. */
static const struct boot_map_entry fixture_map[] = {{0, 0x9ffff, BOOT_MAP_RAM},
                                                    {0xa0000, 0xfffff, BOOT_MAP_RESERVED},
                                                    {0x100000, 0xffffff, BOOT_MAP_RAM}};
#define FIXTURE_BORDER 0x180000U
#define FIXTURE_SIZE 0x1000000U
#define FIXTURE_DIRT 0xa5U

/* A kernel opened and placed; each step's result is left to be looked at. */
struct fixture_kernel {
    struct fixture_machine machine;
    struct boot_config config;
    struct boot_image *image;
    struct boot_entry entry;
    struct error err;
    char why[512];
};

/* load_open of a descriptor, in a machine with the RAM of fixture_map. */
static inline int fixture_open_fd(int fd, enum boot_kind kind, struct boot_image **image, char *why,
                                  size_t why_size, struct error *err)
{
    const struct boot_config config = {
        .path = "kernel", .fd = fd, .kind = kind, .map = fixture_map, .map_num = 3};

    return load_open(&config, image, why, why_size, err);
}

/* Config fields other than fd may be set before (path and map have defaults). */
static inline int fixture_open(struct fixture_kernel *k, const void *data, size_t size)
{
    k->config.path = k->config.path ? k->config.path : "dir/kernel";
    k->config.fd = fixture_file(data, size);
    if (!k->config.map) {
        k->config.map = fixture_map;
        k->config.map_num = 3;
    }
    return load_open(&k->config, &k->image, k->why, sizeof(k->why), &k->err);
}

static inline int fixture_place(struct fixture_kernel *k)
{
    if (!k->machine.as.core) {
        fixture_machine_init(&k->machine, FIXTURE_BORDER, FIXTURE_SIZE - FIXTURE_BORDER);
    }
    return load_place(k->image, &k->machine.as, &k->entry, &k->err);
}

static inline void fixture_load(struct fixture_kernel *k, const void *data, size_t size)
{
    ck_assert_msg(fixture_open(k, data, size) == 0, "%s", k->err.text);
    ck_assert_msg(fixture_place(k) == 0, "%s", k->err.text);
}

static inline void fixture_finish(struct fixture_kernel *k)
{
    load_close(k->image);
    close(k->config.fd);
    if (k->machine.as.core) {
        fixture_machine_finish(&k->machine);
    }
}

static inline uint32_t fixture_u32(struct fixture_kernel *k, uint64_t gpa)
{
    uint32_t value;

    memcpy(&value, fixture_read(&k->machine, gpa, sizeof(value)), sizeof(value));
    return value;
}

static inline uint64_t fixture_u64(struct fixture_kernel *k, uint64_t gpa)
{
    uint64_t value;

    memcpy(&value, fixture_read(&k->machine, gpa, sizeof(value)), sizeof(value));
    return value;
}

static inline const char *fixture_string(struct fixture_kernel *k, uint64_t gpa)
{
    const char *text = (const char *)fixture_read(&k->machine, gpa, 256);

    ck_assert_ptr_nonnull(memchr(text, 0, 256));
    return text;
}

#endif
