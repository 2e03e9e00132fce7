/* Slots for keys and values, and streams that are decoded side by side: each says what it would say alone. */
#include "infer/decode.h"

#include "support/run_suite.h"
#include "support/test_models.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { V = 50, POSITIONS = 340, LONGEST = 300, N_PROMPTS = 3, NEW = 24 };

static struct sft_err err;

static void check_ok(enum sft_status status)
{
    ck_assert_msg(status == SFT_OK, "%s", err.message);
}

/* A random model. */
static void bundle_of(struct bundle *b, const struct model_config *config)
{
    *b = (struct bundle){.template = {.end_of_turn = TOKEN_NONE}};
    b->kernels = kernels_select("fp32", b->kernels_why, sizeof b->kernels_why);
    ck_assert_msg(b->kernels != NULL, "%s", b->kernels_why);
    check_ok(transformer_init(&b->model, config, b->kernels, NULL, &err));
    params_init_random(b->model.params.values.data, &b->model.params.table, config, 1);
}

/* A small one, whose logits are far apart. */
static void bundle_make(struct bundle *b)
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
    bundle_of(b, &config);
}

static const size_t prompt_len[N_PROMPTS] = {3, 41, LONGEST}; /* the last takes two pieces */

static void make_prompt(size_t which, int32_t *tokens)
{
    for (size_t i = 0; i < prompt_len[which]; i++)
        tokens[i] = (int32_t)((i * i + 7 * which + 3 * i) % V);
}

/* A stream and what it is asked for. */
struct talk {
    struct stream *stream;
    struct sampler sampler;
    struct generation asked;
    struct token_buf out;
};

static void talk_begin(struct talk *t, struct decode *d, size_t which, double temperature)
{
    const struct sampling options = {.temperature = temperature, .top_p = 1, .repetition_penalty = 1.1, .seed = 5};
    int32_t tokens[LONGEST];
    *t = (struct talk){.stream = decode_open(d)};
    ck_assert_ptr_nonnull(t->stream);
    make_prompt(which, tokens);
    sampler_init(&t->sampler, &options, V, which);
    t->asked = (struct generation){.max_new_tokens = NEW - which, .sampler = &t->sampler};
    check_ok(decode_prompt(d, t->stream, tokens, prompt_len[which], &t->asked, &t->out, &err));
}

static void talk_end(struct talk *t, struct decode *d)
{
    decode_close(d, t->stream);
    sampler_free(&t->sampler);
    token_buf_free(&t->out);
}

static void expect_tokens(const struct talk *t, const struct token_buf *want)
{
    ck_assert_int_eq(t->stream->reason, FINISH_LENGTH);
    ck_assert_uint_eq(t->out.count, want->count);
    ck_assert_mem_eq(t->out.ids, want->ids, want->count * sizeof *want->ids);
}

/* What each prompt is answered with where it is alone. */
static void answers_alone(const struct bundle *b, double temperature, struct token_buf *answers)
{
    struct decode d;
    check_ok(decode_init(&d, b, 1, &err));
    for (size_t p = 0; p < N_PROMPTS; p++) {
        struct talk t;
        talk_begin(&t, &d, p, temperature);
        while (decode_step(&d))
            ;
        answers[p] = t.out;
        t.out = (struct token_buf){0};
        ck_assert_uint_eq(answers[p].count, NEW - p);
        talk_end(&t, &d);
    }
    decode_free(&d);
}

static const double temperatures[] = {0, 0.8};

START_TEST(streams_together_say_what_each_says_alone)
{
    struct bundle b;
    struct decode d;
    struct talk talks[N_PROMPTS];
    struct token_buf alone[N_PROMPTS];
    const double temperature = temperatures[_i % 2];
    struct model_config config = test_model((enum test_model)(_i / 2), 48, POSITIONS, V);
    size_t steps = 0;
    config.initializer_range = 0.3;
    bundle_of(&b, &config);
    answers_alone(&b, temperature, alone);
    check_ok(decode_init(&d, &b, N_PROMPTS, &err));
    for (size_t p = 0; p < N_PROMPTS; p++)
        talk_begin(&talks[p], &d, p, temperature);
    while (decode_step(&d))
        steps++;
    ck_assert_uint_le(steps, NEW + 2); /* one forward pass for all of them */
    for (size_t p = 0; p < N_PROMPTS; p++) {
        expect_tokens(&talks[p], &alone[p]);
        talk_end(&talks[p], &d);
        token_buf_free(&alone[p]);
    }
    decode_free(&d);
    bundle_close(&b);
}
END_TEST

