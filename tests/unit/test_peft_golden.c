/* Adapters that PEFT saved (tests/golden/peft, made by scripts/golden_peft.py) on tiny models: the logits of base and
 * adapter side by side, merged, saved and read again are PEFT's. */
#include "files/peft/peft_adapter.h"
#include "files/peft/peft_merge.h"
#include "files/peft/peft_save.h"
#include "support/golden.h"
#include "support/run_suite.h"
#include "support/tables.h"

#include "scratch.h" /* its names stand behind those of golden.h */

#include <stdio.h>

#define GOLDEN "tests/golden/"
static const char *const cases[] = {"gpt2_rows",   "gpt2_resized", "gpt2_resized_rows", "llama_pattern", "llama_layers",
                                    "llama_names", "gemma3",       "qwen2_tied",        "qwen2_parted",  "gpt2_parted",
                                    "gpt_neox",    "opt"};
enum { N_CASES = sizeof cases / sizeof *cases, WHOLE = 1 << 20 };

static const struct weights_kept floats = {.as = WEIGHTS_F32};
static const struct kernels *kernels;

/* ---- fixture: a base with an adapter ---- */

struct adapted {
    struct peft_adapter adapter;
    struct model_config base_config, config; /* with the base's vocabulary, and with the adapter's */
    struct tensor_table base_table;
    struct transformer model;
    char base[64];
    json *golden;
};

/* Base `f->base` with the adapter in `path`. */
static void load(struct adapted *f, const char *path)
{
    struct tensor_table table;
    struct adapter_spec spec;
    struct strbuf unused = {0};
    check_ok(model_config_load(&f->base_config, f->base, NULL, &err));
    check_ok(peft_open(&f->adapter, path, &err));
    f->config = f->base_config;
    peft_fit_model(&f->adapter, &f->config);
    tensor_table_init(&f->base_table, &f->base_config);
    tensor_table_init(&table, &f->config);
    check_ok(peft_spec(&spec, &f->adapter, &table, &f->config, &err));
    tensor_table_adapt(&table, &spec);
    check_ok(weights_check_to_read(&table, &floats, &f->config, f->base_config.vocab_size, f->base, &unused, &err));
    check_ok(transformer_init_of(&f->model, &f->config, kernels, &table, &err));
    check_ok(weights_load_set(&f->model.params, &floats, NULL, &f->config, f->base_config.vocab_size, f->base, &err));
    check_ok(peft_load(&f->model.params, &f->adapter, &f->config, &err));
    adapter_spec_free(&spec);
    strbuf_free(&unused);
}

static void unload(struct adapted *f)
{
    peft_close(&f->adapter);
    tensor_table_free(&f->base_table);
    transformer_free(&f->model);
}

static void setup(struct adapted *f, int i)
{
    char path[64];
    *f = (struct adapted){0};
    snprintf(path, sizeof path, GOLDEN "peft/%s", cases[i]);
    f->golden = golden_read(path, "golden.json");
    snprintf(f->base, sizeof f->base, GOLDEN "model/%s", json_string(json_get(f->golden, "base")));
    load(f, path);
    ck_assert_uint_eq(f->config.vocab_size, (size_t)json_number(json_get(f->golden, "vocab_size")));
}

static void teardown(struct adapted *f)
{
    unload(f);
    json_free(f->golden);
}

/* The last position's logits are PEFT's. */
static void check_logits(const struct adapted *f, struct transformer *model)
{
    size_t n, n_logits;
    int32_t *tokens = golden_ids(json_get(f->golden, "tokens"), &n);
    double *expected = golden_numbers(json_get(f->golden, "logits"), &n_logits), worst = 0, largest = 0;
    float *logits = mem_calloc(n_logits, sizeof *logits);
    const size_t last = n - 1;
    ck_assert_uint_eq(n_logits, f->config.vocab_size);
    golden_logits(model, tokens, n, &last, 1, logits);
    for (size_t i = 0; i < n_logits; i++) {
        worst = fmax(worst, fabs((double)logits[i] - expected[i]));
        largest = fmax(largest, fabs(expected[i]));
    }
    ck_assert_msg(worst <= 1e-5 * largest, "logits of %s are off by %g of %g", f->base, worst, largest);
    free(tokens);
    free(expected);
    free(logits);
}

