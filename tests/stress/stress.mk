# Programs that strain a live machine; they print TAP. `make stress`, then see their head comments.
STRESS := $(B)/tests/stress/flip

stress: $(STRESS)
$(B)/tests/stress/guest.o: tests/stress/guest.S
	@mkdir -p $(@D)
	$(CC) -fPIE -c -o $@ $<
$(B)/tests/stress/flip: $(wildcard tests/stress/flip*.c) $(B)/tests/stress/guest.o $(B)/libacre-vmm.a \
		$(B)/libacre-devices.a $(B)/libacre-memory.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
.PHONY: stress
