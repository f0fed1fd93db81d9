#!/bin/sh
# Runs in the lab, whose KVM delivers no breakpoints: a client in shell sets some all the same, and
# a watchpoint, and is stopped at each. TAP.
. "$(dirname "$0")/tap.sh"

port=1234
ip link set lo up

check() { # NAME PATTERN: a reply is that
    grep -q "$2" replies
    tap_report $? "$1" log
}
packet() { # the frame of it
    printf '$%s#' "$1"
    printf '%s' "$1" | od -An -v -tu1 | tr -s ' ' '\n' |
        awk '{ sum += $1 } END { printf "%02x", sum % 256 }'
}
stops() { # how many the stub has told
    tr '$' '\n' <raw | grep -c '^[TWX][0-9a-f][0-9a-f]'
}
# Each packet is sent when there was time for the one before; what comes back is in replies.
converse() {
    : >raw
    wanted=0
    for text in "$@"; do
        packet "$text"
        sleep 0.2
        case $text in
        c | s)
            wanted=$((wanted + 1))
            for _ in $(seq 100); do
                [ "$(stops)" -ge $wanted ] && break
                sleep 0.1
            done
            ;;
        esac
    done | timeout 30 nc 127.0.0.1 $port >raw
    tr '$' '\n' <raw >replies
    cat replies acre.err >log
}
begin() {
    acre run -v -S --gdb $port guest/watched.elf >acre.out 2>acre.err &
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        grep -q ':04D2 00000000:0000 0A' /proc/net/tcp && break # listens
        sleep 0.3
    done
}
address() { # a register's bytes: the lowest first
    printf '%016x' "0x$1" | sed 's/\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)/\8\7\6\5\4\3\2\1/'
}

# shellcheck disable=SC2046 # three words
set -- $(acre run guest/watched.elf | sed -n 's/^watched: main \(.*\) port_written \(.*\) mmio_written \(.*\) written/\1 \2 \3/p')
begin
converse QStartNoAckMode "Z0,$1,1" c p10 "z0,$1,1" "Z0,$2,1" c p10 "Z1,$3,1" c p10 "z0,$2,1" "z1,$3,1" s p10 c
wait $!
check "a breakpoint stops where KVM delivers none" "^$(address "$1")#"
check "and right behind an access" "^$(address "$2")#"
check "another one, of the other kind, too" "^$(address "$3")#"
check "a step is one instruction" "^$(address "$(printf %x $((0x$3 + 1)))")#"
check "the end is told" "^W00#"
begin
converse QStartNoAckMode "Z2,$4,4" c "m$4,4" c "m$4,4" "z2,$4,4" c
wait $!
check "a watchpoint stops after the write" "watch:0*$4;"
check "the first value is there" "^01000000#"
check "and then the second" "^03000000#"
tap_end
