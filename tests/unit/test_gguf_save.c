/* Models as GGUF: what is written of every family is read again as the same model (our reader is held to gguf and
 * transformers by its own tests), and what llama.cpp would compute otherwise is refused. */
#include "base/json.h"
#include "files/gguf/gguf.h"
#include "files/gguf/gguf_format.h"
#include "files/gguf/gguf_save.h"
#include "files/gguf/gguf_types.h"
#include "files/weights.h"
#include "model/config_read.h"
#include "model/param_set.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/tokenizer_load.h"

#include <math.h>

#define GOLDEN "tests/golden/"
enum { VOCAB = 407 }; /* rows for tokens that there are none of */

/* A tiny model of tests/golden/model, with these changes of its config, rows for the tiny tokenizer's tokens, and
 * values that remain what they are when 1 is added and taken off. */
struct tiny {
    json *raw;
    struct model_config config;
    struct param_set params;
    struct tokenizer *tok;
};

static void open_tiny(struct tiny *m, const char *name, const char *changes)
{
    char *path = mem_printf(GOLDEN "model/%s/config.json", name);
    json *other;
    check_ok(json_parse_file(path, &m->raw, &err));
    check_ok(json_parse(changes, strlen(changes), &other, &err));
    for (const json *change = json_first(other); change; change = json_next(change))
        json_set_node(m->raw, json_key(change), json_copy(change));
    json_free(other);
    json_set_number(m->raw, "vocab_size", VOCAB);
    check_ok(model_config_read(&m->config, m->raw, &err));
    check_ok(param_set_init(&m->params, &m->config, NULL, &err));
    check_ok(tokenizer_load(&m->tok, GOLDEN "tiny_tokenizer/two_files", &err));
    uint32_t state = 1;
    const struct tensor_table *table = &m->params.table;
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++)
        for (size_t i = 0; i < t->count; i++) {
            state = state * 1664525 + 1013904223;
            param_values(&m->params, t)[i] = (float)(state >> 21) / 1024 - 1;
        }
    free(path);
}

static void close_tiny(struct tiny *m)
{
    json_free(m->raw);
    param_set_free(&m->params);
    tokenizer_free(m->tok);
}

static enum sft_status save_tiny(const struct tiny *m, const char *path, const struct dtype *dtype)
{
    static const struct generation_config none = {.temperature = 1};
    const struct model_meta meta = {.eos_token_id = -1, .pad_token_id = -1, .bos_token_id = -1, .dtype = dtype};
    const struct model_out out = {.values = model_values_in(m->params.values.data),
                                  .table = &m->params.table,
                                  .config = &m->config,
                                  .meta = &meta,
                                  .tokenizer = m->tok,
                                  .generation = &none};
    return gguf_save(&out, path, &err);
}

/* ---- what comes back ---- */

static void expect_config(const struct model_config *a, const struct model_config *b, const char *name)
{
#define SAME(field) ck_assert_msg(a->field == b->field, "%s: " #field, name)
#define NEAR(field) ck_assert_msg(fabs(a->field - b->field) <= 1e-6 * fabs(a->field), "%s: " #field, name)
    SAME(n_layer), SAME(n_embd), SAME(n_inner), SAME(vocab_size), SAME(n_head), SAME(n_kv_head), SAME(head_dim);
    SAME(activation), SAME(tied), SAME(sequential_residual), SAME(rotary_dim), SAME(rope.type), SAME(rope_local.type);
    NEAR(layer_norm_epsilon), NEAR(rope.theta), NEAR(rope_local.theta), NEAR(rope.factor), NEAR(attention_softcap);
    NEAR(logit_softcap), NEAR(embedding_multiplier), NEAR(residual_multiplier), NEAR(logits_divisor);
    SAME(rope.original_positions);
    const double scale = pow((double)a->head_dim, -0.5);
    ck_assert_double_eq_tol(a->attention_multiplier != 0 ? a->attention_multiplier : scale,
                            b->attention_multiplier != 0 ? b->attention_multiplier : scale, 1e-6);
    ck_assert_msg(memcmp(&a->sliding, &b->sliding, sizeof a->sliding) == 0 ||
                      a->family->window.rule != WINDOW_PATTERN, "%s: sliding", name);
    ck_assert_msg(memcmp(&a->unrotated, &b->unrotated, sizeof a->unrotated) == 0, "%s: unrotated", name);
#undef SAME
#undef NEAR
}

