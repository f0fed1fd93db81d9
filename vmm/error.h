/*
 * error.h - what went wrong, in one line for the user, in the caller's storage.
 *
 * A function that takes a struct error fills it exactly when it fails (negative result), with a
 * text that names the file, option or device ("kernel.elf: not an ELF file") and no newline. It
 * never prints: the commands (cmd_*.c) report.
 *
 * Context: any thread; an error is its caller's.
 */
#ifndef ACRE_VMM_ERROR_H
#define ACRE_VMM_ERROR_H

struct error {
    char text[512];
};

/* Formats into err (which may be NULL). Returns: -err_no, so that `return error_set(...)` reads. */
int error_set(struct error *err, int err_no, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with ": " and strerror(err_no) behind. */
int error_set_errno(struct error *err, int err_no, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before what is there. */
void error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
