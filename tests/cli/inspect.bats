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
    [ "$(grep -c '^  8' out)" -eq 0 ]
}
@test "--why says where an IOMMU leads, and the space behind it is shown" {
    acre inspect --board puzzle --why 0xd3801ffc
    [ "$status" -eq 0 ]
    grep -Eq '^  4: 4 translated by iommu to behind iommu 0xeffc$' out
    grep -Eq '^  8, written: 4 translated by iommu to behind iommu 0xeffc, 4 not permitted by iommu$' out
    acre inspect --board puzzle --why 0xd3801ffc --format json
    [ "$(jq -c '[.accesses[] | select(.size == 8 and .write) | .pieces[] | ."target-space", ."target-address"]' out)" = \
        '["behind iommu","0xeffc",null,null]' ]
    acre inspect --board puzzle
    [ "$(sed -n '/^address-space: behind iommu$/,/^$/p' out | tail -n +3)" = \
        "    0000000000000000-00000000000fffff (prio 0, ram): alias target @pool 0000000000000000-00000000000fffff" ]
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
@test "m80_q21_--format json is one versioned object, the same in every run" {
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
@test "--format svg draws every range and slot of the map, well-formed, the same in every run" {
    acre inspect --board puzzle --format svg
    [ "$status" -eq 0 ]
    cp out first.svg
    xmllint --noout first.svg
    acre inspect --board puzzle --format json
    # Regions, ranges and slots are one box each; ten more boxes are the legend's.
    ranges=$(jq '."flat-views"[] | select(."address-spaces" | index("memory")) | .ranges | length' out)
    slots=$(jq '.slots | length' out)
    regions=$(jq '[.trees[] | select(."address-spaces" | index("memory")) | .root | .. | .priority? | select(. != null)] | length - 1' out)
    [ "$(grep -o '<rect' first.svg | wc -l)" -eq $((ranges + slots + regions + 10)) ]
    acre inspect --board puzzle --format svg
    cmp out first.svg
    acre inspect --space io --format svg
    xmllint --noout out
    grep -q '>rtc<' out
    acre inspect --space moon --format svg
    fails_with "--space: moon"
}
@test "--format dot names each region once, with its edges" {
    acre inspect --board puzzle --format dot
    [ "$status" -eq 0 ]
    [ "$(head -n 1 out)" = 'digraph "memory map" {' ]
    [ "$(tail -n 1 out)" = '}' ]
    [ -z "$(grep -oE '^    r[0-9]+ \[' out | sort | uniq -d)" ]
    # Every region that an edge names is there.
    grep -oE '^    r[0-9]+ \[' out | tr -dc 'r0-9\n' | sort -u >nodes
    grep -oE 'r[0-9]+ ->|-> r[0-9]+' out | tr -dc 'r0-9\n' | sort -u >used
    [ -z "$(comm -13 nodes used)" ]
}
@test "--diff shows what only one of two boards has, and its status says whether there is any" {
    acre inspect --board bare --diff bare
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    acre inspect --board bare --diff pc
    [ "$status" -eq 1 ]
    grep -qx '+ 00000000fffc0000-00000000fffc0fff (rom) rom @0000000000000000' out
    grep -qx '+ 00000000fffc0000-00000000fffc0fff rom @0000000000000000 readonly' out
    [ "$(grep -c "^-" out)" -eq 0 ]
    acre inspect --board bare --diff pc --format json
    [ "$status" -eq 1 ]
    [ "$(jq -r '.equal, .slots.added[0].region' out | tr '\n' ' ')" = "false rom " ]
    acre inspect --board bare --diff toaster
    fails_with toaster
}
