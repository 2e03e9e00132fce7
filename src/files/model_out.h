/* A model on its way to the disk. */
#ifndef SFT_FILES_MODEL_OUT_H
#define SFT_FILES_MODEL_OUT_H

#include "base/err.h"
#include "base/json.h"
#include "files/dtype.h"
#include "files/generation.h"
#include "model/block/tensors.h"
#include "text/template.h"
#include "text/tokenizer/tokenizer.h"

/* What of it is not in its weights, its config and its tokenizer. */
struct model_meta {
    const json *base_config, *base_generation; /* the base's config.json and generation_config.json; may be NULL */
    int32_t eos_token_id, pad_token_id, bos_token_id; /* -1: as the base has it */
    const struct dtype *dtype; /* one that is written */
    size_t max_shard_bytes;    /* of one file of weights; 0: the format's own limit */
    const char *license, *base_model; /* as the hub calls them, for a file that has no card in it; NULL: not said */
};

/* Who takes a tensor's values: a piece after the other, n of them, in order. */
typedef void values_take(void *context, const float *values, size_t n);

/* Where a model's values are: `pass` has all of a tensor's taken. */
struct model_values {
    enum sft_status (*pass)(const void *from, const struct tensor *tensor, values_take *take, void *context,
                            struct sft_err *err);
    const void *from;
};

/* In a block that the model's table lays out, of floats. */
struct model_values model_values_in(const float *params);

/* All borrowed. */
struct model_out {
    struct model_values values;
    const struct tensor_table *table;
    const struct model_config *config;
    const struct model_meta *meta;
    const struct tokenizer *tokenizer; /* NULL: none is written */
    /* For a format that is a file: what meta->base_generation means, and the chat template does; NULL: there is none,
     * or none that is known. */
    const struct generation_config *generation;
    const struct chat_template *template;
};

#endif
