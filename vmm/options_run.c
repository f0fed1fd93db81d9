/*
 * options_run.c - the options of `acre run`: a table, and one small function for each option that
 * checks its value and stores it.
 */
#include "vmm/options_shared.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/kvm_dirty_ring.h"
#include "vmm/trace_spec.h"

SET_STRING(initrd)
SET_STRING(result)
SET_STRING(kvm_path)
SET_FLAG(reboot)
SET_FLAG(audit)
SET_FLAG(verbose)
SET_STRING(monitor)
SET_STRING(gdb)
SET_FLAG(start_held)
SET_STRING(save_dir)
SET_STRING(core)

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

static int set_gdb_arch(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    if (strcmp(value, "i386") == 0) {
        options->gdb_arch = RUN_GDB_I386;
    } else if (strcmp(value, "x86-64") == 0) {
        options->gdb_arch = RUN_GDB_X86_64;
    } else {
        return error_set(err, EINVAL, "%s: neither i386 nor x86-64", value);
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

static int add_watch(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    if (options->watch_num == RUN_WATCHES_MAX) {
        return error_set(err, EINVAL, "more than %d watches", RUN_WATCHES_MAX);
    }
    return watch_parse(value, &options->watches[options->watch_num++], err);
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

static int set_crash_report(void *target, const char *value, struct error *err)
{
    static const char *const forms[] = {
        [CRASH_FORM_NONE] = "none", [CRASH_FORM_SHORT] = "short", [CRASH_FORM_FULL] = "full"};
    unsigned i;

    for (i = 0; i < NUM(forms); i++) {
        if (strcmp(value, forms[i]) == 0) {
            ((struct run_options *)target)->crash_form = i;
            return 0;
        }
    }
    return error_set(err, EINVAL, "%s: wants none, short or full", value);
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

static int add_stats(void *target, const char *value, struct error *err)
{
    static const char *const formats[] = {
        [STATS_TEXT] = "text", [STATS_JSON] = "json", [STATS_SVG] = "svg"};
    struct run_options *options = target;
    size_t len = value ? strcspn(value, ":") : 0, format = STATS_TEXT;
    struct stats_output *output = &options->stats[options->stats_num];

    if (options->stats_num == RUN_STATS_MAX) {
        return error_set(err, EINVAL, "more than %d of them", RUN_STATS_MAX);
    }
    while (value && format < NUM(formats) &&
           (strlen(formats[format]) != len || strncmp(value, formats[format], len) != 0)) {
        format++;
    }
    if (format == NUM(formats) || (value && value[len] == ':' && value[len + 1] == '\0')) {
        return error_set(err, EINVAL, "%s: wants text, json or svg, and :FILE if not on stderr",
                         value);
    }
    *output = (struct stats_output){.format = (unsigned)format,
                                    .path = value && value[len] == ':' ? value + len + 1 : NULL};
    options->stats_num++;
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

static int add_trace(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;
    struct trace_spec spec;
    int ret;

    if (strcmp(value, "help") == 0) {
        options->trace_help = true;
        return 0;
    }
    ret = trace_spec_parse(value, &spec, err);
    if (ret == 0 && options->trace_num == RUN_TRACES_MAX) {
        return error_set(err, EINVAL, "more than %d traces", RUN_TRACES_MAX);
    }
    if (ret == 0) {
        options->traces[options->trace_num++] = value;
    }
    return ret;
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
    OPTION_RTC,
    OPTION_WATCHDOG_ACTION,
    {0, "timeout", "SECONDS", "end the run after that time (status 124)", set_timeout},
    {0, "reboot", NULL, "a reset starts the guest again", set_reboot},
    {0, "result", "FILE", "write how the run ended, as JSON", set_result},
    {0, "exit-status", "raw|qemu", "the guest's value, or (value << 1) | 1", set_exit_status},
    {0, "crash-report", "none|short|full", "on stderr, of crashes, hangs and time-outs",
     set_crash_report},
    {0, "debug", "WORDS", "show tree,view,slots,commits on stderr", option_add_debug},
    {0, "trace", "EVENTS[=FILE]", "write what happens: pio,mmio,irq,commit... (help lists)",
     add_trace},
    {0, "watch", "GPA[:LEN][:r|w|rw]", "tell of accesses to that memory (repeatable)", add_watch},
    {0, "stats", "[=FORMAT[:FILE]]", "profile exits; text, json or svg, at the end", add_stats},
    {0, "audit", NULL, "check the KVM slots against the view after each commit", set_audit},
    {0, "monitor", "unix:PATH", "take QMP commands there (see acre monitor)", set_monitor},
    {0, "gdb", "[HOST:]PORT|unix:PATH", "wait there for gdb's target remote", set_gdb},
    {0, "gdb-arch", "i386|x86-64", "registers for gdb (default: as the kernel's ELF class)",
     set_gdb_arch},
    {'S', NULL, NULL, "start stopped, until a monitor or gdb lets it go", set_start_held},
    {0, "save-dir", "DIR", "where commands of the monitor may write files", set_save_dir},
    {0, "core", "FILE", "write an ELF core there when the guest crashes or hangs", set_core},
    {0, "dirty-ring", "N", "log written pages in rings of N entries", set_dirty_ring},
    {0, "sandbox", "on|off", "capabilities and system calls (default on)", set_sandbox},
    {0, "kvm", "PATH", "the KVM device (default /dev/kvm)", set_kvm_path},
    {'v', "verbose", NULL, "say what was chosen and why", set_verbose},
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

int run_options_parse(int argc, char **argv, struct run_options *options, struct error *err)
{
    int ret;

    options_set_defaults(options);
    ret = options_parse(run_specs, NUM(run_specs), argc, argv, options, set_kernel, err);
    if (ret < 0 || options->help || options->board_help || options->trace_help ||
        (options->debug & DEBUG_HELP)) {
        return ret;
    }
    if (!options->kernel) {
        return error_set(err, EINVAL, "no kernel given (usage: acre run [options] KERNEL)");
    }
    if (options->gdb_arch != RUN_GDB_AUTO && !options->gdb) {
        return error_set(err, EINVAL, "--gdb-arch: wants --gdb");
    }
    if (options->start_held && !options->monitor && !options->gdb) {
        return error_set(err, EINVAL,
                         "-S: wants --monitor or --gdb, or nobody could let the guest go");
    }
    return 0;
}

int run_options_print(int fd)
{
    (void)dprintf(fd, "usage: acre run [options] KERNEL\n"
                      "Boots a guest; its serial port is stdin and stdout, its exit status ours.\n"
                      "On a terminal, Ctrl-A x ends the run and Ctrl-A h lists the keys.\n\n");
    return options_print(fd, run_specs, NUM(run_specs));
}
