/* tokenizer_config.json, special_tokens_map.json, added_tokens.json and chat_template.jinja: the names of the
 * special tokens, as transformers reads them. For loading and saving only. */
#ifndef SFT_TEXT_TOKENIZER_TOKENIZER_CONFIG_H
#define SFT_TEXT_TOKENIZER_TOKENIZER_CONFIG_H

#include "base/json.h"
#include "text/tokenizer/tokenizer_parts.h"

/* The keys of enum special_name: "bos_token", ..., in transformers' order. */
extern const char *const tokenizer_special_key[N_SPECIAL_NAMES];

/* After the vocabulary and the merges, or tokenizer.json, were read. */
enum sft_status tokenizer_read_config(struct tokenizer *tok, const char *dir, struct sft_err *err);

/* The same of a tokenizer_config.json, parsed, with no other file beside it. It is copied. */
enum sft_status tokenizer_take_config(struct tokenizer *tok, const json *config, struct sft_err *err);

/* tokenizer_config.json's (default) chat template or NULL. */
const char *tokenizer_config_chat_template(const json *config);

#endif
