#!/bin/sh
# Runs in the lab, on its KVM: traces, the profile, the monitor with all that saves and looks at
# memory, and which pages were written, by bitmap and by ring. TAP.
# shellcheck disable=SC2317 # functions are called by their names, through try
. "$(dirname "$0")/tap.sh"

# A line of the file fits; what is missing goes to the log.
has() { # FILE PATTERN
    grep -Eq -- "$2" "$1" || {
        echo "$1 lacks: $2" && head -n 20 "$1"
        return 1
    } >>log
}
same() { # WHAT GOT WANTED
    [ "$2" = "$3" ] || {
        echo "$1: $2, not $3" >>log
        return 1
    }
}
count() { # FILE PATTERN
    grep -Ec -- "$2" "$1"
}
# Runs a check of that name and reports it.
try() { # NAME FUNCTION [ARGUMENT...]
    name=$1
    shift
    : >log
    "$@"
    tap_report $? "$name" log
}

# A guest that takes letters, its monitor at sock, until it says that it is ready.
begin() {
    rm -f keys guest.out
    mkfifo keys
    exec 7<>keys
    acre run --timeout 60 --monitor unix:sock "$@" <keys >guest.out 2>guest.err &
    pid=$!
    await ready
}
await() { # PATTERN: in the guest's output
    for _ in $(seq 100); do
        grep -q -- "$1" guest.out 2>/dev/null && return 0
        sleep 0.1
    done
    cat guest.out guest.err >>log
    return 1
}
press() { # DIGIT: the guest has written the pages of it
    printf %s "$1" >&7
    await "$1"
}
monitor() {
    acre monitor sock "$@" >said 2>&1
}
qmp() {
    acre monitor --json sock "$@" >said 2>&1
}
end() {
    exec 7>&-
    wait "$pid"
}

# Slices of a thread of a Chrome trace lie in or behind each other: by time, then as in the file.
nested() { # FILE
    sed -n 's/.*"ph":"X","ts":\([0-9.e+-]*\),"dur":\([0-9.e+-]*\),.*"tid":\([0-9]*\).*/\3 \1 \2/p' "$1" |
        sort -s -k 1,1n -k 2,2g >slices
    awk '
        $1 != tid { tid = $1; depth = 0; threads++ }
        {
            from = int($2 * 1000 + 0.5); to = from + int($3 * 1000 + 0.5)
            while (depth > 0 && ends[depth] <= from) depth--
            if (depth > 0 && ends[depth] < to) { print "overlaps: " $0; bad = 1 }
            ends[++depth] = to
        }
        END { exit bad || threads < 2 || NR < 50 }' slices >>log
}

traces() {
    acre run --trace pio,exits=t.jsonl --trace all=t.json --trace serial.IIR guest/hello.elf >out 2>err
    same status $? 0 && has out '^Hello from a guest' &&
        has err '^[0-9]+\.[0-9]{9} cpu 0 pio read 0x3fa size 1 value 0x[0-9a-f]+ \(serial\+0x2 IIR\) [0-9.]+ us$' &&
        same "other lines" "$(grep -vc ' IIR) ' err)" 0 &&
        same "accesses of exits" "$(count t.jsonl '"event":"pio"')" "$(count t.jsonl '"reason":"port"')" &&
        has t.jsonl '"event":"pio",.*"address":"0xf4",.*"value":"0x0","region":"debug-exit"' &&
        sed 's/{"time":\([0-9.e-]*\).*/\1/' t.jsonl >stamps && sort -g stamps | cmp - stamps >>log 2>&1 &&
        has t.json '^\[\{"name":"process_name"' && same end "$(tail -n 1 t.json)" ']' && nested t.json
}
commits() {
    acre run --board puzzle --trace commit,slots=t.jsonl guest/conformance/bank-window.elf >out 2>err
    same status $? 0 && has t.jsonl '"event":"commit".*"cause":"set_alias_offset".*"ioctls":2' &&
        same "slots removed" "$(count t.jsonl '"event":"slots".*"change":"removed"')" \
            "$(count t.jsonl '"slots":\{"ioctls":[0-9]+,"us":[0-9.]+,"removed":\[\{')"
}
profile() {
    acre run --stats=json:p.json --stats guest/profiled.elf >out 2>err
    same status $? 0 && has err '^  port 0x4e: 812 reads, first at probe_super_io' &&
        has err '^  memory 0xd0000000: 37 writes, first at write_nowhere' &&
        has err '^ +812 .* 0x[0-9a-f]+ probe_super_io' && has err '^kvm, the VM: ' &&
        has err '^kvm, cpu 0: .*exits [0-9]+' &&
        awk '/^ *"exits": / && !all { all = $2 + 0 } /"reasons": \[/ { on = 1 } on && /\]/ { on = 0 }
            on && /"exits":/ { sum += $2 } END { exit !(all > 800 && sum == all) }' p.json
}

