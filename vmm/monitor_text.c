/* monitor_text.c - a buffer that doubles. */
#include "vmm/monitor_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_MIN = 1024 };

static void add(void *opaque, const char *data, size_t len)
{
    struct monitor_text *out = opaque;
    size_t size = out->size ? out->size : SIZE_MIN;
    char *text;

    if (out->error == 0 && len > MONITOR_TEXT_MAX - out->len) {
        out->error = E2BIG;
    }
    if (out->error != 0) {
        return;
    }
    while (size < out->len + len) {
        size *= 2;
    }
    text = size > out->size ? realloc(out->text, size) : out->text;
    if (!text) {
        out->error = ENOMEM;
        return;
    }
    out->text = text;
    out->size = size;
    memcpy(out->text + out->len, data, len);
    out->len += len;
}

void monitor_text_init(struct monitor_text *text)
{
    *text = (struct monitor_text){.sink = {.write = add, .opaque = text}};
}

static json_t *to_string(struct monitor_text *text)
{
    json_t *string = json_stringn(text->len > 0 ? text->text : "", text->len);
    size_t i;

    if (!string) { /* not UTF-8 */
        for (i = 0; i < text->len; i++) {
            text->text[i] = text->text[i] & 0x80 ? '?' : text->text[i];
        }
        string = json_stringn(text->len > 0 ? text->text : "", text->len);
    }
    return string;
}

json_t *monitor_text_finish(struct monitor_text *text, int result, struct error *err)
{
    json_t *string = NULL;

    if (result == 0 && text->error == E2BIG) {
        (void)error_set(err, E2BIG, "more than %d MiB of text", MONITOR_TEXT_MAX >> 20);
    } else if (result == 0) {
        string = text->error == 0 ? to_string(text) : NULL;
        if (!string) {
            (void)error_set_errno(err, ENOMEM, "text");
        }
    }
    free(text->text);
    *text = (struct monitor_text){0};
    return string;
}
