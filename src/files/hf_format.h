/* Models as Hugging Face keeps them.
 *
 * format_hf      a directory. In: config.json, model.safetensors (or the shards that model.safetensors.index.json
 *                lists), names with or without the family's prefix, generation_config.json, a tokenizer's files. Out:
 *                config.json with what the base's held beyond ours, and all the others.
 * format_config  a config.json alone, tokenizer files beside it: a model to begin with random weights. */
#ifndef SFT_FILES_HF_FORMAT_H
#define SFT_FILES_HF_FORMAT_H

#include "files/format.h"

extern const struct format format_hf, format_config;

#endif
