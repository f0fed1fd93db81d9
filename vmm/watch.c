/*
 * watch.c - the watches, in a tree by address. Adding one notes it and lets watch_layers.c make the
 * overlays what all watches together want; when that fails it is forgotten again.
 */
#include "vmm/watch_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int watch_set_init(struct watch_set *set)
{
    MemoryRegion *root = set->memory->root;
    int ret;

    if (set->vcpus) {
        set->redos = calloc(set->vcpus->config.num, sizeof(*set->redos));
        if (!set->redos) {
            return -ENOMEM;
        }
    }
    ret =
        address_space_init(&set->unwatched, set->core, root, "unwatched", set->memory->unassigned);
    if (ret < 0) {
        free(set->redos);
        return ret;
    }
    (void)pthread_mutex_init(&set->lock, NULL);
    (void)pthread_mutex_init(&set->step_lock, NULL);
    set->listener = (MemoryListener){
        .name = "watch",
        .opaque = set,
        .prepare = watch_layers_prepare,
        .cancel = watch_layers_cancel,
        .commit = watch_layers_commit,
    };
    ret = memory_listener_register(&set->listener, &set->unwatched);
    set->listening = ret == 0;
    ret = ret < 0 || !set->clock ? ret : watch_tick_init(set);
    if (ret < 0) {
        watch_set_finish(set);
    }
    return ret;
}

void watch_set_finish(struct watch_set *set)
{
    struct itree_node *node;

    watch_tick_finish(set);
    while ((node = itree_first(&set->watches)) != NULL) {
        itree_remove(&set->watches, node);
        free(itree_entry(node, struct watch, node));
    }
    if (watch_lay(set) < 0) {
        set->failed(set->opaque, EIO);
    }
    if (set->listening) {
        memory_listener_unregister(&set->listener);
    }
    free(set->layers);
    free(set->spared);
    address_space_finish(&set->unwatched);
    (void)pthread_mutex_destroy(&set->lock);
    (void)pthread_mutex_destroy(&set->step_lock);
    free(set->redos);
}

static void insert(struct watch_set *set, struct watch *watch)
{
    (void)pthread_mutex_lock(&set->lock);
    itree_insert(&set->watches, &watch->node);
    (void)pthread_mutex_unlock(&set->lock);
}

/* And frees it: nobody tells it anything any more. */
static void take_out(struct watch_set *set, struct watch *watch)
{
    (void)pthread_mutex_lock(&set->step_lock);
    (void)pthread_mutex_lock(&set->lock);
    itree_remove(&set->watches, &watch->node);
    (void)pthread_mutex_unlock(&set->lock);
    (void)pthread_mutex_unlock(&set->step_lock);
    free(watch);
}

int watch_set_add(struct watch_set *set, const struct watch_config *config, struct watch **watch,
                  struct error *err)
{
    const unsigned both = WATCH_READ | WATCH_WRITE;
    struct watch *new;
    hwaddr last;
    int ret;

    if (config->len == 0 || (config->access & both) == 0 || (config->access & ~both) != 0 ||
        __builtin_add_overflow(config->gpa, config->len - 1, &last)) {
        return error_set(err, EINVAL, "0x%" PRIx64 ": no bytes, or beyond the end, or no access",
                         config->gpa);
    }
    ret = watch_check_tables(set, config->gpa & ~(WATCH_PAGE - 1), last | (WATCH_PAGE - 1), err);
    if (ret < 0) {
        return ret;
    }
    new = malloc(sizeof(*new));
    if (!new) {
        return error_set_errno(err, ENOMEM, "watch");
    }
    *new = (struct watch){.node = {.first = config->gpa, .last = last}, .config = *config};
    memory_core_freeze(set->core);
    watch_unspare(set, config->gpa, last);
    memory_core_thaw(set->core);
    insert(set, new);
    ret = watch_lay(set);
    if (ret < 0) {
        take_out(set, new);
        return error_set_errno(err, -ret, "watching 0x%" PRIx64, config->gpa);
    }
    watch_tick_go(set);
    *watch = new;
    return 0;
}

void watch_set_del(struct watch_set *set, struct watch *watch)
{
    int ret;

    if (!watch) {
        return;
    }
    take_out(set, watch);
    ret = watch_lay(set);
    if (ret < 0) { /* an overlay too many stays, and passes everything on */
        set->failed(set->opaque, -ret);
    }
}

uint64_t watch_hits(const struct watch *watch)
{
    return atomic_load_explicit(&watch->hits, memory_order_relaxed);
}

static void failed(void *opaque, int err_no)
{
    struct machine *machine = opaque;

    log_warn_limited(&machine->guest_log, "watchpoints: %s", strerror(err_no));
}

static void warn(void *opaque, const char *text)
{
    struct machine *machine = opaque;

    log_warn_limited(&machine->guest_log, "watchpoints: %s", text);
}

static int make_set(struct machine *machine)
{
    struct watch_set *set = malloc(sizeof(*set));
    int ret;

    if (!set) {
        return -ENOMEM;
    }
    *set = (struct watch_set){
        .core = &machine->core,
        .memory = board_memory(machine->board),
        .vcpus = &machine->vcpus,
        .loop = &machine->loop,
        .failed = failed,
        .warn = warn,
        .opaque = machine,
        .readonly_slots = kvm_has(&machine->kvm, KVM_HAS_READONLY_MEM) > 0,
        .clock = &machine->clock,
    };
    ret = watch_set_init(set);
    if (ret < 0) {
        free(set);
        return ret;
    }
    /* Else instructions of user programs that cannot be emulated get #UD, and we hear nothing. */
    (void)kvm_enable_cap(&machine->kvm, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1);
    machine->watches = set;
    return 0;
}

int watch_add(struct machine *machine, const struct watch_config *config, struct watch **watch,
              struct error *err)
{
    int ret = machine->watches ? 0 : make_set(machine);

    return ret < 0 ? error_set_errno(err, -ret, "watch")
                   : watch_set_add(machine->watches, config, watch, err);
}

void watch_del(struct machine *machine, struct watch *watch)
{
    if (watch) {
        watch_set_del(machine->watches, watch);
    }
}

AddressSpace *watch_beneath(struct machine *machine)
{
    return machine->watches ? &machine->watches->unwatched : board_memory(machine->board);
}

bool watch_is_partial(struct machine *machine, const struct watch *watch)
{
    return watch_has_spared(machine->watches, watch->node.first, watch->node.last);
}

bool watch_rescue(void *opaque, struct vcpu *vcpu, struct error *why)
{
    struct machine *machine = opaque;

    return machine->watches && watch_set_rescue(machine->watches, vcpu, why);
}

void watch_finish(struct machine *machine)
{
    if (machine->watches) {
        watch_set_finish(machine->watches);
        free(machine->watches);
        machine->watches = NULL;
    }
}
