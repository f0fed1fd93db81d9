/* fwcfg-dma-errors.c - transfers that cannot be say so, reach no device, and end. */
#include "guest/lib/fw_cfg.h"
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\nmemory = 64M\ntimeout = 20\n");

#define RAM_END 0x4000000
#define DEVICE 0xff000000 /* testdev's memory */

static uint32_t read(uint32_t len, uint64_t addr)
{
    return fw_cfg_transfer(FW_CFG_DMA_SELECT | FW_CFG_DMA_READ, len, addr);
}

int main(const struct boot_info *boot)
{
    volatile uint8_t *last = (uint8_t *)RAM_END - 2;

    (void)boot;
    report(read(4, RAM_END - 4) == 0 && last[0] == 'M' && last[1] == 'U',
           "up to the last byte of memory");
    last[1] = 0;
    report(read(5, RAM_END - 4) == FW_CFG_DMA_ERROR, "not beyond it");
    report(read(4, RAM_END) == FW_CFG_DMA_ERROR, "not where nothing is");
    report(read(0xffffffff, RAM_END) == FW_CFG_DMA_ERROR, "nor 4 GiB of it");
    report(read(2, 0xffffffffffffffff) == FW_CFG_DMA_ERROR, "nor beyond the last address");
    mmio_write32(DEVICE, 0x12345678);
    report(read(4, DEVICE) == FW_CFG_DMA_ERROR && mmio_read32(DEVICE) == 0x12345678,
           "not into a device");
    report(fw_cfg_transfer(FW_CFG_DMA_SELECT | FW_CFG_DMA_WRITE, 4, RAM_END - 4) ==
               FW_CFG_DMA_ERROR,
           "not towards an item");
    fw_cfg_select(FW_CFG_SIGNATURE);
    report(fw_cfg_next() == 'Q', "which is as it was");
    outl(FW_CFG_DMA, 0);
    outl(FW_CFG_DMA_LOW, __builtin_bswap32(DEVICE));
    report(mmio_read32(DEVICE) == 0x12345678, "a descriptor in a device is not read");
    outl(FW_CFG_DMA_LOW, __builtin_bswap32(RAM_END - 8));
    report(last[-6] == 0 && last[-3] == FW_CFG_DMA_ERROR, "half a descriptor says so");
    return report_finish();
}
