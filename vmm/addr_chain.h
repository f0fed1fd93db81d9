/*
 * addr_chain.h - every step from an address that a guest uses to a byte of the host's memory:
 * linear address, guest-physical address, region and slot, host address, host-physical address.
 *
 * The chain is of one moment: the vCPUs are paused from init to finish. What it points to lives
 * until then.
 *
 * Context: the loop's thread, no owner's lock held.
 */
#ifndef ACRE_VMM_ADDR_CHAIN_H
#define ACRE_VMM_ADDR_CHAIN_H

#include "vmm/machine.h"
#include "vmm/pagemap.h"
#include "vmm/vcpu_paging.h"

/* Where a chain begins. */
enum addr_space {
    ADDR_GVA, /* a linear address of one vCPU (segments are not looked at) */
    ADDR_GPA, /* a guest-physical one */
    ADDR_HVA, /* an address in this process */
};

struct addr_request {
    enum addr_space space;
    uint64_t addr;
    unsigned cpu; /* ADDR_GVA */
};

/*
 * "ADDR [--cpu N]"; ADDR is a number, "gva:NUMBER", "gpa:NUMBER" or "hva:NUMBER".
 * @cpu  the one meant where none is named.
 * Returns: 0; -EINVAL with err filled.
 */
int addr_parse(const char *text, unsigned cpu, struct addr_request *request, struct error *err)
    __attribute__((warn_unused_result));
/* Returns: 0; -EINVAL no such word ("gva", "gpa", "hva" of `len` characters). */
int addr_space_parse(const char *name, size_t len, enum addr_space *space)
    __attribute__((warn_unused_result));
/* "gva" and so on. */
const char *addr_space_name(enum addr_space space);

/* What KVM_TRANSLATE says of a walk. Its rights say nothing: they are always the same. */
enum addr_kvm {
    ADDR_KVM_AGREES,
    ADDR_KVM_DIFFERS,
    ADDR_KVM_UNCHECKED, /* it maps an address that is not canonical: it does not look */
    ADDR_KVM_FAILED,    /* the ioctl did */
    ADDR_KVM_NOT_ASKED, /* it would set accessed bits in the guest's tables, which have none yet */
};

/* A linear address, walked. */
struct addr_linear {
    struct vcpu_paging paging;
    struct x86_walk walk;
    enum addr_kvm kvm;
    int kvm_result; /* 0; -EFAULT not mapped; -errno; of one that was asked */
    uint64_t kvm_gpa;
};

/* The regions from the root to who answers. */
enum { ADDR_PATH_MAX = 16 };
struct addr_path {
    struct {
        MemoryRegion *mr;
        bool via_alias; /* the target of the one before */
    } steps[ADDR_PATH_MAX];
    unsigned num; /* the innermost ones of a longer path are missing, but for the last */
};

/* A guest-physical address and what it shows. */
struct addr_place {
    hwaddr gpa;
    const FlatRange *range;      /* NULL: nobody answers */
    const struct kvm_slot *slot; /* NULL: none, accesses trap */
    struct addr_path path;
};

/* A byte of this process that a guest may see, were there no watchpoint. */
struct addr_host {
    uint64_t hva;
    RAMBlock *block; /* referenced; NULL: the place shows no memory */
    uint64_t offset; /* in the block */
    struct pagemap_page page;
};

struct addr_chain {
    struct addr_request request;
    struct machine *machine;
    struct addr_linear linear; /* ADDR_GVA */
    /*
     * One of an address that could be walked, and of a guest-physical one; of a host address all
     * that show it, ascending. NULL: none.
     */
    struct addr_place *places;
    size_t place_num;
    struct addr_host host;
    /* private: keep ranges and regions alive */
    FlatView *view;    /* what the guest sees: places */
    FlatView *beneath; /* without watchpoints' overlays: page tables and hosts */
};

/*
 * Follows the chain as far as it goes; an address that is not mapped is an answer as well.
 * Returns: 0; -EINVAL no such CPU; -ESRCH the CPU does not run any more; -ENOENT no RAM block holds
 * the host address; -ENOMEM; -errno of reading registers. err is filled; nothing is left to finish.
 * Cost: one round trip to each vCPU for a linear address; O(log n), of a host address O(n) ranges.
 */
int addr_chain_init(struct addr_chain *chain, struct machine *machine,
                    const struct addr_request *request, struct error *err)
    __attribute__((warn_unused_result));
/* Lets the vCPUs go. */
void addr_chain_finish(struct addr_chain *chain);

/* @result, @gpa  of kvm_translate(). */
enum addr_kvm addr_kvm_compare(const struct x86_walk *walk, int result, uint64_t gpa);
/* "agrees", "differs", "unchecked", "failed", "not asked". */
const char *addr_kvm_name(enum addr_kvm kvm);

/* The chain as text for a person. */
void addr_chain_print(const struct addr_chain *chain, struct memory_sink *sink);
/*
 * The chain as an object; members that do not apply are missing:
 *   "format": "acre-addr", "version": 1, "space", "address", "cpu" (of a linear address);
 *   "linear": {"mode", "cr3", "levels": [{"name", "index", "address", "value", "flags", "page"}],
 *     (the last one without value and flags where no memory is)
 *     "result" ("ok" or why not), "kvm": {"result", "gpa"}} and with "ok" "gpa", "page-size" (0x0:
 *     paging is off), "writable", "user", "executable", "global";
 *   "places": [{"gpa", "path": [name], "range": {"first", "last", "region", "offset", "type"} or
 *     null, "slot": a slot of map_json.h, or null}];
 *   "why": map_json_why() of the one place of a linear or guest-physical address;
 *   "host": {"hva", "ram-block", "offset", "backing", "file-offset", "page": {"state", "hpa",
 *     "reason"}}.
 * Numbers as in map_json.h; vmm/schemas/acre-addr.json is its JSON Schema. Returns: a new
 * reference; NULL out of memory.
 */
json_t *addr_chain_json(const struct addr_chain *chain);

#endif
