/* objective = dpo in double: its gradient is the derivative of what it tells as its loss, however pairs and single
 * conversations are cut into micro-batches, and whether or not they share what they begin with. */
#include "hand_dataset.h"
#include "model/block/tensors.h"
#include "support/dpo_turn.h"
#include "support/measured.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "support/test_models.h"

#include <math.h>

enum { VOCAB = 31, LONGEST = 48, N_ITEMS = 5 };

/* ---- pairs and conversations ---- */

/* A conversation: a prompt of n_prompt tokens drawn by `prompt`, an answer of n_answer drawn by `answer`. */
struct spoken {
    uint64_t prompt, answer;
    size_t n_prompt, n_answer;
    float weight; /* of the answer's tokens */
};

static void add_spoken(struct token_store_writer *w, const struct spoken *s, uint16_t flags)
{
    int32_t tokens[LONGEST];
    float weights[LONGEST];
    struct rng rng;
    rng_seed(&rng, s->prompt, 0);
    for (size_t t = 0; t < s->n_prompt + s->n_answer; t++) {
        if (t == s->n_prompt)
            rng_seed(&rng, s->answer, 1);
        tokens[t] = (int32_t)rng_below(&rng, VOCAB);
        weights[t] = t < s->n_prompt ? 0.0F : s->weight;
    }
    hand_add_flagged(w, tokens, weights, s->n_prompt + s->n_answer, flags);
}

/* Prompts that a pair's answers share, and two pairs; an answer that the other goes on from; weights, which count for
 * sft_weight alone; and a conversation that is no pair. */
static struct dataset make_items(void)
{
    static const struct spoken said[][2] = {
        {{1, 1, 22, 4, 1}, {1, 2, 22, 7, 1}},
        {{1, 3, 22, 9, 0.5F}, {1, 3, 22, 5, 2}},
        {{2, 4, 19, 3, 2}, {2, 5, 19, 3, 1}},
        {{1, 6, 22, 8, 1}},
        {{3, 7, 2, 1, 1}, {3, 8, 2, 2, 0.25F}},
    };
    static const uint32_t ids[N_ITEMS] = {0, 2, 4, 6, 7};
    struct token_store_writer *w = token_store_create(NULL, NULL);
    for (size_t i = 0; i < N_ITEMS; i++) {
        const bool is_pair = said[i][1].n_answer > 0;
        add_spoken(w, &said[i][0], is_pair ? RECORD_PAIR : 0);
        if (is_pair)
            add_spoken(w, &said[i][1], RECORD_REJECTED | RECORD_SAME_ROW);
    }
    struct dataset ds = hand_dataset(w, ids[N_ITEMS - 1] + 2);
    memcpy(ds.ids, ids, sizeof ids);
    ds.n_examples = N_ITEMS;
    ds.n_pairs = N_ITEMS - 1;
    return ds;
}

/* ---- what is compared by what ---- */

/* About what a model of these sizes says, so that no pair is decided. */
static const struct answer_logps reference[N_ITEMS] = {{-14, -25}, {-33, -16}, {-11, -9}, {NAN, NAN}, {-4, -6.5}};

static const struct dpo_options losses[] = {
    {.beta = 0.1, .loss_type = DPO_LOSS_SIGMOID},
    {.beta = 0.7, .loss_type = DPO_LOSS_SIGMOID, .label_smoothing = 0.2},
    {.beta = 0.3, .loss_type = DPO_LOSS_IPO},
    {.beta = 0.1, .loss_type = DPO_LOSS_SIGMOID, .sft_weight = 0.5},
    {.beta = 0.5, .loss_type = DPO_LOSS_IPO, .sft_weight = 2},
};
static const enum test_model models[] = {MODEL_GPT2, MODEL_LLAMA};
static const struct batch_options cuts[] = {{.micro_batch_tokens = 1, .pairs = true},
                                            {.micro_batch_tokens = 70, .shared_prefix = true, .pairs = true},
                                            {.micro_batch_tokens = 1000, .shared_prefix = true, .pairs = true}};
enum {
    N_LOSSES = sizeof losses / sizeof *losses,
    N_MODELS = sizeof models / sizeof *models,
    N_CUTS = sizeof cuts / sizeof *cuts
};

struct fixture {
    struct model_config config;
    struct tensor_table table;
    struct dataset ds;
    struct dpo_turn turn; /* not cut up */
    double *params, *grads;
};

static void setup(struct fixture *f, int i)
{
    struct rng rng;
    f->config = test_model(models[i / N_LOSSES], 12, LONGEST, VOCAB);
    tensor_table_init(&f->table, &f->config);
    f->ds = make_items();
    f->turn = (struct dpo_turn){.config = &f->config,
                                .ds = &f->ds,
                                .batching = cuts[N_CUTS - 1],
                                .options = losses[i % N_LOSSES],
                                .reference = reference};
    f->params = mem_alloc(f->table.n_elements * sizeof *f->params);
    f->grads = mem_alloc(f->table.n_elements * sizeof *f->grads);
    rng_seed(&rng, 3, 0);
    for (size_t k = 0; k < f->table.n_elements; k++)
        f->params[k] = 0.1 + 0.25 * rng_normal(&rng);
}

