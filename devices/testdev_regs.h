/*
 * testdev_regs.h - the test device as a guest sees it: numbers only, for C of any world.
 *
 * Three windows, in the order of the node's `reg`: 64 KiB of memory, 128 ports, and 1 MiB of memory
 * that an IOMMU translates. Registers are 64 bits wide, little endian, at multiples of 8, and take
 * aligned accesses of 8 bytes or of 4: 4 bytes written at the register set all of it (upper half
 * zero) and have its effect. For a value that needs more, write the upper 32 bits to TESTDEV_HIGH
 * first: the next 4-byte write of another register takes them as its upper half. Reserved places
 * read 0 and ignore writes. *_RESULT: 0, or the errno of what failed (22: EINVAL).
 */
#ifndef ACRE_TESTDEV_REGS_H
#define ACRE_TESTDEV_REGS_H

#include "devices/iommu_regs.h"

/* The memory window. */
#define TESTDEV_MEMORY_SIZE 0x10000
#define TESTDEV_REGISTERS 0x0000 /* 4 KiB, below */
#define TESTDEV_LOG 0x1000       /* the last 64 calls of device callbacks, 32 bytes each */
#define TESTDEV_RAW 0x2000       /* the banks' contents, 64 bytes each, any access, no log */
#define TESTDEV_BUFFER 0x3000    /* 4 KiB, the DMA engine's own, any access */
#define TESTDEV_ZONE 0x4000      /* 4 KiB; writes are coalesced and logged, reads give 0 */
#define TESTDEV_DOORBELL 0x5000  /* 256 bytes; eventfds are put here */
#define TESTDEV_BANKS 0xfe00     /* 8 banks of 64 bytes, to the end of the window */

/* The port window. */
#define TESTDEV_PORT_SIZE 0x80
#define TESTDEV_PORT_BANKS 0x00    /* banks 8..11, 16 ports each */
#define TESTDEV_PORT_ZONE 0x40     /* 16 ports, as TESTDEV_ZONE */
#define TESTDEV_PORT_DOORBELL 0x50 /* 16 ports, as TESTDEV_DOORBELL */

/* The translated window: 256 pages of 4 KiB. What no entry maps is as unassigned memory. */
#define TESTDEV_IOMMU_SIZE 0x100000

/* General. */
#define TESTDEV_ID 0x000                    /* read-only */
#define TESTDEV_ID_VALUE 0x7473657465726361 /* "acretest" */
#define TESTDEV_SCRATCH 0x008
#define TESTDEV_COUNTER 0x010 /* a read gives how many came before, and counts; a write sets it */
#define TESTDEV_ERROR 0x018   /* every access has the result TESTDEV_ERROR_RESULT; reads give 0 */
#define TESTDEV_ERROR_RESULT 0x020     /* bits: 1 error, 2 decode error, 4 access error; reset: 1 */
#define TESTDEV_BLOCKED_REENTRY 0x028  /* read-only: refused because the chain came back */
#define TESTDEV_BLOCKED_DEADLOCK 0x030 /* read-only: refused because another CPU was inside */
#define TESTDEV_HIGH 0x038             /* upper half of the next 4-byte write */

/* Interrupt: the line is high while TESTDEV_IRQ_PENDING is not 0. */
#define TESTDEV_IRQ_PENDING 0x040 /* read-only */
#define TESTDEV_IRQ_RAISE 0x048   /* bits written 1 are set in PENDING */
#define TESTDEV_IRQ_LOWER 0x050   /* bits written 1 are cleared in PENDING */
#define TESTDEV_IRQ_PULSE 0x058   /* 1..64: so many times up and down (nothing while it is high) */
#define TESTDEV_IRQ_GUEST 1       /* PENDING: for the guest's use, and so are bits 2 to 63 */
#define TESTDEV_IRQ_DMA 2         /* PENDING: a DMA with TESTDEV_DMA_IRQ is done */

