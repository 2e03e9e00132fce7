/* What the blocks make of a family's table: queries, keys and values in one tensor or in three; tensors that are not
 * trained. */
#include "base/rng.h"
#include "model/transformer.h"
#include "support/hand_targets.h"
#include "support/measured.h"
#include "support/model_loss.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "support/test_models.h"
#include "train/adamw.h"
#include "train/grad_norm.h"
#include "train/objective.h"

#include <math.h>
#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

enum { C = 24, F = 40, V = 50, POSITIONS = 32, LAYERS = 2, HEADS = 3 };

static struct model_config config_of(const struct family *family)
{
    return (struct model_config){.family = family,
                                 .n_layer = LAYERS,
                                 .n_head = HEADS,
                                 .n_kv_head = HEADS,
                                 .head_dim = C / HEADS,
                                 .n_embd = C,
                                 .n_inner = F,
                                 .n_positions = POSITIONS,
                                 .vocab_size = V,
                                 .tied = true,
                                 .embedding_multiplier = 1,
                                 .residual_multiplier = 1,
                                 .logits_divisor = 1,
                                 .layer_norm_epsilon = 1e-5};
}

/* Three sequences; two of three positions have a label. */
enum { N = 19, S = 3 };
struct test_batch {
    int32_t tokens[N], position[N], labels[N], target_labels[N];
    float weights[N], target_weights[N];
    size_t seq_start[S + 1], target_rows[N];
    struct batch batch;
    struct targets targets;
};

static void make_batch(struct test_batch *b)
{
    static const size_t starts[S + 1] = {0, 1, 8, N};
    struct rng rng;
    rng_seed(&rng, 4, 0);
    memcpy(b->seq_start, starts, sizeof starts);
    for (size_t s = 0; s < S; s++)
        for (size_t n = starts[s]; n < starts[s + 1]; n++) {
            b->tokens[n] = (int32_t)rng_below(&rng, V);
            b->position[n] = (int32_t)(n - starts[s]);
            b->labels[n] = n % 3 ? (int32_t)rng_below(&rng, V) : LABEL_NONE;
            b->weights[n] = n % 3 ? 0.5F * (float)(n % 3) : 0;
        }
    b->batch = (struct batch){
        .N = N, .S = S, .tokens = b->tokens, .position = b->position, .seq_start = b->seq_start};
    const struct hand_targets to = {b->target_rows, b->target_labels, b->target_weights};
    b->targets = collect_targets(&to, b->labels, b->weights, N);
}

/* Values that a float holds exactly; norms' weights around 1. */
static double *make_params(const struct tensor_table *table)
{
    double *params = mem_calloc(table->n_elements, sizeof *params);
    struct rng rng;
    rng_seed(&rng, 3, 0);
    for (size_t i = 0; i < table->n_tensors; i++) {
        const struct tensor *t = &table->tensors[i];
        for (size_t k = 0; k < t->count; k++)
            params[t->offset + k] = (double)(float)((t->init == INIT_ONE ? 1 : 0) + 0.2 * rng_normal(&rng));
    }
    return params;
}

/* ---- one tensor or three ---- */

/* What GPT-2 calls a tensor of family_separate, and at which third of its columns that begins. */
static const struct {
    const char *separate, *gpt2;
    size_t third;
} same[] = {
    {"embed.weight", "wte.weight", 0},
    {"positions.weight", "wpe.weight", 0},
    {"norm.weight", "ln_f.weight", 0},
    {"norm.bias", "ln_f.bias", 0},
    {"layers.%zu.norm1.weight", "h.%zu.ln_1.weight", 0},
    {"layers.%zu.norm1.bias", "h.%zu.ln_1.bias", 0},
    {"layers.%zu.q_proj.weight", "h.%zu.attn.c_attn.weight", 0},
    {"layers.%zu.q_proj.bias", "h.%zu.attn.c_attn.bias", 0},
    {"layers.%zu.k_proj.weight", "h.%zu.attn.c_attn.weight", 1},
    {"layers.%zu.k_proj.bias", "h.%zu.attn.c_attn.bias", 1},
    {"layers.%zu.v_proj.weight", "h.%zu.attn.c_attn.weight", 2},
    {"layers.%zu.v_proj.bias", "h.%zu.attn.c_attn.bias", 2},
    {"layers.%zu.o_proj.weight", "h.%zu.attn.c_proj.weight", 0},
    {"layers.%zu.o_proj.bias", "h.%zu.attn.c_proj.bias", 0},
    {"layers.%zu.norm2.weight", "h.%zu.ln_2.weight", 0},
    {"layers.%zu.norm2.bias", "h.%zu.ln_2.bias", 0},
    {"layers.%zu.up_proj.weight", "h.%zu.mlp.c_fc.weight", 0},
    {"layers.%zu.up_proj.bias", "h.%zu.mlp.c_fc.bias", 0},
    {"layers.%zu.down_proj.weight", "h.%zu.mlp.c_proj.weight", 0},
    {"layers.%zu.down_proj.bias", "h.%zu.mlp.c_proj.bias", 0},
};

