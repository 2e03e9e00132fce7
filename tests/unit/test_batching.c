/* Batches: the label shift by hand, and properties of every cut of a step. */
#include "data/batching.h"

#include "hand_dataset.h"
#include "support/run_suite.h"

#include <stdlib.h>
#include <string.h>

/* n examples of pseudo-random lengths and masks; token t of example i is 1000 i + t. */
static struct dataset random_dataset(size_t n, uint64_t seed)
{
    enum { LONGEST = 41 };
    struct token_store_writer *w = token_store_create(NULL, NULL);
    struct rng rng;
    rng_seed(&rng, seed, 0);
    for (size_t i = 0; i < n; i++) {
        const size_t len = 2 + rng_below(&rng, LONGEST - 1);
        int32_t tokens[LONGEST];
        float weights[LONGEST];
        for (size_t t = 0; t < len; t++) {
            tokens[t] = (int32_t)(1000 * i + t);
            weights[t] = t > 0 && rng_below(&rng, 3) == 0 ? 0.5F * (float)(1 + rng_below(&rng, 3)) : 0.0F;
        }
        weights[1 + rng_below(&rng, len - 1)] = 1.0F;
        hand_add(w, tokens, weights, len);
    }
    return hand_dataset(w, n);
}

START_TEST(labels_are_the_next_tokens)
{
    const int32_t a[] = {10, 11, 12, 13, 14}, b[] = {20, 21, 22};
    const float wa[] = {0, 0, 1, 0.5F, 0}, wb[] = {0, 0, 2};
    struct token_store_writer *w = token_store_create(NULL, NULL);
    hand_add(w, a, wa, 5);
    hand_add(w, b, wb, 3);
    struct dataset ds = hand_dataset(w, 2);
    const uint32_t ids[] = {0, 1};
    struct batch_buffer buf;
    ck_assert_uint_eq(dataset_example(&ds, 0).n_positions, 3); /* 13 is the last label: 10, 11, 12 are run */
    ck_assert_uint_eq(dataset_example(&ds, 1).n_positions, 2);
    const struct batch_options options = {.micro_batch_tokens = 100}, one_token = {.micro_batch_tokens = 1};
    ck_assert_uint_eq(batch_capacity(&ds, &options), 5);
    ck_assert_uint_eq(batch_capacity(&ds, &one_token), 3);
    ck_assert_int_eq(batch_buffer_init(&buf, &options, 5, 2, NULL), SFT_OK);
    ck_assert_int_eq(batch_begin(&buf, &ds, ids, 2, NULL, NULL), SFT_OK);
    ck_assert_int_eq(batch_next(&buf, NULL), SFT_OK);
    ck_assert_uint_eq(buf.items.n, 2);

    static const int32_t tokens[] = {10, 11, 12, 20, 21}, labels[] = {12, 13, 22};
    static const int32_t position[] = {0, 1, 2, 0, 1};
    static const float weights[] = {1, 0.5F, 2};
    static const size_t starts[] = {0, 3, 5}, rows[] = {1, 2, 4};
    ck_assert_uint_eq(buf.batch.N, 5);
    ck_assert_uint_eq(buf.batch.S, 2);
    ck_assert_uint_eq(buf.targets.M, 3);
    ck_assert_mem_eq(buf.batch.tokens, tokens, sizeof tokens);
    ck_assert_mem_eq(buf.targets.rows, rows, sizeof rows);
    ck_assert_mem_eq(buf.targets.labels, labels, sizeof labels);
    ck_assert_mem_eq(buf.batch.position, position, sizeof position);
    ck_assert_mem_eq(buf.targets.weights, weights, sizeof weights);
    ck_assert_mem_eq(buf.batch.seq_start, starts, sizeof starts);
    batch_buffer_free(&buf);
    dataset_free(&ds);
}
END_TEST

START_TEST(positions_of_an_example_without_labels)
{
    const int32_t tokens[] = {1, 2, 3};
    const float weights[] = {0, 0, 0};
    struct token_store_writer *w = token_store_create(NULL, NULL);
    hand_add(w, tokens, weights, 3);
    hand_add(w, NULL, NULL, 0);
    struct dataset ds = hand_dataset(w, 2);
    ck_assert_uint_eq(dataset_example(&ds, 0).n_positions, 0);
    ck_assert_uint_eq(dataset_example(&ds, 1).n_positions, 0);
    ck_assert_int_eq(ds.files[0].store.records[0].why, DROP_NOTHING_LEFT);
    dataset_free(&ds);
}
END_TEST

