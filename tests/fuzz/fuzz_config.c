/* A config.json and a generation_config.json of any bytes: refused with a message, or a model whose tensors can be laid
 * out and whose written config says the same. The input is both files, the second after a byte 0 (absent: none). */
#include "base/io.h"
#include "base/mem.h"
#include "files/generation.h"
#include "files/hf_save.h"
#include "files/model_files.h"
#include "model/block/tensors.h"
#include "model/family.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SMALL = 1 << 16 }; /* parameters of a model that is written */

static char dir[256];

static void make_dir(void)
{
    if (*dir)
        return;
    struct sft_err err;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/sft-fuzz-config-%ld", tmp ? tmp : "/tmp", (long)getpid());
    if (io_mkdirs(dir, &err))
        SFT_BUG("no scratch directory");
}

static void put(const char *name, const void *bytes, size_t len)
{
    struct sft_err err;
    char *path = path_join(dir, name);
    if (io_write_file(path, bytes, len, &err))
        SFT_BUG("cannot write");
    free(path);
}

static bool is_positive(double x)
{
    return x > 0 && isfinite(x);
}

static void check_rope(const struct rope_config *rope, const char *theta_key)
{
    if (!theta_key ? rope->theta != 0 : !(rope->theta >= 1))
        SFT_BUG("rotary positions of no rate");
    if (rope->type != ROPE_DEFAULT && !is_positive(rope->factor))
        SFT_BUG("a factor that cannot be divided by");
    if (rope->type == ROPE_LLAMA3 && (!(rope->low_freq_factor < rope->high_freq_factor) || !rope->original_positions))
        SFT_BUG("a scale that cannot be computed");
}

static void check_config(const struct model_config *c)
{
    if (!c->family || c->n_layer == 0 || c->n_layer > LAYER_LIMIT || c->n_head == 0 || c->n_kv_head == 0 ||
        c->n_head % c->n_kv_head != 0 || c->head_dim == 0 || c->n_positions == 0 || c->vocab_size == 0 ||
        c->n_inner == 0 || c->rotary_dim % 2 != 0 || c->rotary_dim > c->head_dim)
        SFT_BUG("sizes that no model has");
    if (!(c->layer_norm_epsilon > 0 && c->layer_norm_epsilon <= 1) || !(c->dropout >= 0 && c->dropout <= 1) ||
        !isfinite(c->initializer_range) || !is_positive(c->embedding_multiplier) ||
        !is_positive(c->residual_multiplier) || !is_positive(c->logits_divisor) || !isfinite(c->attention_multiplier))
        SFT_BUG("a number that cannot be computed with");
    check_rope(&c->rope, c->family->rope.theta_key);
    check_rope(&c->rope_local, c->family->rope.local_theta_key);
    for (size_t layer = 0; layer < LAYER_LIMIT; layer++)
        if ((layer_set_has(&c->sliding, layer) && (layer >= c->n_layer || !c->sliding_window)) ||
            (layer_set_has(&c->unrotated, layer) && layer >= c->n_layer))
            SFT_BUG("a layer that differs and is none");
    if (c->eos_token_id >= (int32_t)c->vocab_size || c->bos_token_id >= (int32_t)c->vocab_size)
        SFT_BUG("an id beyond the vocabulary");
}

static void check_generation(const struct generation_config *g, const struct model_config *c)
{
    for (size_t i = 0; i < g->n_end_tokens; i++)
        if (g->end_tokens[i] < 0 || g->end_tokens[i] >= (int32_t)c->vocab_size)
            SFT_BUG("an end token beyond the vocabulary");
    if (g->temperature < 0 || g->top_p > 1 || isinf(g->repetition_penalty))
        SFT_BUG("a setting that cannot be sampled with");
}

/* What is saved reads back as the same model, with the same end tokens. */
static void check_round_trip(const struct model_config *c, const json *raw, const struct generation_config *g)
{
    struct tensor_table table;
    struct sft_err err;
    tensor_table_init(&table, c);
    if (table.n_parameters <= SMALL) {
        float *params = mem_calloc(table.n_elements, sizeof *params);
        struct model_config again;
        struct generation_config ends;
        json *raw_again = NULL;
        const struct model_meta meta = {.base_config = raw,
                                        .base_generation = g->raw,
                                        .eos_token_id = -1,
                                        .pad_token_id = -1,
                                        .bos_token_id = -1,
                                        .dtype = &dtype_f32};
        const struct model_out model = {
            .values = model_values_in(params), .table = &table, .config = c, .meta = &meta};
        if (hf_save(&model, dir, &err) || model_config_load(&again, dir, &raw_again, &err))
            SFT_BUG("what was saved cannot be read");
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): each was zeroed whole before it was filled */
        if (memcmp(c, &again, sizeof again) != 0)
            SFT_BUG("another config came back");
        if (generation_config_load(&ends, dir, raw_again, &again, &err) || ends.n_end_tokens != g->n_end_tokens)
            SFT_BUG("other end tokens came back");
        generation_config_free(&ends);
        json_free(raw_again);
        free(params);
    }
    tensor_table_free(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model_config config;
    struct generation_config generation;
    struct sft_err err;
    json *raw = NULL;
    const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
    const size_t len = cut ? (size_t)(cut - data) : size;
    make_dir();
    io_empty_dir(dir, NULL);
    put("config.json", data, len);
    if (cut)
        put("generation_config.json", cut + 1, size - len - 1);
    if (model_config_load(&config, dir, &raw, &err) == SFT_OK) {
        check_config(&config);
        if (generation_config_load(&generation, dir, raw, &config, &err) == SFT_OK) {
            check_generation(&generation, &config);
            check_round_trip(&config, raw, &generation);
            generation_config_free(&generation);
        }
    } else if (raw) {
        SFT_BUG("a refused config was handed out");
    }
    json_free(raw);
    io_remove_tree(dir, NULL);
    *dir = '\0';
    return 0;
}
