/* Streams that are decoded side by side: each says what it would say alone, whenever it comes, goes, waits or rests. */
#include "support/decoding.h"

#include <math.h>
#include <omp.h>

/* ---- many ---- */

static const double temperatures[] = {0, 0.8};

START_TEST(streams_together_say_what_each_says_alone)
{
    struct setting t;
    struct stream *streams[N_PROMPTS];
    struct said_tokens alone[N_PROMPTS];
    const double temperature = temperatures[_i % 2];
    struct model_config config = test_model((enum test_model)(_i / 2), 48, POSITIONS, V);
    size_t steps = 0;
    config.initializer_range = 0.3;
    setting_of(&t, &config);
    answers_alone(&t, temperature, alone);
    setting_begin(&t, N_PROMPTS);
    for (size_t p = 0; p < N_PROMPTS; p++)
        streams[p] = submit_prompt(&t, p, temperature);
    while (decode_step(&t.decode))
        steps++;
    ck_assert_uint_le(steps, NEW + 2);
    ck_assert_uint_eq(t.decode.counts.steps, steps);
    for (size_t p = 0; p < N_PROMPTS; p++)
        expect_answer(&t, streams[p], &alone[p]);
    setting_end(&t);
}
END_TEST

/* One begins while another is in the middle; a third waits until one has ended. */
START_TEST(a_stream_may_join_later)
{
    struct setting t;
    struct said_tokens alone[N_PROMPTS];
    setting_make(&t);
    answers_alone(&t, 0, alone);
    setting_begin(&t, 2);
    struct stream *first = submit_prompt(&t, 0, 0);
    for (size_t i = 0; i < 10; i++)
        ck_assert(decode_step(&t.decode));
    struct stream *second = submit_prompt(&t, 2, 0), *third = submit_prompt(&t, 1, 0);
    ck_assert(decode_step(&t.decode));
    ck_assert_int_eq(second->state, STREAM_PROMPT); /* 256 positions beside one that decodes */
    ck_assert_int_eq(third->state, STREAM_WAITING);
    ck_assert_uint_eq(t.decode.counts.running, 2);
    ck_assert_uint_eq(t.decode.counts.waiting, 1);
    while (!first->reason)
        ck_assert(decode_step(&t.decode));
    ck_assert_int_eq(second->state, STREAM_DECODING);
    expect_answer(&t, first, &alone[0]);
    run(&t);
    expect_answer(&t, second, &alone[2]);
    expect_answer(&t, third, &alone[1]);
    ck_assert_uint_eq(t.decode.counts.prompt_tokens, 3 + LONGEST + 41);
    ck_assert_uint_eq(t.decode.counts.made_tokens, 3 * NEW - 3);
    setting_end(&t);
}
END_TEST

/* In each state a stream may be closed; nothing of the others changes, and its place is another's at once. */
START_TEST(a_stream_may_be_closed_at_any_time)
{
    struct setting t;
    struct said_tokens alone[N_PROMPTS];
    setting_make(&t);
    answers_alone(&t, 0, alone);
    for (size_t steps = 0; steps < 12; steps++) {
        setting_begin(&t, 2);
        struct stream *closed = submit_prompt(&t, 2, 0), *stays = submit_prompt(&t, 0, 0);
        struct stream *waits = submit_prompt(&t, 1, 0);
        for (size_t i = 0; i < steps; i++)
            ck_assert(decode_step(&t.decode));
        decode_close(&t.decode, closed);
        ck_assert(decode_step(&t.decode));
        ck_assert_int_ne(waits->state, STREAM_WAITING);
        run(&t);
        expect_answer(&t, stays, &alone[0]);
        expect_answer(&t, waits, &alone[1]);
        decode_free(&t.decode);
    }
    setting_end(&t);
}
END_TEST

START_TEST(a_waiting_stream_may_be_closed)
{
    struct setting t;
    struct said_tokens alone[N_PROMPTS];
    setting_make(&t);
    answers_alone(&t, 0, alone);
    setting_begin(&t, 1);
    struct stream *first = submit_prompt(&t, 0, 0);
    struct stream *waits = submit_prompt(&t, 2, 0), *last = submit_prompt(&t, 1, 0);
    ck_assert(decode_step(&t.decode));
    decode_close(&t.decode, waits);
    run(&t);
    expect_answer(&t, first, &alone[0]);
    expect_answer(&t, last, &alone[1]);
    setting_end(&t);
}
END_TEST

