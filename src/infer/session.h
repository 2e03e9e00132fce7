/* A session: one conversation with a model, or one text, at a time. Between turns it keeps what it has seen, so that
 * the next one costs only its new tokens. */
#ifndef SFT_INFER_SESSION_H
#define SFT_INFER_SESSION_H

#include "infer/decode.h"
#include "text/template_render.h"

struct session {
    struct bundle bundle;
    struct decode decode;
    struct stream *stream;
    struct encoder *encoder;
    struct rendered prompt;
};

/* Load the model as bundle_open does. Close with session_close, which accepts a zeroed struct. */
enum sft_status session_open(struct session *session, const char *dir, const struct bundle_options *options,
                             const struct template_options *chosen, struct sft_err *err);
void session_close(struct session *session);

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

/* How many tokens the prompt of a conversation has, and how many positions the model sees. */
size_t session_prompt_tokens(struct session *session, const struct conversation *conv);
size_t session_positions(const struct session *session);

#endif
