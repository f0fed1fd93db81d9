#!/usr/bin/env bats
# Boards as a user meets them: built in, compiled, as sources, overlaid, dumped and given back.
load helpers

# The built-in boards.
boards() {
    "$acre" run --board help | awk '{ print $1 }'
}

@test "--board help lists each built-in board with a line of its own, for run and inspect" {
    [ "$(boards | sort)" = "$(cd "$root/vmm/boards" && printf '%s\n' *.dts | sed 's/\.dts//' | sort)" ]
    for command in run inspect; do
        acre $command --board help
        [ "$status" -eq 0 ]
        [ -z "$stderr" ]
        [ "$(grep -cE '^  [a-z-]+ +[^ ].{10,}' out)" -eq "$(wc -l <out)" ]
    done
    for board in $(boards); do
        acre inspect --board "$board"
        [ "$status" -eq 0 ]
        [ -z "$stderr" ]
    done
}

@test "a dumped tree given back is the same machine, edits included" {
    for board in $(boards); do
        for edits in "" "-m 1M" "-m 5G" "--cpus 3" "--append words" \
            "-m 64M --cpus 2 --append x --serial null --serial pty"; do
            # shellcheck disable=SC2086 # several words
            acre inspect --board "$board" $edits --dump-dtb first.dtb
            [ "$status" -eq 0 ]
            [ -z "$stderr" ]
            mv out expected
            acre inspect --board ./first.dtb --dump-dtb second.dtb
            [ "$status" -eq 0 ]
            [ -z "$stderr" ]
            diff expected out
            cmp first.dtb second.dtb
        done
    done
}

@test "edits of devices that a board has are in the dumped tree, once" {
    accepted=0
    for board in $(boards); do
        for edit in "--rtc localtime" "--rtc 2020-02-29T12:00:00" "--watchdog-action reset" \
            "--debugcon null" "--debugcon file:debug.log" "--serial file:one.log" \
            "--serial null --serial null --serial null --serial pty" \
            "--fw-cfg opt/org.example/a,string=b" "--fw-cfg opt/org.example/b,file=content"; do
            echo 1 >content
            # shellcheck disable=SC2086 # several words
            acre inspect --board "$board" $edit --dump-dtb first.dtb
            # What a board lacks is an error, no tree without it.
            if [ "$status" -ne 0 ]; then
                fails_with "$board: ${edit%% *}: "
                continue
            fi
            mv out expected
            acre inspect --board ./first.dtb --dump-dtb second.dtb
            [ "$status" -eq 0 ]
            diff expected out
            cmp first.dtb second.dtb
            accepted=$((accepted + 1))
        done
    done
    [ "$accepted" -ge 24 ]
    # Labels are kept: an overlay finds them.
    echo '/dts-v1/; /plugin/; &com1 { status = "disabled"; };' >off.dtso
    acre inspect --board ./first.dtb --overlay off.dtso
    [ "$status" -eq 0 ]
    [[ $output != *": serial"* ]]
}

@test "a guest prints the same on a board and on its dumped tree" {
    needs_kvm
    for board in $(boards); do
        for edits in "" "-m 200M --append a=b"; do
            # shellcheck disable=SC2086 # several words
            acre run --board "$board" $edits --dump-dtb first.dtb "$guests/hello.elf"
            [ "$status" -eq 0 ]
            grep -vE '^(clock|timer):' out >expected
            grep -q '^memory map' expected
            [ -z "$edits" ] || grep -q 'command line.*a=b' expected
            acre run --board first.dtb "$guests/hello.elf"
            [ "$status" -eq 0 ]
            diff expected <(grep -vE '^(clock|timer):' out)
        done
    done
}

@test "an IOMMU of a board file is in the dumped tree, and fails by name" {
    acre inspect --board "$guests/conformance/iommu.dtb" -m 32M --dump-dtb first.dtb
    [ "$status" -eq 0 ]
    mv out expected
    acre inspect --board ./first.dtb --dump-dtb second.dtb
    diff expected out
    cmp first.dtb second.dtb
    grep -q '^address-space: behind lines$' out
    echo '/dts-v1/; /plugin/; &ram { acre,size = <1>; }; &{/} { i@d0000000 { compatible = "acre,iommu";
        reg = <0 0xd0000000 0 0x1000>; acre,target = <&ram>; acre,translations = <0 0 0 0 0 0x2000 3>; }; };' >bad.dtso
    acre inspect --overlay bad.dtso
    fails_with "pc with bad.dtso: /i@d0000000: acre,translations: line 0 ends beyond the window's 0x1000 bytes"
}

