#include "infer/prompt.h"

enum sft_status prompt_of_conversation(struct rendered *prompt, const struct bundle *bundle, struct encoder *encoder,
                                       const struct conversation *conv, struct sft_err *err)
{
    if (conv->is_document)
        return sft_fail(err, SFT_EDATA, "a document has no turns to answer (sft generate --raw continues text)");
    if (template_check(&bundle->template, conv, err))
        return err->status;
    template_render_prompt(&bundle->template, encoder, conv, prompt);
    return encoder_check(encoder, err);
}

enum sft_status prompt_of_text(struct rendered *prompt, const struct bundle *bundle, struct encoder *encoder,
                               const char *text, size_t len, struct sft_err *err)
{
    const int32_t start = tokenizer_text_start(bundle->files.tokenizer);
    prompt->tokens.count = 0;
    if (start != TOKEN_NONE)
        token_buf_push(&prompt->tokens, start);
    encoder_encode_special(encoder, text, len, &prompt->tokens);
    return encoder_check(encoder, err);
}
