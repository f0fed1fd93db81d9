/*
 * string.h - what the compiler expects to find, and the little text handling that guests need.
 * As in ISO C; memory functions are string instructions, since each instruction may be emulated.
 */
#ifndef ACRE_GUEST_LIB_STRING_H
#define ACRE_GUEST_LIB_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict dest, const void *restrict src, size_t len);
void *memmove(void *dest, const void *src, size_t len);
void *memset(void *dest, int value, size_t len);
int memcmp(const void *a, const void *b, size_t len);
/* Is each of these bytes `value`? */
bool memory_is(const void *bytes, uint8_t value, size_t len);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

#endif
