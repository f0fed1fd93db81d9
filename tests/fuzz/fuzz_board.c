/*
 * fuzz_board.c - a hostile device tree, and perhaps an overlay behind it: opened, edited, built,
 * reset, taken apart. Whatever the bytes, the result is a board or an error that says something.
 *
 * Input: a byte of flags, a tree, and with OVERLAY an overlay. Mutations keep trees whole: they set
 * properties that acre reads, on any node, to values that are near the edges.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/memory.h"
#include "vmm/board.h"

enum { RAM_SIZE = 1, CPUS = 2, BOOTARGS = 4, OVERLAY = 8, HOST = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static void hear(void *opaque, const char *line)
{
    (void)opaque;
    if (line[0] == '\0' || strchr(line, '\n')) {
        abort();
    }
}

static void set_level(void *opaque, bool level)
{
    bool *now = opaque;

    if (*now == level) {
        abort(); /* a line is told of changes only */
    }
    *now = level;
}

static struct irq_line give_line(void *opaque, unsigned gsi)
{
    if (gsi >= BOARD_GSI_NUM) {
        abort();
    }
    return (struct irq_line){.set = set_level, .opaque = (bool *)opaque + gsi};
}

/* The first and the last byte behind each IOMMU, wherever that may lead. */
static void read_translated(AddressSpace *memory)
{
    FlatView *view = address_space_get_flatview(memory);
    const FlatRange *range = flatview_at_or_after(view, 0);

    for (; range;
         range = range->last == UINT64_MAX ? NULL : flatview_at_or_after(view, range->last + 1)) {
        if (range->mr->kind == MEMORY_REGION_IOMMU) {
            (void)address_space_ldub(memory, range->first, MEMTXATTRS_UNSPECIFIED, NULL);
            (void)address_space_ldub(memory, range->last, MEMTXATTRS_UNSPECIFIED, NULL);
        }
    }
    flatview_unref(view);
}

static void build(struct board *board, bool with_host)
{
    const struct memory_core_config config = {.opaque = NULL};
    bool levels[BOARD_GSI_NUM] = {false};
    const struct board_host host = {.irq = give_line, .opaque = levels};
    struct memory_core core;
    struct error err = {""};

    if (memory_core_init(&core, &config) < 0) {
        abort();
    }
    if (board_build(board, &core, with_host ? &host : NULL, &err) == 0) {
        read_translated(board_memory(board));
        (void)address_space_ldub(board_memory(board), 0, MEMTXATTRS_UNSPECIFIED, NULL);
        (void)address_space_ldub(board_io(board), 0x3f8, MEMTXATTRS_UNSPECIFIED, NULL);
        address_space_stb(board_io(board), 0x3f9, 2, MEMTXATTRS_UNSPECIFIED, NULL);
        board_reset(board);
    } else if (err.text[0] == '\0') {
        abort();
    }
    board_unbuild(board);
    memory_core_finish(&core);
}

/* A file of these bytes, by name. Returns: its descriptor; -1. */
static int make_file(const uint8_t *data, size_t size, char *path, size_t path_size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    if (fd >= 0 && write(fd, data, size) != (ssize_t)size) {
        (void)close(fd);
        return -1;
    }
    (void)snprintf(path, path_size, "/proc/self/fd/%d", fd);
    return fd;
}

