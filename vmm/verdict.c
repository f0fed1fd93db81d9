/*
 * verdict.c - one table says for each kind what it is called, its exit status and whether a crash's
 * registers belong to it; everything else reads the table.
 */
#include "vmm/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/register_names.h"

enum {
    GUEST_STATUS_MAX = 119,
    STATUS_RESET = 120,
    STATUS_IDLE_HANG = 121,
    STATUS_PANIC = 122,
    STATUS_WATCHDOG = 123,
    STATUS_TIMEOUT = 124,
    STATUS_FAULT = 125,
    STATUS_CRASH = 126,
    STATUS_SIGNAL_BASE = 128,
    JSON_VERSION = 1,
};

static const struct {
    const char *name;
    int status;
    bool crash; /* a CPU came to grief: the line says which, and where */
    bool report;
    bool quiet;
} kinds[VERDICT_KIND_NUM] = {
    [VERDICT_NONE] = {"none", STATUS_FAULT, false, false, false},
    [VERDICT_EXIT] = {"exit", 0, false, false, false},
    [VERDICT_POWEROFF] = {"poweroff", 0, false, false, true},
    [VERDICT_QUIT] = {"quit", 0, false, false, true},
    [VERDICT_RESET] = {"reset", STATUS_RESET, false, false, false},
    [VERDICT_IDLE_HANG] = {"idle-hang", STATUS_IDLE_HANG, true, true, false},
    [VERDICT_PANIC] = {"panic", STATUS_PANIC, false, true, false},
    [VERDICT_WATCHDOG] = {"watchdog", STATUS_WATCHDOG, false, true, false},
    [VERDICT_TIMEOUT] = {"timeout", STATUS_TIMEOUT, false, true, false},
    [VERDICT_FAULT] = {"fault", STATUS_FAULT, false, false, false},
    [VERDICT_TRIPLE_FAULT] = {"triple-fault", STATUS_CRASH, true, true, false},
    [VERDICT_INTERNAL_ERROR] = {"kvm-internal-error", STATUS_CRASH, true, true, false},
    [VERDICT_ENTRY_FAILURE] = {"kvm-entry-failure", STATUS_CRASH, true, true, false},
    [VERDICT_SIGNAL] = {"signal", STATUS_SIGNAL_BASE, false, false, false},
};

void verdict_make(struct verdict *verdict, enum verdict_kind kind, const char *format, ...)
{
    va_list ap;

    *verdict = (struct verdict){.kind = kind, .cpu = -1};
    va_start(ap, format);
    (void)vsnprintf(verdict->message, sizeof(verdict->message), format, ap);
    va_end(ap);
}

bool verdict_settle(struct verdict_box *box, const struct verdict *verdict)
{
    int open = 0;

    if (!atomic_compare_exchange_strong(&box->state, &open, 1)) {
        return false;
    }
    box->verdict = *verdict;
    atomic_store_explicit(&box->state, 2, memory_order_release);
    return true;
}

const struct verdict *verdict_settled(struct verdict_box *box)
{
    return atomic_load_explicit(&box->state, memory_order_acquire) == 2 ? &box->verdict : NULL;
}

const char *verdict_kind_name(enum verdict_kind kind)
{
    return kinds[kind].name;
}

int verdict_exit_status(const struct verdict *verdict, enum verdict_status_form form)
{
    if (verdict->kind == VERDICT_EXIT) {
        if (form == VERDICT_STATUS_QEMU) {
            return (int)((verdict->guest_status << 1 | 1) & 0xff);
        }
        return verdict->guest_status > GUEST_STATUS_MAX ? GUEST_STATUS_MAX
                                                        : (int)verdict->guest_status;
    }
    if (verdict->kind == VERDICT_SIGNAL) {
        return STATUS_SIGNAL_BASE + verdict->signal;
    }
    return kinds[verdict->kind].status;
}

bool verdict_is_quiet(const struct verdict *verdict)
{
    return kinds[verdict->kind].quiet ||
           (verdict->kind == VERDICT_EXIT && verdict->guest_status == 0);
}

bool verdict_wants_report(const struct verdict *verdict)
{
    return kinds[verdict->kind].report;
}

