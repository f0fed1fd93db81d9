/*
 * board.c - which device model answers to which `compatible`: one table, and for each device the
 * few lines that fill in its config from the tree. The only file that knows more than one device.
 */
#include "vmm/board.h"

#include <errno.h>
#include <libfdt.h>
#include <stddef.h>
#include <string.h>

#include "devices/acpi_pm.h"
#include "devices/bank_switch.h"
#include "devices/debug_exit.h"
#include "devices/debugcon.h"
#include "devices/hpet.h"
#include "devices/i8042.h"
#include "devices/i8254.h"
#include "devices/ib700.h"
#include "devices/iommu.h"
#include "devices/mc146818.h"
#include "devices/pc_testdev.h"
#include "devices/pvpanic.h"
#include "devices/rom_device.h"
#include "devices/serial.h"
#include "devices/testdev.h"
#include "vmm/board_build.h"
#include "vmm/board_fw_cfg.h"
#include "vmm/board_iommu.h"
#include "vmm/board_switch.h"
#include "vmm/event_input.h"
#include "vmm/rtc_base.h"
#include "vmm/watchdog_action.h"

/* A port's hook; the device's opaque is its struct board_port. */
static void port_has_room(void *opaque)
{
    const struct board_port *port = opaque;

    port->board->host.input_wanted(port->board->host.opaque, port->index);
}

static struct board_port *port_of(struct board *board, const struct part *part)
{
    unsigned i;

    for (i = 0; i < BOARD_SERIALS; i++) {
        if (board->ports[i].node == part->node) {
            return &board->ports[i];
        }
    }
    return NULL;
}

static int init_serial(struct board *board, struct part *part, struct error *err)
{
    struct board_port *port = port_of(board, part);
    struct serial_config config = {.irq = part->irqs[0], .clock = board->host.clock};
    uint32_t shift, width;
    int ret;

    ret = tree_clock_hz(&board->tree, part->node, &config.clock_hz, err);
    if (ret == 0) {
        ret = tree_u32(&board->tree, part->node, "reg-shift", 0, &shift, err);
    }
    if (ret == 0) {
        ret = tree_u32(&board->tree, part->node, "reg-io-width", 1, &width, err);
    }
    if (ret < 0) {
        return ret;
    }
    if (shift != 0 || width != 1) {
        return tree_error(&board->tree, part->node, "reg-shift", err,
                          "registers are one byte each, next to each other");
    }
    if (port) {
        config.sink = board->host.serial_out[port->index];
        config.can_receive = board->host.input_wanted ? port_has_room : NULL;
        config.opaque = port;
    }
    ret = serial_init((void *)part->state, board->core, &config);
    if (ret == 0 && port) {
        port->part = part;
    }
    return ret;
}

static int init_i8254(struct board *board, struct part *part, struct error *err)
{
    const struct i8254_config config = {.irq = part->irqs[0], .clock = board->host.clock};
    uint32_t hz;
    int ret = tree_clock_hz(&board->tree, part->node, &hz, err);

    if (ret == 0 && hz != 0 && hz != I8254_CLOCK_HZ) {
        return tree_error(&board->tree, part->node, "clock-frequency", err,
                          "%u Hz; this timer has %u", hz, I8254_CLOCK_HZ);
    }
    return ret < 0 ? ret : i8254_init((void *)part->state, board->core, &config);
}

static int init_i8042(struct board *board, struct part *part, struct error *err)
{
    const struct i8042_config config = {.irq = part->irqs[0], .request = board->host.requests};

    (void)err;
    return i8042_init((void *)part->state, board->core, &config);
}

/* RAM below and above 4 GiB, holes included below, as a PC's firmware finds it. */
static void measure_ram(const struct board *board, uint64_t *low, uint64_t *high)
{
    const uint64_t four_gib = UINT64_C(4) << 30;
    int i;

    *low = 0;
    *high = 0;
    for (i = 0; i < board->map_num; i++) {
        if (board->map[i].type == BOOT_MAP_RAM && board->map[i].first >= four_gib) {
            *high += board->map[i].last - board->map[i].first + 1;
        } else if (board->map[i].type == BOOT_MAP_RAM) {
            *low = board->map[i].last < four_gib ? board->map[i].last + 1 : four_gib;
        }
    }
}

