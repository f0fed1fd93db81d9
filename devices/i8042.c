/*
 * A command byte register, an output port, a one-byte output buffer, and no device behind them.
 * Commands that take a byte wait in `pending` for the next write to the data port.
 */
#include "devices/i8042.h"

#include <string.h>

enum {
    STATUS_OBF = 0x01,
    STATUS_SYS = 0x04,     /* self-test passed, or what the command byte was written with */
    STATUS_COMMAND = 0x08, /* the last write was to the command port */
    STATUS_UNLOCKED = 0x10,
    STATUS_AUX_OBF = 0x20,
    STATUS_TIMEOUT = 0x40,

    COMMAND_BYTE_INTERRUPT = 0x01,
    COMMAND_BYTE_SYS = 0x04, /* shows in the status as STATUS_SYS */
    COMMAND_BYTE_NO_KEYBOARD = 0x10,
    COMMAND_BYTE_NO_AUX = 0x20,

    OUTPUT_NO_RESET = 0x01,
    OUTPUT_A20 = 0x02,
    OUTPUT_OBF = 0x10,
    OUTPUT_AUX_OBF = 0x20,
    OUTPUT_KEYBOARD_DATA = 0x80,
    OUTPUT_STORED = 0xcf,

    CMD_READ_COMMAND_BYTE = 0x20, /* byte 0 of the controller's memory; up to 0x3f the others */
    CMD_READ_RAM_LAST = 0x3f,
    CMD_WRITE_COMMAND_BYTE = 0x60,
    CMD_WRITE_RAM_LAST = 0x7f,
    CMD_RAM_MASK = I8042_RAM_SIZE - 1,
    CMD_TEST_PASSWORD = 0xa4,
    CMD_DISABLE_AUX = 0xa7,
    CMD_ENABLE_AUX = 0xa8,
    CMD_TEST_AUX = 0xa9,
    CMD_SELF_TEST = 0xaa,
    CMD_TEST_KEYBOARD = 0xab,
    CMD_DISABLE_KEYBOARD = 0xad,
    CMD_ENABLE_KEYBOARD = 0xae,
    CMD_READ_INPUT_PORT = 0xc0,
    CMD_READ_OUTPUT_PORT = 0xd0,
    CMD_WRITE_OUTPUT_PORT = 0xd1,
    CMD_WRITE_KEYBOARD_OUTPUT = 0xd2,
    CMD_WRITE_AUX_OUTPUT = 0xd3,
    CMD_WRITE_AUX = 0xd4,
    CMD_PULSE_FIRST = 0xf0, /* bits 3-0: output port bits not to pulse low */
    CMD_PULSE_LAST = 0xff,

    SELF_TEST_PASSED = 0x55,
    TEST_PASSED = 0x00,
    TEST_CLOCK_STUCK_LOW = 0x01,
    INPUT_PORT_UNLOCKED = 0x80,
    NO_PASSWORD = 0xf1,
    NOBODY_ANSWERED = 0xfe, /* with STATUS_TIMEOUT */

    PORT92_RESET = 0x01,
    PORT92_A20 = 0x02,
    PORT92_LOCK = 0x08, /* of the password in CMOS memory; only a reset takes it off */
    PORT92_LIGHTS = 0xc0,
    PORT92_STORED = PORT92_RESET | PORT92_A20 | PORT92_LOCK | PORT92_LIGHTS,
};

static void update_irq(struct i8042 *kbc)
{
    bool level = kbc->status & STATUS_OBF && kbc->command_byte & COMMAND_BYTE_INTERRUPT;

    if (level != kbc->irq_level) {
        kbc->irq_level = level;
        irq_line_set(&kbc->config.irq, level);
    }
}

/* Puts a byte in the output buffer. @flags  STATUS_* to show with it. */
static void reply(struct i8042 *kbc, uint8_t byte, uint8_t flags)
{
    kbc->output_buffer = byte;
    kbc->status =
        (uint8_t)((kbc->status & ~(STATUS_AUX_OBF | STATUS_TIMEOUT)) | STATUS_OBF | flags);
    update_irq(kbc);
}

/* A20 has two handles; each shows what the other did. */
static void set_a20(struct i8042 *kbc, bool on)
{
    kbc->output_port = (uint8_t)((kbc->output_port & ~OUTPUT_A20) | (on ? OUTPUT_A20 : 0));
    kbc->port92 = (uint8_t)((kbc->port92 & ~PORT92_A20) | (on ? PORT92_A20 : 0));
}

