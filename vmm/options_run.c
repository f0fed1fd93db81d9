/*
 * options_run.c - the options of `acre run` and `acre inspect`: a table each, and one small
 * function for each option that checks its value and stores it.
 */
#include "vmm/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/board_fw_cfg.h"
#include "vmm/kvm_dirty_ring.h"
#include "vmm/rtc_base.h"
#include "vmm/sandbox.h"
#include "vmm/watchdog_action.h"

#define NUM(array) (sizeof(array) / sizeof((array)[0]))

/* A function that stores its value as it is. */
#define SET_STRING(field)                                                                          \
    static int set_##field(void *target, const char *value, struct error *err)                     \
    {                                                                                              \
        struct run_options *options = target;                                                      \
                                                                                                   \
        (void)err;                                                                                 \
        options->field = value;                                                                    \
        return 0;                                                                                  \
    }
#define SET_FLAG(field)                                                                            \
    static int set_##field(void *target, const char *value, struct error *err)                     \
    {                                                                                              \
        struct run_options *options = target;                                                      \
                                                                                                   \
        (void)value;                                                                               \
        (void)err;                                                                                 \
        options->field = true;                                                                     \
        return 0;                                                                                  \
    }

SET_STRING(dump_dtb)
SET_STRING(append)
SET_STRING(initrd)
SET_STRING(result)
SET_STRING(kvm_path)
SET_STRING(qemu_mtree)
SET_STRING(qemu_flat)
SET_STRING(diff_board)
SET_FLAG(reboot)
SET_FLAG(audit)
SET_FLAG(verbose)
SET_FLAG(help)

static int set_ram_size(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    uint64_t bytes = 0;
    int ret = options_size(value, &bytes);

    if (ret == -EINVAL) {
        return error_set(err, EINVAL, "%s: not a size (try 128M or 1G)", value);
    }
    if (ret == -ERANGE || bytes > RUN_RAM_MAX) {
        return error_set(err, EINVAL, "%s: more than 1T of memory is not supported", value);
    }
    if (bytes < RUN_RAM_MIN) {
        if (bytes > 0 && bytes < 4096 && strspn(value, "0123456789") == strlen(value)) {
            return error_set(err, EINVAL, "%s: less than 64K of memory (did you mean %sM?)", value,
                             value);
        }
        return error_set(err, EINVAL, "%s: less than 64K of memory", value);
    }
    if (bytes % 4096 != 0) {
        return error_set(err, EINVAL, "%s: not a multiple of 4K", value);
    }
    options->ram_size = bytes;
    return 0;
}

static int set_board(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    (void)err;
    options->board = value;
    options->board_help = strcmp(value, "help") == 0;
    return 0;
}

static int add_overlay(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    if (options->overlay_num == RUN_OVERLAYS_MAX) {
        return error_set(err, EINVAL, "more than %d overlays", RUN_OVERLAYS_MAX);
    }
    options->overlays[options->overlay_num++] = value;
    return 0;
}

static int set_cpu_num(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    uint64_t num;
    const char *end;

    if (options_number(value, &num, &end) < 0 || *end != '\0' || num < 1 || num > RUN_CPUS_MAX) {
        return error_set(err, EINVAL, "%s: not a number of CPUs (1..%d)", value, RUN_CPUS_MAX);
    }
    options->cpu_num = (unsigned)num;
    return 0;
}

static int set_boot(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    if (boot_kind_parse(value, &options->boot_kind) < 0) {
        return error_set(err, EINVAL,
                         "%s: not a boot kind (auto, pvh, multiboot2, multiboot1, elf, flat16, "
                         "flat32, flat64)",
                         value);
    }
    return 0;
}

static int set_flat(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    uint64_t bits, addr = 0;
    const char *end;
    bool given = false;

    if (options_number(value, &bits, &end) < 0 || (bits != 16 && bits != 32 && bits != 64)) {
        return error_set(err, EINVAL, "%s: wants 16, 32 or 64, and @ADDR if it matters", value);
    }
    if (*end == '@') {
        given = true;
        if (options_number(end + 1, &addr, &end) < 0) {
            return error_set(err, EINVAL, "%s: not an address after @", value);
        }
    }
    if (*end != '\0') {
        return error_set(err, EINVAL, "%s: wants 16, 32 or 64, and @ADDR if it matters", value);
    }
    options->boot_kind = bits == 16 ? BOOT_FLAT16 : bits == 32 ? BOOT_FLAT32 : BOOT_FLAT64;
    options->flat_addr_given = given;
    options->flat_addr = addr;
    return 0;
}

