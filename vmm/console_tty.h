/*
 * console_tty.h - the user's terminal: raw while the guest has it, and as it was on every way out.
 *
 * What must be put back is known to handlers of fatal signals too, which have no argument; so it
 * lives in one place of the process (console_tty.c), and one console at a time has the terminal.
 */
#ifndef ACRE_VMM_CONSOLE_TTY_H
#define ACRE_VMM_CONSOLE_TTY_H

#include <stdbool.h>

/*
 * Makes the terminal raw (output processing stays as it is) and installs handlers for the signals
 * that end a process by fault. When we have it already it is made raw again: a shell that continues
 * a stopped job has set it to its own liking. Context: the thread that will also restore it.
 * Returns: true; false when this process is in the background, or somebody else has it.
 */
bool console_tty_take(int fd);
/* Puts the terminal back if we have it. Context: any, signal handlers included. */
void console_tty_restore(void);

#endif
