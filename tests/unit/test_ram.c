/*
 * RAM blocks: their place in ram_addr_t space, their backings, and how they end.
 */
#include "tests/unit/memory_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STEP = 64 * PAGE };

START_TEST(m61_blocks_have_disjoint_aligned_places_and_reuse_gaps)
{
    struct fixture *f = fixture_new();
    static const uint64_t sizes[] = {PAGE, STEP, STEP + 1, 3 * STEP};
    RAMBlock *blocks[4];

    for (int i = 0; i < 4; i++) {
        blocks[i] = block_new(f, "block", sizes[i]);
        ck_assert_uint_eq(blocks[i]->offset % STEP, 0);
        for (int j = 0; j < i; j++) {
            ck_assert(blocks[j]->offset + blocks[j]->max_length <= blocks[i]->offset ||
                      blocks[i]->offset + blocks[i]->max_length <= blocks[j]->offset);
        }
    }
    for (int gone = 0; gone < 4; gone++) { /* the lowest one, too */
        ram_addr_t offset = blocks[gone]->offset;

        ram_block_unref(blocks[gone]);
        drain_rcu();
        blocks[gone] = block_new(f, "again", sizes[gone]);
        ck_assert_uint_eq(blocks[gone]->offset, offset);
    }
    for (int i = 0; i < 4; i++) {
        ram_block_unref(blocks[i]);
    }
    fixture_free(f);
}
END_TEST

START_TEST(m62_an_inner_host_pointer_finds_its_block)
{
    struct fixture *f = fixture_new();
    RAMBlock *blocks[16], *found;
    uint64_t offset = 1;
    int local = 0;

    for (int i = 0; i < 16; i++) {
        blocks[i] = block_new(f, "block", (uint64_t)(i + 1) * PAGE);
    }
    for (int i = 0; i < 16; i++) {
        uint64_t last = blocks[i]->used_length - 1;

        found = ram_block_from_host(&f->core, blocks[i]->host, &offset);
        ck_assert_ptr_eq(found, blocks[i]);
        ck_assert_uint_eq(offset, 0);
        ram_block_unref(found);
        found = ram_block_from_host(&f->core, blocks[i]->host + last, &offset);
        ck_assert_ptr_eq(found, blocks[i]);
        ck_assert_uint_eq(offset, last);
        ram_block_unref(found);
    }
    ck_assert_ptr_null(ram_block_from_host(&f->core, &local, &offset));
    ck_assert_ptr_null(ram_block_from_host(&f->core, NULL, &offset));
    for (int i = 0; i < 16; i++) {
        ram_block_unref(blocks[i]);
    }
    fixture_free(f);
}
END_TEST

static const struct {
    const char *what;
    struct ram_block_config config;
    int error;
    uint64_t size; /* of the block */
} configs[] = {
    {"one byte", {.backing = RAM_ANONYMOUS, .size = 1}, 0, PAGE},
    {"a page and a byte", {.backing = RAM_ANONYMOUS, .size = PAGE + 1}, 0, 2 * PAGE},
    {"memfd", {.backing = RAM_MEMFD, .size = 5000}, 0, 2 * PAGE},
    {"aligned", {.backing = RAM_ANONYMOUS, .size = PAGE, .align = 1 << 21}, 0, PAGE},
    {"no size", {.backing = RAM_ANONYMOUS, .size = 0}, -EINVAL, 0},
    {"no size, memfd", {.backing = RAM_MEMFD, .size = 0}, -EINVAL, 0},
    {"above 2^63", {.backing = RAM_ANONYMOUS, .size = UINT64_MAX}, -EINVAL, 0},
    {"crooked alignment", {.backing = RAM_ANONYMOUS, .size = PAGE, .align = 3 * PAGE}, -EINVAL, 0},
    {"no pointer", {.backing = RAM_PTR, .size = PAGE}, -EINVAL, 0},
    {"not a descriptor", {.backing = RAM_FD, .size = PAGE, .fd = -1}, -EBADF, 0},
};

