/*
 * watch_deliver.c - KVM pushes the frame of an interrupt or exception by itself, and cannot where
 * an overlay is. KVMs differ in what they do then: they come out with an internal error, end the
 * guest with a shutdown, or emulate an instruction and try again, and so on for ever. In each case
 * the event is known still; so it is taken here in KVM's place, its frame pushed as any other write
 * of the CPU: a hit where it is watched.
 */
#include "vmm/watch_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmm/peek.h"
#include "vmm/vcpu_paging.h"
#include "vmm/x86_deliver.h"

#define RFLAGS_TF (UINT64_C(1) << 8)
#define RFLAGS_IF (UINT64_C(1) << 9)
#define RFLAGS_RF (UINT64_C(1) << 16)
#define CR0_WP (UINT64_C(1) << 16)

enum { VECTOR_NMI = 2, VECTOR_BP = 3, VECTOR_OF = 4, VECTOR_UD = 6 };
enum { INT3 = 0xcc, INT_N = 0xcd, UD2 = 0x0f, UD2_SECOND = 0x0b, INT_N_SIZE = 2 };
enum { PIECES_MAX = 2 * X86_PUSH_MAX };

/* A part of the frame that lies in one page. */
struct piece {
    hwaddr gpa;
    unsigned size;
    uint64_t value;
    struct x86_walk walk;
};

struct deliver {
    struct watch_set *set;
    struct vcpu *vcpu;
    const struct vcpu_paging *paging; /* of `before` */
    struct watch_before before;
    struct kvm_vcpu_events events;
    struct x86_event event;
    struct x86_delivery delivery;
    uint64_t rip; /* linear, of what was interrupted */
    unsigned piece_num;
    struct piece pieces[PIECES_MAX];
};

static struct kvm *kvm_of(const struct deliver *d)
{
    return d->set->vcpus->config.kvm;
}

static int read_linear(void *opaque, uint64_t linear, void *buf, unsigned len)
{
    const struct deliver *d = opaque;
    const struct peek peek = {.memory = &d->set->unwatched, .paging = d->paging};
    uint64_t bad;

    return peek_read(&peek, linear, buf, len, &bad);
}

/* ---- which event ---- */

/* Does a KVM that ended the guest at once for it have this vector in service? */
static bool is_in_service(const struct deliver *d, unsigned vector)
{
    enum { ISR = 0x100, ISR_STRIDE = 0x10 };
    struct kvm_irqchip pics[2] = {{.chip_id = KVM_IRQCHIP_PIC_MASTER},
                                  {.chip_id = KVM_IRQCHIP_PIC_SLAVE}};
    struct kvm_lapic_state lapic;
    unsigned i;

    if (!d->set->vcpus->config.irqchip) {
        return false;
    }
    for (i = 0; i < 2; i++) {
        if (kvm_get_irqchip(kvm_of(d), &pics[i]) == 0 &&
            (vector & ~7U) == pics[i].chip.pic.irq_base &&
            (pics[i].chip.pic.isr & 1U << (vector & 7))) {
            return true;
        }
    }
    return kvm_get_lapic(kvm_of(d), d->vcpu->fd, &lapic) == 0 &&
           (lapic.regs[ISR + ISR_STRIDE * (vector / 32) + vector % 32 / 8] & 1 << vector % 8);
}

static void take_exception(struct deliver *d)
{
    unsigned vector = d->events.exception.nr;

    d->event.vector = vector;
    d->event.has_error_code = d->events.exception.has_error_code;
    d->event.error_code = d->events.exception.error_code;
    d->event.software = vector == VECTOR_BP || vector == VECTOR_OF;
    d->event.length = d->event.software ? 1 : 0;
}

/*
 * After a shutdown nothing is "injected" any more, but the numbers still stand there: an
 * interrupt's if one was taken from its controller and could be taken by the CPU, else an
 * exception's.
 */
static bool find_lost(struct deliver *d)
{
    unsigned vector = d->events.interrupt.nr;

    if ((d->delivery.regs.rflags & RFLAGS_IF) && vector != 0 && is_in_service(d, vector)) {
        d->event.vector = vector;
    } else {
        take_exception(d);
    }
    return true;
}

