/* Log probabilities of an answer's tokens said[from..to), as the two endpoints have them. A token is its bytes as text,
 * U+FFFD where they are none; an impossible one's log probability is -9999, as JSON has no infinity. */
#ifndef SFT_SERVE_OPENAI_LOGPROBS_H
#define SFT_SERVE_OPENAI_LOGPROBS_H

#include "serve/openai_answer.h"

/* {"content":[{"token","logprob","bytes":[...],"top_logprobs":[{"token","logprob","bytes"},...]},...],
 *  "refusal":null} */
void logprobs_print_chat(const struct answer *a, size_t from, size_t to, const struct tokenizer *tokenizer,
                         struct strbuf *out);

/* {"tokens":[...],"token_logprobs":[...],"top_logprobs":[{TOKEN: logprob, ...},...],"text_offset":[...]}: the token
 * itself is always among the likeliest; offsets are characters from the prompt's beginning. */
void logprobs_print_completion(struct answer *a, size_t from, size_t to, const struct tokenizer *tokenizer,
                               struct strbuf *out);

#endif
