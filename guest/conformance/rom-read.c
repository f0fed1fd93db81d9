/* rom-read.c - ROM reads at every width and alignment, across pages and to its last byte. */
#include "guest/lib/guest.h"

TEST_NOTE("board = rom.dtb\n");

#define ROM 0xe0000000 /* bytes 0x10 to 0x1f, over and over */
#define SIZE 0x2000

int main(const struct boot_info *boot)
{
    uint8_t copy[16];
    bool right = true;

    (void)boot;
    for (unsigned i = 0; i < 9; i++) {
        uint64_t want = UINT64_C(0x1716151413121110) + i * UINT64_C(0x0101010101010101);

        report(mmio_read64(ROM + i) == want && mmio_read32(ROM + i) == (uint32_t)want &&
                   mmio_read16(ROM + i) == (uint16_t)want && mmio_read8(ROM + i) == (uint8_t)want,
               "each width from byte %u on", i);
    }
    report(mmio_read64(ROM + 0xffc) == 0x131211101f1e1d1c, "8 bytes across its pages");
    mmio_copy8((uintptr_t)copy, ROM + 0xff0, sizeof(copy));
    for (unsigned i = 0; i < sizeof(copy); i++) {
        right = right && copy[i] == 0x10 + i;
    }
    report(right, "rep movsb from it");
    report(mmio_read8(ROM + SIZE - 1) == 0x1f, "its last byte");
    report(mmio_read32(ROM + SIZE - 2) == 0xffff1f1e, "a double word across its end");
    return report_finish();
}
