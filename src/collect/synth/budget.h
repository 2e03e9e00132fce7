/* What a run may spend, and what it has spent. Pure: no clock, no file.
 *
 * Requests are counted when they are sent, retries too, and max_requests is never passed. What a request costs is known
 * only when it has been answered: so one is sent only while what is spent, with what is in flight taken at the mean so
 * far, is below the limit. The limits of tokens and of cost are passed by no more than what is in flight then. */
#ifndef SFT_COLLECT_SYNTH_BUDGET_H
#define SFT_COLLECT_SYNTH_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget_options { /* limits: 0 is none */
    uint64_t max_requests, max_tokens_total;
    double max_cost, price_prompt, price_completion; /* prices a million tokens */
    double guess_prompt, guess_completion; /* tokens that a request is taken to have before one was answered */
};

struct budget {
    struct budget_options options;
    uint64_t requests; /* sent */
    uint64_t answers;
    uint64_t lost;                             /* sent, perhaps paid for, and never answered: taken at the mean */
    uint64_t prompt_tokens, completion_tokens; /* of the answers */
    size_t in_flight;
};

/* What the limits have been reached of. */
enum budget_limit { BUDGET_OPEN, BUDGET_REQUESTS, BUDGET_TOKENS, BUDGET_COST };
const char *budget_limit_name(enum budget_limit limit); /* "max_requests", ... */

/* Whether an attempt may be sent. is_retry: its request is one of those in flight already. */
enum budget_limit budget_ask(const struct budget *budget, bool is_retry);

/* How many requests may still be answered, those in flight among them, at the mean so far; infinity: no limit. */
double budget_left(const struct budget *budget);

/* An attempt goes out; of a request's first one it is in flight from then on, until one of the other two. */
void budget_sent(struct budget *budget, bool is_retry);
void budget_answered(struct budget *budget, uint64_t prompt_tokens, uint64_t completion_tokens, uint64_t lost);
void budget_ended(struct budget *budget, uint64_t lost); /* without an answer */

/* Spent so far, with what was lost at the mean. */
double budget_tokens(const struct budget *budget);
double budget_cost(const struct budget *budget);

/* The tokens of an answer as the endpoint counted them, or, where that is not told or cannot be (below a token for 16
 * bytes, above what so many bytes and a generous allowance can have), of a token for 4 bytes. */
struct token_usage {
    uint64_t prompt_tokens, completion_tokens;
    bool is_estimate; /* of either */
};
struct token_usage budget_usage(bool is_told, uint64_t prompt_tokens, uint64_t completion_tokens, size_t prompt_bytes,
                                size_t completion_bytes);

#endif
