/* Rotary positions in GGUF: *.rope.* of the metadata, and the tensor rope_freqs, which is all that such a file says of
 * Llama 3's. */
#ifndef SFT_FILES_GGUF_GGUF_ROPE_H
#define SFT_FILES_GGUF_GGUF_ROPE_H

#include "files/gguf/gguf_out.h"
#include "model/family.h"

/* rope and rope_local of a config whose sizes are known and which has its family's defaults. `architecture` is what the
 * keys begin with. */
enum sft_status gguf_read_rope(struct model_config *config, const struct gguf *g, struct gguf_text architecture,
                               struct sft_err *err);

/* SFT_EDATA where what is written would not be read back: factors of Llama 3's kind with other numbers than its own. */
enum sft_status gguf_rope_check(const struct model_config *config, struct sft_err *err);

/* And written. */
void gguf_put_rope(struct gguf_out *out, const struct model_config *config);

/* The tensor rope_freqs.weight: head_dim / 2 factors, of which there are `count`; 0: the model has none. *factors is
 * malloc'd, the caller's. */
extern const char gguf_rope_freqs_name[];
size_t gguf_rope_freqs(float **factors, const struct model_config *config);

#endif
