/* A tokenizer as the metadata tokenizer.* of a GGUF file.
 *
 * Of bytes it is gpt2, with the name of how it cuts text (gguf_pre.h) and its merges. Of characters it is llama, whose
 * scores say in which order pieces are made: of a merge that makes one, its place in the list. */
#ifndef SFT_FILES_GGUF_GGUF_TOKENIZER_OUT_H
#define SFT_FILES_GGUF_GGUF_TOKENIZER_OUT_H

#include "files/generation.h"
#include "files/gguf/gguf_out.h"
#include "model/config.h"
#include "text/tokenizer/tokenizer.h"

/* What llama.cpp is told of it beside its tokens. */
struct gguf_tokens {
    const struct tokenizer *tok;
    const struct model_config *config; /* its rows, of which each has a token; and ids that the tokenizer names not */
    int32_t end_of_turn;               /* that the chat template closes an answer with, or TOKEN_NONE */
    const struct generation_config *generation; /* every token that ends a text */
    const char *jinja;                 /* NULL: there is no chat template. Without generation markers */
};

/* SFT_EDATA where llama.cpp would make other ids of a text, with what differs. */
enum sft_status gguf_tokenizer_put(struct gguf_out *out, const struct gguf_tokens *g, struct sft_err *err);

/* Whether llama.cpp puts a blank before what stands behind a control token, where this tokenizer does not. */
bool gguf_tokenizer_adds_blanks(const struct tokenizer *tok);

#endif
