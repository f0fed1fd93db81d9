/*
 * console_link.h - readers of a pseudo-terminal or socket that come and go. Private to console*.c.
 *
 * Everything does nothing for a console whose ends are fixed. Context: the loop's thread.
 */
#ifndef ACRE_VMM_CONSOLE_LINK_H
#define ACRE_VMM_CONSOLE_LINK_H

#include "vmm/console.h"

/* Takes over a connection that is there already. After console_out_init(). Returns: 0; -errno. */
int console_link_init(struct console *console) __attribute__((warn_unused_result));
/* From here on somebody may come. */
void console_link_start(struct console *console);
/* Closes a connection of our own. */
void console_link_finish(struct console *console);

/* The reader is gone (EPOLLHUP): its output ends; what it sent is read to its end first. */
void console_link_left(struct console *console);
/* There is nothing more to read, now that in_kind is CONSOLE_NONE. @broken  not by its will */
void console_link_input_ended(struct console *console, bool broken);

/* False while the reader of a pty that is about to close has not read all. */
bool console_link_is_read(const struct console *console);

/* console.c: starts or stops reading. */
void console_watch_input(struct console *console, bool watch);
/* console.c: the end of the keys that wait; CONSOLE_KEYS - key_num bytes of room. */
uint8_t *console_key_room(struct console *console);

#endif
