#include "infer/decode.h"

#include "base/bounds.h"
#include "base/clock.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* A stream that has its next token in this step. */
struct pending {
    struct stream *stream;
    struct choice choice;
};

/* ---- memory ---- */

static void resolve(struct decode_options *o)
{
    o->max_streams = o->max_streams ? o->max_streams : 32;
    o->prompt_positions = o->prompt_positions ? o->prompt_positions : 512;
    /* pieces that end where pages do, in half of it, too */
    o->prompt_positions = kv_pages_of(at_least(o->prompt_positions, 2 * KV_PAGE)) * KV_PAGE;
    o->kv_bytes = o->kv_bytes ? o->kv_bytes : mem_available() / 2;
}

/* Positions that a pass may have. */
static size_t pass_positions(const struct decode_options *o)
{
    return at_least(o->prompt_positions, o->max_streams);
}

size_t decode_bytes(const struct model_config *config, const struct kernels *kernels,
                    const struct decode_options *options)
{
    struct decode_options o = *options;
    struct activations acts;
    resolve(&o);
    activations_plan(&acts, config, kernels, &(struct activation_options){.N = pass_positions(&o)});
    const size_t logits = 2 * o.max_streams * config->vocab_size * sizeof(float);
    return acts.plan.bytes + o.kv_bytes + logits +
           (size_t)omp_get_max_threads() * sampler_bytes(config->vocab_size);
}

struct decode_model decode_model_of(const struct transformer *model, const struct token_rules *rules)
{
    return (struct decode_model){.model = model,
                                 .ends = rules->ends,
                                 .n_ends = rules->n_ends,
                                 .suppressed = rules->suppressed,
                                 .n_suppressed = rules->n_suppressed};
}

static enum sft_status init_pages(struct decode *d, struct sft_err *err)
{
    size_t most; /* whole contexts, and what is begun */
    if (!mem_mul(kv_pages_of(d->max_positions) + 1, d->options.max_streams, &most))
        most = SIZE_MAX;
    const enum sft_status status = kv_pool_init(&d->streams.pool, d->models[0].model, d->options.kv_bytes, most, err);
    if (!status)
        prefix_init(&d->streams.prefix, &d->streams.pool);
    d->streams.max_running = d->options.max_streams;
    d->counts.pages = d->streams.pool.n_pages;
    return status;
}

static void init_samplers(struct decode *d, size_t V)
{
    d->samplers = mem_calloc((size_t)d->n_threads, sizeof *d->samplers);
    for (int t = 0; t < d->n_threads; t++)
        sampler_init(&d->samplers[t], V);
}

/* For any of the models: they differ in their vocabulary, and in what adapters add. */
static enum sft_status init_activations(struct decode *d, size_t V, size_t N, struct sft_err *err)
{
    const struct transformer *first = d->models[0].model;
    struct model_config config = first->config;
    struct activation_options options = {.N = N};
    config.vocab_size = V;
    for (size_t i = 0; i < d->n_models; i++)
        options.rank = at_least(options.rank,
                                activation_options_of(&d->models[i].model->params.table, N, KEEP_NOTHING).rank);
    return activations_init(&d->acts, &config, first->kernels, &options, err);
}

static size_t largest_vocabulary(const struct decode *d)
{
    size_t V = 0;
    for (size_t i = 0; i < d->n_models; i++)
        V = at_least(V, d->models[i].model->config.vocab_size);
    return V;
}

enum sft_status decode_init(struct decode *d, const struct decode_model *model, const struct decode_options *options,
                            struct sft_err *err)
{
    return decode_init_several(d, model, 1, options, err);
}

