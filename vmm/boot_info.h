/*
 * boot_info.h - what a kernel is told, laid out in one stretch of guest memory.
 *
 * The protocols put strings, lists and structures one after the other and get each one's
 * guest-physical address. They do so twice: first with no buffer, which only measures, then for
 * good; so room is found in between, and no size is computed by hand.
 *
 * Context: one thread at a time; no vCPU runs.
 */
#ifndef ACRE_VMM_BOOT_INFO_H
#define ACRE_VMM_BOOT_INFO_H

#include <stddef.h>
#include <stdint.h>

struct boot_info {
    uint8_t *buf; /* NULL: measuring */
    uint64_t gpa; /* of the first byte; page-aligned */
    size_t used;  /* bytes */
    size_t size;  /* bytes in buf */
};

/* Skips to a multiple of `align` (a power of two up to the page size). Returns: the gpa there. */
uint64_t boot_info_align(struct boot_info *info, size_t align);
/* Appends bytes as they are. Returns: the gpa of the first. */
uint64_t boot_info_put(struct boot_info *info, const void *data, size_t len);
/* Appends a string with its NUL. */
uint64_t boot_info_string(struct boot_info *info, const char *text);
/* "first rest", or just "first" where `rest` is NULL or empty. */
uint64_t boot_info_words(struct boot_info *info, const char *first, const char *rest);
/* Writes again over what stands at `gpa`. */
void boot_info_patch(struct boot_info *info, uint64_t gpa, const void *data, size_t len);

#endif
