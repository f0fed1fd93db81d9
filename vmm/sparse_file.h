/*
 * sparse_file.h - writing memory to a file: pages of zeros become holes where the file can have
 * them.
 *
 * Context: one thread; nothing is allocated. Waits for the disk.
 */
#ifndef ACRE_VMM_SPARSE_FILE_H
#define ACRE_VMM_SPARSE_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct sparse_file {
    int fd;
    uint64_t length; /* bytes, those of holes included */
    /* private */
    uint64_t written; /* where the descriptor stands */
    bool holes;
};

/* @fd  open for writing, at its beginning, empty; stays the caller's. */
void sparse_file_init(struct sparse_file *file, int fd);
/*
 * Adds `size` bytes. @data  read once or twice; NULL: zeros.
 * Returns: 0; -EFBIG above 2^63-1; -errno of write(2) or lseek(2).
 */
int sparse_file_add(struct sparse_file *file, const void *data, uint64_t size)
    __attribute__((warn_unused_result));
/* Gives it its length. Returns: 0; -errno, also of what add() could not yet know. */
int sparse_file_end(struct sparse_file *file) __attribute__((warn_unused_result));

#endif
