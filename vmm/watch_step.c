/*
 * watch_step.c - an instruction that overlays are in the way of is run without them: other vCPUs
 * out of the guest and nobody else committing, the overlays go, one step is made, they come back.
 *
 * The same for an instruction that comes again and again to read the same.
 *
 * A LOCK operation on a page without a slot comes as a read, then a write, and another vCPU may
 * come between. So at the read of one, seen by its prefix (or XCHG), the vCPU is let finish it with
 * its write thrown away, gets its registers of before back, and makes it again as a step.
 */
#include "vmm/watch_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_MAX = 15, BEFORE_MAX = 64 << 10 };

/* What a watch's first bytes were before the step. */
struct before {
    struct watch *watch;
    uint8_t *bytes;
    uint64_t len;
};

struct befores {
    struct before *items;
    size_t num;
};

static const MemTxAttrs look = {.memory = true, .debug = true};

static bool is_prefix(uint8_t byte, bool long_mode)
{
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3};

    return memchr(prefixes, byte, sizeof(prefixes)) || (long_mode && (byte & 0xf0) == 0x40);
}

/* Source: Intel SDM vol. 2A 2.1 "Instruction Format", "XCHG": locked with or without the prefix. */
static bool is_locked(const uint8_t *code, size_t num, bool long_mode)
{
    size_t i = 0;

    while (i < num && is_prefix(code[i], long_mode)) {
        i++;
    }
    return i < num && (code[i] == 0xf0 || code[i] == 0x86 || code[i] == 0x87);
}

static size_t read_code(struct watch_set *set, struct vcpu *vcpu, uint64_t rip,
                        uint8_t code[CODE_MAX])
{
    size_t num;
    uint64_t gpa;

    for (num = 0; num < CODE_MAX; num++) {
        if (kvm_translate(set->vcpus->config.kvm, vcpu->fd, rip + num, &gpa) != 0 ||
            address_space_read(&set->unwatched, gpa, look, &code[num], 1) != MEMTX_OK) {
            break;
        }
    }
    return num;
}

/* Polling loops get there as well: a step is right for them, too. */
static bool comes_again(struct watch_redo *redo, hwaddr gpa, unsigned size)
{
    enum { REPEATS_MAX = 100 };

    if (redo->last_gpa != gpa || redo->last_size != size) {
        redo->last_gpa = gpa;
        redo->last_size = size;
        redo->repeats = 0;
    }
    redo->repeats = redo->repeats == REPEATS_MAX ? 0 : redo->repeats + 1;
    return redo->repeats == REPEATS_MAX;
}

static bool at_lock(struct watch_set *set, struct vcpu *vcpu, const struct kvm_regs *regs)
{
    uint8_t code[CODE_MAX];
    struct kvm_sregs sregs;
    size_t num;

    if (set->vcpus->config.num == 1 ||
        kvm_get_sregs(set->vcpus->config.kvm, vcpu->fd, &sregs) != 0) {
        return false;
    }
    num = read_code(set, vcpu, sregs.cs.l ? regs->rip : sregs.cs.base + regs->rip, code);
    return is_locked(code, num, sregs.cs.l);
}

bool watch_ask_redo(struct watch_set *set, struct vcpu *vcpu, hwaddr gpa, unsigned size)
{
    struct watch_redo *redo = &set->redos[vcpu->index];
    bool again = comes_again(redo, gpa, size);
    struct kvm_regs regs;

    if ((!again && set->vcpus->config.num == 1) ||
        kvm_get_regs(set->vcpus->config.kvm, vcpu->fd, &regs) != 0 ||
        (!again && !at_lock(set, vcpu, &regs))) {
        return false;
    }
    redo->wanted = true;
    redo->locked = !again;
    redo->gpa = gpa;
    redo->size = size;
    redo->regs = regs;
    atomic_fetch_or(&vcpu->requests, (uint32_t)VCPU_REQUEST_RESCUE);
    return true;
}

static void befores_free(struct befores *befores)
{
    size_t i;

    for (i = 0; i < befores->num; i++) {
        free(befores->items[i].bytes);
    }
    free(befores->items);
}

/* What stands in the watched bytes; without memory for it nothing is compared. Lock held. */
static void befores_take(struct watch_set *set, struct befores *befores)
{
    struct itree_node *node;

    befores->items = calloc(set->watches.num + 1, sizeof(*befores->items));
    for (node = itree_first(&set->watches); node && befores->items; node = itree_next(node)) {
        struct before *before = &befores->items[befores->num];
        uint64_t len = node->last - node->first;

        before->watch = itree_entry(node, struct watch, node);
        before->len = len < BEFORE_MAX ? len + 1 : BEFORE_MAX;
        before->bytes = malloc(before->len);
        if (before->bytes) {
            (void)address_space_read(&set->unwatched, node->first, look, before->bytes,
                                     before->len);
            befores->num++;
        }
    }
}

static void step_hit(struct watch *watch, const struct watch_hit *hit)
{
    atomic_fetch_add_explicit(&watch->hits, 1, memory_order_relaxed);
    watch->config.hit(watch->config.opaque, hit);
}

