/*
 * board_image.c - files that a tree names: opened first, so that their size is known, then read.
 */
#include "vmm/board_build.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int image_error(const struct board *board, int node, const char *path, struct error *err)
{
    return tree_error(&board->tree, node, "acre,image", err, "%s: %s", path, strerror(errno));
}

int board_image_open(const struct board *board, int node, const char *path, uint64_t size_max,
                     uint64_t *size, struct error *err)
{
    struct stat st;
    int ret, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        return image_error(board, node, path, err);
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        ret = tree_error(&board->tree, node, "acre,image", err, "%s: not a regular file", path);
    } else if ((uint64_t)st.st_size > size_max) {
        ret = tree_error(&board->tree, node, "acre,image", err, "%s: %lld bytes do not fit in %llu",
                         path, (long long)st.st_size, (unsigned long long)size_max);
    } else {
        *size = (uint64_t)st.st_size;
        return fd;
    }
    (void)close(fd);
    return ret;
}

int board_image_read(const struct board *board, int node, const char *path, int fd, void *to,
                     uint64_t size, struct error *err)
{
    uint64_t done = 0;
    ssize_t n = 1;
    int ret = 0;

    while (done < size && n > 0) {
        n = read(fd, (uint8_t *)to + done, size - done);
        done += n > 0 ? (uint64_t)n : 0;
    }
    if (n < 0) {
        ret = image_error(board, node, path, err);
    }
    (void)close(fd);
    return ret;
}
