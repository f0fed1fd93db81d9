# acre: the only build file. `make` builds build/acre and build/guest/*.elf.
# V=release|debug|asan|tsan|cov|fuzz picks a variant (own folder), STATIC=1 one static binary,
# CC=clang-14 the other compiler. `make help` lists the targets that people call.
V ?= release
CC = gcc
PREFIX ?= /usr/local
VERSION = $(shell sed -n 's/^.define ACRE_VERSION "acre \(.*\)"/\1/p' vmm/version.h)
B := build$(if $(filter-out release,$(V)),/$(V))$(if $(STATIC),/static)$(if $(findstring clang,$(CC)),/clang)

WARN := -Wall -Wextra -Werror -Wshadow -Wconversion -Wundef -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 \
	-Wimplicit-fallthrough -Wswitch-enum
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS_debug := -O0 -g3 -DACRE_AUDIT
CFLAGS_asan := -O1 -g -DACRE_AUDIT -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_tsan := -O1 -g -DACRE_AUDIT -fsanitize=thread -fno-omit-frame-pointer
CFLAGS_cov := -O0 -g -DACRE_COVERAGE --coverage
CFLAGS_fuzz := -O1 -g -DACRE_AUDIT -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -I. -I$(B) $(WARN) $(CFLAGS_$(V)) -fPIE -pthread -MMD -MP $(CFLAGS)
ALL_LDFLAGS = $(CFLAGS_$(V)) -pthread $(if $(STATIC),-static-pie -Wl$(comma)-z$(comma)pack-relative-relocs,-pie) -Wl,-z,relro,-z,now $(LDFLAGS)
comma := ,
# The editor of `acre monitor` and the screen of `acre top`, static always: a library more is time at
# every start.
EDIT := -l:libedit.a -l:libncurses.a -l:libtinfo.a -l:libbsd.a -l:libmd.a
LIBS := $(EDIT) -l:libcapstone.a -lfdt -ljansson -lurcu-memb -lurcu-common
ifeq ($(V),fuzz)
CC = clang-14
endif

objs = $(patsubst %.c,$(B)/obj/%.o,$(wildcard $(1)))
MEMORY := $(call objs,memory/*.c)
DEVICES := $(call objs,devices/*.c)
VMM := $(filter-out $(B)/obj/vmm/main.o,$(call objs,vmm/*.c))
UNIT := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
UNIT_HELP := $(filter-out $(B)/obj/tests/unit/test_%,$(call objs,tests/unit/*.c))
BENCH := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))
FUZZ := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))
GUESTS := $(patsubst guest/%.c,$(B)/guest/%.elf,$(wildcard guest/*.c))
BOARDS := $(patsubst vmm/boards/%.dts,$(B)/boards/%.dtb,$(wildcard vmm/boards/*.dts))

all: $(B)/acre guests ## build acre and the guests (the default)
guests: $(GUESTS)
lib: $(B)/libacre-memory.a ## build the memory API alone
unit: $(UNIT) ## build the unit tests
bench-bin: $(BENCH)
fuzz: $(FUZZ) ## build the fuzz targets (with V=fuzz)

$(B)/acre: $(B)/obj/vmm/main.o $(B)/libacre-vmm.a $(B)/libacre-devices.a $(B)/libacre-memory.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/libacre-memory.a: $(MEMORY)
$(B)/libacre-devices.a: $(DEVICES)
$(B)/libacre-vmm.a: $(VMM)
$(B)/libacre-unit.a: $(UNIT_HELP)
$(B)/%.a:
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/boards/%.dtb: vmm/boards/%.dts
	@mkdir -p $(@D)
	dtc -q -@ -W no-unit_address_vs_reg -I dts -O dtb -o $@ $<
$(B)/obj/vmm/board_blobs.o: $(BOARDS)

# The filter of system calls, compiled by libseccomp now rather than at every start.
$(B)/sandbox-filter: vmm/build/sandbox_filter.c vmm/sandbox_calls.c vmm/sandbox_calls.h
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -D_GNU_SOURCE -I. $(WARN) -O1 -o $@ $(filter %.c,$^) -lseccomp
$(B)/sandbox.bpf: $(B)/sandbox-filter
	$< >$@
$(B)/obj/vmm/sandbox.o: $(B)/sandbox.bpf

$(UNIT): $(B)/tests/unit/%: tests/unit/%.c $(B)/libacre-unit.a $(B)/libacre-vmm.a $(B)/libacre-devices.a $(B)/libacre-memory.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS) -lcheck_pic -lsubunit -lm -lrt
$(BENCH): $(B)/tests/bench/%: tests/bench/%.c $(B)/libacre-vmm.a $(B)/libacre-devices.a $(B)/libacre-memory.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)
$(FUZZ): $(B)/tests/fuzz/%: tests/fuzz/%.c $(B)/libacre-unit.a $(B)/libacre-vmm.a $(B)/libacre-devices.a $(B)/libacre-memory.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)

$(B)/acre.1: vmm/acre.1.scd
	scdoc <$< >$@
install: $(B)/acre $(B)/acre.1 lib ## install below DESTDIR and PREFIX (/usr/local)
	install -D -m 755 $(B)/acre "$(DESTDIR)$(PREFIX)/bin/acre"
	install -D -m 644 $(B)/acre.1 "$(DESTDIR)$(PREFIX)/share/man/man1/acre.1"
	install -D -m 644 vmm/acre.bash-completion \
		"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/acre"
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/acre/schemas" vmm/schemas/*.json
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/lib" $(B)/libacre-memory.a
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/include/acre/memory" \
		$(filter-out memory/internal.h memory/rcu.h,$(wildcard memory/*.h))
	install -d "$(DESTDIR)$(PREFIX)/lib/pkgconfig"
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' memory/acre-memory.pc.in \
		>"$(DESTDIR)$(PREFIX)/lib/pkgconfig/acre-memory.pc"
clean: ## remove all that was built
	rm -rf build
help: ## list targets and variables
	@grep -hE '^[a-z -]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16
	@sed -n '2,3s/^# //p' Makefile

-include guest/guest.mk
-include tests/tests.mk
-include tests/mutants/mutants.mk
-include tests/bench/bench.mk
-include tests/stress/stress.mk
-include $(shell find $(B)/obj $(B)/tests -name '*.d' 2>/dev/null)
.PHONY: all guests lib unit bench-bin fuzz install clean help
.DELETE_ON_ERROR:
.SECONDARY:
