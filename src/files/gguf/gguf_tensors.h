/* The tensors of a model in GGUF as Hugging Face has them: their names, the order of their rows, what is added to
 * them. What differs a family is in struct family (.gguf). */
#ifndef SFT_FILES_GGUF_GGUF_TENSORS_H
#define SFT_FILES_GGUF_GGUF_TENSORS_H

#include "files/gguf/gguf.h"
#include "model/config.h"

/* Whether its head is the embedding: there is none of its own (as transformers asks), or one that is no further from
 * the embedding than two roundings of the same numbers are. */
bool gguf_is_tied(const struct gguf *g);

/* A family whose models have this general.architecture; SFT_EDATA for any other, with those that are read. */
enum sft_status gguf_family(const struct gguf *g, const struct family **family, struct sft_err *err);

/* Those of a model of this config. A tied model's head is left out. What no family of this architecture has keeps the
 * name that it has in the file. *list is closed with gguf_tensors_close, before *g. */
enum sft_status gguf_tensors_open(struct stored_tensors *list, const struct gguf *g,
                                  const struct model_config *config, struct sft_err *err);
void gguf_tensors_close(struct stored_tensors *list);

extern const char gguf_embedding_name[], gguf_head_name[], gguf_positions_name[]; /* "token_embd.weight", ... */

#endif
