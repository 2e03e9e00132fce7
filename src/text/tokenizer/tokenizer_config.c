#include "text/tokenizer/tokenizer_config.h"

#include "base/io.h"
#include "text/tokenizer/tokenizer_class.h"
#include "text/tokenizer/tokenizer_json.h"
#include "text/tokenizer/tokenizer_parts.h"

#include <stdlib.h>
#include <string.h>

static const char GPT2_SPECIAL[] = "<|endoftext|>"; /* transformers' GPT2Tokenizer: bos, eos and unk */

const char *const tokenizer_special_key[N_SPECIAL_NAMES] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                  "pad_token", "cls_token", "mask_token"};

/* ---- files ---- */

/* *root stays NULL where dir has no such file, or where this fails. */
static enum sft_status read_object(const char *dir, const char *name, json **root, struct sft_err *err)
{
    char *path = path_join(dir, name);
    enum sft_status status = SFT_OK;
    if (path_exists(path)) {
        status = json_parse_file(path, root, err);
        if (!status && !json_is_object(*root)) {
            status = sft_fail(err, SFT_EDATA, "%s: expected an object, not %s", path, json_type_name(*root));
            json_free(*root);
            *root = NULL;
        }
    }
    free(path);
    return status;
}

/* ---- added tokens by id ---- */

struct declared {
    size_t id;
    const char *content;
    struct added_flags flags;
};

static int by_id(const void *a, const void *b)
{
    size_t x = ((const struct declared *)a)->id, y = ((const struct declared *)b)->id;
    return (x > y) - (x < y);
}

static enum sft_status add_declared(struct tokenizer *tok, struct declared *declared, size_t count,
                                    struct sft_err *err)
{
    qsort(declared, count, sizeof *declared, by_id);
    for (size_t i = 0; i < count; i++) {
        int32_t id;
        const bool is_known = tokenizer_token_id(tok, declared[i].content) != TOKEN_NONE;
        if (vocab_add(&tok->vocab, declared[i].content, declared[i].flags, &id, err))
            return err->status;
        if ((size_t)id != declared[i].id)
            return sft_fail(err, SFT_EDATA, "'%s' has id %zu here, but %s %d", declared[i].content,
                            declared[i].id,
                            is_known && tok->base_json ? "in tokenizer.json it has"
                            : is_known                 ? "in vocab.json it has"
                            : tok->base_json           ? "its place behind tokenizer.json's gives it"
                                                       : "its place gives it",
                            id);
    }
    return SFT_OK;
}

static enum sft_status parse_id(const char *text, size_t *id, struct sft_err *err)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value >= TOKEN_ID_LIMIT)
        return sft_fail(err, SFT_EDATA, "expected an id from 0 to %d", TOKEN_ID_LIMIT - 1);
    *id = (size_t)value;
    return SFT_OK;
}

/* tokenizer_config.json's {"50257": {"content": ...}, ...}. */
static enum sft_status read_decoder(struct tokenizer *tok, const json *node, struct sft_err *err)
{
    size_t count = 0;
    enum sft_status status = SFT_OK;
    struct declared *declared = mem_calloc(json_size(node) + 1, sizeof *declared);
    for (const json *child = json_first(node); child && !status; child = json_next(child), count++)
        if ((status = parse_id(json_key(child), &declared[count].id, err)) ||
            (status = tokenizer_read_added_token(child, &declared[count].content, &declared[count].flags, err)))
            sft_context(err, "%s", json_key(child));
    if (!status)
        status = add_declared(tok, declared, count, err);
    free(declared);
    return status ? sft_context(err, "added_tokens_decoder") : SFT_OK;
}

static const char *content_of(const json *node)
{
    const char *content = json_string(node);
    return content ? content : json_string(json_get(node, "content"));
}

/* The special tokens without names, a list or an object. */
static const json *extra_tokens(const json *config)
{
    const json *extra = json_get(config, "extra_special_tokens");
    return json_size(extra) > 0 ? extra : json_get(config, "additional_special_tokens");
}

static bool is_named(const json *config, const char *content)
{
    for (size_t i = 0; i < N_SPECIAL_NAMES; i++) {
        const char *name = content_of(json_get(config, tokenizer_special_key[i]));
        if (name && strcmp(name, content) == 0)
            return true;
    }
    for (const json *child = json_first(extra_tokens(config)); child; child = json_next(child)) {
        const char *extra = content_of(child);
        if (extra && strcmp(extra, content) == 0)
            return true;
    }
    return false;
}

/* added_tokens.json's {"<x>": 50257, ...}, as older tokenizers wrote it. What tokenizer.json has added
 * stays as it is. */
