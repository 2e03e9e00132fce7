#include "text/tokenizer/tokenizer_json.h"

#include "base/io.h"
#include "text/tokenizer/pipeline_json.h"
#include "text/tokenizer/tokenizer_parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- vocabulary ---- */

static enum sft_status set_vocab(struct tokenizer *tok, const json *vocab, struct sft_err *err)
{
    if (!json_is_object(vocab))
        return sft_fail(err, SFT_EDATA, "expected an object of ids, not %s", json_type_name(vocab));
    for (const json *entry = json_first(vocab); entry; entry = json_next(entry)) {
        const char *content = json_key(entry);
        double id = json_number(entry);
        if (!(id >= 0 && id < TOKEN_ID_LIMIT) || id != (double)(size_t)id)
            return sft_fail(err, SFT_EDATA, "'%s': expected an id from 0 to %d", content, TOKEN_ID_LIMIT - 1);
        if ((size_t)id < tok->vocab.n_ids && tok->vocab.tokens[(size_t)id].content)
            return sft_fail(err, SFT_EDATA, "'%s' and '%s' both have id %.0f",
                            tok->vocab.tokens[(size_t)id].content, content, id);
        tokenizer_own(tok, vocab_put(&tok->vocab, (size_t)id, content, strlen(content)));
    }
    return SFT_OK;
}

/* ---- merges ---- */

/* "a b": one blank, exactly. */
static enum sft_status add_merge_line(struct tokenizer *tok, const char *line, size_t len,
                                      struct strbuf *joined, struct sft_err *err)
{
    const char *blank = memchr(line, ' ', len);
    if (!blank || memchr(blank + 1, ' ', (size_t)(line + len - blank - 1)))
        return sft_fail(err, SFT_EDATA, "expected two tokens with a blank between them, not '%.*s'",
                        (int)(len < 80 ? len : 80), line);
    return bpe_model_add_merge(&tok->model, &tok->vocab, line, (size_t)(blank - line), blank + 1,
                                    (size_t)(line + len - blank - 1), joined, err);
}

static enum sft_status read_merge(struct tokenizer *tok, const json *merge, struct strbuf *joined,
                                  struct sft_err *err)
{
    const char *line = json_string(merge);
    if (line)
        return add_merge_line(tok, line, strlen(line), joined, err);
    const char *a = json_string(json_first(merge)), *b = a ? json_string(json_next(json_first(merge))) : NULL;
    if (!json_is_array(merge) || !b || json_size(merge) != 2)
        return sft_fail(err, SFT_EDATA, "expected \"a b\" or [\"a\", \"b\"]");
    tok->merges_are_pairs = true;
    return bpe_model_add_merge(&tok->model, &tok->vocab, a, strlen(a), b, strlen(b), joined, err);
}

static enum sft_status read_merges(struct tokenizer *tok, const json *merges, struct sft_err *err)
{
    if (!json_is_array(merges))
        return sft_fail(err, SFT_EDATA, "model.merges: expected an array, not %s", json_type_name(merges));
    struct strbuf joined = {0};
    enum sft_status status = SFT_OK;
    bpe_model_start(&tok->model, &tok->vocab, tok->pre.is_byte_level, json_size(merges));
    for (const json *merge = json_first(merges); merge && !status; merge = json_next(merge))
        if ((status = read_merge(tok, merge, &joined, err)))
            sft_context(err, "model.merges[%zu]", tok->model.n_merges);
    strbuf_free(&joined);
    return status;
}

/* ---- tokenizer.json ---- */

/* Options of BPE that change the ids and are not done here. */
static enum sft_status refuse_model_options(const json *model, struct sft_err *err)
{
    const char *type, *prefix, *suffix;
    double dropout;
    if (json_get_string(model, "type", "BPE", &type, err) ||
        json_get_string(model, "continuing_subword_prefix", "", &prefix, err) ||
        json_get_string(model, "end_of_word_suffix", "", &suffix, err) ||
        json_get_double(model, "dropout", 0, &dropout, err))
        return err->status;
    if (strcmp(type, "BPE") != 0)
        return sft_fail(err, SFT_EDATA, "a model of type '%s' is not supported, only BPE", type);
    if (*prefix || *suffix || dropout != 0)
        return sft_fail(err, SFT_EDATA, "%s is not supported",
                        *prefix   ? "continuing_subword_prefix"
                        : *suffix ? "end_of_word_suffix"
                                  : "dropout");
    return SFT_OK;
}

static enum sft_status read_unk(struct tokenizer *tok, const json *model, struct sft_err *err)
{
    const char *unk;
    if (json_get_string(model, "unk_token", NULL, &unk, err) ||
        json_get_bool(model, "fuse_unk", false, &tok->model.fuse_unk, err))
        return err->status;
    if (unk)
        tok->model.unk_id = tokenizer_token_id(tok, unk);
    if (unk && tok->model.unk_id == TOKEN_NONE && !bpe_model_has_all_bytes(&tok->model))
        return sft_fail(err, SFT_EDATA, "unk_token: '%s' is not in the vocabulary", unk);
    return SFT_OK;
}

static enum sft_status read_options(struct tokenizer *tok, const json *model, struct sft_err *err)
{
    if (json_get_bool(model, "byte_fallback", false, &tok->model.byte_fallback, err) || read_unk(tok, model, err) ||
        json_get_bool(model, "ignore_merges", false, &tok->model.ignore_merges, err))
        return err->status;
    if (tok->model.of_bytes && tok->model.byte_fallback && !bpe_model_has_all_bytes(&tok->model))
        return sft_fail(err, SFT_EDATA, "byte_fallback is not supported with ByteLevel");
    bpe_model_finish(&tok->model, &tok->vocab);
    return SFT_OK;
}

