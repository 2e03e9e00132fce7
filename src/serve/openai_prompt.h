/* The tokens of a request: its conversation rendered by the chat template, in which no message's text becomes a control
 * token; its prompts encoded as `sft generate --raw` does it, where contents of added tokens are these tokens (what
 * llama.cpp's and vLLM's /v1/completions do). */
#ifndef SFT_SERVE_OPENAI_PROMPT_H
#define SFT_SERVE_OPENAI_PROMPT_H

#include "serve/openai_request.h"
#include "text/template_render.h"

struct prompt_maker { /* of one thread */
    const struct chat_template *template;
    const struct tokenizer *tokenizer;
    struct encoder *encoder;   /* nobody else's meanwhile */
    size_t n_positions;        /* that the model sees */
    size_t longest_token;      /* in bytes: what cannot fit is refused before it is encoded; 0: prompt_longest_token */
    struct rendered rendered;  /* scratch; free with rendered_free */
};

/* Set ids and n_ids of each prompt. A conversation may end with an answer where the template has a place for another
 * one behind it. SFT_EDATA and *error: the template has no place for a message, a prompt is empty, or leaves no position
 * for an answer (API_TOO_LONG). */
enum sft_status request_encode(struct request *r, struct prompt_maker *maker, struct api_error *error);

size_t prompt_longest_token(const struct tokenizer *tokenizer);

#endif
