/*
 * qemu_mtree_eval.c - three-valued rendering of one address. Bottom up, each place gets the set of
 * things it can do there under what is known; top down, from what the listing says shows, follows
 * what the places must do, and so what was open. Only what follows in every reading is learnt.
 */
#include "vmm/qemu_mtree_parts.h"

#include <stdlib.h>

struct mtree_trail {
    struct mtree_region *answers, *readonly; /* which got known; both NULL: the latest order */
};

/* ---- what is known ---- */

static void note(struct mtree *mtree, struct mtree_trail entry)
{
    struct mtree_trail *trail = mtree->trail;

    if (mtree->trail_num == mtree->trail_max) {
        size_t max = mtree->trail_max ? 2 * mtree->trail_max : 256;

        trail = realloc(trail, max * sizeof(*trail));
        if (!trail) {
            mtree->out_of_budget = true; /* the search ends, undecided */
            return;
        }
        mtree->trail = trail;
        mtree->trail_max = max;
    }
    trail[mtree->trail_num++] = entry;
}

static void set_known(struct mtree *mtree, enum mtree_known *known, bool yes,
                      struct mtree_trail entry)
{
    enum mtree_known value = yes ? MTREE_YES : MTREE_NO;

    if (*known == MTREE_OPEN) {
        note(mtree, entry);
        *known = mtree->out_of_budget ? MTREE_OPEN : value;
    } else if (*known != value) {
        mtree->contradiction = true;
    }
}

static void set_answers(struct mtree *mtree, struct mtree_region *region, bool yes)
{
    set_known(mtree, &region->answers, yes, (struct mtree_trail){.answers = region});
}

static void set_readonly(struct mtree *mtree, struct mtree_region *region, bool yes)
{
    set_known(mtree, &region->readonly, yes, (struct mtree_trail){.readonly = region});
}

static size_t order_chain(const struct mtree_region *newer, const struct mtree_region *older)
{
    return (newer->line * 61 + older->line) % MTREE_HASH_NUM;
}

static bool has_order(const struct mtree *mtree, const struct mtree_region *newer,
                      const struct mtree_region *older)
{
    size_t at = mtree->order_hash[order_chain(newer, older)];

    while (at && (mtree->orders[at - 1].newer != newer || mtree->orders[at - 1].older != older)) {
        at = mtree->orders[at - 1].next;
    }
    return at != 0;
}

enum mtree_known mtree_over(const struct mtree *mtree, const struct mtree_region *a,
                            const struct mtree_region *b)
{
    if (a->priority != b->priority) {
        return a->priority > b->priority ? MTREE_YES : MTREE_NO;
    }
    if (a->addr == b->addr) {
        return a->place < b->place ? MTREE_YES : MTREE_NO;
    }
    if (has_order(mtree, a, b)) {
        return MTREE_YES;
    }
    return has_order(mtree, b, a) ? MTREE_NO : MTREE_OPEN;
}

static void set_order(struct mtree *mtree, struct mtree_region *newer, struct mtree_region *older)
{
    enum mtree_known over = mtree_over(mtree, newer, older);
    struct mtree_order *orders = mtree->orders;

    if (over == MTREE_NO) {
        mtree->contradiction = true;
    }
    if (over != MTREE_OPEN) {
        return;
    }
    if (mtree->order_num == mtree->order_max) {
        size_t max = mtree->order_max ? 2 * mtree->order_max : 64;

        orders = max <= MTREE_ORDERS_MAX ? realloc(orders, max * sizeof(*orders)) : NULL;
        if (!orders) {
            mtree->out_of_budget = true;
            return;
        }
        mtree->orders = orders;
        mtree->order_max = max;
    }
    note(mtree, (struct mtree_trail){.answers = NULL});
    if (!mtree->out_of_budget) {
        size_t *head = &mtree->order_hash[order_chain(newer, older)];

        orders[mtree->order_num++] =
            (struct mtree_order){.newer = newer, .older = older, .next = *head};
        *head = mtree->order_num;
    }
}

