#!/usr/bin/env bats
# Serial ports and the debug console on files, sockets and pseudo-terminals.
load helpers

# Starts acre in the background; its stdout and stderr are in out and err.
start() {
    "$acre" run --timeout 20 "$@" >out 2>err </dev/null &
    pid=$!
}
# Waits for acre's end.
ended() {
    status=0
    wait "$pid" || status=$?
    output=$(cat out)
    stderr=$(cat err)
}
wait_for() { # file text
    for _ in {1..100}; do
        ! grep -q "$2" "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    return 1
}
needs_socat() {
    command -v socat >/dev/null || skip "socat is not installed"
}

@test "a port's output in a file, emptied first, and nothing on stdout" {
    needs_kvm
    echo "from an earlier run" >com1
    acre run --serial file:com1 "$guests/hello.elf"
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
    [[ $(cat com1) == "Hello from a guest of acre."* ]]
}
@test "null takes all output, and stdio for a second port is refused" {
    needs_kvm
    acre run --serial null "$guests/hello.elf"
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
    acre run --serial stdio --serial stdio "$guests/hello.elf"
    fails_with "serial1: serial0 has stdio already"
}
@test "a client of a socket talks with the guest, and the guest ends" {
    needs_kvm
    needs_socat
    start --serial unix:s,server=on "$guests/echo.elf"
    wait_for err "waits for somebody"
    (
        sleep 1
        printf 'over a socket\004'
    ) | socat -t5 - UNIX-CONNECT:s >client
    ended
    [ "$status" -eq 0 ]
    [[ $(cat client) == *"over a socket"*"13 bytes"* ]]
    [ -z "$output" ]
}
@test "clients come and go while the guest runs, and what nobody heard waits" {
    needs_kvm
    needs_socat
    start --serial unix:s,server=on,wait=off "$guests/echo.elf"
    for _ in {1..100}; do
        [ ! -S s ] || break
        sleep 0.05
    done
    sleep 1
    printf one | socat -t1 - UNIX-CONNECT:s >first
    printf 'two\004' | socat -t5 - UNIX-CONNECT:s >second
    ended
    [ "$status" -eq 0 ]
    grep -q "echo: ready" first
    [[ $(cat first second) == *one* ]]
    [[ $(cat second) == *two*"6 bytes"* ]]
}
@test "acre connects to a socket where somebody listens, or says that nobody does" {
    needs_kvm
    needs_socat
    acre run --serial unix:nobody "$guests/hello.elf"
    fails_with "serial0: unix:nobody: No such file or directory"
    socat -u UNIX-LISTEN:s OPEN:heard,creat &
    for _ in {1..100}; do
        [ ! -S s ] || break
        sleep 0.05
    done
    acre run --serial unix:s "$guests/hello.elf"
    wait
    [ "$status" -eq 0 ]
    [[ $(cat heard) == "Hello from a guest of acre."* ]]
}
@test "a pseudo-terminal is named, and its reader hears all to the last byte" {
    needs_kvm
    needs_socat
    start --serial pty "$guests/echo.elf"
    wait_for err "label serial0"
    tty=$(sed -n 's/.*redirected to \(.*\) (label serial0)/\1/p' err)
    sleep 1
    (
        printf 'on a pty\004'
        sleep 5
    ) | socat - "$tty,raw,echo=0" >reader || true
    ended
    [ "$status" -eq 0 ]
    [[ $(cat reader) == *"echo: ready"*"on a pty"*"8 bytes"* ]]
}
@test "a pseudo-terminal that nobody opens does not stall the guest" {
    needs_kvm
    acre run --serial pty "$guests/hello.elf"
    [ "$status" -eq 0 ]
    [[ $stderr == *"serial0: "*" bytes of the guest's output were dropped: nobody was there"* ]]
}
@test "the debug console goes with the first port, or where it is told" {
    needs_kvm
    acre run "$guests/debugcon.elf"
    [ "$status" -eq 0 ]
    together=$output
    acre run --debugcon file:debug "$guests/debugcon.elf"
    [ "$status" -eq 0 ]
    [ -s debug ]
    [ "$output" != "$together" ]
    acre run --serial file:port "$guests/debugcon.elf"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    [ "$(cat port)" = "$together" ]
}
@test "words that are no back end are refused, and a fifth port" {
    acre run --serial floppy "$guests/hello.elf"
    fails_with "--serial: 'floppy': wants stdio"
    acre run --debugcon unix:s,soon "$guests/hello.elf"
    fails_with "--debugcon: unix: 'soon'"
    acre run --serial null --serial null --serial null --serial null --serial null k
    fails_with "more than 4 serial ports"
    acre run --serial file:no/such/folder "$guests/hello.elf"
    fails_with "serial0: no/such/folder: No such file"
}
@test "ports that are added stay in the dumped tree, and paths stay out of it" {
    acre inspect --serial file:com1 --serial pty --serial null --dump-dtb board.dtb
    first=$output
    [[ $first == *00000000000003e8* ]]
    [ "$(grep -c file: board.dtb)" -eq 0 ]
    acre inspect --board ./board.dtb --dump-dtb again.dtb
    [ "$output" = "$first" ]
    cmp board.dtb again.dtb
    dtc -q -I dtb -O dts board.dtb >board.dts
    grep -q 'acre,backend = "pty"' board.dts
    sed -i 's/acre,backend = "pty"/acre,backend = "file:victim"/' board.dts
    acre inspect --board ./board.dts
    fails_with "/isa/serial@i2f8: acre,backend: a tree may say stdio, null or pty"
    [ ! -e victim ]
}
