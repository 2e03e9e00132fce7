/* A reference's log-probabilities of the pairs of a token store, as a file in the token cache
 * (data/store/token_cache.h).
 *
 *     header    magic, version, how many records the token store has, the key's length, a hash of all behind it
 *     key       any text that names what they were made of: the model, how it computed, the tokens (train/reference.h)
 *     values    a struct answer_logps a record, by the number of the pair's first; NaN: not computed, or no pair
 *
 * It is written whole or not at all, in the machine's own byte order: a cache, like the store that it goes with. One
 * that is damaged, or of another key, is as good as none. */
#ifndef SFT_TRAIN_REFERENCE_STORE_H
#define SFT_TRAIN_REFERENCE_STORE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct answer_logps {
    double chosen, rejected; /* the sum over each answer's tokens */
};

/* Of n records, made under `key`: false, and values undefined, where `path` has none. */
bool reference_store_read(const char *path, const char *key, struct answer_logps *values, size_t n);

/* In the place of what is there. Several processes may do so at once: the last one's stays. */
enum sft_status reference_store_write(const char *path, const char *key, const struct answer_logps *values, size_t n,
                                      struct sft_err *err);

#endif
