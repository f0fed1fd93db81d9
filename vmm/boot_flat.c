/*
 * boot_flat.c - a file without a header: its bytes go to one address and are entered at the first.
 */
#include <errno.h>

#include "vmm/boot.h"

#define FLAT16_ADDR 0x10000U
#define FLAT_ADDR 0x100000U
#define BOOT_SECTOR_ADDR 0x7c00U
#define BOOT_SECTOR_SIZE 512U
#define REAL_LAST 0xfffffU /* the last byte that real mode reaches with an offset of 0 */

static bool is_boot_sector(const struct load_file *file)
{
    return file->size == BOOT_SECTOR_SIZE && file->head[510] == 0x55 && file->head[511] == 0xaa;
}

/* There is no interface through which a 16-bit kernel could be told of anything. */
static const char *refuse_flat16(const struct boot_config *config, uint64_t addr)
{
    if (addr % 16 != 0 || addr > REAL_LAST) {
        return "a 16-bit image's address is a multiple of 16 below 1 MiB";
    }
    if (config->module_num > 0) {
        return "a 16-bit image cannot be told of modules";
    }
    if (config->append && *config->append) {
        return "a 16-bit image cannot be told of a command line";
    }
    return NULL;
}

void boot_flat_probe(const struct boot_image *image, struct boot_plan *plan,
                     struct boot_verdict *verdict)
{
    const struct boot_config *config = &image->config;
    const bool real = config->kind == BOOT_FLAT16;
    uint64_t addr = real ? FLAT16_ADDR : FLAT_ADDR;
    const char *wrong;

    if (config->flat_addr_given) {
        addr = config->flat_addr;
    } else if (real && is_boot_sector(&image->file)) {
        addr = BOOT_SECTOR_ADDR;
        plan->boot_sector = true;
    }
    if (addr > BOOT_LAST_32 || image->file.size - 1 > BOOT_LAST_32 - addr) {
        boot_verdict_set(verdict, BOOT_UNFIT, EINVAL, "0x%jx bytes at 0x%jx do not end below 4 GiB",
                         (uintmax_t)image->file.size, (uintmax_t)addr);
        return;
    }
    plan->segment_num = 1;
    plan->segments[0] = (struct load_segment){
        .paddr = addr,
        .vaddr = addr,
        .mem_size = image->file.size,
        .file_size = image->file.size,
    };
    plan->entry = addr;
    plan->stack = !real;
    plan->mode = config->kind == BOOT_FLAT64 ? CPU_MODE_LONG64 : CPU_MODE_PROTECTED32;
    plan->tables = config->kind == BOOT_FLAT64;
    if (real) {
        wrong = refuse_flat16(config, addr);
        if (wrong) {
            boot_verdict_set(verdict, BOOT_UNFIT, EINVAL, "%s", wrong);
            return;
        }
        plan->mode = CPU_MODE_REAL;
        /* A boot sector is entered as the BIOS does, with CS 0; all others with IP 0. */
        plan->real_cs = plan->boot_sector ? 0 : (uint16_t)(addr >> 4);
        plan->entry = plan->boot_sector ? addr : 0;
    }
    boot_verdict_set(verdict, BOOT_FITS, 0, "%s at 0x%jx",
                     plan->boot_sector ? "boot sector" : "flat binary", (uintmax_t)addr);
}
