/* The metadata of a GGUF file as the config.json and the generation_config.json that a Hugging Face directory of the
 * model would have: made of what the file says and nothing else, so that what it leaves to the family is the family's,
 * as in any config.json, and read by the same code. */
#ifndef SFT_FILES_GGUF_GGUF_CONFIG_H
#define SFT_FILES_GGUF_GGUF_CONFIG_H

#include "base/json.h"
#include "files/gguf/gguf.h"

/* The caller's, to be freed with json_free; NULL after an error, SFT_EDATA with the file's key: one that is missing or
 * of another type, an architecture that is not done here, and keys that ask for what is not. */
enum sft_status gguf_config_make(json **root, const struct gguf *g, struct sft_err *err);

/* Sampling as general.sampling.* has it, and every token that ends a text. */
enum sft_status gguf_generation_make(json **generation, const struct gguf *g, struct sft_err *err);

#endif
