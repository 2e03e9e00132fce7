/* Batching: which conversations make which step, and the flat micro-batches that the model sees.
 *
 * The order is a pure function of (seed, epoch). A step is a turn of batch_size ITEMS (the last of an epoch may be
 * short): conversations, or pairs of a chosen and a rejected one. A turn is cut into micro-batches of whole items, of
 * at most micro_batch_tokens rows (one item may exceed that alone). There is no padding: conversations lie one after
 * another, positions restart at each, attention never crosses. The label of position t is token t + 1, so a
 * conversation's last position is no target; positions after its last target are not run at all.
 *
 * Where conversations of a turn begin alike, its items are arranged so that these stand side by side, and what several
 * of a micro-batch share is a segment that is run once (data/batch_tree.h). Who trains which of the targets is told
 * beside them: an objective that needs sums over conversations finds them there. */
#ifndef SFT_DATA_BATCHING_H
#define SFT_DATA_BATCHING_H

#include "base/mem.h"
#include "base/rng.h"
#include "data/batch_tree.h"
#include "data/dataset.h"

/* The order of an epoch: order[i] is the index of the i-th example (n of them, caller's array). */
void batch_epoch_order(uint32_t *order, size_t n, uint64_t seed, uint64_t epoch, bool shuffle);

struct batch_options {
    size_t micro_batch_tokens; /* rows in a micro-batch, at most */
    bool shared_prefix;        /* what conversations begin with in common is run once */
    bool pairs;                /* an item's rejected answer comes along, if it has one; else none does */
};

enum { BATCH_WINDOW = 256 }; /* items in a turn of those that are only evaluated */

#define BATCH_NO_REJECTED UINT32_MAX

/* A micro-batch's n items, and which of its conversations are theirs. */
struct batch_items {
    size_t n;
    const uint32_t *id;       /* (n): index of the dataset's example */
    const uint32_t *chosen;   /* (n): the conversation; of a pair the chosen one */
    const uint32_t *rejected; /* (n): the rejected one, or BATCH_NO_REJECTED: it is no pair */
};

/* Sums over a turn's items. */
struct batch_sums {
    double target_weight;       /* of chosen and single conversations */
    size_t n_tokens, n_targets; /* of all: of pairs both */
    size_t n_positions;         /* rows, were nothing shared */
    size_t n_pairs;
};

/* What micro-batches are made of: a step's items, or a window of those that are evaluated. */
struct batch_turn {
    const struct dataset *ds;
    const uint32_t *ids; /* (n) the caller's, or the buffer's where they are arranged */
    size_t n, done;      /* items, and how many of them were in a micro-batch */
    bool shares;         /* some of them begin alike */
    struct batch_sums sums;
};

/* Storage for one micro-batch, sized once, and the turn that it is from. */
struct batch_buffer {
    struct batch batch;
    struct targets targets; /* of it */
    struct batch_uses uses; /* of the targets */
    struct batch_items items;
    struct batch_options options;
    struct batch_turn turn;
    size_t max_positions;        /* rows; also conversations, if there are more than one */
    size_t max_items;            /* of a turn that is to be arranged */
    struct batch_arrays *arrays; /* what it is all written to: in */
    struct block memory;
};

/* The least rows that a buffer needs for any micro-batch of these examples. */
size_t batch_capacity(const struct dataset *ds, const struct batch_options *options);

/* turn_items: items in a turn, at most. Free with batch_buffer_free, which accepts a zeroed struct. */
enum sft_status batch_buffer_init(struct batch_buffer *buf, const struct batch_options *options, size_t max_positions,
                                  size_t turn_items, struct sft_err *err);
void batch_buffer_free(struct batch_buffer *buf);

/* Begin a turn with the examples ids[0..n), which the caller keeps while it lasts, and add it up (sums may be NULL).
 * Their tokens are made sure of (dataset_check), or SFT_EIO. Where the buffer shares, n is at most turn_items or
 * BATCH_WINDOW, whichever is more; else it may be anything. */
enum sft_status batch_begin(struct batch_buffer *buf, const struct dataset *ds, const uint32_t *ids, size_t n,
                            struct batch_sums *sums, struct sft_err *err);

/* Fill the buffer with the turn's next micro-batch: as many whole items as fit, at least one; items.n is 0 when there
 * is none left. Tokens are made sure of again, also where a store is cut short at this moment: SFT_EIO. It allocates
 * nothing. */
enum sft_status batch_next(struct batch_buffer *buf, struct sft_err *err);

/* Pass over that micro-batch instead: no more than batch.N and items are of use then, of the batch and the rest. */
enum sft_status batch_pass(struct batch_buffer *buf, struct sft_err *err);

#endif
