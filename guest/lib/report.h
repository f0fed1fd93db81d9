/*
 * report.h - results of checks as TAP 14 on the console.
 *
 * Source: testanything.org, TAP 14 specification.
 */
#ifndef ACRE_GUEST_LIB_REPORT_H
#define ACRE_GUEST_LIB_REPORT_H

#include <stdbool.h>

/* Prints "ok N - text" or "not ok N - text". Returns: pass. */
bool report(bool pass, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A check that could not be made here, and why. */
void report_skip(const char *name, const char *reason);
/*
 * Prints the plan, which comes last since only now the number is known.
 * Returns: the program's exit status: GUEST_EXIT_PASS, or GUEST_EXIT_FAIL when a check failed or
 * none was made.
 */
int report_finish(void);

#endif
