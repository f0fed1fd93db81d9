/* pio-unaligned.c - words and double words at each port, read and written: the same bytes always.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define FIRST_BANK 8 /* to 11: both byte orders, devices of 1 to 8 and of 4 bytes at a time */
#define BYTES 16

static struct testdev dev;
static uint8_t bytes[BYTES]; /* what the bank should hold */

static uint32_t expected(unsigned size, unsigned offset)
{
    uint32_t value = 0;

    memcpy(&value, bytes + offset, size);
    return value;
}

static bool holds(unsigned bank)
{
    bool same = true;

    for (unsigned i = 0; i < BYTES; i++) {
        same = same && mmio_read8(testdev_raw(&dev, bank) + i) == bytes[i];
    }
    return same;
}

static bool check(unsigned bank, unsigned size, unsigned offset)
{
    uint16_t port = (uint16_t)(testdev_bank(&dev, bank) + offset);
    uint32_t value = 0x9d8c7b6a + offset * 0x01010101;

    memcpy(bytes + offset, &value, size);
    port_write(port, size, value);
    return port_read(port, size) == expected(size, offset) && holds(bank);
}

int main(const struct boot_info *boot)
{
    dev = testdev_open(boot, 0);
    for (unsigned bank = FIRST_BANK; bank < TESTDEV_BANK_NUM; bank++) {
        for (unsigned i = 0; i < BYTES; i++) {
            bytes[i] = (uint8_t)(0x11 * i + bank);
            mmio_write8(testdev_raw(&dev, bank) + i, bytes[i]);
        }
        for (unsigned size = 1; size <= 4; size *= 2) {
            bool right = true;

            for (unsigned offset = 0; offset <= 8; offset++) {
                right = right && check(bank, size, offset);
            }
            report(right, "bank %u: %u bytes at each of nine ports", bank, size);
        }
    }
    return report_finish();
}