static enum sft_status read_added_tokens_json(struct tokenizer *tok, const char *dir, const json *config,
                                              struct sft_err *err)
{
    json *root = NULL;
    if (read_object(dir, "added_tokens.json", &root, err))
        return err->status;
    enum sft_status status = SFT_OK;
    size_t count = 0;
    struct declared *declared = mem_calloc(json_size(root) + 1, sizeof *declared);
    for (const json *child = json_first(root); child && !status; child = json_next(child)) {
        double id = json_number(child);
        bool special = is_named(config, json_key(child));
        if (tokenizer_is_added(tok, tokenizer_token_id(tok, json_key(child))))
            continue;
        if (!(id >= 0 && id < TOKEN_ID_LIMIT))
            status = sft_fail(err, SFT_EDATA, "'%s': expected an id from 0 to %d", json_key(child),
                              TOKEN_ID_LIMIT - 1);
        else
            declared[count++] = (struct declared){
                (size_t)id, json_key(child), {.special = special, .normalized = !special}};
    }
    if (!status)
        status = add_declared(tok, declared, count, err);
    free(declared);
    json_free(root);
    return status ? sft_in_dir(err, dir, "added_tokens.json") : SFT_OK;
}

/* ---- named tokens ---- */

/* A special token by its node; it is added if it is not an added one yet. One that has a name is special whatever
 * tokenizer.json says; one of a list stays as it is there (transformers 5). */
static enum sft_status add_special(struct tokenizer *tok, const json *node, bool has_name, int32_t *id,
                                   struct sft_err *err)
{
    const char *content;
    struct added_flags flags = {.special = true};
    if (tokenizer_read_added_token(node, &content, &flags, err))
        return err->status;
    flags.special = true;
    *id = tokenizer_token_id(tok, content);
    if (*id != TOKEN_NONE && tok->vocab.tokens[*id].is_added) {
        tok->vocab.tokens[*id].flags.special |= has_name;
        return SFT_OK;
    }
    return vocab_add(&tok->vocab, content, flags, id, err);
}

static enum sft_status read_named(struct tokenizer *tok, const json *config, struct sft_err *err)
{
    for (size_t i = 0; i < N_SPECIAL_NAMES; i++) {
        const json *node = json_get(config, tokenizer_special_key[i]);
        if (node && !json_is_null(node)) {
            if (add_special(tok, node, true, &tok->named[i], err))
                return sft_context(err, "%s", tokenizer_special_key[i]);
        } else if (!node && i <= SPECIAL_UNK && tokenizer_is_gpt2_class(tok)) {
            /* GPT2Tokenizer adds what it lacks; where no file names a class, what is not there is not meant
             * */
            tok->named[i] = tokenizer_token_id(tok, GPT2_SPECIAL);
            const bool is_added = tokenizer_is_added(tok, tok->named[i]);
            if (!is_added && (tok->class_name || tok->named[i] != TOKEN_NONE) &&
                vocab_add(&tok->vocab, GPT2_SPECIAL, (struct added_flags){.special = true}, &tok->named[i], err))
                return sft_context(err, "%s", tokenizer_special_key[i]);
        }
    }
    return SFT_OK;
}

/* Tokens of other names, "image_token", and those of lists without names. */
static enum sft_status read_extra(struct tokenizer *tok, const json *config, struct sft_err *err)
{
    int32_t id;
    for (const json *child = json_first(config); child; child = json_next(child)) {
        size_t len = strlen(json_key(child));
        bool is_token = len > 6 && strcmp(json_key(child) + len - 6, "_token") == 0 && content_of(child);
        if (is_token && add_special(tok, child, true, &id, err))
            return sft_context(err, "%s", json_key(child));
    }
    const json *extra = extra_tokens(config);
    for (const json *child = json_first(extra); child; child = json_next(child))
        if (add_special(tok, child, json_is_object(extra), &id, err))
            return sft_context(err, "extra_special_tokens");
    return SFT_OK;
}

/* ---- what stands before a text ---- */

/* The content that a post-processor puts first; NULL: nothing. (transformers' BertProcessing and
 * RobertaProcessing have it as `cls`.) */
static enum sft_status first_of_processor(const json *node, const char **first, struct sft_err *err)
{
    const char *type = json_string(json_get(node, "type"));
    *first = NULL;
    if (!type)
        return SFT_OK;
    if (strcmp(type, "Sequence") == 0) {
        for (const json *child = json_first(json_get(node, "processors")); child && !*first;
             child = json_next(child))
            if (first_of_processor(child, first, err))
                return err->status;
        return SFT_OK;
    }
    if (strcmp(type, "RobertaProcessing") == 0 || strcmp(type, "BertProcessing") == 0) {
        *first = json_string(json_first(json_get(node, "cls")));
        return SFT_OK;
    }
    const json *item = json_first(json_get(node, "single"));
    *first = json_string(json_get(json_get(item, "SpecialToken"), "id"));
    if (*first && json_get(json_next(item), "SpecialToken"))
        return sft_fail(err, SFT_EDATA, "post_processor: more than one token before a text is not supported");
    return SFT_OK;
}