/* Where a Mistral is read as a Llama the tensors are called the same. */
static void expect_values(const struct tiny *m, const struct model_config *config, const char *path, const char *name)
{
    struct param_set back;
    const struct tensor_table *table = &m->params.table;
    check_ok(param_set_init(&back, config, NULL, &err));
    check_ok(weights_load(back.values.data, &back.table, config, VOCAB, path, &err));
    ck_assert_uint_eq(back.table.n_tensors, table->n_tensors);
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++) {
        const struct tensor *other = tensor_find_name(&back.table, t->name);
        ck_assert_msg(other && memcmp(param_values(&back, other), param_values(&m->params, t),
                                      t->count * sizeof(float)) == 0, "%s: %s", name, t->name);
    }
    param_set_free(&back);
}

static void expect_tokenizer(const struct tiny *m, const char *path, const char *name)
{
    static const char text[] = "Once upon a  time, it's 12 \n\n na\u00efve <|endoftext|> \U0001f600\tx";
    struct tokenizer *tok;
    struct token_buf ours = {0}, theirs = {0};
    check_ok(format_gguf.load_tokenizer(&tok, path, &err));
    struct encoder *a = encoder_new(m->tok), *b = encoder_new(tok);
    encoder_encode_special(a, text, sizeof text - 1, &ours);
    encoder_encode_special(b, text, sizeof text - 1, &theirs);
    ck_assert_msg(ours.count == theirs.count && memcmp(ours.ids, theirs.ids, ours.count * sizeof *ours.ids) == 0,
                  "%s: ids", name);
    ck_assert_int_eq(tokenizer_eos_id(tok), tokenizer_eos_id(m->tok));
    ck_assert_uint_eq(tokenizer_vocab_size(tok), tokenizer_vocab_size(m->tok));
    token_buf_free(&ours);
    token_buf_free(&theirs);
    encoder_free(a);
    encoder_free(b);
    tokenizer_free(tok);
}

static const struct {
    const char *name, *changes; /* of what llama.cpp's architecture cannot do */
    size_t context;             /* where that is not the model's */
} families[] = {
    {"gpt2", "{}", 0},
    {"llama", "{}", 0},
    {"llama3", "{}", 0},
    {"llama_linear", "{}", 0},
    {"mistral", "{}", 7},
    {"qwen2", "{}", 0},
    {"qwen2_window", "{}", 5},
    {"qwen3", "{}", 0},
    {"gemma2", "{\"query_pre_attn_scalar\": 8}", 0},
    {"gemma3", "{\"query_pre_attn_scalar\": 8}", 0},
    {"smollm3", "{}", 0},
    {"granite", "{}", 0},
    {"olmo2", "{}", 0},
    {"olmo2", "{\"tie_word_embeddings\": true}", 0},
    {"gpt_neox", "{}", 0},
    {"gpt_neox", "{\"use_parallel_residual\": false, \"tie_word_embeddings\": true}", 0},
};

START_TEST(every_family_comes_back)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct tiny m;
        struct model_config config;
        json *read;
        char *path = mem_printf("%s/%zu.gguf", dir, i), *called;
        open_tiny(&m, families[i].name, families[i].changes);
        check_ok(save_tiny(&m, path, &dtype_f32));
        check_ok(format_gguf.read_config(&read, &called, path, &err));
        check_ok(model_config_read(&config, read, &err));
        ck_assert_uint_eq(config.n_positions, families[i].context ? families[i].context : m.config.n_positions);
        expect_config(&m.config, &config, families[i].name);
        expect_values(&m, &config, path, families[i].name);
        expect_tokenizer(&m, path, families[i].name);
        json_free(read);
        free(called);
        free(path);
        close_tiny(&m);
    }
}
END_TEST

