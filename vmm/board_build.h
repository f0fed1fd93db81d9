/*
 * board_build.h - what board.c (which device answers to which `compatible`) and board_build.c (how
 * a tree becomes regions) share. Private to the two.
 *
 * A `part` is one thing of the tree that has storage: a device, memory, a container, an alias. It
 * is made in three passes: init in document order; aliases once their targets are there; mounts in
 * document order, so that of equals the later node in the tree wins.
 *
 * Context: the thread that makes the machine; no vCPU runs, no lock is held.
 */
#ifndef ACRE_VMM_BOARD_BUILD_H
#define ACRE_VMM_BOARD_BUILD_H

#include <pthread.h>

#include "vmm/board.h"
#include "vmm/board_tree.h"

/* What a file fills is memory and time spent before the guest starts. */
enum { BOARD_IMAGE_MAX = 64 << 20 };
enum { PART_NAME_SIZE = 64, PART_IRQS_MAX = 8 };

struct part;

/* Where a node lies: who decodes its addresses, and what they are mounted in. */
struct site {
    const struct tree_bus *bus;
    MemoryRegion *container;
    int node, depth;
};

/* What answers to a `compatible`. Found by name in tables; no pointers beyond the class itself. */
struct part_class {
    const char *compatible;
    size_t size; /* bytes of part->state */
    /* Where the region of each `reg` entry is in the state, plus 1; a device has all of them. */
    size_t regs[TREE_REGS_MAX];
    unsigned reg_min; /* of them that a node must name; 0: all */
    unsigned irq_max; /* entries of `interrupts`; the lines are in part->irqs before init */
    bool irq_alone;   /* its line goes up and down by itself: nobody else can be heard on it */
    /* Devices: makes the device. Returns: 0; -EINVAL with err filled; -errno without. */
    int (*init)(struct board *board, struct part *part, struct error *err);
    /* Once everything is mounted, spaces included; may be NULL. Returns: as init. */
    int (*mounted)(struct board *board, struct part *part, struct error *err);
    /* Undoes it, or what it did not get to; before anything is unmounted. May be NULL. */
    void (*unmounting)(void *state);
    void (*reset)(void *state);
    void (*finish)(void *state);
    size_t owner_offset; /* of the MemoryOwner in the state: reset runs under it */
    /* Everything that is not a device: does all its own work, children included. */
    int (*build)(struct board *board, const struct part_class *part_class, const struct site *site,
                 struct error *err);
};

struct mount {
    MemoryRegion *region, *container;
    uint64_t addr, size; /* as `reg` says */
    int32_t priority;
    bool done;
};

struct part {
    struct part *next;
    const struct part_class *class;
    int node;
    bool initialised;
    MemoryRegion *target; /* what an alias of this node shows: its first region; NULL: not yet */
    int shows;            /* the node that its `acre,target` names; -1: none */
    uint64_t alias_offset;
    /* While aliases are made: who waits for this one, and since when it is waited for. */
    struct part *waiter;
    bool awaited;
    unsigned alias_depth;                /* aliases from here on to what is none */
    struct irq_line irqs[PART_IRQS_MAX]; /* a line that `interrupts` does not name goes nowhere */
    unsigned mount_num;
    struct mount mounts[TREE_REGS_MAX];
    _Alignas(64) unsigned char state[];
};

/* Memory that lasts as long as the board. */
struct kept {
    struct kept *next;
    max_align_t data[];
};

/* A serial port: who it is when it calls. */
struct board_port {
    struct board *board;
    unsigned index;
    int node;            /* -1: none */
    struct part *part;   /* from build to unbuild */
    const char *backend; /* as the tree says; NULL: it does not */
};

/* An interrupt input that devices of the tree are connected to. */
struct board_line {
    bool made, alone;
    bool taken_over, level;
    int node;             /* of a device that names it in `interrupts`; -1: none */
    struct irq_line out;  /* the machine's */
    pthread_mutex_t lock; /* after the device's, before none */
    unsigned holders;     /* devices that hold it up */
    unsigned keepers;     /* of them, those that are heard while it is taken over */
};

struct board {
    struct board_tree tree;
    struct boot_map_entry map[TREE_MAP_MAX];
    int map_num;
    uint64_t ram_size;
    int pic; /* the interrupt controller's node; -1: none */
    struct board_port ports[BOARD_SERIALS];
    unsigned console;             /* of these; BOARD_SERIALS: none */
    const char *debugcon_backend; /* as the tree says; NULL: it does not */
    const char *bootargs;         /* NULL: none */
    void (*warn)(void *opaque, const char *line);
    void *warn_opaque;
    unsigned warnings; /* of the checks, those that were not given to warn() included */
    /* from build to unbuild */
    struct memory_core *core;
    struct board_host host;
    MemoryRegion system, io;
    AddressSpace memory_space, io_space;
    struct part *parts, **parts_tail; /* storage until free */
    struct kept *kept;                /* likewise */
    struct board_line lines[BOARD_GSI_NUM];
    struct device_clock still; /* for a board that is only looked at */
};