void mtree_take_back(struct mtree *mtree, size_t trail_num)
{
    while (mtree->trail_num > trail_num) {
        const struct mtree_trail *entry = &mtree->trail[--mtree->trail_num];

        if (entry->answers) {
            entry->answers->answers = MTREE_OPEN;
        } else if (entry->readonly) {
            entry->readonly->readonly = MTREE_OPEN;
        } else {
            const struct mtree_order *order = &mtree->orders[--mtree->order_num];

            mtree->order_hash[order_chain(order->newer, order->older)] = order->next;
        }
    }
}

/* ---- what can show ---- */

static bool covers(const struct mtree_place *place, hwaddr addr)
{
    return place->first <= addr && addr <= place->last;
}

/* What is there of read-only on the way down to a place. */
static enum mtree_known path_readonly(const struct mtree_place *place)
{
    enum mtree_known readonly = MTREE_NO;

    for (; place; place = place->up) {
        if (place->region->readonly == MTREE_YES) {
            return MTREE_YES;
        }
        readonly = place->region->readonly == MTREE_OPEN ? MTREE_OPEN : readonly;
    }
    return readonly;
}

/* Whether a region that answers shows as the listing has it. */
static unsigned match(const struct mtree_place *place, const struct mtree_range *range)
{
    const struct mtree_region *region = place->region;
    enum mtree_known readonly;

    if (!range || range->name != region->name || range->priority != region->priority ||
        range->first - range->offset != place->base || range->nonvolatile != place->nonvolatile ||
        (range->type != region->type && range->type != MTREE_ROM)) {
        return MTREE_CAN_OTHER;
    }
    readonly = region->type == MTREE_ROM ? MTREE_YES : path_readonly(place);
    if (readonly == MTREE_OPEN) {
        return MTREE_CAN_MATCH | MTREE_CAN_OTHER;
    }
    return (readonly == MTREE_YES) == (range->type == MTREE_ROM) ? MTREE_CAN_MATCH
                                                                 : MTREE_CAN_OTHER;
}

static unsigned own_can(const struct mtree_place *place, const struct mtree_range *range)
{
    switch (place->region->answers) {
    case MTREE_NO:
        return MTREE_CAN_PASS;
    case MTREE_YES:
        return match(place, range);
    case MTREE_OPEN:
    default:
        return MTREE_CAN_PASS | match(place, range);
    }
}

/* True when a sibling certainly hides the place: it is over it and lets nothing through. */
static bool is_hidden(struct mtree *mtree, const struct mtree_place *place, hwaddr addr)
{
    const struct mtree_place *sibling;

    for (sibling = place->up->child; sibling && mtree_spend(mtree, 1); sibling = sibling->next) {
        if (sibling != place && covers(sibling, addr) && !(sibling->can & MTREE_CAN_PASS) &&
            mtree_over(mtree, sibling->region, place->region) == MTREE_YES) {
            return true;
        }
    }
    return false;
}

static void eval(struct mtree *mtree, struct mtree_place *place, hwaddr addr,
                 const struct mtree_range *range)
{
    struct mtree_place *child;
    bool pass = true;

    place->can = 0;
    for (child = place->child; child && mtree_spend(mtree, 1); child = child->next) {
        if (covers(child, addr)) {
            eval(mtree, child, addr, range);
            pass = pass && (child->can & MTREE_CAN_PASS);
        }
    }
    for (child = place->child; child; child = child->next) {
        if (covers(child, addr) && child->can != MTREE_CAN_PASS && mtree_spend(mtree, 1) &&
            !is_hidden(mtree, child, addr)) {
            place->can |= child->can & (MTREE_CAN_MATCH | MTREE_CAN_OTHER);
        }
    }
    if (!place->region->target_name) {
        place->can |= pass ? own_can(place, range) : 0;
    } else if (place->region->answers == MTREE_NO) {
        place->can = MTREE_CAN_PASS;
    } else {
        place->can |= pass || place->region->answers == MTREE_OPEN ? MTREE_CAN_PASS : 0;
    }
}

/* ---- what follows ---- */

