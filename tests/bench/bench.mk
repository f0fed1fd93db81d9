# Figures: acre beside a floor that does the least, and QEMU where installed. One table on stdout.
# BENCH_RUNS=n runs of each, interleaved.
bench: all bench-bin ## measure, as one table
	$(MAKE) STATIC=1 build/static/acre build/static/tests/bench/floor
	build/tests/bench/bench build
# They need the C library only.
$(B)/tests/bench/floor $(B)/tests/bench/bench: LIBS :=
.PHONY: bench
