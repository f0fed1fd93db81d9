#!/bin/bash
# Builds acre with each defect of mutants.list, one at a time, and runs guests and unit tests on it.
set -euo pipefail
cd "$(dirname "$0")/../.."

usage="usage: tests/mutants/run.sh [--check] [NAME...]
Builds each mutant of mutants.list (or those named) into build/mutants/NAME, and runs on it the
conformance guests and the unit tests that its entry names, on the host's KVM. Prints who noticed
what. --check builds nothing: does each entry fit the source, name guests and tests there are?
Exit status: 0 when each mutant was noticed and, without names, each conformance guest noticed one."
list=tests/mutants/mutants.list
guests=build/guest/conformance
out=build/mutants

# "NAME FILE" of each entry, and one entry's value for a key.
names() {
    sed -n 's/^\[\(.*\)\]$/\1/p' "$list"
}
value() { # name key
    awk -v name="[$1]" -v key="$2 = " '
        /^\[/ { inside = $0 == name }
        inside && index($0, key) == 1 { print substr($0, length(key) + 1) }' "$list"
}

# Prints the file with `old` made `new`; fails unless `old` is there exactly once.
mutate() { # name
    OLD=$(value "$1" old) NEW=$(value "$1" new) awk '
        BEGIN { old = ENVIRON["OLD"]; new = ENVIRON["NEW"] }
        old != "" && (at = index($0, old)) {
            rest = substr($0, at + length(old))
            found += 1 + (index(rest, old) > 0)
            $0 = substr($0, 1, at - 1) new rest
        }
        { print }
        END { exit found != 1 }' "$(value "$1" file)"
}

# What is wrong with an entry; nothing when it is right.
check_entry() { # name
    local pattern unit
    mutate "$1" >/dev/null || echo "$1: its old text is not in $(value "$1" file) exactly once"
    [ "$(value "$1" old)" != "$(value "$1" new)" ] || echo "$1: changes nothing"
    [ -n "$(value "$1" guests)$(value "$1" unit)" ] || echo "$1: nobody is to notice it"
    for pattern in $(value "$1" guests); do
        compgen -G "guest/conformance/$pattern.c" >/dev/null || echo "$1: no guest is $pattern"
    done
    for unit in $(value "$1" unit); do
        [ -f "tests/unit/$unit.c" ] || echo "$1: no unit test is $unit"
    done
}

# Builds and runs one mutant; its findings go to a file: "guest NAME", "unit NAME".
run_one() { # name
    local dir=$out/$1 unit pattern filters=()
    rm -rf "$dir"
    mkdir -p "$dir"
    mutate "$1" >"$dir/mutant.c"
    if ! make -s mutant MUTANT="$1" MUTANT_UNIT="$(value "$1" unit)" >"$dir/make.log" 2>&1; then
        echo "error: it does not build" >"$dir/found"
        return
    fi
    for unit in $(value "$1" unit); do
        CK_DEFAULT_TIMEOUT=5 timeout -s KILL 60 "$dir/$unit" >"$dir/$unit.log" 2>&1 ||
            echo "unit $unit"
    done >"$dir/found"
    for pattern in $(value "$1" guests); do
        filters+=(--filter "$pattern")
    done
    [ ${#filters[@]} -eq 0 ] ||
        timeout -s KILL 300 "$dir/acre" test -j 1 --timeout 10 "${filters[@]}" "$guests" \
            >"$dir/guests.tap" 2>"$dir/guests.err" || true
    sed -n 's/^not ok [0-9]* - \([^ ]*\).*/guest \1/p' "$dir/guests.tap" 2>/dev/null >>"$dir/found" ||
        true
    rm -f "$dir/acre" "$dir"/test_?*[!g] # tens of megabytes each
    echo "done: $1" >&2
}

table() { # names...
    local name units caught survivors
    printf '%-28s %-28s %s\n' mutant file 'noticed by'
    for name in "$@"; do
        units=$(sed -n 's/^unit //p' "$out/$name/found" | paste -sd ' ')
        caught=$(sed -n 's/^guest //p' "$out/$name/found" | paste -sd ' ')
        if grep -q '^error' "$out/$name/found"; then
            units=$(cat "$out/$name/found")
        elif [ -z "$units$caught" ]; then
            units="NOBODY"
        fi
        printf '%-28s %-28s %s\n' "$name" "$(value "$name" file)" "$units${units:+${caught:+, }}$caught"
    done | sed 's/  *$//'
    survivors=$(for name in "$@"; do
        grep -Eq '^(unit|guest)' "$out/$name/found" || echo "$name"
    done | wc -l)
    echo "$# mutants, $survivors survived"
    [ "$survivors" -eq 0 ]
}

# Guests that no mutant made fail.
idle_guests() {
    comm -23 <(basename -s .c guest/conformance/*.c | sort) \
        <(cat "$out"/*/found | sed -n 's/^guest //p' | sort -u)
}

case ${1:-} in
-h | --help) echo "$usage" && exit 0 ;;
--one) run_one "$2" && exit 0 ;;
--check)
    wrong=$(for name in $(names); do check_entry "$name"; done && names | sort | uniq -d | sed 's/$/: twice/')
    printf '%s' "${wrong:+$wrong
}"
    [ -z "$wrong" ]
    exit
    ;;
esac
scripts/have-kvm || { echo "mutants: error: no usable /dev/kvm" >&2 && exit 2; }
all=("$@")
if [ $# -eq 0 ]; then
    mapfile -t all < <(names)
    rm -rf "$out"
fi
printf '%s\0' "${all[@]}" | xargs -0 -P "$(nproc)" -I{} tests/mutants/run.sh --one {}
status=0
table "${all[@]}" || status=1
if [ $# -eq 0 ]; then
    idle=$(idle_guests)
    [ -z "$idle" ] || { printf 'No mutant makes these fail:\n%s\n' "$idle" && status=1; }
fi
exit $status
