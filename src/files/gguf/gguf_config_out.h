/* A model's config as the metadata of a GGUF file, and what of it llama.cpp cannot compute. */
#ifndef SFT_FILES_GGUF_GGUF_CONFIG_OUT_H
#define SFT_FILES_GGUF_GGUF_CONFIG_OUT_H

#include "files/gguf/gguf_out.h"
#include "model/config.h"

/* SFT_EDATA where llama.cpp would make another model of it: the key of config.json, and what it has instead. */
enum sft_status gguf_config_check(const struct model_config *config, struct sft_err *err);

/* ARCHITECTURE.*, of a config that passed the check. */
void gguf_config_put(struct gguf_out *out, const struct model_config *config);

/* How many positions the file says: those of the window where layers slide and llama.cpp knows no window, so that it
 * computes the same within them. */
size_t gguf_context_length(const struct model_config *config);

#endif