/* The changed bytes of one watch, the first 8 of them. Returns: false when none has. */
static bool compare(struct watch_set *set, const struct before *before, struct watch_hit *hit)
{
    hwaddr gpa = before->watch->config.gpa;
    uint8_t now[256];
    uint64_t at, len, i, rest;

    for (at = 0; at < before->len; at += len) {
        len = before->len - at < sizeof(now) ? before->len - at : sizeof(now);
        (void)address_space_read(&set->unwatched, gpa + at, look, now, len);
        for (i = 0; i < len && now[i] == before->bytes[at + i]; i++) {
        }
        if (i < len) {
            rest = before->len - at - i;
            hit->gpa = gpa + at + i;
            hit->size = rest < sizeof(hit->value) ? (unsigned)rest : sizeof(hit->value);
            hit->write = hit->has_old = true;
            memcpy(&hit->old_value, before->bytes + at + i, hit->size);
            (void)address_space_read(&set->unwatched, hit->gpa, look, &hit->value, hit->size);
            return true;
        }
    }
    return false;
}

/* Bytes that changed; else, where reads are watched, that something may have been read. */
static void tell_step(struct watch_set *set, const struct befores *befores,
                      const struct watch_hit *who)
{
    size_t i;

    for (i = 0; i < befores->num; i++) {
        struct watch *watch = befores->items[i].watch;
        struct watch_hit hit = *who;

        if (compare(set, &befores->items[i], &hit)) {
            step_hit(watch, &hit);
        } else if (watch->config.access & WATCH_READ) {
            hit.gpa = watch->node.first;
            step_hit(watch, &hit);
        }
    }
}

/*
 * Whoever watches its bytes is told: a LOCK operation reads and writes, perhaps what was there.
 */
static void tell_redo(struct watch_set *set, const struct watch_redo *redo, uint64_t old_value,
                      const struct watch_hit *who)
{
    hwaddr last = redo->gpa + (redo->size - 1);
    struct itree_node *node = itree_overlap_first(&set->watches, redo->gpa, last);
    struct watch_hit hit = *who;

    hit.gpa = redo->gpa;
    hit.size = redo->size;
    hit.old_value = old_value;
    (void)address_space_read(&set->unwatched, redo->gpa, look, &hit.value, redo->size);
    hit.write = hit.has_old = hit.value != old_value;
    for (; node; node = itree_overlap_next(node, redo->gpa, last)) {
        step_hit(itree_entry(node, struct watch, node), &hit);
    }
}

void watch_stand_still(struct watch_set *set, bool begins)
{
    if (begins) {
        (void)pthread_mutex_lock(&set->step_lock);
        memory_core_freeze(set->core);
        vcpu_group_park(set->vcpus);
    } else {
        vcpu_group_unpark(set->vcpus);
        memory_core_thaw(set->core);
        (void)pthread_mutex_unlock(&set->step_lock);
    }
}

void watch_serving(void *opaque, bool begins)
{
    const struct watch_set *set = opaque;

    if (begins) {
        memory_core_thaw(set->core);
    } else {
        memory_core_freeze(set->core);
    }
}

static void add_code_page(struct watch_set *set, const struct watch_before *before, uint64_t linear,
                          struct watch_pages *pages)
{
    struct x86_walk walk;

    vcpu_paging_walk(&before->paging, &set->unwatched, linear, &walk);
    if (walk.result == X86_WALK_OK) {
        pages->first[pages->num++] = walk.gpa;
    }
}

/*
 * A LOCK operation's own pages, so that thousands of watches elsewhere cost it nothing. Returns:
 * false when its operand may go on in another page.
 */
static bool find_pages(struct watch_set *set, const struct watch_before *before,
                       const struct watch_redo *redo, struct watch_pages *pages)
{
    uint64_t rip = before->sregs.cs.l ? before->regs.rip : before->sregs.cs.base + before->regs.rip;

    if (!redo || !redo->locked || (redo->gpa + redo->size) % WATCH_PAGE == 0) {
        return false;
    }
    *pages = (struct watch_pages){.num = 1, .first = {redo->gpa}};
    add_code_page(set, before, rip, pages);
    add_code_page(set, before, rip + (CODE_MAX - 1), pages);
    return true;
}

/* Returns: as vcpu_step(); -ENOENT no overlays; -errno of a commit. Frozen, the others parked. */
static int step_lifted(struct watch_set *set, struct vcpu *vcpu, const struct watch_redo *redo)
{
    struct watch_before before;
    struct watch_pages pages;
    int ret = set->layer_num > 0 ? watch_read_before(set, vcpu, &before) : -ENOENT, laid;

    ret = ret < 0 ? ret : watch_lift(set, find_pages(set, &before, redo, &pages) ? &pages : NULL);
    if (ret < 0) {
        return ret;
    }
    ret = vcpu_step(vcpu, watch_serving, set);
    if (ret == 0) {
        watch_clear_trap_flag(set, vcpu, &before);
    }
    laid = watch_lower(set);
    if (laid < 0) {
        set->failed(set->opaque, -laid);
    }
    return ret;
}

