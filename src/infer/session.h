/* A session: a model directory loaded for answering. It keeps the keys and values of what it has seen, so
 * that the next turn of a conversation costs only its new tokens. */
#ifndef SFT_INFER_SESSION_H
#define SFT_INFER_SESSION_H

#include "files/model_files.h"
#include "infer/kv_cache.h"
#include "infer/sampler.h"
#include "model/transformer.h"
#include "text/template_render.h"

#include <signal.h>

struct session {
    const struct kernels *kernels;
    char kernels_why[512];
    struct model_files files;     /* its generation settings are the model's own */
    struct tokenizer *tokenizer;  /* the files' */
    struct chat_template template;       /* empty (name NULL) where it only continues text */
    struct encoder *encoder;
    struct transformer model;
    struct strbuf unused; /* names of tensors in the files that are no part of the model; to be told */
    struct activations acts;
    struct kv_cache cache;
    int32_t *seen; /* (cache.length) the tokens behind the cache */
    float *logits; /* (V) */
    int32_t *holes; /* (n_holes) ids below V that no token has, or that nobody trained: never chosen */
    size_t n_holes;
    bool *marked; /* (V) scratch, all false between uses */
    struct rendered prompt;
};

/* Load the model in directory `dir` with the kernels for `precision` and the template that is `chosen` (by
 * default its own, im_sep where it has none); chosen NULL: none, its vocabulary as it is, to continue text.
 * Free with session_close, which accepts a zeroed struct. */
enum sft_status session_open(struct session *session, const char *dir, const char *precision,
                             const struct template_options *chosen, struct sft_err *err);
void session_close(struct session *session);

/* Whether an id ends a text: the template's end of turn, and the model's own end tokens (files/generation.h). */
bool session_is_end(const struct session *session, int32_t id);

/* An end token; max_new_tokens or n_positions; on_token or `stop`. */
enum finish_reason { FINISH_STOP, FINISH_LENGTH, FINISH_INTERRUPTED };

struct generation {
    size_t max_new_tokens;
    struct sampler *sampler;
    /* Called with each new token as it comes, but for the end token; may be NULL. False stops. */
    bool (*on_token)(void *context, int32_t id);
    void *context;
    const volatile sig_atomic_t *stop; /* set by a signal; may be NULL */
};

/* Answer a conversation: new tokens are appended to *out, the end token included. SFT_EDATA for a prompt that leaves no
 * room for an answer, for a document, and for a model whose logits are not finite. */
enum sft_status session_generate(struct session *session, const struct conversation *conv,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err);

/* The same for text, which is continued as it stands: contents of added tokens in it are those tokens, and BOS is put
 * before it only where the tokenizer itself does. */
enum sft_status session_continue(struct session *session, const char *text, size_t len,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err);

/* How many tokens the prompt of a conversation has. */
size_t session_prompt_tokens(struct session *session, const struct conversation *conv);

#endif
