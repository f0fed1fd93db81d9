/* rom-write.c - writes to ROM of every kind are dropped, and the guest goes on. */
#include "guest/lib/guest.h"

TEST_NOTE("board = rom.dtb\n");

#define ROM 0xe0000000
#define VALUE 0x1716151413121110

static void unchanged(const char *what)
{
    report(mmio_read64(ROM) == VALUE && mmio_read64(ROM + 16) == VALUE, "%s", what);
}

int main(const struct boot_info *boot)
{
    static const uint8_t bytes[16] = {1, 2, 3};
    uint32_t old = 0x5a5a5a5a;

    (void)boot;
    mmio_write8(ROM, 0);
    unchanged("a byte");
    mmio_write16(ROM + 2, 0);
    unchanged("a word");
    mmio_write32(ROM + 4, 0);
    unchanged("a double word");
    mmio_write64(ROM, 0);
    unchanged("8 bytes");
    mmio_write64(ROM + 5, 0);
    unchanged("8 bytes, unaligned");
    mmio_copy8(ROM, (uintptr_t)bytes, sizeof(bytes));
    unchanged("rep movsb");
    mmio_lock_inc32(ROM);
    unchanged("a locked increment");
    __asm__ volatile("xchgl %0, (%1)" : "+r"(old) : "r"((uint64_t)ROM) : "memory");
    unchanged("an exchange");
    report(old == 0x13121110, "which gives what is there");
    return report_finish();
}
