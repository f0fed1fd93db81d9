/*
 * save_dir.h - --save-dir: the one directory below which commands of the monitor may write files.
 *
 * It is opened before privileges drop. What a command names is resolved below it and never leaves
 * it: no absolute path, no "..", no symbolic link, no other file system. A file that is there is
 * overwritten, as QEMU does, unless it is no regular file or has a second name (which could lie
 * elsewhere). New ones are their owner's alone (0600): what is written is a guest's memory.
 *
 * Context: the loop's thread.
 */
#ifndef ACRE_VMM_SAVE_DIR_H
#define ACRE_VMM_SAVE_DIR_H

#include "vmm/error.h"

struct save_dir;

/* For the sandbox. @dir  NULL: none. Returns: its descriptor; -1. */
int save_dir_fd(const struct save_dir *dir);

/*
 * Creates or empties a file for writing.
 * @dir  NULL: none was given, which is an error that says how to.
 * @name  a path below the directory, as the client wrote it.
 * @fd  the caller's to close.
 * Returns: 0; -errno with err filled: -EPERM no --save-dir; -EXDEV leads out of it; -ELOOP a
 * symbolic link; -EEXIST something there that is not overwritten; what openat2(2) said.
 */
int save_dir_create(const struct save_dir *dir, const char *name, int *fd, struct error *err)
    __attribute__((warn_unused_result));

#endif