/* Where element (i,j) of a tensor of family_separate stands among GPT-2's. */
static size_t place_in_gpt2(const struct tensor *separate, const struct tensor *gpt2, size_t third, size_t i, size_t j)
{
    if (separate->n_dims == 1)
        return gpt2->offset + third * C + i;
    if (separate->layout == LAYOUT_OUT_IN)
        return gpt2->offset + j * gpt2->cols + third * C + i;
    return gpt2->offset + i * gpt2->cols + j;
}

/* Bring values of GPT-2's tensors to where family_separate has them. */
static double *separated(const struct tensor_table *to, const struct tensor_table *from, const double *values)
{
    double *out = mem_calloc(to->n_elements, sizeof *out);
    size_t n_elements = 0;
    for (size_t k = 0; k < to->n_tensors; k++) {
        const struct tensor *t = &to->tensors[k];
        size_t row = 0;
        while (strcmp(same[row].separate, t->pattern) != 0)
            ck_assert_uint_lt(++row, sizeof same / sizeof *same);
        const struct tensor *source = tensor_find(from, same[row].gpt2, t->layer);
        for (size_t i = 0; i < t->rows; i++)
            for (size_t j = 0; j < t->cols; j++)
                out[t->offset + i * t->cols + j] = values[place_in_gpt2(t, source, same[row].third, i, j)];
        n_elements += t->count;
    }
    ck_assert_uint_eq(n_elements, from->n_parameters);
    return out;
}

static double difference(const double *a, const double *b, size_t n)
{
    double sum = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return sqrt(sum / norm);
}

/* By a table, or in double (NULL): its own rounding is all that may differ. */
static void check_separate(const struct kernels *kernels, double bound)
{
    struct test_batch b;
    struct tensor_table gpt2, separate;
    const struct model_config fused = config_of(&family_gpt2), three = config_of(&family_separate);
    make_batch(&b);
    tensor_table_init(&gpt2, &fused);
    tensor_table_init(&separate, &three);
    double *params = make_params(&gpt2), *params3 = separated(&separate, &gpt2, params);
    double *grads = mem_calloc(gpt2.n_elements, sizeof *grads);
    double *grads3 = mem_calloc(separate.n_elements, sizeof *grads3);
    const double loss = model_loss_f64(&fused, NULL, params, &b.batch, &b.targets, grads);
    const double loss3 = kernels ? model_loss_f32(&three, kernels, params3, &b.batch, &b.targets, grads3)
                                 : model_loss_f64(&three, NULL, params3, &b.batch, &b.targets, grads3);
    const char *name = kernels ? table_name(kernels) : "f64";
    double *expected = separated(&separate, &gpt2, grads);
    check_error(name, "loss of three tensors", fabs(loss3 / loss - 1), bound);
    for (size_t i = 0; i < separate.n_tensors; i++) {
        const struct tensor *t = &separate.tensors[i];
        if (strstr(t->name, "k_proj.bias")) /* all keys moved alike move no attention: only rounding is there */
            continue;
        check_error(name, t->name, difference(grads3 + t->offset, expected + t->offset, t->count), bound);
    }
    free(params);
    free(params3);
    free(grads);
    free(grads3);
    free(expected);
    tensor_table_free(&gpt2);
    tensor_table_free(&separate);
}

START_TEST(three_tensors_are_one)
{
    check_separate(NULL, 1e-12);
    for (size_t i = 0; i < n_tables; i++)
        check_separate(tables[i], is_bf16_table(tables[i]) ? 2.5e-2 : 3e-6);
}
END_TEST

/* ---- tensors that are not trained ---- */

/* How often kernels were asked for what. */
static struct asked {
    size_t linear_dx, linear_dw, attention, head_dw, embedding;
} asked;
static const struct kernels *inner;

