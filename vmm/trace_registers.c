/*
 * trace_registers.c - the tables, and lookups in them.
 */
#include "vmm/trace_registers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "devices/bank_switch_regs.h"
#include "devices/iommu_regs.h"

static const struct trace_register serial[] = {
    {0, 1, "RBR/DLL", "THR/DLL"}, {1, 1, "IER/DLM", NULL}, {2, 1, "IIR", "FCR"},
    {3, 1, "LCR", NULL},          {4, 1, "MCR", NULL},     {5, 1, "LSR", NULL},
    {6, 1, "MSR", NULL},          {7, 1, "SCR", NULL},     TRACE_REGISTERS_END,
};

static const struct trace_register pit[] = {
    {0, 1, "COUNTER0", NULL}, {1, 1, "COUNTER1", NULL}, {2, 1, "COUNTER2", NULL},
    {3, 1, "CONTROL", NULL},  TRACE_REGISTERS_END,
};

static const struct trace_register port61[] = {{0, 1, "PORT61", NULL}, TRACE_REGISTERS_END};
static const struct trace_register i8042_data[] = {{0, 1, "DATA", NULL}, TRACE_REGISTERS_END};
static const struct trace_register i8042_command[] = {{0, 1, "STATUS", "COMMAND"},
                                                      TRACE_REGISTERS_END};
static const struct trace_register port92[] = {{0, 1, "PORT92", NULL}, TRACE_REGISTERS_END};
static const struct trace_register rtc[] = {
    {0, 1, "INDEX", NULL}, {1, 1, "DATA", NULL}, TRACE_REGISTERS_END};
static const struct trace_register debugcon[] = {{0, 1, "DATA", NULL}, TRACE_REGISTERS_END};
static const struct trace_register debug_exit[] = {{0, 4, "STATUS", NULL}, TRACE_REGISTERS_END};
static const struct trace_register pvpanic[] = {{0, 1, "EVENTS", NULL}, TRACE_REGISTERS_END};
static const struct trace_register fw_cfg[] = {
    {0, 1, "SELECTOR", NULL}, {1, 1, "DATA", NULL}, TRACE_REGISTERS_END};
static const struct trace_register fw_cfg_dma[] = {
    {0, 4, "ADDRESS_HIGH", NULL}, {4, 4, "ADDRESS_LOW", NULL}, TRACE_REGISTERS_END};
static const struct trace_register reset_control[] = {{1, 1, "RST_CNT", NULL}, TRACE_REGISTERS_END};
static const struct trace_register ib700_stop[] = {{0, 2, "STOP", NULL}, TRACE_REGISTERS_END};
static const struct trace_register ib700_start[] = {{0, 2, "START", NULL}, TRACE_REGISTERS_END};

static const struct trace_register acpi_pm[] = {
    {0, 2, "PM1_STS", NULL}, {2, 2, "PM1_EN", NULL}, {4, 2, "PM1_CNT", NULL},
    {8, 4, "PM_TMR", NULL},  TRACE_REGISTERS_END,
};

static const struct trace_register hpet[] = {
    {0x000, 8, "GCAP_ID", NULL},   {0x010, 8, "GEN_CONF", NULL},  {0x020, 8, "GINTR_STA", NULL},
    {0x0f0, 8, "MAIN_CNT", NULL},  {0x100, 8, "TIM0_CONF", NULL}, {0x108, 8, "TIM0_COMP", NULL},
    {0x120, 8, "TIM1_CONF", NULL}, {0x128, 8, "TIM1_COMP", NULL}, {0x140, 8, "TIM2_CONF", NULL},
    {0x148, 8, "TIM2_COMP", NULL}, TRACE_REGISTERS_END,
};

