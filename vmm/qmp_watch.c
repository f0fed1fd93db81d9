/* qmp_watch.c - acre-watch-add, -del and -list. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "vmm/map_json.h"
#include "vmm/monitor_commands.h"
#include "vmm/watch_user.h"

#define NUM(array) (sizeof(array) / sizeof((array)[0]))

static int read_access(const json_t *arguments, unsigned *access, struct error *err)
{
    const char *word = json_string_value(json_object_get(arguments, "access"));
    unsigned i;

    *access = WATCH_READ | WATCH_WRITE;
    if (!word) {
        return 0;
    }
    for (i = WATCH_READ; i <= (WATCH_READ | WATCH_WRITE); i++) {
        if (strcmp(word, watch_access_name(i)) == 0) {
            *access = i;
            return 0;
        }
    }
    return error_set(err, EINVAL, "Parameter 'access' must be r, w or rw");
}

json_t *qmp_acre_watch_add(struct machine *machine, const json_t *arguments, struct error *err)
{
    static const struct qmp_argument wanted[] = {
        {.name = "address", .type = JSON_NULL},
        {.name = "length", .type = JSON_NULL, .optional = true},
        {.name = "access", .type = JSON_STRING, .optional = true},
    };
    const json_t *length = json_object_get(arguments, "length");
    struct watch_place place = {.len = WATCH_LEN_DEFAULT};
    unsigned id;

    if (qmp_check_arguments(arguments, wanted, NUM(wanted), err) < 0 ||
        read_access(arguments, &place.access, err) < 0 ||
        qmp_address(json_object_get(arguments, "address"), "address", &place.gpa, err) < 0) {
        return NULL;
    }
    if (length && (qmp_address(length, "length", &place.len, err) < 0 || place.len == 0)) {
        (void)error_set(err, EINVAL, "Parameter 'length' must be 1 or more");
        return NULL;
    }
    if (watch_user_add(machine, &place, &id, err) < 0) {
        return NULL;
    }
    return json_pack("{s:I}", "id", (json_int_t)id);
}

json_t *qmp_acre_watch_del(struct machine *machine, const json_t *arguments, struct error *err)
{
    static const struct qmp_argument wanted[] = {{.name = "id", .type = JSON_INTEGER}};
    json_int_t id = json_integer_value(json_object_get(arguments, "id"));

    if (qmp_check_arguments(arguments, wanted, NUM(wanted), err) < 0) {
        return NULL;
    }
    if (id < 1 || id > UINT_MAX) {
        (void)error_set(err, ENOENT, "there is no watch %lld", (long long)id);
        return NULL;
    }
    return watch_user_del(machine, (unsigned)id, err) == 0 ? json_object() : NULL;
}

static void add_listed(void *opaque, const struct watch_listed *listed)
{
    (void)json_array_append_new(
        opaque,
        json_pack("{s:I, s:o, s:o, s:s, s:I, s:b}", "id", (json_int_t)listed->id, "address",
                  map_json_hex(listed->place.gpa), "length", map_json_hex(listed->place.len),
                  "access", watch_access_name(listed->place.access), "hits",
                  (json_int_t)listed->hits, "partial", (int)listed->partial));
}

json_t *qmp_acre_watch_list(struct machine *machine, const json_t *arguments, struct error *err)
{
    json_t *list;

    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    list = json_array();
    watch_user_each(machine, add_listed, list);
    return list;
}
