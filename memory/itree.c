/*
 * itree.c - an AVL tree with parent links, each node carrying the largest `last` of its subtree.
 *
 * Equal keys go right, so iteration keeps insertion order among them. Every structural step ends in
 * refresh(), which recomputes height and max_last from the two children.
 */
#include "memory/itree.h"

static int height(const struct itree_node *node)
{
    return node ? node->height : 0;
}

static void refresh(struct itree_node *node)
{
    int left = height(node->left), right = height(node->right);
    uint64_t max = node->last;

    if (node->left && node->left->max_last > max) {
        max = node->left->max_last;
    }
    if (node->right && node->right->max_last > max) {
        max = node->right->max_last;
    }
    node->max_last = max;
    node->height = 1 + (left > right ? left : right);
}

/* Puts `node` where `old` was below `parent`. */
static void replace_child(struct itree *tree, struct itree_node *parent, struct itree_node *old,
                          struct itree_node *node)
{
    if (!parent) {
        tree->root = node;
    } else if (parent->left == old) {
        parent->left = node;
    } else {
        parent->right = node;
    }
    if (node) {
        node->parent = parent;
    }
}

static struct itree_node *rotate_left(struct itree *tree, struct itree_node *node)
{
    struct itree_node *up = node->right;

    replace_child(tree, node->parent, node, up);
    node->right = up->left;
    if (node->right) {
        node->right->parent = node;
    }
    up->left = node;
    node->parent = up;
    refresh(node);
    refresh(up);
    return up;
}

static struct itree_node *rotate_right(struct itree *tree, struct itree_node *node)
{
    struct itree_node *up = node->left;

    replace_child(tree, node->parent, node, up);
    node->left = up->right;
    if (node->left) {
        node->left->parent = node;
    }
    up->right = node;
    node->parent = up;
    refresh(node);
    refresh(up);
    return up;
}

static struct itree_node *rebalance(struct itree *tree, struct itree_node *node)
{
    int balance = height(node->left) - height(node->right);

    if (balance > 1) {
        if (height(node->left->left) < height(node->left->right)) {
            rotate_left(tree, node->left);
        }
        return rotate_right(tree, node);
    }
    if (balance < -1) {
        if (height(node->right->right) < height(node->right->left)) {
            rotate_right(tree, node->right);
        }
        return rotate_left(tree, node);
    }
    return node;
}

static void retrace(struct itree *tree, struct itree_node *node)
{
    while (node) {
        refresh(node);
        node = rebalance(tree, node)->parent;
    }
}

void itree_insert(struct itree *tree, struct itree_node *node)
{
    struct itree_node **link = &tree->root, *parent = NULL;

    while (*link) {
        parent = *link;
        link = node->first < parent->first ? &parent->left : &parent->right;
    }
    node->parent = parent;
    node->left = NULL;
    node->right = NULL;
    *link = node;
    tree->num++;
    retrace(tree, node);
}

void itree_remove(struct itree *tree, struct itree_node *node)
{
    struct itree_node *from, *next;

    tree->num--;
    if (!node->left || !node->right) {
        from = node->parent;
        replace_child(tree, node->parent, node, node->left ? node->left : node->right);
        retrace(tree, from);
        return;
    }
    for (next = node->right; next->left; next = next->left) {
    }
    from = next->parent == node ? next : next->parent;
    if (next->parent != node) {
        replace_child(tree, next->parent, next, next->right);
        next->right = node->right;
        next->right->parent = next;
    }
    next->left = node->left;
    next->left->parent = next;
    replace_child(tree, node->parent, node, next);
    retrace(tree, from);
}

struct itree_node *itree_first(const struct itree *tree)
{
    struct itree_node *node = tree->root;

    while (node && node->left) {
        node = node->left;
    }
    return node;
}

struct itree_node *itree_next(const struct itree_node *node)
{
    struct itree_node *next = node->right;

    if (next) {
        while (next->left) {
            next = next->left;
        }
        return next;
    }
    while (node->parent && node->parent->right == node) {
        node = node->parent;
    }
    return node->parent;
}

struct itree_node *itree_prev(const struct itree_node *node)
{
    struct itree_node *prev = node->left;

    if (prev) {
        while (prev->right) {
            prev = prev->right;
        }
        return prev;
    }
    while (node->parent && node->parent->left == node) {
        node = node->parent;
    }
    return node->parent;
}

/*
 * The leftmost overlap below `node`. Going left whenever something there ends late enough is safe:
 * if it starts after `last`, so does everything to its right.
 */
static struct itree_node *subtree_search(struct itree_node *node, uint64_t first, uint64_t last)
{
    while (node && node->max_last >= first) {
        if (node->left && node->left->max_last >= first) {
            node = node->left;
        } else if (node->first > last) {
            return NULL;
        } else if (node->last >= first) {
            return node;
        } else {
            node = node->right;
        }
    }
    return NULL;
}

struct itree_node *itree_overlap_first(const struct itree *tree, uint64_t first, uint64_t last)
{
    return subtree_search(tree->root, first, last);
}

struct itree_node *itree_overlap_next(const struct itree_node *node, uint64_t first, uint64_t last)
{
    struct itree_node *up;

    for (;;) {
        if (node->right && node->right->max_last >= first) {
            return subtree_search(node->right, first, last);
        }
        for (up = node->parent; up && up->right == node; up = up->parent) {
            node = up;
        }
        if (!up || up->first > last) {
            return NULL;
        }
        if (up->last >= first) {
            return up;
        }
        node = up;
    }
}
