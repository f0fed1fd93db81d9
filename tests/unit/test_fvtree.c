/*
 * The tree behind a flat view by itself: random ranges go in and out, in clusters and one by one,
 * against a plain array; what an edit started from stays as it was.
 */
#include "memory/internal.h"
#include "tests/unit/memory_fixture.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 6000, EDITS = 70, WIDTH = 4 /* addresses a place has */, SAMPLES = 800 };

/* Which places have a range that begins there, and how long each is; it may cover places behind. */
struct model {
    uint32_t lengths[PLACES];
    size_t num;
};

struct trial {
    struct fixture *f;
    FlatView *view;
    struct model model;
    unsigned seed;
};

static unsigned any(struct trial *trial, unsigned below)
{
    return (unsigned)rand_r(&trial->seed) % below;
}

/* The place at or before `place` with a range; PLACES: none. */
static unsigned before(const struct model *model, unsigned place)
{
    while (model->lengths[place] == 0 && place > 0) {
        place--;
    }
    return model->lengths[place] ? place : PLACES;
}

static unsigned after(const struct model *model, unsigned place)
{
    while (place < PLACES && model->lengths[place] == 0) {
        place++;
    }
    return place;
}

/* Mostly short; at times all there is room for. */
static uint32_t any_length(struct trial *trial, unsigned place)
{
    uint32_t room = (after(&trial->model, place + 1) - place) * WIDTH;

    return any(trial, 8) ? 1 + any(trial, WIDTH) : 1 + any(trial, room);
}

static void insert(struct trial *trial, struct fv_edit *edit, unsigned place)
{
    FlatRange range = {.mr = trial->f->root, .first = (hwaddr)place * WIDTH};
    unsigned low = before(&trial->model, place);

    if (low == PLACES || low * WIDTH + trial->model.lengths[low] <= place * WIDTH) {
        trial->model.lengths[place] = any_length(trial, place);
        trial->model.num++;
        range.last = range.first + trial->model.lengths[place] - 1;
        range.offset_in_region = place;
        OK(fv_insert(edit, &range));
    }
}

static void erase(struct trial *trial, struct fv_edit *edit, unsigned place)
{
    if (trial->model.lengths[place]) {
        trial->model.lengths[place] = 0;
        trial->model.num--;
        OK(fv_erase(edit, (hwaddr)place * WIDTH));
    }
}

static void resize(struct trial *trial, struct fv_edit *edit, unsigned place)
{
    FlatRange *range;

    if (trial->model.lengths[place]) {
        trial->model.lengths[place] = any_length(trial, place);
        OK(fv_mutable(edit, (hwaddr)place * WIDTH, &range));
        ck_assert_uint_eq(range->first, (hwaddr)place * WIDTH);
        range->last = range->first + trial->model.lengths[place] - 1;
    }
}

static void check_at(const struct model *model, const struct fv_node *root, hwaddr addr)
{
    const FlatRange *at = fv_lookup(root, addr), *next = fv_at_or_after(root, addr);
    unsigned place = before(model, (unsigned)(addr / WIDTH));
    bool there = place < PLACES && addr - (hwaddr)place * WIDTH < model->lengths[place];

    place = there ? place : after(model, (unsigned)(addr / WIDTH) + 1);
    ck_assert_msg(there ? at == next : at == NULL, "lookup of %lx", addr);
    if (place == PLACES) {
        ck_assert_msg(next == NULL, "after %lx", addr);
    } else {
        ck_assert_msg(next && next->first == (hwaddr)place * WIDTH &&
                          next->offset_in_region == place &&
                          next->last - next->first + 1 == model->lengths[place],
                      "at or after %lx", addr);
    }
}

static void check(struct trial *trial, const struct model *model, const struct fv_node *root)
{
    hwaddr end = (hwaddr)PLACES * WIDTH;

    if (any(trial, 10) == 0) {
        for (hwaddr addr = 0; addr < end; addr++) {
            check_at(model, root, addr);
        }
        return;
    }
    for (unsigned i = 0; i < SAMPLES; i++) {
        check_at(model, root, any(trial, (unsigned)end));
    }
}

/* A run of places is filled, emptied or thinned, from either end or at random; or single ones. */
static void change(struct trial *trial, struct fv_edit *edit)
{
    unsigned from = any(trial, PLACES), num = 1 + any(trial, any(trial, 3) ? 60 : PLACES / 2);
    unsigned what = any(trial, 5), order = any(trial, 3), i;

    num = num < PLACES - from ? num : PLACES - from;
    for (i = 0; i < num; i++) {
        unsigned place = from + (order == 0 ? i : order == 1 ? num - 1 - i : any(trial, num));

        if (what == 0 || (what == 3 && any(trial, 2))) {
            insert(trial, edit, place);
        } else if (what < 3 || (what == 3 && any(trial, 20))) {
            erase(trial, edit, place);
        } else {
            resize(trial, edit, place);
        }
    }
}

static void free_edit(struct trial *trial, struct fv_edit *edit)
{
    FlatView *old = trial->view;

    /* As a commit does, but that nobody reads the old one any more. */
    trial->view = flatview_new(&trial->f->core);
    ck_assert_ptr_nonnull(trial->view);
    fv_edit_publish(edit, old, trial->view);
    fv_free_list(old->garbage);
    free(old);
}

START_TEST(m16_ranges_are_where_they_were_put)
{
    struct trial trial = {.f = fixture_new(), .seed = (unsigned)_i};
    struct model old;
    struct fv_edit edit;

    trial.view = flatview_new(&trial.f->core);
    for (unsigned n = 0; n < EDITS; n++) {
        bool undone = any(&trial, 4) == 0;

        old = trial.model;
        fv_edit_begin(&edit, trial.view);
        for (unsigned i = 1 + any(&trial, 6); i > 0; i--) {
            change(&trial, &edit);
        }
        ck_assert_uint_eq(edit.num, trial.model.num);
        check(&trial, &trial.model, edit.root);
        check(&trial, &old, trial.view->root); /* untouched */
        if (undone) {
            fv_edit_abort(&edit);
            trial.model = old;
        } else {
            free_edit(&trial, &edit);
        }
    }
    /* All of it out: what a view leaves to the next is everything it has. */
    fv_edit_begin(&edit, trial.view);
    for (unsigned place = 0; place < PLACES; place++) {
        erase(&trial, &edit, place);
    }
    ck_assert_ptr_null(edit.root);
    free_edit(&trial, &edit);
    free(trial.view);
    fixture_free(trial.f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fvtree");
    TCase *tcase = tcase_create("tree");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, m16_ranges_are_where_they_were_put, 1, 7);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
