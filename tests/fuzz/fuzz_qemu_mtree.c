/*
 * Listings as a hostile file may hold them: the tree is what stands before the first "FlatView #",
 * the flat listing what follows. Either there is a verdict and a summary, or one line that says
 * what is wrong and no output; and whatever is read, time and memory are bounded. The view that is
 * made of a tree alone must be found to fit that tree: what works out readings and what renders are
 * apart.
 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "memory/memory.h"
#include "vmm/qemu_mtree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct output {
    size_t size; /* that was written; text has its beginning */
    char text[1 << 20];
};

static void collect(void *opaque, const char *text, size_t len)
{
    struct output *out = opaque;

    if (len < sizeof(out->text) - out->size) {
        memcpy(out->text + out->size, text, len);
    }
    out->size += len < sizeof(out->text) - out->size ? len : 0;
}

static int compare(const struct qemu_mtree_text *tree, const struct qemu_mtree_text *flat,
                   struct output *out)
{
    struct memory_sink sink = {.write = collect, .opaque = out};
    struct error err = {.text = ""};
    int ret;

    out->size = 0;
    memory_thread_register();
    ret = qemu_mtree_compare(tree, flat, &sink, &err);
    memory_thread_unregister();
    if (ret < 0) {
        assert(err.text[0] != '\0' && !strchr(err.text, '\n') && out->size == 0);
    } else {
        assert(ret <= QEMU_MTREE_UNDECIDED && out->size > 0 && err.text[0] == '\0');
        assert(flat || ret == QEMU_MTREE_EQUAL);
    }
    return ret;
}

/* Names that read otherwise in the flat listing's lines, or would be cut there. */
static bool has_odd_names(const struct qemu_mtree_text *tree)
{
    static const char *const odd[] = {" KVM", " orphan", ":{", "\"", ", alias ", "\r"};
    size_t i, line = 0;

    for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        if (memmem(tree->text, tree->size, odd[i], strlen(odd[i]))) {
            return true;
        }
    }
    for (i = 0; i < tree->size; i++) {
        line = tree->text[i] == '\n' ? 0 : line + 1;
        if (line > 900 || (i >= 2 && memcmp(tree->text + i - 2, " @", 2) == 0 &&
                           strchr("0123456789abcdef", tree->text[i]))) {
            return true;
        }
    }
    return false;
}

static void check_own_view(const struct qemu_mtree_text *tree)
{
    static const char end[] = "inferences, by lines of ";
    static struct output view, again;
    struct qemu_mtree_text flat = {.path = "view", .text = view.text};
    const char *rest;

    if (compare(tree, NULL, &view) < 0 || has_odd_names(tree)) {
        return;
    }
    rest = memmem(view.text, view.size, end, sizeof(end) - 1);
    if (rest) {
        flat.size = (size_t)(rest - view.text);
        assert(compare(tree, &flat, &again) != QEMU_MTREE_DIFFERENT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "FlatView #";
    static struct output out;
    const char *text = (const char *)data;
    const char *middle = size ? memmem(text, size, mark, sizeof(mark) - 1) : NULL;
    struct qemu_mtree_text tree = {.path = "tree", .text = text, .size = size}, flat = tree;

    if (middle) {
        tree.size = (size_t)(middle - text);
        flat = (struct qemu_mtree_text){"flat", middle, size - tree.size};
        (void)compare(&tree, &flat, &out);
    }
    check_own_view(&tree);
    return 0;
}
