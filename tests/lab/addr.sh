#!/bin/sh
# Addresses of guests that run, against what the guests know of them. TAP.
# usage: addr.sh ACRE GUESTS [VMLINUX INITRD]
acre=$1 guests=$2 vmlinux=${3:-} initrd=${4:-}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
dir=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT

# await WORDS: until the guest has said so.
await() {
    tries=0
    until grep -qs "$1" "$dir/out"; do
        tries=$((tries + 1))
        [ $tries -lt 900 ] && kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.1
    done
}

# start WORDS OPTION...: starts acre and waits for the guest.
start() {
    words=$1
    shift
    rm -f "$dir/out" "$dir/sock"
    "$acre" run --timeout 100 --monitor "unix:$dir/sock" "$@" >"$dir/out" 2>&1 <"$input" &
    pid=$!
    await "$words"
}

stop() {
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    pid=''
}

# The addresses of `expected`, looked up.
look_up() {
    sed 's/^expect \([0-9]*\) \([^ ]*\) .*/addr \2 --cpu \1/' "$dir/expected" |
        "$acre" monitor "$dir/sock" >"$dir/answers" 2>&1
    awk -f "$here/addr.awk" "$dir/answers" >"$dir/found"
    awk -v kvm=1 -f "$here/addr.awk" "$dir/answers" >"$dir/kvm"
}

# report_found NAME STATUS: with what explains a failure.
report_found() {
    {
        tail -n 8 "$dir/out"
        diff "$dir/expected" "$dir/found"
        grep -v ' agrees$' "$dir/kvm"
    } >"$dir/all" 2>&1
    tap_report "$2" "$1" "$dir/all"
}

input=/dev/null
if start '^ready' --cpus 2 --append 'wait cpus=2' "$guests/paging.elf"; then
    grep '^expect' "$dir/out" | tr -d '\r' >"$dir/expected"
    look_up
    [ "$(wc -l <"$dir/expected")" -ge 22 ] && cmp "$dir/expected" "$dir/found" &&
        [ "$(grep -cvE ' (agrees|unchecked)$' "$dir/kvm")" -eq 2 ] &&
        [ "$(grep -c ' not$' "$dir/kvm")" -eq 2 ]
fi >/dev/null
report_found "4-level tables mean what the guest built them to mean, KVM agrees" $?
stop

# tables NAME GUEST: `expected` has no values, as accessed bits come and go.
tables() {
    if start '^ready' --flat 32 "$guests/$2"; then
        look_up
        sed 's/=[^ ,]*//g' "$dir/found" >"$dir/plain"
        cmp "$dir/expected" "$dir/plain" && ! grep -vE ' agrees$' "$dir/kvm"
    fi >/dev/null
    report_found "$1" $?
}

cat >"$dir/expected" <<'WANT'
expect 0 0x1234 0x200000 0x1234 0x400000 writable, supervisor, executable
expect 0 0x80001120 0x200800,0x201004 0x300120 0x1000 writable, user, executable
expect 0 0x80002000 0x200800,0x201008 - - not present
expect 0 0xc0000005 0x200c00 0x400005 0x400000 read-only, supervisor, executable
expect 0 0x40000000 0x200400 - - not present
WANT
tables "32-bit tables mean what the guest built them to mean, KVM agrees" flat_paging32.bin
stop

cat >"$dir/expected" <<'WANT'
expect 0 0x201234 0x200fe0,0x201008 0x201234 0x200000 writable, supervisor, executable
expect 0 0x80003120 0x200ff0,0x202000,0x204018 0x300120 0x1000 writable, supervisor, executable
expect 0 0x40000000 0x200fe8 - - not present
WANT
tables "PAE tables mean what the guest built them to mean, KVM agrees" flat_pae32.bin
# Whether the CPU still has the pointer that memory has lost is its own affair.
echo 'expect 0 0xc0000120 ' >"$dir/expected"
look_up
grep -qx '0xc0000120 agrees' "$dir/kvm"
report_found "a PAE pointer that memory has lost is what KVM says it is" $?
stop

