/*
 * ram.c - RAMBlocks: mapping, places in ram_addr_t space, lookup by host address.
 *
 * Every block knows the gap behind it; the gaps are indexed by size, so the best fit is found, and
 * a freed block's room joined to its predecessor's gap, in O(log n).
 */
#include "memory/internal.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define RAM_ADDR_ALIGN (64 * 4096ULL) /* one word of a dirty bitmap */
#define RAM_ADDR_END (1ULL << 63)

static uint64_t round_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) & ~(align - 1);
}

static uint64_t host_page_size(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Sets the gap's size and files it, unless it is empty. */
static void gap_file(RAMList *list, struct ram_gap *gap, uint64_t size)
{
    gap->size = size;
    gap->by_size.first = gap->by_size.last = size;
    if (size) {
        itree_insert(&list->gaps, &gap->by_size);
    }
}

static void gap_unfile(RAMList *list, struct ram_gap *gap)
{
    if (gap->size) {
        itree_remove(&list->gaps, &gap->by_size);
    }
}

void ram_list_init(RAMList *list)
{
    *list = (RAMList){0};
    gap_file(list, &list->head, RAM_ADDR_END);
}

/* Finds the block a place in ram_addr_t space, and files it. Called with the core lock held. */
static int place(RAMList *list, RAMBlock *block)
{
    uint64_t need = round_up(block->max_length, RAM_ADDR_ALIGN), left;
    struct itree_node *node = itree_overlap_first(&list->gaps, need, UINT64_MAX);
    struct ram_gap *gap;

    if (!node) {
        return -ENOSPC;
    }
    gap = itree_entry(node, struct ram_gap, by_size);
    left = gap->size - need;
    block->offset = gap->first;
    block->gap.first = gap->first + need;
    gap_unfile(list, gap);
    gap_file(list, gap, 0);
    gap_file(list, &block->gap, left);
    block->by_offset.first = block->offset;
    block->by_offset.last = block->offset + need - 1;
    block->by_host.first = (uintptr_t)block->host;
    block->by_host.last = (uintptr_t)block->host + (block->max_length - 1);
    itree_insert(&list->by_offset, &block->by_offset);
    itree_insert(&list->by_host, &block->by_host);
    list->version++;
    return 0;
}

static void displace(RAMList *list, RAMBlock *block)
{
    struct itree_node *node = itree_prev(&block->by_offset);
    struct ram_gap *before = node ? &itree_entry(node, RAMBlock, by_offset)->gap : &list->head;
    uint64_t room = block->by_offset.last - block->by_offset.first + 1 + block->gap.size;

    gap_unfile(list, &block->gap);
    gap_unfile(list, before);
    before->first = before->size ? before->first : block->offset;
    gap_file(list, before, before->size + room);
    itree_remove(&list->by_offset, &block->by_offset);
    itree_remove(&list->by_host, &block->by_host);
    list->version++;
}

/* The page size that a descriptor's memory comes in: hugetlbfs has its own. */
static uint64_t fd_page_size(int fd)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) == 0 && fs.f_type == 0x958458f6 /* HUGETLBFS_MAGIC */) {
        return (uint64_t)fs.f_bsize;
    }
    return host_page_size();
}

static int open_backing(RAMBlock *block, const char *name, const struct ram_block_config *config)
{
    unsigned flags = MFD_CLOEXEC;

    switch (config->backing) {
    case RAM_MEMFD:
        if (config->page_size > host_page_size()) {
            flags |= MFD_HUGETLB | (unsigned)__builtin_ctzll(config->page_size) << MFD_HUGE_SHIFT;
        }
        block->fd = memfd_create(name, flags);
        break;
    case RAM_FD:
        block->fd = fcntl(config->fd, F_DUPFD_CLOEXEC, 0);
        break;
    case RAM_ANONYMOUS:
    case RAM_PTR:
    default:
        return 0;
    }
    if (block->fd < 0) {
        return -errno;
    }
    block->page_size = fd_page_size(block->fd);
    return 0;
}

static bool config_fits(const RAMBlock *block, const struct ram_block_config *config)
{
    uint64_t align = config->align ? config->align : block->page_size;

    return config->size && config->size <= RAM_ADDR_END &&
           (!config->max_size ||
            (config->max_size >= config->size && config->max_size <= RAM_ADDR_END)) &&
           !(align & (align - 1)) && align >= block->page_size &&
           !(config->fd_offset & (block->page_size - 1)) &&
           !(config->page_size & (config->page_size - 1)) &&
           (block->page_size == host_page_size() || !(config->size & (block->page_size - 1))) &&
           (config->backing != RAM_PTR ||
            (config->ptr && !((uintptr_t)config->ptr & (block->page_size - 1))));
}

