/* mmio-read-modify.c - locked and exchanging instructions on a device are a read, then a write. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANK 0
#define W TESTDEV_LOG_WRITE

static struct testdev dev;

static void expect(const char *what, unsigned size, uint64_t before, uint64_t after)
{
    report(testdev_called(&dev, 2) && testdev_call_is(&dev, 0, BANK, size, 0, before) &&
               testdev_call_is(&dev, 1, BANK, size | W, 0, after),
           "%s", what);
    testdev_log_clear(&dev);
}

int main(const struct boot_info *boot)
{
    uint64_t bank, quad = 0x55;
    uint32_t value = 0x22;

    dev = testdev_open(boot, 0);
    bank = testdev_bank(&dev, BANK);
    testdev_log_clear(&dev);
    mmio_lock_inc32(bank);
    expect("lock incl", 4, 0, 1);
    __asm__ volatile("xchgl %0, (%1)" : "+r"(value) : "r"(bank) : "memory");
    expect("xchgl", 4, 1, 0x22);
    __asm__ volatile("lock xaddl %0, (%1)" : "+r"(value) : "r"(bank) : "memory", "cc");
    expect("lock xaddl", 4, 0x22, 0x23);
    __asm__ volatile("lock orq %0, (%1)" ::"r"(quad << 32), "r"(bank) : "memory", "cc");
    expect("lock orq", 8, 0x23, 0x5500000023);
    __asm__ volatile("lock btsl $4, (%0)" ::"r"(bank) : "memory", "cc");
    expect("lock btsl", 4, 0x23, 0x33);
    __asm__ volatile("xorb $0xff, (%0)" ::"r"(bank) : "memory", "cc");
    expect("xorb", 1, 0x33, 0xcc);
    report(testdev_called(&dev, 0), "and nothing besides");
    return report_finish();
}
