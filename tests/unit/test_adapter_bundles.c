/* A model with an adapter to be asked: opened alone and beside its base, with which it then shares memory, it is the
 * same to the last bit; and what each of several models says does not depend on the others that are answered. */
#include "infer/bundle.h"
#include "infer/model_check.h"

#include "base/rng.h"
#include "files/hf_save.h"
#include "files/peft/peft_choose.h"
#include "files/peft/peft_save.h"
#include "model/config_read.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "text/tokenizer/tokenizer_load.h"

enum { BASE_TOKENS = 401, TOKENS = 404, N_TEXT = 60, N_MODELS = 3, N_PROMPTS = 3, NEW = 12 };

/* Of a GPT-2, whose matrices lie (in,out) in files; the template's three control tokens are new to it. */
static const char config_text[] =
    "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_head\":2,\"n_embd\":32,\"n_positions\":128,\"vocab_size\":401,"
    "\"activation_function\":\"gelu_new\",\"layer_norm_epsilon\":1e-05,\"initializer_range\":0.3,\"bos_token_id\":400,"
    "\"eos_token_id\":400}";
static const struct template_options im_sep = {.choice = TEMPLATE_IM_SEP};
static struct model_config config;

static char *path_of(const char *name)
{
    return path_join(dir, name);
}

static void write_base(const char *name, const struct dtype *dtype)
{
    struct tokenizer *tok;
    struct param_set params;
    json *raw;
    char *path = path_of(name);
    check_ok(json_parse(config_text, strlen(config_text), &raw, &err));
    check_ok(model_config_read(&config, raw, &err));
    check_ok(tokenizer_load(&tok, "tests/golden/tiny_tokenizer/two_files", &err));
    check_ok(param_set_init(&params, &config, NULL, &err));
    params_init_random(params.values.data, &params.table, &config, 1);
    const struct model_meta meta = {
        .base_config = raw, .eos_token_id = -1, .pad_token_id = -1, .bos_token_id = -1, .dtype = dtype};
    const struct model_out out = {.values = model_values_in(params.values.data),
                                  .table = &params.table,
                                  .config = &config,
                                  .meta = &meta,
                                  .tokenizer = tok};
    check_ok(io_mkdirs(path, &err));
    check_ok(hf_save(&out, path, &err));
    param_set_free(&params);
    tokenizer_free(tok);
    json_free(raw);
    free(path);
}

/* With all that it trains random: A and B of matrices, the rows of n_rows control tokens, and `saved` whole. */
static void write_adapter(const char *name, uint64_t seed, const char *target, const char *saved, size_t n_rows)
{
    static const int32_t rows[] = {401, 402, 403};
    struct string_list targets = {.items = (char **)(uintptr_t)&target, .count = 1};
    struct string_list whole = {.items = (char **)(uintptr_t)&saved, .count = saved != NULL};
    struct model_config grown = config;
    struct tensor_table table;
    struct peft_config adapter;
    struct adapter_spec spec = {0};
    struct param_set params;
    struct rng rng;
    char *path = path_of(name);
    grown.vocab_size = BASE_TOKENS + n_rows;
    peft_config_init(&adapter);
    adapter.r = 4;
    adapter.lora_alpha = 8;
    check_ok(peft_config_set_targets(&adapter, &targets, &err));
    check_ok(peft_config_set_saved(&adapter, &whole, &err));
    tensor_table_init(&table, &grown);
    if (n_rows)
        check_ok(peft_train_rows(&adapter, &table, &grown, rows, n_rows, &err));
    check_ok(peft_choose(&spec, &adapter, &table, &grown, &err));
    tensor_table_adapt(&table, &spec);
    check_ok(param_set_allocate(&params, &table, &err));
    rng_seed(&rng, seed, 0);
    for (size_t i = 0; i < params.table.n_elements; i++)
        ((float *)params.values.data)[i] = 0.2F * (float)rng_normal(&rng);
    check_ok(io_mkdirs(path, &err));
    check_ok(peft_save(&params, &adapter, &grown, &dtype_f32, path, &err));
    param_set_free(&params);
    adapter_spec_free(&spec);
    peft_config_free(&adapter);
    free(path);
}

