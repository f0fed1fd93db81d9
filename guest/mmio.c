/*
 * mmio.c - memory accesses that no RAM serves: every width, alignment and direction, across pages
 * and across the end of RAM, and writes to ROM.
 */
#include "guest/lib/guest.h"

#define UNASSIGNED 0xd0000000 /* a page and more on both sides where nothing answers */
#define PAGE 0x1000
#define ROM 0xfffc0000
#define ROM_TEXT "acre rom"
#define MIB 0x100000
#define GUARD 0x77

static bool reads_ones(uint64_t addr)
{
    return mmio_read8(addr) == 0xff && mmio_read16(addr) == 0xffff &&
           mmio_read32(addr) == 0xffffffff && mmio_read64(addr) == UINT64_MAX;
}

static void write_zeros(uint64_t addr)
{
    mmio_write8(addr, 0);
    mmio_write16(addr, 0);
    mmio_write32(addr, 0);
    mmio_write64(addr, 0);
}

static void check_unassigned(void)
{
    for (unsigned offset = 0; offset < 8; offset++) {
        report(reads_ones(UNASSIGNED + offset), "unassigned + %u: all ones at each width", offset);
    }
    for (unsigned before = 1; before < 8; before++) {
        report(reads_ones(UNASSIGNED + PAGE - before),
               "unassigned, %u bytes before the end of a page: all ones", before);
    }
    for (unsigned offset = 0; offset < 8; offset++) {
        write_zeros(UNASSIGNED + offset);
        write_zeros(UNASSIGNED + PAGE - offset);
    }
    report(reads_ones(UNASSIGNED) && reads_ones(UNASSIGNED + PAGE), "writes there are dropped");
    mmio_lock_inc32(UNASSIGNED);
    report(reads_ones(UNASSIGNED), "a locked increment there is dropped");
}

static void check_strings(void)
{
    static uint8_t buf[64];
    uint64_t in = (uintptr_t)buf + 16;

    memset(buf, GUARD, sizeof(buf));
    mmio_copy8(in, UNASSIGNED, 32);
    report(memory_is(buf, GUARD, 16) && memory_is(buf + 16, 0xff, 32) &&
               memory_is(buf + 48, GUARD, 16),
           "rep movsb from there: 32 bytes of ones and no more");
    memset(buf, 0, sizeof(buf));
    mmio_copy8(UNASSIGNED, in, 32);
    mmio_copy8(UNASSIGNED + 64, UNASSIGNED, 8);
    report(memory_is(buf, 0, sizeof(buf)) && reads_ones(UNASSIGNED),
           "rep movsb to there, and from there to there");
}

/*
 * The first address behind the RAM that holds this program, going on over whatever else the
 * memory map says is there. Returns: 0 where that is not below 4 GiB, or unknown.
 */
static uint64_t ram_end(const struct boot_info *boot)
{
    uint64_t end = MIB;

    for (size_t i = 0; i < boot->map_num; i++) {
        for (size_t k = 0; k < boot->map_num; k++) {
            if (boot->map[k].first <= end && boot->map[k].last >= end) {
                end = boot->map[k].last + 1;
            }
        }
    }
    return end > MIB && end < UNASSIGNED ? end : 0;
}

static void check_ram_end(uint64_t end)
{
    uint64_t kept;

    console_printf("# RAM ends at 0x%lx\n", end);
    for (unsigned in_ram = 1; in_ram < 8; in_ram++) {
        uint64_t addr = end - in_ram, ones = UINT64_MAX << 8 * in_ram;

        mmio_write64(end - 8, 0);
        mmio_write64(addr, UINT64_C(0x1122334455667788));
        kept = mmio_read64(addr);
        report(kept == ((UINT64_C(0x1122334455667788) & ~ones) | ones),
               "8 bytes, %u of them RAM: those are kept, the rest is ones", in_ram);
    }
    mmio_write64(end - 8, 0);
    mmio_write32(end - 2, 0xaabbccdd);
    report(mmio_read16(end - 2) == 0xccdd && mmio_read32(end - 2) == 0xffffccdd,
           "4 bytes, 2 of them RAM");
    mmio_write16(end - 1, 0x5566);
    report(mmio_read8(end - 1) == 0x66 && mmio_read16(end - 1) == 0xff66, "2 bytes, 1 of them RAM");
    report(reads_ones(end), "behind the end: all ones");
}

static bool rom_present(void)
{
    return memcmp((const void *)ROM, ROM_TEXT, sizeof(ROM_TEXT) - 1) == 0;
}

static void check_rom(void)
{
    uint64_t before = mmio_read64(ROM);
    char text[sizeof(ROM_TEXT)] = {0};

    write_zeros(ROM);
    report(mmio_read64(ROM) == before, "writes of each width to ROM are dropped");
    write_zeros(ROM + 3);
    report(mmio_read64(ROM) == before, "unaligned ones as well");
    mmio_lock_inc32(ROM);
    report(mmio_read64(ROM) == before, "and a locked increment");
    mmio_copy8(ROM, (uintptr_t) "overwritten", 11);
    report(mmio_read64(ROM) == before, "and rep movsb");
    mmio_copy8((uintptr_t)text, ROM, sizeof(ROM_TEXT) - 1);
    report(strcmp(text, ROM_TEXT) == 0 && mmio_read8(ROM) == 'a' &&
               mmio_read16(ROM + 1) == 0x7263 && mmio_read32(ROM + 2) == 0x72206572,
           "ROM reads at each width: \"%s\"", text);
}

int main(const struct boot_info *boot)
{
    uint64_t end = ram_end(boot);

    check_unassigned();
    check_strings();
    if (end) {
        check_ram_end(end);
    } else {
        report_skip("the end of RAM", "the memory map does not say where it is");
    }
    if (rom_present()) {
        check_rom();
    } else {
        report_skip("writes to ROM", "this machine has no ROM to test with");
    }
    return report_finish();
}
