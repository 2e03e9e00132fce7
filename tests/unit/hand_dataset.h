/* A dataset of examples that a test makes by hand, over a store of its own. */
#ifndef SFT_TESTS_HAND_DATASET_H
#define SFT_TESTS_HAND_DATASET_H

#include "base/mem.h"
#include "data/dataset.h"

#include <check.h>

/* A record of n tokens, with flags of enum record_flag. */
static inline void hand_add_flagged(struct token_store_writer *w, const int32_t *tokens, const float *weights,
                                    size_t n, uint16_t flags)
{
    const struct record record = {.n_tokens = (uint32_t)n, .flags = flags};
    token_store_add(w, &record, tokens, weights, "", "");
}

static inline void hand_add(struct token_store_writer *w, const int32_t *tokens, const float *weights, size_t n)
{
    hand_add_flagged(w, tokens, weights, n, 0);
}

/* All n examples that were added to w, which is freed. Free with dataset_free. */
static struct dataset hand_dataset(struct token_store_writer *w, size_t n)
{
    struct dataset ds = {.files = mem_calloc(1, sizeof *ds.files), .n_files = 1, .n_examples = n};
    ck_assert_int_eq(token_store_commit(w, "", "test", n, &ds.files[0].store, NULL), SFT_OK);
    ds.ids = mem_alloc(n * sizeof *ds.ids);
    for (size_t i = 0; i < n; i++)
        ds.ids[i] = (uint32_t)i;
    return ds;
}

#endif
