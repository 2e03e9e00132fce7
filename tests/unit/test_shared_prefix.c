/* Micro-batches that share what their conversations begin with: each conversation is found in the tree as it is, each
 * item once; and its losses and all gradients are those of conversations that lie one behind another. */
#include "data/batching.h"
#include "hand_dataset.h"
#include "model/block/tensors.h"
#include "support/model_loss.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "support/test_models.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

/* ---- random conversations that begin alike ---- */

enum { VOCAB = 5, LONGEST = 90, MOST = 24 };

struct text {
    int32_t tokens[LONGEST];
    float weights[LONGEST];
    size_t n;
};

/* Go on from the text's first `kept` tokens, which may be all of it, with weights of its own. */
static void go_on(struct text *t, const struct text *from, size_t kept, struct rng *rng)
{
    *t = *from;
    t->n = kept > 2 ? kept : 2;
    for (size_t more = rng_below(rng, 40); t->n < LONGEST && more > 0; more--)
        t->n++;
    for (size_t i = 0; i < t->n; i++) {
        if (i >= kept)
            t->tokens[i] = (int32_t)rng_below(rng, VOCAB);
        t->weights[i] = i > 0 && rng_below(rng, 3) == 0 ? 0.5F * (float)(1 + rng_below(rng, 3)) : 0.0F;
    }
    t->weights[1 + rng_below(rng, t->n - 1)] = 1.0F;
}

static void add_text(struct token_store_writer *w, const struct text *t, uint16_t flags)
{
    hand_add_flagged(w, t->tokens, t->weights, t->n, flags);
}

/* n items, some of them pairs; most begin as one before them does, with any number of tokens. */
static struct dataset random_items(size_t n, uint64_t seed)
{
    static struct text texts[MOST + 1]; /* what the first goes on from is nothing */
    struct token_store_writer *w = token_store_create(NULL, NULL);
    struct rng rng;
    uint32_t ids[MOST], record = 0;
    rng_seed(&rng, seed, 0);
    texts[0].n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct text *from = &texts[rng_below(&rng, i + 1)];
        struct text *t = &texts[i + 1], rejected;
        const bool is_pair = rng_below(&rng, 2);
        go_on(t, from, rng_below(&rng, 4) ? from->n - rng_below(&rng, from->n / 2 + 1) : 0, &rng);
        ids[i] = record;
        record += 1 + is_pair;
        add_text(w, t, is_pair ? RECORD_PAIR : 0);
        if (!is_pair)
            continue;
        go_on(&rejected, t, t->n - rng_below(&rng, t->n), &rng);
        if (rng_below(&rng, 8) == 0) /* nothing is left of the answer */
            memset(rejected.weights, 0, sizeof rejected.weights);
        add_text(w, &rejected, RECORD_REJECTED | RECORD_SAME_ROW);
    }
    struct dataset ds = hand_dataset(w, record);
    memcpy(ds.ids, ids, n * sizeof *ids);
    ds.n_examples = n;
    return ds;
}

static struct example example_of(const struct dataset *ds, uint32_t id, bool rejected)
{
    struct example example = dataset_example(ds, id);
    if (rejected)
        ck_assert(dataset_rejected(ds, id, &example));
    return example;
}

/* ---- what a micro-batch says ---- */

static size_t segment_of(const struct batch *batch, size_t row)
{
    size_t s = 0;
    while (batch->seq_start[s + 1] <= row)
        s++;
    return s;
}

/* The row before it in its path; it is not a path's first. */
static size_t row_before(const struct batch *batch, size_t row)
{
    const size_t s = segment_of(batch, row);
    return row > batch->seq_start[s] ? row - 1 : batch->seq_start[batch->parent[s] + 1] - 1;
}

