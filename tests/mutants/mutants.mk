# Deliberate defects, one at a time (mutants.list): is each of them noticed?
mutants: all $(B)/libacre-unit.a ## build each deliberate defect of tests/mutants, and see who notices
	tests/mutants/run.sh

# One mutant, for run.sh: MUTANT names it, MUTANT_UNIT the unit tests wanted. The changed object
# comes before the archives, so that the linker does not look for the sound one there.
M := $(B)/mutants/$(or $(MUTANT),none)
mutant: $(M)/acre $(patsubst %,$(M)/%,$(MUTANT_UNIT))
$(M)/mutant.o: $(M)/mutant.c
	$(CC) $(ALL_CFLAGS) -c -o $@ $<
MUTANT_LIBS := $(B)/libacre-vmm.a $(B)/libacre-devices.a $(B)/libacre-memory.a
$(M)/acre: $(B)/obj/vmm/main.o $(M)/mutant.o $(MUTANT_LIBS)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(M)/test_%: tests/unit/test_%.c $(M)/mutant.o $(B)/libacre-unit.a $(MUTANT_LIBS)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcheck_pic -lsubunit -lm -lrt
.PHONY: mutants mutant
