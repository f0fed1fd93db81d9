/*
 * fuzz_test_list.c - what `acre test` reads of others: a list of guests (a note is the same lines),
 * and what a guest prints.
 */
#include "vmm/test_collect.h"
#include "vmm/test_tap.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A guest's output as TAP; every text that is found lies within it. */
static void read_output(const struct test_text *text)
{
    const char *end = text->data + text->len;
    struct test_tap tap;
    size_t i;

    if (test_tap_parse(&tap, text) < 0) {
        return;
    }
    for (i = 0; i < tap.num; i++) {
        const struct test_point *point = &tap.points[i];

        if (point->line + point->line_len > end || point->name + point->name_len > end ||
            (point->directive != TEST_DIRECTIVE_NONE && point->reason + point->reason_len > end)) {
            abort();
        }
    }
    test_tap_finish(&tap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_guests guests = {0};
    struct test_text text = {0};
    struct error err;
    FILE *file = fopen("/dev/null", "we");
    size_t i, j;

    (void)setenv("TMPDIR", "/nonexistent", 1); /* `file` is refused: nothing is written */
    if (test_text_add(&text, data, size) == 0 && file) {
        read_output(&text);
        test_text_clean(file, text.data, text.len, TEST_TEXT_XML);
        test_text_lines(file, "# ", text.data, text.len, 3);
        (void)test_guests_parse_list(&guests, "fuzz.list", NULL, text.data, text.len, &err);
        for (i = 0; i < guests.num; i++) {
            for (j = 0; j < guests.items[i].out.num; j++) {
                (void)test_pattern_matches(&guests.items[i].out.items[j], &text);
            }
        }
    }
    test_guests_finish(&guests);
    test_text_finish(&text);
    if (file) {
        (void)fclose(file);
    }
    return 0;
}