/* One begins while another is in the middle, in the place of one that has ended. */
START_TEST(a_stream_may_join_later)
{
    struct bundle b;
    struct decode d;
    struct talk first, second, third;
    struct token_buf alone[N_PROMPTS];
    bundle_make(&b);
    answers_alone(&b, 0, alone);
    check_ok(decode_init(&d, &b, 2, &err));
    talk_begin(&first, &d, 0, 0);
    for (size_t i = 0; i < 10; i++)
        ck_assert(decode_step(&d));
    talk_begin(&second, &d, 2, 0);
    ck_assert_ptr_null(decode_open(&d));
    while (!first.stream->reason)
        ck_assert(decode_step(&d));
    expect_tokens(&first, &alone[0]);
    ck_assert_int_eq(second.stream->reason, FINISH_NONE);
    talk_end(&first, &d);
    talk_begin(&third, &d, 1, 0);
    while (decode_step(&d))
        ;
    expect_tokens(&second, &alone[2]);
    expect_tokens(&third, &alone[1]);
    talk_end(&second, &d);
    talk_end(&third, &d);
    for (size_t p = 0; p < N_PROMPTS; p++)
        token_buf_free(&alone[p]);
    decode_free(&d);
    bundle_close(&b);
}
END_TEST

/* ---- one stream ---- */

static struct bundle one;
static struct decode decode;
static struct talk talk;

static void begin_one(size_t prompt)
{
    bundle_make(&one);
    check_ok(decode_init(&decode, &one, 1, &err));
    talk_begin(&talk, &decode, prompt, 0);
}

static void run(void)
{
    while (decode_step(&decode))
        ;
}

static void end_one(void)
{
    talk_end(&talk, &decode);
    decode_free(&decode);
    bundle_close(&one);
}

/* Ask the same stream again. */
static void ask(const int32_t *tokens, size_t n)
{
    talk.out.count = 0;
    check_ok(decode_prompt(&decode, talk.stream, tokens, n, &talk.asked, &talk.out, &err));
}

START_TEST(what_was_seen_is_not_run_again)
{
    int32_t next[LONGEST];
    begin_one(1);
    run();
    const size_t prompt = prompt_len[1], n = prompt + talk.out.count + 1;
    make_prompt(1, next);
    memcpy(next + prompt, talk.out.ids, talk.out.count * sizeof *next);
    next[n - 1] = 7;
    ask(next, n);
    ck_assert_uint_eq(decode.pool.len[0], n - 2); /* the last answer's last token was never run */
    run();
    struct token_buf continued = talk.out;
    talk.out = (struct token_buf){0};
    talk_end(&talk, &decode);
    talk_begin(&talk, &decode, 0, 0);
    run();
    talk.asked.max_new_tokens = NEW - 1;
    ask(next, n); /* the beginning is another's */
    ck_assert_uint_eq(decode.pool.len[0], 0);
    run();
    expect_tokens(&talk, &continued);
    ask(next, n - 3); /* a shorter one: its last token is run for the logits */
    ck_assert_uint_eq(decode.pool.len[0], n - 4);
    token_buf_free(&continued);
    end_one();
}
END_TEST

START_TEST(an_end_token_ends)
{
    begin_one(0);
    run();
    const int32_t third = talk.out.ids[2];
    size_t first = 0;
    while (talk.out.ids[first] != third)
        first++;
    one.files.generation.end_tokens[0] = third;
    one.files.generation.n_end_tokens = 1;
    int32_t tokens[LONGEST];
    make_prompt(0, tokens);
    ask(tokens, prompt_len[0]);
    run();
    ck_assert_int_eq(talk.stream->reason, FINISH_STOP);
    ck_assert_uint_eq(talk.out.count, first + 1);
    end_one();
}
END_TEST

START_TEST(the_positions_end_too)
{
    begin_one(2);
    talk.asked.max_new_tokens = 1000;
    run();
    ck_assert_int_eq(talk.stream->reason, FINISH_LENGTH);
    ck_assert_uint_eq(talk.out.count, POSITIONS - LONGEST + 1); /* what follows the last position is still known */
    end_one();
}
END_TEST

static bool stop_after_two(void *context, int32_t id)
{
    size_t *n = context;
    (void)id;
    return ++*n < 2;
}

START_TEST(who_asked_may_stop_it)
{
    static volatile sig_atomic_t stop;
    int32_t tokens[LONGEST];
    size_t told = 0;
    begin_one(0);
    talk.asked.on_token = stop_after_two;
    talk.asked.context = &told;
    run();
    ck_assert_int_eq(talk.stream->reason, FINISH_INTERRUPTED);
    ck_assert_uint_eq(talk.out.count, 2);

    talk.asked.on_token = NULL;
    talk.asked.stop = &stop;
    make_prompt(2, tokens);
    ask(tokens, prompt_len[2]);
    ck_assert(decode_step(&decode)); /* a piece of the prompt */
    stop = 1;
    ck_assert(!decode_step(&decode));
    ck_assert_int_eq(talk.stream->reason, FINISH_INTERRUPTED);
    ck_assert_uint_eq(talk.out.count, 0);
    end_one();
}
END_TEST

