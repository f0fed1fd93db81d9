/*
 * qemu_mtree_parts.h - what the qemu_mtree_*.c share. In the order in which they work:
 *
 *   qemu_mtree_text.c   lines, numbers and names
 *   qemu_mtree_read.c   the two listings -> regions, blocks, groups, views, ranges
 *   qemu_mtree_tree.c   which lines are the same region, what aliases show
 *   qemu_mtree_shown.c  where in an address space each region may show
 *   qemu_mtree_eval.c   what an address shows, as far as is known, and what follows from that
 *   qemu_mtree_solve.c  which view belongs to which space; what the listing left open
 *   qemu_mtree_build.c  regions and spaces in acre's memory API
 *   qemu_mtree_mount.c  the regions into each other, and copies where a map contains itself
 *   qemu_mtree.c        files, output, comparison
 *
 * Everything belongs to one struct mtree; nothing is freed before it. Addresses are modulo 2^64.
 */
#ifndef ACRE_VMM_QEMU_MTREE_PARTS_H
#define ACRE_VMM_QEMU_MTREE_PARTS_H

#include "memory/memory.h"
#include "vmm/qemu_mtree.h"

enum {
    MTREE_LINES_MAX = 1 << 18,
    MTREE_LINE_MAX = 4096,      /* bytes */
    MTREE_DEPTH_MAX = 200,      /* containers and aliases in each other; memory/ takes 256 */
    MTREE_PLACES_MAX = 1 << 18, /* in one space: aliases multiply what they show */
    MTREE_ORDERS_MAX = 1 << 16,
};
/* Steps of work for one pair of listings; a PC takes a million. */
#define MTREE_BUDGET (UINT64_C(1) << 27)

enum mtree_type { MTREE_IO, MTREE_RAM, MTREE_ROM, MTREE_ROMD, MTREE_RAMD };

/* What the text leaves open. */
enum mtree_known { MTREE_OPEN, MTREE_NO, MTREE_YES };

/* A line of the tree. Lines that show the same region again have `same` set. */
struct mtree_region {
    const char *name;
    unsigned line;  /* in the file, from 1 */
    unsigned level; /* of indentation */
    unsigned place; /* among its siblings, as listed */
    bool nonvolatile;
    bool enabled;
    enum mtree_type type;
    int32_t priority;
    hwaddr first;            /* as printed */
    hwaddr addr;             /* in its container */
    uint64_t size;           /* bytes; UINT64_MAX is 2^64; 1 may be 0 */
    const char *target_name; /* NULL: no alias */
    hwaddr alias_offset;
    struct mtree_region *target;
    struct mtree_region *parent, *child, *child_last, *next;
    struct mtree_region *same;     /* NULL: this line stands for the region */
    struct mtree_region *namesake; /* the next line with this name */
    enum mtree_known answers;      /* i/o: not just a container; an alias of "1" byte: not empty */
    enum mtree_known readonly;
    struct mtree_built *built;
    bool mounted;
    bool loops;     /* an alias of something that holds it */
    unsigned visit; /* stamp of the walk that was here last */
};

/* A flat range. */
struct mtree_range {
    const char *name;
    unsigned line;
    bool nonvolatile;
    enum mtree_type type;
    int32_t priority;
    hwaddr first, last, offset;
};

/* An address space that a flat view is shown in. */
struct mtree_user {
    const char *name, *root;
    const struct mtree_group *group; /* the tree has it there; NULL: not found yet */
};

struct mtree_view {
    unsigned line;
    struct mtree_user *users;
    size_t user_num;
    struct mtree_range *ranges;
    size_t range_num;
};

/* Address spaces with one root. */
struct mtree_group {
    unsigned line;
    const char **names;
    size_t name_num;
    struct mtree_region *root; /* NULL: none */
    struct mtree_view *view;   /* NULL: the flat listing has none, or there is no such listing */
    struct mtree_shown *shown; /* made when needed */
};

/* "newer lies over older": siblings of one container and priority. */
struct mtree_order {
    const struct mtree_region *newer, *older;
    size_t next; /* in its hash chain, + 1 */
};