static const struct trace_register bank_switch[] = {
    TRACE_REGISTER_8(BANK_SWITCH, ID),
    TRACE_REGISTER_8(BANK_SWITCH, REGIONS),
    TRACE_REGISTER_8(BANK_SWITCH, GENERATION),
    TRACE_REGISTER_8(BANK_SWITCH, RESULT),
    TRACE_REGISTER_8(BANK_SWITCH, FAILED),
    TRACE_REGISTER_8(BANK_SWITCH, PENDING),
    TRACE_REGISTER_8(BANK_SWITCH, COMMAND),
    TRACE_REGISTER_8(BANK_SWITCH, HIGH),
    TRACE_REGISTER_8(BANK_SWITCH, SELECT),
    TRACE_REGISTER_8(BANK_SWITCH, ENABLED),
    TRACE_REGISTER_8(BANK_SWITCH, ADDRESS),
    TRACE_REGISTER_8(BANK_SWITCH, LENGTH),
    TRACE_REGISTER_8(BANK_SWITCH, PRIORITY),
    TRACE_REGISTER_8(BANK_SWITCH, OFFSET),
    TRACE_REGISTER_8(BANK_SWITCH, READONLY),
    TRACE_REGISTER_8(BANK_SWITCH, ROMD),
    TRACE_REGISTER_8(BANK_SWITCH, MAX),
    {BANK_SWITCH_NAME, BANK_SWITCH_NAME_SIZE, "NAME", NULL},
    TRACE_REGISTERS_END,
};

static const struct trace_register iommu[] = {
    {IOMMU_ENTRY, 8 * IOMMU_ENTRIES, "ENTRY", NULL},
    TRACE_REGISTER_8(IOMMU, HIGH),
    TRACE_REGISTERS_END,
};

static const struct {
    const char *region;
    const struct trace_register *table;
} devices[] = {
    {"serial", serial},
    {"pit", pit},
    {"port61", port61},
    {"i8042-data", i8042_data},
    {"i8042-command", i8042_command},
    {"port92", port92},
    {"rtc", rtc},
    {"hpet", hpet},
    {"acpi-pm", acpi_pm},
    {"reset-control", reset_control},
    {"debugcon", debugcon},
    {"debug-exit", debug_exit},
    {"pvpanic", pvpanic},
    {"fw_cfg", fw_cfg},
    {"fw_cfg-dma", fw_cfg_dma},
    {"ib700-stop", ib700_stop},
    {"ib700-start", ib700_start},
    {"bank-switch", bank_switch},
    {"iommu-registers", iommu},
    {"testdev-registers", trace_registers_testdev},
};

const struct trace_register *trace_registers_of(const char *region)
{
    size_t i, len;

    for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        len = strlen(devices[i].region);
        if (strncmp(region, devices[i].region, len) == 0 &&
            region[len + strspn(region + len, "0123456789")] == '\0') {
            return devices[i].table;
        }
    }
    return NULL;
}

static const char *name_of(const struct trace_register *reg, bool write)
{
    return write && reg->write ? reg->write : reg->read;
}

const char *trace_register_name(const struct trace_register *table, uint64_t offset, bool write)
{
    for (; table && table->size > 0; table++) {
        if (offset - table->first < table->size) {
            return name_of(table, write);
        }
    }
    return NULL;
}

bool trace_register_is(const char *reg, const char *name)
{
    size_t len = strlen(name);
    const char *part = reg;

    if (strcmp(name, "*") == 0) {
        return true;
    }
    while (part) {
        if (strncmp(part, name, len) == 0 && (part[len] == '\0' || part[len] == '/')) {
            return true;
        }
        part = strchr(part, '/');
        part = part ? part + 1 : NULL;
    }
    return strcmp(reg, name) == 0;
}

bool trace_registers_have(const struct trace_register *table, const char *name)
{
    for (; table && table->size > 0; table++) {
        if (trace_register_is(table->read, name) ||
            (table->write && trace_register_is(table->write, name))) {
            return true;
        }
    }
    return false;
}

int trace_registers_print(int fd)
{
    const struct trace_register *reg;
    int ret = 0;
    size_t i;

    for (i = 0; i < sizeof(devices) / sizeof(devices[0]) && ret >= 0; i++) {
        ret = dprintf(fd, "  %s.", devices[i].region);
        for (reg = devices[i].table; reg->size > 0 && ret >= 0; reg++) {
            ret = dprintf(fd, "%s%s%s%s", reg == devices[i].table ? "" : " ", reg->read,
                          reg->write ? "|" : "", reg->write ? reg->write : "");
        }
        ret = ret < 0 ? ret : dprintf(fd, "\n");
    }
    return ret < 0 ? -errno : 0;
}
