#include "infer/decode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PREFILL = 256 }; /* positions that run at once where there are prompts */

/* ---- memory ---- */

static size_t at_least(size_t a, size_t b)
{
    return a > b ? a : b;
}

enum sft_status decode_init(struct decode *d, const struct bundle *bundle, size_t n_streams, struct sft_err *err)
{
    const struct model_config *config = &bundle->model.config;
    const size_t positions = config->n_positions, piece = positions < PREFILL ? positions : PREFILL;
    const size_t N = at_least(piece, n_streams), S = n_streams;
    *d = (struct decode){.bundle = bundle, .max_positions = N};
    if (activations_init(&d->acts, config, bundle->kernels, N, false, err))
        return err->status;
    kv_pool_init(&d->pool, &bundle->model, S, positions);
    d->streams = mem_calloc(S, sizeof *d->streams);
    for (size_t s = 0; s < S; s++)
        d->streams[s].slot = KV_SLOT_NONE;
    d->running = mem_calloc(S, sizeof *d->running);
    d->tokens = mem_calloc(N, sizeof *d->tokens);
    d->position = mem_calloc(N, sizeof *d->position);
    d->seq_start = mem_calloc(S + 1, sizeof *d->seq_start);
    d->begin = mem_calloc(S, sizeof *d->begin);
    d->len = mem_calloc(S, sizeof *d->len);
    d->rows = mem_calloc(S, sizeof *d->rows);
    d->logits = mem_calloc(S * config->vocab_size, sizeof *d->logits);
    d->marked = mem_calloc(config->vocab_size, sizeof *d->marked);
    return SFT_OK;
}

void decode_free(struct decode *d)
{
    for (size_t s = 0; d->streams && s < d->pool.n; s++)
        free(d->streams[s].seen);
    free(d->streams);
    free(d->running);
    free(d->tokens);
    free(d->position);
    free(d->seq_start);
    free(d->begin);
    free(d->len);
    free(d->rows);
    free(d->logits);
    free(d->marked);
    kv_pool_free(&d->pool);
    activations_free(&d->acts);
    *d = (struct decode){0};
}

/* ---- streams ---- */

struct stream *decode_open(struct decode *d)
{
    const int slot = kv_pool_take(&d->pool);
    if (slot == KV_SLOT_NONE)
        return NULL;
    struct stream *s = &d->streams[slot];
    *s = (struct stream){.slot = slot, .seen = s->seen, .capacity = s->capacity, .reason = FINISH_INTERRUPTED};
    return s;
}

void decode_close(struct decode *d, struct stream *s)
{
    kv_pool_give_back(&d->pool, s->slot);
    s->slot = KV_SLOT_NONE;
    s->reason = FINISH_INTERRUPTED;
}

/* Let a stream have seen n tokens, in its own list and in the slots. */
static enum sft_status reserve(struct decode *d, struct stream *s, size_t n, struct sft_err *err)
{
    s->seen = mem_grow(s->seen, &s->capacity, n, sizeof *s->seen);
    return kv_pool_reserve(&d->pool, n, err);
}

enum sft_status decode_prompt(struct decode *d, struct stream *s, const int32_t *tokens, size_t n,
                              const struct generation *asked, struct token_buf *out, struct sft_err *err)
{
    size_t *len = &d->pool.len[s->slot], same = 0;
    if (n == 0)
        return sft_fail(err, SFT_EDATA, "the prompt is empty, and there is nothing to continue");
    if (n >= d->pool.max_positions)
        return sft_fail(err, SFT_EDATA, "the prompt has %zu tokens, and the model sees %zu at most: shorten it", n,
                        d->pool.max_positions);
    if (reserve(d, s, n, err))
        return err->status;
    while (same < *len && same + 1 < n && s->seen[same] == tokens[same]) /* the last one is run for its logits */
        same++;
    *len = same;
    memcpy(s->seen + same, tokens + same, (n - same) * sizeof *tokens);
    s->n_seen = n;
    s->n_made = 0;
    s->asked = asked;
    s->out = out;
    s->reason = FINISH_NONE;
    return SFT_OK;
}

/* ---- choosing a token ---- */