START_TEST(what_must_not_be_said_is_not)
{
    begin_one(0);
    run();
    int32_t tokens[LONGEST], holes[1] = {talk.out.ids[0]};
    one.holes = holes;
    one.n_holes = 1;
    make_prompt(0, tokens);
    ask(tokens, prompt_len[0]);
    run();
    for (size_t i = 0; i < talk.out.count; i++)
        ck_assert_int_ne(talk.out.ids[i], holes[0]);
    one.holes = NULL;
    end_one();
}
END_TEST

START_TEST(prompts_that_cannot_be_continued)
{
    static int32_t tokens[POSITIONS];
    begin_one(0);
    ck_assert_int_eq(decode_prompt(&decode, talk.stream, tokens, 0, &talk.asked, &talk.out, &err), SFT_EDATA);
    ck_assert_str_eq(err.message, "the prompt is empty, and there is nothing to continue");
    ck_assert_int_eq(decode_prompt(&decode, talk.stream, tokens, POSITIONS, &talk.asked, &talk.out, &err), SFT_EDATA);
    ck_assert_str_eq(err.message, "the prompt has 340 tokens, and the model sees 340 at most: shorten it");
    const struct param_set *params = &one.model.params;
    param_values(params, tensor_find_name(&params->table, "transformer.ln_f.weight"))[3] = NAN;
    run();
    ck_assert_int_eq(talk.stream->reason, FINISH_NOT_FINITE);
    ck_assert_uint_eq(talk.out.count, 0);
    end_one();
}
END_TEST

/* ---- slots ---- */

START_TEST(slots_are_given_out_and_taken_back)
{
    struct kv_pool pool;
    bundle_make(&one);
    kv_pool_init(&pool, &one.model, 3, 10);
    check_ok(kv_pool_reserve(&pool, 4, &err));
    ck_assert_uint_eq(pool.positions, 10); /* a step is more */
    for (int s = 0; s < 3; s++)
        ck_assert_int_eq(kv_pool_take(&pool), s);
    ck_assert_int_eq(kv_pool_take(&pool), KV_SLOT_NONE);
    pool.len[1] = 4;
    kv_pool_give_back(&pool, 1);
    ck_assert_int_eq(kv_pool_take(&pool), 1);
    ck_assert_uint_eq(pool.len[1], 0);
    ck_assert_uint_eq(kv_pool_begin(&pool, 2), 20);
    const struct kv_slots view = kv_pool_slots(&pool, NULL, NULL);
    ck_assert_uint_eq(view.capacity, 30);
    ck_assert_uint_ge(pool.k.bytes, 2 * 30 * 32 * one.kernels->act_size);
    kv_pool_free(&pool);
    kv_pool_free(&pool);
    bundle_close(&one);
}
END_TEST

/* ---- memory ---- */

/* Each row's number, the layer's and the slot's, to be found again wherever it lies. */
static uint32_t *row_of(const struct kv_pool *pool, const struct block *block, size_t layer, size_t slot, size_t p)
{
    const size_t row = (layer * pool->n + slot) * pool->positions + p;
    return (uint32_t *)(void *)((unsigned char *)block->data + row * pool->row_bytes);
}

START_TEST(slots_grow_and_keep_what_is_in_them)
{
    enum { SLOTS = 3, LEN = 200 };
    struct kv_pool pool;
    bundle_make(&one);
    kv_pool_init(&pool, &one.model, SLOTS, 5000);
    ck_assert_uint_eq(pool.k.bytes, 0);
    check_ok(kv_pool_reserve(&pool, 1, &err));
    const size_t first = pool.positions;
    ck_assert(first >= LEN && first < 1000);
    for (size_t slot = 0; slot < SLOTS; slot++) {
        ck_assert_int_eq(kv_pool_take(&pool), (int)slot);
        pool.len[slot] = LEN - slot;
        for (size_t i = 0; i < 2 * pool.len[slot]; i++) {
            const size_t layer = i % 2, p = i / 2;
            *row_of(&pool, &pool.k, layer, slot, p) = (uint32_t)(1000 * slot + i);
            *row_of(&pool, &pool.v, layer, slot, p) = (uint32_t)(1000 * slot + i) + 7;
        }
    }
    for (size_t size = first + 1; size < 5000; size = pool.positions + 1) {
        check_ok(kv_pool_reserve(&pool, size, &err));
        ck_assert(pool.positions >= size && pool.positions <= 5000);
        for (size_t slot = 0; slot < SLOTS; slot++)
            for (size_t i = 0; i < 2 * pool.len[slot]; i++) {
                ck_assert_uint_eq(*row_of(&pool, &pool.k, i % 2, slot, i / 2), 1000 * slot + i);
                ck_assert_uint_eq(*row_of(&pool, &pool.v, i % 2, slot, i / 2), 1000 * slot + i + 7);
            }
    }
    ck_assert_uint_eq(pool.positions, 5000);
    kv_pool_free(&pool);
    bundle_close(&one);
}
END_TEST

