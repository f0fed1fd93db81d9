/*
 * bank_switch.c - a list of changes, carried out by memory/'s setters in one transaction. The
 * device keeps what is in force beside the tree: a failed commit undoes the tree, and this copy is
 * replaced only after a good one.
 */
#include "devices/bank_switch.h"

#include <errno.h>
#include <string.h>

#include "devices/wide_register.h"

/* What the fields of a state are called among the registers. */
static uint64_t read_state(const struct bank_switch_state *state, hwaddr reg)
{
    switch (reg) {
    case BANK_SWITCH_ENABLED:
        return state->enabled;
    case BANK_SWITCH_ADDRESS:
        return state->addr;
    case BANK_SWITCH_LENGTH:
        return state->size;
    case BANK_SWITCH_PRIORITY:
        return (uint64_t)(int64_t)state->priority;
    case BANK_SWITCH_OFFSET:
        return state->alias_offset;
    case BANK_SWITCH_READONLY:
        return state->readonly;
    default:
        return state->romd;
    }
}

static int set_flag(MemoryRegion *mr, bool *flag, uint64_t value,
                    int (*setter)(MemoryRegion *, bool))
{
    int ret = value > 1 ? -EINVAL : setter(mr, value);

    *flag = ret < 0 ? *flag : value;
    return ret;
}

static int set_number(MemoryRegion *mr, uint64_t *number, uint64_t value,
                      int (*setter)(MemoryRegion *, uint64_t))
{
    int ret = setter(mr, value);

    *number = ret < 0 ? *number : value;
    return ret;
}

/* 32 bits, as they are or sign-extended. */
static int set_priority(MemoryRegion *mr, int32_t *priority, uint64_t value)
{
    const int32_t wanted = (int32_t)(uint32_t)value;
    int ret;

    if (value > UINT32_MAX && value != (uint64_t)(int64_t)wanted) {
        return -EINVAL;
    }
    ret = memory_region_set_priority(mr, wanted);
    *priority = ret < 0 ? *priority : wanted;
    return ret;
}

/* One change, in the tree and in `state`. Context: in a transaction. */
static int carry_out(const struct bank_switch_region *region, struct bank_switch_state *state,
                     hwaddr reg, uint64_t value)
{
    MemoryRegion *mr = region->mr;

    switch (reg) {
    case BANK_SWITCH_ENABLED:
        return set_flag(mr, &state->enabled, value, memory_region_set_enabled);
    case BANK_SWITCH_ADDRESS:
        return set_number(mr, &state->addr, value, memory_region_set_address);
    case BANK_SWITCH_LENGTH:
        return value > region->max_size
                   ? -EINVAL
                   : set_number(mr, &state->size, value, memory_region_set_size);
    case BANK_SWITCH_PRIORITY:
        return set_priority(mr, &state->priority, value);
    case BANK_SWITCH_OFFSET:
        return set_number(mr, &state->alias_offset, value, memory_region_set_alias_offset);
    case BANK_SWITCH_READONLY:
        return set_flag(mr, &state->readonly, value, memory_region_set_readonly);
    default:
        return set_flag(mr, &state->romd, value, memory_region_rom_device_set_romd);
    }
}

/* Commits unless a change failed already. @states  what is in force then. Returns: 0, -errno. */
static int finish_transaction(struct bank_switch *dev, const struct bank_switch_state *states,
                              int ret)
{
    if (ret < 0) {
        memory_region_transaction_abort(dev->core);
        return ret;
    }
    ret = memory_region_transaction_commit(dev->core);
    if (ret == 0) {
        memcpy(dev->states, states, sizeof(dev->states));
        dev->generation++;
    }
    return ret;
}

