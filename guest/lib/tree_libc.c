/*
 * tree_libc.c - what libfdt takes from a C library beyond guest/lib/string.h. By bytes: what it
 * looks at is a few of them.
 */
#include "guest/lib/console.h"
#include "guest/lib/exit.h"
#include "guest/lib/string.h"

void *memchr(const void *bytes, int value, size_t len);
char *strrchr(const char *s, int c);
size_t strnlen(const char *s, size_t max);
_Noreturn void __stack_chk_fail(void);

void *memchr(const void *bytes, int value, size_t len)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < len; i++) {
        if (byte[i] == (unsigned char)value) {
            return (void *)(uintptr_t)(byte + i);
        }
    }
    return NULL;
}

size_t strnlen(const char *s, size_t max)
{
    size_t len = 0;

    while (len < max && s[len]) {
        len++;
    }
    return len;
}

char *strrchr(const char *s, int c)
{
    size_t len = strlen(s) + 1;

    while (len-- > 0) {
        if (s[len] == (char)c) {
            return (char *)(uintptr_t)(s + len);
        }
    }
    return NULL;
}

/* libfdt's own frames overran: the canary they compare is whatever stands at address 0x28. */
_Noreturn void __stack_chk_fail(void)
{
    console_printf("# libfdt overran its stack frame\n");
    guest_exit(GUEST_EXIT_FAULT);
}
