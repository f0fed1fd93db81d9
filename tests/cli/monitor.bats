#!/usr/bin/env bats
# --monitor: QMP as clients see it, with socat and jq, and `acre monitor`.
load helpers

# A guest that obeys letters on its serial port, with its monitor at s.
start() {
    needs_kvm
    mkfifo in
    "$acre" run --timeout 60 --monitor unix:s "$@" "$guests/monitored.elf" <in >out 2>err &
    pid=$!
    exec 7>in
    [ "$1" = -S ] || wait_for out "monitored: ready"
}
# The guest's end: the letter for it, or what the test did.
ended() {
    exec 7>&-
    status=0
    wait "$pid" || status=$?
}
wait_for() { # file text
    for _ in {1..200}; do
        ! grep -q "$2" "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    cat "$1"
    return 1
}
# Messages on stdin, what comes back in `answers`; negotiates first. Its own descriptor 7 is closed,
# or the guest would never see the end of its input.
qmp() {
    {
        echo '{"execute":"qmp_capabilities"}'
        cat
        sleep 0.2
    } | socat -t2 - UNIX-CONNECT:s 7>&- >answers
}
monitor() {
    split "$acre" monitor s "$@"
}
# The value of a jq filter over all answers.
answer() {
    jq -sc "$1" answers
}
teardown() {
    exec 7>&-
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
}

@test "a client is greeted, negotiates, and gets answers with its ids" {
    start
    printf '%s' '{"execute":"query-status","id":1}' '{"execute":"qmp_capabilities","id":"a"}' \
        '{"execute":"qmp_capabilities"}' ' {"execute":"query-status", "id":{"x":[2]}}[] ' |
        socat -t1 - UNIX-CONNECT:s >answers
    [ "$(answer length)" = 6 ]
    [ "$(answer '.[0].QMP | keys')" = '["capabilities","version"]' ]
    [ "$(answer '.[1] | [.error.class, .id]')" = '["CommandNotFound",1]' ]
    [ "$(answer '.[2]')" = '{"return":{},"id":"a"}' ]
    [ "$(answer '.[3].error.class')" = '"CommandNotFound"' ]
    [ "$(answer '.[4] | [.return.status, .id]')" = '["running",{"x":[2]}]' ]
    [ "$(answer '.[5].error.desc')" = '"QMP input must be a JSON object"' ]
    grep -c $'\r$' answers | grep -qx 6
}

@test "each thing that is wrong is one error, and the next command works" {
    start
    qmp <<'EOM'
{"execute":"nonsense"}
{"execute":1}
{"arguments":{}}
{"execute":"stop","arguments":[]}
{"execute":"stop","argument":{}}
{"execute":"stop","arguments":{"now":true}}
{"execute":"acre-query-slots","arguments":{"hva":1}}
{"execute":"acre-why"}
{"execute":"stop","execute":"cont"}
{"execute":"query-status
garbage {"execute":"stop"}
{"execute":"query-name"]}
{"execute":"query-name","id":"last"}
EOM
    answer '[.[].error.class // empty] | unique' | grep -qx '\["CommandNotFound","GenericError"\]'
    [ "$(answer '.[2].error.class')" = '"CommandNotFound"' ]
    [ "$(answer '[.[] | select(.error)] | length')" = 12 ]
    [ "$(answer '.[-1]')" = '{"return":{},"id":"last"}' ]
    [ "$(answer 'map(select(.event)) | length')" = 0 ]
}

@test "a message too long or too deep is an error" {
    start
    {
        printf '{"execute":"%s"}\n' "$(head -c 1100000 /dev/zero | tr '\0' x)"
        printf '%s\n' "$(printf '[%.0s' {1..1100})"
        echo '{"execute":"query-name","id":"last"}'
    } | qmp
    answer '[.[2:4][].error.desc]' | grep -q '1 MiB.*1024 levels'
    [ "$(answer '.[-1].id')" = '"last"' ]
}

