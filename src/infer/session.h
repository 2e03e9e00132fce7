/* A session: a model directory loaded for answering. It keeps the keys and values of what it has seen, so
 * that the next turn of a conversation costs only its new tokens. */
#ifndef SFT_INFER_SESSION_H
#define SFT_INFER_SESSION_H

#include "infer/kv_cache.h"
#include "infer/sampler.h"
#include "model/transformer.h"
#include "text/template.h"

struct session {
    const struct kernels *kernels;
    char kernels_why[512];
    struct tokenizer *tokenizer;
    struct chat_template template;
    struct encoder *encoder;
    struct transformer model;
    struct activations acts;
    struct kv_cache cache;
    int32_t *seen; /* (cache.length) the tokens behind the cache */
    float *logits; /* (V) */
    struct rendered prompt;
};

/* Load the directory `dir` with the kernels for `precision` and the template that `settings` choose (by
 * default its own, im_sep where it has none). Free with session_close, which accepts a zeroed struct. */
enum sft_status session_open(struct session *session, const char *dir, const char *precision,
                             const struct settings *settings, struct sft_err *err);
void session_close(struct session *session);

enum finish_reason { FINISH_STOP, FINISH_LENGTH };

struct generation {
    size_t max_new_tokens;
    struct sampler *sampler;
    /* Called with each new token, the stop token too, as it comes; may be NULL. False stops, as at a length.
     */
    bool (*on_token)(void *context, int32_t id);
    void *context;
};

/* Answer a conversation: new tokens are appended to *out, the stop token included. Stops at the template's
 * end of turn, at max_new_tokens, or when n_positions are full. SFT_EDATA for a prompt that leaves no room
 * for an answer. */
enum sft_status session_generate(struct session *session, const struct conversation *conv,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err);

#endif
