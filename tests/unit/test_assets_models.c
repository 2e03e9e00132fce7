/* Models that others trained: their authors' own logits, and transformers' (tests/golden/model/assets.json,
 * by scripts/golden_model.py). */
#include "support/golden.h"
#include "support/measured.h"
#include "support/run_suite.h"
#include "support/tables.h"

static const struct kernels *tables[MAX_TABLES];

static char *model_dir(const char *name)
{
    const char *assets = getenv("SFT_ASSETS");
    char *models = path_join(assets ? assets : "../shared/assets", "models"), *dir = path_join(models, name);
    free(models);
    if (!path_exists(dir)) {
        printf("SKIP: %s is not there\n", dir);
        free(dir);
        return NULL;
    }
    return dir;
}

/* How far off logits may be. In bf16: about twice what was measured, which is 0.2 to 0.4% of the largest
 * logit; every operand of every product is rounded by at most 2^-8 of itself. */
static double bound_of(const struct kernels *kernels, double in_fp32, double in_bf16)
{
    return is_bf16_table(kernels) ? in_bf16 : in_fp32;
}

static void check_asset(const char *name, const struct kernels *kernels, double bf16_bound)
{
    char *dir = model_dir(name);
    if (!dir)
        return;
    struct transformer model;
    json *golden = golden_read("tests/golden/model", "assets.json");
    golden_load_model(&model, dir, kernels, false);
    check_error(table_name(kernels), name, golden_logits_error(&model, json_get(golden, name)),
                bound_of(kernels, 2e-5, bf16_bound));
    transformer_free(&model);
    json_free(golden);
    free(dir);
}

START_TEST(capp_gpt)
{
    check_asset("capp-gpt", tables[_i], 5e-2); /* of logits up to 8.5 */
}
END_TEST

START_TEST(lmbuddy_tiny_gpt2)
{
    check_asset("lmbuddy-tiny-gpt2", tables[_i], 6e-4); /* up to 0.076 */
}
END_TEST

enum { SORT_SEQUENCES = 3, SORT_LENGTH = 11, SORT_VOCAB = 3 };

/* The n blank-separated numbers of a file. */
static void read_numbers(const char *dir, const char *name, double *numbers, size_t n)
{
    char *path = path_join(dir, name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(fscanf(file, "%lf", &numbers[i]), 1);
    fclose(file);
    free(path);
}

START_TEST(llmviz_gpt_nano_sort)
{
    char *dir = model_dir("llmviz-gpt-nano-sort");
    if (!dir)
        return;
    double ids[SORT_SEQUENCES * SORT_LENGTH], expected[SORT_SEQUENCES * SORT_LENGTH * SORT_VOCAB], worst = 0;
    read_numbers(dir, "ref_idx.txt", ids, sizeof ids / sizeof *ids);
    read_numbers(dir, "ref_logits.txt", expected, sizeof expected / sizeof *expected);
    struct transformer model;
    golden_load_model(&model, dir, tables[_i], false);
    for (size_t s = 0; s < SORT_SEQUENCES; s++) {
        int32_t tokens[SORT_LENGTH];
        size_t rows[SORT_LENGTH];
        float logits[SORT_LENGTH * SORT_VOCAB];
        for (size_t t = 0; t < SORT_LENGTH; t++) {
            tokens[t] = (int32_t)ids[s * SORT_LENGTH + t];
            rows[t] = t;
        }
        golden_logits(&model, tokens, SORT_LENGTH, rows, SORT_LENGTH, logits);
        for (size_t i = 0; i < SORT_LENGTH * SORT_VOCAB; i++) {
            const double error = fabs((double)logits[i] - expected[s * SORT_LENGTH * SORT_VOCAB + i]);
            ck_assert(isfinite(error));
            worst = fmax(worst, error);
        }
    }
    check_error(table_name(tables[_i]), "llmviz-gpt-nano-sort", worst,
                bound_of(tables[_i], 1e-5, 3.5e-2)); /* of logits up to 8.4 */
    transformer_free(&model);
    free(dir);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    const int n_tables = (int)modelled_tables(tables);
    Suite *suite = suite_create("assets' models");
    TCase *models = tcase_create("logits");
    tcase_add_loop_test(models, llmviz_gpt_nano_sort, 0, n_tables);
    tcase_add_loop_test(models, capp_gpt, 0, n_tables);
    tcase_add_loop_test(models, lmbuddy_tiny_gpt2, 0, n_tables);
    suite_add_tcase(suite, models);
    return run_suite(suite);
}
