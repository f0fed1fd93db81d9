#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Watchpoints: what is refused, those of the monitor, and many that come and go. What hits look like
# is in guest/conformance/watch-*.c.
load helpers

teardown() {
    [ -z "${pid:-}" ] || kill "$pid" 2>/dev/null || true
}

# Sends the QMP commands on stdin, one a line; gives a line of JSON for each, without events.
qmp() {
    { echo '{"execute": "qmp_capabilities"}' && cat && echo '{"execute": "query-name"}'; } |
        socat -t 20 - UNIX-CONNECT:sock | jq -c 'select(.event | not)' | sed '1,2d;$d'
}

# The guest that works in page 0x400000 until it gets a byte.
start_hammer() {
    needs_kvm
    mkfifo in
    "$acre" run --timeout 60 --monitor unix:sock "$@" "$guests/watch_hammer.elf" \
        >guest.out 2>guest.err <in &
    pid=$!
    exec 9>in
    local tries=0
    until grep -qs '^ready' guest.out; do
        tries=$((tries + 1))
        [ $tries -le 300 ] && kill -0 $pid || return 1
        sleep 0.1
    done
}

# Ends it, and takes its verdict.
finish_hammer() {
    echo q >&9
    exec 9>&-
    wait "$pid"
    pid=
    cat guest.out
}

@test "a watch that is none is refused" {
    for text in '' x 0x 0x1000:0 0x1000:q 0x1000:4:x 0x1000:4: 0xffffffffffffffff:2 0x1000:r:4; do
        run -125 --separate-stderr "$acre" run --watch "$text" "$guests/hello.elf"
        [[ $stderr == 'acre: error: --watch'* ]]
    done
}

@test "a page that KVM uses by itself is refused, with the reason" {
    needs_kvm
    run -125 --separate-stderr "$acre" run --boot elf --watch 0x1000:0x8000000 "$guests/elf64.elf"
    [[ $stderr =~ ^'acre: error: --watch: page 0x'[0-9a-f]+' has '('a page table'|'the GDT')' of cpu 0, which KVM uses by itself: it cannot be watched'$ ]]
}

@test "watches are added, listed and taken away in the monitor, and events tell of hits" {
    start_hammer
    {
        echo '{"execute": "qmp_capabilities"}'
        echo '{"execute": "acre-watch-add", "arguments": {"address": "0x400000", "access": "w"}}'
        sleep 1
        echo '{"execute": "acre-watch-list"}'
        echo '{"execute": "acre-watch-del", "arguments": {"id": 1}}'
        echo '{"execute": "acre-watch-del", "arguments": {"id": 1}}'
        echo '{"execute": "acre-watch-add", "arguments": {"address": 1, "access": "x"}}'
        echo '{"execute": "acre-watch-add", "arguments": {"address": 1, "length": 0}}'
        echo '{"execute": "human-monitor-command", "arguments": {"command-line": "watch 0x400800:4:rw"}}'
        echo '{"execute": "human-monitor-command", "arguments": {"command-line": "watch"}}'
        echo '{"execute": "human-monitor-command", "arguments": {"command-line": "unwatch 2"}}'
        echo '{"execute": "human-monitor-command", "arguments": {"command-line": "watch"}}'
    } | socat -t 5 - UNIX-CONNECT:sock >out.json
    finish_hammer
    jq -se 'map(select(.event == "ACRE_WATCH")) | length > 10 and all(.data.id == 1 or .data.id == 2)' out.json
    jq -se 'map(select(.event == "ACRE_WATCH" and .data.id == 1)) | .[0].data |
        .gpa == "0x400000" and .size == 8 and .write and .cpu == 0 and
        (.["next-rip"] | test("^0x[0-9a-f]+$")) and (.symbol | startswith("hammer")) and
        (.value | test("^0x[0-9a-f]+$"))' out.json
    read -r new old < <(jq -sr 'map(select(.event == "ACRE_WATCH" and .data.id == 1)) | .[0].data |
        .value + " " + .["old-value"]' out.json)
    [ $((new)) -eq $((old + 1)) ]
    jq -se 'map(select(.return | type == "array"))[0].return[0] |
        . == {id: 1, address: "0x400000", length: "0x8", access: "w", hits: .hits, partial: false} and .hits > 10' out.json
    jq -se '[.[] | .error.desc // empty] == ["there is no watch 1",
        "Parameter '"'access'"' must be r, w or rw", "Parameter '"'length'"' must be 1 or more"]' out.json
    jq -se 'map(.return | strings) | .[0] == "watch 2\n" and (.[1] | test("^2: 0x400800:4:rw [0-9]+ hits?\n$")) and .[2:] == ["", ""]' out.json
}

@test "a table that moves into a page of which reads are watched is named when the guest dies of it" {
    needs_kvm
    # What the guest gets is its KVM's doing: a crash, or page faults that it reports itself.
    run --separate-stderr "$acre" run --timeout 20 --crash-report none --watch 0x402ff8:8:rw \
        "$guests/conformance/watch-tables.elf"
    [ "$status" -eq 126 ] || [ "$status" -eq 99 ]
    [[ $stderr == *'page 0x402000, which is watched, has a page table of cpu 0, which KVM uses by itself'* ||
        $stderr == *'watch 1: page 0x402000 has a page table of cpu 0 by now, which KVM uses by itself: it is not watched any more'* ]]
}

@test "a watch that ends since its page has become a table is told in the monitor, too" {
    needs_kvm
    "$acre" run --timeout 60 --monitor unix:sock -S --watch 0x402ff8:8:w --append ms=50000 \
        "$guests/conformance/watch-tables.elf" >guest.out 2>guest.err &
    pid=$!
    until [ -S sock ]; do sleep 0.1; done
    mkfifo commands
    socat -t 5 - UNIX-CONNECT:sock <commands >out.json &
    exec 8>commands
    echo '{"execute": "qmp_capabilities"}{"execute": "cont"}' >&8
    local tries=0
    until grep -q ACRE_WATCH_LOST out.json; do
        tries=$((tries + 1))
        [ $tries -le 300 ]
        sleep 0.1
    done
    {
        echo '{"execute": "acre-watch-list"}'
        echo '{"execute": "human-monitor-command", "arguments": {"command-line": "watch"}}'
        echo '{"execute": "quit"}'
    } >&8
    exec 8>&-
    wait $pid
    pid=
    jq -se 'map(select(.event == "ACRE_WATCH_LOST").data) ==
        [{id: 1, page: "0x402000", cpu: 0, what: "a page table"}]' out.json
    jq -se 'map(.return | arrays)[0][0].partial' out.json
    jq -se 'map(.return | strings)[0] | test("^1: 0x402ff8:8:w [0-9]+ hits, in part not watched\n$")' out.json
}

@test "five hundred watches come and go under two working CPUs, and nothing is stale or lost" {
    start_hammer --cpus 2 --append two
    local i
    for ((i = 1; i <= 500; i++)); do
        address=$((0x400000 + i * 37 % 4096))
        printf '{"execute": "acre-watch-add", "arguments": {"address": %d, "length": %d, "access": "%s"}}\n' \
            $address $((1 + i % 13)) "$([ $((i % 3)) = 0 ] && echo r || echo w)"
        printf '{"execute": "acre-watch-del", "arguments": {"id": %d}}\n' $i
    done | qmp >out.json
    [ "$(jq -s 'map(select(.error)) | length' out.json)" = 0 ]
    [ "$(wc -l <out.json)" = 1000 ]
    finish_hammer
    grep -q '^ok 1 - stale values: 0$' guest.out
    grep -q '^ok 2 - counted' guest.out
}
