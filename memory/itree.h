/*
 * itree.h - an intrusive interval tree: inclusive 64-bit ranges, overlaps allowed, each node
 * knowing the largest end below it.
 *
 * The index of a container's children, of the aliases of a region, of RAM blocks and of KVM slots.
 * A node sits in one tree at a time and is the caller's storage; nothing is allocated.
 * Nodes are ordered by (first, insertion). Cost: insert and remove O(log n); the first overlap
 * O(log n), each further one O(log n).
 * Context: the caller serialises.
 */
#ifndef ACRE_MEMORY_ITREE_H
#define ACRE_MEMORY_ITREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct itree_node {
    uint64_t first, last; /* set by the caller before insert; not changed while inserted */
    uint64_t max_last;
    struct itree_node *parent, *left, *right;
    int height;
};

struct itree {
    struct itree_node *root;
    size_t num;
};

void itree_insert(struct itree *tree, struct itree_node *node);
void itree_remove(struct itree *tree, struct itree_node *node);

/* In order of `first`. NULL: none (left). */
struct itree_node *itree_first(const struct itree *tree);
struct itree_node *itree_next(const struct itree_node *node);
struct itree_node *itree_prev(const struct itree_node *node);

/* The nodes that share a byte with [first, last], in order of their `first`. */
struct itree_node *itree_overlap_first(const struct itree *tree, uint64_t first, uint64_t last);
struct itree_node *itree_overlap_next(const struct itree_node *node, uint64_t first, uint64_t last);

#define itree_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

#endif