enum sft_status decode_init_several(struct decode *d, const struct decode_model *models, size_t n,
                                    const struct decode_options *options, struct sft_err *err)
{
    *d = (struct decode){.models = mem_calloc(n, sizeof *models),
                         .n_models = n,
                         .options = *options,
                         .max_positions = models[0].model->config.n_positions,
                         .n_threads = omp_get_max_threads()};
    memcpy(d->models, models, n * sizeof *models);
    resolve(&d->options);
    const size_t S = d->options.max_streams, N = pass_positions(&d->options), V = largest_vocabulary(d);
    const enum sft_status status = init_activations(d, V, N, err);
    if (status || init_pages(d, err))
        return status ? status : SFT_ENOMEM;
    d->pending = mem_calloc(S, sizeof *d->pending);
    d->batched = mem_calloc(S, sizeof *d->batched);
    d->tokens = mem_calloc(N, sizeof *d->tokens);
    d->position = mem_calloc(N, sizeof *d->position);
    d->seq_start = mem_calloc(S + 1, sizeof *d->seq_start);
    d->page_start = mem_calloc(S, sizeof *d->page_start);
    d->len = mem_calloc(S, sizeof *d->len);
    d->rows = mem_calloc(S, sizeof *d->rows);
    d->logits = mem_calloc(S * V, sizeof *d->logits);
    d->plain = mem_calloc(S * V, sizeof *d->plain);
    d->inverse_temperature = mem_calloc(S, sizeof *d->inverse_temperature);
    d->scans = mem_calloc(S, sizeof *d->scans);
    init_samplers(d, V);
    if (d->options.adapts_threads)
        threads_start(&d->threads);
    return SFT_OK;
}

void decode_free(struct decode *d)
{
    while (d->streams.count)
        decode_close(d, d->streams.items[d->streams.count - 1]);
    for (int t = 0; d->samplers && t < d->n_threads; t++)
        sampler_free(&d->samplers[t]);
    free(d->models);
    free(d->streams.items);
    free(d->samplers);
    free(d->pending);
    free(d->batched);
    free(d->tokens);
    free(d->position);
    free(d->seq_start);
    free(d->page_start);
    free(d->pages);
    free(d->len);
    free(d->rows);
    free(d->logits);
    free(d->plain);
    free(d->inverse_temperature);
    free(d->scans);
    prefix_free(&d->streams.prefix);
    kv_pool_free(&d->streams.pool);
    activations_free(&d->acts);
    *d = (struct decode){0};
}

/* ---- streams ---- */

static enum sft_status check_ask(const struct decode *d, const struct ask *ask, struct sft_err *err)
{
    if (ask->model >= d->n_models)
        SFT_BUG("a model that there is not");
    const size_t V = d->models[ask->model].model->config.vocab_size;
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
    if (kv_pages_of(ask->n_prompt + 1) > d->streams.pool.n_pages)
        return sft_fail(err, SFT_ENOMEM,
                        "the prompt has %zu tokens, and there is memory for the keys and values of %zu positions, "
                        "answer included: shorten it, or free memory before the start",
                        ask->n_prompt, d->streams.pool.n_pages * KV_PAGE);
    return SFT_OK;
}

struct stream *decode_submit(struct decode *d, const struct ask *ask, struct sft_err *err)
{
    if (check_ask(d, ask, err))
        return NULL;
    struct stream *s = mem_calloc(1, sizeof *s);
    *s = (struct stream){.ask = *ask, .n_prompt = ask->n_prompt, .submitted = clock_seconds()};
    s->tokens = mem_grow(NULL, &s->capacity, ask->n_prompt + 1, sizeof *s->tokens);
    memcpy(s->tokens, ask->prompt, ask->n_prompt * sizeof *s->tokens);
    s->ask.prompt = NULL; /* it is in tokens */
    if (ask->n_bias) {
        s->bias = mem_alloc(ask->n_bias * sizeof *s->bias);
        memcpy(s->bias, ask->bias, ask->n_bias * sizeof *s->bias);
    }
    s->ask.bias = s->bias;
    rng_seed(&s->rng, ask->sampling.seed, ask->random_stream);
    d->streams.items = mem_grow(d->streams.items, &d->streams.capacity, d->streams.count + 1, sizeof(struct stream *));
    d->streams.items[d->streams.count++] = s;
    d->counts.prompt_tokens += ask->n_prompt;
    d->counts.waiting++;
    return s;
}

