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
    grep -Eq '^  2: rtc\+0x1 \(1\), 1 unassigned \(reads 0xff\)$' out
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
@test "--why tells why an access is refused, what is reserved, and memory that has no slot" {
    acre inspect --board puzzle --why 0xd0000001
    grep -qx '  1: 1 refused by testdev-registers, size (reads 0)' out
    grep -qx 'no slot: accesses trap' out
    acre inspect --why 0xfee00000
    grep -q '^  \* .* lapic +0x0: keeps it free: nothing else is there$' out
    grep -qx '  nobody answers: reads give 0xff in every byte, with a decode error' out
    grep -qx 'no slot: reserved, as is what KVM serves itself' out
    acre inspect --board puzzle --why 0xd3500800
    grep -qx "no slot: no whole page of the host's, accesses trap" out
    acre inspect --board puzzle --why 0xd0000001 --format json
    [ "$(jq -c '[.accesses[0].pieces[0] | .kind, .reason]' out)" = '["refused","size"]' ]
    [ "$(jq -c '.slot, .unassigned' out | tr '\n' ' ')" = 'null {"fill":"0xff","result":"decode-error"} ' ]
    acre inspect --board puzzle
    grep -qx "  trap: 00000000d3510801-00000000d3510fff size 0x7ff block pool+0x4801 (no whole pages of the host's) pool" out
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
    # Regions, ranges, slots and memory without one are a box each; eleven more are the legend's.
    ranges=$(jq '."flat-views"[] | select(."address-spaces" | index("memory")) | .ranges | length' out)
    slots=$(jq '.slots + .traps | length' out)
    regions=$(jq '[.trees[] | select(."address-spaces" | index("memory")) | .root | .. | .priority? | select(. != null)] | length - 1' out)
    [ "$(grep -o '<rect' first.svg | wc -l)" -eq $((ranges + slots + regions + 11)) ]
    acre inspect --board puzzle --format svg
    cmp out first.svg
    acre inspect --space io --format svg
    xmllint --noout out
    grep -q '>rtc<' out
    acre inspect --space moon --format svg
    fails_with "--space: moon"
}
# Boxes of a picture that lie on each other, but for those of the tree that are in one drawn before,
# with its name to their left.
overlaps() {
    grep -o '<rect class="[a-z]*" x="[0-9]*" y="[0-9]*" width="[0-9]*" height="[0-9]*" rx' "$1" |
        awk -F '"' -v name=140 '{
            x[NR] = $4; y[NR] = $6; right[NR] = $4 + $8; bottom[NR] = $6 + $10
            for (i = 1; i < NR; i++)
                if (x[i] < right[NR] && x[NR] < right[i] && y[i] < bottom[NR] && y[NR] < bottom[i] &&
                    !(x[NR] >= x[i] + name && right[NR] < right[i]))
                    print i, NR
        }
        END { if (NR < 50) print "only", NR, "boxes" }'
}
@test "no box of a picture lies on another, however many there are" {
    acre inspect --board puzzle --format svg
    [ -z "$(overlaps out)" ]
    # 200 regions over, beside and in each other, and names longer than a box is wide.
    {
        printf '/dts-v1/; / { #address-cells = <2>; #size-cells = <2>; acre,partial-pages;\n'
        printf 'ram: memory@0 { device_type = "memory"; reg = <0 0 0 0x4000000>; };\n'
        for ((i = 0; i < 50; i++)); do
            at=$((0xd0000000 + i * 0x9000))
            printf 'b%d@%x { compatible = "acre,container"; reg = <0 %#x 0 0x10000>;\n' $i $at $at
            printf 'acre,priority = <(%d)>; #address-cells = <1>; #size-cells = <1>;\n' $((i % 7 - 3))
            printf 'a_name_that_is_longer_than_its_box_%d@0 { compatible = "mmio-sram";\n' $i
            printf 'reg = <0 %#x>; };\n' $((0x1000 << i % 6))
            printf 'x@800 { compatible = "acre,alias"; reg = <0x800 0x2000>; acre,target = <&ram>; };\n'
            printf 'y@9000 { compatible = "acre,reservation"; reg = <0x9000 0x10>; }; };\n'
        done
        printf '};\n'
    } >many.dts
    acre inspect --board many.dts --format svg
    [ "$status" -eq 0 ]
    xmllint --noout out
    [ -z "$(overlaps out)" ]
    [ "$(grep -c '>a_name_that_is_lon…<' out)" -eq 50 ]
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
    grep -qx '+ 00000000fffc0000-00000000fffc0fff (prio 0, rom) rom @0000000000000000' out
    grep -qx '+ 00000000fffc0000-00000000fffc0fff rom @0000000000000000 readonly' out
    [ "$(grep -c "^-" out)" -eq 0 ]
    acre inspect --board bare --diff pc --format json
    [ "$status" -eq 1 ]
    [ "$(jq -r '.equal, .slots.added[0].region' out | tr '\n' ' ')" = "false rom " ]
    acre inspect --board bare --diff toaster
    fails_with toaster
}
@test "--diff shows what the command line did to a board" {
    cat >more.dts <<'DTS'
/dts-v1/;
/plugin/;
&{/} {
    sram@d0000000 {
        compatible = "mmio-sram";
        reg = <0 0xd0000000 0 0x1000>;
    };
};
DTS
    acre inspect --overlay more.dts --diff pc
    [ "$status" -eq 1 ]
    [ "$output" = 'address-space: memory
- 00000000d0000000-00000000d0000fff (prio 0, ram) sram @0000000000000000
slots
- 00000000d0000000-00000000d0000fff sram @0000000000000000' ]
    acre inspect -m 64M --diff pc
    grep -qx -- '- 0000000000000000-0000000003ffffff (prio 0, ram) ram @0000000000000000' out
}
@test "options of inspect that do not go together are refused" {
    while read -r words; do
        # shellcheck disable=SC2086 # words
        acre inspect $words
        fails_with "--"
    done <<'LINES'
--why 0 --diff bare
--why 0 --format dot
--diff bare --format svg
--space io
--space io --format json
--space io --why 0 --format svg
--debug slots --format json
--debug slots --why 0
--debug slots --diff bare
--qemu-flat nosuch
LINES
}
