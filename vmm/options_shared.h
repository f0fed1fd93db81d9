/*
 * options_shared.h - what the option tables of `acre run` and `acre inspect` share: options that
 * both take, and how a function for a table is written. Private to options_*.c.
 *
 * Each function checks its value and stores it in the struct run_options that is `target`.
 * Returns: 0; -EINVAL with err filled.
 */
#ifndef ACRE_VMM_OPTIONS_SHARED_H
#define ACRE_VMM_OPTIONS_SHARED_H

#include "vmm/options.h"

#define NUM(array) (sizeof(array) / sizeof((array)[0]))

/* A function that stores its value as it is. */
#define SET_STRING(field)                                                                          \
    static int set_##field(void *target, const char *value, struct error *err)                     \
    {                                                                                              \
        struct run_options *options = target;                                                      \
                                                                                                   \
        (void)err;                                                                                 \
        options->field = value;                                                                    \
        return 0;                                                                                  \
    }
#define SET_FLAG(field)                                                                            \
    static int set_##field(void *target, const char *value, struct error *err)                     \
    {                                                                                              \
        struct run_options *options = target;                                                      \
                                                                                                   \
        (void)value;                                                                               \
        (void)err;                                                                                 \
        options->field = true;                                                                     \
        return 0;                                                                                  \
    }

int option_set_ram_size(void *target, const char *value, struct error *err);
int option_set_cpu_num(void *target, const char *value, struct error *err);
int option_set_board(void *target, const char *value, struct error *err);
int option_add_overlay(void *target, const char *value, struct error *err);
int option_set_dump_dtb(void *target, const char *value, struct error *err);
int option_add_fw_cfg(void *target, const char *value, struct error *err);
int option_add_serial(void *target, const char *value, struct error *err);
int option_set_debugcon(void *target, const char *value, struct error *err);
int option_set_rtc_base(void *target, const char *value, struct error *err);
int option_set_watchdog_action(void *target, const char *value, struct error *err);
int option_set_append(void *target, const char *value, struct error *err);
int option_add_debug(void *target, const char *value, struct error *err);
int option_set_help(void *target, const char *value, struct error *err);

/* What is so when nothing is said. */
void options_set_defaults(struct run_options *options);

#define OPTION_RAM                                                                                 \
    {                                                                                              \
        'm', "memory", "SIZE", "memory of the guest, 64K to 1T (default: the board's)",            \
            option_set_ram_size                                                                    \
    }
#define OPTION_CPUS                                                                                \
    {                                                                                              \
        0, "cpus", "N", "CPUs of the guest (default 1)", option_set_cpu_num                        \
    }
#define OPTION_BOARD                                                                               \
    {                                                                                              \
        0, "board", "NAME|FILE", "the machine, a .dtb or .dts (default pc; help lists)",           \
            option_set_board                                                                       \
    }
#define OPTION_OVERLAY                                                                             \
    {                                                                                              \
        0, "overlay", "FILE", "change the board by a .dtbo or .dts (repeatable)",                  \
            option_add_overlay                                                                     \
    }
#define OPTION_DUMP_DTB                                                                            \
    {                                                                                              \
        0, "dump-dtb", "FILE", "write the board's device tree, edits included",                    \
            option_set_dump_dtb                                                                    \
    }
#define OPTION_FW_CFG                                                                              \
    {                                                                                              \
        0, "fw-cfg", "NAME,file=PATH", "a file in fw_cfg; or NAME,string=TEXT (repeatable)",       \
            option_add_fw_cfg                                                                      \
    }
#define OPTION_SERIAL                                                                              \
    {                                                                                              \
        0, "serial", "BACKEND", "a serial port: stdio, null, pty, file:PATH, unix:PATH",           \
            option_add_serial                                                                      \
    }
#define OPTION_DEBUGCON                                                                            \
    {                                                                                              \
        0, "debugcon", "BACKEND", "the debug console (default: with the first port)",              \
            option_set_debugcon                                                                    \
    }
#define OPTION_RTC                                                                                 \
    {                                                                                              \
        0, "rtc", "utc|localtime|DATE", "the clock's start, DATE as 2006-06-17T16:01:21",          \
            option_set_rtc_base                                                                    \
    }
#define OPTION_WATCHDOG_ACTION                                                                     \
    {                                                                                              \
        0, "watchdog-action", "ACTION", "on expiry: exit (default), reset, poweroff, none",        \
            option_set_watchdog_action                                                             \
    }
#define OPTION_APPEND                                                                              \
    {                                                                                              \
        0, "append", "TEXT", "the kernel's command line", option_set_append                        \
    }
#define OPTION_HELP                                                                                \
    {                                                                                              \
        'h', "help", NULL, "this text", option_set_help                                            \
    }

#endif
