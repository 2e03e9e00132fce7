/* A session: one conversation with a model, or one text, at a time. What it has seen costs the next turn nothing. */
#ifndef SFT_INFER_SESSION_H
#define SFT_INFER_SESSION_H

#include "infer/prompt.h"

struct session {
    struct bundle bundle;
    struct decode decode;
    struct encoder *encoder;
    struct rendered prompt;
};

/* What is asked for: as in struct ask. */
struct generation {
    size_t max_new_tokens;
    struct sampling sampling;
    uint64_t random_stream;
    bool (*on_token)(void *context, const struct new_token *token);
    void *context;
    const volatile sig_atomic_t *stop; /* set by a signal; may be NULL */
};

/* Load the model as bundle_open does. Close with session_close, which accepts a zeroed struct. */
enum sft_status session_open(struct session *session, const char *dir, const char *precision,
                             const struct template_options *chosen, struct sft_err *err);
void session_close(struct session *session);

/* Answer a conversation: new tokens are appended to *out, the end token included. SFT_EDATA for a prompt that leaves no
 * room for an answer, for a document, and for a model whose logits are not finite. */
enum sft_status session_generate(struct session *session, const struct conversation *conv,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err);

/* The same for text, which is continued as it stands (prompt_of_text). */
enum sft_status session_continue(struct session *session, const char *text, size_t len,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err);

/* How many tokens the prompt of a conversation has, and how many positions the model sees. */
size_t session_prompt_tokens(struct session *session, const struct conversation *conv);
size_t session_positions(const struct session *session);

#endif
