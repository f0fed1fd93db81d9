#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2001 # dollars of gdb's and the monitor's; leading zeros
bats_require_minimum_version 1.5.0
# A guest's memory: saved, dumped for gdb, looked at, and what of it was written. The guest writes
# what it is told to (guest/scribble.c).
load helpers
load qmp

start_scribble() {
    mkdir -p save
    start_guest "$@" "$guests/scribble.elf"
}
# The guest has written the pages of that digit.
scribble() {
    send "$1"
    wait_for_line guest.out "$1"
}
# 8 bytes of a file as a number.
number_at() { # file offset
    od -An -tx8 -j "$2" -N 8 "$1" | tr -d ' '
}

@test "pmemsave and memsave have what the guest wrote, where it wrote it" {
    start_scribble --save-dir save
    scribble 3
    [ "$(ask pmemsave '{"val": 16777216, "size": 196608, "filename": "p"}')" = '{}' ]
    [ "$(stat -c %s save/p)" -eq 196608 ]
    for page in 3 19 35; do
        [ "$(number_at save/p $((page * 4096)))" = "$(printf %016x $((0x1000000 + page * 4096)))" ]
    done
    [ "$(tr -d '\0' <save/p | wc -c)" -eq 8 ] # 01003000, 01013000, 01023000
    # Not at a page, over a border, by number and by text.
    [ "$(ask memsave '{"val": "0x1002ffe", "size": 8192, "filename": "v", "cpu-index": 0}')" = '{}' ]
    [ "$(stat -c %s save/v)" -eq 8192 ]
    [ "$(number_at save/v 2)" = 0000000001003000 ]
    # The second time it is what it is then, no matter how long it was.
    scribble 4
    [ "$(ask pmemsave '{"val": 16793600, "size": 8, "filename": "p"}')" = '{}' ]
    [ "$(number_at save/p 0)" = 0000000001004000 ]
    [ "$(stat -c '%s %a' save/p)" = "8 600" ]
}

@test "a range that ends where no memory is, is refused before a file is made" {
    start_scribble --save-dir save
    while read -r command arguments error; do
        answer=$(ask "$command" "$arguments")
        [[ $answer == *"$error"* ]] || {
            echo "$command $arguments: $answer"
            return 1
        }
    done <<'EOF'
pmemsave {"val":0,"size":134217729,"filename":"f"} no memory at 0x8000000, the last byte
pmemsave {"val":134217728,"size":1,"filename":"f"} no memory at 0x8000000
pmemsave {"val":4273995776,"size":4,"filename":"f"} no memory at 0xfec00000
pmemsave {"val":0,"size":"0x8000000000000000","filename":"f"} no memory at 0x7fffffffffffffff
pmemsave {"val":1,"size":"0xffffffffffffffff","filename":"f"} no memory at 0xffffffffffffffff
pmemsave {"val":2,"size":"0xffffffffffffffff","filename":"f"} end before 2^64
pmemsave {"val":0,"size":0,"filename":"f"} must be 1 or more
pmemsave {"val":-1,"size":1,"filename":"f"} 'val' must be an address
pmemsave {"val":0,"size":1} 'filename' is missing
memsave {"val":4294967290,"size":9,"filename":"f"} no memory at linear address 0xfffffffa
memsave {"val":"0x800000000000","size":9,"filename":"f"} no memory at linear address 0x800000000000
memsave {"val":"0xffffffffffffffff","size":1,"filename":"f"} no memory at linear
memsave {"val":0,"size":"0x7fffffffffffffff","filename":"f"} must not exceed the guest's memory
memsave {"val":0,"size":1,"filename":"f","cpu-index":1} 'cpu-index' must be
memsave {"val":0,"size":1,"filename":"f","cpu-index":-1} 'cpu-index' must be
dump-guest-memory {"paging":false,"protocol":"fd:f"} must be file:NAME
dump-guest-memory {"paging":false,"protocol":"file:f","begin":0} come together
dump-guest-memory {"paging":false,"protocol":"file:f","begin":1,"length":"0xffffffffffffffff","x":1} 'x' is unexpected
dump-guest-memory {"paging":false,"protocol":"file:f","format":"win-dmp"} must be elf
dump-guest-memory {"paging":false,"protocol":"file:f","detach":true} must be false
EOF
    [ -z "$(ls save)" ]
}

