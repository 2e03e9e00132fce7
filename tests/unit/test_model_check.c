/* A model that was written is held to the original: what rounding does passes in every dtype, and whatever else was
 * changed on the disk, tensor, setting, token or template, is found and named. */
#include "infer/model_check.h"

#include "files/hf_save.h"
#include "files/weights.h"
#include "model/config_read.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "text/template.h"
#include "text/tokenizer/tokenizer_load.h"

#include <math.h>

#define CONFIG(heads, epsilon)                                                                                         \
    "{\"model_type\":\"llama\",\"num_hidden_layers\":2,\"num_attention_heads\":" heads                                 \
    ",\"num_key_value_heads\":" heads ",\"hidden_size\":32,\"intermediate_size\":48,"                                  \
    "\"max_position_embeddings\":64,\"vocab_size\":404,\"rms_norm_eps\":" epsilon                                      \
    ",\"bos_token_id\":400,\"eos_token_id\":400}"

static struct tokenizer *tok;
static struct chat_template tpl;
static struct model_config config;
static struct param_set params;
static json *raw;
static struct model_check check;
static struct model_check_of of;
static volatile int stop;

static void use_config(const char *text)
{
    json_free(raw);
    check_ok(json_parse(text, strlen(text), &raw, &err));
    check_ok(model_config_read(&config, raw, &err));
}

/* Write the model as it now is, whole, into a directory of this name. */
static void write_model(const char *name, const struct dtype *dtype)
{
    const struct model_meta meta = {
        .base_config = raw, .eos_token_id = -1, .pad_token_id = -1, .bos_token_id = -1, .dtype = dtype};
    const struct model_out out = {.values = model_values_in(params.values.data),
                                  .table = &params.table,
                                  .config = &config,
                                  .meta = &meta,
                                  .tokenizer = tok};
    char *path = path_join(dir, name);
    check_ok(io_mkdirs(path, &err));
    check_ok(hf_save(&out, path, &err));
    free(path);
}

static void setup(void)
{
    const struct template_options im_sep = {.choice = TEMPLATE_IM_SEP};
    make_dir();
    check_ok(tokenizer_load(&tok, "tests/golden/tiny_tokenizer", &err));
    check_ok(template_init(&tpl, &im_sep, tok, &err));
    use_config(CONFIG("4", "1e-5"));
    check_ok(param_set_init(&params, &config, NULL, &err));
    params_init_random(params.values.data, &params.table, &config, 1);
    float *values = params.values.data;
    for (size_t i = 0; i < params.table.n_elements; i++) /* so that attention attends; norms stay 1 */
        values[i] *= values[i] == 1 ? 1 : 10;
    write_model("original", &dtype_f32);
    stop = 0;
    of = (struct model_check_of){.original = path_join(dir, "original"),
                                 .written = path_join(dir, "written"),
                                 .dtype = &dtype_f32,
                                 .memory = SIZE_MAX,
                                 .stop = &stop};
}

static void teardown(void)
{
    model_check_free(&check);
    free((char *)(uintptr_t)of.original);
    free((char *)(uintptr_t)of.written);
    param_set_free(&params);
    template_free(&tpl);
    tokenizer_free(tok);
    json_free(raw);
    raw = NULL;
    remove_dir();
}

static enum sft_status run_check(void)
{
    model_check_free(&check);
    return model_check(&check, &of, &err);
}

/* It fails, and says so. */
static void fails(const char *message)
{
    ck_assert_int_eq(run_check(), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), message);
}

#define DIFFERS "what was written is not the model: "

static float *values_of(const char *name)
{
    const struct tensor *t = tensor_find_name(&params.table, name);
    ck_assert_msg(t != NULL, "no tensor %s", name);
    return param_values(&params, t);
}

static void swap(float *a, float *b)
{
    const float kept = *a;
    *a = *b;
    *b = kept;
}

/* ---- what passes ---- */

