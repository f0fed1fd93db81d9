/* cmd_files.c - a non-blocking open, and one message for every command that cannot print. */
#include "vmm/cmd_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vmm/commands.h"
#include "vmm/log.h"

int cmd_create_file(const char *path, int *fd, struct error *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (*fd < 0 && errno == ENXIO) {
        return error_set(err, ENXIO, "%s: nobody reads from it", path);
    }
    return *fd < 0 ? error_set_errno(err, errno, "%s", path) : 0;
}

int cmd_stdout_status(int ret)
{
    if (ret < 0) {
        log_error("stdout: %s", strerror(-ret));
        return STATUS_ACRE_FAILED;
    }
    return 0;
}
