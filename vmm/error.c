/* error.c - one line of text in a caller's buffer. */
#include "vmm/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int err_no, const char *format, ...)
{
    va_list ap;

    if (err) {
        va_start(ap, format);
        (void)vsnprintf(err->text, sizeof(err->text), format, ap);
        va_end(ap);
    }
    return -err_no;
}

int error_set_errno(struct error *err, int err_no, const char *format, ...)
{
    const char *reason = strerror(err_no);
    const size_t room = sizeof(err->text) - sizeof("...: ") - strlen(reason);
    va_list ap;
    size_t len;

    if (err) {
        va_start(ap, format);
        (void)vsnprintf(err->text, sizeof(err->text), format, ap);
        va_end(ap);
        len = strlen(err->text);
        /* A name may be longer than a line: the reason is what must not be lost. */
        (void)snprintf(err->text + (len < room ? len : room), sizeof(err->text) - room, "%s: %s",
                       len < room ? "" : "...", reason);
    }
    return -err_no;
}

void error_prefix(struct error *err, const char *format, ...)
{
    struct error old;
    va_list ap;
    size_t len;

    if (!err) {
        return;
    }
    old = *err;
    va_start(ap, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, ap);
    va_end(ap);
    len = strlen(err->text);
    (void)snprintf(err->text + len, sizeof(err->text) - len, ": %s", old.text);
}
