/* pio-calls.c - port accesses become calls as memory accesses do, strings one for each item. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define LITTLE 8
#define WIDE 10 /* 4 bytes at a time, narrow writes read and write */
#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    static const uint16_t words[] = {0x1111, 0x2222, 0x3333};
    struct testdev dev = testdev_open(boot, 0);
    uint16_t port = (uint16_t)testdev_bank(&dev, LITTLE);
    uint16_t wide = (uint16_t)testdev_bank(&dev, WIDE);
    uint16_t in[3] = {0};

    testdev_log_clear(&dev);
    outb(port + 1, 0x5a);
    outw(port + 2, 0x1234);
    outl(port + 4, 0x89abcdef);
    report(testdev_called(&dev, 3) && testdev_call_is(&dev, 0, LITTLE, 1 | W, 1, 0x5a) &&
               testdev_call_is(&dev, 1, LITTLE, 2 | W, 2, 0x1234) &&
               testdev_call_is(&dev, 2, LITTLE, 4 | W, 4, 0x89abcdef),
           "one call of each width");
    report(inb(port + 1) == 0x5a && inw(port + 2) == 0x1234 && inl(port + 4) == 0x89abcdef,
           "and back");
    testdev_log_clear(&dev);
    outsw(port + 8, words, 3);
    report(testdev_called(&dev, 3) && testdev_call_is(&dev, 0, LITTLE, 2 | W, 8, 0x1111) &&
               testdev_call_is(&dev, 1, LITTLE, 2 | W, 8, 0x2222) &&
               testdev_call_is(&dev, 2, LITTLE, 2 | W, 8, 0x3333),
           "rep outsw: three calls at one port");
    testdev_log_clear(&dev);
    insw(port + 8, in, 3);
    report(testdev_called(&dev, 3) && in[0] == 0x3333 && in[2] == 0x3333, "rep insw");
    testdev_log_clear(&dev);
    outl(wide, 0x44332211);
    outb(wide + 3, 0x55);
    report(inb(wide + 1) == 0x22 && inl(wide) == 0x55332211, "a device of 4 bytes at a time");
    report(testdev_called(&dev, 5) && testdev_call_is(&dev, 2, WIDE, 4 | W, 0, 0x55332211),
           "gets whole units");
    return report_finish();
}