START_TEST(every_dtype_passes)
{
    static const struct dtype *const dtypes[] = {&dtype_f32, &dtype_f16, &dtype_bf16};
    static const double least[] = {0, 1e-5, 1e-3}, most[] = {0, 2e-3, 2e-2};
    for (size_t i = 0; i < 3; i++) {
        struct strbuf line = {0};
        of.dtype = dtypes[i];
        write_model("written", of.dtype);
        check_ok(run_check());
        ck_assert(check.was_run);
        ck_assert_msg(check.share >= least[i] && check.share <= most[i], "%s: %g", of.dtype->option, check.share);
        model_check_describe(&check, of.dtype, &line);
        const char *expected = i ? "its logits differ by 0." : "its logits are the original's; it says the same: ";
        ck_assert_msg(strstr(line.data, expected) == line.data, "%s", line.data);
        strbuf_free(&line);
    }
}
END_TEST

/* Without a template it is not asked, and goes on with a text. */
START_TEST(a_model_without_a_template)
{
    tokenizer_set_chat_template(tok, NULL);
    write_model("original", &dtype_f32);
    write_model("written", &dtype_f32);
    check_ok(run_check());
    ck_assert(!check.is_asked && check.was_asked_the_same && check.says.len);
}
END_TEST

static void described(const struct dtype *dtype, const char *expected)
{
    struct strbuf line = {0};
    model_check_describe(&check, dtype, &line);
    ck_assert_str_eq(line.data, expected);
    strbuf_free(&line);
}

/* What came of it is told so that one can see whether it is good. */
START_TEST(what_came_of_it)
{
    check = (struct model_check){.was_run = true, .worst = 0.5, .share = 0.021, .is_asked = true};
    strbuf_puts(&check.says, "Hello");
    described(&dtype_bf16, "its logits differ by 2.1% from the original's; it says: Hello");
    check.was_asked_the_same = true;
    strbuf_puts(&check.original_says, "Hello");
    described(&dtype_bf16, "its logits differ by 2.1% from the original's; it says the same: Hello");
    strbuf_puts(&check.original_says, " you");
    check.is_asked = false;
    check.share = 0.4;
    described(&dtype_bf16, "its logits differ by 40% from the original's, which is noticeable (f32 is nearer); it goes "
                           "on: Hello (the original: Hello you)");
}
END_TEST

START_TEST(a_model_of_few_positions)
{
    json_set_number((json *)(uintptr_t)raw, "max_position_embeddings", 2);
    config.n_positions = 2;
    write_model("original", &dtype_f32);
    write_model("written", &dtype_f32);
    check_ok(run_check());
    ck_assert(check.was_run && check.worst == 0);
}
END_TEST

/* ---- what doesn't ---- */

START_TEST(one_tensor_of_many)
{
    static const struct dtype *const dtypes[] = {&dtype_f32, &dtype_f16, &dtype_bf16};
    float *q = values_of("model.layers.1.self_attn.q_proj.weight");
    for (size_t i = 0; i < 32; i++) /* two rows of it */
        swap(&q[i], &q[32 + i]);
    for (size_t i = 0; i < 3; i++) {
        of.dtype = dtypes[i];
        write_model("written", of.dtype);
        model_check_free(&check);
        ck_assert_int_eq(run_check(), SFT_EDATA);
        const char *expected = DIFFERS "tensor 'model.layers.1.self_attn.q_proj.weight' is off by 0.";
        ck_assert_msg(strstr(err_text(&err), expected) == err_text(&err), "%s", err_text(&err));
    }
}
END_TEST

/* The tensors are the same, what is made of them is not. */
START_TEST(another_setting)
{
    use_config(CONFIG("2", "1e-5"));
    write_model("written", &dtype_f32);
    ck_assert_int_eq(run_check(), SFT_EDATA);
    ck_assert_msg(strstr(err_text(&err), DIFFERS "its logits differ by ") == err_text(&err), "%s", err_text(&err));
    of.dtype = &dtype_bf16;
    write_model("written", of.dtype);
    ck_assert_int_eq(run_check(), SFT_EDATA);
    ck_assert_msg(strstr(err_text(&err), "in bf16 its logits differ by ") == err_text(&err), "%s", err_text(&err));
    of.dtype = &dtype_f32;
    use_config(CONFIG("4", "1e-4"));
    write_model("written", &dtype_f32);
    ck_assert_int_eq(run_check(), SFT_EDATA);
}
END_TEST

