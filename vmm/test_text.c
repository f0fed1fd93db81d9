/*
 * test_text.c - text for `acre test`. What guests print reaches people and parsers through
 * test_text_clean() alone.
 */
#include "vmm/test_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 256, LINE_MAX = 200 };

int test_text_add(struct test_text *text, const void *data, size_t len)
{
    size_t room = text->room ? text->room : ROOM_MIN;
    char *grown;

    while (room - text->len < len) {
        room *= 2;
    }
    if (room != text->room) {
        grown = realloc(text->data, room);
        if (!grown) {
            return -ENOMEM;
        }
        text->data = grown;
        text->room = room;
    }
    memcpy(text->data + text->len, data, len);
    text->len += len;
    return 0;
}

void test_text_cut(struct test_text *text, size_t max)
{
    const size_t head = max / 2, tail = max - head;
    struct test_text cut = {0};
    char mark[64];

    if (text->len > max) {
        int len = snprintf(mark, sizeof(mark), "\n[%zu bytes left out]\n", text->len - max);

        if (test_text_add(&cut, text->data, head) == 0 &&
            test_text_add(&cut, mark, (size_t)len) == 0 &&
            test_text_add(&cut, text->data + text->len - tail, tail) == 0) {
            test_text_finish(text);
            *text = cut;
        } else {
            test_text_finish(&cut);
        }
    }
}

void test_text_finish(struct test_text *text)
{
    free(text->data);
    *text = (struct test_text){0};
}

/* Takes over `word`, which may be NULL. */
static int add_own(struct test_words *words, char *word)
{
    char **grown = word ? realloc(words->words, (words->num + 2) * sizeof(*grown)) : NULL;

    if (!grown) {
        free(word);
        return -ENOMEM;
    }
    words->words = grown;
    words->words[words->num++] = word;
    words->words[words->num] = NULL;
    return 0;
}

char *test_text_copy(const char *data, size_t len)
{
    char *text = malloc(len + 1);

    if (text) {
        memcpy(text, data, len);
        text[len] = '\0';
    }
    return text;
}

int test_words_add(struct test_words *words, const char *word)
{
    return add_own(words, strdup(word));
}

/* Where a text is being split. */
struct splitter {
    const char *at;
    const char *dir;
    struct test_text word;
    bool in_word; /* '' is a word, too */
    char quote;   /* '\0': none open */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes one or more characters into the word. Returns: 0; -EINVAL; -ENOMEM. */
static int take_character(struct splitter *splitter, struct error *err)
{
    const char *at = splitter->at;

    splitter->in_word = true;
    splitter->at++;
    if (splitter->quote == *at) {
        splitter->quote = '\0';
        return 0;
    }
    if (splitter->quote == '\0' && (*at == '\'' || *at == '"')) {
        splitter->quote = *at;
        return 0;
    }
    if (splitter->quote != '\'' && *at == '\\' && at[1] != '\0') {
        at = splitter->at++;
    } else if (splitter->quote != '\'' && strncmp(at, "$dir", 4) == 0) {
        if (!splitter->dir) {
            return error_set(err, EINVAL, "$dir without a `file` before it");
        }
        splitter->at += 3;
        return test_text_add(&splitter->word, splitter->dir, strlen(splitter->dir));
    }
    return test_text_add(&splitter->word, at, 1);
}

static int end_word(struct splitter *splitter, struct test_words *words)
{
    int ret = test_text_add(&splitter->word, "", 1);

    if (ret == 0) {
        ret = test_words_add(words, splitter->word.data);
    }
    splitter->word.len = 0;
    splitter->in_word = false;
    return ret;
}

int test_words_split(struct test_words *words, const char *text, const char *dir, struct error *err)
{
    struct splitter splitter = {.at = text, .dir = dir};
    int ret = 0;

    while (*splitter.at != '\0' && ret == 0) {
        if (splitter.quote != '\0' || !is_blank(*splitter.at)) {
            ret = take_character(&splitter, err);
        } else {
            splitter.at++;
            ret = splitter.in_word ? end_word(&splitter, words) : 0;
        }
    }
    if (ret == 0 && splitter.quote != '\0') {
        ret = error_set(err, EINVAL, "a %c without its end", splitter.quote);
    }
    if (ret == 0 && splitter.in_word) {
        ret = end_word(&splitter, words);
    }
    test_text_finish(&splitter.word);
    return ret == -ENOMEM ? error_set_errno(err, ENOMEM, "words") : ret;
}

void test_words_finish(struct test_words *words)
{
    size_t i;

    for (i = 0; i < words->num; i++) {
        free(words->words[i]);
    }
    free(words->words);
    *words = (struct test_words){0};
}

/*
 * Some readers take it for the end of a line, YAML's for the file's first bytes; or it turns the
 * order of what follows around.
 */
static bool is_treacherous(uint32_t point)
{
    return (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
           point == 0xfeff;
}

/*
 * The length of the character at the start of `data`, 1..4; 0: what is there is no character, or
 * one that XML 1.0 and terminals do not take. Source: RFC 3629; XML 1.0 2.2.
 */
static size_t character_size(const uint8_t *data, size_t len)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = data[0] < 0x80   ? 1
                  : data[0] < 0xc0 ? 0
                  : data[0] < 0xe0 ? 2
                  : data[0] < 0xf0 ? 3
                                   : 4;
    uint32_t point = size == 1 ? data[0] : (uint32_t)data[0] & (0x7fU >> size);
    size_t i;

    if (size == 0 || size > len || data[0] > 0xf4) {
        return 0;
    }
    for (i = 1; i < size; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (data[i] & 0x3f);
    }
    if (point < smallest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) ||
        point == 0xfffe || point == 0xffff || point < 0x20 || (point >= 0x7f && point < 0xa0) ||
        is_treacherous(point)) {
        return 0;
    }
    return size;
}