/* The class for `compatible`, or NULL. board.c's table; board_build.c's own come after it. */
const struct part_class *board_device_class(const char *compatible);
const struct part_class *board_structure_class(const char *compatible);

/* A part with zeroed state, in the board's list. Returns: NULL out of memory. */
struct part *board_part_new(struct board *board, const struct part_class *part_class, int node);
/*
 * Zeroed memory that board_free() frees, for what devices borrow. Never empty.
 * Returns: NULL out of memory.
 */
void *board_keep(struct board *board, uint64_t size);
/*
 * Opens the regular file that the node's `acre,image` names.
 * @size  its size in bytes, at most size_max.
 * Returns: the descriptor; -EINVAL.
 */
int board_image_open(const struct board *board, int node, const char *path, uint64_t size_max,
                     uint64_t *size, struct error *err);
/* Reads it to `to` and closes it; what it has lost since stays as it is. Returns: 0; -EINVAL. */
int board_image_read(const struct board *board, int node, const char *path, int fd, void *to,
                     uint64_t size, struct error *err);
/* Fills in the mounts from `reg` and `acre,priority`. Returns: how many, or -EINVAL. */
int board_place(struct board *board, struct part *part, const struct site *site, struct error *err);
/* The node's name up to '@', or `acre,name`. @name PART_NAME_SIZE bytes. */
int board_region_name(const struct board *board, int node, char *name, struct error *err);
/* A device of the table: `reg`, `interrupts`, init, mounts. */
int board_device_build(struct board *board, const struct part_class *part_class,
                       const struct site *site, struct error *err);
/*
 * Memory for a ROM of the size that the part's mount says, filled from `acre,image` or `acre,data`.
 * @otherwise  a byte that fills it when the node has neither; NULL: that is an error.
 * Returns: 0 with *block the caller's; -EINVAL; -ENOMEM.
 */
int board_rom_block(struct board *board, const struct part *part, const char *name,
                    const char *otherwise, RAMBlock **block, struct error *err);
/* What `read-only` asks for: memory in or below the region cannot be written through it. */
int board_set_readonly(const struct board *board, int node, MemoryRegion *mr);
/*
 * A part that is one region, mounted where the first and only entry of `reg` says.
 * @name  PART_NAME_SIZE bytes: the region's.
 * Returns: 0 with the region in part->state to be made; -EINVAL; -ENOMEM.
 */
int board_region_new(struct board *board, const struct part_class *part_class,
                     const struct site *site, char *name, struct part **part, struct error *err);
/* `acre,alias`: the part now, its region by board_make_aliases(). Returns: 0; -EINVAL; -ENOMEM. */
int board_alias_build(struct board *board, const struct part_class *part_class,
                      const struct site *site, struct error *err);
/* Makes the aliases, once all else is there. Returns: 0; -EINVAL; -ENOMEM. */
int board_make_aliases(struct board *board, struct error *err);
/* The part made of a node, or NULL. */
struct part *board_part_of_node(struct board *board, int node);
/* Connects part->irqs to what `interrupts` names; none is fine. Returns: 0; -EINVAL. */
int board_connect_irqs(struct board *board, struct part *part, struct error *err);
/*
 * An interrupt input, which is raised while any device holds it, for a device that finds it other
 * than by `interrupts`.
 * @gsi  0..BOARD_GSI_NUM-1; 0..15 are the ISA interrupts.
 */
struct irq_line board_line(struct board *board, unsigned gsi);
/* The same, heard while the input is taken over. */
struct irq_line board_line_kept(struct board *board, unsigned gsi);
/*
 * From now on `gsi` hears only who has board_line_kept(), or everybody again. The others go on
 * changing level unheard. Context: any thread, under any device's lock.
 */
void board_line_take_over(struct board *board, unsigned gsi, bool on);
void board_lines_finish(struct board *board);
/*
 * Warns of what may not be meant: overlaps of equal priority, pages without a slot.
 * Returns: 0; -ENOMEM. Cost: O(n log n) in the mounts.
 */
int board_check(struct board *board);
/* Walks the children of bus->node. */
int board_walk(struct board *board, const struct tree_bus *bus, MemoryRegion *container, int depth,
               struct error *err);

#endif
