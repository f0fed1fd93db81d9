/*
 * save_dir.c - openat2(2) keeps what commands name below the directory; what it opened is looked at
 * before it is emptied.
 */
#include "vmm/save_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/service.h"

enum { TRIES_MAX = 16 /* the kernel gives up on ".." when somebody renames meanwhile */ };

struct save_dir {
    int fd;
};

int save_dir_fd(const struct save_dir *dir)
{
    return dir ? dir->fd : -1;
}

static int open_below(int dir, const char *name)
{
    const struct open_how how = {
        .flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
        .mode = 0600,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    long fd;
    int i;

    for (i = 0; i < TRIES_MAX; i++) {
        fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
        if (fd >= 0 || errno != EAGAIN) {
            break;
        }
    }
    return fd < 0 ? -errno : (int)fd;
}

static int not_opened(const char *name, int err_no, struct error *err)
{
    switch (err_no) {
    case EXDEV:
        return error_set(err, EXDEV, "%.200s: leads out of --save-dir", name);
    case ELOOP:
        return error_set(err, ELOOP, "%.200s: a symbolic link, or below one", name);
    case ENXIO: /* a FIFO that nobody reads, or a socket */
        return error_set(err, EEXIST, "%.200s: there already, and no regular file", name);
    default:
        return error_set_errno(err, err_no, "%.200s", name);
    }
}

static int empty(int fd, const char *name, struct error *err)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        return error_set_errno(err, errno, "%.200s", name);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(err, EEXIST, "%.200s: there already, and no regular file", name);
    }
    if (status.st_nlink > 1) {
        return error_set(err, EEXIST, "%.200s: there already, and has another name as well", name);
    }
    return ftruncate(fd, 0) < 0 ? error_set_errno(err, errno, "%.200s", name) : 0;
}

int save_dir_create(const struct save_dir *dir, const char *name, int *fd, struct error *err)
{
    int ret;

    if (!dir) {
        return error_set(err, EPERM,
                         "%.200s: acre run --save-dir DIR allows commands to write files", name);
    }
    *fd = open_below(dir->fd, name);
    if (*fd < 0) {
        return not_opened(name, -*fd, err);
    }
    ret = empty(*fd, name, err);
    if (ret < 0) {
        (void)close(*fd);
    }
    return ret;
}

/* ---- the service ---- */

static int open_dir(const struct run_options *options, void **state, struct error *err)
{
    struct save_dir *dir;

    if (!options->save_dir) {
        return 0;
    }
    dir = malloc(sizeof(*dir));
    if (!dir) {
        return error_set_errno(err, ENOMEM, "--save-dir");
    }
    dir->fd = open(options->save_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir->fd < 0) {
        (void)error_set_errno(err, errno, "--save-dir: %s", options->save_dir);
        free(dir);
        return -EINVAL;
    }
    *state = dir;
    return 0;
}

static int start_dir(void *state, struct machine *machine, struct error *err)
{
    (void)err;
    machine->save_dir = state;
    return 0;
}

static void close_dir(void *state)
{
    (void)close(((struct save_dir *)state)->fd);
    free(state);
}

const struct service save_dir_service = {
    .open = open_dir,
    .start = start_dir,
    .close = close_dir,
};
