/* The metadata of a GGUF file as a config.json: what each architecture's keys become, what the family adds, what is
 * told of keys that are wrong or ask for another model; and settings of generation. */
#include "base/json.h"
#include "files/generation.h"
#include "files/gguf/gguf_config.h"
#include "model/config_read.h"
#include "model/family.h"

#include "gguf_builder.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>
#include <stdio.h>

enum { EXTRAS = 16, FREQS = 32 };

/* A key that is added, or stands in the place of one of the same name. */
struct extra {
    const char *key;
    enum gguf_type type;
    double value;
    const char *text; /* of a string; of an array of flags, or of ids, these */
    size_t count;
};
static struct extra extras[EXTRAS];
static size_t n_extras;
static const char *architecture, *left_out;
static float freqs[FREQS]; /* rope_freqs.weight; all 0: there is none */
static uint64_t embedding_rows; /* of token_embd.weight; 0: there is none */
static struct model_config config;
static struct generation_config generation;

static void begin(const char *name)
{
    architecture = name;
    left_out = NULL;
    n_extras = 0;
    embedding_rows = 0;
    memset(freqs, 0, sizeof freqs);
}

static void set(const char *key, enum gguf_type type, double value)
{
    extras[n_extras++] = (struct extra){key, type, value, NULL, 0};
}

static void set_ids(const char *key, const int32_t *ids, size_t n)
{
    extras[n_extras++] = (struct extra){key, GGUF_I32, 0, (const char *)ids, n};
}

static void set_text(const char *key, const char *text)
{
    extras[n_extras++] = (struct extra){key, GGUF_STRING, 0, text, 0};
}

static void set_flags(const char *key, const char *flags, size_t n)
{
    extras[n_extras++] = (struct extra){key, GGUF_BOOL, 0, flags, n};
}

/* ---- the file ---- */

static bool is_replaced(const char *key)
{
    for (size_t i = 0; i < n_extras; i++)
        if (strcmp(extras[i].key, key) == 0)
            return true;
    return left_out && strcmp(left_out, key) == 0;
}

static void put_value(struct strbuf *b, uint64_t *n, const char *key, enum gguf_type type, double value)
{
    const uint32_t whole = (uint32_t)(int64_t)value;
    const float real = (float)value;
    const uint8_t flag = value != 0;
    put_key(b, key, type);
    if (type == GGUF_F32)
        strbuf_add(b, &real, sizeof real);
    else if (type == GGUF_BOOL)
        strbuf_add(b, &flag, sizeof flag);
    else
        strbuf_add(b, &whole, sizeof whole);
    ++*n;
}

static void put_size(struct strbuf *b, uint64_t *n, const char *name, double value)
{
    char *key = mem_printf("%s.%s", architecture, name);
    if (!is_replaced(key))
        put_value(b, n, key, GGUF_U32, value);
    free(key);
}

static uint64_t put_values(struct strbuf *b)
{
    static const char *const tokens[] = {"a", "b", "c", "d"};
    const bool is_gpt2 = strcmp(architecture, "gpt2") == 0;
    char *epsilon = mem_printf("%s.attention.layer_norm_%s", architecture, is_gpt2 ? "epsilon" : "rms_epsilon");
    uint64_t n = 2;
    put_string_value(b, "general.architecture", architecture);
    put_key(b, "tokenizer.ggml.tokens", GGUF_ARRAY);
    put_u32(b, GGUF_STRING);
    put_u64(b, 4);
    for (size_t i = 0; i < 4; i++)
        put_text(b, tokens[i]);
    put_size(b, &n, "block_count", 7);
    put_size(b, &n, "context_length", 64);
    put_size(b, &n, "embedding_length", 128);
    put_size(b, &n, "feed_forward_length", 256);
    put_size(b, &n, "attention.head_count", 2);
    if (!is_gpt2)
        put_size(b, &n, "attention.head_count_kv", 1);
    if (strcmp(architecture, "gemma3") == 0)
        put_size(b, &n, "attention.sliding_window", 16);
    if (!is_replaced(epsilon))
        put_value(b, &n, epsilon, GGUF_F32, 1e-5);
    for (size_t i = 0; i < n_extras; i++)
        if (extras[i].count) {
            put_key(b, extras[i].key, GGUF_ARRAY);
            put_u32(b, extras[i].type);
            put_u64(b, extras[i].count);
            strbuf_add(b, extras[i].text, extras[i].count * (extras[i].type == GGUF_BOOL ? 1 : sizeof(int32_t)));
            n++;
        } else if (extras[i].text) {
            put_string_value(b, extras[i].key, extras[i].text);
            n++;
        } else {
            put_value(b, &n, extras[i].key, extras[i].type, extras[i].value);
        }
    free(epsilon);
    return n;
}

