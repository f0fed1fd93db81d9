/*
 * trace.c - opens the outputs, switches rules, and empties the rings: their records are merged by
 * their stamps, the TSC's ticks are turned into time, each goes to the outputs that want it.
 */
#include "vmm/trace_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "vmm/log.h"

#define NS_PER_S UINT64_C(1000000000)
#define DRAIN_NS UINT64_C(100000000)

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* ---- rules and outputs ---- */

static void count_wanted(struct trace *trace)
{
    unsigned i;

    trace->wanted = 0;
    for (i = 0; i < trace->rule_num; i++) {
        if (trace->rules[i].on) {
            trace->wanted |= 1U << (unsigned)trace->rules[i].rule.event;
        }
    }
}

/* Where the next rule goes: behind the others, else where one is off. NULL: all are on. */
static struct trace_active *next_rule(struct trace *trace)
{
    unsigned i = trace->rule_num;

    if (i < TRACE_ALL_RULES_MAX) {
        return &trace->rules[trace->rule_num++];
    }
    while (i > 0 && trace->rules[i - 1].on) {
        i--;
    }
    return i > 0 ? &trace->rules[i - 1] : NULL;
}

static int add_rule(struct trace *trace, const struct trace_rule *rule, unsigned output,
                    struct error *err)
{
    struct trace_active *active = next_rule(trace);

    if (!active) {
        return error_set(err, ENOSPC, "trace: more than %d events", TRACE_ALL_RULES_MAX);
    }
    *active = (struct trace_active){.rule = *rule, .output = output, .on = true};
    return 0;
}

static int add_output(struct trace *trace, const char *path, enum trace_format format,
                      struct error *err)
{
    struct trace_out *out = &trace->outs[trace->out_num];
    int fd = STDERR_FILENO;

    if (trace->out_num == TRACE_OUTPUTS_MAX) {
        return error_set(err, ENOSPC, "--trace: more than %d outputs", TRACE_OUTPUTS_MAX);
    }
    if (path) {
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
        if (fd < 0) {
            return error_set_errno(err, errno, "--trace: %s", path);
        }
    }
    debug_text_init(&out->text, fd);
    out->format = format;
    out->path = path;
    trace->out_num++;
    return 0;
}

static int add_spec(struct trace *trace, const struct trace_spec *spec, struct error *err)
{
    unsigned output = trace->out_num;
    int ret = add_output(trace, spec->file, spec->format, err);
    size_t i;

    for (i = 0; i < spec->rule_num && ret == 0; i++) {
        ret = add_rule(trace, &spec->rules[i], output, err);
    }
    return ret;
}

int trace_new(const struct trace_spec *specs, size_t num, struct trace **result, struct error *err)
{
    struct trace *trace = calloc(1, sizeof(*trace));
    size_t i;
    int ret = 0;

    if (!trace) {
        return error_set_errno(err, ENOMEM, "--trace");
    }
    (void)pthread_mutex_init(&trace->lock, NULL);
    trace->name_num = 1;
    trace->origin_ns = trace->base_ns = now_ns();
    trace->base_tsc = __rdtsc();
    for (i = 0; i < num && ret == 0; i++) {
        ret = add_spec(trace, &specs[i], err);
    }
    if (num == 0) {
        ret = add_output(trace, NULL, TRACE_TEXT, err);
    }
    /* The seed of its hashes, which it otherwise reads from a file when the first is made. */
    json_object_seed(0);
    count_wanted(trace);
    if (ret < 0) {
        trace_free(trace);
        return ret;
    }
    *result = trace;
    return 0;
}

void trace_free(struct trace *trace)
{
    unsigned i;

    if (!trace) {
        return;
    }
    for (i = 0; i < trace->out_num; i++) {
        if (trace->outs[i].path) {
            (void)close(trace->outs[i].text.fd);
        }
    }
    for (i = 1; i < trace->name_num; i++) {
        free(trace->names[i]);
    }
    free(trace->cpus);
    free(trace->shared);
    (void)pthread_mutex_destroy(&trace->lock);
    free(trace);
}

/* ---- the consumer ---- */

