#!/bin/sh
# Runs in the lab, whose KVM runs SSE: instructions that it cannot emulate, on watched memory. TAP.
. "$(dirname "$0")/tap.sh"

# watched NAME OPTION...
watched() {
    name=$1
    shift
    acre run --timeout 30 "$@" guest/watch_sse.elf >out 2>&1 && grep -q '^1\.\.3' out &&
        grep -q ' 0x6 -> 0xa, by an instruction that was stepped, at 0x[0-9a-f]* (main' out &&
        grep -q ' 0x5 -> 0x7, by an instruction that was stepped, at 0x[0-9a-f]* (main' out
    tap_report $? "$name" out
}

watched "SSE on memory whose writes are watched" --watch 0x400010:16:w
watched "SSE on memory whose reads are watched, too" --watch 0x400010:16
watched "the same where pages have no slots for the sake of a second CPU" --cpus 2 \
    --watch 0x400010:16:w
tap_end