static void spy_linear_bwd_dx(act *dx, const struct linear_part *parts, size_t n_parts, size_t n,
                              const struct workspace *work)
{
    asked.linear_dx ++;
    inner->linear_bwd_dx(dx, parts, n_parts, n, work);
}

static void spy_linear_bwd_dw(real *dw, real *db, bool add, const act *dy, const act *x, const struct linear *l,
                              size_t n, const struct workspace *work)
{
    asked.linear_dw++;
    inner->linear_bwd_dw(dw, db, add, dy, x, l, n, work);
}

static void spy_attention_bwd(act *dq, act *dk, act *dv, const act *dout, const act *out, const act *q, const act *k,
                              const act *v, const real *lse, const struct attention *a, const struct workspace *work)
{
    asked.attention++;
    inner->attention_bwd(dq, dk, dv, dout, out, q, k, v, lse, a, work);
}

static void spy_head_loss(real *nll, uint8_t *correct, act *dh, real *dw, bool add, const act *h,
                          const int32_t *labels, const real *dnll, const struct head *head, size_t M,
                          const struct workspace *work)
{
    asked.head_dw += dw != NULL;
    inner->head_loss(nll, correct, dh, dw, add, h, labels, dnll, head, M, work);
}

static void spy_embed_bwd(real *dwte, real *dwpe, const real *dx, const int32_t *tokens, const int32_t *position,
                          int32_t padding, real scale, size_t n, size_t width)
{
    asked.embedding++;
    inner->embed_bwd(dwte, dwpe, dx, tokens, position, padding, scale, n, width);
}

static struct kernels spying(const struct kernels *kernels)
{
    struct kernels spy = *kernels;
    inner = kernels;
    asked = (struct asked){0};
    spy.linear_bwd_dx = spy_linear_bwd_dx;
    spy.linear_bwd_dw = spy_linear_bwd_dw;
    spy.attention_bwd = spy_attention_bwd;
    spy.head_loss = spy_head_loss;
    spy.embed_bwd = spy_embed_bwd;
    return spy;
}

static bool is_norm(const struct tensor *t)
{
    return strstr(t->pattern, "ln_") != NULL;
}

static bool is_top_down(const struct tensor *t)
{
    return t->layer == LAYERS - 1 && strstr(t->pattern, "mlp.c_proj");
}

static bool is_top_up(const struct tensor *t)
{
    return t->layer == LAYERS - 1 && strstr(t->pattern, "mlp.c_fc");
}

static bool is_top_attention(const struct tensor *t)
{
    return t->layer == LAYERS - 1 && strstr(t->pattern, "attn.c_attn");
}

static bool is_top_projection(const struct tensor *t)
{
    return t->layer == LAYERS - 1 && strstr(t->pattern, "attn.c_proj");
}

static bool is_bias(const struct tensor *t)
{
    return t->n_dims == 1 && !is_norm(t);
}

static bool is_position(const struct tensor *t)
{
    return strcmp(t->pattern, "wpe.weight") == 0;
}

static bool is_no_position(const struct tensor *t)
{
    return !is_position(t);
}

static bool is_no_embedding(const struct tensor *t)
{
    return !t->per_token;
}

/* Of two layers with four linear layers each. Below the lowest that is trained nothing runs. */
static const struct {
    const char *name;
    tensor_choice *trained;
    struct asked asked;
} choices[] = {
    {"all", tensor_any, {8, 8, 2, 1, 1}},
    {"norms", is_norm, {8, 0, 2, 0, 0}},
    {"biases", is_bias, {7, 8, 2, 0, 0}},
    {"the last layer's mlp.c_proj", is_top_down, {0, 1, 0, 0, 0}},
    {"the last layer's mlp.c_fc", is_top_up, {1, 1, 0, 0, 0}},
    {"the last layer's attn.c_attn", is_top_attention, {3, 1, 1, 0, 0}},
    {"the last layer's attn.c_proj", is_top_projection, {2, 1, 0, 0, 0}},
    {"positions", is_position, {8, 0, 2, 0, 1}},
    {"all but positions", is_no_position, {8, 8, 2, 1, 1}},
    {"all but the tied embedding", is_no_embedding, {8, 8, 2, 0, 1}},
    {"nothing", NULL, {0, 0, 0, 0, 0}},
};
enum { N_CHOICES = sizeof choices / sizeof *choices };

