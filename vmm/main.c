/* main.c - the command line's front door. The only file that ends the process. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cmd_files.h"
#include "vmm/commands.h"
#include "vmm/log.h"
#include "vmm/version.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"run", cmd_run, "boot a guest"},
    {"test", cmd_test, "run guests that test something, many at once; TAP and JUnit"},
    {"inspect", cmd_inspect, "show a board's memory map and slots; needs no KVM"},
    {"monitor", cmd_monitor, "talk to a machine that runs with --monitor"},
    {"top", cmd_top, "show live what a guest leaves KVM for"},
    {"doctor", cmd_doctor, "what this machine offers, and what to do about the rest"},
};

enum { COMMAND_NUM = sizeof(commands) / sizeof(commands[0]) };

/*
 * Descriptors 0 to 2 that the caller closed become /dev/null, so that no file of ours gets such a
 * number and is taken for the console. Looking at them is one system call.
 */
static int fill_standard_fds(void)
{
    struct pollfd fds[] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
    int i;

    if (poll(fds, 3, 0) <= 0) {
        return 0;
    }
    for (i = 0; i < 3; i++) {
        if ((fds[i].revents & POLLNVAL) && open("/dev/null", O_RDWR) != i) {
            return -1;
        }
    }
    return 0;
}

static int print_help(void)
{
    int i, ret;

    (void)dprintf(STDOUT_FILENO, "usage: acre COMMAND [options]\n\n");
    for (i = 0; i < COMMAND_NUM; i++) {
        (void)dprintf(STDOUT_FILENO, "  %-9s %s\n", commands[i].name, commands[i].summary);
    }
    ret = dprintf(STDOUT_FILENO, "\nacre COMMAND --help lists a command's options; acre --version "
                                 "says which acre this is.\n");
    return ret < 0 ? -errno : 0;
}

static int dispatch(int argc, char **argv)
{
    int i, ret;

    if (argc < 2) {
        log_error("no command given (usage: acre COMMAND; see acre --help)");
        return STATUS_ACRE_FAILED;
    }
    if (strcmp(argv[1], "--version") == 0) {
        ret = write(STDOUT_FILENO, ACRE_VERSION "\n", sizeof(ACRE_VERSION)) < 0 ? -errno : 0;
        return cmd_stdout_status(ret);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        return cmd_stdout_status(print_help());
    }
    for (i = 0; i < COMMAND_NUM; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 2, argv + 2);
        }
    }
    log_error("%s: unknown %s (see acre --help)", argv[1],
              argv[1][0] == '-' ? "option" : "command");
    return STATUS_ACRE_FAILED;
}

/* One growth of the heap instead of several; untouched pages cost nothing. */
enum { HEAP_PAD = 512 << 10 };

int main(int argc, char **argv)
{
    (void)mallopt(M_TOP_PAD, HEAP_PAD);
    (void)mallopt(M_TRIM_THRESHOLD, 2 * HEAP_PAD);
    return fill_standard_fds() < 0 ? STATUS_ACRE_FAILED : dispatch(argc, argv);
}
