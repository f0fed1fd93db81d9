/*
 * monitor_commands.c - the tables of commands. Who adds one adds a line here and its prototype in
 * monitor_commands.h; help, completion and query-commands follow.
 */
#include "vmm/monitor_commands.h"

const struct qmp_command qmp_commands[] = {
    {"query-version", qmp_query_version},
    {"query-name", qmp_query_name},
    {"query-commands", qmp_query_commands},
    {"acre-query-human-commands", qmp_acre_query_human_commands},
    {"query-status", qmp_query_status},
    {"stop", qmp_stop},
    {"cont", qmp_cont},
    {"system_reset", qmp_system_reset},
    {"system_powerdown", qmp_system_powerdown},
    {"quit", qmp_quit},
    {"query-cpus-fast", qmp_query_cpus_fast},
    {"inject-nmi", qmp_inject_nmi},
    {"query-memory-size-summary", qmp_query_memory_size_summary},
    {"x-query-ramblock", qmp_x_query_ramblock},
    {"acre-query-regions", qmp_acre_query_regions},
    {"acre-query-flatview", qmp_acre_query_flatview},
    {"acre-query-slots", qmp_acre_query_slots},
    {"acre-query-irq", qmp_acre_query_irq},
    {"acre-why", qmp_acre_why},
    {"human-monitor-command", qmp_human_monitor_command},
    {"acre-addr", qmp_acre_addr},
    {"memsave", qmp_memsave},
    {"pmemsave", qmp_pmemsave},
    {"dump-guest-memory", qmp_dump_guest_memory},
    {0},
};

const struct hmp_command hmp_commands[] = {
    {"help", "[COMMAND]", "what commands there are", hmp_help},
    {"info status", "", "does it run", hmp_info_status},
    {"info cpus", "", "the CPUs and their threads", hmp_info_cpus},
    {"info registers", "[-a|CPU]", "registers of one CPU, or all", hmp_info_registers},
    {"info irq", "", "interrupt lines and controllers", hmp_info_irq},
    {"info mtree", "[-f] [-d] [-o] [-D]",
     "the region tree (owners, disabled), or flat views (slots)", hmp_info_mtree},
    {"info ramblock", "", "the RAM blocks", hmp_info_ramblock},
    {"why", "ADDR|io:PORT", "who answers there and why", hmp_why},
    {"stop", "", "stop the guest, its clock included", hmp_stop},
    {"cont", "", "let it go on", hmp_cont},
    {"system_reset", "", "restart the guest", hmp_system_reset},
    {"system_powerdown", "", "press the power button", hmp_system_powerdown},
    {"nmi", "", "interrupt every CPU that takes NMIs", hmp_nmi},
    {"quit", "", "end the run", hmp_quit},
    {"addr", "[gva:|gpa:|hva:]ADDR [--cpu N]", "every step of an address to the host", hmp_addr},
    {"gva2gpa", "ADDR [--cpu N]", "the guest-physical address of a linear one", hmp_gva2gpa},
    {"gpa2hva", "ADDR", "the host address of a guest-physical one", hmp_gpa2hva},
    {"gpa2hpa", "ADDR", "the host-physical address of it", hmp_gpa2hpa},
    {"x", "[/FMT] ADDR [--cpu N]", "memory at a linear address; FMT as in /8xw", hmp_x},
    {"xp", "[/FMT] ADDR [--cpu N]", "memory at a guest-physical address", hmp_xp},
    {0},
};
