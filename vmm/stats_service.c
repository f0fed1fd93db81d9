/*
 * stats_service.c - --stats: profiles the run, and writes the profile when it is over, after all
 * that the guest and acre had to say. The monitor's profile is the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cmd_files.h"
#include "vmm/log.h"
#include "vmm/profile_report.h"
#include "vmm/service.h"

struct stats_file {
    struct stats_output output;
    int fd; /* -1: stderr */
    char *text;
    size_t len; /* made when the machine ended */
};

struct stats {
    struct machine *machine; /* NULL: not started */
    size_t num;
    struct stats_file files[RUN_STATS_MAX];
};

static void close_stats(void *state)
{
    struct stats *stats = state;
    size_t i, done;
    ssize_t n;

    for (i = 0; i < stats->num; i++) {
        struct stats_file *file = &stats->files[i];

        for (done = 0; done < file->len; done += (size_t)n) {
            n = write(file->fd < 0 ? STDERR_FILENO : file->fd, file->text + done, file->len - done);
            if (n <= 0 && errno != EINTR) {
                log_error("--stats: %s: %s", file->output.path ? file->output.path : "stderr",
                          strerror(errno));
                break;
            }
            n = n < 0 ? 0 : n;
        }
        if (file->fd >= 0) {
            (void)close(file->fd);
        }
        free(file->text);
    }
    free(stats);
}

static int open_stats(const struct run_options *options, void **state, struct error *err)
{
    struct stats *stats;
    int ret = 0;
    size_t i;

    if (options->stats_num == 0 && !options->monitor) {
        return 0;
    }
    stats = calloc(1, sizeof(*stats));
    if (!stats) {
        return error_set_errno(err, ENOMEM, "--stats");
    }
    json_object_seed(0); /* opens a file, which the sandbox would not let later */
    for (i = 0; i < options->stats_num && ret == 0; i++) {
        stats->files[i] = (struct stats_file){.output = options->stats[i], .fd = -1};
        stats->num++;
        if (options->stats[i].path) {
            ret = cmd_create_file(options->stats[i].path, &stats->files[i].fd, err);
        }
    }
    if (ret < 0) {
        error_prefix(err, "--stats");
        close_stats(stats);
        return ret;
    }
    *state = stats;
    return 0;
}

static int start_stats(void *state, struct machine *machine, struct error *err)
{
    struct stats *stats = state;

    stats->machine = machine;
    return profiler_start(machine, err);
}

static void write_file(void *opaque, const char *text, size_t len)
{
    (void)fwrite(text, 1, len, opaque);
}

/* Returns: 0; -ENOMEM. */
static int make_json(const struct profile_report *report, FILE *file)
{
    json_t *json = profile_json(report);
    int ret = json && json_dumpf(json, file, JSON_INDENT(2)) == 0 ? 0 : -ENOMEM;

    json_decref(json);
    (void)fputc('\n', file);
    return ret;
}

static int make_text(const struct profile_report *report, struct stats_file *file)
{
    FILE *out = open_memstream(&file->text, &file->len);
    struct memory_sink sink = {.write = write_file, .opaque = out};
    int ret = 0;

    if (!out) {
        return -errno;
    }
    switch (file->output.format) {
    case STATS_TEXT:
        ret = profile_text(report, &sink);
        break;
    case STATS_JSON:
        ret = make_json(report, out);
        break;
    case STATS_SVG:
        ret = profile_svg(report, &sink);
        break;
    }
    return fclose(out) != 0 ? -errno : ret;
}

static void stop_stats(void *state)
{
    struct stats *stats = state;
    struct profile_report report;
    struct error err;
    size_t i;
    int ret = profiler_report(stats->machine, &report, &err);

    for (i = 0; i < stats->num && ret == 0; i++) {
        ret = make_text(&report, &stats->files[i]);
        if (ret < 0) {
            (void)error_set_errno(&err, -ret, "profile");
        }
    }
    if (ret < 0) {
        log_error("--stats: %s", err.text);
    }
    profile_report_finish(&report);
    profiler_finish(stats->machine);
}

const struct service stats_service = {
    .open = open_stats,
    .start = start_stats,
    .stop = stop_stats,
    .close = close_stats,
};
