/* Which tokens end a text that a model generates, and which it must not generate. */
#ifndef SFT_INFER_TOKEN_RULES_H
#define SFT_INFER_TOKEN_RULES_H

#include "files/generation.h"
#include "text/tokenizer/tokenizer.h"

struct token_rules {
    int32_t ends[END_TOKENS_MAX + 1]; /* (n_ends) */
    int32_t *suppressed;              /* (n_suppressed) */
    size_t n_ends, n_suppressed;
};

/* Of a model of vocab_size tokens: `own` has the ends that its files name, `end` is one more (the template's end of
 * turn) or TOKEN_NONE. Suppressed are rows that pad the embedding, ids that the tokenizer leaves out, and ids from
 * n_trained on, which nobody trained, but for `end`. Free with token_rules_free, which accepts a zeroed struct. */
void token_rules_init(struct token_rules *rules, const struct tokenizer *tok, const struct generation_config *own,
                      int32_t end, size_t n_trained, size_t vocab_size);
void token_rules_free(struct token_rules *rules);

#endif