static void setup(void)
{
    make_dir();
    write_base("f32", &dtype_f32);
    write_base("bf16", &dtype_bf16);
    write_adapter("all", 2, "all-linear", NULL, 3);
    write_adapter("some", 3, "c_fc", "ln_1", 3);
    write_adapter("ends", 5, "c_attn", "wte", 0);
    write_adapter("plain", 6, "c_attn", NULL, 0);
}

/* ---- one of them ---- */

static void open_bundle(struct bundle *b, const char *base, const char *adapter, bool for_generation,
                        const struct bundle *beside)
{
    char *path = path_of(base), *adapter_path = adapter ? path_of(adapter) : NULL;
    const struct bundle_options options = {
        .precision = "fp32", .adapter = adapter_path, .for_generation = for_generation};
    check_ok(beside ? bundle_open_beside(b, beside, &options, &im_sep, &err)
                    : bundle_open(b, path, &options, &im_sep, &err));
    free(path);
    free(adapter_path);
}

/* (TOKENS) of the last of some tokens. */
static void last_logits(const struct bundle *b, float *logits)
{
    int32_t tokens[N_TEXT], position[N_TEXT];
    const size_t seq_start[] = {0, N_TEXT}, last = N_TEXT - 1;
    struct activations acts;
    for (size_t i = 0; i < N_TEXT; i++) {
        tokens[i] = (int32_t)(i % 5 ? i * 37 % TOKENS : 401 + i % 3);
        position[i] = (int32_t)i;
    }
    ck_assert_uint_eq(b->model.config.vocab_size, TOKENS);
    check_ok(transformer_init_activations(&b->model, &acts, N_TEXT, KEEP_NOTHING, &err));
    const struct batch batch = {.N = N_TEXT, .S = 1, .tokens = tokens, .position = position, .seq_start = seq_start};
    transformer_logits(&b->model, &acts, &batch, NULL, &last, 1, logits);
    activations_free(&acts);
}

static const struct {
    const char *base, *adapter;
    bool for_generation;
    size_t n_new_tokens; /* that it has trained no rows for */
} pairs[] = {{"f32", "all", false, 0},   {"f32", "all", true, 0},  {"f32", "some", true, 0},  {"bf16", "all", true, 0},
             {"bf16", "some", false, 0}, {"f32", "ends", true, 3}, {"bf16", "ends", false, 3}};

START_TEST(beside_its_base_and_alone)
{
    struct bundle base, alone, beside;
    float expected[TOKENS], found[TOKENS], plain[TOKENS];
    open_bundle(&base, pairs[_i].base, NULL, pairs[_i].for_generation, NULL);
    open_bundle(&alone, pairs[_i].base, pairs[_i].adapter, pairs[_i].for_generation, NULL);
    open_bundle(&beside, pairs[_i].base, pairs[_i].adapter, pairs[_i].for_generation, &base);
    last_logits(&base, plain);
    last_logits(&alone, expected);
    last_logits(&beside, found);
    ck_assert_mem_eq(found, expected, sizeof found);
    ck_assert(memcmp(plain, expected, sizeof plain) != 0);
    ck_assert_uint_eq(base.n_new_tokens, 3);
    ck_assert_uint_eq(alone.n_new_tokens, pairs[_i].n_new_tokens);
    ck_assert_uint_eq(beside.n_new_tokens, pairs[_i].n_new_tokens);
    bundle_close(&beside);
    bundle_close(&alone);
    bundle_close(&base);
}
END_TEST