@test "the guest's clock stands still between stop and cont, and all clients hear of it" {
    start
    { echo '{"execute":"qmp_capabilities"}' && sleep 4; } | socat - UNIX-CONNECT:s 7>&- >watcher &
    wait_for watcher return
    printf t >&7
    wait_for out "ticks: "
    monitor stop
    monitor info status
    [ "$output" = "VM status: paused" ]
    sleep 2
    [ -z "$(printf t >&7 && sleep 0.2 && sed -n 's/ticks: //p' out | sed -n 2p)" ]
    monitor cont
    for _ in {1..100}; do
        [ "$(grep -c ticks out)" -lt 2 ] || break
        sleep 0.05
    done
    mapfile -t ticks < <(sed -n 's/ticks: //p' out)
    # 24 bits at 3579545 Hz: 2 s would be 7.2 million.
    [ $(((ticks[1] - ticks[0]) & 0xffffff)) -lt 5000000 ]
    [ "$(jq -sc 'map(.event // empty)' watcher)" = '["STOP","RESUME"]' ]
    [ "$(jq -sc 'map(select(.event).timestamp | keys) | unique' watcher)" = '[["microseconds","seconds"]]' ]
}

@test "-S waits for cont, and wants somebody who could say it" {
    start -S
    for _ in {1..100}; do
        [ ! -S s ] || break
        sleep 0.05
    done
    sleep 0.3
    [ ! -s out ]
    monitor info status
    [ "$output" = "VM status: prelaunch" ]
    monitor cont
    wait_for out "monitored: ready"
    acre run -S "$guests/hello.elf"
    fails_with "-S: "
}

@test "system_reset restarts the guest, and says whose wish it was" {
    start
    {
        echo '{"execute":"system_reset"}'
        wait_for out "$(printf 'monitored: ready\nmonitored: ready')" || true
        sleep 0.5
        echo '{"execute":"query-status"}'
    } | qmp
    [ "$(grep -c ready out)" = 2 ]
    [ "$(answer 'map(select(.event == "RESET").data)')" = \
        '[{"guest":false,"reason":"host-qmp-system-reset"}]' ]
    [ "$(answer '.[-1].return.status')" = '"running"' ]
}

@test "a guest that resets itself under --reboot is told as such" {
    start --reboot
    { sleep 0.3 && printf r >&7 && sleep 0.5; } | qmp
    [ "$(answer 'map(select(.event == "RESET").data)')" = '[{"guest":true,"reason":"guest-reset"}]' ]
}

@test "system_powerdown presses the power button, and the guest powers off" {
    start
    { echo '{"execute":"system_powerdown"}' && sleep 1; } | qmp
    ended
    [ "$status" -eq 0 ]
    grep -qx "power button" out
    [ "$(answer 'map(.event // empty)')" = '["POWERDOWN","SHUTDOWN"]' ]
    [ "$(answer '.[-1].data | [.guest, .reason, .verdict]')" = '[true,"guest-shutdown","poweroff"]' ]
}

@test "an NMI reaches the CPU that takes it" {
    start
    monitor nmi
    [ "$status" -eq 0 ]
    wait_for out "nmi 1"
}

@test "a panic is told before the end" {
    start
    { sleep 0.3 && printf p >&7 && sleep 0.5; } | qmp
    ended
    [ "$(answer 'map(.event // empty)')" = '["GUEST_PANICKED","SHUTDOWN"]' ]
    [ "$(answer '.[-1].data.reason')" = '"guest-panic"' ]
}

@test "quit ends the run with status 0, and whoever is connected hears of it" {
    start
    echo '{"execute":"quit","id":9}' | qmp
    ended
    [ "$status" -eq 0 ]
    [ "$(answer '.[2]')" = '{"return":{},"id":9}' ]
    [ "$(answer '.[3] | [.event, .data.reason]')" = '["SHUTDOWN","host-qmp-quit"]' ]
}