static int init_mc146818(struct board *board, struct part *part, struct error *err)
{
    struct mc146818_config config = {.irq = part->irqs[0], .clock = board->host.clock};
    int64_t now_s = board->host.wall_clock_s ? board->host.wall_clock_s(board->host.opaque) : 0;
    const char *base;
    int ret = tree_string(&board->tree, part->node, "acre,base", &base, err);

    if (ret < 0) {
        return ret;
    }
    if (rtc_base_seconds(base ? base : "utc", now_s, &config.epoch_seconds) < 0) {
        return tree_error(&board->tree, part->node, "acre,base", err,
                          "'%.64s' is not " RTC_BASE_FORMS, base);
    }
    measure_ram(board, &config.ram_low_bytes, &config.ram_high_bytes);
    return mc146818_init((void *)part->state, board->core, &config);
}

static int init_debugcon(struct board *board, struct part *part, struct error *err)
{
    const struct debugcon_config config = {.sink = board->host.debug_out};

    (void)err;
    return debugcon_init((void *)part->state, board->core, &config);
}

static int init_debug_exit(struct board *board, struct part *part, struct error *err)
{
    struct debug_exit_config config = {.request = board->host.requests};
    uint64_t iosize = part->mounts[0].size;

    if (iosize != 1 && iosize != 2 && iosize != 4) {
        return tree_error(&board->tree, part->node, "reg", err,
                          "%llu ports; 1, 2 or 4 are possible", (unsigned long long)iosize);
    }
    config.iosize = (unsigned)iosize;
    return debug_exit_init((void *)part->state, board->core, &config);
}

static int init_acpi_pm(struct board *board, struct part *part, struct error *err)
{
    struct acpi_pm_config config = {
        .sci = part->irqs[0],
        .clock = board->host.clock,
        .request = board->host.requests,
    };
    uint32_t bits;
    int ret = tree_u32(&board->tree, part->node, "acre,timer-bits", 24, &bits, err);

    if (ret < 0) {
        return ret;
    }
    if (bits != 24 && bits != 32) {
        return tree_error(&board->tree, part->node, "acre,timer-bits", err, "24 or 32, not %u",
                          bits);
    }
    config.timer_bits = bits;
    return acpi_pm_init((void *)part->state, board->core, &config);
}

enum {
    HPET_ROUTES_DEFAULT = 0xff0000, /* inputs of the I/O APIC that no ISA device has */
    HPET_ROUTES_POSSIBLE = 0xfffff8,
    HPET_LEGACY_TIMER = 0, /* interrupts that it can take over */
    HPET_LEGACY_CLOCK = 8,
};

static void take_over(void *opaque, bool on)
{
    board_line_take_over(opaque, HPET_LEGACY_TIMER, on);
    board_line_take_over(opaque, HPET_LEGACY_CLOCK, on);
}

static int init_hpet(struct board *board, struct part *part, struct error *err)
{
    const char *const property = "acre,interrupt-routes";
    struct hpet_config config = {.clock = board->host.clock, .legacy = take_over, .opaque = board};
    unsigned i;
    int ret =
        tree_u32(&board->tree, part->node, property, HPET_ROUTES_DEFAULT, &config.route_cap, err);

    if (ret < 0) {
        return ret;
    }
    if (config.route_cap & ~(uint32_t)HPET_ROUTES_POSSIBLE) {
        return tree_error(&board->tree, part->node, property, err,
                          "0x%x has interrupts other than 3 to 23", config.route_cap);
    }
    if (board->pic < 0) {
        config.route_cap = 0;
        config.legacy = NULL;
    }
    for (i = 0; i < HPET_NUM_IRQS && board->pic >= 0; i++) {
        if (i == HPET_LEGACY_TIMER || i == HPET_LEGACY_CLOCK || config.route_cap >> i & 1) {
            config.irqs[i] = board_line_kept(board, i);
        }
    }
    return hpet_init((void *)part->state, board->core, &config);
}

static int init_ib700(struct board *board, struct part *part, struct error *err)
{
    struct ib700_config config = {.clock = board->host.clock, .request = board->host.requests};
    const char *action;
    int ret = tree_string(&board->tree, part->node, "acre,action", &action, err);

    if (ret < 0) {
        return ret;
    }
    if (watchdog_action_parse(action ? action : "exit", &config.action) < 0) {
        return tree_error(&board->tree, part->node, "acre,action", err,
                          "'%.64s' is not one of " WATCHDOG_ACTIONS, action);
    }
    return ib700_init((void *)part->state, board->core, &config);
}

static int init_pvpanic(struct board *board, struct part *part, struct error *err)
{
    const struct pvpanic_config config = {.request = board->host.requests};

    (void)err;
    return pvpanic_init((void *)part->state, board->core, &config);
}

static int init_pc_testdev(struct board *board, struct part *part, struct error *err)
{
    struct pc_testdev_config config = {
        .flush_page = board->host.flush_page,
        .opaque = board->host.opaque,
    };
    unsigned i;

    (void)err;
    for (i = 0; i < PC_TESTDEV_IRQ_NUM && board->pic >= 0; i++) {
        config.irqs[i] = board_line(board, i);
    }
    return pc_testdev_init((void *)part->state, board->core, &config);
}

