/*
 * watch_user.c - numbered watches in a list. A hit writes its line where it happens, and goes into
 * a queue from which the loop's thread makes events.
 */
#include "vmm/watch_user.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/map_json.h"
#include "vmm/monitor.h"
#include "vmm/options.h"
#include "vmm/x86_idt.h"

enum { QUEUE_MAX = 64, EVENTS_PER_SECOND = 100, LINE_MAX_HIT = 320 };

struct watch_user {
    struct watch_user *next;
    struct watch_users *users;
    struct watch *watch;
    unsigned id;
    struct watch_place place;
};

struct queued_hit {
    unsigned id;
    struct watch_hit hit;
};

struct watch_users {
    struct machine *machine;
    struct watch_user *first;
    unsigned last_id;
    struct symbols *symbols;
    struct symbols *(*load)(void *opaque); /* NULL: done, or nobody knows any */
    void *load_opaque;
    struct log_limit limit, lost_limit; /* hits, and what ends them: no flood hides that */
    struct loop_work send;
    pthread_mutex_t lock; /* of what follows; a leaf but for the loop's */
    struct queued_hit queue[QUEUE_MAX];
    size_t queued;
    uint64_t dropped;
    time_t second; /* CLOCK_MONOTONIC */
    unsigned sent; /* events in that second */
};

static int parse_access(const char *text, unsigned *access)
{
    static const struct {
        const char *text;
        unsigned access;
    } words[] = {{"r", WATCH_READ}, {"w", WATCH_WRITE}, {"rw", WATCH_READ | WATCH_WRITE}};
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i].text) == 0) {
            *access = words[i].access;
            return 0;
        }
    }
    return -EINVAL;
}

const char *watch_access_name(unsigned access)
{
    static const char *const names[] = {"", "r", "w", "rw"};

    return names[access & (WATCH_READ | WATCH_WRITE)];
}

int watch_parse(const char *text, struct watch_place *place, struct error *err)
{
    const char *end;
    hwaddr last;

    *place = (struct watch_place){.len = WATCH_LEN_DEFAULT, .access = WATCH_READ | WATCH_WRITE};
    if (options_number(text, &place->gpa, &end) < 0) {
        return error_set(err, EINVAL, "%.64s: not an address", text);
    }
    if (end[0] == ':' && end[1] >= '0' && end[1] <= '9' &&
        options_number(end + 1, &place->len, &end) < 0) {
        return error_set(err, EINVAL, "%.64s: not a length", text);
    }
    if (end[0] == ':' && parse_access(end + 1, &place->access) == 0) {
        end = "";
    }
    if (end[0] != '\0') {
        return error_set(err, EINVAL, "%.64s: wants GPA[:LEN][:r|w|rw]", text);
    }
    if (place->len == 0 || __builtin_add_overflow(place->gpa, place->len - 1, &last)) {
        return error_set(err, EINVAL, "%.64s: no bytes, or beyond 2^64", text);
    }
    return 0;
}

static void send_events(void *opaque);

static struct watch_users *users_of(struct machine *machine)
{
    struct watch_users *users = machine->watch_users;

    if (!users) {
        users = calloc(1, sizeof(*users));
        if (!users) {
            return NULL;
        }
        users->machine = machine;
        users->send = (struct loop_work){.run = send_events, .opaque = users};
        (void)pthread_mutex_init(&users->lock, NULL);
        machine->watch_users = users;
    }
    return users;
}

