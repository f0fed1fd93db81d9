#!/bin/sh
# Runs in the lab, whose KVM counts the faults it mapped pages for: pc-testdev's flush port has it map
# a page anew each time. TAP.
. "$(dirname "$0")/tap.sh"

# Faults of both CPUs so far, as KVM counted them.
faults() {
    sed -n '/"kvm"/,$ s/.*"pf_fixed": *\([0-9]*\).*/\1/p' "$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

# The guest flushes pages 400 times at least, and touches each right after.
flushes() {
    acre run --timeout 20 --board qemu-test --cpus 2 --stats=json:stats.json \
        guest/conformance/pctestdev-flush.elf >out 2>&1 || return 1
    echo "faults: $(faults stats.json)" >>out
    [ "$(faults stats.json)" -ge 400 ]
}

# One that flushes a single page, once.
single() {
    acre run --timeout 20 --board qemu-test --stats=json:stats.json \
        guest/conformance/pctestdev-ports.elf >out 2>&1 || return 1
    echo "faults: $(faults stats.json)" >>out
    [ "$(faults stats.json)" -lt 200 ]
}

flushes
tap_report $? "400 flushes, and as many faults" out
single
tap_report $? "one flush, and few faults" out
tap_end