/* Conversation c of the buffer is the example. */
static void check_conversation(const struct batch_buffer *buf, size_t c, const struct example *example)
{
    const struct batch *batch = &buf->batch;
    const struct batch_uses *uses = &buf->uses;
    size_t u = uses->start[c], row = 0;
    ck_assert_uint_eq(uses->start[c + 1] - u, example->n_targets);
    for (size_t t = 0; t + 1 < example->n_tokens; t++) {
        if (!(example->weights[t + 1] > 0))
            continue;
        const uint32_t m = uses->target[u];
        row = buf->targets.rows[m];
        ck_assert_int_eq(batch->position[row], (int32_t)t);
        ck_assert_int_eq(buf->targets.labels[m], example->tokens[t + 1]);
        ck_assert(memcmp(&uses->weight[u++], &example->weights[t + 1], sizeof(float)) == 0);
    }
    for (size_t t = example->n_positions; t-- > 0; row = t ? row_before(batch, row) : 0) { /* all the way up */
        ck_assert_int_eq(batch->position[row], (int32_t)t);
        ck_assert_int_eq(batch->tokens[row], example->tokens[t]);
    }
}

/* Segments stand in preorder, each behind what it goes on from. */
static void check_segments(const struct batch *batch)
{
    ck_assert((batch->parent == NULL) == (batch->reach == NULL));
    for (size_t s = 0; s < batch->S; s++) {
        const size_t length = batch->seq_start[s + 1] - batch->seq_start[s];
        const size_t parent = batch->parent ? batch->parent[s] : NO_PARENT;
        const size_t before = parent == NO_PARENT ? 0 : batch->reach[parent];
        ck_assert_uint_ge(length, 1);
        if (batch->parent)
            ck_assert_uint_eq(batch->reach[s], before + length);
        for (size_t i = 0; i < length; i++)
            ck_assert_int_eq(batch->position[batch->seq_start[s] + i], (int32_t)(before + i));
        if (parent == NO_PARENT)
            continue;
        size_t ancestor = s - 1; /* it goes on from the one before it, or from what that goes on from */
        while (ancestor != parent && ancestor != NO_PARENT)
            ancestor = batch->parent[ancestor];
        ck_assert_uint_eq(ancestor, parent);
    }
    ck_assert_uint_eq(batch->seq_start[batch->S], batch->N);
}

/* A target counts what all who train it make it count. */
static void check_weights(const struct batch_buffer *buf)
{
    const struct targets *targets = &buf->targets;
    float sums[MOST * 2 * LONGEST] = {0};
    for (size_t u = 0; u < buf->uses.start[buf->uses.n_conversations]; u++)
        sums[buf->uses.target[u]] += buf->uses.weight[u];
    for (size_t m = 0; m < targets->M; m++) {
        ck_assert(sums[m] > 0 && !(sums[m] < targets->weights[m]) && !(sums[m] > targets->weights[m])); /* of halves */
        ck_assert(m == 0 || targets->rows[m] > targets->rows[m - 1]);
    }
}

/* Whether a and b have the same first t + 2 tokens: then row t and its label are the same. */
static bool is_same_row(const struct example *a, const struct example *b, size_t t)
{
    return t < a->n_positions && memcmp(a->tokens, b->tokens, (t + 2) * sizeof *a->tokens) == 0;
}

/* The micro-batch is no larger than what it shares allows: a row is there once, but where too few are alike. */
static void check_size(const struct batch_buffer *buf, const struct example *examples, size_t n)
{
    size_t distinct = 0;
    for (size_t c = 0; c < n; c++)
        for (size_t t = 0; t < examples[c].n_positions; t++) {
            bool is_new = true;
            for (size_t before = 0; before < c && is_new; before++)
                is_new = !is_same_row(&examples[before], &examples[c], t);
            distinct += is_new;
        }
    ck_assert_uint_ge(buf->batch.N, distinct);
    ck_assert_uint_le(buf->batch.N, distinct + n * BATCH_LEAST_SHARED);
}

/* All items of the micro-batch; seen[id] is how often each came. */
static void check_items(const struct batch_buffer *buf, const struct dataset *ds, unsigned *seen)
{
    struct example examples[2 * MOST];
    size_t n = 0;
    for (size_t i = 0; i < buf->items.n; i++) {
        const uint32_t id = buf->items.id[i];
        const bool is_pair = buf->options.pairs && dataset_example(ds, id).is_pair;
        seen[id]++;
        examples[n] = example_of(ds, id, false);
        check_conversation(buf, buf->items.chosen[i], &examples[n++]);
        ck_assert((buf->items.rejected[i] != BATCH_NO_REJECTED) == is_pair);
        if (!is_pair)
            continue;
        examples[n] = example_of(ds, id, true);
        check_conversation(buf, buf->items.rejected[i], &examples[n++]);
    }
    ck_assert_uint_eq(buf->uses.n_conversations, n);
    if (buf->turn.shares)
        check_size(buf, examples, n);
}