/* A model that could see more than there is memory for costs what its streams are long. (Llama has no table of
 * positions, which would be as long.) */
START_TEST(memory_follows_the_conversation)
{
    static int32_t tokens[3000];
    const struct model_config config = test_model(MODEL_LLAMA, 48, POSITIONS, V);
    bundle_of(&one, &config);
    one.model.config.n_positions = SIZE_MAX / 1024;
    check_ok(decode_init(&decode, &one, 1, &err));
    talk_begin(&talk, &decode, 0, 0);
    run();
    /* keys, or values, of all layers */
    const size_t row_bytes = config.n_layer * config.n_kv_head * config.head_dim * one.kernels->act_size;
    ck_assert_uint_le(decode.pool.k.bytes, 512 * row_bytes);
    ask(tokens, 3000);
    run();
    ck_assert_uint_le(decode.pool.k.bytes, 2 * 3000 * row_bytes);
    ck_assert_int_eq(kv_pool_reserve(&decode.pool, SIZE_MAX / 1024, &err), SFT_ENOMEM);
    ck_assert_msg(strstr(err.message, "the keys and values of ") == err.message, "%s", err.message);
    end_one();
}
END_TEST

/* However often its slot has grown on the way, a stream says the same. */
START_TEST(growing_changes_nothing)
{
    struct token_buf grown;
    int32_t tokens[LONGEST];
    begin_one(0);
    talk.asked.max_new_tokens = POSITIONS - 3;
    make_prompt(0, tokens);
    ask(tokens, 3);
    run();
    ck_assert_uint_eq(talk.out.count, POSITIONS - 3);
    grown = talk.out;
    talk.out = (struct token_buf){0};
    talk_end(&talk, &decode);
    decode_free(&decode);
    check_ok(decode_init(&decode, &one, 1, &err));
    check_ok(kv_pool_reserve(&decode.pool, POSITIONS, &err));
    talk_begin(&talk, &decode, 0, 0);
    talk.asked.max_new_tokens = POSITIONS - 3;
    run();
    ck_assert_uint_eq(talk.out.count, grown.count);
    ck_assert_mem_eq(talk.out.ids, grown.ids, grown.count * sizeof *grown.ids);
    token_buf_free(&grown);
    end_one();
}
END_TEST

/* Slots grow in the middle of a step, for one stream: what the others have just put into theirs stays. */
START_TEST(growing_for_one_keeps_the_others)
{
    struct bundle b;
    struct decode d;
    struct talk talks[2];
    int32_t tokens[LONGEST];
    struct token_buf alone;
    bundle_make(&b);
    check_ok(decode_init(&d, &b, 1, &err));
    talk_begin(&talks[1], &d, 1, 0);
    while (decode_step(&d))
        ;
    alone = talks[1].out;
    talks[1].out = (struct token_buf){0};
    talk_end(&talks[1], &d);
    decode_free(&d);
    check_ok(decode_init(&d, &b, 2, &err));
    for (size_t p = 0; p < 2; p++)
        talk_begin(&talks[p], &d, p, 0);
    make_prompt(2, tokens); /* the first stream's now: its answer's third token is the 257th */
    check_ok(decode_prompt(&d, talks[0].stream, tokens, 254, &talks[0].asked, &talks[0].out, &err));
    ck_assert_uint_eq(d.pool.positions, 256);
    while (decode_step(&d))
        ;
    ck_assert_uint_gt(d.pool.positions, 256);
    expect_tokens(&talks[1], &alone);
    for (size_t p = 0; p < 2; p++)
        talk_end(&talks[p], &d);
    token_buf_free(&alone);
    decode_free(&d);
    bundle_close(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tcase = tcase_create("decode");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, streams_together_say_what_each_says_alone, 0, 2 * N_TEST_MODELS);
    tcase_add_test(tcase, a_stream_may_join_later);
    tcase_add_test(tcase, what_was_seen_is_not_run_again);
    tcase_add_test(tcase, an_end_token_ends);
    tcase_add_test(tcase, the_positions_end_too);
    tcase_add_test(tcase, who_asked_may_stop_it);
    tcase_add_test(tcase, what_must_not_be_said_is_not);
    tcase_add_test(tcase, prompts_that_cannot_be_continued);
    tcase_add_test(tcase, slots_are_given_out_and_taken_back);
    tcase_add_test(tcase, slots_grow_and_keep_what_is_in_them);
    tcase_add_test(tcase, memory_follows_the_conversation);
    tcase_add_test(tcase, growing_changes_nothing);
    tcase_add_test(tcase, growing_for_one_keeps_the_others);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
