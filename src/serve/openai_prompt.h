/* The tokens of a request: its conversation as the chat template has it, in which no message's text becomes a control
 * token; its prompts as `sft generate --raw` encodes them, where contents of added tokens are these tokens (what
 * llama.cpp's and vLLM's /v1/completions do). */
#ifndef SFT_SERVE_OPENAI_PROMPT_H
#define SFT_SERVE_OPENAI_PROMPT_H

#include "infer/bundle.h"
#include "infer/prompt.h"
#include "serve/openai_request.h"

struct prompt_maker { /* one thread's */
    const struct bundle *bundle;
    struct encoder *encoder;  /* of the bundle's tokenizer; nobody else's meanwhile */
    size_t n_positions;       /* that the model sees */
    size_t longest_token;     /* in bytes (prompt_longest_token): what cannot fit is refused before it is encoded */
    struct rendered rendered; /* scratch; free with rendered_free */
};

/* Set ids and n_ids of each prompt, and cut max_tokens to the positions. A conversation may end with an answer where
 * the template has a place for another one behind it. SFT_EDATA and *error: the template has no place for a message, a
 * prompt is empty, or leaves no position for an answer (API_TOO_LONG); or log probabilities are more than can be
 * kept. */
enum sft_status request_encode(struct request *r, struct prompt_maker *maker, struct api_error *error);

size_t prompt_longest_token(const struct tokenizer *tokenizer);

#endif