static void count(struct decode *d)
{
    struct decode_counts *c = &d->counts;
    c->running = c->waiting = 0;
    for (size_t i = 0; i < d->streams.count; i++) {
        c->running += stream_is_running(d->streams.items[i]);
        c->waiting += d->streams.items[i]->state == STREAM_WAITING;
    }
    c->cached_tokens = d->streams.cached_tokens;
    c->pages_cached = prefix_n_idle(&d->streams.prefix);
    c->pages_used = d->streams.pool.n_pages - d->streams.pool.n_free - c->pages_cached;
}

void decode_close(struct decode *d, struct stream *s)
{
    size_t i = 0;
    while (i < d->streams.count && d->streams.items[i] != s)
        i++;
    if (i == d->streams.count)
        SFT_BUG("a stream of another");
    stream_drop_pages(&d->streams, s);
    d->streams.count--;
    memmove(d->streams.items + i, d->streams.items + i + 1, (d->streams.count - i) * sizeof(struct stream *));
    free(s->tokens);
    free(s->bias);
    free(s->pages);
    free(s);
    count(d);
}

void decode_forget(struct decode *d)
{
    prefix_forget(&d->streams.prefix);
    count(d);
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

static const struct decode_model *current(const struct decode *d)
{
    return &d->models[d->current];
}

static bool is_current(const struct decode *d, const struct stream *s)
{
    return s->ask.model == d->current;
}

/* What a pass is made of, beside decode's arrays. */
struct pass_size {
    size_t N, S, n_rows;
    bool decoding;
};

/* Put the next n positions of a stream into the batch, if there are pages for them; the last one's logits are wanted if
 * nothing is left to run then. False: it is not in the batch. */
static bool append(struct decode *d, struct pass_size *pass, struct stream *s, size_t n)
{
    while (s->n_pages < kv_pages_of(s->n_run + n))
        if (!stream_add_page(&d->streams, s))
            return false;
    d->batched[pass->S] = s;
    d->len[pass->S] = s->n_run;
    d->seq_start[pass->S++] = pass->N;
    for (size_t p = s->n_run; p < s->n_run + n; p++, pass->N++) {
        d->tokens[pass->N] = s->tokens[p];
        d->position[pass->N] = (int32_t)p;
    }
    s->n_run += n;
    if (s->n_run == stream_n_tokens(s)) {
        d->rows[pass->n_rows++] = pass->N - 1;
        d->pending[d->n_pending++].stream = s;
    }
    return true;
}

static void list_pages(struct decode *d, size_t S)
{
    size_t n = 0;
    for (size_t i = 0; i < S; i++) {
        const struct stream *s = d->batched[i];
        d->pages = mem_grow(d->pages, &d->pages_capacity, n + s->n_pages, sizeof *d->pages);
        memcpy(d->pages + n, s->pages, s->n_pages * sizeof *d->pages);
        d->page_start[i] = n;
        n += s->n_pages;
    }
}

/* Run the batch: the logits of its rows are the last of d->logits. False where there is nothing in it. */
static bool run(struct decode *d, const struct pass_size *pass)
{
    const size_t V = current(d)->model->config.vocab_size;
    if (pass->S == 0)
        return false;
    d->seq_start[pass->S] = pass->N;
    list_pages(d, pass->S);
    const struct batch batch = {.N = pass->N,
                                .S = pass->S,
                                .tokens = d->tokens,
                                .position = d->position,
                                .seq_start = d->seq_start};
    const struct kv_view view = kv_pool_view(&d->streams.pool, d->pages, d->page_start, d->len, pass->decoding);
    transformer_logits(current(d)->model, &d->acts, &batch, &view, d->rows, pass->n_rows,
                       d->logits + (d->n_pending - pass->n_rows) * V);
    for (size_t i = 0; i < pass->S; i++)
        stream_add_beginning(&d->streams, d->batched[i]);
    return true;
}

/* Whether a stream that is in the batch computes the next page of this one: then that is waited for. */
static bool is_coming(const struct decode *d, const struct pass_size *pass, const struct stream *s)
{
    const size_t end = s->n_run + KV_PAGE;
    for (size_t i = 0; i < pass->S && end < stream_n_tokens(s); i++) {
        const struct stream *t = d->batched[i];
        const size_t began = (size_t)d->position[d->seq_start[i]];
        if (began < end && end <= stream_n_tokens(t) && memcmp(t->tokens, s->tokens, end * sizeof *s->tokens) == 0)
            return true;
    }
    return false;
}

/* Pieces of prompts, of the first streams that have some. Where others wait for their next token, half as much. A piece
 * ends where a page does, or with the prompt. */
static bool prompt_pass(struct decode *d, struct pass_size *pass)
{
    bool others = false;
    for (size_t i = 0; i < d->streams.count; i++)
        others |= is_current(d, d->streams.items[i]) && d->streams.items[i]->state == STREAM_DECODING;
    size_t room = others ? d->options.prompt_positions / 2 : d->options.prompt_positions;
    for (size_t i = 0; i < d->streams.count && room > 0; i++) {
        struct stream *s = d->streams.items[i];
        if (s->state != STREAM_PROMPT || !is_current(d, s))
            continue;
        stream_find_beginning(&d->streams, s);
        if (is_coming(d, pass, s))
            continue;
        const size_t left = stream_n_tokens(s) - s->n_run, n = left <= room ? left : room / KV_PAGE * KV_PAGE;
        if (n > 0 && append(d, pass, s, n))
            room -= n;
    }
    return run(d, pass);
}

/* The next position of every stream that is through its prompt. */
static bool decode_pass(struct decode *d, struct pass_size *pass)
{
    for (size_t i = 0; i < d->streams.count; i++)
        if (is_current(d, d->streams.items[i]) && d->streams.items[i]->state == STREAM_DECODING)
            append(d, pass, d->streams.items[i], 1);
    return run(d, pass);
}

/* ---- tokens ---- */

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
        stream_finish(&d->streams, s, FINISH_NOT_FINITE);
        return;
    }
    if (s->state == STREAM_PROMPT) /* it may have been preempted since */
        s->state = STREAM_DECODING;
    s->tokens = mem_grow(s->tokens, &s->capacity, stream_n_tokens(s) + 1, sizeof *s->tokens);
    s->tokens[s->n_prompt + s->n_made++] = choice->id;
    d->counts.made_tokens++;
    if (s->n_made == 1)
        s->first_token = clock_seconds();
    const struct new_token token = {.id = choice->id,
                                    .ends = !ask->ignore_ends && is_end(current(d), choice->id),
                                    .logprob = choice->logprob,
                                    .top = choice->top,
                                    .n_top = ask->wants_logprob ? ask->n_top : 0};
    const bool has_enough = ask->on_token && !ask->on_token(ask->context, &token);
    if (token.ends || has_enough)
        stream_finish(&d->streams, s, FINISH_STOP);
    else if (s->n_made >= ask->max_new_tokens || stream_n_tokens(s) > d->max_positions)
        stream_finish(&d->streams, s, FINISH_LENGTH);
}

