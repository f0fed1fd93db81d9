/*
 * profile.c - two open-addressing hash tables over dense arrays, and sums. Adding up the profiles
 * of several vCPUs is the same insertion.
 */
#include "vmm/profile.h"

#include <string.h>

enum { SLICE_SHIFT_FIRST = 16 /* some 25 us */ };

_Static_assert((PROFILE_INDEX_SIZE & (PROFILE_INDEX_SIZE - 1)) == 0, "the index wraps by a mask");
_Static_assert(PROFILE_PLACE_MAX < PROFILE_INDEX_SIZE && PROFILE_CODE_MAX < PROFILE_INDEX_SIZE,
               "a search ends at a free position");

/* Fibonacci hashing: neighbours spread out. */
static size_t hash(uint64_t value)
{
    return (size_t)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 51) & (PROFILE_INDEX_SIZE - 1);
}

static void add_sum(struct profile_sum *sum, const struct profile_sum *other)
{
    sum->exits += other->exits;
    sum->ticks += other->ticks;
    sum->ticks_max = other->ticks_max > sum->ticks_max ? other->ticks_max : sum->ticks_max;
}

static void add_ticks(struct profile_sum *sum, uint64_t ticks)
{
    add_sum(sum, &(struct profile_sum){.ticks = ticks, .ticks_max = ticks});
}

/* ---- places ---- */

static bool is_place(const struct profile_place *place, const struct profile_place *key)
{
    return place->addr == key->addr && place->region == key->region &&
           place->offset == key->offset && place->reason == key->reason &&
           place->write == key->write;
}

/* The place of the same key, made when there is none. Returns: NULL: no room. */
static struct profile_place *find_place(struct profile *profile, const struct profile_place *key)
{
    uint64_t bits = key->addr ^ (uint64_t)(uintptr_t)key->region << 3 ^
                    (uint64_t)key->reason << 48 ^ (uint64_t)key->write << 63;
    size_t at = hash(bits);

    while (profile->place_index[at] != 0) {
        struct profile_place *place = &profile->places[profile->place_index[at] - 1];

        if (is_place(place, key)) {
            return place;
        }
        at = (at + 1) & (PROFILE_INDEX_SIZE - 1);
    }
    if (profile->place_num == PROFILE_PLACE_MAX) {
        return NULL;
    }
    profile->places[profile->place_num++] = *key;
    profile->place_index[at] = (uint16_t)profile->place_num;
    return &profile->places[profile->place_num - 1];
}

static void double_slices(struct profile *profile)
{
    size_t i, k;

    for (i = 0; i < profile->place_num; i++) {
        uint32_t *slices = profile->places[i].slices;

        for (k = 0; k < PROFILE_SLICE_NUM / 2; k++) {
            slices[k] = slices[2 * k] + slices[2 * k + 1];
        }
        memset(slices + k, 0, (PROFILE_SLICE_NUM - k) * sizeof(*slices));
    }
    profile->slice_shift++;
}

static size_t slice_of(struct profile *profile, uint64_t stamp)
{
    uint64_t since = stamp > profile->begin ? stamp - profile->begin : 0;

    while (since >> profile->slice_shift >= PROFILE_SLICE_NUM) {
        double_slices(profile);
    }
    return (size_t)(since >> profile->slice_shift);
}

/* A name that is cut stays text, whatever it is written in. */
static void keep_name(struct profile_place *place, const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(place->name) - 1 && name[i] != '\0'; i++) {
        place->name[i] = name[i];
        if (name[i] <= ' ' || name[i] > '~') {
            place->name[i] = '?';
        }
    }
    place->name[i] = '\0';
}

static void begin_place(struct profile *profile, const struct profile_exit *exit)
{
    struct profile_place key = {
        .addr = exit->addr,
        .offset = exit->offset,
        .region = exit->region,
        .reason = exit->reason,
        .write = exit->write,
        .has_rip = exit->has_rip,
        .first_stamp = exit->stamp,
        .first_rip = exit->rip,
    };
    size_t slice = slice_of(profile, exit->stamp);
    struct profile_place *place = find_place(profile, &key);

    profile->place = place;
    if (!place) {
        profile->places_lost++;
        return;
    }
    if (place->sum.exits == 0 && exit->name) {
        keep_name(place, exit->name);
    }
    place->sizes |= exit->size;
    place->sum.exits++;
    place->items += exit->count;
    place->slices[slice]++;
}

