/*
 * fuzz_symbols.c - any bytes as a kernel's symbol table; then every symbol it gave must be found
 * again, and addresses from the input's end looked up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *data, size_t size)
{
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("symbols", MFD_CLOEXEC);
    }
    if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size) {
        abort();
    }
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct symbols *symbols = NULL;
    struct error err;
    char text[SYMBOLS_TEXT_SIZE];
    uint64_t addr, offset;
    size_t i;

    if (symbols_load(&symbols, "symbols", file_of(data, size), &err) < 0) {
        return 0;
    }
    for (i = 0; i < 8 && 8 * (i + 1) <= size; i++) {
        const char *name;

        memcpy(&addr, data + size - 8 * (i + 1), 8);
        symbols_text(symbols, addr, text);
        name = symbols_find(symbols, addr, &offset);
        if ((name != NULL) != (text[0] != '\0') ||
            (name && symbols_address(symbols, name, &addr) < 0)) {
            abort();
        }
    }
    symbols_free(symbols);
    return 0;
}
