/*
 * board.h - a machine from a device tree.
 *
 * board_open() takes a flattened tree (built in, or a file), applies the command line's edits and
 * reads what must be known before KVM is touched; board_build() makes the regions and devices.
 * Bindings: vmm/boards/BINDINGS.md. A tree is a file from outside: nothing in it can do more than
 * give an error that names the tree, the node and the property.
 *
 * Source: Devicetree Specification 0.4; libfdt.
 */
#ifndef ACRE_VMM_BOARD_H
#define ACRE_VMM_BOARD_H

#include "devices/device.h"
#include "memory/memory.h"
#include "vmm/error.h"
#include "vmm/load.h"

/*
 * What KVM keeps for itself below 4 GiB: a page for KVM_SET_IDENTITY_MAP_ADDR, then three for
 * KVM_SET_TSS_ADDR. Every map reserves it.
 */
#define BOARD_KVM_IDENTITY_ADDR UINT64_C(0xfffbc000)
#define BOARD_KVM_TSS_ADDR UINT64_C(0xfffbd000)
#define BOARD_KVM_LAST UINT64_C(0xfffbffff)

/* Interrupt inputs: those of an I/O APIC, of which the first 16 reach the PICs, too. */
#define BOARD_GSI_NUM 24U

/* COM1 to COM4. */
#define BOARD_SERIALS 4U

/* What the command line says of a port's back end. */
struct board_backend {
    bool given;
    const char *word; /* for the tree; NULL: it names a path of the host, which is not for it */
};

struct board_config {
    const char *name; /* a built-in board, or a path (it holds a '/' or ends in .dtb or .dts) */
    const char *const *overlays; /* paths, applied in order before the edits below */
    size_t overlay_num;
    uint64_t ram_size;    /* bytes, a multiple of 4096; 0: what the tree says */
    unsigned cpu_num;     /* 1.., 0: what the tree says */
    const char *bootargs; /* /chosen bootargs; NULL: none */
    /* Files for fw_cfg, as `--fw-cfg` has them (board_fw_cfg.h). */
    const char *const *fw_cfg;
    size_t fw_cfg_num;
    struct board_backend serials[BOARD_SERIALS]; /* a port that is given and not there is added */
    struct board_backend debugcon;               /* likewise */
    /* `acre,base` of real-time clocks, `acre,action` of watchdogs. NULL: what the tree says. */
    const char *rtc_base, *watchdog_action;
    /* One line about what may not be meant; when the board is built, too. NULL: nobody hears. */
    void (*warn)(void *opaque, const char *line);
    void *opaque; /* for warn */
};

/*
 * The built-in boards, in the order of `--board help`.
 * @index    0..
 * @summary  one line; lives as long as the program.
 * Returns: the name; NULL beyond the last.
 */
const char *board_builtin(size_t index, const char **summary);

/* What devices are connected to. Functions may be NULL where no device of the tree needs them. */
struct board_host {
    struct device_clock *clock;
    /* The line of an interrupt input, 0..BOARD_GSI_NUM-1; asked for once for each. */
    struct irq_line (*irq)(void *opaque, unsigned gsi);
    struct request_line requests; /* what only the monitor can do */
    struct byte_sink serial_out[BOARD_SERIALS];
    struct byte_sink debug_out; /* of the debug console */
    /* That serial port has room for input again. Called under its device's lock. */
    void (*input_wanted)(void *opaque, unsigned port);
    /*
     * Has KVM map the page at an address of system memory anew, if it is any; a multiple of 4096.
     * Called under a device's lock.
     */
    void (*flush_page)(void *opaque, uint64_t addr);
    bool events; /* devices may make eventfds (event_input.h) */
    /* Wall-clock time, seconds since 1970 UTC. */
    int64_t (*wall_clock_s)(void *opaque);
    void *opaque; /* for irq, input_wanted, flush_page, wall_clock_s */
};

struct board; /* private */

/*
 * Returns: 0; -EINVAL the tree is not one, or says what cannot be; -ENOENT no such board or file;
 * -errno of reading the file. err names board, node and property.
 */
int board_open(const struct board_config *config, struct board **board, struct error *err)
    __attribute__((warn_unused_result));
/*
 * Undoes board_build(): spaces end, regions are unmounted and let go. The storage of devices stays
 * until board_free(), since readers may still be inside. Accepts NULL and a board that was not
 * built. Context: no vCPU runs, listeners are gone; before memory_core_finish().
 */
void board_unbuild(struct board *board);
/* Accepts NULL. Context: after memory_core_finish(), if the board was ever built. */
void board_free(struct board *board);

/* Known after board_open(). */
bool board_needs_irqchip(const struct board *board);
unsigned board_cpu_num(const struct board *board);
uint64_t board_ram_size(const struct board *board);
/* What /chosen has for the kernel's command line; NULL: nothing. Lives as long as the board. */
const char *board_bootargs(const struct board *board);
/* The memory map that the guest is told: ascending, disjoint; lives as long as the board. */
const struct boot_map_entry *board_map(const struct board *board, size_t *num);
/* The tree with all edits. Lives as long as the board. */
const void *board_dtb(const struct board *board, size_t *size);

/*
 * Makes everything in `core` (which outlives the board). In one transaction; address spaces come
 * up with the whole map.
 * @host  copied. NULL: only to look at (devices are connected to nothing).
 * Returns: 0; -EINVAL the tree; -ENOMEM; -errno. On failure nothing is left of it
 * (but board_free() still waits for memory_core_finish()).
 */
int board_build(struct board *board, struct memory_core *core, const struct board_host *host,
                struct error *err) __attribute__((warn_unused_result));

/* Known after board_build(). */
AddressSpace *board_memory(struct board *board);
AddressSpace *board_io(struct board *board);

/*
 * Power-on state of every device, and ROMs as they were. Context: no vCPU runs.
 */
void board_reset(struct board *board);

/* Serial ports, 0..BOARD_SERIALS-1. Known after board_open(). */
bool board_has_serial(const struct board *board, unsigned port);
/* The port whose back end is the console; BOARD_SERIALS when the board has none. */
unsigned board_console_port(const struct board *board);
/* `stdio`, `null` or `pty`, if the tree says so; else NULL. */
const char *board_serial_backend(const struct board *board, unsigned port);
const char *board_debugcon_backend(const struct board *board);

/*
 * The other end of a serial port; all do nothing when the board has no such port, and take all
 * input. Context: the loop's thread, no lock.
 */
size_t board_serial_receive(struct board *board, unsigned port, const uint8_t *data, size_t len);
void board_serial_writable(struct board *board, unsigned port);
void board_serial_break(struct board *board, unsigned port);

/* Presses the power button. Returns: false when the board has none. As above. */
bool board_press_power(struct board *board);

/* A watchdog is going to expire: a machine that does nothing is not at its end. As above. */
bool board_watchdog_runs(struct board *board);

#endif