static void add_text(char **text, size_t *size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add_text(char **text, size_t *size, const char *format, ...)
{
    va_list args;
    int num;

    va_start(args, format);
    num = vsnprintf(*text, *size, format, args);
    va_end(args);
    if (num > 0) {
        size_t used = (size_t)num < *size ? (size_t)num : *size - 1;

        *text += used;
        *size -= used;
    }
}

static void add_access(const struct watch_hit *hit, char **text, size_t *size)
{
    if (hit->size == 0) {
        add_text(text, size, "accessed page 0x%" PRIx64, hit->gpa & ~UINT64_C(0xfff));
        return;
    }
    add_text(text, size, "%s %u byte%s at 0x%" PRIx64 ": ",
             hit->write     ? "wrote"
             : hit->stepped ? "accessed"
                            : "read",
             hit->size, hit->size == 1 ? "" : "s", hit->gpa);
    if (hit->has_old) {
        add_text(text, size, "0x%" PRIx64 " -> ", hit->old_value);
    }
    add_text(text, size, "0x%" PRIx64 "%s", hit->value, hit->ignored ? " (ignored)" : "");
}

void watch_hit_text(const struct watch_hit *hit, const struct symbols *symbols, char *text,
                    size_t size)
{
    char name[SYMBOLS_TEXT_SIZE];

    if (hit->dma) {
        add_text(&text, &size, "a device ");
    } else if (hit->cpu >= 0) {
        add_text(&text, &size, "cpu %d ", hit->cpu);
    } else {
        add_text(&text, &size, "acre ");
    }
    add_access(hit, &text, &size);
    if (hit->stepped) {
        add_text(&text, &size, ", by an instruction that was stepped");
    }
    if (hit->delivery) {
        add_text(&text, &size, ", by %s %u",
                 x86_exception_name(hit->vector) ? "exception" : "interrupt", hit->vector);
    }
    if (hit->has_rip) {
        symbols_text(symbols, hit->rip, name);
        add_text(&text, &size, ", %s 0x%" PRIx64 "%s%s%s",
                 hit->rip_next ? "next instruction" : "at", hit->rip, name[0] ? " (" : "", name,
                 name[0] ? ")" : "");
    }
}

static json_t *hit_json(const struct watch_users *users, const struct queued_hit *queued,
                        uint64_t dropped)
{
    const struct watch_hit *hit = &queued->hit;
    char name[SYMBOLS_TEXT_SIZE];
    json_t *data = json_pack("{s:I, s:o, s:i, s:b, s:b, s:b, s:o}", "id", (json_int_t)queued->id,
                             "gpa", map_json_hex(hit->gpa), "size", (int)hit->size, "write",
                             (int)hit->write, "stepped", (int)hit->stepped, "dma", (int)hit->dma,
                             "value", map_json_hex(hit->value));

    if (hit->has_old) {
        (void)json_object_set_new(data, "old-value", map_json_hex(hit->old_value));
    }
    if (hit->ignored) {
        (void)json_object_set_new(data, "ignored", json_true());
    }
    if (hit->delivery) {
        (void)json_object_set_new(data, "vector", json_integer(hit->vector));
    }
    if (hit->cpu >= 0) {
        (void)json_object_set_new(data, "cpu", json_integer(hit->cpu));
    }
    if (hit->has_rip) {
        (void)json_object_set_new(data, hit->rip_next ? "next-rip" : "rip", map_json_hex(hit->rip));
        symbols_text(users->symbols, hit->rip, name);
        if (name[0]) {
            (void)json_object_set_new(data, "symbol", json_string(name));
        }
    }
    if (dropped > 0) {
        (void)json_object_set_new(data, "dropped", json_integer((json_int_t)dropped));
    }
    return data;
}

/* On the loop's thread. */
static void send_events(void *opaque)
{
    struct watch_users *users = opaque;
    struct queued_hit queue[QUEUE_MAX];
    uint64_t dropped;
    size_t i, num;

    (void)pthread_mutex_lock(&users->lock);
    num = users->queued;
    memcpy(queue, users->queue, num * sizeof(queue[0]));
    dropped = users->dropped;
    users->queued = 0;
    users->dropped = 0;
    (void)pthread_mutex_unlock(&users->lock);
    for (i = 0; i < num; i++) {
        monitor_event(users->machine, "ACRE_WATCH", hit_json(users, &queue[i], dropped));
        dropped = 0;
    }
}

static void queue_event(struct watch_users *users, unsigned id, const struct watch_hit *hit)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)pthread_mutex_lock(&users->lock);
    if (now.tv_sec != users->second) {
        users->second = now.tv_sec;
        users->sent = 0;
    }
    if (users->queued < QUEUE_MAX && users->sent < EVENTS_PER_SECOND) {
        users->sent++;
        users->queue[users->queued++] = (struct queued_hit){.id = id, .hit = *hit};
        loop_post(&users->machine->loop, &users->send);
    } else {
        users->dropped++;
    }
    (void)pthread_mutex_unlock(&users->lock);
}

static void hit_user(void *opaque, const struct watch_hit *hit)
{
    struct watch_user *user = opaque;
    char text[LINE_MAX_HIT];

    watch_hit_text(hit, user->users->symbols, text, sizeof(text));
    log_note_limited(&user->users->limit, "watch %u: %s", user->id, text);
    if (user->users->machine->monitor) { /* else nobody listens */
        queue_event(user->users, user->id, hit);
    }
}

