/*
 * cmd_inspect.c - `acre inspect`: a board's map without KVM. The slots are worked out by the same
 * code as in a run; in place of the kernel stands a function that agrees to everything.
 */
#include "vmm/commands.h"

#include <string.h>
#include <unistd.h>

#include "vmm/cmd_board.h"
#include "vmm/cmd_files.h"
#include "vmm/debug.h"
#include "vmm/kvm_slots.h"
#include "vmm/log.h"
#include "vmm/options.h"
#include "vmm/qemu_mtree.h"

/* As many slots as Linux has had on x86 since 5.11. */
enum { SLOTS_MAX = 32764 };

static int agree(struct kvm *kvm, int fd, unsigned long request, void *arg)
{
    (void)kvm;
    (void)fd;
    (void)arg;
    return request == KVM_CHECK_EXTENSION ? 1 : 0;
}

static int show(struct board *board, struct memory_core *core, unsigned what, struct error *err)
{
    const struct kvm_slots_config config = {.slots_max = SLOTS_MAX};
    struct kvm kvm = {.sys_fd = -1, .vm_fd = -1, .call = agree};
    struct debug_config debug_config = {
        .what = what,
        .fd = STDOUT_FILENO,
        .stable = true,
        .core = core,
        .memory = board_memory(board),
        .io = board_io(board),
    };
    struct kvm_slots slots;
    struct debug debug;
    int ret = kvm_slots_init(&slots, &kvm, board_memory(board), &config);

    if (ret < 0) {
        return error_set_errno(err, -ret, "slots");
    }
    debug_config.slots = &slots;
    ret = debug_start(&debug, &debug_config);
    debug_finish(&debug);
    kvm_slots_finish(&slots, true);
    if (ret < 0) {
        return error_set_errno(err, -ret, "commits");
    }
    ret = debug_text_flush(&debug.out);
    return ret < 0 ? error_set_errno(err, -ret, "stdout") : 0;
}

static int inspect(const struct run_options *options, struct error *err)
{
    unsigned what = options->debug ? options->debug : DEBUG_TREE | DEBUG_VIEW | DEBUG_SLOTS;
    const struct memory_core_config config = {.opaque = NULL};
    struct memory_core core;
    struct board *board;
    int ret = cmd_open_board(options, &board, err);

    if (ret < 0) {
        return ret;
    }
    memory_thread_register();
    ret = memory_core_init(&core, &config);
    if (ret < 0) {
        (void)error_set_errno(err, -ret, "memory");
        goto out_board;
    }
    ret = board_build(board, &core, NULL, err);
    if (ret == 0) {
        ret = show(board, &core, what, err);
    }
    board_unbuild(board);
    memory_core_finish(&core);
out_board:
    memory_thread_unregister();
    board_free(board);
    return ret;
}

int cmd_inspect(int argc, char **argv)
{
    struct run_options options;
    struct error err;
    int ret = inspect_options_parse(argc, argv, &options, &err);

    if (ret == 0 && options.help) {
        return cmd_stdout_status(inspect_options_print(STDOUT_FILENO));
    }
    if (ret == 0 && options.board_help) {
        return cmd_stdout_status(cmd_list_boards(STDOUT_FILENO));
    }
    if (ret == 0 && (options.debug & DEBUG_HELP)) {
        return cmd_stdout_status(debug_words_print(STDOUT_FILENO));
    }
    if (ret == 0 && options.qemu_mtree) {
        ret = qemu_mtree_inspect(options.qemu_mtree, options.qemu_flat, STDOUT_FILENO, &err);
    } else if (ret == 0) {
        ret = inspect(&options, &err);
    }
    if (ret < 0) {
        log_error("%s", err.text);
        return STATUS_ACRE_FAILED;
    }
    return ret;
}
