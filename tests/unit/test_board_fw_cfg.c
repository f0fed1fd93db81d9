/* The qemu-test board: fw_cfg's files from command line and tree, and what else is there. */
#include "vmm/board_fw_cfg.h"

#include "tests/unit/run_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct memory_core core;
static struct board *board;
static struct error err;
static char warning[256];
static char path[64];

static void setup(void)
{
    const struct memory_core_config config = {.opaque = NULL};

    board = NULL;
    warning[0] = '\0';
    (void)snprintf(path, sizeof(path), "/tmp/acre-fw-cfg-%d", (int)getpid());
    memory_thread_register();
    ck_assert_int_eq(memory_core_init(&core, &config), 0);
}

static void teardown(void)
{
    board_unbuild(board);
    memory_core_finish(&core);
    board_free(board);
    memory_thread_unregister();
    (void)unlink(path);
}

static void warn(void *opaque, const char *line)
{
    (void)opaque;
    (void)snprintf(warning, sizeof(warning), "%s", line);
}

/* Opens the board with a list of --fw-cfg texts that ends with NULL. */
static int open_with(const char *name, const char *const *texts)
{
    struct board_config config = {
        .name = name, .cpu_num = 3, .bootargs = "one two", .warn = warn, .fw_cfg = texts};

    while (texts[config.fw_cfg_num]) {
        config.fw_cfg_num++;
    }
    return board_open(&config, &board, &err);
}

static int try_with(const char *name, const char *const *texts)
{
    int ret = open_with(name, texts);

    return ret < 0 ? ret : board_build(board, &core, NULL, &err);
}

static void write_file(const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    (void)close(fd);
}

/* What a guest does. */
static void read_item(uint16_t key, void *data, size_t size)
{
    AddressSpace *io = board_io(board);

    ck_assert_uint_eq(address_space_write(io, 0x510, MEMTXATTRS_UNSPECIFIED, &key, 2), MEMTX_OK);
    for (size_t i = 0; i < size; i++) {
        ck_assert_uint_eq(
            address_space_read(io, 0x511, MEMTXATTRS_UNSPECIFIED, (uint8_t *)data + i, 1),
            MEMTX_OK);
    }
}

/* Finds a file in the directory. Returns: its size, with its start in data; -1 not there. */
static int read_file(const char *name, void *data, size_t room)
{
    uint8_t directory[4 + 64 * FW_CFG_FILES_MAX];

    read_item(FW_CFG_FILE_DIR, directory, sizeof(directory));
    for (unsigned i = 0; i < directory[3]; i++) {
        const uint8_t *entry = directory + 4 + (size_t)64 * i;

        if (strcmp((const char *)entry + 8, name) == 0) {
            read_item((uint16_t)(entry[4] << 8 | entry[5]), data, room);
            return entry[2] << 8 | entry[3];
        }
    }
    return -1;
}

START_TEST(guest_is_told_memory_cpus_and_command_line)
{
    uint64_t ram_size = 0;
    uint16_t cpu_num = 0, cpu_num_max = 0;
    uint32_t size = 0;
    char cmdline[9];

    ck_assert_int_eq(try_with("qemu-test", (const char *[]){NULL}), 0);
    read_item(FW_CFG_RAM_SIZE, &ram_size, 8);
    ck_assert_uint_eq(ram_size, 128 << 20);
    read_item(FW_CFG_NB_CPUS, &cpu_num, 2);
    read_item(FW_CFG_MAX_CPUS, &cpu_num_max, 2);
    ck_assert_uint_eq(cpu_num, 3);
    ck_assert_uint_eq(cpu_num_max, 3);
    read_item(FW_CFG_CMDLINE_SIZE, &size, 4);
    read_item(FW_CFG_CMDLINE_DATA, cmdline, sizeof(cmdline));
    ck_assert_uint_eq(size, 8);
    ck_assert_mem_eq(cmdline, "one two\0\0", 9);
}
END_TEST

START_TEST(e820_is_the_memory_map)
{
    size_t num;
    const struct boot_map_entry *map;
    uint8_t data[20 * 16];
    uint64_t first, size;

    ck_assert_int_eq(try_with("qemu-test", (const char *[]){NULL}), 0);
    map = board_map(board, &num);
    ck_assert_int_eq(read_file("etc/e820", data, sizeof(data)), (int)(20 * num));
    ck_assert_uint_ge(num, 3);
    for (size_t i = 0; i < num; i++) {
        memcpy(&first, data + 20 * i, 8);
        memcpy(&size, data + 20 * i + 8, 8);
        ck_assert_uint_eq(first, map[i].first);
        ck_assert_uint_eq(size, map[i].last - map[i].first + 1);
        ck_assert_uint_eq(data[20 * i + 16], map[i].type == BOOT_MAP_RAM ? 1 : 2);
    }
}
END_TEST