cat >"$dir/expected" <<'WANT'
expect 0 0x1000000605120 0x200008,0x204000,0x205000,0x206018,0x207028 0x300120 0x1000 read-only, supervisor, executable
expect 0 0xff00000000200000 0x200800,0x201000,0x202000,0x203008 0x200000 0x200000 writable, supervisor, executable
expect 0 0x2000000000000 0x200010 - - not present
WANT
tables "5-level tables mean what the guest built them to mean, KVM agrees" flat_la57.bin
"$acre" monitor "$dir/sock" addr 0x100000000000000 >"$dir/found" 2>&1
grep -q 'paging 5-level' "$dir/found" && grep -qx '  no translation: not a canonical address' "$dir/found"
report_found "with 5 levels bit 56 is the sign" $?
stop

[ -n "$vmlinux" ] || tap_end
# From here on with Linux, to whose shell the test types.
# shellcheck disable=SC2016 # the guest's shell expands it
spin_and_tell='(while :; do :; done) & P=$!
E=$(sed -n "s/^[0-9a-f]*-\([0-9a-f]*\) .*stack]$/\1/p" /proc/$P/maps)
A=$((0x$E - 4096))
echo "st""ack $(printf %x $A) $(dd if=/proc/$P/pagemap bs=8 skip=$((A / 4096)) count=1 2>/dev/null | od -A n -t x1)"
echo "te""xt $(sed -n "s/ T _text$//p" /proc/kallsyms) $(sed -n "s/^ *\([0-9a-f]*\)-.*Kernel code/\1/p" /proc/iomem)"
'
input=$dir/keys
mkfifo "$input"
# Both ends, so that opening waits for nobody.
exec 3<>"$input"
start 'guest#' -m 256M --initrd "$initrd" --append 'console=ttyS0 quiet' "$vmlinux" &&
    printf '%s' "$spin_and_tell" >&3 && await '^text [0-9a-f]'
tr -d '\r' <"$dir/out" >"$dir/said"

# shellcheck disable=SC2046 # words
set -- $(sed -n 's/^text //p' "$dir/said")
text=${1:-} code=${2:-}
"$acre" monitor "$dir/sock" "gva2gpa 0x$text" >"$dir/found" 2>&1
[ -n "$code" ] && [ "$(cat "$dir/found")" = "gpa: $(printf '0x%x' "0x$code")" ]
report_found "Linux: the kernel's text is where /proc/iomem says it is" $?

# The frame number is bytes 0 to 6 of the entry, the lowest first; bit 7 of byte 6 is another's.
# shellcheck disable=SC2046 # words
set -- $(sed -n 's/^stack //p' "$dir/said")
stack=${1:-} entry="${8:-} ${7:-} ${6:-} ${5:-} ${4:-} ${3:-} ${2:-}"
want=$(printf 'gpa: 0x%x' $(((0x$(echo "$entry" | tr -d ' ') & 0x7fffffffffffff) << 12)))
tries=0 same=1
# The process spins, but for the moments in which others run.
until [ $same -eq 0 ] || [ $tries -ge 20 ]; do
    tries=$((tries + 1))
    "$acre" monitor "$dir/sock" "gva2gpa 0x$stack" >"$dir/found" 2>&1
    [ "$(cat "$dir/found")" = "$want" ] && same=0
    sleep 0.2
done
echo "wanted: $want" >>"$dir/found"
report_found "Linux: a process's page is where its pagemap says it is (try $tries)" $same
"$acre" monitor "$dir/sock" "addr 0x$text" >"$dir/found" 2>&1
grep -q 'KVM_TRANSLATE agrees' "$dir/found" && grep -qE '^hpa 0x[0-9a-f]*[1-9a-f][0-9a-f]{3}$' "$dir/found"
report_found "Linux: KVM agrees, and the chain ends in the lab's own memory" $?
stop
tap_end
