/* unassigned-writes.c - what is written to nothing is gone: plain, unaligned, locked, by string. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\n");

#define NOTHING 0xd0000000
#define PAGE 0x1000
#define GUARD 0x77

static uint8_t buf[64];

static bool reads_ones(uint64_t addr)
{
    return mmio_read64(addr) == UINT64_MAX && mmio_read64(addr + 8) == UINT64_MAX;
}

int main(const struct boot_info *boot)
{
    uint32_t value = 0;

    (void)boot;
    for (unsigned offset = 0; offset < 8; offset++) {
        mmio_write8(NOTHING + offset, 0);
        mmio_write16(NOTHING + offset, 0);
        mmio_write32(NOTHING + offset, 0);
        mmio_write64(NOTHING + offset, 0);
        mmio_write64(NOTHING + PAGE - offset, 0);
    }
    report(reads_ones(NOTHING) && reads_ones(NOTHING + PAGE - 8), "zeros of each width");
    mmio_lock_inc32(NOTHING);
    report(reads_ones(NOTHING), "a locked increment");
    __asm__ volatile("xchgl %0, (%1)" : "+r"(value) : "r"((uint64_t)NOTHING) : "memory");
    report(value == 0xffffffff && reads_ones(NOTHING), "an exchange, which gives ones");
    memset(buf, GUARD, sizeof(buf));
    mmio_copy8((uintptr_t)buf + 16, NOTHING, 32);
    report(memory_is(buf, GUARD, 16) && memory_is(buf + 16, 0xff, 32) &&
               memory_is(buf + 48, GUARD, 16),
           "rep movsb from there: 32 bytes of ones and no more");
    memset(buf, 0, sizeof(buf));
    mmio_copy8(NOTHING, (uintptr_t)buf, 32);
    mmio_copy8(NOTHING + 64, NOTHING, 8);
    report(memory_is(buf, 0, sizeof(buf)) && reads_ones(NOTHING) && reads_ones(NOTHING + 64),
           "rep movsb to there, and from there to there");
    return report_finish();
}
