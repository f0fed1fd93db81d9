#!/usr/bin/env bats
# `acre test`: what it says, writes and leaves behind.
load helpers

# A list, on stdin, run with options; TAP in $output.
run_list() {
    cat >a.list
    acre test --guests "$guests" "$@" a.list
}

@test "a suite that passes: status 0, a TAP line for each guest in order, subtests indented" {
    needs_kvm
    run_list -j 2 <<'LIST'
[slow]
kernel = hello.elf
out = ^Hello from a guest
[with tests]
kernel = debugcon.elf
out = ^line 50
[a # b]
kernel = bench_exit.elf
board = bare
[tap]
kernel = smp.elf
options = --append cpus=1
LIST
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [[ $output == "TAP version 14"$'\n'"1..4"$'\n'* ]]
    grep -E '^(not )?ok' out | diff - <(printf '%s\n' 'ok 1 - slow' 'ok 2 - with tests' \
        'ok 3 - a \# b' 'ok 4 - tap')
    grep -q '^# Subtest: tap$' out
    grep -q '^    ok 1 - ' out
    grep -q '^    1\.\.' out
    tail -n 1 out | grep -q '^# 4 passed, 0 failed, 0 skipped in '
}
@test "a failure comes with all that is known, and the command that runs it alone" {
    needs_kvm
    run_list <<'LIST'
[spin]
kernel = crash.elf
append = last-words spin
timeout = 1.5
[triple]
kernel = crash.elf
append = triple
[other status]
kernel = crash.elf
append = exit=3
LIST
    [ "$status" -eq 1 ]
    [ "$(grep -c '^not ok' out)" -eq 3 ]
    grep -q "^    - 'exit status 124, not 0: timed out after 1.5 s'$" out
    grep -q '^    these are the last words$' out
    grep -q "^  last_access: 'cpu 0 port write 0xe9 size 1 value 0xa (debugcon+0x0)'$" out
    grep -q "^  last_access: 'cpu 0 port write 0xf4 size 4 value 0x3 (debug-exit+0x0)'$" out
    [ "$(grep -c '^    rax=0x' out)" -eq 3 ]
    grep -q '^  ended: triple-fault$' out
    # Each command does what the guest did.
    grep -A 1 '^  command: |$' out | grep ' run ' >commands
    [ "$(wc -l <commands)" -eq 3 ]
    for expected in 124 126 3; do
        IFS= read -r command
        status=0
        bash -c "$command" >/dev/null 2>&1 </dev/null || status=$?
        [ "$status" -eq $expected ]
    done <commands
}
@test "the command makes a guest's files and input again" {
    needs_kvm
    export TMPDIR=$PWD
    run_list <<'LIST'
[files]
kernel = hello.elf
file = initrd This is it
options = --initrd "$dir/initrd"
out = ^module 0: 11 bytes, .*begins: This is it
status = 1
[input]
kernel = echo.elf
after = ready
input = it's 100%\n\004
out = ^it's 100%$
status = 1
LIST
    [ "$status" -eq 1 ]
    [ "$(grep -c 'no line of' out)" -eq 0 ]
    grep -A 1 '^  command: |$' out | grep ' run ' >commands
    bash -c "$(sed -n 1p commands)" | grep -q 'begins: This is it'
    bash -c "$(sed -n 2p commands)" | grep -q "^it's 100%"
}
@test "a skip is counted apart and fails nothing" {
    needs_kvm
    run_list <<'LIST'
[skipped]
kernel = crash.elf
append = exit=77
LIST
    [ "$status" -eq 0 ]
    grep -q '^ok 1 - skipped # SKIP exit status 77$' out
    tail -n 1 out | grep -q '^# 0 passed, 0 failed, 1 skipped'
}
@test "TAP of guests is judged as TAP 14 says" {
    needs_kvm
    cat >a.list <<'LIST'
[todo and skip]
kernel = echo.elf
after = ready
input = 1..3\nok 3\nnot ok 1 - a # TODO mend it\nnot ok 2 - b # skip no chip\n\004
[none]
kernel = echo.elf
after = ready
input = 1..0 # no such chip\n\004
[half]
kernel = echo.elf
after = ready
input = 1..3\nok 1 - a\nok 2 - b\n\004
[bails out]
kernel = echo.elf
after = ready
input = 1..1\nok 1\nBail out! no \\# disk\n\004
[twice]
kernel = echo.elf
after = ready
input = 1..2\nok 1\nok 1\n\004
[none but some]
kernel = echo.elf
after = ready
input = 1..0 # SKIP\nok 1\n\004
LIST
    acre test --guests "$guests" --junit result.xml a.list
    [ "$status" -eq 1 ]
    grep -E '^(not )?ok' out | diff - <(printf '%s\n' 'ok 1 - todo and skip' \
        'ok 2 - none # SKIP no such chip' 'not ok 3 - half' 'not ok 4 - bails out' \
        'not ok 5 - twice' 'not ok 6 - none but some')
    grep '^    - ' out | diff - <(printf "    - '%s'\n" 'tests run: 2 where 3 were due' \
        'it bailed out: no \# disk' 'test 1 is there twice' 'tests run: 1 where 0 were due')
    [ "$(grep -c '^    rax=0x' out)" -eq 4 ]
    xmllint --noout --schema "$root/tests/cli/junit.xsd" result.xml
    [ "$(xmllint --xpath 'count(//testcase/skipped)' result.xml)" = 3 ]
}
@test "a perl harness reads the TAP, and agrees" {
    needs_kvm
    cat >a.list <<'LIST'
[good]
kernel = smp.elf
append = cpus=1
[a # b]
kernel = crash.elf
append = exit=77
[bad]
kernel = crash.elf
append = exit=1
LIST
    acre test --guests "$guests" a.list
    # Its version may know TAP 13 only, which has no subtests but passes over them.
    sed -i 's/^TAP version 14$/TAP version 13/' out
    perl -MTAP::Parser -e '
        my $parser = TAP::Parser->new({ tap => do { local (@ARGV, $/) = "out"; <> } });
        while (my $result = $parser->next) {
            print join(" ", "yaml", sort keys %{ $result->data }), "\n" if $result->is_yaml;
        }
        print join(" ", $parser->passed), "; ", join(" ", $parser->failed), "; ",
            join(" ", $parser->skipped), "; ", scalar($parser->parse_errors), "\n";' >parsed
    tail -n 1 parsed | grep -qx '1 2; 3; 2; 0'
    [ "$(grep -cx 'yaml duration_ms' parsed)" -eq 2 ]
    grep -q 'yaml command duration_ms ended .*registers .*why' parsed
}
@test "a run of acre that runs no guest is no pass" {
    needs_kvm
    run_list <<'LIST'
[help]
kernel = hello.elf
options = --help
[list]
kernel = hello.elf
options = --board help
LIST
    [ "$status" -eq 1 ]
    [ "$(grep -c "^    - 'acre ran no guest: it tells no result'$" out)" -eq 2 ]
}
@test "a file of a folder that is no guest fails alone" {
    needs_kvm
    mkdir dir
    cp "$guests/hello.elf" dir/good.elf
    head -c 300 dir/good.elf >dir/cut.elf
    : >dir/empty.elf
    echo text >dir/text.elf
    echo text >dir/README
    ln -s nowhere dir/link.elf
    mkfifo dir/pipe.elf
    acre test dir
    [ "$status" -eq 1 ]
    [ -z "$stderr" ]
    grep -E '^(not )?ok' out | diff - <(printf '%s\n' 'not ok 1 - cut' 'not ok 2 - empty' \
        'ok 3 - good' 'not ok 4 - link' 'not ok 5 - pipe' 'not ok 6 - text')
}
@test "output that nobody reads ends the run, unless there is --junit" {
    needs_kvm
    for i in {1..50}; do
        printf '[%d]\nkernel = bench_exit.elf\nboard = bare\n' "$i"
    done >a.list
    acre test --guests "$guests" --junit result.xml a.list
    [ "$status" -eq 0 ]
    for options in "" "--junit result.xml"; do
        status=0
        # shellcheck disable=SC2086 # none, or two words
        "$acre" test --guests "$guests" $options a.list >/dev/full 2>err || status=$?
        stderr=$(cat err)
        fails_with "stdout: No space left on device"
    done
    [ "$(xmllint --xpath 'count(//testcase)' result.xml)" = 50 ]
    status=0
    ("$acre" test --guests "$guests" a.list 2>err || echo $? >status) | head -n 1 >/dev/null
    grep -q '^acre: error: stdout: Broken pipe$' err
    [ "$(cat status)" -eq 125 ]
    acre test --guests "$guests" --junit /dev/full a.list
    [ "$status" -eq 125 ]
    grep -q '^acre: error: /dev/full: No space left on device$' err
}
@test "any of stdin, stdout and stderr may be closed, and descriptors may be few" {
    needs_kvm
    for i in {1..20}; do
        printf '[%d]\nkernel = bench_exit.elf\nboard = bare\n' "$i"
    done >a.list
    "$acre" test --guests "$guests" --junit result.xml a.list <&- >&- 2>&-
    [ "$(xmllint --xpath 'count(//testcase)' result.xml)" = 20 ]
    [ "$(xmllint --xpath 'count(//failure)' result.xml)" = 0 ]
    (ulimit -n 48 && "$acre" test -j 20 --guests "$guests" a.list | tail -n 1 |
        grep -q '^# 20 passed')
}
@test "JUnit XML is what its readers want, whatever guests print" {
    needs_kvm
    cat >a.list <<LIST
[quotes " < & > ' ü]
kernel = crash.elf
append = exit=1
[fine]
kernel = smp.elf
append = cpus=1
[skipped]
kernel = crash.elf
append = exit=77
[control]
kernel = echo.elf
input = \001\033[31m<&]]>\377\n\004
after = ready
[not there]
kernel = nosuch.elf
LIST
    acre test --guests "$guests" --retries 1 --junit result.xml a.list
    [ "$status" -eq 1 ]
    xmllint --noout --schema "$root/tests/cli/junit.xsd" result.xml
    [ "$(xmllint --xpath 'count(//testcase[@classname="acre"])' result.xml)" = 5 ]
    [ "$(xmllint --xpath 'count(//testcase[@classname="fine"])' result.xml)" -ge 2 ]
    [ "$(xmllint --xpath 'count(//testcase/failure)' result.xml)" = 2 ]
    [ "$(xmllint --xpath 'string(//testsuite/@failures)' result.xml)" = 2 ]
    [ "$(xmllint --xpath 'count(//testcase)' result.xml)" = \
        "$(xmllint --xpath 'string(//testsuite/@tests)' result.xml)" ]
    xmllint --xpath '//testcase[@name="control"]/system-out' result.xml | grep -qF '\x1b[31m'
}
@test "--filter, --shard and the environment choose guests" {
    for i in {1..7}; do
        printf '[case-%d]\nkernel = x\n' "$i"
    done >a.list
    acre test --list a.list
    [ "$status" -eq 0 ]
    [ "$(wc -l <out)" -eq 7 ]
    acre test --list --filter 'case-[2-3]' --filter 7 a.list
    [ "$output" = $'case-2\ncase-3\ncase-7' ]
    for i in 1 2 3; do
        acre test --list --shard $i/3 a.list
        cat out >>all
    done
    sort all | diff - <(seq -f 'case-%g' 7)
    TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=3 TEST_SHARD_STATUS_FILE='' acre test --list a.list
    [ "$output" = $'case-2\ncase-5' ]
    TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=3 acre test --list --shard 3/3 a.list
    [ "$output" = $'case-3\ncase-6' ]
}
@test "a shard without guests is no failure, and says that shards are understood" {
    needs_kvm
    printf '[only]\nkernel = bench_exit.elf\nboard = bare\n' >a.list
    TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=2 TEST_SHARD_STATUS_FILE=shards \
        acre test --guests "$guests" a.list
    [ "$status" -eq 0 ]
    [[ $output == *"1..0 # SKIP no guest in this shard"* ]]
    [ -e shards ]
}
@test "what is wrong is one line, and status 125" {
    refuses() {
        acre test "${@:2}"
        fails_with "$1"
    }
    printf '[a]\nkernel = x\n' >a.list
    mkdir empty
    refuses "no guest given" --tap
    refuses "nosuch: No such file" nosuch
    refuses "empty: no guests there" empty
    refuses "--filter: fits no guest" --filter nothing a.list
    refuses "--jobs: 0: not a number from 1" --jobs 0 a.list
    refuses "-j: x: not a number" -j x a.list
    refuses "--retries: 101" --retries 101 a.list
    refuses "--timeout: 0" --timeout 0 a.list
    refuses "--shard: 0/2: not a shard" --shard 0/2 a.list
    refuses "--shard: 3/2" --shard 3/2 a.list
    refuses "--junit: is empty" --junit '' a.list
    refuses "nosuch/r.xml: No such file" --junit nosuch/r.xml a.list
    refuses "name is empty" ''
    export TEST_TOTAL_SHARDS=2
    refuses "one without the other" a.list
    TEST_SHARD_INDEX=2 refuses "TEST_SHARD_INDEX: 2: not a number from 0 to 1" a.list
}
@test "without KVM it fails at once, and names the doctor" {
    printf '[a]\nkernel = x\n' >a.list
    acre test --kvm /nosuch/kvm a.list
    fails_with "/nosuch/kvm: "
    [[ $stderr == *"acre doctor"* ]]
    [ -z "$output" ]
}
# Starts a suite of guests that never end, in the background, and waits until two of them run.
start_endless() {
    for i in 1 2 3; do
        printf '[%d]\nkernel = crash.elf\nappend = doze\n' $i
    done >a.list
    env --default-signal=INT setsid "$acre" test --tap -j 2 --guests "$guests" --junit result.xml a.list >out 2>err </dev/null &
    runner=$!
    for _ in {1..100}; do
        mapfile -t children < <(pgrep -P $runner)
        [ ${#children[@]} -lt 2 ] || return 0
        sleep 0.05
    done
    return 1
}
all_gone() {
    for _ in {1..40}; do
        alive=0
        for child in "${children[@]}"; do
            ! kill -0 "$child" 2>/dev/null || alive=1
        done
        [ $alive -eq 1 ] || return 0
        sleep 0.05
    done
    return 1
}
@test "an interrupt ends all guests, tells what was done, and gives status 130" {
    needs_kvm
    start_endless
    kill -s INT $runner
    status=0
    wait $runner || status=$?
    [ "$status" -eq 130 ]
    all_gone
    grep -q '^Bail out! interrupted by signal 2' out
    tail -n 1 out | grep -q '^# 0 passed, 0 failed, 0 skipped, 3 not run'
    xmllint --noout --schema "$root/tests/cli/junit.xsd" result.xml
}
@test "a board that is never read to its end is no reason not to end" {
    needs_kvm
    mkfifo pipe
    printf '/include/ "pipe"\n' >a.dts
    printf '[a]\nkernel = hello.elf\nboard = ./a.dts\n' >a.list
    env --default-signal=INT "$acre" test --guests "$guests" a.list >out 2>err </dev/null &
    runner=$!
    for _ in {1..100}; do
        dtc=$(pgrep -g "$(pgrep -P $runner)" dtc) && break
        sleep 0.05
    done
    children=("$dtc" "$(pgrep -P $runner)")
    kill -s INT $runner
    status=0
    wait $runner || status=$?
    [ "$status" -eq 130 ]
    all_gone
}
@test "a runner that is killed leaves no guest behind" {
    needs_kvm
    start_endless
    kill -s KILL $runner
    wait $runner || true
    all_gone
}
@test "on a terminal there is a line of progress, and failures stay" {
    needs_kvm
    cat >a.list <<'LIST'
[good]
kernel = bench_exit.elf
board = bare
[bad]
kernel = crash.elf
append = exit=9
LIST
    status=0
    script -qec "$acre test --guests $guests a.list" /dev/null >out </dev/null || status=$?
    [ "$status" -eq 1 ]
    grep -q 'FAIL bad' out
    grep -q 'exit status 9, not 0' out
    grep -q '1 passed, 1 failed, 0 skipped in' out
    [ "$(grep -c 'FAIL good' out)" -eq 0 ]
}
@test "the example of a Kubernetes job divides by as many as it runs" {
    job=$root/tests/example/kubernetes-job.yaml
    [ "$(sed -n 's/^  completions: //p' "$job")" = \
        "$(sed -n '/TEST_TOTAL_SHARDS/{n;s/.*value: "\(.*\)"/\1/p}' "$job")" ]
}
