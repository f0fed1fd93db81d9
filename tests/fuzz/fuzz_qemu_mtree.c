/*
 * Listings as a hostile file may hold them: the tree is what stands before the first "FlatView #",
 * the flat listing what follows. Either there is a verdict and a summary, or one line that says
 * what is wrong and no output; and whatever is read, time and memory are bounded.
 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "memory/memory.h"
#include "vmm/qemu_mtree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *opaque, const char *text, size_t len)
{
    (void)text;
    *(size_t *)opaque += len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "FlatView #";
    const char *text = (const char *)data;
    const char *middle = size ? memmem(text, size, mark, sizeof(mark) - 1) : NULL;
    struct qemu_mtree_text tree = {.path = "tree", .text = text, .size = size}, flat = tree;
    size_t printed = 0;
    struct memory_sink sink = {.write = count, .opaque = &printed};
    struct error err = {.text = ""};
    int ret;

    if (middle) {
        tree.size = (size_t)(middle - text);
        flat = (struct qemu_mtree_text){"flat", middle, size - tree.size};
    }
    memory_thread_register();
    ret = qemu_mtree_compare(&tree, middle ? &flat : NULL, &sink, &err);
    memory_thread_unregister();
    if (ret < 0) {
        assert(err.text[0] != '\0' && !strchr(err.text, '\n') && printed == 0);
    } else {
        assert(ret <= QEMU_MTREE_UNDECIDED && printed > 0 && err.text[0] == '\0');
        assert(middle || ret == QEMU_MTREE_EQUAL);
    }
    return 0;
}
