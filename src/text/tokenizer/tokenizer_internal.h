/* What the files of the tokenizer share; nobody else includes this. */
#ifndef SFT_TEXT_TOKENIZER_TOKENIZER_INTERNAL_H
#define SFT_TEXT_TOKENIZER_TOKENIZER_INTERNAL_H

#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer/bpe.h"
#include "text/tokenizer/pretokenize.h"
#include "text/tokenizer/tokenizer.h"

enum { TOKEN_ID_LIMIT = 1 << 22 }; /* beyond it an id is a mistake, not a vocabulary */

struct added_flags {
    bool special, lstrip, rstrip, single_word, normalized;
};

struct token {
    const char *content; /* its spelling; NULL: no token has this id */
    const char *bytes;   /* what it stands for in a text */
    uint32_t content_len, bytes_len;
    bool in_model; /* of BPE's own vocabulary */
    bool is_added; /* found in text as it is, before BPE */
    struct added_flags flags;
};

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
extern const char *const special_key[N_SPECIAL_NAMES]; /* "bos_token", ..., in transformers' order */

struct tokenizer {
    struct token *tokens; /* (n_ids) by id */
    size_t n_ids, capacity;
    int32_t *index; /* content -> id, open addressing, TOKEN_NONE is empty */
    size_t index_mask, n_tokens, n_model;
    struct bpe bpe;
    bool ignore_merges; /* a word that is a token is that token, whatever the merges say */
    int32_t (*merges)[2];
    size_t n_merges;
    struct pretokenizer pre;
    int32_t named[N_SPECIAL_NAMES];
    int32_t text_start; /* what is put before a text, or TOKEN_NONE */
    char *chat_template;
    bool has_only_named_templates; /* several, and none is the default */
    struct arena arena;            /* contents and bytes */

    /* The base's files, for what of them is not ours; NULL where there was none. */
    json *base_json, *base_config; /* base_json without vocab, merges and added_tokens */
    const char *class_name;        /* what transformers would build; NULL: nothing says */
    bool merges_are_pairs;         /* ["a", "b"], not "a b" */
};

/* Without a token. */
struct tokenizer *tokenizer_new(void);

/* ---- tokens ---- */
int32_t tokenizer_find(const struct tokenizer *tok, const char *content, size_t len);
struct token *tokenizer_put(struct tokenizer *tok, size_t id, const char *content, size_t len);
void tokenizer_set_in_model(struct tokenizer *tok, struct token *t);

/* As transformers adds a token: one that is there keeps its id and becomes an added one; another gets the
 * id after the last. *id is the one it got. */
enum sft_status tokenizer_add(struct tokenizer *tok, const char *content, struct added_flags flags,
                              int32_t *id, struct sft_err *err);

/* ---- reading ---- */
enum sft_status tokenizer_read_json(struct tokenizer *tok, const char *path, struct sft_err *err);
enum sft_status tokenizer_read_vocab(struct tokenizer *tok, const char *path, struct sft_err *err);
enum sft_status tokenizer_read_merges(struct tokenizer *tok, const char *path, struct sft_err *err);
enum sft_status tokenizer_read_config(struct tokenizer *tok, const char *dir, struct sft_err *err);
enum sft_status tokenizer_set_vocab(struct tokenizer *tok, const json *vocab, struct sft_err *err);

/* The merges, once the vocabulary is there: `count` at most, in their order. Each is of two tokens a and b
 * whose concatenation is one, too; `joined` is scratch. */
void tokenizer_start_merges(struct tokenizer *tok, size_t count);
enum sft_status tokenizer_add_merge(struct tokenizer *tok, const char *a, size_t a_len, const char *b,
                                    size_t b_len, struct strbuf *joined, struct sft_err *err);

/* A token in a JSON file: "content", or {"content": ..., "lstrip": ...}; missing flags are as in `flags`. */
enum sft_status read_added_token(const json *node, const char **content, struct added_flags *flags,
                                 struct sft_err *err);

/* The class, from tokenizer_config.json (read before) or config.json; and tokenizer.json against it. Before
 * the added tokens of tokenizer_config.json are read. */
enum sft_status tokenizer_read_class(struct tokenizer *tok, const char *dir, struct sft_err *err);
enum sft_status tokenizer_reconcile(struct tokenizer *tok, const char *dir, struct sft_err *err);

/* GPT2Tokenizer, one like it, or none that is known. */
bool tokenizer_is_gpt2_class(const struct tokenizer *tok);
bool tokenizer_has_all_bytes(const struct tokenizer *tok); /* as tokens of BPE's */

/* tokenizer_config.json's (default) chat template or NULL. */
const char *config_chat_template(const json *config);

/* ---- added tokens in text ---- */
struct added_matcher;
struct added_matcher *added_matcher_new(const struct tokenizer *tok);
void added_matcher_free(struct added_matcher *m);

/* Walk over well-formed text: each call of `each` is an added token (id) or text between them (TOKEN_NONE),
 * in order and without gaps. special_is_text: special tokens are passed over, as with encode_special_tokens
 * of Hugging Face tokenizers. */
typedef void segment_fn(void *context, int32_t id, const char *text, size_t len);
void added_matcher_split(struct added_matcher *m, const char *text, size_t len, bool special_is_text,
                         segment_fn *each, void *context);

/* text[*begin..*end) without the white space that these tokens (or TOKEN_NONE) around it strip. */
void added_token_strip(const struct tokenizer *tok, int32_t before, int32_t after, const char *text,
                       size_t *begin, size_t *end);

#endif
