/*
 * fvtree.c - the persistent B+ tree behind a FlatView.
 *
 * An edit copies a node the first time it changes it (own()), so the view it started from stays as
 * it was; nodes the edit made itself are changed in place. Full nodes are split on the way down, so
 * an insertion never climbs; a node that falls under a quarter is joined with a sibling if both fit
 * in one. Separators are lower bounds of their child, the first one counts as minus infinity.
 */
#include "memory/internal.h"

#include <stdlib.h>
#include <string.h>

#define FV_SPARSE (FV_MAX / 4)
#define FV_JOINED_MAX (FV_MAX * 3 / 4)

/* Index of the last entry in [from, num) whose key is <= addr, or from - 1. */
static int search(const struct fv_node *node, int from, hwaddr addr)
{
    const hwaddr *base = node->first + from;
    int num = node->num - from;

    if (num <= 0) {
        return from - 1;
    }
    while (num > 1) {
        int half = num / 2;

        base = base[half] <= addr ? base + half : base;
        num -= half;
    }
    return (int)(base - node->first) - (*base <= addr ? 0 : 1);
}

static int child_index(const struct fv_node *node, hwaddr addr)
{
    return search(node, 1, addr); /* 0 when addr is below all separators */
}

/*
 * The last range that starts below `addr`, when a search for addr ended before the first entry of
 * its leaf: separators outlive the entries they came from, so a range may reach past the separator
 * that follows its leaf. Rare: hence a second way down.
 */
static const FlatRange *before_leaf(const struct fv_node *node, hwaddr addr)
{
    const struct fv_node *prev = NULL;

    while (!node->leaf) {
        int i = child_index(node, addr);

        prev = i > 0 ? node->u.children[i - 1] : prev;
        node = node->u.children[i];
    }
    while (prev && !prev->leaf) {
        prev = prev->u.children[prev->num - 1];
    }
    return prev ? &prev->u.ranges[prev->num - 1] : NULL;
}

const FlatRange *fv_lookup(const struct fv_node *root, hwaddr addr)
{
    const struct fv_node *node = root;
    const FlatRange *range;
    int i;

    if (!node) {
        return NULL;
    }
    while (!node->leaf) {
        node = node->u.children[child_index(node, addr)];
    }
    i = search(node, 0, addr);
    range = i >= 0 ? &node->u.ranges[i] : before_leaf(root, addr);
    return range && range->last >= addr ? range : NULL;
}

const FlatRange *fv_at_or_after(const struct fv_node *root, hwaddr addr)
{
    const struct fv_node *node = root, *next = NULL;
    const FlatRange *range;
    int i;

    if (!node) {
        return NULL;
    }
    while (!node->leaf) {
        i = child_index(node, addr);
        if (i + 1 < node->num) {
            next = node->u.children[i + 1];
        }
        node = node->u.children[i];
    }
    i = search(node, 0, addr);
    range = i >= 0 ? &node->u.ranges[i] : before_leaf(root, addr);
    if (range && range->last >= addr) {
        return range;
    }
    if (i + 1 < node->num) {
        return &node->u.ranges[i + 1];
    }
    while (next && !next->leaf) {
        next = next->u.children[0];
    }
    return next ? &next->u.ranges[0] : NULL;
}

void fv_edit_begin(struct fv_edit *edit, const FlatView *view)
{
    *edit = (struct fv_edit){
        .core = view->core,
        .id = ++view->core->seq,
        .root = view->root,
        .num = view->num,
    };
}

static struct fv_node *node_new(struct fv_edit *edit, bool leaf)
{
    size_t size = leaf ? sizeof(struct fv_node) : FV_INNER_SIZE;
    struct fv_node *node = memory_alloc(edit->core, size);

    if (node) {
        node->leaf = leaf;
        node->edit = edit->id;
        node->link = edit->made;
        edit->made = node;
        edit->core->counters.nodes_copied++;
    }
    return node;
}

/* The node is in the new tree no more. */
static void node_drop(struct fv_edit *edit, struct fv_node *node)
{
    if (node->edit == edit->id) {
        node->dropped = true; /* it is in `made` */
    } else {
        node->link = edit->replaced;
        edit->replaced = node;
    }
}

/* Makes *slot a node that this edit may change. */
static int own(struct fv_edit *edit, struct fv_node **slot)
{
    struct fv_node *old = *slot, *copy;

    if (old->edit == edit->id) {
        return 0;
    }
    copy = node_new(edit, old->leaf);
    if (!copy) {
        return -ENOMEM;
    }
    copy->num = old->num;
    memcpy(copy->first, old->first, old->num * sizeof(copy->first[0]));
    if (old->leaf) {
        memcpy(copy->u.ranges, old->u.ranges, old->num * sizeof(copy->u.ranges[0]));
    } else {
        memcpy(copy->u.children, old->u.children, old->num * sizeof(copy->u.children[0]));
    }
    node_drop(edit, old);
    *slot = copy;
    return 0;
}

/* Moves `num` entries between places of one or two nodes of a kind. */
static void move_entries(struct fv_node *to, int to_index, const struct fv_node *from,
                         int from_index, int num)
{
    size_t n = (size_t)num;

    memmove(&to->first[to_index], &from->first[from_index], n * sizeof(to->first[0]));
    if (to->leaf) {
        memmove(&to->u.ranges[to_index], &from->u.ranges[from_index], n * sizeof(FlatRange));
    } else {
        memmove(&to->u.children[to_index], &from->u.children[from_index],
                n * sizeof(struct fv_node *));
    }
}

static void open_gap(struct fv_node *node, int index)
{
    move_entries(node, index + 1, node, index, node->num - index);
    node->num++;
}

