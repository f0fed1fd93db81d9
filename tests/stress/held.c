/*
 * held.c - writes that KVM holds back come no later than the next exit.
 *
 * usage: held [ROUNDS]   (2000). TAP on stdout.
 *
 * A guest writes a register whose writes are coalesced, then a port, for ever. At each port write
 * the register must have had the write before it, though nothing has asked for it; and there must
 * have been no exit for it, or nothing was held back.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "flip.h"

enum { ROUNDS_DEFAULT = 2000, RAM_BYTES = 0x8000, ENTRY = 0x1000, REGISTER = 0x9000, PORT = 0x10 };

/* 1: inc %eax; mov %eax, REGISTER; out %al, $PORT; jmp 1b */
static const uint8_t code[] = {0x40, 0xa3, 0x00, 0x90, 0x00, 0x00, 0xe6, PORT, 0xeb, 0xf6};

struct held {
    struct memory_core core;
    AddressSpace memory, io;
    MemoryRegion root, io_root, ram, held, port;
    struct kvm kvm;
    struct kvm_slots slots;
    struct kvm_events events, io_events;
    struct kvm_ring ring;
    struct vcpu_group vcpus;
    uint32_t last;         /* in the register */
    uint64_t writes, late; /* port writes; those that came before their register's */
    uint64_t rounds;
    char why[256];
};

static uint64_t read_nothing(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque, (void)addr, (void)size;
    return 0;
}

static void write_register(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct held *held = opaque;

    (void)addr, (void)size;
    held->last = (uint32_t)data;
}

static void write_port(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct held *held = opaque;

    (void)addr, (void)size;
    held->late += (held->last & 0xff) != data;
    if (++held->writes == held->rounds) {
        vcpu_group_stop(&held->vcpus);
    }
}

static const MemoryRegionOps register_ops = {.read = read_nothing, .write = write_register};
static const MemoryRegionOps port_ops = {.read = read_nothing, .write = write_port};

static void on_ended(void *opaque, const struct verdict *verdict)
{
    struct held *held = opaque;

    (void)snprintf(held->why, sizeof(held->why), "%.200s", verdict->message);
    vcpu_group_stop(&held->vcpus);
}

static int make_map(struct held *held)
{
    const struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = RAM_BYTES};
    RAMBlock *block;

    TRY(memory_core_init(&held->core, NULL));
    TRY(ram_block_new(&held->core, "ram", &config, &block));
    memcpy(block->host + ENTRY, code, sizeof(code));
    TRY(memory_region_init(&held->root, &held->core, NULL, "root", UINT64_MAX));
    TRY(memory_region_init(&held->io_root, &held->core, NULL, "io", 0x10000));
    TRY(memory_region_init_ram(&held->ram, NULL, "ram", block));
    TRY(memory_region_init_io(&held->held, &held->core, NULL, &register_ops, held, "held", PAGE));
    TRY(memory_region_init_io(&held->port, &held->core, NULL, &port_ops, held, "port", 1));
    TRY(memory_region_set_coalescing(&held->held));
    TRY(memory_region_add_subregion(&held->root, 0, &held->ram));
    TRY(memory_region_add_subregion(&held->root, REGISTER, &held->held));
    TRY(memory_region_add_subregion(&held->io_root, PORT, &held->port));
    TRY(address_space_init(&held->memory, &held->core, &held->root, "memory",
                           MEMORY_UNASSIGNED_MEMORY));
    return address_space_init(&held->io, &held->core, &held->io_root, "io", MEMORY_UNASSIGNED_IO);
}

static int make_vm(struct held *held)
{
    const struct kvm_slots_config slots_config = {0};
    const struct vcpu_group_config group_config = {.kvm = &held->kvm,
                                                   .core = &held->core,
                                                   .memory = &held->memory,
                                                   .io = &held->io,
                                                   .ring = &held->ring,
                                                   .num = 1,
                                                   .ended = on_ended,
                                                   .opaque = held};
    const struct boot_entry entry = {.mode = CPU_MODE_PROTECTED32, .rip = ENTRY};
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    struct error err;

    if (kvm_open(&held->kvm, NULL, &err) != 0 || kvm_create_vm(&held->kvm, false, &err) != 0) {
        (void)fprintf(stderr, "held: error: %s\n", err.text);
        return -EIO;
    }
    TRY(kvm_slots_init(&held->slots, &held->kvm, &held->memory, &slots_config));
    if (vcpu_group_init(&held->vcpus, &group_config, &err) != 0) {
        (void)fprintf(stderr, "held: error: %s\n", err.text);
        return -EIO;
    }
    TRY(kvm_events_init(&held->events, &held->kvm, &held->memory, false));
    TRY(kvm_get_sregs(&held->kvm, held->vcpus.vcpus[0].fd, &sregs));
    x86_entry_state(&entry, &regs, &sregs);
    sregs.apic_base = 0;
    TRY(kvm_set_sregs(&held->kvm, held->vcpus.vcpus[0].fd, &sregs));
    return kvm_set_regs(&held->kvm, held->vcpus.vcpus[0].fd, &regs);
}

static void unmake(struct held *held)
{
    MemoryRegion *regions[] = {&held->root, &held->io_root, &held->ram, &held->held, &held->port};
    size_t i;

    kvm_events_finish(&held->events, true);
    kvm_slots_finish(&held->slots, true);
    vcpu_group_finish(&held->vcpus);
    kvm_ring_finish(&held->ring);
    kvm_close(&held->kvm);
    address_space_finish(&held->io);
    address_space_finish(&held->memory);
    for (i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        memory_region_unref(regions[i]);
    }
    memory_core_finish(&held->core);
}

static int run(struct held *held, bool *passed)
{
    struct error err;
    uint64_t exits;

    TRY(make_map(held));
    TRY(make_vm(held));
    if (vcpu_group_start(&held->vcpus, &err) != 0) {
        (void)fprintf(stderr, "held: error: %s\n", err.text);
        return -EIO;
    }
    vcpu_group_unpark(&held->vcpus);
    vcpu_group_join(&held->vcpus);
    exits = vcpu_group_exits(&held->vcpus);
    *passed = held->writes == held->rounds && held->late == 0 && exits == held->writes;
    (void)printf("%sok 1 - m78_q17_writes_held_back_come_no_later_than_the_next_exit\n"
                 "# %" PRIu64 " rounds, %" PRIu64 " exits, %" PRIu64 " writes late %s\n",
                 *passed ? "" : "not ", held->writes, exits, held->late, held->why);
    unmake(held);
    return 0;
}

int main(int argc, char **argv)
{
    struct held *held = calloc(1, sizeof(*held));
    bool passed = false;
    int result;

    if (!held || access("/dev/kvm", R_OK | W_OK) != 0) {
        (void)printf("1..0 # SKIP no usable /dev/kvm\n");
        free(held);
        return 0;
    }
    held->rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : ROUNDS_DEFAULT;
    (void)printf("1..1\n");
    memory_thread_register();
    result = run(held, &passed);
    memory_thread_unregister();
    free(held);
    return result == 0 && passed ? 0 : 1;
}