/* Who is slow to read holds up nobody: neither beside others, nor by keeping a place that others wait for. */
START_TEST(a_stream_may_rest)
{
    struct setting t;
    struct said_tokens alone[N_PROMPTS];
    setting_make(&t);
    answers_alone(&t, 0.8, alone);
    for (size_t places = 1; places <= 2; places++) {
        setting_begin(&t, places);
        struct stream *rests = submit_prompt(&t, 1, 0.8), *goes_on = submit_prompt(&t, 0, 0.8);
        for (size_t i = 0; i < 5; i++)
            ck_assert(decode_step(&t.decode));
        const size_t made = rests->n_made;
        ck_assert_uint_gt(made, 0);
        stream_rest(rests, true);
        run(&t);
        ck_assert_uint_eq(rests->n_made, made);
        ck_assert_int_eq(rests->state, STREAM_WAITING);
        ck_assert_int_eq(goes_on->state, STREAM_DONE);
        ck_assert_uint_gt(rests->n_pages, 0); /* nobody wanted them */
        expect_answer(&t, goes_on, &alone[0]);
        stream_rest(rests, false);
        const uint64_t steps = t.decode.counts.steps;
        run(&t);
        ck_assert_uint_eq(t.decode.counts.steps - steps, NEW - 1 - made); /* its prompt is not run again */
        expect_answer(&t, rests, &alone[1]);
        decode_free(&t.decode);
    }
    transformer_free(&t.model);
}
END_TEST

/* In the middle of its prompt, too. */
START_TEST(a_prompt_may_rest)
{
    struct setting t;
    struct said_tokens alone[N_PROMPTS];
    setting_make(&t);
    answers_alone(&t, 0.8, alone);
    check_ok(decode_init(&t.decode, &t.asked,
                         &(struct decode_options){.max_streams = 1, .prompt_positions = 2 * KV_PAGE}, &err));
    struct stream *rests = submit_prompt(&t, 2, 0.8), *goes_on = submit_prompt(&t, 0, 0.8);
    ck_assert(decode_step(&t.decode));
    ck_assert_int_eq(rests->state, STREAM_PROMPT);
    stream_rest(rests, true);
    run(&t);
    expect_answer(&t, goes_on, &alone[0]);
    stream_rest(rests, false);
    run(&t);
    ck_assert_uint_eq(rests->n_cached, 0);
    expect_answer(&t, rests, &alone[2]);
    setting_end(&t);
}
END_TEST

/* Texts of one seed differ by their random stream, and are each what it gives alone. */
START_TEST(samples_of_one_prompt)
{
    enum { SAMPLES = 5 };
    struct setting t;
    struct said_tokens alone[SAMPLES];
    struct stream *streams[SAMPLES];
    int32_t tokens[LONGEST];
    setting_make(&t);
    make_prompt(1, tokens);
    struct ask ask = ask_of(tokens, prompt_len[1], NEW);
    ask.sampling = (struct sampling){.temperature = 1.5, .top_p = 1, .repetition_penalty = 1, .seed = 3};
    for (size_t i = 0; i < SAMPLES; i++) {
        setting_begin(&t, 1);
        ask.random_stream = i;
        struct stream *s = submit(&t, &ask);
        run(&t);
        alone[i] = take_answer(&t, s);
        ck_assert(i == 0 || memcmp(alone[i].ids, alone[0].ids, sizeof alone[0].ids) != 0);
        decode_free(&t.decode);
    }
    setting_begin(&t, 3); /* and the others wait */
    for (size_t i = 0; i < SAMPLES; i++) {
        ask.random_stream = i;
        streams[i] = submit(&t, &ask);
    }
    run(&t);
    for (size_t i = 0; i < SAMPLES; i++)
        expect_answer(&t, streams[i], &alone[i]);
    setting_end(&t);
}
END_TEST