/* Context: see watch_config.lost. */
static void lost_user(void *opaque, hwaddr page, const char *what, unsigned cpu)
{
    struct watch_user *user = opaque;
    struct machine *machine = user->users->machine;

    log_warn_limited(&user->users->lost_limit,
                     "watch %u: page 0x%" PRIx64 " has %s of cpu %u by now, which KVM uses by "
                     "itself: it is not watched any more",
                     user->id, page, what, cpu);
    if (machine->monitor) {
        monitor_event(machine, "ACRE_WATCH_LOST",
                      json_pack("{s:I, s:o, s:I, s:s}", "id", (json_int_t)user->id, "page",
                                map_json_hex(page), "cpu", (json_int_t)cpu, "what", what));
    }
}

int watch_user_set_symbols(struct machine *machine, struct symbols *(*load)(void *opaque),
                           void *opaque)
{
    struct watch_users *users = users_of(machine);

    if (!users) {
        return -ENOMEM;
    }
    users->load = load;
    users->load_opaque = opaque;
    return 0;
}

int watch_user_add(struct machine *machine, const struct watch_place *place, unsigned *id,
                   struct error *err)
{
    struct watch_users *users = users_of(machine);
    struct watch_user *user = calloc(1, sizeof(*user));
    struct watch_user **link;
    struct watch_config config = {
        .gpa = place->gpa,
        .len = place->len,
        .access = place->access,
        .hit = hit_user,
        .lost = lost_user,
        .opaque = user,
    };
    int ret;

    if (!users || !user) {
        free(user);
        return error_set_errno(err, ENOMEM, "watch");
    }
    if (users->load) {
        users->symbols = users->load(users->load_opaque);
        users->load = NULL;
    }
    *user = (struct watch_user){.users = users, .id = users->last_id + 1, .place = *place};
    ret = watch_add(machine, &config, &user->watch, err);
    if (ret < 0) {
        free(user);
        return ret;
    }
    for (link = &users->first; *link; link = &(*link)->next) {
    }
    *link = user;
    *id = ++users->last_id;
    return 0;
}

int watch_user_del(struct machine *machine, unsigned id, struct error *err)
{
    struct watch_users *users = machine->watch_users;
    struct watch_user **link = users ? &users->first : NULL, *user;

    while (link && *link && (*link)->id != id) {
        link = &(*link)->next;
    }
    if (!link || !*link) {
        return error_set(err, ENOENT, "there is no watch %u", id);
    }
    user = *link;
    *link = user->next;
    watch_del(machine, user->watch);
    free(user);
    return 0;
}

void watch_user_each(struct machine *machine,
                     void (*each)(void *opaque, const struct watch_listed *listed), void *opaque)
{
    const struct watch_user *user = machine->watch_users ? machine->watch_users->first : NULL;

    for (; user; user = user->next) {
        each(opaque, &(struct watch_listed){.id = user->id,
                                            .place = user->place,
                                            .hits = watch_hits(user->watch),
                                            .partial = watch_is_partial(machine, user->watch)});
    }
}

static void sum_up(void *opaque, const struct watch_listed *listed)
{
    (void)opaque;
    log_note("watch %u: 0x%" PRIx64 ", %" PRIu64 " byte%s, %s: %" PRIu64 " hit%s%s", listed->id,
             listed->place.gpa, listed->place.len, listed->place.len == 1 ? "" : "s",
             watch_access_name(listed->place.access), listed->hits, listed->hits == 1 ? "" : "s",
             listed->partial ? ", in part not watched to the end" : "");
}

void watch_user_sum_up(struct machine *machine)
{
    if (machine->watch_users) {
        log_limit_flush(&machine->watch_users->limit);
        log_limit_flush(&machine->watch_users->lost_limit);
        watch_user_each(machine, sum_up, NULL);
    }
}

void watch_user_finish(struct machine *machine)
{
    struct watch_users *users = machine->watch_users;
    struct watch_user *user;

    if (!users) {
        return;
    }
    while ((user = users->first) != NULL) {
        users->first = user->next;
        watch_del(machine, user->watch);
        free(user);
    }
    symbols_free(users->symbols);
    (void)pthread_mutex_destroy(&users->lock);
    free(users);
    machine->watch_users = NULL;
}
