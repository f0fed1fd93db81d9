# shellcheck shell=sh
# Sourced by the tests that run with a shell alone, in the lab as well: TAP lines.
# shellcheck disable=SC2034 # for those who source this
tap_n=0 tap_failed=0

# tap_report STATUS NAME FILE: the verdict; what FILE holds explains a failure.
tap_report() {
    tap_n=$((tap_n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_n - $2"
    else
        tap_failed=1
        echo "not ok $tap_n - $2"
        tr -d '\r' <"$3" | tail -n 40 | awk '{ print "# " $0 }'
    fi
}

tap_end() {
    echo "1..$tap_n"
    exit $tap_failed
}