/* ---- types ---- */

static const char *type_of(const struct gguf *g, const char *name)
{
    return gguf_tensor(g, name)->dtype->name;
}

START_TEST(what_each_tensor_is_stored_as)
{
    struct tiny m;
    struct gguf g;
    size_t type;
    char *path = path_join(dir, "m.gguf");
    open_tiny(&m, "gpt2", "{\"n_embd\": 64, \"n_inner\": 40, \"tie_word_embeddings\": false}");
    check_ok(save_tiny(&m, path, dtype_of_option(gguf_dtypes_written, "q4_0")));
    check_ok(gguf_open(&g, path, &err));
    ck_assert_str_eq(type_of(&g, "blk.0.attn_qkv.weight"), "Q4_0");
    ck_assert_str_eq(type_of(&g, "blk.1.ffn_up.weight"), "Q4_0");
    ck_assert_str_eq(type_of(&g, "blk.1.ffn_down.weight"), "F16"); /* rows of 40 are no whole blocks */
    ck_assert_str_eq(type_of(&g, "token_embd.weight"), "Q8_0");
    ck_assert_str_eq(type_of(&g, "output.weight"), "Q8_0");
    ck_assert_str_eq(type_of(&g, "position_embd.weight"), "F32");
    ck_assert_str_eq(type_of(&g, "blk.0.attn_norm.weight"), "F32");
    ck_assert_str_eq(type_of(&g, "blk.0.attn_qkv.bias"), "F32");
    check_ok(gguf_get_size(&g, "general.file_type", 0, &type, &err));
    ck_assert_uint_eq(type, 2);
    gguf_close(&g);
    close_tiny(&m);
    free(path);
}
END_TEST

START_TEST(a_tied_head_stays_tied)
{
    struct tiny m;
    struct gguf g;
    char *path = path_join(dir, "m.gguf");
    open_tiny(&m, "qwen2", "{}");
    check_ok(save_tiny(&m, path, &dtype_bf16));
    check_ok(gguf_open(&g, path, &err));
    ck_assert(m.config.tied);
    ck_assert_ptr_null(gguf_tensor(&g, "output.weight"));
    gguf_close(&g);
    close_tiny(&m);
    free(path);
}
END_TEST

START_TEST(numbers_that_a_half_cannot_hold_are_refused)
{
    struct tiny m;
    char *path = path_join(dir, "m.gguf");
    open_tiny(&m, "llama", "{\"hidden_size\": 32}");
    const struct tensor *t = tensor_find_name(&m.params.table, "model.layers.1.mlp.up_proj.weight");
    param_values(&m.params, t)[70] = 1e5F;
    ck_assert_int_eq(save_tiny(&m, path, &dtype_f16), SFT_EDATA);
    ck_assert_str_eq(err_text(&err),
                     "blk.1.ffn_up.weight: holds numbers that are too large for f16 (choose bf16 or f32)");
    ck_assert(!path_exists(path));
    check_ok(save_tiny(&m, path, gguf_q8_0)); /* its scale is 1/127 of that */
    param_values(&m.params, t)[70] = 1e7F;
    ck_assert_int_eq(save_tiny(&m, path, gguf_q8_0), SFT_EDATA);
    check_ok(save_tiny(&m, path, &dtype_bf16));
    close_tiny(&m);
    free(path);
}
END_TEST

/* ---- what llama.cpp computes otherwise ---- */

#define LLAMA3(low, high, positions, theta)                                                                            \
    "{\"hidden_size\": 32, \"rope_parameters\": {\"rope_type\": \"llama3\", \"rope_theta\": " theta                    \
    ", \"factor\": 8, \"low_freq_factor\": " low ", \"high_freq_factor\": " high \
    ", \"original_max_position_embeddings\": " positions "}}"

