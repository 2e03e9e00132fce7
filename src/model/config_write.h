/* A model's shape as config.json: what config_read.h reads. */
#ifndef SFT_MODEL_CONFIG_WRITE_H
#define SFT_MODEL_CONFIG_WRITE_H

#include "base/json.h"
#include "model/config.h"

/* Let `root`, a base's config.json or an empty object, say what `config` does, so that transformers 4 and 5 both read
 * it. What it says already stays as it is spelled; what it leaves to a family's defaults is filled in, in the spelling
 * of transformers 4, which 5 reads too. */
void model_config_write(json *root, const struct model_config *config);

#endif