START_TEST(files_come_from_texts_and_from_files)
{
    char text[96], data[64];

    write_file("from\0a file", 11);
    (void)snprintf(text, sizeof(text), "file=%s,name=opt/file", path);
    ck_assert_int_eq(try_with("qemu-test", (const char *[]){"opt/a,,b,string=x,,y=z", text, NULL}),
                     0);
    ck_assert_int_eq(read_file("opt/a,b", data, 6), 5);
    ck_assert_mem_eq(data, "x,y=z\0", 6);
    ck_assert_int_eq(read_file("opt/file", data, 12), 11);
    ck_assert_mem_eq(data, "from\0a file\0", 12);
    ck_assert_int_eq(read_file("opt/other", data, 0), -1);
    ck_assert_str_eq(warning, "");
}
END_TEST

START_TEST(empty_file_is_a_file)
{
    char text[96];

    write_file("", 0);
    (void)snprintf(text, sizeof(text), "opt/empty,file=%s", path);
    ck_assert_int_eq(try_with("qemu-test", (const char *[]){text, NULL}), 0);
    ck_assert_int_eq(read_file("opt/empty", text, 2), 0);
    ck_assert_mem_eq(text, "\0\0", 2);
}
END_TEST

START_TEST(dumped_tree_has_the_files)
{
    size_t size, again;
    const void *dtb;
    char data[6], *kept;

    ck_assert_int_eq(open_with("qemu-test", (const char *[]){"opt/a,string=hello", NULL}), 0);
    dtb = board_dtb(board, &size);
    write_file(dtb, size);
    kept = malloc(size);
    ck_assert_ptr_nonnull(kept);
    memcpy(kept, dtb, size);
    board_free(board);
    (void)strcat(path, ".dtb");
    write_file(kept, size);
    ck_assert_int_eq(board_open(&(struct board_config){.name = path}, &board, &err), 0);
    dtb = board_dtb(board, &again);
    ck_assert_uint_eq(again, size);
    ck_assert_mem_eq(dtb, kept, size);
    free(kept);
    ck_assert_int_eq(board_build(board, &core, NULL, &err), 0);
    ck_assert_int_eq(read_file("opt/a", data, 6), 5);
    ck_assert_mem_eq(data, "hello\0", 6);
    (void)unlink(path);
    path[strlen(path) - 4] = '\0';
}
END_TEST

START_TEST(names_that_are_not_for_users_are_warned_of)
{
    ck_assert_int_eq(open_with("qemu-test", (const char *[]){"bootorder,string=x", NULL}), 0);
    ck_assert_str_eq(warning, "--fw-cfg bootorder: only names that begin with opt/ are for users");
}
END_TEST

static const struct {
    const char *text, *message; /* NULL: fine */
} texts[] = {
    {"opt/x,string=y", NULL},
    {"name=opt/x,string=y", NULL},
    {"string=y,name=opt/x", NULL},
    {"opt/x,file=a,,b=c", NULL},
    {"1234567890123456789012345678901234567890123456789012345,string=x", NULL},
    {"12345678901234567890123456789012345678901234567890,,1234,string=x", NULL},
    {"opt/x", "opt/x: wants NAME,file=PATH or NAME,string=TEXT"},
    {"string=y", "string=y: wants NAME,file=PATH or NAME,string=TEXT"},
    {"opt/x,string=", "opt/x,string=: wants NAME,file=PATH or NAME,string=TEXT"},
    {"opt/x,file=", "opt/x,file=: wants NAME,file=PATH or NAME,string=TEXT"},
    {",string=y", ",string=y: wants NAME,file=PATH or NAME,string=TEXT"},
    {"name=,string=y", "name=,string=y: wants NAME,file=PATH or NAME,string=TEXT"},
    {"opt/x,string=y,file=z", "file=z: not name=, file= or string=, or there twice"},
    {"opt/x,name=y,string=z", "name=y: not name=, file= or string=, or there twice"},
    {"nam=opt/x,string=y", "nam=opt/x: not name=, file= or string=, or there twice"},
    {"opt/x,gen_id=1", "gen_id=1: not name=, file= or string=, or there twice"},
    {"opt/x,string=y,", ": not name=, file= or string=, or there twice"},
    {"opt/x,,string=y", "opt/x,,string=y: not name=, file= or string=, or there twice"},
    {"12345678901234567890123456789012345678901234567890123456,string=x",
     "12345678901234567890123456789012345678901234567890123456: a name has at most 55 bytes"},
};

START_TEST(text_is_checked)
{
    int ret = fw_cfg_text_check(texts[_i].text, &err);

    ck_assert_int_eq(ret, texts[_i].message ? -EINVAL : 0);
    if (texts[_i].message) {
        ck_assert_str_eq(err.text, texts[_i].message);
    }
}
END_TEST

