#!/usr/bin/env bats
load helpers

@test "make install puts program, man page and completion below DESTDIR and PREFIX" {
    make -s -C "$root" install DESTDIR="$PWD/dest" PREFIX=/opt/acre
    [ -x dest/opt/acre/bin/acre ]
    "dest/opt/acre/bin/acre" --version
    head -12 dest/opt/acre/share/man/man1/acre.1 | grep -q "^\.TH \"acre\" \"1\""
    bash -n dest/opt/acre/share/bash-completion/completions/acre
    [ "$(find dest -type f | wc -l)" -eq 3 ]
}

@test "the man page describes every option that --help lists, and no other" {
    for command in run inspect; do
        "$acre" $command --help
    done 2>&1 | grep -oE -- '--[a-z][a-z-]+' | sort -u >help
    grep -oE -- '^\*-.*' "$root/vmm/acre.1.scd" | grep -oE -- '--[a-z][a-z-]+' | sort -u >page
    [ -s help ]
    diff help page
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
