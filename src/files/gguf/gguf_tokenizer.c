#include "files/gguf/gguf_tokenizer.h"

#include "files/gguf/gguf_tensors.h"
#include "files/gguf/gguf_vocab.h"
#include "files/gguf/gguf_pre.h"
#include "model/family.h"
#include "text/tokenizer/tokenizer_config.h"

#include <stdlib.h>
#include <string.h>

/* ---- how a byte-level tokenizer cuts text ---- */

static enum sft_status find_pre(const struct gguf_pre **pre, const struct gguf *g, const struct family *family,
                                struct sft_err *err)
{
    struct gguf_text name;
    if (gguf_get_string(g, gguf_pre_key, &name, err))
        return SFT_EDATA;
    if (!name.text && family->gguf.pre)
        name = (struct gguf_text){family->gguf.pre, strlen(family->gguf.pre)};
    if (name.text && (*pre = gguf_pre_find(name)))
        return SFT_OK;
    if (name.text)
        return sft_fail(err, SFT_EDATA, "%s '%.*s' is not supported (%s)", gguf_pre_key,
                        (int)(name.len < 60 ? name.len : 60), name.text, gguf_pre_names);
    return sft_fail_in(err, SFT_EDATA, gguf_pre_key,
                       "is missing, so that nothing says how text is cut into words (convert the model again with a "
                       "current llama.cpp)");
}

const char gguf_model_key[] = "tokenizer.ggml.model", gguf_space_key[] = "tokenizer.ggml.add_space_prefix",
           gguf_add_bos_key[] = "tokenizer.ggml.add_bos_token", gguf_add_eos_key[] = "tokenizer.ggml.add_eos_token",
           gguf_eot_key[] = "tokenizer.ggml.eot_token_id", gguf_ends_key[] = "tokenizer.ggml.eos_token_ids",
           gguf_template_key[] = "tokenizer.chat_template"; /* and those of other names behind a dot */

/* ---- what is read of a file ---- */

struct source {
    const struct gguf *g;
    struct gguf_vocab vocab;
    const struct gguf_pre *pre; /* of bytes; NULL: pieces */
    bool adds_blank;       /* of pieces: before a text */
    int32_t bos, eos;      /* that are put around a text; TOKEN_NONE: none */
};

/* Tokens with a name in tokenizer_config.json. */
const struct gguf_named gguf_named[GGUF_NAMED] = {
    {"tokenizer.ggml.bos_token_id", SPECIAL_BOS},       {"tokenizer.ggml.eos_token_id", SPECIAL_EOS},
    {"tokenizer.ggml.unknown_token_id", SPECIAL_UNK},   {"tokenizer.ggml.seperator_token_id", SPECIAL_SEP},
    {"tokenizer.ggml.padding_token_id", SPECIAL_PAD},   {"tokenizer.ggml.mask_token_id", SPECIAL_MASK},
};
enum { NAMED_BOS = 0, NAMED_EOS = 1, NAMED_UNK = 2 };

enum sft_status gguf_get_token(const struct gguf *g, const char *key, size_t n_tokens, int32_t *id,
                               struct sft_err *err)
{
    size_t n;
    *id = TOKEN_NONE;
    if (!gguf_find(g, key))
        return SFT_OK;
    if (gguf_get_size(g, key, 0, &n, err))
        return SFT_EDATA;
    if (n == UINT32_MAX) /* llama.cpp's -1: none */
        return SFT_OK;
    if (n >= n_tokens)
        return sft_fail_in(err, SFT_EDATA, key, "token %zu is outside a vocabulary of %zu", n, n_tokens);
    *id = (int32_t)n;
    return SFT_OK;
}

static enum sft_status get_named(const struct source *s, size_t which, int32_t *id, struct sft_err *err)
{
    return gguf_get_token(s->g, gguf_named[which].key, gguf_find(s->g, "tokenizer.ggml.tokens")->count, id, err);
}

static const struct token *token(const struct source *s, int32_t id)
{
    return vocab_token(&s->vocab.tokens, id);
}

/* One that is put before or behind a text, as a flag says. */
static enum sft_status read_around(const struct source *s, const char *flag, bool by_default, size_t which, int32_t *id,
                                   struct sft_err *err)
{
    bool adds;
    if (gguf_get_flag(s->g, flag, by_default, &adds, err) || get_named(s, which, id, err))
        return SFT_EDATA;
    if (adds && !token(s, *id) && gguf_find(s->g, flag))
        return sft_fail_in(err, SFT_EDATA, flag, "is true, but %s names no token", gguf_named[which].key);
    if (!adds || !token(s, *id))
        *id = TOKEN_NONE;
    return SFT_OK;
}

