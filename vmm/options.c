/*
 * options.c - the parser, which knows no option, and the few kinds of value that several options
 * share. The tables are in options_run.c.
 */
#include "vmm/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct option_spec *find_long(const struct option_spec *specs, size_t spec_num,
                                           const char *name, size_t len)
{
    size_t i;

    for (i = 0; i < spec_num; i++) {
        if (specs[i].name && strlen(specs[i].name) == len && !memcmp(specs[i].name, name, len)) {
            return &specs[i];
        }
    }
    return NULL;
}

static const struct option_spec *find_letter(const struct option_spec *specs, size_t spec_num,
                                             char letter)
{
    size_t i;

    for (i = 0; i < spec_num; i++) {
        if (letter != '\0' && specs[i].letter == letter) {
            return &specs[i];
        }
    }
    return NULL;
}

/* May its value be left out? */
static bool may_omit(const struct option_spec *spec)
{
    return spec->value && spec->value[0] == '[' && spec->value[1] == '=';
}

/* One argument taken apart. */
struct found {
    const struct option_spec *spec;
    const char *value; /* attached to the option; NULL: none */
    char shown[64];    /* as the user wrote it, for messages */
};

static void take_apart(const struct option_spec *specs, size_t spec_num, const char *arg,
                       struct found *found)
{
    const char *equals;
    size_t len;

    *found = (struct found){.spec = NULL};
    if (arg[1] == '-') {
        equals = strchr(arg, '=');
        len = equals ? (size_t)(equals - arg) : strlen(arg);
        found->spec = find_long(specs, spec_num, arg + 2, len - 2);
        found->value = equals ? equals + 1 : NULL;
    } else {
        len = 2;
        found->spec = find_letter(specs, spec_num, arg[1]);
        found->value = arg[2] != '\0' ? arg + 2 : NULL;
    }
    (void)snprintf(found->shown, sizeof(found->shown), "%.*s", (int)(len < 60 ? len : 60), arg);
}

/* Returns: 1 when the next argument was used as the value, 0 when not, or -EINVAL. */
static int parse_option(const struct found *found, const char *next, void *target,
                        struct error *err)
{
    const char *value = found->value;
    int used = 0;

    if (!found->spec) {
        return error_set(err, EINVAL, "%s: unknown option (see --help)", found->shown);
    }
    if (!found->spec->value && value) {
        return error_set(err, EINVAL, "%s: takes no value", found->shown);
    }
    if (found->spec->value && !may_omit(found->spec) && !value) {
        if (!next) {
            return error_set(err, EINVAL, "%s: wants %s", found->shown, found->spec->value);
        }
        value = next;
        used = 1;
    }
    if (value && value[0] == '\0' && strcmp(found->spec->value, "TEXT") != 0) {
        return error_set(err, EINVAL, "%s: is empty; wants %s", found->shown, found->spec->value);
    }
    if (found->spec->set(target, value, err) < 0) {
        error_prefix(err, "%s", found->shown);
        return -EINVAL;
    }
    return used;
}

int options_parse(const struct option_spec *specs, size_t spec_num, int argc, char **argv,
                  void *target, int (*positional)(void *target, const char *arg, struct error *err),
                  struct error *err)
{
    bool ended = false;
    struct found found;
    int i, ret;

    for (i = 0; i < argc; i++) {
        if (ended || argv[i][0] != '-' || argv[i][1] == '\0') {
            ret = positional(target, argv[i], err);
        } else if (strcmp(argv[i], "--") == 0) {
            ended = true;
            continue;
        } else {
            take_apart(specs, spec_num, argv[i], &found);
            ret = parse_option(&found, i + 1 < argc ? argv[i + 1] : NULL, target, err);
        }
        if (ret < 0) {
            return ret;
        }
        i += ret;
    }
    return 0;
}

int options_print(int fd, const struct option_spec *specs, size_t spec_num)
{
    char left[64], letter[4];
    int ret = 0;
    size_t i;

    for (i = 0; i < spec_num && ret >= 0; i++) {
        (void)snprintf(letter, sizeof(letter), "-%c", specs[i].letter);
        (void)snprintf(left, sizeof(left), "%s%s%s%s%s%s", specs[i].letter ? letter : "",
                       specs[i].letter && specs[i].name ? ", " : "", specs[i].name ? "--" : "",
                       specs[i].name ? specs[i].name : "",
                       specs[i].value && !may_omit(&specs[i]) ? " " : "",
                       specs[i].value ? specs[i].value : "");
        ret = dprintf(fd, "  %-27s %s\n", left, specs[i].help);
    }
    return ret < 0 ? -errno : 0;
}

static int digit_of(char c, unsigned base)
{
    int digit = -1;

    if (c >= '0' && c <= '9') {
        digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
        digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
        digit = c - 'A' + 10;
    }
    return digit >= 0 && (unsigned)digit < base ? digit : -1;
}

int options_number(const char *text, uint64_t *value, const char **end)
{
    unsigned base = 10;
    uint64_t sum = 0;
    int digit;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (digit_of(*text, base) < 0) {
        return -EINVAL;
    }
    for (; (digit = digit_of(*text, base)) >= 0; text++) {
        if (__builtin_mul_overflow(sum, base, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)digit, &sum)) {
            return -ERANGE;
        }
    }
    *value = sum;
    *end = text;
    return 0;
}

int options_size(const char *text, uint64_t *bytes)
{
    static const char suffixes[] = "KMGT";
    const char *end, *suffix;
    uint64_t value;
    int ret = options_number(text, &value, &end);

    if (ret < 0) {
        return ret;
    }
    if (*end != '\0') {
        suffix = strchr(suffixes, *end & ~0x20);
        if (!suffix || end[1] != '\0') {
            return -EINVAL;
        }
        if (__builtin_mul_overflow(value, UINT64_C(1024) << 10 * (suffix - suffixes), &value)) {
            return -ERANGE;
        }
    }
    *bytes = value;
    return 0;
}

int options_seconds(const char *text, uint64_t *ns)
{
    uint64_t whole = 0, unit = 1000000000, sum;
    const char *end = text;
    int ret;

    if (text[0] != '.') {
        ret = options_number(text, &whole, &end);
        if (ret < 0 || (text[0] == '0' && (text[1] & ~0x20) == 'X')) {
            return ret < 0 ? ret : -EINVAL;
        }
    }
    if (__builtin_mul_overflow(whole, unit, &sum)) {
        return -ERANGE;
    }
    if (*end == '.') {
        if (end == text && digit_of(end[1], 10) < 0) {
            return -EINVAL;
        }
        for (end++; digit_of(*end, 10) >= 0 && unit > 1; end++) {
            unit /= 10;
            if (__builtin_add_overflow(sum, (uint64_t)digit_of(*end, 10) * unit, &sum)) {
                return -ERANGE;
            }
        }
    }
    if (*end != '\0') {
        return -EINVAL;
    }
    if (sum > INT64_MAX) {
        return -ERANGE;
    }
    *ns = sum;
    return 0;
}