START_TEST(m63_sizes_are_rounded_to_pages_and_checked)
{
    struct fixture *f = fixture_new();
    RAMBlock *block = NULL;
    int error = ram_block_new(&f->core, "block", &configs[_i].config, &block);

    ck_assert_msg(error == configs[_i].error, "%s: %d", configs[_i].what, error);
    if (!error) {
        ck_assert_uint_eq(block->used_length, configs[_i].size);
        if (configs[_i].config.align) {
            ck_assert_uint_eq((uintptr_t)block->host % configs[_i].config.align, 0);
        }
        for (uint64_t i = 0; i < block->used_length; i += 512) {
            ck_assert_uint_eq(block->host[i], 0);
        }
        memset(block->host, 0xaa, block->used_length);
    }
    ram_block_unref(block);
    fixture_free(f);
}
END_TEST

START_TEST(a_region_has_the_rounded_size_of_its_block)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 5000);

    ck_assert_uint_eq(memory_region_size(ram), 2 * PAGE);
    fixture_free(f);
}
END_TEST

START_TEST(shared_descriptors_see_what_the_guest_writes)
{
    struct fixture *f = fixture_new();
    int fd = memfd_create("backing", MFD_CLOEXEC);
    struct ram_block_config config = {
        .backing = RAM_FD, .size = PAGE, .fd = fd, .fd_offset = PAGE, .shared = true};
    MemoryRegion *mr = region_alloc();
    RAMBlock *block;
    char text[6] = "";

    ck_assert_int_eq(ftruncate(fd, 2 * PAGE), 0);
    OK(ram_block_new(&f->core, "file", &config, &block));
    close(fd); /* the block has its own */
    OK(memory_region_init_ram(mr, NULL, "file", block));
    put(f->root, 0, adopt(f, mr));
    fd = dup(block->fd);
    address_space_write(&f->as, 8, MEMTXATTRS_UNSPECIFIED, "hello", 6);
    ck_assert_int_eq(pread(fd, text, 6, PAGE + 8), 6);
    ck_assert_str_eq(text, "hello");
    close(fd);
    fixture_free(f);
}
END_TEST

START_TEST(m68_memory_is_unmapped_after_the_last_holder_left)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE);
    uint8_t *host = memory_region_get_ram_ptr(ram);
    unsigned char resident;
    uint64_t offset;

    put(f->root, 0, ram);
    FlatView *view = address_space_get_flatview(&f->as);
    RAMBlock *block = ram_block_from_host(&f->core, host, &offset);
    take_out(f->root, ram);
    disown(f, ram);
    drain_rcu();
    host[0] = 1;
    flatview_unref(view);
    drain_rcu();
    host[0] = 2; /* the block has a reference of its own */
    ram_block_unref(block);
    drain_rcu();
    ck_assert_int_eq(mincore(host, PAGE, &resident), -1);
    ck_assert_int_eq(errno, ENOMEM); /* nothing is mapped there */
    ck_assert_ptr_null(ram_block_from_host(&f->core, host, &offset));
    fixture_free(f);
}
END_TEST

START_TEST(m68_a_callers_memory_is_never_unmapped)
{
    struct fixture *f = fixture_new();
    uint8_t *ptr = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct ram_block_config config = {.backing = RAM_PTR, .size = PAGE, .ptr = ptr};
    RAMBlock *block;

    OK(ram_block_new(&f->core, "mine", &config, &block));
    ck_assert_ptr_eq(block->host, ptr);
    ram_block_unref(block);
    drain_rcu();
    ptr[0] = 5;
    ck_assert_int_eq(munmap(ptr, PAGE), 0);
    fixture_free(f);
}
END_TEST

