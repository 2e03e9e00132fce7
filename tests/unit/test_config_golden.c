/* config.json of every family in the spellings of transformers 4 and 5, and what transformers makes of each:
 * scripts/golden_config.py. */
#include "base/mem.h"
#include "files/hf_save.h"
#include "files/model_files.h"
#include "model/config_read.h"
#include "model/config_write.h"

#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>
#include <stdio.h>

static const json *cases;

static const json *case_at(int i)
{
    const json *node = json_first(cases);
    while (i-- > 0)
        node = json_next(node);
    return node;
}

/* ---- what is compared ---- */

static const char *case_name; /* of the case at hand */

static void expect_number(const char *what, double found, double wanted)
{
    if (!(fabs(found - wanted) <= 1e-12 * fabs(wanted)))
        ck_abort_msg("%s: %s is %.17g, and %.17g in transformers", case_name, what, found, wanted);
}

static void expect_numbers(const struct model_config *c, const json *want)
{
    const double scale = c->attention_multiplier > 0 ? c->attention_multiplier : 1 / sqrt((double)c->head_dim);
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {"n_layer", (double)c->n_layer},
        {"n_embd", (double)c->n_embd},
        {"n_positions", (double)c->n_positions},
        {"vocab_size", (double)c->vocab_size},
        {"n_head", (double)c->n_head},
        {"n_kv_head", (double)c->n_kv_head},
        {"head_dim", (double)c->head_dim},
        {"layer_norm_epsilon", c->layer_norm_epsilon},
        {"initializer_range", c->initializer_range},
        {"rotary_dim", (double)c->rotary_dim},
        {"scale", scale},
        {"attention_softcap", c->attention_softcap},
        {"logit_softcap", c->logit_softcap},
        {"embedding_multiplier", c->embedding_multiplier},
        {"residual_multiplier", c->residual_multiplier},
        {"logits_divisor", c->logits_divisor},
        {"dropout", c->dropout},
        {"bos", c->bos_token_id},
        {"eos", c->eos_token_id},
        {"pad", c->pad_token_id},
        {"padding_idx", c->has_padding_idx ? c->pad_token_id : -1},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        expect_number(numbers[i].key, numbers[i].value, json_number(json_get(want, numbers[i].key)));
}

/* f(1) of an activation function f. */
static double at_one(enum activation_function activation)
{
    switch (activation) {
    case ACTIVATION_GELU_NEW:
        return 0.841192;
    case ACTIVATION_GELU:
        return 0.841345;
    case ACTIVATION_SILU:
        return 0.731059;
    case ACTIVATION_RELU:
        break;
    }
    return 1;
}

static void expect_flags(const struct model_config *c, const json *want)
{
    ck_assert_str_eq(c->family->model_type, json_string(json_get(want, "model_type")));
    expect_number("activation", at_one(c->activation), json_number(json_get(want, "activation")));
    expect_number("tied", c->tied, json_is_true(json_get(want, "tied")));
    expect_number("sequential", c->sequential_residual, json_is_true(json_get(want, "sequential")));
}

/* A type and its numbers: theta, factor, low, high, original; of a type as many as it uses. */
static void expect_rope(const struct rope_config *rope, const json *want)
{
    static const char *const types[] = {[ROPE_DEFAULT] = "default", [ROPE_LINEAR] = "linear", [ROPE_LLAMA3] = "llama3"};
    const double numbers[] = {rope->theta, rope->factor, rope->low_freq_factor, rope->high_freq_factor,
                              (double)rope->original_positions};
    if (!json_is_array(want)) {
        expect_number("theta of none", rope->theta, 0);
        return;
    }
    ck_assert_str_eq(types[rope->type], json_string(json_first(want)));
    size_t i = 0;
    for (const json *node = json_next(json_first(want)); node; node = json_next(node))
        expect_number("rope", numbers[i++], json_number(node));
    for (; i < 5; i++)
        expect_number("rope, unused", numbers[i], 0);
}

static bool has_number(const json *list, size_t n)
{
    for (const json *node = json_first(list); node; node = json_next(node))
        if (json_number(node) == (double)n)
            return true;
    return false;
}

