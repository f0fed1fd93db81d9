/* fw_cfg: what each item holds, how it is read, and transfers, hostile ones included. */
#include "devices/fw_cfg.h"

#include <errno.h>
#include <stdio.h>

#include "memory/ram.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum {
    RAM_SIZE = 0x10000,
    MMIO = 0x20000, /* a device, to 0x30000 */
    ROM = 0x30000,
    DESCRIPTOR = 0x1000,
    BUFFER = 0x2000,
};

#define LARGE (UINT64_C(1) << 33) /* a device again, of that size */
#define TOP (UINT64_MAX - 0xfff)  /* the last page of RAM again */

static struct fake_bus bus;
static MemoryRegion memory_root, ram, rom, mmio, large, top;
static AddressSpace memory;
static struct fw_cfg dev;
static unsigned mmio_accesses;

static uint64_t mmio_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)size;
    mmio_accesses++;
    return 0;
}

static void mmio_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)data;
    (void)mmio_read(opaque, addr, size);
}

static const MemoryRegionOps mmio_ops = {.read = mmio_read, .write = mmio_write};

static RAMBlock *new_block(uint64_t size)
{
    const struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = size};
    RAMBlock *block;

    ck_assert_int_eq(ram_block_new(&bus.core, "block", &config, &block), 0);
    return block;
}

static void make_memory(void)
{
    ck_assert_int_eq(memory_region_init(&memory_root, &bus.core, NULL, "memory", UINT64_MAX), 0);
    ck_assert_int_eq(memory_region_init_ram(&ram, NULL, "ram", new_block(RAM_SIZE)), 0);
    ck_assert_int_eq(memory_region_init_rom(&rom, NULL, "rom", new_block(4096)), 0);
    ck_assert_int_eq(
        memory_region_init_io(&mmio, &bus.core, NULL, &mmio_ops, NULL, "mmio", RAM_SIZE), 0);
    ck_assert_int_eq(
        memory_region_init_io(&large, &bus.core, NULL, &mmio_ops, NULL, "large", LARGE), 0);
    ck_assert_int_eq(memory_region_init_alias(&top, NULL, "top", &ram, RAM_SIZE - 0x1000, 0x1000),
                     0);
    ck_assert_int_eq(memory_region_add_subregion(&memory_root, LARGE, &large), 0);
    ck_assert_int_eq(memory_region_add_subregion(&memory_root, TOP, &top), 0);
    ck_assert_int_eq(memory_region_add_subregion(&memory_root, 0, &ram), 0);
    ck_assert_int_eq(memory_region_add_subregion(&memory_root, MMIO, &mmio), 0);
    ck_assert_int_eq(memory_region_add_subregion(&memory_root, ROM, &rom), 0);
    ck_assert_int_eq(
        address_space_init(&memory, &bus.core, &memory_root, "memory", MEMORY_UNASSIGNED_MEMORY),
        0);
}

static const struct fw_cfg_file files[] = {
    {"opt/b", "second", 6},
    {"opt/a", "first!!", 7},
    {"etc/e820", "map", 3},
    {"opt/empty", "", 0},
};

static const struct fw_cfg_config config = {
    .memory = &memory,
    .ram_size = 0x123456789000,
    .cpu_num = 3,
    .cpu_num_max = 0x104,
    .cmdline = "a b",
    .files = files,
    .file_num = 4,
};

static void setup(void)
{
    fake_bus_init(&bus);
    make_memory();
    mmio_accesses = 0;
    ck_assert_int_eq(fw_cfg_init(&dev, &bus.core, &config), 0);
    fake_bus_mount(&bus, 0x510, &dev.mr_ports);
    fake_bus_mount(&bus, 0x514, &dev.mr_dma);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &dev.mr_ports);
    fake_bus_unmount(&bus, &dev.mr_dma);
    fw_cfg_finish(&dev);
    address_space_finish(&memory);
    ck_assert_int_eq(memory_region_del_subregion(&memory_root, &ram), 0);
    ck_assert_int_eq(memory_region_del_subregion(&memory_root, &rom), 0);
    ck_assert_int_eq(memory_region_del_subregion(&memory_root, &mmio), 0);
    ck_assert_int_eq(memory_region_del_subregion(&memory_root, &large), 0);
    ck_assert_int_eq(memory_region_del_subregion(&memory_root, &top), 0);
    memory_region_unref(&top);
    memory_region_unref(&large);
    memory_region_unref(&ram);
    memory_region_unref(&rom);
    memory_region_unref(&mmio);
    memory_region_unref(&memory_root);
    fake_bus_finish(&bus);
}

