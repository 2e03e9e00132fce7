/* What a tokenizer is made of, for the files that load, save and use it, and for training one; everybody else asks by
 * tokenizer.h.
 *
 *     text -> added tokens (added_tokens.h) -> normalized (normalizer.h) -> words (pretokenize.h)
 *          -> the model's tokens (bpe_model.h)
 *     tokens -> text (decoder.h)
 *
 * Each part is made by functions of its own, whatever it is read from: pipeline_json.h and tokenizer_json.h read
 * tokenizer.json. In order: vocabulary and decoder, tokenizer_own, then the model's merges. */
#ifndef SFT_TEXT_TOKENIZER_TOKENIZER_PARTS_H
#define SFT_TEXT_TOKENIZER_TOKENIZER_PARTS_H

#include "base/json.h"
#include "text/tokenizer/bpe_model.h"
#include "text/tokenizer/decoder.h"
#include "text/tokenizer/normalizer.h"
#include "text/tokenizer/pretokenize.h"
#include "text/tokenizer/vocab.h"

enum special_name {
    SPECIAL_BOS,
    SPECIAL_EOS,
    SPECIAL_UNK,
    SPECIAL_SEP,
    SPECIAL_PAD,
    SPECIAL_CLS,
    SPECIAL_MASK
};
enum { N_SPECIAL_NAMES = SPECIAL_MASK + 1 };

struct tokenizer {
    struct vocab vocab;
    struct normalizer normalizer;
    struct pretokenizer pre;
    struct bpe_model model;
    struct decoder decoder;
    int32_t named[N_SPECIAL_NAMES];
    int32_t text_start; /* what is put before a text, or TOKEN_NONE */
    char *chat_template, *chat_template_file; /* file: the path that it was read from, or NULL */
    bool has_only_named_templates; /* several, and none is the default */

    /* The base's files, for what of them is not ours; NULL where there was none. */
    json *base_json, *base_config; /* base_json without vocab, merges and added_tokens */
    char *class_name;              /* what transformers would build; NULL: nothing says */
    bool goes_by_class;            /* and it may build another pipeline than tokenizer.json's: tokenizer_class.h */
    bool merges_are_pairs;         /* ["a", "b"], not "a b" */
};

/* A token of the vocabulary is the model's own, and stands for what the decoder says. */
void tokenizer_own(struct tokenizer *tok, struct token *token);

/* The pipeline of GPT-2, where no file says one. */
enum sft_status tokenizer_set_gpt2(struct tokenizer *tok, bool add_prefix_space, struct sft_err *err);

#endif
