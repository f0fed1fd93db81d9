/* rom-device-code.c - code runs in a flash memory, and once it was programmed the new code does. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define FLASH 0xd3000000
#define READ_ARRAY 0xff
#define PROGRAM 0x40
#define ERASE 0x20
#define CONFIRM 0xd0

static void program(uint64_t addr, uint8_t byte)
{
    mmio_write8(addr, PROGRAM);
    mmio_write8(addr, byte);
}

static void program_return(uint64_t addr, uint32_t value)
{
    uint8_t code[CODE_RETURN_SIZE];

    code_put_return((uintptr_t)code, value);
    for (unsigned i = 0; i < sizeof(code); i++) {
        program(addr + i, code[i]);
    }
    mmio_write8(addr, READ_ARRAY);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write8(FLASH, ERASE);
    mmio_write8(FLASH, CONFIRM);
    program_return(FLASH, 0x7f);
    report(code_call(FLASH) == 0x7f, "code that was programmed runs");
    program_return(FLASH, 0x15);
    report(code_call(FLASH) == 0x15, "changed, it does what it says now");
    mmio_write8(FLASH, 0x70);
    report(mmio_read8(FLASH) == 0x80, "while it is a device it reads as one");
    mmio_write8(FLASH, READ_ARRAY);
    report(code_call(FLASH) == 0x15, "and runs again afterwards");
    return report_finish();
}
