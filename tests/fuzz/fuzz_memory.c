/*
 * Programs of memory API calls from a fuzzer (tests/unit/memory_program.h has the encoding). All
 * run on one core, as the machines of a long-lived process would.
 */
#include "memory/memory.h"
#include "tests/unit/memory_program.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memory_core *core; /* libFuzzer has no other place for what outlives an input */
    struct memory_program_result result;

    if (core == NULL) {
        memory_thread_register();
        core = calloc(1, sizeof(*core));
        if (core == NULL || memory_core_init(core, NULL)) {
            abort();
        }
    }
    if (!memory_program_run(core, data, size, &result)) {
        memory_program_print(stderr, data, size);
        (void)fprintf(stderr, "step %zu: %s\n", result.step, result.what);
        abort();
    }
    return 0;
}