/* Where TSC and time were measured last moves on; between two such points time runs evenly. */
static uint64_t time_of(const struct trace *trace, uint64_t stamp)
{
    double ns = (double)(int64_t)(stamp - trace->base_tsc) * trace->ns_per_tick +
                (double)(int64_t)(trace->base_ns - trace->origin_ns); /* 0 is estimated */

    return ns > 0 ? (uint64_t)ns : 0;
}

static void write_line(struct trace *trace, unsigned outputs, const struct trace_line *line)
{
    unsigned i;

    for (i = 0; i < trace->out_num; i++) {
        if (outputs & 1U << i) {
            trace_format_line(trace->outs[i].format, line, &trace->outs[i].text.sink);
        }
    }
}

static void write_record(struct trace *trace, const struct trace_record *record, int cpu)
{
    const struct trace_line line = {
        .record = record,
        .cpu = cpu,
        .ns = time_of(trace, record->stamp),
        .took_ns = (uint64_t)((double)record->ticks * trace->ns_per_tick),
        .region = record->region ? trace->names[record->region] : NULL,
    };

    write_line(trace, record->outputs, &line);
    trace_note_free(record->note);
}

static struct trace_ring *ring_of(struct trace *trace, unsigned index)
{
    return index < trace->cpu_num ? &trace->cpus[index].ring : trace->shared;
}

/* The next stage of start-up that was not told. Returns: false when there is none. */
static bool next_mark(struct trace *trace, struct time_line *line, struct time_line_mark *mark)
{
    size_t i;

    for (i = 0; i < line->num; i++) {
        if (line->marks[i].ns > trace->told_ns) {
            *mark = line->marks[i];
            return true;
        }
    }
    return false;
}

static unsigned outputs_of(const struct trace *trace, enum trace_event event)
{
    unsigned outputs = 0, i;

    for (i = 0; i < trace->rule_num; i++) {
        if (trace->rules[i].on && trace->rules[i].rule.event == event) {
            outputs |= 1U << trace->rules[i].output;
        }
    }
    return outputs;
}

/* Stages of start-up up to that TSC. */
static void write_marks(struct trace *trace, struct time_line *marks, uint64_t stamp)
{
    const struct trace_record record = {.event = TRACE_BOOT};
    unsigned outputs = outputs_of(trace, TRACE_BOOT);
    struct time_line_mark mark;
    uint64_t until_ns = trace->origin_ns + time_of(trace, stamp);

    while (next_mark(trace, marks, &mark) && (stamp == UINT64_MAX || mark.ns <= until_ns)) {
        uint64_t before = trace->told_ns > trace->origin_ns ? trace->told_ns : trace->origin_ns;
        const struct trace_line line = {
            .record = &record,
            .cpu = -1,
            .ns = mark.ns - trace->origin_ns,
            .took_ns = mark.ns > before ? mark.ns - before : 0,
            .stage = mark.name,
        };

        write_line(trace, outputs, &line);
        trace->told_ns = mark.ns;
    }
}

/* Up to that TSC, in order. */
static void merge(struct trace *trace, uint64_t horizon)
{
    const struct trace_record *record, *oldest;
    struct time_line marks;
    unsigned i, from = 0;

    machine_time_line(trace->machine, &marks);
    for (;;) {
        oldest = NULL;
        for (i = 0; i <= trace->cpu_num; i++) {
            record = trace_ring_first(ring_of(trace, i));
            if (record && record->stamp <= horizon && (!oldest || record->stamp < oldest->stamp)) {
                oldest = record;
                from = i;
            }
        }
        write_marks(trace, &marks, oldest ? oldest->stamp : horizon);
        if (!oldest) {
            return;
        }
        write_record(trace, oldest, from < trace->cpu_num ? (int)from : -1);
        trace_ring_pop(ring_of(trace, from));
    }
}

static void write_dropped(struct trace *trace, uint64_t ns)
{
    unsigned i;

    for (i = 0; i <= trace->cpu_num; i++) {
        struct trace_record record = {.value = trace_ring_dropped(ring_of(trace, i))};
        const struct trace_line line = {
            .record = &record,
            .cpu = i < trace->cpu_num ? (int)i : -1,
            .ns = ns - trace->origin_ns,
            .is_dropped = true,
        };

        if (record.value > 0) {
            write_line(trace, (1U << trace->out_num) - 1, &line);
        }
    }
}

