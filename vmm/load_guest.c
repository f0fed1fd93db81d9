/*
 * load_guest.c - guest memory is reached section by section through the address space; a section
 * of plain RAM lends its host address to pread, or gives its pages back; all others go through
 * address_space_write, which keeps the dirty bitmaps right.
 */
#include "vmm/load_guest.h"

#include <errno.h>

#define ATTRS ((MemTxAttrs){.unspecified = true, .memory = true})
/* From here on giving pages back is cheaper than zeroing them. */
#define ZERO_BY_HOST_MIN 32768U
#define BOUNCE_SIZE 4096U

int load_guest_write(AddressSpace *as, uint64_t gpa, const void *buf, uint64_t len)
{
    return address_space_write(as, gpa, ATTRS, buf, len) == MEMTX_OK ? 0 : -EFAULT;
}

/*
 * The host address of [gpa, gpa + *len), with *len cut to what is one section of writable RAM that
 * nobody tracks. NULL where there is no such thing. The region is the caller's to unref.
 */
static uint8_t *lend(AddressSpace *as, uint64_t gpa, uint64_t *len, MemoryRegion **mr)
{
    MemoryRegionSection section;
    uint8_t *host = NULL;

    *mr = NULL;
    if (!address_space_find(as, gpa, *len, &section)) {
        return NULL;
    }
    if (memory_region_is_ram(section.mr) && !section.readonly && section.dirty_log_mask == 0 &&
        section.offset_within_address_space == gpa) {
        host = memory_section_host(&section);
    }
    if (!host) {
        memory_region_unref(section.mr);
        return NULL;
    }
    *len = memory_section_size(&section);
    *mr = section.mr;
    return host;
}

/*
 * Gives back the whole pages of [host, host+len) in the region's block, which then read zero; says
 * how much lies before and after them. Anonymous memory only: a file's pages would show the file.
 */
static bool zero_pages(const MemoryRegion *mr, const uint8_t *host, uint64_t len, uint64_t *before,
                       uint64_t *after)
{
    RAMBlock *block = mr->ram_block;
    uint64_t first, start, end;

    if (!block || block->backing != RAM_ANONYMOUS) {
        return false;
    }
    first = (uint64_t)(host - block->host);
    start = (first + block->page_size - 1) & ~(block->page_size - 1);
    end = (first + len) & ~(block->page_size - 1);
    *before = start - first;
    *after = first + len - end;
    return start < end && ram_block_discard_range(block, start, end - start) == 0;
}

static int zero_piece(AddressSpace *as, uint64_t gpa, uint64_t len)
{
    return address_space_set(as, gpa, 0, len, ATTRS) == MEMTX_OK ? 0 : -EFAULT;
}

int load_guest_zero(AddressSpace *as, uint64_t gpa, uint64_t len)
{
    int r = 0;

    while (len > 0 && r == 0) {
        uint64_t piece = len, before, after;
        MemoryRegion *mr = NULL;
        uint8_t *host = len >= ZERO_BY_HOST_MIN ? lend(as, gpa, &piece, &mr) : NULL;

        /* A page that the guest may never touch should not be written. */
        if (host && piece >= ZERO_BY_HOST_MIN && zero_pages(mr, host, piece, &before, &after)) {
            r = zero_piece(as, gpa, before);
            if (r == 0) {
                r = zero_piece(as, gpa + piece - after, after);
            }
        } else {
            r = zero_piece(as, gpa, piece);
        }
        memory_region_unref(mr);
        gpa += piece;
        len -= piece;
    }
    return r;
}

static int read_bounced(AddressSpace *as, uint64_t gpa, const struct load_file *file,
                        uint64_t offset, uint64_t len, struct error *err)
{
    uint8_t bounce[BOUNCE_SIZE]; /* few such pieces are expected: no reason to allocate */
    int r = load_file_read(file, offset, bounce, len, err);

    if (r == 0 && load_guest_write(as, gpa, bounce, len) < 0) {
        r = error_set(err, EFAULT, "%s: 0x%jx is not RAM", file->path, (uintmax_t)gpa);
    }
    return r;
}

int load_guest_file(AddressSpace *as, uint64_t gpa, const struct load_file *file, uint64_t offset,
                    uint64_t len, struct error *err)
{
    int r = 0;

    while (len > 0 && r == 0) {
        uint64_t piece = len;
        MemoryRegion *mr = NULL;
        uint8_t *host = lend(as, gpa, &piece, &mr);

        if (host) {
            r = load_file_read(file, offset, host, piece, err);
        } else {
            piece = len < BOUNCE_SIZE ? len : BOUNCE_SIZE;
            r = read_bounced(as, gpa, file, offset, piece, err);
        }
        memory_region_unref(mr);
        gpa += piece;
        offset += piece;
        len -= piece;
    }
    return r;
}
