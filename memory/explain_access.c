/*
 * explain_access.c - an access cut into pieces as access.c and dispatch.c cut it, and nothing done.
 */
#include "memory/explain.h"
#include "memory/internal.h"

struct telling {
    void (*tell)(void *opaque, const MemoryPiece *piece);
    void *opaque;
    bool is_write;
};

static void tell(const struct telling *telling, MemoryPieceKind kind, MemoryRegion *mr, hwaddr addr,
                 hwaddr offset, unsigned size)
{
    const MemoryPiece piece = {.kind = kind,
                               .mr = mr,
                               .addr = addr,
                               .size = size,
                               .unit_offset = offset,
                               .unit_size = size};

    telling->tell(telling->opaque, &piece);
}

/* One callback, or why there is none. */
static void tell_unit(const struct telling *telling, const FlatRange *range, hwaddr addr,
                      hwaddr offset, unsigned size, unsigned wide)
{
    const MemoryRegionOps *ops = range->mr->ops;
    hwaddr unit = wide > size ? offset & ~(hwaddr)(wide - 1) : offset;
    bool narrow_write = telling->is_write && wide > size;
    MemoryPiece piece = {
        .kind = MEMORY_PIECE_CALL,
        .mr = range->mr,
        .addr = addr,
        .size = size,
        .unit_offset = unit,
        .unit_size = wide,
        .read_first = narrow_write && ops->impl.narrow_write == MEMORY_NARROW_WRITE_RMW,
    };

    if (wide - 1 > range->region_last - unit ||
        (narrow_write && ops->impl.narrow_write == MEMORY_NARROW_WRITE_REJECT)) {
        piece.kind = MEMORY_PIECE_CUT;
    }
    telling->tell(telling->opaque, &piece);
}

/* What reaches a device's callbacks, or a RAM device. Returns: how many bytes it was. */
static unsigned tell_dispatch(const struct telling *telling, const FlatRange *range, hwaddr addr,
                              hwaddr offset, unsigned len)
{
    const MemTxAttrs attrs = {0};
    unsigned done, unit, wide, num = region_piece(range, offset, len);
    MemoryRefusal refusal;

    if (range->mr->kind == MEMORY_REGION_RAM_DEVICE) {
        tell(telling,
             telling->is_write && range->readonly ? MEMORY_PIECE_READ_ONLY
                                                  : MEMORY_PIECE_RAM_DEVICE,
             range->mr, addr, offset, num);
        return num;
    }
    refusal = region_access_refusal(range->mr, offset, num, telling->is_write, attrs);
    if (refusal != MEMORY_REFUSAL_NONE) {
        telling->tell(telling->opaque, &(MemoryPiece){.kind = MEMORY_PIECE_REFUSED,
                                                      .mr = range->mr,
                                                      .addr = addr,
                                                      .size = num,
                                                      .unit_offset = offset,
                                                      .unit_size = num,
                                                      .refusal = refusal});
        return num;
    }
    for (done = 0; done < num; done += unit) {
        unit = region_next_unit(range->mr->ops, offset + done, num - done, &wide);
        tell_unit(telling, range, addr + done, offset + done, unit, wide);
    }
    return num;
}

/* The part that lies in one page of an IOMMU. Returns: how many bytes it was. */
static unsigned tell_iommu(const struct telling *telling, const FlatRange *range, hwaddr addr,
                           hwaddr offset, unsigned len)
{
    const IOMMUMemoryRegionOps *ops = range->mr->iommu->ops;
    void *opaque = range->mr->opaque;
    IOMMUAccessFlags flag = telling->is_write ? IOMMU_WO : IOMMU_RO;
    int index = ops->attrs_to_index ? ops->attrs_to_index(opaque, (MemTxAttrs){0}) : 0;
    MemoryPiece piece = {
        .kind = MEMORY_PIECE_IOMMU,
        .mr = range->mr,
        .addr = addr,
        .unit_offset = offset,
    };
    IOMMUTLBEntry entry;
    hwaddr rest;

    rcu_lock();
    entry = ops->translate(opaque, offset, flag, index);
    rcu_unlock();
    rest = entry.addr_mask - (offset & entry.addr_mask);
    piece.size = len - 1 <= rest ? len : (unsigned)rest + 1;
    piece.unit_size = piece.size;
    if (entry.perm & flag) {
        piece.target_as = entry.target_as;
        piece.target_addr = (entry.translated_addr & ~entry.addr_mask) | (offset & entry.addr_mask);
    }
    telling->tell(telling->opaque, &piece);
    return piece.size;
}

/* The next piece. Returns: how many bytes it was. */
static unsigned tell_piece(const struct telling *telling, const FlatRange *range, hwaddr addr,
                           unsigned len)
{
    hwaddr offset = range->offset_in_region + (addr - range->first);
    unsigned num = len - 1 <= range->last - addr ? len : (unsigned)(range->last - addr + 1);
    enum memory_region_kind kind = range->mr->kind;

    if (range_is_direct(range, telling->is_write, false)) {
        tell(telling, MEMORY_PIECE_DIRECT, range->mr, addr, offset, num);
    } else if (kind == MEMORY_REGION_RESERVATION) {
        tell(telling, MEMORY_PIECE_UNASSIGNED, range->mr, addr, offset, num);
    } else if (kind == MEMORY_REGION_IOMMU) {
        num = tell_iommu(telling, range, addr, offset, num);
    } else if (kind == MEMORY_REGION_RAM) {
        tell(telling, MEMORY_PIECE_READ_ONLY, range->mr, addr, offset, num);
    } else {
        num = tell_dispatch(telling, range, addr, offset, len);
    }
    return num;
}

void memory_explain_access(AddressSpace *as, hwaddr addr, unsigned size, bool is_write,
                           void (*tell_one)(void *opaque, const MemoryPiece *piece), void *opaque)
{
    const struct telling telling = {.tell = tell_one, .opaque = opaque, .is_write = is_write};
    FlatView *view = address_space_get_flatview(as);
    unsigned num;

    for (; size > 0; size -= num) {
        const FlatRange *range = flatview_at_or_after(view, addr);

        if (range && range->first <= addr) {
            num = tell_piece(&telling, range, addr, size);
        } else {
            num = range && range->first - addr < size ? (unsigned)(range->first - addr) : size;
            tell(&telling, MEMORY_PIECE_UNASSIGNED, NULL, addr, 0, num);
        }
        if (__builtin_add_overflow(addr, num, &addr) && size > num) {
            tell(&telling, MEMORY_PIECE_UNASSIGNED, NULL, UINT64_MAX, 0, size - num);
            break;
        }
    }
    flatview_unref(view);
}
