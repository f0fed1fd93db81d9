/*
 * qemu_mtree_text.c - lines, numbers and names of QEMU's listings. Lines are copied one by one, so
 * that what a hostile file holds is looked at in one place: here.
 */
#include "vmm/qemu_mtree_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mtree_name {
    struct mtree_name *next;
    char text[];
};

int mtree_fail(struct error *err, const struct qemu_mtree_text *text, unsigned line,
               const char *format, ...)
{
    char what[300];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(what, sizeof(what), format, ap);
    va_end(ap);
    for (char *c = what; *c; c++) { /* names come from the file */
        *c = (unsigned char)*c < ' ' ? '?' : *c;
    }
    return error_set(err, EINVAL, "%s:%u: %s", text->path, line, what);
}

size_t mtree_count_lines(const struct qemu_mtree_text *text)
{
    const char *at = text->text, *end = at + text->size;
    size_t num = 0;

    while (at < end && num <= MTREE_LINES_MAX) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : end;
        num++;
    }
    return num;
}

int mtree_next_line(struct mtree_lines *lines, struct mtree_line *line)
{
    const struct qemu_mtree_text *text = lines->text;
    const char *start = text->text + lines->at, *end;
    size_t len;

    if (lines->at == text->size) {
        return 0;
    }
    lines->number++;
    end = memchr(start, '\n', text->size - lines->at);
    len = end ? (size_t)(end - start) : text->size - lines->at;
    lines->at += len + (end ? 1 : 0);
    while (len > 0 && start[len - 1] == '\r') {
        len--;
    }
    if (len > MTREE_LINE_MAX) {
        return mtree_fail(lines->err, text, lines->number, "longer than %d bytes", MTREE_LINE_MAX);
    }
    if (memchr(start, '\0', len)) {
        return mtree_fail(lines->err, text, lines->number, "not text");
    }
    if (!end && len > 0 && strncmp(start, "(qemu)", len < 6 ? len : 6) != 0) {
        return mtree_fail(lines->err, text, lines->number, "cut off: the line has no end");
    }
    memcpy(lines->copy, start, len);
    lines->copy[len] = '\0';
    *line = (struct mtree_line){.text = lines->copy, .len = len, .number = lines->number};
    return 1;
}

bool mtree_hex(const char **text, hwaddr *value)
{
    hwaddr sum = 0;
    int i;

    for (i = 0; i < 16; i++) {
        char c = (*text)[i];

        if (c >= '0' && c <= '9') {
            sum = sum << 4 | (hwaddr)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            sum = sum << 4 | (hwaddr)(c - 'a' + 10);
        } else {
            return false;
        }
    }
    *text += 16;
    *value = sum;
    return true;
}

static bool skip(const char **text, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(*text, word, len) != 0) {
        return false;
    }
    *text += len;
    return true;
}

static bool read_priority(const char **text, int32_t *priority)
{
    char *end;
    long value;

    if (**text != '-' && (**text < '0' || **text > '9')) {
        return false;
    }
    errno = 0;
    value = strtol(*text, &end, 10);
    if (errno || end == *text || value < INT32_MIN || value > INT32_MAX) {
        return false;
    }
    *text = end;
    *priority = (int32_t)value;
    return true;
}

/* Longer words before those they begin with. */
static const struct {
    const char *word;
    enum mtree_type type;
} types[] = {
    {"romd", MTREE_ROMD}, {"rom", MTREE_ROM}, {"ramd", MTREE_RAMD},
    {"ram", MTREE_RAM},   {"i/o", MTREE_IO},
};

enum { TYPE_NUM = sizeof(types) / sizeof(types[0]) };

const char *mtree_type_name(enum mtree_type type)
{
    int i = 0;

    while (i < TYPE_NUM - 1 && types[i].type != type) {
        i++;
    }
    return types[i].word;
}

bool mtree_head(const char **text, struct mtree_head *head)
{
    int i;

    if (!mtree_hex(text, &head->first) || !skip(text, "-") || !mtree_hex(text, &head->last) ||
        !skip(text, " (prio ") || !read_priority(text, &head->priority) || !skip(text, ", ")) {
        return false;
    }
    head->nonvolatile = skip(text, "nv-");
    for (i = 0; i < TYPE_NUM; i++) {
        if (skip(text, types[i].word)) {
            head->type = types[i].type;
            return skip(text, "): ");
        }
    }
    return false;
}

const char *mtree_name(struct mtree *mtree, const char *text, size_t len)
{
    struct mtree_name *name, **chain;
    size_t hash = 5381, i;

    for (i = 0; i < len; i++) {
        hash = hash * 33 ^ (unsigned char)text[i];
    }
    chain = &mtree->names[(hash ^ hash >> 12) % MTREE_HASH_NUM];
    for (name = *chain; name; name = name->next) {
        if (strlen(name->text) == len && memcmp(name->text, text, len) == 0) {
            return name->text;
        }
    }
    name = malloc(sizeof(*name) + len + 1);
    if (!name) {
        return NULL;
    }
    memcpy(name->text, text, len);
    name->text[len] = '\0';
    name->next = *chain;
    *chain = name;
    return name->text;
}

void mtree_names_free(struct mtree *mtree)
{
    size_t i;

    for (i = 0; i < MTREE_HASH_NUM; i++) {
        while (mtree->names[i]) {
            struct mtree_name *name = mtree->names[i];

            mtree->names[i] = name->next;
            free(name);
        }
    }
}
