/* Adapters as the program reads, makes and writes them, for the comparison with PEFT (peft_peers.py).
 *
 * usage: adapter BASE load DIR OUT                      read one, and write it again
 *        adapter BASE make OUT TARGETS SAVED ROWS       a new one of random numbers; each a list of words, maybe ""
 * An array of ids a line on stdin; for each the last one's logits on stdout, float32 (V), of base and adapter side by
 * side and then of both merged. */
#include "base/rng.h"
#include "files/model_files.h"
#include "files/peft/peft_adapter.h"
#include "files/peft/peft_choose.h"
#include "files/peft/peft_merge.h"
#include "files/peft/peft_save.h"
#include "files/weights.h"
#include "model/transformer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct weights_kept floats = {.as = WEIGHTS_F32};
static struct sft_err err;

static void check(enum sft_status status)
{
    if (!status)
        return;
    fprintf(stderr, "adapter: %s\n", SFT_ERR_TEXT(&err));
    exit(1);
}

/* ---- base and adapter ---- */

struct adapted {
    const char *base;
    const struct kernels *kernels;
    struct model_config base_config, config;
    struct peft_config adapter;
    struct transformer model;
};

static void allocate(struct adapted *a, struct tensor_table *table, struct adapter_spec *spec)
{
    struct strbuf unused = {0};
    const size_t file_vocab = a->base_config.vocab_size;
    tensor_table_adapt(table, spec);
    adapter_spec_free(spec);
    check(weights_check_to_read(table, &floats, &a->config, file_vocab, a->base, &unused, &err));
    check(transformer_init_of(&a->model, &a->config, a->kernels, table, &err));
    check(weights_load_set(&a->model.params, &floats, NULL, &a->config, file_vocab, a->base, &err));
    strbuf_free(&unused);
}

static void load(struct adapted *a, const char *dir)
{
    struct peft_adapter file;
    struct adapter_spec spec;
    struct tensor_table table;
    check(peft_open(&file, dir, &err));
    peft_fit_model(&file, &a->config);
    tensor_table_init(&table, &a->config);
    check(peft_spec(&spec, &file, &table, &a->config, &err));
    allocate(a, &table, &spec);
    check(peft_load(&a->model.params, &file, &a->config, &err));
    peft_config_copy(&a->adapter, &file.config);
    peft_close(&file);
}

static struct string_list split(char *text)
{
    struct string_list words = {mem_calloc(strlen(text) + 1, sizeof *words.items), 0};
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        words.items[words.count++] = word;
    return words;
}

/* Whatever is trained, drawn anew. */
static void draw(const struct param_set *params)
{
    struct rng rng;
    rng_seed(&rng, 7, 0);
    for (const struct tensor *t = params->table.tensors; t < params->table.tensors + params->table.n_tensors; t++) {
        if (!t->trained)
            continue;
        float *values = param_values(params, t);
        const size_t n = t->trained_rows ? t->n_trained_rows : t->rows;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < t->cols; k++)
                values[(t->trained_rows ? (size_t)t->trained_rows[i] : i) * t->cols + k] += (float)(0.2 *
                                                                                                    rng_normal(&rng));
    }
}

static void make(struct adapted *a, char *targets, char *saved, char *rows)
{
    struct adapter_spec spec;
    struct tensor_table table;
    const struct string_list target_words = split(targets), saved_words = split(saved), row_words = split(rows);
    int32_t *ids = mem_calloc(row_words.count + 1, sizeof *ids);
    for (size_t i = 0; i < row_words.count; i++)
        ids[i] = (int32_t)atoi(row_words.items[i]);
    if (row_words.count && (size_t)ids[row_words.count - 1] >= a->config.vocab_size)
        a->config.vocab_size = (size_t)ids[row_words.count - 1] + 1;
    peft_config_init(&a->adapter);
    a->adapter.base_model = mem_strdup(a->base);
    a->adapter.r = 3;
    tensor_table_init(&table, &a->config);
    check(peft_config_set_targets(&a->adapter, &target_words, &err));
    check(peft_config_set_saved(&a->adapter, &saved_words, &err));
    if (row_words.count)
        check(peft_train_rows(&a->adapter, &table, &a->config, ids, row_words.count, &err));
    check(peft_choose(&spec, &a->adapter, &table, &a->config, &err));
    allocate(a, &table, &spec);
    adapter_init_random(a->model.params.values.data, &a->model.params.table, 1);
    draw(&a->model.params);
    free(ids);
    free(target_words.items);
    free(saved_words.items);
    free(row_words.items);
}

