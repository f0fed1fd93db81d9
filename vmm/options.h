/*
 * options.h - the command line. Options are tables; one table gives parsing and --help.
 *
 * Nothing is printed here: an error is one line that names the option.
 *
 * Context: any thread; nothing is kept between calls.
 */
#ifndef ACRE_VMM_OPTIONS_H
#define ACRE_VMM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/board.h"
#include "vmm/console_backend.h"
#include "vmm/error.h"
#include "vmm/load.h"
#include "vmm/watch_user.h"
#include "vmm/why.h"

/* One option of a command. */
struct option_spec {
    char letter;      /* `-m`; 0: none */
    const char *name; /* `--cpus`, without the dashes; NULL: none */
    /*
     * What the help calls its value; NULL: takes none; only a TEXT may be "". "[=X]": it may be
     * left out, and is then NULL; so it is only looked for behind a `=`.
     */
    const char *value;
    const char *help; /* one line */
    /* Returns: 0; -EINVAL with err filled, without the option's name (the parser adds it). */
    int (*set)(void *target, const char *value, struct error *err);
};

/*
 * Parses `-m 1G`, `-m1G`, `--cpus 2`, `--cpus=2`; `--` ends options. Arguments that are no
 * options go to `positional`, in order.
 * @argv  the command's arguments, without the command itself.
 * Returns: 0; -EINVAL.
 */
int options_parse(const struct option_spec *specs, size_t spec_num, int argc, char **argv,
                  void *target, int (*positional)(void *target, const char *arg, struct error *err),
                  struct error *err) __attribute__((warn_unused_result));
/* Writes the table's help, two columns, to `fd`. Returns: 0; -errno of the write that failed. */
int options_print(int fd, const struct option_spec *specs, size_t spec_num);

/*
 * A decimal or 0x number at the start of `text`; *end is what follows it.
 * Returns: 0; -EINVAL no number there; -ERANGE above 2^64-1.
 */
int options_number(const char *text, uint64_t *value, const char **end)
    __attribute__((warn_unused_result));

/*
 * A number of bytes: decimal or 0x..., then K, M, G or T (powers of 1024), either case.
 * Returns: 0; -EINVAL not such a number; -ERANGE above 2^64-1.
 */
int options_size(const char *text, uint64_t *bytes) __attribute__((warn_unused_result));

/*
 * Seconds with up to nine decimals, `1`, `0.25`, `.5`.
 * Returns: 0; -EINVAL; -ERANGE more than 2^63-1 ns.
 */
int options_seconds(const char *text, uint64_t *ns) __attribute__((warn_unused_result));

enum debug_what {
    DEBUG_TREE = 1 << 0,
    DEBUG_VIEW = 1 << 1,
    DEBUG_SLOTS = 1 << 2,
    DEBUG_COMMITS = 1 << 3,
    DEBUG_ALL = DEBUG_TREE | DEBUG_VIEW | DEBUG_SLOTS | DEBUG_COMMITS,
    DEBUG_HELP = 1 << 4, /* list the words and do nothing else */
};

/* How much of a crash report goes to stderr; -v makes SHORT FULL. */
enum crash_form { CRASH_FORM_NONE, CRASH_FORM_SHORT, CRASH_FORM_FULL };

/* How a profile is shown at the end of a run, and where. */
struct stats_output {
    enum { STATS_TEXT, STATS_JSON, STATS_SVG } format;
    const char *path; /* NULL: stderr */
};

/* How `inspect` shows what it found. */
enum inspect_format { INSPECT_TEXT, INSPECT_JSON, INSPECT_DOT, INSPECT_SVG };

enum {
    RUN_MODULES_MAX = 32,
    RUN_OVERLAYS_MAX = 32,
    RUN_FW_CFG_MAX = 31,
    RUN_CPUS_MAX = 255,
    RUN_TRACES_MAX = 8,
    RUN_WATCHES_MAX = 256,
    RUN_STATS_MAX = 4,
};
#define RUN_RAM_MIN (UINT64_C(64) << 10)
#define RUN_RAM_MAX (UINT64_C(1) << 40)

/* Whose registers a debugger is shown. */
enum run_gdb_arch {
    RUN_GDB_AUTO, /* i386's for an ELF32 image, until it is in 64-bit mode */
    RUN_GDB_I386,
    RUN_GDB_X86_64,
};

/* What `run` and `inspect` were asked for. Strings point into argv. */
struct run_options {
    const char *kernel; /* NULL: none given */
    uint64_t ram_size;  /* bytes; 0: as the board says */
    unsigned cpu_num;   /* 0: as the board says */
    const char *board;
    bool board_help; /* list the built-in boards and do nothing else */
    const char *overlays[RUN_OVERLAYS_MAX];
    size_t overlay_num;
    const char *dump_dtb;
    enum boot_kind boot_kind;
    bool flat_addr_given;
    uint64_t flat_addr;
    const char *append;
    const char *initrd;
    const char *modules[RUN_MODULES_MAX]; /* "FILE" or "FILE cmdline" */
    size_t module_num;
    const char *fw_cfg[RUN_FW_CFG_MAX]; /* as board_fw_cfg.h has them */
    size_t fw_cfg_num;
    struct console_backend serials[BOARD_SERIALS];
    size_t serial_num;
    struct console_backend debugcon;
    const char *rtc_base, *watchdog_action; /* checked; NULL: as the board says */
    uint64_t timeout_ns;                    /* 0: none */
    bool reboot;
    const char *result;
    bool exit_status_qemu;
    unsigned debug;                     /* enum debug_what */
    const char *traces[RUN_TRACES_MAX]; /* checked, as trace_spec.h has them */
    size_t trace_num;
    bool trace_help; /* list the events and do nothing else */
    enum crash_form crash_form;
    bool audit;
    uint32_t dirty_ring; /* entries; 0: none */
    bool sandbox;
    const char *kvm_path;
    struct watch_place watches[RUN_WATCHES_MAX];
    unsigned watch_num;
    struct stats_output stats[RUN_STATS_MAX];
    size_t stats_num;
    const char *monitor; /* unix:PATH; NULL: none */
    const char *gdb;     /* an address of server.h; NULL: none */
    enum run_gdb_arch gdb_arch;
    bool start_held;
    const char *save_dir; /* NULL: none */
    const char *core;     /* NULL: none */
    /* inspect */
    enum inspect_format format;
    bool why_given;
    struct why_place why;
    bool space_io;                      /* draw the I/O space */
    const char *diff_board;             /* NULL: none */
    const char *qemu_mtree, *qemu_flat; /* inspect: listings of QEMU's in place of a board */
    bool verbose;
    bool help;
};

/* Lists the words of --debug. Returns: 0; -errno of the write that failed. */
int debug_words_print(int fd);

/* Fills in the defaults, then what argv says. Returns: 0; -EINVAL. */
int run_options_parse(int argc, char **argv, struct run_options *options, struct error *err)
    __attribute__((warn_unused_result));
int inspect_options_parse(int argc, char **argv, struct run_options *options, struct error *err)
    __attribute__((warn_unused_result));
/* `acre run --help`, `acre inspect --help`. Returns: 0; -errno of the write that failed. */
int run_options_print(int fd);
int inspect_options_print(int fd);
/* For the board of --diff: as it is, since edits of the command line are part of the difference. */
void inspect_options_of_other(const struct run_options *options, struct run_options *other);

#endif
