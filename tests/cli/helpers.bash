# shellcheck shell=bash
# Loaded by every CLI test. ACRE and GUESTS may name another build.
setup() {
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    acre=${ACRE:-$root/build/acre}
    # shellcheck disable=SC2034 # for the tests
    guests=${GUESTS:-$root/build/guest}
    cd "$BATS_TEST_TMPDIR" || return 1
}

# Runs a command as `run` does, with stdout in $output, stderr in $stderr, and the status in $status.
split() {
    status=0
    "$@" >out 2>err </dev/null || status=$?
    output=$(cat out)
    stderr=$(cat err)
}
acre() {
    split "$acre" "$@"
}

# It failed with status 125 and one line on stderr, which holds the text.
fails_with() {
    [ "$status" -eq 125 ] && [ "$(wc -l <err)" -eq 1 ] && [[ $stderr == "acre: error: "*"$1"* ]] || {
        echo "status $status, stdout: $output, stderr: $stderr"
        return 1
    }
}

needs_kvm() {
    "$root/scripts/have-kvm" || skip "no usable /dev/kvm"
}
