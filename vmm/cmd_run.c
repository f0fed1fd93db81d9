/*
 * cmd_run.c - `acre run`: opens what the options name, lets a machine run, tells how it ended.
 */
#include "vmm/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cmd_board.h"
#include "vmm/cmd_files.h"
#include "vmm/crash.h"
#include "vmm/log.h"
#include "vmm/machine.h"
#include "vmm/options.h"
#include "vmm/service.h"
#include "vmm/trace_spec.h"

struct run {
    struct run_options options;
    struct boot_module_file modules[RUN_MODULES_MAX + 1]; /* an initrd before the others */
    char *module_paths[RUN_MODULES_MAX + 1];              /* ours: the part before the space */
    size_t module_num;
    int kernel_fd, result_fd; /* -1: none */
    struct services services;
    uint64_t begin_ns;          /* of this process */
    struct history_line *exits; /* for the result; ours */
    size_t exit_num;
    bool has_crash;
    struct crash crash;
};

/* Opened without waiting, so that a FIFO by mistake is an error and no hang. */
static int open_file(const char *path, int *fd, struct error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return *fd < 0 ? error_set_errno(err, errno, "%s", path) : 0;
}

/* @text  "FILE" or "FILE words"; an initrd's is a path as it is. */
static int add_module(struct run *run, const char *text, bool initrd, struct error *err)
{
    struct boot_module_file *module = &run->modules[run->module_num];
    char *path = initrd ? strdup(text) : strndup(text, strcspn(text, " "));
    int ret;

    if (!path) {
        return error_set_errno(err, ENOMEM, "%s", text);
    }
    ret = open_file(path, &module->fd, err);
    if (ret < 0) {
        free(path);
        return ret;
    }
    module->path = path;
    module->cmdline = initrd ? "" : text;
    run->module_paths[run->module_num++] = path;
    return 0;
}

static int open_files(struct run *run, struct error *err)
{
    const struct run_options *options = &run->options;
    size_t i;
    int ret = 0;

    /* First, so that it never tells of an earlier run: what fails from here on is written there. */
    if (options->result) {
        ret = cmd_create_file(options->result, &run->result_fd, err);
    }
    if (ret == 0) {
        ret = open_file(options->kernel, &run->kernel_fd, err);
    }
    if (ret == 0 && options->initrd) {
        ret = add_module(run, options->initrd, true, err);
    }
    for (i = 0; i < options->module_num && ret == 0; i++) {
        ret = add_module(run, options->modules[i], false, err);
    }
    return ret;
}

static void close_files(struct run *run)
{
    size_t i;

    for (i = 0; i < run->module_num; i++) {
        (void)close(run->modules[i].fd);
        free(run->module_paths[i]);
    }
    if (run->kernel_fd >= 0) {
        (void)close(run->kernel_fd);
    }
    if (run->result_fd >= 0) {
        (void)close(run->result_fd);
    }
}

static int start_services(void *opaque, struct machine *machine, struct error *err)
{
    return services_start(&((struct run *)opaque)->services, machine, err);
}

static void stop_services(void *opaque, struct machine *machine)
{
    (void)machine;
    services_stop(&((struct run *)opaque)->services);
}

static void say_chosen(void *opaque, const char *line)
{
    (void)opaque;
    log_note("%s", line);
}

static void say_line(void *opaque, const char *text)
{
    (void)opaque;
    log_note("%s", text);
}

/* What the machine knows of its end and nobody can ask any more once it is left. */
static void collect(struct run *run, struct machine *machine, const struct verdict *verdict)
{
    run->has_crash = verdict_wants_report(verdict);
    if (run->result_fd >= 0 || run->has_crash) {
        run->exit_num = machine_history(machine, &run->exits);
    }
    if (run->has_crash &&
        crash_init(&run->crash, machine, verdict, run->exits, run->exit_num) < 0) {
        run->has_crash = false;
        log_warn("crash report: %s", strerror(ENOMEM));
    }
}

