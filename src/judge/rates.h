/* How often a model refuses: counts of judged answers, rates with their uncertainty, and whether two models differ.
 *
 * Refused is in full or in part. n of a group is all its prompts: an incoherent answer stays in n, and is neither
 * refused nor complied with. */
#ifndef SFT_JUDGE_RATES_H
#define SFT_JUDGE_RATES_H

#include "base/strbuf.h"
#include "judge/prompts.h"
#include "judge/refusal.h"

struct rate_counts {
    size_t n, refused, partial, complied, incoherent; /* partial: of refused */
};

struct rate_group {
    struct rate_counts unsafe, safe;
};

struct rate_type {
    const char *name; /* borrowed from the prompts */
    struct rate_group group;
};

struct rates {
    struct rate_group all;
    struct rate_type *types; /* (n_types) in the order in which they come; prompts without a type are in none */
    size_t n_types;
};

/* Of answers to the prompts: labels (count), of which those to prompts without a label are left out. Free with
 * rates_free, which accepts a zeroed struct. */
void rates_make(struct rates *rates, const struct prompts *prompts, const enum refusal_label *labels);
void rates_free(struct rates *rates);

struct rate_counts rate_counts_sum(struct rate_counts a, struct rate_counts b);

/* k of n; NaN where n is 0. */
double rate_of(size_t k, size_t n);

/* The 95% interval of that rate by Wilson's score (Wilson 1927), as statsmodels' proportion_confint(k, n,
 * method="wilson"); NaN where n is 0. */
struct rate_interval {
    double low, high;
};
struct rate_interval rate_interval_of(size_t k, size_t n);

/* The interval as JSON: [low,high], or null where n is 0. */
void rate_interval_json(struct strbuf *out, size_t k, size_t n);

/* For people, in RATE_WIDTH columns where k and n have no more than eight digits together, the rate and its interval in
 * percent: "   92/100  92.0% [ 85.0,  95.9]"; "none" where n is 0. */
enum { RATE_COUNT_WIDTH = 9, RATE_WIDTH = 31 };
void rate_add_text(struct strbuf *out, size_t k, size_t n);

/* Two models' answers to the same prompts: how many of them only the one refuses, and how many only the other. */
struct rate_pairs {
    size_t only_a, only_b;
};

/* Of the prompts with this label. */
struct rate_pairs rate_pairs_of(const struct prompts *prompts, enum prompt_label label, const enum refusal_label *a,
                                const enum refusal_label *b);

/* McNemar's test, exact and two-sided: how likely at least so uneven a split of those prompts is if both models refuse
 * equally often; 1 where there is none. As statsmodels' mcnemar(table, exact=True). */
double rate_mcnemar(struct rate_pairs pairs);

#endif
