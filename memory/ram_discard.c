/*
 * ram_discard.c - giving pages back to the host, and who may; resizing, which does so too.
 */
#include "memory/internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

/* Makes [start, start+length) read zero, however the block is backed. */
static int drop_pages(RAMBlock *block, uint64_t start, uint64_t length)
{
    void *host = block->host + start;

    if (block->backing == RAM_PTR) {
        memset(host, 0, length); /* the caller's memory: nobody knows what kind */
        return 0;
    }
    if (block->fd >= 0 && fallocate(block->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                    (off_t)(block->fd_offset + start), (off_t)length) != 0) {
        return -errno;
    }
    /* A private mapping has pages of its own beside the file's. */
    return !block->shared && madvise(host, length, MADV_DONTNEED) != 0 ? -errno : 0;
}

int ram_block_discard_range(RAMBlock *block, uint64_t start, uint64_t length)
{
    struct memory_core *core = block->core;
    uint64_t end;
    int ret;

    if (((start | length) & (block->page_size - 1)) || !length ||
        __builtin_add_overflow(start, length, &end) || end > block->max_length) {
        return -EINVAL;
    }
    if (block->readonly) {
        return -EROFS;
    }
    pthread_mutex_lock(&core->lock);
    ret = core->ram.discard_disabled || core->ram.discard_uncoordinated_disabled ? -EBUSY : 0;
    pthread_mutex_unlock(&core->lock);
    ret = ret ? ret : drop_pages(block, start, length);
    return ret == -EBADF || ret == -EPERM ? -EROFS : ret;
}

/* Counts up unless one of two others is in force. */
static int take(struct memory_core *core, unsigned *count, bool state, const unsigned *against,
                const unsigned *against_too)
{
    int ret = 0;

    pthread_mutex_lock(&core->lock);
    if (!state) {
        ret = *count ? 0 : -EINVAL;
        *count -= *count != 0;
    } else if (*against || *against_too) {
        ret = -EBUSY;
    } else {
        (*count)++;
    }
    pthread_mutex_unlock(&core->lock);
    return ret;
}

int ram_block_discard_disable(struct memory_core *core, bool state)
{
    return take(core, &core->ram.discard_disabled, state, &core->ram.discard_required,
                &core->ram.discard_coordinated_required);
}

int ram_block_uncoordinated_discard_disable(struct memory_core *core, bool state)
{
    return take(core, &core->ram.discard_uncoordinated_disabled, state, &core->ram.discard_required,
                &core->ram.discard_required);
}

int ram_block_discard_require(struct memory_core *core, bool state)
{
    return take(core, &core->ram.discard_required, state, &core->ram.discard_disabled,
                &core->ram.discard_uncoordinated_disabled);
}

int ram_block_coordinated_discard_require(struct memory_core *core, bool state)
{
    return take(core, &core->ram.discard_coordinated_required, state, &core->ram.discard_disabled,
                &core->ram.discard_disabled);
}

static int resize(MemoryRegion *mr, uint64_t size)
{
    memory_region_transaction_begin(mr->core);
    return setter_finish(mr, setter_resize(mr, size, "ram_resize"));
}

/* Makes what is to show again read zero and dirty. Returns: 0; what madvise or fallocate said. */
static int clear_again(RAMBlock *block, uint64_t old, uint64_t size)
{
    int ret;

    /* Nobody sees this part yet; whoever saw it before a shrink has left. */
    if (core_may_wait(block->core)) {
        rcu_wait();
    }
    ret = drop_pages(block, old, size - old);
    if (!ret) {
        ram_block_set_dirty(block, old, size - old);
    }
    return ret;
}

int memory_region_ram_resize(MemoryRegion *mr, uint64_t size)
{
    RAMBlock *block = mr->ram_block;
    uint64_t old, page;
    int ret;

    if (!block || !size || size > block->max_length) {
        return -EINVAL;
    }
    page = block->page_size;
    old = mr->state.size;
    size = (size + page - 1) & ~(page - 1);
    if (size == old) {
        return 0;
    }
    if (!block->resizable) {
        return -EINVAL;
    }
    if (core_held_by_me(mr->core)) {
        return -EBUSY;
    }
    ret = size > old ? clear_again(block, old, size) : 0;
    ret = ret ? ret : resize(mr, size);
    if (!ret) {
        block->used_length = size;
        if (block->resized) {
            block->resized(block->resized_opaque, size);
        }
    }
    return ret;
}