/* Runs a machine to its verdict. Returns: 0; -errno when it could not begin. */
static int run_machine(struct run *run, struct verdict *verdict, struct error *err)
{
    const struct run_options *options = &run->options;
    struct machine_config config = {
        .boot =
            {
                .path = options->kernel,
                .fd = run->kernel_fd,
                .kind = options->boot_kind,
                .flat_addr_given = options->flat_addr_given,
                .flat_addr = options->flat_addr,
                .modules = run->modules,
                .module_num = run->module_num,
            },
        .in_fd = STDIN_FILENO,
        .out_fd = STDOUT_FILENO,
        .debugcon = options->debugcon,
        .timeout_ns = options->timeout_ns,
        .reboot = options->reboot,
        .dirty_ring = options->dirty_ring,
        .start_held = options->start_held,
        .registers = run->result_fd >= 0,
        .sandbox = options->sandbox,
        .audit = options->audit,
        .kvm_path = options->kvm_path,
        .begin_ns = run->begin_ns,
        .restartable = services_restart(&run->services),
        .ready = start_services,
        .finished = stop_services,
        .chosen = options->verbose ? say_chosen : NULL,
        .opaque = run,
    };
    struct machine *machine;
    int ret = cmd_open_board(options, &config.board, err);

    if (ret < 0) {
        return ret;
    }
    machine = malloc(sizeof(*machine));
    if (!machine) {
        board_free(config.board);
        return error_set_errno(err, ENOMEM, "machine");
    }
    memcpy(config.serials, options->serials, sizeof(config.serials));
    config.cpu_num = board_cpu_num(config.board);
    config.boot.append = board_bootargs(config.board);
    ret = machine_init(machine, &config, err);
    if (ret < 0) {
        free(machine);
        return ret;
    }
    machine_run(machine, verdict);
    collect(run, machine, verdict);
    machine_leave(machine);
    return 0;
}

static enum crash_form crash_form(const struct run *run)
{
    const struct run_options *options = &run->options;

    return options->crash_form == CRASH_FORM_SHORT && options->verbose ? CRASH_FORM_FULL
                                                                       : options->crash_form;
}

static int write_result(const struct run *run, const struct verdict *verdict,
                        enum verdict_status_form form)
{
    json_t *crash = run->has_crash ? crash_json(&run->crash) : NULL;
    int ret = verdict_write_json(verdict, form, run->exits, run->exit_num, crash, run->result_fd);

    json_decref(crash);
    return ret;
}

/* Tells the user, the result file and the caller how it ended. */
static int report(const struct run *run, const struct verdict *verdict)
{
    enum verdict_status_form form =
        run->options.exit_status_qemu ? VERDICT_STATUS_QEMU : VERDICT_STATUS_PLAIN;
    char line[LOG_LINE_MAX];
    int ret;

    if (run->options.verbose || !verdict_is_quiet(verdict)) {
        verdict_line(verdict, line, sizeof(line));
        if (verdict->kind == VERDICT_FAULT) {
            log_error("%s", line);
        } else {
            log_note("%s", line);
        }
    }
    if (run->has_crash) {
        crash_print(&run->crash, crash_form(run), say_line, NULL);
    }
    if (run->result_fd >= 0) {
        ret = write_result(run, verdict, form);
        if (ret < 0) {
            log_error("%s: %s", run->options.result, strerror(-ret));
            return STATUS_ACRE_FAILED;
        }
    }
    return verdict_exit_status(verdict, form);
}

int cmd_run(int argc, char **argv)
{
    struct run run = {.kernel_fd = -1, .result_fd = -1, .begin_ns = time_line_process_ns()};
    struct verdict verdict;
    struct error err;
    int ret, status;

    ret = run_options_parse(argc, argv, &run.options, &err);
    if (ret == 0 && run.options.help) {
        return cmd_stdout_status(run_options_print(STDOUT_FILENO));
    }
    if (ret == 0 && run.options.board_help) {
        return cmd_stdout_status(cmd_list_boards(STDOUT_FILENO));
    }
    if (ret == 0 && run.options.trace_help) {
        return cmd_stdout_status(trace_events_print(STDOUT_FILENO));
    }
    if (ret == 0 && (run.options.debug & DEBUG_HELP)) {
        return cmd_stdout_status(debug_words_print(STDOUT_FILENO));
    }
    if (ret == 0) {
        ret = open_files(&run, &err);
    }
    if (ret == 0) {
        ret = services_open(&run.services, &run.options, &err);
    }
    if (ret == 0) {
        ret = run_machine(&run, &verdict, &err);
    }
    if (ret < 0) {
        verdict_make(&verdict, VERDICT_FAULT, "%s", err.text);
    }
    status = report(&run, &verdict);
    services_close(&run.services);
    close_files(&run);
    crash_finish(&run.crash);
    free(run.exits);
    return status;
}
