/* qmp_profile.c - the run's profile and time line, for programs and for people. */
#include "vmm/monitor_commands.h"

#include <errno.h>

#include "vmm/profile_report.h"

json_t *qmp_acre_query_exits(struct machine *machine, const json_t *arguments, struct error *err)
{
    struct profile_report report;
    json_t *json;

    if (qmp_check_arguments(arguments, NULL, 0, err) < 0 ||
        profiler_report(machine, &report, err) < 0) {
        return NULL;
    }
    json = profile_json(&report);
    profile_report_finish(&report);
    if (!json) {
        (void)error_set_errno(err, ENOMEM, "profile");
    }
    return json;
}

json_t *qmp_acre_query_time_line(struct machine *machine, const json_t *arguments,
                                 struct error *err)
{
    struct time_line line;
    json_t *json;

    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    machine_time_line(machine, &line);
    json = time_line_json(&line);
    if (!json) {
        (void)error_set_errno(err, ENOMEM, "time line");
    }
    return json;
}

int hmp_info_exits(struct machine *machine, const char *arguments, struct memory_sink *sink,
                   struct error *err)
{
    struct profile_report report;
    int ret = hmp_no_arguments(arguments, err);

    if (ret == 0) {
        ret = profiler_report(machine, &report, err);
    }
    if (ret < 0) {
        return ret;
    }
    ret = profile_text(&report, sink);
    profile_report_finish(&report);
    return ret < 0 ? error_set_errno(err, -ret, "profile") : 0;
}
