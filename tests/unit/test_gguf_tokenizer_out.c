/* Tokenizers as GGUF: what each kind becomes is read again as the same tokenizer (our reader is held to Hugging Face's
 * by test_gguf_tokenizer), and what llama.cpp would make other ids of is refused, with what differs. */
#include "base/json.h"
#include "files/gguf/gguf_format.h"
#include "files/gguf/gguf_pre.h"
#include "files/gguf/gguf_tokenizer_out.h"
#include "model/family.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/tokenizer_parts.h"

#define GOLDEN "tests/golden/gguf/"

static const struct generation_config one_end = {.n_end_tokens = 0};

/* A file without a tensor. */
static enum sft_status write_tokenizer(const struct tokenizer *tok, const struct family *family, const char *path,
                                       const struct generation_config *ends)
{
    struct gguf_out out = {0};
    struct model_config config = family->defaults;
    config.family = family;
    config.vocab_size = tokenizer_vocab_size(tok) + 3;
    gguf_put_string(&out, "general.architecture", family->gguf.architecture);
    const struct gguf_tokens tokens = {
        .tok = tok, .config = &config, .end_of_turn = TOKEN_NONE, .generation = ends, .jinja = "{{ a }}"};
    enum sft_status status = gguf_tokenizer_put(&out, &tokens, &err);
    if (!status)
        status = gguf_writer_commit(gguf_writer_open(&out, path, &err), &err);
    gguf_out_free(&out);
    return status;
}

static void expect_ids(const struct tokenizer *a, const struct tokenizer *b, const char *text, const char *name)
{
    struct token_buf ours = {0}, theirs = {0};
    struct encoder *of_a = encoder_new(a), *of_b = encoder_new(b);
    encoder_encode_special(of_a, text, strlen(text), &ours);
    encoder_encode_special(of_b, text, strlen(text), &theirs);
    const bool same = ours.count == theirs.count;
    ck_assert_msg(same && (!ours.count || memcmp(ours.ids, theirs.ids, ours.count * sizeof *ours.ids) == 0), "%s: %s",
                  name, text);
    token_buf_free(&ours);
    token_buf_free(&theirs);
    encoder_free(of_a);
    encoder_free(of_b);
}

static const struct {
    const char *file;
    const struct family *family;
} kinds[] = {{"gpt2", &family_gpt2},       {"smollm", &family_llama}, {"llama3", &family_llama},
             {"qwen2", &family_qwen2},     {"tekken", &family_llama}, {"llama", &family_llama},
             {"llama_flat", &family_llama}, {"gemma", &family_gemma3}};

START_TEST(every_kind_comes_back)
{
    json *golden;
    check_ok(json_parse_file(GOLDEN "tokenizers.json", &golden, &err));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct tokenizer *tok, *back;
        char *source = mem_printf(GOLDEN "tokenizer-%s.gguf", kinds[i].file), *path = path_join(dir, "m.gguf");
        check_ok(format_gguf.load_tokenizer(&tok, source, &err));
        check_ok(write_tokenizer(tok, kinds[i].family, path, &one_end));
        check_ok(format_gguf.load_tokenizer(&back, path, &err));
        for (const json *text = json_first(json_get(golden, "texts")); text; text = json_next(text))
            expect_ids(tok, back, json_string(text), kinds[i].file);
        ck_assert_uint_eq(tokenizer_vocab_size(back), tokenizer_vocab_size(tok));
        ck_assert_int_eq(tokenizer_bos_id(back), tokenizer_bos_id(tok));
        ck_assert_int_eq(tokenizer_eos_id(back), tokenizer_eos_id(tok));
        ck_assert_int_eq(tokenizer_pad_id(back), tokenizer_pad_id(tok));
        ck_assert_int_eq(tokenizer_text_start(back), tokenizer_text_start(tok));
        ck_assert_str_eq(tokenizer_chat_template(back), "{{ a }}");
        tokenizer_free(tok);
        tokenizer_free(back);
        free(source);
        free(path);
    }
    json_free(golden);
}
END_TEST

/* ---- what llama.cpp makes other ids of ---- */