static void close_events(struct testdev_config *config)
{
    unsigned i;

    for (i = 0; i < TESTDEV_EVENT_SLOTS; i++) {
        event_input_close(&config->events[i]);
    }
}

static int init_testdev(struct board *board, struct part *part, struct error *err)
{
    struct testdev_config config = {.memory = &board->memory_space, .irq = part->irqs[0]};
    unsigned i;
    int ret = 0;

    (void)err;
    for (i = 0; i < TESTDEV_EVENT_SLOTS; i++) {
        config.events[i].handle = -1;
        if (ret == 0 && board->host.events) {
            ret = event_input_open(&config.events[i]);
        }
    }
    ret = ret < 0 ? ret : testdev_init((void *)part->state, board->core, &config);
    if (ret < 0) {
        close_events(&config);
    }
    return ret;
}

static void finish_testdev(void *state)
{
    struct testdev *dev = state;

    testdev_finish(dev);
    close_events(&dev->config);
}

static void reset_testdev(void *state)
{
    testdev_reset(state);
}

static int init_bank_switch(struct board *board, struct part *part, struct error *err)
{
    (void)err;
    return bank_switch_init((void *)part->state, board->core);
}

static int init_rom_device(struct board *board, struct part *part, struct error *err)
{
    const struct board_tree *tree = &board->tree;
    char name[PART_NAME_SIZE];
    struct rom_device_config config = {
        .name = name,
        .locked = fdt_getprop(tree->fdt, part->node, "read-only", NULL) != NULL,
    };
    int ret = board_region_name(board, part->node, name, err);

    if (ret == 0) {
        ret = tree_u64(tree, part->node, "acre,erase-size", 0x1000, &config.erase_size, err);
    }
    if (ret == 0) {
        ret = board_rom_block(board, part, name, "\xff", &config.block, err);
    }
    if (ret < 0) {
        return ret;
    }
    ret = rom_device_init((void *)part->state, board->core, &config);
    if (ret < 0) {
        ram_block_unref(config.block);
    }
    return ret == -EINVAL ? tree_error(tree, part->node, "acre,erase-size", err,
                                       "0x%llx, not a power of two from 256 on",
                                       (unsigned long long)config.erase_size)
                          : ret;
}

/* A device's functions take its own type; the table's take its storage. */
#define GLUE(type)                                                                                 \
    static void reset_##type(void *state)                                                          \
    {                                                                                              \
        type##_reset(state);                                                                       \
    }                                                                                              \
    static void finish_##type(void *state)                                                         \
    {                                                                                              \
        type##_finish(state);                                                                      \
    }
GLUE(serial)
GLUE(i8254)
GLUE(i8042)
GLUE(mc146818)
GLUE(debugcon)
GLUE(debug_exit)
GLUE(acpi_pm)
GLUE(hpet)
GLUE(ib700)
GLUE(pvpanic)
GLUE(pc_testdev)
GLUE(rom_device)
GLUE(fw_cfg)
GLUE(iommu)
GLUE(bank_switch)

#define DEVICE(name, type)                                                                         \
    .compatible = (name), .size = sizeof(struct type), .init = init_##type, .reset = reset_##type, \
    .finish = finish_##type, .owner_offset = offsetof(struct type, owner),                         \
    .build = board_device_build
#define REG(type, field) (offsetof(struct type, field) + 1)

