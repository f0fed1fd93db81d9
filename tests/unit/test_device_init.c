/*
 * Out of memory at each allocation of each device's init: it says so, and the core that has to
 * reclaim the regions that were there by then ends.
 */
#include "devices/acpi_pm.h"
#include "devices/debug_exit.h"
#include "devices/debugcon.h"
#include "devices/fw_cfg.h"
#include "devices/hpet.h"
#include "devices/i8042.h"
#include "devices/i8254.h"
#include "devices/ib700.h"
#include "devices/iommu.h"
#include "devices/mc146818.h"
#include "devices/pc_testdev.h"
#include "devices/pvpanic.h"
#include "devices/serial.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

#include <errno.h>

static struct memory_core core;
static struct fake_clock fake;

#define DEVICE(type, ...)                                                                          \
    static int init_##type(void)                                                                   \
    {                                                                                              \
        static struct type device;                                                                 \
        const struct type##_config config = {__VA_ARGS__};                                         \
        int ret = type##_init(&device, &core, &config);                                            \
                                                                                                   \
        if (ret == 0) {                                                                            \
            type##_finish(&device);                                                                \
        }                                                                                          \
        return ret;                                                                                \
    }

DEVICE(acpi_pm, .clock = &fake.clock, .timer_bits = 32)
DEVICE(debug_exit, .iosize = 4)
DEVICE(debugcon, .sink = {.write = NULL})
DEVICE(fw_cfg, .memory = NULL)
DEVICE(hpet, .clock = &fake.clock)
DEVICE(i8042, .irq = {.set = NULL})
DEVICE(i8254, .clock = &fake.clock)
DEVICE(ib700, .clock = &fake.clock)
DEVICE(iommu, .name = "iommu", .size = 0x1000, .page_shift = 12)
DEVICE(mc146818, .clock = &fake.clock)
DEVICE(pc_testdev, .irqs = {{.set = NULL}})
DEVICE(pvpanic, .request = {.request = NULL})
DEVICE(serial, .clock = &fake.clock)

static const struct {
    int (*init)(void);
    unsigned regions;
} devices[] = {
    {init_acpi_pm, 2}, {init_debug_exit, 1}, {init_debugcon, 1},   {init_fw_cfg, 2},
    {init_hpet, 1},    {init_i8042, 3},      {init_i8254, 2},      {init_ib700, 2},
    {init_iommu, 2},   {init_mc146818, 1},   {init_pc_testdev, 5}, {init_pvpanic, 1},
    {init_serial, 1},
};

START_TEST(failing_init_leaves_what_can_be_reclaimed)
{
    const struct memory_core_config config = {.opaque = NULL};
    unsigned fail = 0;
    int ret;

    memory_thread_register();
    fake_clock_init(&fake);
    do {
        ck_assert_int_eq(memory_core_init(&core, &config), 0);
        core.fail_alloc = ++fail;
        ret = devices[_i].init();
        ck_assert(ret == 0 || ret == -ENOMEM);
        ck_assert_msg(ret != 0 || fail > devices[_i].regions, "a name is copied for each region");
        memory_core_finish(&core);
    } while (ret != 0);
    memory_thread_unregister();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device_init");
    TCase *tc = tcase_create("device_init");

    tcase_add_table_test(tc, failing_init_leaves_what_can_be_reclaimed, devices);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
