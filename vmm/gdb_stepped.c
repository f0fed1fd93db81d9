/*
 * gdb_stepped.c - watchpoints for writes that stepping finds: the bytes are compared after each
 * instruction. That is for memory which must not have an overlay: what KVM uses by itself, and
 * stacks, on which it pushes when the guest takes an interrupt.
 *
 * Of several CPUs the one whose thread the client had chosen compares, so that the stop is told of
 * a CPU that may well have written: it is that one's stack. What others write it sees after its own
 * next instruction.
 */
#include "vmm/gdb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/peek.h"
#include "vmm/watch.h"

#define PAGE_MASK UINT64_C(0xfff)
/* From what a CPU has pushed last: a frame more, and its callers'. */
#define STACK_BELOW UINT64_C(0x1000)
#define STACK_ABOVE UINT64_C(0x4000)

enum { PARTS_MAX = 2, BYTES_MAX = 256 };

/* Bytes that lie together. */
struct part {
    hwaddr gpa;
    size_t len;
};

struct gdb_stepped {
    unsigned cpu; /* that compares */
    struct part parts[PARTS_MAX];
    unsigned num;
    uint8_t value[BYTES_MAX]; /* when it was looked at last; gdb.lock */
};

static void read_value(struct gdb *gdb, const struct gdb_stepped *stepped, uint8_t *value)
{
    const MemTxAttrs look = {.memory = true, .debug = true};
    unsigned i;

    for (i = 0; i < stepped->num; i++) {
        (void)address_space_read(watch_beneath(gdb->machine), stepped->parts[i].gpa, look, value,
                                 stepped->parts[i].len);
        value += stepped->parts[i].len;
    }
}

static size_t value_size(const struct gdb_stepped *stepped)
{
    return stepped->parts[0].len + stepped->parts[1].len;
}

int gdb_stepped_new(struct gdb *gdb, const struct vcpu_paging *paging, uint64_t addr, uint64_t size,
                    struct gdb_stepped **stepped)
{
    const MemTxAttrs look = {.memory = true, .debug = true};
    struct gdb_stepped *made;
    struct x86_walk walk;
    uint8_t byte;

    if (size > BYTES_MAX) {
        return -E2BIG;
    }
    made = calloc(1, sizeof(*made));
    if (!made) {
        return -ENOMEM;
    }
    made->cpu = gdb->session.cpu;
    while (size > 0) {
        uint64_t room = PAGE_MASK + 1 - (addr & PAGE_MASK);
        struct part *part = &made->parts[made->num++];

        vcpu_paging_walk(paging, watch_beneath(gdb->machine), addr, &walk);
        part->gpa = walk.gpa;
        part->len = size < room ? (size_t)size : (size_t)room;
        if (walk.result != X86_WALK_OK ||
            address_space_read(watch_beneath(gdb->machine), walk.gpa, look, &byte, 1) != MEMTX_OK) {
            free(made);
            return -EFAULT;
        }
        addr += part->len;
        size -= part->len;
    }
    *stepped = made;
    return 0;
}

/* Is some of the pages a stack? */
struct look {
    AddressSpace *memory;
    uint64_t first, last;
    _Atomic bool is_stack;
};

/* Modulo 2^64: a stack may lie at either end. */
static bool is_near(const struct look *look, uint64_t sp, uint64_t below, uint64_t above)
{
    return sp - look->first + above <= (look->last - look->first) + above + below;
}

/* The stacks that the CPU takes from its TSS. Source: Intel SDM vol. 3A 8.7 "Task Management in
 * 64-bit Mode", 8.2.1 "Task-State Segment (TSS)". */
static bool is_near_tss(const struct look *look, const struct vcpu_paging *paging,
                        const struct kvm_sregs *sregs)
{
    enum { RSP0 = 4, RSP_NUM = 3, IST1 = 36, IST_NUM = 7, TSS_SIZE = 104, EFER_LMA = 1 << 10 };
    const struct peek peek = {.memory = look->memory, .paging = paging};
    bool found = false, wide = (sregs->efer & EFER_LMA) != 0;
    uint8_t tss[TSS_SIZE];
    uint64_t sp = 0, bad;
    unsigned i;

    if (sregs->tr.unusable || !sregs->tr.present || sregs->tr.limit < TSS_SIZE - 1 ||
        peek_read(&peek, sregs->tr.base, tss, sizeof(tss), &bad) < 0) {
        return false;
    }
    if (!wide) {
        memcpy(&sp, tss + RSP0, sizeof(uint32_t));
        return is_near(look, sp, STACK_ABOVE, 0);
    }
    for (i = 0; i < RSP_NUM + IST_NUM; i++) {
        memcpy(&sp, tss + (i < RSP_NUM ? RSP0 + 8 * i : IST1 + 8 * (i - RSP_NUM)), sizeof(sp));
        found |= sp != 0 && is_near(look, sp, STACK_ABOVE, 0);
    }
    return found;
}