static void request_reset(struct i8042 *kbc)
{
    request_line_raise(&kbc->config.request, DEVICE_REQUEST_RESET, 0);
}

static void write_output_port(struct i8042 *kbc, uint8_t value)
{
    kbc->output_port = value & OUTPUT_STORED;
    set_a20(kbc, value & OUTPUT_A20);
    if (!(value & OUTPUT_NO_RESET)) {
        request_reset(kbc);
    }
}

static uint8_t read_output_port(const struct i8042 *kbc)
{
    return (uint8_t)(kbc->output_port | (kbc->status & STATUS_OBF ? OUTPUT_OBF : 0) |
                     (kbc->status & STATUS_AUX_OBF ? OUTPUT_AUX_OBF : 0));
}

static void change_command_byte(struct i8042 *kbc, uint8_t clear, uint8_t set)
{
    kbc->command_byte = (uint8_t)((kbc->command_byte & ~clear) | set);
    update_irq(kbc);
}

static void run_command(struct i8042 *kbc, uint8_t command)
{
    switch (command) {
    case CMD_READ_COMMAND_BYTE:
        reply(kbc, kbc->command_byte, 0);
        break;
    case CMD_READ_COMMAND_BYTE + 1 ... CMD_READ_RAM_LAST:
        reply(kbc, kbc->ram[command & CMD_RAM_MASK], 0);
        break;
    case CMD_WRITE_COMMAND_BYTE ... CMD_WRITE_RAM_LAST:
    case CMD_WRITE_OUTPUT_PORT:
    case CMD_WRITE_KEYBOARD_OUTPUT:
    case CMD_WRITE_AUX_OUTPUT:
    case CMD_WRITE_AUX:
        kbc->pending = command;
        break;
    case CMD_TEST_PASSWORD:
        reply(kbc, NO_PASSWORD, 0);
        break;
    case CMD_DISABLE_AUX:
        change_command_byte(kbc, 0, COMMAND_BYTE_NO_AUX);
        break;
    case CMD_ENABLE_AUX:
        change_command_byte(kbc, COMMAND_BYTE_NO_AUX, 0);
        break;
    case CMD_TEST_AUX:
        reply(kbc, TEST_CLOCK_STUCK_LOW, 0);
        break;
    case CMD_SELF_TEST:
        kbc->status |= STATUS_SYS;
        reply(kbc, SELF_TEST_PASSED, 0);
        break;
    case CMD_TEST_KEYBOARD:
        reply(kbc, TEST_PASSED, 0);
        break;
    case CMD_DISABLE_KEYBOARD:
        change_command_byte(kbc, 0, COMMAND_BYTE_NO_KEYBOARD);
        break;
    case CMD_ENABLE_KEYBOARD:
        change_command_byte(kbc, COMMAND_BYTE_NO_KEYBOARD, 0);
        break;
    case CMD_READ_INPUT_PORT:
        reply(kbc, INPUT_PORT_UNLOCKED, 0);
        break;
    case CMD_READ_OUTPUT_PORT:
        reply(kbc, read_output_port(kbc), 0);
        break;
    case CMD_PULSE_FIRST ... CMD_PULSE_LAST:
        if (!(command & OUTPUT_NO_RESET)) {
            request_reset(kbc);
        }
        break;
    default: /* the controller ignores what it does not know */
        break;
    }
}

static void take_data(struct i8042 *kbc, uint8_t value)
{
    uint8_t command = kbc->pending;

    kbc->pending = 0;
    switch (command) {
    case CMD_WRITE_COMMAND_BYTE:
        kbc->status =
            (uint8_t)((kbc->status & ~STATUS_SYS) | (value & COMMAND_BYTE_SYS ? STATUS_SYS : 0));
        change_command_byte(kbc, 0xff, value);
        break;
    case CMD_WRITE_COMMAND_BYTE + 1 ... CMD_WRITE_RAM_LAST:
        kbc->ram[command & CMD_RAM_MASK] = value;
        break;
    case CMD_WRITE_OUTPUT_PORT:
        write_output_port(kbc, value);
        break;
    case CMD_WRITE_KEYBOARD_OUTPUT:
    case CMD_WRITE_AUX_OUTPUT: /* without the aux flag: there is no such interface */
        reply(kbc, value, 0);
        break;
    case CMD_WRITE_AUX:
        reply(kbc, NOBODY_ANSWERED, STATUS_TIMEOUT | STATUS_AUX_OBF);
        break;
    default:
        reply(kbc, NOBODY_ANSWERED, STATUS_TIMEOUT);
        break;
    }
}