static const struct {
    const char *board, *texts[3], *message;
} refused[] = {
    {"pc", {"opt/x,string=y"}, "pc: --fw-cfg: the board has no fw_cfg (qemu-test has)"},
    {"qemu-test", {"opt/x"}, "opt/x: wants NAME,file=PATH or NAME,string=TEXT"},
    {"qemu-test",
     {"opt/x,string=y", "opt/x,string=z"},
     "qemu-test: /isa/fw-cfg@i510/file-0: acre,file: opt/x: there are two"},
    {"qemu-test",
     {"etc/e820,string=y"},
     "qemu-test: /isa/fw-cfg@i510/file-0: acre,file: etc/e820: there are two"},
    {"qemu-test",
     {"opt/x,file=/no/such"},
     "qemu-test: /isa/fw-cfg@i510/file-0: acre,image: /no/such: No such file or directory"},
    {"qemu-test",
     {"opt/x,file=/dev/null"},
     "qemu-test: /isa/fw-cfg@i510/file-0: acre,image: /dev/null: not a regular file"},
};

START_TEST(board_that_cannot_have_the_file_is_refused)
{
    ck_assert_int_lt(try_with(refused[_i].board, refused[_i].texts), 0);
    ck_assert_str_eq(err.text, refused[_i].message);
}
END_TEST

START_TEST(file_of_more_than_64_mib_is_refused)
{
    char text[96];

    write_file("", 0);
    ck_assert_int_eq(truncate(path, BOARD_IMAGE_MAX + 1), 0);
    (void)snprintf(text, sizeof(text), "opt/big,file=%s", path);
    ck_assert_int_eq(try_with("qemu-test", (const char *[]){text, NULL}), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "67108865 bytes do not fit in 67108864"));
}
END_TEST

/* Tries `num` files. */
static int try_files(int num)
{
    static char text[FW_CFG_FILES_MAX][48];
    const char *list[FW_CFG_FILES_MAX + 1] = {NULL};

    for (int i = 0; i < num; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "opt/%d,string=%d", i, i);
        list[i] = text[i];
    }
    return try_with("qemu-test", list);
}

START_TEST(as_many_files_as_there_are_keys)
{
    char data[3];

    ck_assert_int_eq(try_files(FW_CFG_FILES_MAX - 1), 0); /* one is acre's */
    ck_assert_int_eq(read_file("opt/30", data, 3), 2);
    ck_assert_mem_eq(data, "30\0", 3);
}
END_TEST

