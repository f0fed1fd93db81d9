/* tree-devices.c - the board's tree names the machine's devices, where and how they interrupt. */
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    struct tree_node node, memory, none = {.depth = -2};
    struct tree_reg reg;
    uint32_t hz = 0;

    report(tree_find(boot, "ns16550a", 0, &node), "a serial port");
    report(tree_reg(&node, 0, &reg) && reg.io && reg.addr == SERIAL_PORT && reg.size == 8,
           "at its ports");
    report(tree_irq(&node, 0) == SERIAL_IRQ, "with its interrupt");
    report(tree_number(&node, "clock-frequency", 0, &hz) && hz == 1843200, "and its clock");
    report(!tree_reg(&node, 1, &reg) && tree_irq(&node, 1) < 0, "no second range or interrupt");
    report(!tree_find(boot, "ns16550", 0, &none) && none.depth == -2, "half a name finds nothing");
    report(tree_find_name(boot, "memory", &memory) && tree_reg(&memory, 0, &reg) && !reg.io &&
               reg.addr == 0 && reg.size == 0x8000000,
           "memory by its name, of 128 MiB");
    report(tree_find(boot, "acre,debug-exit", 0, &node) && tree_reg(&node, 0, &reg) && reg.io &&
               reg.addr == 0xf4,
           "the way out");
    return report_finish();
}
