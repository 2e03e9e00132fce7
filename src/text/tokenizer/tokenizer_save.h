/* Saving a tokenizer as a Hugging Face directory. */
#ifndef SFT_TEXT_TOKENIZER_TOKENIZER_SAVE_H
#define SFT_TEXT_TOKENIZER_TOKENIZER_SAVE_H

#include "text/tokenizer/tokenizer.h"

/* Write tokenizer.json, tokenizer_config.json and special_tokens_map.json, and of a model of bytes vocab.json and
 * merges.txt, into the existing directory `dir`, such that transformers' AutoTokenizer reads back the same tokenizer
 * with the same added and special tokens and chat template. Values of the base's files that are not ours are kept.
 * model_max_length: n_positions of the model; 0: none is known, and none is named. */
enum sft_status tokenizer_save(const struct tokenizer *tok, const char *dir, size_t model_max_length,
                               struct sft_err *err);

#endif
