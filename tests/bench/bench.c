/*
 * bench.c - acre beside the floor (floor.c) and, where installed, QEMU's microvm.
 *
 *   bench BUILD-DIRECTORY     BENCH_RUNS=n runs of each (default 21), interleaved; medians
 *                             BENCH_LOOPS=n exits in a run that counts them (default 200000)
 */
#include "subject.h"

#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

enum { LINE_SIZE = 1024, EXIT_RUNS_MAX = 11 /* a run takes seconds */ };
#define TOUCHED_KIB 1024

static long trace_calls(pid_t child)
{
    long stops = 0;
    int status;
    pid_t pid;

    (void)waitpid(child, &status, 0); /* stopped at its exec */
    (void)ptrace(PTRACE_SETOPTIONS, child, NULL,
                 (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL));
    (void)ptrace(PTRACE_SYSCALL, child, NULL, NULL);
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        long signo = 0;

        if (!WIFSTOPPED(status)) {
            continue;
        }
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            struct __ptrace_syscall_info info;

            if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) > 0) {
                stops += info.op == PTRACE_SYSCALL_INFO_ENTRY;
            }
        } else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP) {
            signo = WSTOPSIG(status);
        }
        (void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)signo);
    }
    return stops;
}

/* System calls of all threads from the program's own beginning to its end; -1: not measured. */
static long count_calls(char *const argv[])
{
    pid_t child;

    if (access(argv[0], X_OK) != 0) {
        return -1;
    }
    child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        (void)dup2(null, 0);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)execv(argv[0], argv);
        _exit(127);
    }
    return trace_calls(child);
}

static long status_kib(pid_t pid, const char *field)
{
    char path[64], line[LINE_SIZE];
    long value = -1;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
    file = fopen(path, "re");
    while (file && value < 0 && fgets(line, sizeof(line), file)) {
        if (strncmp(line, field, strlen(field)) == 0) {
            value = strtol(line + strlen(field) + 1, NULL, 10);
        }
    }
    if (file) {
        (void)fclose(file);
    }
    return value;
}

