/*
 * probes.h - USDT probes of provider `acre`: places in the program that SystemTap, bpftrace and
 * perf can listen at, named in the ELF note .note.stapsdt. A probe that nobody listens at is one
 * nop; its arguments are what is at hand there.
 *
 *   exit    cpu, reason (KVM_EXIT_*), address or port, size, is it a write
 *   served  cpu, reason, address or port, value
 *   irq     line, level
 *   slot    id, address, size (0: removed), flags, ns of the ioctl
 *   commit  cause, region (C strings, may be NULL), sections removed, added, slot ioctls
 *
 * bpftrace -e 'usdt:build/acre:acre:exit { @[arg1] = count(); }'
 * Source: sys/sdt.h; https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
 */
#ifndef ACRE_VMM_PROBES_H
#define ACRE_VMM_PROBES_H

#include <sys/sdt.h>

#define PROBE_EXIT(cpu, exit)                                                                      \
    DTRACE_PROBE5(acre, exit, cpu, (exit)->reason, (exit)->addr, (exit)->size, (exit)->write)
#define PROBE_SERVED(cpu, exit)                                                                    \
    DTRACE_PROBE4(acre, served, cpu, (exit)->reason, (exit)->addr, (exit)->value)
#define PROBE_IRQ(line, level) DTRACE_PROBE2(acre, irq, line, level)
#define PROBE_SLOT(id, addr, size, flags, ns) DTRACE_PROBE5(acre, slot, id, addr, size, flags, ns)
#define PROBE_COMMIT(cause, region, removed, added, ioctls)                                        \
    DTRACE_PROBE5(acre, commit, cause, region, removed, added, ioctls)

#endif