@test "files are made below --save-dir and nowhere else, and other files stay as they are" {
    mkdir -p save/sub elsewhere
    echo precious >elsewhere/file
    ln -s ../elsewhere/file save/link
    ln -s ../elsewhere save/dir
    ln elsewhere/file save/twin
    mkfifo save/fifo
    start_scribble --save-dir save
    while read -r name error; do
        answer=$(ask pmemsave "{\"val\":0,\"size\":8,\"filename\":\"$name\"}")
        [[ $answer == *"$error"* ]] || {
            echo "$name: $answer"
            return 1
        }
    done <<EOF
../elsewhere/file leads out
$PWD/save/file leads out
/proc/self/root/f leads out
sub/../../elsewhere/file leads out
link a symbolic link
dir/file a symbolic link
twin has another name
fifo no regular file
sub Is a directory
. Is a directory
no/such No such file
EOF
    [ "$(ask pmemsave '{"val":0,"size":8,"filename":""}')" = '": No such file or directory"' ]
    [ "$(cat elsewhere/file)" = precious ]
    [ "$(ls elsewhere)" = file ]
    [ "$(ask pmemsave '{"val":0,"size":8,"filename":"sub/../sub/file"}')" = '{}' ]
    [ "$(stat -c %s save/sub/file)" -eq 8 ]
}

@test "without --save-dir nothing is written, and the error says what allows it" {
    start_scribble
    [[ $(ask pmemsave '{"val":0,"size":8,"filename":"f"}') == *"--save-dir DIR"* ]]
    [[ $(ask dump-guest-memory '{"paging":false,"protocol":"file:f"}') == *"--save-dir DIR"* ]]
    acre run --save-dir no/such "$guests/hello.elf"
    fails_with "--save-dir: no/such: No such file or directory"
}

@test "gdb opens a dump: registers, stack, memory by both kinds of address" {
    command -v gdb >/dev/null || skip "gdb is not installed"
    start_scribble --save-dir save --cpus 2
    scribble 7
    for paging in true false; do
        [ "$(ask dump-guest-memory "{\"paging\":$paging,\"protocol\":\"file:core\"}")" = '{}' ]
        rip=$(hmp info registers | grep -oE 'RIP=[0-9a-f]+|rip=[0-9a-f]+' | head -1 | cut -d= -f2)
        gdb -nx -batch -ex 'info threads' -ex 'thread 1' -ex 'p/x $rip' -ex 'p/x $cs' -ex bt \
            -ex 'x/gx 0x1007000' -ex 'thread 2' "$guests/scribble.elf" save/core >gdb.out 2>&1
        cat gdb.out
        grep -q "= 0x$(sed 's/^0*//' <<<"$rip")$" gdb.out
        grep -Eq '#[0-9]+ .* main \(' gdb.out
        grep -Eq '^0x1007000:.*0x0*1007000$' gdb.out
        grep -q 'LWP 2' gdb.out
        [ "$(stat -c %a save/core)" = 600 ]
        [ "$(stat -c %b save/core)" -lt 4096 ] # of 128 MiB: zeros are holes
    done
    [ "$(ask dump-guest-memory '{"paging":true,"protocol":"file:core"}')" = '{}' ]
    gdb -nx -batch -ex 'x/gx 0x8000000001007000' "$guests/scribble.elf" save/core 2>&1 |
        grep -Eq 'x*8000000001007000:.*0x0*1007000$'
    [ "$(ask dump-guest-memory \
        '{"paging":false,"protocol":"file:part","begin":16805888,"length":4096}')" = '{}' ]
    readelf -lW save/part >part
    grep -Eq 'LOAD .* 0x0*1007000 0x0*1007000 0x0*1000 ' part
    [ "$(grep -c LOAD part)" -eq 1 ]
    [ "$(ask query-status | jq -r .status)" = running ]
}

@test "a dump holds the machine and lets it go, unless somebody else holds it" {
    start_scribble --save-dir save
    printf '%s\n' '{"execute": "qmp_capabilities"}' \
        '{"execute": "dump-guest-memory", "arguments": {"paging": false, "protocol": "file:a"}}' \
        '{"execute": "stop"}' \
        '{"execute": "dump-guest-memory", "arguments": {"paging": false, "protocol": "file:b"}}' \
        '{"execute": "query-status"}' |
        socat -t 10 - UNIX-CONNECT:sock | jq -r '.event // .return.status // empty' >said
    [ "$(tr '\n' ' ' <said)" = "STOP RESUME STOP paused " ]
}

@test "--core has a guest that crashed or hangs, and gdb sees where" {
    needs_kvm
    command -v gdb >/dev/null || skip "gdb is not installed"
    for way in triple hang; do
        acre run --core "core.$way" --append "$way" "$guests/crash.elf"
        [[ $stderr == *"core written to core.$way"* ]]
        gdb -nx -batch -ex bt "$guests/crash.elf" "core.$way" >"gdb.$way" 2>&1
        cat "gdb.$way"
        [ "$(stat -c %b "core.$way")" -lt 4096 ]
    done
    grep -Eq '^#0 .*guest_hang' gdb.hang
    grep -Eq '^#1 .*main' gdb.hang
    # A CPU that has been reset by then (SVM) is at its reset vector.
    grep -Eq '^#0 .*(triple \(|0xfff0)' gdb.triple
}

@test "--core stays empty after a good end, and a full disk is told of" {
    needs_kvm
    acre run --core core "$guests/hello.elf"
    [ "$status" -eq 0 ]
    [ -f core ] && [ ! -s core ]
    acre run --core /dev/full --append hang "$guests/crash.elf"
    [ "$status" -eq 121 ]
    [[ $stderr == *"acre: error: --core: /dev/full: No space left on device"* ]]
    acre run --core no/such "$guests/hello.elf"
    fails_with "--core: no/such: No such file or directory"
}

@test "x and xp show memory in every format, by expressions with registers" {
    start_scribble
    scribble 1
    [ "$(hmp xp 0x1001000)" = "0000000001001000: 0x01001000" ]
    [ "$(hmp xp/2xg 0x1001000)" = "0000000001001000: 0x0000000001001000 0x0000000000000000" ]
    [ "$(hmp x /1dg 0x1001000)" = "0000000001001000:             16781312" ]
    [ "$(hmp x /4xb 0x1000fff+1)" = "0000000001001000: 0x00 0x10 0x00 0x01" ]
    [[ $(hmp 'x /gx $rip') =~ ^[0-9a-f]{16}:\ 0x[0-9a-f]{16}$ ]]
    [ "$(hmp 'x /xb 0x1001000+$rsp-$rsp --cpu 0')" = "0000000001001000: 0x00" ]
    [ "$(hmp xp /2xw 0x7fffff8)" = "0000000007fffff8: 0x00000000 0x00000000" ]
    [ "$(hmp xp /5xw 0x7fffff0 | sed -n 2p)" = "0000000008000000: Cannot access memory" ]
    [ "$(hmp xp /xw 0xfec00000)" = "00000000fec00000: Cannot access memory" ]
    [[ $(hmp x) == *"wants an address"* ]]
    [[ $(hmp x /0x 0) == *"the count is 1 to 65536"* ]]
    [[ $(hmp x /99999999999999999999x 0) == *"the count is"* ]]
    [[ $(hmp x /1q 0) == *"wants a count"* ]]
    [[ $(hmp 'x $nope') == *"not an address"* ]]
    [[ $(hmp x 0 --cpu 1) == *"--cpu 1: there are 1"* ]]
}

# The pages of the guest's memory at 16 MiB that acre-dirty tells of, by number.
dirty_pages() {
    ask acre-dirty '{"action": "sync", "block": "ram"}' | jq -c '[.ranges[] |
        range(.offset / 4096; (.offset + .length) / 4096) - 4096 | select(. >= 0 and . < 4096)]'
}

