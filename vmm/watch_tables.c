/*
 * watch_tables.c - pages that must not be watched, since KVM reads or writes them by itself on
 * behalf of the guest: a vCPU's page tables, level by level from CR3, and its descriptor tables and
 * TSS, page by page of their linear addresses. Each vCPU is asked on its own thread.
 *
 * One walk serves three questions: may this be watched? which overlays have to go? and, of a vCPU
 * that came to grief, was it for that?
 */
#include "vmm/watch_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/vcpu_paging.h"

#define PRESENT UINT64_C(1)
#define LARGE (UINT64_C(1) << 7)
#define ADDR_MASK UINT64_C(0x000ffffffffff000)

enum {
    TABLES_MAX = 1 << 16,       /* of one vCPU, looked into; a guest may have made a maze */
    TABLES_MAX_OFTEN = 1 << 12, /* where it is done again and again */
    TABLE_ENTRIES = 512,
    FOUND_MAX = 64, /* at once; the next look finds others */
};

/* A page that a vCPU uses, and is not to. */
struct found {
    hwaddr page;
    const char *what;
    unsigned cpu;
};

struct check {
    struct watch_set *set;
    bool layers; /* pages under an overlay; else those of */
    hwaddr first, last;
    pthread_mutex_t lock;        /* the vCPUs answer all at once */
    unsigned tables, tables_max; /* looked into, of the vCPU at hand */
    unsigned num, wanted;        /* found; the check ends with `wanted` of them */
    struct found found[FOUND_MAX];
    int result; /* -errno of reading registers, of that CPU */
    unsigned cpu;
};

static bool is_watched(const struct check *check, hwaddr gpa)
{
    hwaddr page = gpa & ~(WATCH_PAGE - 1), last = page | (WATCH_PAGE - 1);

    return check->layers ? watch_has_layer(check->set, page, last)
                         : page <= check->last && last >= check->first;
}

static bool is_over(const struct check *check)
{
    return check->num == check->wanted || check->result < 0;
}

static void look_at(struct check *check, const struct vcpu *vcpu, const char *what, hwaddr gpa)
{
    hwaddr page = gpa & ~(WATCH_PAGE - 1);
    unsigned i;

    if (is_over(check) || !is_watched(check, gpa)) {
        return;
    }
    for (i = 0; i < check->num; i++) {
        if (check->found[i].page == page) {
            return;
        }
    }
    check->found[check->num++] = (struct found){.page = page, .what = what, .cpu = vcpu->index};
}

