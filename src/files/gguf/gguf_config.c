#include "files/gguf/gguf_config.h"

#include "files/generation.h"
#include "files/gguf/gguf_keys.h"
#include "files/gguf/gguf_rope.h"
#include "files/gguf/gguf_tensors.h"
#include "files/gguf/gguf_tokenizer.h"
#include "model/config_keys.h"
#include "model/config_write.h"
#include "model/family.h"
#include "text/tokenizer/vocab.h"

#include <stdio.h>
#include <string.h>

/* A file, and what its keys begin with. */
struct source {
    const struct gguf *g;
    struct gguf_text architecture; /* "llama" of "llama.block_count" */
    char key[256];                 /* the last that was asked for */
};

static const char *key_of(struct source *s, const char *name)
{
    snprintf(s->key, sizeof s->key, "%.*s.%s", (int)(s->architecture.len < 64 ? s->architecture.len : 64),
             s->architecture.text, name);
    return s->key;
}

/* ---- sizes ---- */

static enum sft_status check_size(const char *key, size_t n, struct sft_err *err)
{
    if (n >= 1 && n <= CONFIG_SIZE_LIMIT)
        return SFT_OK;
    return sft_fail_in(err, SFT_EDATA, key, "expected 1 to %d, found %zu", CONFIG_SIZE_LIMIT, n);
}

/* One that must be there. */
static enum sft_status read_size(struct source *s, const char *name, size_t *out, struct sft_err *err)
{
    const char *key = key_of(s, name);
    if (gguf_require(s->g, key, err) || gguf_get_size(s->g, key, 0, out, err))
        return SFT_EDATA;
    return check_size(key, *out, err);
}

static enum sft_status read_size_or(struct source *s, const char *name, size_t fallback, size_t *out,
                                    struct sft_err *err)
{
    const char *key = key_of(s, name);
    if (gguf_get_size(s->g, key, fallback, out, err))
        return SFT_EDATA;
    return check_size(key, *out, err);
}

static enum sft_status read_sizes(struct model_config *config, struct source *s, struct sft_err *err)
{
    for (size_t i = 0; i < GGUF_SIZES; i++)
        if (read_size(s, gguf_sizes[i].name, (size_t *)(void *)((char *)config + gguf_sizes[i].field), err))
            return SFT_EDATA;
    return config->n_layer <= LAYER_LIMIT ? SFT_OK
                                          : sft_fail_in(err, SFT_EDATA, key_of(s, "block_count"),
                                                        "%zu is more than %d", config->n_layer, LAYER_LIMIT);
}

/* The same number under another key, or a contradiction that is not done here. */
static enum sft_status check_equal(struct source *s, const char *name, size_t n, const char *why, struct sft_err *err)
{
    size_t other;
    if (read_size_or(s, name, n, &other, err))
        return SFT_EDATA;
    return other == n ? SFT_OK : sft_fail_in(err, SFT_EDATA, s->key, "%zu is not supported: %s %zu", other, why, n);
}

/* As llama.cpp has them where the keys are absent: as many of keys and values as of queries, n_embd / n_head wide. */
static enum sft_status read_heads(struct model_config *config, struct source *s, struct sft_err *err)
{
    if (read_size_or(s, "attention.head_count_kv", config->n_head, &config->n_kv_head, err))
        return SFT_EDATA;
    if (config->n_head % config->n_kv_head != 0)
        return sft_fail_in(err, SFT_EDATA, s->key, "%zu does not divide %zu heads", config->n_kv_head, config->n_head);
    const char *key = key_of(s, "attention.key_length");
    if (!gguf_find(s->g, key) && config->n_embd % config->n_head != 0)
        return sft_fail(err, SFT_EDATA, "%s is missing, and %zu columns do not divide by %zu heads", key,
                        config->n_embd, config->n_head);
    if (read_size_or(s, "attention.key_length", config->n_embd / config->n_head, &config->head_dim, err) ||
        check_equal(s, "attention.value_length", config->head_dim, "values are as wide as keys,", err))
        return SFT_EDATA;
    if (!family_is_rotary(config->family))
        return SFT_OK;
    config->rotary_dim = config->head_dim;
    if (!config->family->rope.partial_key)
        return check_equal(s, "rope.dimension_count", config->head_dim, "whole heads are turned, of", err);
    if (read_size_or(s, "rope.dimension_count", config->head_dim, &config->rotary_dim, err))
        return SFT_EDATA;
    return config->rotary_dim <= config->head_dim && config->rotary_dim % 2 == 0
               ? SFT_OK
               : sft_fail_in(err, SFT_EDATA, s->key, "expected an even number up to %zu, found %zu", config->head_dim,
                             config->rotary_dim);
}