enum { MTREE_HASH_NUM = 1 << 12 };

struct mtree {
    const struct qemu_mtree_text *tree_text, *flat_text;
    struct error *err;
    uint64_t budget;
    bool out_of_budget;

    struct mtree_name *names[MTREE_HASH_NUM]; /* each name is stored once: compare pointers */
    struct mtree_region *regions;
    size_t region_num;
    struct mtree_region **blocks; /* `memory-region:`, as listed */
    size_t block_num;
    struct mtree_group *groups;
    size_t group_num;
    const char **space_names;
    size_t space_num;
    unsigned hidden_num; /* lines below a disabled region that is not shown */

    struct mtree_view *views;
    size_t view_num;
    struct mtree_user *users;
    size_t user_num;
    struct mtree_range *ranges;
    size_t range_num;

    struct mtree_order *orders;
    size_t order_num, order_max;
    size_t order_hash[MTREE_HASH_NUM]; /* index + 1 */
    struct mtree_trail *trail;         /* what was found out, so that it can be undone */
    size_t trail_num, trail_max;
    bool contradiction;

    struct memory_core core;
    bool has_core;
    void *stand_in; /* an address for RAM, without memory */
    struct mtree_built *built;
    size_t built_num;
    struct mtree_built *copies;
    size_t copy_num;
    AddressSpace *spaces; /* by group; one without a root has none */
};

/* ---- qemu_mtree_text.c ---- */

struct mtree_line {
    const char *text; /* without its end; NUL-terminated copy */
    size_t len;
    unsigned number;
};

struct mtree_lines {
    const struct qemu_mtree_text *text;
    struct error *err;
    size_t at;
    unsigned number;
    char copy[MTREE_LINE_MAX + 1];
};

