#include "infer/session.h"

#include "base/io.h"
#include "files/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PREFILL = 256 }; /* prompt positions that run at once */

static enum sft_status open_weights(struct session *s, const struct model_config *config, size_t file_vocab,
                                    const char *dir, struct sft_err *err)
{
    enum sft_status status = weights_check(config, file_vocab, dir, &s->unused, err);
    if (!status)
        status = transformer_init(&s->model, config, s->kernels, false, err);
    return status ? status
                  : weights_load(s->model.params.data, &s->model.table, config, file_vocab, dir, err);
}

static enum sft_status open_model(struct session *s, struct model_config config, const char *dir,
                                  struct sft_err *err)
{
    const size_t file_vocab = config.vocab_size, tokens = tokenizer_vocab_size(s->tokenizer);
    if (tokens > config.vocab_size) /* those that the base lacks a row for: as training would add them */
        config.vocab_size = tokens;
    if (open_weights(s, &config, file_vocab, dir, err))
        return err->status;
    const size_t positions = config.n_positions < PREFILL ? config.n_positions : PREFILL;
    if (activations_init(&s->acts, &config, s->kernels, positions, false, err))
        return err->status;
    return kv_cache_init(&s->cache, &s->model, config.n_positions, err);
}

/* What is never generated: rows that pad the embedding, ids that the tokenizer leaves out, and tokens that the file has
 * no row for, which nobody trained, but for the one that ends an answer. */
static void find_holes(struct session *s, size_t file_vocab)
{
    const size_t V = s->model.config.vocab_size;
    s->holes = mem_alloc(V * sizeof *s->holes);
    for (size_t id = 0; id < V; id++) {
        size_t len;
        const bool is_untrained = id >= file_vocab && (int32_t)id != s->template.end_of_turn;
        if (is_untrained || !tokenizer_token_bytes(s->tokenizer, (int32_t)id, &len))
            s->holes[s->n_holes++] = (int32_t)id;
    }
}

enum sft_status session_open(struct session *s, const char *dir, const char *precision,
                             const struct template_options *chosen, struct sft_err *err)
{
    *s = (struct session){.template = {.end_of_turn = TOKEN_NONE}};
    s->kernels = kernels_select(precision, s->kernels_why, sizeof s->kernels_why);
    if (!s->kernels)
        return sft_fail(err, SFT_EUSAGE, "%s", s->kernels_why);
    if (model_files_open(&s->files, dir, err))
        return err->status;
    s->tokenizer = s->files.tokenizer;
    const struct model_config config = s->files.config;
    if ((chosen && template_init(&s->template, chosen, s->tokenizer, err)) || open_model(s, config, dir, err))
        return err->status;
    s->encoder = encoder_new(s->tokenizer);
    s->seen = mem_alloc(s->cache.capacity * sizeof *s->seen);
    s->logits = mem_alloc(s->model.config.vocab_size * sizeof *s->logits);
    s->marked = mem_calloc(s->model.config.vocab_size, sizeof *s->marked);
    find_holes(s, config.vocab_size);
    return SFT_OK;
}

void session_close(struct session *s)
{
    rendered_free(&s->prompt);
    strbuf_free(&s->unused);
    free(s->holes);
    free(s->marked);
    free(s->logits);
    free(s->seen);
    kv_cache_free(&s->cache, &s->model);
    activations_free(&s->acts);
    transformer_free(&s->model);
    encoder_free(s->encoder);
    template_free(&s->template);
    model_files_close(&s->files);
    *s = (struct session){0};
}

/* Run n tokens (at most PREFILL) behind the cache; the last one's logits are left in s->logits. */
static void feed(struct session *s, const int32_t *tokens, size_t n)
{
    int32_t position[PREFILL];
    for (size_t i = 0; i < n; i++)
        position[i] = (int32_t)(s->cache.length + i);
    const size_t seq_start[2] = {0, n}, last = n - 1;
    const struct batch batch = {.N = n, .S = 1, .tokens = tokens, .position = position, .seq_start = seq_start};
    memcpy(s->seen + s->cache.length, tokens, n * sizeof *tokens);
    transformer_logits(&s->model, &s->acts, &batch, &s->cache, &last, 1, s->logits);
}

/* Bring the cache to the prompt: keep the beginning they share, run the rest. At least the last token is run,
 * for its logits. */
