/*
 * The interval tree against a plain list, and the order and balance it promises.
 */
#include "memory/itree.h"
#include "tests/unit/memory_fixture.h"

#include <stdlib.h>

enum { NODES = 400, QUERIES = 200 };

static struct itree_node *node_new(uint64_t first, uint64_t last)
{
    struct itree_node *node = calloc(1, sizeof(*node));

    ck_assert_ptr_nonnull(node);
    node->first = first;
    node->last = last;
    return node;
}

/* Returns the height, having checked order and the cached ends below. */
static int check_subtree(const struct itree_node *node, uint64_t *max_last)
{
    uint64_t left_max = 0, right_max = 0;

    if (node == NULL) {
        *max_last = 0;
        return 0;
    }
    int left = check_subtree(node->left, &left_max);
    int right = check_subtree(node->right, &right_max);

    ck_assert(node->left == NULL || node->left->parent == node);
    ck_assert(node->right == NULL || node->right->parent == node);
    ck_assert(node->left == NULL || node->left->first <= node->first);
    ck_assert(node->right == NULL || node->right->first >= node->first);
    *max_last = node->last;
    *max_last = left_max > *max_last ? left_max : *max_last;
    *max_last = right_max > *max_last ? right_max : *max_last;
    ck_assert_uint_eq(node->max_last, *max_last);
    return 1 + (left > right ? left : right);
}

/* Height at most 1.45 log2(n + 2), as an AVL tree has; generous for a red-black one. */
static void check_tree(const struct itree *tree)
{
    uint64_t max_last;
    int height = check_subtree(tree->root, &max_last), bound = 2;

    for (size_t n = tree->num; n > 0; n /= 2) {
        bound += 2;
    }
    ck_assert_int_le(height, bound);
}

START_TEST(nodes_come_in_order_of_first_and_insertion)
{
    struct itree tree = {0};
    struct itree_node nodes[] = {
        {.first = 5, .last = 9}, {.first = 1, .last = 1},  {.first = 5, .last = 5},
        {.first = 0, .last = 3}, {.first = 5, .last = 20}, {.first = 7, .last = 8},
    };
    static const int order[] = {3, 1, 0, 2, 4, 5};
    struct itree_node *node;

    for (size_t i = 0; i < 6; i++) {
        itree_insert(&tree, &nodes[i]);
    }
    node = itree_first(&tree);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_ptr_eq(node, &nodes[order[i]]);
        ck_assert_ptr_eq(itree_prev(node), i ? &nodes[order[i - 1]] : NULL);
        node = itree_next(node);
    }
    ck_assert_ptr_null(node);
    ck_assert_uint_eq(tree.num, 6);
}
END_TEST

START_TEST(empty_tree_has_no_nodes_and_no_overlaps)
{
    struct itree tree = {0};
    struct itree_node node = {.first = 4, .last = 4};

    ck_assert_ptr_null(itree_first(&tree));
    ck_assert_ptr_null(itree_overlap_first(&tree, 0, UINT64_MAX));
    itree_insert(&tree, &node);
    itree_remove(&tree, &node);
    ck_assert_ptr_null(itree_first(&tree));
    ck_assert_uint_eq(tree.num, 0);
}
END_TEST

static const struct {
    uint64_t first, last;
    bool overlaps; /* with [10, 20] */
} edges[] = {
    {0, 9, false},          {0, 10, true},         {20, 20, true},
    {21, 21, false},        {0, UINT64_MAX, true}, {21, UINT64_MAX, false},
    {20, UINT64_MAX, true}, {15, 15, true},        {UINT64_MAX, UINT64_MAX, false},
};

START_TEST(overlap_takes_both_ends_in)
{
    struct itree tree = {0};
    struct itree_node node = {.first = 10, .last = 20};

    itree_insert(&tree, &node);
    ck_assert_ptr_eq(itree_overlap_first(&tree, edges[_i].first, edges[_i].last),
                     edges[_i].overlaps ? &node : NULL);
}
END_TEST

