/* string.c - memory functions as string instructions; text functions plain. */
#include "guest/lib/string.h"

void *memcpy(void *restrict dest, const void *restrict src, size_t len)
{
    void *to = dest;

    __asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(len)::"memory");
    return dest;
}

void *memmove(void *dest, const void *src, size_t len)
{
    char *to = (char *)dest + len - 1;
    const char *from = (const char *)src + len - 1;

    if ((uintptr_t)dest - (uintptr_t)src >= len) {
        return memcpy(dest, src, len);
    }
    __asm__ volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(len)::"memory", "cc");
    return dest;
}

void *memset(void *dest, int value, size_t len)
{
    void *to = dest;

    __asm__ volatile("rep stosb" : "+D"(to), "+c"(len) : "a"(value) : "memory");
    return dest;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < len; i++) {
        if (x[i] != y[i]) {
            return x[i] - y[i];
        }
    }
    return 0;
}

bool memory_is(const void *bytes, uint8_t value, size_t len)
{
    const uint8_t *byte = bytes;

    for (size_t i = 0; i < len; i++) {
        if (byte[i] != value) {
            return false;
        }
    }
    return true;
}

size_t strlen(const char *s)
{
    size_t len = 0;

    while (s[len]) {
        len++;
    }
    return len;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}