static void close_gap(struct fv_node *node, int index)
{
    node->num--;
    move_entries(node, index, node, index + 1, node->num - index);
}

/* Splits the owned, full child `index` of an owned node that has room. */
static int split_child(struct fv_edit *edit, struct fv_node *parent, int index)
{
    struct fv_node *left = parent->u.children[index];
    struct fv_node *right = node_new(edit, left->leaf);
    /* Growing at the end is how maps are built: leave the left node nearly full then. */
    int keep = index == parent->num - 1 ? FV_MAX - FV_SPARSE : FV_MAX / 2;

    if (!right) {
        return -ENOMEM;
    }
    right->num = (uint16_t)(FV_MAX - keep);
    move_entries(right, 0, left, keep, FV_MAX - keep);
    left->num = (uint16_t)keep;
    open_gap(parent, index + 1);
    parent->first[index + 1] = right->first[0];
    parent->u.children[index + 1] = right;
    return 0;
}

static int grow_root(struct fv_edit *edit)
{
    struct fv_node *root = node_new(edit, !edit->root);

    if (!root) {
        return -ENOMEM;
    }
    if (edit->root) {
        root->num = 1;
        root->first[0] = edit->root->first[0];
        root->u.children[0] = edit->root;
    }
    edit->root = root;
    return 0;
}

int fv_insert(struct fv_edit *edit, const FlatRange *range)
{
    struct fv_node **slot = &edit->root, *node;
    int ret, i;

    if ((!edit->root || edit->root->num == FV_MAX) && (ret = grow_root(edit)) != 0) {
        return ret;
    }
    for (;;) {
        ret = own(edit, slot);
        if (ret) {
            return ret;
        }
        node = *slot;
        if (node->leaf) {
            break;
        }
        i = child_index(node, range->first);
        if (node->u.children[i]->num == FV_MAX) {
            ret = own(edit, &node->u.children[i]);
            ret = ret ? ret : split_child(edit, node, i);
            if (ret) {
                return ret;
            }
            i += range->first >= node->first[i + 1];
        }
        slot = &node->u.children[i];
    }
    i = search(node, 0, range->first) + 1;
    open_gap(node, i);
    node->first[i] = range->first;
    node->u.ranges[i] = *range;
    edit->num++;
    return 0;
}

int fv_mutable(struct fv_edit *edit, hwaddr first, FlatRange **range)
{
    struct fv_node **slot = &edit->root;
    int ret;

    for (;;) {
        ret = own(edit, slot);
        if (ret) {
            return ret;
        }
        if ((*slot)->leaf) {
            *range = &(*slot)->u.ranges[search(*slot, 0, first)];
            return 0;
        }
        slot = &(*slot)->u.children[child_index(*slot, first)];
    }
}

/* Joins child `index` of an owned node with its right neighbour when both fit in one. */
static int join_children(struct fv_edit *edit, struct fv_node *parent, int index)
{
    struct fv_node *left, *right;
    int ret;

    if (index < 0 || index + 1 >= parent->num) {
        return 0;
    }
    left = parent->u.children[index];
    right = parent->u.children[index + 1];
    if (left->num + right->num > FV_JOINED_MAX) {
        return 0;
    }
    ret = own(edit, &parent->u.children[index]);
    if (ret) {
        return ret;
    }
    left = parent->u.children[index];
    move_entries(left, left->num, right, 0, right->num);
    if (!left->leaf) { /* the first separator of a node is not kept up: its parent's is right */
        left->first[left->num] = parent->first[index + 1];
    }
    left->num = (uint16_t)(left->num + right->num);
    node_drop(edit, right);
    close_gap(parent, index + 1);
    return 0;
}

static int erase_below(struct fv_edit *edit, struct fv_node **slot, hwaddr first)
{
    struct fv_node *node;
    int ret, i;

    ret = own(edit, slot);
    if (ret) {
        return ret;
    }
    node = *slot;
    if (node->leaf) {
        close_gap(node, search(node, 0, first));
        return 0;
    }
    i = child_index(node, first);
    ret = erase_below(edit, &node->u.children[i], first);
    if (ret) {
        return ret;
    }
    if (node->u.children[i]->num == 0) {
        node_drop(edit, node->u.children[i]);
        close_gap(node, i);
        return 0;
    }
    if (node->u.children[i]->num < FV_SPARSE) {
        int before = node->num;

        ret = join_children(edit, node, i);
        if (!ret && node->num == before) {
            ret = join_children(edit, node, i - 1);
        }
    }
    return ret;
}

int fv_erase(struct fv_edit *edit, hwaddr first)
{
    int ret = erase_below(edit, &edit->root, first);
    struct fv_node *root = edit->root;

    if (ret) {
        return ret;
    }
    while (root && (root->num == 0 || (!root->leaf && root->num == 1))) {
        edit->root = root->num ? root->u.children[0] : NULL;
        node_drop(edit, root);
        root = edit->root;
    }
    edit->num--;
    return 0;
}

void fv_free_list(struct fv_node *list)
{
    while (list) {
        struct fv_node *next = list->link;

        free(list);
        list = next;
    }
}

void fv_edit_abort(struct fv_edit *edit)
{
    fv_free_list(edit->made);
    *edit = (struct fv_edit){0};
}

void fv_edit_publish(struct fv_edit *edit, FlatView *old_view, FlatView *new_view)
{
    struct fv_node *node = edit->made, *next;

    for (; node; node = next) {
        next = node->link;
        node->link = NULL;
        if (node->dropped) {
            free(node);
        }
    }
    new_view->root = edit->root;
    new_view->num = edit->num;
    old_view->garbage = edit->replaced;
    *edit = (struct fv_edit){0};
}
