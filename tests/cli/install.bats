#!/usr/bin/env bats
load helpers

@test "make install puts program, man page, completion and library below DESTDIR and PREFIX" {
    make -s -C "$root" install DESTDIR="$PWD/dest" PREFIX=/opt/acre
    [ -x dest/opt/acre/bin/acre ]
    "dest/opt/acre/bin/acre" --version
    head -12 dest/opt/acre/share/man/man1/acre.1 | grep -q "^\.TH \"acre\" \"1\""
    bash -n dest/opt/acre/share/bash-completion/completions/acre
    (cd dest/opt/acre && find . -type f ! -path './include/*' | sort) >files
    diff files - <<'FILES'
./bin/acre
./lib/libacre-memory.a
./lib/pkgconfig/acre-memory.pc
./share/acre/schemas/acre-addr.json
./share/acre/schemas/acre-commit.json
./share/acre/schemas/acre-map-diff.json
./share/acre/schemas/acre-map.json
./share/acre/schemas/acre-why.json
./share/bash-completion/completions/acre
./share/man/man1/acre.1
FILES
    [ ! -e dest/opt/acre/include/acre/memory/internal.h ]
}

@test "a program of sixty lines uses the installed library, found by pkg-config" {
    example=$root/tests/example/map.c
    [ "$(wc -l <"$example")" -le 60 ]
    make -s -C "$root" install DESTDIR="$PWD/dest" PREFIX=/opt/acre
    export PKG_CONFIG_PATH=$PWD/dest/opt/acre/lib/pkgconfig
    [ "acre $(pkg-config --modversion acre-memory)" = "$("$acre" --version)" ]
    # shellcheck disable=SC2046 # several words
    gcc -Wall -Wextra -Werror -o map "$example" \
        $(pkg-config --define-variable=prefix="$PWD/dest/opt/acre" --cflags --libs acre-memory)
    ./map >map.txt
    diff map.txt - <<'MAP'
FlatView #0
 AS "memory", root: system
 Root memory region: system
  0000000000000000-0000000000007fff (prio 0, ram): ram
  0000000000008000-0000000000008fff (prio 1, i/o): sensor
  0000000000009000-00000000000fffff (prio 0, ram): ram @0000000000009000
  0000000010000000-00000000100fffff (prio 0, rom): ram

sensor: 42
MAP
}

@test "make help lists every target that people call" {
    make -s -C "$root" help >targets
    for target in all lib unit fuzz "test check" bench check-bare install clean help; do
        grep -q "^$target " targets
    done
}

@test "make clean leaves nothing of the build" {
    git -C "$root" ls-files -z | (cd "$root" && cpio -0pdm --quiet "$BATS_TEST_TMPDIR/copy")
    mkdir -p copy/build/obj
    make -s -C copy clean
    [ ! -e copy/build ]
}

@test "completion offers the commands and the options of run" {
    # shellcheck source=/dev/null
    source "$root/vmm/acre.bash-completion"
    COMP_WORDS=(acre in) COMP_CWORD=1
    _acre
    [ "${COMPREPLY[*]}" = inspect ]
    compopt() { :; }
    COMP_WORDS=("$acre" run --ti) COMP_CWORD=2
    _acre
    [ "${COMPREPLY[*]}" = --timeout ]
}