/* A busy machine's number of threads comes and goes; what memory there is was planned with one of them. */
START_TEST(threads_that_nobody_planned_for_do_not_compute)
{
    const int before = omp_get_max_threads(), n_threads[] = {1, 3, 2, 7};
    struct setting t;
    struct stream *streams[N_PROMPTS];
    struct said_tokens alone[N_PROMPTS];
    setting_make(&t);
    answers_alone(&t, 0.8, alone);
    omp_set_num_threads(n_threads[_i]);
    setting_begin(&t, N_PROMPTS);
    for (size_t p = 0; p < N_PROMPTS; p++)
        streams[p] = submit_prompt(&t, p, 0.8);
    int step = 0;
    do {
        omp_set_num_threads(n_threads[++step % 4]);
    } while (decode_step(&t.decode));
    ck_assert_int_eq(omp_get_max_threads(), n_threads[step % 4]);
    for (size_t p = 0; p < N_PROMPTS; p++)
        expect_answer(&t, streams[p], &alone[p]);
    setting_end(&t);
    omp_set_num_threads(before);
}
END_TEST

/* ---- ends ---- */

static struct setting one;

static void begin_one(void)
{
    setting_make(&one);
    setting_begin(&one, 2);
}

/* The first prompt's answer, greedily. */
static struct said_tokens free_answer(void)
{
    int32_t tokens[LONGEST];
    make_prompt(0, tokens);
    const struct ask ask = ask_of(tokens, prompt_len[0], NEW);
    struct stream *s = submit(&one, &ask);
    run(&one);
    return take_answer(&one, s);
}

START_TEST(an_end_token_ends)
{
    int32_t tokens[LONGEST], ends[2] = {V - 1};
    begin_one();
    const struct said_tokens free = free_answer();
    ends[1] = free.ids[2];
    size_t first = 0;
    while (free.ids[first] != ends[1])
        first++;
    one.decode.models[0].ends = ends;
    one.decode.models[0].n_ends = 2;
    make_prompt(0, tokens);
    struct ask ask = ask_of(tokens, prompt_len[0], NEW);
    struct stream *s = submit(&one, &ask);
    ask.ignore_ends = true;
    struct stream *heedless = submit(&one, &ask);
    run(&one);
    ck_assert_int_eq(s->reason, FINISH_STOP);
    ck_assert_uint_eq(s->n_made, first + 1);
    expect_answer(&one, heedless, &free);
    setting_end(&one);
}
END_TEST

START_TEST(the_positions_end_too)
{
    int32_t tokens[LONGEST];
    begin_one();
    make_prompt(2, tokens);
    const struct ask ask = ask_of(tokens, LONGEST, 1000), none = ask_of(tokens, LONGEST, 0);
    struct stream *s = submit(&one, &ask), *silent = submit(&one, &none);
    run(&one);
    ck_assert_int_eq(s->reason, FINISH_LENGTH);
    ck_assert_uint_eq(s->n_made, POSITIONS - LONGEST + 1); /* what follows the last position is still known */
    ck_assert_int_eq(silent->reason, FINISH_LENGTH);
    ck_assert_uint_eq(silent->n_made, 0);
    ck_assert(s->submitted > 0 && s->first_token >= s->submitted && s->ended >= s->first_token);
    setting_end(&one);
}
END_TEST

/* What on_token was told. */
struct told {
    struct stream *stream;
    int32_t ids[NEW];
    size_t n, enough;
    bool ended;
};

static bool tell(void *context, const struct new_token *token)
{
    struct told *told = context;
    ck_assert(!told->ended && told->n < told->enough);
    told->ids[told->n++] = token->id;
    told->ended = token->ends;
    return told->n < told->enough;
}