#define DIGITS "\\p{N}"
static const char gpt4[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/* A tokenizer of bytes that cuts by these patterns, the second NULL where there is one, and says what it is called. */
static void expect_pre(const char *first, const char *second, bool nfc, bool ignore_merges, const char *name)
{
    const struct gguf_pre *pre;
    struct tokenizer *tok = tokenizer_new();
    tok->model.of_bytes = true;
    tok->model.ignore_merges = ignore_merges;
    check_ok(pretokenizer_add_split(&tok->pre, first, true, SPLIT_ISOLATED, false, &err));
    if (second)
        check_ok(pretokenizer_add_split(&tok->pre, second, true, SPLIT_ISOLATED, false, &err));
    if (nfc)
        check_ok(normalizer_add_nfc(&tok->normalizer, &err));
    if (strstr(name, ": "))
        ck_assert_msg(gguf_pre_of(&pre, tok, &err) == SFT_EDATA && strcmp(err_text(&err), name) == 0, "%s\n%s",
                      err_text(&err), name);
    else
        ck_assert_msg(!gguf_pre_of(&pre, tok, &err) && strcmp(pre->name, name) == 0, "%s", name);
    tokenizer_free(tok);
}

START_TEST(what_cuts_text_has_a_name)
{
    const char *gpt2 = pretokenizer_gpt2_pattern;
    expect_pre(gpt2, NULL, false, false, "gpt-2");
    expect_pre(gpt2, NULL, true, false, "olmo");
    expect_pre(DIGITS, gpt2, false, false, "smollm");
    expect_pre(DIGITS, gpt2, true, false, "smollm"); /* llama.cpp has none with NFC, and does none in any */
    expect_pre(gpt4, NULL, false, true, "llama-bpe");
    expect_pre(gpt4, NULL, false, false, "dbrx");
    expect_pre(DIGITS, gpt2, false, true,
               "tokenizer.json: not written as GGUF: it cuts text as llama.cpp's starcoder does, but ignore_merges is "
               "true");
    expect_pre("\\d", gpt2, false, false,
               "tokenizer.json: not written as GGUF: llama.cpp has no name for how it cuts text into words: by '\\d', "
               "then by ''s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+'");
    expect_pre("\\s+", NULL, false, false,
               "tokenizer.json: not written as GGUF: llama.cpp has no name for how it cuts text into words: by "
               "'\\s+'");
}
END_TEST

static void expect_refused(const struct tokenizer *tok, const char *message)
{
    char *path = path_join(dir, "m.gguf");
    ck_assert_int_eq(write_tokenizer(tok, &family_llama, path, &one_end), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), message);
    ck_assert(!path_exists(path));
    free(path);
}

START_TEST(pieces_that_llama_cpp_joins_otherwise)
{
    struct tokenizer *tok;
    check_ok(format_gguf.load_tokenizer(&tok, GOLDEN "tokenizer-llama.gguf", &err));
    tok->model.n_merges--;
    err = (struct sft_err){0};
    char *path = path_join(dir, "m.gguf");
    ck_assert_int_eq(write_tokenizer(tok, &family_llama, path, &one_end), SFT_EDATA);
    ck_assert_ptr_nonnull(
        strstr(err_text(&err), "llama.cpp makes a piece of any two that spell it, and its merges lack"));
    free(path);
    tok->model.n_merges++;
    tok->model.byte_fallback = false;
    expect_refused(tok, "tokenizer.json: not written as GGUF: llama.cpp needs a piece for each byte (byte_fallback, "
                        "<0x00> to <0xFF>)");
    check_ok(pretokenizer_add_split(&tok->pre, "a", false, SPLIT_ISOLATED, false, &err));
    expect_refused(tok, "tokenizer.json: not written as GGUF: llama.cpp makes a mark of each blank and cuts nothing, "
                        "which this normalizer and pre_tokenizer do not");
    tokenizer_free(tok);
}
END_TEST

START_TEST(every_token_that_ends_a_text_is_listed)
{
    const struct generation_config ends = {.end_tokens = {7, 9}, .n_end_tokens = 2};
    struct tokenizer *tok;
    struct gguf g;
    const struct gguf_value *list;
    char *path = path_join(dir, "m.gguf");
    check_ok(format_gguf.load_tokenizer(&tok, GOLDEN "tokenizer-smollm.gguf", &err));
    check_ok(write_tokenizer(tok, &family_llama, path, &ends));
    check_ok(gguf_open(&g, path, &err));
    check_ok(gguf_get_array(&g, "tokenizer.ggml.eos_token_ids", GGUF_I32, &list, &err));
    ck_assert(list && list->count == 2 && gguf_i32_at(list, 0) == 7 && gguf_i32_at(list, 1) == 9);
    gguf_close(&g);
    tokenizer_free(tok);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gguf_tokenizer_out");
    TCase *tcase = tcase_create("gguf_tokenizer_out");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_test(tcase, every_kind_comes_back);
    tcase_add_test(tcase, what_cuts_text_has_a_name);
    tcase_add_test(tcase, pieces_that_llama_cpp_joins_otherwise);
    tcase_add_test(tcase, every_token_that_ends_a_text_is_listed);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
