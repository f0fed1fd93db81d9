/*
 * addr_chain.c - the vCPUs are paused, one of them is asked for its registers, and everything else
 * is read: tables by debug reads, the view by lookups, the host's page table by its file.
 */
#include "vmm/addr_chain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/watch.h"

/* ---- a linear address ---- */

/*
 * Would KVM_TRANSLATE write to the guest's tables? It sets the accessed bits of a walk that
 * succeeds, as the CPU does; the PDPTEs of PAE have none.
 */
static bool would_be_changed(const struct x86_walk *walk)
{
    unsigned i = walk->mode == X86_PAGING_PAE ? 1 : 0;

    while (i < walk->level_num && (walk->levels[i].raw & X86_ENTRY_A)) {
        i++;
    }
    return walk->result == X86_WALK_OK && i < walk->level_num;
}

/* What one vCPU is asked for. */
struct question {
    unsigned cpu;
    AddressSpace *memory;
    uint64_t linear_addr;
    struct addr_linear *linear;
    int result;
};

static void ask(void *opaque, struct vcpu *vcpu)
{
    struct question *question = opaque;
    struct addr_linear *linear = question->linear;

    if (vcpu->index != question->cpu) {
        return;
    }
    question->result = vcpu_paging_read(vcpu, &linear->paging);
    if (question->result < 0) {
        return;
    }
    vcpu_paging_walk(&linear->paging, question->memory, question->linear_addr, &linear->walk);
    linear->kvm = ADDR_KVM_NOT_ASKED;
    if (!would_be_changed(&linear->walk)) {
        linear->kvm_result = kvm_translate(vcpu->group->config.kvm, vcpu->fd, question->linear_addr,
                                           &linear->kvm_gpa);
        linear->kvm = addr_kvm_compare(&linear->walk, linear->kvm_result, linear->kvm_gpa);
    }
}

enum addr_kvm addr_kvm_compare(const struct x86_walk *walk, int result, uint64_t gpa)
{
    if (result != 0 && result != -EFAULT) {
        return ADDR_KVM_FAILED;
    }
    if (walk->result == X86_WALK_NON_CANONICAL && result == 0) {
        return ADDR_KVM_UNCHECKED;
    }
    if ((walk->result == X86_WALK_OK) != (result == 0)) {
        return ADDR_KVM_DIFFERS;
    }
    return result == 0 && walk->gpa != gpa ? ADDR_KVM_DIFFERS : ADDR_KVM_AGREES;
}

const char *addr_kvm_name(enum addr_kvm kvm)
{
    static const char *const names[] = {
        [ADDR_KVM_AGREES] = "agrees",       [ADDR_KVM_DIFFERS] = "differs",
        [ADDR_KVM_UNCHECKED] = "unchecked", [ADDR_KVM_FAILED] = "failed",
        [ADDR_KVM_NOT_ASKED] = "not asked",
    };

    return names[kvm];
}

/* ---- a guest-physical address ---- */

struct path_search {
    struct addr_path *path;
    struct addr_path now; /* down to the step at hand */
};

static void keep_way(void *opaque, const MemoryExplainStep *step)
{
    struct path_search *search = opaque;
    unsigned at = step->depth < ADDR_PATH_MAX ? step->depth : ADDR_PATH_MAX - 1;

    search->now.steps[at].mr = step->mr;
    search->now.steps[at].via_alias = step->via_alias;
    if (step->state == MEMORY_EXPLAIN_WINS) {
        *search->path = search->now;
        search->path->num = at + 1;
    }
}

static void fill_place(const struct addr_chain *chain, hwaddr gpa, struct addr_place *place)
{
    struct machine *machine = chain->machine;
    struct path_search search = {.path = &place->path};

    *place = (struct addr_place){
        .gpa = gpa,
        .range = flatview_lookup(chain->view, gpa),
        .slot = kvm_slots_lookup(&machine->slots, gpa),
    };
    (void)memory_explain(board_memory(machine->board), gpa, keep_way, &search);
}

static int add_place(struct addr_chain *chain, hwaddr gpa)
{
    struct addr_place *places;

    /* Grows by powers of two: the number of places is known to the array alone. */
    if ((chain->place_num & (chain->place_num - 1)) == 0) {
        size_t room = chain->place_num > 0 ? 2 * chain->place_num : 1;

        places = realloc(chain->places, room * sizeof(*places));
        if (!places) {
            return -ENOMEM;
        }
        chain->places = places;
    }
    fill_place(chain, gpa, &chain->places[chain->place_num++]);
    return 0;
}

