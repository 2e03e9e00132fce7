#include "infer/decode.h"

#include "base/clock.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* What is in a slot, whoever has it: the keys and values are of these tokens. */
struct kept_tokens {
    int32_t *ids;
    size_t n, capacity;
};

/* A stream that has its next token in this step. */
struct pending {
    struct stream *stream;
    struct choice choice;
};

/* ---- memory ---- */

static size_t at_least(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void resolve(struct decode_options *o)
{
    o->max_streams = o->max_streams ? o->max_streams : 32;
    o->prompt_positions = o->prompt_positions ? o->prompt_positions : 512;
}

static void init_choosers(struct decode *d, size_t V)
{
    d->n_choosers = (size_t)omp_get_max_threads();
    d->choosers = mem_calloc(d->n_choosers, sizeof *d->choosers);
    for (size_t t = 0; t < d->n_choosers; t++)
        chooser_init(&d->choosers[t], V);
}

enum sft_status decode_init(struct decode *d, const struct decode_model *model, const struct decode_options *options,
                            struct sft_err *err)
{
    const struct model_config *config = &model->model->config;
    *d = (struct decode){.model = *model, .options = *options, .max_positions = config->n_positions};
    resolve(&d->options);
    const size_t S = d->options.max_streams, N = at_least(d->options.prompt_positions, S);
    const enum sft_status status = activations_init(&d->acts, config, model->model->kernels, N, false, err);
    if (status)
        return status;
    kv_pool_init(&d->pool, model->model, S, d->max_positions);
    d->kept = mem_calloc(S, sizeof *d->kept);
    d->pending = mem_calloc(S, sizeof *d->pending);
    d->batched = mem_calloc(S, sizeof *d->batched);
    d->tokens = mem_calloc(N, sizeof *d->tokens);
    d->position = mem_calloc(N, sizeof *d->position);
    d->seq_start = mem_calloc(S + 1, sizeof *d->seq_start);
    d->begin = mem_calloc(S, sizeof *d->begin);
    d->len = mem_calloc(S, sizeof *d->len);
    d->rows = mem_calloc(S, sizeof *d->rows);
    d->logits = mem_calloc(S * config->vocab_size, sizeof *d->logits);
    init_choosers(d, config->vocab_size);
    d->counts.pages = S;
    return SFT_OK;
}

void decode_free(struct decode *d)
{
    while (d->n_streams)
        decode_close(d, d->streams[d->n_streams - 1]);
    for (size_t i = 0; d->kept && i < d->options.max_streams; i++)
        free(d->kept[i].ids);
    for (size_t t = 0; t < d->n_choosers; t++)
        chooser_free(&d->choosers[t]);
    free(d->streams);
    free(d->kept);
    free(d->choosers);
    free(d->pending);
    free(d->batched);
    free(d->tokens);
    free(d->position);
    free(d->seq_start);
    free(d->begin);
    free(d->len);
    free(d->rows);
    free(d->logits);
    kv_pool_free(&d->pool);
    activations_free(&d->acts);
    *d = (struct decode){0};
}

/* ---- slots ---- */

/* How much of a stream's prompt slot i holds. The last token is run for its logits. */
static size_t shared_prefix(const struct decode *d, const struct stream *s, size_t i)
{
    const struct kept_tokens *kept = &d->kept[i];
    size_t same = 0;
    while (same < kept->n && same + 1 < s->n_prompt && kept->ids[same] == s->tokens[same])
        same++;
    return same;
}

/* The free slot that holds the most of the prompt, of these the one that holds the least else. */
static void take_slot(struct decode *d, struct stream *s)
{
    size_t best = SIZE_MAX, most = 0;
    for (size_t i = 0; i < d->pool.n; i++) {
        if (d->pool.taken[i])
            continue;
        const size_t same = shared_prefix(d, s, i);
        if (best == SIZE_MAX || same > most || (same == most && d->kept[i].n < d->kept[best].n)) {
            best = i;
            most = same;
        }
    }
    kv_pool_take_again(&d->pool, (int)best, most);
    s->slot = (int)best;
    s->n_cached = s->n_run = most;
    d->counts.cached_tokens += most;
}

static void give_slot_back(struct decode *d, struct stream *s)
{
    if (s->slot == KV_SLOT_NONE)
        return;
    struct kept_tokens *kept = &d->kept[s->slot];
    kept->ids = mem_grow(kept->ids, &kept->capacity, s->n_run, sizeof *kept->ids);
    if (s->n_run)
        memcpy(kept->ids, s->tokens, s->n_run * sizeof *kept->ids);
    kept->n = s->n_run;
    kv_pool_give_back(&d->pool, s->slot);
    s->slot = KV_SLOT_NONE;
}

void decode_forget(struct decode *d)
{
    for (size_t i = 0; i < d->options.max_streams; i++)
        d->kept[i].n = 0;
}

/* ---- streams ---- */

static enum sft_status check_ask(const struct decode *d, const struct ask *ask, struct sft_err *err)
{
    const size_t V = d->model.model->config.vocab_size;
    if (ask->n_prompt == 0)
        return sft_fail(err, SFT_EDATA, "the prompt is empty, and there is nothing to continue");
    if (ask->n_prompt >= d->max_positions)
        return sft_fail(err, SFT_EDATA, "the prompt has %zu tokens, and the model sees %zu at most: shorten it",
                        ask->n_prompt, d->max_positions);
    for (size_t i = 0; i < ask->n_prompt; i++)
        if (ask->prompt[i] < 0 || (size_t)ask->prompt[i] >= V)
            return sft_fail(err, SFT_EDATA, "the prompt's token %zu is %d, and the model has tokens 0 to %zu", i,
                            ask->prompt[i], V - 1);
    for (size_t i = 0; i < ask->n_bias; i++)
        if (ask->bias[i].id < 0 || (size_t)ask->bias[i].id >= V)
            return sft_fail(err, SFT_EDATA, "a bias is for token %d, and the model has tokens 0 to %zu",
                            ask->bias[i].id, V - 1);
    return SFT_OK;
}

struct stream *decode_submit(struct decode *d, const struct ask *ask, struct sft_err *err)
{
    if (check_ask(d, ask, err))
        return NULL;
    struct stream *s = mem_calloc(1, sizeof *s);
    *s = (struct stream){
        .ask = *ask, .n_prompt = ask->n_prompt, .slot = KV_SLOT_NONE, .submitted = clock_seconds()};
    s->tokens = mem_grow(NULL, &s->capacity, ask->n_prompt + 1, sizeof *s->tokens);
    memcpy(s->tokens, ask->prompt, ask->n_prompt * sizeof *s->tokens);
    s->ask.prompt = NULL; /* it is in tokens */
    if (ask->n_bias) {
        s->bias = mem_alloc(ask->n_bias * sizeof *s->bias);
        memcpy(s->bias, ask->bias, ask->n_bias * sizeof *s->bias);
    }
    s->ask.bias = s->bias;
    rng_seed(&s->rng, ask->sampling.seed, ask->random_stream);
    d->streams = mem_grow(d->streams, &d->capacity, d->n_streams + 1, sizeof(struct stream *));
    d->streams[d->n_streams++] = s;
    d->counts.prompt_tokens += ask->n_prompt;
    return s;
}

static void finish(struct decode *d, struct stream *s, enum finish_reason reason)
{
    give_slot_back(d, s);
    s->state = STREAM_DONE;
    s->reason = reason;
    s->ended = clock_seconds();
}

void decode_close(struct decode *d, struct stream *s)
{
    size_t i = 0;
    while (i < d->n_streams && d->streams[i] != s)
        i++;
    if (i == d->n_streams)
        SFT_BUG("a stream of another");
    give_slot_back(d, s);
    d->n_streams--;
    memmove(d->streams + i, d->streams + i + 1, (d->n_streams - i) * sizeof(struct stream *));
    free(s->tokens);
    free(s->bias);
    free(s);
}

void stream_rest(struct stream *s, bool rests)
{
    s->rests = rests;
}

const int32_t *stream_answer(const struct stream *s)
{
    return s->tokens + s->n_prompt;
}

enum sft_status stream_check(const struct stream *s, struct sft_err *err)
{
    if (s->reason == FINISH_NOT_FINITE)
        return sft_fail(err, SFT_EDATA,
                        "the model's output is not finite: its weights have diverged, or its config.json is not "
                        "theirs");
    if (s->reason == FINISH_NO_MEMORY)
        return sft_fail(err, SFT_ENOMEM,
                        "there is no memory for the keys and values of more than %zu positions: shorten the "
                        "conversation",
                        s->n_run);
    return SFT_OK;
}

/* ---- a pass ---- */

/* What a pass is made of, beside decode's arrays. */
struct pass_size {
    size_t N, S, n_rows;
};

/* Put the next n positions of a stream into the batch, if there is memory for their keys and values; the last one's
 * logits are wanted if nothing is left to run then. */
static void append(struct decode *d, struct pass_size *pass, struct stream *s, size_t n)
{
    if (kv_pool_reserve(&d->pool, s->n_run + n, NULL)) {
        finish(d, s, FINISH_NO_MEMORY);
        return;
    }
    d->batched[pass->S] = s;
    d->seq_start[pass->S++] = pass->N;
    for (size_t p = s->n_run; p < s->n_run + n; p++, pass->N++) {
        d->tokens[pass->N] = s->tokens[p];
        d->position[pass->N] = (int32_t)p;
    }
    s->n_run += n;
    if (s->n_run == s->n_prompt + s->n_made) {
        d->rows[pass->n_rows++] = pass->N - 1;
        d->pending[d->n_pending++].stream = s;
    }
}

/* Run the batch: the logits of its rows are the last of d->logits. False where there is nothing in it. */
static bool run(struct decode *d, const struct pass_size *pass, bool decoding)
{
    const size_t V = d->model.model->config.vocab_size;
    if (pass->S == 0)
        return false;
    d->seq_start[pass->S] = pass->N;
    for (size_t i = 0; i < pass->S; i++) {
        d->begin[i] = (size_t)d->batched[i]->slot;
        d->len[i] = d->pool.len[d->batched[i]->slot];
    }
    const struct batch batch = {.N = pass->N,
                                .S = pass->S,
                                .tokens = d->tokens,
                                .position = d->position,
                                .seq_start = d->seq_start};
    const struct kv_view view = kv_pool_view(&d->pool, d->begin, d->len, decoding);
    transformer_logits(d->model.model, &d->acts, &batch, &view, d->rows, pass->n_rows,
                       d->logits + (d->n_pending - pass->n_rows) * V);
    for (size_t i = 0; i < pass->S; i++)
        d->pool.len[d->batched[i]->slot] = d->len[i];
    return true;
}

static bool is_in(const struct stream *s, enum stream_state state)
{
    return s->state == state && !s->rests;
}

/* Pieces of prompts, of the first streams that have some. Where others wait for their next token, half as much. */
static bool prompt_pass(struct decode *d)
{
    struct pass_size pass = {0};
    bool others = false;
    for (size_t i = 0; i < d->n_streams; i++)
        others |= is_in(d->streams[i], STREAM_DECODING);
    size_t room = others ? (d->options.prompt_positions + 1) / 2 : d->options.prompt_positions;
    for (size_t i = 0; i < d->n_streams && room > 0; i++) {
        struct stream *s = d->streams[i];
        if (!is_in(s, STREAM_PROMPT))
            continue;
        const size_t n = at_most(s->n_prompt + s->n_made - s->n_run, room);
        append(d, &pass, s, n);
        room -= n;
    }
    return run(d, &pass, false);
}

/* The next position of every stream that is through its prompt. */
static bool decode_pass(struct decode *d)
{
    struct pass_size pass = {0};
    for (size_t i = 0; i < d->n_streams; i++)
        if (is_in(d->streams[i], STREAM_DECODING))
            append(d, &pass, d->streams[i], 1);
    return run(d, &pass, true);
}

/* ---- choosing tokens ---- */

static bool is_end(const struct decode_model *model, int32_t id)
{
    for (size_t i = 0; i < model->n_ends; i++)
        if (id == model->ends[i])
            return true;
    return false;
}

/* Let a stream have what was chosen for it, and tell who asked. */
static void take(struct decode *d, struct stream *s, const struct choice *choice)
{
    const struct ask *ask = &s->ask;
    if (!choice->is_finite) {
        finish(d, s, FINISH_NOT_FINITE);
        return;
    }
    s->state = STREAM_DECODING;
    s->tokens = mem_grow(s->tokens, &s->capacity, s->n_prompt + s->n_made + 1, sizeof *s->tokens);
    s->tokens[s->n_prompt + s->n_made++] = choice->id;
    d->counts.made_tokens++;
    if (s->n_made == 1)
        s->first_token = clock_seconds();
    const struct new_token token = {.id = choice->id,
                                    .ends = !ask->ignore_ends && is_end(&d->model, choice->id),
                                    .logprob = choice->logprob,
                                    .top = choice->top,
                                    .n_top = ask->wants_logprob ? ask->n_top : 0};
    const bool has_enough = ask->on_token && !ask->on_token(ask->context, &token);
    if (token.ends || has_enough)
        finish(d, s, FINISH_STOP);
    else if (s->n_made >= ask->max_new_tokens || s->n_prompt + s->n_made > d->max_positions)
        finish(d, s, FINISH_LENGTH);
}

/* Each stream's by one thread, so that no bit depends on how many there are; told in the order of the batch. */
static void take_tokens(struct decode *d)
{
    const size_t V = d->model.model->config.vocab_size;
#pragma omp parallel for schedule(dynamic) if (d->n_pending > 1)
    for (size_t i = 0; i < d->n_pending; i++) {
        struct stream *s = d->pending[i].stream;
        const struct said said = {s->tokens, s->n_prompt, s->n_made};
        chooser_choose(&d->choosers[omp_get_thread_num()], &d->pending[i].choice, d->logits + i * V, &s->ask, &said,
                       &s->rng, d->model.holes, d->model.n_holes);
    }
    for (size_t i = 0; i < d->n_pending; i++)
        take(d, d->pending[i].stream, &d->pending[i].choice);
}

/* ---- a step ---- */

static bool is_stopped(const struct decode *d)
{
    return d->options.stop && *d->options.stop;
}

static void cancel_all(struct decode *d)
{
    for (size_t i = 0; i < d->n_streams; i++)
        if (d->streams[i]->state != STREAM_DONE)
            finish(d, d->streams[i], FINISH_CANCELLED);
}

/* Who waits takes a place that is free, the first first. */
static void admit(struct decode *d)
{
    size_t running = 0;
    for (size_t i = 0; i < d->n_streams; i++)
        running += d->streams[i]->slot != KV_SLOT_NONE;
    for (size_t i = 0; i < d->n_streams && running < d->options.max_streams; i++) {
        struct stream *s = d->streams[i];
        if (s->state != STREAM_WAITING)
            continue;
        if (s->ask.max_new_tokens == 0) {
            finish(d, s, FINISH_LENGTH);
            continue;
        }
        take_slot(d, s);
        s->state = STREAM_PROMPT;
        running++;
    }
}

static void count(struct decode *d)
{
    d->counts.running = d->counts.waiting = d->counts.pages_cached = 0;
    for (size_t i = 0; i < d->n_streams; i++) {
        d->counts.running += d->streams[i]->slot != KV_SLOT_NONE;
        d->counts.waiting += d->streams[i]->state == STREAM_WAITING;
    }
    d->counts.pages_used = d->counts.running;
    for (size_t i = 0; i < d->pool.n; i++)
        d->counts.pages_cached += !d->pool.taken[i] && d->kept[i].n > 0;
}

bool decode_step(struct decode *d)
{
    d->n_pending = 0;
    if (is_stopped(d))
        cancel_all(d);
    admit(d);
    bool ran = prompt_pass(d);
    if (!is_stopped(d))
        ran |= decode_pass(d);
    if (is_stopped(d))
        cancel_all(d);
    else
        take_tokens(d);
    d->counts.steps += ran;
    count(d);
    return ran;
}
