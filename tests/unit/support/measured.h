/* A measured error against its bound; SFT_TEST_REPORT=1 in the environment prints all that are measured. */
#ifndef SFT_TESTS_MEASURED_H
#define SFT_TESTS_MEASURED_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Fails where error is above its bound, or NaN. */
static inline void check_error(const char *isa, const char *what, double error, double bound)
{
    if (getenv("SFT_TEST_REPORT"))
        printf("%-8s %-44s %.2e (bound %.0e)\n", isa, what, error, bound);
    ck_assert_msg(error <= bound, "%s: %s: error %g, and at most %g is allowed", isa, what, error, bound);
}

#endif
