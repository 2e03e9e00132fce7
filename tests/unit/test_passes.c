/* The two passes that generate: prompts, in pieces, and next tokens, one of each of many sequences, over keys and
 * values in pages. Each sequence as if it were alone, however its prompt was cut, and as the forward pass of training
 * has it. Of every part that attention has: windows, partial rotation, layers that do not turn, norms of heads. */
#include "base/rng.h"
#include "model/transformer.h"
#include "support/measured.h"
#include "support/pages.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "support/test_models.h"

#include <math.h>
#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

enum { C = 24, V = 50, LAYERS = 2, POSITIONS = 32, PAGE = 4, STREAMS = 17, DECODED = 6 };

/* A model, and tokens of some sequences. */
struct run {
    struct transformer model;
    struct activations acts;
    struct pages pages;
    int32_t tokens[STREAMS][POSITIONS];
    double slack; /* of the model's rounding */
};

/* The tests' own families have tight soft caps, and norms after norms: these make more of an error, as in
 * test_gradients. */
static double slack_of(int model)
{
    return model <= MODEL_LLAMA ? 1 : 2;
}

static void start(struct run *r, const struct kernels *kernels, const struct model_config *config)
{
    struct rng rng;
    rng_seed(&rng, 9, 0);
    for (size_t s = 0; s < STREAMS; s++)
        for (size_t i = 0; i < POSITIONS; i++)
            r->tokens[s][i] = (int32_t)rng_below(&rng, V);
    ck_assert(!transformer_init(&r->model, config, kernels, NULL, NULL) &&
              !transformer_init_activations(&r->model, &r->acts, STREAMS * POSITIONS, KEEP_NOTHING, NULL));
    ck_assert_ptr_null(r->model.params.grads.data);
    params_init_random(r->model.params.values.data, &r->model.params.table, config, 5);
    pages_init(&r->pages, config, kernels, STREAMS, POSITIONS, PAGE);
}

static void finish(struct run *r)
{
    pages_free(&r->pages);
    activations_free(&r->acts);
    transformer_free(&r->model);
}

/* The next n[i] tokens of the S sequences from `first` on, in one pass; logits (S,V) of the last of each; NULL: nobody
 * wants them. */
static void go_on(struct run *r, size_t first, size_t S, const size_t *n, bool decoding, float *logits)
{
    int32_t tokens[STREAMS * POSITIONS], position[STREAMS * POSITIONS];
    size_t seq_start[STREAMS + 1] = {0}, rows[STREAMS];
    for (size_t s = 0; s < S; s++) {
        const size_t len = r->pages.len[first + s];
        for (size_t i = 0; i < n[s]; i++) {
            tokens[seq_start[s] + i] = r->tokens[first + s][len + i];
            position[seq_start[s] + i] = (int32_t)(len + i);
        }
        seq_start[s + 1] = seq_start[s] + n[s];
        rows[s] = seq_start[s + 1] - 1;
    }
    const struct kv_view view = pages_from(&r->pages, first, decoding);
    const struct batch batch = {
        .N = seq_start[S], .S = S, .tokens = tokens, .position = position, .seq_start = seq_start};
    transformer_logits(&r->model, &r->acts, &batch, &view, rows, logits ? S : 0, logits);
}

/* What the first n tokens of a sequence make of the next as training's forward pass has it. */
static void logits_in_training(struct run *r, size_t s, size_t n, float *logits)
{
    int32_t position[POSITIONS];
    for (size_t i = 0; i < n; i++)
        position[i] = (int32_t)i;
    const size_t seq_start[] = {0, n}, last = n - 1;
    const struct batch batch = {.N = n, .S = 1, .tokens = r->tokens[s], .position = position, .seq_start = seq_start};
    transformer_logits(&r->model, &r->acts, &batch, NULL, &last, 1, logits);
}

/* How far x (n) is from y, relative to the largest of y. */
static double distance(const float *x, const float *y, size_t n)
{
    double worst = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)x[i] - (double)y[i]), y_i = fabs((double)y[i]);
        if (!(d <= worst)) /* NaN too */
            worst = d;
        size = y_i > size ? y_i : size;
    }
    return worst / size;
}

/* Whether a table promises the same bits whoever else is in a batch: OpenBLAS's products do not. */
static bool is_exact(const struct kernels *kernels)
{
    return !is_bf16_table(kernels) && !strstr(kernels->products, "OpenBLAS");
}

/* x (V) against what was given before: the same bits, or no more than rounding. */
static void expect_same(const struct run *r, const char *what, size_t s, const float *x, const float *y)
{
    const struct kernels *k = r->model.kernels;
    if (is_exact(k))
        ck_assert_msg(memcmp(x, y, V * sizeof *x) == 0, "%s: %s, sequence %zu: other bits", table_name(k), what, s);
    else
        check_error(table_name(k), what, distance(x, y, V), is_bf16_table(k) ? 5e-2 : 2e-6);
}

static void expect_near(const struct run *r, const char *what, const float *x, const float *y)
{
    const struct kernels *k = r->model.kernels;
    check_error(table_name(k), what, distance(x, y, V), is_bf16_table(k) ? 5e-2 : r->slack * 2e-6);
}

static size_t prompt_of(size_t s)
{
    return 1 + s * 5 % 13;
}