@test "a source is compiled, with what it includes beside it" {
    mkdir sub
    echo 'part@d0000000 { compatible = "mmio-sram"; reg = <0xd0000000 0x1000>; };' >sub/part.dtsi
    cat >sub/board.dts <<'DTS'
/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    ram: memory@0 { device_type = "memory"; reg = <0 0x100000>; };
    /include/ "part.dtsi"
};
DTS
    acre inspect --board sub/board.dts --debug view
    [ "$status" -eq 0 ]
    [[ $output == *"00000000d0000000-00000000d0000fff (prio 0, ram): part"* ]]
    echo '/dts-v1/; /plugin/; &ram { reg = <0 0x200000>; };' >more.dtso
    acre inspect --board sub/board.dts --overlay more.dtso --debug view
    [ "$status" -eq 0 ]
    [[ $output == *"-00000000001fffff (prio 0, ram): ram"* ]]
}

@test "a source that dtc refuses, and one without dtc" {
    printf '/dts-v1/;\n/ {\n    x = ;;\n};\n' >bad.dts
    for command in "inspect --board" "inspect --overlay" "run hello.elf --board"; do
        cp "$guests/hello.elf" .
        # shellcheck disable=SC2086 # several words
        acre $command bad.dts
        fails_with "bad.dts:3.9-10 syntax error"
    done
    mkdir empty
    split env PATH="$PWD/empty" "$acre" inspect --board bad.dts
    fails_with "bad.dts: a source, and dtc is not installed"
    acre inspect --board nosuch.dts
    fails_with "nosuch.dts: No such file"
    mkfifo pipe.dts
    split timeout 5 "$acre" inspect --board pipe.dts
    fails_with "pipe.dts: not a regular file"
}

@test "overlays add up in order, are part of what is dumped, and fail by name" {
    echo '/dts-v1/; /plugin/; &ram { reg = <0 0 0 0x200000>; };' >one.dtso
    echo '/dts-v1/; /plugin/; &ram { reg = <0 0 0 0x400000>; };
        &{/} { x@d0000000 { compatible = "mmio-sram"; reg = <0 0xd0000000 0 0x1000>; }; };' >two.dtso
    dtc -q -@ -I dts -O dtb -o two.dtbo two.dtso
    acre inspect --overlay one.dtso --overlay two.dtbo --dump-dtb all.dtb
    [ "$status" -eq 0 ]
    [[ $output == *"-00000000003fffff (prio 0, ram): ram"*": x"* ]]
    mv out expected
    acre inspect --board all.dtb
    diff expected out
    acre inspect --overlay two.dtbo --overlay one.dtso
    [[ $output == *"-00000000001fffff (prio 0, ram): ram"* ]]
    acre inspect --overlay one.dtso -m 1M
    [[ $output == *"-00000000000fffff (prio 0, ram): ram"* ]]
    echo '/dts-v1/; /plugin/; &nobody { };' >lost.dtso
    acre inspect --overlay one.dtso --overlay lost.dtso
    fails_with "lost.dtso: wants &nobody, which pc with one.dtso has not"
    acre inspect --overlay nosuch.dtbo
    fails_with "nosuch.dtbo: No such file"
    acre inspect --overlay all.dtb
    fails_with "all.dtb: not an overlay"
    for size in 39 60 200; do
        head -c $size two.dtbo >cut.dtbo
        acre inspect --overlay cut.dtbo
        fails_with "cut.dtbo: not a device tree"
    done
    overlays=()
    for _ in {1..33}; do
        overlays+=(--overlay one.dtso)
    done
    acre inspect "${overlays[@]}"
    fails_with "--overlay: more than 32 overlays"
}

@test "overlaps of equal priority are a warning, and the run goes on" {
    needs_kvm
    echo '/dts-v1/; /plugin/; &{/} {
        a@d0000000 { compatible = "mmio-sram"; reg = <0 0xd0000000 0 0x2000>; };
        b@d0001000 { compatible = "mmio-sram"; reg = <0 0xd0001000 0 0x1000>; }; };' >overlap.dtso
    acre run --overlay overlap.dtso "$guests/hello.elf"
    [ "$status" -eq 0 ]
    [[ $output == Hello* ]]
    [ "$(wc -l <err)" -eq 1 ]
    [[ $stderr == "acre: warning: pc with overlap.dtso: /"*"@d000"*": reg: covers 0xd0001000-0xd0001fff of /"* ]]
}

