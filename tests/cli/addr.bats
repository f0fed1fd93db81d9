#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Addresses of a running guest, followed to the host. The guest knows what its page tables say.
load helpers
load qmp

# What acre-addr found for each, in the words of the guest.
# shellcheck disable=SC2016 # jq's
as_the_guest_says='.return | .linear as $linear |
    ["expect", .cpu, .address,
        if $linear.levels == [] then "-" else
            $linear.levels | map(.address + "=" + (.value // "?")) | join(",") end,
        $linear.gpa // "-", $linear["page-size"] // "-",
        if $linear.result != "ok" then $linear.result else
            [if $linear.writable then "writable" else "read-only" end,
             if $linear.user then "user" else "supervisor" end,
             if $linear.executable then "executable" else "no code" end,
             if $linear.global then "global" else empty end] | join(", ") end] | join(" ")'

@test "every kind of page table entry means what the guest built it to mean, on each CPU" {
    start_guest --cpus 2 --append "wait cpus=2" "$guests/paging.elf"
    run ! grep '^not ok' guest.out
    grep '^expect' guest.out >expected
    [ "$(wc -l <expected)" -ge 22 ]
    awk '{ printf "{\"execute\": \"acre-addr\", \"arguments\": {\"address\": \"%s\", \"cpu\": %s}}\n",
        $3, $2 }' expected | qmp >answers
    jq -r "$as_the_guest_says" answers >found
    diff expected found
    # KVM walks the same tables, but does not look whether an address is canonical, and is not asked
    # where that would set accessed bits: the guest has left two pages alone.
    jq -r '.return.linear | select(.result != "not a canonical address").kvm.result' answers |
        grep -v '^agrees$' >others
    [ "$(cat others)" = $'not asked\nnot asked' ]
    # What was looked at is as it was.
    awk '{ printf "{\"execute\": \"acre-addr\", \"arguments\": {\"address\": \"%s\", \"cpu\": %s}}\n",
        $3, $2 }' expected | qmp | jq -r "$as_the_guest_says" | diff expected -
}