/* Instructions that KVM's emulator may not know, and whose event is all they do. */
static bool find_instruction(struct deliver *d)
{
    uint8_t code[INT_N_SIZE];

    if (read_linear(d, d->rip, code, sizeof(code)) < 0) {
        return false;
    }
    switch (code[0]) {
    case INT3:
        d->event = (struct x86_event){.vector = VECTOR_BP, .software = true, .length = 1};
        return true;
    case INT_N:
        d->event = (struct x86_event){.vector = code[1], .software = true, .length = INT_N_SIZE};
        return true;
    case UD2:
        d->event = (struct x86_event){.vector = VECTOR_UD};
        return code[1] == UD2_SECOND;
    default:
        return false;
    }
}

/* Returns: false when there is none, or it has to wait. */
static bool find_event(struct deliver *d, enum watch_trouble trouble)
{
    const struct kvm_vcpu_events *events = &d->events;

    if (events->exception.injected) {
        take_exception(d);
        return true;
    }
    if (events->nmi.injected) {
        d->event.vector = VECTOR_NMI;
        return true;
    }
    if (events->interrupt.injected) {
        d->event.vector = events->interrupt.nr;
        d->event.software = events->interrupt.soft;
        d->event.length = events->interrupt.soft ? INT_N_SIZE : 0;
        /* A KVM that goes on may have run CLI or STI meanwhile. */
        return events->interrupt.soft ||
               ((d->delivery.regs.rflags & RFLAGS_IF) && !events->interrupt.shadow);
    }
    return trouble == WATCH_TROUBLE_SHUTDOWN    ? find_lost(d)
           : trouble == WATCH_TROUBLE_EMULATION ? find_instruction(d)
                                                : false;
}

/* ---- its frame ---- */

static bool add_pieces(struct deliver *d, const struct x86_push *push)
{
    uint64_t linear = push->linear, value = push->value;
    unsigned left = push->size;

    while (left > 0) {
        struct piece *piece = &d->pieces[d->piece_num++];
        uint64_t room = WATCH_PAGE - linear % WATCH_PAGE;

        *piece = (struct piece){.size = room < left ? (unsigned)room : left, .value = value};
        vcpu_paging_walk(d->paging, &d->set->unwatched, linear, &piece->walk);
        piece->gpa = piece->walk.gpa;
        if (piece->walk.result != X86_WALK_OK ||
            (!piece->walk.writable && (d->paging->regs.cr0 & CR0_WP))) {
            return false;
        }
        linear += piece->size;
        left -= piece->size;
        value = piece->size < sizeof(value) ? value >> (8 * piece->size) : 0;
    }
    return true;
}

/* Returns: 0; -ENOENT the frame goes elsewhere, or to no memory; -errno, why is filled. */
static int find_frame(struct deliver *d, struct error *why)
{
    uint64_t rsp = d->delivery.regs.rsp;
    enum x86_deliver_result result = x86_deliver(&d->event, read_linear, d, &d->delivery);
    bool watched = false;
    unsigned i;

    if (result == X86_DELIVER_UNSUPPORTED) {
        return error_set(why, ENOTSUP, "event %u with its stack at 0x%" PRIx64 ": %s",
                         d->event.vector, rsp, x86_deliver_result_name(result));
    }
    if (result != X86_DELIVER_OK) {
        return -ENOENT; /* the guest's own fault, which KVM finds as well */
    }
    for (i = 0; i < d->delivery.push_num; i++) {
        if (!add_pieces(d, &d->delivery.pushes[i])) {
            return -ENOENT;
        }
    }
    for (i = 0; i < d->piece_num; i++) {
        const struct piece *piece = &d->pieces[i];

        watched |= watch_has_layer(d->set, piece->gpa, piece->gpa + (piece->size - 1));
    }
    return watched ? 0 : -ENOENT;
}

