#!/bin/bash
# Many clients of one monitor at once: commands of all kinds in any order, clients that leave in the
# middle of an answer, a guest that changes its memory map and makes exits meanwhile. The machine
# must still answer, and end well. It is made for builds that look for races and stray pointers. TAP.
# usage: tests/stress/monitor.sh ACRE GUESTS SECONDS
set -euo pipefail
acre=$(realpath "$1") guests=$(realpath "$2") seconds=$3
dir=$(mktemp -d)
cd "$dir"
mkdir save

# Commands of one client, without end; the argument makes them its own.
commands() { # SEED
    awk -v seed="$1" '
        function any(list,  words, num) { num = split(list, words, " "); return words[1 + int(rand() * num)] }
        function says(name, arguments) {
            print "{\"execute\":\"" name "\",\"arguments\":{" arguments "}}"
        }
        function human(line) { says("human-monitor-command", "\"command-line\":\"" line "\"") }
        BEGIN {
            srand(seed)
            print "{\"execute\":\"qmp_capabilities\"}"
            for (;;) {
                address = any("0 4096 1048576 50331648 50331656 3506438144 3507486736 3523215360 4276092928")
                kind = int(rand() * 20)
                if (kind == 0) { says("stop"); says(any("cont query-status")); says("cont") }
                else if (kind == 1) says("acre-dirty", "\"action\":\"" any("start sync stop") "\",\"block\":\"" \
                    any("ram pool bank-ram bank-rom flash") "\"")
                else if (kind == 2) says("acre-watch-add", "\"address\":" any("50331648 50331656 3506438144 3507486736") \
                    ",\"length\":" any("1 8 4096 9000") ",\"access\":\"" any("r w rw") "\"")
                else if (kind == 3 || kind == 4) says("acre-watch-del", "\"id\":" int(rand() * 200))
                else if (kind == 5) says("acre-trace-set", "\"event\":\"" \
                    any("pio mmio exits irq commit slots serial.THR all pio:addr=1016") "\",\"enable\":" any("true false"))
                else if (kind == 6) says("dump-guest-memory", "\"paging\":" any("true false") \
                    ",\"protocol\":\"file:d\",\"begin\":0,\"length\":65536")
                else if (kind == 7) says(any("memsave pmemsave"), "\"val\":" address ",\"size\":" int(rand() * 99999) \
                    ",\"filename\":\"m\"")
                else if (kind == 8) says("acre-addr", "\"address\":" address ",\"space\":\"" any("gva gpa") "\",\"cpu\":" any("0 1 2"))
                else if (kind == 9) says("acre-why", "\"address\":" address)
                else if (kind < 14) says(any("acre-query-slots acre-query-flatview acre-query-regions acre-query-exits " \
                    "acre-query-irq query-cpus-fast acre-query-time-line acre-watch-list x-query-ramblock"))
                else if (kind == 14) human("info mtree -" any("f fd o D"))
                else if (kind == 15) human(any("x/20i xp/200xg x/9c") " " address)
                else if (kind == 16) human(any("addr why gva2gpa gpa2hva gpa2hpa") " " address)
                else if (kind == 17) human("info " any("registers exits irq ramblock cpus status"))
                else if (kind == 18) says("inject-nmi")
                else if (rand() < 0.05) says("system_reset")
            }
        }'
}

# One client after the other, each for some hundredths of a second; some never read.
client() { # SEED
    local i=0
    while [ ! -e over ]; do
        i=$((i + 1))
        if [ $((i % 4)) -eq 0 ]; then
            commands "$1.$i" | timeout 0.$((i % 5 + 1)) socat -u - UNIX-CONNECT:sock
        else
            commands "$1.$i" | timeout 0.$((i % 9 + 1)) socat - UNIX-CONNECT:sock >"answers.$1"
        fi
    done 2>/dev/null || true
}

mkfifo keys
exec 7<>keys
"$acre" run --sandbox off --board puzzle --cpus 2 --save-dir save --watch 0x3000000 --trace commit=trace.jsonl \
    --monitor unix:sock "$guests/monitored.elf" <&7 >out 2>err &
machine=$!
until grep -qs ready out; do
    kill -0 "$machine"
    sleep 0.1
done
clients=()
for seed in 1 2 3 4 5 6; do
    client "$seed" &
    clients+=($!)
done
until [ "$SECONDS" -ge "$seconds" ] || ! kill -0 "$machine" 2>/dev/null; do
    printf mtx >&7
    sleep 0.1
done
touch over
wait "${clients[@]}" || true
status=0
timeout 30 "$acre" monitor sock cont || true
timeout 30 "$acre" monitor sock quit || status=$?
timeout 30 tail --pid="$machine" -f /dev/null || kill -9 "$machine"
wait "$machine" || status=$?
name="a monitor of many clients answers to the end, and the machine ends well"
if [ "$status" -eq 0 ] && [ -s answers.1 ]; then
    printf 'ok 1 - %s\n1..1\n' "$name"
    rm -rf "$dir"
else
    printf 'not ok 1 - %s\n' "$name"
    tail -n 60 err | sed 's/^/# /'
    printf '1..1\n'
fi
exit "$status"
