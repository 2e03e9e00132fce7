#include "text/tokenizer/pipeline_json.h"

#include <string.h>

/* ---- nodes ---- */

static bool is_absent(const json *node)
{
    return !node || json_is_null(node);
}

static enum sft_status get_type(const json *node, const char **type, struct sft_err *err)
{
    if (!json_is_object(node))
        return sft_fail(err, SFT_EDATA, "expected an object, not %s", json_type_name(node));
    return json_get_string(node, "type", "", type, err);
}

/* A Sequence's parts, or the node itself as the only one (*is_list false). */
static enum sft_status get_parts(const json *node, const char *key, const json **first, bool *is_list,
                                 struct sft_err *err)
{
    const char *type;
    *first = node;
    *is_list = false;
    if (get_type(node, &type, err))
        return err->status;
    if (strcmp(type, "Sequence") != 0)
        return SFT_OK;
    const json *list = json_get(node, key);
    if (!json_is_array(list))
        return sft_fail(err, SFT_EDATA, "%s: expected an array, not %s", key, json_type_name(list));
    *first = json_first(list);
    *is_list = true;
    return SFT_OK;
}

/* {"Regex": "..."} or {"String": "..."}. */
static enum sft_status get_pattern(const json *node, const char **pattern, bool *is_regex, struct sft_err *err)
{
    *pattern = "";
    *is_regex = false;
    const json *holder = json_get(node, "pattern");
    const char *regex = json_string(json_get(holder, "Regex"));
    const char *string = json_string(json_get(holder, "String"));
    if (!regex && !string)
        return sft_fail(err, SFT_EDATA, "pattern: expected {\"Regex\": \"...\"} or {\"String\": \"...\"}");
    *pattern = regex ? regex : string;
    *is_regex = regex != NULL;
    return SFT_OK;
}

/* ---- normalizer ---- */

static enum sft_status read_replace(struct normalizer *normalizer, const json *node, struct sft_err *err)
{
    const char *pattern, *content;
    bool is_regex;
    if (get_pattern(node, &pattern, &is_regex, err) || json_get_string(node, "content", "", &content, err))
        return err->status;
    return normalizer_add_replace(normalizer, pattern, is_regex, content, err);
}

static enum sft_status read_normalizer(struct normalizer *normalizer, const json *node, struct sft_err *err)
{
    const char *type, *prepend;
    const json *part;
    bool is_list;
    if (get_type(node, &type, err))
        return err->status;
    enum sft_status status;
    if (strcmp(type, "Sequence") == 0) {
        if (get_parts(node, "normalizers", &part, &is_list, err))
            return err->status;
        for (status = SFT_OK; part && !status; part = json_next(part))
            status = read_normalizer(normalizer, part, err);
        return status;
    }
    if (strcmp(type, "NFC") == 0)
        status = normalizer_add_nfc(normalizer, err);
    else if (strcmp(type, "Replace") == 0)
        status = read_replace(normalizer, node, err);
    else if (strcmp(type, "Prepend") != 0)
        return sft_fail(err, SFT_EDATA, "'%s' is not supported (NFC, Prepend and Replace are)", type);
    else if (!(status = json_get_string(node, "prepend", "", &prepend, err)))
        status = normalizer_add_prepend(normalizer, prepend, err);
    return status ? sft_context(err, "%s", type) : SFT_OK;
}

/* ---- pre_tokenizer ---- */

static enum sft_status read_choice(const json *node, const char *key, const char *fallback, const char *const *names,
                                   size_t n_names, const char *told, size_t *choice, struct sft_err *err)
{
    const char *name;
    if (json_get_string(node, key, fallback, &name, err))
        return err->status;
    for (*choice = 0; *choice < n_names; ++*choice)
        if (strcmp(name, names[*choice]) == 0)
            return SFT_OK;
    return sft_fail(err, SFT_EDATA, "%s '%s' is not supported (%s)", key, name, told);
}

static enum sft_status read_split(struct pretokenizer *pre, const json *node, struct sft_err *err)
{
    static const char *const names[] = {"Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext"};
    const char *pattern;
    size_t behavior;
    bool invert, is_regex;
    if (read_choice(node, "behavior", "", names, 5,
                    "Isolated, Removed, Contiguous, MergedWithPrevious or MergedWithNext", &behavior, err) ||
        json_get_bool(node, "invert", false, &invert, err) || get_pattern(node, &pattern, &is_regex, err))
        return err->status;
    return pretokenizer_add_split(pre, pattern, is_regex, (enum split_behavior)behavior, invert, err);
}

