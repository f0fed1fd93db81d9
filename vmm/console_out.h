/* console_out.h - what console.c and console_link.c need of the output side. Private to the three.
 */
#ifndef ACRE_VMM_CONSOLE_OUT_H
#define ACRE_VMM_CONSOLE_OUT_H

#include "vmm/console.h"

/* Returns: 0; -errno. */
int console_out_init(struct console *console) __attribute__((warn_unused_result));
/* Stops watching, closes what was opened. What was not written is gone. */
void console_out_finish(struct console *console);

/*
 * From here on bytes go to `fd`, our own and non-blocking, or wait for somebody to come (fd -1).
 * The one before is closed; who waits for room is told. Context: the loop's thread, no lock.
 * @kind  CONSOLE_SOCKET or CONSOLE_STREAM; of no descriptor CONSOLE_ABSENT or CONSOLE_NONE
 */
void console_out_switch(struct console *console, int fd, enum console_kind kind);

/* Writes what the descriptor takes now. Returns: true when nothing waits for a reader. */
bool console_out_drain(struct console *console);

/*
 * Opens what `fd` is once more, non-blocking: O_NONBLOCK on `fd` itself would hit all who share it.
 * @access  O_RDONLY or O_WRONLY
 * Returns: a descriptor, the caller's; -1 where it cannot be opened.
 */
int console_reopen(int fd, int access);

#endif