/* Cut a step and check that its micro-batches hold each conversation once, whole and in order. */
static void check_cut(const struct dataset *ds, const uint32_t *ids, size_t n, size_t micro_batch_tokens)
{
    struct batch_buffer buf;
    size_t labels = 0, expected_labels = 0;
    double weight = 0, expected_weight = 0;
    const struct batch_options options = {.micro_batch_tokens = micro_batch_tokens};
    ck_assert_int_eq(batch_buffer_init(&buf, &options, batch_capacity(ds, &options), n, NULL), SFT_OK);
    ck_assert_int_eq(batch_begin(&buf, ds, ids, n, NULL, NULL), SFT_OK);
    for (size_t at = 0, taken; at < n; at += taken) {
        ck_assert_int_eq(batch_next(&buf, NULL), SFT_OK);
        taken = buf.items.n;
        ck_assert_uint_ge(taken, 1);
        ck_assert_uint_eq(buf.batch.S, taken);
        ck_assert(buf.batch.N <= micro_batch_tokens || taken == 1);
        if (at + taken < n) /* as many as fit */
            ck_assert_uint_gt(buf.batch.N + dataset_example(ds, ids[at + taken]).n_positions,
                              micro_batch_tokens);
        for (size_t s = 0; s < taken; s++) {
            const size_t start = buf.batch.seq_start[s], len = buf.batch.seq_start[s + 1] - start;
            ck_assert_uint_eq(len, dataset_example(ds, ids[at + s]).n_positions);
            for (size_t t = 0; t < len; t++) {
                const int32_t token = (int32_t)(1000 * ids[at + s] + t);
                ck_assert_int_eq(buf.batch.tokens[start + t], token);
                ck_assert_int_eq(buf.batch.position[start + t], (int32_t)t);
            }
            expected_labels += dataset_example(ds, ids[at + s]).n_targets;
            expected_weight += dataset_example(ds, ids[at + s]).target_weight;
        }
        for (size_t m = 0; m < buf.targets.M; m++) {
            ck_assert_int_eq(buf.targets.labels[m], buf.batch.tokens[buf.targets.rows[m]] + 1);
            ck_assert(buf.targets.weights[m] > 0.0F);
            ck_assert(m == 0 || buf.targets.rows[m] > buf.targets.rows[m - 1]);
            weight += buf.targets.weights[m];
        }
        ck_assert_uint_eq(buf.targets.rows[buf.targets.M - 1], buf.batch.N - 1); /* the last is a target */
        labels += buf.targets.M;
    }
    ck_assert_uint_eq(labels, expected_labels);
    ck_assert_double_eq(weight, expected_weight); /* sums of halves: exact */
    batch_buffer_free(&buf);
}

START_TEST(every_cut_partitions_the_step)
{
    enum { N = 60 };
    struct dataset ds = random_dataset(N, 7);
    uint32_t order[N];
    batch_epoch_order(order, N, 42, 0, true);
    for (size_t micro = 1; micro < 3000; micro = micro * 3 / 2 + 1)
        check_cut(&ds, order, N, micro);
    dataset_free(&ds);
}
END_TEST

START_TEST(conversations_of_one_position_fill_a_micro_batch)
{
    enum { N = 7 };
    static const float weights[] = {0, 1};
    struct token_store_writer *w = token_store_create(NULL, NULL);
    uint32_t ids[N];
    for (int32_t i = 0; i < N; i++) {
        const int32_t tokens[] = {1000 * i, 1000 * i + 1};
        hand_add(w, tokens, weights, 2);
        ids[i] = (uint32_t)i;
    }
    struct dataset ds = hand_dataset(w, N);
    for (size_t micro = 1; micro < 2 * N; micro++)
        check_cut(&ds, ids, N, micro);
    dataset_free(&ds);
}
END_TEST

START_TEST(order_is_a_function_of_seed_and_epoch)
{
    enum { N = 1000 };
    static uint32_t first[N], other[N];
    bool seen[N] = {false};
    batch_epoch_order(first, N, 42, 3, true);
    for (size_t i = 0; i < N; i++) {
        ck_assert(!seen[first[i]]);
        seen[first[i]] = true;
    }
    batch_epoch_order(other, N, 42, 3, true);
    ck_assert_mem_eq(first, other, sizeof first);
    batch_epoch_order(other, N, 42, 4, true);
    ck_assert_mem_ne(first, other, sizeof first);
    batch_epoch_order(other, N, 43, 3, true);
    ck_assert_mem_ne(first, other, sizeof first);
    batch_epoch_order(other, N, 42, 3, false);
    for (uint32_t i = 0; i < N; i++)
        ck_assert_uint_eq(other[i], i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch");
    TCase *cuts = tcase_create("cuts");
    tcase_add_test(cuts, labels_are_the_next_tokens);
    tcase_add_test(cuts, positions_of_an_example_without_labels);
    tcase_add_test(cuts, every_cut_partitions_the_step);
    tcase_add_test(cuts, conversations_of_one_position_fill_a_micro_batch);
    tcase_add_test(cuts, order_is_a_function_of_seed_and_epoch);
    suite_add_tcase(suite, cuts);
    return run_suite(suite);
}
