/* pc-testdev: the word through both windows, interrupt lines, the flush port, and the memory. */
#include "devices/pc_testdev.h"

#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum { WORD = 0xe0, FLUSH = 0xe4, BYTES = 0xe8, IRQ = 0x2000, IOMEM = 0x3000 /* on this bus */ };

static struct fake_bus bus;
static struct fake_irq irqs[PC_TESTDEV_IRQ_NUM];
static struct pc_testdev dev;
static MemoryRegion iomem; /* the first 4 KiB of the window */
static hwaddr flushed;
static unsigned flushes;

static void flush_page(void *opaque, hwaddr addr)
{
    ck_assert_ptr_eq(opaque, &flushed);
    flushed = addr;
    flushes++;
}

static void setup(void)
{
    struct pc_testdev_config config = {.flush_page = flush_page, .opaque = &flushed};

    flushes = 0;
    fake_bus_init(&bus);
    memset(irqs, 0, sizeof(irqs));
    for (unsigned i = 0; i < PC_TESTDEV_IRQ_NUM; i++) {
        config.irqs[i] = fake_irq_line(&irqs[i]);
    }
    ck_assert_int_eq(pc_testdev_init(&dev, &bus.core, &config), 0);
    ck_assert_int_eq(memory_region_init_alias(&iomem, NULL, "window", &dev.mr_iomem, 0, 0x1000), 0);
    fake_bus_mount(&bus, WORD, &dev.mr_ioport);
    fake_bus_mount(&bus, FLUSH, &dev.mr_flush);
    fake_bus_mount(&bus, BYTES, &dev.mr_ioport_byte);
    fake_bus_mount(&bus, IRQ, &dev.mr_irq);
    fake_bus_mount(&bus, IOMEM, &iomem);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &dev.mr_ioport);
    fake_bus_unmount(&bus, &dev.mr_flush);
    fake_bus_unmount(&bus, &dev.mr_ioport_byte);
    fake_bus_unmount(&bus, &dev.mr_irq);
    fake_bus_unmount(&bus, &iomem);
    memory_region_unref(&iomem);
    pc_testdev_finish(&dev);
    fake_bus_finish(&bus);
}

static const struct {
    hwaddr addr;
    unsigned size;
    uint32_t value, word; /* what 0x33221100 becomes */
} writes[] = {
    {WORD, 1, 0xaa, 0x332211aa},        {WORD + 1, 1, 0xaa, 0x3322aa00},
    {WORD + 3, 1, 0xaa, 0xaa221100},    {WORD, 2, 0xaabb, 0x3322aabb},
    {WORD + 1, 2, 0xaabb, 0x33aabb00},  {WORD + 2, 2, 0xaabb, 0xaabb1100},
    {WORD, 4, 0xaabbccdd, 0xaabbccdd},  {BYTES, 1, 0xaa, 0x332211aa},
    {BYTES + 2, 1, 0xaa, 0x33aa1100},   {BYTES, 2, 0xaabb, 0x3322aabb},
    {BYTES + 2, 2, 0xaabb, 0xaabb1100}, {BYTES, 4, 0xaabbccdd, 0xaabbccdd},
};

START_TEST(word_takes_any_width_in_both_windows)
{
    bus_out(&bus, WORD, 4, 0x33221100);
    ck_assert_uint_eq(bus_out(&bus, writes[_i].addr, writes[_i].size, writes[_i].value), MEMTX_OK);
    ck_assert_uint_eq(bus_in(&bus, WORD, 4, NULL), writes[_i].word);
    ck_assert_uint_eq(bus_in(&bus, BYTES, 4, NULL), writes[_i].word);
    ck_assert_uint_eq(bus_in(&bus, writes[_i].addr, writes[_i].size, NULL), writes[_i].value);
}
END_TEST

START_TEST(second_window_is_reached_byte_by_byte)
{
    ck_assert_uint_eq(dev.mr_ioport.unit_sizes, 1 | 2 | 4);
    ck_assert_uint_eq(dev.mr_ioport_byte.unit_sizes, 1);
}
END_TEST

