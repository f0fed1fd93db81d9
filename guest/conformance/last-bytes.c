/* last-bytes.c - the last byte of each kind of region is its own, and the one behind it is not. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

enum { KEEPS = -1 }; /* what is written */

static const struct {
    const char *name;
    uint64_t last;
    uint64_t shows; /* where that byte is found as well; 0: nowhere else */
    int gives;      /* KEEPS, or what it gives whatever is written */
    int behind;     /* the byte there */
} rows[] = {
    {"RAM", 0x3ffffff, 0, KEEPS, 0xff},
    {"a bank of RAM", 0xd100ffff, 0, KEEPS, 0xff},
    {"an alias", 0xd110ffff, 0xd200ffff, KEEPS, 0xff},
    {"an alias of a device, over RAM", 0xd120ffff, 0xd000ffff, KEEPS, 0},
    {"a device, before RAM", 0xd000ffff, 0xd120ffff, KEEPS, 0},
    {"a part of a container, over RAM", 0xd1403fff, 0, KEEPS, 0},
    {"a container's hole, over RAM", 0xd1407fff, 0, KEEPS, 0},
    {"a flash memory", 0xd300ffff, 0xd3000007, 0, 0xff},
    {"memory of a device", 0xd310ffff, 0, KEEPS, 0xff},
    {"RAM before a reservation", 0xd3200fff, 0, KEEPS, 0xff},
    {"a reservation", 0xd3201fff, 0, 0xff, 0},
    {"a read-only alias, before a ROM", 0xd3202fff, 0, 0, 'p'},
    {"a ROM, before RAM", 0xd3203fff, 0xd3203003, 'e', 0},
    {"a part clipped by its container", 0xd3303fff, 0, KEEPS, 0},
    {"an alias beyond its target", 0xd3431fff, 0xd320ffff, KEEPS, 0xff},
    {"an alias at odd addresses", 0xd35137fe, 0xd20077fe, KEEPS, 0xff},
    {"memory behind two buses, before a port", 0xd3701fff, 0, KEEPS, 0},
};

static void check(unsigned row)
{
    uint64_t last = rows[row].last, shows = rows[row].shows ? rows[row].shows : last;
    uint8_t value = (uint8_t)(0x40 + row), want = value;

    mmio_write8(last, value);
    if (rows[row].gives != KEEPS) {
        want = (uint8_t)rows[row].gives;
    }
    report(mmio_read8(last) == want && mmio_read8(shows) == want &&
               mmio_read8(last + 1) == rows[row].behind &&
               mmio_read16(last) == (rows[row].behind << 8 | want),
           "%s: 0x%x, then 0x%x", rows[row].name, mmio_read8(last), mmio_read8(last + 1));
}

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t iommu_last = dev.translated + TESTDEV_IOMMU_SIZE - 1, page = 0xd2010000;
    uint16_t port = (uint16_t)(testdev_bank(&dev, 11) + TESTDEV_BANK_PORT_SIZE - 1);

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check(i);
    }
    testdev_iommu_set(&dev, 0, TESTDEV_IOMMU_SIZE - 0x1000, page,
                      TESTDEV_IOMMU_READ | TESTDEV_IOMMU_WRITE, 0);
    mmio_write8(iommu_last, 0x77);
    report(mmio_read8(page + 0xfff) == 0x77 && mmio_read8(iommu_last) == 0x77, "an IOMMU's window");
    outb(port, 0x78);
    report(inb(port) == 0x78 && mmio_read8(testdev_raw(&dev, 11) + 15) == 0x78, "ports");
    return report_finish();
}
