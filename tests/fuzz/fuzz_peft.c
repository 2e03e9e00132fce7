/* An adapter's directory of any bytes: refused with a message, or an adapter whose modules are a model's, and which is
 * the same once it was written and read again. The input is adapter_config.json and, after a byte 0,
 * adapter_model.safetensors (absent: the config alone is looked at). */
#include "base/io.h"
#include "base/mem.h"
#include "files/peft/peft_adapter.h"
#include "files/peft/peft_choose.h"
#include "files/peft/peft_paths.h"
#include "files/peft/peft_save.h"
#include "model/config_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SMALL = 1 << 16 }; /* elements of a model that is allocated */

static const char *const models[] = {
    "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_head\":2,\"n_embd\":8,\"n_positions\":4,\"vocab_size\":12}",
    "{\"model_type\":\"llama\",\"num_hidden_layers\":2,\"num_attention_heads\":2,\"hidden_size\":8,"
    "\"intermediate_size\":8,\"max_position_embeddings\":4,\"vocab_size\":12}"};

static char dir[256];

static void make_dir(void)
{
    struct sft_err err;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/sft-fuzz-peft-%ld", tmp ? tmp : "/tmp", (long)getpid());
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

static void make_config(struct model_config *config, const char *text)
{
    json *raw;
    if (json_parse(text, strlen(text), &raw, NULL) || model_config_read(config, raw, NULL))
        SFT_BUG("a model of this file's own");
    json_free(raw);
}

static void check_spec(const struct adapter_spec *spec, const struct tensor_table *table)
{
    for (size_t i = 0; i < spec->n_targets; i++) {
        const struct lora_target *t = &spec->targets[i];
        if (t->tensor >= table->n_model || !peft_is_linear(&table->tensors[t->tensor]) || t->r == 0 ||
            !isfinite(t->scaling) || (i && t->tensor <= spec->targets[i - 1].tensor))
            SFT_BUG("a target that cannot be one");
    }
    for (size_t i = 0; i < spec->n_whole; i++)
        if (spec->whole[i] >= table->n_model || (i && spec->whole[i] <= spec->whole[i - 1]))
            SFT_BUG("whole tensors out of order");
    for (size_t i = 0; i < spec->n_rows; i++)
        for (size_t k = 0; k < spec->rows[i].n; k++)
            if (spec->rows[i].rows[k] < 0 ||
                (size_t)spec->rows[i].rows[k] >= table->tensors[spec->rows[i].tensor].rows ||
                (k && spec->rows[i].rows[k] <= spec->rows[i].rows[k - 1]))
                SFT_BUG("rows that no tensor has");
}

/* ---- the config ---- */

static void check_config(const struct peft_config *config, const struct model_config *model)
{
    struct tensor_table table;
    struct adapter_spec spec, again;
    struct peft_config reread;
    struct strbuf text = {0};
    tensor_table_init(&table, model);
    if (peft_choose_as_peft(&spec, config, &table, model, NULL) == SFT_OK) {
        check_spec(&spec, &table);
        tensor_table_adapt(&table, &spec);
        peft_config_print(config, &table, model, &text);
        if (peft_config_parse(&reread, text.data, text.len, NULL) ||
            peft_choose_as_peft(&again, &reread, &table, model, NULL))
            SFT_BUG("a config that was written cannot be read");
        if (again.n_targets != spec.n_targets || again.n_whole != spec.n_whole || again.n_rows != spec.n_rows)
            SFT_BUG("another choice came back");
        adapter_spec_free(&again);
        peft_config_free(&reread);
    }
    adapter_spec_free(&spec);
    strbuf_free(&text);
    tensor_table_free(&table);
}

/* ---- the whole directory ---- */

/* The adapter on the model; *params is zeroed where it is refused. */
static void load(struct param_set *params, struct model_config *model, struct peft_config *config)
{
    struct peft_adapter a;
    struct tensor_table table;
    struct adapter_spec spec = {0};
    struct sft_err err;
    *params = (struct param_set){0};
    *config = (struct peft_config){0};
    if (peft_open(&a, dir, &err) == SFT_OK) {
        peft_fit_model(&a, model);
        if (model->vocab_size < SMALL / 8) {
            tensor_table_init(&table, model);
            if (peft_spec(&spec, &a, &table, model, &err) == SFT_OK) {
                check_spec(&spec, &table);
                tensor_table_adapt(&table, &spec);
                if (table.n_elements <= SMALL && param_set_allocate(params, &table, &err) == SFT_OK) {
                    peft_config_copy(config, &a.config);
                    if (peft_load(params, &a, model, &err))
                        param_set_free(params);
                }
            }
            tensor_table_free(&table);
        }
    }
    adapter_spec_free(&spec);
    peft_close(&a);
}

static void check_directory(const struct model_config *base)
{
    struct param_set params, again;
    struct peft_config config, reread;
    struct model_config model = *base, model_again = *base;
    struct sft_err err;
    load(&params, &model, &config);
    if (params.table.tensors) {
        if (peft_save(&params, &config, &model, &dtype_f32, dir, &err))
            SFT_BUG("cannot save");
        load(&again, &model_again, &reread);
        if (!again.table.tensors || again.values.bytes != params.values.bytes ||
            memcmp(again.values.data, params.values.data, params.values.bytes) != 0)
            SFT_BUG("another adapter came back");
        param_set_free(&again);
        peft_config_free(&reread);
    }
    param_set_free(&params);
    peft_config_free(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
    const size_t len = cut ? (size_t)(cut - data) : size;
    struct peft_config config;
    make_dir();
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct model_config model;
        make_config(&model, models[i]);
        if (peft_config_parse(&config, (const char *)data, len, NULL) == SFT_OK)
            check_config(&config, &model);
        peft_config_free(&config);
        put("adapter_config.json", data, len);
        if (cut)
            put("adapter_model.safetensors", cut + 1, size - len - 1);
        if (cut)
            check_directory(&model);
    }
    io_remove_tree(dir, NULL);
    return 0;
}
