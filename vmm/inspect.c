/* inspect.c - building a board to look at. */
#include "vmm/inspect.h"

#include "vmm/cmd_board.h"

/* As many slots as Linux has had on x86 since 5.11. */
enum { SLOTS_MAX = 32764 };

static int agree(struct kvm *kvm, int fd, unsigned long request, void *arg)
{
    (void)kvm;
    (void)fd;
    (void)arg;
    return request == KVM_CHECK_EXTENSION ? 1 : 0;
}

static int build(struct inspect *inspect, struct error *err)
{
    const struct kvm_slots_config slots_config = {.slots_max = SLOTS_MAX};
    const struct memory_core_config config = {.opaque = NULL};
    int ret = memory_core_init(&inspect->core, &config);

    if (ret < 0) {
        return error_set_errno(err, -ret, "memory");
    }
    inspect->built = true;
    ret = board_build(inspect->board, &inspect->core, NULL, err);
    if (ret < 0) {
        return ret;
    }
    inspect->kvm = (struct kvm){.sys_fd = -1, .vm_fd = -1, .call = agree};
    ret =
        kvm_slots_init(&inspect->slots, &inspect->kvm, board_memory(inspect->board), &slots_config);
    inspect->has_slots = ret == 0;
    return ret < 0 ? error_set_errno(err, -ret, "slots") : 0;
}

int inspect_open(struct inspect *inspect, const struct run_options *options, struct error *err)
{
    int ret;

    *inspect = (struct inspect){.built = false};
    ret = cmd_open_board(options, &inspect->board, err);
    if (ret < 0) {
        return ret;
    }
    memory_thread_register();
    ret = build(inspect, err);
    if (ret < 0) {
        inspect_close(inspect);
    }
    return ret;
}

void inspect_close(struct inspect *inspect)
{
    if (inspect->has_slots) {
        kvm_slots_finish(&inspect->slots, true);
    }
    if (inspect->built) {
        board_unbuild(inspect->board);
        memory_core_finish(&inspect->core);
    }
    memory_thread_unregister();
    board_free(inspect->board);
}
