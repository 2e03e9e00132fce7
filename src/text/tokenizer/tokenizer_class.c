#include "text/tokenizer/tokenizer_class.h"

#include "base/path.h"
#include "text/tokenizer/tokenizer_parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- which class ---- */

/* What AutoTokenizer takes: tokenizer_config.json's, config.json's, or that of config.json's model_type.
 * NULL: neither file says. */
static const char *find_class(const json *config, const json *model)
{
    static const char *const gpt2_models[] = {"gpt2", "gpt_neo", "gptj", "codegen", "opt"};
    const char *name = json_string(json_get(config, "tokenizer_class"));
    if (!name)
        name = json_string(json_get(model, "tokenizer_class"));
    const char *type = json_string(json_get(model, "model_type"));
    for (size_t i = 0; !name && type && i < sizeof gpt2_models / sizeof *gpt2_models; i++)
        if (strcmp(type, gpt2_models[i]) == 0)
            name = "GPT2Tokenizer";
    return name;
}

static bool is_one_of(const char *name, const char *const *bases)
{
    for (; *bases; bases++) {
        const size_t len = strlen(*bases);
        if (strncmp(name, *bases, len) == 0 && (!name[len] || strcmp(name + len, "Fast") == 0))
            return true;
    }
    return false;
}

bool tokenizer_is_gpt2_class(const struct tokenizer *tok)
{
    static const char *const gpt2[] = {"GPT2Tokenizer", "CodeGenTokenizer", NULL};
    return !tok->class_name || is_one_of(tok->class_name, gpt2);
}

/* Classes that build a byte-level pipeline of their own, whatever tokenizer.json says. */
enum pipeline { PIPELINE_FILES, PIPELINE_GPT2, PIPELINE_NFC, PIPELINE_QWEN2 };

static enum pipeline pipeline_of_class(const char *name)
{
    static const char *const gpt2[] = {"GPT2Tokenizer", "CodeGenTokenizer", "RobertaTokenizer", "BartTokenizer", NULL};
    static const char *const nfc[] = {"GPTNeoXTokenizer", NULL};
    static const char *const qwen2[] = {"Qwen2Tokenizer", NULL};
    return is_one_of(name, gpt2)    ? PIPELINE_GPT2
           : is_one_of(name, nfc)   ? PIPELINE_NFC
           : is_one_of(name, qwen2) ? PIPELINE_QWEN2
                                    : PIPELINE_FILES;
}

/* The models whose class transformers 5 goes by. For others (SmolLM2, Granite and OLMo 2 name GPT2Tokenizer) what
 * counts is tokenizer.json, which they were trained with: 4 reads it for all, and 5 for most. */
static bool goes_by_class(const char *model_type)
{
    static const char *const models[] = {"gpt2", "gpt_neo", "gptj", "codegen", "opt", "gpt_neox", "qwen2", "qwen3"};
    return model_type && str_is_one_of(model_type, strlen(model_type), models, sizeof models / sizeof *models);
}

enum sft_status tokenizer_read_class(struct tokenizer *tok, const char *dir, struct sft_err *err)
{
    json *model = NULL;
    char *path = path_join(dir, "config.json");
    enum sft_status status = path_exists(path) ? json_parse_file(path, &model, err) : SFT_OK;
    if (!status) {
        const char *name = find_class(tok->base_config, model);
        tok->class_name = name ? mem_strdup(name) : NULL;
        tok->goes_by_class = name && goes_by_class(json_string(json_get(model, "model_type")));
    }
    json_free(model);
    free(path);
    return status;
}

/* ---- tokenizer.json against it ---- */

