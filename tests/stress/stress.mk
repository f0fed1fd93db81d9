# Programs that strain a live machine; they print TAP. `make stress`, then see their head comments.
STRESS := $(B)/tests/stress/flip $(B)/tests/stress/held
STRESS_LIBS := $(B)/libacre-vmm.a $(B)/libacre-devices.a $(B)/libacre-memory.a
FLIP := $(call objs,tests/stress/flip*.c) $(B)/obj/tests/stress/guest.o

stress: $(STRESS)
$(B)/obj/tests/stress/guest.o: tests/stress/guest.S
	@mkdir -p $(@D)
	$(CC) -fPIE -c -o $@ $<
$(B)/tests/stress/flip: $(FLIP)
$(B)/tests/stress/held: $(B)/obj/tests/stress/held.o
$(STRESS): $(STRESS_LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(STRESS_LIBS) $(LIBS)
.PHONY: stress