START_TEST(another_tokenizer)
{
    write_model("written", &dtype_f32);
    char *path = path_join(of.written, "tokenizer.json"), *first;
    struct strbuf text = {0};
    check_ok(io_read(path, &text, &err));
    strbuf_putc(&text, '\0');
    first = strstr(text.data, "\"x\":"); /* two letters change places */
    ck_assert_ptr_nonnull(first);
    char *second = strstr(text.data, "\"z\":");
    ck_assert_ptr_nonnull(second);
    first[1] = 'z';
    second[1] = 'x';
    check_ok(io_write_file(path, text.data, text.len - 1, &err));
    fails(DIFFERS "its tokenizer makes other tokens of a text");
    strbuf_free(&text);
    free(path);
}
END_TEST

START_TEST(another_chat_template)
{
    tokenizer_set_chat_template(tok, "{% for m in messages %}{{ '<|im_start|>' + m.role + '<|im_sep|>' + m.content + "
                                     "'<|im_end|>' }}{% endfor %}");
    write_model("written", &dtype_f32);
    fails(DIFFERS "its chat template makes other tokens of a question");
}
END_TEST

START_TEST(values_that_a_dtype_cannot_hold)
{
    float *up = values_of("model.layers.0.mlp.up_proj.weight");
    up[5] = 70000;
    up[9] = -1e6F;
    write_model("original", &dtype_f32);
    of.dtype = &dtype_f16;
    write_model("written", of.dtype);
    fails("tensor 'model.layers.0.mlp.up_proj.weight': 2 of its values, which reach 1e+06, are beyond what f16 can "
          "hold (choose --dtype bf16)");
    of.memory = 1000; /* that much is seen without running it */
    ck_assert_int_eq(run_check(), SFT_EDATA);
    ck_assert_msg(strstr(err_text(&err), "2 of 1536 values are not finite (beyond what f16 can hold? choose another "
                                         "--dtype)"),
                  "%s", err_text(&err));
    of.dtype = &dtype_bf16;
    of.memory = SIZE_MAX;
    write_model("written", of.dtype);
    check_ok(run_check());
}
END_TEST

START_TEST(files_that_are_not_whole)
{
    write_model("written", &dtype_f32);
    char *path = path_join(of.written, "model.safetensors");
    static const char unread[] = "what was written cannot be read back: written/";
    ck_assert_int_eq(truncate(path, 1000), 0);
    ck_assert_int_eq(run_check(), SFT_EDATA);
    ck_assert_msg(strstr(err_text(&err), unread) == err_text(&err), "%s", err_text(&err));
    check_ok(io_remove_tree(path, &err));
    ck_assert_int_ne(run_check(), SFT_OK);
    put("written/config.json", "{");
    ck_assert_int_eq(run_check(), SFT_EDATA);
    ck_assert_msg(strstr(err_text(&err), unread) == err_text(&err), "%s", err_text(&err));
    free(path);
}
END_TEST

START_TEST(no_memory_and_a_signal)
{
    write_model("written", &dtype_f32);
    of.memory = 1000;
    check_ok(run_check());
    ck_assert(!check.was_run);
    ck_assert_uint_gt(check.bytes, of.memory);
    of.memory = SIZE_MAX;
    stop = 1;
    ck_assert_int_eq(run_check(), SFT_EINTERRUPTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model_check");
    TCase *tests = tcase_create("model_check");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, every_dtype_passes);
    tcase_add_test(tests, a_model_without_a_template);
    tcase_add_test(tests, what_came_of_it);
    tcase_add_test(tests, a_model_of_few_positions);
    tcase_add_test(tests, one_tensor_of_many);
    tcase_add_test(tests, another_setting);
    tcase_add_test(tests, another_tokenizer);
    tcase_add_test(tests, another_chat_template);
    tcase_add_test(tests, values_that_a_dtype_cannot_hold);
    tcase_add_test(tests, files_that_are_not_whole);
    tcase_add_test(tests, no_memory_and_a_signal);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
