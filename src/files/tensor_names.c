#include "files/tensor_names.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "model/block/tensors.h"

#include <stdlib.h>
#include <string.h>

/* ---- one name ---- */

/* What torch.compile, FSDP and checkpointing put before a module's name wherever they wrap one. */
static const char *const wrappers_anywhere[] = {"_orig_mod.", "_fsdp_wrapped_module.",
                                                "_checkpoint_wrapped_module."};
/* What a class puts before the names of the model that it holds: DDP, Lightning, PEFT, TRL. */
static const char *const wrappers_in_front[] = {"module.", "base_model.model.", "base_model.", "model.",
                                                "pretrained_model.", "language_model."};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static void cut_out(char *at, size_t len)
{
    memmove(at, at + len, strlen(at + len) + 1);
}

static char *unwrap(const char *name)
{
    char *bare = mem_strdup(name);
    for (size_t i = 0; i < COUNT(wrappers_anywhere); i++)
        for (char *at; (at = strstr(bare, wrappers_anywhere[i])) && (at == bare || at[-1] == '.');)
            cut_out(at, strlen(wrappers_anywhere[i]));
    for (size_t i = 0; i < COUNT(wrappers_in_front);) {
        if (begins(bare, wrappers_in_front[i])) {
            cut_out(bare, strlen(wrappers_in_front[i]));
            i = 0;
        } else {
            i++;
        }
    }
    return bare;
}

/* ---- what it is ---- */

/* Heads for other tasks and their kin, by the first part of the name; and copies of a model that stand beside it. */
static const char *const beside[] = {"score",   "classifier", "qa_outputs", "critic", "optimizer", "optim",
                                     "exp_avg", "exp_avg_sq", "ema",        "scaler", "ref_model", "teacher"};
/* Parts of names by which a model of another architecture is known. */
static const char *const foreign[] = {"layers",  "layer",     "blocks",    "block",          "encoder",
                                      "decoder", "self_attn", "attention", "crossattention", "shared",
                                      "bert",    "gpt_neox",  "lm_head",   "embed_tokens",   "rotary_emb"};
/* Parts of names of what turns pictures and sound into a text model's inputs (transformers' LLaVA, Gemma 3, Qwen-VL,
 * Mllama, Phi-4 multimodal and their kin). */
static const char *const other_media[] = {"vision_tower", "vision_model",          "vision_encoder",   "visual",
                                          "image_newline", "multi_modal_projector", "vision_embed_tokens",
                                          "audio_tower",  "embed_vision",          "embed_audio",      "connector"};
/* What ends the names that quantised weights have: GPTQ's and AWQ's; bitsandbytes'; fp8's and compressed-tensors';
 * HQQ's; AQLM's; those of gpt-oss's MXFP4. */
static const char *const quantised[] = {".qweight",       ".qzeros",         ".scales",        ".g_idx",
                                        ".absmax",        ".nested_absmax",  ".quant_map",     ".nested_quant_map",
                                        ".SCB",           ".weight_format",  ".weight_scale",  ".weight_scale_inv",
                                        ".input_scale",   ".weight_packed",  ".weight_shape",  ".weight_zero_point",
                                        ".weight_g_idx",  ".W_q",            ".codebooks",     ".codes",
                                        "_blocks",        "_scales"};

static bool has_part(const char *name, const char *const *parts, size_t n_parts)
{
    for (const char *part = name; *part;) {
        const size_t len = strcspn(part, ".");
        if (str_is_one_of(part, len, parts, n_parts))
            return true;
        part += len + (part[len] == '.');
    }
    return false;
}

static bool is_beside(const char *name)
{
    const size_t len = strcspn(name, ".");
    static const char head[] = "head";
    const bool is_head = len >= 4 && memcmp(name + len - 4, head, 4) == 0 && !begins(name, "lm_head");
    return is_head || str_is_one_of(name, len, beside, COUNT(beside));
}

/* ---- the family's names ---- */

/* One of them, cut at the layer's number: "transformer.h." and ".ln_1.bias"; after NULL: it has none. */
struct name_pattern {
    char *before, *after;
    const char *bare; /* the family's own spelling */
};

