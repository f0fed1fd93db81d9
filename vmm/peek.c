/* peek.c - page by page: a walk where addresses are linear, then one read. */
#include "vmm/peek.h"

#include <errno.h>

/* The part of a page. */
static int read_piece(const struct peek *peek, uint64_t addr, void *buf, size_t len)
{
    const MemTxAttrs attrs = {.memory = true, .debug = true};
    struct x86_walk walk;

    if (peek->paging) {
        vcpu_paging_walk(peek->paging, peek->memory, addr, &walk);
        if (walk.result != X86_WALK_OK) {
            return -EFAULT;
        }
        addr = walk.gpa;
    }
    return address_space_read(peek->memory, addr, attrs, buf, len) == MEMTX_OK ? 0 : -EFAULT;
}

int peek_read(const struct peek *peek, uint64_t addr, void *buf, size_t len, uint64_t *bad)
{
    uint8_t *bytes = buf;

    while (len > 0) {
        size_t piece = PEEK_PAGE - addr % PEEK_PAGE;

        piece = piece < len ? piece : len;
        *bad = addr;
        if (read_piece(peek, addr, bytes, piece) < 0) {
            return -EFAULT;
        }
        bytes += piece;
        len -= piece;
        addr += piece;
        if (addr == 0 && len > 0) { /* behind the last byte there is */
            return -EFAULT;
        }
    }
    return 0;
}