/* All but what is its own. */
START_TEST(memory_is_shared)
{
    struct bundle base, beside;
    size_t n_shared = 0;
    open_bundle(&base, "f32", NULL, true, NULL);
    open_bundle(&beside, "f32", "some", true, &base);
    const struct param_set *ours = &beside.model.params, *theirs = &base.model.params;
    for (size_t i = 0; i < ours->table.n_model; i++) {
        const struct tensor *t = &ours->table.tensors[i];
        const bool is_own = strstr(t->name, "ln_1") || strstr(t->name, "wte");
        ck_assert_msg((param_memory(ours, t) != param_memory(theirs, &theirs->table.tensors[i])) == is_own, "%s",
                      t->name);
        n_shared += !is_own;
    }
    ck_assert_uint_eq(n_shared, 2 * 10 + 3); /* of two layers all but ln_1; wpe and ln_f */
    ck_assert_uint_eq(ours->table.n_trained_elements, 0);
    bundle_close(&beside);
    bundle_close(&base);
}
END_TEST

/* ---- several ---- */

/* Prompt p, whose beginning is every model's. */
static struct stream *ask(struct decode *d, size_t model, size_t p)
{
    static const size_t lengths[N_PROMPTS] = {3, 40, 100};
    int32_t tokens[100];
    for (size_t i = 0; i < lengths[p]; i++)
        tokens[i] = (int32_t)(i * 7 % BASE_TOKENS);
    const struct ask ask = {.model = model,
                            .prompt = tokens,
                            .n_prompt = lengths[p],
                            .max_new_tokens = NEW,
                            .ignore_ends = true,
                            .sampling = SAMPLING_GREEDY};
    struct stream *s = decode_submit(d, &ask, &err);
    ck_assert_msg(s != NULL, "%s", err_text(&err));
    return s;
}

static void run(struct decode *d)
{
    while (decode_step(d))
        ;
}

START_TEST(several_models_side_by_side)
{
    static const char *const adapters[N_MODELS] = {NULL, "all", "some"};
    const struct decode_options options = {.max_streams = N_MODELS * N_PROMPTS, .kv_bytes = 32 << 20};
    struct bundle bundles[N_MODELS];
    struct decode_model models[N_MODELS];
    struct stream *streams[N_MODELS][N_PROMPTS];
    int32_t alone[N_MODELS][N_PROMPTS][NEW];
    struct decode d;
    for (size_t m = 0; m < N_MODELS; m++) {
        open_bundle(&bundles[m], "bf16", adapters[m], true, m ? &bundles[0] : NULL);
        models[m] = bundle_decode_model(&bundles[m]);
        for (size_t p = 0; p < N_PROMPTS; p++) {
            check_ok(decode_init(&d, &models[m], &options, &err));
            struct stream *s = ask(&d, 0, p);
            run(&d);
            ck_assert_uint_eq(s->n_made, NEW);
            memcpy(alone[m][p], stream_answer(s), sizeof alone[m][p]);
            decode_free(&d);
        }
    }
    ck_assert(memcmp(alone[0], alone[1], sizeof alone[0]) != 0);
    ck_assert(memcmp(alone[1], alone[2], sizeof alone[1]) != 0);
    check_ok(decode_init_several(&d, models, N_MODELS, &options, &err));
    for (size_t p = 0; p < N_PROMPTS; p++)
        for (size_t m = 0; m < N_MODELS; m++)
            streams[m][p] = ask(&d, m, p);
    run(&d);
    for (size_t m = 0; m < N_MODELS; m++)
        for (size_t p = 0; p < N_PROMPTS; p++) {
            ck_assert_int_eq(streams[m][p]->state, STREAM_DONE);
            ck_assert_mem_eq(stream_answer(streams[m][p]), alone[m][p], sizeof alone[m][p]);
        }
    decode_free(&d);
    for (size_t m = N_MODELS; m-- > 0;)
        bundle_close(&bundles[m]);
}
END_TEST

/* A beginning that one model has computed is no other's. */
START_TEST(pages_are_of_one_model)
{
    const struct decode_options options = {.max_streams = 4, .kv_bytes = 32 << 20};
    struct bundle base, beside;
    struct decode d;
    open_bundle(&base, "f32", NULL, true, NULL);
    open_bundle(&beside, "f32", "all", true, &base);
    const struct decode_model models[] = {bundle_decode_model(&base), bundle_decode_model(&beside)};
    check_ok(decode_init_several(&d, models, 2, &options, &err));
    for (size_t round = 0; round < 2; round++)
        for (size_t m = 0; m < 2; m++) {
            struct stream *s = ask(&d, m, 2);
            run(&d);
            ck_assert_uint_eq(s->n_cached, round ? 96 : 0);
            decode_close(&d, s);
        }
    decode_free(&d);
    bundle_close(&beside);
    bundle_close(&base);
}
END_TEST

