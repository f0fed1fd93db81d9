#!/usr/bin/env bats
# acre inspect: the map in its formats, and why an address shows what it shows.
load helpers

@test "--why names the winner, the losers and the rule" {
    acre inspect --board puzzle --why 0xd1200004
    [ "$status" -eq 0 ]
    grep -Eq '^memory 0xd1200004, as regions are tried:$' out
    grep -Eq '^  \* +00000000d1200000-00000000d1200fff .* testdev-registers \+0x4: answers: before under by priority$' out
    grep -Eq ' under \+0x4: hidden by overlay of higher priority$' out
    grep -Eq '^  8: testdev-registers\+0x4 \(4\), testdev-registers\+0x8 \(4\)$' out
}
@test "--why tells of holes, of read-only memory with its slot, and of ports" {
    acre inspect --why 0xe0000000
    grep -Eq 'nobody answers: reads give 0xff in every byte, with a decode error$' out
    acre inspect --why 0xfffc0000
    grep -Eq '^slot [0-9]+: 00000000fffc0000-00000000fffc0fff read-only$' out
    grep -Eq '^  4, written: 4 ignored by rom, read-only$' out
    acre inspect --why io:0x71
    grep -Eq '^  2: rtc\+0x1 \(1\), 1 unassigned$' out
    ! grep -q '^  8' out
}
@test "--why as JSON has the same answer" {
    acre inspect --board puzzle --why 0xd1200004 --format json
    [ "$(jq -r .winner out)" = testdev-registers ]
    [ "$(jq -r '.steps[] | select(.state == "hidden") | .by' out)" = overlay ]
    [ "$(jq -c '[.accesses[] | select(.size == 8 and .write) | .pieces[].offset]' out)" = '["0x4","0x8"]' ]
}
@test "what is no address is refused" {
    for text in foo 0x 12q io:0x10000 io: -1; do
        acre inspect --why "$text"
        fails_with "--why"
    done
}
@test "--format json is one versioned object, the same in every run" {
    acre inspect --format json
    [ "$(jq -r '.format, .version' out | tr '\n' ' ')" = "acre-map 1 " ]
    [ "$(jq -r '."flat-views"[] | select(."address-spaces" | index("memory")) | .ranges[0].region' out)" = ram ]
    [ "$(jq '[.slots[] | select(.flags | index("readonly"))] | length' out)" -eq 1 ]
    cp out first
    acre inspect --format json
    cmp out first
    acre inspect --format xml
    fails_with "--format: xml"
}
