/* How far two reviewers agree: on rows that both have decided, good (accept, edit) against bad (reject). */
#ifndef SFT_COLLECT_REVIEW_AGREEMENT_H
#define SFT_COLLECT_REVIEW_AGREEMENT_H

#include <stddef.h>

struct agreement {
    size_t both_good, only_a, only_b, both_bad; /* rows: only_a: that a calls good and b bad */
};

size_t agreement_n(const struct agreement *agreement);

/* The share of rows on which they say the same; NaN where there are none. */
double agreement_share(const struct agreement *agreement);

/* Cohen's kappa (Cohen 1960), as scikit-learn's cohen_kappa_score: what they agree on beyond what chance would bring,
 * (observed - expected) / (1 - expected). NaN where there are no rows, or both say the same of all, where chance
 * would agree as well. */
double agreement_kappa(const struct agreement *agreement);

#endif
