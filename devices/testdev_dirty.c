/*
 * testdev_dirty.c - what the dirty log says about the RAM at an address. The region is looked up at
 * each command, so a guest may ask about memory that a bank switch has moved.
 */
#include "devices/testdev_internal.h"

#include <errno.h>
#include <string.h>

/*
 * The RAM at ADDR: a reference on its region, and the offset of ADDR in it.
 * Returns: 0; -EINVAL ADDR is not at a page of it; -ENOENT there is no RAM.
 */
static int find_ram(const struct testdev *dev, MemoryRegion **mr, hwaddr *offset)
{
    MemoryRegionSection section;

    if (!address_space_find(dev->config.memory, dev->dirty.addr, 1, &section)) {
        return -ENOENT;
    }
    if (!memory_region_is_ram(section.mr)) {
        memory_region_unref(section.mr);
        return -ENOENT;
    }
    if (section.offset_within_region % DIRTY_PAGE_SIZE) {
        memory_region_unref(section.mr);
        return -EINVAL;
    }
    *mr = section.mr;
    *offset = section.offset_within_region;
    return 0;
}

static int stop(struct testdev *dev)
{
    int ret = -ENOENT;

    if (dev->dirty.logged) {
        ret = memory_region_set_log(dev->dirty.logged, false, dev->dirty.logged_client);
    }
    if (ret == 0) {
        memory_region_unref(dev->dirty.logged);
        dev->dirty.logged = NULL;
    }
    return ret;
}

static int start(struct testdev *dev)
{
    const unsigned client = (unsigned)dev->dirty.client;
    MemoryRegion *mr;
    hwaddr offset;
    int ret = find_ram(dev, &mr, &offset);

    if (ret < 0) {
        return ret;
    }
    ret = dev->dirty.logged ? stop(dev) : 0;
    if (ret == 0) {
        ret = memory_region_set_log(mr, true, client);
    }
    if (ret < 0) {
        memory_region_unref(mr);
        return ret;
    }
    dev->dirty.logged = mr;
    dev->dirty.logged_client = client;
    return 0;
}

/* The bits as they are, without taking them. */
static int peek(struct testdev *dev, MemoryRegion *mr, hwaddr offset)
{
    RAMBlock *block;
    uint64_t page, in_block;

    block = ram_block_from_host(dev->core, (uint8_t *)memory_region_get_ram_ptr(mr) + offset,
                                &in_block);
    if (!block) {
        return -ENOENT;
    }
    memory_region_sync_dirty_bitmap(mr);
    for (page = 0; page < dev->dirty.pages; page++) {
        if (ram_block_test_dirty(block, in_block + page * DIRTY_PAGE_SIZE, DIRTY_PAGE_SIZE,
                                 (unsigned)dev->dirty.client)) {
            dev->dirty.bitmap[page / 64] |= UINT64_C(1) << (page % 64);
            dev->dirty.count++;
        }
    }
    ram_block_unref(block);
    return 0;
}

static int query(struct testdev *dev, bool take)
{
    const unsigned client = (unsigned)dev->dirty.client;
    MemoryRegion *mr;
    uint64_t last;
    hwaddr offset;
    int ret = find_ram(dev, &mr, &offset);

    if (ret < 0) {
        return ret;
    }
    last = range_last(offset, dev->dirty.pages * DIRTY_PAGE_SIZE);
    if (last > range_last(0, memory_region_size(mr))) {
        ret = -EINVAL;
    } else if (take) {
        dev->dirty.count = memory_region_snapshot_and_clear_dirty(mr, offset, dev->dirty.pages,
                                                                  client, dev->dirty.bitmap);
    } else {
        ret = peek(dev, mr, offset);
    }
    memory_region_unref(mr);
    return ret;
}

static int run(struct testdev *dev, uint64_t command)
{
    if (command == TESTDEV_DIRTY_STOP) {
        return stop(dev);
    }
    if (dev->dirty.client >= DIRTY_MEMORY_MONITOR || dev->dirty.pages < 1 ||
        dev->dirty.pages > TESTDEV_DIRTY_PAGES_MAX) {
        return -EINVAL;
    }
    switch (command) {
    case TESTDEV_DIRTY_START:
        return start(dev);
    case TESTDEV_DIRTY_SYNC:
    case TESTDEV_DIRTY_TAKE:
        dev->dirty.count = 0;
        memset(dev->dirty.bitmap, 0, sizeof(dev->dirty.bitmap));
        return query(dev, command == TESTDEV_DIRTY_TAKE);
    default:
        return -EINVAL;
    }
}

static void write_command(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    dev->dirty.result = testdev_errno(run(dev, value));
}

/* A log that cannot be ended stays on; the next command that ends it tries again. */
void testdev_dirty_reset(struct testdev *dev)
{
    (void)stop(dev);
    dev->dirty.addr = 0;
    dev->dirty.pages = 1;
    dev->dirty.client = 0;
    dev->dirty.result = 0;
    dev->dirty.count = 0;
    memset(dev->dirty.bitmap, 0, sizeof(dev->dirty.bitmap));
}

const struct testdev_register testdev_dirty_registers[] = {
    {TESTDEV_FIELD(TESTDEV_DIRTY_ADDR, dirty.addr), .writable = true},
    {TESTDEV_FIELD(TESTDEV_DIRTY_PAGES, dirty.pages), .writable = true},
    {TESTDEV_FIELD(TESTDEV_DIRTY_CLIENT, dirty.client), .writable = true},
    {.first = TESTDEV_DIRTY_COMMAND, .num = 1, .write = write_command},
    {TESTDEV_FIELD(TESTDEV_DIRTY_RESULT, dirty.result)},
    {TESTDEV_FIELD(TESTDEV_DIRTY_COUNT, dirty.count)},
    {.first = TESTDEV_DIRTY_BITMAP,
     .num = TESTDEV_DIRTY_PAGES_MAX / 64,
     .field = offsetof(struct testdev, dirty.bitmap)},
    {.num = 0},
};
