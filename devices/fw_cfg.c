/*
 * An array of items by key, filled at init: numbers and the directory lie in the device, the rest
 * is borrowed. A transfer is carried out within the write that starts it, in pieces.
 */
#include "devices/fw_cfg.h"

#include <errno.h>
#include <string.h>

enum {
    FEATURE_TRADITIONAL = 1 << 0,
    FEATURE_DMA = 1 << 1,

    KEY_MASK = 0x3fff,
    KEY_ARCH_LOCAL = 0x8000, /* items of one architecture: there are none */

    DIRECTORY_ENTRY_SIZE = 64,
    DESCRIPTOR_SIZE = 16, /* control, length, address */

    /* Between two of these an error ends a transfer, so that none goes on for long into nothing. */
    PIECE_SIZE = 64 << 10,
};

static const char signature[8] = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};
static const MemTxAttrs dma_attrs = {.memory = true};

static uint64_t load_be(const uint8_t *bytes, unsigned size)
{
    uint64_t value = 0;
    unsigned i;

    for (i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void store_be(uint8_t *bytes, uint64_t value, unsigned size)
{
    for (; size > 0; size--, value >>= 8) {
        bytes[size - 1] = (uint8_t)value;
    }
}

/* What is left of the selected item; size 0 when it is read to its end, or empty. */
static struct fw_cfg_item rest(const struct fw_cfg *dev)
{
    unsigned key = dev->selected & KEY_MASK;
    struct fw_cfg_item item = {NULL, 0};

    if (!(dev->selected & KEY_ARCH_LOCAL) && key < FW_CFG_ITEMS_MAX &&
        dev->offset < dev->items[key].size) {
        item.data = dev->items[key].data + dev->offset;
        item.size = dev->items[key].size - dev->offset;
    }
    return item;
}

static void select_item(struct fw_cfg *dev, uint16_t key)
{
    dev->selected = key;
    dev->offset = 0;
}

static uint64_t ports_read(void *opaque, hwaddr addr, unsigned size)
{
    struct fw_cfg *dev = opaque;
    struct fw_cfg_item item = rest(dev);

    (void)addr;
    (void)size;
    if (item.size == 0) {
        return 0;
    }
    dev->offset++;
    return item.data[0];
}

static void ports_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)addr;
    if (size == 2) {
        select_item(opaque, (uint16_t)data);
    }
}

static bool ports_accept(void *opaque, hwaddr addr, unsigned size, bool is_write, MemTxAttrs attrs)
{
    (void)opaque;
    (void)addr;
    (void)attrs;
    return size == 1 || is_write;
}

/* Copies `len` bytes, or zeros when `data` is NULL, to the guest. Returns: false on an error. */
static bool put(struct fw_cfg *dev, hwaddr addr, const uint8_t *data, uint64_t len)
{
    MemTxResult result = MEMTX_OK;
    uint64_t done, num;

    for (done = 0; done < len && result == MEMTX_OK; done += num) {
        num = len - done < PIECE_SIZE ? len - done : PIECE_SIZE;
        result = data ? address_space_write(dev->memory, addr + done, dma_attrs, data + done, num)
                      : address_space_set(dev->memory, addr + done, 0, num, dma_attrs);
    }
    return result == MEMTX_OK;
}

/* Returns: the control word that the guest finds afterwards. */
static uint32_t transfer(struct fw_cfg *dev, uint32_t control, uint32_t len, hwaddr addr)
{
    struct fw_cfg_item item;
    uint32_t num;
    bool ok = true;

    if (control & FW_CFG_DMA_SELECT) {
        select_item(dev, (uint16_t)(control >> 16));
    }
    item = rest(dev);
    num = len < item.size ? len : item.size;
    if (control & FW_CFG_DMA_READ) {
        ok = len == 0 || len - 1 <= UINT64_MAX - addr; /* addresses do not wrap */
        ok = ok && put(dev, addr, item.data, num) && put(dev, addr + num, NULL, len - num);
        dev->offset += num;
    } else if (control & FW_CFG_DMA_WRITE) {
        ok = len == 0;
    } else if (control & FW_CFG_DMA_SKIP) {
        dev->offset += num;
    }
    return ok ? 0 : FW_CFG_DMA_ERROR;
}

static void run_descriptor(struct fw_cfg *dev)
{
    hwaddr addr = dev->dma_addr;
    uint8_t descriptor[DESCRIPTOR_SIZE];
    uint32_t control = FW_CFG_DMA_ERROR;

    dev->dma_addr = 0;
    if (address_space_read(dev->memory, addr, dma_attrs, descriptor, sizeof(descriptor)) ==
        MEMTX_OK) {
        control = transfer(dev, (uint32_t)load_be(descriptor, 4),
                           (uint32_t)load_be(descriptor + 4, 4), load_be(descriptor + 8, 8));
    }
    /* Where this cannot be written there is no guest to be told. */
    store_be(descriptor, control, 4);
    (void)address_space_write(dev->memory, addr, dma_attrs, descriptor, 4);
}

static uint64_t dma_read(void *opaque, hwaddr addr, unsigned size)
{
    uint8_t bytes[sizeof(signature)];

    (void)opaque;
    memcpy(bytes, signature, sizeof(bytes));
    return load_be(bytes + addr, size);
}

static void dma_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct fw_cfg *dev = opaque;

    if (size == 8) {
        dev->dma_addr = data;
    } else if (addr == 0) {
        dev->dma_addr = data << 32;
        return;
    } else {
        dev->dma_addr |= data;
    }
    run_descriptor(dev);
}

