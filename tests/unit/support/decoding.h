/* What tests of decoding share: a small random model, prompts, what each is answered with alone. */
#ifndef SFT_TESTS_DECODING_H
#define SFT_TESTS_DECODING_H

#include "infer/decode.h"

#include "run_suite.h"
#include "test_models.h"

#include <string.h>

enum { V = 50, POSITIONS = 340, LONGEST = 300, N_PROMPTS = 3, NEW = 24 };

static struct sft_err err;

static inline void check_ok(enum sft_status status)
{
    ck_assert_msg(status == SFT_OK, "%s", err.message);
}

/* A random model, and what is decoded with it. */
struct setting {
    struct transformer model;
    struct decode_model asked;
    struct decode decode;
};

static inline void setting_of(struct setting *t, const struct model_config *config)
{
    static char why[512];
    const struct kernels *kernels = kernels_select("fp32", why, sizeof why);
    ck_assert_msg(kernels != NULL, "%s", why);
    *t = (struct setting){0};
    check_ok(transformer_init(&t->model, config, kernels, NULL, &err));
    params_init_random(t->model.params.values.data, &t->model.params.table, config, 1);
    t->asked.model = &t->model;
}

/* A small one, whose logits are far apart. */
static inline void setting_make(struct setting *t)
{
    const struct model_config config = {.family = &family_gpt2,
                                        .n_layer = 2,
                                        .n_head = 2,
                                        .n_kv_head = 2,
                                        .head_dim = 16,
                                        .n_embd = 32,
                                        .n_inner = 64,
                                        .n_positions = POSITIONS,
                                        .vocab_size = V,
                                        .tied = true,
                                        .embedding_multiplier = 1,
                                        .residual_multiplier = 1,
                                        .logits_divisor = 1,
                                        .layer_norm_epsilon = 1e-5,
                                        .initializer_range = 0.3};
    setting_of(t, &config);
}

static inline void setting_begin(struct setting *t, size_t max_streams)
{
    check_ok(decode_init(&t->decode, &t->asked, &(struct decode_options){.max_streams = max_streams}, &err));
}

static inline void setting_end(struct setting *t)
{
    decode_free(&t->decode);
    transformer_free(&t->model);
}

static const size_t prompt_len[N_PROMPTS] = {3, 41, LONGEST}; /* the last takes two pieces beside others */

static inline void make_prompt(size_t which, int32_t *tokens)
{
    for (size_t i = 0; i < prompt_len[which]; i++)
        tokens[i] = (int32_t)((i * i + 7 * which + 3 * i) % V);
}

/* ---- asking ---- */

static inline struct ask ask_of(const int32_t *prompt, size_t n, size_t max_new_tokens)
{
    return (struct ask){
        .prompt = prompt, .n_prompt = n, .max_new_tokens = max_new_tokens, .sampling = SAMPLING_GREEDY};
}

static inline struct stream *submit(struct setting *t, const struct ask *ask)
{
    struct stream *s = decode_submit(&t->decode, ask, &err);
    ck_assert_msg(s != NULL, "%s", err.message);
    return s;
}

/* One of the prompts. What was asked with is gone afterwards: it is the stream's copy that counts. */
static inline struct stream *submit_prompt(struct setting *t, size_t which, double temperature)
{
    int32_t tokens[LONGEST];
    struct logit_bias bias[] = {{7, -2.5F}, {(int32_t)which, 1.5F}};
    make_prompt(which, tokens);
    struct ask ask = ask_of(tokens, prompt_len[which], NEW - which);
    ask.sampling = (struct sampling){.temperature = temperature,
                                     .top_p = 1,
                                     .repetition_penalty = 1.1,
                                     .frequency_penalty = 0.1,
                                     .seed = 5};
    ask.random_stream = which;
    ask.bias = bias;
    ask.n_bias = 2;
    struct stream *s = submit(t, &ask);
    memset(tokens, 0, sizeof tokens);
    memset(bias, 0, sizeof bias);
    return s;
}

static inline void run(struct setting *t)
{
    while (decode_step(&t->decode))
        ;
}

/* What a stream said. */
struct said_tokens {
    int32_t ids[POSITIONS];
    size_t n;
};

static inline struct said_tokens take_answer(struct setting *t, struct stream *s)
{
    struct said_tokens said = {.n = s->n_made};
    ck_assert_uint_le(s->n_made, POSITIONS);
    memcpy(said.ids, stream_answer(s), s->n_made * sizeof *said.ids);
    decode_close(&t->decode, s);
    return said;
}

static inline void expect_answer(struct setting *t, struct stream *s, const struct said_tokens *want)
{
    ck_assert_int_eq(s->state, STREAM_DONE);
    ck_assert_int_eq(s->reason, FINISH_LENGTH);
    const struct said_tokens said = take_answer(t, s);
    ck_assert_uint_eq(said.n, want->n);
    ck_assert_mem_eq(said.ids, want->ids, want->n * sizeof *want->ids);
}

/* What each prompt is answered with where it is alone. */
static inline void answers_alone(struct setting *t, double temperature, struct said_tokens *answers)
{
    for (size_t p = 0; p < N_PROMPTS; p++) {
        setting_begin(t, 1);
        struct stream *s = submit_prompt(t, p, temperature);
        run(t);
        ck_assert_uint_eq(s->n_made, NEW - p);
        ck_assert_uint_eq(s->n_prompt, prompt_len[p]);
        ck_assert_uint_eq(s->n_cached, 0);
        answers[p] = take_answer(t, s);
        decode_free(&t->decode);
    }
}

#endif
