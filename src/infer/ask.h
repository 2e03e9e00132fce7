/* What is asked of a stream of tokens, and what is told of each of them. */
#ifndef SFT_INFER_ASK_H
#define SFT_INFER_ASK_H

#include "infer/logprobs.h"
#include "infer/sampling.h"

#include <stdbool.h>

enum { TOP_LOGPROBS_MAX = 20 };

struct new_token {
    int32_t id;
    bool ends;     /* an end token: it has no text of its own */
    float logprob; /* of the model's own distribution, without suppressed tokens: before bias, penalties and
                      temperature; only where asked for (wants_logprob) */
    const struct scored_token *top; /* (n_top) the likeliest of it, the first first; good during the call */
    size_t n_top;
};

/* decode_submit copies it, arrays included. */
struct ask {
    size_t model; /* the number of the one that is asked, of decode_init_several; else 0 */
    const int32_t *prompt;
    size_t n_prompt;
    size_t max_new_tokens;
    struct sampling sampling;
    uint64_t random_stream; /* which of many texts of the sampling's seed: each has random numbers of its own */
    const struct logit_bias *bias;
    size_t n_bias;
    bool ignore_ends;   /* goes on behind an end token */
    bool wants_logprob; /* new_token.logprob is wanted */
    size_t n_top;       /* with wants_logprob, of the likeliest, too: 0 .. TOP_LOGPROBS_MAX */
    /* Called with each new token as it comes, the end token included, on the thread that steps; may be NULL. False:
     * enough (a stop string is complete, a reader has left), and the reason is FINISH_STOP. It must not submit or
     * close streams. */
    bool (*on_token)(void *context, const struct new_token *token);
    void *context;
};

#endif
