/* config.json as a model's shape. Which keys there are, what they are by default and what must divide by what, the
 * family's table says. */
#ifndef SFT_MODEL_CONFIG_READ_H
#define SFT_MODEL_CONFIG_READ_H

#include "base/err.h"
#include "base/json.h"
#include "model/config.h"

/* What a config.json, parsed, says. SFT_EDATA for a family that is not supported, and for sizes that are missing, zero,
 * or do not divide, each named. */
enum sft_status model_config_read(struct model_config *config, const json *root, struct sft_err *err);

/* SFT_EDATA where a tokenizer of so many ids, read from directory `dir`, does not fit the model's vocabulary.
 * To be asked before control tokens are added. */
enum sft_status model_config_check_vocab(const struct model_config *config, size_t tokenizer_vocab_size,
                                         const char *dir, struct sft_err *err);

#endif
