#!/bin/sh
# A terminal as acre uses it, and as it is afterwards, on every way out. TAP.
# usage: terminal.sh ACRE ECHO_ELF PTY   (tests/lab/pty.c explains the steps)
acre=$1 echo_elf=$2 pty=$3
. "$(dirname "$0")/tap.sh"
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# on_terminal NAME STEPS [OPTION...]
on_terminal() {
    name=$1 steps=$2
    shift 2
    "$pty" "$steps" "$acre" run "$@" "$echo_elf" >"$out" 2>&1
    tap_report $? "$name" "$out"
}

on_terminal "keys reach the guest raw; its own end restores the terminal" 'wait 20 ready
send ab\x03\x1ac\r\x7f
wait 10 ab
send \x04
wait 10 7 bytes
end 20 0
termios'
on_terminal "Ctrl-A x ends the run with 0" 'wait 20 ready
send \x01x
end 20 0
termios'
on_terminal "Ctrl-A Ctrl-A is one Ctrl-A to the guest" 'wait 20 ready
send \x01\x01\x04
wait 10 1 bytes
end 20 0
termios'
on_terminal "a time-out restores the terminal" 'wait 20 ready
end 10 124
termios' --timeout 2
on_terminal "without the sandbox a crash is the same" 'wait 20 ready
signal 11
end 20 139
termios' --sandbox off
for signal in 1:HUP 2:INT 3:QUIT 15:TERM 11:SEGV 7:BUS 6:ABRT; do
    number=${signal%:*}
    on_terminal "SIG${signal#*:} ends it with $((128 + number)), the terminal restored" "wait 20 ready
signal $number
end 20 $((128 + number))
termios"
done
tap_end
