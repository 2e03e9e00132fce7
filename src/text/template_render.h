/* Rendering: a conversation by a chat template (text/template.h, which says what is trained). */
#ifndef SFT_TEXT_TEMPLATE_RENDER_H
#define SFT_TEXT_TEMPLATE_RENDER_H

#include "text/template.h"
#include "text/tokenizer/encoder.h"

/* What a conversation becomes: ids and the loss weight of each (weights[0] is always 0: nothing predicts
 * the first token). Growing buffers, cleared by each render; zero-initialised is empty. */
struct rendered {
    struct token_buf tokens;
    float *weights; /* (tokens.count) */
    size_t weights_capacity;
    size_t *starts; /* scratch */
    size_t starts_capacity;
    struct strbuf text, scratch;
    struct {
        size_t from; /* byte of text */
        float weight;
    } *marks; /* scratch */
    size_t marks_capacity;
};
void rendered_free(struct rendered *r);

/* Render a whole conversation. A document (conv->is_document) is document_start, its text and document_end,
 * every token but the first trained. Ask encoder_check afterwards. */
void template_render(const struct chat_template *tpl, struct encoder *enc, const struct conversation *conv,
                     enum train_on train_on, struct rendered *out);

/* Render the messages and the header of an assistant's answer: what generation continues. */
void template_render_prompt(const struct chat_template *tpl, struct encoder *enc,
                            const struct conversation *conv, struct rendered *out);

#endif
