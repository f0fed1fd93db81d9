/* bank-overlay.c - a device laid over RAM and taken away: the RAM below keeps what it has. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define PLACE 0xd1200000 /* RAM, 128 KiB; the device covers the first 64 */
#define PAGE 0x1000

int main(const struct boot_info *boot)
{
    uint64_t bank_switch = bank_switch_open(boot);
    struct testdev dev = testdev_open(boot, 0);
    uint64_t scratch = PLACE + TESTDEV_REGISTERS + TESTDEV_SCRATCH;

    bank_switch_select(bank_switch, "overlay");
    testdev_write(&dev, TESTDEV_SCRATCH, 0x1234);
    report(mmio_read64(scratch) == 0x1234, "the device's registers show");
    report(bank_switch_set(bank_switch, BANK_SWITCH_ENABLED, 0) == 0 && mmio_read64(scratch) == 0,
           "without it RAM does");
    mmio_write64(scratch, 0x5678);
    report(bank_switch_set(bank_switch, BANK_SWITCH_ENABLED, 1) == 0 &&
               mmio_read64(scratch) == 0x1234,
           "and the device again");
    report(bank_switch_set(bank_switch, BANK_SWITCH_ADDRESS, PLACE + PAGE) == 0, "it moves a page");
    report(mmio_read64(scratch) == 0x5678, "the RAM under it has what was written");
    report(mmio_read64(scratch + PAGE) == 0x1234, "the device is a page on");
    report(bank_switch_set(bank_switch, BANK_SWITCH_ADDRESS, PLACE + 8) == 0 &&
               mmio_read64(scratch + 8) == 0x1234,
           "eight bytes on");
    mmio_write32(PLACE, 0xabcd);
    report(mmio_read32(PLACE) == 0xabcd, "before which there is RAM");
    return report_finish();
}