static bool is_qwen2(const struct tokenizer *tok)
{
    static const char pattern[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
                                  "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    const struct pretokenizer *pre = &tok->pre;
    const json *stage = json_first(json_get(json_get(tok->base_json, "pre_tokenizer"), "pretokenizers"));
    const char *regex = json_string(json_get(json_get(stage, "pattern"), "Regex"));
    return pre->count == 1 && pre->is_byte_level && !pre->add_prefix_space && regex && strcmp(regex, pattern) == 0 &&
           pre->stages[0].behavior == SPLIT_ISOLATED && !pre->stages[0].invert;
}

static bool is_nfc(const struct normalizer *normalizer)
{
    return normalizer->count == 1 && normalizer->steps[0].kind == NORMALIZE_NFC;
}

/* transformers 5 builds the class's own pipeline, 4.57 took the file's. */
static enum sft_status check_pipeline(const struct tokenizer *tok, enum pipeline pipeline, const char *dir,
                                      struct sft_err *err)
{
    const bool needs_unk = tok->model.unk_id >= 0 && !bpe_model_has_all_bytes(&tok->model);
    const bool has_normalizer = pipeline == PIPELINE_GPT2 ? tok->normalizer.count == 0 : is_nfc(&tok->normalizer);
    const bool has_stages = pipeline == PIPELINE_QWEN2 ? is_qwen2(tok) : tok->pre.is_gpt2;
    const char *what = !has_normalizer            ? "normalizer"
                       : !has_stages              ? "pre_tokenizer"
                       : tok->model.ignore_merges ? "ignore_merges"
                       : needs_unk                ? "unk_token"
                                                  : NULL;
    if (!what)
        return SFT_OK;
    return sft_fail(
        err, SFT_EDATA,
        "%s/tokenizer.json: %s is not what tokenizer_config.json's tokenizer_class, %s, builds (transformers "
        "4 uses the file's, 5 the class's; write \"tokenizer_class\": \"PreTrainedTokenizerFast\" into "
        "tokenizer_config.json for the file's)",
        dir, what, tok->class_name);
}

/* Both versions: add_prefix_space is tokenizer_config.json's, false where it has none. */
static enum sft_status take_prefix_space(struct tokenizer *tok, struct sft_err *err)
{
    static const char byte_level[] =
        "{\"type\": \"ByteLevel\", \"add_prefix_space\": %s, \"trim_offsets\": true, "
        "\"use_regex\": true}";
    bool wanted;
    json *node = NULL;
    if (json_get_bool(tok->base_config, "add_prefix_space", false, &wanted, err))
        return err->status;
    if (wanted == tok->pre.add_prefix_space)
        return SFT_OK;
    struct strbuf text = {0};
    tok->pre.add_prefix_space = wanted;
    strbuf_printf(&text, byte_level, wanted ? "true" : "false");
    const enum sft_status status = json_parse(text.data, text.len, &node, err);
    if (!status)
        json_set_node(tok->base_json, "pre_tokenizer", node);
    strbuf_free(&text);
    return status;
}

/* An added token of tokenizer.json against its entry in added_tokens_decoder, which may be missing. */
static enum sft_status check_token(const struct token *t, const json *declared, const char *dir,
                                   struct sft_err *err)
{
    if (!declared)
        return sft_fail(
            err, SFT_EDATA,
            "%s: '%s' is an added token in tokenizer.json, but not in tokenizer_config.json's "
            "added_tokens_decoder (transformers 4 knows it, 5 does not; add it there, or take it out "
            "of tokenizer.json)",
            dir, t->content);
    if (t->flags.special && !json_is_true(json_get(declared, "special")))
        return sft_fail(err, SFT_EDATA,
                        "%s: '%s' is special in tokenizer.json, but not in tokenizer_config.json's "
                        "added_tokens_decoder (make them agree)",
                        dir, t->content);
    return SFT_OK;
}

/* Where there is an added_tokens_decoder, version 5 takes no added token of tokenizer.json's; 4.57 took
 * them all. */
static enum sft_status check_added(const struct tokenizer *tok, const char *dir, struct sft_err *err)
{
    const json *decoder = json_get(tok->base_config, "added_tokens_decoder");
    const json **declared = mem_calloc(tok->vocab.n_ids + 1, sizeof *declared); /* by id */
    enum sft_status status = SFT_OK;
    for (const json *child = json_first(decoder); child; child = json_next(child)) {
        const char *content = json_string(json_get(child, "content"));
        const int32_t id = content ? tokenizer_token_id(tok, content) : TOKEN_NONE;
        if (id != TOKEN_NONE)
            declared[id] = child;
    }
    for (size_t id = 0; decoder && id < tok->vocab.n_ids && !status; id++)
        if (tok->vocab.tokens[id].is_added)
            status = check_token(&tok->vocab.tokens[id], declared[id], dir, err);
    free(declared);
    return status;
}

enum sft_status tokenizer_reconcile(struct tokenizer *tok, const char *dir, struct sft_err *err)
{
    const enum pipeline pipeline = tok->goes_by_class ? pipeline_of_class(tok->class_name) : PIPELINE_FILES;
    if (!tok->base_json || pipeline == PIPELINE_FILES)
        return SFT_OK;
    if (check_pipeline(tok, pipeline, dir, err) || check_added(tok, dir, err))
        return err->status;
    if (pipeline == PIPELINE_QWEN2)
        return SFT_OK;
    return take_prefix_space(tok, err) ? sft_in_dir(err, dir, "tokenizer_config.json") : SFT_OK;
}