@test "a page goes from guest to host and back" {
    start_guest --board puzzle --append wait "$guests/paging.elf"
    hva=$(hmp gpa2hva 0xd1100123 | sed 's/.* is //')
    hmp gpa2hva 0xd1100123 | grep -qx "Host virtual address for 0xd1100123 (pool) is $hva"
    # The pool, the window that shows its beginning, and one whose pages are not those of the host.
    hmp "addr hva:$hva" >found
    grep -q "^hva $(printf 0x%016x "$hva"): RAM block pool + 0x123, " found
    [ "$(grep '^gpa' found)" = 'gpa 0x00000000d1100123: system / window -> pool
gpa 0x00000000d2000123: system / pool
gpa 0x00000000d3500800: system / askew -> pool' ]
    hmp "addr gpa:0xd1100123" >found
    grep -qx '  range 00000000d1100000-00000000d110ffff (prio 0, ram): pool + 0x123' found
    grep -qE '^  slot [0-9]+: 00000000d1100000-00000000d110ffff$' found
    # Where it is in the host is not known before somebody has touched it.
    grep -qx 'hpa none: the page was not touched yet' found
    hmp gpa2hpa 0xd1100123 | grep -qx 'Host physical address: none: the page was not touched yet'
    hmp addr gpa:0x1000000 | grep -qxE 'hpa 0x[0-9a-f]{13}000'
    hmp gpa2hpa 0x1000008 | grep -qxE \
        'Host physical address for 0x1000008 \(ram\) is 0x[0-9a-f]*[1-9a-f][0-9a-f]*008'
}

@test "addresses that show no memory say who answers, and what an access does" {
    start_guest --append wait "$guests/paging.elf"
    hmp addr 0xffff800000005020 >found
    grep -qx 'gpa 0x00000000fee00020: system / lapic' found
    grep -qx '  no slot: reserved, as is what KVM serves itself' found
    hmp addr gpa:0xfed000f0 >found
    grep -qx 'gpa 0x00000000fed000f0: system / hpet' found
    grep -qx '  no slot: accesses trap' found
    grep -qx '  4: hpet+0xf0 (4)' found
    hmp addr gpa:0xd0000030 >found
    grep -qx 'gpa 0x00000000d0000030: nobody answers' found
    grep -q 'nobody answers: reads give 0xff' found
    [ "$(hmp gpa2hva 0xfed000f0)" = 'Memory at address 0xfed000f0 is not RAM' ]
    [ "$(hmp gpa2hpa 0xd0000030)" = 'No memory is mapped at address 0xd0000030' ]
    [ "$(hmp gva2gpa 0xffff800000212345)" = 'gpa: 0x1212345' ]
    [ "$(hmp gva2gpa 0xffff800000400000)" = Unmapped ]
}

@test "a watched page is still followed to the host" {
    start_guest --watch 0x1000000:4:rw --append wait "$guests/paging.elf"
    hmp addr 0xffff800000000123 >found
    grep -q '^gpa 0x0000000001000123: system / watch' found
    grep -qx '  no slot: accesses trap' found
    grep -q '^hva 0x[0-9a-f]*: RAM block ram + 0x1000123, anonymous$' found
    hva=$(sed -n 's/^hva \(0x[0-9a-f]*\).*/\1/p' found)
    hmp "addr hva:$hva" | grep -q '^gpa 0x0000000001000123: system / watch'
}

@test "what is no address, no CPU, or no memory of acre's is refused" {
    start_guest --append wait "$guests/paging.elf"
    [ "$(hmp addr 0x1000 --cpu 1)" = 'there is no CPU 1' ]
    [ "$(hmp addr hva:0x1000)" = 'no RAM block holds host address 0x1000' ]
    [[ "$(hmp addr)" == *'not an address'* ]]
    [[ "$(hmp addr io:0x10)" == 'io: not an address space (gva, gpa or hva)' ]]
    [[ "$(hmp gpa2hva hva:0x10)" == 'hva:0x10: not a gpa' ]]
    answer=$(echo '{"execute": "acre-addr", "arguments": {"address": true}}' | qmp)
    [[ $answer == *"Parameter 'address' must be an address"* ]]
    answer=$(echo '{"execute": "acre-addr", "arguments": {"address": 1, "space": "x"}}' | qmp)
    [[ $answer == *"Parameter 'space' must be gva, gpa or hva"* ]]
    answer=$(echo '{"execute": "acre-addr", "arguments": {"address": 1, "cpu": -1}}' | qmp)
    [[ $answer == *"Parameter 'cpu' must be the number of a CPU"* ]]
}

@test "without CAP_SYS_ADMIN the kernel hides where a page is, and acre says so" {
    [ "$(id -u)" -eq 0 ] || skip "not root: there is no capability to give up"
    printf '#!/bin/sh\nexec setpriv --bounding-set=-sys_admin "%s" "$@"\n' "$acre" >less
    chmod +x less
    acre=$PWD/less start_guest --append wait "$guests/paging.elf"
    hmp addr gpa:0x1000000 | grep -qx \
        'hpa hidden: the kernel tells it only to CAP_SYS_ADMIN (page is present)'
}

@test "before the first instruction paging is as the loader left it" {
    needs_kvm
    "$acre" run --timeout 60 --monitor unix:sock -S --flat 32 "$guests/flat32.bin" >guest.out 2>&1 &
    # shellcheck disable=SC2034 # teardown ends it
    pid=$!
    until [ -S sock ]; do sleep 0.1; done
    [ "$(hmp addr 0x100000 | head -n 2)" = 'gva 0x0000000000100000 on CPU 0, paging off
  KVM_TRANSLATE agrees' ]
    hmp addr 0x100000000 | grep -qx '  no translation: above 4 GiB'
}
