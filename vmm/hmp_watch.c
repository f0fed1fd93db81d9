/* hmp_watch.c - watch, which adds one or lists all, and unwatch. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>

#include "vmm/monitor_commands.h"
#include "vmm/options.h"
#include "vmm/watch_user.h"

static void print_listed(void *opaque, const struct watch_listed *listed)
{
    memory_sink_printf(
        opaque, "%u: 0x%" PRIx64 ":%" PRIu64 ":%s %" PRIu64 " hit%s%s\n", listed->id,
        listed->place.gpa, listed->place.len, watch_access_name(listed->place.access), listed->hits,
        listed->hits == 1 ? "" : "s", listed->partial ? ", in part not watched" : "");
}

int hmp_watch(struct machine *machine, const char *arguments, struct memory_sink *sink,
              struct error *err)
{
    struct watch_place place;
    unsigned id;
    int ret;

    if (arguments[0] == '\0') {
        watch_user_each(machine, print_listed, sink);
        return 0;
    }
    ret = watch_parse(arguments, &place, err);
    if (ret == 0) {
        ret = watch_user_add(machine, &place, &id, err);
    }
    if (ret == 0) {
        memory_sink_printf(sink, "watch %u\n", id);
    }
    return ret;
}

int hmp_unwatch(struct machine *machine, const char *arguments, struct memory_sink *sink,
                struct error *err)
{
    const char *end;
    uint64_t id;

    (void)sink;
    if (options_number(arguments, &id, &end) < 0 || *end != '\0' || id > UINT_MAX) {
        return error_set(err, EINVAL, "%.64s: not the number of a watch", arguments);
    }
    return watch_user_del(machine, (unsigned)id, err);
}
