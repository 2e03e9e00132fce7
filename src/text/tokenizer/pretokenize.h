/* Pre-tokenisation: text into the words that BPE divides. What tokenizer.json calls a pre_tokenizer is a
 * row of stages, each of which splits every piece that the one before made:
 *     Metaspace                blanks become a mark (U+2581), another may be put before; may split before each mark;
 *                              always the first one
 *     Split(Regex or String)   by a pattern; its five behaviours; invert
 *     Digits                   by numeric characters, Isolated or Contiguous
 *     ByteLevel                by GPT-2's pattern if use_regex; add_prefix_space; always the last one
 * Without any, a text is one word. Matches what Hugging Face tokenizers' pre_tokenizers do. */
#ifndef SFT_TEXT_TOKENIZER_PRETOKENIZE_H
#define SFT_TEXT_TOKENIZER_PRETOKENIZE_H

#include "text/tokenizer/pattern.h"
#include "text/tokenizer/text_map.h"

enum { PRETOKENIZER_MAX_STAGES = 16 };

enum split_behavior {
    SPLIT_ISOLATED,
    SPLIT_REMOVED,
    SPLIT_CONTIGUOUS,
    SPLIT_MERGED_WITH_PREVIOUS,
    SPLIT_MERGED_WITH_NEXT
};

extern const char pretokenizer_gpt2_pattern[], pretokenizer_digits_pattern[]; /* of ByteLevel, and of Digits */

struct split_stage {
    struct pattern *pattern;
    enum split_behavior behavior;
    bool invert; /* what is between the matches counts as the match */
};

enum metaspace_prepend { METASPACE_NEVER, METASPACE_FIRST, METASPACE_ALWAYS };

struct pretokenizer { /* zero-initialised splits nothing */
    char *metaspace;  /* the mark; NULL: no such stage */
    enum metaspace_prepend prepend;
    struct split_stage stages[PRETOKENIZER_MAX_STAGES];
    size_t count;
    bool is_byte_level;    /* ends in ByteLevel: words are bytes, for a model of bytes */
    bool add_prefix_space; /* before a piece that reaches ByteLevel without one */
    size_t prefix_depth;   /* the stage before which that is */
    bool is_gpt2;          /* ByteLevel with its pattern, and nothing else */
};
void pretokenizer_free(struct pretokenizer *pre);

enum sft_status pretokenizer_add_metaspace(struct pretokenizer *pre, const char *mark, enum metaspace_prepend prepend,
                                           bool split, struct sft_err *err);
enum sft_status pretokenizer_add_split(struct pretokenizer *pre, const char *pattern, bool is_regex,
                                       enum split_behavior behavior, bool invert, struct sft_err *err);
enum sft_status pretokenizer_add_digits(struct pretokenizer *pre, bool individual_digits, struct sft_err *err);
enum sft_status pretokenizer_add_byte_level(struct pretokenizer *pre, bool add_prefix_space, bool use_regex,
                                            struct sft_err *err);

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
    bool wants_origins;
    struct strbuf prefixed;  /* scratch, kept between runs, as */
    struct text_map spaced;  /* this: what Metaspace made */
    const size_t *origins;   /* where the bytes that `start` counts come from in the text; NULL: they are its own */
    word_fn *each;
    void *context;
};
void pretokenizer_run_free(struct pretokenizer_run *run); /* its scratch */

/* begins: text[0] is the first of all that is encoded, which is where METASPACE_FIRST puts a mark. */
void pretokenize(struct pretokenizer_run *run, const char *text, size_t len, bool begins);

#endif
