/* Many sequences in one forward pass, each going on from what its slot holds: as if it were alone, and from its
 * beginning. Of every part that attention has: windows, partial rotation, layers that do not turn, norms of heads. */
#include "base/rng.h"
#include "model/transformer.h"
#include "support/measured.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "support/test_models.h"

#include <math.h>
#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

enum { C = 24, V = 50, POSITIONS = 32, LAYERS = 2 };

enum { STREAMS = 3, CAPACITY = 64, DECODED = 6 };

/* What a stream's last token makes of the next, when it is run alone and without slots. */
static void logits_alone(const struct transformer *model, struct activations *acts, const int32_t *tokens, size_t n,
                         float *logits)
{
    int32_t position[POSITIONS];
    for (size_t i = 0; i < n; i++)
        position[i] = (int32_t)i;
    const size_t seq_start[] = {0, n}, last = n - 1;
    const struct batch batch = {.N = n, .S = 1, .tokens = tokens, .position = position, .seq_start = seq_start};
    transformer_logits(model, acts, &batch, NULL, &last, 1, logits);
}

/* Streams' tokens, and how many of each have been run. */
struct streams {
    int32_t tokens[STREAMS][POSITIONS];
    size_t begin[STREAMS], len[STREAMS];
};

/* Run the next n[s] tokens of every stream in one batch; logits (STREAMS,V) of the last of each. */
static void run_streams(const struct transformer *model, struct activations *acts, struct streams *streams,
                        const struct kv_slots *slots, const size_t *n, float *logits)
{
    int32_t tokens[STREAMS * POSITIONS], position[STREAMS * POSITIONS];
    size_t seq_start[STREAMS + 1] = {0}, rows[STREAMS];
    for (size_t s = 0; s < STREAMS; s++) {
        for (size_t i = 0; i < n[s]; i++) {
            tokens[seq_start[s] + i] = streams->tokens[s][streams->len[s] + i];
            position[seq_start[s] + i] = (int32_t)(streams->len[s] + i);
        }
        seq_start[s + 1] = seq_start[s] + n[s];
        rows[s] = seq_start[s + 1] - 1;
    }
    const struct batch batch = {.N = seq_start[STREAMS],
                                .S = STREAMS,
                                .tokens = tokens,
                                .position = position,
                                .seq_start = seq_start};
    transformer_logits(model, acts, &batch, slots, rows, STREAMS, logits);
}

/* Rows of a cache that are in no slot stay as they were. */
static void check_untouched(const unsigned char *rows, size_t row_bytes, const struct streams *streams)
{
    for (size_t row = 0; row < LAYERS * CAPACITY; row++) {
        bool is_in_slot = false;
        for (size_t s = 0; s < STREAMS; s++)
            is_in_slot |= row % CAPACITY >= streams->begin[s] && row % CAPACITY < streams->begin[s] + streams->len[s];
        for (size_t i = 0; i < row_bytes && !is_in_slot; i++)
            ck_assert_msg(rows[row * row_bytes + i] == 0xA5, "row %zu", row);
    }
}

/* How far x (n) is from y, relative to the largest of y. */
static double distance(const float *x, const float *y, size_t n)
{
    double worst = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)x[i] - (double)y[i]), y_i = fabs((double)y[i]);
        worst = d > worst ? d : worst;
        size = y_i > size ? y_i : size;
    }
    return worst / size;
}

static void check_streams(const struct kernels *kernels, const struct model_config *config)
{
    static const size_t prompt[STREAMS] = {5, 1, 9}, one[STREAMS] = {1, 1, 1};
    struct streams streams = {.begin = {45, 0, 17}};
    struct transformer model;
    struct activations acts;
    struct rng rng;
    rng_seed(&rng, 9, 0);
    for (size_t s = 0; s < STREAMS; s++)
        for (size_t i = 0; i < POSITIONS; i++)
            streams.tokens[s][i] = (int32_t)rng_below(&rng, V);
    ck_assert(!transformer_init(&model, config, kernels, NULL, NULL) &&
              !activations_init(&acts, config, kernels, POSITIONS, false, NULL));
    ck_assert_ptr_null(model.params.grads.data);
    params_init_random(model.params.values.data, &model.params.table, config, 5);
    const size_t row_bytes = config->n_kv_head * config->head_dim * kernels->act_size;
    unsigned char *k = mem_alloc(LAYERS * CAPACITY * row_bytes), *v = mem_alloc(LAYERS * CAPACITY * row_bytes);
    memset(k, 0xA5, LAYERS * CAPACITY * row_bytes);
    memset(v, 0xA5, LAYERS * CAPACITY * row_bytes);
    const struct kv_slots slots = {
        .k = k, .v = v, .capacity = CAPACITY, .begin = streams.begin, .len = streams.len};
    for (size_t step = 0; step < DECODED; step++) {
        float together[STREAMS * V], alone[V];
        run_streams(&model, &acts, &streams, &slots, step ? one : prompt, together);
        for (size_t s = 0; s < STREAMS; s++) {
            ck_assert_uint_eq(streams.len[s], prompt[s] + step);
            logits_alone(&model, &acts, streams.tokens[s], streams.len[s], alone);
            check_error(table_name(kernels), "logits of many streams", distance(together + s * V, alone, V),
                        is_bf16_table(kernels) ? 5e-2 : 2e-6);
        }
    }
    check_untouched(k, row_bytes, &streams);
    check_untouched(v, row_bytes, &streams);
    free(k);
    free(v);
    activations_free(&acts);
    transformer_free(&model);
}

START_TEST(many_streams_are_each_as_if_alone)
{
    struct model_config config = test_model((enum test_model)_i, C, POSITIONS, V);
    config.initializer_range = 0.3; /* so that attention looks at something */
    for (size_t i = 0; i < n_tables; i++)
        if (!is_modelled(tables[i]) || _i <= MODEL_LLAMA) /* it is slow */
            check_streams(tables[i], &config);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("streams");
    TCase *tcase = tcase_create("streams");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, many_streams_are_each_as_if_alone, 0, N_TEST_MODELS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
