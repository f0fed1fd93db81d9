/*
 * overlap-bytes.c - regions may begin and end at any byte: three bytes of one ROM inside another's
 * page, read at each width across both borders.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = overlap.dtb\n");

#define BASE 0xe0060000

int main(const struct boot_info *boot)
{
    static const uint8_t want[16] = {0x40, 0x41, 0x42, 0x43, 0x61, 0x62, 0x63, 0x47,
                                     0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f};
    uint8_t seen[16];
    uint64_t quad;

    (void)boot;
    for (unsigned i = 0; i < sizeof(want); i++) {
        seen[i] = mmio_read8(BASE + i);
    }
    report(memcmp(seen, want, sizeof(want)) == 0, "byte by byte");
    for (unsigned i = 0; i + 8 <= sizeof(want); i++) {
        memcpy(&quad, want + i, sizeof(quad));
        report(mmio_read64(BASE + i) == quad, "8 bytes from %u on", i);
        report(mmio_read32(BASE + i) == (uint32_t)quad, "4 bytes from %u on", i);
        report(mmio_read16(BASE + i) == (uint16_t)quad, "2 bytes from %u on", i);
    }
    mmio_copy8((uintptr_t)seen, BASE, sizeof(seen));
    report(memcmp(seen, want, sizeof(want)) == 0, "rep movsb over all of them");
    return report_finish();
}