/* What must not be chosen, and what the ask changes, in row i of the logits. */
static void adjust_row(struct decode *d, size_t i)
{
    const size_t V = current(d)->model->config.vocab_size;
    struct pending *p = &d->pending[i];
    const struct history history = {p->stream->tokens, p->stream->n_prompt, p->stream->n_made};
    float *logits = d->logits + i * V;
    for (size_t h = 0; h < current(d)->n_suppressed; h++)
        logits[current(d)->suppressed[h]] = -INFINITY;
    sampler_adjust(&d->samplers[omp_get_thread_num()], &p->choice, logits, d->plain + i * V, &p->stream->ask,
                   &history);
    d->inverse_temperature[i] = sampler_inverse_temperature(&p->stream->ask.sampling);
}

static void choose_of_row(struct decode *d, size_t i)
{
    const size_t V = current(d)->model->config.vocab_size;
    struct pending *p = &d->pending[i];
    sampler_choose(&d->samplers[omp_get_thread_num()], &p->choice, d->logits + i * V, d->plain + i * V, &d->scans[i],
                   &p->stream->ask, &p->stream->rng);
}

/* Each stream's by one thread, so that no bit depends on how many there are; told in the order of the batch. */
static void take_tokens(struct decode *d)
{
    const struct transformer *model = current(d)->model;
#pragma omp parallel for schedule(dynamic) if (d->n_pending > 1)
    for (size_t i = 0; i < d->n_pending; i++)
        adjust_row(d, i);
    model->kernels->scan_logits(d->scans, d->logits, d->inverse_temperature, d->n_pending, model->config.vocab_size);
#pragma omp parallel for schedule(dynamic) if (d->n_pending > 1)
    for (size_t i = 0; i < d->n_pending; i++)
        choose_of_row(d, i);
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
    for (size_t i = 0; i < d->streams.count; i++)
        if (d->streams.items[i]->state != STREAM_DONE)
            stream_finish(&d->streams, d->streams.items[i], FINISH_CANCELLED);
}

