#!/bin/sh
# Guests a second: `acre test` on a suite of trivial guests, beside a loop that starts QEMU's microvm
# for the same guest as many at a time. usage: suite.sh BUILD-DIRECTORY
# BENCH_GUESTS=n guests for acre (default 300), a tenth of them for QEMU; BENCH_JOBS=n (2) at a time.
set -eu
build=$1 guests=${BENCH_GUESTS:-300} jobs=${BENCH_JOBS:-2}
qemu=/usr/bin/qemu-system-x86_64
guest=$build/guest/bench_pvh.elf
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# a list of $2 guests on board $1
list() {
    seq "$2" | while read -r i; do
        printf '[%s-%d]\nkernel = %s\nboard = %s\n' "$1" "$i" "${guest##*/}" "$1"
    done
}

# line NAME NUMBER COMMAND...: NUMBER guests take COMMAND how long?
line() {
    name=$1 number=$2
    shift 2
    start=$(date +%s%N)
    if "$@" >"$dir/out" 2>&1; then
        awk -v name="$name" -v number="$number" -v ns=$(($(date +%s%N) - start)) 'BEGIN {
            printf "  %-34s %9.1f guests/s   (%d in %.2f s)\n", name, number * 1e9 / ns, number, ns / 1e9
        }'
    else
        echo "  $name FAILED"
        tail -n 20 "$dir/out" >&2
        return 1
    fi
}

# isa-debug-exit makes status 1 of the guest's 0
qemu_loop() {
    # shellcheck disable=SC2016 # for the shells that xargs starts
    seq "$1" | xargs -P "$jobs" -I{} sh -c '
        rc=0
        "$1" -M microvm -accel kvm -m 128 -nodefaults -no-user-config -no-reboot -display none \
            -serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$2" </dev/null || rc=$?
        [ $rc -eq 1 ]' - "$qemu" "$guest"
}

echo
echo "a suite of trivial guests, $jobs at a time (aim 100 guests/s)"
for board in bare pc; do
    list $board "$guests" >"$dir/$board.list"
    line "acre test, board $board" "$guests" \
        "$build/acre" test -j "$jobs" --guests "$build/guest" "$dir/$board.list"
done
if [ -x $qemu ]; then
    some=$(((guests + 9) / 10))
    line "qemu microvm, a loop" $some qemu_loop $some
else
    echo "  qemu microvm, a loop               not here"
fi
