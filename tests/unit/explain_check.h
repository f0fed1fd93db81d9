/*
 * explain_check.h - is memory_explain() of one mind with the flat view? At each address: one winner
 * where the view shows a region, that one and at that offset; none where it shows a hole.
 */
#ifndef ACRE_TESTS_EXPLAIN_CHECK_H
#define ACRE_TESTS_EXPLAIN_CHECK_H

#include "memory/memory.h"

/*
 * Asks at the first and last byte of every range, on both sides of them, and at both ends.
 * Returns: true; false with what differs in `why`. Skips what is too much to tell (-E2BIG).
 */
bool explain_agrees(AddressSpace *as, char *why, size_t why_size);
/* The same at one address, against a view of the space's. */
bool explain_agrees_at(AddressSpace *as, const FlatView *view, hwaddr addr, char *why,
                       size_t why_size);

#endif