static uint64_t data_read(void *opaque, hwaddr addr, unsigned size)
{
    struct i8042 *kbc = opaque;

    (void)addr;
    (void)size;
    kbc->status &= (uint8_t) ~(STATUS_OBF | STATUS_AUX_OBF | STATUS_TIMEOUT);
    update_irq(kbc);
    return kbc->output_buffer;
}

static void data_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct i8042 *kbc = opaque;

    (void)addr;
    (void)size;
    kbc->status &= (uint8_t)~STATUS_COMMAND;
    take_data(kbc, (uint8_t)data);
}

static uint64_t status_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct i8042 *kbc = opaque;

    (void)addr;
    (void)size;
    return kbc->status;
}

static void command_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct i8042 *kbc = opaque;

    (void)addr;
    (void)size;
    kbc->status |= STATUS_COMMAND;
    kbc->pending = 0;
    run_command(kbc, (uint8_t)data);
}

static uint64_t port92_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct i8042 *kbc = opaque;

    (void)addr;
    (void)size;
    return kbc->port92;
}

static void port92_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct i8042 *kbc = opaque;
    bool reset = data & ~(uint64_t)kbc->port92 & PORT92_RESET;

    (void)addr;
    (void)size;
    kbc->port92 = (uint8_t)((data & PORT92_STORED) | (kbc->port92 & PORT92_LOCK));
    set_a20(kbc, data & PORT92_A20);
    if (reset) {
        request_reset(kbc);
    }
}

#define BYTE_PORT_OPS(read_function, write_function)                                               \
    {                                                                                              \
        .read = (read_function), .write = (write_function), .endianness = DEVICE_LITTLE_ENDIAN,    \
        .valid = {.min_access_size = 1, .max_access_size = 1},                                     \
        .impl = {.min_access_size = 1, .max_access_size = 1},                                      \
    }

static const MemoryRegionOps data_ops = BYTE_PORT_OPS(data_read, data_write);
static const MemoryRegionOps command_ops = BYTE_PORT_OPS(status_read, command_write);
static const MemoryRegionOps port92_ops = BYTE_PORT_OPS(port92_read, port92_write);

int i8042_init(struct i8042 *kbc, struct memory_core *core, const struct i8042_config *config)
{
    int ret;

    *kbc = (struct i8042){.config = *config};
    memory_owner_init(&kbc->owner, "i8042");
    ret = memory_region_init_io(&kbc->mr_data, core, &kbc->owner, &data_ops, kbc, "i8042-data", 1);
    if (ret < 0) {
        goto owner;
    }
    ret = memory_region_init_io(&kbc->mr_command, core, &kbc->owner, &command_ops, kbc,
                                "i8042-command", 1);
    if (ret < 0) {
        goto data;
    }
    ret = memory_region_init_io(&kbc->mr_port92, core, &kbc->owner, &port92_ops, kbc, "port92", 1);
    if (ret < 0) {
        goto command;
    }
    i8042_reset(kbc);
    return 0;

command:
    memory_region_unref(&kbc->mr_command);
data:
    memory_region_unref(&kbc->mr_data);
owner:
    memory_owner_finish(&kbc->owner);
    return ret;
}

void i8042_reset(struct i8042 *kbc)
{
    kbc->status = STATUS_UNLOCKED;
    kbc->command_byte = COMMAND_BYTE_NO_KEYBOARD | COMMAND_BYTE_NO_AUX;
    kbc->output_port = OUTPUT_NO_RESET | OUTPUT_A20 | OUTPUT_KEYBOARD_DATA;
    kbc->output_buffer = 0;
    kbc->pending = 0;
    kbc->port92 = PORT92_A20;
    memset(kbc->ram, 0, sizeof(kbc->ram));
    update_irq(kbc);
}

void i8042_finish(struct i8042 *kbc)
{
    memory_region_unref(&kbc->mr_port92);
    memory_region_unref(&kbc->mr_command);
    memory_region_unref(&kbc->mr_data);
    memory_owner_finish(&kbc->owner);
}