static const struct {
    const char *name, *changes, *message;
} refused[] = {
    {"opt", "{}",
     "config.json: model_type 'opt': not written as GGUF: llama.cpp has no such architecture (it has those of gpt2, "
     "llama, mistral, qwen2, qwen3, gemma2, gemma3_text, smollm3, granite, olmo2, gpt_neox)"},
    {"gpt2_untied", "{}",
     "config.json: activation_function: not written as GGUF: llama.cpp's gpt2 computes gelu_new, not gelu"},
    {"gpt2", "{\"scale_attn_by_inverse_layer_idx\": true}",
     "config.json: scale_attn_by_inverse_layer_idx: not written as GGUF: llama.cpp's gpt2 has no such scale"},
    {"gemma3", "{\"query_pre_attn_scalar\": 4}",
     "config.json: query_pre_attn_scalar: not written as GGUF: llama.cpp's gemma3 multiplies scores by 0.353553, not "
     "0.5"},
    {"gemma2", "{\"query_pre_attn_scalar\": 8, \"attn_logit_softcapping\": null}",
     "config.json: attn_logit_softcapping: not written as GGUF: llama.cpp's gemma2 has one always"},
    {"gemma2", "{\"query_pre_attn_scalar\": 8, \"tie_word_embeddings\": false}",
     "config.json: tie_word_embeddings: not written as GGUF: llama.cpp's gemma2 takes the embedding for its head"},
    {"qwen3", "{\"attention_bias\": true}",
     "config.json: attention_bias: not written as GGUF: llama.cpp's qwen3 has no biases"},
    {"gpt_neox", "{\"attention_bias\": false}",
     "config.json: attention_bias: not written as GGUF: llama.cpp's gptneox needs biases"},
    {"smollm3", "{\"no_rope_layers\": [1, 1, 1, 1]}",
     "config.json: no_rope_layers: not written as GGUF: llama.cpp's smollm3 turns all layers but each 4th"},
    {"qwen2", "{\"head_dim\": 4}",
     "config.json: head_dim: not written as GGUF: llama.cpp's qwen2 has heads of hidden_size / num_attention_heads "
     "columns"},
    {"qwen3",
     "{\"rope_parameters\": {\"rope_type\": \"llama3\", \"rope_theta\": 500, \"factor\": 4, "
     "\"low_freq_factor\": 1, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 32}}",
     "config.json: rope_type llama3: not written as GGUF: llama.cpp's qwen3 has no rotary factors"},
    {"llama", LLAMA3("2", "4", "32", "500"),
     "config.json: low_freq_factor: not written as GGUF: its rotary factors alone are in such a file, and read as "
     "those of 1, not of 2"},
    {"llama", LLAMA3("1", "8", "32", "500"),
     "config.json: high_freq_factor: not written as GGUF: its rotary factors alone are in such a file, and read as "
     "those of 4, not of 8"},
    {"llama", LLAMA3("1", "4", "32", "2"),
     "config.json: original_max_position_embeddings: not written as GGUF: its rotary factors alone are in such a file, "
     "and say nothing of 8, the factor, where all pairs turn in 32 positions"},
};

START_TEST(what_llama_cpp_computes_otherwise)
{
    char *path = path_join(dir, "m.gguf");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct tiny m;
        open_tiny(&m, refused[i].name, refused[i].changes);
        ck_assert_msg(save_tiny(&m, path, &dtype_f32) == SFT_EDATA, "%s %s", refused[i].name, refused[i].changes);
        ck_assert_str_eq(err_text(&err), refused[i].message);
        ck_assert(!path_exists(path));
        close_tiny(&m);
    }
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gguf_save");
    TCase *tcase = tcase_create("gguf_save");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_test(tcase, every_family_comes_back);
    tcase_add_test(tcase, what_each_tensor_is_stored_as);
    tcase_add_test(tcase, a_tied_head_stays_tied);
    tcase_add_test(tcase, numbers_that_a_half_cannot_hold_are_refused);
    tcase_add_test(tcase, what_llama_cpp_computes_otherwise);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