static void teardown(struct fixture *f)
{
    free(f->params);
    free(f->grads);
    dataset_free(&f->ds);
    tensor_table_free(&f->table);
}

static double loss_of(const struct dpo_turn *turn, const double *params, double *grads)
{
    const struct loss_sums sums = dpo_turn_run_f64(turn, params, grads);
    ck_assert_double_eq(sums.pairs.n, N_ITEMS - 1);
    return loss_sums_mean(&sums);
}

/* ---- the derivative ---- */

/* The slope along `direction` (of tensor t), from losses on both sides. */
static double slope(struct fixture *f, const struct tensor *t, const double *direction)
{
    const double by = 3e-5;
    double loss[2], *x = f->params + t->offset, *saved = mem_alloc(t->count * sizeof *saved);
    memcpy(saved, x, t->count * sizeof *saved);
    for (int side = 0; side < 2; side++) {
        for (size_t k = 0; k < t->count; k++)
            x[k] = saved[k] + (side ? by : -by) * direction[k];
        loss[side] = loss_of(&f->turn, f->params, NULL);
    }
    memcpy(x, saved, t->count * sizeof *saved);
    free(saved);
    return (loss[1] - loss[0]) / (2 * by);
}

/* Along a random direction, relative to the gradient's norm. */
static void check_tensor(struct fixture *f, const struct tensor *t, struct rng *rng)
{
    double *direction = mem_alloc(t->count * sizeof *direction), along = 0, norm = 0;
    const double *gradient = f->grads + t->offset;
    for (size_t k = 0; k < t->count; k++) {
        direction[k] = rng_normal(rng) / sqrt((double)t->count);
        along += gradient[k] * direction[k];
        norm += gradient[k] * gradient[k];
    }
    norm = sqrt(norm);
    ck_assert_msg(norm > 1e-4, "%s", t->name);
    check_error("f64", t->name, fabs(slope(f, t, direction) - along) / norm, 1e-7);
    free(direction);
}

START_TEST(gradient_is_the_derivative)
{
    struct fixture f;
    struct rng rng;
    setup(&f, _i);
    rng_seed(&rng, 8, 0);
    const double loss = loss_of(&f.turn, f.params, f.grads);
    ck_assert_double_eq(loss_of(&f.turn, f.params, NULL), loss);
    for (size_t i = 0; i < f.table.n_tensors; i++)
        check_tensor(&f, &f.table.tensors[i], &rng);
    teardown(&f);
}
END_TEST

/* ---- however it is cut ---- */

START_TEST(cuts_and_shared_beginnings_change_nothing)
{
    struct fixture f;
    setup(&f, _i);
    double *grads = mem_alloc(f.table.n_elements * sizeof *grads);
    const double loss = loss_of(&f.turn, f.params, f.grads);
    for (size_t c = 0; c + 1 < N_CUTS; c++) {
        f.turn.batching = cuts[c];
        ck_assert_double_eq_tol(loss_of(&f.turn, f.params, grads), loss, 1e-12 * loss);
        for (size_t i = 0; i < f.table.n_tensors; i++) {
            const struct tensor *t = &f.table.tensors[i];
            double difference = 0, norm = 0;
            for (size_t k = t->offset; k < t->offset + t->count; k++) {
                difference += (grads[k] - f.grads[k]) * (grads[k] - f.grads[k]);
                norm += f.grads[k] * f.grads[k];
            }
            check_error("f64", t->name, sqrt(difference / norm), 1e-10);
        }
    }
    free(grads);
    teardown(&f);
}
END_TEST

/* Weights of a rejected answer, and whether a token of a pair counts a half or two, are nothing to the pair's loss. */
START_TEST(a_pair_is_of_all_its_answers_tokens)
{
    struct fixture f;
    setup(&f, 0);
    const struct loss_sums sums = dpo_turn_run_f64(&f.turn, f.params, NULL);
    double logps = 0;
    ck_assert_double_eq(sums.loss, 0);
    ck_assert_double_eq(sums.weight, 4 + 9 * 0.5 + 3 * 2 + 8 + 1); /* of chosen ones, and of the single one */
    f.turn.reference = NULL;
    f.turn.options.beta = 2;
    const struct loss_sums free_of_it = dpo_turn_run_f64(&f.turn, f.params, NULL);
    ck_assert_double_eq_tol(free_of_it.pairs.chosen_rewards, 2 * sums.pairs.chosen_logps, 1e-12);
    for (size_t i = 0; i < N_ITEMS; i++)
        logps += isnan(reference[i].chosen) ? 0 : reference[i].chosen;
    ck_assert_double_eq_tol(sums.pairs.chosen_rewards, 0.1 * (sums.pairs.chosen_logps - logps), 1e-12);
    teardown(&f);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    Suite *suite = suite_create("dpo_gradients");
    TCase *tcase = tcase_create("f64");
    tcase_add_loop_test(tcase, gradient_is_the_derivative, 0, N_LOSSES * N_MODELS);
    tcase_add_loop_test(tcase, cuts_and_shared_beginnings_change_nothing, 0, N_LOSSES * N_MODELS);
    tcase_add_test(tcase, a_pair_is_of_all_its_answers_tokens);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
