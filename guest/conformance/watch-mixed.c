/*
 * watch-mixed.c - what instructions of all kinds do to watched memory, over the borders of watches
 * and pages, is what they do to other memory.
 */
#include "guest/lib/guest.h"

TEST_NOTE("options = --watch 0x400ff8:16:w --watch 0x401010:0x10:r --watch 0x401800:0x900 "
          "--watch 0x402000:0x10000000000:w\n"
          "timeout = 60\n"
          "err = ^acre: watch 1: 0x400ff8, 16 bytes, w: [0-9]{2} hits$\n"
          "err = ^acre: watch 4: 0x402000, 1099511627776 bytes, w: [0-9]{3} hits$\n");

#define WATCHED 0x400000
#define PLAIN 0x410000
#define SIZE 0x3000

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Strings, LOCK operations, pushes: some of them over a border at 0x1000 or 0x2000. */
static void do_chosen(uint64_t page)
{
    uint64_t value = 77;

    __asm__ volatile("rep stosq" ::"D"(page + 0xff0), "a"(0x1122334455667788), "c"(6) : "memory");
    __asm__ volatile("rep movsb" ::"D"(page + 0x1ffb), "S"(page + 0xff3), "c"(13) : "memory");
    __asm__ volatile("std; rep movsw; cld" ::"D"(page + 0x2010), "S"(page + 0x1002), "c"(7)
                     : "memory");
    __asm__ volatile("lock addl $0x01020304, -3(%1); lock xaddq %0, 8(%1); xchgq %0, 16(%1)\n\t"
                     "lock cmpxchgq %0, 24(%1); lock cmpxchg8b 32(%1); btsq %%rcx, (%1)\n\t"
                     "pushq 0xff8(%1); popq -0x8(%1)\n\t"
                     "movq %%rsp, %%r8; leaq 8(%1), %%rsp; pushq $1; pushq %%rcx; popq %%r9\n\t"
                     "enter $16, $0; leave; movq %%r8, %%rsp"
                     : "+r"(value)
                     : "r"(page + 0x1000), "a"(5), "d"(6), "b"(7), "c"(1000)
                     : "r8", "r9", "memory", "cc");
    mmio_write64(page + 0xff0, 0); /* a frame pointer */
}

static void do_random(uint64_t page, uint64_t *state)
{
    uint64_t at = page + next(state) % (SIZE - 8), value = next(state);

    switch (next(state) % 6) {
    case 0:
        mmio_write16(at, (uint16_t)value);
        break;
    case 1:
        mmio_write64(at, mmio_read64(page + value % (SIZE - 8)));
        break;
    case 2:
        mmio_copy8(at, page + value % (SIZE - 8), value % 9);
        break;
    case 3:
        __asm__ volatile("notq (%0); rolw $3, (%0)" : : "r"(at) : "memory", "cc");
        break;
    default:
        __asm__ volatile("sbbq %1, (%0)" : : "r"(at), "r"(value) : "memory", "cc");
    }
}

int main(const struct boot_info *boot)
{
    uint64_t states[2] = {88172645463325252, 88172645463325252};

    (void)boot;
    do_chosen(WATCHED);
    do_chosen(PLAIN);
    report(memcmp((void *)WATCHED, (void *)PLAIN, SIZE) == 0, "strings, locks and pushes");
    for (unsigned i = 0; i < 300; i++) {
        do_random(WATCHED, &states[0]);
        do_random(PLAIN, &states[1]);
    }
    report(memcmp((void *)WATCHED, (void *)PLAIN, SIZE) == 0, "300 at random");
    return report_finish();
}
