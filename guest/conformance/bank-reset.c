/*
 * bank-reset.c - a reset brings the memory map back, and the test device: windows, priorities,
 * eventfds, translations, logging. The clock chip's memory tells the second start from the first.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\noptions = --reboot\n");

#define BANK 0xd1000000 /* RAM over ROM */
#define WINDOW 0xd1100000
#define ROM_WORD 0x6b6e6162
#define START 0x51 /* a byte of the clock chip */

static uint8_t take_start(void)
{
    uint8_t start;

    outb(0x70, START);
    start = inb(0x71);
    outb(0x71, (uint8_t)(start + 1));
    return start;
}

static void change_all(const struct testdev *dev, uint64_t bank)
{
    const struct testdev_event event = {.slot = 0, .offset = 0, .size = 4};

    bank_switch_select(bank, "bank-ram");
    bank_switch_set(bank, BANK_SWITCH_ENABLED, 0);
    bank_switch_select(bank, "window");
    bank_switch_set(bank, BANK_SWITCH_ADDRESS, WINDOW + 0x20000);
    testdev_event(dev, event, TESTDEV_EVENT_ADD);
    testdev_iommu_set(dev, 0, 0, 0x1000000, TESTDEV_IOMMU_READ, 0);
    testdev_shape(dev, 0, TESTDEV_SHAPE(8, 8, 8, 8));
    testdev_write(dev, TESTDEV_DIRTY_ADDR, 0x1000000);
    testdev_write(dev, TESTDEV_DIRTY_COMMAND, TESTDEV_DIRTY_START);
    testdev_write(dev, TESTDEV_COALESCE, 0);
}

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t bank = bank_switch_open(boot);

    if (take_start() == 0) {
        change_all(&dev, bank);
        if (mmio_read32(BANK) == ROM_WORD && mmio_read32(WINDOW) == 0xffffffff) {
            outb(0x64, 0xfe);
        }
        report(false, "the map was changed, and the reset came");
        return report_finish();
    }
    report(mmio_read32(BANK) != ROM_WORD, "the bank is on again");
    report(mmio_read32(WINDOW) != 0xffffffff && mmio_read32(WINDOW + 0x20000) == 0xffffffff,
           "the window is where it was");
    report(bank_switch_get(bank, BANK_SWITCH_GENERATION) == 0, "no change since");
    testdev_log_clear(&dev);
    mmio_write32(dev.memory + TESTDEV_DOORBELL, 1);
    report(testdev_called(&dev, 1) && testdev_read(&dev, TESTDEV_EVENT_COUNT) == 0,
           "the eventfd is gone");
    report(mmio_read32(dev.translated) == 0xffffffff, "nothing is translated");
    mmio_write8(testdev_bank(&dev, 0), 5);
    report(mmio_read8(testdev_raw(&dev, 0)) == 5, "the bank has its first shape");
    report(testdev_read(&dev, TESTDEV_COALESCE) == 3, "the zones are coalesced");
    testdev_write(&dev, TESTDEV_DIRTY_COMMAND, TESTDEV_DIRTY_STOP);
    report(testdev_read(&dev, TESTDEV_DIRTY_RESULT) == 2, "nothing is logged");
    return report_finish();
}
