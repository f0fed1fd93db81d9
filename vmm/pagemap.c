/*
 * pagemap.c - one 64-bit entry a page: bits 0..54 the frame, 62 swapped, 63 present. Frame 0 of a
 * present page means that the kernel does not tell.
 */
#include "vmm/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ENTRY_FRAME ((UINT64_C(1) << 55) - 1)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)
#define ENTRY_PRESENT (UINT64_C(1) << 63)

void pagemap_open(struct pagemap *pagemap)
{
    pagemap->fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    pagemap->open_errno = pagemap->fd < 0 ? errno : 0;
}

void pagemap_close(struct pagemap *pagemap)
{
    if (pagemap->fd >= 0) {
        (void)close(pagemap->fd);
    }
    pagemap->fd = -1;
}

struct pagemap_page pagemap_look(const struct pagemap *pagemap, uint64_t hva)
{
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE), entry = 0;
    struct pagemap_page page = {.state = PAGEMAP_CLOSED};
    ssize_t len;

    if (!pagemap) {
        return page;
    }
    page.state = PAGEMAP_UNREADABLE;
    page.err_no = pagemap->open_errno;
    if (pagemap->fd < 0) {
        return page;
    }
    len = pread(pagemap->fd, &entry, sizeof(entry), (off_t)(hva / page_size * sizeof(entry)));
    if (len != (ssize_t)sizeof(entry)) {
        page.err_no = len < 0 ? errno : ENODATA;
    } else if (!(entry & ENTRY_PRESENT)) {
        page.state = entry & ENTRY_SWAPPED ? PAGEMAP_SWAPPED : PAGEMAP_ABSENT;
    } else if ((entry & ENTRY_FRAME) == 0) {
        page.state = PAGEMAP_HIDDEN;
    } else {
        page.state = PAGEMAP_PRESENT;
        page.hpa = (entry & ENTRY_FRAME) * page_size + hva % page_size;
    }
    return page;
}

const char *pagemap_state_name(enum pagemap_state state)
{
    static const char *const names[] = {
        [PAGEMAP_PRESENT] = "present", [PAGEMAP_HIDDEN] = "hidden",
        [PAGEMAP_SWAPPED] = "swapped", [PAGEMAP_ABSENT] = "absent",
        [PAGEMAP_CLOSED] = "closed",   [PAGEMAP_UNREADABLE] = "unreadable",
    };

    return names[state];
}

const char *pagemap_why(const struct pagemap_page *page)
{
    static const char *const texts[] = {
        [PAGEMAP_PRESENT] = "",
        [PAGEMAP_HIDDEN] = "hidden: the kernel tells it only to CAP_SYS_ADMIN (page is present)",
        [PAGEMAP_SWAPPED] = "none: the page is swapped out or on its way",
        [PAGEMAP_ABSENT] = "none: the page was not touched yet",
        [PAGEMAP_CLOSED] = "not known: the page map was not opened",
    };

    return page->state == PAGEMAP_UNREADABLE ? strerror(page->err_no) : texts[page->state];
}