static enum sft_status find_kind(struct source *s, enum gguf_vocab_kind *kind, struct sft_err *err)
{
    struct gguf_text name;
    const struct family *family;
    if (gguf_require(s->g, gguf_model_key, err) || gguf_get_string(s->g, gguf_model_key, &name, err) ||
        gguf_family(s->g, &family, err))
        return SFT_EDATA;
    *kind = gguf_text_is(name, "gpt2")          ? GGUF_VOCAB_BYTES
            : family->gguf.merges_in_order ? GGUF_VOCAB_PIECES_IN_ORDER
                                           : GGUF_VOCAB_PIECES;
    if (*kind == GGUF_VOCAB_BYTES)
        return find_pre(&s->pre, s->g, family, err);
    s->adds_blank = *kind == GGUF_VOCAB_PIECES; /* where no key says it */
    if (gguf_text_is(name, "llama"))
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, "%s '%.*s' is not supported (gpt2 and llama are)", gguf_model_key,
                    (int)(name.len < 60 ? name.len : 60), name.text);
}

static enum sft_status read_source(struct source *s, struct sft_err *err)
{
    enum gguf_vocab_kind kind;
    if (find_kind(s, &kind, err) || gguf_vocab_read(&s->vocab, s->g, kind, err) ||
        gguf_get_flag(s->g, gguf_space_key, s->adds_blank, &s->adds_blank, err))
        return SFT_EDATA;
    return read_around(s, gguf_add_bos_key, s->pre ? s->pre->adds_bos : true, NAMED_BOS, &s->bos, err) ||
                   read_around(s, gguf_add_eos_key, false, NAMED_EOS, &s->eos, err)
               ? SFT_EDATA
               : SFT_OK;
}

/* ---- tokenizer.json ---- */

static void put_content(const struct token *t, struct strbuf *out)
{
    strbuf_json_string(out, t->content, t->content_len);
}

static void put_added(const struct vocab *tokens, struct strbuf *out)
{
    const char *separator = "\"added_tokens\":[";
    for (size_t id = 0; id < tokens->n_ids; id++) {
        const struct token *t = &tokens->tokens[id];
        if (!t->content || !t->is_added)
            continue;
        strbuf_printf(out, "%s{\"id\":%zu,\"content\":", separator, id);
        put_content(t, out);
        strbuf_printf(out,
                      ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":%s}",
                      t->flags.special ? "true" : "false");
        separator = ",";
    }
    strbuf_puts(out, *separator == ',' ? "]," : "\"added_tokens\":[],");
}

static const char byte_level[] =
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":%s,\"trim_offsets\":true,\"use_regex\":%s}";

static void put_byte_pipeline(const struct gguf_pre *pre, struct strbuf *out)
{
    strbuf_printf(out, "\"normalizer\":%s,\"pre_tokenizer\":", pre->nfc ? "{\"type\":\"NFC\"}" : "null");
    if (pre->digits || pre->split)
        strbuf_puts(out, "{\"type\":\"Sequence\",\"pretokenizers\":[");
    if (pre->digits)
        strbuf_puts(out, "{\"type\":\"Digits\",\"individual_digits\":true},");
    if (pre->split) {
        strbuf_puts(out, "{\"type\":\"Split\",\"pattern\":{\"Regex\":");
        strbuf_json_string(out, pre->split, strlen(pre->split));
        strbuf_puts(out, "},\"behavior\":\"Isolated\",\"invert\":false},");
    }
    strbuf_printf(out, byte_level, "false", pre->split ? "false" : "true");
    strbuf_puts(out, pre->digits || pre->split ? "]},\"decoder\":" : ",\"decoder\":");
    strbuf_printf(out, byte_level, "true", "true");
    strbuf_putc(out, ',');
}

/* A mark for each blank and, where a blank is put before a text, one for that. */
static const char metaspace[] = "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":"
                                "\"\u2581\",\"prepend_scheme\":\"first\",\"split\":false},";
static const char replace_blanks[] =
    "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\u2581\"},\"pre_tokenizer\":"
    "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},\"behavior\":\"MergedWithPrevious\",\"invert\":false},";
