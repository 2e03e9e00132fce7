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
                                                "pretrained_model."};

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

static bool has_foreign_part(const char *name)
{
    for (const char *part = name; *part;) {
        const size_t len = strcspn(part, ".");
        if (str_is_one_of(part, len, foreign, COUNT(foreign)))
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

/* The layer whose tensor this is by the family's names ("h.%zu.ln_1.bias"), or SIZE_MAX. */
static size_t layer_of(const struct family *family, const struct tensor_table *names, const char *canonical)
{
    for (size_t i = names->n_global; i < names->n_tensors; i++) {
        char *full = family_tensor_name(family, names->tensors[i].pattern), *hole = strstr(full, "%zu"), *end = NULL;
        size_t layer = SIZE_MAX;
        const size_t before = hole ? (size_t)(hole - full) : 0;
        if (hole && strncmp(canonical, full, before) == 0) {
            const size_t digits = strspn(canonical + before, "0123456789");
            const unsigned long long number = strtoull(canonical + before, &end, 10);
            if (digits > 0 && digits < 10 && strcmp(end, hole + 3) == 0)
                layer = (size_t)number;
        }
        free(full);
        if (layer != SIZE_MAX)
            return layer;
    }
    return SIZE_MAX;
}

/* Whether a name that is none of the family's stands inside the model all the same: under its prefix, or under the
 * first part of one of its names ("h", "wte", "lm_head"). */
static bool is_inside(const struct family *family, const struct tensor_table *names, const char *bare)
{
    if (begins(bare, family->prefix))
        return true;
    const size_t len = strcspn(bare, ".");
    for (size_t i = 0; i < names->n_tensors; i++) {
        const char *name = names->tensors[i].pattern;
        if (strcspn(name, ".") == len && memcmp(name, bare, len) == 0)
            return true;
    }
    return false;
}

static bool is_buffer(const struct family *family, const char *name)
{
    for (const char *const *end = family->buffers; *end; end++)
        if (str_has_ending(name, *end))
            return true;
    return false;
}

static bool is_of_adapter(const char *name)
{
    return strstr(name, ".lora_A.") || strstr(name, ".lora_B.") || strstr(name, ".lora_embedding_") ||
           strstr(name, ".lora_magnitude_vector") || strstr(name, ".base_layer.");
}

/* A tensor that is once in a model, by its whole name. */
static bool is_global(const struct tensor_table *names, const char *canonical)
{
    for (size_t i = 0; i < names->n_global; i++)
        if (strcmp(names->tensors[i].name, canonical) == 0)
            return true;
    return false;
}

static enum tensor_kind kind_of(const struct model_config *config, const struct tensor_table *names,
                                const char *bare, const char *canonical)
{
    const struct family *family = config->family;
    const size_t layer = layer_of(family, names, canonical);
    if (layer != SIZE_MAX)
        return layer < config->n_layer ? TENSOR_PARAMETER : TENSOR_LAYER;
    if (is_global(names, canonical))
        return TENSOR_PARAMETER;
    if (is_of_adapter(bare))
        return TENSOR_ADAPTER;
    if (is_beside(bare))
        return TENSOR_UNUSED;
    if (is_buffer(family, bare))
        return TENSOR_BUFFER;
    return is_inside(family, names, bare) || has_foreign_part(bare) ? TENSOR_FOREIGN : TENSOR_UNUSED;
}

enum tensor_kind tensor_kind(const struct model_config *config, const char *name, char **canonical)
{
    char *bare = unwrap(name), *full = family_tensor_name(config->family, bare);
    struct tensor_table names;
    tensor_table_of_family(&names, config->family);
    const enum tensor_kind kind = kind_of(config, &names, bare, full);
    tensor_table_free(&names);
    free(bare);
    if (canonical)
        *canonical = full;
    else
        free(full);
    return kind;
}