/* The embedding has a row each; where a file has none, so many as there are tokens. */
static enum sft_status read_vocabulary(struct model_config *config, struct source *s, struct sft_err *err)
{
    const struct stored_tensor *embedding = gguf_tensor(s->g, gguf_embedding_name);
    const struct gguf_value *tokens;
    if (gguf_get_array(s->g, "tokenizer.ggml.tokens", GGUF_STRING, &tokens, err))
        return SFT_EDATA;
    const size_t rows = embedding && embedding->n_dims == 2 ? embedding->shape[0] : tokens ? tokens->count : 0;
    if (!rows)
        return read_size(s, "vocab_size", &config->vocab_size, err);
    if (tokens && tokens->count > rows)
        return sft_fail_in(err, SFT_EDATA, "tokenizer.ggml.tokens", "%zu tokens, but token_embd.weight has %zu rows",
                           tokens->count, rows);
    return check_size("tokenizer.ggml.tokens", config->vocab_size = rows, err) ||
                   check_equal(s, "vocab_size", rows, embedding ? "token_embd.weight's rows are" : "the tokens are",
                               err)
               ? SFT_EDATA
               : SFT_OK;
}

static enum sft_status read_epsilon(struct model_config *config, struct source *s, struct sft_err *err)
{
    const char *key = key_of(s, gguf_epsilon_key(config->family));
    if (gguf_require(s->g, key, err) || gguf_get_real(s->g, key, 0, &config->layer_norm_epsilon, err))
        return SFT_EDATA;
    return config->layer_norm_epsilon > 0 && config->layer_norm_epsilon <= 1
               ? SFT_OK
               : sft_fail_in(err, SFT_EDATA, key, "expected a number from 0 to 1, found %g",
                             config->layer_norm_epsilon);
}

/* ---- layers ---- */

/* All but each so many-th; or, in ollama's files, a flag a layer. Where the file is silent the family knows. */
static enum sft_status read_pattern(struct model_config *config, struct source *s, struct sft_err *err)
{
    size_t pattern;
    const char *key = key_of(s, gguf_pattern_key);
    const struct gguf_value *v = gguf_find(s->g, key);
    const unsigned char *flags = v && v->is_array && v->type == GGUF_BOOL ? v->data : NULL;
    if (flags && v->count != config->n_layer)
        return sft_fail_in(err, SFT_EDATA, key, "%zu entries for %zu layers", v->count, config->n_layer);
    if (!flags && read_size_or(s, gguf_pattern_key, config->family->window.pattern, &pattern, err))
        return SFT_EDATA;
    for (size_t layer = 0; layer < config->n_layer; layer++)
        if (flags ? flags[layer] : (layer + 1) % pattern != 0)
            layer_set_add(&config->sliding, layer);
    return SFT_OK;
}

/* How far they see the file must say. */
static enum sft_status read_window(struct model_config *config, struct source *s, struct sft_err *err)
{
    const struct window_spec *spec = &config->family->window;
    size_t positions;
    if (spec->rule != WINDOW_PATTERN) {
        if (read_size_or(s, gguf_window_key, config->n_positions, &positions, err))
            return SFT_EDATA;
        return positions >= config->n_positions
                   ? SFT_OK
                   : sft_fail_in(err, SFT_EDATA, s->key, "is not supported for this architecture, found %zu",
                                 positions);
    }
    return read_size(s, gguf_window_key, &config->sliding_window, err) || read_pattern(config, s, err) ? SFT_EDATA
                                                                                                       : SFT_OK;
}

/* Each so many-th is not turned: no key says so. */
static void read_unrotated(struct model_config *config)
{
    const size_t interval = config->family->rope.unrotated_interval;
    for (size_t layer = 0; interval && layer < config->n_layer; layer++)
        if ((layer + 1) % interval == 0)
            layer_set_add(&config->unrotated, layer);
}

/* ---- what tensors tell ---- */

