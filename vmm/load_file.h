/*
 * load_file.h - reading the files that go into a guest: few system calls, nothing trusted.
 *
 * The first bytes of a kernel are read once and serve its headers and, for a small file, all of it.
 *
 * Context: one thread at a time; no locks.
 */
#ifndef ACRE_VMM_LOAD_FILE_H
#define ACRE_VMM_LOAD_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/error.h"

/* Bytes of a kernel that load_file_open keeps; no smaller than what Multiboot 2 searches. */
#define LOAD_HEAD_SIZE 32768U

struct load_file {
    const char *path; /* the caller's; named in every error */
    int fd;           /* the caller's */
    uint64_t size;    /* bytes, 1.. */
    uint8_t *head;    /* the first head_size bytes; ours; NULL when none were asked for */
    size_t head_size;
};

/* A piece of a file and where it goes; what mem_size has beyond file_size is zero. */
struct load_segment {
    uint64_t paddr, vaddr;
    uint64_t mem_size;    /* bytes, 1.. */
    uint64_t file_offset; /* bytes */
    uint64_t file_size;   /* bytes, 0..mem_size */
};

/*
 * @head_max  how many bytes to read right away (fewer if the file is shorter); 0: none.
 * Returns: 0; -EISDIR; -EINVAL not a regular file, or empty; -ENOMEM; -errno of fstat or pread. On
 * failure nothing is left to undo.
 */
int load_file_open(struct load_file *file, const char *path, int fd, size_t head_max,
                   struct error *err) __attribute__((warn_unused_result));
/* Frees the head; closes nothing. Accepts a zeroed file. */
void load_file_finish(struct load_file *file);

/*
 * Fills buf with `len` bytes from `offset`: from the head if it has all of them, else by pread.
 * Returns: 0; -EINVAL the file ends before that; -errno.
 */
int load_file_read(const struct load_file *file, uint64_t offset, void *buf, size_t len,
                   struct error *err) __attribute__((warn_unused_result));

#endif
