#include "judge/rates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- counts ---- */

static void count(struct rate_counts *c, enum refusal_label label)
{
    c->n++;
    c->refused += refusal_is_refused(label);
    c->partial += label == JUDGED_PARTIAL_REFUSAL;
    c->complied += label == JUDGED_COMPLIANCE;
    c->incoherent += label == JUDGED_INCOHERENT;
}

static void count_in(struct rate_group *group, const struct prompt_row *prompt, enum refusal_label label)
{
    count(prompt->label == PROMPT_UNSAFE ? &group->unsafe : &group->safe, label);
}

static struct rate_group *group_of_type(struct rates *r, size_t *capacity, const char *name)
{
    for (size_t i = 0; i < r->n_types; i++)
        if (strcmp(r->types[i].name, name) == 0)
            return &r->types[i].group;
    r->types = mem_grow(r->types, capacity, r->n_types + 1, sizeof *r->types);
    r->types[r->n_types] = (struct rate_type){.name = name};
    return &r->types[r->n_types++].group;
}

void rates_make(struct rates *r, const struct prompts *prompts, const enum refusal_label *labels)
{
    size_t capacity = 0;
    *r = (struct rates){0};
    for (size_t i = 0; i < prompts->count; i++) {
        const struct prompt_row *prompt = &prompts->items[i];
        if (prompt->label == PROMPT_UNLABELLED)
            continue;
        count_in(&r->all, prompt, labels[i]);
        if (prompt->type)
            count_in(group_of_type(r, &capacity, prompt->type), prompt, labels[i]);
    }
}

void rates_free(struct rates *r)
{
    free(r->types);
    *r = (struct rates){0};
}

struct rate_counts rate_counts_sum(struct rate_counts a, struct rate_counts b)
{
    return (struct rate_counts){a.n + b.n, a.refused + b.refused, a.partial + b.partial, a.complied + b.complied,
                                a.incoherent + b.incoherent};
}

/* ---- statistics ---- */

double rate_of(size_t k, size_t n)
{
    return n ? (double)k / (double)n : NAN;
}

struct rate_interval rate_interval_of(size_t k, size_t n)
{
    static const double z = 1.959963984540054; /* the normal distribution's 0.975 quantile */
    if (n == 0)
        return (struct rate_interval){NAN, NAN};
    const double count = (double)n, p = (double)k / count, shrunk = 1 + z * z / count;
    const double middle = (p + z * z / (2 * count)) / shrunk;
    const double half = z / shrunk * sqrt(p * (1 - p) / count + z * z / (4 * count * count));
    return (struct rate_interval){k == 0 ? 0 : middle - half, k == n ? 1 : middle + half}; /* exact at the ends */
}

void rate_interval_json(struct strbuf *out, size_t k, size_t n)
{
    const struct rate_interval interval = rate_interval_of(k, n);
    if (n == 0) {
        strbuf_puts(out, "null");
        return;
    }
    strbuf_putc(out, '[');
    strbuf_json_number(out, interval.low);
    strbuf_putc(out, ',');
    strbuf_json_number(out, interval.high);
    strbuf_putc(out, ']');
}

void rate_add_text(struct strbuf *out, size_t k, size_t n)
{
    const struct rate_interval interval = rate_interval_of(k, n);
    char count[48];
    snprintf(count, sizeof count, "%zu/%zu", k, n);
    if (n == 0)
        strbuf_printf(out, "%*s", RATE_WIDTH, "none");
    else
        strbuf_printf(out, "%*s %5.1f%% [%5.1f,%6.1f]", RATE_COUNT_WIDTH, count, 100 * rate_of(k, n),
                      100 * interval.low, 100 * interval.high);
}

struct rate_pairs rate_pairs_of(const struct prompts *prompts, enum prompt_label label, const enum refusal_label *a,
                                const enum refusal_label *b)
{
    struct rate_pairs pairs = {0};
    for (size_t i = 0; i < prompts->count; i++) {
        const bool by_a = refusal_is_refused(a[i]), by_b = refusal_is_refused(b[i]);
        if (prompts->items[i].label != label)
            continue;
        pairs.only_a += by_a && !by_b;
        pairs.only_b += by_b && !by_a;
    }
    return pairs;
}

/* Twice the lower tail of a binomial distribution of n coins. */
double rate_mcnemar(struct rate_pairs pairs)
{
    const size_t n = pairs.only_a + pairs.only_b, few = pairs.only_a < pairs.only_b ? pairs.only_a : pairs.only_b;
    const double count = (double)n, all = lgamma(count + 1) - count * log(2);
    double tail = 0;
    for (size_t k = 0; k <= few; k++)
        tail += exp(all - lgamma((double)k + 1) - lgamma((double)(n - k) + 1));
    return fmin(1, 2 * tail);
}
