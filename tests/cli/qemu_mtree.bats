#!/usr/bin/env bats
# acre inspect --qemu-mtree: QEMU's own maps, captured in tests/qemu (by `capture` there).
load helpers

# compares TREE [FLAT]
compares() {
    acre inspect --qemu-mtree "$1" ${2:+--qemu-flat "$2"}
}

@test "every board that QEMU lists comes out equal, inferred as written down" {
    "$root/tests/qemu/verdicts" "$acre" >boards
    [ "$(grep -c '^== .*: equal: ' boards)" -ge 130 ]
    grep '^== ' boards | grep -v ': equal: ' && return 1
    diff "$root/tests/qemu/inferences" boards
}
@test "PAM: reads from RAM are a read-only alias, in a PC and in a Q35" {
    for board in pc-pam-read pc-seabios q35-pam-read q35-seabios; do
        compares "$root/tests/qemu/$board.tree" "$root/tests/qemu/$board.flat"
        [ "$status" -eq 0 ]
        [[ $output == *" (prio 0, rom): pc.ram"* && $output == *": pam-rom is read-only"* ]]
    done
}
@test "item 8.8: what QEMU lists as rom of KVM is read-only in acre's map" {
    compares "$root/tests/qemu/pc-kvm.tree" "$root/tests/qemu/pc-kvm.flat"
    [ "$status" -eq 0 ]
    grep -q '(prio 0, rom): pc.ram @00000000000d0000 KVM' "$root/tests/qemu/pc-kvm.flat"
    [[ $output == *"(prio 0, rom): pc.ram @00000000000d0000"* ]]
}
@test "section 7, defect 1: labels of dispatch trees by section index are passed over" {
    grep -q ' \[watch\]' "$root/tests/qemu/microvm-owners.flat"
    compares "$root/tests/qemu/microvm-owners.tree" "$root/tests/qemu/microvm-owners.flat"
    [ "$status" -eq 0 ]
}
@test "section 7, defect 2: children of a disabled region that is not listed are not live" {
    compares "$root/tests/qemu/pc-without-D.tree" "$root/tests/qemu/pc-without-D.flat"
    [ "$status" -eq 0 ]
    [[ $output == *"3 lines lie below a disabled region that is not listed"* ]]
}
@test "SMRAM: what is open to all, and what only a CPU in SMM sees" {
    for board in pc-smram-open pc-smram-closed q35-smram-open q35-smram-closed q35-tseg; do
        compares "$root/tests/qemu/$board.tree" "$root/tests/qemu/$board.flat"
        [ "$status" -eq 0 ]
    done
    compares "$root/tests/qemu/pc-smram-open.tree" "$root/tests/qemu/pc-smram-closed.flat"
    [ "$status" -eq 1 ]
    [[ $output == *$'\n- 00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem'* ]]
}
@test "a listing changed in any one line is different" {
    local num
    num=$(grep -n ' (prio ' "$root/tests/qemu/microvm.flat" | cut -d: -f1)
    for line in $num; do
        sed "${line}s/(prio \(-\{0,1\}[0-9]*\), /(prio 7\1, /" "$root/tests/qemu/microvm.flat" >changed
        compares "$root/tests/qemu/microvm.tree" changed
        [ "$status" -eq 1 ] && [[ $output == *$'\n-'* && $output == *$'\n'"different: "* ]] || {
            echo "line $line: status $status, $output"
            return 1
        }
    done
}
@test "without the flat listing the view and the assumptions are shown" {
    compares "$root/tests/qemu/pc.tree"
    [ "$status" -eq 0 ]
    [[ $output == *"(prio 0, i/o): serial"* && $output == *"pci assumed to be a pure container"* ]]
}
@test "the view that acre makes of a tree alone fits the tree" {
    local tree
    for tree in "$root"/tests/qemu/*.tree; do
        "$acre" inspect --qemu-mtree "$tree" | sed '/^inferences/,$d' >own.flat
        compares "$tree" own.flat
        [ "$status" -eq 0 ] || {
            echo "$tree: status $status, $output"
            return 1
        }
    done
}
@test "the flat listing alone, missing files and folders are one line of error" {
    acre inspect --qemu-flat "$root/tests/qemu/pc.flat"
    fails_with "--qemu-flat: wants --qemu-mtree"
    compares nosuch.tree
    fails_with "nosuch.tree: No such file"
    compares "$root/tests/qemu/pc.tree" nosuch.flat
    fails_with "nosuch.flat: No such file"
    compares /
    fails_with "/: Is a directory"
}
@test "a listing that is cut is an error or a difference" {
    local file size
    for file in tree flat; do
        size=$(stat -c %s "$root/tests/qemu/microvm.$file")
        for cut in 0 1 20 60 100 1000 2000 $((size - 200)) $((size - 2)); do
            cp "$root/tests/qemu/microvm.tree" "$root/tests/qemu/microvm.flat" .
            truncate -s "$cut" "microvm.$file"
            compares microvm.tree microvm.flat
            [ "$status" -eq 1 ] || fails_with "microvm.$file:"
        done
    done
}
@test "binary files, huge lines and listings in the wrong place are one line of error" {
    head -c 100000 /dev/urandom >noise
    compares noise
    fails_with "noise:"
    { cat "$root/tests/qemu/microvm.tree" && head -c 1000 /dev/zero; } >zeros
    compares zeros
    fails_with "zeros:"
    head -c 20000000 /dev/zero | tr '\0' x >huge
    compares huge
    fails_with "huge:1: longer than 4096 bytes"
    head -c 70000000 /dev/zero >larger
    compares larger
    fails_with "larger: larger than 64 MiB"
    compares "$root/tests/qemu/microvm.flat" "$root/tests/qemu/microvm.flat"
    fails_with "no address-space"
    compares "$root/tests/qemu/microvm.tree" "$root/tests/qemu/microvm.tree"
    fails_with "no FlatView"
}
@test "output that cannot be written" {
    status=0
    "$acre" inspect --qemu-mtree "$root/tests/qemu/pc.tree" >/dev/full 2>err </dev/null || status=$?
    # shellcheck disable=SC2034 # for fails_with
    stderr=$(cat err)
    fails_with "No space"
}