static void build(struct strbuf *b)
{
    struct strbuf values = {0};
    const bool has_freqs = freqs[0] != 0;
    const uint64_t n = put_values(&values);
    put_begin(b, 3, (uint64_t)(has_freqs + !!embedding_rows), n);
    strbuf_add(b, values.data, values.len);
    if (has_freqs) {
        put_text(b, "rope_freqs.weight");
        put_u32(b, 1);
        put_u64(b, FREQS);
        put_u32(b, 0);
        put_u64(b, 0);
    }
    if (embedding_rows)
        put_tensor(b, "token_embd.weight", embedding_rows, 128, 0, has_freqs ? sizeof freqs : 0);
    put_data(b, 32, 0);
    if (has_freqs)
        strbuf_add(b, freqs, sizeof freqs);
    put_data(b, 1, embedding_rows * 128 * sizeof(float));
    strbuf_free(&values);
}

static enum sft_status read_all(void)
{
    struct strbuf b = {0};
    struct gguf g;
    json *root = NULL, *raw = NULL;
    build(&b);
    generation_config_free(&generation);
    enum sft_status status = gguf_parse(&g, b.data, b.len, &err);
    if (!status)
        status = gguf_config_make(&root, &g, &err);
    ck_assert(!status == !!root);
    if (!status)
        status = model_config_read(&config, root, &err);
    if (!status)
        status = gguf_generation_make(&raw, &g, &err);
    if (!status)
        status = generation_config_take(&generation, raw, root, &config, &err);
    json_free(root);
    gguf_close(&g);
    strbuf_free(&b);
    return status;
}

static void expect(const char *message)
{
    ck_assert_int_eq(read_all(), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), message);
}

/* ---- what is read ---- */