/* Where the tree ends and an overlay begins: the second word, which need not be aligned here. */
static size_t tree_size(const uint8_t *data, size_t size)
{
    size_t said =
        size < 8 ? size
                 : (size_t)data[4] << 24 | (size_t)data[5] << 16 | (size_t)data[6] << 8 | data[7];

    return said < size ? said : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool registered;
    char path[64], overlay_path[64];
    const char *const overlays[] = {overlay_path};
    struct board_config config = {.name = path, .overlays = overlays, .warn = hear};
    struct error err = {""};
    struct board *board;
    size_t first;
    int fd, overlay_fd = -1;

    if (!registered) {
        memory_thread_register();
        registered = true;
    }
    if (size < 1) {
        return 0;
    }
    first = data[0] & OVERLAY ? tree_size(data + 1, size - 1) : size - 1;
    fd = make_file(data + 1, first, path, sizeof(path));
    if (fd >= 0 && data[0] & OVERLAY) {
        overlay_fd =
            make_file(data + 1 + first, size - 1 - first, overlay_path, sizeof(overlay_path));
        config.overlay_num = 1;
    }
    config.ram_size = data[0] & RAM_SIZE ? 0x200000 : 0;
    config.cpu_num = data[0] & CPUS ? 3 : 0;
    config.bootargs = data[0] & BOOTARGS ? "a b" : NULL;
    if (fd >= 0 && board_open(&config, &board, &err) == 0) {
        /* Tens of gigabytes are honest, and slow. */
        if (board_ram_size(board) <= UINT64_C(1) << 32) {
            build(board, data[0] & HOST);
        }
        board_free(board);
    } else if (fd >= 0 && err.text[0] == '\0') {
        abort();
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (overlay_fd >= 0) {
        (void)close(overlay_fd);
    }
    return 0;
}

static const char *const compatibles[] = {
    "simple-bus",         "isa",           "mmio-sram",         "acre,container",
    "acre,alias",         "acre,rom",      "acre,rom-device",   "acre,ram-device",
    "acre,reservation",   "fixed-clock",   "intel,i8259",       "intel,ce4100-ioapic",
    "ns16550a",           "intel,8254",    "motorola,mc146818", "acre,bank-switch",
    "intel,ce4100-lapic", "acre,testdev",  "acre,debug-exit",   "intel,8042",
    "intel,ce4100-hpet",  "acre,acpi-pm",  "qemu,fw-cfg",       "qemu,pc-testdev",
    "acre,iommu",         "acre,debugcon", "ibase,ib700",       "qemu,pvpanic",
};
static const char *const properties[] = {
    "reg",
    "ranges",
    "#address-cells",
    "#size-cells",
    "acre,target",
    "acre,offset",
    "acre,priority",
    "interrupts",
    "interrupt-parent",
    "#interrupt-cells",
    "clocks",
    "phandle",
    "clock-frequency",
    "acre,data",
    "acre,erase-size",
    "acre,regions",
    "read-only",
    "acre,name",
    "acre,image",
    "status",
    "device_type",
    "target",
    "target-path",
    "compatible",
    "acre,partial-pages",
    "acre,file",
    "acre,translations",
    "acre,page-size",
    "acre,action",
    "acre,base",
    "acre,backend",
    "acre,timer-bits",
    "acre,interrupt-routes",
    "reg-io-width",
    "bootargs",
    "stdout-path",
    "serial0",
};
static const uint32_t values[] = {
    0,       1,        2,          3,          4,          8,          15,
    16,      24,       0x3f8,      0x800,      0xfff,      0x1000,     0x2000,
    0xa0000, 0x100000, 0x7fffffff, 0x80000000, 0xfec00000, 0xfffff000, 0xffffffff};

#define PICK(array) ((array)[(unsigned)rand() % (sizeof(array) / sizeof((array)[0]))])

static int any_node(const void *fdt)
{
    int node, num = 0, depth = 0, chosen = 0;

    for (node = 0; node >= 0 && depth >= 0; node = fdt_next_node(fdt, node, &depth)) {
        chosen = rand() % ++num == 0 ? node : chosen;
    }
    return chosen;
}

static void mutate_tree(void *fdt)
{
    int node = any_node(fdt), num = 1 + rand() % 14, i;
    uint32_t phandle = 0;
    char name[16];
    fdt32_t cells[14];

    switch (rand() % 7) {
    case 0:
        (void)fdt_setprop_string(fdt, node, "compatible", PICK(compatibles));
        break;
    case 1:
        (void)fdt_delprop(fdt, node, PICK(properties));
        break;
    case 2:
        (void)snprintf(name, sizeof(name), "n%d", rand() % 10000);
        (void)fdt_add_subnode(fdt, node, name);
        break;
    case 3:
        if (node > 0) {
            (void)fdt_del_node(fdt, node);
        }
        break;
    case 4: /* A reference to some other node. */
        phandle = fdt_get_phandle(fdt, any_node(fdt));
        (void)fdt_setprop_u32(fdt, node, PICK(properties), phandle);
        break;
    default:
        for (i = 0; i < num; i++) {
            cells[i] = cpu_to_fdt32(PICK(values));
        }
        (void)fdt_setprop(fdt, node, PICK(properties), cells, 4 * num);
        break;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size_t first = size > 1 ? tree_size(data + 1, size - 1) : 0, rest, room, mutated;
    bool second;
    uint8_t *part;
    void *copy;

    srand(seed);
    if (first < 40 || rand() % 8 == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    /* The overlay behind it, if there is one, every other time. */
    second = first < size - 1 && rand() % 2;
    part = second ? data + 1 + first : data + 1;
    mutated = second ? size - 1 - first : first;
    rest = second ? 0 : size - 1 - first;
    room = max_size - (size_t)(part - data) - rest;
    copy = calloc(1, room);
    if (!copy || fdt_check_full(part, mutated) < 0 || fdt_open_into(part, copy, (int)room) < 0) {
        free(copy);
        return LLVMFuzzerMutate(data, size, max_size);
    }
    mutate_tree(copy);
    (void)fdt_pack(copy);
    memmove(part + fdt_totalsize(copy), part + mutated, rest);
    memcpy(part, copy, fdt_totalsize(copy));
    size = (size_t)(part - data) + fdt_totalsize(copy) + rest;
    free(copy);
    data[0] = rand() % 4 ? data[0] : (uint8_t)((data[0] & OVERLAY) | (rand() & ~OVERLAY));
    return size;
}
