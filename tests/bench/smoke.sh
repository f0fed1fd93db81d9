#!/bin/sh
# One run of each of the bench's subjects: it measures nothing, but shows that the bench still
# works. TAP on stdout. usage: smoke.sh   (after make bench-bin bench-static)
n=0 failed=0

# part NAME PATTERN COMMAND...: the command succeeds, and prints a line that matches.
part() {
    name=$1 pattern=$2
    shift 2
    n=$((n + 1))
    if out=$("$@" 2>&1) && echo "$out" | grep -q "$pattern"; then
        echo "ok $n - the bench prints $name"
    else
        failed=1
        echo "not ok $n - the bench prints $name"
        echo "$out" | sed 's/^/# /'
    fi
}

export BENCH_RUNS=1 BENCH_LOOPS=1000 BENCH_QUICK=1
part "acre beside its floor" 'acre, port write .*x floor' build/tests/bench/bench build
part "boards of many devices" 'acre, static, 2000 devices .* ms' build/tests/bench/ports build
part "changes of a memory map" '^memory: building' build/tests/bench/memory
part "accesses by way of the memory API" '^memory: lookups' build/tests/bench/access
part "tracing" '^trace: accesses: .* ns an exit' build/tests/bench/trace
part "suites of guests" 'acre test, board pc .* guests/s' env BENCH_GUESTS=2 \
    sh tests/bench/suite.sh build
echo "1..$n"
exit $failed