static size_t check_turn(const struct dataset *ds, const struct batch_options *options)
{
    struct batch_buffer buf;
    struct batch_sums sums;
    unsigned seen[MOST] = {0};
    uint32_t ids[MOST];
    size_t rows = 0;
    batch_epoch_order(ids, ds->n_examples, 1, 0, true);
    ck_assert_int_eq(batch_buffer_init(&buf, options, batch_capacity(ds, options), ds->n_examples, NULL), SFT_OK);
    ck_assert_int_eq(batch_begin(&buf, ds, ids, ds->n_examples, &sums, NULL), SFT_OK);
    while (buf.turn.done < ds->n_examples) {
        ck_assert_int_eq(batch_next(&buf, NULL), SFT_OK);
        ck_assert(buf.batch.N <= options->micro_batch_tokens || buf.items.n == 1);
        check_segments(&buf.batch);
        check_weights(&buf);
        check_items(&buf, ds, seen);
        rows += buf.batch.N;
    }
    for (size_t i = 0; i < ds->n_examples; i++)
        ck_assert_uint_eq(seen[i], 1);
    ck_assert_int_eq(batch_next(&buf, NULL), SFT_OK);
    ck_assert_uint_eq(buf.items.n, 0);
    batch_buffer_free(&buf);
    return rows;
}

START_TEST(each_conversation_stands_in_the_tree)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct dataset ds = random_items(1 + seed % MOST, seed);
        for (size_t micro = 1; micro < 4000; micro = micro * 2 + 1) {
            struct batch_options o = {.micro_batch_tokens = micro, .pairs = seed % 2};
            const size_t flat = check_turn(&ds, &o);
            o.shared_prefix = true;
            ck_assert_uint_le(check_turn(&ds, &o), flat);
        }
        dataset_free(&ds);
    }
}
END_TEST

/* ---- by hand ---- */

/* 20 tokens, and then the given ones. */
static void add_behind_20(struct token_store_writer *w, const int32_t *own, const float *weights, size_t n)
{
    struct text t = {.n = 20 + n};
    for (int32_t i = 0; i < 20; i++)
        t.tokens[i] = 100 + i;
    memcpy(t.tokens + 20, own, n * sizeof *own);
    memcpy(t.weights + 20, weights, n * sizeof *weights);
    add_text(w, &t, 0);
}

START_TEST(a_tree_by_hand)
{
    static const int32_t a[] = {1, 2, 3}, b[] = {1, 2, 3}, c[] = {1, 2, 4, 5}, d[] = {7};
    static const float wa[] = {0, 1, 1}, wb[] = {0, 1, 0.5F}, wc[] = {0, 0, 2, 1}, wd[] = {1};
    struct token_store_writer *w = token_store_create(NULL, NULL);
    add_behind_20(w, d, wd, 1);
    add_behind_20(w, c, wc, 4);
    add_behind_20(w, a, wa, 3);
    add_behind_20(w, b, wb, 3);
    struct dataset ds = hand_dataset(w, 4);
    const struct batch_options options = {.micro_batch_tokens = 1000, .shared_prefix = true};
    static const uint32_t ids[] = {0, 1, 2, 3}, arranged[] = {2, 3, 1, 0};
    struct batch_buffer buf;
    ck_assert_int_eq(batch_buffer_init(&buf, &options, batch_capacity(&ds, &options), 4, NULL), SFT_OK);
    ck_assert_int_eq(batch_begin(&buf, &ds, ids, 4, NULL, NULL), SFT_OK);
    ck_assert_int_eq(batch_next(&buf, NULL), SFT_OK);
    /* 0..18 of all; 19, 20 of a, b and c; 21 of a and b; 21, 22 of c; 19 of d: it alone asks there for 7 */
    static const size_t starts[] = {0, 19, 21, 22, 24, 25}, parents[] = {NO_PARENT, 0, 1, 1, 0};
    static const size_t rows[] = {20, 21, 22, 23, 24}, reach[] = {19, 21, 22, 23, 20};
    static const int32_t labels[] = {2, 3, 4, 5, 7};
    static const float weights[] = {2, 1.5F, 2, 1, 1};
    ck_assert_uint_eq(buf.items.n, 4);
    ck_assert_mem_eq(buf.items.id, arranged, sizeof arranged);
    ck_assert_uint_eq(buf.batch.S, 5);
    ck_assert_mem_eq(buf.batch.seq_start, starts, sizeof starts);
    ck_assert_mem_eq(buf.batch.parent, parents, sizeof parents);
    ck_assert_mem_eq(buf.batch.reach, reach, sizeof reach);
    ck_assert_uint_eq(buf.targets.M, 5);
    ck_assert_mem_eq(buf.targets.rows, rows, sizeof rows);
    ck_assert_mem_eq(buf.targets.labels, labels, sizeof labels);
    ck_assert_mem_eq(buf.targets.weights, weights, sizeof weights);
    batch_buffer_free(&buf);
    dataset_free(&ds);
}
END_TEST

