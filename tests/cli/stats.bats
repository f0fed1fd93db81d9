#!/usr/bin/env bats
# --stats, the monitor's profile and `acre top`, of guests whose accesses are known.
load helpers

teardown() {
    [ -z "${top_screen:-}" ] || tmux -L "$top_screen" kill-server || true
    [ -z "${machine:-}" ] || kill "$machine" 2>/dev/null || true
}

# Rows of the JSON profile in $1: jq's filter $2.
of() {
    jq -c "$2" "$1"
}

@test "--stats counts each access once, for its register, its instruction and who did not answer" {
    needs_kvm
    acre run --stats=json:profile.json --timeout 30 "$guests/profiled.elf"
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "$(of profile.json '[.format, .version, .cpus]')" = '["acre-exits",1,1]' ]
    run of profile.json '[.unassigned[] | [.space, .address, .direction, .exits, .items, .sizes]]'
    [ "$output" = '[["io","0x4e","read",812,812,[1]],["memory","0xd0000000","write",37,37,[4]]]' ]
    [ "$(of profile.json '.unassigned[0].first')" != null ]
    [[ $(of profile.json '.unassigned[0].first') == '"probe_super_io'* ]]
    [[ $(of profile.json '.unassigned[1].first') == '"write_nowhere'* ]]
    run of profile.json '.places[] | select(.address == "0x3ff" and .direction == "read" and (.first |
        startswith("read_scratch") or startswith("console"))) | [.region, .offset]'
    [ "$output" = '["serial","0x7"]' ]
    [ "$(of profile.json '[.code[] | select(.symbol | startswith("probe_super_io")) | .exits]')" = '[812]' ]
    [ "$(of profile.json '[.code[] | select(.symbol | startswith("write_nowhere")) | .exits] | add')" = 37 ]
    [ "$(of profile.json '[.code[] | select(.symbol | startswith("read_scratch")) | .exits] | max')" = 100 ]
    # Whichever way they are sorted, they are the same exits.
    [ "$(of profile.json '.exits == ([.reasons[].exits] | add) and .exits == ([.code[].exits] | add) and
        .exits == ([(.places + .unassigned)[].exits] | add) and .exits == (."cpu-exits" | add)')" = true ]
    [ "$(of profile.json '[.places[], .unassigned[], .code[]] | all(.ns >= ."max-ns" and .ns > 0)')" = true ]
    [ "$(of profile.json '.lost')" = '{"places":0,"code":0}' ]
    [ "$(of profile.json '."time-line" | map(.ns) == (map(.ns) | sort) and .[-1].stage == "end"')" = true ]
    [ "$(of profile.json '.kvm.cpus[0] == {} or .kvm.cpus[0].exits >= 900')" = true ]
}

@test "--stats is text on stderr, after all that the guest and acre say" {
    needs_kvm
    acre run --stats -v --timeout 30 "$guests/profiled.elf"
    [ "$status" -eq 0 ]
    [[ $stderr == *"guest exited"*$'\n'*" exits in "*" % in the guest, "*" % serving"* ]]
    [[ $stderr == *$'\nnobody answered\n  port 0x4e: 812 reads, first at probe_super_io'*$'\n'* ]]
    [[ $stderr == *$'\n  memory 0xd0000000: 37 writes, first at write_nowhere'* ]]
    [[ $stderr == *"  first entry"*"  end" ]]
}

@test "--stats draws a heat map with a row for each register" {
    needs_kvm
    acre run --stats=svg:map.svg --stats=json:profile.json --timeout 30 "$guests/profiled.elf"
    [ "$status" -eq 0 ]
    xmllint --noout map.svg
    [ "$(grep -c 'class="number"' map.svg)" -eq "$(jq '.places + .unassigned | length' profile.json)" ]
    grep '>port 0x4e read nobody<' map.svg
    # What the cells of that row say adds up.
    awk '/>port 0x4e read nobody</ { on = 1; next } /<text/ { on = 0 } on' map.svg |
        sed -E 's/.*<title>([0-9]+) exits.*/\1/' | awk '{ sum += $1 } END { exit sum != 812 }'
}

@test "a profile changes neither output nor status" {
    needs_kvm
    for guest in pio mmio paging; do
        acre run --timeout 30 "$guests/$guest.elf"
        cp out plain
        plain=$status
        acre run --timeout 30 --stats=json:profile.json "$guests/$guest.elf"
        [ "$status" -eq "$plain" ]
        diff plain out
        [ -z "$stderr" ]
        jq -e '.exits > 0' profile.json
    done
}