controls() {
    monitor info status && has said 'VM status: running' && monitor stop && qmp query-status &&
        has said '"status": "paused"' && monitor info registers -a && same CPUs "$(count said ^RIP=)" 2 &&
        monitor cont && qmp query-cpus-fast && same threads "$(count said '"thread-id": [1-9]')" 2
}
memory() {
    press 3 && monitor xp /gx 0x1003000 && has said '^0*1003000: 0x0*1003000$' &&
        qmp pmemsave '{"val":16789504,"size":65537,"filename":"p"}' &&
        same "od" "$(od -An -tx8 -N 8 save/p | tr -d ' ')" 0000000001003000 &&
        same "size" "$(wc -c <save/p)" 65537 &&
        qmp memsave '{"val":"0x1013000","size":8,"filename":"v"}' &&
        same "od" "$(od -An -tx8 save/v | tr -d ' \n')" 0000000001013000 &&
        qmp dump-guest-memory '{"paging":true,"protocol":"file:core"}' &&
        same "od" "$(od -An -tx1 -N 4 save/core | tr -d ' ')" 7f454c46 &&
        monitor info status && has said running
}
watches() {
    monitor watch 0x1004000:8:w && press 4 && monitor watch &&
        has said '^[0-9]+: 0x1004000:8:w 1 hit$' && monitor unwatch 1 && press 5 && monitor watch &&
        same watches "$(cat said)" ""
}
switches() {
    monitor trace-event serial.THR on && press 6 && monitor trace-event serial.THR off && press 7 &&
        sleep 0.3 && has guest.err ' pio write 0x3f8 size 1 value 0x36 .*THR' &&
        same "lines when off" "$(grep -c 'value 0x37' guest.err)" 0 &&
        acre top --once --sort exits sock >said && has said '^ +[0-9].* port 0x3f8 write serial\+0x0$'
}
restarts() {
    printf 'system_reset\ninfo status\n' | acre monitor sock >said 2>&1
    await 'ready.*' && for _ in $(seq 50); do
        [ "$(grep -c ready guest.out)" -eq 2 ] && break
        sleep 0.1
    done
    same starts "$(grep -c ready guest.out)" 2 && monitor quit && end
    same status $? 0
}
events() {
    begin guest/monitored.elf && printf '%s\n' stop cont nmi system_powerdown | acre monitor sock >said 2>&1
    end
    same status $? 0 && has guest.out 'nmi 1' && has guest.out '^power button' &&
        same events "$(sed -n 's/^event \([A-Z_]*\).*/\1/p' said | tr '\n' ' ')" "STOP RESUME POWERDOWN "
}
# The guest exchanges a RAM and a ROM 101 times.
map_changes() {
    begin --board puzzle guest/monitored.elf && {
        echo info status
        printf m >&7
        await 'map: changed'
        sleep 0.3
        echo quit
    } | acre monitor sock >said 2>&1
    end
    same status $? 0 && has said '^event MEMORY_MAP_CHANGED$' &&
        has said '^  memory \+ 0xd1000000-0xd100ffff rom bank-rom$' &&
        has said '^  memory - 0xd1000000-0xd100ffff ram bank-ram$'
}

# Pages at 16 MiB that were written since they were asked for last, and those it must be.
written() { # RANGES
    monitor dirty sync ram && same pages "$(grep '^0000000001' said | tr '\n' ' ')" "$1"
}
dirty() { # OPTION...
    begin "$@" guest/scribble.elf && monitor dirty start ram && written "" && press 2 && press 3 &&
        written "0000000001002000-0000000001003fff 0000000001012000-0000000001013fff 0000000001022000-0000000001023fff " &&
        written "" && press 9 && press 0 &&
        written "0000000001000000-0000000001000fff 0000000001009000-0000000001009fff 0000000001010000-0000000001010fff 0000000001019000-0000000001019fff 0000000001020000-0000000001020fff 0000000001029000-0000000001029fff " &&
        monitor dirty stop ram && ! monitor dirty sync ram && has said 'was not started' && press 4 &&
        monitor dirty start ram && written "" && monitor quit
    result=$?
    [ "$result" -eq 0 ] || kill "$pid" 2>/dev/null
    end
    return "$result"
}

try "accesses and exits are traced, each once and in order, and slices nest" traces
try "commits are traced with the slots they changed" commits
try "the profile has each access, its instruction, and KVM's own numbers" profile
mkdir save
try "a guest with a monitor starts" begin --save-dir save --cpus 2 guest/scribble.elf
try "it is stopped, looked at, and goes on" controls
try "its memory is shown, saved and dumped" memory
try "a watch of the monitor counts its hits" watches
try "a trace is switched on and off" switches
try "it is restarted and ended" restarts
try "events, an NMI and the power button" events
try "changes of the map are told while they happen" map_changes
try "written pages, by KVM's bitmap" dirty
try "written pages, by KVM's rings" dirty --dirty-ring 4096
tap_end
