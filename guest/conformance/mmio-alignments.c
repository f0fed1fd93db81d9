/* mmio-alignments.c - each width at each place of each kind of device: the same bytes always. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANKS 8 /* both byte orders; devices of 1 to 8, of 1, of 4, of 1 to 4 bytes at a time */
#define BYTES 24

static struct testdev dev;
static uint8_t bytes[BYTES]; /* what the bank should hold */

static bool holds(unsigned bank)
{
    uint64_t want;

    for (unsigned i = 0; i < BYTES; i += 8) {
        memcpy(&want, bytes + i, 8);
        if (mmio_read64(testdev_raw(&dev, bank) + i) != want) {
            return false;
        }
    }
    return true;
}

static bool check(unsigned bank, unsigned size, unsigned offset)
{
    uint64_t addr = testdev_bank(&dev, bank) + offset, want = 0;
    uint64_t value = 0xf0e1d2c3b4a59687 + offset * 0x0101010101010101;

    memcpy(bytes + offset, &value, size);
    memcpy(&want, bytes + offset, size);
    mmio_write(addr, size, value);
    return mmio_read(addr, size) == want && holds(bank);
}

int main(const struct boot_info *boot)
{
    dev = testdev_open(boot, 0);
    for (unsigned bank = 0; bank < BANKS; bank++) {
        for (unsigned i = 0; i < BYTES; i++) {
            bytes[i] = (uint8_t)(0x0b * i + bank);
            mmio_write8(testdev_raw(&dev, bank) + i, bytes[i]);
        }
        for (unsigned size = 1; size <= 8; size *= 2) {
            bool right = true;

            for (unsigned offset = 0; offset <= 8; offset++) {
                right = right && check(bank, size, offset);
            }
            report(right, "bank %u: %u bytes at each of nine places", bank, size);
        }
    }
    return report_finish();
}
