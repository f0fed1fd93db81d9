#!/usr/bin/env bats
# What README.md, the man page and the completion say is what acre does.
load helpers

# Fenced block number $1 of README.md, counted among those whose text matches the pattern $2.
block() {
    awk -v want="$1" -v pattern="$2" '
        /^```/ {
            if (inside) {
                if (text ~ pattern && ++found == want) printf "%s", text
                text = ""
            }
            inside = !inside
            next
        }
        inside { text = text $0 "\n" }' "$root/README.md"
}

# The long options in what is on stdin.
options() {
    grep -oE -- '--[a-z][a-z-]+' | sort -u
}

@test "README.md shows the help of run as it is" {
    acre run --help
    block 1 '^usage: acre run' >shown
    [ -s shown ]
    diff shown out
}

@test "the man page describes every option that --help lists, and no other" {
    for command in run test inspect monitor top doctor; do
        "$acre" $command --help
    done | options >help
    grep -E -- '^\*-' "$root/vmm/acre.1.scd" | options >page
    [ -s help ]
    diff help page
}

@test "completion offers every option, and words or files for each that takes a value" {
    compopt() { :; }
    # shellcheck source=/dev/null
    source "$root/vmm/acre.bash-completion"
    for command in run test inspect monitor top doctor; do
        "$acre" $command --help >help
        COMP_WORDS=("$acre" "$command" --) COMP_CWORD=2
        _acre
        printf '%s\n' "${COMPREPLY[@]}" | sort -u >offered
        options <help | diff - offered
        while read -r option; do
            grep -qE -- "^ +(.*\| )?$option( \||\))" "$root/vmm/acre.bash-completion" || {
                echo "$option of $command has no case"
                return 1
            }
        done < <(sed -nE "s/^  (-., )?(--[a-z-]+) ['A-Z0-9a-z].*  .*/\2/p" help)
    done
}

@test "the board of README.md has the map that README.md shows" {
    block 1 /dts-v1/ >board.dts
    block 1 'mirror @ram' >shown
    [ -s shown ]
    dtc -q -O dtb -o board.dtb board.dts
    acre inspect --board board.dtb
    [ "$status" -eq 0 ]
    while IFS= read -r line; do
        grep -qxF -- "$line" out || { echo "not there: $line" && return 1; }
    done <shown
}

@test "the commits of README.md are those of the bare board" {
    needs_kvm
    acre run --board bare --debug commits "$guests/hello.elf"
    block 1 '^commit 1' | sed 's/hva 0x[0-9a-f]*/hva/' >shown
    [ -s shown ]
    head -n 4 err | sed 's/hva 0x[0-9a-f]*/hva/' | diff shown -
}

@test "files, fields and functions that README.md names exist" {
    grep -oE '\b(memory|devices|vmm|guest|scripts|tests)/[A-Za-z0-9_./-]+[A-Za-z0-9]' \
        "$root/README.md" | grep -v '\.elf$' | sort -u >files
    [ "$(wc -l <files)" -gt 20 ]
    while read -r file; do
        [ -e "$root/$file" ] || { echo "no $file" && return 1; }
    done <files
    for field in state kind iommu children sibling aliases lockless live_eventfds refs \
        flush_coalesced destructor container addr size priority enabled alias_offset readonly \
        nonvolatile romd_mode dirty_log_mask log_count coalesced eventfds; do
        grep -qE "\`.*$field" "$root/README.md"
        grep -qE "[ *]$field(\[.*\])?;|\*$field\)|\} $field;" "$root/memory/region.h" || {
            echo "no field $field"
            return 1
        }
    done
    grep -q memory_region_terminates "$root/memory/region.h"
}
