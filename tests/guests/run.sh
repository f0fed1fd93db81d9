#!/bin/sh
# Runs the guests of guests.list and prints TAP 14. Plain sh, so that busybox's will do.
set -u

usage="usage: tests/guests/run.sh ACRE GUESTS [NAME...]
Runs the cases of guests.list, all or those named, with the program ACRE and the images in the
directory GUESTS. ACRE_RUN_OPTIONS in the environment is put before each case's own options.
Exit status: 0 when no case failed."
[ $# -ge 2 ] || { echo "$usage" >&2; exit 2; }
acre=$1 guests=$2
shift 2
only=" $* "
list=$(dirname "$0")/guests.list
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

wanted() { # the case name
    [ "$only" = "  " ] || case $only in *" $1 "*) ;; *) return 1 ;; esac
}

# Puts `text` on stdout once the guest has printed `after`, so that no input is early.
feed() { # after text
    tries=0
    until grep -q -- "$1" "$dir/out" 2>/dev/null || [ $tries -ge 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    printf %b "$2"
}

run_acre() {
    # The list is ours; its options are shell words, so that they can be quoted and name $dir.
    eval "set -- ${ACRE_RUN_OPTIONS-} $options"
    set -- timeout -s KILL $((limit + 20)) "$acre" run --timeout "$limit" "$@" "$guests/$kernel"
    : >"$dir/out"
    if [ -n "$input" ]; then
        feed "$after" "$input" | "$@" >"$dir/out" 2>"$dir/err"
    else
        "$@" </dev/null >"$dir/out" 2>"$dir/err"
    fi
}

# Prints why the case failed: nothing when it passed.
judge() { # exit status
    [ "$1" -eq "$status" ] || echo "exit status $1, not $status"
    for stream in out err; do
        while IFS= read -r pattern; do
            grep -Eq -- "$pattern" "$dir/$stream" || echo "std$stream has no: $pattern"
        done <"$dir/expect.$stream"
    done
    ! grep '^not ok' "$dir/out"
}

run_case() {
    wanted "$name" || return 0
    number=$((number + 1))
    if [ -n "$nokvm" ]; then
        echo "ok $number - $name # SKIP no /dev/kvm here"
        return 0
    fi
    run_acre
    judge $? >"$dir/why"
    if ! [ -s "$dir/why" ]; then
        echo "ok $number - $name"
        return 0
    fi
    failed=$((failed + 1))
    echo "not ok $number - $name"
    sed 's/^/# /' "$dir/why"
    for stream in out err; do
        tail -n 30 "$dir/$stream" | cut -c 1-200 | sed "s/^/# std$stream: /"
    done
}

begin_case() { # name
    name=$1 kernel='' options='' input='' after='' limit=30 status=0
    : >"$dir/expect.out"
    : >"$dir/expect.err"
}

number=0 failed=0 name='' nokvm=''
[ "${ACRE_KVM:-}" != no ] && [ -c /dev/kvm ] && (exec 3<>/dev/kvm) 2>/dev/null || nokvm=yes
echo "TAP version 14"
while IFS= read -r line; do
    value=${line#*= }
    case $line in
    '' | '#'*) ;;
    '['*']')
        [ -z "$name" ] || run_case
        line=${line#?}
        begin_case "${line%?}"
        ;;
    'kernel = '*) kernel=$value ;;
    'options = '*) options=$value ;;
    'input = '*) input=$value ;;
    'after = '*) after=$value ;;
    'limit = '*) limit=$value ;;
    'status = '*) status=$value ;;
    'out = '*) echo "$value" >>"$dir/expect.out" ;;
    'err = '*) echo "$value" >>"$dir/expect.err" ;;
    'file = '*) printf '%s\n' "${value#* }" >"$dir/${value%% *}" ;;
    *)
        echo "Bail out! guests.list has a line that means nothing: $line"
        exit 2
        ;;
    esac
done <"$list"
[ -z "$name" ] || run_case
echo "1..$number"
if [ "$number" -eq 0 ]; then
    echo "run.sh: error: no such case" >&2
    exit 2
fi
[ "$failed" -eq 0 ]
