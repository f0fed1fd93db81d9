/*
 * qemu_mtree.h - reads what QEMU's monitor prints of its memory (`info mtree -D`, `info mtree -f`),
 * builds the same tree with acre's memory API and shows what acre makes of it.
 *
 * The tree's text leaves some things open; each is worked out from the flat listing, region by
 * region, or, where that says nothing either, assumed:
 *   - an i/o line may be a pure container, or a region that answers: it answers where the flat view
 *     shows it, and does not where it should show and does not. Assumed: a line with children is a
 *     container, but for the root of the space I/O; one without answers;
 *   - an alias may be read-only: RAM that it shows is listed as rom. Assumed: it is not;
 *   - siblings of equal priority that overlap: the flat view shows the newer. Assumed: the one at
 *     the higher address is (at the same address the listing keeps their order);
 *   - sizes 0 and 1 are printed alike. Assumed: 1;
 *   - names repeat: the order of the `memory-region:` blocks and the flat views tell which is
 * meant.
 *
 * Also read: the same listings with owners (-o), with dispatch trees (-d, skipped), of an
 * accelerator that marks its ranges, and, as well as may be, without -D.
 *
 * Source: QEMU 7.2, `help info`, docs/devel/memory.rst, and its output.
 */
#ifndef ACRE_VMM_QEMU_MTREE_H
#define ACRE_VMM_QEMU_MTREE_H

#include <stddef.h>

#include "memory/print.h"
#include "vmm/error.h"

enum qemu_mtree_verdict {
    QEMU_MTREE_EQUAL = 0, /* also where there was nothing to compare with */
    QEMU_MTREE_DIFFERENT = 1,
    /* Readings of the tree remain that give other lines, and the search for one that fits ended. */
    QEMU_MTREE_UNDECIDED = 2,
};

/* A listing in memory. */
struct qemu_mtree_text {
    const char *path; /* what messages call it */
    const char *text; /* no NUL needed */
    size_t size;      /* bytes, 0..QEMU_MTREE_FILE_MAX */
};

enum { QEMU_MTREE_FILE_MAX = 64 << 20 };

/*
 * Writes acre's flat view (with @flat: beside QEMU's, `+` only acre's, `-` only QEMU's lines), what
 * was inferred, and one line of summary to @sink.
 * @flat  may be NULL.
 * Returns: an enum qemu_mtree_verdict; -EINVAL (not such a listing, cycles, nesting or size beyond
 * bounds; err names file and line), -ENOMEM.
 * Context: a thread registered with memory_thread_register().
 * Cost: bounded whatever the input; milliseconds for a PC.
 */
int qemu_mtree_compare(const struct qemu_mtree_text *tree, const struct qemu_mtree_text *flat,
                       struct memory_sink *sink, struct error *err)
    __attribute__((warn_unused_result));

/*
 * The same with files, written to a descriptor. Registers the thread itself.
 * Returns: as above; also what open, read and write say.
 */
int qemu_mtree_inspect(const char *tree_path, const char *flat_path, int fd, struct error *err)
    __attribute__((warn_unused_result));

#endif