/* Carries out what was noted, all or nothing, and says how it went. */
static void commit(struct bank_switch *dev)
{
    struct bank_switch_state states[BANK_SWITCH_REGIONS_MAX];
    unsigned i;
    int ret = 0;

    memcpy(states, dev->states, sizeof(states));
    dev->failed = UINT64_MAX;
    memory_region_transaction_begin(dev->core);
    for (i = 0; ret == 0 && i < dev->change_num; i++) {
        const struct bank_switch_change *change = &dev->changes[i];

        ret = carry_out(&dev->regions[change->region], &states[change->region], change->reg,
                        change->value);
        dev->failed = ret < 0 ? i : dev->failed;
    }
    ret = finish_transaction(dev, states, ret);
    dev->result = ret < 0 ? (uint64_t)-ret : 0;
    dev->change_num = 0;
}

static void close_list(struct bank_switch *dev)
{
    dev->open = false;
    dev->overflow = false;
    dev->change_num = 0;
}

/* What RESULT shows of a command that is no change. */
static void answer(struct bank_switch *dev, int error)
{
    dev->result = (uint64_t)error;
    dev->failed = UINT64_MAX;
}

/* Notes a change of the selected region; without BEGIN it is the only one. */
static void change(struct bank_switch *dev, hwaddr reg, uint64_t value)
{
    if (dev->selected >= dev->num) {
        answer(dev, EINVAL);
    } else if (dev->change_num == BANK_SWITCH_CHANGES_MAX) {
        dev->overflow = true;
        answer(dev, E2BIG);
    } else {
        dev->changes[dev->change_num++] = (struct bank_switch_change){dev->selected, reg, value};
        if (dev->open) {
            dev->result = 0;
        } else {
            commit(dev);
        }
    }
}

/* What differs from the initial states, in one transaction. */
static void restore(struct bank_switch *dev)
{
    static const hwaddr regs[] = {
        BANK_SWITCH_ENABLED, BANK_SWITCH_ADDRESS,  BANK_SWITCH_LENGTH, BANK_SWITCH_PRIORITY,
        BANK_SWITCH_OFFSET,  BANK_SWITCH_READONLY, BANK_SWITCH_ROMD,
    };
    struct bank_switch_state states[BANK_SWITCH_REGIONS_MAX];
    unsigned i;
    size_t k;
    int ret = 0;

    close_list(dev);
    memcpy(states, dev->states, sizeof(states));
    memory_region_transaction_begin(dev->core);
    for (i = 0; i < dev->num; i++) {
        for (k = 0; ret == 0 && k < sizeof(regs) / sizeof(regs[0]); k++) {
            uint64_t value = read_state(&dev->regions[i].initial, regs[k]);

            if (value != read_state(&states[i], regs[k])) {
                ret = carry_out(&dev->regions[i], &states[i], regs[k], value);
            }
        }
    }
    ret = finish_transaction(dev, states, ret);
    answer(dev, ret < 0 ? -ret : 0);
}

static void run_command(struct bank_switch *dev, uint64_t command)
{
    switch (command) {
    case BANK_SWITCH_BEGIN:
        answer(dev, dev->open ? EALREADY : 0);
        dev->open = true;
        break;
    case BANK_SWITCH_COMMIT:
        if (!dev->open || dev->overflow) {
            answer(dev, dev->open ? E2BIG : EINVAL);
        } else {
            commit(dev);
        }
        close_list(dev);
        break;
    case BANK_SWITCH_ABORT:
        close_list(dev);
        answer(dev, 0);
        break;
    case BANK_SWITCH_RESTORE:
        restore(dev);
        break;
    default:
        answer(dev, EINVAL);
        break;
    }
}

/* Eight bytes of the name from `at` on, zeros behind it. */
static uint64_t read_name(const MemoryRegion *mr, hwaddr at)
{
    const char *name = memory_region_name(mr);
    size_t len = strlen(name);
    uint64_t value = 0;

    if (at < len) {
        memcpy(&value, name + at, len - at < sizeof(value) ? len - at : sizeof(value));
    }
    return value;
}

