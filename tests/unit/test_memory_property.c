/*
 * Random programs of API calls against the oracle (memory_program.h). They run in a child process,
 * so that a crash is a failure like any other; a failing program is cut down until nothing more
 * can be left out, and printed.
 */
#include "tests/unit/memory_fixture.h"
#include "tests/unit/memory_program.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(ACRE_AUDIT)
enum { PROGRAMS = 60 };
#else
enum { PROGRAMS = 400 };
#endif
enum { SEEDS = 10, STEPS = 120, BYTES = STEPS * MEMORY_STEP_BYTES, CANDIDATES = 600 };

/* Shared with the child, which may die any time. */
struct attempt {
    uint8_t bytes[BYTES];
    size_t len;
    struct memory_program_result result;
    unsigned commits, refusals, vetoes, failed_allocs; /* of all programs that passed */
};

struct random {
    uint64_t state;
};

/* Marsaglia's xorshift64*, so that a seed means the same programs everywhere. */
static uint64_t next(struct random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(0x2545f4914f6cdd1d);
}

static void generate(struct attempt *attempt, struct random *random)
{
    attempt->len = BYTES;
    for (size_t i = 0; i < BYTES; i++) {
        attempt->bytes[i] = (uint8_t)(next(random) >> 40);
    }
}

static bool run_one(struct memory_core *core, struct attempt *attempt)
{
    bool passed = memory_program_run(core, attempt->bytes, attempt->len, &attempt->result);

    attempt->commits += attempt->result.commits;
    attempt->refusals += attempt->result.refusals;
    attempt->vetoes += attempt->result.vetoes;
    attempt->failed_allocs += attempt->result.failed_allocs;
    return passed;
}

/* Runs what is in `attempt`, then `more` programs of `random`; the child's whole life. */
static void child(struct attempt *attempt, struct random *random, unsigned more)
{
    struct memory_core core;
    bool passed;

    memory_thread_register();
    if (memory_core_init(&core, NULL)) {
        _exit(3);
    }
    passed = run_one(&core, attempt);
    for (unsigned i = 0; i < more && passed; i++) {
        generate(attempt, random);
        passed = run_one(&core, attempt);
    }
    if (!passed) {
        _exit(1);
    }
    memory_core_finish(&core);
    memory_thread_unregister();
    exit(0); /* not _exit: leaks are looked for on this way */
}

/* Returns: did all pass? */
static bool attempt_run(struct attempt *attempt, struct random *random, unsigned more)
{
    int status = 0;

    memset(&attempt->result, 0, sizeof(attempt->result));
    (void)fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        child(attempt, random, more);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (status != 0 && !attempt->result.failed) {
        (void)snprintf(attempt->result.what, sizeof(attempt->result.what), "died, wait status %x",
                       (unsigned)status);
    }
    return status == 0;
}

/* Does it still fail without bytes [at, at+num)? Then they stay out. */
static bool cut(struct attempt *attempt, size_t at, size_t num)
{
    struct attempt before = *attempt;

    memmove(attempt->bytes + at, attempt->bytes + at + num, attempt->len - at - num);
    attempt->len -= num;
    if (!attempt_run(attempt, NULL, 0)) {
        return true;
    }
    *attempt = before;
    return false;
}

static void shrink(struct attempt *attempt)
{
    unsigned left = CANDIDATES;

    for (size_t steps = STEPS / 2; steps > 0 && left > 0; steps /= 2) {
        size_t num = steps * MEMORY_STEP_BYTES;

        for (size_t at = 0; at + num <= attempt->len && left > 0; left--) {
            if (!cut(attempt, at, num)) {
                at += num;
            }
        }
    }
    for (size_t i = 0; i < attempt->len && left > 0; i++, left--) {
        struct attempt before = *attempt;

        attempt->bytes[i] = 0;
        if (before.bytes[i] != 0 && attempt_run(attempt, NULL, 0)) {
            *attempt = before;
        }
    }
    attempt_run(attempt, NULL, 0);
}

