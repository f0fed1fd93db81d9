/*
 * monitor_commands.h - the functions behind the tables of monitor_commands.c, each from the file
 * whose name heads its group. Private to them; see monitor.h for what a command is.
 */
#ifndef ACRE_VMM_MONITOR_COMMANDS_H
#define ACRE_VMM_MONITOR_COMMANDS_H

#include "vmm/monitor.h"

#define QMP(name)                                                                                  \
    json_t *qmp_##name(struct machine *machine, const json_t *arguments, struct error *err)
#define HMP(name)                                                                                  \
    int hmp_##name(struct machine *machine, const char *arguments, struct memory_sink *sink,       \
                   struct error *err)

/* qmp_control.c */
QMP(query_version);
QMP(query_name);
QMP(query_commands);
QMP(acre_query_human_commands);
QMP(query_status);
QMP(stop);
QMP(cont);
QMP(system_reset);
QMP(system_powerdown);
QMP(quit);
QMP(human_monitor_command);

/* qmp_cpus.c */
QMP(query_cpus_fast);
QMP(inject_nmi);

/* qmp_map.c */
QMP(query_memory_size_summary);
QMP(x_query_ramblock);
QMP(acre_query_regions);
QMP(acre_query_flatview);
QMP(acre_query_slots);
QMP(acre_why);

/* qmp_irq.c */
QMP(acre_query_irq);
HMP(info_irq);

/* qmp_save.c */
QMP(memsave);
QMP(pmemsave);

/* qmp_dump.c */
QMP(dump_guest_memory);

/* qmp_dirty.c */
QMP(acre_dirty);
HMP(dirty);

/* hmp_examine.c */
HMP(x);
HMP(xp);

/* hmp_control.c */
HMP(help);
HMP(info_status);
HMP(stop);
HMP(cont);
HMP(system_reset);
HMP(system_powerdown);
HMP(quit);

/* qmp_addr.c */
QMP(acre_addr);
/* qmp_watch.c */
QMP(acre_watch_add);
QMP(acre_watch_del);
QMP(acre_watch_list);

/* hmp_addr.c */
HMP(addr);
HMP(gva2gpa);
HMP(gpa2hva);
HMP(gpa2hpa);
/* hmp_watch.c */
HMP(watch);
HMP(unwatch);
/* qmp_cpus.c */
HMP(info_cpus);
HMP(info_registers);
HMP(nmi);

/* hmp_map.c */
HMP(info_mtree);
HMP(info_ramblock);
HMP(why);

/* qmp_trace.c */
QMP(acre_trace_set);
HMP(trace_event);

/* qmp_profile.c */
QMP(acre_query_exits);
QMP(acre_query_time_line);
HMP(info_exits);

#undef QMP
#undef HMP

/* A command without arguments: refuses them. Returns: 0; -EINVAL. */
int hmp_no_arguments(const char *arguments, struct error *err) __attribute__((warn_unused_result));

#endif
