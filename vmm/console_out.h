/* console_out.h - what console.c needs of the output side. Private to the two. */
#ifndef ACRE_VMM_CONSOLE_OUT_H
#define ACRE_VMM_CONSOLE_OUT_H

#include "vmm/console.h"

/* Returns: 0; -errno. */
int console_out_init(struct console *console) __attribute__((warn_unused_result));
/* Stops watching, closes what was opened. What was not written is gone. */
void console_out_finish(struct console *console);

/*
 * Opens what `fd` is once more, non-blocking: O_NONBLOCK on `fd` itself would hit all who share it.
 * @access  O_RDONLY or O_WRONLY
 * Returns: a descriptor, the caller's; -1 where it cannot be opened.
 */
int console_reopen(int fd, int access);

#endif