static void must_pass(struct mtree *mtree, struct mtree_place *place, hwaddr addr)
{
    struct mtree_place *child;

    if (!(place->can & MTREE_CAN_PASS)) {
        mtree->contradiction = true;
        return;
    }
    if (place->region->target_name) {
        child = place->child && covers(place->child, addr) ? place->child : NULL;
        if (child && !(child->can & MTREE_CAN_PASS)) {
            set_answers(mtree, place->region, false);
        } else if (child && place->region->answers == MTREE_YES) {
            must_pass(mtree, child, addr);
        }
        return;
    }
    set_answers(mtree, place->region, false);
    for (child = place->child; child; child = child->next) {
        if (covers(child, addr)) {
            must_pass(mtree, child, addr);
        }
    }
}

/* The region shows, as ROM or not. */
static void must_show(struct mtree *mtree, struct mtree_place *place,
                      const struct mtree_range *range)
{
    struct mtree_region *open = NULL;
    unsigned open_num = 0;

    set_answers(mtree, place->region, true);
    if (place->region->type == MTREE_ROM) {
        return;
    }
    for (; place; place = place->up) {
        struct mtree_region *region = place->region;

        if (range->type != MTREE_ROM) {
            set_readonly(mtree, region, false);
        } else if (region->readonly == MTREE_YES) {
            return;
        } else if (region->readonly == MTREE_OPEN) {
            open = region;
            open_num++;
        }
    }
    if (range->type == MTREE_ROM && open_num == 1) {
        set_readonly(mtree, open, true);
    }
}

static void must_match(struct mtree *mtree, struct mtree_place *place, hwaddr addr,
                       const struct mtree_range *range);

/* The only child that can match does: those over it let it through, what never does is older. */
static void child_matches(struct mtree *mtree, struct mtree_place *place, struct mtree_place *only,
                          hwaddr addr, const struct mtree_range *range)
{
    struct mtree_place *child;

    for (child = place->child; child && mtree_spend(mtree, 1); child = child->next) {
        enum mtree_known over;

        if (child == only || !covers(child, addr) || child->can == MTREE_CAN_PASS) {
            continue;
        }
        over = mtree_over(mtree, child->region, only->region);
        if (over == MTREE_YES) {
            must_pass(mtree, child, addr);
        } else if (over == MTREE_OPEN && !(child->can & MTREE_CAN_PASS)) {
            set_order(mtree, only->region, child->region);
        }
    }
    must_match(mtree, only, addr, range);
}

static void must_match(struct mtree *mtree, struct mtree_place *place, hwaddr addr,
                       const struct mtree_range *range)
{
    struct mtree_place *child, *only = NULL;
    unsigned num = 0;
    bool pass = true;

    if (!(place->can & MTREE_CAN_MATCH)) {
        mtree->contradiction = true;
        return;
    }
    for (child = place->child; child; child = child->next) {
        if (covers(child, addr)) {
            pass = pass && (child->can & MTREE_CAN_PASS);
            if ((child->can & MTREE_CAN_MATCH) && !is_hidden(mtree, child, addr)) {
                only = child;
                num++;
            }
        }
    }
    if (place->region->target_name) {
        set_answers(mtree, place->region, true);
    } else if (pass && (own_can(place, range) & MTREE_CAN_MATCH)) {
        num++;
        if (num == 1) {
            for (child = place->child; child; child = child->next) {
                if (covers(child, addr)) {
                    must_pass(mtree, child, addr);
                }
            }
            must_show(mtree, place, range);
        }
    }
    if (num == 1 && only) {
        child_matches(mtree, place, only, addr, range);
    }
}

static bool look(struct mtree *mtree, struct mtree_shown *shown,
                 const struct mtree_segment *segment)
{
    if (!shown->root || !covers(shown->root, segment->first)) {
        mtree->contradiction |= segment->range != NULL;
        return false;
    }
    eval(mtree, shown->root, segment->first, segment->range);
    return !mtree->out_of_budget;
}

void mtree_learn(struct mtree *mtree, struct mtree_shown *shown,
                 const struct mtree_segment *segment)
{
    if (!look(mtree, shown, segment)) {
        return;
    }
    if (segment->range) {
        must_match(mtree, shown->root, segment->first, segment->range);
    } else {
        must_pass(mtree, shown->root, segment->first);
    }
}

