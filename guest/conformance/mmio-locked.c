/*
 * mmio-locked.c - read-modify-write instructions on a device: a read and a write, lock prefix or
 * not, of 8 to 32 bits.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\n");

#define DEVICE 0xe0000000
#define SCRATCH (DEVICE + SERIAL_SCR)

int main(const struct boot_info *boot)
{
    uint16_t word = 0x1122;
    uint8_t byte = 0x77, zero;

    (void)boot;
    mmio_write8(DEVICE + SERIAL_LCR, SERIAL_LCR_DLAB);
    mmio_write8(SCRATCH, 0x0f);
    __asm__ volatile("lock incb (%0)" ::"r"((uint64_t)SCRATCH) : "memory", "cc");
    report(mmio_read8(SCRATCH) == 0x10, "lock incb");
    __asm__ volatile("orb $0x85, (%0)" ::"r"((uint64_t)SCRATCH) : "memory", "cc");
    report(mmio_read8(SCRATCH) == 0x95, "orb");
    __asm__ volatile("xchgb %0, (%1)" : "+q"(byte) : "r"((uint64_t)SCRATCH) : "memory");
    report(byte == 0x95 && mmio_read8(SCRATCH) == 0x77, "xchgb");
    mmio_write16(DEVICE, 0xc33c);
    __asm__ volatile("xchgw %0, (%1)" : "+r"(word) : "r"((uint64_t)DEVICE) : "memory");
    report(word == 0xc33c && mmio_read16(DEVICE) == 0x1122, "xchgw over two registers");
    __asm__ volatile("lock xaddb %0, (%1)" : "+q"(byte) : "r"((uint64_t)SCRATCH) : "memory", "cc");
    report(byte == 0x77 && mmio_read8(SCRATCH) == 0x0c, "lock xaddb");
    __asm__ volatile("lock cmpxchgb %2, (%1); setz %0"
                     : "=q"(zero)
                     : "r"((uint64_t)SCRATCH), "q"((uint8_t)0x42), "a"(0x0c)
                     : "memory", "cc");
    report(zero && mmio_read8(SCRATCH) == 0x42, "lock cmpxchgb that finds what it expects");
    __asm__ volatile("lock cmpxchgb %2, (%1); setz %0"
                     : "=q"(zero)
                     : "r"((uint64_t)SCRATCH), "q"((uint8_t)0x55), "a"(0)
                     : "memory", "cc");
    report(!zero && mmio_read8(SCRATCH) == 0x42, "and one that does not");
    return report_finish();
}