/* Prompts together and next tokens together, of all sequences; then of each of them alone. */
static void check_streams(const struct kernels *kernels, const struct model_config *config, double slack)
{
    struct run r;
    size_t n[STREAMS], one = 1;
    float(*together)[STREAMS][V] = mem_calloc(DECODED, sizeof *together), alone[V], trained[V];
    start(&r, kernels, config);
    r.slack = slack;
    for (size_t step = 0; step < DECODED; step++) {
        for (size_t s = 0; s < STREAMS; s++)
            n[s] = step ? 1 : prompt_of(s);
        go_on(&r, 0, STREAMS, n, step > 0, together[step][0]);
    }
    pages_check(&r.pages);
    memset(r.pages.len, 0, STREAMS * sizeof *r.pages.len);
    for (size_t s = 0; s < STREAMS; s++)
        for (size_t step = 0; step < DECODED; step++) {
            const size_t len = prompt_of(s);
            go_on(&r, s, 1, step ? &one : &len, step > 0, alone);
            ck_assert_uint_eq(r.pages.len[s], len + step);
            logits_in_training(&r, s, len + step, trained);
            expect_same(&r, step ? "next tokens of many" : "prompts of many", s, together[step][s], alone);
            expect_near(&r, step ? "a next token's logits" : "a prompt's logits", alone, trained);
        }
    pages_check(&r.pages);
    finish(&r);
    free(together);
}

START_TEST(many_streams_are_each_as_if_alone)
{
    struct model_config config = test_model((enum test_model)_i, C, POSITIONS, V);
    config.initializer_range = 0.3; /* so that attention looks at something */
    for (size_t i = 0; i < n_tables; i++)
        if (!is_modelled(tables[i]) || _i <= MODEL_LLAMA) /* it is slow */
            check_streams(tables[i], &config, slack_of(_i));
}
END_TEST

/* Once in one piece, and once in two with the logits of the first not wanted. */
static void check_cuts(const struct kernels *kernels, const struct model_config *config)
{
    enum { LONG = POSITIONS - 1 };
    struct run r;
    const size_t whole = LONG, one = 1;
    float logits[V], after[V], cut_logits[V];
    start(&r, kernels, config);
    go_on(&r, 0, 1, &whole, false, logits);
    go_on(&r, 0, 1, &one, true, after);
    for (size_t cut = 1; cut < LONG; cut++) {
        const size_t rest = LONG - cut;
        r.pages.len[1] = 0;
        memcpy(r.tokens[1], r.tokens[0], sizeof *r.tokens);
        go_on(&r, 1, 1, &cut, false, NULL);
        go_on(&r, 1, 1, &rest, false, cut_logits);
        expect_same(&r, "a prompt in two pieces", cut, cut_logits, logits);
        go_on(&r, 1, 1, &one, true, cut_logits);
        expect_same(&r, "what follows a prompt in two pieces", cut, cut_logits, after);
    }
    pages_check(&r.pages);
    finish(&r);
}

START_TEST(a_prompt_may_be_cut_anywhere)
{
    struct model_config config = test_model((enum test_model)_i, C, POSITIONS, V);
    config.initializer_range = 0.3;
    for (size_t i = 0; i < n_tables; i++)
        if (!is_modelled(tables[i]))
            check_cuts(tables[i], &config);
}
END_TEST

/* Two sequences that begin alike, the second's first pages the first's. */
static void check_shared_pages(const struct kernels *kernels, const struct model_config *config)
{
    enum { SHARED = 3 * PAGE };
    struct run r;
    const size_t prompt = SHARED + 5, rest = 5, ones[] = {1, 1};
    float own[2][V], shared[2][V];
    start(&r, kernels, config);
    memcpy(r.tokens[1], r.tokens[0], SHARED * sizeof **r.tokens);
    go_on(&r, 0, 1, &prompt, false, own[0]);
    go_on(&r, 1, 1, &prompt, false, own[1]);
    go_on(&r, 0, 2, ones, true, own[0]);
    for (size_t page = 0; page < SHARED / PAGE; page++)
        r.pages.numbers[r.pages.start[1] + page] = r.pages.numbers[r.pages.start[0] + page];
    r.pages.len[1] = SHARED;
    go_on(&r, 1, 1, &rest, false, shared[1]);
    r.pages.len[0]--;
    go_on(&r, 0, 2, ones, true, shared[0]);
    for (size_t s = 0; s < 2; s++)
        expect_same(&r, "shared pages", s, shared[s], own[s]);
    finish(&r);
}

START_TEST(sequences_may_share_pages)
{
    struct model_config config = test_model((enum test_model)_i, C, POSITIONS, V);
    config.initializer_range = 0.3;
    for (size_t i = 0; i < n_tables; i++)
        if (!is_modelled(tables[i]))
            check_shared_pages(tables[i], &config);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("passes");
    TCase *tcase = tcase_create("passes");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, many_streams_are_each_as_if_alone, 0, N_TEST_MODELS);
    tcase_add_loop_test(tcase, a_prompt_may_be_cut_anywhere, 0, N_TEST_MODELS);
    tcase_add_loop_test(tcase, sequences_may_share_pages, 0, N_TEST_MODELS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
