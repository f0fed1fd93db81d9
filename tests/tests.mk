# Targets for testing; scripts/test runs all of it.
LAB_HELPERS := $(patsubst tests/lab/%.c,build/tests/lab/%,$(wildcard tests/lab/*.c))

test check: ## install what the tests need, build every variant, run them all
	scripts/test
lab-helpers: $(LAB_HELPERS)
# Linked statically: they run in the lab, where there is no C library.
build/tests/lab/%: tests/lab/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) -O2 -static -o $@ $<
format: ## clang-format everything
	git ls-files '*.c' '*.h' | xargs clang-format-14 -i
# The whole way on a fresh Debian 12 with nothing but git and apt, in a chroot; by hand, as root.
check-bare: ## the whole way in a fresh Debian 12 chroot (root, mmdebstrap)
	scripts/check-bare
.PHONY: test check lab-helpers format check-bare
