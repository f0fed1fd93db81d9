/*
 * sandbox.h - least privilege: no capabilities, no way to gain any, and a list of allowed system
 * calls. The list is a table with the reason for each entry, in sandbox_calls.c.
 *
 * Order: sandbox_drop_privileges() while there is one thread (capset works on the calling thread;
 * later ones inherit), then threads start, then sandbox_filter() reaches them all (TSYNC).
 *
 * A call that is not on the list is not made. The kernel sends SIGSYS in its place, whose handler
 * gives the terminal back, names the call in one line and ends the process with status 125;
 * `--sandbox off` with strace shows where it comes from. That the process is not killed outright
 * helps nobody who has taken it over: the call was not made, the handler's own calls are on the
 * list like all others, and who can replace the handler could as well have left the call out. With
 * SIGSYS blocked the kernel kills the process.
 *
 * Source: seccomp(2) (SECCOMP_RET_TRAP), capabilities(7), capset(2), libseccomp 2.5.
 */
#ifndef ACRE_VMM_SANDBOX_H
#define ACRE_VMM_SANDBOX_H

#include <stdbool.h>

#include "vmm/error.h"

/* Returns: 0; -errno, err says what failed. */
int sandbox_drop_privileges(struct error *err) __attribute__((warn_unused_result));

/*
 * Installs the handler of SIGSYS, then the filter.
 * @save_dir  the one directory below which files may be made from here on (save_dir.h); -1: none,
 *            and nothing can be opened any more. With one, a process that was taken over could
 *            leave the directory, by a path that openat2(2) was not told to keep below it, for what
 *            the user without capabilities may open: that is what the option costs.
 * Context: after every thread of the run has been started. Returns: 0; -errno.
 */
int sandbox_filter(int save_dir, struct error *err) __attribute__((warn_unused_result));

/* What `--sandbox` is when it is not given: off in sanitizer and coverage builds, else on. */
bool sandbox_default(void);

/* Calls `each` for every allowed call: its name and the reason. For tests. */
void sandbox_for_each(void (*each)(void *opaque, const char *syscall_name, const char *reason),
                      void *opaque);

#endif
