/*
 * trace_spec.c - the grammar of `--trace`, read from left to right; the table of events says which
 * filters each of them takes.
 */
#include "vmm/trace_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/options.h"
#include "vmm/trace_registers.h"

#define NUM(array) (sizeof(array) / sizeof((array)[0]))

enum { BY_REGION = 1 << 0, BY_ADDR = 1 << 1, BY_CPU = 1 << 2, BY_LINE = 1 << 3 };

static const struct {
    const char *name;
    unsigned filters;
    const char *help;
} events[TRACE_EVENT_NUM] = {
    [TRACE_PIO] = {"pio", BY_REGION | BY_ADDR | BY_CPU, "port accesses that left the guest"},
    [TRACE_MMIO] = {"mmio", BY_REGION | BY_ADDR | BY_CPU, "memory accesses that left the guest"},
    [TRACE_REGISTER] = {"register", BY_ADDR | BY_CPU, NULL},
    [TRACE_IRQ] = {"irq", BY_LINE, "changes of interrupt lines"},
    [TRACE_MSR] = {"msr", BY_ADDR | BY_CPU, "MSRs that KVM does not know or refuses"},
    [TRACE_COMMIT] = {"commit", BY_REGION, "changes of the memory map: views and slots, and why"},
    [TRACE_SLOTS] = {"slots", BY_REGION | BY_ADDR, "KVM memory slots that come, go and change"},
    [TRACE_EXITS] = {"exits", BY_CPU, "all that made a CPU leave the guest"},
    [TRACE_BOOT] = {"boot", 0, "the stages of start-up, and what each took"},
};

static const struct {
    const char *name;
    unsigned bit;
} keys[] = {{"region", BY_REGION}, {"addr", BY_ADDR}, {"cpu", BY_CPU}, {"line", BY_LINE}};

static const char *const formats[TRACE_FORMAT_NUM] = {
    [TRACE_TEXT] = "text",
    [TRACE_JSON] = "json",
    [TRACE_CHROME] = "chrome",
};

