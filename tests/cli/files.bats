#!/usr/bin/env bats
# Every file that cannot be used is one line that names it, and status 125.
load helpers

# refuses FILE TEXT ARGUMENT...: the line has both
refuses() {
    local file=$1 text=$2
    shift 2
    acre "$@"
    fails_with "$file: " && fails_with "$text"
}

# A copy of hello.elf with bytes (printf's escapes) at an offset.
hostile() {
    cp "$guests/hello.elf" "$1"
    chmod u+w "$1"
    # shellcheck disable=SC2059 # escapes are meant
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "a kernel that is not there, a directory, empty, or no file at all" {
    refuses nosuch.elf "No such file" run nosuch.elf
    mkdir dir
    refuses dir "directory" run dir
    : >empty
    refuses empty "empty" run empty
    mkfifo pipe
    refuses pipe "not a regular file" run pipe
    refuses /dev/null "not a regular file" run /dev/null
}
@test "a kernel that is no kernel" {
    echo "just text, and not much of it" >text
    refuses text "not an ELF file" run text
    head -c 100000 /dev/urandom >noise
    printf 'no' | dd of=noise conv=notrunc status=none
    refuses noise "not an ELF file" run noise
}
@test "a kernel cut off anywhere in its headers" {
    needs_kvm
    for size in 5 20 63 64 100 200 4000; do
        head -c $size "$guests/hello.elf" >cut.elf
        refuses cut.elf "cut" run cut.elf
    done
}
@test "a kernel for another machine or of another type" {
    hostile arm 18 '\267\0'
    refuses arm "machine 183" run arm
    hostile object 16 '\001\0'
    refuses object "type 1" run object
}
@test "hostile program headers" {
    hostile many 56 '\377\377'
    refuses many "program headers" run many
    hostile far 32 '\377\377\377\377\377\377\377\177'
    refuses far "far" run far
    hostile wrap 32 '\370\377\377\377\377\377\377\377'
    refuses wrap "wrap" run wrap
    hostile none 56 '\0\0'
    refuses none "no program headers" run none
}
@test "an initrd or module that cannot be read" {
    refuses nosuch "No such file" run --initrd nosuch "$guests/hello.elf"
    refuses nosuch "No such file" run --module "nosuch with words" "$guests/hello.elf"
    mkdir dir
    refuses dir "directory" run --initrd dir "$guests/hello.elf"
}
@test "a board that is not there, empty, or no device tree" {
    refuses nosuch.dtb "No such file" run --board nosuch.dtb "$guests/hello.elf"
    refuses nosuch.dtb "No such file" inspect --board nosuch.dtb
    : >empty.dtb
    refuses empty.dtb "empty.dtb" inspect --board empty.dtb
    head -c 5000 /dev/urandom >noise.dtb
    refuses noise.dtb "noise.dtb" inspect --board noise.dtb
    acre inspect --board toaster
    fails_with toaster
}
@test "a device tree cut off anywhere" {
    acre inspect --dump-dtb whole.dtb
    [ "$status" -eq 0 ]
    for size in 4 39 40 100 500; do
        head -c $size whole.dtb >cut.dtb
        refuses cut.dtb "cut.dtb" inspect --board cut.dtb
    done
}
@test "a KVM device that is not there, or is none" {
    refuses /dev/nosuch "kvm" run --kvm /dev/nosuch "$guests/hello.elf"
    refuses /dev/null "not a KVM device" run --kvm /dev/null "$guests/hello.elf"
    refuses "$PWD" "$PWD" run --kvm "$PWD" "$guests/hello.elf"
}
@test "outputs that cannot be written are known before the guest runs" {
    needs_kvm
    refuses nosuch/result "No such file" run --result nosuch/result "$guests/hello.elf"
    [ -z "$output" ]
    refuses nosuch/dtb "No such file" run --dump-dtb nosuch/dtb "$guests/hello.elf"
    [ -z "$output" ]
    refuses /dev/full "No space" inspect --dump-dtb /dev/full
}
@test "a kernel that does not fit into the guest's memory" {
    needs_kvm
    refuses hello.elf "RAM" run -m 64K "$guests/hello.elf"
}
@test "a name longer than any file's keeps the reason in sight" {
    refuses ... "File name too long" run "$(printf 'a%.0s' {1..5000})"
}
@test "a FIFO that nobody reads is no place for a result, and nothing waits for it" {
    mkfifo pipe
    for option in --result --dump-dtb; do
        split timeout 5 "$acre" run $option pipe "$guests/hello.elf"
        fails_with "pipe: nobody reads from it"
    done
}
@test "who may not use /dev/kvm is told so, and what would help" {
    [ -e /dev/kvm ] && [ "$(id -u)" -eq 0 ] && [ -z "$(find /dev/kvm -perm -006)" ] ||
        skip "wants to be root beside a /dev/kvm that others may not use"
    install -m 755 "$acre" acre
    chmod 755 . .. ../.. 2>/dev/null || true
    cp "$guests/hello.elf" .
    chmod a+r hello.elf
    nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    split "${nobody[@]}" ./acre run hello.elf
    fails_with "/dev/kvm: permission denied"
    split "${nobody[@]}" ./acre doctor
    [ "$status" -eq 125 ] && [[ $output == *MISSING*"permission denied"* ]]
}