static void select_item(uint16_t key)
{
    ck_assert_uint_eq(bus_out(&bus, 0x510, 2, key), MEMTX_OK);
}

static uint8_t next(void)
{
    return (uint8_t)bus_in(&bus, 0x511, 1, NULL);
}

static void check_bytes(const void *expected, size_t len)
{
    const uint8_t *bytes = expected;

    for (size_t i = 0; i < len; i++) {
        ck_assert_msg(next() == bytes[i], "byte %zu", i);
    }
}

static const struct {
    uint16_t key;
    const char *bytes;
    size_t size;
} items[] = {
    {FW_CFG_SIGNATURE, "QEMU", 4},
    {FW_CFG_ID, "\3\0\0\0", 4},
    {FW_CFG_RAM_SIZE, "\0\x90\x78\x56\x34\x12\0\0", 8},
    {FW_CFG_NOGRAPHIC, "\1\0", 2},
    {FW_CFG_NB_CPUS, "\3\0", 2},
    {FW_CFG_MAX_CPUS, "\4\1", 2},
    {FW_CFG_CMDLINE_SIZE, "\4\0\0\0", 4},
    {FW_CFG_CMDLINE_DATA, "a b", 4},
    {0x4000 | FW_CFG_SIGNATURE, "QEMU", 4}, /* for writing, which changes nothing */
    {FW_CFG_FILE_FIRST + 0, "map", 3},
    {FW_CFG_FILE_FIRST + 1, "first!!", 7},
    {FW_CFG_FILE_FIRST + 2, "second", 6},
};

START_TEST(item_reads_as_its_bytes_then_zeros)
{
    select_item(items[_i].key);
    check_bytes(items[_i].bytes, items[_i].size);
    check_bytes("\0\0\0", 3);
    select_item(items[_i].key);
    check_bytes(items[_i].bytes, items[_i].size);
}
END_TEST

/* No kernel (7-9), nothing of the architecture's own (bit 15), beyond the last, the empty file. */
static const uint16_t empty[] = {0x02,   0x07,   0x08,   0x09,   0x0a,   0x1a,   0x23,  0x3f,
                                 0x0040, 0x3fff, 0x7fff, 0x8000, 0x8003, 0xbfff, 0xffff};

START_TEST(other_keys_are_empty)
{
    select_item(empty[_i]);
    check_bytes("\0\0\0\0", 4);
}
END_TEST

START_TEST(signature_is_selected_at_first_and_after_reset)
{
    check_bytes("QE", 2);
    select_item(FW_CFG_ID);
    fw_cfg_reset(&dev);
    check_bytes("QEMU", 4);
}
END_TEST

START_TEST(selector_port_reads_as_the_data_port)
{
    ck_assert_uint_eq(bus_in(&bus, 0x510, 1, NULL), 'Q');
    ck_assert_uint_eq(next(), 'E');
}
END_TEST

START_TEST(string_input_takes_the_next_bytes)
{
    uint8_t buf[6];

    ck_assert_uint_eq(address_space_rw_items(&bus.as, &(MemoryAccessCache){0}, 0x511,
                                             MEMTXATTRS_UNSPECIFIED, buf, 1, 6, false),
                      MEMTX_OK);
    ck_assert_mem_eq(buf, "QEMU\0\0", 6);
}
END_TEST