/* DMA. It is over when the write of the command is. */
#define TESTDEV_DMA_SOURCE 0x080
#define TESTDEV_DMA_DEST 0x088
#define TESTDEV_DMA_LENGTH 0x090 /* bytes, 0..65536 */
#define TESTDEV_DMA_FLAGS 0x098
#define TESTDEV_DMA_PATTERN 0x0a0 /* for FILL: 8 bytes, over and over */
#define TESTDEV_DMA_COMMAND 0x0a8
#define TESTDEV_DMA_RESULT 0x0b0 /* bits as TESTDEV_ERROR_RESULT; 0x100: refused, nothing done */
#define TESTDEV_DMA_COUNT 0x0b8  /* commands carried out since reset */
#define TESTDEV_DMA_LENGTH_MAX 0x10000
#define TESTDEV_DMA_REFUSED 0x100 /* result: unknown command, or LENGTH out of range */
/* Flags: the address is looked up behind the IOMMU (0..1 MiB), not in system memory. */
#define TESTDEV_DMA_SOURCE_IOMMU 1
#define TESTDEV_DMA_DEST_IOMMU 2
#define TESTDEV_DMA_IRQ 4
/* Commands. READ and WRITE take up to 4096 bytes, COPY goes in pieces of that through BUFFER. */
#define TESTDEV_DMA_COPY 1  /* SOURCE to DEST, ascending */
#define TESTDEV_DMA_FILL 2  /* PATTERN to DEST */
#define TESTDEV_DMA_READ 3  /* SOURCE to BUFFER */
#define TESTDEV_DMA_WRITE 4 /* BUFFER to DEST */

/*
 * IOMMU: entry n at TESTDEV_IOMMU_ENTRY + 8 * n, as iommu_regs.h has it; pages of 4096 bytes. The
 * window has 256 of them, so orders end at 8 and bits 60-63 are reserved.
 */
#define TESTDEV_IOMMU_ENTRY 0x100
#define TESTDEV_IOMMU_ENTRIES IOMMU_ENTRIES
#define TESTDEV_IOMMU_READ IOMMU_ENTRY_READ
#define TESTDEV_IOMMU_WRITE IOMMU_ENTRY_WRITE
#define TESTDEV_IOMMU_ORDER_SHIFT IOMMU_ENTRY_ORDER_SHIFT
#define TESTDEV_IOMMU_TARGET IOMMU_ENTRY_TARGET /* in system memory */
#define TESTDEV_IOMMU_IOVA_SHIFT IOMMU_ENTRY_PAGE_SHIFT
#define TESTDEV_IOMMU_NOTIFY 0x180    /* what is counted: 1 unmap, 2 map; 0 nobody listens */
#define TESTDEV_IOMMU_UNMAPS 0x188    /* read-only, counts since NOTIFY was written */
#define TESTDEV_IOMMU_MAPS 0x190      /* read-only */
#define TESTDEV_IOMMU_LAST_IOVA 0x198 /* read-only, of the last event: offset in the window */
#define TESTDEV_IOMMU_LAST_MASK 0x1a0 /* read-only, of the last event: its size - 1 */
#define TESTDEV_IOMMU_REPLAY 0x1a8    /* any write: all pages that are mapped count as map events */

/* Eventfds, four: a slot is filled in, then COMMAND adds it to or removes it from its doorbell. */
#define TESTDEV_EVENT_SLOT 0x200   /* 0..3 */
#define TESTDEV_EVENT_OFFSET 0x208 /* in the doorbell */
#define TESTDEV_EVENT_SIZE 0x210   /* bytes: 1, 2, 4, 8; 0: any */
#define TESTDEV_EVENT_DATA 0x218
#define TESTDEV_EVENT_FLAGS 0x220
#define TESTDEV_EVENT_MATCH 1 /* flag: only writes of DATA */
#define TESTDEV_EVENT_PORTS 2 /* flag: the doorbell among the ports */
#define TESTDEV_EVENT_COMMAND 0x228
#define TESTDEV_EVENT_ADD 1
#define TESTDEV_EVENT_REMOVE 2
#define TESTDEV_EVENT_RESULT 0x230
#define TESTDEV_EVENT_COUNT 0x240 /* slot n at + 8 * n: signals since reset; a write sets it */
#define TESTDEV_EVENT_SLOTS 4