/* ---- losses and gradients ---- */

/* What a turn comes to: the sums over its micro-batches, and the loss of each item's conversations. */
struct outcome {
    double loss, each[2 * MOST], *grads;
    size_t rows;
};

/* The loss of conversation c: the sum over what it trains. */
static double loss_of(const struct batch_buffer *buf, size_t c, const struct model_config *config, const double *params)
{
    const struct batch_uses *uses = &buf->uses;
    const size_t first = uses->start[c], n = uses->start[c + 1] - first;
    size_t rows[LONGEST];
    int32_t labels[LONGEST];
    for (size_t u = 0; u < n; u++) {
        rows[u] = buf->targets.rows[uses->target[first + u]];
        labels[u] = buf->targets.labels[uses->target[first + u]];
    }
    const struct targets own = {.M = n, .rows = rows, .labels = labels, .weights = uses->weight + first};
    return n ? model_loss_f64(config, NULL, params, &buf->batch, &own, NULL) : 0;
}

static void run_turn(struct outcome *out, const struct dataset *ds, const struct batch_options *options,
                     const struct model_config *config, const struct tensor_table *table, const double *params)
{
    struct batch_buffer buf;
    uint32_t ids[MOST];
    double *grads = mem_calloc(table->n_elements, sizeof *grads);
    *out = (struct outcome){.grads = mem_calloc(table->n_elements, sizeof *grads)};
    batch_epoch_order(ids, ds->n_examples, 0, 0, false);
    ck_assert_int_eq(batch_buffer_init(&buf, options, batch_capacity(ds, options), ds->n_examples, NULL), SFT_OK);
    ck_assert_int_eq(batch_begin(&buf, ds, ids, ds->n_examples, NULL, NULL), SFT_OK);
    while (buf.turn.done < ds->n_examples) {
        ck_assert_int_eq(batch_next(&buf, NULL), SFT_OK);
        out->loss += model_loss_f64(config, NULL, params, &buf.batch, &buf.targets, grads);
        out->rows += buf.batch.N;
        for (size_t i = 0; i < table->n_elements; i++)
            out->grads[i] += grads[i];
        for (size_t i = 0; i < buf.items.n; i++) {
            double *each = out->each + 2 * (size_t)buf.items.id[i];
            each[0] = loss_of(&buf, buf.items.chosen[i], config, params);
            if (buf.items.rejected[i] != BATCH_NO_REJECTED)
                each[1] = loss_of(&buf, buf.items.rejected[i], config, params);
        }
    }
    free(grads);
    batch_buffer_free(&buf);
}

static double *random_params(const struct tensor_table *table)
{
    double *params = mem_calloc(table->n_elements, sizeof *params);
    struct rng rng;
    rng_seed(&rng, 3, 0);
    for (size_t i = 0; i < table->n_elements; i++)
        params[i] = (double)(float)(0.1 + 0.2 * rng_normal(&rng));
    return params;
}

