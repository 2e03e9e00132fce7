/* tokenizer.json, vocab.json and merges.txt: the vocabulary, the merges and what tokenizer.json says of how
 * they are used. Whatever would give other ids than Hugging Face's is refused. For loading only. */
#ifndef SFT_TEXT_TOKENIZER_TOKENIZER_JSON_H
#define SFT_TEXT_TOKENIZER_TOKENIZER_JSON_H

#include "base/json.h"
#include "text/tokenizer/tokenizer.h"

enum sft_status tokenizer_read_json(struct tokenizer *tok, const char *path, struct sft_err *err);
enum sft_status tokenizer_read_tree(struct tokenizer *tok, const json *root, struct sft_err *err); /* parsed */
enum sft_status tokenizer_read_vocab(struct tokenizer *tok, const char *path, struct sft_err *err);
enum sft_status tokenizer_read_merges(struct tokenizer *tok, const char *path, struct sft_err *err);

/* A token in a JSON file: "content", or {"content": ..., "lstrip": ...}; missing flags are as in `flags`. */
enum sft_status tokenizer_read_added_token(const json *node, const char **content, struct added_flags *flags,
                                           struct sft_err *err);

#endif