/* Banks: shape n at TESTDEV_BANK_SHAPE + 8 * n; a write puts the bank in anew, contents kept. */
#define TESTDEV_BANK_RESULT 0x2f8
#define TESTDEV_BANK_SHAPE 0x300
#define TESTDEV_BANK_NUM 12       /* 0..7 in memory, 8..11 among the ports */
#define TESTDEV_BANK_SIZE 64      /* bytes of a bank in memory, and of its room in TESTDEV_RAW */
#define TESTDEV_BANK_PORT_SIZE 16 /* bytes of a bank among the ports */
/* Shape: sizes 0 (default), 1, 2, 4, 8; as MemoryRegionOps.valid and .impl. */
#define TESTDEV_SHAPE_VALID_MIN_SHIFT 0
#define TESTDEV_SHAPE_VALID_MAX_SHIFT 4
#define TESTDEV_SHAPE_IMPL_MIN_SHIFT 8
#define TESTDEV_SHAPE_IMPL_MAX_SHIFT 12
#define TESTDEV_SHAPE_VALID_UNALIGNED 0x10000
#define TESTDEV_SHAPE_IMPL_UNALIGNED 0x20000
#define TESTDEV_SHAPE_BIG_ENDIAN 0x40000
#define TESTDEV_SHAPE_NARROW_SHIFT 20
#define TESTDEV_NARROW_REJECT 0
#define TESTDEV_NARROW_RMW 1
#define TESTDEV_NARROW_ZERO_EXTEND 2
#define TESTDEV_SHAPE(valid_min, valid_max, impl_min, impl_max)                                    \
    ((valid_min) << TESTDEV_SHAPE_VALID_MIN_SHIFT | (valid_max) << TESTDEV_SHAPE_VALID_MAX_SHIFT | \
     (impl_min) << TESTDEV_SHAPE_IMPL_MIN_SHIFT | (impl_max) << TESTDEV_SHAPE_IMPL_MAX_SHIFT)
/*
 * After reset: even banks little endian, odd ones big endian; all unaligned accesses taken.
 * 0, 1 (and ports 8, 9): valid 1..8, impl 1..8. 2, 3: valid 1..8, impl 1..1.
 * 4, 5 (and 10, 11): valid 1..8, impl 4..4, narrow writes RMW. 6, 7: valid 1..8, impl 1..4.
 */

/* Dirty log of the RAM that shows at ADDR. */
#define TESTDEV_DIRTY_ADDR 0x400   /* system memory, a multiple of 4096 from the RAM's start */
#define TESTDEV_DIRTY_PAGES 0x408  /* 1..512 */
#define TESTDEV_DIRTY_CLIENT 0x410 /* 0 display, 1 code, 2 migration */
#define TESTDEV_DIRTY_COMMAND 0x418
#define TESTDEV_DIRTY_START                                                                        \
    1                        /* log the whole region that shows at ADDR, for CLIENT; ends another */
#define TESTDEV_DIRTY_STOP 2 /* end what START began */
#define TESTDEV_DIRTY_SYNC 3 /* bring in what KVM logged, and show the bits of PAGES pages */
#define TESTDEV_DIRTY_TAKE 4 /* the same, and clear them */
#define TESTDEV_DIRTY_RESULT 0x420
#define TESTDEV_DIRTY_COUNT 0x428  /* read-only: how many bits SYNC or TAKE found */
#define TESTDEV_DIRTY_BITMAP 0x440 /* read-only, 8 registers: bit 0 is the page at ADDR */
#define TESTDEV_DIRTY_PAGES_MAX 512

/* The log: entry i (0..63) holds call number n of those since CLEAR, the last with n % 64 == i. */
#define TESTDEV_LOG_COUNT 0x480 /* read-only: calls since CLEAR */
#define TESTDEV_LOG_CLEAR 0x488 /* any write */
#define TESTDEV_LOG_ENTRIES 64
#define TESTDEV_LOG_ENTRY_SIZE 32
#define TESTDEV_LOG_WHO 0     /* bank 0..11, or one of the below */
#define TESTDEV_LOG_SIZE 8    /* bytes; | 0x100: a write */
#define TESTDEV_LOG_OFFSET 16 /* in the bank, zone or doorbell */
#define TESTDEV_LOG_VALUE 24  /* written or given */
#define TESTDEV_LOG_WRITE 0x100
#define TESTDEV_WHO_ZONE 0x20
#define TESTDEV_WHO_PORT_ZONE 0x21
#define TESTDEV_WHO_DOORBELL 0x22 /* a write that no eventfd took, or a read */
#define TESTDEV_WHO_PORT_DOORBELL 0x23

/* Coalescing of the zones: bit 0 in memory, bit 1 among the ports; reset: both. */
#define TESTDEV_COALESCE 0x490
#define TESTDEV_COALESCE_RESULT 0x498

#endif
