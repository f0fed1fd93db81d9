/*
 * profile_report.c - order, times and names: what text, JSON and picture of a profile share.
 */
#include "vmm/profile_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_places(const void *a, const void *b)
{
    const struct profile_place *left = *(struct profile_place *const *)a;
    const struct profile_place *right = *(struct profile_place *const *)b;
    int order = by_number(right->sum.exits, left->sum.exits);

    order = order ? order : by_number(left->reason, right->reason);
    order = order ? order : by_number(left->addr, right->addr);
    order = order ? order : by_number(left->write, right->write);
    return order ? order : by_number(left->first_stamp, right->first_stamp);
}

static int compare_code(const void *a, const void *b)
{
    const struct profile_code *left = *(struct profile_code *const *)a;
    const struct profile_code *right = *(struct profile_code *const *)b;
    int order = by_number(right->sum.exits, left->sum.exits);

    return order ? order : by_number(left->rip, right->rip);
}

int profile_sort_places(struct profile *profile, bool answered, struct profile_place ***list,
                        size_t *num)
{
    size_t i;

    *num = 0;
    *list = calloc(profile->place_num + 1, sizeof(**list));
    if (!*list) {
        return -ENOMEM;
    }
    for (i = 0; i < profile->place_num; i++) {
        if ((profile->places[i].region != NULL) == answered) {
            (*list)[(*num)++] = &profile->places[i];
        }
    }
    qsort(*list, *num, sizeof(**list), compare_places);
    return 0;
}

int profile_sort_code(struct profile *profile, struct profile_code ***list, size_t *num)
{
    size_t i;

    *num = profile->code_num;
    *list = calloc(profile->code_num + 1, sizeof(**list));
    if (!*list) {
        return -ENOMEM;
    }
    for (i = 0; i < profile->code_num; i++) {
        (*list)[i] = &profile->code[i];
    }
    qsort(*list, *num, sizeof(**list), compare_code);
    return 0;
}

uint64_t profile_ns(const struct profile_report *report, uint64_t ticks)
{
    return (uint64_t)((double)ticks * report->ns_per_tick);
}

void profile_symbol(const struct profile_report *report, uint64_t rip, char text[SYMBOLS_TEXT_SIZE])
{
    char *at;

    symbols_text(report->symbols, rip, text);
    for (at = text; *at != '\0'; at++) {
        *at = *at > ' ' && *at <= '~' ? *at : '?';
    }
    if (text[0] == '\0') {
        (void)snprintf(text, SYMBOLS_TEXT_SIZE, "0x%" PRIx64, rip);
    }
}
