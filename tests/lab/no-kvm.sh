#!/bin/sh
# Runs in a lab without KVM: what acre does on a machine that has none. TAP.
. "$(dirname "$0")/tap.sh"

acre run guest/hello.elf >out 2>err
status=$?
[ $status -eq 125 ] && [ "$(wc -l <err)" -eq 1 ] && grep -q '^acre: error: /dev/kvm: ' err
tap_report $? "run ends with 125 and one line that names /dev/kvm (status $status)" err

acre doctor >out 2>&1
status=$?
[ $status -ne 0 ] && grep -q /dev/kvm out
tap_report $? "doctor says that /dev/kvm is missing (status $status)" out

acre inspect >out 2>err && [ ! -s err ] && grep -q 'address-space: memory' out
tap_report $? "inspect needs no KVM" err
tap_end
