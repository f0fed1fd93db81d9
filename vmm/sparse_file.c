/*
 * sparse_file.c - runs of pages that are not zero are written straight from where they are; the
 * rest only counts, until the next write has to go behind it.
 */
#include "vmm/sparse_file.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, WRITE_MAX = 1 << 20 };

static const uint8_t zeros[PAGE];

void sparse_file_init(struct sparse_file *file, int fd)
{
    struct stat status;

    *file = (struct sparse_file){
        .fd = fd,
        .holes = fstat(fd, &status) == 0 && S_ISREG(status.st_mode),
    };
}

static int write_all(struct sparse_file *file, const uint8_t *data, uint64_t size)
{
    struct pollfd wait = {.fd = file->fd, .events = POLLOUT};
    ssize_t num;

    while (size > 0) {
        num = write(file->fd, data, size < WRITE_MAX ? (size_t)size : WRITE_MAX);
        if (num < 0 && errno == EAGAIN) { /* opened without waiting */
            (void)poll(&wait, 1, -1);
            continue;
        }
        if (num < 0 && errno != EINTR) {
            return -errno;
        }
        if (num > 0) {
            data += num;
            size -= (uint64_t)num;
            file->written += (uint64_t)num;
        }
    }
    return 0;
}

/* Brings the descriptor to the end of what was added. */
static int skip_hole(struct sparse_file *file)
{
    int ret = 0;

    if (file->holes && file->written < file->length) {
        if (lseek(file->fd, (off_t)file->length, SEEK_SET) < 0) {
            return -errno;
        }
        file->written = file->length;
    }
    while (file->written < file->length && ret == 0) {
        uint64_t left = file->length - file->written;

        ret = write_all(file, zeros, left < PAGE ? left : PAGE);
    }
    return ret;
}

/* How many bytes from `data` on are alike: pages of zeros, or pages of something. */
static uint64_t run_length(const uint8_t *data, uint64_t size, bool *zero)
{
    uint64_t at = 0, piece;

    do {
        piece = size - at < PAGE ? size - at : PAGE;
        if (at == 0) {
            *zero = memcmp(data, zeros, piece) == 0;
        } else if ((memcmp(data + at, zeros, piece) == 0) != *zero) {
            break;
        }
        at += piece;
    } while (at < size);
    return at;
}

int sparse_file_add(struct sparse_file *file, const void *data, uint64_t size)
{
    const uint8_t *bytes = data;
    uint64_t run;
    bool zero;
    int ret;

    if (size > (uint64_t)INT64_MAX - file->length) {
        return -EFBIG;
    }
    if (!data) {
        file->length += size;
        return file->holes ? 0 : skip_hole(file);
    }
    for (; size > 0; bytes += run, size -= run) {
        run = run_length(bytes, size, &zero);
        if (!zero || !file->holes) {
            ret = skip_hole(file);
            ret = ret == 0 ? write_all(file, bytes, run) : ret;
            if (ret < 0) {
                return ret;
            }
        }
        file->length += run;
    }
    return 0;
}

int sparse_file_end(struct sparse_file *file)
{
    if (!file->holes) {
        return 0;
    }
    return ftruncate(file->fd, (off_t)file->length) < 0 ? -errno : 0;
}
