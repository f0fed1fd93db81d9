/*
 * The bank switch under a hostile guest, with a listener that vetoes when the input says so. What
 * its registers show is always what stands in the tree, a command that fails changes nothing, and
 * RESTORE brings the first map back.
 */
#undef NDEBUG
#include "devices/bank_switch.h"
#include "tests/fuzz/program.h"
#include "tests/unit/device_fakes.h"

enum { NUM = 5, PAGE = 4096, SWITCH = 0xf000 };

static struct {
    struct fake_bus bus;
    struct bank_switch dev;
    MemoryRegion mrs[NUM]; /* RAM, a container, an alias of either, a reservation */
    struct bank_switch_region regions[NUM];
    MemoryListener listener;
    bool veto;
} m;

static void must(int ret)
{
    assert(ret == 0);
}

static int prepare(MemoryListener *listener, MemoryCommit *commit)
{
    (void)listener;
    (void)commit;
    return m.veto ? -28 : 0;
}

static void cancel(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener;
    (void)commit;
}

static void machine_init(void)
{
    const struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = 2 * PAGE};
    struct memory_core *core = &m.bus.core;
    RAMBlock *block;
    unsigned i;

    fake_bus_init(&m.bus);
    must(ram_block_new(core, "ram", &config, &block));
    must(memory_region_init_ram(&m.mrs[0], NULL, "ram", block));
    must(memory_region_init(&m.mrs[1], core, NULL, "box", 0x3000));
    must(memory_region_init_alias(&m.mrs[2], NULL, "of ram", &m.mrs[0], 0, PAGE));
    must(memory_region_init_alias(&m.mrs[3], NULL, "of box", &m.mrs[1], 0x800, PAGE));
    must(memory_region_init_reservation(&m.mrs[4], core, NULL, "nothing", PAGE));
    must(bank_switch_init(&m.dev, core));
    for (i = 0; i < NUM; i++) {
        MemoryRegion *mr = &m.mrs[i];

        m.regions[i] = (struct bank_switch_region){
            .mr = mr,
            .max_size = memory_region_terminates(mr) ? memory_region_size(mr) : UINT64_MAX,
            .initial = {.addr = i * PAGE,
                        .size = memory_region_size(mr),
                        .alias_offset = i == 3 ? 0x800 : 0,
                        .priority = (int32_t)i % 2,
                        .enabled = true},
        };
        /* The alias of RAM lies in the box that the other alias shows. */
        must(memory_region_add_subregion_overlap(i == 2 ? &m.mrs[1] : &m.bus.root, i * PAGE, mr,
                                                 (int32_t)i % 2));
    }
    must(bank_switch_set_regions(&m.dev, m.regions, NUM));
    must(memory_region_add_subregion_overlap(&m.bus.root, SWITCH, &m.dev.mr, INT32_MAX));
    m.listener = (MemoryListener){.name = "veto", .prepare = prepare, .cancel = cancel};
    must(memory_listener_register(&m.listener, &m.bus.as));
}

/* What the device shows of region `i` is what the tree has. */
static void check_region(unsigned i, bool initial)
{
    const struct bank_switch_state *shown = &m.dev.states[i];
    const struct memory_region_state *is = &m.mrs[i].state;
    const struct bank_switch_state *first = &m.regions[i].initial;

    assert(shown->addr == is->addr && shown->size == is->size);
    assert(shown->priority == is->priority && shown->enabled == is->enabled);
    assert(shown->readonly == is->readonly && !shown->romd);
    assert(!m.mrs[i].alias || shown->alias_offset == is->alias_offset);
    assert(shown->size <= m.regions[i].max_size);
    assert(!initial || (shown->addr == first->addr && shown->size == first->size &&
                        shown->enabled == first->enabled && shown->priority == first->priority &&
                        shown->alias_offset == first->alias_offset && !shown->readonly));
}

static uint64_t value_of(uint8_t b)
{
    static const uint64_t edges[] = {
        0x1000,
        0x800,
        0x2fff,
        0x3001,
        0x10000,
        UINT32_MAX,
        UINT64_C(1) << 32,
        UINT64_C(1) << 63,
        UINT64_MAX - 0xfff,
        UINT64_MAX - 1,
        UINT64_MAX,
    };

    return b < 0x40 ? b : edges[b % (sizeof(edges) / sizeof(edges[0]))];
}

static void access(hwaddr reg, uint64_t value, unsigned size)
{
    uint64_t got = 0;

    (void)address_space_write(&m.bus.as, SWITCH + reg, MEMTXATTRS_UNSPECIFIED, &value, size);
    (void)address_space_read(&m.bus.as, SWITCH + reg, MEMTXATTRS_UNSPECIFIED, &got, size);
    (void)bus_in(&m.bus, (hwaddr)(value & 0xffff), 4, NULL);
}

static bool same_state(const struct bank_switch_state *a, const struct bank_switch_state *b)
{
    return a->addr == b->addr && a->size == b->size && a->alias_offset == b->alias_offset &&
           a->priority == b->priority && a->enabled == b->enabled && a->readonly == b->readonly &&
           a->romd == b->romd;
}

static void run_step(struct program_step step)
{
    const uint64_t generation = m.dev.generation;
    const struct bank_switch before = m.dev;
    unsigned i;

    m.veto = step.op & 0x40;
    switch (step.op & 3) {
    case 0:
        access(BANK_SWITCH_COMMAND, step.a & 7, 8);
        break;
    case 1:
        access(BANK_SWITCH_SELECT, step.a & 7, 8);
        break;
    case 2:
        access((hwaddr)step.a & 0xf8, value_of(step.b), 8);
        break;
    default:
        access((hwaddr)step.a & 0xfc, value_of(step.b), 4);
        break;
    }
    m.veto = false;
    if (m.dev.generation == generation) {
        for (i = 0; i < NUM; i++) {
            assert(same_state(&before.states[i], &m.dev.states[i]));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program program = {data, size < 900 ? size : 900};
    struct program_step step;
    unsigned i;

    if (!m.dev.core) {
        machine_init();
    }
    while (program_next(&program, &step)) {
        run_step(step);
        for (i = 0; i < NUM; i++) {
            check_region(i, false);
        }
    }
    bank_switch_reset(&m.dev);
    for (i = 0; i < NUM; i++) {
        check_region(i, true);
    }
    memory_core_throttle(&m.bus.core);
    return 0;
}
