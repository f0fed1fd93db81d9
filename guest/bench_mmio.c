/*
 * bench_mmio.c - writes count=N (200,000) times to an address that does nothing, and says how long
 * it took.
 */
#include "guest/lib/guest.h"

#define ADDR_NOTHING 0xd0000000

int main(const struct boot_info *boot)
{
    uint64_t count = boot_option_number(boot, "count", 200000), first = rdtsc(), took;

    for (uint64_t i = 0; i < count; i++) {
        mmio_write32(ADDR_NOTHING, (uint32_t)i);
    }
    took = rdtsc() - first;
    console_printf("%lu MMIO writes: %lu cycles each\n", count, count ? took / count : 0);
    return GUEST_EXIT_PASS;
}
