/* What a model directory says about generating: generation_config.json, and what config.json says of end tokens. */
#ifndef SFT_FILES_GENERATION_H
#define SFT_FILES_GENERATION_H

#include "base/json.h"
#include "model/config.h"

enum { END_TOKENS_MAX = 64 };

struct generation_config {
    json *raw; /* generation_config.json; NULL where there is none */

    /* What ends a text: eos_token_id, an id or a list, of generation_config.json and of config.json, whichever of the
     * two names an id (transformers' generate asks the former alone; instruct models have been published that say the
     * end of a turn in one and the end of a document in the other); of the family (50256 for GPT-2) where both are
     * silent. Ids beyond the vocabulary are left out: GPT2Config fills in 50256 whatever the vocabulary. */
    int32_t end_tokens[END_TOKENS_MAX];
    size_t n_end_tokens;

    /* The settings of sampling, transformers' names. NaN, or top_k SIZE_MAX: the file is silent. */
    bool do_sample;
    double temperature, top_p, min_p, repetition_penalty;
    size_t top_k;
};

/* Read directory `dir` (or the directory of a config.json), whose config.json is `config`, parsed `config_json`.
 * A directory without generation_config.json is in order. SFT_EDATA names the file and the key. Free with
 * generation_config_free, which accepts a zeroed struct. */
enum sft_status generation_config_load(struct generation_config *g, const char *dir, const json *config_json,
                                       const struct model_config *config, struct sft_err *err);

/* The same of a generation_config.json, parsed, which it takes (also after an error), or NULL. */
enum sft_status generation_config_take(struct generation_config *g, json *raw, const json *config_json,
                                       const struct model_config *config, struct sft_err *err);
/* One more token that ends a text, unless it is one already. */
void generation_add_end_token(struct generation_config *g, int32_t id);
void generation_config_free(struct generation_config *g);

/* Let `key` (an eos_token_id) be `id`. Where it is a list, or where `list` is one, the other ids of that list which the
 * vocabulary has stay, behind it: each of them ends a text, in transformers' generate and here. What its Trainer does
 * too (align_special_tokens), but that a single id is replaced: it ended documents, not turns. */
void generation_set_end_token(json *object, const char *key, int32_t id, const json *list, size_t vocab_size);

#endif