static void expect_layers(const struct model_config *c, const json *want)
{
    const json *window = json_first(json_get(want, "windows"));
    for (size_t layer = 0; layer < c->n_layer; layer++, window = json_next(window)) {
        const double found = layer_set_has(&c->sliding, layer) ? (double)c->sliding_window : 0;
        expect_number("window", found, json_number(window));
        expect_number("unrotated", layer_set_has(&c->unrotated, layer), has_number(json_get(want, "unrotated"), layer));
    }
}

static void expect_tensors(const struct model_config *c, const json *want)
{
    struct tensor_table table;
    size_t n = 0;
    if (!want)
        return;
    tensor_table_init(&table, c);
    for (const json *node = json_first(want); node; node = json_next(node), n++) {
        const struct tensor *t = tensor_find_name(&table, json_key(node));
        if (!t)
            ck_abort_msg("%s: no tensor %s", case_name, json_key(node));
        ck_assert_uint_eq(t->n_dims, json_size(node));
        expect_number(t->name, (double)t->rows, json_number(json_first(node)));
        expect_number(t->name, (double)t->cols, t->n_dims == 1 ? 1 : json_number(json_next(json_first(node))));
    }
    ck_assert_uint_eq(table.n_global + (table.n_tensors - table.n_global) / c->n_layer, n);
    tensor_table_free(&table);
}

START_TEST(a_config_is_what_transformers_makes_of_it)
{
    const json *c = case_at(_i), *want = json_get(c, "want");
    struct model_config config;
    case_name = json_string(json_get(c, "name"));
    if (model_config_read(&config, json_get(c, "config"), &err))
        ck_abort_msg("%s: %s", case_name, err_text(&err));
    expect_numbers(&config, want);
    expect_flags(&config, want);
    expect_rope(&config.rope, json_get(want, "rope"));
    expect_rope(&config.rope_local, json_get(want, "rope_local"));
    expect_layers(&config, want);
    expect_tensors(&config, json_get(want, "tensors"));
}
END_TEST

/* ---- written ---- */

static void expect_written(json *root, const struct model_config *config)
{
    struct model_config again;
    model_config_write(root, config);
    if (model_config_read(&again, root, &err))
        ck_abort_msg("%s: %s", case_name, err_text(&err));
    again.bos_token_id = config->bos_token_id; /* hf_save writes these */
    again.eos_token_id = config->eos_token_id;
    again.pad_token_id = config->pad_token_id;
    again.has_padding_idx = config->has_padding_idx;
    again.dropout = config->dropout; /* of the base alone */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): each was filled whole from the family's defaults */
    if (memcmp(config, &again, sizeof again) != 0)
        ck_abort_msg("%s: another config came back", case_name);
}

/* Every key of the base's stays, and from nothing at all the same config is written. */
START_TEST(a_config_that_is_written_says_the_same)
{
    const json *c = case_at(_i), *base = json_get(c, "config");
    struct model_config config;
    case_name = json_string(json_get(c, "name"));
    check_ok(model_config_read(&config, base, &err));
    json *root = json_copy(base), *empty = json_new_object();
    expect_written(root, &config);
    expect_written(empty, &config);
    for (const json *key = json_first(base); key; key = json_next(key)) {
        struct strbuf old = {0}, now = {0};
        json_print_line(key, &old);
        json_print_line(json_get(root, json_key(key)), &now);
        if (strcmp(json_key(key), "architectures") != 0)
            ck_assert_str_eq(old.data, now.data);
        strbuf_free(&old);
        strbuf_free(&now);
    }
    json_free(root);
    json_free(empty);
}
END_TEST

int main(void)
{
    json *golden;
    if (json_parse_file("tests/golden/config.json", &golden, &err)) { /* no test is running yet */
        fprintf(stderr, "%s\n", err_text(&err));
        return EXIT_FAILURE;
    }
    cases = json_get(golden, "cases");
    const int n_cases = (int)json_size(cases);
    Suite *suite = suite_create("config_golden");
    TCase *tcase = tcase_create("config_golden");
    tcase_add_loop_test(tcase, a_config_is_what_transformers_makes_of_it, 0, n_cases);
    tcase_add_loop_test(tcase, a_config_that_is_written_says_the_same, 0, n_cases);
    suite_add_tcase(suite, tcase);
    const int status = run_suite(suite);
    json_free(golden);
    return status;
}