static void read_tensors(struct model_config *config, const struct gguf *g)
{
    config->tied = gguf_is_tied(g);
    config->attention_bias = gguf_tensor(g, "blk.0.attn_q.bias") || gguf_tensor(g, "blk.0.attn_qkv.bias");
    config->mlp_bias = gguf_tensor(g, "blk.0.ffn_up.bias") != NULL;
}

/* ---- numbers, and what would make another model of it ---- */

static enum sft_status read_real(struct model_config *config, struct source *s, const struct gguf_real_key *k,
                                 struct sft_err *err)
{
    const bool is_ours = gguf_has_real(config->family, k);
    double *field = is_ours ? (double *)(void *)((char *)config + k->field) : NULL, x;
    if (gguf_get_real(s->g, key_of(s, k->name), is_ours && k->family_default ? *field : k->neutral, &x, err))
        return SFT_EDATA;
    if (is_ours && (x < 0 || x > 1e6))
        return sft_fail_in(err, SFT_EDATA, s->key, "expected a number from 0 to 1e6, found %g", x);
    if (is_ours)
        *field = x == 0 ? k->neutral : x;
    return is_ours || x == 0 || x == k->neutral
               ? SFT_OK
               : sft_fail_in(err, SFT_EDATA, s->key, "is not supported for this architecture, found %g", x);
}

static enum sft_status read_flag(struct source *s, const char *name, bool by_default, bool *out, struct sft_err *err)
{
    return gguf_get_flag(s->g, key_of(s, name), by_default, out, err);
}

static enum sft_status read_reals(struct model_config *config, struct source *s, struct sft_err *err)
{
    bool is_causal, is_parallel;
    const bool has_parallel = family_is_parallel(config->family);
    for (size_t i = 0; i < GGUF_REALS; i++)
        if (read_real(config, s, &gguf_reals[i], err))
            return SFT_EDATA;
    if (read_flag(s, gguf_parallel_key, has_parallel, &is_parallel, err))
        return SFT_EDATA;
    if (is_parallel && !has_parallel)
        return sft_fail_in(err, SFT_EDATA, s->key, "true is not supported");
    config->sequential_residual = has_parallel && !is_parallel;
    if (read_flag(s, "attention.causal", true, &is_causal, err))
        return SFT_EDATA;
    return is_causal ? SFT_OK : sft_fail_in(err, SFT_EDATA, s->key, "false is not supported");
}

/* An adapter, a projector and an importance matrix are GGUF files too. */
static enum sft_status check_type(const struct gguf *g, struct sft_err *err)
{
    static const char key[] = "general.type";
    struct gguf_text type;
    if (gguf_get_string(g, key, &type, err))
        return SFT_EDATA;
    if (!type.text || gguf_text_is(type, "model"))
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, "%s '%.*s' is not supported (model is)", key, (int)(type.len < 60 ? type.len : 60),
                    type.text);
}

/* ---- tokens ---- */

static enum sft_status set_token(json *config, const char *name, const struct gguf *g, const char *key,
                                 size_t vocab_size, struct sft_err *err)
{
    int32_t id;
    if (gguf_get_token(g, key, vocab_size, &id, err))
        return SFT_EDATA;
    if (id < 0)
        json_set_null(config, name); /* not the family's default */
    else
        json_set_number(config, name, id);
    return SFT_OK;
}

static enum sft_status set_tokens(json *config, const struct gguf *g, size_t vocab_size, struct sft_err *err)
{
    return set_token(config, "bos_token_id", g, "tokenizer.ggml.bos_token_id", vocab_size, err) ||
                   set_token(config, "eos_token_id", g, "tokenizer.ggml.eos_token_id", vocab_size, err) ||
                   set_token(config, "pad_token_id", g, "tokenizer.ggml.padding_token_id", vocab_size, err)
               ? SFT_EDATA
               : SFT_OK;
}

/* ---- the whole ---- */

