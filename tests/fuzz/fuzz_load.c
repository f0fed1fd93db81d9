/*
 * fuzz_load.c - any bytes as a kernel: opened as one kind, and placed if that went well. The first
 * byte chooses the kind, a second module and the board's tree; the rest is the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/memory.h"
#include "vmm/load.h"

#define RAM_SIZE (16U << 20)
#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)fprintf(stderr, "fuzz_load: %s\n", #cond);                                       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One machine for all inputs; its RAM is dirty from the second on. */
struct machine {
    struct memory_core core;
    MemoryRegion root, ram;
    AddressSpace as;
    int kernel, module;
};

static struct machine *machine_new(void)
{
    const struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = RAM_SIZE};
    struct machine *m = calloc(1, sizeof(*m));
    RAMBlock *block;

    MUST(m);
    memory_thread_register();
    MUST(memory_core_init(&m->core, &(struct memory_core_config){0}) == 0);
    MUST(memory_region_init(&m->root, &m->core, NULL, "system", UINT64_MAX) == 0);
    MUST(ram_block_new(&m->core, "ram", &config, &block) == 0);
    MUST(memory_region_init_ram(&m->ram, NULL, "ram", block) == 0);
    MUST(memory_region_add_subregion(&m->root, 0, &m->ram) == 0);
    MUST(address_space_init(&m->as, &m->core, &m->root, "memory", MEMORY_UNASSIGNED_MEMORY) == 0);
    m->kernel = memfd_create("kernel", MFD_CLOEXEC);
    m->module = memfd_create("module", MFD_CLOEXEC);
    MUST(m->kernel >= 0 && m->module >= 0 && write(m->module, "module", 6) == 6);
    return m;
}

/* What holds for every kernel that was placed, however odd. */
static void check_entry(struct machine *m, const struct boot_image *image,
                        const struct boot_entry *entry)
{
    if (entry->mode == CPU_MODE_REAL) {
        MUST(load_kind(image) == BOOT_FLAT16);
        return;
    }
    MUST(entry->gdt >= 4096 && entry->gdt + entry->gdt_limit < RAM_SIZE);
    MUST(entry->rbx >= 4096 && entry->rbx < RAM_SIZE);
    MUST(entry->mode == CPU_MODE_LONG64 ? entry->cr3 % 4096 == 0 && entry->cr3 < RAM_SIZE
                                        : entry->rip < RAM_SIZE && entry->cr3 == 0);
    if (entry->rax == 0) {
        MUST(address_space_ldl_le(&m->as, entry->rbx, MEMTXATTRS_UNSPECIFIED, NULL) == 0x336ec578);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct boot_map_entry map[] = {{0, 0x9ffff, BOOT_MAP_RAM},
                                                {0xa0000, 0xfffff, BOOT_MAP_RESERVED},
                                                {0x100000, RAM_SIZE - 1, BOOT_MAP_RAM}};
    static struct machine *m; /* libFuzzer has no place to keep it */
    struct boot_module_file module = {"module", 0, "module x"};
    struct boot_config config = {.path = "kernel", .map = map, .map_num = 3};
    struct boot_image *image = NULL;
    struct boot_entry entry;
    struct error err = {""};
    char why[256];

    if (size < 1) {
        return 0;
    }
    m = m ? m : machine_new();
    MUST(ftruncate(m->kernel, 0) == 0);
    MUST(pwrite(m->kernel, data + 1, size - 1, 0) == (ssize_t)(size - 1));
    module.fd = m->module;
    config.fd = m->kernel;
    config.kind = (enum boot_kind)(data[0] % 8);
    config.flat_addr_given = data[0] & 8;
    config.flat_addr = 0x7c00;
    config.modules = &module;
    config.module_num = data[0] & 16 ? 1 : 0;
    config.append = data[0] & 32 ? "a=b" : NULL;
    config.dtb = data;
    config.dtb_size = size;
    if (load_open(&config, &image, why, sizeof(why), &err) < 0) {
        MUST(err.text[0]);
        return 0;
    }
    for (unsigned i = 0; i < 2; i++) { /* a reset, too */
        if (load_place(image, &m->as, &entry, &err) == 0) {
            check_entry(m, image, &entry);
        } else {
            MUST(err.text[0]);
        }
    }
    load_close(image);
    return 0;
}