/* ---- merged ---- */

struct filling {
    float *to;
};

static void fill(void *context, const float *values, size_t n)
{
    struct filling *f = context;
    memcpy(f->to, values, n * sizeof *values);
    f->to += n;
}

static void merge(struct transformer *plain, const struct adapted *a)
{
    struct weights *weights;
    struct peft_merge *merge;
    struct strbuf unused = {0};
    struct tensor_table base_table;
    tensor_table_init(&base_table, &a->base_config);
    check(transformer_init(plain, &a->config, a->kernels, NULL, &err));
    check(weights_begin(&weights, &base_table, &a->base_config, a->base, &unused, &err));
    peft_merge_begin(&merge, &a->model.params, a->adapter.has_frozen_rows, (struct model_values){weights_pass, weights},
                     &base_table);
    const struct model_values merged = peft_merged(merge);
    for (size_t i = 0; i < plain->params.table.n_tensors; i++) {
        struct filling filling = {param_values(&plain->params, &plain->params.table.tensors[i])};
        check(merged.pass(merged.from, &a->model.params.table.tensors[i], fill, &filling, &err));
    }
    peft_merge_end(merge);
    weights_end(weights);
    strbuf_free(&unused);
    tensor_table_free(&base_table);
}

/* ---- logits ---- */

static void write_logits(struct transformer *model, const json *ids)
{
    struct activations acts;
    const size_t N = json_size(ids), V = model->config.vocab_size, seq_start[] = {0, N}, last = N - 1;
    int32_t *tokens = mem_alloc(N * sizeof *tokens), *position = mem_alloc(N * sizeof *position);
    float *logits = mem_alloc(V * sizeof *logits);
    size_t n = 0;
    for (const json *id = json_first(ids); id; id = json_next(id), n++) {
        tokens[n] = (int32_t)json_number(id);
        position[n] = (int32_t)n;
    }
    const struct batch batch = {.N = N, .S = 1, .tokens = tokens, .position = position, .seq_start = seq_start};
    check(transformer_init_activations(model, &acts, N, false, &err));
    transformer_logits(model, &acts, &batch, NULL, &last, 1, logits);
    fwrite(logits, sizeof *logits, V, stdout);
    activations_free(&acts);
    free(tokens);
    free(position);
    free(logits);
}

int main(int argc, char **argv)
{
    struct adapted a = {0};
    struct transformer plain;
    char *line = NULL, why[256];
    size_t capacity = 0;
    ssize_t len;
    kernels_start(argv);
    const bool loads = argc == 5 && strcmp(argv[2], "load") == 0, makes = argc == 7 && strcmp(argv[2], "make") == 0;
    if (!loads && !makes) {
        fputs("usage: adapter BASE load DIR OUT | adapter BASE make OUT TARGETS SAVED ROWS\n", stderr);
        return 2;
    }
    a.base = argv[1];
    a.kernels = kernels_select("fp32", why, sizeof why);
    check(model_config_load(&a.base_config, a.base, NULL, &err));
    a.config = a.base_config;
    if (loads)
        load(&a, argv[3]);
    else
        make(&a, argv[4], argv[5], argv[6]);
    check(peft_save(&a.model.params, &a.adapter, &a.config, &dtype_f32, loads ? argv[4] : argv[3], &err));
    merge(&plain, &a);
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        json *ids = NULL;
        check(json_parse(line, (size_t)len, &ids, &err));
        write_logits(&a.model, ids);
        write_logits(&plain, ids);
        json_free(ids);
    }
    free(line);
    transformer_free(&plain);
    transformer_free(&a.model);
    peft_config_free(&a.adapter);
    return fflush(stdout) == 0 ? 0 : 1;
}