static int add_module(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    if (value[0] == ' ') {
        return error_set(err, EINVAL, "%s: wants a file before the space", value);
    }
    if (options->module_num == RUN_MODULES_MAX) {
        return error_set(err, EINVAL, "more than %d modules", RUN_MODULES_MAX);
    }
    options->modules[options->module_num++] = value;
    return 0;
}

static int add_fw_cfg(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    int ret = fw_cfg_text_check(value, err);

    if (ret == 0 && options->fw_cfg_num == RUN_FW_CFG_MAX) {
        return error_set(err, EINVAL, "more than %d files", RUN_FW_CFG_MAX);
    }
    if (ret == 0) {
        options->fw_cfg[options->fw_cfg_num++] = value;
    }
    return ret;
}

static int add_serial(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    if (options->serial_num == BOARD_SERIALS) {
        return error_set(err, EINVAL, "more than %u serial ports", BOARD_SERIALS);
    }
    return console_backend_parse(value, &options->serials[options->serial_num++], err);
}

static int set_debugcon(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    return console_backend_parse(value, &options->debugcon, err);
}

static int set_timeout(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    int ret = options_seconds(value, &options->timeout_ns);

    if (ret == -ERANGE) {
        return error_set(err, EINVAL, "%s: more than 292 years", value);
    }
    if (ret < 0 || options->timeout_ns == 0) {
        return error_set(err, EINVAL, "%s: not a number of seconds above 0", value);
    }
    return 0;
}

static int set_rtc_base(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    int64_t shown;

    if (rtc_base_seconds(value, 0, &shown) < 0) {
        return error_set(err, EINVAL, "%s: wants " RTC_BASE_FORMS, value);
    }
    options->rtc_base = value;
    return 0;
}

static int set_watchdog_action(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    enum device_watchdog_action action;

    if (watchdog_action_parse(value, &action) < 0) {
        return error_set(err, EINVAL, "%s: not one of " WATCHDOG_ACTIONS, value);
    }
    options->watchdog_action = value;
    return 0;
}

static int set_exit_status(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    if (strcmp(value, "raw") != 0 && strcmp(value, "qemu") != 0) {
        return error_set(err, EINVAL, "%s: wants raw or qemu", value);
    }
    options->exit_status_qemu = value[0] == 'q';
    return 0;
}

static int set_dirty_ring(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    uint64_t num;
    const char *end;

    if (options_number(value, &num, &end) < 0 || *end != '\0' || num < KVM_DIRTY_RING_MIN ||
        num > KVM_DIRTY_RING_MAX || (num & (num - 1)) != 0) {
        return error_set(err, EINVAL, "%s: not a power of two in %d..%d", value, KVM_DIRTY_RING_MIN,
                         KVM_DIRTY_RING_MAX);
    }
    options->dirty_ring = (uint32_t)num;
    return 0;
}

static int set_sandbox(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) {
        return error_set(err, EINVAL, "%s: wants on or off", value);
    }
    options->sandbox = value[1] == 'n';
    return 0;
}

static const struct {
    const char *word;
    enum debug_what what;
    const char *help;
} debug_words[] = {
    {"tree", DEBUG_TREE, "the region tree at start, as QEMU's info mtree"},
    {"view", DEBUG_VIEW, "the flat view at start, as QEMU's info mtree -f"},
    {"slots", DEBUG_SLOTS, "the KVM memory slots at start"},
    {"commits", DEBUG_COMMITS, "what each commit changes: ranges, slots, ioctls"},
    {"help", DEBUG_HELP, "this list"},
};

static int add_debug(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    const char *word = value;
    size_t len, i;

    for (;;) {
        len = strcspn(word, ",");
        for (i = 0; i < NUM(debug_words); i++) {
            if (strlen(debug_words[i].word) == len && !memcmp(debug_words[i].word, word, len)) {
                break;
            }
        }
        if (i == NUM(debug_words)) {
            return error_set(err, EINVAL, "'%.*s': nothing to show by that name (try --debug help)",
                             (int)(len < 64 ? len : 64), word);
        }
        options->debug |= (unsigned)debug_words[i].what;
        if (word[len] == '\0') {
            return 0;
        }
        word += len + 1;
    }
}

