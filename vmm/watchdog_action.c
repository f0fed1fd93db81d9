/* A table of four words. */
#include "vmm/watchdog_action.h"

#include <errno.h>
#include <string.h>

static const char *const names[] = {
    [DEVICE_WATCHDOG_EXIT] = "exit",
    [DEVICE_WATCHDOG_RESET] = "reset",
    [DEVICE_WATCHDOG_POWEROFF] = "poweroff",
    [DEVICE_WATCHDOG_NONE] = "none",
};

int watchdog_action_parse(const char *text, enum device_watchdog_action *action)
{
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], text) == 0) {
            *action = (enum device_watchdog_action)i;
            return 0;
        }
    }
    return -EINVAL;
}