/* @level  of the table at `gpa`: 1 has what maps 4 KiB pages. */
static void check_table(struct check *check, const struct vcpu *vcpu, hwaddr gpa, unsigned level,
                        unsigned entry_size)
{
    const MemTxAttrs look = {.memory = true, .debug = true};
    uint64_t entries[TABLE_ENTRIES], entry;
    unsigned i;

    look_at(check, vcpu, "a page table", gpa);
    if (is_over(check) || level == 1 || ++check->tables > check->tables_max ||
        address_space_read(&check->set->unwatched, gpa, look, entries, sizeof(entries)) !=
            MEMTX_OK) {
        return;
    }
    for (i = 0; i < sizeof(entries) / entry_size && !is_over(check); i++) {
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
        look_at(check, vcpu, "a page table", cr3);
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

    for (; limit > 0 && page <= last && !is_over(check); page += WATCH_PAGE) {
        vcpu_paging_walk(paging, &check->set->unwatched, page, &walk);
        if (walk.result == X86_WALK_OK) {
            look_at(check, vcpu, what, walk.gpa);
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

static void check_registers(struct check *check, const struct vcpu *vcpu,
                            const struct vcpu_paging *paging, const struct kvm_sregs *sregs)
{
    enum { SEGMENT_MAX = 0xffff }; /* of a TSS or LDT what the CPU looks at */

    check->tables = 0;
    check_paging(check, vcpu, paging);
    check_linear(check, vcpu, paging, "the GDT", sregs->gdt.base, sregs->gdt.limit);
    check_linear(check, vcpu, paging, "the IDT", sregs->idt.base, sregs->idt.limit);
    if (!sregs->tr.unusable) {
        check_linear(check, vcpu, paging, "the TSS", sregs->tr.base,
                     sregs->tr.limit < SEGMENT_MAX ? sregs->tr.limit : 0);
    }
    if (!sregs->ldt.unusable) {
        check_linear(check, vcpu, paging, "the LDT", sregs->ldt.base,
                     sregs->ldt.limit < SEGMENT_MAX ? sregs->ldt.limit : 0);
    }
}

static void check_vcpu(void *opaque, struct vcpu *vcpu)
{
    struct check *check = opaque;
    struct kvm *kvm = check->set->vcpus->config.kvm;
    struct vcpu_paging paging;
    struct kvm_sregs sregs;
    int ret;

    (void)pthread_mutex_lock(&check->lock);
    ret = kvm_get_sregs(kvm, vcpu->fd, &sregs);
    ret = ret < 0 ? ret : vcpu_paging_read(vcpu, &paging);
    if (ret < 0 && !is_over(check)) {
        check->result = ret;
        check->cpu = vcpu->index;
    } else if (!is_over(check) && !waits_for_sipi(kvm, vcpu)) {
        check_registers(check, vcpu, &paging, &sregs);
    }
    (void)pthread_mutex_unlock(&check->lock);
}

static void check_all(struct check *check)
{
    struct vcpu_group *vcpus = check->set->vcpus;
    unsigned i;

    (void)pthread_mutex_init(&check->lock, NULL);
    if (vcpus->vcpus[0].thread_started) {
        vcpu_group_call(vcpus, check_vcpu, check);
    } else {
        for (i = 0; i < vcpus->config.num; i++) {
            check_vcpu(check, &vcpus->vcpus[i]);
        }
    }
    (void)pthread_mutex_destroy(&check->lock);
}

int watch_check_tables(struct watch_set *set, hwaddr first, hwaddr last, struct error *err)
{
    struct check check = {
        .set = set, .first = first, .last = last, .tables_max = TABLES_MAX, .wanted = 1};

    if (!set->vcpus) {
        return 0;
    }
    check_all(&check);
    if (check.result < 0) {
        return error_set_errno(err, -check.result, "reading cpu %u's registers", check.cpu);
    }
    if (check.num > 0) {
        return error_set(err, EBUSY,
                         "page 0x%" PRIx64 " has %s of cpu %u, which KVM uses by itself: "
                         "it cannot be watched",
                         check.found[0].page, check.found[0].what, check.found[0].cpu);
    }
    return 0;
}

/* ---- pages that are given up ---- */

/* The place of the first spared page from this one on. */
static size_t spared_at(const struct watch_set *set, uint64_t page)
{
    size_t i = 0;

    while (i < set->spared_num && set->spared[i] < page) {
        i++;
    }
    return i;
}

bool watch_has_spared(const struct watch_set *set, hwaddr first, hwaddr last)
{
    size_t i = spared_at(set, first / WATCH_PAGE);

    return i < set->spared_num && set->spared[i] <= last / WATCH_PAGE;
}

void watch_unspare(struct watch_set *set, hwaddr first, hwaddr last)
{
    size_t from = spared_at(set, first / WATCH_PAGE), to = from;

    while (to < set->spared_num && set->spared[to] <= last / WATCH_PAGE) {
        to++;
    }
    if (from == to) {
        return;
    }
    memmove(set->spared + from, set->spared + to, (set->spared_num - to) * sizeof(*set->spared));
    set->spared_num -= to - from;
}

static int spare(struct watch_set *set, uint64_t page)
{
    uint64_t *pages = reallocarray(set->spared, set->spared_num + 1, sizeof(*pages));
    size_t i;

    if (!pages) {
        return -ENOMEM;
    }
    set->spared = pages;
    i = spared_at(set, page);
    memmove(pages + i + 1, pages + i, (set->spared_num - i) * sizeof(*pages));
    pages[i] = page;
    set->spared_num++;
    return 0;
}

static void tell_lost(struct watch_set *set, const struct found *found)
{
    hwaddr last = found->page + (WATCH_PAGE - 1);
    struct itree_node *node = itree_overlap_first(&set->watches, found->page, last);

    for (; node; node = itree_overlap_next(node, found->page, last)) {
        const struct watch_config *config = &itree_entry(node, struct watch, node)->config;

        if (config->lost) {
            config->lost(config->opaque, found->page, found->what, found->cpu);
        }
    }
}

void watch_spare_tables(struct watch_set *set)
{
    struct check check = {
        .set = set, .layers = true, .tables_max = TABLES_MAX_OFTEN, .wanted = FOUND_MAX};
    unsigned i;
    int ret = 0;

    check_all(&check);
    if (check.num == 0) {
        return;
    }
    memory_core_freeze(set->core);
    for (i = 0; i < check.num && ret == 0; i++) {
        ret = spare(set, check.found[i].page / WATCH_PAGE);
    }
    memory_core_thaw(set->core);
    ret = ret < 0 ? ret : watch_lay(set);
    if (ret < 0) {
        set->failed(set->opaque, -ret);
    }
    for (i = 0; i < check.num; i++) {
        tell_lost(set, &check.found[i]);
    }
}

bool watch_explain_tables(struct watch_set *set, struct vcpu *vcpu, struct error *why)
{
    struct check check = {.set = set, .layers = true, .tables_max = TABLES_MAX, .wanted = 1};
    struct kvm *kvm = set->vcpus->config.kvm;
    struct vcpu_paging paging = {.pdptes_loaded = false};
    struct kvm_sregs sregs;
    struct kvm_regs regs;

    if (kvm_get_regs(kvm, vcpu->fd, &regs) != 0 || kvm_get_sregs(kvm, vcpu->fd, &sregs) != 0 ||
        vcpu_paging_read(vcpu, &paging) != 0) {
        return false;
    }
    if (x86_is_power_on(&regs, &sregs) && vcpu->kept.sregs_at > 0) { /* KVM has reset it */
        sregs = vcpu->kept.sregs;
        paging = (struct vcpu_paging){
            .regs = {.cr0 = sregs.cr0, .cr3 = sregs.cr3, .cr4 = sregs.cr4, .efer = sregs.efer}};
    }
    memory_core_freeze(set->core);
    check_registers(&check, vcpu, &paging, &sregs);
    memory_core_thaw(set->core);
    if (check.num > 0) {
        (void)error_set(why, EBUSY,
                        "page 0x%" PRIx64 ", which is watched, has %s of cpu %u, which KVM uses by "
                        "itself",
                        check.found[0].page, check.found[0].what, vcpu->index);
    }
    return check.num > 0;
}