@test "acre-dirty sees exactly the pages that the guest wrote" {
    start_scribble
    [[ $(ask acre-dirty '{"action": "sync", "block": "ram"}') == *"was not started"* ]]
    [[ $(ask acre-dirty '{"action": "stop", "block": "ram"}') == *"was not started"* ]]
    [[ $(ask acre-dirty '{"action": "start", "block": "nope"}') == *"no such RAM block"* ]]
    [[ $(ask acre-dirty '{"action": "begin", "block": "ram"}') == *"start, sync or stop"* ]]
    scribble 9
    [ "$(ask acre-dirty '{"action": "start", "block": "ram"}')" = '{}' ]
    [ "$(dirty_pages)" = '[]' ]
    scribble 2
    scribble 3
    [ "$(dirty_pages)" = '[2,3,18,19,34,35]' ]
    [ "$(dirty_pages)" = '[]' ]
    # A second start takes nothing from the first, and a stop for each ends it.
    scribble 5
    [ "$(ask acre-dirty '{"action": "start", "block": "ram"}')" = '{}' ]
    [ "$(dirty_pages)" = '[5,21,37]' ]
    [ "$(ask acre-dirty '{"action": "stop", "block": "ram"}')" = '{}' ]
    send 5
    scribble 8
    [ "$(dirty_pages)" = '[5,8,21,24,37,40]' ]
    [ "$(ask acre-dirty '{"action": "stop", "block": "ram"}')" = '{}' ]
    [[ $(ask acre-dirty '{"action": "sync", "block": "ram"}') == *"was not started"* ]]
    # What was written in between is of no interest.
    scribble 6
    [ "$(ask acre-dirty '{"action": "start", "block": "ram"}')" = '{}' ]
    scribble 0
    [ "$(dirty_pages)" = '[0,16,32]' ]
    send '\004'
    wait "$pid"
}
