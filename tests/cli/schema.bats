#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# What programs are given, against the JSON Schemas that say what it is.
load helpers
load qmp

# conforms NAME FILE: the values in the file are as vmm/schemas/NAME.json says.
conforms() {
    cat "$root"/vmm/schemas/*.json >schemas
    [ -s "$2" ]
    jq --slurpfile schemas schemas --arg name "$1.json" -f "$root/tests/cli/schema.jq" "$2" >mistakes
    head -n 20 mistakes
    [ ! -s mistakes ]
}

# Every kind of region, overlaps, clips, chains, partial pages, nothing at the top.
odd_board() {
    cat <<'DTS'
/dts-v1/;
/ {
    #address-cells = <2>;
    #size-cells = <2>;
    acre,partial-pages;
    ram: memory@0 { device_type = "memory"; reg = <0 0 0 0x2000000>; };
    all@0 {
        compatible = "acre,container";
        reg = <0 0 0xffffffff 0xffffffff>;
        acre,priority = <(-2147483647)>;
        #address-cells = <2>;
        #size-cells = <2>;
        r@0 { compatible = "acre,reservation"; reg = <0 0 0xffffffff 0xffffffff>; };
    };
    a: a@100000000 {
        compatible = "acre,alias";
        reg = <1 0 0 0x10000>;
        acre,target = <&ram>;
        acre,offset = <0x1800>;
    };
    b@110000000 { compatible = "acre,alias"; reg = <1 0x10000000 0 0x20000>; acre,target = <&a>; read-only; };
    sram@200000800 { compatible = "mmio-sram"; reg = <2 0x800 0 0x3000>; };
    flash@400000000 { compatible = "acre,rom-device"; reg = <4 0 0 0x10000>; };
    vram@500000000 { compatible = "acre,ram-device"; reg = <5 0 0 0x1000>; };
    rom@500000000 { compatible = "acre,rom"; reg = <5 0x800 0 0x1000>; acre,priority = <1>; acre,data = [90]; };
    testdev@600000000 {
        compatible = "acre,testdev";
        reg = <6 0 0 0x10000>, <6 0x20000 0 0x80>, <6 0x100000 0 0x100000>;
    };
    top@fffffffffffff000 { compatible = "mmio-sram"; reg = <0xffffffff 0xfffff000 0 0x1000>; };
};
DTS
}

@test "the map of every board is as its schema says" {
    odd_board >odd.dts
    for board in $("$acre" inspect --board help | awk '{ print $1 }') odd.dts; do
        acre inspect --board "$board" --format json
        conforms acre-map out
    done
    # And the schema's checker notices what is not.
    for change in 'del(.traps)' '.version = 2' '.slots[0].id = -1' '.slots[0].flags = ["lost"]' \
        '.slots[0].first = "0xZ"' '.trees[0].root.children[0].size = 5' '.extra = 1' \
        '.trees[0].root.children[0].kind = "rum"' '."flat-views"[0].ranges[0].more = true' '.slots = {}'; do
        jq "$change" out >changed
        run ! conforms acre-map changed
    done
}
@test "explanations of every border of every board are as their schema says" {
    odd_board >odd.dts
    for board in pc puzzle odd.dts; do
        acre inspect --board "$board" --format json
        jq -r '."flat-views"[] | select(."address-spaces" | index("memory", "I/O")) |
            (if ."address-spaces" | index("I/O") then "io:" else "" end) + (.ranges[] | .first, .last)' \
            out >places
        awk "NR % $([ "$board" = puzzle ] && echo 9 || echo 3) == 1" places >some
        while read -r place; do
            "$acre" inspect --board "$board" --why "$place" --format json 2>/dev/null
        done <some >whys
        [ "$(jq -s length whys)" -eq "$(wc -l <some)" ]
        conforms acre-why whys
    done
    jq -s -e 'map(.steps[].state) | unique | length >= 4' whys
    jq '.steps[0].state = "lost"' whys >changed
    run ! conforms acre-why changed
}
@test "differences of boards are as their schema says" {
    odd_board >odd.dts
    for boards in 'bare pc' 'pc pc' 'puzzle odd.dts'; do
        # shellcheck disable=SC2086 # two words
        set -- $boards
        acre inspect --board "$1" --diff "$2" --format json
        conforms acre-map-diff out
    done
    jq '.equal = 1' out >changed
    run ! conforms acre-map-diff changed
}
@test "traced commits are as their schema says" {
    needs_kvm
    acre run --board puzzle --timeout 60 --trace commit=t.jsonl --watch 0xd2000000:8:w \
        "$guests/conformance/bank-transaction.elf"
    conforms acre-commit t.jsonl
    acre run --board puzzle --timeout 60 --trace commit=t.jsonl "$guests/conformance/dirty-pages.elf"
    conforms acre-commit t.jsonl
    jq -s -e 'any(.changed != [])' t.jsonl
    jq '.us = "long"' t.jsonl >changed
    run ! conforms acre-commit changed
}
@test "addresses that are followed are as their schema says" {
    start_guest --board puzzle --append wait "$guests/paging.elf"
    grep '^expect' guest.out | awk '{ printf "{\"execute\": \"acre-addr\", \"arguments\": {\"address\": \"%s\", \"cpu\": %s}}\n", $3, $2 }' >asked
    for gpa in 0 0x1000000 0xd1100123 0xd3500800 0xd0000000 0xfee00000 0xe0000000; do
        echo "{\"execute\": \"acre-addr\", \"arguments\": {\"address\": \"$gpa\", \"space\": \"gpa\"}}"
    done >>asked
    hva=$(hmp gpa2hva 0xd1100123 | sed 's/.* is //')
    echo "{\"execute\": \"acre-addr\", \"arguments\": {\"address\": \"$hva\", \"space\": \"hva\"}}" >>asked
    qmp <asked | jq .return >answers
    [ "$(jq -s length answers)" -eq "$(wc -l <asked)" ]
    conforms acre-addr answers
    echo '{"execute": "acre-why", "arguments": {"address": "io:0x3f8"}}' | qmp | jq .return >why
    conforms acre-why why
    jq '.places[0].gpa = 5' answers >changed
    run ! conforms acre-addr changed
}
