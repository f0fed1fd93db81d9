/*
 * test_guest.c - a table of keys, and a small function for each that checks its value and stores
 * it: most become words for `acre run`, which knows best what is right.
 */
#include "vmm/test_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/options.h"

enum { PATTERN_MAX = 512, REPEATS_MAX = 10000, MATCHED_LINE_MAX = 4096, NAME_MAX_SHOWN = 64 };
#define TIMEOUT_MAX_NS (UINT64_C(86400) * 1000000000)

char *test_path_join(const char *folder, const char *name)
{
    char *path = NULL;

    if (name[0] == '/' || folder[0] == '\0') {
        return strdup(name);
    }
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

int test_guest_init(struct test_guest *guest, const char *name, const char *folder,
                    struct error *err)
{
    *guest = (struct test_guest){.name = strdup(name), .folder = strdup(folder)};
    if (!guest->name || !guest->folder) {
        test_guest_finish(guest);
        return error_set_errno(err, ENOMEM, "%s", name);
    }
    return 0;
}

static void finish_patterns(struct test_patterns *patterns)
{
    size_t i;

    for (i = 0; i < patterns->num; i++) {
        free(patterns->items[i].text);
        regfree(&patterns->items[i].regex);
    }
    free(patterns->items);
}

static void remove_files(struct test_guest *guest)
{
    size_t i;
    int dir = guest->dir ? open(guest->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    for (i = 0; i < guest->files.num && dir >= 0; i++) {
        (void)unlinkat(dir, guest->files.words[i], 0);
    }
    if (dir >= 0) {
        (void)close(dir);
        (void)rmdir(guest->dir);
    }
}

void test_guest_finish(struct test_guest *guest)
{
    remove_files(guest);
    free(guest->name);
    free(guest->folder);
    free(guest->kernel);
    free(guest->dir);
    test_words_finish(&guest->options);
    test_words_finish(&guest->files);
    test_words_finish(&guest->file_texts);
    finish_patterns(&guest->out);
    finish_patterns(&guest->err);
    finish_patterns(&guest->after);
    test_text_finish(&guest->input);
    *guest = (struct test_guest){0};
}

/* Adds "OPTION VALUE". */
static int add_option(struct test_guest *guest, const char *option, const char *value,
                      struct error *err)
{
    int ret = test_words_add(&guest->options, option);

    if (ret == 0) {
        ret = test_words_add(&guest->options, value);
    }
    return ret < 0 ? error_set_errno(err, -ret, "%s", value) : 0;
}

static int add_file_option(struct test_guest *guest, const char *option, const char *value,
                           struct error *err)
{
    char *path = test_path_join(guest->folder, value);
    int ret = path ? add_option(guest, option, path, err) : error_set_errno(err, ENOMEM, "path");

    free(path);
    return ret;
}

static int set_board(struct test_guest *guest, const char *value, struct error *err)
{
    const char *end = strrchr(value, '.');
    bool file = strchr(value, '/') || (end && (!strcmp(end, ".dtb") || !strcmp(end, ".dts")));

    return file ? add_file_option(guest, "--board", value, err)
                : add_option(guest, "--board", value, err);
}

static int add_overlay(struct test_guest *guest, const char *value, struct error *err)
{
    return add_file_option(guest, "--overlay", value, err);
}

static int set_cpus(struct test_guest *guest, const char *value, struct error *err)
{
    return add_option(guest, "--cpus", value, err);
}

static int set_memory(struct test_guest *guest, const char *value, struct error *err)
{
    return add_option(guest, "--memory", value, err);
}

static int set_append(struct test_guest *guest, const char *value, struct error *err)
{
    return add_option(guest, "--append", value, err);
}

static int add_options(struct test_guest *guest, const char *value, struct error *err)
{
    return test_words_split(&guest->options, value, guest->dir, err);
}

static int set_timeout(struct test_guest *guest, const char *value, struct error *err)
{
    if (options_seconds(value, &guest->timeout_ns) < 0 || guest->timeout_ns == 0 ||
        guest->timeout_ns > TIMEOUT_MAX_NS) {
        return error_set(err, EINVAL, "%s: not a number of seconds above 0 and up to a day", value);
    }
    return 0;
}

static int set_status(struct test_guest *guest, const char *value, struct error *err)
{
    const char *end = "";
    uint64_t status = 0;

    if (options_number(value, &status, &end) < 0 || *end != '\0' || status > 255) {
        return error_set(err, EINVAL, "%s: not an exit status, 0 to 255", value);
    }
    guest->status = (int)status;
    return 0;
}

/*
 * What a guest's note says must not keep us busy for ever: matching back-references, and compiling
 * counts of counts, are what takes the C library exponentially long. Returns: false for such.
 */
static bool is_modest(const char *expression)
{
    uint64_t product = 1, number;
    const char *at, *end;

    for (at = expression; *at != '\0'; at++) {
        if (at[0] == '\\' && at[1] != '\0') {
            if (at[1] >= '1' && at[1] <= '9') {
                return false;
            }
            at++;
            continue;
        }
        if ((at[0] == '{' || at[0] == ',') && options_number(at + 1, &number, &end) == 0 &&
            number > 1 && __builtin_mul_overflow(product, number, &product)) {
            return false;
        }
    }
    return product <= REPEATS_MAX;
}

static int add_pattern(struct test_patterns *patterns, const char *value, struct error *err)
{
    struct test_pattern *grown = realloc(patterns->items, (patterns->num + 1) * sizeof(*grown));
    char why[128];
    int result;

    if (!grown) {
        return error_set_errno(err, ENOMEM, "expression");
    }
    patterns->items = grown;
    if (strlen(value) > PATTERN_MAX) {
        return error_set(err, EINVAL, "an expression of more than %d bytes", PATTERN_MAX);
    }
    if (!is_modest(value)) {
        return error_set(err, EINVAL, "%s: back-references, or counts above %d in all", value,
                         REPEATS_MAX);
    }
    grown += patterns->num;
    result = regcomp(&grown->regex, value, REG_EXTENDED | REG_NOSUB);
    if (result != 0) {
        (void)regerror(result, &grown->regex, why, sizeof(why));
        return error_set(err, EINVAL, "%s: %s", value, why);
    }
    grown->text = strdup(value);
    if (!grown->text) {
        regfree(&grown->regex);
        return error_set_errno(err, ENOMEM, "expression");
    }
    patterns->num++;
    return 0;
}

static int add_out(struct test_guest *guest, const char *value, struct error *err)
{
    return add_pattern(&guest->out, value, err);
}

static int add_err(struct test_guest *guest, const char *value, struct error *err)
{
    return add_pattern(&guest->err, value, err);
}

static int set_after(struct test_guest *guest, const char *value, struct error *err)
{
    return guest->after.num > 0 ? error_set(err, EINVAL, "is there twice")
                                : add_pattern(&guest->after, value, err);
}

/* One character of `input`, an escape perhaps. Returns: what follows it. */
static const char *unescape(const char *at, char *c)
{
    int digits, value = 0;

    if (at[0] != '\\' || at[1] == '\0') {
        *c = at[0];
        return at + 1;
    }
    for (digits = 0; digits < 3 && at[1 + digits] >= '0' && at[1 + digits] <= '7'; digits++) {
        value = value * 8 + (at[1 + digits] - '0');
    }
    if (digits > 0) {
        *c = (char)value;
        return at + 1 + digits;
    }
    *c = (char)(at[1] == 'n' ? '\n' : at[1] == 't' ? '\t' : at[1]);
    return at + 2;
}

static int set_input(struct test_guest *guest, const char *value, struct error *err)
{
    char c;

    if (guest->has_input) {
        return error_set(err, EINVAL, "is there twice");
    }
    guest->has_input = true;
    while (*value != '\0') {
        value = unescape(value, &c);
        if (test_text_add(&guest->input, &c, 1) < 0) {
            return error_set_errno(err, ENOMEM, "input");
        }
    }
    return 0;
}

static int make_dir(struct test_guest *guest, struct error *err)
{
    const char *tmp = getenv("TMPDIR");

    if (guest->dir) {
        return 0;
    }
    if (asprintf(&guest->dir, "%s/acre-test-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0) {
        guest->dir = NULL;
        return error_set_errno(err, ENOMEM, "file");
    }
    if (!mkdtemp(guest->dir)) {
        error_set_errno(err, errno, "%s", guest->dir);
        free(guest->dir);
        guest->dir = NULL;
        return -EINVAL;
    }
    return 0;
}

static int write_file(const char *dir, const char *name, const char *text, struct error *err)
{
    char *path = test_path_join(dir, name);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    int ret = 0;

    if (fd < 0 || dprintf(fd, "%s\n", text) < 0) {
        ret = error_set_errno(err, path ? errno : ENOMEM, "%s", name);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(path);
    return ret;
}

static int add_file(struct test_guest *guest, const char *value, struct error *err)
{
    size_t len = strcspn(value, " ");
    char name[NAME_MAX_SHOWN];
    int ret;

    if (len == 0 || len >= sizeof(name) || memchr(value, '/', len) || value[0] == '.') {
        return error_set(err, EINVAL, "wants NAME TEXT, a name without '/'");
    }
    memcpy(name, value, len);
    name[len] = '\0';
    value += len + (value[len] == ' ');
    ret = make_dir(guest, err);
    if (ret == 0) {
        ret = write_file(guest->dir, name, value, err);
    }
    if (ret == 0 && (test_words_add(&guest->files, name) < 0 ||
                     test_words_add(&guest->file_texts, value) < 0)) {
        ret = error_set_errno(err, ENOMEM, "%s", name);
    }
    return ret;
}

static const struct {
    const char *name;
    int (*set)(struct test_guest *guest, const char *value, struct error *err);
} keys[] = {
    {"board", set_board},     {"overlay", add_overlay}, {"cpus", set_cpus},
    {"memory", set_memory},   {"append", set_append},   {"options", add_options},
    {"timeout", set_timeout}, {"status", set_status},   {"out", add_out},
    {"err", add_err},         {"input", set_input},     {"after", set_after},
    {"file", add_file},
};

/* @key, @len  not terminated. */
static int set_key(struct test_guest *guest, const char *key, size_t len, const char *value,
                   const char *kernels, struct error *err)
{
    size_t i;

    if (kernels && len == strlen("kernel") && memcmp(key, "kernel", len) == 0) {
        if (guest->kernel) {
            return error_set(err, EINVAL, "kernel: is there twice");
        }
        guest->kernel = test_path_join(kernels, value);
        return guest->kernel ? 0 : error_set_errno(err, ENOMEM, "kernel");
    }
    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strlen(keys[i].name) == len && memcmp(keys[i].name, key, len) == 0) {
            int ret = keys[i].set(guest, value, err);

            if (ret < 0) {
                error_prefix(err, "%s", keys[i].name);
            }
            return ret;
        }
    }
    return error_set(err, EINVAL, "%.*s: no such key", (int)(len < 40 ? len : 40), key);
}

int test_guest_line(struct test_guest *guest, const char *line, const char *kernels,
                    struct error *err)
{
    const char *equals = strchr(line, '='), *value;
    size_t len;

    if (line[0] == '#' || line[strspn(line, " \t\r")] == '\0') {
        return 0;
    }
    if (!equals) {
        return error_set(err, EINVAL, "%.40s: wants `key = value`", line);
    }
    len = (size_t)(equals - line);
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t')) {
        len--;
    }
    value = equals + 1 + strspn(equals + 1, " \t");
    if (*value == '\0') {
        return error_set(err, EINVAL, "%.*s: has no value", (int)(len < 40 ? len : 40), line);
    }
    return set_key(guest, line, len, value, kernels, err);
}

bool test_pattern_matches(const struct test_pattern *pattern, const struct test_text *text)
{
    char copy[MATCHED_LINE_MAX + 1];
    size_t at = 0;

    while (at < text->len) {
        const char *line = text->data + at, *end = memchr(line, '\n', text->len - at);
        size_t len = end ? (size_t)(end - line) : text->len - at;
        size_t shown = len > 0 && line[len - 1] == '\r' ? len - 1 : len;

        shown = shown < MATCHED_LINE_MAX ? shown : MATCHED_LINE_MAX;
        memcpy(copy, line, shown);
        copy[shown] = '\0';
        if (regexec(&pattern->regex, copy, 0, NULL, 0) == 0) {
            return true;
        }
        at += len + 1;
    }
    return false;
}