START_TEST(word_reads_are_refused)
{
    MemTxResult result;

    ck_assert_uint_eq(bus_in(&bus, 0x510, 2, &result), 0);
    ck_assert_uint_eq(result, MEMTX_DECODE_ERROR);
    ck_assert_msg(next() == 'Q', "and take no byte");
}
END_TEST

START_TEST(bytes_written_are_ignored)
{
    select_item(0x4000 | FW_CFG_NB_CPUS);
    ck_assert_uint_eq(bus_out(&bus, 0x511, 1, 0xff), MEMTX_OK);
    ck_assert_uint_eq(bus_out(&bus, 0x510, 1, FW_CFG_SIGNATURE), MEMTX_OK);
    check_bytes("\3\0", 2);
}
END_TEST

static const struct {
    const char *name;
    uint8_t size, key;
} entries[] = {
    {"etc/e820", 3, 0x20}, {"opt/a", 7, 0x21}, {"opt/b", 6, 0x22}, {"opt/empty", 0, 0x23}};

START_TEST(directory_lists_files_by_name)
{
    uint8_t entry[64];

    select_item(FW_CFG_FILE_DIR);
    check_bytes("\0\0\0\4", 4);
    for (size_t i = 0; i < 4; i++) {
        memset(entry, 0, sizeof(entry));
        entry[3] = entries[i].size;
        entry[5] = entries[i].key;
        strcpy((char *)entry + 8, entries[i].name);
        check_bytes(entry, sizeof(entry));
    }
    memset(entry, 0, sizeof(entry));
    check_bytes(entry, sizeof(entry));
}
END_TEST

/* Tries files named by a format and a number, without the device that is there. */
static int try_files(const char *format, size_t num)
{
    static char names[FW_CFG_FILES_MAX + 1][80];
    struct fw_cfg_file many[FW_CFG_FILES_MAX + 1];
    struct fw_cfg_config other = {.memory = &memory, .files = many, .file_num = num};
    static struct fw_cfg others[2]; /* storage lasts until the core ends */
    static unsigned used;
    struct fw_cfg *second = &others[used++ % 2];
    int ret;

    for (size_t i = 0; i < num; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "%s%zu", format, i);
        many[i] = (struct fw_cfg_file){names[i], "x", 1};
    }
    ret = fw_cfg_init(second, &bus.core, &other);
    if (ret == 0) {
        fw_cfg_finish(second);
    }
    return ret;
}

START_TEST(as_many_files_as_there_are_keys_and_no_more)
{
    ck_assert_int_eq(try_files("f", FW_CFG_FILES_MAX), 0);
    ck_assert_int_eq(try_files("f", FW_CFG_FILES_MAX + 1), -ENOSPC);
}
END_TEST

START_TEST(names_have_1_to_55_bytes_and_are_unique)
{
    const struct fw_cfg_file same[] = {{"b", "", 0}, {"a", "", 0}, {"b", "", 0}};
    struct fw_cfg_config other = {.memory = &memory, .files = same, .file_num = 3};
    static struct fw_cfg second;
    char name[57];

    ck_assert_int_eq(fw_cfg_init(&second, &bus.core, &other), -EEXIST);
    other.files = &(const struct fw_cfg_file){"", "", 0};
    other.file_num = 1;
    ck_assert_int_eq(fw_cfg_init(&second, &bus.core, &other), -EINVAL);
    memset(name, 'n', sizeof(name));
    name[54] = '\0';
    ck_assert_int_eq(try_files(name, 1), 0);
    name[54] = 'n';
    name[55] = '\0';
    ck_assert_int_eq(try_files(name, 1), -EINVAL);
}
END_TEST

/* A descriptor in guest memory, and what starts it. */
static uint8_t *host(hwaddr addr)
{
    return (uint8_t *)memory_region_get_ram_ptr(&ram) + addr;
}

static void put_descriptor(hwaddr at, uint32_t control, uint32_t len, uint64_t addr)
{
    control = __builtin_bswap32(control);
    len = __builtin_bswap32(len);
    addr = __builtin_bswap64(addr);
    memcpy(host(at), &control, 4);
    memcpy(host(at) + 4, &len, 4);
    memcpy(host(at) + 8, &addr, 8);
}

