/* What config_read.c is made of: parts of a config.json that more than one key says. All return SFT_EDATA, with the
 * key. */
#ifndef SFT_MODEL_CONFIG_PARTS_H
#define SFT_MODEL_CONFIG_PARTS_H

#include "base/err.h"
#include "base/json.h"
#include "model/family.h"

/* What a file asks for that is not done here, or that nobody here knows (config_refuse.c): a model_type that is no
 * family's (SFT_OK: there is no reason to give but that), and keys, once the sizes are read. */
enum sft_status config_refuse_type(const char *model_type, struct sft_err *err);
enum sft_status config_refuse_keys(const struct model_config *config, const json *root, struct sft_err *err);

/* Rotary positions (config_rope.c), once the sizes are known: rope, rope_local and rotary_dim. */
enum sft_status config_read_rope(struct model_config *config, const json *root, struct sft_err *err);
bool config_knows_rope_key(const struct family *family, const char *key);

/* Which layers are not turned, and which slide (config_layers.c), once n_layer is known. */
enum sft_status config_read_layers(struct model_config *config, const json *root, struct sft_err *err);
bool config_knows_layer_key(const struct family *family, const char *key);

#endif