START_TEST(who_asked_may_stop_it)
{
    static volatile sig_atomic_t stop;
    int32_t tokens[LONGEST];
    begin_one();
    const struct said_tokens free = free_answer();
    struct told told = {.enough = 2};
    make_prompt(0, tokens);
    struct ask ask = ask_of(tokens, prompt_len[0], NEW);
    ask.on_token = tell;
    ask.context = &told;
    struct stream *s = submit(&one, &ask);
    run(&one);
    ck_assert_int_eq(s->reason, FINISH_STOP);
    ck_assert_uint_eq(s->n_made, 2);
    ck_assert_uint_eq(told.n, 2);
    ck_assert_mem_eq(told.ids, free.ids, 2 * sizeof *free.ids);
    ck_assert(!told.ended);
    decode_close(&one.decode, s);

    told = (struct told){.enough = NEW};
    one.decode.models[0].ends = &free.ids[NEW / 2];
    one.decode.models[0].n_ends = 1;
    s = submit(&one, &ask);
    run(&one);
    ck_assert(told.ended); /* the end token is told, too */
    ck_assert_uint_eq(told.n, s->n_made);
    ck_assert_int_eq(told.ids[told.n - 1], free.ids[NEW / 2]);
    decode_close(&one.decode, s);

    one.decode.models[0].n_ends = 0;
    one.decode.options.stop = &stop;
    make_prompt(2, tokens);
    ask = ask_of(tokens, prompt_len[2], NEW);
    s = submit(&one, &ask);
    struct stream *waits = submit(&one, &ask), *more = submit(&one, &ask);
    ck_assert(decode_step(&one.decode)); /* a piece of the prompt */
    stop = 1;
    ck_assert(!decode_step(&one.decode));
    ck_assert_int_eq(s->reason, FINISH_CANCELLED);
    ck_assert_int_eq(waits->reason, FINISH_CANCELLED);
    ck_assert_int_eq(more->reason, FINISH_CANCELLED);
    setting_end(&one);
}
END_TEST

START_TEST(what_must_not_be_said_is_not)
{
    begin_one();
    const struct said_tokens free = free_answer();
    one.decode.models[0].suppressed = free.ids;
    one.decode.models[0].n_suppressed = 1;
    const struct said_tokens other = free_answer();
    for (size_t i = 0; i < other.n; i++)
        ck_assert_int_ne(other.ids[i], free.ids[0]);
    setting_end(&one);
}
END_TEST

START_TEST(prompts_that_cannot_be_continued)
{
    static int32_t tokens[POSITIONS];
    begin_one();
    struct ask ask = ask_of(tokens, 0, NEW);
    ck_assert_ptr_null(decode_submit(&one.decode, &ask, &err));
    ck_assert_int_eq(err.status, SFT_EDATA);
    ck_assert_str_eq(err.message, "the prompt is empty, and there is nothing to continue");
    ask.n_prompt = POSITIONS;
    ck_assert_ptr_null(decode_submit(&one.decode, &ask, &err));
    ck_assert_str_eq(err.message, "the prompt has 340 tokens, and the model sees 340 at most: shorten it");
    ask.n_prompt = 5;
    tokens[3] = V;
    ck_assert_ptr_null(decode_submit(&one.decode, &ask, &err));
    ck_assert_str_eq(err.message, "the prompt's token 3 is 50, and the model has tokens 0 to 49");
    tokens[3] = 0;
    ask.bias = &(struct logit_bias){-1, 1};
    ask.n_bias = 1;
    ck_assert_ptr_null(decode_submit(&one.decode, &ask, &err));
    ck_assert_str_eq(err.message, "a bias is for token -1, and the model has tokens 0 to 49");
    ask.n_bias = 0;
    const struct param_set *params = &one.model.params;
    param_values(params, tensor_find_name(&params->table, "transformer.ln_f.weight"))[3] = NAN;
    struct stream *s = submit(&one, &ask);
    run(&one);
    ck_assert_int_eq(s->reason, FINISH_NOT_FINITE);
    ck_assert_uint_eq(s->n_made, 0);
    ck_assert_int_eq(stream_check(s, &err), SFT_EDATA);
    setting_end(&one);
}
END_TEST

/* ---- log probabilities ---- */

struct scores {
    const struct transformer *model;
    int32_t seen[POSITIONS];
    size_t n_seen, n_told;
};

