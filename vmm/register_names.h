/*
 * register_names.h - a CPU's registers by name, in the order they are shown: the SDM's names in
 * lower case, segment bases as "cs_base".
 *
 * Context: any thread; constant.
 */
#ifndef ACRE_VMM_REGISTER_NAMES_H
#define ACRE_VMM_REGISTER_NAMES_H

#include <linux/kvm.h>
#include <stdint.h>

enum { REGISTER_NAMES_NUM = 28 };

/* @i  0..REGISTER_NAMES_NUM-1 */
const char *register_name(unsigned i);
uint64_t register_value(const struct kvm_regs *regs, const struct kvm_sregs *sregs, unsigned i);

#endif
