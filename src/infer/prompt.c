#include "infer/prompt.h"

enum sft_status prompt_of_conversation(struct rendered *prompt, const struct chat_template *template,
                                       struct encoder *encoder, const struct conversation *conv, struct sft_err *err)
{
    if (conv->is_document)
        return sft_fail(err, SFT_EDATA, "a document has no turns to answer (sft generate --raw continues text)");
    if (template_check(template, conv, err))
        return err->status;
    template_render_prompt(template, encoder, conv, prompt);
    return encoder_check(encoder, err);
}

enum sft_status prompt_of_text(struct rendered *prompt, const struct tokenizer *tok, struct encoder *encoder,
                               const char *text, size_t len, struct sft_err *err)
{
    const int32_t start = tokenizer_text_start(tok);
    prompt->tokens.count = 0;
    if (start != TOKEN_NONE)
        token_buf_push(&prompt->tokens, start);
    encoder_encode_special(encoder, text, len, &prompt->tokens);
    return encoder_check(encoder, err);
}
