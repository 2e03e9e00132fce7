/* The tensors of a model on their way into a GGUF file: their names, types and the order of their numbers there. */
#ifndef SFT_FILES_GGUF_GGUF_TENSORS_OUT_H
#define SFT_FILES_GGUF_GGUF_TENSORS_OUT_H

#include "files/gguf/gguf_out.h"
#include "files/model_out.h"

/* Describe all tensors of the model, in the order in which gguf_tensors_write gives their values. Matrices are of
 * meta->dtype, but:
 *     vectors and learned positions   F32, as llama.cpp needs them
 *     rows of no whole blocks         F16, as its converter has it
 *     Q4_0: the embedding, the head   Q8_0 */
void gguf_tensors_put(struct gguf_out *out, const struct model_out *model);

/* One tensor after another, a piece at a time; a matrix that is turned there, or has queries, keys and values in one,
 * is in memory whole. */
enum sft_status gguf_tensors_write(struct gguf_writer *w, const struct model_out *model, struct sft_err *err);

#endif
