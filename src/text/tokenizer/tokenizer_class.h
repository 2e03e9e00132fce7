/* tokenizer_class, and what transformers takes of tokenizer.json where that class builds its pipeline
 * itself. Two files that say different things are read as transformers 4.57 and 5 read them, or refused
 * where these two differ. For loading and saving only. */
#ifndef SFT_TEXT_TOKENIZER_TOKENIZER_CLASS_H
#define SFT_TEXT_TOKENIZER_TOKENIZER_CLASS_H

#include "text/tokenizer/tokenizer.h"

/* The class, from tokenizer_config.json (read before) or config.json; and tokenizer.json against it. Before
 * the added tokens of tokenizer_config.json are read. */
enum sft_status tokenizer_read_class(struct tokenizer *tok, const char *dir, struct sft_err *err);
enum sft_status tokenizer_reconcile(struct tokenizer *tok, const char *dir, struct sft_err *err);

/* GPT2Tokenizer, one like it, or none that is known. */
bool tokenizer_is_gpt2_class(const struct tokenizer *tok);

#endif
