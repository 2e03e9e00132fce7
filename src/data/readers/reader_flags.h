/* Loss weights: what a row or a turn says about how much of it is learned.
 *
 *     weight, loss_weight, loss_scale    0, or a number from 1e-30 to 1e30, which scales the loss; true and false
 *     train, training, trainable, is_trainable, loss    true or false, 1 or 0                 axolotl, verl, ms-swift
 *     masked                                            true: not trained
 *     sample_weight, example_weight                     of a row: as weight
 *
 * Names count without regard to capitals and '_' (isTrainable). null says nothing. Two flags must agree: both
 * say that it is trained or both that it is not, and two numbers are the same. Other keys that speak of
 * training are nobody's here: data/readers/keys.h finds them. */
#ifndef SFT_DATA_READERS_READER_FLAGS_H
#define SFT_DATA_READERS_READER_FLAGS_H

#include "data/readers/reader_conversations.h"

/* Whether a key is one of them, of a turn or of a row. */
bool reader_is_flag(const char *key, bool is_row);

/* The loss weight of a turn by its own flags, or the fallback. */
enum sft_status reader_get_weight(const json *turn, enum role role, float fallback, float *weight,
                                  struct sft_err *err);

/* Multiply the weights of all that a row became by the row's own. */
enum sft_status reader_scale_row(const json *row, struct conversations *list, struct sft_err *err);

#endif