/* While one model's long answer is made, another's goes on: neither waits for the other's end. */
START_TEST(models_take_turns)
{
    const struct decode_options options = {.max_streams = 4, .kv_bytes = 32 << 20};
    struct bundle base, beside;
    struct decode d;
    open_bundle(&base, "f32", NULL, true, NULL);
    open_bundle(&beside, "f32", "all", true, &base);
    const struct decode_model models[] = {bundle_decode_model(&base), bundle_decode_model(&beside)};
    check_ok(decode_init_several(&d, models, 2, &options, &err));
    const struct stream *a = ask(&d, 0, 0), *b = ask(&d, 0, 1), *c = ask(&d, 1, 0);
    for (size_t i = 1; i <= 10; i++) {
        ck_assert(decode_step(&d));
        ck_assert_uint_le(a->n_made, (i + 1) / 2 + 1);
        ck_assert_uint_ge(c->n_made, i / 2);
        ck_assert_uint_ge(b->n_made, i / 2);
    }
    decode_free(&d);
    bundle_close(&beside);
    bundle_close(&base);
}
END_TEST

/* ---- what does not fit ---- */

static void fails(const char *base, const char *adapter, const char *text)
{
    struct bundle b;
    char *path = path_of(base), *adapter_path = path_of(adapter);
    const struct bundle_options options = {.precision = "fp32", .adapter = adapter_path};
    ck_assert_int_eq(bundle_open(&b, path, &options, &im_sep, &err), SFT_EDATA);
    ck_assert_msg(strstr(err_text(&err), text) != NULL, "%s", err_text(&err));
    bundle_close(&b);
    free(path);
    free(adapter_path);
}

START_TEST(an_adapter_of_another_model)
{
    fails("f32", "wide", "lora_A");
}
END_TEST

/* ---- what is exported ---- */

/* The base as it is, in place of base and adapter: export would not call that done. */
START_TEST(what_is_not_merged_is_found)
{
    static const volatile int stop;
    struct model_check check;
    char *base = path_of("f32"), *adapter = path_of("plain");
    const struct model_check_of same = {
        .original = base, .written = base, .dtype = &dtype_f32, .memory = SIZE_MAX, .stop = &stop};
    struct model_check_of of = same;
    of.adapter = adapter;
    check_ok(model_check(&check, &same, &err));
    model_check_free(&check);
    ck_assert_int_eq(model_check(&check, &of, &err), SFT_EDATA);
    ck_assert_msg(strstr(err_text(&err), "what was written is not the model") != NULL, "%s", err_text(&err));
    model_check_free(&check);
    free(base);
    free(adapter);
}
END_TEST

static void setup_wide(void)
{
    setup();
    config.n_embd = 64;
    config.head_dim = 32;
    config.n_inner = 256;
    write_adapter("wide", 4, "all-linear", NULL, 3);
}

int main(void)
{
    Suite *suite = suite_create("adapter_bundles");
    TCase *tests = tcase_create("adapter_bundles"), *wide = tcase_create("wide");
    tcase_add_checked_fixture(tests, setup, remove_dir);
    tcase_add_loop_test(tests, beside_its_base_and_alone, 0, sizeof pairs / sizeof *pairs);
    tcase_add_test(tests, memory_is_shared);
    tcase_add_test(tests, several_models_side_by_side);
    tcase_add_test(tests, pages_are_of_one_model);
    tcase_add_test(tests, models_take_turns);
    tcase_add_test(tests, what_is_not_merged_is_found);
    tcase_add_checked_fixture(wide, setup_wide, remove_dir);
    tcase_add_test(wide, an_adapter_of_another_model);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, wide);
    return run_suite(suite);
}
