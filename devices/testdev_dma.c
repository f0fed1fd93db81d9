/*
 * testdev_dma.c - the DMA engine. A command runs to its end inside the write that starts it, with
 * this device's lock held: what leads back here is refused by the guard, what leads into a device
 * that another CPU is inside of by the trylock rule (owner.h).
 */
#include "devices/testdev_internal.h"

#include <string.h>

/* One piece between the buffer and an address, which is looked up behind the IOMMU or not. */
static MemTxResult move(struct testdev *dev, hwaddr addr, bool iommu, uint64_t len, bool is_write)
{
    AddressSpace *as = iommu ? &dev->iommu.space : dev->config.memory;

    return address_space_rw(as, addr, MEMTXATTRS_UNSPECIFIED, dev->dma.buffer, len, is_write);
}

static uint64_t piece_of(const struct testdev *dev, uint64_t left)
{
    return left < sizeof(dev->dma.buffer) ? left : sizeof(dev->dma.buffer);
}

/* Addresses wrap at 2^64; what a piece of them crosses there, address_space_rw answers. */
static MemTxResult copy(struct testdev *dev)
{
    const bool from_iommu = dev->dma.flags & TESTDEV_DMA_SOURCE_IOMMU;
    const bool to_iommu = dev->dma.flags & TESTDEV_DMA_DEST_IOMMU;
    const uint64_t source = dev->dma.source, dest = dev->dma.dest, length = dev->dma.length;
    MemTxResult result = MEMTX_OK;
    uint64_t done, piece;

    for (done = 0; done < length; done += piece) {
        piece = piece_of(dev, length - done);
        result |= move(dev, source + done, from_iommu, piece, false);
        result |= move(dev, dest + done, to_iommu, piece, true);
    }
    return result;
}

static MemTxResult fill(struct testdev *dev)
{
    const bool to_iommu = dev->dma.flags & TESTDEV_DMA_DEST_IOMMU;
    const uint64_t dest = dev->dma.dest, length = dev->dma.length;
    MemTxResult result = MEMTX_OK;
    uint64_t done, piece;
    size_t i;

    for (i = 0; i < sizeof(dev->dma.buffer); i += sizeof(dev->dma.pattern)) {
        memcpy(dev->dma.buffer + i, &dev->dma.pattern, sizeof(dev->dma.pattern));
    }
    for (done = 0; done < length; done += piece) {
        piece = piece_of(dev, length - done);
        result |= move(dev, dest + done, to_iommu, piece, true);
    }
    return result;
}

static MemTxResult run(struct testdev *dev, uint64_t command)
{
    switch (command) {
    case TESTDEV_DMA_COPY:
        return copy(dev);
    case TESTDEV_DMA_FILL:
        return fill(dev);
    case TESTDEV_DMA_READ:
        return move(dev, dev->dma.source, dev->dma.flags & TESTDEV_DMA_SOURCE_IOMMU,
                    dev->dma.length, false);
    default:
        return move(dev, dev->dma.dest, dev->dma.flags & TESTDEV_DMA_DEST_IOMMU, dev->dma.length,
                    true);
    }
}

static void write_command(struct testdev *dev, unsigned n, uint64_t command)
{
    const bool through_buffer = command == TESTDEV_DMA_READ || command == TESTDEV_DMA_WRITE;

    (void)n;
    if (command < TESTDEV_DMA_COPY || command > TESTDEV_DMA_WRITE ||
        dev->dma.length > (through_buffer ? sizeof(dev->dma.buffer) : TESTDEV_DMA_LENGTH_MAX)) {
        dev->dma.result = TESTDEV_DMA_REFUSED;
        return;
    }
    dev->dma.result = dev->dma.length ? run(dev, command) : MEMTX_OK;
    dev->dma.count++;
    if (dev->dma.flags & TESTDEV_DMA_IRQ) {
        testdev_irq_change(dev, TESTDEV_IRQ_DMA, 0);
    }
}

void testdev_dma_reset(struct testdev *dev)
{
    memset(&dev->dma, 0, sizeof(dev->dma));
}

const struct testdev_register testdev_dma_registers[] = {
    {TESTDEV_FIELD(TESTDEV_DMA_SOURCE, dma.source), .writable = true},
    {TESTDEV_FIELD(TESTDEV_DMA_DEST, dma.dest), .writable = true},
    {TESTDEV_FIELD(TESTDEV_DMA_LENGTH, dma.length), .writable = true},
    {TESTDEV_FIELD(TESTDEV_DMA_FLAGS, dma.flags), .writable = true},
    {TESTDEV_FIELD(TESTDEV_DMA_PATTERN, dma.pattern), .writable = true},
    {.first = TESTDEV_DMA_COMMAND, .num = 1, .write = write_command},
    {TESTDEV_FIELD(TESTDEV_DMA_RESULT, dma.result)},
    {TESTDEV_FIELD(TESTDEV_DMA_COUNT, dma.count)},
    {.num = 0},
};