/* As the CPU does; nobody else has the tables now. */
static void set_accessed(const struct deliver *d, const struct x86_walk *walk)
{
    const MemTxAttrs attrs = {.memory = true};
    unsigned size = walk->mode == X86_PAGING_32BIT ? 4 : 8;
    unsigned i = walk->mode == X86_PAGING_PAE ? 1 : 0; /* its pointers have no such bits */

    for (; i < walk->level_num; i++) {
        const struct x86_walk_level *level = &walk->levels[i];
        uint64_t raw = level->raw | X86_ENTRY_A | (level->leaf ? X86_ENTRY_D : 0);

        if (raw != level->raw) {
            (void)address_space_write(&d->set->unwatched, level->entry_gpa, attrs, &raw, size);
        }
    }
}

/* Lock held. */
static void push_piece(const struct deliver *d, const struct piece *piece)
{
    const MemTxAttrs look = {.memory = true, .debug = true}, attrs = {.memory = true};
    struct watch_set *set = d->set;
    struct watch_hit hit = {
        .gpa = piece->gpa,
        .size = piece->size,
        .write = true,
        .value = piece->value,
        .cpu = (int)d->vcpu->index,
        .has_rip = true,
        .rip = d->rip,
        .delivery = true,
        .vector = d->event.vector,
    };

    if (piece->size < sizeof(hit.value)) {
        hit.value &= (UINT64_C(1) << (8 * piece->size)) - 1;
    }
    hit.has_old =
        address_space_read(&set->unwatched, hit.gpa, look, &hit.old_value, hit.size) == MEMTX_OK;
    (void)address_space_write(&set->unwatched, hit.gpa, attrs, &hit.value, hit.size);
    watch_tell(set, &hit);
}

static int write_state(struct deliver *d)
{
    struct kvm_vcpu_events *events = &d->events;
    struct kvm_sregs *sregs = &d->delivery.sregs;
    int ret;

    events->exception.injected = 0;
    events->interrupt.injected = 0;
    events->nmi.injected = 0;
    events->nmi.masked |= d->event.vector == VECTOR_NMI && !d->event.software;
    memset(sregs->interrupt_bitmap, 0, sizeof(sregs->interrupt_bitmap)); /* what is injected */
    ret = kvm_set_sregs(kvm_of(d), d->vcpu->fd, sregs);
    ret = ret < 0 ? ret : kvm_set_regs(kvm_of(d), d->vcpu->fd, &d->delivery.regs);
    return ret < 0 ? ret : kvm_set_vcpu_events(kvm_of(d), d->vcpu->fd, events);
}

int watch_read_before(const struct watch_set *set, struct vcpu *vcpu, struct watch_before *before)
{
    struct kvm *kvm = set->vcpus->config.kvm;
    int ret = kvm_get_regs(kvm, vcpu->fd, &before->regs);

    ret = ret < 0 ? ret : kvm_get_sregs(kvm, vcpu->fd, &before->sregs);
    return ret < 0 ? ret : vcpu_paging_read(vcpu, &before->paging);
}

static void start_at(struct deliver *d, const struct watch_before *before)
{
    d->paging = &before->paging;
    d->delivery.regs = before->regs;
    d->delivery.sregs = before->sregs;
    d->rip = before->sregs.cs.l ? before->regs.rip : before->sregs.cs.base + before->regs.rip;
}

static int read_state(struct deliver *d)
{
    int ret = kvm_get_vcpu_events(kvm_of(d), d->vcpu->fd, &d->events);

    ret = ret < 0 ? ret : watch_read_before(d->set, d->vcpu, &d->before);
    start_at(d, &d->before);
    return ret;
}

/* The CPU stands between two instructions, frozen. Returns: as watch_deliver(). */
static int deliver(struct deliver *d, enum watch_trouble trouble, struct error *why)
{
    int ret = read_state(d);
    unsigned i;

    if (ret < 0 || (trouble == WATCH_TROUBLE_SHUTDOWN &&
                    x86_is_power_on(&d->delivery.regs, &d->delivery.sregs))) {
        return -ENOENT; /* KVM has reset the CPU: it has forgotten the event */
    }
    ret = find_event(d, trouble) ? find_frame(d, why) : -ENOENT;
    ret = ret < 0 ? ret : write_state(d);
    if (ret < 0) {
        return ret;
    }
    for (i = 0; i < d->piece_num; i++) {
        set_accessed(d, &d->pieces[i].walk);
    }
    (void)pthread_mutex_lock(&d->set->lock);
    for (i = 0; i < d->piece_num; i++) {
        push_piece(d, &d->pieces[i]);
    }
    (void)pthread_mutex_unlock(&d->set->lock);
    return 0;
}

