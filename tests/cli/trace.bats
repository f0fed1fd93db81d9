#!/usr/bin/env bats
# `--trace`: what a guest with known accesses leaves behind, in each format.
load helpers

# A flat 32-bit program: reads IIR, writes `A` to THR, reads the HPET's GCAP_ID and writes GEN_CONF,
# reads an MSR that nobody knows if $1 says so (the guest then ends by a triple fault), exits with 5.
program() {
    {
        printf '\x66\xba\xfa\x03\xec'                 # mov dx, 0x3fa; in al, dx
        printf '\x66\xba\xf8\x03\xb0\x41\xee'         # mov dx, 0x3f8; mov al, 'A'; out dx, al
        printf '\xa1\x00\x00\xd0\xfe'                 # mov eax, [0xfed00000]
        printf '\x31\xc0\xa3\x10\x00\xd0\xfe'         # xor eax, eax; mov [0xfed00010], eax
        [ "${1-}" != msr ] || printf '\xb9\xef\xbe\xad\x4b\x0f\x32' # mov ecx, 0x4badbeef; rdmsr
        printf '\xb8\x05\x00\x00\x00\xe7\xf4\xf4'     # mov eax, 5; out 0xf4, eax; hlt
    } >program
}
traced() {
    acre run --flat 32 --timeout 20 "$@" program
}
# Slices of a thread lie in or behind each other, to the nanosecond, in the order in which viewers read
# them: by time, then as in the file. Perfetto leaves others out.
nested() { # file
    jq -e 'map(select(.ph == "X")) | group_by(.tid) | length > 0 and all(.[]; sort_by(.ts) |
        reduce .[] as $e ({ends: [], good: true};
            ($e.ts * 1000 | round) as $from | ($from + ($e.dur * 1000 | round)) as $to |
            .ends |= until(length == 0 or .[-1] > $from; .[:-1]) |
            .good = (.good and (.ends == [] or .ends[-1] >= $to)) | .ends += [$to]) | .good)' "$1"
}
# What was traced on stderr, without times; acre's own line about the status is none of it.
untimed() {
    grep -v '^acre: ' err | sed -E 's/^[0-9]+\.[0-9]{9} //; s/ [0-9.]+ us$//'
}

