/* The metadata tokenizer.* of a GGUF file as the tokenizer.json and the tokenizer_config.json that a Hugging Face
 * directory of the model would have: read by the same code, and saved as such.
 *
 * Two kinds are done, tokenizer.ggml.model gpt2 (byte-level BPE: tokenizer.ggml.pre names how text is cut) and llama
 * (SentencePiece's BPE: its merges follow from the scores). Both become what the families' published files say and
 * transformers makes of the same keys (its integrations/gguf); where these differ, as for digits (smollm), NFC
 * (qwen2) and ignore_merges (llama-bpe), of which transformers' reader knows nothing, the published files count: the
 * models were trained with them. How pieces meet blanks no key says but add_space_prefix: one is put before a text
 * that does not begin with one, and none behind a special token, as transformers 5 has it of Llama's files and
 * directories alike (SentencePiece and llama.cpp put one in both places, as files of transformers 4 did). */
#ifndef SFT_FILES_GGUF_GGUF_TOKENIZER_H
#define SFT_FILES_GGUF_GGUF_TOKENIZER_H

#include "base/json.h"
#include "files/gguf/gguf.h"
#include "text/tokenizer/tokenizer_parts.h"

/* The keys, for gguf_tokenizer_out.h too: tokens that have a name. */
struct gguf_named {
    const char *key;
    enum special_name name;
};
enum { GGUF_NAMED = 6 };
extern const struct gguf_named gguf_named[GGUF_NAMED];
extern const char gguf_model_key[], gguf_space_key[], gguf_add_bos_key[], gguf_add_eos_key[], gguf_template_key[],
    gguf_eot_key[], gguf_ends_key[]; /* what ends a turn, where that is not EOS; ollama's list of all that end a text */

/* Both are the caller's, to be freed with json_free; NULL after an error, SFT_EDATA with the file's key: one that is
 * missing or of another type, lists that do not fit one another, and kinds of tokenizers that are not done here. */
enum sft_status gguf_tokenizer_make(json **tokenizer, json **config, const struct gguf *g, struct sft_err *err);

/* A token by its key, one of n_tokens; *id is -1 where there is no such key, or it says so. */
enum sft_status gguf_get_token(const struct gguf *g, const char *key, size_t n_tokens, int32_t *id,
                               struct sft_err *err);

#endif
