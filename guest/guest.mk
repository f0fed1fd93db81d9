# guest.mk - freestanding guest programs: guest/NAME.c with guest/lib becomes $(B)/guest/NAME.elf;
# guest/boot/NAME.S alone becomes NAME.elf or NAME.bin. The same for every V: no sanitizer, no
# instruction beyond plain x86-64 integer ones, which is what every KVM can run.
G := $(B)/guest
GUEST_FLAGS := -I. -g -O2 -ffreestanding -fno-pic -fno-stack-protector -mno-red-zone -mgeneral-regs-only \
	-fno-asynchronous-unwind-tables -fcf-protection=none -MMD -MP \
	$(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)
GUEST_LINK := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
	-Wl,-z,noexecstack $(if $(findstring clang,$(CC)),-Wno-unused-command-line-argument)

GUEST_LIB := $(patsubst guest/%,$(G)/obj/%.o,$(filter-out guest/lib/tree% guest/lib/testdev%,$(wildcard guest/lib/*.c guest/lib/*.S)))
GUEST_TREE := $(patsubst guest/%,$(G)/obj/%.o,$(wildcard guest/lib/tree*.c))
GUEST_TESTDEV := $(G)/obj/lib/testdev.c.o
GUEST_FLAT := $(patsubst guest/boot/%.S,$(G)/%.bin,$(wildcard guest/boot/flat*.S guest/boot/bench*.S))
GUEST_BOOT := $(patsubst guest/boot/%.S,$(G)/%.elf,$(filter-out guest/boot/flat%,$(wildcard guest/boot/*.S)))
FLAT_ORIGIN_flat16 := 0
FLAT_ORIGIN_flat_sector := 0x7c00
flat_origin = $(or $(FLAT_ORIGIN_$(1)),0x100000)
GUEST_BITS = $(if $(findstring 32,$*),-m32)

# guest/conformance: programs for `acre test`, with the boards and overlays that they name.
CONFORMANCE := $(patsubst guest/%.c,$(G)/%.elf,$(wildcard guest/conformance/*.c)) \
	$(patsubst guest/%.dts,$(G)/%.dtb,$(wildcard guest/conformance/*.dts)) \
	$(patsubst guest/%.dtso,$(G)/%.dtbo,$(wildcard guest/conformance/*.dtso))

guests: $(GUEST_FLAT) $(GUEST_BOOT) $(CONFORMANCE)
conformance: $(CONFORMANCE) ## build the conformance guests alone

$(G)/obj/%.c.o: guest/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARN) $(GUEST_FLAGS) -c -o $@ $<
$(G)/obj/%.S.o: guest/%.S
	@mkdir -p $(@D)
	$(CC) $(GUEST_BITS) $(GUEST_FLAGS) -c -o $@ $<
$(G)/%.elf: $(G)/obj/%.c.o $(GUEST_LIB) $(G)/libtree.a guest/lib/guest.ld
	@mkdir -p $(@D)
	$(CC) $(GUEST_LINK) -Wl,-T,guest/lib/guest.ld -o $@ $(filter %.o %.a,$^)
$(G)/%.dtb: guest/%.dts $(wildcard guest/conformance/*.dtsi)
	@mkdir -p $(@D)
	dtc -q -W no-unit_address_vs_reg -I dts -O dtb -o $@ $<
$(G)/%.dtbo: guest/%.dtso
	@mkdir -p $(@D)
	dtc -q -@ -I dts -O dtb -o $@ $<

# tree.c reads device trees by libfdt. Debian's is compiled for user space, but what reads a tree is
# pure: linked here into one object with what it takes from a C library (tree_libc.c, string.c),
# which has to be all it needs, and not one SSE or x87 register in it. What remains of user space is
# the red zone (hence interrupts off) and the stack canary at %fs:0x28, which is memory here.
LIBFDT := $(shell $(CC) -print-file-name=libfdt.a)
$(G)/obj/tree.o: $(GUEST_TREE) $(LIBFDT)
	ld -r -o $@ $^
	@! nm -u $@ | grep -vE ' (mem(cpy|move|cmp|set)|strlen|strcmp|console_printf|guest_exit)$$'
	@! objdump -d --no-show-raw-insn $@ | grep -E '%([xyz]?mm[0-9]|st)|^ +[0-9a-f]+:[[:space:]]+f'
$(G)/libtree.a: $(GUEST_TESTDEV) $(G)/obj/tree.o
	@rm -f $@
	$(AR) rcs $@ $^
$(GUEST_BOOT): $(G)/%.elf: $(G)/obj/boot/%.S.o guest/boot/boot.ld guest/boot/elf64.ld
	$(CC) $(GUEST_BITS) $(GUEST_LINK) -Wl,-T,$(or $(wildcard guest/boot/$*.ld),guest/boot/boot.ld) -o $@ $<
$(GUEST_FLAT): $(G)/%.bin: $(G)/obj/boot/%.S.o
	$(CC) $(GUEST_BITS) $(GUEST_LINK) -Wl,-Ttext=$(call flat_origin,$*) -Wl,-e,$(call flat_origin,$*) \
		-Wl,--oformat,binary -o $@ $<

-include $(wildcard $(G)/obj/*.d $(G)/obj/*/*.d)
