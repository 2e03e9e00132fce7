/* Writing a Hugging Face directory. */
#ifndef SFT_FILES_HF_SAVE_H
#define SFT_FILES_HF_SAVE_H

#include "base/err.h"
#include "files/model_out.h"

/* Write config.json, generation_config.json, the weights (hf_weights.h) and the tokenizer's files, its template in
 * them, into the existing directory `dir`, such that transformers loads it. */
enum sft_status hf_save(const struct model_out *model, const char *dir, struct sft_err *err);

#endif