START_TEST(ranges_may_reach_both_ends_of_the_space)
{
    struct itree tree = {0};
    struct itree_node all = {.first = 0, .last = UINT64_MAX},
                      top = {.first = UINT64_MAX, .last = UINT64_MAX};

    itree_insert(&tree, &top);
    itree_insert(&tree, &all);
    ck_assert_ptr_eq(itree_overlap_first(&tree, UINT64_MAX, UINT64_MAX), &all);
    ck_assert_ptr_eq(itree_overlap_next(&all, UINT64_MAX, UINT64_MAX), &top);
    ck_assert_ptr_null(itree_overlap_next(&top, UINT64_MAX, UINT64_MAX));
    ck_assert_ptr_eq(itree_overlap_first(&tree, 0, 0), &all);
    ck_assert_ptr_null(itree_overlap_next(&all, 0, 0));
}
END_TEST

static void check_queries(const struct itree *tree, struct itree_node *const *nodes, size_t num)
{
    for (unsigned query = 0; query < QUERIES; query++) {
        uint64_t first = (uint64_t)rand() % 1100, last = first + (uint64_t)rand() % 60;
        size_t expected = 0, got = 0;
        uint64_t before = 0;

        for (size_t i = 0; i < num; i++) {
            expected += nodes[i] && nodes[i]->first <= last && nodes[i]->last >= first;
        }
        for (struct itree_node *node = itree_overlap_first(tree, first, last); node;
             node = itree_overlap_next(node, first, last)) {
            ck_assert(node->first <= last && node->last >= first);
            ck_assert_uint_ge(node->first, before);
            before = node->first;
            got++;
        }
        ck_assert_uint_eq(got, expected);
    }
}

START_TEST(random_inserts_and_removes_agree_with_a_list)
{
    struct itree tree = {0};
    struct itree_node *nodes[NODES] = {0};

    srand((unsigned)_i + 1);
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < NODES; i++) {
            if (nodes[i] && rand() % 3 == 0) {
                itree_remove(&tree, nodes[i]);
                free(nodes[i]);
                nodes[i] = NULL;
            } else if (!nodes[i] && rand() % 2) {
                uint64_t first = (uint64_t)rand() % 1000;

                nodes[i] =
                    node_new(first, first + (uint64_t)(rand() % 8 ? rand() % 9 : rand() % 500));
                itree_insert(&tree, nodes[i]);
            }
        }
        check_tree(&tree);
        check_queries(&tree, nodes, NODES);
    }
    for (size_t i = 0; i < NODES; i++) {
        free(nodes[i]);
    }
}
END_TEST

START_TEST(sorted_inserts_keep_the_tree_low)
{
    struct itree tree = {0};
    struct itree_node *nodes = calloc(100000, sizeof(*nodes));

    ck_assert_ptr_nonnull(nodes);
    for (size_t i = 0; i < 100000; i++) {
        nodes[i].first = nodes[i].last = _i ? 100000 - i : i;
        itree_insert(&tree, &nodes[i]);
    }
    check_tree(&tree);
    for (size_t i = 0; i < 99000; i++) {
        itree_remove(&tree, &nodes[i]);
    }
    check_tree(&tree);
    ck_assert_uint_eq(tree.num, 1000);
    free(nodes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("itree");
    TCase *tcase = tcase_create("itree");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, nodes_come_in_order_of_first_and_insertion);
    tcase_add_test(tcase, empty_tree_has_no_nodes_and_no_overlaps);
    tcase_add_loop_test(tcase, overlap_takes_both_ends_in, 0,
                        (int)(sizeof(edges) / sizeof(edges[0])));
    tcase_add_test(tcase, ranges_may_reach_both_ends_of_the_space);
    tcase_add_loop_test(tcase, random_inserts_and_removes_agree_with_a_list, 0, 4);
    tcase_add_loop_test(tcase, sorted_inserts_keep_the_tree_low, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