static const char replace_marks[] =
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"\u2581\"},"
    "\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}";
static const char strip[] = ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}";

/* Llama's pipeline, or Gemma's. */
static void put_piece_pipeline(bool adds_blank, struct strbuf *out)
{
    strbuf_puts(out, adds_blank ? metaspace : replace_blanks);
    strbuf_puts(out, replace_marks);
    strbuf_puts(out, adds_blank ? strip : "");
    strbuf_puts(out, "]},");
}

static void put_special(const struct source *s, int32_t id, const char *type_id, struct strbuf *out)
{
    strbuf_puts(out, "{\"SpecialToken\":{\"id\":");
    put_content(token(s, id), out);
    strbuf_printf(out, ",\"type_id\":%s}}", type_id);
}

/* One sequence of a template with what is put around it. */
static void put_sequence(const struct source *s, const char *name, const char *type_id, struct strbuf *out)
{
    if (s->bos != TOKEN_NONE) {
        put_special(s, s->bos, type_id, out);
        strbuf_putc(out, ',');
    }
    strbuf_printf(out, "{\"Sequence\":{\"id\":\"%s\",\"type_id\":%s}}", name, type_id);
    if (s->eos != TOKEN_NONE) {
        strbuf_putc(out, ',');
        put_special(s, s->eos, type_id, out);
    }
}

static void put_postprocessor(const struct source *s, struct strbuf *out)
{
    const int32_t ids[] = {s->bos, s->eos};
    const char *separator = "";
    if (s->bos == TOKEN_NONE && s->eos == TOKEN_NONE) {
        strbuf_puts(out, "\"post_processor\":null,");
        return;
    }
    strbuf_puts(out, "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[");
    put_sequence(s, "A", "0", out);
    strbuf_puts(out, "],\"pair\":[");
    put_sequence(s, "A", "0", out);
    strbuf_putc(out, ',');
    put_sequence(s, "B", "1", out);
    strbuf_puts(out, "],\"special_tokens\":{");
    for (size_t i = 0; i < 2; i++) {
        if (ids[i] == TOKEN_NONE || (i && ids[1] == ids[0]))
            continue;
        const struct token *t = token(s, ids[i]);
        strbuf_puts(out, separator);
        put_content(t, out);
        strbuf_puts(out, ":{\"id\":");
        put_content(t, out);
        strbuf_printf(out, ",\"ids\":[%d],\"tokens\":[", ids[i]);
        put_content(t, out);
        strbuf_puts(out, "]}");
        separator = ",";
    }
    strbuf_puts(out, "}},");
}

static void put_vocabulary(const struct vocab *tokens, struct strbuf *out)
{
    const char *separator = "{";
    strbuf_puts(out, "\"vocab\":");
    for (size_t id = 0; id < tokens->n_ids; id++) {
        if (!tokens->tokens[id].content)
            continue;
        strbuf_puts(out, separator);
        put_content(&tokens->tokens[id], out);
        strbuf_printf(out, ":%zu", id);
        separator = ",";
    }
    strbuf_puts(out, *separator == '{' ? "{}," : "},");
}

