/*
 * cmd_files.h - what commands do alike with files: those they write, and stdout.
 *
 * Context: before or after a run, without locks.
 */
#ifndef ACRE_VMM_CMD_FILES_H
#define ACRE_VMM_CMD_FILES_H

#include "vmm/error.h"

/*
 * Creates or empties the file at `path` for writing, close-on-exec. Never waits: a FIFO that nobody
 * reads is an error. `*fd` is the caller's to close.
 * Returns: 0; -errno of open, err says what.
 */
int cmd_create_file(const char *path, int *fd, struct error *err)
    __attribute__((warn_unused_result));

/*
 * The exit status of a command whose whole result was text on stdout.
 * @ret  0, or the -errno of the writing, which it reports on stderr.
 * Returns: 0, or STATUS_ACRE_FAILED.
 */
int cmd_stdout_status(int ret) __attribute__((warn_unused_result));

#endif