static struct attempt *attempt_new(void)
{
    struct attempt *attempt =
        mmap(NULL, sizeof(*attempt), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(attempt, MAP_FAILED);
    return attempt;
}

static void expect_pass(struct attempt *attempt, struct random *random, unsigned more)
{
    if (attempt_run(attempt, random, more)) {
        return;
    }
    shrink(attempt);
    memory_program_print(stderr, attempt->bytes, attempt->len);
    ck_abort_msg("step %zu: %s", attempt->result.step, attempt->result.what);
}

START_TEST(m16_m18_m20_random_programs_agree_with_the_oracle)
{
    struct attempt *attempt = attempt_new();
    struct random random = {UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1)};

    generate(attempt, &random);
    expect_pass(attempt, &random, PROGRAMS - 1);
    /* A generator that never gets anywhere would agree with everything. */
    ck_assert_uint_gt(attempt->commits, PROGRAMS * 2);
    ck_assert_uint_gt(attempt->refusals, PROGRAMS);
    ck_assert_uint_gt(attempt->vetoes, PROGRAMS / 8);
    ck_assert_uint_gt(attempt->failed_allocs, PROGRAMS / 16);
}
END_TEST

/* Programs that failed, shrunk: of faults that were found, or put in to see them found. */
static const struct regression {
    const char *what;
    size_t len;
    uint8_t bytes[96];
} regressions[] = {
    {"the empty program", 0, {0}},
    {"an empty region was said to win", 36, {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                             0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                             0x34, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                             0x14, 0x00, 0x00, 0x42, 0x34, 0x00, 0x00, 0x00, 0x00}},
    {"a cache trusted a space that came to lie where it knew another",
     18,
     {0x55, 0xcc, 0x9a, 0xb5, 0x00, 0x00, 0x4a, 0x00, 0x00, 0xb4, 0x00, 0x00, 0xfa, 0x00, 0x00,
      0x89, 0x00, 0xcd}},
    {"halves of an unmergeable range did not grow together",
     24,
     {0xb3, 0x00, 0x00, 0x0b, 0x00, 0x00, 0x41, 0x02, 0x00, 0x00, 0x00, 0x00,
      0x48, 0x93, 0x00, 0x9d, 0x00, 0x00, 0x8b, 0x02, 0x00, 0x3f, 0x00, 0x00}},
    {"a change before the start of an alias was followed to the end of the space",
     36,
     {0x1d, 0x00, 0x02, 0xa4, 0x40, 0x00, 0x8c, 0x7a, 0x00, 0xf0, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0xd7, 0xdc, 0x35, 0xd1, 0x00, 0x00, 0x00, 0x00,
      0x35, 0xaa, 0x00, 0x00, 0x00, 0x00, 0x56, 0xa9, 0xc0, 0x00, 0x00, 0x00}},
    {"zones that overlap were told twice",
     18,
     {0xca, 0x00, 0x00, 0x00, 0x93, 0xd9, 0x36, 0xb8, 0x00, 0x00, 0x00, 0x00, 0xc8, 0x00, 0x00,
      0x00, 0xfe, 0xc6}},
    {"an eventfd at the last byte of a range was not told",
     30,
     {0x56, 0x00, 0x00, 0x4d, 0x00, 0x00, 0x48, 0x00, 0x00, 0x00, 0x00, 0x00, 0x36, 0x00, 0x00,
      0x61, 0x00, 0x00, 0xd4, 0x00, 0x00, 0x13, 0x13, 0x00, 0x41, 0x00, 0xed, 0x00, 0x00, 0x00}},
    {"a space did not follow its root's address",
     30,
     {0x30, 0x00, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x55, 0x00, 0x44, 0x00, 0x00, 0x00, 0x84, 0xa1, 0x00, 0xfa, 0x00, 0x00}},
};

START_TEST(programs_that_once_failed_pass)
{
    const struct regression *regression = &regressions[_i];
    struct attempt *attempt = attempt_new();

    memcpy(attempt->bytes, regression->bytes, regression->len);
    attempt->len = regression->len;
    ck_assert_msg(attempt_run(attempt, NULL, 0), "%s: %s", regression->what, attempt->result.what);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory_property");
    TCase *programs = tcase_create("programs");

    tcase_set_timeout(programs, 240);
    tcase_add_loop_test(programs, m16_m18_m20_random_programs_agree_with_the_oracle, 0, SEEDS);
    tcase_add_loop_test(programs, programs_that_once_failed_pass, 0,
                        (int)(sizeof(regressions) / sizeof(regressions[0])));
    suite_add_tcase(suite, programs);
    return run_suite(suite);
}
