/* tokenizer.ggml.pre: the name that a GGUF file gives to how a byte-level tokenizer cuts text into words. */
#ifndef SFT_FILES_GGUF_GGUF_PRE_H
#define SFT_FILES_GGUF_GGUF_PRE_H

#include "files/gguf/gguf.h"
#include "text/tokenizer/tokenizer.h"

struct gguf_pre {
    const char *name;
    const char *split; /* NULL: GPT-2's, which ByteLevel has */
    bool digits;       /* each stands alone */
    bool nfc;          /* as its published files have it: llama.cpp normalizes nothing */
    bool ignore_merges;
    bool adds_bos; /* where no key says it */
};

extern const char gguf_pre_key[], gguf_pre_names[]; /* the key; "gpt-2, smollm, ... are" */

/* NULL: there is none that is done here. */
const struct gguf_pre *gguf_pre_find(struct gguf_text name);

/* The one that cuts as this tokenizer of bytes does: decided by its pipeline. SFT_EDATA where llama.cpp has none, with
 * what differs. */
enum sft_status gguf_pre_of(const struct gguf_pre **pre, const struct tokenizer *tok, struct sft_err *err);

#endif