START_TEST(a_failed_block_leaves_nothing)
{
    struct fixture *f = fixture_new();
    struct ram_block_config config = {.backing = RAM_MEMFD, .size = PAGE};
    RAMBlock *block;
    unsigned n = 0;
    int error;

    do {
        f->core.fail_alloc = ++n;
        error = ram_block_new(&f->core, "block", &config, &block);
        ck_assert(error == 0 || error == -ENOMEM);
    } while (error);
    ck_assert_uint_gt(n, 1);
    f->core.fail_alloc = 0;
    ram_block_unref(block);
    fixture_free(f);
}
END_TEST

/* A file that may only be read, as RAM or as a ROM device. */
static MemoryRegion *read_only_file(struct fixture *f, bool romd)
{
    struct ram_block_config config = {
        .backing = RAM_FD, .size = PAGE, .readonly = true, .shared = true};
    MemoryRegion *mr = region_alloc();
    RAMBlock *block;

    config.fd = memfd_create("file", MFD_CLOEXEC);
    ck_assert_int_ge(config.fd, 0);
    OK(ftruncate(config.fd, PAGE));
    OK(ram_block_new(&f->core, "file", &config, &block));
    (void)close(config.fd);
    if (romd) {
        OK(memory_region_init_rom_device(mr, NULL, io_new(f, "ops", 1)->ops, NULL, "file", block));
    } else {
        OK(memory_region_init_ram(mr, NULL, "file", block));
    }
    return adopt(f, mr);
}

/* Each way there is would end acre by a signal. */
START_TEST(m45_memory_mapped_read_only_is_written_by_nobody)
{
    struct fixture *f = fixture_new();
    MemoryRegion *mr = read_only_file(f, _i);
    uint64_t len = PAGE;
    uint8_t value = 1, *host;

    put(f->root, 0, mr);
    (void)address_space_write_rom(&f->as, 0, MEMTXATTRS_UNSPECIFIED, &value, 1);
    (void)address_space_write(&f->as, 0, MEMTXATTRS_DEBUG, &value, 1);
    (void)address_space_write(&f->as, 0, MEMTXATTRS_UNSPECIFIED, &value, 1);
    if (!_i) {
        ck_assert_uint_eq(address_space_write(&f->as, 0, MEMTXATTRS_DEBUG, &value, 1),
                          MEMTX_DECODE_ERROR);
        expect_view(&f->as, "0-fff file ro\n");
        ck_assert_int_eq(memory_region_set_readonly(mr, false), -EINVAL);
        OK(memory_region_set_readonly(mr, true));
        expect_view(&f->as, "0-fff file ro\n");
        host = address_space_map(&f->as, 0, &len, true, MEMTXATTRS_UNSPECIFIED);
        ck_assert_ptr_ne(host, memory_region_get_ram_ptr(mr));
        (void)address_space_unmap(&f->as, host, len, true, 1);
    }
    ck_assert_uint_eq(*(uint8_t *)memory_region_get_ram_ptr(mr), 0);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ram");
    TCase *tcase = tcase_create("ram");

    tcase_add_test(tcase, m61_blocks_have_disjoint_aligned_places_and_reuse_gaps);
    tcase_add_test(tcase, m62_an_inner_host_pointer_finds_its_block);
    tcase_add_loop_test(tcase, m63_sizes_are_rounded_to_pages_and_checked, 0,
                        (int)(sizeof(configs) / sizeof(configs[0])));
    tcase_add_test(tcase, a_region_has_the_rounded_size_of_its_block);
    tcase_add_test(tcase, shared_descriptors_see_what_the_guest_writes);
    tcase_add_test(tcase, m68_memory_is_unmapped_after_the_last_holder_left);
    tcase_add_test(tcase, m68_a_callers_memory_is_never_unmapped);
    tcase_add_test(tcase, a_failed_block_leaves_nothing);
    tcase_add_loop_test(tcase, m45_memory_mapped_read_only_is_written_by_nobody, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
