/* The model that a base and an adapter are together, tensor by tensor: W + scaling B A in float, whole tensors and rows
 * as the adapter has them. No more is in memory than a piece of a tensor and one pair of A and B.
 *
 *     peft_merge_begin(&merge, &params, config.has_frozen_rows, base, &base_table);
 *     out.values = peft_merged(merge);               // of params' table, its model's part (tensor_table_of_model)
 *     peft_merge_end(merge); */
#ifndef SFT_FILES_PEFT_PEFT_MERGE_H
#define SFT_FILES_PEFT_PEFT_MERGE_H

#include "files/model_out.h"
#include "model/param_set.h"

/* params: those of the adapted table, of which nothing is read but what the adapter trains; of a tensor with trained
 * rows the others, too, where its file has them (has_frozen_rows, of its config). `base` passes the values of
 * base_table, which has the same tensors, those with a row a token with fewer rows where the vocabulary has grown:
 * rows beyond become the mean of the others, as weights.h has it (that of all with weights_begin and weights_pass); it
 * may lack the head where the adapter has parted that from the embedding. All must stay where they are. */
struct peft_merge;
void peft_merge_begin(struct peft_merge **out, const struct param_set *params, bool has_frozen_rows,
                      struct model_values base, const struct tensor_table *base_table);
struct model_values peft_merged(const struct peft_merge *merge);
void peft_merge_end(struct peft_merge *merge); /* accepts NULL */

#endif