static void feed_prompt(struct session *s, const int32_t *tokens, size_t n, const volatile sig_atomic_t *stop)
{
    size_t same = 0;
    while (same < s->cache.length && same + 1 < n && s->seen[same] == tokens[same])
        same++;
    s->cache.length = same;
    while (s->cache.length < n && !(stop && *stop)) {
        const size_t left = n - s->cache.length,
                     take = left < s->acts.max_positions ? left : s->acts.max_positions;
        feed(s, tokens + s->cache.length, take);
    }
}

bool session_is_end(const struct session *s, int32_t id)
{
    for (size_t i = 0; i < s->files.generation.n_end_tokens; i++)
        if (id == s->files.generation.end_tokens[i])
            return true;
    return id == s->template.end_of_turn;
}

/* transformers' repetition_penalty (Keskar et al. 2019): what was said, in the prompt too, becomes less likely. */
static void penalise_repetition(struct session *s, float penalty)
{
    for (size_t i = 0; i < s->cache.length; i++) {
        const int32_t id = s->seen[i];
        if (!s->marked[id])
            s->logits[id] = s->logits[id] < 0 ? s->logits[id] * penalty : s->logits[id] / penalty;
        s->marked[id] = true;
    }
    for (size_t i = 0; i < s->cache.length; i++)
        s->marked[s->seen[i]] = false;
}

/* Choose the next token by the logits of the last one. */
static enum sft_status choose(struct session *s, struct sampler *sampler, int32_t *id, struct sft_err *err)
{
    const size_t V = s->model.config.vocab_size;
    for (size_t v = 0; v < V; v++)
        if (!isfinite(s->logits[v]))
            return sft_fail(err, SFT_EDATA,
                            "the model's output is not finite: its weights have diverged, or its config.json is "
                            "not theirs");
    for (size_t i = 0; i < s->n_holes; i++)
        s->logits[s->holes[i]] = -INFINITY;
    if (sampler->options.repetition_penalty != 1)
        penalise_repetition(s, (float)sampler->options.repetition_penalty);
    *id = sampler_next(sampler, s->logits, V);
    return SFT_OK;
}

/* Continue tokens[0..n). */
static enum sft_status generate(struct session *s, const int32_t *tokens, size_t n, const struct generation *options,
                                struct token_buf *out, enum finish_reason *reason, struct sft_err *err)
{
    if (encoder_check(s->encoder, err)) /* of the tokens that were just made */
        return err->status;
    if (n >= s->cache.capacity)
        return sft_fail(err, SFT_EDATA,
                        "the prompt has %zu tokens, and the model sees %zu at most: shorten it", n,
                        s->cache.capacity);
    feed_prompt(s, tokens, n, options->stop);
    *reason = FINISH_LENGTH;
    for (size_t made = 0; made < options->max_new_tokens; made++) {
        int32_t id;
        if (options->stop && *options->stop) {
            *reason = FINISH_INTERRUPTED;
            break;
        }
        if (choose(s, options->sampler, &id, err))
            return err->status;
        token_buf_push(out, id);
        if (session_is_end(s, id)) {
            *reason = FINISH_STOP;
            break;
        }
        if (options->on_token && !options->on_token(options->context, id)) {
            *reason = FINISH_INTERRUPTED;
            break;
        }
        if (s->cache.length == s->cache.capacity)
            break;
        feed(s, &id, 1);
    }
    return SFT_OK;
}

enum sft_status session_generate(struct session *s, const struct conversation *conv,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err)
{
    if (conv->is_document)
        return sft_fail(err, SFT_EDATA, "a document has no turns to answer (sft generate --raw continues text)");
    if (template_check_roles(&s->template, conv, err))
        return err->status;
    template_render_prompt(&s->template, s->encoder, conv, &s->prompt);
    return generate(s, s->prompt.tokens.ids, s->prompt.tokens.count, options, out, reason, err);
}

enum sft_status session_continue(struct session *s, const char *text, size_t len,
                                 const struct generation *options, struct token_buf *out,
                                 enum finish_reason *reason, struct sft_err *err)
{
    struct token_buf *prompt = &s->prompt.tokens;
    const int32_t start = tokenizer_text_start(s->tokenizer);
    prompt->count = 0;
    if (start != TOKEN_NONE)
        token_buf_push(prompt, start);
    encoder_encode_special(s->encoder, text, len, prompt);
    if (prompt->count == 0)
        return sft_fail(err, SFT_EDATA, "the prompt is empty, and there is nothing to continue");
    return generate(s, prompt->ids, prompt->count, options, out, reason, err);
}

size_t session_prompt_tokens(struct session *s, const struct conversation *conv)
{
    template_render_prompt(&s->template, s->encoder, conv, &s->prompt);
    return s->prompt.tokens.count;
}
