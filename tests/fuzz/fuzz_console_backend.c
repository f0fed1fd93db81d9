/* Any text as the value of --serial: a back end within its bounds, or an error in words. */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/console_backend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct console_backend backend;
    struct error err = {.text = ""};
    char *text = malloc(size + 1);

    assert(text);
    memcpy(text, data, size);
    text[size] = '\0';
    if (console_backend_parse(text, &backend, &err) < 0) {
        assert(err.text[0] != '\0');
    } else {
        assert(backend.kind != CONSOLE_BACKEND_UNSET);
        assert(memchr(backend.socket, '\0', sizeof(backend.socket)));
        assert(!backend.path || (backend.path > text && backend.path <= text + size));
        /* What has a path has no word, and the other way round. */
        assert(!console_backend_word(&backend) == (backend.path || backend.socket[0] != '\0'));
    }
    free(text);
    return 0;
}
