/* What a tokenizer is made of, for the files that load, save and use it, and for training one; everybody else asks by
 * tokenizer.h.
 *
 *     text -> added tokens (added_tokens.h) -> words (pretokenize.h) -> the model's tokens (byte_level_bpe.h) */
#ifndef SFT_TEXT_TOKENIZER_TOKENIZER_PARTS_H
#define SFT_TEXT_TOKENIZER_TOKENIZER_PARTS_H

#include "base/json.h"
#include "text/tokenizer/byte_level_bpe.h"
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
    struct pretokenizer pre;
    struct byte_level_bpe model;
    int32_t named[N_SPECIAL_NAMES];
    int32_t text_start; /* what is put before a text, or TOKEN_NONE */
    char *chat_template;
    bool has_only_named_templates; /* several, and none is the default */

    /* The base's files, for what of them is not ours; NULL where there was none. */
    json *base_json, *base_config; /* base_json without vocab, merges and added_tokens */
    char *class_name;              /* what transformers would build; NULL: nothing says */
    bool merges_are_pairs;         /* ["a", "b"], not "a b" */
};

#endif
