#include "infer/session.h"

enum sft_status session_open(struct session *s, const char *dir, const struct bundle_options *options,
                             const struct template_options *chosen, struct sft_err *err)
{
    *s = (struct session){0};
    if (bundle_open(&s->bundle, dir, options, chosen, err) || decode_init(&s->decode, &s->bundle, 1, err))
        return err->status;
    s->stream = decode_open(&s->decode);
    s->encoder = encoder_new(s->bundle.files.tokenizer);
    return SFT_OK;
}

void session_close(struct session *s)
{
    rendered_free(&s->prompt);
    encoder_free(s->encoder);
    if (s->stream)
        decode_close(&s->decode, s->stream);
    decode_free(&s->decode);
    bundle_close(&s->bundle);
    *s = (struct session){0};
}

/* Continue the tokens of s->prompt. */
static enum sft_status generate(struct session *s, const struct generation *options, struct token_buf *out,
                                enum finish_reason *reason, struct sft_err *err)
{
    const struct token_buf *prompt = &s->prompt.tokens;
    if (encoder_check(s->encoder, err) || /* of the tokens that were just made */
        decode_prompt(&s->decode, s->stream, prompt->ids, prompt->count, options, out, err))
        return err->status;
    while (decode_step(&s->decode))
        ;
    *reason = s->stream->reason;
    if (*reason == FINISH_NOT_FINITE)
        return sft_fail(err, SFT_EDATA,
                        "the model's output is not finite: its weights have diverged, or its config.json is not "
                        "theirs");
    if (*reason == FINISH_NO_MEMORY)
        return sft_fail(err, SFT_ENOMEM,
                        "there is no memory for the keys and values of more than %zu positions: shorten the "
                        "conversation",
                        s->stream->n_seen);
    return SFT_OK;
}

enum sft_status session_generate(struct session *s, const struct conversation *conv,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err)
{
    if (conv->is_document)
        return sft_fail(err, SFT_EDATA, "a document has no turns to answer (sft generate --raw continues text)");
    if (template_check(&s->bundle.template, conv, err))
        return err->status;
    template_render_prompt(&s->bundle.template, s->encoder, conv, &s->prompt);
    return generate(s, options, out, reason, err);
}

enum sft_status session_continue(struct session *s, const char *text, size_t len,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err)
{
    struct token_buf *prompt = &s->prompt.tokens;
    const int32_t start = tokenizer_text_start(s->bundle.files.tokenizer);
    prompt->count = 0;
    if (start != TOKEN_NONE)
        token_buf_push(prompt, start);
    encoder_encode_special(s->encoder, text, len, prompt);
    return generate(s, options, out, reason, err);
}

size_t session_prompt_tokens(struct session *s, const struct conversation *conv)
{
    template_render_prompt(&s->bundle.template, s->encoder, conv, &s->prompt);
    return s->prompt.tokens.count;
}

size_t session_positions(const struct session *s)
{
    return s->decode.pool.max_positions;
}
