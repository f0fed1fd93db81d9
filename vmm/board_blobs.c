/*
 * board_blobs.c - the built-in boards, as dtc made them of vmm/boards/\*.dts, inside the binary.
 */
#include "vmm/board_tree.h"

#include <libfdt.h>
#include <string.h>

#define BLOB(name, file)                                                                           \
    __asm__(".pushsection .rodata\n"                                                               \
            ".balign 8\n"                                                                          \
            "board_blob_" #name ":\n"                                                              \
            ".incbin \"boards/" file ".dtb\"\n"                                                    \
            "board_blob_" #name "_end:\n"                                                          \
            ".popsection\n");                                                                      \
    extern const unsigned char board_blob_##name[] __attribute__((visibility("hidden")));          \
    extern const unsigned char board_blob_##name##_end[] __attribute__((visibility("hidden")))

BLOB(pc, "pc");
BLOB(bare, "bare");
BLOB(puzzle, "puzzle");
BLOB(qemu_test, "qemu-test");

static const struct {
    const char *name;
    const unsigned char *first, *end;
} blobs[] = {
    {"pc", board_blob_pc, board_blob_pc_end},
    {"bare", board_blob_bare, board_blob_bare_end},
    {"puzzle", board_blob_puzzle, board_blob_puzzle_end},
    {"qemu-test", board_blob_qemu_test, board_blob_qemu_test_end},
};

const char *board_builtin(size_t index, const char **summary)
{
    if (index >= sizeof(blobs) / sizeof(blobs[0])) {
        return NULL;
    }
    *summary = fdt_getprop(blobs[index].first, 0, "acre,summary", NULL);
    return blobs[index].name;
}

const void *board_blob(const char *name, size_t *size)
{
    size_t i;

    for (i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
        if (strcmp(blobs[i].name, name) == 0) {
            *size = (size_t)(blobs[i].end - blobs[i].first);
            return blobs[i].first;
        }
    }
    return NULL;
}
