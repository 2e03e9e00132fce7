/* What tokenizer.json says of how text becomes words and tokens become text: normalizer, pre_tokenizer and decoder.
 * What is not done here, and would give other ids than Hugging Face's, is refused by name. For loading only. */
#ifndef SFT_TEXT_TOKENIZER_PIPELINE_JSON_H
#define SFT_TEXT_TOKENIZER_PIPELINE_JSON_H

#include "base/json.h"
#include "text/tokenizer/tokenizer_parts.h"

/* The three parts from the whole document; free them also where this fails. */
enum sft_status pipeline_read(struct tokenizer *tok, const json *root, struct sft_err *err);

#endif
