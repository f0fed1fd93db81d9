/* run_suite.h - what the main() of a unit test does. */
#ifndef ACRE_TESTS_UNIT_RUN_SUITE_H
#define ACRE_TESTS_UNIT_RUN_SUITE_H

#include <check.h>

/* One run of `test` for each element of a table, which it indexes with _i. */
#define tcase_add_table_test(tc, test, table)                                                      \
    tcase_add_loop_test(tc, test, 0, (int)(sizeof(table) / sizeof((table)[0])))

/* Runs and frees the suite. check's environment variables apply. Returns: exit status of main. */
static inline int run_suite(Suite *suite)
{
    SRunner *sr = srunner_create(suite);
    int failures;

    srunner_run_all(sr, CK_ENV);
    failures = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failures != 0;
}

#endif
