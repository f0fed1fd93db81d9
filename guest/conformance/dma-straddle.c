/* dma-straddle.c - one DMA over RAM, registers and RAM again; and over the end of RAM. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define RAM_END 0x4000000
#define BUFFER 0x800000
#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    struct testdev first = testdev_open(boot, 0), dev = testdev_open(boot, 1);
    uint64_t bank = testdev_bank(&first, 7), ram = bank + TESTDEV_BANK_SIZE;

    for (unsigned i = 0; i < 16; i++) {
        mmio_write8(BUFFER + i, (uint8_t)(0x10 + i));
    }
    mmio_write64(ram, 0);
    testdev_log_clear(&first);
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, BUFFER, ram - 8, 16, 0) == 0, "a device, then RAM");
    report(testdev_called(&first, 2) &&
               testdev_call_is(&first, 0, 7, 4 | W, TESTDEV_BANK_SIZE - 8, 0x10111213) &&
               testdev_call_is(&first, 1, 7, 4 | W, TESTDEV_BANK_SIZE - 4, 0x14151617),
           "the device gets its calls");
    report(mmio_read64(ram) == 0x1f1e1d1c1b1a1918, "RAM the rest");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, ram - 8, BUFFER + 32, 16, 0) == 0 &&
               memcmp((void *)BUFFER, (void *)(BUFFER + 32), 16) == 0,
           "and back");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, BUFFER, RAM_END - 4, 8, 0) == 2,
           "over the end of RAM: an error");
    report(mmio_read32(RAM_END - 4) == 0x13121110, "and what is RAM is written");
    return report_finish();
}
