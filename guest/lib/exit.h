/*
 * exit.h - how a guest program ends.
 *
 * Port 0xf4 takes the status as a 32-bit number (on QEMU: isa-debug-exit, whose process then exits
 * with (status << 1) | 1).
 */
#ifndef ACRE_GUEST_LIB_EXIT_H
#define ACRE_GUEST_LIB_EXIT_H

#define GUEST_EXIT_PASS 0
#define GUEST_EXIT_FAIL 1   /* a reported check failed */
#define GUEST_EXIT_FAULT 99 /* an exception nobody handles, or a loader's tables make no sense */

/* Lets the console drain, then ends the machine. @status  0..119 */
__attribute__((noreturn)) void guest_exit(int status);
/* Ends the machine as a soft-off does. Returns only where nothing answers. */
void guest_poweroff(void);
/* Pulses the CPU reset line through the keyboard controller. Returns only where there is none. */
void guest_reset(void);
/* Interrupts off and halted, for ever. */
__attribute__((noreturn)) void guest_hang(void);

#endif
