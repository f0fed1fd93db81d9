/*
 * gdb_watch.c - inserting and removing. A breakpoint is a line in a list; so is a watchpoint that
 * has a debug register. Any other watchpoint is translated, page by page, and becomes watches on
 * physical memory, where the page tables of the moment have it; accesses by DMA and from any linear
 * address count. On stacks, and where that is refused, one for writes is stepped (gdb_stepped.c).
 */
#include "vmm/gdb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "vmm/log.h"
#include "vmm/vcpu_paging.h"
#include "vmm/watch.h"

#define PAGE_MASK UINT64_C(0xfff)

enum { WATCH_PARTS_MAX = 4 /* pages that one watchpoint may touch */ };

/* One watchpoint's watches. */
struct gdb_overlay {
    struct gdb *gdb;
    struct gdb_stop stop; /* what its hits are told as, but for the CPU */
    struct watch *watches[WATCH_PARTS_MAX];
    unsigned num;
};

/* Context: see watch_config.hit. */
static void hit(void *opaque, const struct watch_hit *hit)
{
    struct gdb_overlay *overlay = opaque;
    struct gdb_stop stop = overlay->stop;

    stop.cpu = hit->cpu >= 0 ? (unsigned)hit->cpu : 0;
    gdb_run_note(overlay->gdb, &stop);
}

/* Context: see watch_config.lost. */
static void lost(void *opaque, hwaddr page, const char *what, unsigned cpu)
{
    const struct gdb_overlay *overlay = opaque;

    log_warn("gdb: watchpoint at 0x%" PRIx64 ": page 0x%" PRIx64 " has %s of cpu %u by now, which "
             "KVM uses by itself: it is not watched any more",
             overlay->stop.addr, page, what, cpu);
}

static void free_overlay(struct gdb_overlay *overlay)
{
    while (overlay->num > 0) {
        watch_del(overlay->gdb->machine, overlay->watches[--overlay->num]);
    }
    free(overlay);
}

static int add_part(struct gdb_overlay *overlay, const struct vcpu_paging *paging, uint64_t addr,
                    uint64_t size, struct error *err)
{
    static const unsigned accesses[] = {
        [GDB_WATCH_WRITE] = WATCH_WRITE,
        [GDB_WATCH_READ] = WATCH_READ,
        [GDB_WATCH_ACCESS] = WATCH_READ | WATCH_WRITE,
    };
    struct machine *machine = overlay->gdb->machine;
    struct watch_config config = {.len = size,
                                  .access = accesses[overlay->stop.kind],
                                  .hit = hit,
                                  .lost = lost,
                                  .opaque = overlay};
    struct x86_walk walk;
    int ret;

    vcpu_paging_walk(paging, watch_beneath(machine), addr, &walk);
    if (walk.result != X86_WALK_OK) {
        return error_set(err, EFAULT, "%s", x86_walk_result_name(walk.result));
    }
    config.gpa = walk.gpa;
    ret = watch_add(machine, &config, &overlay->watches[overlay->num], err);
    overlay->num += ret == 0;
    return ret;
}

/* Returns: 0; -errno with err filled. */
static int add_parts(struct gdb_overlay *overlay, const struct vcpu_paging *paging, uint64_t size,
                     struct error *err)
{
    uint64_t addr = overlay->stop.addr;
    int ret = 0;

    while (ret == 0 && size > 0) {
        uint64_t room = PAGE_MASK + 1 - (addr & PAGE_MASK);
        uint64_t piece = size < room ? size : room;

        if (overlay->num == WATCH_PARTS_MAX) {
            return error_set(err, E2BIG, "more than %d pages", WATCH_PARTS_MAX);
        }
        ret = add_part(overlay, paging, addr, piece, err);
        addr += piece;
        size -= piece;
    }
    return ret;
}

static int lay(struct gdb *gdb, struct gdb_breakpoint *one, const struct vcpu_paging *paging,
               struct error *err)
{
    struct gdb_overlay *overlay = calloc(1, sizeof(*overlay));
    int ret;

    if (!overlay) {
        return error_set_errno(err, ENOMEM, "an overlay");
    }
    *overlay = (struct gdb_overlay){
        .gdb = gdb,
        .stop = {.signal = GDB_SIGNAL_TRAP, .at_break = true, .kind = one->kind, .addr = one->addr},
    };
    ret = add_parts(overlay, paging, one->size, err);
    if (ret < 0) {
        free_overlay(overlay);
        return ret;
    }
    one->overlay = overlay;
    return 0;
}

/* By an overlay, or else by stepping. Reads are seen by overlays alone. */
static int watch(struct gdb *gdb, struct gdb_breakpoint *one)
{
    bool stack = gdb_stepped_is_stack(gdb, one->addr, one->size);
    struct vcpu_paging paging;
    struct error err;
    int ret = gdb_state_paging(gdb, gdb->session.cpu, &paging);

    if (ret < 0) {
        (void)error_set_errno(&err, -ret, "cpu %u", gdb->session.cpu);
    } else if (stack) {
        ret = error_set(&err, EBUSY, "KVM pushes on the stack there by itself");
    } else {
        ret = lay(gdb, one, &paging, &err);
    }
    if (ret == -EBUSY && one->kind == GDB_WATCH_WRITE && gdb->means.step &&
        gdb_stepped_new(gdb, &paging, one->addr, one->size, &one->stepped) == 0) {
        return 0;
    }
    if (ret < 0) {
        log_warn("gdb: watchpoint at 0x%llx: %s", (unsigned long long)one->addr, err.text);
    }
    return ret;
}

int gdb_watch_insert(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size)
{
    struct gdb *gdb = opaque;
    unsigned needs = gdb_breaks_needs(&gdb->means, kind, addr, size);
    bool slotted = needs > 0 && gdb_breaks_slotted(&gdb->breaks) + needs <= VCPU_BREAKPOINT_MAX;
    struct gdb_breakpoint *one;
    int ret = 0;

    if (gdb_break_is_watch(kind) && (size == 0 || size - 1 > UINT64_MAX - addr)) {
        return -EINVAL;
    }
    if (!gdb_break_is_watch(kind) && !gdb->means.execute && !gdb->means.step) {
        return -EOPNOTSUPP;
    }
    if (gdb_breaks_find(&gdb->breaks, kind, addr, size)) {
        return 0; /* to insert it again is allowed and does nothing */
    }
    one = gdb_breaks_add(&gdb->breaks, kind, addr, size);
    if (!one) {
        return -ENOSPC;
    }
    if (gdb_break_is_watch(kind) && !slotted) {
        ret = watch(gdb, one);
    }
    if (ret < 0) {
        gdb_breaks_remove(&gdb->breaks, one);
    }
    return ret;
}

static void remove_one(struct gdb *gdb, struct gdb_breakpoint *one)
{
    if (one->overlay) {
        free_overlay(one->overlay);
    }
    free(one->stepped);
    gdb_breaks_remove(&gdb->breaks, one);
}

int gdb_watch_remove(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size)
{
    struct gdb *gdb = opaque;
    struct gdb_breakpoint *one = gdb_breaks_find(&gdb->breaks, kind, addr, size);

    if (one) {
        remove_one(gdb, one);
    }
    return 0;
}

void gdb_watch_remove_all(struct gdb *gdb)
{
    while (gdb->breaks.num > 0) {
        remove_one(gdb, &gdb->breaks.list[gdb->breaks.num - 1]);
    }
}
