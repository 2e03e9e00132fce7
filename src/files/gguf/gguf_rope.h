/* Rotary positions in GGUF: *.rope.* of the metadata, and the tensor rope_freqs, which is all that such a file says of
 * Llama 3's. */
#ifndef SFT_FILES_GGUF_GGUF_ROPE_H
#define SFT_FILES_GGUF_GGUF_ROPE_H

#include "files/gguf/gguf.h"
#include "model/family.h"

/* rope and rope_local of a config whose sizes are known and which has its family's defaults. `architecture` is what the
 * keys begin with. */
enum sft_status gguf_read_rope(struct model_config *config, const struct gguf *g, struct gguf_text architecture,
                               struct sft_err *err);

#endif
