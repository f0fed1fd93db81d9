#!/bin/sh
# Runs in the lab, where KVM resets a CPU at a triple fault: the report has what it did before. TAP.
. "$(dirname "$0")/tap.sh"

has() {
    grep -q -- "$1" err || {
        echo "missing: $1" >>err
        return 1
    }
}

triple() {
    acre run --timeout 20 --result result.json --append triple guest/crash.elf >out 2>err
    [ $? -eq 126 ] && has '^acre: guest crashed: triple fault (cpu 0)$' &&
        has 'KVM has reset the CPU: registers are those of its last exit' &&
        has '^acre: cpu 0 at 0x[0-9a-f]* <console_flush+0x.*: 64-bit code, paging 4-level' &&
        has '^acre: > 0x[0-9a-f]*: ec  *in al, dx' && has '^acre: ? 0x[0-9a-f]* <main+0x' &&
        has '^acre:   cpu 0 shutdown$' && grep -q '"state": "last-exit"' result.json &&
        ! grep -q '"0xfff0"' result.json
}

internal() {
    acre run --timeout 20 --append internal guest/crash.elf >out 2>err
    [ $? -eq 126 ] && has 'exception #UD (6), being delivered: interrupt gate at 0x' &&
        has '^acre:   0x[0-9a-f]* <internal+0x'
}

triple
tap_report $? "a triple fault: registers, code and stack of the last exit before it" err
internal
tap_report $? "an internal error: the exception that KVM was delivering, and who called" err
tap_end