static void check_same(const struct outcome *a, const struct outcome *b, const struct tensor_table *table)
{
    const double tolerance = 1e-10;
    ck_assert_double_eq_tol(a->loss, b->loss, tolerance * b->loss);
    for (size_t i = 0; i < 2 * MOST; i++)
        ck_assert_double_eq_tol(a->each[i], b->each[i], tolerance * (1 + b->each[i]));
    for (size_t t = 0; t < table->n_tensors; t++) {
        const struct tensor *tensor = &table->tensors[t];
        double difference = 0, norm = 0;
        for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++) {
            difference = fmax(difference, fabs(a->grads[i] - b->grads[i]));
            norm += b->grads[i] * b->grads[i];
        }
        ck_assert_msg(difference <= tolerance * (1 + sqrt(norm)), "%s: %g of %g", tensor->name, difference, sqrt(norm));
    }
}

START_TEST(losses_and_gradients_are_those_of_flat_batches)
{
    const struct model_config config = test_model((enum test_model)_i, 12, LONGEST, VOCAB);
    struct tensor_table table;
    tensor_table_init(&table, &config);
    double *params = random_params(&table);
    size_t saved = 0; /* some items have nothing in common, or not within a micro-batch */
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct dataset ds = random_items(10, 100 * (uint64_t)_i + seed);
        struct batch_options options = {.micro_batch_tokens = 10000, .pairs = true};
        struct outcome flat, shared;
        run_turn(&flat, &ds, &options, &config, &table, params);
        options.shared_prefix = true;
        for (size_t micro = 50; micro < 2000; micro *= 5) {
            options.micro_batch_tokens = micro;
            run_turn(&shared, &ds, &options, &config, &table, params);
            ck_assert_uint_le(shared.rows, flat.rows);
            saved += flat.rows - shared.rows;
            check_same(&shared, &flat, &table);
            free(shared.grads);
        }
        free(flat.grads);
        dataset_free(&ds);
    }
    ck_assert_uint_gt(saved, 0);
    free(params);
    tensor_table_free(&table);
}
END_TEST

/* Every table's bits do not depend on the number of threads. */
START_TEST(threads_change_no_bit)
{
    const struct kernels *kernels = tables[_i];
    const struct model_config config = test_model(MODEL_LLAMA, 12, LONGEST, VOCAB);
    const struct batch_options options = {.micro_batch_tokens = 10000, .shared_prefix = true, .pairs = true};
    struct dataset ds = random_items(20, 5);
    struct tensor_table table;
    struct batch_buffer buf;
    uint32_t ids[MOST];
    tensor_table_init(&table, &config);
    double *params = random_params(&table), *grads[4], loss[4];
    batch_epoch_order(ids, ds.n_examples, 0, 0, false);
    ck_assert_int_eq(batch_buffer_init(&buf, &options, batch_capacity(&ds, &options), ds.n_examples, NULL), SFT_OK);
    ck_assert_int_eq(batch_begin(&buf, &ds, ids, ds.n_examples, NULL, NULL), SFT_OK);
    ck_assert_int_eq(batch_next(&buf, NULL), SFT_OK);
    ck_assert_ptr_nonnull(buf.batch.parent);
    const int threads = omp_get_max_threads();
    for (int i = 0; i < 4; i++) {
        grads[i] = mem_calloc(table.n_elements, sizeof *grads[i]);
        omp_set_num_threads(i + 1);
        loss[i] = model_loss_f32(&config, kernels, params, &buf.batch, &buf.targets, grads[i]);
        ck_assert(!(loss[i] < loss[0]) && !(loss[i] > loss[0]));
        ck_assert_mem_eq(grads[i], grads[0], table.n_elements * sizeof *grads[i]);
    }
    omp_set_num_threads(threads);
    for (int i = 0; i < 4; i++)
        free(grads[i]);
    free(params);
    tensor_table_free(&table);
    batch_buffer_free(&buf);
    dataset_free(&ds);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    Suite *suite = suite_create("shared_prefix");
    TCase *trees = tcase_create("trees"), *sums = tcase_create("sums");
    n_tables = modelled_tables(tables);
    tcase_add_test(trees, each_conversation_stands_in_the_tree);
    tcase_add_test(trees, a_tree_by_hand);
    tcase_add_loop_test(sums, losses_and_gradients_are_those_of_flat_batches, 0, N_TEST_MODELS);
    tcase_add_loop_test(sums, threads_change_no_bit, 0, (int)n_tables);
    suite_add_tcase(suite, trees);
    suite_add_tcase(suite, sums);
    return run_suite(suite);
}
