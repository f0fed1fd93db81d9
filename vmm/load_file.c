/*
 * load_file.c - fstat says what a descriptor is, pread fetches; sizes are checked against what was
 * really read, since a file can shrink after its size was taken.
 */
#include "vmm/load_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns: how many bytes were read (fewer than `len` at the end of the file), or -errno. */
static ssize_t read_at(int fd, uint64_t offset, uint8_t *buf, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(fd, buf + done, len - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int check_kind(struct load_file *file, struct error *err)
{
    struct stat st;

    if (fstat(file->fd, &st) < 0) {
        return error_set_errno(err, errno, "%s", file->path);
    }
    if (S_ISDIR(st.st_mode)) {
        return error_set_errno(err, EISDIR, "%s", file->path);
    }
    if (!S_ISREG(st.st_mode)) {
        return error_set(err, EINVAL, "%s: not a regular file", file->path);
    }
    if (st.st_size <= 0) {
        return error_set(err, EINVAL, "%s: the file is empty", file->path);
    }
    /* Whatever has a size and no end (a device, a pipe) was refused above. */
    file->size = (uint64_t)st.st_size;
    return 0;
}

int load_file_open(struct load_file *file, const char *path, int fd, size_t head_max,
                   struct error *err)
{
    ssize_t n;
    int r;

    *file = (struct load_file){.path = path, .fd = fd};
    r = check_kind(file, err);
    if (r < 0 || head_max == 0) {
        return r;
    }
    if (file->size < head_max) {
        head_max = (size_t)file->size;
    }
    file->head = malloc(head_max);
    if (!file->head) {
        return error_set_errno(err, ENOMEM, "%s", path);
    }
    n = read_at(fd, 0, file->head, head_max);
    if (n < 0) {
        load_file_finish(file);
        return error_set_errno(err, (int)-n, "%s", path);
    }
    if ((size_t)n < head_max) {
        load_file_finish(file);
        return error_set(err, EINVAL, "%s: the file shrank while it was read", path);
    }
    file->head_size = head_max;
    return 0;
}

void load_file_finish(struct load_file *file)
{
    free(file->head);
    file->head = NULL;
    file->head_size = 0;
}

int load_file_read(const struct load_file *file, uint64_t offset, void *buf, size_t len,
                   struct error *err)
{
    uint64_t end;
    ssize_t n;

    if (__builtin_add_overflow(offset, len, &end) || end > file->size) {
        return error_set(err, EINVAL, "%s: truncated: %zu bytes at 0x%jx are beyond its end",
                         file->path, len, (uintmax_t)offset);
    }
    /* A small kernel is all head: its segments cost a copy and no system call. */
    if (end <= file->head_size) {
        memcpy(buf, file->head + offset, len);
        return 0;
    }
    n = read_at(file->fd, offset, buf, len);
    if (n < 0) {
        return error_set_errno(err, (int)-n, "%s", file->path);
    }
    if ((size_t)n < len) {
        return error_set(err, EINVAL, "%s: the file shrank while it was read", file->path);
    }
    return 0;
}
