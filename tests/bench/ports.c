/*
 * ports.c - acre's whole run of a two-instruction guest on a board of N one-byte port devices,
 * beside QEMU's start with as many, from exec to exit. QEMU runs no guest (-S): its monitor gets
 * `quit` as its first command.
 *
 *   ports BUILD-DIRECTORY     BENCH_RUNS=n runs of each (default 5), interleaved; medians
 */
#include "subject.h"

#include <libfdt.h>
#include <string.h>

#define NAME_SIZE 48
#define QEMU "/usr/bin/qemu-system-x86_64"

enum { FIRST_PORT = 0x1000, BYTES_PER_NODE = 128, COMMAND_SIZE = 1024 };

static const unsigned counts[] = {500, 1000, 2000};
enum { COUNT_NUM = sizeof(counts) / sizeof(counts[0]) };

/* As floor.c's `exit`. */
static const uint8_t guest[] = {
    0x66, 0xba, 0xf8, 0x03, /* mov $0x3f8, %dx */
    0xb0, '<',              /* mov $'<', %al */
    0xee,                   /* out %al, %dx */
    0x31, 0xc0,             /* xor %eax, %eax */
    0xe6, 0xf4,             /* out %al, $0xf4 */
};

static char directory[] = "/tmp/acre-bench-XXXXXX", acre[PATH_SIZE], guest_path[PATH_SIZE];

static struct size {
    char board[PATH_SIZE], qemu[PATH_SIZE]; /* files: a .dtb, and QEMU's -readconfig */
    char names[2][NAME_SIZE], command[COMMAND_SIZE];
} sizes[COUNT_NUM];

static void write_file(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "we");

    if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0) {
        err(1, "%s", path);
    }
}

static size_t read_file(const char *path, void *data, size_t room)
{
    FILE *file = fopen(path, "re");
    size_t len;

    if (!file) {
        err(1, "%s", path);
    }
    len = fread(data, 1, room, file);
    (void)fclose(file);
    return len;
}

static int must(int result, const char *what)
{
    if (result < 0) {
        errx(1, "%s: %s", what, fdt_strerror(result));
    }
    return result;
}

static void add_node(void *tree, int isa, unsigned port)
{
    const fdt32_t reg[] = {cpu_to_fdt32(1), cpu_to_fdt32(port), cpu_to_fdt32(1)};
    char name[NAME_SIZE];
    int node;

    (void)snprintf(name, sizeof(name), "debug-exit@i%x", port);
    node = must(fdt_add_subnode(tree, isa, name), name);
    must(fdt_setprop_string(tree, node, "compatible", "acre,debug-exit"), name);
    must(fdt_setprop(tree, node, "reg", reg, sizeof(reg)), name);
}

/* The bare board and `num` devices. */
static void write_board(const char *build, const char *path, unsigned num)
{
    size_t room = ((size_t)num + 64) * BYTES_PER_NODE;
    char bare[PATH_SIZE];
    char *tree = malloc(room);
    unsigned i;
    int isa;

    if (!tree) {
        err(1, "board");
    }
    (void)snprintf(bare, sizeof(bare), "%s/boards/bare.dtb", build);
    (void)read_file(bare, tree, room);
    must(fdt_open_into(tree, tree, (int)room), bare);
    isa = must(fdt_path_offset(tree, "/isa"), bare);
    for (i = 0; i < num; i++) {
        add_node(tree, isa, FIRST_PORT + i);
    }
    must(fdt_pack(tree), bare);
    write_file(path, tree, fdt_totalsize(tree));
    free(tree);
}

static void write_config(const char *path, unsigned num)
{
    FILE *file = fopen(path, "we");
    unsigned i;

    if (!file) {
        err(1, "%s", path);
    }
    for (i = 0; i < num; i++) {
        (void)fprintf(file,
                      "[device]\n  driver = \"isa-debug-exit\"\n  iobase = \"0x%x\"\n"
                      "  iosize = \"1\"\n",
                      FIRST_PORT + i);
    }
    if (fclose(file) != 0) {
        err(1, "%s", path);
    }
}

static void prepare(const char *build)
{
    unsigned i;

    if (!mkdtemp(directory)) {
        err(1, "%s", directory);
    }
    (void)snprintf(acre, sizeof(acre), "%s/static/acre", build);
    (void)snprintf(guest_path, sizeof(guest_path), "%s/exit.bin", directory);
    write_file(guest_path, guest, sizeof(guest));
    for (i = 0; i < COUNT_NUM; i++) {
        struct size *size = &sizes[i];

        (void)snprintf(size->board, PATH_SIZE, "%s/%u.dtb", directory, counts[i]);
        (void)snprintf(size->qemu, PATH_SIZE, "%s/%u.cfg", directory, counts[i]);
        (void)snprintf(size->names[0], NAME_SIZE, "acre, static, %u devices", counts[i]);
        (void)snprintf(size->names[1], NAME_SIZE, "qemu microvm -S, %u devices", counts[i]);
        (void)snprintf(size->command, COMMAND_SIZE,
                       "echo quit | exec " QEMU " -M microvm -accel kvm -nodefaults "
                       "-no-user-config -display none -S -monitor stdio -readconfig %s",
                       size->qemu);
        write_board(build, size->board, counts[i]);
        write_config(size->qemu, counts[i]);
    }
}

static void clean_up(void)
{
    unsigned i;

    for (i = 0; i < COUNT_NUM; i++) {
        (void)unlink(sizes[i].board);
        (void)unlink(sizes[i].qemu);
    }
    (void)unlink(guest_path);
    (void)rmdir(directory);
}

int main(int argc, char **argv)
{
    static struct subject subjects[2 * COUNT_NUM];
    int runs = runs_wanted(5), failed;
    bool has_qemu = access(QEMU, X_OK) == 0;
    unsigned i;

    if (argc != 2) {
        errx(2, "usage: BENCH_RUNS=1..%d ports BUILD-DIRECTORY", RUNS_MAX);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    prepare(argv[1]);
    for (i = 0; i < COUNT_NUM; i++) {
        struct size *size = &sizes[i];

        subjects[2 * i] = (struct subject){
            .name = size->names[0],
            .argv = {acre, W("run"), W("--board"), size->board, W("--flat"), W("32"), guest_path},
            .quantity = TO_EXIT,
        };
        subjects[2 * i + 1] = (struct subject){
            .name = size->names[1],
            .argv = {W("/bin/sh"), W("-c"), size->command},
            .quantity = TO_EXIT,
            .absent = !has_qemu,
        };
    }
    measure(subjects, 2 * COUNT_NUM, runs);
    failed = print_subjects("exec to exit with one-byte port devices", subjects, 2 * COUNT_NUM,
                            runs, "ms", 1e3, 0);
    clean_up();
    return failed != 0;
}
