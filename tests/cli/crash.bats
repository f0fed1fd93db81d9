#!/usr/bin/env bats
# The crash report: what is told of a guest that died or hangs, on stderr and as JSON.
load helpers

crash() {
    needs_kvm
    acre run --timeout 2 --result result.json "$@" "$guests/crash.elf"
}

# On SVM the CPU is reset at a triple fault; the registers are then those of an exit before it.
reset_by_kvm() {
    [ "$(jq -r '.crash.cpus[0].state' result.json)" = last-exit ]
}

@test "a triple fault: the instruction, the gates, the way there, the last exits and lines" {
    crash --append triple
    [ "$status" -eq 126 ]
    [ "$(wc -l <err)" -ge 20 ] && [ "$(wc -l <err)" -le 60 ]
    grep -q '^acre: ? 0x[0-9a-f]* <main+0x' err
    grep -q '^acre:   exception #DF (8), a guess.*: ' err
    grep -q '^acre:   cpu 0 shutdown$' err
    grep -q '^acre: | crash: triple$' err
    if ! reset_by_kvm; then
        grep -q '^acre: > 0x[0-9a-f]*: 0f 0b  *ud2 <triple+0x' err
        grep -q '^acre:   0x[0-9a-f]*: 0f 01 1d .* lidt ' err
        grep -q "exception #UD (6), a guess: no handler: gate at 0x60 is beyond the table's limit" err
        jq -e '.crash.cpus[0] | .rip.symbol == "triple+0x7" and .code[1].text == "ud2" and
            .exceptions[0].name == "#UD" and .bits == 64' result.json
    fi
    jq -e '.crash.serial[0] | .name == "stdout" and .lines == ["crash: triple"]' result.json
}
@test "a call to where nothing is: who called" {
    crash --append internal
    [ "$status" -eq 126 ]
    grep -q '^acre: code at 0xd0000000 is not readable$' err
    grep -q '^acre:   0x[0-9a-f]* <internal+0x' err
    jq -e '.crash.cpus[0].stack[0] | .how == "frame" and (.symbol | startswith("internal+"))' \
        result.json
}
@test "a hang and a time-out: where each CPU stands" {
    crash --cpus 2 --append hang
    [ "$status" -eq 121 ]
    grep -q '^acre: cpu 0 at 0x[0-9a-f]* <guest_hang+0x.*, IF 0, halted$' err
    grep -q '^acre: cpu 1 at .* 16-bit code, paging off, .* never started$' err
    [ "$(jq '.crash.cpus | length' result.json)" -eq 2 ]
    crash --append spin
    [ "$status" -eq 124 ]
    grep -q '^acre: > 0x[0-9a-f]*: .* jmp .*<spin' err
    jq -e '.crash.cpus[0].rip.symbol | startswith("spin")' result.json
}
@test "--crash-report chooses how much; --result has all of it in any case" {
    crash --crash-report none --append internal
    [ "$(wc -l <err)" -eq 1 ]
    jq -e '.crash.cpus[0].segments.cs.selector' result.json
    crash --crash-report full --append internal
    grep -q '^acre:   cs  0008 base 0x0 limit 0xffffffff ' err
    grep -q '^acre:   rip 0xd0000000 is at physical 0xd0000000, page of 0x[0-9a-f]*$' err
    grep -q '^acre:     PML4E 0x[0-9a-f]*: [0-9a-f]\{16\} P RW' err
    grep -q '^acre:   gdt base 0x.*; idt base 0x' err
    acre run --crash-report some "$guests/crash.elf"
    fails_with '--crash-report: some: wants none, short or full'
}
@test "a guest that ends well, or by its own status, has no report" {
    crash --append exit=3
    [ "$status" -eq 3 ]
    [ "$(wc -l <err)" -eq 1 ]
    jq -e 'has("crash") | not' result.json
}
@test "a kernel without symbols has a report without names" {
    needs_kvm
    strip -o stripped.elf "$guests/crash.elf"
    acre run --timeout 2 --append internal stripped.elf
    [ "$status" -eq 126 ]
    grep -q '^acre:   0x[0-9a-f]*$' err
    grep -q '<' err && return 1
    true
}
@test "acre test shows where a guest died" {
    needs_kvm
    printf '[nowhere]\nkernel = crash.elf\nappend = internal\n' >one.list
    acre test --guests "$guests" one.list
    [ "$status" -eq 1 ]
    grep -q '^    0xd0000000: not readable$' out
    grep -q '^    from 0x[0-9a-f]* <internal+0x' out
    grep -q '^    from? 0x[0-9a-f]* <main+0x' out
    grep -A 20 '^  stderr: |$' out | grep -q 'last exits' && return 1
    true
}
