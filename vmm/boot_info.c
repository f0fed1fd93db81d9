/*
 * boot_info.c - an append-only buffer that may be missing: then only the length grows, and each gpa
 * that is returned is an offset that nobody will see.
 */
#include "vmm/boot_info.h"

#include <assert.h>
#include <string.h>

uint64_t boot_info_align(struct boot_info *info, size_t align)
{
    info->used = (info->used + align - 1) & ~(align - 1);
    return info->gpa + info->used;
}

uint64_t boot_info_put(struct boot_info *info, const void *data, size_t len)
{
    uint64_t gpa = info->gpa + info->used;

    if (info->buf && len > 0) {
        assert(info->used + len <= info->size); /* the same calls as when it was measured */
        memcpy(info->buf + info->used, data, len);
    }
    info->used += len;
    return gpa;
}

uint64_t boot_info_string(struct boot_info *info, const char *text)
{
    return boot_info_put(info, text, strlen(text) + 1);
}

uint64_t boot_info_words(struct boot_info *info, const char *first, const char *rest)
{
    uint64_t gpa;

    if (!rest || !*rest) {
        return boot_info_string(info, first);
    }
    gpa = boot_info_put(info, first, strlen(first));
    (void)boot_info_put(info, " ", 1);
    (void)boot_info_string(info, rest);
    return gpa;
}

void boot_info_patch(struct boot_info *info, uint64_t gpa, const void *data, size_t len)
{
    if (info->buf) {
        assert(gpa - info->gpa + len <= info->used);
        memcpy(info->buf + (gpa - info->gpa), data, len);
    }
}
