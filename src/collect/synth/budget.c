#include "collect/synth/budget.h"

#include <math.h>
#include <stddef.h>

static const double MILLION = 1e6;

const char *budget_limit_name(enum budget_limit limit)
{
    static const char *const names[] = {"", "max_requests", "max_tokens_total", "max_cost"};
    return names[limit];
}

/* ---- what requests of which no end is known are taken to have ---- */

static double mean(uint64_t total, uint64_t n, double guess)
{
    return n ? (double)total / (double)n : guess;
}

static double prompt_mean(const struct budget *b)
{
    return mean(b->prompt_tokens, b->answers, b->options.guess_prompt);
}

static double completion_mean(const struct budget *b)
{
    return mean(b->completion_tokens, b->answers, b->options.guess_completion);
}

static double prompt_with(const struct budget *b, double others)
{
    return (double)b->prompt_tokens + others * prompt_mean(b);
}

static double completion_with(const struct budget *b, double others)
{
    return (double)b->completion_tokens + others * completion_mean(b);
}

static double tokens_with(const struct budget *b, double others)
{
    return prompt_with(b, others) + completion_with(b, others);
}

static double cost_with(const struct budget *b, double others)
{
    return (prompt_with(b, others) * b->options.price_prompt +
            completion_with(b, others) * b->options.price_completion) /
           MILLION;
}

double budget_tokens(const struct budget *budget)
{
    return tokens_with(budget, (double)budget->lost);
}

double budget_cost(const struct budget *budget)
{
    return cost_with(budget, (double)budget->lost);
}

/* ---- sending ---- */

enum budget_limit budget_ask(const struct budget *budget, bool is_retry)
{
    const struct budget_options *o = &budget->options;
    const double others = (double)(budget->lost + budget->in_flight - is_retry);
    if (o->max_requests && budget->requests >= o->max_requests)
        return BUDGET_REQUESTS;
    if (o->max_tokens_total && tokens_with(budget, others) >= (double)o->max_tokens_total)
        return BUDGET_TOKENS;
    if (o->max_cost > 0 && cost_with(budget, others) >= o->max_cost)
        return BUDGET_COST;
    return BUDGET_OPEN;
}

double budget_left(const struct budget *budget)
{
    const struct budget_options *o = &budget->options;
    const double lost = (double)budget->lost, tokens = prompt_mean(budget) + completion_mean(budget);
    const double cost = cost_with(budget, lost + 1) - cost_with(budget, lost);
    double left = INFINITY;
    if (o->max_requests)
        left = (double)o->max_requests - (double)budget->requests + (double)budget->in_flight;
    if (o->max_tokens_total && tokens > 0)
        left = fmin(left, ((double)o->max_tokens_total - budget_tokens(budget)) / tokens);
    if (o->max_cost > 0 && cost > 0)
        left = fmin(left, (o->max_cost - budget_cost(budget)) / cost);
    return fmax(left, 0);
}

void budget_sent(struct budget *budget, bool is_retry)
{
    budget->requests++;
    budget->in_flight += !is_retry;
}

void budget_answered(struct budget *budget, uint64_t prompt_tokens, uint64_t completion_tokens, uint64_t lost)
{
    budget->answers++;
    budget->prompt_tokens += prompt_tokens;
    budget->completion_tokens += completion_tokens;
    budget_ended(budget, lost);
}

void budget_ended(struct budget *budget, uint64_t lost)
{
    budget->lost += lost;
    budget->in_flight--;
}

/* ---- usage ---- */

static uint64_t believe(bool is_told, uint64_t told, size_t bytes, uint64_t allowance, bool *is_estimate)
{
    enum { LEAST_BYTES = 1, MOST_BYTES = 16, USUAL_BYTES = 4 }; /* of a token */
    if (is_told && told >= bytes / MOST_BYTES && told <= bytes / LEAST_BYTES + allowance)
        return told;
    *is_estimate = true;
    return bytes / USUAL_BYTES + 1;
}

struct token_usage budget_usage(bool is_told, uint64_t prompt_tokens, uint64_t completion_tokens, size_t prompt_bytes,
                                size_t completion_bytes)
{
    /* a template's own tokens, a schema; thoughts, which are paid for and not shown */
    enum { MOST_FRAME = 1 << 13, MOST_THOUGHT = 1 << 18 };
    struct token_usage usage = {0};
    usage.prompt_tokens = believe(is_told, prompt_tokens, prompt_bytes, MOST_FRAME, &usage.is_estimate);
    usage.completion_tokens = believe(is_told, completion_tokens, completion_bytes, MOST_THOUGHT, &usage.is_estimate);
    return usage;
}