/* Two micro-batches, the first of which sets the gradients and the second adds, and an optimizer's step. */
static void run_step(struct transformer *model, struct adamw *adamw, const struct model_config *config,
                     const struct kernels *kernels, tensor_choice *trained)
{
    struct test_batch b;
    struct activations acts;
    struct loss_sums sums = {0};
    const struct adamw_options options = {.weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    make_batch(&b);
    ck_assert(!transformer_init(model, config, kernels, trained, NULL) &&
              !transformer_init_activations(model, &acts, N, KEEP_ALL, NULL) &&
              !adamw_init(adamw, model, &options, NULL));
    double *params = make_params(&model->params.table);
    for (size_t i = 0; i < model->params.table.n_elements; i++)
        ((float *)model->params.values.data)[i] = (float)params[i];
    const struct batch_buffer buffer = {.batch = b.batch, .targets = b.targets};
    const struct objective_batch run = {model, &acts, &buffer};
    for (size_t i = 0; i < model->params.table.n_trained_elements; i++)
        ((float *)model->params.grads.data)[i] = 1e6F; /* what they hold before must not matter */
    objective_run_grad(&objective_sft, &run, &(struct batch_sums){.target_weight = 100}, false, &sums);
    objective_run_grad(&objective_sft, &run, &(struct batch_sums){.target_weight = 50}, true, &sums);
    free(params);
    activations_free(&acts);
}

static void check_choice(const struct kernels *kernels, int choice)
{
    const struct model_config config = config_of(&family_gpt2);
    const struct kernels spy = spying(kernels);
    struct transformer all, some;
    struct adamw adamw_all, adamw;
    run_step(&all, &adamw_all, &config, kernels, tensor_any);
    run_step(&some, &adamw, &config, &spy, choices[choice].trained);
    const struct asked *once = &choices[choice].asked,
                       twice = {2 * once->linear_dx, 2 * once->linear_dw, 2 * once->attention, 2 * once->head_dw,
                                2 * once->embedding};
    ck_assert_msg(memcmp(&asked, &twice, sizeof asked) == 0,
                  "%s: %s: asked for dx %zu times, dw %zu, attention %zu, head %zu, embeddings %zu",
                  table_name(kernels), choices[choice].name, asked.linear_dx, asked.linear_dw, asked.attention,
                  asked.head_dw, asked.embedding);
    size_t n_trained = 0;
    adamw_step(&adamw, &some, 1, 1e-2, 1);
    for (size_t i = 0; i < some.params.table.n_tensors; i++) {
        const struct tensor *t = &some.params.table.tensors[i], *of_all = &all.params.table.tensors[i];
        const size_t bytes = t->count * sizeof(float);
        const bool moved = memcmp(param_values(&some.params, t), param_values(&all.params, of_all), bytes) != 0;
        ck_assert_msg(moved == t->trained, "%s: %s: %s", table_name(kernels), choices[choice].name, t->name);
        if (t->trained)
            ck_assert_msg(memcmp(param_grads(&some.params, t), param_grads(&all.params, of_all), bytes) == 0,
                          "%s: %s: the gradient of %s", table_name(kernels), choices[choice].name, t->name);
        n_trained += t->trained ? (t->count + 15) / 16 * 16 : 0;
    }
    ck_assert_uint_eq(some.params.grads.bytes, n_trained * sizeof(float));
    ck_assert_uint_eq(adamw.m.bytes + adamw.v.bytes, 2 * n_trained * sizeof(float));
    adamw_free(&adamw_all);
    adamw_free(&adamw);
    transformer_free(&all);
    transformer_free(&some);
}

START_TEST(only_what_is_trained_is_computed)
{
    for (size_t i = 0; i < n_tables; i++)
        check_choice(tables[i], _i);
}
END_TEST

/* Queries, keys and values have one gradient of what they share, gate and up too: the norm's backward runs once. */
START_TEST(what_inputs_share_has_one_gradient)
{
    const struct model_config config = test_model(MODEL_LLAMA, C, POSITIONS, V);
    for (size_t i = 0; i < n_tables; i++) {
        const struct kernels spy = spying(tables[i]);
        struct transformer model;
        struct adamw adamw;
        run_step(&model, &adamw, &config, &spy, tensor_any); /* two micro-batches */
        ck_assert_uint_eq(asked.linear_dx, 2 * LAYERS * 4);
        ck_assert_uint_eq(asked.linear_dw, 2 * LAYERS * 7);
        adamw_free(&adamw);
        transformer_free(&model);
    }
}
END_TEST

/* Of each family: vectors (norms and biases), a layer's tensors, one layer's of one dimension, one side of a block. */
static bool is_vector(const struct tensor *t)
{
    return t->n_dims == 1;
}

static bool is_of_first_layer(const struct tensor *t)
{
    return t->layer == 0 && strstr(t->pattern, "%zu");
}

static bool is_of_last_layer(const struct tensor *t)
{
    return t->layer == LAYERS - 1;
}

static bool is_vector_of_last_layer(const struct tensor *t)
{
    return is_vector(t) && is_of_last_layer(t);
}

static bool is_residual(const struct tensor *t)
{
    return t->init == INIT_NORMAL_RESIDUAL;
}

static bool is_key(const struct tensor *t)
{
    return strstr(t->pattern, "k_") != NULL;
}

static void check_alone(const struct kernels *kernels, const struct model_config *config, const struct transformer *all,
                        tensor_choice *trained)
{
    struct transformer some;
    struct adamw adamw;
    run_step(&some, &adamw, config, kernels, trained);
    for (size_t i = 0; i < some.params.table.n_tensors; i++) {
        const struct tensor *t = &some.params.table.tensors[i], *of_all = &all->params.table.tensors[i];
        if (t->trained)
            ck_assert_msg(memcmp(param_grads(&some.params, t), param_grads(&all->params, of_all),
                                 t->count * sizeof(float)) == 0,
                          "%s: %s: the gradient of %s", table_name(kernels), config->family->model_type, t->name);
    }
    adamw_free(&adamw);
    transformer_free(&some);
}

/* What is frozen changes no bit of the others' gradients. */
START_TEST(some_tensors_alone)
{
    static tensor_choice *const some[] = {is_vector, is_of_first_layer, is_of_last_layer, is_vector_of_last_layer,
                                          is_residual, is_key};
    const struct model_config config = test_model((enum test_model)_i, C, POSITIONS, V);
    for (size_t i = 0; i < n_tables; i++) {
        struct transformer all;
        struct adamw adamw;
        if (is_modelled(tables[i])) /* it is slow */
            continue;
        run_step(&all, &adamw, &config, tables[i], tensor_any);
        for (size_t k = 0; k < sizeof some / sizeof *some; k++)
            check_alone(tables[i], &config, &all, some[k]);
        adamw_free(&adamw);
        transformer_free(&all);
    }
}
END_TEST

/* ---- a padding token ---- */

/* transformers makes the embedding with padding_idx: looking that token up gives its row nothing. */
static void check_padding(const struct kernels *kernels)
{
    struct model_config config = test_model(MODEL_OFFSET, C, POSITIONS, V);
    struct test_batch b;
    struct transformer all, padded;
    struct adamw adamw_all, adamw;
    make_batch(&b);
    config.tied = false;
    config.pad_token_id = b.tokens[2];
    run_step(&all, &adamw_all, &config, kernels, tensor_any);
    config.has_padding_idx = true;
    run_step(&padded, &adamw, &config, kernels, tensor_any);
    const float *expected = all.params.grads.data, *grads = padded.params.grads.data;
    const size_t row = padded.params.table.token_embedding->grad_offset + (size_t)config.pad_token_id * C;
    for (size_t i = 0; i < padded.params.table.n_trained_elements; i++) {
        const bool is_padding = i >= row && i < row + C;
        ck_assert_msg(grads[i] == (is_padding ? 0 : expected[i]), "%s: element %zu", table_name(kernels), i);
        ck_assert(!is_padding || expected[i] != 0);
    }
    adamw_free(&adamw_all);
    adamw_free(&adamw);
    transformer_free(&all);
    transformer_free(&padded);
}

START_TEST(a_padding_token_gives_its_row_no_gradient)
{
    for (size_t i = 0; i < n_tables; i++)
        check_padding(tables[i]);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("blocks");
    TCase *tcase = tcase_create("blocks");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, three_tensors_are_one);
    tcase_add_loop_test(tcase, only_what_is_trained_is_computed, 0, N_CHOICES);
    tcase_add_test(tcase, what_inputs_share_has_one_gradient);
    tcase_add_test(tcase, a_padding_token_gives_its_row_no_gradient);
    tcase_add_loop_test(tcase, some_tensors_alone, 0, N_TEST_MODELS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
