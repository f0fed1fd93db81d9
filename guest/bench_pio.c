/*
 * bench_pio.c - writes count=N (200,000) times to a port that does nothing, and says how long it
 * took.
 */
#include "guest/lib/guest.h"

#define PORT_NOTHING 0x80

int main(const struct boot_info *boot)
{
    uint64_t count = boot_option_number(boot, "count", 200000), first = rdtsc(), took;

    for (uint64_t i = 0; i < count; i++) {
        outb(PORT_NOTHING, (uint8_t)i);
    }
    took = rdtsc() - first;
    console_printf("%lu port writes: %lu cycles each\n", count, count ? took / count : 0);
    return GUEST_EXIT_PASS;
}
