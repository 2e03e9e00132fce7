#include "files/gguf/gguf_pre.h"

#include "text/tokenizer/tokenizer_parts.h"

#include <string.h>

#define LLAMA3_SPLIT                                                                                         \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" \
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define QWEN2_SPLIT                                                                                          \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"      \
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define TEKKEN_SPLIT                                                                                         \
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|"             \
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|"             \
    "\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* Of several that cut alike, the first is written. (refact and starcoder are smollm, smaug-bpe is dbrx, olmo is gpt-2
 * behind NFC: llama.cpp tells them apart in nothing that a text becomes.) */
static const struct gguf_pre pres[] = {
    {.name = "gpt-2"},
    {.name = "smollm", .digits = true},
    {.name = "llama-bpe", .split = LLAMA3_SPLIT, .ignore_merges = true, .adds_bos = true},
    {.name = "llama3", .split = LLAMA3_SPLIT, .ignore_merges = true, .adds_bos = true},
    {.name = "llama-v3", .split = LLAMA3_SPLIT, .ignore_merges = true, .adds_bos = true},
    {.name = "qwen2", .split = QWEN2_SPLIT, .nfc = true},
    {.name = "tekken", .split = TEKKEN_SPLIT, .ignore_merges = true, .adds_bos = true},
    {.name = "olmo", .nfc = true},
    {.name = "dbrx", .split = LLAMA3_SPLIT},
    {.name = "smaug-bpe", .split = LLAMA3_SPLIT},
    {.name = "refact", .digits = true},
    {.name = "starcoder", .digits = true},
};
enum { N_PRES = sizeof pres / sizeof *pres };
const char gguf_pre_key[] = "tokenizer.ggml.pre";
const char gguf_pre_names[] =
    "gpt-2, smollm, llama-bpe, llama3, llama-v3, qwen2, tekken, olmo, dbrx, smaug-bpe, refact and starcoder are";

const struct gguf_pre *gguf_pre_find(struct gguf_text name)
{
    for (size_t i = 0; i < N_PRES; i++)
        if (gguf_text_is(name, pres[i].name))
            return &pres[i];
    return NULL;
}

/* ---- of a tokenizer ---- */

static enum sft_status refuse(struct sft_err *err, const char *what)
{
    return sft_fail(err, SFT_EDATA, "tokenizer.json: not written as GGUF: %s", what);
}

/* Whether a stage is a pattern whose matches stand alone. */
static bool is_split_by(const struct split_stage *stage, const char *pattern)
{
    return stage->behavior == SPLIT_ISOLATED && !stage->invert && pattern_is_regex(stage->pattern) &&
           strcmp(pattern_source(stage->pattern), pattern) == 0;
}

static bool cuts_so(const struct pretokenizer *pre, const struct gguf_pre *row)
{
    const char *split = row->split ? row->split : pretokenizer_gpt2_pattern;
    const size_t digits = row->digits;
    return pre->count == digits + 1 && (!digits || is_split_by(&pre->stages[0], pretokenizer_digits_pattern)) &&
           is_split_by(&pre->stages[digits], split);
}

static enum sft_status refuse_cut(const struct pretokenizer *pre, struct sft_err *err)
{
    struct strbuf list = {0};
    for (size_t i = 0; i < pre->count; i++)
        strbuf_printf(&list, "%s'%s'%s", i ? ", then by " : "by ", pattern_source(pre->stages[i].pattern),
                      pre->stages[i].behavior == SPLIT_ISOLATED && !pre->stages[i].invert ? "" : " (not isolated)");
    sft_fail(err, SFT_EDATA,
             "tokenizer.json: not written as GGUF: llama.cpp has no name for how it cuts text into words: %s",
             list.len ? list.data : "not at all");
    strbuf_free(&list);
    return SFT_EDATA;
}

static enum sft_status check_around(const struct tokenizer *tok, struct sft_err *err)
{
    if (tok->normalizer.count > 1 || (tok->normalizer.count == 1 && tok->normalizer.steps[0].kind != NORMALIZE_NFC))
        return refuse(err, "llama.cpp does nothing to text before it is cut, and its normalizer is another than NFC");
    if (tok->pre.metaspace)
        return refuse(err, "llama.cpp knows no bytes behind Metaspace");
    if (tok->pre.add_prefix_space)
        return refuse(err, "llama.cpp puts no blank before a text of bytes, and its add_prefix_space is true");
    return SFT_OK;
}

enum sft_status gguf_pre_of(const struct gguf_pre **pre, const struct tokenizer *tok, struct sft_err *err)
{
    const bool nfc = tok->normalizer.count > 0;
    const struct gguf_pre *other = NULL;
    *pre = NULL;
    if (check_around(tok, err))
        return SFT_EDATA;
    for (size_t i = 0; i < N_PRES; i++) {
        if (!cuts_so(&tok->pre, &pres[i]))
            continue;
        other = &pres[i];
        if (pres[i].ignore_merges == tok->model.ignore_merges && (!*pre || ((*pre)->nfc != nfc && pres[i].nfc == nfc)))
            *pre = &pres[i];
    }
    if (*pre)
        return SFT_OK;
    return other ? sft_fail(err, SFT_EDATA,
                            "tokenizer.json: not written as GGUF: it cuts text as llama.cpp's %s does, but "
                            "ignore_merges is %s", other->name, tok->model.ignore_merges ? "true" : "false")
                 : refuse_cut(&tok->pre, err);
}
