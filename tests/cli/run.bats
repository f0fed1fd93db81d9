#!/usr/bin/env bats
# What `acre run` shows and leaves behind.
load helpers

@test "the guest's output is on stdout, its status is ours, and stderr is empty" {
    needs_kvm
    acre run "$guests/hello.elf"
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [[ $output == "Hello from a guest of acre."* ]]
}
@test "--result tells endings apart" {
    needs_kvm
    while read -r kind expected options; do
        # shellcheck disable=SC2086 # several words
        acre run --result result.json $options "$guests/crash.elf"
        [ "$status" -eq "$expected" ]
        grep -q "\"kind\": *\"$kind\"" result.json
        grep -q "\"status\": *$expected\b" result.json
        grep -q '"last_exits"' result.json
        jq -e '(.registers.rip and .instruction.at) or .crash.cpus[0].state == "last-exit"' result.json
        case $kind in
        exit | poweroff | reset) jq -e 'has("crash") | not' result.json ;;
        *) jq -e '.crash.version == 1 and .crash.cpus[0].rip.address' result.json ;;
        esac
    done <<'CASES'
exit 7 --append exit=7
exit 85 --exit-status qemu --append exit=42
poweroff 0 --append poweroff
reset 120 --append reset
idle-hang 121 --append hang
timeout 124 --timeout 1 --append spin
CASES
}
@test "--result never tells of an earlier run" {
    echo old >result.json
    acre run --result result.json nosuch.elf
    [ "$status" -eq 125 ]
    grep -q '"kind": *"fault"' result.json
    grep -q '"status": *125\b' result.json
    grep -q '"message": *".*nosuch.elf: No such file' result.json
}
# Runs a guest that only waits, sends acre the signal once the guest is there, and waits for the end.
signalled() { # signal wrapper...
    local sent=$1 pid
    shift
    "$@" "$acre" run --result result.json --timeout 3 --append doze "$guests/crash.elf" \
        >out 2>err </dev/null &
    pid=$!
    for _ in {1..100}; do
        grep -q doze out && break
        sleep 0.05
    done
    kill -s "$sent" $pid
    status=0
    wait $pid || status=$?
    stderr=$(cat err)
}
@test "a signal ends the run, and both say which" {
    needs_kvm
    signalled TERM env
    [ "$status" -eq 143 ]
    [[ $stderr == "acre: ended by signal 15 (Terminated)" ]]
    grep -q '"kind": *"signal"' result.json
    grep -q '"signal": *15' result.json
    signalled HUP env
    [ "$status" -eq 129 ]
}
@test "a run under nohup does not end with the terminal" {
    needs_kvm
    signalled HUP nohup
    [ "$status" -eq 124 ]
}
@test "a crash shows registers and instruction bytes on stderr" {
    needs_kvm
    acre run --result result.json --append triple "$guests/crash.elf"
    [ "$status" -eq 126 ]
    [[ $stderr == *"triple fault"* && $stderr == *rip* ]]
    grep -q '"kind": *"triple-fault"' result.json
}
@test "-v says in one line what was chosen and why the others did not fit" {
    needs_kvm
    acre run -v "$guests/elf64.elf"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'elf.*pvh\|pvh.*elf' err)" -ge 1 ]
}
@test "a closed or full stdout does not end the guest" {
    needs_kvm
    run "$acre" run "$guests/hello.elf" >&-
    [ "$status" -eq 0 ]
    status=0
    "$acre" run "$guests/hello.elf" >/dev/full || status=$?
    [ "$status" -eq 0 ]
    status=0
    { "$acre" run "$guests/hello.elf" || echo "$?" >reader-gone; } | head -c 5 >start
    [ ! -e reader-gone ]
}
@test "any of stdin, stdout and stderr may be closed, all of them as well" {
    needs_kvm
    for fds in "<&-" ">&-" "2>&-" "<&- >&- 2>&-"; do
        eval '"$acre" run "$guests/hello.elf" >out 2>err' "$fds"
    done
    status=0
    "$acre" run nosuch 2>&- || status=$?
    [ "$status" -eq 125 ]
}
@test "a command line of 100,000 characters reaches the guest" {
    needs_kvm
    long=$(printf 'a%.0s' {1..100000})
    acre run --append "$long" "$guests/hello.elf"
    [ "$status" -eq 0 ]
    [[ $output == *"command line \"$long\""* ]]
}
@test "bytes that are no program end in a verdict, whatever they are said to be" {
    needs_kvm
    head -c 5000 /dev/urandom >noise
    for bits in 16 32 64; do
        acre run --timeout 2 --flat $bits noise
        case $status in
        [0-9] | [1-9][0-9] | 1[01][0-9] | 12[0146]) ;;
        *) echo "flat $bits: $status $stderr" && return 1 ;;
        esac
    done
}
@test "--debug shows the map on stderr and leaves stdout to the guest" {
    needs_kvm
    acre run --debug tree,view,slots,commits "$guests/hello.elf"
    [ "$status" -eq 0 ]
    [[ $output == "Hello from a guest of acre."* ]]
    [[ $stderr == *"address-space: memory"* && $stderr == *FlatView* && $stderr == *slot* ]]
}
@test "--debug all is all of it in order, each part with its heading, and help lists the words" {
    needs_kvm
    acre run --debug all "$guests/hello.elf"
    [ "$status" -eq 0 ]
    [ "$(grep -oE '^(address-space: memory|FlatView #0|kvm-slots|commit 1):?' err | tr -d : | tr '\n' ,)" = \
        "address-space memory,FlatView #0,kvm-slots,commit 1," ]
    # Lines are a person's: none is long, and there are not more than of the parts.
    awk 'length > 160 { exit 1 }' err
    wc -l <err >all
    for part in tree view slots commits; do
        acre run --debug $part "$guests/hello.elf"
        wc -l <err
    done | awk '{ sum += $1 } END { print sum }' | diff - all
    acre inspect --debug all
    [[ $output == *"address-space: memory"*FlatView*kvm-slots*"commit 1"* ]]
    acre run --debug help
    for word in tree view slots commits all help; do
        grep -Eq "^  $word +[a-z]" out
    done
    # Each option it names is there.
    sed -n '/^of a run/,$p' out | grep -oE -- '(^|[ ,])--?[a-z-]+' | tr -d ' ,' | sort -u >named
    { "$acre" run --help && "$acre" inspect --help; } >helped
    while read -r option; do
        grep -qE -- "(^|[ ,])$option([ ,=[]|$)" helped || { echo "$option" && return 1; }
    done <named
}
@test "--dirty-ring runs the guest, or says at once why this KVM cannot" {
    needs_kvm
    split timeout 20 "$acre" run --dirty-ring 4096 "$guests/hello.elf"
    if [ "$status" -eq 0 ]; then
        [[ $output == "Hello from a guest of acre."* ]]
    else
        fails_with "--dirty-ring: this kernel's KVM "
        [ -z "$output" ]
    fi
}
@test "inspect is the same in every run" {
    acre inspect
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    first=$output
    acre inspect
    [ "$output" = "$first" ]
    [[ $first == *"address-space: memory"* ]]
}
@test "the tree that --dump-dtb writes makes the same board" {
    acre inspect --dump-dtb board.dtb -m 64M --cpus 2
    first=$output
    dtc -q -I dtb -O dts board.dtb | grep -q compatible
    acre inspect --board ./board.dtb
    [ "$output" = "$first" ]
}
@test "doctor says what this machine offers" {
    acre doctor
    [[ $output == */dev/kvm* ]]
    if "$root/scripts/have-kvm"; then
        [ "$status" -eq 0 ]
        [[ $output == *KVM_CAP_* ]]
    else
        [ "$status" -ne 0 ]
    fi
}