static uint32_t control_word(hwaddr at)
{
    uint32_t control;

    memcpy(&control, host(at), 4);
    return __builtin_bswap32(control);
}

/* Returns: the control word afterwards. */
static uint32_t transfer(uint32_t control, uint32_t len, uint64_t addr)
{
    put_descriptor(DESCRIPTOR, control, len, addr);
    ck_assert_uint_eq(bus_out(&bus, 0x518, 4, __builtin_bswap32(DESCRIPTOR)), MEMTX_OK);
    return control_word(DESCRIPTOR);
}

START_TEST(dma_register_reads_as_a_signature_in_any_width)
{
    ck_assert_uint_eq(bus_in(&bus, 0x514, 4, NULL), 0x554d4551); /* the bytes QEMU */
    ck_assert_uint_eq(bus_in(&bus, 0x518, 4, NULL), 0x47464320); /* and CFG behind a space */
    ck_assert_uint_eq(bus_in(&bus, 0x51a, 2, NULL), 0x4746);
    ck_assert_uint_eq(bus_in(&bus, 0x519, 1, NULL), 'C');
}
END_TEST

START_TEST(dma_selects_reads_and_fills_with_zeros)
{
    memset(host(BUFFER), 0xee, 32);
    ck_assert_uint_eq(transfer(FW_CFG_DMA_SELECT | FW_CFG_DMA_READ | 0x21 << 16, 10, BUFFER), 0);
    ck_assert_mem_eq(host(BUFFER), "first!!\0\0\0\xee", 11);
    ck_assert_uint_eq(transfer(FW_CFG_DMA_READ, 2, BUFFER), 0);
    ck_assert_msg(memcmp(host(BUFFER), "\0\0r", 3) == 0, "the item is at its end");
}
END_TEST

START_TEST(dma_goes_on_where_the_data_port_was_and_back)
{
    select_item(0x22);
    check_bytes("se", 2);
    ck_assert_uint_eq(transfer(FW_CFG_DMA_READ, 2, BUFFER), 0);
    ck_assert_mem_eq(host(BUFFER), "co\0", 3);
    check_bytes("nd\0", 3);
}
END_TEST

START_TEST(dma_skips_up_to_the_end)
{
    ck_assert_uint_eq(transfer(FW_CFG_DMA_SELECT | FW_CFG_DMA_SKIP | 0x22 << 16, 4, BUFFER), 0);
    check_bytes("n", 1);
    ck_assert_uint_eq(transfer(FW_CFG_DMA_SKIP, UINT32_MAX, BUFFER), 0);
    check_bytes("\0", 1);
    ck_assert_uint_eq(transfer(FW_CFG_DMA_SELECT | 0x22 << 16, 4, BUFFER), 0);
    check_bytes("second", 6);
    ck_assert_uint_eq(control_word(BUFFER), 0);
}
END_TEST

START_TEST(dma_read_goes_before_write_and_write_before_skip)
{
    memcpy(host(BUFFER), "0000", 4);
    select_item(0x22);
    ck_assert_uint_eq(transfer(FW_CFG_DMA_READ | FW_CFG_DMA_WRITE | FW_CFG_DMA_SKIP, 1, BUFFER), 0);
    ck_assert_mem_eq(host(BUFFER), "s000", 4);
    ck_assert_uint_eq(transfer(FW_CFG_DMA_WRITE | FW_CFG_DMA_SKIP, 1, BUFFER), FW_CFG_DMA_ERROR);
    check_bytes("econd", 5);
}
END_TEST

START_TEST(dma_writes_nothing_into_items)
{
    uint32_t control = FW_CFG_DMA_SELECT | FW_CFG_DMA_WRITE | 0x4022 << 16;

    memcpy(host(BUFFER), "abcdef", 6);
    ck_assert_uint_eq(transfer(control, 6, BUFFER), FW_CFG_DMA_ERROR);
    check_bytes("second", 6);
    ck_assert_uint_eq(transfer(control, 0, BUFFER), 0);
}
END_TEST

