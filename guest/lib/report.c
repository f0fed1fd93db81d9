/* report.c - counts and prints; file-scope counters since a program has one plan. */
#include "guest/lib/report.h"

#include "guest/lib/console.h"
#include "guest/lib/exit.h"

static unsigned made, failed, skipped;

static unsigned next_number(void)
{
    if (made == 0) {
        console_printf("TAP version 14\n");
    }
    return ++made;
}

bool report(bool pass, const char *format, ...)
{
    __builtin_va_list args;

    failed += !pass;
    console_printf("%sok %u - ", pass ? "" : "not ", next_number());
    __builtin_va_start(args, format);
    console_vprintf(format, args);
    __builtin_va_end(args);
    console_printf("\n");
    return pass;
}

void report_skip(const char *name, const char *reason)
{
    skipped++;
    console_printf("ok %u - %s # SKIP %s\n", next_number(), name, reason);
}

int report_finish(void)
{
    console_printf("1..%u\n", made);
    return failed > 0 || made == skipped ? GUEST_EXIT_FAIL : GUEST_EXIT_PASS;
}
