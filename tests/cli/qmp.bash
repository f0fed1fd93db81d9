# shellcheck shell=bash
# Loaded by the tests of monitors, after helpers.bash: a guest with a monitor, and its commands.

# Waits until a file has a line that matches the pattern.
wait_for_line() { # file pattern
    local tries=0
    until grep -Eqs "$2" "$1"; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ] || ! kill -0 "$pid" 2>/dev/null; then
            cat guest.out guest.err
            return 1
        fi
        sleep 0.1
    done
}

# Starts acre with a monitor and waits until the guest is ready. What send() is given is its input.
start_guest() {
    needs_kvm
    mkfifo keys
    exec 7<>keys
    "$acre" run --timeout 60 --monitor unix:sock "$@" >guest.out 2>guest.err <keys &
    pid=$!
    wait_for_line guest.out '^ready'
}
send() {
    printf '%b' "$1" >&7
}

teardown() {
    [ -z "${pid:-}" ] || kill "$pid" 2>/dev/null || true
}

# Sends the QMP commands on stdin, one a line; gives a line of JSON for each.
qmp() {
    { echo '{"execute": "qmp_capabilities"}' && cat && echo '{"execute": "query-name"}'; } |
        socat -t 10 - UNIX-CONNECT:sock | jq -c 'select(.event | not)' | sed '1,2d;$d'
}

# A QMP command with its arguments as JSON: its answer, or its error.
ask() { # command [arguments]
    jq -nc --arg command "$1" --argjson arguments "${2:-{\}}" \
        '{execute: $command, arguments: $arguments}' | qmp | jq -c '.return // .error.desc'
}

# A human command's text, or its error.
hmp() {
    jq -nc --arg line "$*" \
        '{execute: "human-monitor-command", arguments: {"command-line": $line}}' |
        qmp | jq -r '.return // .error.desc'
}