START_TEST(sizes_of_each)
{
    static const struct {
        const char *name;
        const struct family *family;
        size_t n_kv_head;
    } cases[] = {{"gpt2", &family_gpt2, 2}, {"llama", &family_llama, 1}, {"qwen2", &family_qwen2, 1},
                 {"qwen3", &family_qwen3, 1}, {"gemma3", &family_gemma3, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(cases[i].name);
        check_ok(read_all());
        ck_assert_ptr_eq(config.family, cases[i].family);
        ck_assert_uint_eq(config.n_layer, 7);
        ck_assert_uint_eq(config.n_positions, 64);
        ck_assert_uint_eq(config.n_embd, 128);
        ck_assert_uint_eq(config.n_inner, 256);
        ck_assert_uint_eq(config.n_head, 2);
        ck_assert_uint_eq(config.n_kv_head, cases[i].n_kv_head);
        ck_assert_uint_eq(config.head_dim, 64); /* as llama.cpp has it, not what a family would say */
        ck_assert_uint_eq(config.vocab_size, 4);
        ck_assert(config.layer_norm_epsilon == 1e-5); /* not the float's double */
        ck_assert(config.tied && !config.attention_bias && !config.mlp_bias);
        ck_assert_int_eq(config.bos_token_id, -1); /* not the family's either */
        ck_assert_int_eq(config.eos_token_id, -1);
        ck_assert_uint_eq(generation.n_end_tokens, 0);
    }
}
END_TEST

/* Rows that the embedding has beyond the tokens are rows; tokens that it has no row for are a mistake. */
START_TEST(rows_of_the_embedding)
{
    begin("qwen2");
    embedding_rows = 6;
    check_ok(read_all());
    ck_assert_uint_eq(config.vocab_size, 6);
    set("qwen2.vocab_size", GGUF_U32, 4);
    expect("qwen2.vocab_size: 4 is not supported: token_embd.weight's rows are 6");
    begin("qwen2");
    embedding_rows = 3;
    expect("tokenizer.ggml.tokens: 4 tokens, but token_embd.weight has 3 rows");
}
END_TEST

START_TEST(what_gemma_knows)
{
    begin("gemma3");
    set("gemma3.rope.freq_base", GGUF_F32, 500000);
    set("gemma3.attention.key_length", GGUF_U32, 32);
    set("gemma3.attention.value_length", GGUF_U32, 32);
    check_ok(read_all());
    ck_assert_uint_eq(config.head_dim, 32);
    ck_assert(config.rope.theta == 500000 && config.rope_local.theta == 10000);
    ck_assert_double_eq_tol(config.attention_multiplier, 1 / sqrt(32), 1e-12); /* by head_dim, as in llama.cpp */
    ck_assert(config.embedding_multiplier == sqrt(128));
    ck_assert_uint_eq(config.sliding_window, 16);
    for (size_t layer = 0; layer < 7; layer++)
        ck_assert(layer_set_has(&config.sliding, layer) == (layer != 5));
    set("gemma3.attention.sliding_window_pattern", GGUF_U32, 2);
    set("gemma3.rope.freq_base_swa", GGUF_F32, 20000);
    set_text("gemma3.rope.scaling.type", "linear");
    set("gemma3.rope.scaling.factor", GGUF_F32, 8);
    check_ok(read_all());
    ck_assert(config.rope.type == ROPE_LINEAR && config.rope.factor == 8);
    ck_assert(config.rope_local.type == ROPE_DEFAULT && config.rope_local.theta == 20000);
    ck_assert(!layer_set_has(&config.sliding, 1) && layer_set_has(&config.sliding, 2));
}
END_TEST

/* What convert_hf_to_gguf.py writes of rope_type llama3. */
static void set_freqs(double theta, double factor, double low, double high, double positions)
{
    for (size_t i = 0; i < FREQS; i++) {
        const double frequency = pow(theta, -2.0 * (double)i / (2 * FREQS)), wavelength = 2 * M_PI / frequency;
        const double smooth = (positions / wavelength - low) / (high - low);
        freqs[i] = (float)(wavelength < positions / high  ? 1
                           : wavelength > positions / low ? factor
                                                          : 1 / ((1 - smooth) / factor + smooth));
    }
}

START_TEST(what_gemma_27b_scales_by)
{
    begin("gemma3");
    set("gemma3.block_count", GGUF_U32, 62);
    set("gemma3.attention.key_length", GGUF_U32, 32);
    set("gemma3.attention.value_length", GGUF_U32, 32);
    check_ok(read_all());
    ck_assert(config.attention_multiplier == 1.0 / 8);
}
END_TEST

/* As ollama writes them: which layers slide as a flag each, the local theta by a key of its own, a list of ends. */
START_TEST(gemma_as_ollama_has_it)
{
    begin("gemma3");
    static const char flags[] = {1, 0, 1, 1, 0, 0, 1};
    set_flags("gemma3.attention.sliding_window_pattern", flags, sizeof flags);
    set("gemma3.rope.local.freq_base", GGUF_F32, 30000);
    check_ok(read_all());
    ck_assert(config.rope_local.theta == 30000);
    for (size_t layer = 0; layer < 7; layer++)
        ck_assert(layer_set_has(&config.sliding, layer) == flags[layer]);
    static const int32_t ids[] = {3, 2, 3};
    set("tokenizer.ggml.eos_token_id", GGUF_U32, 2);
    set_ids("tokenizer.ggml.eos_token_ids", ids, 3);
    check_ok(read_all());
    ck_assert_uint_eq(generation.n_end_tokens, 2);
    ck_assert_uint_eq(json_size(json_get(generation.raw, "eos_token_id")), 2);
    ck_assert(generation.end_tokens[0] == 2 && generation.end_tokens[1] == 3);
    static const int32_t below[] = {1, -1};
    begin("gemma3");
    set_ids("tokenizer.ggml.eos_token_ids", below, 2);
    expect("tokenizer.ggml.eos_token_ids[1]: -1 is no token");
    begin("gemma3");
    set_flags("gemma3.attention.sliding_window_pattern", flags, 6);
    expect("gemma3.attention.sliding_window_pattern: 6 entries for 7 layers");
}
END_TEST

START_TEST(factors_of_llama3)
{
    static const double factors[] = {8, 32};
    for (size_t i = 0; i < 2; i++) {
        begin("llama");
        set("llama.rope.freq_base", GGUF_F32, 500000);
        set_freqs(500000, factors[i], 1, 4, 8192);
        check_ok(read_all());
        ck_assert_int_eq(config.rope.type, ROPE_LLAMA3);
        ck_assert(config.rope.factor == factors[i] && config.rope.low_freq_factor == 1);
        ck_assert(config.rope.high_freq_factor == 4 && config.rope.original_positions == 8192);
    }
    set_freqs(500000, 8, 1, 4, 4096);
    expect("rope_freqs.weight: these factors are not Llama 3's (low 1, high 4, 8192 positions), the only ones "
           "supported: [13] is 1.32716, not 1");
    set("llama.attention.key_length", GGUF_U32, 32);
    set("llama.attention.value_length", GGUF_U32, 32);
    expect("rope_freqs.weight: expected 16 numbers for heads of 32 columns, found 32");
}
END_TEST

/* A factor alone is linear, as in llama.cpp, and so is what it was called in 2023; none is none. */
START_TEST(factors_of_positions)
{
    begin("llama");
    set("llama.rope.scaling.factor", GGUF_F32, 4);
    check_ok(read_all());
    ck_assert(config.rope.type == ROPE_LINEAR && config.rope.factor == 4);
    set_freqs(10000, 8, 1, 4, 8192);
    expect("rope_freqs.weight: is not supported beside a linear scaling of positions");
    memset(freqs, 0, sizeof freqs);
    set("llama.rope.scale_linear", GGUF_F32, 2);
    check_ok(read_all());
    ck_assert(config.rope.factor == 4);
    set_text("llama.rope.scaling.type", "none");
    check_ok(read_all());
    ck_assert(config.rope.type == ROPE_DEFAULT);
    begin("llama");
    set("llama.rope.scale_linear", GGUF_F32, 2);
    check_ok(read_all());
    ck_assert(config.rope.type == ROPE_LINEAR && config.rope.factor == 2);
}
END_TEST

START_TEST(tokens_and_sampling)
{
    begin("llama");
    set("tokenizer.ggml.bos_token_id", GGUF_U32, 1);
    set("tokenizer.ggml.eos_token_id", GGUF_U32, 2);
    set("tokenizer.ggml.eot_token_id", GGUF_U32, 3);
    set("tokenizer.ggml.eom_token_id", GGUF_U32, 2);
    set("general.sampling.temp", GGUF_F32, 0.6);
    set("general.sampling.top_k", GGUF_I32, 20);
    set("general.sampling.top_p", GGUF_F32, 0.95);
    set("general.sampling.penalty_repeat", GGUF_F32, 1.1);
    check_ok(read_all());
    ck_assert(config.bos_token_id == 1 && config.eos_token_id == 2 && config.pad_token_id == -1);
    ck_assert_uint_eq(generation.n_end_tokens, 2);
    ck_assert(generation.end_tokens[0] == 2 && generation.end_tokens[1] == 3);
    ck_assert(generation.do_sample && generation.temperature == 0.6 && generation.top_k == 20);
    ck_assert(generation.top_p == 0.95 && generation.repetition_penalty == 1.1);
    begin("llama");
    set("tokenizer.ggml.bos_token_id", GGUF_U32, 3);
    set("tokenizer.ggml.padding_token_id", GGUF_U32, UINT32_MAX); /* none, in files that llama.cpp itself makes */
    check_ok(read_all());
    ck_assert(config.bos_token_id == 3 && config.pad_token_id == -1);
    begin("llama");
    set("tokenizer.ggml.bos_token_id", GGUF_U32, 4);
    expect("tokenizer.ggml.bos_token_id: token 4 is outside a vocabulary of 4");
    begin("llama");
    set_text("general.sampling.temp", "hot");
    expect("general.sampling.temp: expected a number, found string");
}
END_TEST

/* ---- what is told ---- */

START_TEST(keys_that_are_missing)
{
    static const char *const keys[] = {
        "llama.block_count",          "llama.context_length", "llama.embedding_length", "llama.feed_forward_length",
        "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon", "gpt2.attention.layer_norm_epsilon",
        "gemma3.attention.sliding_window"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *name = mem_strndup(keys[i], strcspn(keys[i], ".")), *message = mem_printf("%s: is missing", keys[i]);
        begin(name);
        left_out = keys[i];
        expect(message);
        free(message);
        free(name);
    }
}
END_TEST

#define EXPECT(message, ...)                                                                                 \
    do {                                                                                                     \
        begin("llama");                                                                                      \
        __VA_ARGS__;                                                                                         \
        expect(message);                                                                                     \
    } while (0)

START_TEST(values_that_are_wrong)
{
    EXPECT("llama.block_count: expected 1 to 2147483647, found 0", set("llama.block_count", GGUF_U32, 0));
    EXPECT("llama.block_count: -1 is not a size", set("llama.block_count", GGUF_I32, -1));
    EXPECT("llama.block_count: expected a whole number, found f32", set("llama.block_count", GGUF_F32, 2));
    EXPECT("llama.block_count: expected a whole number, found string", set_text("llama.block_count", "2"));
    EXPECT("llama.block_count: 1025 is more than 1024", set("llama.block_count", GGUF_U32, 1025));
    EXPECT("llama.attention.key_length is missing, and 128 columns do not divide by 3 heads",
           set("llama.attention.head_count", GGUF_U32, 3));
    EXPECT("llama.attention.head_count_kv: 4 does not divide 2 heads",
           set("llama.attention.head_count_kv", GGUF_U32, 4));
    EXPECT("llama.attention.value_length: 32 is not supported: values are as wide as keys, 64",
           set("llama.attention.value_length", GGUF_U32, 32));
    EXPECT("llama.rope.dimension_count: 32 is not supported: whole heads are turned, of 64",
           set("llama.rope.dimension_count", GGUF_U32, 32));
    EXPECT("llama.vocab_size: 5 is not supported: the tokens are 4", set("llama.vocab_size", GGUF_U32, 5));
    EXPECT("llama.attention.layer_norm_rms_epsilon: expected a number from 0 to 1, found -1",
           set("llama.attention.layer_norm_rms_epsilon", GGUF_F32, -1));
    EXPECT("llama.rope.freq_base: expected a number from 1 to 1e12, found 0", set("llama.rope.freq_base", GGUF_F32, 0));
    EXPECT("llama.rope.scaling.type 'yarn' is not supported (none and linear are)",
           set_text("llama.rope.scaling.type", "yarn"));
    EXPECT("llama.rope.scaling.factor: is missing", set_text("llama.rope.scaling.type", "linear"));
}
END_TEST

START_TEST(models_that_are_others)
{
    EXPECT("general.architecture: 'bloom' is not supported (gpt2, llama, qwen2, qwen3, gemma2, gemma3, smollm3, "
           "granite, olmo2, gptneox are)",
           begin("bloom"));
    EXPECT("general.type 'adapter' is not supported (model is)", set_text("general.type", "adapter"));
    EXPECT("llama.expert_count: is not supported for this architecture, found 8",
           set("llama.expert_count", GGUF_U32, 8));
    EXPECT("llama.logit_scale: is not supported for this architecture, found 2", set("llama.logit_scale", GGUF_F32, 2));
    EXPECT("llama.attention.sliding_window: is not supported for this architecture, found 32",
           set("llama.attention.sliding_window", GGUF_U32, 32));
    EXPECT("llama.attention.causal: false is not supported", set("llama.attention.causal", GGUF_BOOL, 0));
    begin("llama"); /* which ask for nothing */
    set("llama.expert_count", GGUF_U32, 0);
    set("llama.logit_scale", GGUF_F32, 1);
    set("llama.attention.sliding_window", GGUF_U32, 64);
    set("llama.attention.causal", GGUF_BOOL, 1);
    set_text("general.type", "model");
    set_text("llama.rope.scaling.type", "none");
    check_ok(read_all());
    ck_assert(config.rope.type == ROPE_DEFAULT && config.sliding_window == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gguf_config");
    TCase *tcase = tcase_create("gguf_config");
    tcase_add_test(tcase, sizes_of_each);
    tcase_add_test(tcase, rows_of_the_embedding);
    tcase_add_test(tcase, what_gemma_knows);
    tcase_add_test(tcase, what_gemma_27b_scales_by);
    tcase_add_test(tcase, gemma_as_ollama_has_it);
    tcase_add_test(tcase, factors_of_llama3);
    tcase_add_test(tcase, factors_of_positions);
    tcase_add_test(tcase, tokens_and_sampling);
    tcase_add_test(tcase, keys_that_are_missing);
    tcase_add_test(tcase, values_that_are_wrong);
    tcase_add_test(tcase, models_that_are_others);
    suite_add_tcase(suite, tcase);
    const int failed = run_suite(suite);
    generation_config_free(&generation);
    return failed;
}
