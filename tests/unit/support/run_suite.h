/* The end of a test program: run its suite in this process (an OpenMP runtime does not survive a fork). */
#ifndef SFT_TESTS_RUN_SUITE_H
#define SFT_TESTS_RUN_SUITE_H

#include <check.h>

/* The program's exit code: 0 if all passed. */
static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}

#endif
