/*
 * board_fw_cfg.c - a `--fw-cfg` text is read in place, part by part, and becomes a node; the device
 * is given what the nodes say, in the tree itself where it lies there.
 */
#include "vmm/board_fw_cfg.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define E820_NAME "etc/e820"
enum { E820_ENTRY_SIZE = 20, NODE_ROOM = 128 };

/* The parts of a text, still with `,,` for commas. */
struct fw_cfg_text {
    const char *name, *value; /* NULL: not there */
    size_t name_len, value_len;
    bool is_file;
};

/* The length of the part that `text` begins with: up to a comma that is no pair. */
static size_t part_len(const char *text)
{
    size_t len = 0;

    while (text[len] != '\0' && (text[len] != ',' || text[len + 1] == ',')) {
        len += text[len] == ',' ? 2 : 1;
    }
    return len;
}

/* Copies a part, pairs of commas as one, and a NUL. Returns: the length without it. */
static size_t unescape(char *to, const char *part, size_t len)
{
    size_t i, num = 0;

    for (i = 0; i < len; i++) {
        to[num++] = part[i];
        i += part[i] == ',';
    }
    to[num] = '\0';
    return num;
}

/* One part. Returns: false when it is none of those that are known, or there twice. */
static bool take_part(struct fw_cfg_text *parts, const char *part, size_t len, bool first)
{
    static const char name[] = "name=", file[] = "file=", string[] = "string=";
    bool is_file = strncmp(part, file, sizeof(file) - 1) == 0;
    bool is_string = strncmp(part, string, sizeof(string) - 1) == 0;
    bool is_name = strncmp(part, name, sizeof(name) - 1) == 0;
    size_t skip = is_file     ? sizeof(file) - 1
                  : is_string ? sizeof(string) - 1
                  : is_name   ? sizeof(name) - 1
                              : 0;

    if (is_file || is_string) {
        if (parts->value) {
            return false;
        }
        parts->is_file = is_file;
        parts->value = part + skip;
        parts->value_len = len - skip;
        return true;
    }
    if (parts->name || (!is_name && (!first || memchr(part, '=', len)))) {
        return false;
    }
    parts->name = part + skip;
    parts->name_len = len - skip;
    return true;
}

static int read_text(const char *text, struct fw_cfg_text *parts, char *name, struct error *err)
{
    const char *part = text;
    size_t len;

    *parts = (struct fw_cfg_text){.name = NULL};
    for (;; part += len + 1) {
        len = part_len(part);
        if (!take_part(parts, part, len, part == text)) {
            return error_set(err, EINVAL, "%.*s: not name=, file= or string=, or there twice",
                             (int)(len < 64 ? len : 64), part);
        }
        if (part[len] == '\0') {
            break;
        }
    }
    if (!parts->name || parts->name_len == 0 || !parts->value || parts->value_len == 0) {
        return error_set(err, EINVAL, "%.64s: wants NAME,file=PATH or NAME,string=TEXT", text);
    }
    if (parts->name_len >= 2 * FW_CFG_NAME_SIZE ||
        unescape(name, parts->name, parts->name_len) >= FW_CFG_NAME_SIZE) {
        return error_set(err, EINVAL, "%.*s: a name has at most %d bytes",
                         (int)(parts->name_len < 64 ? parts->name_len : 64), parts->name,
                         FW_CFG_NAME_SIZE - 1);
    }
    return 0;
}

int fw_cfg_text_check(const char *text, struct error *err)
{
    char name[2 * FW_CFG_NAME_SIZE];
    struct fw_cfg_text parts;

    return read_text(text, &parts, name, err);
}

size_t tree_fw_cfg_room(const char *text)
{
    return strlen(text) + NODE_ROOM;
}

/* Adds the node that `name` and `value` (with its NUL) make. Returns: 0, or libfdt's error. */
static int add_node(struct board_tree *tree, int parent, const char *name, bool is_file,
                    const char *value, int value_len)
{
    char node_name[24];
    unsigned i = 0;
    int node, ret;

    do {
        (void)snprintf(node_name, sizeof(node_name), "file-%u", i++);
        node = fdt_add_subnode(tree->owned, parent, node_name);
    } while (node == -FDT_ERR_EXISTS);
    if (node < 0) {
        return node;
    }
    ret = fdt_setprop(tree->owned, node, "acre,file", name, (int)strlen(name) + 1);
    if (ret < 0) {
        return ret;
    }
    return is_file ? fdt_setprop(tree->owned, node, "acre,image", value, value_len + 1)
                   : fdt_setprop(tree->owned, node, "acre,data", value, value_len);
}

/* Names without the prefix are QEMU's own, some of them with a meaning to firmware. */
static void warn_of_name(const struct board_config *config, const char *name)
{
    char line[256];

    if (config->warn && strncmp(name, "opt/", 4) != 0) {
        (void)snprintf(line, sizeof(line),
                       "--fw-cfg %s: only names that begin with opt/ are for users", name);
        config->warn(config->opaque, line);
    }
}

