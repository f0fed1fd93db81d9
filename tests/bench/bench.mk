# Figures as one table on stdout: acre beside a floor that does the least, and QEMU where installed;
# boards of many devices; the memory API and tracing by themselves; suites of guests. BENCH_RUNS=n
# runs of each, interleaved, BENCH_LOOPS=n exits where they are counted.
BENCH_STATIC := build/static/acre build/static/tests/bench/floor build/static/tests/bench/bench \
	build/static/tests/bench/ports

bench: all bench-bin bench-static ## measure, as one table
	build/tests/bench/bench build
	build/tests/bench/ports build
	build/tests/bench/memory
	build/tests/bench/access
	build/tests/bench/trace
	tests/bench/suite.sh build
bench-static:
	$(MAKE) STATIC=1 $(BENCH_STATIC)
# The first two parts on the lab's KVM.
bench-lab: all bench-static ## the same in the nested lab
	scripts/lab -t 590 -m 1024 -f build/static/acre:static/acre \
		-f build/static/tests/bench/floor:static/tests/bench/floor \
		-f build/static/tests/bench/bench:bench -f build/static/tests/bench/ports:ports \
		-f build/boards:boards -- \
		sh -c 'export BENCH_RUNS=$(or $(BENCH_RUNS),7) BENCH_LOOPS=20000; bench /work && ports /work'
# They need the C library only.
$(B)/tests/bench/floor $(B)/tests/bench/bench: LIBS :=
.PHONY: bench bench-static bench-lab
