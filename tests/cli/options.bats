#!/usr/bin/env bats
# Every way to get the command line wrong is one line that names the option, and status 125.
load helpers

# refuses TEXT ARGUMENT...
refuses() {
    local text=$1
    shift
    acre "$@"
    fails_with "$text"
}

@test "no command at all" {
    refuses "usage: acre"
}
@test "an unknown command" {
    refuses fly fly
}
@test "an unknown option, long and short" {
    refuses --bogus run --bogus "$guests/hello.elf"
    refuses -Z run -Z "$guests/hello.elf"
    refuses --bogus inspect --bogus
}
@test "no kernel, or two" {
    refuses "no kernel" run
    refuses "second kernel" run a b
}
@test "an option without its value" {
    refuses "--cpus: wants" run "$guests/hello.elf" --cpus
    refuses "-m: wants" run "$guests/hello.elf" -m
}
@test "a value for an option that takes none" {
    refuses "--reboot: takes no value" run --reboot=yes "$guests/hello.elf"
}
@test "absurd sizes of memory" {
    for size in 0 1 128 63K 4097K 2T 99999999999999999999 0x10000000000000000 -1 128Q '' M 1.5G; do
        refuses "-m" run -m "$size" "$guests/hello.elf"
    done
}
@test "sizes that are right" {
    for size in 64K 0x10000 1m 16384T/1; do
        acre inspect -m "$size" --debug view
        if [ "$size" = 16384T/1 ]; then
            fails_with -m
        else
            [ "$status" -eq 0 ]
        fi
    done
}
@test "numbers of CPUs that cannot be" {
    for cpus in 0 -1 x 1x 1000000 18446744073709551617; do
        refuses "--cpus" run --cpus $cpus "$guests/hello.elf"
    done
}
@test "time-outs that cannot be" {
    for seconds in 0 -1 x '' 1s; do
        refuses "--timeout" run --timeout "$seconds" "$guests/hello.elf"
    done
}
@test "files for fw_cfg that cannot be" {
    for text in opt/x string=y opt/x,file= gen_id=z; do
        refuses "--fw-cfg: $text" run --board qemu-test --fw-cfg "$text" "$guests/hello.elf"
    done
    refuses "acre,image: no/such: No such file" run --board qemu-test --fw-cfg opt/x,file=no/such \
        "$guests/hello.elf"
    refuses "no fw_cfg" run --fw-cfg opt/x,string=y "$guests/hello.elf"
}
@test "dates that cannot be" {
    for date in '' now 2023-02-29 2006-06-17T24:00:00 1969-12-31; do
        refuses "--rtc" run --rtc "$date" "$guests/hello.elf"
    done
    acre run --board bare --rtc utc "$guests/hello.elf"
    fails_with "bare: --rtc: the tree has no 'motorola,mc146818'"
}
@test "words that are not among those an option takes" {
    refuses "--boot" run --boot floppy "$guests/hello.elf"
    refuses "--flat" run --flat 48 "$guests/hello.elf"
    refuses "--flat" run --flat 32@ "$guests/hello.elf"
    refuses "--flat" run --flat 32@0x10zz "$guests/hello.elf"
    refuses "--debug" run --debug tree,weather "$guests/hello.elf"
    refuses "--sandbox" run --sandbox maybe "$guests/hello.elf"
    refuses "--exit-status" run --exit-status bsd "$guests/hello.elf"
    refuses "--watchdog-action" run --watchdog-action bark "$guests/hello.elf"
    acre run --board bare --watchdog-action reset "$guests/hello.elf"
    fails_with "bare: --watchdog-action: the tree has no 'ibase,ib700'"
}
@test "help goes to stdout with status 0" {
    for command in --help -h help "run --help" "run --help a b" "run a --help" "inspect -h" \
        "doctor --help"; do
        # shellcheck disable=SC2086 # several words
        acre $command
        [ "$status" -eq 0 ]
        [[ $output == usage:* ]]
        [ -z "$stderr" ]
    done
}
@test "values that are empty" {
    for option in -m --cpus --board --boot --flat --initrd --module --timeout --result --debug --kvm; do
        refuses "$option: is empty" run $option "" "$guests/hello.elf"
    done
    refuses "--cpus: is empty" run --cpus= "$guests/hello.elf"
    refuses "--module" run --module " words" "$guests/hello.elf"
    refuses "name is empty" run ""
}
@test "more modules than there can be" {
    modules=()
    for _ in {1..1000}; do
        modules+=(--module "$guests/hello.elf")
    done
    refuses "more than 32 modules" run "${modules[@]}" "$guests/hello.elf"
}
@test "what is printed on a full disk is not taken for printed" {
    for arguments in --version --help "run --help" "run --debug help" "inspect --help" inspect \
        "doctor --help" doctor; do
        status=0
        # shellcheck disable=SC2086 # several words
        "$acre" $arguments >/dev/full 2>err || status=$?
        stderr=$(cat err)
        fails_with "stdout: No space left on device"
    done
}
