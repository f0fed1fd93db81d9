/* mmio-widths.c - a device that takes any width gets one call of that width, at each aligned place.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANK 0

static struct testdev dev;
static uint64_t bank;

static void check(unsigned size, unsigned offset)
{
    const uint64_t value = UINT64_C(0x8877665544332211) & (UINT64_MAX >> (64 - 8 * size));
    uint64_t addr = bank + offset, seen;

    testdev_log_clear(&dev);
    mmio_write(addr, size, value);
    seen = mmio_read(addr, size);
    report(seen == value && testdev_called(&dev, 2) &&
               testdev_call_is(&dev, 0, BANK, size | TESTDEV_LOG_WRITE, offset, value) &&
               testdev_call_is(&dev, 1, BANK, size, offset, value),
           "%u bytes at %u", size, offset);
}

int main(const struct boot_info *boot)
{
    dev = testdev_open(boot, 0);
    bank = testdev_bank(&dev, BANK);
    for (unsigned size = 1; size <= 8; size *= 2) {
        check(size, 0);
        check(size, 8 + size);
        check(size, TESTDEV_BANK_SIZE - size);
    }
    return report_finish();
}