/* ---- base and adapter side by side ---- */

START_TEST(test_side_by_side)
{
    struct adapted f;
    setup(&f, _i);
    check_logits(&f, &f.model);
    teardown(&f);
}
END_TEST

/* ---- merged ---- */

struct filling {
    float *to;
    size_t n;
};

static void fill(void *context, const float *values, size_t n)
{
    struct filling *f = context;
    memcpy(f->to + f->n, values, n * sizeof *values);
    f->n += n;
}

/* weights_pass, but some elements at a time, whatever the rows. */
struct cut {
    const struct weights *weights;
    size_t n;
    values_take *take;
    void *context;
};

static void take_cut(void *context, const float *values, size_t n)
{
    const struct cut *cut = context;
    for (size_t first = 0; first < n; first += cut->n)
        cut->take(cut->context, values + first, n - first < cut->n ? n - first : cut->n);
}

static enum sft_status pass_cut(const void *from, const struct tensor *tensor, values_take *take, void *context,
                                struct sft_err *why)
{
    struct cut cut = *(const struct cut *)from;
    cut.take = take;
    cut.context = context;
    return weights_pass(cut.weights, tensor, take_cut, &cut, why);
}

/* The merged values into the parameters of a plain model; the base's come in pieces of n. */
static void merge_into(const struct adapted *f, struct transformer *plain, size_t n)
{
    struct weights *weights;
    struct peft_merge *merge;
    struct strbuf unused = {0};
    check_ok(weights_begin(&weights, &f->base_table, &f->base_config, f->base, &unused, &err));
    const struct cut cut = {.weights = weights, .n = n};
    peft_merge_begin(&merge, &f->model.params, f->adapter.config.has_frozen_rows, (struct model_values){pass_cut, &cut},
                     &f->base_table);
    const struct model_values merged = peft_merged(merge);
    for (size_t i = 0; i < plain->params.table.n_tensors; i++) {
        const struct tensor *t = &plain->params.table.tensors[i];
        struct filling filling = {param_values(&plain->params, t), 0};
        check_ok(merged.pass(merged.from, &f->model.params.table.tensors[i], fill, &filling, &err));
        ck_assert_uint_eq(filling.n, t->count);
    }
    peft_merge_end(merge);
    weights_end(weights);
    strbuf_free(&unused);
}

START_TEST(test_merged)
{
    struct adapted f;
    struct transformer plain;
    setup(&f, _i);
    check_ok(transformer_init(&plain, &f.config, kernels, NULL, &err));
    merge_into(&f, &plain, WHOLE);
    check_logits(&f, &plain);
    transformer_free(&plain);
    teardown(&f);
}
END_TEST

/* However the base's values are cut, the same bits. */
START_TEST(test_merged_in_pieces)
{
    struct adapted f;
    struct transformer whole, pieces;
    setup(&f, _i);
    check_ok(transformer_init(&whole, &f.config, kernels, NULL, &err));
    check_ok(transformer_init(&pieces, &f.config, kernels, NULL, &err));
    merge_into(&f, &whole, WHOLE);
    for (size_t n = 5; n < 300; n += 53) {
        merge_into(&f, &pieces, n);
        ck_assert_mem_eq(whole.params.values.data, pieces.params.values.data, whole.params.values.bytes);
    }
    transformer_free(&whole);
    transformer_free(&pieces);
    teardown(&f);
}
END_TEST