void verdict_line(const struct verdict *verdict, char *line, size_t size)
{
    char at[48] = "";

    if (kinds[verdict->kind].crash && verdict->cpu >= 0 && verdict->has_regs) {
        (void)snprintf(at, sizeof(at), " (cpu %d, rip 0x%" PRIx64 ")", verdict->cpu,
                       (uint64_t)verdict->regs.rip);
    } else if (kinds[verdict->kind].crash && verdict->cpu >= 0) {
        (void)snprintf(at, sizeof(at), " (cpu %d)", verdict->cpu);
    }
    if (verdict->kind == VERDICT_EXIT) {
        (void)snprintf(line, size, "guest exited with status %" PRIu32 "%s", verdict->guest_status,
                       verdict->guest_status > GUEST_STATUS_MAX ? " (reported as 119)" : "");
    } else {
        (void)snprintf(line, size, "%s%s", verdict->message, at);
    }
}

static void bytes_text(const struct verdict *verdict, char *text, size_t size)
{
    size_t used = 0;
    unsigned i;

    text[0] = '\0';
    for (i = 0; i < verdict->byte_num && used + 4 < size; i++) {
        used += (size_t)snprintf(text + used, size - used, i ? " %02x" : "%02x", verdict->bytes[i]);
    }
}

/* jansson's setters take NULL values as errors, so only the last result needs a look. */
static int set_hex(json_t *object, const char *key, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
    return json_object_set_new(object, key, json_string(text));
}

static int add_state(json_t *root, const struct verdict *verdict)
{
    json_t *regs = json_object(), *instruction = json_object();
    char bytes[3 * VERDICT_BYTES_MAX + 1];
    int failed = 0;
    unsigned i;

    for (i = 0; i < REGISTER_NAMES_NUM; i++) {
        failed |=
            set_hex(regs, register_name(i), register_value(&verdict->regs, &verdict->sregs, i));
    }
    bytes_text(verdict, bytes, sizeof(bytes));
    failed |= set_hex(instruction, "at", verdict->bytes_at);
    failed |= json_object_set_new(instruction, "bytes", json_string(bytes));
    failed |= json_object_set_new(root, "registers", regs);
    failed |= json_object_set_new(root, "instruction", instruction);
    return failed;
}

static json_t *to_json(const struct verdict *verdict, enum verdict_status_form form,
                       const struct history_line *exits, size_t exit_num, json_t *crash)
{
    char line[sizeof(verdict->message) + 64];
    json_t *root = json_object();
    int failed = 0;

    verdict_line(verdict, line, sizeof(line));
    failed |= json_object_set_new(root, "version", json_integer(JSON_VERSION));
    failed |= json_object_set_new(root, "kind", json_string(kinds[verdict->kind].name));
    failed |= json_object_set_new(root, "status", json_integer(verdict_exit_status(verdict, form)));
    failed |= json_object_set_new(root, "message", json_string(line));
    if (verdict->kind == VERDICT_EXIT) {
        failed |= json_object_set_new(root, "guest_status", json_integer(verdict->guest_status));
    }
    if (verdict->kind == VERDICT_SIGNAL) {
        failed |= json_object_set_new(root, "signal", json_integer(verdict->signal));
    }
    if (verdict->kind == VERDICT_INTERNAL_ERROR) {
        failed |= json_object_set_new(root, "suberror", json_integer(verdict->suberror));
    }
    if (verdict->kind == VERDICT_ENTRY_FAILURE) {
        failed |= set_hex(root, "hardware_reason", verdict->hardware_reason);
    }
    if (verdict->cpu >= 0) {
        failed |= json_object_set_new(root, "cpu", json_integer(verdict->cpu));
    }
    if (verdict->has_regs) {
        failed |= add_state(root, verdict);
    }
    failed |= json_object_set_new(root, "last_exits", history_json(exits, exit_num));
    if (crash) {
        failed |= json_object_set(root, "crash", crash);
    }
    if (failed) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t count = write(fd, text, len);

        if (count < 0 && errno != EINTR) {
            return -errno;
        }
        if (count > 0) {
            text += count;
            len -= (size_t)count;
        }
    }
    return 0;
}

int verdict_write_json(const struct verdict *verdict, enum verdict_status_form form,
                       const struct history_line *exits, size_t exit_num, json_t *crash, int fd)
{
    json_t *root;
    char *text;
    int result = -ENOMEM;

    /* All keys are ours: a random seed would open a file for nothing, which the sandbox forbids. */
    json_object_seed(1);
    root = to_json(verdict, form, exits, exit_num, crash);
    text = root ? json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
    if (text) {
        result = write_all(fd, text, strlen(text));
        if (result == 0) {
            result = write_all(fd, "\n", 1);
        }
    }
    free(text);
    json_decref(root);
    return result;
}