static const struct part_class classes[] = {
    {DEVICE("ns16550a", serial), .regs = {REG(serial, mr)}, .irq_max = 1},
    {DEVICE("intel,8254", i8254), .regs = {REG(i8254, mr), REG(i8254, mr_port61)}, .irq_max = 1,
     .irq_alone = true},
    {DEVICE("intel,8042", i8042),
     .regs = {REG(i8042, mr_data), REG(i8042, mr_command), REG(i8042, mr_port92)}, .irq_max = 1},
    {DEVICE("motorola,mc146818", mc146818), .regs = {REG(mc146818, mr)}, .irq_max = 1},
    {DEVICE("acre,debugcon", debugcon), .regs = {REG(debugcon, mr)}},
    {DEVICE("acre,debug-exit", debug_exit), .regs = {REG(debug_exit, mr)}},
    {DEVICE("acre,acpi-pm", acpi_pm), .regs = {REG(acpi_pm, mr), REG(acpi_pm, mr_reset_control)},
     .irq_max = 1},
    {DEVICE("intel,ce4100-hpet", hpet), .regs = {REG(hpet, mr)}},
    {DEVICE("ibase,ib700", ib700), .regs = {REG(ib700, mr_stop), REG(ib700, mr_start)}},
    {DEVICE("qemu,pvpanic", pvpanic), .regs = {REG(pvpanic, mr)}},
    {DEVICE("acre,rom-device", rom_device), .regs = {REG(rom_device, mr)}},
    {DEVICE("qemu,pc-testdev", pc_testdev),
     .regs = {REG(pc_testdev, mr_ioport), REG(pc_testdev, mr_flush),
              REG(pc_testdev, mr_ioport_byte), REG(pc_testdev, mr_irq), REG(pc_testdev, mr_iomem)}},
    {.compatible = "qemu,fw-cfg",
     .size = sizeof(struct board_fw_cfg),
     .init = board_fw_cfg_init,
     .reset = reset_fw_cfg,
     .finish = finish_fw_cfg,
     .owner_offset = offsetof(struct board_fw_cfg, dev.owner),
     .build = board_device_build,
     .regs = {REG(board_fw_cfg, dev.mr_ports), REG(board_fw_cfg, dev.mr_dma)}},
    {DEVICE("acre,testdev", testdev),
     .regs = {REG(testdev, mr_memory), REG(testdev, mr_ports), REG(testdev, mr_iommu)},
     .irq_max = 1},
    {.compatible = "acre,iommu",
     .size = sizeof(struct board_iommu),
     .init = board_iommu_init,
     .mounted = board_iommu_mounted,
     .unmounting = board_iommu_unmounting,
     .reset = reset_iommu,
     .finish = finish_iommu,
     .owner_offset = offsetof(struct board_iommu, dev.owner),
     .build = board_device_build,
     .regs = {REG(board_iommu, dev.mr_window), REG(board_iommu, dev.mr_registers)},
     .reg_min = 1},
    {DEVICE("acre,bank-switch", bank_switch), .regs = {REG(bank_switch, mr)},
     .mounted = board_switch_connect},
};

const struct part_class *board_device_class(const char *compatible)
{
    size_t i;

    for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strcmp(classes[i].compatible, compatible) == 0) {
            return &classes[i];
        }
    }
    return NULL;
}

bool board_has_serial(const struct board *board, unsigned port)
{
    return board->ports[port].node >= 0;
}

unsigned board_console_port(const struct board *board)
{
    return board->console;
}

const char *board_serial_backend(const struct board *board, unsigned port)
{
    return board->ports[port].backend;
}

const char *board_debugcon_backend(const struct board *board)
{
    return board->debugcon_backend;
}

/* Enters the port. Returns: NULL when there is none. */
static struct serial *enter_serial(struct board *board, unsigned port,
                                   struct memory_owner_frame *frame)
{
    struct part *part = board->ports[port].part;
    struct serial *serial = part ? (void *)part->state : NULL;

    return serial && memory_owner_enter(&serial->owner, frame) ? serial : NULL;
}

size_t board_serial_receive(struct board *board, unsigned port, const uint8_t *data, size_t len)
{
    struct memory_owner_frame frame;
    struct serial *serial = enter_serial(board, port, &frame);
    size_t taken = len;

    if (serial) {
        taken = serial_receive(serial, data, len);
        memory_owner_leave(&frame);
    }
    return taken;
}

void board_serial_writable(struct board *board, unsigned port)
{
    struct memory_owner_frame frame;
    struct serial *serial = enter_serial(board, port, &frame);

    if (serial) {
        serial_writable(serial);
        memory_owner_leave(&frame);
    }
}

void board_serial_break(struct board *board, unsigned port)
{
    struct memory_owner_frame frame;
    struct serial *serial = enter_serial(board, port, &frame);

    if (serial) {
        serial_receive_break(serial);
        memory_owner_leave(&frame);
    }
}

bool board_watchdog_runs(struct board *board)
{
    struct memory_owner_frame frame;
    struct part *part;
    bool runs = false;

    for (part = board->parts; part && !runs; part = part->next) {
        struct ib700 *dog = (void *)part->state;

        if (part->class->init == init_ib700 && memory_owner_enter(&dog->owner, &frame)) {
            runs = dog->running;
            memory_owner_leave(&frame);
        }
    }
    return runs;
}

bool board_press_power(struct board *board)
{
    struct memory_owner_frame frame;
    struct part *part;
    bool pressed = false;

    for (part = board->parts; part; part = part->next) {
        struct acpi_pm *pm = (void *)part->state;

        if (part->class->init == init_acpi_pm && memory_owner_enter(&pm->owner, &frame)) {
            acpi_pm_press_power(pm);
            pressed = true;
            memory_owner_leave(&frame);
        }
    }
    return pressed;
}