static enum sft_status put_model(const struct source *s, struct strbuf *out, struct sft_err *err)
{
    int32_t unknown;
    if (get_named(s, NAMED_UNK, &unknown, err))
        return SFT_EDATA;
    if (!token(s, unknown))
        unknown = s->vocab.unknown;
    strbuf_puts(out, "\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":");
    if (s->pre || unknown == TOKEN_NONE)
        strbuf_puts(out, "null");
    else
        put_content(token(s, unknown), out);
    strbuf_puts(out, ",\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,");
    strbuf_printf(out, "\"fuse_unk\":%s,\"byte_fallback\":%s,\"ignore_merges\":%s,", s->pre ? "false" : "true",
                  s->pre ? "false" : "true", s->pre && s->pre->ignore_merges ? "true" : "false");
    put_vocabulary(&s->vocab.tokens, out);
    strbuf_puts(out, "\"merges\":");
    if (gguf_put_merges(&s->vocab, out, err))
        return SFT_EDATA;
    strbuf_puts(out, "}");
    return SFT_OK;
}

static enum sft_status put_tokenizer(const struct source *s, struct strbuf *out, struct sft_err *err)
{
    strbuf_puts(out, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,");
    put_added(&s->vocab.tokens, out);
    if (s->pre)
        put_byte_pipeline(s->pre, out);
    else
        put_piece_pipeline(s->adds_blank, out);
    put_postprocessor(s, out);
    if (put_model(s, out, err))
        return SFT_EDATA;
    strbuf_putc(out, '}');
    return SFT_OK;
}

/* ---- tokenizer_config.json ---- */



/* Append {"name": ..., "template": ...} to a list, where the file has the template. */
static enum sft_status put_template(struct strbuf *list, const struct gguf *g, const char *key, struct gguf_text name,
                                    struct sft_err *err)
{
    struct gguf_text text;
    if (gguf_get_string(g, key, &text, err))
        return SFT_EDATA;
    if (!text.text)
        return SFT_OK;
    strbuf_puts(list, list->len > 1 ? ",{\"name\":" : "{\"name\":");
    strbuf_json_string(list, name.text, name.len);
    strbuf_puts(list, ",\"template\":");
    strbuf_json_string(list, text.text, text.len);
    strbuf_putc(list, '}');
    return SFT_OK;
}

/* The default one, and those that tokenizer.chat_templates names. */
static enum sft_status put_templates(struct strbuf *list, const struct gguf *g, const struct gguf_value *names,
                                     struct sft_err *err)
{
    const unsigned char *at = names->data;
    strbuf_putc(list, '[');
    if (put_template(list, g, gguf_template_key, (struct gguf_text){"default", 7}, err))
        return SFT_EDATA;
    for (size_t i = 0; i < names->count; i++) {
        const struct gguf_text name = gguf_next_string(&at);
        char *key = mem_printf("%s.%.*s", gguf_template_key, (int)(name.len < 200 ? name.len : 200), name.text);
        const enum sft_status status = put_template(list, g, key, name, err);
        free(key);
        if (status)
            return status;
    }
    strbuf_putc(list, ']');
    return SFT_OK;
}

/* One, or several as transformers writes them. */
static enum sft_status set_templates(json *config, const struct gguf *g, struct sft_err *err)
{
    const struct gguf_value *names;
    struct gguf_text text;
    struct strbuf list = {0};
    json *node = NULL;
    if (gguf_get_array(g, "tokenizer.chat_templates", GGUF_STRING, &names, err) ||
        gguf_get_string(g, gguf_template_key, &text, err))
        return SFT_EDATA;
    if (names && names->count) {
        if (!put_templates(&list, g, names, err) && !json_parse(list.data, list.len, &node, err))
            json_set_node(config, "chat_template", node);
    } else if (text.text) {
        strbuf_add(&list, text.text, text.len);
        strbuf_putc(&list, '\0');
        json_set_string(config, "chat_template", list.data);
    }
    strbuf_free(&list);
    return !names || !names->count || node ? SFT_OK : SFT_EDATA;
}

/* The class reads tokenizer.json as it stands, in every version of transformers. */
static enum sft_status make_config(json *config, const struct source *s, struct sft_err *err)
{
    json_set_string(config, "tokenizer_class", "PreTrainedTokenizerFast");
    json_set_bool(config, "clean_up_tokenization_spaces", false);
    for (size_t i = 0; i < GGUF_NAMED; i++) {
        int32_t id;
        if (get_named(s, i, &id, err))
            return SFT_EDATA;
        if (token(s, id))
            json_set_string(config, tokenizer_special_key[gguf_named[i].name], token(s, id)->content);
    }
    return set_templates(config, s->g, err);
}

/* ---- the whole ---- */

enum sft_status gguf_tokenizer_make(json **tokenizer, json **config, const struct gguf *g, struct sft_err *err)
{
    struct source s = {.g = g, .bos = TOKEN_NONE, .eos = TOKEN_NONE};
    struct strbuf text = {0};
    *tokenizer = NULL;
    *config = json_new_object();
    enum sft_status status = read_source(&s, err);
    if (!status)
        status = put_tokenizer(&s, &text, err);
    if (!status)
        status = json_parse(text.data, text.len, tokenizer, err);
    if (!status)
        status = make_config(*config, &s, err);
    if (status) {
        json_free(*tokenizer);
        json_free(*config);
        *tokenizer = *config = NULL;
    }
    strbuf_free(&text);
    gguf_vocab_free(&s.vocab);
    return status;
}
