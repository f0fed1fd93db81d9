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
GUEST_FLAT := $(patsubst guest/boot/%.S,$(G)/%.bin,$(wildcard guest/boot/*flat*.S guest/boot/bench_*.S))
GUEST_BOOT32 := $(patsubst guest/boot/%.S,$(G)/%.elf,$(wildcard guest/boot/*_32.S))
GUEST_BOOT64 := $(patsubst guest/boot/%.S,$(G)/%.elf,$(wildcard guest/boot/*_64.S guest/boot/bench_*.S))

guests: $(GUEST_FLAT) $(GUEST_BOOT32) $(GUEST_BOOT64)

$(G)/obj/%.c.o: guest/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARN) $(GUEST_FLAGS) -c -o $@ $<
$(G)/obj/%.S.o: guest/%.S
	@mkdir -p $(@D)
	$(CC) -Wa,--noexecstack $(GUEST_FLAGS) -c -o $@ $<
$(G)/%.elf: $(G)/obj/%.c.o $(GUEST_LIB) guest/lib/guest.ld
	$(CC) $(GUEST_LINK) -Wl,-T,guest/lib/guest.ld -o $@ $(filter %.o,$^)
$(GUEST_BOOT64): $(G)/%.elf: $(G)/obj/boot/%.S.o guest/boot/boot.ld
	$(CC) $(GUEST_LINK) -Wl,-T,guest/boot/boot.ld -o $@ $(filter %.o,$^)
$(GUEST_BOOT32): $(G)/%.elf: $(G)/obj/boot/%.S.o guest/boot/boot.ld
	@objcopy -I elf64-x86-64 -O elf32-i386 $< $<.32
	$(CC) -m32 $(GUEST_LINK) -Wl,-T,guest/boot/boot.ld -o $@ $<.32
$(GUEST_FLAT): $(G)/%.bin: $(G)/obj/boot/%.S.o guest/boot/flat.ld
	$(CC) $(GUEST_LINK) -Wl,-T,guest/boot/flat.ld -Wl,--oformat,binary -o $@ $<

-include $(wildcard $(G)/obj/*.d $(G)/obj/*/*.d)