static enum sft_status get_mark(const json *node, const char **mark, struct sft_err *err)
{
    *mark = "";
    if (json_get_string(node, "replacement", "", mark, err))
        return err->status;
    const size_t len = strlen(*mark);
    if (len == 0 || utf8_decode(*mark, len, NULL, NULL) != len)
        return sft_fail(err, SFT_EDATA, "replacement: expected one character, not '%s'", *mark);
    return SFT_OK;
}

/* add_prefix_space is what prepend_scheme was before there was that; where it is false, tokenizers wants both to say
 * so. */
static enum sft_status read_metaspace_prepend(const json *node, enum metaspace_prepend *prepend, struct sft_err *err)
{
    static const char *const names[] = {"never", "first", "always"};
    size_t choice;
    bool add_prefix_space;
    if (read_choice(node, "prepend_scheme", "always", names, 3, "never, first or always", &choice, err) ||
        json_get_bool(node, "add_prefix_space", true, &add_prefix_space, err))
        return err->status;
    *prepend = (enum metaspace_prepend)choice;
    if (!add_prefix_space && *prepend != METASPACE_NEVER)
        return sft_fail(err, SFT_EDATA, "add_prefix_space is false, but prepend_scheme is '%s'", names[choice]);
    return SFT_OK;
}

static enum sft_status read_metaspace(struct pretokenizer *pre, const json *node, struct sft_err *err)
{
    const char *mark;
    enum metaspace_prepend prepend;
    bool split;
    if (get_mark(node, &mark, err) || read_metaspace_prepend(node, &prepend, err) ||
        json_get_bool(node, "split", true, &split, err))
        return err->status;
    return pretokenizer_add_metaspace(pre, mark, prepend, split, err);
}

static enum sft_status read_digits(struct pretokenizer *pre, const json *node, struct sft_err *err)
{
    bool individual;
    if (json_get_bool(node, "individual_digits", false, &individual, err))
        return err->status;
    return pretokenizer_add_digits(pre, individual, err);
}

static enum sft_status read_byte_level(struct pretokenizer *pre, const json *node, struct sft_err *err)
{
    bool add_prefix_space, use_regex;
    if (json_get_bool(node, "add_prefix_space", true, &add_prefix_space, err) ||
        json_get_bool(node, "use_regex", true, &use_regex, err))
        return err->status;
    return pretokenizer_add_byte_level(pre, add_prefix_space, use_regex, err);
}

static enum sft_status read_stage(struct pretokenizer *pre, const json *node, struct sft_err *err)
{
    static const struct {
        const char *type;
        enum sft_status (*read)(struct pretokenizer *, const json *, struct sft_err *);
    } kinds[] = {{"Split", read_split},
                 {"Digits", read_digits},
                 {"Metaspace", read_metaspace},
                 {"ByteLevel", read_byte_level}};
    const char *type;
    if (get_type(node, &type, err))
        return err->status;
    if (pre->is_byte_level)
        return sft_fail(err, SFT_EDATA, "'%s' is not supported behind ByteLevel", type);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(type, kinds[i].type) == 0)
            return kinds[i].read(pre, node, err) ? sft_context(err, "%s", type) : SFT_OK;
    return sft_fail(err, SFT_EDATA, "'%s' is not supported (Split, Digits, Metaspace and ByteLevel are)", type);
}

static enum sft_status read_pretokenizer(struct pretokenizer *pre, const json *node, struct sft_err *err)
{
    const json *part;
    bool is_list;
    if (get_parts(node, "pretokenizers", &part, &is_list, err))
        return err->status;
    if (!is_list)
        return read_stage(pre, part, err);
    for (; part; part = json_next(part))
        if (read_stage(pre, part, err))
            return err->status;
    return SFT_OK;
}

/* ---- decoder ---- */

static enum sft_status set_mark(struct decoder *decoder, const char *mark, struct sft_err *err)
{
    if (decoder->mark)
        return sft_fail(err, SFT_EDATA, "not supported twice");
    decoder->mark = mem_strdup(mark);
    return SFT_OK;
}

static enum sft_status read_mark(struct decoder *decoder, const json *node, struct sft_err *err)
{
    const char *mark, *content;
    bool is_regex;
    if (get_pattern(node, &mark, &is_regex, err) || json_get_string(node, "content", "", &content, err))
        return err->status;
    if (is_regex || !*mark || strcmp(content, " ") != 0)
        return sft_fail(err, SFT_EDATA, "only that of a string by a blank is supported");
    return set_mark(decoder, mark, err);
}

