/* Batching: which conversations make which step, and the flat micro-batches that the model sees.
 *
 * The order is a pure function of (seed, epoch). A step is batch_size conversations (the last of an epoch
 * may be short), cut into micro-batches of whole conversations, in order, of at most micro_batch_tokens
 * positions (one conversation may exceed that alone). There is no padding: conversations lie one after
 * another, positions restart at each, attention never crosses. The label of position t is token t + 1, so a
 * conversation's last position is no target; positions after its last target are not run at all. */
#ifndef SFT_DATA_BATCHING_H
#define SFT_DATA_BATCHING_H

#include "base/mem.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "model/batch.h"

/* The order of an epoch: order[i] is the index of the i-th example (n of them, caller's array). */
void batch_epoch_order(uint32_t *order, size_t n, uint64_t seed, uint64_t epoch, bool shuffle);

/* Storage for one micro-batch, sized once: capacity positions and sequences. */
struct batch_buffer {
    struct batch batch;
    struct targets targets; /* of it */
    size_t max_positions, max_sequences;
    struct block memory;
};

/* The least capacity that any micro-batch of these examples needs. */
size_t batch_capacity(const struct dataset *ds, size_t micro_batch_tokens);
enum sft_status batch_buffer_init(struct batch_buffer *buf, size_t max_positions, size_t max_sequences,
                                  struct sft_err *err);
void batch_buffer_free(struct batch_buffer *buf);

/* Fill buf with the next micro-batch of ids[0..n): as many whole conversations as fit in
 * micro_batch_tokens, at least one. Returns how many were taken. */
size_t batch_fill(struct batch_buffer *buf, const struct dataset *ds, const uint32_t *ids, size_t n,
                  size_t micro_batch_tokens);

/* The same with tokens that are made sure of (dataset_check), also where a store is cut short at this moment: *taken of
 * them, or SFT_EIO. */
enum sft_status batch_read(struct batch_buffer *buf, const struct dataset *ds, const uint32_t *ids, size_t n,
                           size_t micro_batch_tokens, size_t *taken, struct sft_err *err);

/* Sums over examples, whose tokens are made sure of. */
struct batch_sums {
    double target_weight;
    size_t n_tokens, n_targets;
};
enum sft_status batch_sum(const struct dataset *ds, const uint32_t *ids, size_t n, struct batch_sums *sums,
                          struct sft_err *err);

#endif
