/* mmio-string.c - string instructions on a device: every item one call, in order, up and down. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANK 0
#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    static uint32_t words[4] = {0x11111111, 0x22222222, 0x33333333, 0x44444444}, back[4];
    struct testdev dev = testdev_open(boot, 0);
    uint64_t bank = testdev_bank(&dev, BANK), to, from, count;

    testdev_log_clear(&dev);
    to = bank, from = (uintptr_t)words, count = 4;
    __asm__ volatile("cld; rep movsl" : "+D"(to), "+S"(from), "+c"(count)::"memory", "cc");
    report(testdev_called(&dev, 4) && testdev_call_is(&dev, 0, BANK, 4 | W, 0, 0x11111111) &&
               testdev_call_is(&dev, 3, BANK, 4 | W, 12, 0x44444444),
           "rep movsl to it");
    testdev_log_clear(&dev);
    to = (uintptr_t)(back + 3), from = bank + 12, count = 4;
    __asm__ volatile("std; rep movsl; cld" : "+D"(to), "+S"(from), "+c"(count)::"memory", "cc");
    report(testdev_called(&dev, 4) && testdev_call_is(&dev, 0, BANK, 4, 12, 0x44444444) &&
               testdev_call_is(&dev, 3, BANK, 4, 0, 0x11111111) &&
               memcmp(words, back, sizeof(words)) == 0,
           "rep movsl from it, downwards");
    testdev_log_clear(&dev);
    to = bank + 32, count = 3;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0x5a) : "memory");
    report(testdev_called(&dev, 3) && testdev_call_is(&dev, 2, BANK, 1 | W, 34, 0x5a), "rep stosb");
    testdev_log_clear(&dev);
    to = bank + 32, count = 8;
    __asm__ volatile("repe scasb" : "+D"(to), "+c"(count) : "a"(0x5a) : "memory", "cc");
    report(testdev_called(&dev, 4) && to == bank + 36 && count == 4, "repe scasb stops in time");
    testdev_log_clear(&dev);
    mmio_copy8(bank + 40, bank + 32, 3);
    report(testdev_called(&dev, 6) && testdev_call_is(&dev, 0, BANK, 1, 32, 0x5a) &&
               testdev_call_is(&dev, 5, BANK, 1 | W, 42, 0x5a),
           "rep movsb within it: reads and writes in turn");
    return report_finish();
}
