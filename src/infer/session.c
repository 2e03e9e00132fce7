#include "infer/session.h"

#include "base/io.h"
#include "model/hf.h"

#include <stdlib.h>
#include <string.h>

enum { PREFILL = 256 }; /* prompt positions that run at once */

static enum sft_status open_model(struct session *s, struct model_config config, const char *dir,
                                  struct sft_err *err)
{
    const size_t file_vocab = config.vocab_size, tokens = tokenizer_vocab_size(s->tokenizer);
    if (tokens > config.vocab_size) /* those that the base lacks a row for: as training would add them */
        config.vocab_size = tokens;
    if (transformer_init(&s->model, &config, s->kernels, false, err) ||
        hf_load_params(s->model.params.data, &s->model.table, &config, file_vocab, dir, err))
        return err->status;
    const size_t positions = config.n_positions < PREFILL ? config.n_positions : PREFILL;
    if (activations_init(&s->acts, &config, s->kernels, positions, false, err))
        return err->status;
    return kv_cache_init(&s->cache, &s->model, config.n_positions, err);
}

enum sft_status session_open(struct session *s, const char *dir, const char *precision,
                             const struct settings *settings, struct sft_err *err)
{
    *s = (struct session){0};
    s->kernels = kernels_select(precision, s->kernels_why, sizeof s->kernels_why);
    if (!s->kernels)
        return sft_fail(err, SFT_EUSAGE, "%s", s->kernels_why);
    struct model_config config;
    if (path_expect_dir(dir, err) || model_config_load(&config, dir, NULL, err) ||
        tokenizer_load(&s->tokenizer, dir, err) ||
        model_config_check_vocab(&config, tokenizer_model_vocab_size(s->tokenizer), dir, err) ||
        template_init(&s->template, settings, s->tokenizer, err) || open_model(s, config, dir, err))
        return err->status;
    s->encoder = encoder_new(s->tokenizer);
    s->seen = mem_alloc(s->cache.capacity * sizeof *s->seen);
    s->logits = mem_alloc(s->model.config.vocab_size * sizeof *s->logits);
    return SFT_OK;
}

void session_close(struct session *s)
{
    rendered_free(&s->prompt);
    free(s->logits);
    free(s->seen);
    kv_cache_free(&s->cache, &s->model);
    activations_free(&s->acts);
    transformer_free(&s->model);
    encoder_free(s->encoder);
    template_free(&s->template);
    tokenizer_free(s->tokenizer);
    *s = (struct session){0};
}

/* Run n tokens (at most PREFILL) behind the cache; the last one's logits are left in s->logits. */
static void feed(struct session *s, const int32_t *tokens, size_t n)
{
    int32_t position[PREFILL], labels[PREFILL];
    float weights[PREFILL] = {0};
    for (size_t i = 0; i < n; i++) {
        position[i] = (int32_t)(s->cache.length + i);
        labels[i] = LABEL_NONE;
    }
    const size_t seq_start[2] = {0, n}, last = n - 1;
    const struct batch batch = {.N = n,
                                .S = 1,
                                .tokens = tokens,
                                .labels = labels,
                                .weights = weights,
                                .position = position,
                                .seq_start = seq_start};
    memcpy(s->seen + s->cache.length, tokens, n * sizeof *tokens);
    transformer_logits(&s->model, &s->acts, &batch, &s->cache, &last, 1, s->logits);
}

/* Bring the cache to the prompt: keep the beginning they share, run the rest. At least the last token is run,
 * for its logits. */
static void feed_prompt(struct session *s, const int32_t *tokens, size_t n)
{
    size_t same = 0;
    while (same < s->cache.length && same + 1 < n && s->seen[same] == tokens[same])
        same++;
    s->cache.length = same;
    while (s->cache.length < n) {
        const size_t left = n - s->cache.length,
                     take = left < s->acts.max_positions ? left : s->acts.max_positions;
        feed(s, tokens + s->cache.length, take);
    }
}

enum sft_status session_generate(struct session *s, const struct conversation *conv,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err)
{
    if (template_check_roles(&s->template, conv, err))
        return err->status;
    template_render_prompt(&s->template, s->encoder, conv, &s->prompt);
    if (encoder_check(s->encoder, err))
        return err->status;
    const size_t n = s->prompt.tokens.count;
    if (n >= s->cache.capacity)
        return sft_fail(err, SFT_EDATA,
                        "the prompt has %zu tokens, and the model sees %zu at most: shorten it", n,
                        s->cache.capacity);
    feed_prompt(s, s->prompt.tokens.ids, n);
    *reason = FINISH_LENGTH;
    for (size_t made = 0; made < options->max_new_tokens; made++) {
        const int32_t id = sampler_next(options->sampler, s->logits, s->model.config.vocab_size);
        token_buf_push(out, id);
        const bool go_on = !options->on_token || options->on_token(options->context, id);
        if (id == s->template.end_of_turn)
            *reason = FINISH_STOP;
        if (!go_on || *reason == FINISH_STOP || s->cache.length == s->cache.capacity)
            break;
        feed(s, &id, 1);
    }
    return SFT_OK;
}
