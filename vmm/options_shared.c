/*
 * options_shared.c - the options of `acre run` that `acre inspect` takes as well.
 */
#include "vmm/options_shared.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/board_fw_cfg.h"
#include "vmm/rtc_base.h"
#include "vmm/sandbox.h"
#include "vmm/watchdog_action.h"

int option_set_dump_dtb(void *target, const char *value, struct error *err)
{
    (void)err;
    ((struct run_options *)target)->dump_dtb = value;
    return 0;
}

int option_set_append(void *target, const char *value, struct error *err)
{
    (void)err;
    ((struct run_options *)target)->append = value;
    return 0;
}

int option_set_help(void *target, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    ((struct run_options *)target)->help = true;
    return 0;
}

int option_set_ram_size(void *target, const char *value, struct error *err)
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

int option_set_board(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    (void)err;
    options->board = value;
    options->board_help = strcmp(value, "help") == 0;
    return 0;
}

int option_add_overlay(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    if (options->overlay_num == RUN_OVERLAYS_MAX) {
        return error_set(err, EINVAL, "more than %d overlays", RUN_OVERLAYS_MAX);
    }
    options->overlays[options->overlay_num++] = value;
    return 0;
}

int option_set_cpu_num(void *target, const char *value, struct error *err)
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

int option_add_fw_cfg(void *target, const char *value, struct error *err)
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

int option_add_serial(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    if (options->serial_num == BOARD_SERIALS) {
        return error_set(err, EINVAL, "more than %u serial ports", BOARD_SERIALS);
    }
    return console_backend_parse(value, &options->serials[options->serial_num++], err);
}

int option_set_debugcon(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    return console_backend_parse(value, &options->debugcon, err);
}

int option_set_rtc_base(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    int64_t shown;

    if (rtc_base_seconds(value, 0, &shown) < 0) {
        return error_set(err, EINVAL, "%s: wants " RTC_BASE_FORMS, value);
    }
    options->rtc_base = value;
    return 0;
}

int option_set_watchdog_action(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    enum device_watchdog_action action;

    if (watchdog_action_parse(value, &action) < 0) {
        return error_set(err, EINVAL, "%s: not one of " WATCHDOG_ACTIONS, value);
    }
    options->watchdog_action = value;
    return 0;
}

static const struct {
    const char *word;
    unsigned what; /* enum debug_what */
    const char *help;
} debug_words[] = {
    {"tree", DEBUG_TREE, "the region tree at start, as QEMU's info mtree"},
    {"view", DEBUG_VIEW, "the flat view at start, as QEMU's info mtree -f"},
    {"slots", DEBUG_SLOTS, "the KVM memory slots at start"},
    {"commits", DEBUG_COMMITS, "what each commit changes: ranges, slots, ioctls"},
    {"all", DEBUG_ALL, "all of these"},
    {"help", DEBUG_HELP, "this list"},
};

/* Where to look for what these words do not show. */
static const char debug_others[] =
    "\nof a run, also:\n"
    "  --trace EVENTS         accesses, exits, interrupts, MSRs, commits, slots as they happen\n"
    "  --watch GPA            accesses to some memory\n"
    "  --stats                exits by reason, register and instruction, at the end\n"
    "  --crash-report full    all that is known of a guest that died\n"
    "  --audit                slots are checked against the view\n"
    "  --monitor, --gdb       commands and a debugger while it runs\n"
    "  -v                     what was chosen, and why\n"
    "without one: acre inspect --why ADDR, --format svg, --diff BOARD\n";

int option_add_debug(void *target, const char *value, struct error *err)
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
        options->debug |= debug_words[i].what;
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
    ret = ret < 0 ? ret : dprintf(fd, "%s", debug_others);
    return ret < 0 ? -errno : 0;
}

void options_set_defaults(struct run_options *options)
{
    *options = (struct run_options){
        .board = "pc",
        .kvm_path = "/dev/kvm",
        .sandbox = sandbox_default(),
        .crash_form = CRASH_FORM_SHORT,
    };
}