/* First of all: what the other parts of such a file are is of no interest then. */
static enum sft_status check_model(const json *model, struct sft_err *err)
{
    return json_is_object(model) && refuse_model_options(model, err) ? sft_context(err, "model") : SFT_OK;
}

static enum sft_status read_model(struct tokenizer *tok, const json *model, struct sft_err *err)
{
    if (!json_is_object(model))
        return sft_fail(err, SFT_EDATA, "model: expected an object, not %s", json_type_name(model));
    if (set_vocab(tok, json_get(model, "vocab"), err))
        return sft_context(err, "model.vocab");
    if (read_merges(tok, json_get(model, "merges"), err))
        return err->status;
    return read_options(tok, model, err) ? sft_context(err, "model") : SFT_OK;
}

enum sft_status tokenizer_read_added_token(const json *node, const char **content, struct added_flags *flags,
                                 struct sft_err *err)
{
    *content = json_string(node);
    if (!*content && json_is_object(node)) {
        if (json_get_string(node, "content", NULL, content, err) ||
            json_get_bool(node, "special", flags->special, &flags->special, err) ||
            json_get_bool(node, "normalized", !flags->special, &flags->normalized, err) ||
            json_get_bool(node, "single_word", false, &flags->single_word, err) ||
            json_get_bool(node, "lstrip", false, &flags->lstrip, err) ||
            json_get_bool(node, "rstrip", false, &flags->rstrip, err))
            return err->status;
    }
    if (!*content || !**content)
        return sft_fail(err, SFT_EDATA, "expected a token's content, not %s",
                        *content ? "an empty string" : json_type_name(node));
    return SFT_OK;
}

static enum sft_status read_added(struct tokenizer *tok, const json *node, struct sft_err *err)
{
    const char *content;
    struct added_flags flags = {0};
    double declared = json_number(json_get(node, "id"));
    int32_t id;
    if (tokenizer_read_added_token(node, &content, &flags, err))
        return err->status;
    id = tokenizer_token_id(tok, content);
    if (id != TOKEN_NONE && tok->vocab.tokens[id].is_added)
        return sft_fail(err, SFT_EDATA, "'%s' is there twice", content);
    if (vocab_add(&tok->vocab, content, flags, &id, err))
        return err->status;
    if (declared != (double)id)
        return sft_fail(err, SFT_EDATA, "'%s' has id %.9g here, but its place gives it %d", content, declared,
                        id);
    return SFT_OK;
}

/* A copy of an object without its two bulky members. */
static json *copy_without(const json *object, const char *key1, const char *key2)
{
    json *copy = json_new_object();
    for (const json *child = json_first(object); child; child = json_next(child))
        if (strcmp(json_key(child), key1) != 0 && strcmp(json_key(child), key2) != 0)
            json_set_node(copy, json_key(child), json_copy(child));
    return copy;
}

enum sft_status tokenizer_read_tree(struct tokenizer *tok, const json *root, struct sft_err *err)
{
    if (!json_is_object(root))
        return sft_fail(err, SFT_EDATA, "expected an object, not %s", json_type_name(root));
    const json *model = json_get(root, "model");
    if (check_model(model, err) || pipeline_read(tok, root, err) || read_model(tok, model, err))
        return err->status;
    size_t i = 0;
    for (const json *added = json_first(json_get(root, "added_tokens")); added; added = json_next(added), i++)
        if (read_added(tok, added, err))
            return sft_context(err, "added_tokens[%zu]", i);
    tok->base_json = copy_without(root, "added_tokens", "model");
    json_set_node(tok->base_json, "model", copy_without(json_get(root, "model"), "vocab", "merges"));
    return SFT_OK;
}

enum sft_status tokenizer_read_json(struct tokenizer *tok, const char *path, struct sft_err *err)
{
    json *root = NULL;
    if (json_parse_file(path, &root, err))
        return err->status;
    enum sft_status status = tokenizer_read_tree(tok, root, err);
    json_free(root);
    return status ? sft_in_file(err, path, 0) : SFT_OK;
}

/* ---- vocab.json and merges.txt ---- */

enum sft_status tokenizer_read_vocab(struct tokenizer *tok, const char *path, struct sft_err *err)
{
    json *root = NULL;
    if (json_parse_file(path, &root, err))
        return err->status;
    tok->decoder.is_byte_level = true;
    enum sft_status status = set_vocab(tok, root, err);
    json_free(root);
    return status ? sft_in_file(err, path, 0) : SFT_OK;
}

enum sft_status tokenizer_read_merges(struct tokenizer *tok, const char *path, struct sft_err *err)
{
    struct strbuf text = {0}, joined = {0};
    enum sft_status status = io_read_file(path, &text, err);
    if (status)
        return status;
    size_t n_lines = 1, line = 0;
    for (size_t i = 0; i < text.len; i++)
        n_lines += text.data[i] == '\n';
    bpe_model_start(&tok->model, &tok->vocab, true, n_lines);
    for (size_t i = 0; i < text.len && !status;) {
        const char *start = text.data + i;
        const char *newline = memchr(start, '\n', text.len - i);
        size_t len = newline ? (size_t)(newline - start) : text.len - i;
        i += len + 1;
        line++;
        if (newline && len > 0 && start[len - 1] == '\r')
            len--;
        if (len < 8 || memcmp(start, "#version", 8) != 0)
            status = add_merge_line(tok, start, len, &joined, err);
    }
    strbuf_free(&text);
    strbuf_free(&joined);
    return status ? sft_in_file(err, path, line) : SFT_OK;
}