/*
 * Finishes a LOCK operation, and takes it back: with the overlay in place its write came to us and
 * was thrown away. Where there is none any more, KVM carried the write out in RAM, as a compare and
 * exchange with what was read, and nothing is to be done again. Frozen, so that it is either.
 * Returns: 0; -ENOENT it is done; -errno of KVM_SET_REGS.
 */
static int take_back(struct watch_set *set, struct vcpu *vcpu, const struct watch_redo *redo)
{
    vcpu_finish_access(vcpu);
    return watch_has_layer(set, redo->gpa, redo->gpa + (redo->size - 1))
               ? kvm_set_regs(set->vcpus->config.kvm, vcpu->fd, &redo->regs)
               : -ENOENT;
}

/* @redo  the LOCK operation; NULL: whatever is next. Returns: as vcpu_step(). */
static int step(struct watch_set *set, struct vcpu *vcpu, const struct watch_redo *redo)
{
    struct watch_hit who = {.stepped = true, .cpu = (int)vcpu->index};
    struct befores befores = {0};
    uint64_t old_value = 0;
    int ret;

    watch_stand_still(set, true);
    ret = redo ? take_back(set, vcpu, redo) : 0;
    if (ret == 0) {
        watch_fill_cpu(set, vcpu, false, &who);
        if (redo) {
            (void)address_space_read(&set->unwatched, redo->gpa, look, &old_value, redo->size);
        } else {
            befores_take(set, &befores);
        }
        ret = step_lifted(set, vcpu, redo);
    }
    if (ret == 0) {
        (void)pthread_mutex_lock(&set->lock);
        if (redo) {
            tell_redo(set, redo, old_value, &who);
        } else {
            tell_step(set, &befores, &who);
        }
        (void)pthread_mutex_unlock(&set->lock);
    }
    watch_stand_still(set, false);
    befores_free(&befores);
    return ret;
}

static void redo(struct watch_set *set, struct vcpu *vcpu)
{
    struct watch_redo *redo = &set->redos[vcpu->index];
    int ret;

    redo->wanted = false;
    ret = step(set, vcpu, redo);
    if (ret == 1) {
        vcpu_serve_exit(vcpu);
    } else if (ret < 0 && ret != -EINTR && ret != -ENOENT) {
        set->failed(set->opaque, -ret);
    }
}

/* What KVM cannot emulate. Returns: false when it is not for the overlays. */
static bool rescue_emulation(struct watch_set *set, struct vcpu *vcpu)
{
    const struct kvm_run *run = vcpu->run;
    struct kvm *kvm = set->vcpus->config.kvm;
    struct kvm_regs regs;
    int ret;

    /* Writing the registers drops the #UD that KVM may have queued. */
    if (kvm_get_regs(kvm, vcpu->fd, &regs) != 0 || kvm_set_regs(kvm, vcpu->fd, &regs) != 0) {
        return false;
    }
    ret = step(set, vcpu, NULL);
    if (ret == 1 && run->exit_reason != KVM_EXIT_INTERNAL_ERROR) {
        vcpu_serve_exit(vcpu);
        return true;
    }
    return ret == 0 || ret == -EINTR;
}

/* What KVM said when it came out; the rest of struct kvm_run is others' as well (immediate_exit).
 */
struct saved_exit {
    uint32_t reason;
    char data[sizeof(((struct kvm_run *)NULL)->padding)];
};

static enum watch_trouble trouble_of(const struct kvm_run *run)
{
    if (run->exit_reason == KVM_EXIT_SHUTDOWN) {
        return WATCH_TROUBLE_SHUTDOWN;
    }
    switch (run->internal.suberror) {
    case KVM_INTERNAL_ERROR_EMULATION:
        return WATCH_TROUBLE_EMULATION;
    case KVM_INTERNAL_ERROR_DELIVERY_EV:
        return WATCH_TROUBLE_DELIVERY;
    default:
        return WATCH_TROUBLE_NONE;
    }
}

bool watch_set_rescue(struct watch_set *set, struct vcpu *vcpu, struct error *why)
{
    struct kvm_run *run = vcpu->run;
    struct saved_exit saved = {.reason = run->exit_reason};
    enum watch_trouble trouble;

    if (set->redos[vcpu->index].wanted) {
        redo(set, vcpu);
        return true;
    }
    if (!why) {
        watch_tick_deliver(set, vcpu);
        return true;
    }
    memcpy(saved.data, run->padding, sizeof(saved.data));
    trouble = trouble_of(run);
    if (watch_deliver(set, vcpu, trouble, why) == 0 ||
        (trouble == WATCH_TROUBLE_EMULATION && rescue_emulation(set, vcpu))) {
        return true;
    }
    run->exit_reason = saved.reason;
    memcpy(run->padding, saved.data, sizeof(saved.data));
    (void)watch_explain_tables(set, vcpu, why);
    return false;
}
