/* What was in the base's files and is not ours stays; the long lists are printed one token a line, as Hugging Face
 * prints them. */
#include "text/tokenizer/tokenizer_save.h"

#include "base/io.h"
#include "text/tokenizer/tokenizer_class.h"
#include "text/tokenizer/tokenizer_config.h"
#include "text/tokenizer/tokenizer_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What tokenizer.json says besides its lists, where the base had only vocab.json and merges.txt. */
static const char GPT2_JSON[] =
    "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, \"normalizer\": null,"
    " \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": %s, \"trim_offsets\": true, "
    "\"use_regex\": true},"
    " \"post_processor\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": false, "
    "\"use_regex\": true},"
    " \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, "
    "\"use_regex\": true},"
    " \"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, \"continuing_subword_prefix\": "
    "\"\","
    " \"end_of_word_suffix\": \"\", \"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": "
    "false}}";

static enum sft_status write_file(const char *dir, const char *name, const struct strbuf *text,
                                  struct sft_err *err)
{
    char *path = path_join(dir, name);
    enum sft_status status = io_write_file(path, text->data, text->len, err);
    free(path);
    return status;
}

/* ---- the lists ---- */

/* Hugging Face numbers added tokens from the number of the model's tokens on. Where the model's ids have
 * holes that gives other ids than ours, and the added tokens are written into the vocabulary as well. */
static bool is_written_in_vocab(const struct tokenizer *tok, const struct token *t)
{
    return t->in_model || (t->content && tokenizer_model_vocab_size(tok) != tok->vocab.n_model);
}

static void put_vocab(const struct tokenizer *tok, const char *indent, const char *colon, struct strbuf *out)
{
    bool first = true;
    strbuf_putc(out, '{');
    for (size_t id = 0; id < tok->vocab.n_ids; id++) {
        const struct token *t = &tok->vocab.tokens[id];
        if (!is_written_in_vocab(tok, t))
            continue;
        strbuf_puts(out, first ? "" : ",");
        strbuf_puts(out, indent);
        strbuf_json_string(out, t->content, t->content_len);
        strbuf_printf(out, "%s%zu", colon, id);
        first = false;
    }
}

static void put_merges_json(const struct tokenizer *tok, struct strbuf *out)
{
    struct strbuf line = {0};
    strbuf_putc(out, '[');
    for (size_t i = 0; i < tok->model.n_merges; i++) {
        const struct token *a = &tok->vocab.tokens[tok->model.merges[i][0]],
                           *b = &tok->vocab.tokens[tok->model.merges[i][1]];
        strbuf_puts(out, i > 0 ? ",\n      " : "\n      ");
        if (tok->merges_are_pairs) {
            strbuf_puts(out, "[\n        ");
            strbuf_json_string(out, a->content, a->content_len);
            strbuf_puts(out, ",\n        ");
            strbuf_json_string(out, b->content, b->content_len);
            strbuf_puts(out, "\n      ]");
        } else {
            strbuf_clear(&line);
            strbuf_printf(&line, "%s %s", a->content, b->content);
            strbuf_json_string(out, line.data, line.len);
        }
    }
    strbuf_puts(out, "\n    ]");
    strbuf_free(&line);
}

static void put_flags(const struct token *t, json *object)
{
    json_set_string(object, "content", t->content);
    json_set_bool(object, "lstrip", t->flags.lstrip);
    json_set_bool(object, "normalized", t->flags.normalized);
    json_set_bool(object, "rstrip", t->flags.rstrip);
    json_set_bool(object, "single_word", t->flags.single_word);
    json_set_bool(object, "special", t->flags.special);
}