/* Does test_text_clean() leave it as it is? */
static bool is_clean(const char *text)
{
    size_t len = strlen(text), i, size;

    for (i = 0; i < len; i += size) {
        size = text[i] == '\t' ? 1 : character_size((const uint8_t *)text + i, len - i);
        if (size == 0) {
            return false;
        }
    }
    return true;
}

void test_word_quote(FILE *file, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_-+=./,:@%";

    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        (void)fputs(word, file);
        return;
    }
    if (!is_clean(word)) { /* whatever shows it would change it */
        (void)fputs("\"$(printf '", file);
        for (; *word != '\0'; word++) {
            (void)fprintf(file, "\\%03o", (unsigned)(uint8_t)*word);
        }
        (void)fputs("')\"", file);
        return;
    }
    (void)fputc('\'', file);
    for (; *word != '\0'; word++) {
        (void)fputs(*word == '\'' ? "'\\''" : (const char[]){*word, '\0'}, file);
    }
    (void)fputc('\'', file);
}

static const char *xml_entity(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

void test_text_clean(FILE *file, const char *data, size_t len, enum test_text_form form)
{
    size_t i = 0, size;

    while (i < len) {
        bool xml = form == TEST_TEXT_XML;
        const char *entity = xml ? xml_entity(data[i]) : NULL;

        size = character_size((const uint8_t *)data + i, len - i);
        if (entity) {
            (void)fputs(entity, file);
        } else if (size > 0) {
            (void)fwrite(data + i, 1, size, file);
        } else if (data[i] == '\t' || (xml && data[i] == '\n')) {
            (void)fputc(data[i], file);
        } else {
            (void)fprintf(file, "\\x%02x", (unsigned)(uint8_t)data[i]);
        }
        i += size > 0 ? size : 1;
    }
}

size_t test_text_tail(const char *data, size_t len, size_t line_max)
{
    size_t at = len > 0 && data[len - 1] == '\n' ? len - 1 : len;

    while (at > 0) {
        if (data[at - 1] == '\n' && --line_max == 0) {
            break;
        }
        at--;
    }
    return at;
}

void test_text_lines(FILE *file, const char *prefix, const char *data, size_t len, size_t line_max)
{
    size_t at = line_max > 0 ? test_text_tail(data, len, line_max) : 0;

    while (at < len) {
        const char *end = memchr(data + at, '\n', len - at);
        size_t line = end ? (size_t)(end - data) - at : len - at;
        size_t shown = line > 0 && data[at + line - 1] == '\r' ? line - 1 : line;

        (void)fputs(prefix, file);
        test_text_clean(file, data + at, shown < LINE_MAX ? shown : LINE_MAX, TEST_TEXT_PLAIN);
        (void)fputs(shown > LINE_MAX ? "...\n" : "\n", file);
        at += line + 1;
    }
}
