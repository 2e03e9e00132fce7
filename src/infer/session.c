#include "infer/session.h"

enum sft_status session_open(struct session *s, const char *dir, const char *precision,
                             const struct template_options *chosen, struct sft_err *err)
{
    *s = (struct session){0};
    if (bundle_open(&s->bundle, dir, precision, chosen, err))
        return err->status;
    const struct decode_model model = bundle_decode_model(&s->bundle);
    if (decode_init(&s->decode, &model, &(struct decode_options){.max_streams = 1}, err))
        return err->status;
    s->encoder = encoder_new(s->bundle.files.tokenizer);
    return SFT_OK;
}

void session_close(struct session *s)
{
    rendered_free(&s->prompt);
    encoder_free(s->encoder);
    decode_free(&s->decode);
    bundle_close(&s->bundle);
    *s = (struct session){0};
}

/* Continue the tokens of s->prompt. */
static enum sft_status generate(struct session *s, const struct generation *options, struct token_buf *out,
                                enum finish_reason *reason, struct sft_err *err)
{
    const struct ask ask = {.prompt = s->prompt.tokens.ids,
                            .n_prompt = s->prompt.tokens.count,
                            .max_new_tokens = options->max_new_tokens,
                            .sampling = options->sampling,
                            .random_stream = options->random_stream,
                            .on_token = options->on_token,
                            .context = options->context};
    struct stream *stream = decode_submit(&s->decode, &ask, err);
    if (!stream)
        return SFT_EDATA;
    s->decode.options.stop = options->stop;
    while (decode_step(&s->decode))
        ;
    for (size_t i = 0; i < stream->n_made; i++)
        token_buf_push(out, stream_answer(stream)[i]);
    *reason = stream->reason;
    const enum sft_status status = stream_check(stream, err);
    decode_close(&s->decode, stream);
    return status;
}

enum sft_status session_generate(struct session *s, const struct conversation *conv,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err)
{
    const enum sft_status status = prompt_of_conversation(&s->prompt, &s->bundle, s->encoder, conv, err);
    return status ? status : generate(s, options, out, reason, err);
}

enum sft_status session_continue(struct session *s, const char *text, size_t len,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err)
{
    const enum sft_status status = prompt_of_text(&s->prompt, &s->bundle, s->encoder, text, len, err);
    return status ? status : generate(s, options, out, reason, err);
}

size_t session_prompt_tokens(struct session *s, const struct conversation *conv)
{
    template_render_prompt(&s->bundle.template, s->encoder, conv, &s->prompt);
    return s->prompt.tokens.count;
}

size_t session_positions(const struct session *s)
{
    return s->decode.max_positions;
}
