/*
 * dma-targets.c - a device's accesses to what is no RAM: ROM and read-only memory keep what they
 * have, nothing answers ones, another device gets calls; each with its result.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define RAM 0x800000
#define ROM 0xfffc0000
#define LOCKED 0xd3202000
#define NOTHING 0xdf000000
#define DECODE_ERROR 2

static struct testdev dev;

static uint64_t copy(uint64_t from, uint64_t to, uint64_t length)
{
    return testdev_dma(&dev, TESTDEV_DMA_COPY, from, to, length, 0);
}

int main(const struct boot_info *boot)
{
    struct testdev other = testdev_open(boot, 1);

    dev = testdev_open(boot, 0);
    mmio_write64(RAM, 0x8877665544332211);
    report(copy(RAM, ROM, 8) == DECODE_ERROR, "to ROM: an error");
    report(mmio_read64(ROM) == UINT64_C(0x6d6f722065726361), "which keeps what it has");
    report(copy(ROM, RAM + 8, 8) == 0 && mmio_read64(RAM + 8) == UINT64_C(0x6d6f722065726361),
           "from ROM");
    report(copy(RAM, LOCKED, 8) == DECODE_ERROR && mmio_read64(LOCKED) == 0,
           "to a read-only alias of RAM: dropped as well");
    report(copy(NOTHING, RAM + 8, 4) == DECODE_ERROR, "from nothing: an error");
    report(mmio_read64(RAM + 8) == UINT64_C(0x6d6f7220ffffffff), "and ones");
    report(copy(RAM, NOTHING, 8) == DECODE_ERROR, "to nothing");
    testdev_log_clear(&other);
    report(copy(RAM, testdev_bank(&other, 6), 4) == 0 && testdev_called(&other, 1) &&
               testdev_call_is(&other, 0, 6, 4 | TESTDEV_LOG_WRITE, 0, 0x44332211),
           "to a device: one call");
    report(copy(testdev_bank(&other, 6), RAM + 16, 4) == 0 && mmio_read32(RAM + 16) == 0x44332211,
           "from a device");
    return report_finish();
}
