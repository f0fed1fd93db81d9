/*
 * x86_deliver.c - gate, code segment, stack, frame: each step looks at what the one before found.
 */
#include "vmm/x86_deliver.h"

#include <stddef.h>

#include "vmm/x86_idt.h"

#define CR0_PE UINT64_C(1)
#define EFER_LMA (UINT64_C(1) << 10)

#define RFLAGS_TF (UINT64_C(1) << 8)
#define RFLAGS_IF (UINT64_C(1) << 9)
#define RFLAGS_NT (UINT64_C(1) << 14)
#define RFLAGS_RF (UINT64_C(1) << 16)
#define RFLAGS_VM (UINT64_C(1) << 17)
#define RFLAGS_AC (UINT64_C(1) << 18)

/* Bits of a segment's type, with S set. */
enum { TYPE_ACCESSED = 1, TYPE_WRITABLE = 2, TYPE_CONFORMING = 4, TYPE_CODE = 8 };
enum { GATE_INTERRUPT_32 = 14, TSS_32_BUSY = 11, TSS_64_BUSY = 11 };
enum { SELECTOR_TI = 4, SELECTOR_RPL = 3, DESCRIPTOR_SIZE = 8 };

struct delivering {
    const struct x86_event *event;
    int (*read)(void *opaque, uint64_t linear, void *buf, unsigned len);
    void *opaque;
    struct x86_delivery *delivery;
    enum x86_idt_form form;
    struct x86_gate gate;
    unsigned cpl, new_cpl;
    struct kvm_segment cs, ss; /* afterwards; ss where the privilege changes */
    uint64_t sp;               /* before the first push, an offset in the stack segment */
};

static unsigned width_of(const struct delivering *d)
{
    return d->form == X86_IDT_64 ? 8 : d->form == X86_IDT_32 ? 4 : 2;
}

static enum x86_deliver_result find_gate(struct delivering *d)
{
    const struct kvm_sregs *sregs = &d->delivery->sregs;
    const struct x86_idt idt = {
        .base = sregs->idt.base, .limit = sregs->idt.limit, .form = d->form};

    x86_gate_read(&idt, d->event->vector, d->read, d->opaque, &d->gate);
    if (d->gate.result != X86_GATE_OK) {
        return X86_DELIVER_GATE;
    }
    if (d->form == X86_IDT_REAL) {
        return X86_DELIVER_OK;
    }
    if (d->event->software && d->gate.dpl < d->cpl) {
        return X86_DELIVER_GATE;
    }
    return d->gate.type < GATE_INTERRUPT_32 ? X86_DELIVER_UNSUPPORTED : X86_DELIVER_OK;
}

/* Returns: false where there is none that is a present segment of code or data. */
static bool read_segment(const struct delivering *d, uint16_t selector, struct kvm_segment *segment)
{
    const struct kvm_sregs *sregs = &d->delivery->sregs;
    bool local = (selector & SELECTOR_TI) != 0;
    uint64_t base = local ? sregs->ldt.base : sregs->gdt.base, raw;
    uint32_t limit = local ? sregs->ldt.limit : sregs->gdt.limit;
    unsigned at = selector & 0xfff8U;

    if ((local && sregs->ldt.unusable) || (!local && at == 0) ||
        at + (DESCRIPTOR_SIZE - 1) > limit ||
        d->read(d->opaque, base + at, &raw, sizeof(raw)) < 0) {
        return false;
    }
    *segment = (struct kvm_segment){
        .base = (raw >> 16 & 0xffffff) | (raw >> 56) << 24,
        .limit = (uint32_t)((raw & 0xffff) | (raw >> 32 & 0xf0000)),
        .selector = selector,
        .type = (uint8_t)(raw >> 40 & 0xf) | TYPE_ACCESSED,
        .present = raw >> 47 & 1,
        .dpl = raw >> 45 & 3,
        .db = raw >> 54 & 1,
        .s = raw >> 44 & 1,
        .l = raw >> 53 & 1,
        .g = raw >> 55 & 1,
        .avl = raw >> 52 & 1,
    };
    if (segment->g) {
        segment->limit = segment->limit << 12 | 0xfff;
    }
    return segment->present && segment->s;
}

