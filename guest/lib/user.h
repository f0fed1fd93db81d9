/*
 * user.h - code at privilege level 3, on the first CPU.
 *
 * Source: Intel SDM vol. 3A 5.8 (privilege levels), 7.7 (TSS).
 */
#ifndef ACRE_GUEST_LIB_USER_H
#define ACRE_GUEST_LIB_USER_H

#include <stdint.h>

/*
 * Makes the first 16 MiB the user's as well, and interrupts from there come in at `rsp0`. To be
 * called once.
 */
void user_init(uint64_t rsp0);
/*
 * Runs code with interrupts on, RSI given, until it executes UD2 (no KVM lacks that). The handler
 * of #UD is no one else's.
 * Context: interrupts off, as they are again afterwards.
 */
void user_run(uint64_t code, uint64_t stack, uint64_t rsi);

#endif
