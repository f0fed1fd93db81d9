/* testdev.c - register accesses by name; what is missing ends the program with a failed check. */
#include "guest/lib/testdev.h"

#include "guest/lib/exit.h"
#include "guest/lib/report.h"
#include "guest/lib/string.h"
#include "guest/lib/tree.h"

static void require(bool there, const char *what)
{
    if (!there) {
        report(false, "the board has %s", what);
        guest_exit(report_finish());
    }
}

struct testdev testdev_open(const struct boot_info *boot, unsigned index)
{
    struct tree_reg memory, ports, translated;
    struct tree_node node;
    struct testdev dev;

    require(tree_find(boot, "acre,testdev", index, &node) && tree_reg(&node, 0, &memory) &&
                tree_reg(&node, 1, &ports) && tree_reg(&node, 2, &translated),
            "a test device");
    dev = (struct testdev){
        .memory = memory.addr,
        .ports = (uint16_t)ports.addr,
        .translated = translated.addr,
        .irq = (unsigned)tree_irq(&node, 0),
    };
    require(testdev_read(&dev, TESTDEV_ID) == TESTDEV_ID_VALUE, "a test device that answers");
    return dev;
}

uint64_t testdev_read(const struct testdev *dev, unsigned reg)
{
    return mmio_read64(dev->memory + TESTDEV_REGISTERS + reg);
}

void testdev_write(const struct testdev *dev, unsigned reg, uint64_t value)
{
    mmio_write64(dev->memory + TESTDEV_REGISTERS + reg, value);
}

uint64_t testdev_bank(const struct testdev *dev, unsigned n)
{
    return n < 8 ? dev->memory + TESTDEV_BANKS + n * TESTDEV_BANK_SIZE
                 : dev->ports + TESTDEV_PORT_BANKS + (n - 8) * TESTDEV_BANK_PORT_SIZE;
}

bool testdev_shape(const struct testdev *dev, unsigned n, uint64_t shape)
{
    testdev_write(dev, TESTDEV_BANK_SHAPE + 8 * n, shape);
    return testdev_read(dev, TESTDEV_BANK_RESULT) == 0;
}

uint64_t testdev_raw(const struct testdev *dev, unsigned n)
{
    return dev->memory + TESTDEV_RAW + n * TESTDEV_BANK_SIZE;
}

void testdev_log_clear(const struct testdev *dev)
{
    testdev_write(dev, TESTDEV_LOG_CLEAR, 1);
}

bool testdev_called(const struct testdev *dev, unsigned num)
{
    return testdev_read(dev, TESTDEV_LOG_COUNT) == num;
}

bool testdev_call_is(const struct testdev *dev, unsigned i, unsigned who, unsigned size,
                     unsigned offset, uint64_t value)
{
    uint64_t entry =
        dev->memory + TESTDEV_LOG + i % TESTDEV_LOG_ENTRIES * (uint64_t)TESTDEV_LOG_ENTRY_SIZE;

    return i < testdev_read(dev, TESTDEV_LOG_COUNT) &&
           mmio_read64(entry + TESTDEV_LOG_WHO) == who &&
           mmio_read64(entry + TESTDEV_LOG_SIZE) == size &&
           mmio_read64(entry + TESTDEV_LOG_OFFSET) == offset &&
           mmio_read64(entry + TESTDEV_LOG_VALUE) == value;
}

uint64_t testdev_dma(const struct testdev *dev, unsigned command, uint64_t source, uint64_t dest,
                     uint64_t length, uint64_t flags)
{
    testdev_write(dev, TESTDEV_DMA_SOURCE, source);
    testdev_write(dev, TESTDEV_DMA_DEST, dest);
    testdev_write(dev, TESTDEV_DMA_LENGTH, length);
    testdev_write(dev, TESTDEV_DMA_FLAGS, flags);
    testdev_write(dev, TESTDEV_DMA_COMMAND, command);
    return testdev_read(dev, TESTDEV_DMA_RESULT);
}

void testdev_iommu_set(const struct testdev *dev, unsigned n, uint64_t iova, uint64_t target,
                       unsigned flags, unsigned order)
{
    testdev_write(dev, TESTDEV_IOMMU_ENTRY + 8 * n,
                  iova >> 12 << TESTDEV_IOMMU_IOVA_SHIFT | target |
                      (uint64_t)order << TESTDEV_IOMMU_ORDER_SHIFT | flags);
}

uint64_t testdev_event(const struct testdev *dev, struct testdev_event event, unsigned command)
{
    testdev_write(dev, TESTDEV_EVENT_SLOT, event.slot);
    testdev_write(dev, TESTDEV_EVENT_OFFSET, event.offset);
    testdev_write(dev, TESTDEV_EVENT_SIZE, event.size);
    testdev_write(dev, TESTDEV_EVENT_DATA, event.data);
    testdev_write(dev, TESTDEV_EVENT_FLAGS, event.flags);
    testdev_write(dev, TESTDEV_EVENT_COMMAND, command);
    return testdev_read(dev, TESTDEV_EVENT_RESULT);
}

uint64_t bank_switch_open(const struct boot_info *boot)
{
    struct tree_node node;
    struct tree_reg reg;

    require(tree_find(boot, "acre,bank-switch", 0, &node) && tree_reg(&node, 0, &reg) &&
                mmio_read64(reg.addr + BANK_SWITCH_ID) == BANK_SWITCH_ID_VALUE,
            "a bank switch");
    return reg.addr;
}

void bank_switch_select(uint64_t bank_switch, const char *name)
{
    uint64_t num = mmio_read64(bank_switch + BANK_SWITCH_REGIONS);
    uint64_t text[BANK_SWITCH_NAME_SIZE / 8 + 1] = {0};

    for (uint64_t i = 0; i < num; i++) {
        mmio_write64(bank_switch + BANK_SWITCH_SELECT, i);
        for (unsigned word = 0; word < BANK_SWITCH_NAME_SIZE / 8; word++) {
            text[word] = mmio_read64(bank_switch + BANK_SWITCH_NAME + 8 * word);
        }
        if (strcmp((const char *)text, name) == 0) {
            return;
        }
    }
    require(false, name);
}

uint64_t bank_switch_set(uint64_t bank_switch, unsigned reg, uint64_t value)
{
    mmio_write64(bank_switch + reg, value);
    return mmio_read64(bank_switch + BANK_SWITCH_RESULT);
}

uint64_t bank_switch_get(uint64_t bank_switch, unsigned reg)
{
    return mmio_read64(bank_switch + reg);
}