START_TEST(high_half_of_the_address_counts_once)
{
    put_descriptor(DESCRIPTOR, FW_CFG_DMA_READ, 4, BUFFER);
    bus_out(&bus, 0x514, 4, __builtin_bswap32(1));
    ck_assert_msg(control_word(DESCRIPTOR) == FW_CFG_DMA_READ, "the high half starts nothing");
    bus_out(&bus, 0x518, 4, __builtin_bswap32(DESCRIPTOR));
    ck_assert_msg(control_word(DESCRIPTOR) == FW_CFG_DMA_READ, "there is nothing above 4 GiB");
    bus_out(&bus, 0x518, 4, __builtin_bswap32(DESCRIPTOR));
    ck_assert_uint_eq(control_word(DESCRIPTOR), 0);
    ck_assert_mem_eq(host(BUFFER), "QEMU", 4);
    bus_out(&bus, 0x514, 4, __builtin_bswap32(1));
    fw_cfg_reset(&dev);
    ck_assert_msg(transfer(FW_CFG_DMA_SKIP, 0, 0) == 0, "reset forgets it");
}
END_TEST

START_TEST(address_may_come_as_one_quad)
{
    uint64_t addr = __builtin_bswap64(DESCRIPTOR);

    put_descriptor(DESCRIPTOR, FW_CFG_DMA_READ, 4, BUFFER);
    ck_assert_uint_eq(address_space_write(&bus.as, 0x514, MEMTXATTRS_UNSPECIFIED, &addr, 8),
                      MEMTX_OK);
    ck_assert_mem_eq(host(BUFFER), "QEMU", 4);
}
END_TEST

static const uint16_t narrow[][2] = {{0x514, 1}, {0x514, 2}, {0x518, 1}, {0x51a, 2}, {0x51b, 1}};

