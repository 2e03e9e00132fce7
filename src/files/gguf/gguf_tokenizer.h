/* The metadata tokenizer.* of a GGUF file as the tokenizer.json and the tokenizer_config.json that a Hugging Face
 * directory of the model would have: read by the same code, and saved as such. */
#ifndef SFT_FILES_GGUF_GGUF_TOKENIZER_H
#define SFT_FILES_GGUF_GGUF_TOKENIZER_H

#include "base/json.h"
#include "files/gguf/gguf.h"

/* Both are the caller's, to be freed with json_free; NULL after an error, SFT_EDATA with the file's key: one that is
 * missing or of another type, lists that do not fit one another, and kinds of tokenizers that are not done here. */
enum sft_status gguf_tokenizer_make(json **tokenizer, json **config, const struct gguf *g, struct sft_err *err);

#endif