static bool is_held_back(const struct watch_set *set, const struct vcpu *vcpu)
{
    struct kvm_vcpu_events events;

    return kvm_get_vcpu_events(set->vcpus->config.kvm, vcpu->fd, &events) == 0 &&
           (events.exception.injected || events.interrupt.injected || events.nmi.injected);
}

int watch_deliver(struct watch_set *set, struct vcpu *vcpu, enum watch_trouble trouble,
                  struct error *why)
{
    struct deliver d = {.set = set, .vcpu = vcpu};
    int ret;

    if (trouble != WATCH_TROUBLE_SHUTDOWN && trouble != WATCH_TROUBLE_EMULATION &&
        !is_held_back(set, vcpu)) {
        return -ENOENT;
    }
    watch_stand_still(set, true);
    vcpu_complete_access(vcpu, watch_serving, set);
    ret = deliver(&d, trouble, why);
    watch_stand_still(set, false);
    return ret;
}

/* ---- a step that raised an exception ---- */

/* Is that frame in memory, but for TF in its flags? Returns: the push of the flags, or NULL. */
static const struct x86_push *find_stepped_frame(struct deliver *d)
{
    const struct x86_delivery *delivery = &d->delivery;
    const struct x86_push *flags = NULL;
    uint64_t value, differs;
    unsigned i;

    for (i = 0; i < delivery->push_num; i++) {
        const struct x86_push *push = &delivery->pushes[i];
        /* The last three are flags, CS and RIP. */
        bool is_flags = i + 3 == delivery->push_num;

        value = 0;
        if (read_linear(d, push->linear, &value, push->size) < 0) {
            return NULL;
        }
        differs = value ^ push->value;
        if (is_flags ? (differs & ~RFLAGS_RF) != RFLAGS_TF : differs != 0) {
            return NULL;
        }
        flags = is_flags ? push : flags;
    }
    return flags;
}

/* A frame of long mode has five words at least; pushes and calls have one. */
static bool may_have_pushed_frame(const struct watch_set *set, const struct vcpu *vcpu,
                                  const struct watch_before *before)
{
    enum { ONE_PUSH = 16 };
    struct kvm *kvm = set->vcpus->config.kvm;
    struct kvm_sregs sregs;
    struct kvm_regs regs;

    return kvm_get_regs(kvm, vcpu->fd, &regs) != 0 || kvm_get_sregs(kvm, vcpu->fd, &sregs) != 0 ||
           !before->sregs.cs.l || sregs.cs.selector != before->sregs.cs.selector ||
           before->regs.rsp - regs.rsp + ONE_PUSH > 2 * ONE_PUSH;
}

void watch_clear_trap_flag(struct watch_set *set, struct vcpu *vcpu,
                           const struct watch_before *before)
{
    enum { EXCEPTIONS = 32 };
    const MemTxAttrs attrs = {.memory = true};
    struct deliver d = {.set = set, .vcpu = vcpu};
    const struct x86_push *flags;
    struct x86_walk walk;
    unsigned vector;
    uint8_t byte;

    if (!may_have_pushed_frame(set, vcpu, before)) {
        return;
    }
    for (vector = 0; vector < EXCEPTIONS; vector++) {
        d.event = (struct x86_event){.vector = vector};
        start_at(&d, before);
        d.delivery.push_num = 0;
        flags = x86_deliver(&d.event, read_linear, &d, &d.delivery) == X86_DELIVER_OK
                    ? find_stepped_frame(&d)
                    : NULL;
        if (!flags || read_linear(&d, flags->linear + 1, &byte, 1) < 0) {
            continue;
        }
        byte &= (uint8_t) ~(RFLAGS_TF >> 8);
        vcpu_paging_walk(d.paging, &set->unwatched, flags->linear + 1, &walk);
        (void)address_space_write(&set->unwatched, walk.gpa, attrs, &byte, 1);
        return;
    }
}
