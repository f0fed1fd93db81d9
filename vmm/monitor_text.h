/*
 * monitor_text.h - what is written to a sink, as a JSON string.
 *
 * Context: one thread at a time.
 */
#ifndef ACRE_VMM_MONITOR_TEXT_H
#define ACRE_VMM_MONITOR_TEXT_H

#include <jansson.h>

#include "memory/print.h"
#include "vmm/error.h"

enum { MONITOR_TEXT_MAX = 4 << 20 /* bytes */ };

struct monitor_text {
    struct memory_sink sink; /* write here; it leads back, so do not move the struct */
    /* private */
    char *text;
    size_t len, size;
    int error; /* errno of what was not kept */
};

void monitor_text_init(struct monitor_text *text);
/*
 * Ends it.
 * @result  of who wrote: negative, and the text is dropped, err already filled.
 * Returns: a new reference; NULL with err filled: `result`, too much text, out of memory. Bytes
 * that are no UTF-8 become '?': they must not cost the whole answer.
 */
json_t *monitor_text_finish(struct monitor_text *text, int result, struct error *err);

#endif
