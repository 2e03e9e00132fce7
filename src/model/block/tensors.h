/* Which tensors a model has, and their shapes: its family's table says what they are called and which there are, this
 * what each block makes of the model's sizes. */
#ifndef SFT_MODEL_BLOCK_TENSORS_H
#define SFT_MODEL_BLOCK_TENSORS_H

#include "model/tensor_table.h"

/* Lay the tensors of `config` out, all of them trained. Free with tensor_table_free. */
void tensor_table_init(struct tensor_table *table, const struct model_config *config);

/* How many parameters sizes make that nobody has checked. */
double tensor_table_estimate(const struct model_config *config);

#endif