int tree_add_fw_cfg(struct board_tree *tree, const struct board_config *config, const char *text,
                    struct error *err)
{
    int ret, parent = fdt_node_offset_by_compatible(tree->fdt, -1, "qemu,fw-cfg");
    char name[2 * FW_CFG_NAME_SIZE];
    struct fw_cfg_text parts;
    size_t len;
    char *value;

    if (parent < 0) {
        return error_set(err, EINVAL, "%s: --fw-cfg: the board has no fw_cfg (qemu-test has)",
                         tree->label);
    }
    ret = read_text(text, &parts, name, err);
    if (ret < 0) {
        return ret;
    }
    warn_of_name(config, name);
    value = malloc(parts.value_len + 1);
    if (!value) {
        return error_set_errno(err, ENOMEM, "--fw-cfg");
    }
    len = unescape(value, parts.value, parts.value_len);
    ret = add_node(tree, parent, name, parts.is_file, value, (int)len);
    free(value);
    return ret < 0 ? error_set(err, EINVAL, "%s: --fw-cfg: %s", tree->label, fdt_strerror(ret)) : 0;
}

/* What a file's node says it holds. */
static int read_content(struct board *board, int node, struct fw_cfg_file *file, struct error *err)
{
    const char *image;
    uint64_t size;
    void *data;
    int len, fd, ret = tree_string(&board->tree, node, "acre,image", &image, err);

    if (ret < 0) {
        return ret;
    }
    if (!image) {
        file->data = fdt_getprop(board->tree.fdt, node, "acre,data", &len);
        file->size = file->data ? (uint32_t)len : 0;
        return file->data ? 0
                          : tree_error(&board->tree, node, "acre,data", err,
                                       "missing, and acre,image too");
    }
    fd = board_image_open(board, node, image, BOARD_IMAGE_MAX, &size, err);
    if (fd < 0) {
        return fd;
    }
    data = board_keep(board, size);
    if (!data) {
        (void)close(fd);
        return -ENOMEM;
    }
    file->data = data;
    file->size = (uint32_t)size;
    return board_image_read(board, node, image, fd, data, size, err);
}

/* The files of the tree behind those that are there. Returns: how many there are then; -errno. */
static int read_files(struct board *board, int fw_cfg, struct fw_cfg_file *files, int num,
                      struct error *err)
{
    const char *name;
    int node, i, ret;

    fdt_for_each_subnode(node, board->tree.fdt, fw_cfg)
    {
        ret = tree_string(&board->tree, node, "acre,file", &name, err);
        if (ret < 0) {
            return ret;
        }
        if (!name || *name == '\0' || strlen(name) >= FW_CFG_NAME_SIZE) {
            return tree_error(&board->tree, node, "acre,file", err, "wants 1 to %d bytes",
                              FW_CFG_NAME_SIZE - 1);
        }
        for (i = 0; i < num; i++) {
            if (strcmp(files[i].name, name) == 0) {
                return tree_error(&board->tree, node, "acre,file", err, "%s: there are two", name);
            }
        }
        if (num == FW_CFG_FILES_MAX) {
            return tree_error(&board->tree, node, NULL, err, "more than %d files",
                              FW_CFG_FILES_MAX);
        }
        files[num].name = name;
        ret = read_content(board, node, &files[num++], err);
        if (ret < 0) {
            return ret;
        }
    }
    return num;
}

static void put_le(uint8_t *to, uint64_t value, unsigned size)
{
    unsigned i;

    for (i = 0; i < size; i++) {
        to[i] = (uint8_t)(value >> 8 * i);
    }
}

/* The memory map, an entry's address, length and type (1 RAM, 2 reserved). Returns: bytes. */
static uint32_t write_e820(const struct board *board, uint8_t *to)
{
    int i;

    for (i = 0; i < board->map_num; i++, to += E820_ENTRY_SIZE) {
        put_le(to, board->map[i].first, 8);
        put_le(to + 8, range_size(board->map[i].first, board->map[i].last), 8);
        put_le(to + 16, (unsigned)board->map[i].type, 4);
    }
    return (uint32_t)board->map_num * E820_ENTRY_SIZE;
}

int board_fw_cfg_init(struct board *board, struct part *part, struct error *err)
{
    struct board_fw_cfg *state = (void *)part->state;
    struct fw_cfg_file files[FW_CFG_FILES_MAX];
    struct fw_cfg_config config = {
        .memory = &board->memory_space,
        .ram_size = board->ram_size,
        .cpu_num = (uint16_t)board_cpu_num(board),
        .files = files,
    };
    int num, chosen = fdt_path_offset(board->tree.fdt, "/chosen"), ret = 0;

    if (chosen >= 0) {
        ret = tree_string(&board->tree, chosen, "bootargs", &config.cmdline, err);
    }
    if (ret < 0) {
        return ret;
    }
    files[0] = (struct fw_cfg_file){
        .name = E820_NAME, .data = state->e820, .size = write_e820(board, state->e820)};
    num = read_files(board, part->node, files, 1, err);
    if (num < 0) {
        return num;
    }
    config.cpu_num_max = config.cpu_num;
    config.file_num = (size_t)num;
    return fw_cfg_init(&state->dev, board->core, &config);
}