/* transformers: the post-processor of tokenizer.json where there is that file, else add_bos_token. */
static enum sft_status read_text_start(struct tokenizer *tok, struct sft_err *err)
{
    const char *first = NULL;
    bool add_bos_token = false;
    if (tok->base_json) {
        if (first_of_processor(json_get(tok->base_json, "post_processor"), &first, err))
            return err->status;
        tok->text_start = first ? tokenizer_token_id(tok, first) : TOKEN_NONE;
        if (first && tok->text_start == TOKEN_NONE)
            return sft_fail(err, SFT_EDATA, "post_processor: '%s' is no token", first);
        return SFT_OK;
    }
    if (json_get_bool(tok->base_config, "add_bos_token", false, &add_bos_token, err))
        return err->status;
    tok->text_start = add_bos_token ? tok->named[SPECIAL_BOS] : TOKEN_NONE;
    return SFT_OK;
}

/* ---- the chat template ---- */

/* One template, or several: [{"name": "default", "template": ...}, ...]. */
const char *tokenizer_config_chat_template(const json *config)
{
    const json *node = json_get(config, "chat_template");
    for (const json *child = json_is_array(node) ? json_first(node) : NULL; child; child = json_next(child)) {
        const char *name = json_string(json_get(child, "name"));
        if (name && strcmp(name, "default") == 0)
            return json_string(json_get(child, "template"));
    }
    return json_string(node);
}

static void take_chat_template(struct tokenizer *tok)
{
    tokenizer_set_chat_template(tok, tokenizer_config_chat_template(tok->base_config));
    tok->has_only_named_templates = !tok->chat_template && json_size(json_get(tok->base_config, "chat_template"));
}

static enum sft_status read_chat_template(struct tokenizer *tok, const char *dir, struct sft_err *err)
{
    char *path = path_join(dir, "chat_template.jinja");
    struct strbuf text = {0};
    enum sft_status status = SFT_OK;
    if (path_exists(path)) {
        status = io_read_file(path, &text, err);
        tokenizer_set_chat_template(tok, text.len ? text.data : "");
        tok->chat_template_file = path;
    } else {
        take_chat_template(tok);
        tok->chat_template_file = path_join(dir, "tokenizer_config.json");
        free(path);
    }
    strbuf_free(&text);
    return status;
}

/* ---- all of it ---- */

/* GPT-2's two files say nothing of their pre-tokeniser: GPT2Tokenizer knows it. */
static enum sft_status set_gpt2_pretokenizer(struct tokenizer *tok, struct sft_err *err)
{
    bool add_prefix_space;
    if (!tokenizer_is_gpt2_class(tok))
        return sft_fail(err, SFT_EDATA, "tokenizer_class: '%s' is not supported without a tokenizer.json",
                        tok->class_name);
    if (json_get_bool(tok->base_config, "add_prefix_space", false, &add_prefix_space, err))
        return err->status;
    return tokenizer_set_gpt2(tok, add_prefix_space, err);
}

/* What stood beside tokenizer_config.json before added_tokens_decoder took its place. */
static enum sft_status read_older_files(struct tokenizer *tok, const char *dir, struct sft_err *err)
{
    json *map = NULL;
    enum sft_status status = read_object(dir, "special_tokens_map.json", &map, err);
    for (const json *child = status ? NULL : json_first(map); child; child = json_next(child))
        json_set_node(tok->base_config, json_key(child), json_copy(child));
    json_free(map);
    if (!status)
        status = read_added_tokens_json(tok, dir, tok->base_config, err);
    return status;
}

static enum sft_status use_config(struct tokenizer *tok, struct sft_err *err)
{
    const json *decoder = json_get(tok->base_config, "added_tokens_decoder");
    if ((decoder && read_decoder(tok, decoder, err)) ||
        (!tok->base_json && set_gpt2_pretokenizer(tok, err)) || read_named(tok, tok->base_config, err))
        return err->status;
    return read_extra(tok, tok->base_config, err);
}

enum sft_status tokenizer_read_config(struct tokenizer *tok, const char *dir, struct sft_err *err)
{
    if (read_object(dir, "tokenizer_config.json", &tok->base_config, err))
        return err->status;
    if (!tok->base_config)
        tok->base_config = json_new_object();
    if (tokenizer_read_class(tok, dir, err) || tokenizer_reconcile(tok, dir, err))
        return err->status;
    if (!json_get(tok->base_config, "added_tokens_decoder") && read_older_files(tok, dir, err))
        return err->status;
    if (use_config(tok, err))
        return sft_in_dir(err, dir, "tokenizer_config.json");
    if (read_text_start(tok, err))
        return sft_in_dir(err, dir, tok->base_json ? "tokenizer.json" : "tokenizer_config.json");
    return read_chat_template(tok, dir, err);
}

enum sft_status tokenizer_take_config(struct tokenizer *tok, const json *config, struct sft_err *err)
{
    const char *name = json_string(json_get(config, "tokenizer_class"));
    tok->base_config = json_copy(config);
    tok->class_name = name ? mem_strdup(name) : NULL;
    if (use_config(tok, err) || read_text_start(tok, err))
        return err->status;
    take_chat_template(tok);
    return SFT_OK;
}
