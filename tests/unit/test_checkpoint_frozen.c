/* A checkpoint of a run that trains some tensors only: all weights, and the moments of what is trained; and one whose
 * model's own weights are rounded. */
#include "files/model_files.h"
#include "files/safetensors.h"
#include "files/weights.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "text/tokenizer/tokenizer_load.h"
#include "train/checkpoint.h"

#include <math.h>

static bool is_norm(const struct tensor *tensor)
{
    return strstr(tensor->pattern, "ln_") != NULL;
}

/* Numbers for every tensor of a block of values, or for the trained ones of a block of moments; none in the gaps. */
static void fill(const struct param_set *params, struct block *block, bool of_values, float first)
{
    for (size_t i = 0; i < params->table.n_tensors; i++) {
        const struct tensor *t = &params->table.tensors[i];
        float *x = (float *)block->data + (of_values ? t->offset : t->grad_offset);
        for (size_t k = 0; k < t->count && (of_values || t->trained); k++)
            x[k] = first + (float)((i + k) % 1000);
    }
}

static void open_model(struct transformer *model, struct adamw *adamw)
{
    const struct adamw_options options = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    struct model_config config;
    check_ok(model_config_load(&config, "checkpoints/base", NULL, &err));
    check_ok(transformer_init(model, &config, &kernels_plain_f32, is_norm, &err));
    check_ok(adamw_init(adamw, model, &options, &err));
}

static void save(struct transformer *model, struct adamw *adamw, const struct dtype *dtype)
{
    struct tokenizer *tok;
    struct strbuf record = {0};
    const struct train_state state = {.step = 5};
    const struct model_meta meta = {.eos_token_id = -1, .pad_token_id = -1, .bos_token_id = -1, .dtype = dtype};
    check_ok(tokenizer_load(&tok, "checkpoints/base", &err));
    strbuf_puts(&record, "\"total_steps\": 9");
    check_ok(checkpoint_save(dir, &(struct checkpoint){model, adamw, NULL, tok, &meta, &state, &record}, &err));
    strbuf_free(&record);
    tokenizer_free(tok);
}

/* "m.NAME" and "v.NAME" of what is trained, and nothing else. */
static void check_moments_file(const char *checkpoint, const struct tensor_table *table)
{
    struct st_file file;
    size_t n_trained = 0;
    char *path = path_join(checkpoint, "trainer/optimizer.safetensors");
    check_ok(st_open(&file, path, &err));
    for (size_t i = 0; i < table->n_tensors; i++) {
        char *name = mem_printf("v.%s", table->tensors[i].name);
        ck_assert_msg((st_find(&file, name) != NULL) == table->tensors[i].trained, "%s", name);
        n_trained += table->tensors[i].trained;
        free(name);
    }
    ck_assert_uint_gt(n_trained, 0);
    ck_assert_uint_eq(file.n_tensors, 2 * n_trained);
    st_close(&file);
    free(path);
}

static void check_same(const struct block *a, const struct block *b)
{
    ck_assert_uint_eq(a->bytes, b->bytes);
    ck_assert(memcmp(a->data, b->data, a->bytes) == 0);
}

START_TEST(only_trained_tensors_have_moments_in_it)
{
    struct transformer model, again;
    struct adamw adamw, adamw_again;
    open_model(&model, &adamw);
    fill(&model.params, &model.params.values, true, 0);
    fill(&model.params, &adamw.m, false, 1);
    fill(&model.params, &adamw.v, false, 2);
    save(&model, &adamw, &dtype_f32);
    char *checkpoint = path_join(dir, "checkpoint-5");
    check_moments_file(checkpoint, &model.params.table);
    open_model(&again, &adamw_again);
    check_ok(checkpoint_load(checkpoint, false, &again, &adamw_again, &err));
    check_same(&model.params.values, &again.params.values);
    check_same(&adamw.m, &adamw_again.m);
    check_same(&adamw.v, &adamw_again.v);
    free(checkpoint);
    adamw_free(&adamw);
    adamw_free(&adamw_again);
    transformer_free(&model);
    transformer_free(&again);
}
END_TEST

/* What of a model's own weights differs from the block of values. */
static size_t count_different(const char *checkpoint, const struct transformer *model)
{
    float *values = mem_calloc(model->params.table.n_elements, sizeof *values);
    const float *trained = model->params.values.data;
    size_t n = 0;
    check_ok(weights_load(values, &model->params.table, &model->config, model->config.vocab_size, checkpoint, &err));
    for (size_t i = 0; i < model->params.table.n_elements; i++) {
        ck_assert_float_le(fabsf(values[i] - trained[i]), fabsf(trained[i]) / 256);
        n += values[i] != trained[i];
    }
    free(values);
    return n;
}

START_TEST(rounded_weights_have_masters_beside_them)
{
    struct transformer model, again;
    struct adamw adamw, adamw_again;
    char *checkpoint = path_join(dir, "checkpoint-5"), *masters = path_join(checkpoint, "trainer/model.safetensors");
    open_model(&model, &adamw);
    fill(&model.params, &model.params.values, true, 0.1F);
    fill(&model.params, &adamw.m, false, 1);
    fill(&model.params, &adamw.v, false, 2);
    save(&model, &adamw, &dtype_bf16);
    ck_assert_uint_gt(count_different(checkpoint, &model), 0);
    open_model(&again, &adamw_again);
    check_ok(checkpoint_load(checkpoint, false, &again, &adamw_again, &err));
    check_same(&model.params.values, &again.params.values);
    check_same(&adamw.m, &adamw_again.m);
    save(&model, &adamw, &dtype_f32); /* in its place */
    ck_assert_uint_eq(count_different(checkpoint, &model), 0);
    ck_assert(!path_exists(masters));
    free(masters);
    free(checkpoint);
    adamw_free(&adamw);
    adamw_free(&adamw_again);
    transformer_free(&model);
    transformer_free(&again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint, frozen");
    TCase *tcase = tcase_create("checkpoint, frozen");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, only_trained_tensors_have_moments_in_it);
    tcase_add_test(tcase, rounded_weights_have_masters_beside_them);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
