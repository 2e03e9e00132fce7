/* Loading a tokenizer from a Hugging Face directory: tokenizer.json, or vocab.json + merges.txt, with
 * tokenizer_config.json and special_tokens_map.json for the names of its special tokens; or from what such files would
 * be. */
#ifndef SFT_TEXT_TOKENIZER_TOKENIZER_LOAD_H
#define SFT_TEXT_TOKENIZER_TOKENIZER_LOAD_H

#include "base/json.h"
#include "text/tokenizer/tokenizer.h"

/* Read the tokenizer in directory `dir`. SFT_EDATA names the file and what about it is wrong, or which part
 * of it (a normaliser, a pre-tokeniser, a model) is a kind that is not done here. The caller frees it. */
enum sft_status tokenizer_load(struct tokenizer **out, const char *dir, struct sft_err *err);

/* The same of a tokenizer.json and a tokenizer_config.json, parsed, which remain the caller's. Errors name no file. */
enum sft_status tokenizer_load_trees(struct tokenizer **out, const json *tokenizer_json, const json *config,
                                     struct sft_err *err);

#endif