static void call_look(void *opaque, struct vcpu *vcpu)
{
    struct kvm *kvm = vcpu->group->config.kvm;
    struct look *look = opaque;
    struct vcpu_paging paging;
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    uint32_t state;

    if (kvm_get_mp_state(kvm, vcpu->fd, &state) == 0 &&
        (state == KVM_MP_STATE_UNINITIALIZED || state == KVM_MP_STATE_INIT_RECEIVED)) {
        return; /* what its registers say is not used */
    }
    if (kvm_get_regs(kvm, vcpu->fd, &regs) == 0 && kvm_get_sregs(kvm, vcpu->fd, &sregs) == 0 &&
        vcpu_paging_read(vcpu, &paging) == 0 &&
        (is_near(look, (sregs.cs.l ? 0 : sregs.ss.base) + regs.rsp, STACK_BELOW, STACK_ABOVE) ||
         is_near_tss(look, &paging, &sregs))) {
        atomic_store(&look->is_stack, true);
    }
}

bool gdb_stepped_is_stack(struct gdb *gdb, uint64_t addr, uint64_t size)
{
    struct look look = {
        .memory = watch_beneath(gdb->machine),
        .first = addr & ~PAGE_MASK,
        .last = (addr + (size - 1)) | PAGE_MASK,
    };

    vcpu_group_call(&gdb->machine->vcpus, call_look, &look);
    return look.is_stack;
}

/* Compares; what is there now is what will be compared with. Lock held. */
static bool has_changed(struct gdb *gdb, struct gdb_stepped *stepped)
{
    uint8_t value[BYTES_MAX];
    size_t size = value_size(stepped);

    read_value(gdb, stepped, value);
    if (memcmp(value, stepped->value, size) == 0) {
        return false;
    }
    memcpy(stepped->value, value, size);
    return true;
}

const struct gdb_breakpoint *gdb_stepped_find(struct gdb *gdb, unsigned cpu)
{
    const struct gdb_breakpoint *found = NULL;
    unsigned i;

    if (!gdb->breaks.compares) {
        return NULL;
    }
    (void)pthread_mutex_lock(&gdb->lock);
    for (i = 0; i < gdb->breaks.num && !found; i++) {
        struct gdb_stepped *stepped = gdb->breaks.list[i].stepped;

        if (stepped && (stepped->cpu == cpu || gdb->cpus[stepped->cpu].action == GDB_ACTION_HOLD) &&
            has_changed(gdb, stepped)) {
            found = &gdb->breaks.list[i];
        }
    }
    (void)pthread_mutex_unlock(&gdb->lock);
    return found;
}

void gdb_stepped_gather(struct gdb *gdb)
{
    unsigned i;

    (void)pthread_mutex_lock(&gdb->lock);
    for (i = 0; i < gdb->breaks.num && gdb->breaks.compares; i++) {
        const struct gdb_breakpoint *one = &gdb->breaks.list[i];

        if (one->stepped && has_changed(gdb, one->stepped)) {
            struct gdb_cpu *cpu = &gdb->cpus[one->stepped->cpu];

            cpu->pending = true;
            cpu->pending_stop = (struct gdb_stop){.signal = GDB_SIGNAL_TRAP,
                                                  .cpu = one->stepped->cpu,
                                                  .at_break = true,
                                                  .kind = one->kind,
                                                  .addr = one->addr};
        }
    }
    (void)pthread_mutex_unlock(&gdb->lock);
}

void gdb_stepped_begin(struct gdb *gdb)
{
    unsigned i;

    (void)pthread_mutex_lock(&gdb->lock);
    for (i = 0; i < gdb->breaks.num && gdb->breaks.compares; i++) {
        struct gdb_stepped *stepped = gdb->breaks.list[i].stepped;

        if (stepped) {
            read_value(gdb, stepped, stepped->value);
        }
    }
    (void)pthread_mutex_unlock(&gdb->lock);
}
