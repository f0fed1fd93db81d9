/*
 * testdev.h - a device for conformance guests: whatever memory/ can do, a guest can drive and check
 * through it. testdev_regs.h says what the guest sees.
 *
 * Banks are small memories behind callbacks of any shape (sizes, alignment, byte order), which the
 * guest chooses; a log has each callback's size, place and value, in order, so that splitting,
 * widening and swapping can be checked exactly. A DMA engine accesses system memory, or a window of
 * it that a 16-entry IOMMU translates. Doorbells take eventfds, zones coalesce writes, and a query
 * shows what the dirty log says about any RAM.
 *
 * The guest is not trusted: every value is checked, DMA is bounded, and accesses that lead back
 * here or into a device that waits for this one are refused by memory/ (owner.h).
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch), but for
 * the IOMMU's translate, which takes none. Commands may open a transaction (core.h).
 */
#ifndef ACRE_DEVICES_TESTDEV_H
#define ACRE_DEVICES_TESTDEV_H

#include "devices/device.h"
#include "devices/iommu_table.h"
#include "devices/testdev_regs.h"
#include "memory/memory.h"

struct testdev_config {
    AddressSpace *memory; /* system memory: for DMA and the dirty query. Used by commands only */
    struct irq_line irq;
    /* A handle of -1: the slot's ADD gives 19 (ENODEV). Without take(): its count stays. */
    struct event_input events[TESTDEV_EVENT_SLOTS];
};

/* A bank as it is mounted now. On the heap: its last reader may leave after it was replaced. */
struct testdev_bank;

struct testdev_call {
    uint64_t who, size, offset, value; /* the log entry's four fields */
};

/* A window that logs every access and gives zeros. */
struct testdev_window {
    MemoryRegion mr;
    struct testdev *dev;
    unsigned who; /* TESTDEV_WHO_* */
};

struct testdev_event {
    uint64_t offset, size, data, flags;
    uint64_t count;
    MemoryRegion *added_to;         /* NULL: it is nowhere */
    MemoryRegionIoeventfd added_as; /* what REMOVE must name */
};

struct testdev {
    MemoryRegion mr_memory; /* TESTDEV_MEMORY_SIZE, a container */
    MemoryRegion mr_ports;  /* TESTDEV_PORT_SIZE, a container */
    MemoryRegion mr_iommu;  /* TESTDEV_IOMMU_SIZE, translated */
    MemoryOwner owner;

    /* private */
    struct testdev_config config;
    struct memory_core *core;
    MemoryRegion mr_registers, mr_log, mr_raw, mr_buffer;
    struct testdev_window zones[2], doorbells[2]; /* in memory, among the ports */
    uint32_t high;
    uint64_t scratch, counter, error_result, irq_pending;
    bool irq_level;

    struct testdev_bank *banks[TESTDEV_BANK_NUM];
    uint64_t shapes[TESTDEV_BANK_NUM];
    uint8_t raw[TESTDEV_BANK_NUM * TESTDEV_BANK_SIZE];
    uint64_t bank_result;

    struct testdev_call log[TESTDEV_LOG_ENTRIES];
    uint64_t log_count;
    uint64_t coalesce, coalesce_result;

    struct {
        uint64_t source, dest, length, flags, pattern, result, count;
        uint8_t buffer[4096];
    } dma;

    struct {
        AddressSpace space; /* what DMA sees behind the IOMMU */
        MemoryRegion root, alias;
        struct iommu_table table;
        IOMMUNotifier notifier;
        bool listening;
        uint64_t notify, unmaps, maps, last_iova, last_mask;
    } iommu;

    uint64_t event_slot, event_result;
    struct testdev_event events[TESTDEV_EVENT_SLOTS];

    struct {
        uint64_t addr, pages, client, result, count;
        uint64_t bitmap[TESTDEV_DIRTY_PAGES_MAX / 64];
        MemoryRegion *logged; /* what START logs, referenced; NULL: nothing */
        unsigned logged_client;
    } dirty;
};

/*
 * @config  copied; config->memory need not be initialised before the first command.
 * Returns: 0; -ENOMEM. A failed init leaves nothing to undo. Context: in no transaction.
 */
int testdev_init(struct testdev *dev, struct memory_core *core, const struct testdev_config *config)
    __attribute__((warn_unused_result));
/* Ends what commands began (logging, eventfds, IOMMU entries) and gives banks their first shapes.
 */
void testdev_reset(struct testdev *dev);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void testdev_finish(struct testdev *dev);

#endif
