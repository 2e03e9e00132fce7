/* Directories of small models, made where they are needed: any config.json, random weights, in shards if need be. */
#ifndef SFT_TESTS_SMALL_MODEL_H
#define SFT_TESTS_SMALL_MODEL_H

#include "files/hf_save.h"
#include "files/model_files.h"
#include "model/config_read.h"
#include "model/param_set.h"

#include "err_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A Llama of two layers, two query heads to one of keys and values; `more`: further keys, each with a comma before. */
#define SMALL_LLAMA(more)                                                                                              \
    "{\"model_type\":\"llama\",\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":2,"           \
    "\"hidden_size\":16,\"intermediate_size\":24,\"max_position_embeddings\":64,\"vocab_size\":40" more "}"

/* Write the model of `config_json` into the existing directory `path`, its weights random (of seed 1), in files of at
 * most max_shard_bytes (0: one file), without a tokenizer. */
static inline void small_model_put(const char *path, const char *config_json, size_t max_shard_bytes)
{
    struct sft_err why;
    struct model_config config;
    struct param_set params;
    json *raw;
    ck_assert_msg(!json_parse(config_json, strlen(config_json), &raw, &why) && !model_config_read(&config, raw, &why) &&
                      !param_set_init(&params, &config, NULL, &why),
                  "%s", err_text(&why));
    params_init_random(params.values.data, &params.table, &config, 1);
    const struct model_meta meta = {.base_config = raw,
                                    .eos_token_id = -1,
                                    .pad_token_id = -1,
                                    .bos_token_id = -1,
                                    .dtype = &dtype_f32,
                                    .max_shard_bytes = max_shard_bytes};
    const struct model_out out = {
        .values = model_values_in(params.values.data), .table = &params.table, .config = &config, .meta = &meta};
    ck_assert_msg(!hf_save(&out, path, &why), "%s", err_text(&why));
    param_set_free(&params);
    json_free(raw);
}

#endif
