/*
 * A client's bytes, as hostile as they like, against a machine with a board and without CPUs. Every
 * line that comes back is JSON and has the form of an answer; and what the scanner makes of the
 * bytes does not depend on the pieces they come in.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/machine.h"
#include "vmm/qmp_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int agree(struct kvm *kvm, int fd, unsigned long request, void *arg)
{
    (void)kvm, (void)fd, (void)arg;
    return request == KVM_CHECK_EXTENSION ? 1 : 0;
}

/* One for all inputs: building a board takes longer than most of them. */
static struct machine *the_machine(void)
{
    static struct machine machine;
    const struct kvm_slots_config slots = {.slots_max = 512};
    const struct memory_core_config core = {.opaque = NULL};
    const struct board_config board = {.name = "puzzle"};
    struct error err;

    if (!machine.board) {
        memory_thread_register();
        assert(loop_init(&machine.loop, &err) == 0);
        vclock_init(&machine.clock, &machine.loop);
        assert(memory_core_init(&machine.core, &core) == 0);
        assert(board_open(&board, &machine.board, &err) == 0);
        assert(board_build(machine.board, &machine.core, NULL, &err) == 0);
        machine.kvm = (struct kvm){.sys_fd = -1, .vm_fd = -1, .call = agree};
        machine.irqchip = true;
        machine.vcpus.config.kvm = &machine.kvm;
        assert(kvm_slots_init(&machine.slots, &machine.kvm, board_memory(machine.board), &slots) ==
               0);
    }
    return &machine;
}

/* Each line is a whole answer, or the greeting. */
static void check_line(void *opaque, const char *data, size_t len)
{
    json_t *message;

    assert(len > 2 && data[len - 2] == '\r' && data[len - 1] == '\n');
    message = json_loadb(data, len, 0, NULL);
    assert(message);
    assert(!!json_object_get(message, "return") + !!json_object_get(message, "error") +
               !!json_object_get(message, "QMP") ==
           1);
    json_decref(message);
    ++*(size_t *)opaque;
}

/* How many results of each kind, and a sum over the messages' bytes. */
struct summary {
    size_t counts[QMP_SCAN_NO_MEMORY + 1];
    uint64_t sum;
};

static struct summary scan(const char *data, size_t size, size_t piece)
{
    struct summary summary = {.sum = 0};
    struct qmp_scan scan = {0};
    enum qmp_scan_result result;
    size_t used, i, len;

    while (size > 0) {
        result = qmp_scan_feed(&scan, data, piece < size ? piece : size, &used);
        assert(used <= size);
        data += used;
        size -= used;
        len = result == QMP_SCAN_MESSAGE ? scan.len : 0;
        summary.counts[result] += result != QMP_SCAN_MORE;
        for (i = 0; i < len; i++) {
            summary.sum = summary.sum * 31 + (unsigned char)scan.text[i];
        }
    }
    qmp_scan_finish(&scan);
    return summary;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t piece = size ? data[0] % 64 + 1U : 1, at, lines = 0;
    struct qmp_session session = {
        .machine = the_machine(), .send = check_line, .opaque = &lines, .ready = true};
    struct summary whole = scan(text, size, size ? size : 1), pieces = scan(text, size, piece);

    assert(memcmp(&whole, &pieces, sizeof(whole)) == 0);
    qmp_session_start(&session);
    for (at = 0; at < size;) {
        at += qmp_session_receive(&session, text + at, piece < size - at ? piece : size - at);
    }
    qmp_session_finish(&session);
    assert(lines == 1 + whole.counts[QMP_SCAN_MESSAGE] + whole.counts[QMP_SCAN_BAD] +
                        whole.counts[QMP_SCAN_TOO_DEEP] + whole.counts[QMP_SCAN_TOO_LONG]);
    return 0;
}