/* The host's bytes of a range that a guest reaches without us; NULL: it shows none. */
static uint8_t *host_of(const struct addr_chain *chain, const FlatRange *range)
{
    MemoryRegionSection section = flat_range_section(NULL, chain->beneath, range);
    bool readonly;

    return memory_section_is_slot(&section, &readonly) ? memory_section_host(&section) : NULL;
}

static void look_at_page(struct addr_chain *chain)
{
    chain->host.page = pagemap_look(chain->machine->pagemap, chain->host.hva);
}

static int follow_gpa(struct addr_chain *chain, hwaddr gpa)
{
    struct memory_core *core = board_memory(chain->machine->board)->core;
    const FlatRange *range = flatview_lookup(chain->beneath, gpa);
    const uint8_t *host;
    int result = add_place(chain, gpa);

    if (result < 0) {
        return result;
    }
    host = range ? host_of(chain, range) : NULL;
    if (host) {
        host += gpa - range->first;
        chain->host.hva = (uintptr_t)host;
        chain->host.block = ram_block_from_host(core, host, &chain->host.offset);
        look_at_page(chain);
    }
    return 0;
}

static int follow_gva(struct addr_chain *chain, struct error *err)
{
    struct machine *machine = chain->machine;
    struct addr_linear *linear = &chain->linear;
    struct question question = {
        .cpu = chain->request.cpu,
        .memory = watch_beneath(machine),
        .linear_addr = chain->request.addr,
        .linear = linear,
        .result = -ESRCH,
    };

    if (chain->request.cpu >= machine->vcpus.config.num) {
        return error_set(err, EINVAL, "there is no CPU %u", chain->request.cpu);
    }
    vcpu_group_call(&machine->vcpus, ask, &question);
    if (question.result < 0) {
        return error_set_errno(err, -question.result, "reading CPU %u", chain->request.cpu);
    }
    return linear->walk.result == X86_WALK_OK ? follow_gpa(chain, linear->walk.gpa) : 0;
}

/* ---- a host address ---- */

struct gpa_search {
    struct addr_chain *chain;
    int result;
};

static bool add_if_shown(const FlatRange *range, void *opaque)
{
    struct gpa_search *search = opaque;
    const uint8_t *host = host_of(search->chain, range);
    uint64_t offset = search->chain->host.hva - (uintptr_t)host;

    if (host && offset <= range->last - range->first) {
        search->result = add_place(search->chain, range->first + offset);
    }
    return search->result < 0;
}

static int follow_hva(struct addr_chain *chain, struct error *err)
{
    uint64_t hva = chain->request.addr;
    struct gpa_search search = {.chain = chain};
    void *host;

    _Static_assert(sizeof(host) == sizeof(hva), "an address of this process is a number");
    memcpy(&host, &hva, sizeof(host));
    chain->host.hva = hva;
    chain->host.block =
        ram_block_from_host(board_memory(chain->machine->board)->core, host, &chain->host.offset);
    if (!chain->host.block) {
        return error_set(err, ENOENT, "no RAM block holds host address 0x%" PRIx64, hva);
    }
    look_at_page(chain);
    (void)flatview_for_each_range(chain->beneath, add_if_shown, &search);
    return search.result;
}

int addr_chain_init(struct addr_chain *chain, struct machine *machine,
                    const struct addr_request *request, struct error *err)
{
    int result;

    *chain = (struct addr_chain){.request = *request, .machine = machine};
    vcpu_group_pause(&machine->vcpus);
    chain->view = address_space_get_flatview(board_memory(machine->board));
    chain->beneath = address_space_get_flatview(watch_beneath(machine));
    switch (request->space) {
    case ADDR_GVA:
        result = follow_gva(chain, err);
        break;
    case ADDR_GPA:
        result = follow_gpa(chain, request->addr);
        break;
    case ADDR_HVA:
    default:
        result = follow_hva(chain, err);
        break;
    }
    if (result < 0) {
        if (result == -ENOMEM) {
            (void)error_set_errno(err, ENOMEM, "addr");
        }
        addr_chain_finish(chain);
    }
    return result;
}

void addr_chain_finish(struct addr_chain *chain)
{
    free(chain->places);
    ram_block_unref(chain->host.block);
    flatview_unref(chain->view);
    flatview_unref(chain->beneath);
    vcpu_group_unpark(&chain->machine->vcpus);
}