START_TEST(flush_port_takes_an_address_and_reads_0)
{
    MemTxResult result;

    bus_out(&bus, WORD, 4, 0x33221100);
    ck_assert_uint_eq(bus_out(&bus, FLUSH, 4, 0xfffff123), MEMTX_OK);
    ck_assert_uint_eq(flushed, 0xfffff000);
    ck_assert_uint_eq(bus_in(&bus, FLUSH, 4, &result), 0);
    ck_assert_uint_eq(result, MEMTX_OK);
    ck_assert_uint_eq(bus_out(&bus, FLUSH, 1, 0), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(bus_out(&bus, FLUSH, 2, 0), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(bus_in(&bus, WORD, 4, NULL), 0x33221100);
    ck_assert_uint_eq(flushes, 1);
    dev.config.flush_page = NULL;
    ck_assert_uint_eq(bus_out(&bus, FLUSH, 4, 0x1000), MEMTX_OK);
}
END_TEST

START_TEST(each_port_sets_its_interrupt_line)
{
    unsigned other = (unsigned)(_i + 1) % PC_TESTDEV_IRQ_NUM;

    ck_assert_uint_eq(bus_out(&bus, IRQ + (unsigned)_i, 1, 1), MEMTX_OK);
    ck_assert(irqs[_i].level);
    ck_assert(!irqs[other].level);
    bus_out(&bus, IRQ + (unsigned)_i, 1, 0x80);
    ck_assert_msg(irqs[_i].level && irqs[_i].rises == 1, "any value but 0 is high, and it was");
    bus_out(&bus, IRQ + (unsigned)_i, 1, 0);
    ck_assert(!irqs[_i].level);
    ck_assert_uint_eq(bus_in(&bus, IRQ + (unsigned)_i, 1, NULL), 0);
}
END_TEST

START_TEST(wider_writes_set_a_line_for_each_byte)
{
    ck_assert_uint_eq(bus_out(&bus, IRQ + 4, 4, 0x01000100), MEMTX_OK);
    for (unsigned i = 0; i < PC_TESTDEV_IRQ_NUM; i++) {
        ck_assert(irqs[i].level == (i == 5 || i == 7));
    }
}
END_TEST

START_TEST(memory_keeps_what_is_written_in_any_width)
{
    uint64_t value = 0x8877665544332211;
    uint8_t bytes[16];

    ck_assert_uint_eq(address_space_write(&bus.as, IOMEM + 8, MEMTXATTRS_UNSPECIFIED, &value, 8),
                      MEMTX_OK);
    ck_assert_uint_eq(bus_out(&bus, IOMEM + 11, 2, 0xbbaa), MEMTX_OK); /* not aligned */
    ck_assert_uint_eq(bus_out(&bus, IOMEM + 7, 1, 0xcc), MEMTX_OK);
    ck_assert_uint_eq(
        address_space_read(&bus.as, IOMEM + 4, MEMTXATTRS_UNSPECIFIED, bytes, sizeof(bytes)),
        MEMTX_OK);
    ck_assert_mem_eq(bytes, "\0\0\0\xcc\x11\x22\x33\xaa\xbb\x66\x77\x88\0\0\0\0", 16);
}
END_TEST

START_TEST(memory_has_64_kib)
{
    const MemoryRegionOps *ops = dev.mr_iomem.ops;

    ck_assert_uint_eq(memory_region_size(&dev.mr_iomem), 0x10000);
    ops->write(&dev, 0xfffc, 0x44332211, 4);
    ck_assert_uint_eq(ops->read(&dev, 0xffff, 1), 0x44);
    ck_assert_uint_eq(ops->read(&dev, 0, 4), 0);
}
END_TEST

START_TEST(reset_lowers_lines_and_clears_memory)
{
    bus_out(&bus, WORD, 4, 0x33221100);
    bus_out(&bus, IOMEM, 4, 0x33221100);
    bus_out(&bus, IRQ + 9, 1, 1);
    pc_testdev_reset(&dev);
    ck_assert(!irqs[9].level);
    ck_assert_uint_eq(bus_in(&bus, WORD, 4, NULL), 0);
    ck_assert_uint_eq(bus_in(&bus, IOMEM, 4, NULL), 0);
}
END_TEST

START_TEST(finish_takes_a_zeroed_device)
{
    static struct pc_testdev zeroed;

    pc_testdev_finish(&zeroed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pc_testdev");
    TCase *tc = tcase_create("pc_testdev");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_table_test(tc, word_takes_any_width_in_both_windows, writes);
    tcase_add_test(tc, second_window_is_reached_byte_by_byte);
    tcase_add_test(tc, flush_port_takes_an_address_and_reads_0);
    tcase_add_loop_test(tc, each_port_sets_its_interrupt_line, 0, PC_TESTDEV_IRQ_NUM);
    tcase_add_test(tc, wider_writes_set_a_line_for_each_byte);
    tcase_add_test(tc, memory_keeps_what_is_written_in_any_width);
    tcase_add_test(tc, memory_has_64_kib);
    tcase_add_test(tc, reset_lowers_lines_and_clears_memory);
    tcase_add_test(tc, finish_takes_a_zeroed_device);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