static enum sft_status read_strip(struct decoder *decoder, const json *node, struct sft_err *err)
{
    const char *content;
    size_t stop;
    if (json_get_string(node, "content", "", &content, err) ||
        json_get_size(node, "start", 0, &decoder->strip, err) || json_get_size(node, "stop", 0, &stop, err))
        return err->status;
    if (strcmp(content, " ") != 0 || stop != 0)
        return sft_fail(err, SFT_EDATA, "only that of blanks at the beginning is supported");
    return SFT_OK;
}

/* Before Fuse a part sees each token alone, behind it all of them as one. */
static enum sft_status read_decoder_part(struct decoder *decoder, const json *node, bool *is_fused, struct sft_err *err)
{
    const char *type;
    if (get_type(node, &type, err))
        return err->status;
    if (strcmp(type, "Fuse") == 0)
        *is_fused = true;
    else if (strcmp(type, "ByteFallback") == 0 && !*is_fused)
        decoder->byte_fallback = true;
    else if (strcmp(type, "Replace") == 0 && !*is_fused)
        return read_mark(decoder, node, err) ? sft_context(err, "Replace") : SFT_OK;
    else if (strcmp(type, "Strip") == 0 && *is_fused && decoder->strip == 0)
        return read_strip(decoder, node, err) ? sft_context(err, "Strip") : SFT_OK;
    else
        return sft_fail(err, SFT_EDATA,
                        "'%s' is not supported in this place (Replace, ByteFallback, Fuse, Strip are, in this order)",
                        type);
    return SFT_OK;
}

static enum sft_status read_metaspace_decoder(struct decoder *decoder, const json *node, struct sft_err *err)
{
    const char *mark;
    enum metaspace_prepend prepend;
    if (get_mark(node, &mark, err) || read_metaspace_prepend(node, &prepend, err))
        return err->status;
    decoder->strips_first_token = prepend != METASPACE_NEVER;
    return set_mark(decoder, mark, err);
}

static enum sft_status read_decoder(struct decoder *decoder, const json *node, struct sft_err *err)
{
    const char *type;
    const json *part;
    bool is_list, is_fused = false;
    if (is_absent(node))
        return sft_fail(err, SFT_EDATA, "none, which puts blanks between tokens, is not supported");
    if (get_type(node, &type, err) || get_parts(node, "decoders", &part, &is_list, err))
        return err->status;
    if (is_list && part && !json_next(part) && !get_type(part, &type, err))
        node = part; /* a list of one */
    decoder->is_byte_level = strcmp(type, "ByteLevel") == 0;
    if (decoder->is_byte_level)
        return SFT_OK;
    if (strcmp(type, "Metaspace") == 0)
        return read_metaspace_decoder(decoder, node, err) ? sft_context(err, "Metaspace") : SFT_OK;
    if (!is_list)
        return sft_fail(err, SFT_EDATA,
                        "'%s' is not supported (ByteLevel, Metaspace, and a Sequence of Replace, ByteFallback, Fuse "
                        "and Strip are)",
                        type);
    for (; part; part = json_next(part))
        if (read_decoder_part(decoder, part, &is_fused, err))
            return err->status;
    return SFT_OK;
}

/* ---- all three ---- */

enum sft_status pipeline_read(struct tokenizer *tok, const json *root, struct sft_err *err)
{
    const json *normalizer = json_get(root, "normalizer"), *pre = json_get(root, "pre_tokenizer");
    if (!is_absent(normalizer) && read_normalizer(&tok->normalizer, normalizer, err))
        return sft_context(err, "normalizer");
    if (!is_absent(pre) && read_pretokenizer(&tok->pre, pre, err))
        return sft_context(err, "pre_tokenizer");
    if (read_decoder(&tok->decoder, json_get(root, "decoder"), err))
        return sft_context(err, "decoder");
    if (tok->pre.is_byte_level != tok->decoder.is_byte_level)
        return sft_fail(err, SFT_EDATA, "ByteLevel in %s, but not in %s, is not supported",
                        tok->pre.is_byte_level ? "pre_tokenizer" : "decoder",
                        tok->pre.is_byte_level ? "decoder" : "pre_tokenizer");
    return SFT_OK;
}
