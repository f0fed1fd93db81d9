/*
 * testdev-side-effect.c - a read with a side effect happens once for each access, whatever its
 * width and instruction, and a register that reports an error still gives its defined value.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t counter = dev.memory + TESTDEV_COUNTER, error = dev.memory + TESTDEV_ERROR;
    uint64_t copied[4];

    for (unsigned i = 0; i < 4; i++) {
        report((i < 2 ? mmio_read64(counter) : mmio_read32(counter)) == i, "%u bytes, once",
               i < 2 ? 8 : 4);
    }
    report(mmio_read8(counter) == 0 && mmio_read16(counter) == 0 && mmio_read64(counter) == 4,
           "widths that the device does not take: never, and they read 0");
    report(mmio_read64(counter + 4) == 0 && mmio_read64(counter) == 6,
           "8 bytes over two registers: its upper half, once");
    mmio_write64(counter, 100);
    __asm__ volatile("cld; rep movsq"
                     :
                     : "D"(copied), "S"(dev.memory + TESTDEV_SCRATCH), "c"(2L)
                     : "memory");
    report(copied[1] == 100 && mmio_read64(counter) == 101, "a string of moves: once");
    mmio_lock_inc32(counter);
    report(mmio_read64(counter) == 103, "a locked increment: one read, one write");
    for (unsigned result = 0; result < 8; result++) {
        testdev_write(&dev, TESTDEV_ERROR_RESULT, result);
        report(mmio_read64(error) == 0, "an access that fails with %u reads what the device gave",
               result);
    }
    return report_finish();
}