/* Maps `length` bytes at an address that is a multiple of `align`. */
static int map_aligned(RAMBlock *block, uint64_t align)
{
    int prot = PROT_READ | (block->readonly ? 0 : PROT_WRITE);
    int flags = block->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE;
    uint64_t length = block->max_length, spare = align > block->page_size ? align : 0;
    uint8_t *room, *host;

    if (block->fd >= 0 && block->shared) {
        flags = MAP_SHARED;
    }
    if (!spare) {
        host = mmap(NULL, length, prot, flags | MAP_NORESERVE, block->fd, (off_t)block->fd_offset);
        block->host = host == MAP_FAILED ? NULL : host;
        return host == MAP_FAILED ? -errno : 0;
    }
    room =
        mmap(NULL, length + spare, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        return -errno;
    }
    host = room + (round_up((uintptr_t)room, align) - (uintptr_t)room);
    if (mmap(host, length, prot, flags | MAP_NORESERVE | MAP_FIXED, block->fd,
             (off_t)block->fd_offset) == MAP_FAILED) {
        int ret = -errno;

        munmap(room, length + spare);
        return ret;
    }
    if (host > room) {
        munmap(room, (size_t)(host - room));
    }
    munmap(host + length, (size_t)(room + length + spare - (host + length)));
    block->host = host;
    return 0;
}

/* A memfd is made as long as it must be; a file that is shorter than asked would fault later. */
static int check_length(RAMBlock *block)
{
    struct stat st;

    if (block->fd < 0) {
        return 0;
    }
    if (block->backing == RAM_MEMFD) {
        return ftruncate(block->fd, (off_t)block->max_length) ? -errno : 0;
    }
    if (fstat(block->fd, &st) != 0) {
        return -errno;
    }
    return (uint64_t)st.st_size < block->fd_offset ||
                   (uint64_t)st.st_size - block->fd_offset < block->max_length
               ? -EINVAL
               : 0;
}

static int back(RAMBlock *block, const char *name, const struct ram_block_config *config)
{
    int ret = open_backing(block, name, config);

    if (!ret && !config_fits(block, config)) {
        ret = -EINVAL;
    }
    if (ret) {
        return ret;
    }
    block->used_length = round_up(config->size, block->page_size);
    block->max_length =
        config->max_size ? round_up(config->max_size, block->page_size) : block->used_length;
    ret = check_length(block);
    if (!ret && config->backing == RAM_PTR) {
        block->host = config->ptr;
        return 0;
    }
    return ret ? ret : map_aligned(block, config->align ? config->align : block->page_size);
}

static void block_free(RAMBlock *block)
{
    if (block->host && block->backing != RAM_PTR) {
        munmap(block->host, block->max_length);
    }
    if (block->fd >= 0) {
        close(block->fd);
    }
    for (unsigned i = 0; i < DIRTY_MEMORY_NUM; i++) {
        free(block->dirty[i]);
    }
    free(block->name);
    free(block);
}

int ram_block_new(struct memory_core *core, const char *name, const struct ram_block_config *config,
                  RAMBlock **result)
{
    RAMBlock *block;
    int ret;

    pthread_mutex_lock(&core->lock);
    block = memory_alloc(core, sizeof(*block));
    ret = -ENOMEM;
    if (!block) {
        goto out;
    }
    *block = (RAMBlock){
        .core = core,
        .name = memory_alloc(core, strlen(name) + 1),
        .backing = config->backing,
        .readonly = config->readonly,
        .shared = config->shared || config->backing == RAM_MEMFD,
        .resizable = config->max_size > 0,
        .fd = -1,
        .fd_offset = config->fd_offset,
        .page_size = host_page_size(),
        .resized = config->resized,
        .resized_opaque = config->resized_opaque,
        .refs = 1,
    };
    if (block->name) {
        strcpy(block->name, name);
        ret = back(block, name, config);
        if (!ret && core->global_log) {
            ret = ram_block_track_dirty(block, DIRTY_MEMORY_MIGRATION);
        }
        ret = ret ? ret : place(&core->ram, block);
    }
    if (ret) {
        block_free(block);
    } else {
        *result = block;
    }
out:
    pthread_mutex_unlock(&core->lock);
    return ret;
}

RAMBlock *ram_block_ref(RAMBlock *block)
{
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    return block;
}

void ram_block_unref(RAMBlock *block)
{
    struct memory_core *core;

    if (!block) {
        return;
    }
    core = block->core;
    pthread_mutex_lock(&core->lock); /* so that ram_block_from_host() never finds a dying one */
    if (atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) == 1) {
        displace(&core->ram, block);
        block_free(block);
    }
    pthread_mutex_unlock(&core->lock);
}

RAMBlock *ram_block_from_host(struct memory_core *core, const void *ptr, uint64_t *offset)
{
    uintptr_t addr = (uintptr_t)ptr;
    struct itree_node *node;
    RAMBlock *block = NULL;

    pthread_mutex_lock(&core->lock);
    node = itree_overlap_first(&core->ram.by_host, addr, addr);
    if (node) {
        block = ram_block_ref(itree_entry(node, RAMBlock, by_host));
        *offset = addr - (uintptr_t)block->host;
    }
    pthread_mutex_unlock(&core->lock);
    return block;
}