@test "changes of the map are told with their difference, and not more than ten times a second" {
    start --board puzzle
    {
        sleep 0.3
        printf m >&7
        wait_for out "map: changed"
        sleep 0.3
        printf '%s' '{"execute":"acre-query-flatview"}'
    } | qmp
    grep -q "map: changed" out
    num=$(answer 'map(select(.event == "MEMORY_MAP_CHANGED")) | length')
    [ "$num" -ge 1 ]
    # Each at least a tenth of a second after the one before, though the map changed 101 times.
    [ "$(answer 'map(select(.event == "MEMORY_MAP_CHANGED").timestamp |
        .seconds * 1000 + .microseconds / 1000) | [.[1:], .[:-1]] | transpose |
        map(.[0] - .[1] >= 98) | all')" = true ]
    # What they say, put together, is what the guest left: the ROM in the RAM's place.
    [ "$(answer 'map(select(.event == "MEMORY_MAP_CHANGED").data) | last |
        [.complete, (.spaces[0] | ."address-space", (.removed[], .added[] | .first, .region))]')" = \
        '[true,"memory","0xd1000000","bank-ram","0xd1000000","bank-rom"]' ]
        [ "$(answer '.[-1].return | map(select(."address-spaces" | contains(["memory"])).ranges[]) |
        map(select(.first == "0xd1000000").region)')" = '["bank-rom"]' ]
}

@test "the map, the CPUs and the interrupts as JSON agree with the listings" {
    start --cpus 2
    qmp <<'EOM'
{"execute":"query-cpus-fast"}
{"execute":"query-memory-size-summary"}
{"execute":"acre-query-regions"}
{"execute":"acre-query-slots","arguments":{"hva":true}}
{"execute":"acre-query-irq"}
{"execute":"acre-why","arguments":{"address":"io:0x3f8"}}
{"execute":"acre-why","arguments":{"address":4096,"x":1}}
{"execute":"acre-why","arguments":{"address":4096}}
{"execute":"x-query-ramblock"}
{"execute":"human-monitor-command","arguments":{"command-line":"info ramblock"}}
EOM
    [ "$(answer '.[2].return | map(."cpu-index", (."thread-id" > 0))')" = '[0,true,1,true]' ]
    [ "$(answer '.[3].return."base-memory"')" = 134217728 ]
    [ "$(answer '.[4].return | map(."address-spaces"[0])')" = '["memory","I/O"]' ]
    [ "$(answer '.[5].return | map(.id)')" = '[0,1]' ]
    [ "$(answer '.[6].return | [(.pics | length), (.ioapic.pins | length)]')" = '[2,24]' ]
    [ "$(answer '.[6].return.lines | map(select(.gsi == 4).raised)')" = '[0]' ]
    [ "$(answer '.[7].return.winner')" = '"serial"' ]
    [ "$(answer '.[8].error.class')" = '"GenericError"' ]
    [ "$(answer '.[9].return | [.winner, .address]')" = '["ram","0x1000"]' ]
    [ "$(answer '.[10].return."human-readable-text" == .[11].return')" = true ]
    printf x >&7
    sleep 0.2
    split "$acre" monitor --json s acre-query-irq
    [ "$(jq '.lines[] | select(.gsi == 4).raised' out)" = 1 ]
}

@test "human commands print what there is" {
    start --cpus 2
    monitor info registers -a
    [ "$(grep -c ^RIP out)" = 2 ]
    monitor info registers 2
    [ "$status" -eq 1 ]
    monitor info mtree -f -d
    grep -q 'ram slot 0$' out
    monitor info   mtree -o
    grep -q 'serial' out
    monitor info irq
    grep -q '^gsi  4' out
    monitor why 0xfee00000
    grep -q 'lapic' out
    monitor help info
    [ "$(grep -c '^info ' out)" -ge 6 ]
    cp out listed
    monitor info
    diff listed out
    monitor ''
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    monitor infostatus
    [ "$status" -eq 1 ]
    [ "$stderr" = "acre: error: infostatus: unknown command (help lists them)" ]
}

@test "a human command is about the CPU that its message names" {
    start --cpus 2
    qmp <<'EOM'
{"execute":"human-monitor-command","arguments":{"command-line":"info registers","cpu-index":1}}
{"execute":"human-monitor-command","arguments":{"command-line":"info registers 0","cpu-index":1}}
{"execute":"human-monitor-command","arguments":{"command-line":"info registers"}}
{"execute":"human-monitor-command","arguments":{"command-line":"addr 0x1000","cpu-index":1}}
{"execute":"human-monitor-command","arguments":{"command-line":"x/i $rip","cpu-index":1}}
{"execute":"human-monitor-command","arguments":{"command-line":"info status","cpu-index":2}}
{"execute":"human-monitor-command","arguments":{"command-line":"info status","cpu-index":-1}}
EOM
    [ "$(answer '[.[2:5][].return | split("\n")[0]]')" = '["CPU#1","CPU#0","CPU#0"]' ]
    # It was not started yet: no paging, and at its reset vector.
    answer '.[5].return' | grep -q '^"gva 0x0*1000 on CPU 1, paging off'
    answer '.[6].return' | grep -q '^"0*fffffff0: '
    [ "$(answer '[.[7,8].error.desc] | unique')" = \
        "[\"Parameter 'cpu-index' must be the number of a CPU\"]" ]
}

@test "acre monitor runs scripts, in either language" {
    start
    printf '%s\n' stop '# a remark' '' 'info status' nonsense cont | "$acre" monitor s >got 2>err || st=$?
    [ "$st" = 1 ]
    [ "$(cat got)" = "$(printf 'event STOP\nVM status: paused\nevent RESUME')" ]
    grep -q "nonsense: unknown command" err
    printf '%s\n' query-name '{"execute":"query-name","id":5}' 'acre-why {"address":"0x0"}' |
        "$acre" monitor --json s >got
    [ "$(jq -sc '[.[0], .[1], .[2].winner]' got)" = '[{},{"return":{},"id":5},"ram"]' ]
    split "$acre" monitor nowhere stop
    fails_with "nowhere: No such file or directory"
    split "$acre" monitor
    fails_with "no socket given"
}

@test "acre monitor takes long answers" {
    start
    monitor x /65536i 0x100000
    [ "$status" -eq 0 ]
    [ "$(wc -l <out)" -eq 65536 ]
    [ "$(wc -c <out)" -gt 2000000 ]
}

@test "acre monitor says what is no monitor, and survives it" {
    local wanted answer
    cat >odd <<'END'
#!/bin/sh
echo '{"QMP":{"version":{},"capabilities":[]}}'
read -r line && echo '{"return":{}}'
read -r line && printf '%s\n' "$ODD"
END
    chmod +x odd
    while read -r wanted answer; do
        rm -f odd.sock
        ODD=$answer socat UNIX-LISTEN:odd.sock EXEC:./odd &
        pid=$!
        for _ in {1..100}; do
            [ ! -S odd.sock ] || break
            sleep 0.05
        done
        split "$acre" monitor odd.sock info status
        [ "$status" -eq "$wanted" ] || { echo "$answer: $status $stderr" && return 1; }
        [ -z "$output" ] || [ "$output" = ok ]
    done <<'END'
0 {"return":"ok\n"}
0 {"return":5}
0 {"return":{"a":[1]}}
0 {"event":5}{"event":"X","data":{"spaces":[5,{"removed":[1]}]}}{"return":"ok\n"}
1 {"error":7}
1 {"error":{"desc":[]}}
1 [1]
1 what
END
    split "$acre" monitor nowhere info
    [ "$stderr" = "acre: error: nowhere: No such file or directory" ]
    split "$acre" monitor odd info
    [ "$stderr" = "acre: error: odd: Connection refused" ]
    acre run --monitor unix:nowhere/s "$guests/hello.elf"
    [ "$stderr" = "acre: error: --monitor: unix:nowhere/s: No such file or directory" ]
}

@test "at a terminal acre monitor completes, remembers, and shows events when they come" {
    command -v tmux >/dev/null || skip "tmux is not installed"
    start
    screen() { tmux -L "acre-$$" "$@" 7>&-; }
    screen new-session -d -x 100 -y 30 "cd $PWD; $acre monitor s; echo left with \$?; sleep 9"
    shows() {
        for _ in {1..100}; do
            ! screen capture-pane -p | grep -q "$1" || return 0
            sleep 0.05
        done
        screen capture-pane -p
        return 1
    }
    shows "(acre)"
    screen send-keys inf Tab st Tab Enter
    shows "VM status: running"
    screen send-keys sy
    monitor stop
    shows "event STOP"
    shows "(acre) sy"
    screen send-keys C-u Up Enter
    shows "VM status: paused"
    screen send-keys C-d
    shows "left with 0"
    screen kill-server
}

@test "a client that floods and never reads waits, and others are served meanwhile" {
    start
    {
        echo '{"execute":"qmp_capabilities"}'
        yes '{"execute":"acre-query-flatview"}'
    } 7>&- | timeout 30 socat -u - UNIX-CONNECT:s 7>&- 2>/dev/null &
    flood=$!
    sleep 0.5
    for _ in {1..5}; do
        monitor info status
        [ "$output" = "VM status: running" ]
    done
    # What it did not read does not pile up: far less than the limit of a client.
    [ "$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status")" -lt 30000 ]
    printf t >&7
    wait_for out ticks
    kill "$flood"
}

@test "clients that connect and leave in numbers leave nothing behind" {
    start
    for _ in {1..40}; do
        socat -u UNIX-CONNECT:s /dev/null 7>&- &
        clients+=($!)
    done
    # Killed before it is socat, it would be this shell, which runs teardown when it ends.
    for client in "${clients[@]}"; do
        wait_for "/proc/$client/comm" socat
    done
    kill "${clients[@]}"
    wait "${clients[@]}" || true
    monitor info status
    [ "$output" = "VM status: running" ]
    [ "$(find /proc/"$pid"/fd -lname 'socket:*' | wc -l)" -le 2 ]
}
