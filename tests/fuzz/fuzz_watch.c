/*
 * fuzz_watch.c - the text of a watchpoint, as options and clients of the monitor give it: what is
 * taken says the same when it is written out and read again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/watch_user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct watch_place place, again;
    char *text = malloc(size + 1), written[64];
    struct error err;

    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (watch_parse(text, &place, &err) == 0) {
        (void)snprintf(written, sizeof(written), "0x%" PRIx64 ":%" PRIu64 ":%s", place.gpa,
                       place.len, watch_access_name(place.access));
        if (place.len == 0 || watch_parse(written, &again, &err) < 0 || again.gpa != place.gpa ||
            again.len != place.len || again.access != place.access) {
            abort();
        }
    }
    free(text);
    return 0;
}
