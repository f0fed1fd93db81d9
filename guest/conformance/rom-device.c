/* rom-device.c - a flash memory: read as memory, written as commands, read as a device meanwhile.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define FLASH 0xd3000000
#define SIZE 0x10000
#define READ_ARRAY 0xff
#define READ_ID 0x90
#define READ_STATUS 0x70
#define PROGRAM 0x40
#define ERASE 0x20
#define CONFIRM 0xd0
#define READY 0x80

int main(const struct boot_info *boot)
{
    static uint8_t copy[8];

    (void)boot;
    report(mmio_read32(FLASH) == 0x73616c66, "it reads as memory: \"flas\"");
    mmio_copy8((uintptr_t)copy, FLASH, sizeof(copy));
    report(memcmp(copy, "flash\0\0", 8) == 0, "by string, too");
    mmio_write8(FLASH, READ_ID);
    report(mmio_read8(FLASH) == 0x89 && mmio_read8(FLASH + 1) == 0xa2, "a command: its identity");
    report(mmio_read8(FLASH + SIZE - 8) != 'f', "all of it is a device now");
    mmio_write8(FLASH, READ_ARRAY);
    report(mmio_read8(FLASH) == 'f' && mmio_read8(FLASH + SIZE - 8) == 'f', "and memory again");
    mmio_write8(FLASH + 5, PROGRAM);
    mmio_write8(FLASH + 5, 0x00);
    report(mmio_read8(FLASH) == READY, "programming ends in the status");
    mmio_write8(FLASH + 1, PROGRAM);
    mmio_write8(FLASH + 1, 0x0f);
    mmio_write8(FLASH, READ_ARRAY);
    report(mmio_read8(FLASH + 1) == ('l' & 0x0f), "programming clears bits and sets none");
    report(mmio_read8(FLASH) == 'f' && mmio_read8(FLASH + 2) == 'a', "of its byte alone");
    mmio_write8(FLASH, ERASE);
    mmio_write8(FLASH, CONFIRM);
    mmio_write8(FLASH, READ_ARRAY);
    report(mmio_read32(FLASH) == 0xffffffff, "an erased block is all ones");
    return report_finish();
}
