#!/usr/bin/env bats
# A machine under a real gdb: --gdb and -S.
load helpers

# Starts acre with a guest and options, stopped until gdb says so; its output goes to run.out and
# run.err, and its status to run.status when it has ended.
start() {
    local guest=$1
    shift
    rm -f run.status
    {
        code=0
        echo "$BASHPID" >run.shell
        LD_PRELOAD=$preload timeout 60 "$acre" run -v --gdb unix:gdb.sock "$@" "$guests/$guest" \
            >run.out 2>run.err || code=$?
        echo $code >run.status
    } 3>&- &
    wait_for '[ -S gdb.sock ]'
}
# From here on, acre has a KVM that delivers int3 to it, as real hardware's does.
kvm_with_int3() {
    gcc -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -shared -fPIC -o int3.so \
        "$BATS_TEST_DIRNAME/int3.c"
    preload=$PWD/int3.so
    export INT3_LOG=$PWD/int3.log
}
wait_for() {
    for _ in {1..200}; do
        eval "$1" && return 0
        sleep 0.05
    done
    echo "never came true: $1"
    cat run.out run.err
    return 1
}
# Runs gdb with the commands on stdin, for the guest $1; what it printed is in $output.
gdb_script() {
    { printf '%s\n' 'set pagination off' 'set confirm off' 'set width 0' && cat; } >script
    status=0
    timeout 50 gdb -nx -q -batch -x script "$guests/$1" >gdb.out 2>&1 </dev/null || status=$?
    output=$(cat gdb.out)
}
# The debugged run ended with that status.
ended_with() {
    wait_for '[ -s run.status ]'
    [ "$(cat run.status)" -eq "$1" ] || {
        cat run.status run.out run.err gdb.out
        return 1
    }
}
# Each line of stdin is an extended regular expression; gdb printed lines that match, in this order.
printed() {
    local want from=1 found
    while read -r want; do
        found=$(tail -n "+$from" gdb.out | grep -nE -m 1 -- "$want" | cut -d: -f1)
        [ -n "$found" ] || {
            echo "not printed, or not in order: $want"
            cat gdb.out run.err
            return 1
        }
        from=$((from + found))
    done
}
@test "break main stops in hello.elf, with registers, symbols and steps" {
    needs_kvm
    start hello.elf -S
    gdb_script hello.elf <<'END'
target remote gdb.sock
break main
continue
info registers rip cs cr0 efer
print $cr3 != 0
backtrace
stepi
next
print/x $xmm0.uint128
x/1i guest_exit
continue
END
    printed <<'END'
start_pvh \(\) at guest/lib/start.S
Breakpoint 1, main \(boot=0x[0-9a-f]+ <boot>\) at guest/hello.c:
^rip .*<main>
^cs +0x
^cr0 +0x80000011
^efer +0x500
^\$1 = 1
^#0 +main
guest_exit>:
exited normally
END
    ended_with 0
    grep -q 'Hello from a guest' run.out
    grep -q 'gdb: breakpoints by ' run.err
}
@test "a guest in an ELF32 file has the registers of an i386, unless told otherwise" {
    needs_kvm
    start pvh32.elf -S
    gdb_script pvh32.elf <<'END'
target remote gdb.sock
print $pc
break *$pc+11
continue
print/x $eip - (unsigned)&pvh_start
x/i $pc
print/x $cr0
set var $ebx = 0x1234
print/x $ebx
print $mxcsr
kill
END
    printed <<'END'
pvh_start
^\$1 = .*<pvh_start>
^Breakpoint 1,
^\$2 = 0xb
mov +\$0x[0-9a-f]+,%esp
^\$3 = 0x11
^\$4 = 0x1234
^\$5 = \[ IM
killed
END
    ended_with 0
    rm -f gdb.sock
    start pvh32.elf -S --gdb-arch x86-64
    gdb_script pvh32.elf <<'END'
set architecture i386:x86-64
target remote gdb.sock
print/x $rip
kill
END
    # shellcheck disable=SC2016 # gdb's, not the shell's
    printed <<<'^\$1 = 0x1000'
    ended_with 0
}
@test "each CPU is a thread, found where it is and stepped alone" {
    needs_kvm
    start smp.elf -S --cpus 2
    gdb_script smp.elf <<'END'
target remote gdb.sock
info threads
break ap_main
continue
info threads
thread 1
stepi
info threads
delete
tbreak check_pings
continue
thread 2
backtrace 1
continue
END
    printed <<'END'
Thread 2 \(CPU#1 \[not started\]\)
Thread 2 hit Breakpoint 1, ap_main
^\* 2 +Thread 2 \(CPU#1 \[running\]\) +ap_main
^\* 1 +Thread 1
^  2 +Thread 2 .*ap_main
Thread 1 hit Temporary breakpoint 2, check_pings \(id=1\)
^#0 +(0x[0-9a-f]+ in )?(interrupt_wait|ap_main)
exited
END
    wait_for '[ -s run.status ]'
}
@test "more breakpoints than debug registers: every CPU is stepped, and none is missed" {
    needs_kvm
    start smp.elf -S --cpus 2
    gdb_script smp.elf <<'END'
target remote gdb.sock
break guest_hang
break boot_option
break guest_poweroff
break guest_reset
break rtc_present
break ap_main
break check_pings
break report_finish
continue
continue
continue
delete
continue
END
    printed <<'END'
Thread 2 hit Breakpoint 6, ap_main
Thread 1 hit Breakpoint 7, check_pings
Thread 1 hit Breakpoint 8, report_finish
exited
END
    wait_for '[ -s run.status ]'
}
@test "each kind of breakpoint is hit as often as the guest comes there, on three CPUs" {
    local means native=
    needs_kvm
    for means in 'debug registers' stepping 'debug registers and int3'; do
        [[ $means != *int3 ]] || {
            ! grep -q int3 run.err || native=1
            kvm_with_int3
        }
        start smp.elf -S --cpus 3 --append cpus=3
        {
            echo 'target remote gdb.sock'
            # gdb sends them by address: these get the debug registers.
            [ "$means" = 'debug registers' ] || printf 'break *0x10000%d\n' 0 1 2 3
            for function in pong ping count; do
                echo "break $function"
                # shellcheck disable=SC2016 # gdb's
                echo 'ignore $bpnum 1000'
            done
            printf '%s\n' 'tbreak guest_exit' continue 'info breakpoints' delete continue
        } | gdb_script smp.elf
        printed <<'END'
Temporary breakpoint .*, guest_exit
in pong at
already hit 40 times
in ping at
already hit 40 times
in count at
already hit 3 times
exited normally
END
        ended_with 0
        grep -q '^ok 8 - cpu 2 answers 20 of 20' run.out
    done
    grep -q 'gdb: breakpoints by debug registers and int3' run.err
    [ -n "$native" ] || [ "$(wc -c <int3.log)" -ge 83 ]
}
@test "int3 are in nobody's way: monitor, saved memory and cores have the guest's bytes" {
    needs_kvm
    kvm_with_int3
    start crash.elf -S --append spin --monitor unix:mon --save-dir . --core core --timeout 4
    printf '%s\n' 'set confirm off' 'target remote gdb.sock' 'break *0x100000' 'break *0x100001' \
        'break *0x100002' 'break *0x100003' 'break guest_exit' continue >script
    timeout 40 gdb -nx -q -batch -x script "$guests/crash.elf" >gdb.out 2>&1 </dev/null 3>&- &
    wait_for 'grep -q "crash: spin" run.out'
    address=$(nm "$guests/crash.elf" | sed -n 's/ T guest_exit$//p')
    acre monitor mon gpa2hva "0x$address"
    host=$(sed -n 's/.*0x/0x/p' <<<"$output")
    pid=$(pgrep -P "$(pgrep -P "$(cat run.shell)")")
    # It is there, though.
    [ "$(dd if="/proc/$pid/mem" bs=1 skip=$((host)) count=1 status=none | od -An -tx1)" = ' cc' ]
    size=$((0x$(objdump -h "$guests/crash.elf" | awk '$2 == ".text" { print $3 }')))
    objcopy -O binary -j .text "$guests/crash.elf" text
    first=0x$(objdump -h "$guests/crash.elf" | awk '$2 == ".text" { print $4 }')
    acre monitor mon x /1xb "0x$address"
    [[ $output != *0xcc* ]]
    printf '%s\n' '{"execute":"qmp_capabilities"}' \
        "{\"execute\":\"pmemsave\",\"arguments\":{\"val\":$((first)),\"size\":$size,\"filename\":\"saved\"}}" |
        socat -t 5 - UNIX-CONNECT:mon >qmp.out
    cmp saved text
    ended_with 124
    timeout 30 gdb -nx -q -batch -ex "dump binary memory cored $first $first+$size" \
        "$guests/crash.elf" core
    cmp cored text
}
@test "a KVM that hangs in an int3 costs a moment, and is not given any" {
    needs_kvm
    kvm_with_int3
    INT3=hang start hello.elf
    ended_with 0
    grep -q 'gdb: breakpoints by debug registers,' run.err
    grep -q 'Hello from a guest' run.out
}
@test "stepped CPUs stop after an access, too" {
    needs_kvm
    start watched.elf -S
    gdb_script watched.elf <<'END'
target remote gdb.sock
break guest_hang
break guest_poweroff
break guest_reset
break quit_early
break *port_written
break *mmio_written
break *mmio_was_read
continue
continue
continue
delete
continue
END
    printed <<'END'
Breakpoint 5, .*access_devices
Breakpoint 6, .*access_devices
Breakpoint 7, .*access_devices
exited normally
END
    ended_with 0
}
@test "a breakpoint in a loop stops each time round, and an ignored one not" {
    needs_kvm
    start restart.elf -S --reboot
    gdb_script restart.elf <<'END'
target remote gdb.sock
break main
continue
continue
info breakpoints
ignore 1 2
continue
info breakpoints
delete
continue
END
    printed <<'END'
Breakpoint 1, main .*guest/restart.c
Breakpoint 1, main .*guest/restart.c
breakpoint already hit 2 times
Breakpoint 1, main .*guest/restart.c
breakpoint already hit 5 times
exited normally
END
    ended_with 0
}
@test "watchpoints tell who wrote and read, with the values" {
    needs_kvm
    start watched.elf -S
    gdb_script watched.elf <<'END'
target remote gdb.sock
break main
continue
watch written
continue
continue
delete
rwatch looked_at
continue
backtrace 1
delete
continue
END
    printed <<'END'
Hardware watchpoint 2: written
Hardware watchpoint 2: written
^Old value = 0
^New value = 1
Hardware watchpoint 2: written
^Old value = 1
^New value = 3
Hardware read watchpoint 3: looked_at
^Value = 7
^#0 .*main
exited normally
END
    ended_with 0
}
@test "a local variable is watched while interrupts push on its stack, and page tables are" {
    needs_kvm
    start hello.elf -S
    gdb_script hello.elf <<'END'
target remote gdb.sock
tbreak main
continue
next
next
watch uart
continue
set $entry = $cr3 + 8
watch *(unsigned long *)$entry
tbreak guest_exit
continue
delete
continue
END
    printed <<'END'
Hardware watchpoint 2: uart
Watchpoint 2 deleted because the program has left the block
atchpoint 3: 
guest_exit \(status=0\)
exited normally
END
    ended_with 0
    grep -q 'timer: 10 ticks' run.out
}
@test "stepping over and out of HLT halts where it should, and wakes" {
    needs_kvm
    start hello.elf -S
    gdb_script hello.elf <<'END'
target remote gdb.sock
tbreak interrupt_wait
continue
stepi 2
x/i $pc
info threads
break *0x100000
break *0x100001
break *0x100002
break *0x100003
break *0x100004
break count_tick
continue
delete
continue
END
    printed <<'END'
breakpoint 1, interrupt_wait
=> .*cli
CPU#0 \[halted\]
Breakpoint 7, count_tick
exited normally
END
    ended_with 0
    grep -q 'timer: 10 ticks' run.out
}
@test "stepping goes over port and MMIO accesses, one at a time, and over rep" {
    needs_kvm
    start watched.elf -S
    gdb_script watched.elf <<'END'
target remote gdb.sock
break *port_write
break *mmio_read
break *string_store
continue
stepi
print $rip == (unsigned long)&port_written
tbreak *mmio_write
continue
stepi
print $rip == (unsigned long)&mmio_written
continue
stepi
print $rip == (unsigned long)&mmio_was_read
continue
print $rcx
stepi
print $rcx
delete
tbreak *string_stored
continue
print $rcx
continue
END
    printed <<'END'
Breakpoint 1,
^\$1 = 1
Temporary breakpoint 4,
^\$2 = 1
Breakpoint 2,
^\$3 = 1
Breakpoint 3,
^\$4 = 16
^\$5 = (0|15)
Temporary breakpoint 5,
^\$6 = 0
exited normally
END
    ended_with 0
}
@test "Ctrl-C stops a guest that spins, time stands still, and kill ends the run" {
    needs_kvm
    start crash.elf -S --append spin --timeout 3
    printf '%s\n' 'set confirm off' 'target remote gdb.sock' continue 'backtrace 1' \
        'shell sleep 4' 'info threads' kill >script
    timeout 40 gdb -nx -q -batch -x script "$guests/crash.elf" >gdb.out 2>&1 </dev/null 3>&- &
    gdb=$!
    wait_for 'grep -q "crash: spin" run.out'
    sleep 0.3
    kill -INT "$(pgrep -P $gdb)"
    wait $gdb
    printed <<'END'
SIGINT, Interrupt
^#0 +spin
CPU#0 \[running\]
killed
END
    ended_with 0
    grep -q 'ended by the user' run.err
}
@test "a debugger may leave, come back, and lose its connection" {
    needs_kvm
    start crash.elf --append spin
    wait_for 'grep -q "crash: spin" run.out'
    gdb_script crash.elf <<'END'
target remote gdb.sock
break guest_exit
detach
shell sleep 0.2
target remote gdb.sock
stepi
backtrace 1
x/1xb 0x7fff000000000000
END
    printed <<'END'
detached
^#0 +spin
Cannot access memory at address 0x7fff000000000000
END
    # Something that is no gdb, and goes without a word.
    # shellcheck disable=SC2016 # it is the protocol's dollar
    printf 'garbage$g#67\003$Z0,100000,1#00' | timeout 5 socat - UNIX-CONNECT:gdb.sock >/dev/null
    [ ! -s run.status ]
    gdb_script crash.elf <<'END'
target remote gdb.sock
backtrace 1
kill
END
    printed <<<'^#0 +spin'
    ended_with 0
}
@test "memory is read and written through the page tables, or as it is, ROM included" {
    needs_kvm
    start watched.elf -S
    gdb_script watched.elf <<'END'
target remote gdb.sock
break main
continue
print looked_at
set var looked_at = 8
print looked_at
maintenance packet Qqemu.PhyMemMode:1
maintenance packet qqemu.PhyMemMode
x/1dw &looked_at
maintenance packet Qqemu.PhyMemMode:0
set var $rax = 0x1234
print/x $rax
print $mxcsr
set var $mxcsr = 0x1f00
print $mxcsr
set var $k_gs_base = 0x123456789
print/x $k_gs_base
set var $rip = (unsigned long)&quit_early
continue
END
    printed <<'END'
^\$1 = 7
^\$2 = 8
received: "OK"
received: "1"
8$
^\$3 = 0x1234
^\$4 = \[ IM DM ZM OM UM PM \]
^\$5 = \[ DM ZM OM UM PM \]
^\$6 = 0x123456789
exited with code 03
END
    ended_with 3
}
@test "monitor runs a person's command, system_reset among them" {
    needs_kvm
    start hello.elf -S
    gdb_script hello.elf <<'END'
target remote gdb.sock
monitor info status
monitor nonsense
break main
continue
monitor system_reset
continue
delete
continue
END
    printed <<'END'
^VM status:
nonsense
Breakpoint 1, main
Breakpoint 1, main
exited normally
END
    ended_with 0
}
@test "a crash stops in gdb before it ends the run" {
    needs_kvm
    start conformance/internal-error.elf -S
    gdb_script conformance/internal-error.elf <<'END'
target remote gdb.sock
continue
print/x $rip
continue
END
    printed <<'END'
KVM internal error
SIGILL
^\$1 = 0xd0000000
exited with code 0176
END
    ended_with 126
}
@test "it listens on TCP, on this machine alone unless told otherwise" {
    needs_kvm
    { timeout 20 "$acre" run -S --gdb 47123 "$guests/hello.elf" && echo 0 >run.status; } \
        >run.out 2>run.err 3>&- &
    wait_for 'grep -qi ":0*B813 " /proc/net/tcp'
    grep -qi ' 0100007F:B813 ' /proc/net/tcp
    gdb_script hello.elf <<'END'
target remote :47123
continue
END
    printed <<<'exited normally'
    ended_with 0
}
@test "addresses that are none are refused, and -S without anybody to let go" {
    for address in nonsense 0 70000 unix: host.example:1234; do
        acre run --gdb "$address" "$guests/hello.elf"
        fails_with 'not an address'
    done
    acre run --gdb unix:/nonexistent/s "$guests/hello.elf"
    fails_with '/nonexistent/s: No such file'
    acre run --gdb-arch arm --gdb 1 "$guests/hello.elf"
    fails_with 'neither i386 nor x86-64'
    acre run --gdb-arch i386 "$guests/hello.elf"
    fails_with '--gdb-arch: wants --gdb'
    acre run -S "$guests/hello.elf"
    fails_with '-S: wants --monitor or --gdb'
}