static enum x86_deliver_result find_code(struct delivering *d)
{
    struct kvm_segment *cs = &d->cs;

    if (d->form == X86_IDT_REAL) {
        *cs = d->delivery->sregs.cs;
        cs->selector = d->gate.selector;
        cs->base = (uint64_t)d->gate.selector << 4;
        return X86_DELIVER_OK;
    }
    if (!read_segment(d, d->gate.selector, cs) || !(cs->type & TYPE_CODE) || cs->dpl > d->cpl ||
        (d->form == X86_IDT_64 && (!cs->l || cs->db))) {
        return X86_DELIVER_SEGMENT;
    }
    d->new_cpl = cs->type & TYPE_CONFORMING ? d->cpl : cs->dpl;
    cs->selector = (uint16_t)((d->gate.selector & 0xfffcU) | d->new_cpl);
    return X86_DELIVER_OK;
}

/* `len` bytes of the TSS. */
static bool read_tss(const struct delivering *d, unsigned offset, void *buf, unsigned len)
{
    const struct kvm_segment *tr = &d->delivery->sregs.tr;

    return !tr->unusable && offset + (len - 1) <= tr->limit &&
           d->read(d->opaque, tr->base + offset, buf, len) == 0;
}

static enum x86_deliver_result find_stack_64(struct delivering *d)
{
    enum { RSP0 = 4, IST1 = 0x24 };
    bool inner = d->new_cpl < d->cpl;
    unsigned offset = d->gate.ist ? IST1 + 8 * (d->gate.ist - 1) : RSP0 + 8 * d->new_cpl;

    d->sp = d->delivery->regs.rsp;
    if ((inner || d->gate.ist) &&
        (d->delivery->sregs.tr.type != TSS_64_BUSY || !read_tss(d, offset, &d->sp, 8))) {
        return X86_DELIVER_STACK;
    }
    d->sp &= ~UINT64_C(15);
    if (inner) { /* SS is null, with the new CPL; as KVM's emulator loads it */
        d->ss = (struct kvm_segment){.limit = UINT32_MAX,
                                     .selector = (uint16_t)d->new_cpl,
                                     .type = TYPE_ACCESSED | TYPE_WRITABLE,
                                     .present = 1,
                                     .dpl = (uint8_t)d->new_cpl,
                                     .db = 1,
                                     .s = 1,
                                     .g = 1};
    }
    return X86_DELIVER_OK;
}

static enum x86_deliver_result find_stack_32(struct delivering *d)
{
    enum { ESP0 = 4, SS0 = 8 };
    uint32_t esp = 0;
    uint16_t selector = 0;

    d->sp = d->delivery->regs.rsp;
    if (d->new_cpl == d->cpl) {
        return X86_DELIVER_OK;
    }
    if (d->delivery->sregs.tr.type != TSS_32_BUSY) {
        return X86_DELIVER_UNSUPPORTED;
    }
    if (!read_tss(d, ESP0 + 8 * d->new_cpl, &esp, sizeof(esp)) ||
        !read_tss(d, SS0 + 8 * d->new_cpl, &selector, sizeof(selector)) ||
        !read_segment(d, selector, &d->ss) || (d->ss.type & TYPE_CODE) ||
        !(d->ss.type & TYPE_WRITABLE) || d->ss.dpl != d->new_cpl) {
        return X86_DELIVER_STACK;
    }
    d->sp = esp;
    return X86_DELIVER_OK;
}