void tensor_names_init(struct tensor_names *names, const struct model_config *config)
{
    struct tensor_table table;
    struct model_config one_layer = *config;
    one_layer.n_layer = 1;
    one_layer.tied = false; /* files may hold a tied head all the same */
    tensor_table_init(&table, &one_layer);
    *names = (struct tensor_names){.config = config, .n_patterns = table.n_tensors};
    names->patterns = mem_calloc(table.n_tensors, sizeof *names->patterns);
    for (size_t i = 0; i < table.n_tensors; i++) {
        struct name_pattern *p = &names->patterns[i];
        p->bare = table.tensors[i].pattern;
        p->before = family_tensor_name(config->family, p->bare);
        char *hole = strstr(p->before, "%zu");
        if (hole) {
            p->after = mem_strdup(hole + 3);
            *hole = '\0';
        }
    }
    tensor_table_free(&table);
}

void tensor_names_free(struct tensor_names *names)
{
    for (size_t i = 0; i < names->n_patterns; i++) {
        free(names->patterns[i].before);
        free(names->patterns[i].after);
    }
    free(names->patterns);
    *names = (struct tensor_names){0};
}

/* Whether a whole name is of this pattern, and of which layer. */
static bool pattern_matches(const struct name_pattern *p, const char *name, size_t *layer)
{
    enum { DIGITS_MAX = 9 };
    const size_t before = strlen(p->before);
    *layer = 0;
    if (!p->after)
        return strcmp(name, p->before) == 0;
    if (strncmp(name, p->before, before) != 0)
        return false;
    const size_t digits = strspn(name + before, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX || strcmp(name + before + digits, p->after) != 0)
        return false;
    *layer = (size_t)strtoull(name + before, NULL, 10);
    return true;
}

/* Without the family's prefix, or what an unwrapped name has left of it: "model.decoder." and "decoder." alike. */
static const char *without_prefix(const struct family *family, const char *bare)
{
    for (const char *rest = family->prefix; *rest;) {
        if (begins(bare, rest))
            return bare + strlen(rest);
        const char *dot = strchr(rest, '.');
        rest = dot ? dot + 1 : rest + strlen(rest);
    }
    return bare;
}

/* Whether a name that is none of the family's stands inside the model all the same: under the first part of one of its
 * names ("h", "wte", "lm_head"). */
static bool is_inside(const struct tensor_names *names, const char *bare)
{
    const size_t len = strcspn(bare, ".");
    for (size_t i = 0; i < names->n_patterns; i++) {
        const char *name = names->patterns[i].bare;
        if (strcspn(name, ".") == len && memcmp(name, bare, len) == 0)
            return true;
    }
    return false;
}

static bool is_buffer(const struct family *family, const char *canonical)
{
    for (const char *const *end = family->buffers; *end; end++)
        if (str_has_ending(canonical, *end))
            return true;
    return false;
}

static bool is_of_adapter(const char *name)
{
    return strstr(name, ".lora_A.") || strstr(name, ".lora_B.") || strstr(name, ".lora_embedding_") ||
           strstr(name, ".lora_magnitude_vector") || strstr(name, ".base_layer.");
}

static bool is_quantised(const char *name)
{
    for (size_t i = 0; i < COUNT(quantised); i++)
        if (str_has_ending(name, quantised[i]))
            return true;
    return strstr(name, ".quant_state.") != NULL;
}

/* prefixed: it stood under the family's prefix. */
static enum tensor_kind kind_of(const struct tensor_names *names, const char *bare, const char *canonical,
                                bool prefixed)
{
    size_t layer;
    for (size_t i = 0; i < names->n_patterns; i++)
        if (pattern_matches(&names->patterns[i], canonical, &layer))
            return !names->patterns[i].after || layer < names->config->n_layer ? TENSOR_PARAMETER : TENSOR_LAYER;
    if (is_of_adapter(bare))
        return TENSOR_ADAPTER;
    if (has_part(bare, other_media, COUNT(other_media)))
        return TENSOR_OTHER_MEDIA;
    if (is_beside(bare))
        return TENSOR_UNUSED;
    if (is_quantised(bare))
        return TENSOR_QUANTISED;
    if (is_buffer(names->config->family, canonical))
        return TENSOR_BUFFER;
    const bool is_foreign = prefixed || is_inside(names, bare) || has_part(bare, foreign, COUNT(foreign));
    return is_foreign ? TENSOR_FOREIGN : TENSOR_UNUSED;
}

enum tensor_kind tensor_kind(const struct tensor_names *names, const char *name, char **canonical)
{
    const struct family *family = names->config->family;
    char *unwrapped = unwrap(name);
    const char *bare = without_prefix(family, unwrapped);
    char *full = family_tensor_name(family, bare);
    const enum tensor_kind kind = kind_of(names, bare, full, bare != unwrapped);
    free(unwrapped);
    if (canonical)
        *canonical = full;
    else
        free(full);
    return kind;
}
