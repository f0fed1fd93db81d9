/*
 * fuzz_board.c - a hostile device tree: opened, edited, built, reset, taken apart. Whatever the
 * bytes, the result is a board or an error that says something.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/memory.h"
#include "vmm/board.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void build(struct board *board)
{
    const struct memory_core_config config = {.opaque = NULL};
    struct memory_core core;
    struct error err = {""};

    if (memory_core_init(&core, &config) < 0) {
        abort();
    }
    if (board_build(board, &core, NULL, &err) == 0) {
        (void)address_space_ldub(board_memory(board), 0, MEMTXATTRS_UNSPECIFIED, NULL);
        (void)address_space_ldub(board_io(board), 0x3f8, MEMTXATTRS_UNSPECIFIED, NULL);
        board_reset(board);
    } else if (err.text[0] == '\0') {
        abort();
    }
    board_unbuild(board);
    memory_core_finish(&core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool registered;
    char path[64];
    struct error err = {""};
    struct board *board;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    struct board_config config = {.name = path};

    if (!registered) {
        memory_thread_register();
        registered = true;
    }
    if (fd < 0 || size < 1 || write(fd, data + 1, size - 1) != (ssize_t)size - 1) {
        goto out;
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    /* The first byte says which edits the command line makes. */
    config.ram_size = data[0] & 1 ? 0x200000 : 0;
    config.cpu_num = data[0] & 2 ? 3 : 0;
    config.bootargs = data[0] & 4 ? "a b" : NULL;
    if (board_open(&config, &board, &err) == 0) {
        /* Tens of gigabytes are honest, and slow. */
        if (board_ram_size(board) <= UINT64_C(1) << 32) {
            build(board);
        }
        board_free(board);
    } else if (err.text[0] == '\0') {
        abort();
    }
out:
    if (fd >= 0) {
        (void)close(fd);
    }
    return 0;
}
