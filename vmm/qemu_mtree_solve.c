/*
 * qemu_mtree_solve.c - which view is which space's, and the answers to what the tree left open.
 *
 * What follows from the listing is drawn until nothing more does. What is open then, and matters,
 * is tried one way, and if that ends in a contradiction the other: a search that ends with a
 * reading that fits, with the proof that there is none, or with the budget.
 */
#include "vmm/qemu_mtree_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* ---- views and spaces ---- */

static void give_back_users(const struct mtree_group *group, struct mtree_view *view)
{
    size_t i;

    for (i = 0; i < view->user_num; i++) {
        if (view->users[i].group == group) {
            view->users[i].group = NULL;
        }
    }
}

static bool take_user(struct mtree *mtree, const struct mtree_group *group, struct mtree_view *view,
                      const char *name)
{
    const char *root = group->root ? group->root->name : mtree_name(mtree, "(none)", 6);
    size_t i;

    for (i = 0; i < view->user_num && mtree_spend(mtree, 1); i++) {
        struct mtree_user *user = &view->users[i];

        if (!user->group && user->name == name && user->root == root) {
            user->group = group;
            return true;
        }
    }
    return false;
}

/* All names of the group, or none. */
static bool take_users(struct mtree *mtree, const struct mtree_group *group,
                       struct mtree_view *view)
{
    size_t i;

    for (i = 0; i < group->name_num; i++) {
        if (view->user_num < group->name_num || !take_user(mtree, group, view, group->names[i])) {
            give_back_users(group, view);
            return false;
        }
    }
    return true;
}

/* Views that have the group's names: how many, and the first. */
static size_t count_candidates(struct mtree *mtree, const struct mtree_group *group,
                               struct mtree_view **first)
{
    size_t i, num = 0;

    for (i = 0; i < mtree->view_num && mtree_spend(mtree, 1); i++) {
        if (take_users(mtree, group, &mtree->views[i])) {
            give_back_users(group, &mtree->views[i]);
            *first = num == 0 ? &mtree->views[i] : *first;
            num++;
        }
    }
    return num;
}

static int give_view(struct mtree *mtree, struct mtree_group *group, struct mtree_view *view)
{
    if (!take_users(mtree, group, view)) {
        return 0;
    }
    group->view = view;
    return mtree_shown_new(mtree, group, view, &group->shown);
}

/* Those of which no other view can be theirs; each leaves less choice to the others. */
static int give_only_views(struct mtree *mtree)
{
    bool again = true;
    int ret = 0;
    size_t i;

    while (again && !mtree->out_of_budget) {
        again = false;
        for (i = 0; i < mtree->group_num && ret == 0; i++) {
            struct mtree_group *group = &mtree->groups[i];
            struct mtree_view *view = NULL;

            if (!group->view && count_candidates(mtree, group, &view) == 1) {
                ret = give_view(mtree, group, view);
                again = true;
            }
        }
        again = again && ret == 0;
    }
    return ret;
}

/* ---- what follows ---- */

static void learn_shown(struct mtree *mtree, struct mtree_shown *shown)
{
    size_t i;

    for (i = 0; i < shown->segment_num && !mtree->out_of_budget; i++) {
        mtree_learn(mtree, shown, &shown->segments[i]);
    }
}

/* Until nothing new follows. A contradiction ends it, unless all that does follow is wanted. */
static void learn_all(struct mtree *mtree, bool all)
{
    size_t before, i;

    do {
        before = mtree->trail_num;
        for (i = 0; i < mtree->group_num && (all || !mtree->contradiction); i++) {
            if (mtree->groups[i].shown) {
                learn_shown(mtree, mtree->groups[i].shown);
            }
        }
    } while (mtree->trail_num > before && !mtree->out_of_budget && (all || !mtree->contradiction));
}

static void take_view(struct mtree_group *group)
{
    give_back_users(group, group->view);
    mtree_shown_free(group->shown);
    group->shown = NULL;
    group->view = NULL;
}

/* 1 when the group's space can look like the view, by what is known; 0, or -errno. */
static int fits_view(struct mtree *mtree, struct mtree_group *group, struct mtree_view *view)
{
    bool contradiction = mtree->contradiction;
    size_t trail_num = mtree->trail_num;
    int ret = give_view(mtree, group, view);

    if (ret == 0 && group->view) {
        mtree->contradiction = false;
        learn_shown(mtree, group->shown);
        ret = !mtree->contradiction;
        mtree_take_back(mtree, trail_num);
    }
    if (group->view) {
        take_view(group);
    }
    mtree->contradiction = contradiction;
    return ret;
}

/* How many views the space can look like (or -errno), and the first. */
static int count_fitting(struct mtree *mtree, struct mtree_group *group, struct mtree_view **first)
{
    int ret = 0, num = 0;
    size_t i;

    for (i = 0; i < mtree->view_num && ret >= 0 && mtree_spend(mtree, 1); i++) {
        ret = fits_view(mtree, group, &mtree->views[i]);
        if (ret > 0) {
            *first = num == 0 ? &mtree->views[i] : *first;
            num++;
        }
    }
    return ret < 0 ? ret : num;
}