@test "more memory than this host can map is an error that says how much" {
    cat >huge.dts <<'DTS'
/dts-v1/;
/ {
    #address-cells = <2>;
    #size-cells = <2>;
    memory@0 { device_type = "memory"; reg = <0 0 0x100000 0>; };
};
DTS
    acre inspect --board huge.dts
    fails_with "huge.dts: /memory@0: reg: 4398046511104 KiB of memory: Cannot allocate memory"
}

@test "completion offers the built-in boards" {
    compopt() { :; }
    # shellcheck source=/dev/null
    source "$root/vmm/acre.bash-completion"
    COMP_WORDS=("$acre" run --board '') COMP_CWORD=3
    _acre
    for board in $(boards); do
        printf '%s\n' "${COMPREPLY[@]}" | grep -qx -- "$board"
    done
}

# Writes the examples of BINDINGS.md to files named 1, 2, ...
examples() {
    awk '/^```/ { inside = !inside; n += inside; next } inside { print >n }' \
        "$root/vmm/boards/BINDINGS.md"
}

# What an example may refer to: labels that it does not have itself.
surroundings() {
    local example=$1
    # label, node
    while IFS='|' read -r label node; do
        grep -qE "(^| )$label: " "$example" || echo "$node"
    done <<'NODES'
ram|ram: memory@0 { device_type = "memory"; reg = <0 0 0 0x1000000>; };
bank|bank: bank { compatible = "mmio-sram"; reg = <0 0xc8000000 0 0x1000>; };
mirror|mirror: mirror { compatible = "mmio-sram"; reg = <0 0xc9000000 0 0x1000>; };
pic|pic: pic { compatible = "intel,i8259"; reg = <0 0xca000000 0 2>; };
ioapic|ioapic: apic { compatible = "intel,ce4100-ioapic"; reg = <0 0xcb000000 0 0x1000>; };
NODES
}

@test "every example in BINDINGS.md is a board that acre builds" {
    examples
    built=0
    for example in [0-9]*; do
        {
            echo '/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;'
            surroundings "$example" | if grep -q '"memory"' "$example"; then
                grep -v '^ram:'
            else
                cat
            fi
            # Three cells: on an isa bus.
            if grep -qE 'reg = <[01] 0x' "$example"; then
                echo 'isa { compatible = "isa"; #address-cells = <2>; #size-cells = <1>;
                    ranges = <0 0x0 0x0 0x0 0xffffffff>;'
                # What has four cells lies beside the bus.
                awk 'BEGIN { RS = ""; ORS = "\n\n" } !/reg = <0x/' "$example"
                echo '};'
                awk 'BEGIN { RS = ""; ORS = "\n\n" } /reg = <0x/' "$example"
            else
                cat "$example"
            fi
            echo '};'
        } >example.dts
        acre inspect --board example.dts
        [ "$status" -eq 0 ] && [ -z "$stderr" ] || {
            cat example.dts
            echo "example $example: $stderr"
            return 1
        }
        built=$((built + 1))
    done
    [ "$built" -ge 25 ]
}

@test "every compatible that acre knows has an example in BINDINGS.md" {
    examples
    sed -nE 's/.*(DEVICE|REGION|RESERVED)\("([^"]+)".*/\2/p; s/.*\.compatible = "([^"]+)".*/\1/p' \
        "$root/vmm/board.c" "$root/vmm/board_parts.c" | grep -v '^memory$' | sort -u >known
    [ "$(wc -l <known)" -ge 20 ]
    while read -r compatible; do
        grep -q "compatible = \"$compatible\"" [0-9]* || {
            echo "$compatible has no example"
            return 1
        }
    done <known
}

@test "memory where this KVM has none is an error that says where" {
    needs_kvm
    cat >far.dts <<'DTS'
/dts-v1/;
/ {
    #address-cells = <2>;
    #size-cells = <2>;
    memory@0 { device_type = "memory"; reg = <0 0 0 0x1000000>; };
    far@10000000000000 { compatible = "mmio-sram"; reg = <0x100000 0 0 0x10000>; };
};
DTS
    acre run --board far.dts "$guests/hello.elf"
    fails_with "memory slots: KVM refuses 0x10000000000000-0x1000000000ffff: Invalid argument"
}

@test "every property that acre knows is in BINDINGS.md" {
    sed -n '/^static const char \*const properties/,/^};/p' "$root/vmm/board_check.c" |
        grep -oE 'acre,[a-z-]+' | sort >known
    [ "$(wc -l <known)" -ge 18 ]
    while read -r property; do
        grep -qE "\`${property}[\` =]|^ *${property}( =|;)" "$root/vmm/boards/BINDINGS.md" || {
            echo "$property is not documented"
            return 1
        }
    done <known
}
