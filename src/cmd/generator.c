#include "cmd/generator.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>

enum { SAMPLE_SHIFT = 32 }; /* random numbers: the prompt's number below, the sample's above it */

enum sft_status generator_open(struct generator *g, struct sft_err *err)
{
    const struct decode_model model = bundle_decode_model(&g->bundle);
    const struct decode_options options = {.max_streams = (size_t)g->parallel, .adapts_threads = true};
    g->encoder = encoder_new(g->bundle.files.tokenizer);
    return decode_init(&g->decode, &model, &options, err);
}

void generator_close(struct generator *g)
{
    rendered_free(&g->rendered);
    encoder_free(g->encoder);
    decode_free(&g->decode);
    bundle_close(&g->bundle);
    *g = (struct generator){0};
}

static bool on_token(void *context, const struct new_token *token)
{
    struct sample *sample = context;
    const bool more = text_stream_add(&sample->text, token);
    if (sample->on_text)
        sample->on_text(sample);
    return more;
}

static enum sft_status render(struct generator *g, const struct prompt *prompt, struct sft_err *err)
{
    const struct bundle *b = &g->bundle;
    return g->raw ? prompt_of_text(&g->rendered, b->files.tokenizer, g->encoder, prompt->text, prompt->len, err)
                  : prompt_of_conversation(&g->rendered, &b->template, g->encoder, &prompt->conv, err);
}

enum sft_status generator_begin(struct generator *g, const struct prompt *prompt, uint64_t number,
                                struct sample *samples, struct sft_err *err)
{
    if (render(g, prompt, err))
        return err->status;
    struct ask ask = {.prompt = g->rendered.tokens.ids,
                      .n_prompt = g->rendered.tokens.count,
                      .max_new_tokens = (size_t)g->max_new_tokens,
                      .sampling = g->sampling,
                      .on_token = on_token};
    for (size_t k = 0; k < g->n_samples; k++) {
        ask.random_stream = number + ((uint64_t)k << SAMPLE_SHIFT);
        ask.context = &samples[k];
        samples[k].stream = decode_submit(&g->decode, &ask, err);
        if (!samples[k].stream) /* the first one: the prompt is the same for all */
            return err->status;
        text_stream_init(&samples[k].text, g->bundle.files.tokenizer, g->raw, &g->stops);
    }
    return SFT_OK;
}

bool generator_step(struct generator *g)
{
    const double begin = clock_seconds();
    const bool ran = decode_step(&g->decode);
    g->seconds += clock_seconds() - begin;
    return ran;
}

bool sample_is_done(struct sample *sample)
{
    if (sample->stream->state != STREAM_DONE)
        return false;
    text_stream_end(&sample->text);
    return true;
}

void sample_free(struct generator *g, struct sample *sample)
{
    if (sample->stream)
        decode_close(&g->decode, sample->stream);
    text_stream_free(&sample->text);
}

void generator_tell_speed(const struct generator *g)
{
    const struct decode_counts *n = &g->decode.counts;
    log_info("%" PRIu64 " prompt tokens, %" PRIu64 " of them known from before, and %" PRIu64
             " new ones in %.2f s: %.1f new tokens/s",
             n->prompt_tokens, n->cached_tokens, n->made_tokens, g->seconds,
             g->seconds > 0 ? (double)n->made_tokens / g->seconds : 0);
}
