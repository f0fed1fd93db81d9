/*
 * watchdog_action.h - what follows when a watchdog expires, as --watchdog-action and `acre,action`
 * say it.
 */
#ifndef ACRE_VMM_WATCHDOG_ACTION_H
#define ACRE_VMM_WATCHDOG_ACTION_H

#include "devices/device.h"

/* For messages. */
#define WATCHDOG_ACTIONS "exit, reset, poweroff, none"

/* Returns: 0; -EINVAL no such action. */
int watchdog_action_parse(const char *text, enum device_watchdog_action *action)
    __attribute__((warn_unused_result));

#endif