START_TEST(more_files_than_keys_are_refused)
{
    ck_assert_int_eq(try_files(FW_CFG_FILES_MAX), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 32 files"));
}
END_TEST

/* Nodes that only a tree from outside has. */
static const struct {
    const char *property, *value;
    int len;
    const char *message;
} nodes[] = {
    {"acre,data", "x", 1, "file: acre,file: wants 1 to 55 bytes"},
    {"acre,file", "", 1, "file: acre,file: wants 1 to 55 bytes"},
    {"acre,file", "12345678901234567890123456789012345678901234567890123456", 57,
     "file: acre,file: wants 1 to 55 bytes"},
    {"acre,file", "opt/x", 5, "file: acre,file: "}, /* without its NUL */
    {"acre,file", "opt/x", 6, "file: acre,data: missing, and acre,image too"},
};

START_TEST(node_that_makes_no_file_is_refused)
{
    static char blob[8192];
    size_t size;
    const void *dtb;
    int node;

    ck_assert_int_eq(open_with("qemu-test", (const char *[]){NULL}), 0);
    dtb = board_dtb(board, &size);
    ck_assert_int_eq(fdt_open_into(dtb, blob, sizeof(blob)), 0);
    board_free(board);
    node = fdt_node_offset_by_compatible(blob, -1, "qemu,fw-cfg");
    node = fdt_add_subnode(blob, node, "file");
    ck_assert_int_ge(node, 0);
    ck_assert_int_eq(fdt_setprop(blob, node, nodes[_i].property, nodes[_i].value, nodes[_i].len),
                     0);
    (void)strcat(path, ".dtb");
    write_file(blob, fdt_totalsize(blob));
    ck_assert_int_eq(try_with(path, (const char *[]){NULL}), -EINVAL);
    ck_assert_msg(strstr(err.text, nodes[_i].message) != NULL, "%s", err.text);
}
END_TEST

static struct {
    unsigned exits, value, lines;
    uint64_t flushed;
} seen;

static void request(void *opaque, enum device_request request, uint32_t value)
{
    (void)opaque;
    seen.exits += request == DEVICE_REQUEST_EXIT;
    seen.value = value;
}

static void flush_page(void *opaque, uint64_t addr)
{
    (void)opaque;
    seen.flushed = addr;
}

static unsigned gsis[24];

static void set_line(void *opaque, bool level)
{
    unsigned bit = 1U << *(unsigned *)opaque;

    seen.lines = level ? seen.lines | bit : seen.lines & ~bit;
}

static struct irq_line irq_of(void *opaque, unsigned gsi)
{
    (void)opaque;
    gsis[gsi] = gsi;
    return (struct irq_line){.set = set_line, .opaque = &gsis[gsi]};
}

static void build_seen(void)
{
    const struct board_host host = {
        .requests = {.request = request}, .irq = irq_of, .flush_page = flush_page};

    memset(&seen, 0, sizeof(seen));
    ck_assert_int_eq(open_with("qemu-test", (const char *[]){NULL}), 0);
    ck_assert_int_eq(board_build(board, &core, &host, &err), 0);
}

static void out(hwaddr port, uint32_t value, unsigned size)
{
    ck_assert_uint_eq(
        address_space_write(board_io(board), port, MEMTXATTRS_UNSPECIFIED, &value, size), MEMTX_OK);
}

START_TEST(either_exit_port_ends_the_run)
{
    build_seen();
    out(0xf4, 0x12345, 4);
    ck_assert_uint_eq(seen.exits, 1);
    ck_assert_uint_eq(seen.value, 0x12345);
    out(0x501, 0x2a, 1);
    ck_assert_uint_eq(seen.exits, 2);
    ck_assert_uint_eq(seen.value, 0x2a);
    out(0x501, 0x1234, 2);
    ck_assert_uint_eq(seen.value, 0x1234);
}
END_TEST

START_TEST(testdev_sets_the_interrupt_input_of_its_port)
{
    build_seen();
    out(0x2000 + (unsigned)_i, 1, 1);
    ck_assert_uint_eq(seen.lines, 1U << _i);
    out(0x2000 + (unsigned)_i, 0, 1);
    ck_assert_uint_eq(seen.lines, 0);
}
END_TEST

START_TEST(testdev_asks_for_a_page_to_be_mapped_anew)
{
    build_seen();
    out(0xe4, 0x123456, 4);
    ck_assert_uint_eq(seen.flushed, 0x123000);
}
END_TEST

static uint32_t in(AddressSpace *as, hwaddr addr, unsigned size)
{
    uint32_t value = 0;

    ck_assert_uint_eq(address_space_read(as, addr, MEMTXATTRS_UNSPECIFIED, &value, size), MEMTX_OK);
    return value;
}

/* As everywhere, an access belongs to the region that its first byte is in. */
START_TEST(debug_console_is_in_front_of_testdev)
{
    build_seen();
    out(0xe0, 0x44332211, 4);
    ck_assert_uint_eq(in(board_io(board), 0xe9, 1), 0xe9);
    ck_assert_uint_eq(in(board_io(board), 0xea, 1), 0x33);
    ck_assert_uint_eq(in(board_io(board), 0xe8, 4), 0x44332211);
}
END_TEST

START_TEST(testdev_has_memory_below_4_gib)
{
    uint8_t value = 0x5a;

    build_seen();
    ck_assert_uint_eq(
        address_space_write(board_memory(board), 0xff00ffff, MEMTXATTRS_UNSPECIFIED, &value, 1),
        MEMTX_OK);
    ck_assert_uint_eq(in(board_memory(board), 0xff00fffc, 4), 0x5a000000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("board_fw_cfg");
    TCase *tc = tcase_create("board_fw_cfg");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, guest_is_told_memory_cpus_and_command_line);
    tcase_add_test(tc, e820_is_the_memory_map);
    tcase_add_test(tc, files_come_from_texts_and_from_files);
    tcase_add_test(tc, empty_file_is_a_file);
    tcase_add_test(tc, dumped_tree_has_the_files);
    tcase_add_test(tc, names_that_are_not_for_users_are_warned_of);
    tcase_add_table_test(tc, text_is_checked, texts);
    tcase_add_table_test(tc, board_that_cannot_have_the_file_is_refused, refused);
    tcase_add_test(tc, file_of_more_than_64_mib_is_refused);
    tcase_add_test(tc, as_many_files_as_there_are_keys);
    tcase_add_test(tc, more_files_than_keys_are_refused);
    tcase_add_table_test(tc, node_that_makes_no_file_is_refused, nodes);
    tcase_add_test(tc, either_exit_port_ends_the_run);
    tcase_add_loop_test(tc, testdev_sets_the_interrupt_input_of_its_port, 0, 24);
    tcase_add_test(tc, testdev_has_memory_below_4_gib);
    tcase_add_test(tc, testdev_asks_for_a_page_to_be_mapped_anew);
    tcase_add_test(tc, debug_console_is_in_front_of_testdev);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
