/* dma-copy.c - a device reads and writes RAM, at any address and length, over page ends. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define FROM 0x801003
#define TO 0x902ff1
#define LENGTH 10000
#define GUARD 0x77

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint8_t *from = (uint8_t *)FROM, *to = (uint8_t *)TO;

    memset(to - 1, GUARD, LENGTH + 2);
    memset(from, 0x5a, LENGTH);
    from[0] = 1;
    from[LENGTH - 1] = 2;
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, FROM, TO, LENGTH, 0) == 0, "a copy");
    report(memcmp(from, to, LENGTH) == 0, "of each byte");
    report(to[-1] == GUARD && to[LENGTH] == GUARD, "and no other");
    testdev_write(&dev, TESTDEV_DMA_PATTERN, 0x0807060504030201);
    report(testdev_dma(&dev, TESTDEV_DMA_FILL, 0, TO, 11, 0) == 0, "a pattern");
    report(mmio_read64(TO) == 0x0807060504030201 && mmio_read32(TO + 8) == 0x5a030201,
           "as long as said");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, FROM, TO, 0, 0) == 0 && to[0] == 1, "0 bytes");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, FROM, TO, TESTDEV_DMA_LENGTH_MAX + 1, 0) ==
               TESTDEV_DMA_REFUSED,
           "too many are refused");
    return report_finish();
}