/*
 * Gives a view to one of the spaces that still have none: to one that can look like one view only,
 * else to the one with the least choice. Returns: 1, 0 when there is none left, -errno.
 */
static int give_fitting_view(struct mtree *mtree)
{
    struct mtree_group *best = NULL;
    struct mtree_view *best_view = NULL, *view = NULL;
    int num, least = INT_MAX, ret;
    size_t i;

    for (i = 0; i < mtree->group_num && least > 1; i++) {
        if (mtree->groups[i].view) {
            continue;
        }
        num = count_fitting(mtree, &mtree->groups[i], &view);
        if (num < 0) {
            return num;
        }
        if (num > 0 && num < least) {
            least = num;
            best = &mtree->groups[i];
            best_view = view;
        }
    }
    if (!best) {
        return 0;
    }
    ret = give_view(mtree, best, best_view);
    if (ret == 0) {
        learn_shown(mtree, best->shown);
    }
    return ret < 0 ? ret : 1;
}

/* Spaces of one name and root, with several views. */
static int give_other_views(struct mtree *mtree)
{
    int ret;
    size_t i;

    do {
        ret = give_fitting_view(mtree);
    } while (ret > 0 && !mtree->out_of_budget);
    for (i = 0; i < mtree->group_num && ret >= 0; i++) {
        struct mtree_group *group = &mtree->groups[i];
        struct mtree_view *view = NULL;

        if (!group->view && count_candidates(mtree, group, &view) > 0) {
            ret = give_view(mtree, group, view); /* it fits none: the first, to compare with */
        }
    }
    return ret < 0 ? ret : 0;
}

/* ---- what must be tried ---- */

struct decision {
    struct mtree_question question;
    size_t trail_num; /* before it */
};

struct search {
    struct mtree *mtree;
    struct decision *decisions;
    size_t num, max;
};

/* The next question that matters; NOTHING: the reading fits, or there is a contradiction. */
static struct mtree_question next_question(struct mtree *mtree)
{
    struct mtree_question question = {.kind = MTREE_ASK_NOTHING};
    size_t i, k;

    for (i = 0; i < mtree->group_num; i++) {
        struct mtree_shown *shown = mtree->groups[i].shown;

        for (k = 0; shown && k < shown->segment_num && !mtree->out_of_budget; k++) {
            question = mtree_ask(mtree, shown, &shown->segments[k]);
            if (question.kind != MTREE_ASK_NOTHING) {
                return question;
            }
        }
    }
    return question;
}

static int decide(struct search *search, const struct mtree_question *question)
{
    struct mtree *mtree = search->mtree;
    struct decision *decisions = search->decisions;

    if (search->num == search->max) {
        size_t max = search->max ? 2 * search->max : 64;

        decisions = realloc(decisions, max * sizeof(*decisions));
        if (!decisions) {
            return -ENOMEM;
        }
        search->decisions = decisions;
        search->max = max;
    }
    decisions[search->num++] =
        (struct decision){.question = *question, .trail_num = mtree->trail_num};
    mtree_answer(mtree, question, question->likely);
    return 0;
}

/* The latest decision was wrong: the opposite follows. */
static void turn_round(struct search *search)
{
    struct decision *decision = &search->decisions[--search->num];

    mtree_take_back(search->mtree, decision->trail_num);
    search->mtree->contradiction = false;
    mtree_answer(search->mtree, &decision->question, !decision->question.likely);
}

static int run_search(struct search *search)
{
    struct mtree *mtree = search->mtree;
    struct mtree_question question;
    int ret = 0;

    while (ret == 0) {
        learn_all(mtree, false);
        if (mtree->out_of_budget) {
            return MTREE_GAVE_UP;
        }
        if (mtree->contradiction && search->num == 0) {
            return MTREE_FITS_NOT;
        }
        if (mtree->contradiction) {
            turn_round(search);
            continue;
        }
        question = next_question(mtree);
        if (question.kind == MTREE_ASK_NOTHING) {
            return mtree->out_of_budget ? MTREE_GAVE_UP : MTREE_FITS;
        }
        ret = decide(search, &question);
    }
    return ret;
}

int mtree_solve(struct mtree *mtree)
{
    struct search search = {.mtree = mtree};
    int ret = give_only_views(mtree);

    if (ret == 0) {
        learn_all(mtree, false);
        ret = give_other_views(mtree);
    }
    if (ret == 0) {
        ret = run_search(&search);
        if (ret == MTREE_FITS_NOT) {
            learn_all(mtree, true); /* as near as it gets */
        }
    }
    free(search.decisions);
    return ret == -ENOMEM ? error_set_errno(mtree->err, ENOMEM, "%s", mtree->tree_text->path) : ret;
}