/* A pass reads all weights, and multiplies as long as it reads for about so many positions. */
enum { POSITIONS_A_PASS = 16 };

static double work_of(const struct pass_size *pass)
{
    return pass->S ? 1 + (double)pass->N / POSITIONS_A_PASS : 0;
}

/* Time in which there was nothing to do says nothing of how fast threads are. */
static void begin_work(struct decode *d)
{
    const double pause = 0.02;
    if (d->options.adapts_threads && clock_seconds() - d->stepped > pause)
        threads_window(&d->threads, omp_get_wtime(), threads_delay());
}

/* Let the next model that has streams which run be the current one. */
static void next_model(struct decode *d)
{
    for (size_t i = 1; i <= d->n_models; i++) {
        const size_t model = (d->current + i) % d->n_models;
        for (size_t k = 0; k < d->streams.count; k++)
            if (stream_is_running(d->streams.items[k]) && d->streams.items[k]->ask.model == model) {
                d->current = model;
                return;
            }
    }
}

/* Both passes of one model. */
static bool run_model(struct decode *d, struct pass_size *prompts, struct pass_size *decoding)
{
    next_model(d);
    bool ran = prompt_pass(d, prompts);
    if (!is_stopped(d))
        ran |= decode_pass(d, decoding);
    return ran;
}

static bool step(struct decode *d)
{
    struct pass_size prompts = {0}, decoding = {.decoding = true};
    bool ran = false;
    begin_work(d);
    d->n_pending = 0;
    d->streams.has_freed = false;
    if (is_stopped(d))
        cancel_all(d);
    streams_admit(&d->streams);
    for (size_t i = 0; i < d->n_models && !ran; i++) /* the first one's may all have lost their pages */
        ran = run_model(d, &prompts, &decoding);
    if (is_stopped(d))
        cancel_all(d);
    else
        take_tokens(d);
    d->counts.steps += ran;
    count(d);
    if (d->options.adapts_threads)
        threads_adapt(&d->threads, work_of(&prompts) + work_of(&decoding));
    d->stepped = clock_seconds();
    return ran || (d->streams.has_freed && d->counts.waiting > 0); /* who ended without a pass has made room */
}

/* Memory is there for so many threads; there may be more by now (omp_set_num_threads, threads.h). */
bool decode_step(struct decode *d)
{
    const int n_threads = omp_get_max_threads();
    if (n_threads > d->n_threads)
        omp_set_num_threads(d->n_threads);
    const bool ran = step(d);
    if (n_threads > d->n_threads)
        omp_set_num_threads(n_threads);
    return ran;
}