/* VmRSS of a guest that touched 1 MiB and stays, less that MiB; -1: not measured. */
static long resident_kib(char *const argv[])
{
    double when;
    long kib = -1;
    bool touched;
    int out;
    pid_t pid;

    if (access(argv[0], X_OK) != 0) {
        return -1;
    }
    pid = start(argv, &out);
    touched = wait_byte(out, &when);
    touched = wait_byte(out, &when) && touched; /* the first says it runs, the second that it did */
    if (touched) {
        kib = status_kib(pid, "VmRSS:") - TOUCHED_KIB;
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    (void)close(out);
    return kib;
}

static long stripped_bytes(const char *path)
{
    char command[2 * PATH_SIZE + 64], copy[] = "/tmp/acre-bench-XXXXXX";
    int fd = mkstemp(copy);
    struct stat st = {0};
    long size = -1;

    if (fd < 0) {
        return -1;
    }
    (void)close(fd);
    (void)snprintf(command, sizeof(command), "strip -o %s %s 2>/dev/null", copy, path);
    /* NOLINTNEXTLINE(cert-env33-c): the paths are the build's own */
    if (access(path, R_OK) == 0 && system(command) == 0 && stat(copy, &st) == 0) {
        size = (long)st.st_size;
    }
    (void)unlink(copy);
    return size;
}

static void print_number(const char *name, long value, const char *unit)
{
    if (value < 0) {
        (void)printf("  %-34s not measured\n", name);
    } else {
        (void)printf("  %-34s %9ld %s\n", name, value, unit);
    }
}

static const char *loops = "200000";
/* Where things are. */
static char acre[PATH_SIZE], acre_static[PATH_SIZE], floor_dyn[PATH_SIZE], floor_static[PATH_SIZE],
    hello[PATH_SIZE], guest_exit[PATH_SIZE], guest_pio[PATH_SIZE], guest_mmio[PATH_SIZE],
    guest_touch[PATH_SIZE], directory[] = "/tmp/acre-bench-XXXXXX";

static void write_guest(char path[PATH_SIZE], const char *kind, const char *count)
{
    char command[3 * PATH_SIZE];

    (void)snprintf(path, PATH_SIZE, "%s/%s.bin", directory, kind);
    (void)snprintf(command, sizeof(command), "%s code %s %s >%s",
                   access(floor_dyn, X_OK) == 0 ? floor_dyn : floor_static, kind, count, path);
    if (system(command) != 0) { /* NOLINT(cert-env33-c): paths of the build */
        errx(1, "%s failed", command);
    }
}

static void find_all(const char *build)
{
    (void)snprintf(acre, PATH_SIZE, "%s/acre", build);
    (void)snprintf(acre_static, PATH_SIZE, "%s/static/acre", build);
    (void)snprintf(floor_dyn, PATH_SIZE, "%s/tests/bench/floor", build);
    (void)snprintf(floor_static, PATH_SIZE, "%s/static/tests/bench/floor", build);
    (void)snprintf(hello, PATH_SIZE, "%s/guest/hello.elf", build);
    if (!mkdtemp(directory)) {
        err(1, "%s", directory);
    }
    write_guest(guest_exit, "exit", "0");
    write_guest(guest_pio, "pio", loops);
    write_guest(guest_mmio, "mmio", loops);
    write_guest(guest_touch, "touch", "256");
}

static void remove_guests(void)
{
    (void)unlink(guest_exit);
    (void)unlink(guest_pio);
    (void)unlink(guest_mmio);
    (void)unlink(guest_touch);
    (void)rmdir(directory);
}

static char qemu[] = "/usr/bin/qemu-system-x86_64";
#define ACRE(program, board, image)                                                                \
    {                                                                                              \
        (program), W("run"), W("--board"), W(board), W("--flat"), W("32"), (image)                 \
    }
#define FLOOR(program, chips, kind, count)                                                         \
    {                                                                                              \
        (program), W(chips), W(kind), W(count)                                                     \
    }
#define QEMU(image)                                                                                \
    {                                                                                              \
        qemu, W("-M"), W("microvm"), W("-accel"), W("kvm"), W("-m"), W("128"), W("-nodefaults"),   \
            W("-no-user-config"), W("-no-reboot"), W("-display"), W("none"), W("-serial"),         \
            W("stdio"), W("-device"), W("isa-debug-exit,iobase=0xf4,iosize=4"), W("-kernel"),      \
            (image)                                                                                \
    }

static int bench_start(int runs)
{
    static struct subject s[14];
    const struct subject *bare = &s[0], *chips = &s[1], *bare_static = &s[2], *chips_static = &s[3];
    enum quantity quantity;
    int failed = 0;
    size_t i;

    for (quantity = TO_FIRST_BYTE; quantity <= TO_EXIT; quantity++) {
        const struct subject all[] = {
            {.name = "floor", .argv = FLOOR(floor_dyn, "bare", "exit", "0")},
            {.name = "floor, irqchip", .argv = FLOOR(floor_dyn, "irqchip", "exit", "0")},
            {.name = "floor, static", .argv = FLOOR(floor_static, "bare", "exit", "0")},
            {.name = "floor, static, irqchip", .argv = FLOOR(floor_static, "irqchip", "exit", "0")},
            {.name = "acre --board bare", .argv = ACRE(acre, "bare", guest_exit), .floor = bare},
            {.name = "acre --board pc", .argv = ACRE(acre, "pc", guest_exit), .floor = chips},
            {.name = "acre --board bare, static",
             .argv = ACRE(acre_static, "bare", guest_exit),
             .floor = bare_static},
            {.name = "acre --board pc, static",
             .argv = ACRE(acre_static, "pc", guest_exit),
             .floor = chips_static},
            {.name = "acre, static, hello.elf",
             .argv = {acre_static, W("run"), hello},
             .floor = chips_static},
            {.name = "qemu microvm, hello.elf", .argv = QEMU(hello)},
        };
        size_t num = sizeof(all) / sizeof(all[0]) - (quantity == TO_EXIT ? 2 : 0);

        for (i = 0; i < num; i++) {
            s[i] = all[i];
            s[i].quantity = quantity;
        }
        measure(s, num, runs);
        failed += print_subjects(quantity == TO_FIRST_BYTE ? "exec to the guest's first port write"
                                                           : "exec to exit",
                                 s, num, runs, "ms", 1e3, 1.2);
    }
    return failed;
}

static int bench_exits(int runs)
{
    char title[64];
    static struct subject s[4];
    const struct subject all[] = {
        {.name = "floor, port write", .argv = FLOOR(floor_static, "bare", "pio", loops)},
        {.name = "acre, port write", .argv = ACRE(acre_static, "bare", guest_pio), .floor = &s[0]},
        {.name = "floor, MMIO write", .argv = FLOOR(floor_static, "bare", "mmio", loops)},
        {.name = "acre, MMIO write", .argv = ACRE(acre_static, "bare", guest_mmio), .floor = &s[2]},
    };
    size_t i, num = sizeof(all) / sizeof(all[0]);

    for (i = 0; i < num; i++) {
        s[i] = all[i];
        s[i].quantity = BETWEEN_BYTES;
        s[i].loops = strtod(loops, NULL);
    }
    measure(s, num, runs);
    (void)snprintf(title, sizeof(title), "one exit, of %s, static", loops);
    return print_subjects(title, s, num, runs, "us", 1, 1.03);
}

static void bench_sizes(void)
{
    char *const floor_argv[ARGS_MAX] = FLOOR(floor_static, "bare", "exit", "0");
    char *const bare_argv[ARGS_MAX] = ACRE(acre_static, "bare", guest_exit);
    char *const pc_argv[ARGS_MAX] = ACRE(acre_static, "pc", guest_exit);
    char *const floor_touch[ARGS_MAX] = FLOOR(floor_static, "bare", "touch", "256");
    char *const bare_touch[ARGS_MAX] = ACRE(acre_static, "bare", guest_touch);
    char *const pc_touch[ARGS_MAX] = ACRE(acre_static, "pc", guest_touch);

    (void)printf("\nsystem calls, static (aim 90)\n");
    print_number("floor", count_calls(floor_argv), "");
    print_number("acre --board bare", count_calls(bare_argv), "");
    print_number("acre --board pc", count_calls(pc_argv), "");
    (void)printf("\nresident less what the guest touched, static (aim 1536)\n");
    print_number("floor", resident_kib(floor_touch), "KiB");
    print_number("acre --board bare", resident_kib(bare_touch), "KiB");
    print_number("acre --board pc", resident_kib(pc_touch), "KiB");
    (void)printf("\nstripped size\n");
    print_number("acre", stripped_bytes(acre), "bytes");
    print_number("acre, static", stripped_bytes(acre_static), "bytes");
}

int main(int argc, char **argv)
{
    int runs = runs_wanted(21), failed;

    if (argc != 2) {
        errx(2, "usage: BENCH_RUNS=1..%d bench BUILD-DIRECTORY", RUNS_MAX);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    loops = getenv("BENCH_LOOPS") ? getenv("BENCH_LOOPS") : loops;
    find_all(argv[1]);
    failed = bench_start(runs);
    failed += bench_exits(runs < EXIT_RUNS_MAX ? runs : EXIT_RUNS_MAX);
    bench_sizes();
    remove_guests();
    return failed != 0;
}
