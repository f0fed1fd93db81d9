#!/bin/sh
# Runs in the lab: acre boots the stock Linux kernel to a shell on the serial console. TAP.
# /work has linux/vmlinux, linux/initrd.cpio and bin/pty (tests/lab/pty.c explains its steps).
# shellcheck disable=SC2016 # what is typed is for the guest's shell
. "$(dirname "$0")/tap.sh"

on_terminal() {
    name=$1 steps=$2
    bin/pty "$steps" acre run -m 256M --timeout 100 --initrd linux/initrd.cpio \
        --append 'console=ttyS0 quiet' linux/vmlinux >out 2>&1
    tap_report $? "$name" out
}

without_terminal() {
    acre run -m 256M --timeout 100 --initrd linux/initrd.cpio --append "$1" linux/vmlinux \
        >out 2>err
}

on_terminal "Linux reaches a shell that answers; Ctrl-A x ends acre with 0" 'wait 90 guest#
send echo $((40+2))answer\r
wait 20 42answer
wait 5 guest#
send \x01x
end 20 0
termios'

on_terminal "Ctrl-C goes to the guest; a reboot from there is a reset, status 120" 'wait 90 guest#
send echo st""arted; sleep 99\r
wait 10 started
send \x03
wait 20 guest#
send exit\r
end 30 120
termios'

on_terminal "SIGTERM ends it with 143, the terminal restored" 'wait 90 guest#
signal 15
end 20 143
termios'

rm -f out
# A port that nobody has opened yet loses what arrives: type when the prompt is there.
{
    tries=0
    until grep -qs "guest#" out || [ $tries -ge 500 ]; do
        sleep 0.2
        tries=$((tries + 1))
    done
    printf 'echo $((40+2))answer\nexit\n'
} | without_terminal 'console=ttyS0 quiet'
status=$?
[ $status -eq 120 ] && grep -q 42answer out
tap_report $? "without a terminal: commands from a pipe (status $status)" out

without_terminal 'console=ttyS0 quiet panic=-1 rdinit=/none init=/none' </dev/null
status=$?
[ $status -eq 120 ] && grep -q 'Kernel panic' out
tap_report $? "a kernel panic that resets is status 120 (status $status)" out
tap_end
