/* cmd_board.c - opening a board as the command line says. */
#include "vmm/cmd_board.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "vmm/cmd_files.h"
#include "vmm/log.h"

static int write_tree(const struct board *board, const char *path, struct error *err)
{
    size_t size, done = 0;
    const char *dtb = board_dtb(board, &size);
    ssize_t n = 0;
    int fd, ret = cmd_create_file(path, &fd, err);

    if (ret < 0) {
        return ret;
    }
    while (done < size && ret == 0) {
        n = write(fd, dtb + done, size - done);
        if (n < 0 && errno != EINTR) {
            ret = error_set_errno(err, errno, "%s", path);
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (close(fd) < 0 && ret == 0) {
        ret = error_set_errno(err, errno, "%s", path);
    }
    return ret;
}

static void warn(void *opaque, const char *line)
{
    (void)opaque;
    log_warn("%s", line);
}

int cmd_list_boards(int fd)
{
    const char *name, *summary;
    int ret = 0;
    size_t i;

    for (i = 0; ret >= 0 && (name = board_builtin(i, &summary)); i++) {
        ret = dprintf(fd, "  %-10s %s\n", name, summary);
    }
    return ret < 0 ? -errno : 0;
}

static struct board_backend for_the_tree(const struct console_backend *backend)
{
    return (struct board_backend){
        .given = backend->kind != CONSOLE_BACKEND_UNSET,
        .word = console_backend_word(backend),
    };
}

int cmd_open_board(const struct run_options *options, struct board **board, struct error *err)
{
    struct board_config config = {
        .name = options->board,
        .overlays = options->overlays,
        .overlay_num = options->overlay_num,
        .ram_size = options->ram_size,
        .cpu_num = options->cpu_num,
        .bootargs = options->append,
        .rtc_base = options->rtc_base,
        .watchdog_action = options->watchdog_action,
        .warn = warn,
        .fw_cfg = options->fw_cfg,
        .fw_cfg_num = options->fw_cfg_num,
    };
    size_t i;
    int ret;

    for (i = 0; i < options->serial_num; i++) {
        config.serials[i] = for_the_tree(&options->serials[i]);
    }
    config.debugcon = for_the_tree(&options->debugcon);
    ret = board_open(&config, board, err);

    if (ret == 0 && options->dump_dtb) {
        ret = write_tree(*board, options->dump_dtb, err);
        if (ret < 0) {
            board_free(*board);
        }
    }
    return ret;
}