/* ---- what to ask ---- */

static struct mtree_question ask_readonly(const struct mtree_place *place,
                                          const struct mtree_range *range)
{
    struct mtree_question question = {.kind = MTREE_ASK_NOTHING};

    for (; place; place = place->up) {
        struct mtree_region *region = place->region;

        if (region->readonly == MTREE_OPEN &&
            (question.kind == MTREE_ASK_NOTHING ||
             (region->target_name && !question.region->target_name))) {
            question = (struct mtree_question){
                .kind = MTREE_ASK_READONLY,
                .region = region,
                .likely = range->type == MTREE_ROM,
            };
        }
    }
    return question;
}

static struct mtree_question ask_own(const struct mtree_place *place,
                                     const struct mtree_range *range)
{
    const struct mtree_region *region = place->region;

    if (region->answers == MTREE_OPEN) {
        return (struct mtree_question){
            .kind = MTREE_ASK_ANSWERS,
            .region = place->region,
            .likely = region->target_name || !region->child,
        };
    }
    if (!region->target_name && region->answers == MTREE_YES &&
        match(place, range) == (MTREE_CAN_MATCH | MTREE_CAN_OTHER)) {
        return ask_readonly(place, range);
    }
    return (struct mtree_question){.kind = MTREE_ASK_NOTHING};
}

static struct mtree_question ask_order(struct mtree *mtree, const struct mtree_place *place,
                                       hwaddr addr)
{
    const struct mtree_place *a, *b;

    for (a = place->child; a; a = a->next) {
        if (!covers(a, addr) || a->can == MTREE_CAN_PASS) {
            continue;
        }
        for (b = a->next; b && mtree_spend(mtree, 1); b = b->next) {
            if (covers(b, addr) && b->can != MTREE_CAN_PASS &&
                mtree_over(mtree, a->region, b->region) == MTREE_OPEN) {
                return (struct mtree_question){
                    .kind = MTREE_ASK_ORDER,
                    .region = a->region,
                    .other = b->region,
                    .likely = a->region->addr > b->region->addr,
                };
            }
        }
    }
    return (struct mtree_question){.kind = MTREE_ASK_NOTHING};
}

static struct mtree_question ask(struct mtree *mtree, struct mtree_place *place, hwaddr addr,
                                 const struct mtree_range *range)
{
    struct mtree_question question = {.kind = MTREE_ASK_NOTHING};
    struct mtree_place *child;

    for (child = place->child; child && question.kind == MTREE_ASK_NOTHING; child = child->next) {
        if (covers(child, addr) && (child->can & (child->can - 1)) != 0 &&
            !is_hidden(mtree, child, addr)) {
            question = ask(mtree, child, addr, range);
        }
    }
    if (question.kind == MTREE_ASK_NOTHING && !place->region->target_name) {
        question = ask_order(mtree, place, addr);
    }
    return question.kind == MTREE_ASK_NOTHING ? ask_own(place, range) : question;
}

struct mtree_question mtree_ask(struct mtree *mtree, struct mtree_shown *shown,
                                const struct mtree_segment *segment)
{
    unsigned wanted = segment->range ? MTREE_CAN_MATCH : MTREE_CAN_PASS;

    if (!look(mtree, shown, segment) || shown->root->can == wanted) {
        return (struct mtree_question){.kind = MTREE_ASK_NOTHING};
    }
    return ask(mtree, shown->root, segment->first, segment->range);
}

void mtree_answer(struct mtree *mtree, const struct mtree_question *question, bool yes)
{
    switch (question->kind) {
    case MTREE_ASK_ANSWERS:
        set_answers(mtree, question->region, yes);
        break;
    case MTREE_ASK_READONLY:
        set_readonly(mtree, question->region, yes);
        break;
    case MTREE_ASK_ORDER:
        set_order(mtree, yes ? question->region : question->other,
                  yes ? question->other : question->region);
        break;
    case MTREE_ASK_NOTHING:
    default:
        break;
    }
}
