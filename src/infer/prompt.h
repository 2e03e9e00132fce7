/* What a model is asked to continue: a conversation as its template has it, or text as it stands. */
#ifndef SFT_INFER_PROMPT_H
#define SFT_INFER_PROMPT_H

#include "text/template_render.h"

/* The tokens of a conversation and of the beginning of an answer to it, in place of what was in *prompt
 * (rendered_free). SFT_EDATA: a document, a role that the template has no place for, or text on which the tokenizer
 * gave up. The encoder is one of the same tokenizer. Safe for what people typed: text never becomes a control
 * token. */
enum sft_status prompt_of_conversation(struct rendered *prompt, const struct chat_template *template,
                                       struct encoder *encoder, const struct conversation *conv, struct sft_err *err);

/* The same of text, which is continued as it stands: contents of added tokens in it are those tokens, and BOS is put
 * before it only where the tokenizer itself does. */
enum sft_status prompt_of_text(struct rendered *prompt, const struct tokenizer *tok, struct encoder *encoder,
                               const char *text, size_t len, struct sft_err *err);

#endif