/* ---- code ---- */

static struct profile_code *find_code(struct profile *profile, uint64_t rip)
{
    size_t at = hash(rip);

    while (profile->code_index[at] != 0) {
        struct profile_code *code = &profile->code[profile->code_index[at] - 1];

        if (code->rip == rip) {
            return code;
        }
        at = (at + 1) & (PROFILE_INDEX_SIZE - 1);
    }
    if (profile->code_num == PROFILE_CODE_MAX) {
        return NULL;
    }
    profile->code[profile->code_num++] = (struct profile_code){.rip = rip};
    profile->code_index[at] = (uint16_t)profile->code_num;
    return &profile->code[profile->code_num - 1];
}

/* ---- exits ---- */

void profile_init(struct profile *profile, uint64_t begin)
{
    memset(profile, 0, sizeof(*profile));
    profile->begin = begin;
    profile->served = begin;
    profile->slice_shift = SLICE_SHIFT_FIRST;
}

void profile_begin(struct profile *profile, const struct profile_exit *exit)
{
    profile->reason = exit->reason < PROFILE_REASON_NUM ? exit->reason : PROFILE_REASON_NUM - 1;
    profile->reasons[profile->reason].exits++;
    profile->guest_ticks += exit->stamp > profile->served ? exit->stamp - profile->served : 0;
    profile->out = exit->stamp;
    profile->place = NULL;
    profile->at = NULL;
    if (exit->size > 0) {
        begin_place(profile, exit);
    }
    if (exit->has_rip) {
        profile->at = find_code(profile, exit->rip);
        if (profile->at) {
            profile->at->sum.exits++;
        } else {
            profile->code_lost++;
        }
    }
}

void profile_end(struct profile *profile, uint64_t stamp)
{
    uint64_t ticks = stamp > profile->out ? stamp - profile->out : 0;

    profile->served = stamp;
    add_ticks(&profile->reasons[profile->reason], ticks);
    if (profile->place) {
        add_ticks(&profile->place->sum, ticks);
    }
    if (profile->at) {
        add_ticks(&profile->at->sum, ticks);
    }
}

/* ---- sums of several ---- */

static void add_place(struct profile *profile, const struct profile_place *other, unsigned shift)
{
    struct profile_place key = *other, *place;
    size_t i;

    memset(key.slices, 0, sizeof(key.slices));
    key.sum = (struct profile_sum){0};
    key.items = 0;
    place = find_place(profile, &key);
    if (!place) {
        profile->places_lost += other->sum.exits;
        return;
    }
    if (other->first_stamp < place->first_stamp) {
        place->first_stamp = other->first_stamp;
        place->first_rip = other->first_rip;
    }
    place->sizes |= other->sizes;
    place->items += other->items;
    add_sum(&place->sum, &other->sum);
    for (i = 0; i < PROFILE_SLICE_NUM; i++) {
        place->slices[i >> shift] += other->slices[i];
    }
}

void profile_add(struct profile *profile, const struct profile *other)
{
    struct profile_code *code;
    size_t i;

    while (profile->slice_shift < other->slice_shift) {
        double_slices(profile);
    }
    profile->guest_ticks += other->guest_ticks;
    profile->places_lost += other->places_lost;
    profile->code_lost += other->code_lost;
    for (i = 0; i < PROFILE_REASON_NUM; i++) {
        add_sum(&profile->reasons[i], &other->reasons[i]);
    }
    for (i = 0; i < other->place_num; i++) {
        add_place(profile, &other->places[i], profile->slice_shift - other->slice_shift);
    }
    for (i = 0; i < other->code_num; i++) {
        code = find_code(profile, other->code[i].rip);
        if (code) {
            add_sum(&code->sum, &other->code[i].sum);
        } else {
            profile->code_lost += other->code[i].sum.exits;
        }
    }
}

struct profile_sum profile_total(const struct profile *profile)
{
    struct profile_sum total = {0};
    size_t i;

    for (i = 0; i < PROFILE_REASON_NUM; i++) {
        add_sum(&total, &profile->reasons[i]);
    }
    return total;
}
