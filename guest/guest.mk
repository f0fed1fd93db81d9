# guest.mk - freestanding guest programs: guest/NAME.c with guest/lib becomes $(B)/guest/NAME.elf;
# guest/boot/NAME.S alone becomes NAME.elf or NAME.bin. The same for every V: no sanitizer, no
# instruction beyond plain x86-64 integer ones, which is what every KVM can run.
G := $(B)/guest
GUEST_FLAGS := -I. -g -O2 -ffreestanding -fno-pic -fno-stack-protector -mno-red-zone -mgeneral-regs-only \
	-fno-asynchronous-unwind-tables -fcf-protection=none -MMD -MP \
	$(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)
GUEST_LINK := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
	-Wl,-z,noexecstack $(if $(findstring clang,$(CC)),-Wno-unused-command-line-argument)

GUEST_LIB := $(patsubst guest/%,$(G)/obj/%.o,$(wildcard guest/lib/*.c guest/lib/*.S))
GUEST_FLAT := $(patsubst guest/boot/%.S,$(G)/%.bin,$(wildcard guest/boot/flat*.S guest/boot/bench*.S))
GUEST_BOOT := $(patsubst guest/boot/%.S,$(G)/%.elf,$(filter-out guest/boot/flat%,$(wildcard guest/boot/*.S)))
FLAT_ORIGIN_flat16 := 0
FLAT_ORIGIN_flat_sector := 0x7c00
flat_origin = $(or $(FLAT_ORIGIN_$(1)),0x100000)
GUEST_BITS = $(if $(findstring 32,$*),-m32)

guests: $(GUEST_FLAT) $(GUEST_BOOT)

$(G)/obj/%.c.o: guest/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARN) $(GUEST_FLAGS) -c -o $@ $<
$(G)/obj/%.S.o: guest/%.S
	@mkdir -p $(@D)
	$(CC) $(GUEST_BITS) $(GUEST_FLAGS) -c -o $@ $<
$(G)/%.elf: $(G)/obj/%.c.o $(GUEST_LIB) guest/lib/guest.ld
	$(CC) $(GUEST_LINK) -Wl,-T,guest/lib/guest.ld -o $@ $(filter %.o,$^)
$(GUEST_BOOT): $(G)/%.elf: $(G)/obj/boot/%.S.o guest/boot/boot.ld guest/boot/elf64.ld
	$(CC) $(GUEST_BITS) $(GUEST_LINK) -Wl,-T,$(or $(wildcard guest/boot/$*.ld),guest/boot/boot.ld) -o $@ $<
$(GUEST_FLAT): $(G)/%.bin: $(G)/obj/boot/%.S.o
	$(CC) $(GUEST_BITS) $(GUEST_LINK) -Wl,-Ttext=$(call flat_origin,$*) -Wl,--oformat,binary -o $@ $<

-include $(wildcard $(G)/obj/*.d $(G)/obj/*/*.d)