/* "PATH:LINE: what". Returns: -EINVAL. */
int mtree_fail(struct error *err, const struct qemu_mtree_text *text, unsigned line,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Returns: 1 a line, 0 the end, -EINVAL. A line is valid until the next. */
int mtree_next_line(struct mtree_lines *lines, struct mtree_line *line);
/* Lines in the text, at most MTREE_LINES_MAX + 1. */
size_t mtree_count_lines(const struct qemu_mtree_text *text);

/* "FIRST-LAST (prio N, TYPE): " at *text, which is moved behind it. */
struct mtree_head {
    hwaddr first, last;
    int32_t priority;
    bool nonvolatile;
    enum mtree_type type;
};
bool mtree_head(const char **text, struct mtree_head *head);
/* 16 hexadecimal digits. */
bool mtree_hex(const char **text, hwaddr *value);
/* The stored name, or NULL without memory. */
const char *mtree_name(struct mtree *mtree, const char *text, size_t len);
void mtree_names_free(struct mtree *mtree);
const char *mtree_type_name(enum mtree_type type);

/* ---- qemu_mtree_read.c ---- Returns: 0, -EINVAL, -ENOMEM. */
int mtree_read_tree(struct mtree *mtree);
int mtree_read_flat(struct mtree *mtree);

/* ---- qemu_mtree_tree.c ---- */

/* Resolves aliases and lines that are the same region. Returns: 0, -EINVAL. */
int mtree_resolve(struct mtree *mtree);
/* The line that stands for the region. */
struct mtree_region *mtree_rep(struct mtree_region *region);
/* Spends budget. Returns: false when it is used up. */
bool mtree_spend(struct mtree *mtree, uint64_t steps);

/* ---- qemu_mtree_shown.c ---- */

/* A region in a space, reached by one way. Those that are disabled or cut away have none. */
struct mtree_place {
    struct mtree_region *region;
    struct mtree_place *up, *child, *child_last, *next;
    hwaddr base;        /* where its offset 0 would lie */
    hwaddr first, last; /* in the space */
    bool nonvolatile;   /* it, or one on the way to it */
    unsigned can;       /* of the address looked at: MTREE_CAN_* */
};

/* Addresses from `first` on, to the next one's, are alike. */
struct mtree_segment {
    hwaddr first;
    const struct mtree_range *range; /* NULL: nothing shows */
};

struct mtree_shown {
    struct mtree_place *root; /* NULL: nothing shows */
    size_t place_num;
    struct mtree_segment *segments;
    size_t segment_num;
};

/* Returns: 0 with *shown (free it), -EINVAL, -ENOMEM. */
int mtree_shown_new(struct mtree *mtree, const struct mtree_group *group,
                    const struct mtree_view *view, struct mtree_shown **shown);
void mtree_shown_free(struct mtree_shown *shown);

/* ---- qemu_mtree_eval.c ---- */

/* What a place can do at an address: let it through, show the expected, show something else. */
enum { MTREE_CAN_PASS = 1, MTREE_CAN_MATCH = 2, MTREE_CAN_OTHER = 4 };

/* Something left open that matters at an address. */
struct mtree_question {
    enum { MTREE_ASK_NOTHING, MTREE_ASK_ANSWERS, MTREE_ASK_READONLY, MTREE_ASK_ORDER } kind;
    struct mtree_region *region, *other; /* order: which is newer */
    bool likely;                         /* what is assumed: yes, or `region` is the newer */
};

/* Looks at a segment, and draws what follows. Sets mtree->contradiction if it cannot be. */
void mtree_learn(struct mtree *mtree, struct mtree_shown *shown,
                 const struct mtree_segment *segment);
/* The first open question of a segment that may come out otherwise; or MTREE_ASK_NOTHING. */
struct mtree_question mtree_ask(struct mtree *mtree, struct mtree_shown *shown,
                                const struct mtree_segment *segment);
/* Notes an answer; one that contradicts what is known sets mtree->contradiction. */
void mtree_answer(struct mtree *mtree, const struct mtree_question *question, bool yes);
/* Takes back what was found out after the trail had this length. */
void mtree_take_back(struct mtree *mtree, size_t trail_num);
/* Is `a` over `b`, siblings of one priority? */
enum mtree_known mtree_over(const struct mtree *mtree, const struct mtree_region *a,
                            const struct mtree_region *b);

/* ---- qemu_mtree_solve.c ---- */

enum mtree_solved { MTREE_FITS, MTREE_FITS_NOT, MTREE_GAVE_UP };

/* Matches views to spaces, then works out what is open. Returns: enum mtree_solved, or -errno. */
int mtree_solve(struct mtree *mtree);

/* ---- qemu_mtree_build.c ---- */

/* A region of acre's, for a line of the listing. */
struct mtree_node {
    MemoryRegion mr;
    const struct mtree_region *region;
};

struct mtree_built {
    struct mtree_node outer;
    struct mtree_node inner; /* RAM in a container that cuts it to its size */
    bool done;
    struct mtree_built *next; /* of the copies */
};

/* Builds the tree and an AddressSpace for each group. Returns: 0, -EINVAL, -ENOMEM, -ELOOP. */
int mtree_build(struct mtree *mtree);
/* NULL: a space without a root. */
AddressSpace *mtree_space_of(struct mtree *mtree, const struct mtree_group *group);
const struct mtree_region *mtree_region_of(MemoryRegion *mr);
void mtree_unbuild(struct mtree *mtree);

/*
 * Makes acre's region for a line.
 * @target  of an alias; NULL for others, and for a disabled alias that contains itself.
 * Returns: 0, -errno.
 */
int mtree_init_region(struct mtree *mtree, const struct mtree_region *region,
                      struct mtree_built *built, MemoryRegion *target);
/* What its children are mounted in. */
MemoryRegion *mtree_inside(struct mtree_built *built);
/* Returns: -err_no. */
int mtree_build_fail(struct mtree *mtree, const struct mtree_region *region, int err_no);

/* ---- qemu_mtree_mount.c ---- Returns: 0, -errno. */

int mtree_mount_all(struct mtree *mtree);
/* Sets `loops` of all regions. */
void mtree_find_loops(struct mtree *mtree);
/*
 * A copy of what an alias shows of its target: memory/ refuses a map that contains itself, QEMU
 * does not, and some of its boards mirror one half of a container in the other half.
 */
int mtree_copy_target(struct mtree *mtree, const struct mtree_region *alias, MemoryRegion **copy);

#endif
