/* map.c - RAM, a device over a page of it, a read-only mirror: acre's memory API without KVM. */
#include <error.h>
#include <stdio.h>
#include "memory/memory.h"

static uint64_t read_sensor(void *opaque, hwaddr addr, unsigned size)
{
    return *(uint64_t *)opaque + addr * size;
}
static void write_sensor(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    *(uint64_t *)opaque = data - addr * size;
}
static void print(void *opaque, const char *text, size_t len)
{
    (void)fwrite(text, 1, len, opaque);
}
static void must(int ret)
{
    if (ret < 0) {
        error(1, -ret, "map");
    }
}

int main(void)
{
    static const MemoryRegionOps ops = {.read = read_sensor, .write = write_sensor};
    static MemoryRegion system, ram, sensor, mirror, *const parts[] = {&ram, &sensor, &mirror};
    const struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = 1 << 20};
    struct memory_sink out = {print, stdout};
    struct memory_core core;
    AddressSpace as;
    RAMBlock *block;
    uint64_t value = 42;

    memory_thread_register();
    must(memory_core_init(&core, &(struct memory_core_config){.opaque = NULL}));
    must(ram_block_new(&core, "ram", &config, &block));
    must(memory_region_init(&system, &core, NULL, "system", UINT64_MAX));
    must(memory_region_init_ram(&ram, NULL, "ram", block));
    must(memory_region_init_io(&sensor, &core, NULL, &ops, &value, "sensor", 0x1000));
    must(memory_region_init_alias(&mirror, NULL, "mirror", &ram, 0, 1 << 20));
    must(memory_region_set_readonly(&mirror, true));
    must(address_space_init(&as, &core, &system, "memory", MEMORY_UNASSIGNED_MEMORY));
    memory_region_transaction_begin(&core); /* the guest would see all of it, or nothing */
    must(memory_region_add_subregion(&system, 0, &ram));
    must(memory_region_add_subregion_overlap(&system, 0x8000, &sensor, 1));
    must(memory_region_add_subregion(&system, 0x10000000, &mirror));
    must(memory_region_transaction_commit(&core));
    memory_print_flat(&core, &out, NULL, NULL);
    printf("sensor: %u\n", address_space_ldl_le(&as, 0x8000, MEMTXATTRS_UNSPECIFIED, NULL));
    for (int i = 0; i < 3; i++) {
        must(memory_region_del_subregion(&system, parts[i]));
        memory_region_unref(parts[i]);
    }
    address_space_finish(&as);
    memory_region_unref(&system);
    memory_core_finish(&core);
    memory_thread_unregister();
}
