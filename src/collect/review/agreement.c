#include "collect/review/agreement.h"

#include <math.h>

size_t agreement_n(const struct agreement *a)
{
    return a->both_good + a->only_a + a->only_b + a->both_bad;
}

double agreement_share(const struct agreement *a)
{
    const size_t n = agreement_n(a);
    return n ? (double)(a->both_good + a->both_bad) / (double)n : NAN;
}

double agreement_kappa(const struct agreement *a)
{
    const double n = (double)agreement_n(a);
    const double a_good = (double)(a->both_good + a->only_a), b_good = (double)(a->both_good + a->only_b);
    const double chance = a_good * b_good + (n - a_good) * (n - b_good); /* of n * n */
    if (n * n - chance <= 0)
        return NAN;
    return (n * (double)(a->both_good + a->both_bad) - chance) / (n * n - chance);
}
