/*
 * watch_sse.c - instructions that KVM cannot emulate, on watched memory (option --watch
 * 0x400010:16). Needs a KVM that runs SSE at all.
 */
#include "guest/lib/guest.h"

#define WATCHED 0x400010

/* Source: Intel SDM vol. 3A 13.1.4 "Initialization of the SSE Extensions". */
static void enable_sse(void)
{
    uint64_t cr0, cr4;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" ::"r"((cr0 & ~UINT64_C(4)) | 2));
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | 0x600));
}

int main(const struct boot_info *boot)
{
    uint64_t sum[2];
    uint8_t equal;

    (void)boot;
    enable_sse();
    mmio_write64(WATCHED, 5);
    mmio_write64(WATCHED + 8, 6);
    __asm__ volatile("movdqa (%0), %%xmm1; paddq (%0), %%xmm1; movdqu %%xmm1, (%1)"
                     :
                     : "r"((uint64_t)WATCHED), "r"(sum)
                     : "memory");
    report(sum[0] == 10 && sum[1] == 12, "paddq of watched memory");
    __asm__ volatile("movlpd %%xmm1, (%0)" ::"r"((uint64_t)WATCHED + 8) : "memory");
    report(mmio_read64(WATCHED + 8) == 10, "movlpd to it");
    __asm__ volatile("lock cmpxchg16b (%1); setz %0"
                     : "=q"(equal)
                     : "r"((uint64_t)WATCHED), "a"((uint64_t)5), "d"((uint64_t)10),
                       "b"((uint64_t)7), "c"((uint64_t)8)
                     : "memory", "cc");
    report(equal && mmio_read64(WATCHED) == 7 && mmio_read64(WATCHED + 8) == 8, "lock cmpxchg16b");
    return report_finish();
}
