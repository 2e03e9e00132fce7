/* Ids and masks of real conversations of every format against transformers', by hash
 * (tests/golden/masks.txt). */
#include "data/dataset.h"
#include "support/err_text.h"
#include "support/run_suite.h"
#include "text/tokenizer/tokenizer_load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sft_err err;

static uint64_t hash_of_rows(const struct dataset *set)
{
    struct xxh64 all;
    xxh64_init(&all, 0);
    for (size_t i = 0; i < set->n_examples; i++) {
        const struct example e = dataset_example(set, i);
        xxh64_update(&all, &e.content_hash, sizeof e.content_hash);
    }
    return xxh64_digest(&all);
}

static void check_golden_line(const char *assets, const char *name, const char *path, size_t rows,
                              uint64_t expected)
{
    struct tokenizer *gpt2;
    struct chat_template t;
    struct dataset set;
    const struct dataset_options all = {.render.max_length = SIZE_MAX};
    const bool is_chatml = strcmp(name, "chatml") == 0;
    const struct template_options options = {.choice = is_chatml ? TEMPLATE_CHATML : TEMPLATE_IM_SEP};
    char *tokenizer_dir = path_join(assets, "gpt2-tokenizer");
    char *file = strchr(path, '/') ? path_join(assets, path) : path_join("tests/golden", path);
    ck_assert_msg(tokenizer_load(&gpt2, tokenizer_dir, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_int_eq(template_init(&t, &options, gpt2, &err), SFT_OK);
    ck_assert_msg(dataset_load(&set, &file, 1, &t, gpt2, &all, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_uint_eq(set.n_examples, rows);
    ck_assert_msg(hash_of_rows(&set) == expected, "%s %s differs from transformers", name, path);
    dataset_free(&set);
    template_free(&t);
    tokenizer_free(gpt2);
    free(tokenizer_dir);
    free(file);
}

START_TEST(masks_equal_transformers)
{
    const char *assets = getenv("SFT_ASSETS") ? getenv("SFT_ASSETS") : "../shared/assets";
    if (!path_is_dir(assets)) {
        printf("SKIP: masks_equal_transformers: no %s\n", assets);
        return;
    }
    FILE *golden = fopen("tests/golden/masks.txt", "re");
    ck_assert_ptr_nonnull(golden);
    char line[512], name[32], path[256];
    size_t n = 0;
    while (fgets(line, sizeof line, golden)) {
        unsigned long long rows, hash;
        if (line[0] == '#')
            continue;
        ck_assert_int_eq(sscanf(line, "%31s %255s %llu %llx", name, path, &rows, &hash), 4);
        check_golden_line(assets, name, path, (size_t)rows, (uint64_t)hash);
        n++;
    }
    ck_assert_uint_eq(n, 34);
    fclose(golden);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("masks");
    TCase *tests = tcase_create("masks");
    tcase_add_test(tests, masks_equal_transformers);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