static uint64_t read_selected(const struct bank_switch *dev, hwaddr reg)
{
    const struct bank_switch_region *region = &dev->regions[dev->selected];

    if (dev->selected >= dev->num) {
        return UINT64_MAX;
    }
    if (reg >= BANK_SWITCH_NAME) {
        return reg < BANK_SWITCH_NAME + BANK_SWITCH_NAME_SIZE
                   ? read_name(region->mr, reg - BANK_SWITCH_NAME)
                   : 0;
    }
    if (reg == BANK_SWITCH_MAX) {
        return region->max_size;
    }
    return reg < BANK_SWITCH_MAX ? read_state(&dev->states[dev->selected], reg) : 0;
}

static uint64_t read_register(const struct bank_switch *dev, hwaddr reg)
{
    switch (reg) {
    case BANK_SWITCH_ID:
        return BANK_SWITCH_ID_VALUE;
    case BANK_SWITCH_REGIONS:
        return dev->num;
    case BANK_SWITCH_GENERATION:
        return dev->generation;
    case BANK_SWITCH_RESULT:
        return dev->result;
    case BANK_SWITCH_FAILED:
        return dev->failed;
    case BANK_SWITCH_PENDING:
        return dev->change_num;
    case BANK_SWITCH_SELECT:
        return dev->selected;
    default:
        return reg >= BANK_SWITCH_ENABLED ? read_selected(dev, reg) : 0;
    }
}

static uint64_t switch_read(void *opaque, hwaddr addr, unsigned size)
{
    return wide_register_read(addr, read_register(opaque, wide_register_of(addr)), size);
}

static void switch_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct bank_switch *dev = opaque;
    const hwaddr reg = wide_register_of(addr);

    if (!wide_register_write(addr, &data, size, &dev->high)) {
        return;
    }
    if (reg == BANK_SWITCH_COMMAND) {
        run_command(dev, data);
    } else if (reg == BANK_SWITCH_HIGH) {
        dev->high = (uint32_t)data;
    } else if (reg == BANK_SWITCH_SELECT) {
        dev->selected = data < dev->num ? (unsigned)data : dev->num;
        answer(dev, data < dev->num ? 0 : EINVAL);
    } else if (reg >= BANK_SWITCH_ENABLED && reg <= BANK_SWITCH_ROMD) {
        change(dev, reg, data);
    }
}

static const MemoryRegionOps switch_ops = {
    .read = switch_read,
    .write = switch_write,
    WIDE_REGISTER_SIZES,
};

int bank_switch_init(struct bank_switch *dev, struct memory_core *core)
{
    int ret;

    memset(dev, 0, sizeof(*dev));
    dev->core = core;
    memory_owner_init(&dev->owner, "bank-switch");
    ret = memory_region_init_io(&dev->mr, core, &dev->owner, &switch_ops, dev, "bank-switch",
                                BANK_SWITCH_SIZE);
    if (ret < 0) {
        memory_owner_finish(&dev->owner);
        memset(dev, 0, sizeof(*dev));
        return ret;
    }
    memory_region_set_flush_coalesced(&dev->mr, true);
    dev->failed = UINT64_MAX;
    return 0;
}

int bank_switch_set_regions(struct bank_switch *dev, const struct bank_switch_region *regions,
                            size_t num)
{
    size_t i;

    if (num > BANK_SWITCH_REGIONS_MAX) {
        return -EINVAL;
    }
    for (i = 0; i < num; i++) {
        dev->regions[i] = regions[i];
        dev->states[i] = regions[i].initial;
    }
    dev->num = (unsigned)num;
    dev->selected = 0;
    return 0;
}

void bank_switch_reset(struct bank_switch *dev)
{
    restore(dev);
    dev->high = 0;
    dev->selected = 0;
    dev->generation = 0;
}

void bank_switch_finish(struct bank_switch *dev)
{
    memory_region_unref(&dev->mr);
    memory_owner_finish(&dev->owner);
}