static void push(struct delivering *d, uint64_t value)
{
    struct x86_delivery *delivery = d->delivery;
    const struct kvm_segment *ss = d->new_cpl < d->cpl ? &d->ss : &delivery->sregs.ss;
    unsigned size = width_of(d);
    struct x86_push *push = &delivery->pushes[delivery->push_num++];

    d->sp -= size;
    *push = (struct x86_push){.size = size, .linear = d->sp};
    push->value = size == 8 ? value : value & ((UINT64_C(1) << (8 * size)) - 1);
    if (d->form != X86_IDT_64) { /* wraps in what the segment makes of SP */
        push->linear = (uint32_t)(ss->base + (ss->db ? (uint32_t)d->sp : (uint16_t)d->sp));
    }
}

static void push_frame(struct delivering *d)
{
    const struct kvm_regs *regs = &d->delivery->regs;
    const struct kvm_sregs *sregs = &d->delivery->sregs;

    d->delivery->push_num = 0;
    if (d->form == X86_IDT_64 || d->new_cpl < d->cpl) {
        push(d, sregs->ss.selector);
        push(d, regs->rsp);
    }
    push(d, regs->rflags);
    push(d, sregs->cs.selector);
    push(d, regs->rip + d->event->length);
    if (d->event->has_error_code && d->form != X86_IDT_REAL) {
        push(d, d->event->error_code);
    }
}

static void enter_handler(struct delivering *d)
{
    struct kvm_regs *regs = &d->delivery->regs;
    struct kvm_sregs *sregs = &d->delivery->sregs;
    bool inner = d->new_cpl < d->cpl;
    const struct kvm_segment *ss = inner ? &d->ss : &sregs->ss;
    uint64_t cleared = RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM;

    if (d->form == X86_IDT_REAL) {
        cleared = RFLAGS_TF | RFLAGS_RF | RFLAGS_AC | RFLAGS_IF;
    } else if (d->gate.type % 2 == 0) {
        cleared |= RFLAGS_IF;
    }
    /* A 16-bit stack leaves the rest of ESP alone. */
    regs->rsp = d->form == X86_IDT_64 ? d->sp
                : ss->db              ? (uint32_t)d->sp
                                      : (regs->rsp & UINT64_C(0xffff0000)) | (uint16_t)d->sp;
    regs->rip = d->gate.offset;
    regs->rflags &= ~cleared;
    sregs->cs = d->cs;
    if (inner) {
        sregs->ss = d->ss;
    }
}

enum x86_deliver_result x86_deliver(const struct x86_event *event,
                                    int (*read)(void *opaque, uint64_t linear, void *buf,
                                                unsigned len),
                                    void *opaque, struct x86_delivery *delivery)
{
    const struct kvm_sregs *sregs = &delivery->sregs;
    struct delivering d = {.event = event, .read = read, .opaque = opaque, .delivery = delivery};
    enum x86_deliver_result result;

    d.form = sregs->efer & EFER_LMA ? X86_IDT_64 : sregs->cr0 & CR0_PE ? X86_IDT_32 : X86_IDT_REAL;
    if (d.form == X86_IDT_32 && (delivery->regs.rflags & RFLAGS_VM)) {
        return X86_DELIVER_UNSUPPORTED;
    }
    d.cpl = d.new_cpl = d.form == X86_IDT_REAL ? 0 : sregs->cs.selector & SELECTOR_RPL;
    result = find_gate(&d);
    if (result == X86_DELIVER_OK) {
        result = find_code(&d);
    }
    d.sp = delivery->regs.rsp;
    if (result == X86_DELIVER_OK && d.form != X86_IDT_REAL) {
        result = d.form == X86_IDT_64 ? find_stack_64(&d) : find_stack_32(&d);
    }
    if (result == X86_DELIVER_OK) {
        push_frame(&d);
        enter_handler(&d);
    }
    return result;
}

const char *x86_deliver_result_name(enum x86_deliver_result result)
{
    static const char *const names[] = {
        [X86_DELIVER_GATE] = "its gate is not usable",
        [X86_DELIVER_SEGMENT] = "its gate leads to no code segment",
        [X86_DELIVER_STACK] = "the TSS has no stack for it",
        [X86_DELIVER_UNSUPPORTED] = "acre does not know this kind of gate or mode",
    };

    return result == X86_DELIVER_OK ? NULL : names[result];
}