int debug_words_print(int fd)
{
    int ret = 0;
    size_t i;

    for (i = 0; i < NUM(debug_words) && ret >= 0; i++) {
        ret = dprintf(fd, "  %-9s %s\n", debug_words[i].word, debug_words[i].help);
    }
    return ret < 0 ? -errno : 0;
}

#define OPTION_RAM                                                                                 \
    {                                                                                              \
        'm', "memory", "SIZE", "memory of the guest, 64K to 1T (default: the board's)",            \
            set_ram_size                                                                           \
    }
#define OPTION_CPUS                                                                                \
    {                                                                                              \
        0, "cpus", "N", "CPUs of the guest (default 1)", set_cpu_num                               \
    }
#define OPTION_BOARD                                                                               \
    {                                                                                              \
        0, "board", "NAME|FILE", "the machine, a .dtb or .dts (default pc; help lists)", set_board \
    }
#define OPTION_OVERLAY                                                                             \
    {                                                                                              \
        0, "overlay", "FILE", "change the board by a .dtbo or .dts (repeatable)", add_overlay      \
    }
#define OPTION_DUMP_DTB                                                                            \
    {                                                                                              \
        0, "dump-dtb", "FILE", "write the board's device tree, edits included", set_dump_dtb       \
    }
#define OPTION_FW_CFG                                                                              \
    {                                                                                              \
        0, "fw-cfg", "NAME,file=PATH", "a file in fw_cfg; or NAME,string=TEXT (repeatable)",       \
            add_fw_cfg                                                                             \
    }
#define OPTION_SERIAL                                                                              \
    {                                                                                              \
        0, "serial", "BACKEND", "a serial port: stdio, null, pty, file:PATH, unix:PATH",           \
            add_serial                                                                             \
    }
#define OPTION_DEBUGCON                                                                            \
    {                                                                                              \
        0, "debugcon", "BACKEND", "the debug console (default: with the first port)", set_debugcon \
    }
#define OPTION_APPEND                                                                              \
    {                                                                                              \
        0, "append", "TEXT", "the kernel's command line", set_append                               \
    }
#define OPTION_HELP                                                                                \
    {                                                                                              \
        'h', "help", NULL, "this text", set_help                                                   \
    }

static int set_format(void *target, const char *value, struct error *err)
{
    static const char *const names[] = {
        [INSPECT_TEXT] = "text",
        [INSPECT_JSON] = "json",
        [INSPECT_DOT] = "dot",
        [INSPECT_SVG] = "svg",
    };
    struct run_options *options = target;
    size_t i;

    for (i = 0; i < NUM(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            options->format = (enum inspect_format)i;
            return 0;
        }
    }
    return error_set(err, EINVAL, "%s: not a format (text, json, dot, svg)", value);
}

static int set_space(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    options->space_io = strcmp(value, "io") == 0;
    return options->space_io || strcmp(value, "memory") == 0
               ? 0
               : error_set(err, EINVAL, "%s: not a space (memory, io)", value);
}

static int set_why(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    options->why_given = true;
    return why_parse(value, &options->why, err);
}

static const struct option_spec run_specs[] = {
    OPTION_RAM,
    OPTION_CPUS,
    OPTION_BOARD,
    OPTION_OVERLAY,
    OPTION_DUMP_DTB,
    OPTION_FW_CFG,
    OPTION_SERIAL,
    OPTION_DEBUGCON,
    {0, "boot", "KIND", "auto, pvh, multiboot2, multiboot1, elf or flat16..64", set_boot},
    {0, "flat", "16|32|64[@ADDR]", "a flat binary, started in that mode", set_flat},
    {0, "initrd", "FILE", "initial RAM disk: the first module", set_initrd},
    {0, "module", "'FILE[ TEXT]'", "one more module, and what it is told (repeatable)", add_module},
    OPTION_APPEND,
    {0, "rtc", "utc|localtime|DATE", "the clock's start, DATE as 2006-06-17T16:01:21",
     set_rtc_base},
    {0, "watchdog-action", "ACTION", "on expiry: exit (default), reset, poweroff, none",
     set_watchdog_action},
    {0, "timeout", "SECONDS", "end the run after that time (status 124)", set_timeout},
    {0, "reboot", NULL, "a reset starts the guest again", set_reboot},
    {0, "result", "FILE", "write how the run ended, as JSON", set_result},
    {0, "exit-status", "raw|qemu", "the guest's value, or (value << 1) | 1", set_exit_status},
    {0, "debug", "WORDS", "show tree,view,slots,commits on stderr", add_debug},
    {0, "audit", NULL, "check the KVM slots against the view after each commit", set_audit},
    {0, "dirty-ring", "N", "log written pages in rings of N entries", set_dirty_ring},
    {0, "sandbox", "on|off", "capabilities and system calls (default on)", set_sandbox},
    {0, "kvm", "PATH", "the KVM device (default /dev/kvm)", set_kvm_path},
    {'v', "verbose", NULL, "say what was chosen and why", set_verbose},
    OPTION_HELP,
};