static bool dma_accept(void *opaque, hwaddr addr, unsigned size, bool is_write, MemTxAttrs attrs)
{
    (void)opaque;
    (void)addr; /* a multiple of the size */
    (void)attrs;
    return !is_write || size >= 4;
}

static const MemoryRegionOps ports_ops = {
    .read = ports_read,
    .write = ports_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 2, .accepts = ports_accept},
    .impl = {.min_access_size = 1, .max_access_size = 2},
};

static const MemoryRegionOps dma_ops = {
    .read = dma_read,
    .write = dma_write,
    .endianness = DEVICE_BIG_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .accepts = dma_accept},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};

static void add_bytes(struct fw_cfg *dev, unsigned key, const void *data, uint32_t size)
{
    dev->items[key] = (struct fw_cfg_item){data, size};
}

/* Numbered items are little-endian, unlike the directory and descriptors. */
static void add_number(struct fw_cfg *dev, unsigned key, uint64_t value, unsigned size)
{
    uint8_t *bytes = dev->numbers + dev->numbers_used;
    unsigned i;

    for (i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
    dev->numbers_used += size;
    add_bytes(dev, key, bytes, size);
}

static void add_items(struct fw_cfg *dev, const struct fw_cfg_config *config)
{
    add_bytes(dev, FW_CFG_SIGNATURE, signature, 4);
    add_number(dev, FW_CFG_ID, FEATURE_TRADITIONAL | FEATURE_DMA, 4);
    add_number(dev, FW_CFG_RAM_SIZE, config->ram_size, 8);
    add_number(dev, FW_CFG_NOGRAPHIC, 1, 2);
    add_number(dev, FW_CFG_NB_CPUS, config->cpu_num, 2);
    add_number(dev, FW_CFG_MAX_CPUS, config->cpu_num_max, 2);
    if (config->cmdline) {
        uint32_t size = (uint32_t)strlen(config->cmdline) + 1;

        add_number(dev, FW_CFG_CMDLINE_SIZE, size, 4);
        add_bytes(dev, FW_CFG_CMDLINE_DATA, config->cmdline, size);
    }
}

static uint8_t *entry_of(struct fw_cfg *dev, size_t index)
{
    return dev->directory + 4 + index * DIRECTORY_ENTRY_SIZE;
}

static const char *name_of(const uint8_t *entry)
{
    return (const char *)entry + 8;
}

/* Puts a file in its place among those that are there; its key follows from the place. */
static int add_file(struct fw_cfg *dev, size_t num, const struct fw_cfg_file *file)
{
    size_t len = strlen(file->name), at, i;

    if (len == 0 || len >= FW_CFG_NAME_SIZE) {
        return -EINVAL;
    }
    for (at = num; at > 0 && strcmp(name_of(entry_of(dev, at - 1)), file->name) > 0; at--) {
        memcpy(entry_of(dev, at), entry_of(dev, at - 1), DIRECTORY_ENTRY_SIZE);
        dev->items[FW_CFG_FILE_FIRST + at] = dev->items[FW_CFG_FILE_FIRST + at - 1];
    }
    if (at > 0 && strcmp(name_of(entry_of(dev, at - 1)), file->name) == 0) {
        return -EEXIST;
    }
    memset(entry_of(dev, at), 0, DIRECTORY_ENTRY_SIZE);
    store_be(entry_of(dev, at), file->size, 4);
    memcpy(entry_of(dev, at) + 8, file->name, len);
    add_bytes(dev, FW_CFG_FILE_FIRST + (unsigned)at, file->data, file->size);
    for (i = at; i <= num; i++) {
        store_be(entry_of(dev, i) + 4, FW_CFG_FILE_FIRST + i, 2);
    }
    return 0;
}

static int add_files(struct fw_cfg *dev, const struct fw_cfg_config *config)
{
    size_t i;
    int ret = config->file_num > FW_CFG_FILES_MAX ? -ENOSPC : 0;

    for (i = 0; i < config->file_num && ret == 0; i++) {
        ret = add_file(dev, i, &config->files[i]);
    }
    store_be(dev->directory, config->file_num, 4);
    add_bytes(dev, FW_CFG_FILE_DIR, dev->directory, sizeof(dev->directory));
    return ret;
}

int fw_cfg_init(struct fw_cfg *dev, struct memory_core *core, const struct fw_cfg_config *config)
{
    int ret;

    *dev = (struct fw_cfg){.memory = config->memory};
    add_items(dev, config);
    memory_owner_init(&dev->owner, "fw_cfg");
    ret = add_files(dev, config);
    if (ret < 0) {
        goto owner;
    }
    ret = memory_region_init_io(&dev->mr_ports, core, &dev->owner, &ports_ops, dev, "fw_cfg",
                                FW_CFG_PORTS_SIZE);
    if (ret < 0) {
        goto owner;
    }
    ret = memory_region_init_io(&dev->mr_dma, core, &dev->owner, &dma_ops, dev, "fw_cfg-dma",
                                FW_CFG_DMA_SIZE);
    if (ret < 0) {
        goto region;
    }
    return 0;

region:
    memory_region_unref(&dev->mr_ports);
owner:
    memory_owner_finish(&dev->owner);
    return ret;
}

void fw_cfg_reset(struct fw_cfg *dev)
{
    select_item(dev, FW_CFG_SIGNATURE);
    dev->dma_addr = 0;
}

void fw_cfg_finish(struct fw_cfg *dev)
{
    memory_region_unref(&dev->mr_dma);
    memory_region_unref(&dev->mr_ports);
    memory_owner_finish(&dev->owner);
}