static enum sft_status read_config(struct model_config *config, const struct gguf *g, struct sft_err *err)
{
    struct source s = {.g = g};
    const struct family *family;
    if (check_type(g, err) || gguf_family(g, &family, err) ||
        gguf_get_string(g, "general.architecture", &s.architecture, err))
        return SFT_EDATA;
    *config = family->defaults;
    config->family = family;
    if (read_reals(config, &s, err) || read_sizes(config, &s, err) || read_heads(config, &s, err) ||
        read_vocabulary(config, &s, err) || read_epsilon(config, &s, err) || read_window(config, &s, err))
        return SFT_EDATA;
    if (family->gguf.layers_scaled_by_width)
        config->attention_multiplier = gguf_attention_multiplier(config);
    read_unrotated(config);
    read_tensors(config, g);
    return family_is_rotary(family) ? gguf_read_rope(config, g, s.architecture, err) : SFT_OK;
}

enum sft_status gguf_config_make(json **root, const struct gguf *g, struct sft_err *err)
{
    struct model_config config;
    *root = NULL;
    if (read_config(&config, g, err))
        return SFT_EDATA;
    *root = json_new_object();
    model_config_write(*root, &config);
    if (set_tokens(*root, g, config.vocab_size, err)) {
        json_free(*root);
        *root = NULL;
        return SFT_EDATA;
    }
    return SFT_OK;
}

/* ---- generation ---- */

/* Each once. */
struct end_tokens {
    int32_t ids[END_TOKENS_MAX];
    size_t n;
};

static void add_end_token(struct end_tokens *end, int32_t id)
{
    for (size_t i = 0; i < end->n; i++)
        if (end->ids[i] == id)
            return;
    if (end->n < END_TOKENS_MAX)
        end->ids[end->n++] = id;
}

/* ollama's copy of the list in generation_config.json. */
static enum sft_status add_listed(struct end_tokens *end, const struct gguf *g, struct sft_err *err)
{
    const struct gguf_value *list;
    if (gguf_get_array(g, gguf_ends_key, GGUF_I32, &list, err))
        return SFT_EDATA;
    for (size_t i = 0; list && i < list->count; i++) {
        const int32_t id = gguf_i32_at(list, i);
        if (id < 0 || id >= TOKEN_ID_LIMIT)
            return sft_fail(err, SFT_EDATA, "%s[%zu]: %d is no token", gguf_ends_key, i, id);
        add_end_token(end, id);
    }
    return SFT_OK;
}

/* All that end a text: of a document, a turn, a message. */
static enum sft_status read_end_tokens(struct end_tokens *end, const struct gguf *g, struct sft_err *err)
{
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id", gguf_eot_key,
                                       "tokenizer.ggml.eom_token_id"};
    int32_t id;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (gguf_get_token(g, keys[i], TOKEN_ID_LIMIT, &id, err))
            return SFT_EDATA;
        if (id >= 0)
            add_end_token(end, id);
    }
    return add_listed(end, g, err);
}

/* One is written as such, several as a list. */
static enum sft_status set_end_tokens(json *generation, const struct gguf *g, struct sft_err *err)
{
    struct end_tokens end = {.n = 0};
    struct strbuf list = {0};
    json *ids;
    if (read_end_tokens(&end, g, err))
        return SFT_EDATA;
    if (end.n == 1)
        json_set_number(generation, "eos_token_id", end.ids[0]);
    if (end.n <= 1)
        return SFT_OK;
    for (size_t i = 0; i < end.n; i++)
        strbuf_printf(&list, "%c%d", i ? ',' : '[', end.ids[i]);
    strbuf_putc(&list, ']');
    if (json_parse(list.data, list.len, &ids, NULL))
        SFT_BUG("a list of ids that is no JSON");
    strbuf_free(&list);
    json_set_node(generation, "eos_token_id", ids);
    return SFT_OK;
}

static enum sft_status set_sampling(json *generation, const struct gguf *g, struct sft_err *err)
{
    for (size_t i = 0; i < GGUF_SAMPLING; i++) {
        double x;
        if (!gguf_find(g, gguf_sampling[i].key))
            continue;
        if (gguf_get_real(g, gguf_sampling[i].key, 0, &x, err))
            return SFT_EDATA;
        json_set_number(generation, gguf_sampling[i].name, x);
        json_set_bool(generation, "do_sample", true);
    }
    return SFT_OK;
}

enum sft_status gguf_generation_make(json **generation, const struct gguf *g, struct sft_err *err)
{
    *generation = json_new_object();
    if (!set_end_tokens(*generation, g, err) && !set_sampling(*generation, g, err))
        return SFT_OK;
    json_free(*generation);
    *generation = NULL;
    return SFT_EDATA;
}