/* A node, its lines moved to the right. No string holds a raw newline. */
static void put_node(const json *node, const char *indent, struct strbuf *out)
{
    struct strbuf text = {0};
    json_print(node, &text);
    for (size_t i = 0; i < text.len; i++) {
        strbuf_putc(out, text.data[i]);
        if (text.data[i] == '\n' && i + 1 < text.len)
            strbuf_puts(out, indent);
    }
    while (out->len > 0 && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
    strbuf_free(&text);
}

static void put_added(const struct tokenizer *tok, struct strbuf *out)
{
    bool first = true;
    strbuf_putc(out, '[');
    for (size_t id = 0; id < tok->vocab.n_ids; id++) {
        if (!tok->vocab.tokens[id].is_added)
            continue;
        json *object = json_new_object();
        json_set_number(object, "id", (double)id);
        put_flags(&tok->vocab.tokens[id], object);
        strbuf_puts(out, first ? "\n    " : ",\n    ");
        put_node(object, "    ", out);
        json_free(object);
        first = false;
    }
    strbuf_puts(out, first ? "]" : "\n  ]");
}

/* ---- files ---- */

static void put_key(const char *key, const char *indent, struct strbuf *out)
{
    strbuf_puts(out, indent);
    strbuf_json_string(out, key, strlen(key));
    strbuf_puts(out, ": ");
}

static void put_tokenizer_json(const struct tokenizer *tok, const json *base, struct strbuf *out)
{
    strbuf_putc(out, '{');
    for (const json *child = json_first(base); child; child = json_next(child))
        if (strcmp(json_key(child), "model") != 0) {
            put_key(json_key(child), "\n  ", out);
            put_node(child, "  ", out);
            strbuf_putc(out, ',');
        }
    put_key("added_tokens", "\n  ", out);
    put_added(tok, out);
    strbuf_puts(out, ",\n  \"model\": {");
    for (const json *child = json_first(json_get(base, "model")); child; child = json_next(child)) {
        put_key(json_key(child), "\n    ", out);
        put_node(child, "    ", out);
        strbuf_putc(out, ',');
    }
    put_key("vocab", "\n    ", out);
    put_vocab(tok, "\n      ", ": ", out);
    strbuf_puts(out, "\n    },");
    put_key("merges", "\n    ", out);
    put_merges_json(tok, out);
    strbuf_puts(out, "\n  }\n}\n");
}

/* BOS before a text, as transformers writes add_bos_token. */
static enum sft_status set_text_start(const struct tokenizer *tok, json *root, struct sft_err *err)
{
    struct strbuf name = {0}, text = {0};
    json *node = NULL;
    const struct token *t = &tok->vocab.tokens[tok->text_start];
    strbuf_json_string(&name, t->content, t->content_len);
    strbuf_puts(&text, "{\"type\": \"TemplateProcessing\", \"single\": [");
    strbuf_printf(&text, "{\"SpecialToken\": {\"id\": %s, \"type_id\": 0}}, ", name.data);
    strbuf_puts(&text, "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"pair\": [");
    strbuf_printf(&text, "{\"SpecialToken\": {\"id\": %s, \"type_id\": 0}}, ", name.data);
    strbuf_puts(&text, "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}, ");
    strbuf_printf(&text, "{\"SpecialToken\": {\"id\": %s, \"type_id\": 1}}, ", name.data);
    strbuf_puts(&text, "{\"Sequence\": {\"id\": \"B\", \"type_id\": 1}}], ");
    strbuf_printf(&text, "\"special_tokens\": {%s: {\"id\": %s, \"ids\": [%d], \"tokens\": [%s]}}}",
                  name.data, name.data, tok->text_start, name.data);
    const enum sft_status status = json_parse(text.data, text.len, &node, err);
    if (!status)
        json_set_node(root, "post_processor", node);
    strbuf_free(&name);
    strbuf_free(&text);
    return status;
}

static enum sft_status save_tokenizer_json(const struct tokenizer *tok, const char *dir, struct sft_err *err)
{
    struct strbuf text = {0}, gpt2 = {0};
    json *made = NULL;
    enum sft_status status = SFT_OK;
    if (!tok->base_json) {
        strbuf_printf(&gpt2, GPT2_JSON, tok->pre.add_prefix_space ? "true" : "false");
        status = json_parse(gpt2.data, gpt2.len, &made, err);
        if (!status && tok->text_start != TOKEN_NONE)
            status = set_text_start(tok, made, err);
    }
    if (!status) {
        put_tokenizer_json(tok, made ? made : tok->base_json, &text);
        status = write_file(dir, "tokenizer.json", &text, err);
    }
    json_free(made);
    strbuf_free(&gpt2);
    strbuf_free(&text);
    return status;
}

static enum sft_status save_vocab_and_merges(const struct tokenizer *tok, const char *dir,
                                             struct sft_err *err)
{
    struct strbuf text = {0};
    put_vocab(tok, "", ":", &text);
    strbuf_putc(&text, '}');
    enum sft_status status = write_file(dir, "vocab.json", &text, err);
    strbuf_clear(&text);
    strbuf_puts(&text, "#version: 0.2\n");
    for (size_t i = 0; i < tok->model.n_merges; i++)
        strbuf_printf(&text, "%s %s\n", tok->vocab.tokens[tok->model.merges[i][0]].content,
                      tok->vocab.tokens[tok->model.merges[i][1]].content);
    if (!status)
        status = write_file(dir, "merges.txt", &text, err);
    strbuf_free(&text);
    return status;
}

/* GPT2Tokenizer where it is one; any other class may build another pipeline than tokenizer.json's, which
 * says all, so that the class is named that reads it. */
static const char *tokenizer_class(const struct tokenizer *tok)
{
    const char *base = json_string(json_get(tok->base_config, "tokenizer_class"));
    bool is_plain = tok->pre.is_gpt2 && tok->normalizer.count == 0 && !tok->model.ignore_merges &&
                    tok->model.unk_id == TOKEN_NONE;
    return is_plain && tokenizer_is_gpt2_class(tok) ? base ? base : "GPT2Tokenizer"
                                                    : "PreTrainedTokenizerFast";
}

/* Tokens as plain strings: added_tokens_decoder has their flags. */
static enum sft_status set_strings(json *config, const char *key, const json *list, struct sft_err *err)
{
    struct strbuf text = {0};
    json *node = NULL;
    strbuf_putc(&text, '[');
    for (const json *child = json_first(list); child; child = json_next(child)) {
        const char *content = json_string(child) ? json_string(child)
                                                 : json_string(json_get(child, "content"));
        if (!content)
            continue;
        strbuf_puts(&text, text.len > 1 ? "," : "");
        strbuf_json_string(&text, content, strlen(content));
    }
    strbuf_putc(&text, ']');
    enum sft_status status = json_parse(text.data, text.len, &node, err);
    if (!status)
        json_set_node(config, key, node);
    strbuf_free(&text);
    return status;
}

static enum sft_status set_plain_tokens(const struct tokenizer *tok, json *config, struct sft_err *err)
{
    for (const json *child = json_first(tok->base_config); child; child = json_next(child)) {
        const char *key = json_key(child), *content = json_string(json_get(child, "content"));
        size_t len = strlen(key);
        if (content && len > 6 && strcmp(key + len - 6, "_token") == 0)
            json_set_string(config, key, content);
        bool is_list = strcmp(key, "extra_special_tokens") == 0 ||
                       strcmp(key, "additional_special_tokens") == 0;
        if (is_list && json_is_array(child) && set_strings(config, key, child, err))
            return err->status;
    }
    return SFT_OK;
}

/* Null where GPT2Tokenizer would otherwise take its default. */
static void set_named_tokens(const struct tokenizer *tok, json *object, bool with_nulls)
{
    for (size_t i = 0; i < N_SPECIAL_NAMES; i++)
        if (tok->named[i] != TOKEN_NONE)
            json_set_string(object, tokenizer_special_key[i], tok->vocab.tokens[tok->named[i]].content);
        else if (with_nulls && i <= SPECIAL_UNK)
            json_set_null(object, tokenizer_special_key[i]);
        else
            json_remove(object, tokenizer_special_key[i]);
}

static json *added_tokens_decoder(const struct tokenizer *tok)
{
    json *decoder = json_new_object();
    char key[24];
    for (size_t id = 0; id < tok->vocab.n_ids; id++)
        if (tok->vocab.tokens[id].is_added) {
            json *object = json_new_object();
            put_flags(&tok->vocab.tokens[id], object);
            snprintf(key, sizeof key, "%zu", id);
            json_set_node(decoder, key, object);
        }
    return decoder;
}

static void set_chat_template(const struct tokenizer *tok, json *config)
{
    const char *base = tokenizer_config_chat_template(tok->base_config);
    if (!tok->chat_template)
        json_remove(config, "chat_template");
    else if (!base || strcmp(base, tok->chat_template) != 0) /* else it may be one of several, all kept */
        json_set_string(config, "chat_template", tok->chat_template);
}

static enum sft_status save_config(const struct tokenizer *tok, const char *dir, size_t model_max_length,
                                   struct sft_err *err)
{
    json *config = json_copy(tok->base_config), *map = json_new_object();
    struct strbuf text = {0};
    enum sft_status status = set_plain_tokens(tok, config, err);
    if (status)
        goto out;
    set_named_tokens(tok, config, true);
    set_named_tokens(tok, map, false);
    json_set_node(config, "added_tokens_decoder", added_tokens_decoder(tok));
    if (model_max_length > 0)
        json_set_number(config, "model_max_length", (double)model_max_length);
    json_set_string(config, "tokenizer_class", tokenizer_class(tok));
    if (tok->pre.is_byte_level)
        json_set_bool(config, "add_prefix_space", tok->pre.add_prefix_space);
    json_remove(config, "split_special_tokens"); /* a template's control tokens are tokens */
    json_remove(config, "add_bos_token"); /* tokenizer.json says what is put before a text, and after it */
    json_remove(config, "add_eos_token");
    set_chat_template(tok, config);
    json_print(config, &text);
    status = write_file(dir, "tokenizer_config.json", &text, err);
    strbuf_clear(&text);
    const json *extra = json_get(config, "additional_special_tokens");
    if (extra)
        json_set_node(map, "additional_special_tokens", json_copy(extra));
    json_print(map, &text);
    if (!status)
        status = write_file(dir, "special_tokens_map.json", &text, err);
out:
    json_free(config);
    json_free(map);
    strbuf_free(&text);
    return status;
}

enum sft_status tokenizer_save(const struct tokenizer *tok, const char *dir, size_t model_max_length,
                               struct sft_err *err)
{
    struct sft_err unheard;
    if (!err)
        err = &unheard;
    enum sft_status status = save_tokenizer_json(tok, dir, err);
    if (!status && tok->model.of_bytes) /* no class reads SentencePiece's from them */
        status = save_vocab_and_merges(tok, dir, err);
    return status ? status : save_config(tok, dir, model_max_length, err);
}
