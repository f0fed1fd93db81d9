/*
 * watch_tables.c - pages that must not be watched, since KVM reads or writes them by itself on
 * behalf of the guest: a vCPU's page tables, level by level from CR3, and its descriptor tables and
 * TSS, page by page of their linear addresses. Each vCPU is asked on its own thread.
 */
#include "vmm/watch_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmm/vcpu_paging.h"

#define PRESENT UINT64_C(1)
#define LARGE (UINT64_C(1) << 7)
#define ADDR_MASK UINT64_C(0x000ffffffffff000)

enum { TABLES_MAX = 1 << 16 /* looked into; a guest may have made a maze */, TABLE_ENTRIES = 512 };

struct check {
    struct watch_set *set;
    hwaddr first, last;
    pthread_mutex_t lock; /* the vCPUs answer all at once */
    unsigned tables;      /* looked into */
    int result;
    struct error *err;
};

static bool is_watched(const struct check *check, hwaddr gpa)
{
    return gpa <= check->last && (gpa | (WATCH_PAGE - 1)) >= check->first;
}

static void refuse(struct check *check, const struct vcpu *vcpu, const char *what, hwaddr gpa)
{
    if (check->result == 0) {
        check->result = error_set(check->err, EBUSY,
                                  "page 0x%" PRIx64 " has %s of cpu %u, which KVM uses by itself: "
                                  "it cannot be watched",
                                  gpa & ~(WATCH_PAGE - 1), what, vcpu->index);
    }
}

/* @level  of the table at `gpa`: 1 has what maps 4 KiB pages. */
static void check_table(struct check *check, const struct vcpu *vcpu, hwaddr gpa, unsigned level,
                        unsigned entry_size)
{
    const MemTxAttrs look = {.memory = true, .debug = true};
    uint64_t entries[TABLE_ENTRIES], entry;
    unsigned i;

    if (is_watched(check, gpa)) {
        refuse(check, vcpu, "a page table", gpa);
    }
    if (check->result < 0 || level == 1 || ++check->tables > TABLES_MAX ||
        address_space_read(&check->set->unwatched, gpa, look, entries, sizeof(entries)) !=
            MEMTX_OK) {
        return;
    }
    for (i = 0; i < sizeof(entries) / entry_size && check->result == 0; i++) {
        entry = 0;
        memcpy(&entry, (const uint8_t *)entries + (size_t)i * entry_size, entry_size);
        if ((entry & PRESENT) && !(level <= 3 && (entry & LARGE))) {
            check_table(check, vcpu, entry & ADDR_MASK, level - 1, entry_size);
        }
    }
}

static void check_paging(struct check *check, const struct vcpu *vcpu,
                         const struct vcpu_paging *paging)
{
    hwaddr cr3 = paging->regs.cr3 & ADDR_MASK;
    unsigned i;

    switch (x86_paging_mode(&paging->regs)) {
    case X86_PAGING_OFF:
        break;
    case X86_PAGING_32BIT:
        check_table(check, vcpu, cr3, 2, 4);
        break;
    case X86_PAGING_PAE:
        if (is_watched(check, cr3)) {
            refuse(check, vcpu, "a page table", cr3);
        }
        for (i = 0; i < VCPU_PDPTE_NUM && paging->pdptes_loaded; i++) {
            if (paging->pdptes[i] & PRESENT) {
                check_table(check, vcpu, paging->pdptes[i] & ADDR_MASK, 2, 8);
            }
        }
        break;
    case X86_PAGING_4LEVEL:
        check_table(check, vcpu, cr3, 4, 8);
        break;
    case X86_PAGING_5LEVEL:
        check_table(check, vcpu, cr3, 5, 8);
        break;
    }
}

static void check_linear(struct check *check, const struct vcpu *vcpu,
                         const struct vcpu_paging *paging, const char *what, uint64_t base,
                         uint32_t limit)
{
    uint64_t page = base & ~(WATCH_PAGE - 1), last = base + limit;
    struct x86_walk walk;

    for (; limit > 0 && page <= last && check->result == 0; page += WATCH_PAGE) {
        vcpu_paging_walk(paging, &check->set->unwatched, page, &walk);
        if (walk.result == X86_WALK_OK && is_watched(check, walk.gpa)) {
            refuse(check, vcpu, what, walk.gpa);
        }
        if (page > UINT64_MAX - WATCH_PAGE) {
            break;
        }
    }
}

/* Between INIT and SIPI what its registers say is not used. */
static bool waits_for_sipi(struct kvm *kvm, const struct vcpu *vcpu)
{
    uint32_t state;

    return vcpu->index > 0 && kvm_get_mp_state(kvm, vcpu->fd, &state) == 0 &&
           (state == KVM_MP_STATE_UNINITIALIZED || state == KVM_MP_STATE_INIT_RECEIVED);
}

static void check_vcpu(void *opaque, struct vcpu *vcpu)
{
    enum { SEGMENT_MAX = 0xffff }; /* of a TSS or LDT what the CPU looks at */
    struct check *check = opaque;
    struct kvm *kvm = check->set->vcpus->config.kvm;
    struct vcpu_paging paging;
    struct kvm_sregs sregs;
    int ret;

    (void)pthread_mutex_lock(&check->lock);
    ret = kvm_get_sregs(kvm, vcpu->fd, &sregs);
    ret = ret < 0 ? ret : vcpu_paging_read(vcpu, &paging);
    if (ret < 0 && check->result == 0) {
        check->result =
            error_set_errno(check->err, -ret, "reading cpu %u's registers", vcpu->index);
    } else if (check->result == 0 && !waits_for_sipi(kvm, vcpu)) {
        check_paging(check, vcpu, &paging);
        check_linear(check, vcpu, &paging, "the GDT", sregs.gdt.base, sregs.gdt.limit);
        check_linear(check, vcpu, &paging, "the IDT", sregs.idt.base, sregs.idt.limit);
        if (!sregs.tr.unusable) {
            check_linear(check, vcpu, &paging, "the TSS", sregs.tr.base,
                         sregs.tr.limit < SEGMENT_MAX ? sregs.tr.limit : 0);
        }
        if (!sregs.ldt.unusable) {
            check_linear(check, vcpu, &paging, "the LDT", sregs.ldt.base,
                         sregs.ldt.limit < SEGMENT_MAX ? sregs.ldt.limit : 0);
        }
    }
    (void)pthread_mutex_unlock(&check->lock);
}

int watch_check_tables(struct watch_set *set, hwaddr first, hwaddr last, struct error *err)
{
    struct check check = {.set = set, .first = first, .last = last, .err = err};
    unsigned i;

    if (!set->vcpus) {
        return 0;
    }
    (void)pthread_mutex_init(&check.lock, NULL);
    if (set->vcpus->vcpus[0].thread_started) {
        vcpu_group_call(set->vcpus, check_vcpu, &check);
    } else {
        for (i = 0; i < set->vcpus->config.num; i++) {
            check_vcpu(&check, &set->vcpus->vcpus[i]);
        }
    }
    (void)pthread_mutex_destroy(&check.lock);
    return check.result;
}
