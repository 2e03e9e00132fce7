/* Pre-tokenisation: text into the words that BPE divides. What tokenizer.json calls a pre_tokenizer is a
 * row of stages, each of which splits every piece that the one before made:
 *     Split(Regex or String)   by a pattern; behaviours Isolated, Removed, Contiguous; invert
 *     Digits                   by numeric characters, Isolated or Contiguous
 *     ByteLevel                by GPT-2's pattern if use_regex; add_prefix_space; always the last one
 * Matches what Hugging Face tokenizers' pre_tokenizers do. */
#ifndef SFT_TEXT_TOKENIZER_PRETOKENIZE_H
#define SFT_TEXT_TOKENIZER_PRETOKENIZE_H

#include "base/json.h"
#include "base/strbuf.h"
#include "text/tokenizer/pattern.h"

enum { PRETOKENIZER_MAX_STAGES = 16 };

enum split_behavior { SPLIT_ISOLATED, SPLIT_REMOVED, SPLIT_CONTIGUOUS };

struct split_stage {
    struct pattern *pattern;
    enum split_behavior behavior;
    bool invert; /* what is between the matches counts as the match */
};

struct pretokenizer {
    struct split_stage stages[PRETOKENIZER_MAX_STAGES];
    size_t count;
    bool add_prefix_space; /* before a piece that reaches ByteLevel without one */
    size_t prefix_depth;   /* the stage before which that is */
    bool is_gpt2;          /* ByteLevel with its pattern, and nothing else */
};

/* From tokenizer.json's "pre_tokenizer". Free it also where this fails. */
enum sft_status pretokenizer_init(struct pretokenizer *pre, const json *node, struct sft_err *err);

/* GPT-2's own. */
enum sft_status pretokenizer_init_gpt2(struct pretokenizer *pre, bool add_prefix_space, struct sft_err *err);
void pretokenizer_free(struct pretokenizer *pre);

struct word {
    const char *text; /* valid during the call only */
    size_t len;
    size_t start;    /* where its first byte stands in the text */
    bool has_prefix; /* text[0] is a space that was added, before `start` */
};
typedef void word_fn(void *context, const struct word *word);

/* A run over well-formed UTF-8 text; `each` is called for every word, in order. */
struct pretokenizer_run {
    const struct pretokenizer *pre;
    struct matcher *matcher;
    struct strbuf prefixed; /* scratch, kept between runs; the owner frees it */
    word_fn *each;
    void *context;
};
void pretokenize(struct pretokenizer_run *run, const char *text, size_t len);

#endif
