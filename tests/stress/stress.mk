# Programs that strain a live machine; they print TAP. `make stress`, then see their head comments.
STRESS := $(B)/tests/stress/flip
FLIP := $(call objs,tests/stress/flip*.c) $(B)/obj/tests/stress/guest.o \
	$(B)/libacre-vmm.a $(B)/libacre-devices.a $(B)/libacre-memory.a

stress: $(STRESS)
$(B)/obj/tests/stress/guest.o: tests/stress/guest.S
	@mkdir -p $(@D)
	$(CC) -fPIE -c -o $@ $<
$(B)/tests/stress/flip: $(FLIP)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(FLIP) $(LIBS)
.PHONY: stress