static bool is_word(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

/* For messages: at most this many bytes of what was given. */
static int shown(size_t len)
{
    enum { SHOWN_MAX = 48 };

    return (int)(len < SHOWN_MAX ? len : SHOWN_MAX);
}

/* @end  where the value ends. */
static int set_range(struct trace_rule *rule, const char *value, const char *end, struct error *err)
{
    const char *at = value;
    int ret = options_number(value, &rule->first, &at);

    rule->last = rule->first;
    if (ret == 0 && at < end && *at == '-') {
        ret = options_number(at + 1, &rule->last, &at);
    }
    if (ret < 0 || at != end || rule->last < rule->first) {
        return error_set(err, EINVAL, "'%.*s': not a number, or FIRST-LAST",
                         shown((size_t)(end - value)), value);
    }
    return 0;
}

static int set_text(char *to, size_t size, const char *value, size_t len, struct error *err)
{
    if (len == 0 || len >= size) {
        return error_set(err, EINVAL, "'%.*s': a name of 1 to %zu bytes", shown(len), value,
                         size - 1);
    }
    memcpy(to, value, len);
    to[len] = '\0';
    return 0;
}

static int set_cpu(struct trace_rule *rule, const char *value, const char *end, struct error *err)
{
    const char *at = value;
    uint64_t cpu;

    if (options_number(value, &cpu, &at) < 0 || at != end || cpu >= RUN_CPUS_MAX) {
        return error_set(err, EINVAL, "'%.*s': not a CPU's number", shown((size_t)(end - value)),
                         value);
    }
    rule->cpu = (int)cpu;
    return 0;
}

/* One `KEY=VALUE` at *at, which is left behind it. */
static int set_filter(struct trace_rule *rule, const char **at, struct error *err)
{
    size_t key_len = strcspn(*at, "=,:"), len, i;
    const char *key = *at, *value = key + key_len + 1;

    for (i = 0; i < NUM(keys) && !is_word(key, key_len, keys[i].name); i++) {
    }
    if (i == NUM(keys) || key[key_len] != '=') {
        return error_set(err, EINVAL, "'%.*s': not a filter (region=, addr=, cpu=, line=)",
                         shown(key_len), key);
    }
    if (!(events[rule->event].filters & keys[i].bit)) {
        return error_set(err, EINVAL, "%s: cannot be filtered by %s", events[rule->event].name,
                         keys[i].name);
    }
    len = strcspn(value, "=,:");
    *at = value + len;
    switch (keys[i].bit) {
    case BY_REGION:
        return set_text(rule->region, sizeof(rule->region), value, len, err);
    case BY_CPU:
        return set_cpu(rule, value, value + len, err);
    default:
        return set_range(rule, value, value + len, err);
    }
}

/* `REGION.REGISTER` */
static int set_register(struct trace_rule *rule, const char *text, size_t len, struct error *err)
{
    const char *dot = memrchr(text, '.', len);
    size_t region_len;
    int ret;

    if (!dot) {
        return error_set(err, EINVAL, "'%.*s': no such event (try --trace help)", shown(len), text);
    }
    region_len = (size_t)(dot - text);
    rule->event = TRACE_REGISTER;
    ret = set_text(rule->region, sizeof(rule->region), text, region_len, err);
    if (ret == 0) {
        ret = set_text(rule->reg, sizeof(rule->reg), dot + 1, len - region_len - 1, err);
    }
    if (ret == 0 && !trace_registers_have(trace_registers_of(rule->region), rule->reg)) {
        return error_set(err, EINVAL, "'%.*s': no such register (try --trace help)", shown(len),
                         text);
    }
    return ret;
}

/* An event's name at *at, with its filters; *at is left behind it. */
static int take_event(const char **at, struct trace_rule *rules, struct error *err)
{
    size_t len = strcspn(*at, "=,:"), i;
    struct trace_rule rule = {.cpu = TRACE_ANY_CPU, .last = UINT64_MAX};
    bool all = is_word(*at, len, "all");
    int num = 0, ret = 0;

    for (i = 0; i < TRACE_EVENT_NUM; i++) {
        if (events[i].help && (all || is_word(*at, len, events[i].name))) {
            rules[num] = rule;
            rules[num++].event = (enum trace_event)i;
        }
    }
    if (num == 0) {
        rules[num++] = rule;
        ret = set_register(&rules[0], *at, len, err);
    }
    *at += len;
    while (ret == 0 && **at == ':') {
        ++*at;
        ret = all ? error_set(err, EINVAL, "all: takes no filter") : set_filter(&rules[0], at, err);
    }
    return ret < 0 ? ret : num;
}

int trace_rules_parse(const char *text, struct trace_rule *rules, struct error *err)
{
    const char *at = text;
    int num = take_event(&at, rules, err);

    if (num > 0 && *at != '\0') {
        return error_set(err, EINVAL, "'%.*s': one event is wanted", shown(strlen(at)), at);
    }
    return num;
}

static int take_format(const char **at, struct trace_spec *spec, struct error *err)
{
    const char *value = *at + strlen("format=");
    size_t len = strcspn(value, "=,:"), i;

    for (i = 0; i < NUM(formats); i++) {
        if (is_word(value, len, formats[i])) {
            spec->format = (enum trace_format)i;
            *at = value + len;
            return 0;
        }
    }
    return error_set(err, EINVAL, "'%.*s': not a format (text, json, chrome)", shown(len), value);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static enum trace_format format_of(const char *file)
{
    if (!file) {
        return TRACE_TEXT;
    }
    return ends_with(file, ".jsonl")  ? TRACE_JSON
           : ends_with(file, ".json") ? TRACE_CHROME
                                      : TRACE_TEXT;
}

static int add_rules(struct trace_spec *spec, const char **at, struct error *err)
{
    struct trace_rule rules[TRACE_EVENT_NUM];
    int num = take_event(at, rules, err);

    if (num > 0 && spec->rule_num + (size_t)num > TRACE_RULES_MAX) {
        return error_set(err, EINVAL, "more than %d events", TRACE_RULES_MAX);
    }
    if (num > 0) {
        memcpy(&spec->rules[spec->rule_num], rules, (size_t)num * sizeof(rules[0]));
        spec->rule_num += (size_t)num;
    }
    return num < 0 ? num : 0;
}

int trace_spec_parse(const char *text, struct trace_spec *spec, struct error *err)
{
    const char *at = text;
    int ret;

    *spec = (struct trace_spec){.format = TRACE_FORMAT_NUM};
    for (;;) {
        ret = strncmp(at, "format=", 7) == 0 ? take_format(&at, spec, err)
                                             : add_rules(spec, &at, err);
        if (ret < 0) {
            return ret;
        }
        if (*at != ',') {
            break;
        }
        at++;
    }
    if (*at == '=') {
        spec->file = at + 1;
    }
    if ((*at != '\0' && *at != '=') || (spec->file && spec->file[0] == '\0')) {
        return error_set(err, EINVAL, "'%.*s': wants =FILE at the end", shown(strlen(at)), at);
    }
    if (spec->rule_num == 0) {
        return error_set(err, EINVAL, "%s: names no event (try --trace help)", text);
    }
    if (spec->format == TRACE_FORMAT_NUM) {
        spec->format = format_of(spec->file);
    }
    return 0;
}

const char *trace_event_name(enum trace_event event)
{
    return events[event].name;
}

int trace_events_print(int fd)
{
    char filters[64];
    int ret = 0;
    size_t i, k;

    for (i = 0; i < TRACE_EVENT_NUM && ret >= 0; i++) {
        if (!events[i].help) {
            continue;
        }
        filters[0] = '\0';
        for (k = 0; k < NUM(keys); k++) {
            if (events[i].filters & keys[k].bit) {
                (void)strcat(strcat(strcat(filters, " :"), keys[k].name), "=");
            }
        }
        ret = dprintf(fd, "  %-8s %-54s%s\n", events[i].name, events[i].help, filters);
    }
    ret = ret < 0 ? ret : dprintf(fd, "  %-8s %s\n", "all", "all of these");
    ret = ret < 0 ? ret : dprintf(fd, "accesses to one register, or REGION.* for any:\n");
    return ret < 0 ? -errno : trace_registers_print(fd);
}