static bool is_crowded(struct trace *trace)
{
    unsigned i;

    for (i = 0; i <= trace->cpu_num; i++) {
        const struct trace_ring *ring = ring_of(trace, i);

        if (ring->head - ring->tail > TRACE_RING_LEN / 2) {
            return true;
        }
    }
    return false;
}

/*
 * An exit that is being served will come to its ring with the stamp it began with: what is later
 * waits for it, unless room is short.
 */
static uint64_t horizon_of(struct trace *trace, uint64_t now)
{
    bool crowded = is_crowded(trace);
    unsigned i;

    for (i = 0; i < trace->cpu_num && !crowded; i++) {
        uint64_t open = atomic_load_explicit(&trace->cpus[i].open, memory_order_relaxed);

        if (open != 0 && open < now) {
            now = open;
        }
    }
    return now;
}

static void flush(struct trace *trace)
{
    unsigned i;

    for (i = 0; i < trace->out_num; i++) {
        struct trace_out *out = &trace->outs[i];
        bool failed = out->text.error != 0;

        if (debug_text_flush(&out->text) < 0 && !failed) {
            log_error("--trace: %s: %s", out->path ? out->path : "stderr",
                      strerror(out->text.error));
        }
    }
}

static void drain(struct trace *trace, bool all)
{
    uint64_t tsc = __rdtsc(), ns = now_ns();

    if (tsc > trace->base_tsc && ns > trace->base_ns) {
        trace->ns_per_tick = (double)(ns - trace->base_ns) / (double)(tsc - trace->base_tsc);
    }
    merge(trace, all ? UINT64_MAX : horizon_of(trace, tsc));
    write_dropped(trace, ns);
    flush(trace);
    trace->base_tsc = tsc;
    trace->base_ns = ns;
}

static void drain_work(void *opaque)
{
    drain(opaque, false);
}

static void drain_timer(void *opaque, uint32_t events)
{
    struct trace *trace = opaque;
    uint64_t count;

    (void)events;
    if (read(trace->timer.fd, &count, sizeof(count)) == (ssize_t)sizeof(count)) {
        drain(trace, false);
    }
}

static int start_timer(struct trace *trace)
{
    static const struct itimerspec every = {
        .it_interval = {.tv_nsec = DRAIN_NS},
        .it_value = {.tv_nsec = DRAIN_NS},
    };
    int ret;

    trace->timer = (struct loop_source){
        .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
        .events = EPOLLIN,
        .ready = drain_timer,
        .opaque = trace,
    };
    if (trace->timer.fd < 0) {
        return -errno;
    }
    ret = timerfd_settime(trace->timer.fd, 0, &every, NULL) < 0 ? -errno : 0;
    if (ret == 0) {
        ret = loop_add(&trace->machine->loop, &trace->timer);
    }
    if (ret < 0) {
        (void)close(trace->timer.fd);
    }
    return ret;
}

/* ---- start, stop, switch ---- */

static int make_rings(struct trace *trace)
{
    size_t size = trace->cpu_num * sizeof(*trace->cpus);

    trace->cpus = aligned_alloc(_Alignof(struct trace_cpu), size);
    trace->shared = aligned_alloc(_Alignof(struct trace_ring), sizeof(*trace->shared));
    if (!trace->cpus || !trace->shared) {
        return -ENOMEM;
    }
    memset(trace->cpus, 0, size);
    memset(trace->shared, 0, sizeof(*trace->shared));
    return 0;
}

