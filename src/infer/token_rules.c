#include "infer/token_rules.h"

#include "base/mem.h"

#include <stdlib.h>

void token_rules_init(struct token_rules *rules, const struct tokenizer *tok, const struct generation_config *own,
                      int32_t end, size_t n_trained, size_t vocab_size)
{
    *rules = (struct token_rules){.suppressed = mem_alloc(vocab_size * sizeof *rules->suppressed)};
    for (size_t i = 0; i < own->n_end_tokens; i++)
        rules->ends[rules->n_ends++] = own->end_tokens[i];
    if (end != TOKEN_NONE)
        rules->ends[rules->n_ends++] = end;
    for (size_t id = 0; id < vocab_size; id++) {
        size_t len;
        const bool is_untrained = id >= n_trained && (int32_t)id != end;
        if (is_untrained || !tokenizer_token_bytes(tok, (int32_t)id, &len))
            rules->suppressed[rules->n_suppressed++] = (int32_t)id;
    }
}

void token_rules_free(struct token_rules *rules)
{
    free(rules->suppressed);
    *rules = (struct token_rules){0};
}