/* A vocabulary that the adapter's rows make larger: rows that nobody trains are the mean, as where it is loaded. */
START_TEST(test_merged_with_new_rows)
{
    static const char config[] = "{\"peft_type\":\"LORA\",\"target_modules\":[],\"trainable_token_indices\":[98,5]}";
    static const char name[] = "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta";
    struct adapted f = {.base = GOLDEN "model/llama"};
    struct transformer plain;
    float rows[2 * 24];
    char *path = path_join(dir, "adapter_model.safetensors");
    const struct st_entry entry = {name, &dtype_f32, 2, {2, 24}};
    struct st_writer *w = st_writer_open(path, &entry, 1, &err);
    for (size_t i = 0; i < 2 * 24; i++)
        rows[i] = (float)i;
    st_write(w, rows);
    check_ok(st_writer_commit(w, NULL, &err));
    put("adapter_config.json", config);
    load(&f, dir);
    ck_assert_uint_eq(f.config.vocab_size, 99);
    check_ok(transformer_init(&plain, &f.config, kernels, NULL, &err));
    merge_into(&f, &plain, 77);
    const struct tensor *embedding = plain.params.table.token_embedding, *own = f.model.params.table.token_embedding;
    ck_assert_mem_eq(param_values(&plain.params, embedding) + (size_t)98 * 24, rows, 24 * sizeof *rows);
    ck_assert_mem_eq(param_values(&plain.params, embedding) + (size_t)5 * 24, rows + 24, 24 * sizeof *rows);
    ck_assert_mem_eq(param_values(&plain.params, embedding), param_values(&f.model.params, own),
                     own->count * sizeof(float));
    ck_assert_mem_eq(param_values(&plain.params, plain.params.table.head),
                     param_values(&f.model.params, f.model.params.table.head),
                     plain.params.table.head->count * sizeof(float));
    transformer_free(&plain);
    unload(&f);
    free(path);
}
END_TEST

/* ---- saved and read again ---- */

static void check_same_table(const struct tensor_table *a, const struct tensor_table *b)
{
    ck_assert_uint_eq(a->n_tensors, b->n_tensors);
    ck_assert_uint_eq(a->n_trained_elements, b->n_trained_elements);
    for (size_t i = 0; i < a->n_tensors; i++) {
        const struct tensor *s = &a->tensors[i], *t = &b->tensors[i];
        ck_assert_str_eq(s->name, t->name);
        ck_assert_uint_eq(s->count, t->count);
        ck_assert(s->trained == t->trained && s->lora == t->lora && s->scaling == t->scaling);
        ck_assert_uint_eq(s->n_trained_rows, t->n_trained_rows);
    }
}

START_TEST(test_saved_and_read_again)
{
    struct adapted f, again = {0};
    setup(&f, _i);
    check_ok(peft_save(&f.model.params, &f.adapter.config, &f.config, &dtype_f32, dir, &err));
    snprintf(again.base, sizeof again.base, "%s", f.base);
    load(&again, dir);
    check_same_table(&f.model.params.table, &again.model.params.table);
    ck_assert_uint_eq(f.config.vocab_size, again.config.vocab_size);
    ck_assert_mem_eq(f.model.params.values.data, again.model.params.values.data,
                     f.model.params.table.n_elements * sizeof(float));
    unload(&again);
    teardown(&f);
}
END_TEST

/* What is rounded to a half already is there again to the bit. */
START_TEST(test_saved_in_bf16)
{
    struct adapted f, again = {0};
    int gemma = 0;
    while (strcmp(cases[gemma], "gemma3") != 0)
        gemma++;
    setup(&f, gemma);
    check_ok(peft_save(&f.model.params, &f.adapter.config, &f.config, &dtype_bf16, dir, &err));
    snprintf(again.base, sizeof again.base, "%s", f.base);
    load(&again, dir);
    ck_assert_ptr_eq(again.adapter.file.tensors[0].dtype, &dtype_bf16);
    ck_assert_mem_eq(f.model.params.values.data, again.model.params.values.data,
                     f.model.params.table.n_elements * sizeof(float));
    unload(&again);
    teardown(&f);
}
END_TEST

int main(void)
{
    const struct kernels *tables[MAX_TABLES];
    runnable_tables(tables);
    kernels = tables[0];
    Suite *suite = suite_create("peft_golden");
    TCase *tc = tcase_create("cases");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_loop_test(tc, test_side_by_side, 0, N_CASES);
    tcase_add_loop_test(tc, test_merged, 0, N_CASES);
    tcase_add_loop_test(tc, test_merged_in_pieces, 0, N_CASES);
    tcase_add_test(tc, test_merged_with_new_rows);
    tcase_add_loop_test(tc, test_saved_and_read_again, 0, N_CASES);
    tcase_add_test(tc, test_saved_in_bf16);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