/* transformers' repetition_penalty (Keskar et al. 2019): what was said, in the prompt too, becomes less likely. */
static void penalise_repetition(struct decode *d, const struct stream *s, float *logits, float penalty)
{
    for (size_t i = 0; i < s->n_seen; i++) {
        const int32_t id = s->seen[i];
        if (!d->marked[id])
            logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
        d->marked[id] = true;
    }
    for (size_t i = 0; i < s->n_seen; i++)
        d->marked[s->seen[i]] = false;
}

/* The token after those that s has seen; false where the logits are not finite. */
static bool choose(struct decode *d, const struct stream *s, float *logits, int32_t *id)
{
    const struct bundle *b = d->bundle;
    const size_t V = b->model.config.vocab_size;
    struct sampler *sampler = s->asked->sampler;
    for (size_t v = 0; v < V; v++)
        if (!isfinite(logits[v]))
            return false;
    for (size_t i = 0; i < b->n_holes; i++)
        logits[b->holes[i]] = -INFINITY;
    if (sampler->options.repetition_penalty != 1)
        penalise_repetition(d, s, logits, (float)sampler->options.repetition_penalty);
    *id = sampler_next(sampler, logits, V);
    return true;
}

static bool is_stopped(const struct stream *s)
{
    return s->asked->stop && *s->asked->stop;
}

/* Whether a stream goes on, by all but its tokens. */
static enum finish_reason look_round(const struct stream *s)
{
    if (is_stopped(s))
        return FINISH_INTERRUPTED;
    return s->n_made == s->asked->max_new_tokens ? FINISH_LENGTH : FINISH_NONE;
}

/* Its prompt is through: take the next token by the logits of the last one. */
static enum finish_reason extend(struct decode *d, struct stream *s, float *logits)
{
    int32_t id;
    enum finish_reason reason = look_round(s);
    if (reason)
        return reason;
    if (!choose(d, s, logits, &id))
        return FINISH_NOT_FINITE;
    token_buf_push(s->out, id);
    s->n_made++;
    if (bundle_ends_text(d->bundle, id))
        return FINISH_STOP;
    if (s->asked->on_token && !s->asked->on_token(s->asked->context, id))
        return FINISH_INTERRUPTED;
    if (s->n_seen == d->pool.max_positions)
        return FINISH_LENGTH;
    if (reserve(d, s, s->n_seen + 1, NULL))
        return FINISH_NO_MEMORY;
    s->seen[s->n_seen++] = id;
    return look_round(s);
}

/* ---- a step ---- */

/* The streams that run, into d->running; their number. */
static size_t gather(struct decode *d)
{
    size_t S = 0;
    for (size_t i = 0; i < d->pool.n; i++) {
        struct stream *s = &d->streams[i];
        if (s->slot != KV_SLOT_NONE && !s->reason && !(s->reason = look_round(s)))
            d->running[S++] = s;
    }
    return S;
}

/* One position of each, and of the first that have more to run as much as there is room for. */
static struct batch fill_batch(struct decode *d, size_t S)
{
    size_t N = 0, spare = d->max_positions - S;
    for (size_t i = 0; i < S; i++) {
        const struct stream *s = d->running[i];
        const size_t done = d->pool.len[s->slot], more = s->n_seen - done - 1, extra = more < spare ? more : spare;
        spare -= extra;
        d->len[i] = done;
        d->begin[i] = kv_pool_begin(&d->pool, s->slot);
        d->seq_start[i] = N;
        for (size_t p = done; p < done + 1 + extra; p++, N++) {
            d->tokens[N] = s->seen[p];
            d->position[N] = (int32_t)p;
        }
        d->rows[i] = N - 1;
    }
    d->seq_start[S] = N;
    return (struct batch){.N = N, .S = S, .tokens = d->tokens, .position = d->position, .seq_start = d->seq_start};
}

bool decode_step(struct decode *d)
{
    const size_t S = gather(d), V = d->bundle->model.config.vocab_size;
    if (S == 0)
        return false;
    const struct batch batch = fill_batch(d, S);
    const struct kv_slots slots = kv_pool_slots(&d->pool, d->begin, d->len);
    transformer_logits(&d->bundle->model, &d->acts, &batch, &slots, d->rows, S, d->logits);
    for (size_t i = 0; i < S; i++) /* of all, before the pool grows for any of them */
        d->pool.len[d->running[i]->slot] = d->len[i];
    for (size_t i = 0; i < S; i++) {
        struct stream *s = d->running[i];
        if (d->len[i] == s->n_seen)
            s->reason = extend(d, s, d->logits + i * V);
    }
    return true;
}