START_TEST(narrow_writes_of_the_address_are_refused)
{
    put_descriptor(0, FW_CFG_DMA_READ, 4, BUFFER);
    ck_assert_uint_eq(bus_out(&bus, narrow[_i][0], narrow[_i][1], 0), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(control_word(0), FW_CFG_DMA_READ);
}
END_TEST

/* The item has 6 bytes, so that most of each is zeros. */
static const struct {
    uint64_t addr;
    uint32_t len;
} bad_targets[] = {
    {MMIO, 6},
    {MMIO, UINT32_MAX},
    {ROM, 6},
    {RAM_SIZE, 1},
    {RAM_SIZE - 2, 6},
    {RAM_SIZE - 6, 7},
    {0x100000, UINT32_MAX},
    {LARGE, UINT32_MAX},
    {UINT64_MAX, 2},
    {UINT64_MAX - 5, 7}, /* there is RAM at the end, and at 0 */
    {UINT64_MAX - 1, UINT32_MAX},
};

START_TEST(transfer_ends_where_there_is_no_ram)
{
    memset(host(0), 0xee, 8);
    ck_assert_uint_eq(transfer(FW_CFG_DMA_SELECT | FW_CFG_DMA_READ | 0x22 << 16,
                               bad_targets[_i].len, bad_targets[_i].addr),
                      FW_CFG_DMA_ERROR);
    ck_assert_uint_eq(mmio_accesses, 0);
    ck_assert_mem_eq(host(0), "\xee\xee\xee\xee\xee\xee\xee\xee", 8);
}
END_TEST

/* To try all of it would take longer than a test may. */
START_TEST(zeros_end_at_the_first_error)
{
    ck_assert_uint_eq(transfer(FW_CFG_DMA_SELECT | FW_CFG_DMA_READ | 0x3f << 16, UINT32_MAX, LARGE),
                      FW_CFG_DMA_ERROR);
    ck_assert_uint_eq(mmio_accesses, 0);
}
END_TEST

START_TEST(transfer_of_all_of_ram_is_carried_out)
{
    memset(host(0), 0xee, RAM_SIZE);
    ck_assert_uint_eq(transfer(FW_CFG_DMA_READ, RAM_SIZE, 0), 0);
    ck_assert_mem_eq(host(0), "QEMU\0", 5);
    ck_assert_uint_eq(*host(RAM_SIZE - 1), 0);
}
END_TEST

START_TEST(transfer_reaches_the_last_address)
{
    ck_assert_uint_eq(transfer(FW_CFG_DMA_SELECT | FW_CFG_DMA_READ | 0x22 << 16, 6, UINT64_MAX - 5),
                      0);
    ck_assert_mem_eq(host(RAM_SIZE - 6), "second", 6);
}
END_TEST

START_TEST(descriptor_that_cannot_be_read_does_nothing)
{
    static const uint32_t addrs[] = {MMIO, RAM_SIZE - 8, RAM_SIZE, 0xfffffff8};

    select_item(0x22);
    for (size_t i = 0; i < 4; i++) {
        bus_out(&bus, 0x518, 4, __builtin_bswap32(addrs[i]));
    }
    ck_assert_uint_eq(mmio_accesses, 0);
    ck_assert_uint_eq(control_word(RAM_SIZE - 8), FW_CFG_DMA_ERROR);
    check_bytes("second", 6);
}
END_TEST

START_TEST(descriptor_may_be_overwritten_by_what_it_asks_for)
{
    ck_assert_uint_eq(transfer(FW_CFG_DMA_READ, 16, DESCRIPTOR), 0);
    ck_assert_mem_eq(host(DESCRIPTOR), "\0\0\0\0\0\0", 6);
}
END_TEST

START_TEST(finish_takes_a_zeroed_device)
{
    fw_cfg_finish(&(struct fw_cfg){0});
}
END_TEST

static TCase *dma_case(void)
{
    TCase *tc = tcase_create("dma");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, dma_register_reads_as_a_signature_in_any_width);
    tcase_add_test(tc, dma_selects_reads_and_fills_with_zeros);
    tcase_add_test(tc, dma_goes_on_where_the_data_port_was_and_back);
    tcase_add_test(tc, dma_skips_up_to_the_end);
    tcase_add_test(tc, dma_read_goes_before_write_and_write_before_skip);
    tcase_add_test(tc, dma_writes_nothing_into_items);
    tcase_add_test(tc, high_half_of_the_address_counts_once);
    tcase_add_test(tc, address_may_come_as_one_quad);
    tcase_add_table_test(tc, narrow_writes_of_the_address_are_refused, narrow);
    tcase_add_table_test(tc, transfer_ends_where_there_is_no_ram, bad_targets);
    tcase_add_test(tc, zeros_end_at_the_first_error);
    tcase_add_test(tc, transfer_of_all_of_ram_is_carried_out);
    tcase_add_test(tc, transfer_reaches_the_last_address);
    tcase_add_test(tc, descriptor_that_cannot_be_read_does_nothing);
    tcase_add_test(tc, descriptor_may_be_overwritten_by_what_it_asks_for);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("fw_cfg");
    TCase *tc = tcase_create("items");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_table_test(tc, item_reads_as_its_bytes_then_zeros, items);
    tcase_add_table_test(tc, other_keys_are_empty, empty);
    tcase_add_test(tc, signature_is_selected_at_first_and_after_reset);
    tcase_add_test(tc, selector_port_reads_as_the_data_port);
    tcase_add_test(tc, string_input_takes_the_next_bytes);
    tcase_add_test(tc, word_reads_are_refused);
    tcase_add_test(tc, bytes_written_are_ignored);
    tcase_add_test(tc, directory_lists_files_by_name);
    tcase_add_test(tc, as_many_files_as_there_are_keys_and_no_more);
    tcase_add_test(tc, names_have_1_to_55_bytes_and_are_unique);
    tcase_add_test(tc, finish_takes_a_zeroed_device);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, dma_case());
    return run_suite(suite);
}