@test "a guest's accesses are traced, each with its register and nothing else" {
    needs_kvm
    program
    traced --trace pio,mmio
    [ "$status" -eq 5 ]
    [ "$output" = A ]
    untimed >events
    diff events - <<'EVENTS'
cpu 0 pio read 0x3fa size 1 value 0x1 (serial+0x2 IIR)
cpu 0 pio write 0x3f8 size 1 value 0x41 (serial+0x0 THR/DLL)
cpu 0 mmio read 0xfed00000 size 4 value 0x8086a201 (hpet+0x0 GCAP_ID)
cpu 0 mmio write 0xfed00010 size 4 value 0x0 (hpet+0x10 GEN_CONF)
cpu 0 pio write 0xf4 size 4 value 0x5 (debug-exit+0x0 STATUS)
EVENTS
}
@test "filters leave the others out" {
    needs_kvm
    program
    while read -r num filter; do
        traced --trace "$filter"
        [ "$status" -eq 5 ]
        [ "$(untimed | wc -l)" -eq "$num" ] || { echo "$filter: $stderr" && return 1; }
    done <<'FILTERS'
1 serial.IIR
0 serial.LCR
1 serial.THR
2 serial.*
2 pio:region=serial
3 pio:addr=0xf0-0x3ff
1 pio:addr=0xf7
1 hpet.GEN_CONF
2 mmio:region=hp*
0 mmio:region=hpet:addr=0-0xffff
3 pio:cpu=0
0 pio:cpu=1
5 exits:cpu=0
5 pio,mmio,serial.IIR
FILTERS
}
@test "several traces go to their files, in the format of each" {
    needs_kvm
    program
    traced --trace pio,exits=t.jsonl --trace mmio=t.txt --trace all=t.json --trace hpet.*,format=json
    [ "$status" -eq 5 ]
    [ "$(wc -l <t.txt)" -eq 2 ]
    jq -e . t.jsonl >values
    [ "$(jq -s 'map(select(.event == "pio")) | length' t.jsonl)" -eq 3 ]
    [ "$(jq -s 'map(select(.event == "exits")) | length' t.jsonl)" -eq 5 ]
    [ "$(untimed | jq -s -c 'map(.register)')" = '["GCAP_ID","GEN_CONF"]' ]
    jq -e -s 'map(.time) | . == sort and .[0] > 0 and .[-1] < 20' t.jsonl
    jq -e -s 'map(select(.event == "pio"))[0] | has("cpu") and .address == "0x3fa" and .direction == "read" and .size == 1 and
        .count == 1 and .value == "0x1" and .region == "serial" and .offset == "0x2" and
        .register == "IIR" and .us > 0' t.jsonl
}
@test "a trace for Perfetto is an array of named events on threads" {
    needs_kvm
    program
    traced --trace all=t.json
    [ "$status" -eq 5 ]
    jq -e 'all(.[]; (.name | type == "string") and (.ph | IN("M", "X", "i")) and .pid == 1)' t.json
    jq -e 'all(.[] | select(.ph == "X"); .ts >= 0 and .dur > 0 and (.args | type == "object"))' t.json
    jq -e 'all(.[] | select(.ph == "i"); .ts >= 0 and .s == "t")' t.json
    jq -e 'map(select(.ph == "M" and .name == "thread_name") | {(.tid | tostring): .args.name}) | add ==
        {"1": "machine", "2": "cpu 0", "10000": "start-up"}' t.json
    jq -e 'map(select(.ph == "X" and .tid == 2 and .cat != "exits").name) ==
        ["serial.IIR", "serial.THR/DLL", "hpet.GCAP_ID", "hpet.GEN_CONF", "debug-exit.STATUS"]' t.json
    # Each is within the exit that it was served in, and comes after it.
    jq -e 'map(select(.ph == "X" and .tid == 2)) | [range(0; length; 2) as $i | .[$i:$i + 2]] | all(.[];
        (.[0].cat == "exits") and (.[1].cat | IN("pio", "mmio")) and .[0].ts == .[1].ts and
        .[0].dur == .[1].dur)' t.json
    nested t.json
}
@test "what was there when a trace begins is all of the map, and a watch's overlay is a change of it" {
    needs_kvm
    for _ in 1 2 3 4 5 6; do # whether acre's own start comes out before or after the trace's is chance
        acre run --timeout 60 --trace commit=t.jsonl --watch 0x400000:8:w "$guests/hello.elf"
        [ "$status" -eq 0 ]
        jq -e -s 'map(.time) | . == sort and .[0] > 0' t.jsonl
    done
    jq -e -s '.[0].built and (.[0].slots.added | length) == 2 and .[0].slots.ioctls == 2' t.jsonl
    jq -e -s '.[2] | .cause == "add_subregion" and .["cause-region"] == "watch" and
        (.slots.added | map(.region) | index("watch"))' t.jsonl
    acre run --timeout 60 --trace commit "$guests/hello.elf"
    grep -qE '^  slots: 0 removed, 2 added, 0 changed, 2 ioctls in [0-9.]+ us$' err
    [ "$(grep -c '^  +    [01]: ' err)" -eq 2 ]
}
@test "commits are traced with cause, diff, slots and costs" {
    needs_kvm
    acre run --board puzzle --timeout 60 --trace commit,slots=t.jsonl --trace commit \
        "$guests/conformance/bank-window.elf"
    [ "$status" -eq 0 ]
    jq -e -s 'map(select(.event == "commit")) | (.[0].built and .[1].built) and
        all(.[2:][]; .built == false and .refused == false and (.cause | startswith("set_")) and
            .us > 0)' t.jsonl
    jq -e -s 'map(select(.event == "commit" and .cause == "set_alias_offset"))[0] |
        .["cause-region"] == "window" and .slots.ioctls == 2 and
        .removed[0].region == "pool" and .added[0].region == "pool" and
        .slots.removed[0].us > 0 and .slots.added[0].us > 0 and .us > .slots.us' t.jsonl
    grep -qE '^[0-9.]+ commit 3: memory: .* \(set_alias_offset window\) in [0-9.]+ us$' err
    grep -qE '^  slots: .* 2 ioctls in [0-9.]+ us$' err
    [ "$(jq -s 'map(select(.event == "slots" and .change == "removed")) | length' t.jsonl)" -eq \
        "$(jq -s 'map(.slots.removed // [] | length) | add' t.jsonl)" ]
}
@test "interrupt lines are traced" {
    needs_kvm
    acre run --board puzzle --timeout 60 --trace irq:line=5=irq.jsonl --trace irq:line=11 \
        "$guests/conformance/testdev-irq.elf"
    [ "$status" -eq 0 ]
    jq -e -s 'length > 1 and all(.[]; .line == 5) and .[0].level == 1 and .[1].level == 0' irq.jsonl
}
@test "start-up is traced stage by stage, and stages follow each other" {
    needs_kvm
    program
    traced --trace boot,exits=t.jsonl --trace boot=t.json
    [ "$status" -eq 5 ]
    jq -e -s 'map(.time) == (map(.time) | sort)' t.jsonl
    jq -e -s 'map(select(.event == "boot").stage) | length > 10 and index("KVM opened") <
        index("memory slots set") and index("memory slots set") < index("first entry") and
        index("first entry") < index("first output") and .[-1] == "end"' t.jsonl
    jq -e 'map(select(.cat == "boot")) | all(.[]; .ph == "X" and .tid == 10000) and
        (.[1].ts - (.[0].ts + .[0].dur) | . < 1 and . > -1)' t.json
}
@test "an MSR that KVM does not know is traced, and the guest sees no difference" {
    needs_kvm
    program msr
    traced
    plain=$status
    traced --trace msr
    [ "$status" -eq "$plain" ]
    untimed | grep -qx 'cpu 0 msr read 0x4badbeef refused'
}
@test "two busy CPUs are traced in order of time, and notice nothing" {
    needs_kvm
    acre run --board "$guests/conformance/smp.dtb" --cpus 2 --timeout 60 --trace all=t.jsonl \
        --trace all=t.json "$guests/conformance/smp-same-device.elf"
    [ "$status" -eq 0 ]
    jq -e -s 'map(.time) == (map(.time) | sort)' t.jsonl
    for cpu in 0 1; do
        [ "$(jq -s "map(select(.event == \"mmio\" and .cpu == $cpu and .register == \"SCR\" and
            .direction == \"write\")) | length" t.jsonl)" -eq 150 ]
    done
    [ "$(jq -s 'map(select(.event == "dropped")) | length' t.jsonl)" -eq 0 ]
    jq -e 'map(select(.ph == "M" and .name == "thread_name")) | length == 4' t.json
    nested t.json
}
@test "a wait before the machine is made leaves times as they were" {
    needs_kvm
    command -v dtc >/dev/null || skip "dtc is not installed"
    program
    mkdir slow
    printf '#!/bin/sh\nsleep 0.3\nexec %s "$@"\n' "$(command -v dtc)" >slow/dtc
    chmod +x slow/dtc
    acre run --dump-dtb pc.dtb "$guests/hello.elf"
    dtc -q -O dts -o pc.dts pc.dtb
    PATH=$PWD/slow:$PATH traced --board pc.dts --trace boot,exits=t.jsonl --trace boot,exits=t.json
    [ "$status" -eq 5 ]
    jq -e -s 'map(.time) | . == sort and .[0] >= 0.3 and .[-1] < 20' t.jsonl
    [ "$(jq -s 'map(select(.event == "exits")) | length' t.jsonl)" -ge 5 ]
    nested t.json
}
@test "events may be switched on and off again and again" {
    needs_kvm
    program
    "$acre" run --flat 32 --timeout 20 -S --monitor unix:socket --trace pio:cpu=9=t.txt program 2>err >out \
        </dev/null &
    pid=$!
    timeout 10 sh -c 'until [ -S socket ]; do sleep 0.05; done'
    for i in {1..80}; do
        printf 'trace-event pio:addr=%d on\ntrace-event pio:addr=%d off\n' "$i" "$i"
    done >lines
    printf '%s\n' 'trace-event serial.IIR on' cont >>lines
    "$acre" monitor socket <lines >said 2>&1 || { cat said && return 1; }
    wait "$pid" || [ $? -eq 5 ]
    [ "$(sed -E 's/^[0-9.]+ //; s/ [0-9.]+ us$//' t.txt)" = \
        'cpu 0 pio read 0x3fa size 1 value 0x1 (serial+0x2 IIR)' ]
}
@test "the monitor switches events while the guest runs" {
    needs_kvm
    program
    "$acre" run --flat 32 --timeout 20 -S --monitor unix:socket --trace pio:cpu=9,exits=t.jsonl \
        program 2>err >out </dev/null &
    pid=$!
    tries=0
    until [ -S socket ]; do
        sleep 0.1
        tries=$((tries + 1))
        [ "$tries" -lt 100 ]
    done
    {
        printf '{"execute": "qmp_capabilities"}\n'
        for set in '"serial.THR", "enable": true' '"exits", "enable": false' \
            '"irq", "enable": false' '"nosuch", "enable": true'; do
            printf '{"execute": "acre-trace-set", "arguments": {"event": %s}}\n' "$set"
        done
        for line in 'mmio:region=hpet:cpu=0 on' 'mmio' 'mmio maybe'; do
            printf '{"execute": "human-monitor-command", "arguments": {"command-line": "%s"}}\n' \
                "trace-event $line"
        done
        printf '{"execute": "cont"}\n'
        sleep 2
    } | socat -t 5 - UNIX-CONNECT:socket >replies
    wait "$pid" || [ $? -eq 5 ]
    [ "$(jq -c 'select(has("return") or has("error")) | has("return")' replies | tr '\n' ' ')" = \
        "true true true false false true false false true " ]
    grep -q "irq: is not traced" replies
    grep -q "'nosuch': no such event" replies
    grep -q "trace-event wants EVENT on|off" replies
    [ "$(jq -s -c 'map([.event, .register])' t.jsonl)" = \
        '[["pio","THR/DLL"],["mmio","GCAP_ID"],["mmio","GEN_CONF"]]' ]
}
@test "probes for other tracers have their names in the program's notes" {
    readelf -n "$acre" | awk '$1 == "Provider:" { provider = $2 }
        $1 == "Name:" { print provider ":" $2 }' | sort -u >probes
    for probe in exit served irq slot commit; do
        grep -qx "acre:$probe" probes
    done
}
@test "a probe's arguments are what happened, to a debugger that listens there" {
    needs_kvm
    command -v gdb >/dev/null || skip "gdb is not installed"
    program
    cat >script <<'END'
set pagination off
set breakpoint pending on
break -probe-stap acre:exit
commands
silent
printf "exit %d %d 0x%lx %d %d\n", $_probe_arg0, $_probe_arg1, $_probe_arg2, $_probe_arg3, $_probe_arg4
continue
end
break -probe-stap acre:served
commands
silent
printf "served %d %d 0x%lx 0x%lx\n", $_probe_arg0, $_probe_arg1, $_probe_arg2, $_probe_arg3
continue
end
run
END
    timeout 60 gdb -nx -batch -x script --args "$acre" run --flat 32 --serial null program >gdb.out 2>&1 \
        </dev/null
    # KVM_EXIT_IO is 2, KVM_EXIT_MMIO is 6.
    grep -E '^(exit|served) ' gdb.out | diff - <(
        cat <<'END'
exit 0 2 0x3fa 1 0
served 0 2 0x3fa 0x1
exit 0 2 0x3f8 1 1
served 0 2 0x3f8 0x41
exit 0 6 0xfed00000 4 0
served 0 6 0xfed00000 0x8086a201
exit 0 6 0xfed00010 4 1
served 0 6 0xfed00010 0x0
exit 0 2 0xf4 4 1
served 0 2 0xf4 0x5
END
    )
}
@test "--trace help lists events, filters and registers" {
    acre run --trace help
    [ "$status" -eq 0 ]
    for word in pio mmio irq msr commit slots exits boot all; do
        grep -qE "^  $word " out
    done
    grep -q '^  serial.RBR/DLL|THR/DLL .* IIR|FCR ' out
}
@test "--trace says what it cannot make sense of" {
    program
    while IFS='|' read -r value message; do
        acre run --flat 32 --trace "$value" program
        fails_with "--trace: $message" || return 1
    done <<'CASES'
|is empty; wants EVENTS[=FILE]
nosuch|'nosuch': no such event (try --trace help)
serial.NOSUCH|'serial.NOSUCH': no such register (try --trace help)
nosuch.IIR|'nosuch.IIR': no such register (try --trace help)
pio:|'': not a filter (region=, addr=, cpu=, line=)
pio:cpu|'cpu': not a filter (region=, addr=, cpu=, line=)
pio:cpu=x|'x': not a CPU's number
pio:addr=9-8|'9-8': not a number, or FIRST-LAST
irq:cpu=0|irq: cannot be filtered by cpu
all:cpu=0|all: takes no filter
pio,|'': no such event (try --trace help)
pio=|'=': wants =FILE at the end
format=text|format=text: names no event (try --trace help)
pio,format=xml|'xml': not a format (text, json, chrome)
pio=/nosuch/trace|/nosuch/trace: No such file or directory
CASES
}