/* Of the model's own distribution, from logits that are made anew, whatever penalties there are. */
static bool check_scores(void *context, const struct new_token *token)
{
    struct scores *x = context;
    static int32_t position[POSITIONS];
    float logits[V];
    double sum = 0;
    struct activations acts;
    for (size_t i = 0; i < x->n_seen; i++)
        position[i] = (int32_t)i;
    const size_t seq_start[] = {0, x->n_seen}, last = x->n_seen - 1;
    const struct batch batch = {
        .N = x->n_seen, .S = 1, .tokens = x->seen, .position = position, .seq_start = seq_start};
    check_ok(transformer_init_activations(x->model, &acts, POSITIONS, KEEP_NOTHING, &err));
    transformer_logits(x->model, &acts, &batch, NULL, &last, 1, logits);
    activations_free(&acts);
    logits[5] = -INFINITY; /* suppressed */
    for (size_t v = 0; v < V; v++)
        sum += exp((double)logits[v]);
    ck_assert_float_eq_tol(token->logprob, (float)((double)logits[token->id] - log(sum)), 1e-4F);
    ck_assert_uint_eq(token->n_top, 4);
    for (size_t i = 0; i < token->n_top; i++) {
        size_t likelier = 0;
        for (size_t v = 0; v < V; v++)
            likelier += logits[v] > logits[token->top[i].id];
        ck_assert_uint_eq(likelier, i);
        ck_assert_float_eq_tol(token->top[i].logprob, (float)((double)logits[token->top[i].id] - log(sum)), 1e-4F);
    }
    x->seen[x->n_seen++] = token->id;
    x->n_told++;
    return true;
}

START_TEST(log_probabilities_are_the_models_own)
{
    const int32_t hole = 5;
    begin_one();
    one.decode.models[0].suppressed = &hole;
    one.decode.models[0].n_suppressed = 1;
    struct scores scores = {.model = &one.model, .n_seen = prompt_len[1]};
    make_prompt(1, scores.seen);
    struct ask ask = ask_of(scores.seen, scores.n_seen, NEW);
    ask.sampling = (struct sampling){.temperature = 1.2, .top_p = 0.9, .repetition_penalty = 1.5, .seed = 3};
    ask.bias = &(struct logit_bias){3, 4};
    ask.n_bias = 1;
    ask.wants_logprob = true;
    ask.n_top = 4;
    ask.on_token = check_scores;
    ask.context = &scores;
    submit(&one, &ask);
    run(&one);
    ck_assert_uint_eq(scores.n_told, NEW);
    setting_end(&one);
}
END_TEST

/* ---- what was seen before ---- */

START_TEST(what_was_seen_is_not_run_again)
{
    int32_t next[LONGEST];
    begin_one();
    struct stream *s = submit_prompt(&one, 1, 0);
    run(&one);
    const size_t prompt = prompt_len[1], n = prompt + s->n_made + 1;
    make_prompt(1, next);
    memcpy(next + prompt, stream_answer(s), s->n_made * sizeof *next);
    next[n - 1] = 7;
    decode_close(&one.decode, s);
    const struct ask ask = ask_of(next, n, NEW);
    s = submit(&one, &ask);
    run(&one);
    ck_assert_uint_ge(s->n_cached + 32, n - 1);
    const struct said_tokens continued = take_answer(&one, s);
    decode_forget(&one.decode);
    s = submit(&one, &ask);
    run(&one);
    ck_assert_uint_eq(s->n_cached, 0);
    expect_answer(&one, s, &continued);
    s = submit(&one, &ask); /* the same again: its last token is run for the logits */
    run(&one);
    ck_assert_uint_ge(s->n_cached + 32, n - 1);
    ck_assert_uint_lt(s->n_cached, n);
    expect_answer(&one, s, &continued);
    setting_end(&one);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tcase = tcase_create("decode");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, streams_together_say_what_each_says_alone, 0, 2 * N_TEST_MODELS);
    tcase_add_test(tcase, a_stream_may_join_later);
    tcase_add_test(tcase, a_stream_may_be_closed_at_any_time);
    tcase_add_test(tcase, a_waiting_stream_may_be_closed);
    tcase_add_test(tcase, a_stream_may_rest);
    tcase_add_test(tcase, a_prompt_may_rest);
    tcase_add_test(tcase, samples_of_one_prompt);
    tcase_add_loop_test(tcase, threads_that_nobody_planned_for_do_not_compute, 0, 4);
    tcase_add_test(tcase, an_end_token_ends);
    tcase_add_test(tcase, the_positions_end_too);
    tcase_add_test(tcase, who_asked_may_stop_it);
    tcase_add_test(tcase, what_must_not_be_said_is_not);
    tcase_add_test(tcase, prompts_that_cannot_be_continued);
    tcase_add_test(tcase, log_probabilities_are_the_models_own);
    tcase_add_test(tcase, what_was_seen_is_not_run_again);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