@test "--stats says what is wrong with its value, or its file" {
    for value in xml text: json:; do
        acre run --stats="$value" "$guests/hello.elf"
        fails_with "--stats: $value: wants text"
    done
    acre run --stats= "$guests/hello.elf"
    fails_with "--stats: is empty"
    acre run --stats=json:/nonexistent/x "$guests/hello.elf"
    fails_with "--stats: /nonexistent/x: No such file"
    acre run --stats --stats --stats --stats --stats "$guests/hello.elf"
    fails_with "--stats: more than 4"
}

# A guest that waits for letters on the FIFO `keys`.
start_machine() {
    mkfifo keys
    "$acre" run --monitor unix:socket --timeout 60 "$guests/monitored.elf" <>keys >console 2>&1 3>&- &
    machine=$!
    timeout 10 sh -c 'until grep -q ready console; do sleep 0.05; done'
}

# Has the guest read its timer $1 times.
press_t() {
    for ((i = 1; i <= $1; i++)); do
        printf t >keys
        timeout 10 sh -c "until [ \$(grep -c ticks console) -eq $i ]; do sleep 0.02; done"
    done
}

@test "the monitor tells the profile and the time line while the guest runs" {
    needs_kvm
    start_machine
    "$acre" monitor --json socket acre-query-exits >first
    press_t 3
    "$acre" monitor --json socket acre-query-exits >second
    run jq '[.places[] | select(.address == "0x608") | .exits] | add' first second
    [ "$output" = $'null\n3' ]
    "$acre" monitor --json socket acre-query-time-line >stages
    jq -e 'map(.stage) | index("first entry") < index("first output")' stages
    "$acre" monitor socket info exits >text
    grep -E '^ +3 .* read \(port 0x608\), first at (main|obey)' text
    run "$acre" monitor --json socket acre-query-exits '{"x": 1}'
    [ "$status" -eq 1 ]
}

@test "acre top --once prints what there is, in the order that is asked for" {
    needs_kvm
    start_machine
    "$acre" top --once --sort exits socket >shown
    head -1 shown | grep -E '^[0-9]+ exits in [0-9.]+ s, '
    grep -E '^ +[0-9]+ +[0-9]+ +[0-9.]+ +[0-9.]+  port 0x3f8 write serial\+0x0$' shown
    grep -E ' port$' shown
    awk '/register$/ { on = 1; next } on && !NF { exit } on { print $2 }' shown >exits
    [ -s exits ]
    sort -c -n -r exits
    for wrong in "" "--sort size socket" "socket another"; do
        # shellcheck disable=SC2086 # words
        acre top $wrong
        fails_with ""
    done
    acre top --once nowhere
    fails_with "nowhere"
    acre top socket
    fails_with "no terminal"
    [ -z "$output" ]
}

@test "acre top shows rows in a terminal, follows the guest, obeys keys, and quits on q" {
    needs_kvm
    start_machine
    top_screen=acre-top-$$
    tmux -L "$top_screen" -f /dev/null new-session -d -x 100 -y 24 \
        "'$acre' top socket; echo \"status \$?\"; sleep 60"
    screen() {
        tmux -L "$top_screen" capture-pane -p
    }
    shows() {
        for _ in {1..100}; do
            screen | grep -E -- "$1" && return 0
            sleep 0.1
        done
        screen
        return 1
    }
    shows 'port 0x3f8 write serial'
    press_t 5
    shows ' 5 .* port 0x608 read'
    tmux -L "$top_screen" send-keys Tab
    shows 'instruction'
    shows '0x[0-9a-f]+ (main|obey)'
    tmux -L "$top_screen" send-keys Tab
    shows 'mean us  reason'
    tmux -L "$top_screen" send-keys q
    shows 'status 0'
}

@test "acre top ends with the machine" {
    needs_kvm
    start_machine
    top_screen=acre-top-$$
    tmux -L "$top_screen" -f /dev/null new-session -d -x 100 -y 24 \
        "'$acre' top socket; echo \"status \$?\"; sleep 60"
    sleep 0.5
    printf '\004' >keys
    for _ in {1..100}; do
        tmux -L "$top_screen" capture-pane -p | grep -q 'status 125' && return 0
        sleep 0.1
    done
    return 1
}