static const struct option_spec inspect_specs[] = {
    OPTION_RAM,
    OPTION_CPUS,
    OPTION_BOARD,
    OPTION_OVERLAY,
    OPTION_APPEND,
    OPTION_DUMP_DTB,
    OPTION_FW_CFG,
    OPTION_SERIAL,
    OPTION_DEBUGCON,
    {0, "format", "FORMAT", "text (default), json, dot or svg", set_format},
    {0, "space", "memory|io", "what --format svg draws (default memory)", set_space},
    {0, "why", "ADDR|io:PORT", "who answers there and why, and what accesses do", set_why},
    {0, "diff", "BOARD", "how that board differs: status 0 or 1", set_diff_board},
    {0, "debug", "WORDS", "show only tree,view,slots,commits", add_debug},
    {0, "qemu-mtree", "FILE", "show what acre makes of QEMU's `info mtree -D`", set_qemu_mtree},
    {0, "qemu-flat", "FILE", "compare with `info mtree -f`: status 0, 1 or 2", set_qemu_flat},
    OPTION_HELP,
};

static int set_kernel(void *target, const char *arg, struct error *err)
{
    struct run_options *options = target;

    if (options->help) {
        return 0; /* whatever else is there, help is what is wanted */
    }
    if (arg[0] == '\0') {
        return error_set(err, EINVAL, "the kernel's name is empty");
    }
    if (options->kernel) {
        return error_set(err, EINVAL, "%s: a second kernel (the first is %s)", arg,
                         options->kernel);
    }
    options->kernel = arg;
    return 0;
}

static int refuse_argument(void *target, const char *arg, struct error *err)
{
    (void)target;
    return error_set(err, EINVAL, "%s: takes options only", arg);
}

static void set_defaults(struct run_options *options)
{
    *options = (struct run_options){
        .board = "pc",
        .kvm_path = "/dev/kvm",
        .sandbox = sandbox_default(),
    };
}

int run_options_parse(int argc, char **argv, struct run_options *options, struct error *err)
{
    int ret;

    set_defaults(options);
    ret = options_parse(run_specs, NUM(run_specs), argc, argv, options, set_kernel, err);
    if (ret < 0 || options->help || options->board_help || (options->debug & DEBUG_HELP)) {
        return ret;
    }
    if (!options->kernel) {
        return error_set(err, EINVAL, "no kernel given (usage: acre run [options] KERNEL)");
    }
    return 0;
}

int inspect_options_parse(int argc, char **argv, struct run_options *options, struct error *err)
{
    int ret;

    set_defaults(options);
    ret =
        options_parse(inspect_specs, NUM(inspect_specs), argc, argv, options, refuse_argument, err);
    if (ret == 0 && options->qemu_flat && !options->qemu_mtree) {
        return error_set(err, EINVAL, "--qemu-flat: wants --qemu-mtree, too");
    }
    return ret;
}

int run_options_print(int fd)
{
    (void)dprintf(fd, "usage: acre run [options] KERNEL\n"
                      "Boots a guest; its serial port is stdin and stdout, its exit status ours.\n"
                      "On a terminal, Ctrl-A x ends the run and Ctrl-A h lists the keys.\n\n");
    return options_print(fd, run_specs, NUM(run_specs));
}

int inspect_options_print(int fd)
{
    (void)dprintf(fd, "usage: acre inspect [options]\n"
                      "Shows a board's region tree, flat view and memory slots; needs no KVM.\n\n");
    return options_print(fd, inspect_specs, NUM(inspect_specs));
}