/* When the first event is wanted: rings cost memory, the timer wakes the loop. */
static int begin(struct trace *trace, struct error *err)
{
    uint64_t tsc = __rdtsc(), ns = now_ns();
    unsigned i;
    int ret;

    if (trace->begun) {
        return 0;
    }
    trace->ns_per_tick = (double)(ns - trace->base_ns) / (double)(tsc - trace->base_tsc);
    trace->ns_per_tick_first = trace->ns_per_tick;
    trace->origin_ns = trace->machine->time_line.begin_ns;
    ret = trace->cpus ? 0 : make_rings(trace);
    if (ret == 0) {
        ret = start_timer(trace);
    }
    if (ret < 0) {
        return error_set_errno(err, -ret, "trace");
    }
    for (i = 0; i < trace->out_num; i++) {
        trace_format_begin(trace->outs[i].format, trace->cpu_num, &trace->outs[i].text.sink);
    }
    trace->begun = true;
    return 0;
}

int trace_start(struct trace *trace, struct machine *machine, struct error *err)
{
    int ret = 0;

    trace->machine = machine;
    trace->cpu_num = machine->vcpus.config.num;
    trace->work = (struct loop_work){.run = drain_work, .opaque = trace};
    trace->spaces[0] = (struct trace_space){.trace = trace, .as = board_memory(machine->board)};
    trace->spaces[1] = (struct trace_space){.trace = trace, .as = board_io(machine->board)};
    if (trace->wanted != 0) {
        ret = begin(trace, err);
        if (ret == 0) {
            ret = trace_taps_set(trace, err);
        }
    }
    trace->late = true;
    if (ret < 0) {
        trace_stop(trace);
    }
    return ret;
}

void trace_stop(struct trace *trace)
{
    unsigned i;

    if (!trace->begun) {
        return;
    }
    trace_taps_clear(trace);
    drain(trace, true);
    for (i = 0; i < trace->out_num; i++) {
        trace_format_end(trace->outs[i].format, &trace->outs[i].text.sink);
    }
    flush(trace);
    loop_remove(&trace->machine->loop, &trace->timer);
    (void)close(trace->timer.fd);
    trace->begun = false;
}

static bool same_rule(const struct trace_rule *a, const struct trace_rule *b)
{
    return a->event == b->event && a->cpu == b->cpu && a->first == b->first && a->last == b->last &&
           strcmp(a->region, b->region) == 0 && strcmp(a->reg, b->reg) == 0;
}

/* Returns: how many rules there are of that kind. */
static unsigned switch_rules(struct trace *trace, const struct trace_rule *rule, bool every,
                             bool on)
{
    unsigned num = 0, i;

    for (i = 0; i < trace->rule_num; i++) {
        struct trace_active *active = &trace->rules[i];

        if (every ? active->rule.event == rule->event : same_rule(&active->rule, rule)) {
            active->on = on;
            num++;
        }
    }
    return num;
}

static int set_rules(struct trace *trace, const char *item, bool on, struct error *err)
{
    struct trace_rule rules[TRACE_EVENT_NUM];
    bool plain = strchr(item, ':') == NULL && strchr(item, '.') == NULL;
    int num = trace_rules_parse(item, rules, err), ret = 0, i;
    unsigned found = 0, met;

    for (i = 0; i < num && ret == 0; i++) {
        met = switch_rules(trace, &rules[i], plain, on);
        found += met;
        if (met == 0 && on) {
            ret = add_rule(trace, &rules[i], 0, err);
        }
    }
    if (num > 0 && ret == 0 && found == 0 && !on) {
        return error_set(err, ENOENT, "%s: is not traced", item);
    }
    return num < 0 ? num : ret;
}

static int set_and_tap(struct trace *trace, const char *item, bool on, struct error *err)
{
    int ret = set_rules(trace, item, on, err);

    count_wanted(trace);
    if (ret == 0 && trace->wanted != 0) {
        ret = begin(trace, err);
    }
    return ret == 0 && trace->begun ? trace_taps_set(trace, err) : ret;
}

int trace_set(struct trace *trace, const char *item, bool on, struct error *err)
{
    struct error again;
    int ret;

    vcpu_group_pause(&trace->machine->vcpus);
    ret = set_and_tap(trace, item, on, err);
    if (ret < 0 && on) {
        (void)set_and_tap(trace, item, false, &again); /* what came on goes off again */
    }
    vcpu_group_unpark(&trace->machine->vcpus);
    return ret;
}
