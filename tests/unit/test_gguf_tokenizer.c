/* Tokenizers in GGUF: tests/golden/gguf/tokenizer-*.gguf, of each kind that is done, against what Hugging Face makes of
 * the same texts (scripts/golden_gguf_tokenizer.py); and metadata that are wrong, each told by its key. */
#include "base/json.h"
#include "base/mem.h"
#include "base/xxh64.h"
#include "files/gguf/gguf_tokenizer.h"
#include "files/model_files.h"
#include "text/template.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/tokenizer_load.h"
#include "text/tokenizer/tokenizer_save.h"

#include "gguf_builder.h"
#include "random_texts.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>
#include <stdio.h>

enum { RANDOM_STRINGS = 2000, RANDOM_IDS = 4000, N_KINDS = 8 };
static json *golden;

static struct tokenizer *load(const char *name)
{
    struct model_files files;
    char *path = mem_printf("tests/golden/gguf/tokenizer-%s.gguf", name);
    check_ok(model_files_open_tokenizer(&files, path, &err));
    struct tokenizer *tok = files.tokenizer;
    files.tokenizer = NULL;
    model_files_close(&files);
    free(path);
    return tok;
}

/* ---- ids and texts ---- */

static void check_strings(const struct tokenizer *tok, const json *kind, const char *name)
{
    struct encoder *enc = encoder_new(tok);
    struct token_buf ids = {0};
    const json *want = json_first(json_get(kind, "strings")), *text = json_first(json_get(golden, "texts"));
    for (; text; text = json_next(text), want = json_next(want)) {
        const char *s = json_string(text);
        ids.count = 0;
        encoder_encode_special(enc, s, strlen(s), &ids);
        ck_assert_msg(ids.count == json_size(want), "%s: '%s': %zu ids", name, s, ids.count);
        const json *id = json_first(want);
        for (size_t i = 0; i < ids.count; i++, id = json_next(id))
            ck_assert_msg(ids.ids[i] == (int32_t)json_number(id), "%s: '%s': id %zu is %d", name, s, i, ids.ids[i]);
    }
    token_buf_free(&ids);
    encoder_free(enc);
}

static void check_hash(const struct tokenizer *tok, const json *kind, const char *key, random_fn *next, uint64_t seed)
{
    struct encoder *enc = encoder_new(tok);
    struct strbuf text = {0};
    struct token_buf ids = {0};
    char got[64];
    for (int i = 0; i < RANDOM_STRINGS; i++) {
        next(&seed, &text);
        encoder_encode(enc, text.data, text.len, &ids);
    }
    snprintf(got, sizeof got, "%zu %016llx", ids.count,
             (unsigned long long)xxh64(ids.ids, ids.count * sizeof *ids.ids, 0));
    ck_assert_msg(strcmp(got, json_string(json_get(kind, key))) == 0, "%s: %s: %s, not %s",
                  json_string(json_get(kind, "name")), key, got, json_string(json_get(kind, key)));
    token_buf_free(&ids);
    strbuf_free(&text);
    encoder_free(enc);
}

static void check_decoded(const struct tokenizer *tok, const json *kind, const char *name)
{
    uint64_t seed = 4;
    const size_t n_ids = (size_t)json_number(json_get(kind, "n_ids"));
    struct xxh64 h;
    struct strbuf text = {0}, lossy = {0};
    char got[32];
    xxh64_init(&h, 0);
    for (int i = 0; i < RANDOM_IDS; i++) {
        int32_t ids[8];
        const size_t n = (size_t)(1 + splitmix64(&seed) % 8);
        for (size_t k = 0; k < n; k++)
            ids[k] = (int32_t)(splitmix64(&seed) % n_ids);
        strbuf_clear(&text);
        strbuf_clear(&lossy);
        tokenizer_decode(tok, ids, n, true, &text);
        strbuf_add_utf8_lossy(&lossy, text.data ? text.data : "", text.len);
        strbuf_putc(&lossy, '\n');
        xxh64_update(&h, lossy.data, lossy.len);
    }
    snprintf(got, sizeof got, "%016llx", (unsigned long long)xxh64_digest(&h));
    ck_assert_msg(strcmp(got, json_string(json_get(kind, "decoded"))) == 0, "%s: decoded as something else", name);
    strbuf_free(&text);
    strbuf_free(&lossy);
}

static void expect_named(const struct tokenizer *tok, int32_t id, const json *want, const char *name)
{
    ck_assert_msg(id == tokenizer_token_id(tok, json_string(want)) && tokenizer_is_special(tok, id), "%s: %s", name,
                  json_string(want));
}

static void check_kind(const struct tokenizer *tok, const json *kind)
{
    const char *name = json_string(json_get(kind, "name"));
    ck_assert_uint_eq(tokenizer_vocab_size(tok), (size_t)json_number(json_get(kind, "n_tokens")));
    expect_named(tok, tokenizer_bos_id(tok), json_get(kind, "bos"), name);
    expect_named(tok, tokenizer_eos_id(tok), json_get(kind, "eos"), name);
    check_strings(tok, kind, name);
    check_hash(tok, kind, "texts", random_text, 1);
    check_hash(tok, kind, "bytes", random_bytes, 2);
    check_decoded(tok, kind, name);
}

/* As it is read, and as a directory that is made of it. */
START_TEST(kinds)
{
    check_ok(json_parse_file("tests/golden/gguf/tokenizers.json", &golden, &err));
    const json *kind = json_first(json_get(golden, "kinds"));
    for (int i = 0; i < _i; i++)
        kind = json_next(kind);
    ck_assert_uint_eq(json_size(json_get(golden, "kinds")), N_KINDS);
    struct tokenizer *read = load(json_string(json_get(kind, "name"))), *again;
    check_kind(read, kind);
    check_ok(tokenizer_save(read, dir, 64, &err));
    check_ok(tokenizer_load(&again, dir, &err));
    check_kind(again, kind);
    ck_assert(tokenizer_text_start(again) == tokenizer_text_start(read));
    const char *template = tokenizer_chat_template(read), *template_again = tokenizer_chat_template(again);
    ck_assert(template ? strcmp(template, template_again) == 0 : !template_again);
    tokenizer_free(read);
    tokenizer_free(again);
    json_free(golden);
}
END_TEST

/* ---- templates ---- */

/* `template = auto` takes a file's own, as a directory's. */
START_TEST(templates)
{
    static const struct {
        const char *kind, *template;
    } cases[] = {{"smollm", "chatml"}, {"llama3", "llama3"}, {"qwen2", "chatml"}, {"llama", "chatml"},
                 {"gpt2", "im_sep"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct chat_template tpl;
        struct tokenizer *tok = load(cases[i].kind);
        check_ok(template_init(&tpl, &(struct template_options){0}, tok, &err));
        ck_assert_str_eq(tpl.name, cases[i].template);
        template_free(&tpl);
        tokenizer_free(tok);
    }
}
END_TEST

/* ---- metadata made here ---- */

enum { LIST_MAX = 8 };
struct made { /* what is NULL or 0 is left out */
    const char *architecture, *model, *pre;
    const char *tokens[LIST_MAX], *merges[LIST_MAX];
    int32_t types[LIST_MAX];
    float scores[LIST_MAX];
    size_t n_types, n_scores, n_merges;
    const char *key; /* one more */
    enum gguf_type type;
    uint32_t value;
    const char *text; /* its value, of a text */
};

static const struct made bytes = {.architecture = "llama", .model = "gpt2", .pre = "gpt-2",
                                  .tokens = {"a", "b", "ab", "<x>"}, .types = {1, 1, 1, 3}, .n_types = 4,
                                  .merges = {"a b"}, .n_merges = 1};
static const struct made pieces = {.architecture = "llama", .model = "llama",
                                   .tokens = {"<unk>", "a", "b", "ab"}, .types = {2, 1, 1, 1}, .n_types = 4,
                                   .scores = {0, -2, -3, -1}, .n_scores = 4};

static void put_list(struct strbuf *b, const char *key, enum gguf_type type, size_t count)
{
    put_key(b, key, GGUF_ARRAY);
    put_u32(b, type);
    put_u64(b, count);
}

static size_t count_texts(const char *const *texts)
{
    size_t n = 0;
    while (n < LIST_MAX && texts[n])
        n++;
    return n;
}

static void put_texts(struct strbuf *b, const char *key, const char *const *texts, size_t n)
{
    put_list(b, key, GGUF_STRING, n);
    for (size_t i = 0; i < n; i++)
        put_text(b, texts[i]);
}

static void build(struct strbuf *b, const struct made *m)
{
    const size_t n_tokens = count_texts(m->tokens);
    const bool has_merges = m->n_merges || m->merges[0];
    put_begin(b, 3, 0, (uint64_t)(!!m->architecture + !!m->model + !!m->pre + !!n_tokens + !!m->n_types +
                                  !!m->n_scores + has_merges + !!m->key));
    if (m->architecture)
        put_string_value(b, "general.architecture", m->architecture);
    if (m->model)
        put_string_value(b, "tokenizer.ggml.model", m->model);
    if (m->pre)
        put_string_value(b, "tokenizer.ggml.pre", m->pre);
    if (n_tokens)
        put_texts(b, "tokenizer.ggml.tokens", m->tokens, n_tokens);
    if (m->n_types) {
        put_list(b, "tokenizer.ggml.token_type", GGUF_I32, m->n_types);
        strbuf_add(b, m->types, m->n_types * sizeof *m->types);
    }
    if (m->n_scores) {
        put_list(b, "tokenizer.ggml.scores", GGUF_F32, m->n_scores);
        strbuf_add(b, m->scores, m->n_scores * sizeof *m->scores);
    }
    if (has_merges)
        put_texts(b, "tokenizer.ggml.merges", m->merges, m->n_merges);
    if (m->text)
        put_string_value(b, m->key, m->text);
    else if (m->key) {
        put_key(b, m->key, m->type);
        strbuf_add(b, &m->value, m->type == GGUF_BOOL ? 1 : sizeof m->value);
    }
    put_data(b, 32, 0);
}

static enum sft_status make(const struct made *m)
{
    struct strbuf b = {0};
    struct gguf g;
    json *tokenizer = NULL, *config = NULL;
    struct tokenizer *tok = NULL;
    build(&b, m);
    enum sft_status status = gguf_parse(&g, b.data, b.len, &err);
    if (!status)
        status = gguf_tokenizer_make(&tokenizer, &config, &g, &err);
    ck_assert(status || (tokenizer && config));
    ck_assert(!status || (!tokenizer && !config));
    if (!status)
        status = tokenizer_load_trees(&tok, tokenizer, config, &err);
    tokenizer_free(tok);
    json_free(tokenizer);
    json_free(config);
    gguf_close(&g);
    strbuf_free(&b);
    return status;
}

static void expect(const struct made *m, const char *message)
{
    ck_assert_int_eq(make(m), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), message);
}

/* Several: the default one is the file's own, wherever the names stand. */
START_TEST(templates_with_names)
{
    static const char *const names[] = {"tool_use", "absent", "rag"};
    struct strbuf b = {0};
    struct gguf g;
    json *tokenizer, *config;
    build(&b, &bytes);
    struct strbuf more = {0};
    put_texts(&more, "tokenizer.chat_templates", names, 3);
    put_string_value(&more, "tokenizer.chat_template.rag", "R{{ \"\" }}");
    put_string_value(&more, "tokenizer.chat_template.tool_use", "T");
    put_string_value(&more, "tokenizer.chat_template", "D");
    uint64_t n_values;
    memcpy(&n_values, b.data + 16, sizeof n_values);
    n_values += 4;
    memcpy(b.data + 16, &n_values, sizeof n_values);
    while (b.data[b.len - 1] == 0) /* the gap before the data: what is added stands there */
        b.len--;
    strbuf_add(&b, more.data, more.len);
    put_data(&b, 32, 0);
    check_ok(gguf_parse(&g, b.data, b.len, &err));
    check_ok(gguf_tokenizer_make(&tokenizer, &config, &g, &err));
    struct strbuf text = {0};
    json_print_line(json_get(config, "chat_template"), &text);
    ck_assert_str_eq(text.data, "[{\"name\":\"default\",\"template\":\"D\"},{\"name\":\"tool_use\",\"template\":\"T\"},"
                                "{\"name\":\"rag\",\"template\":\"R{{ \\\"\\\" }}\"}]");
    struct tokenizer *tok;
    check_ok(tokenizer_load_trees(&tok, tokenizer, config, &err));
    ck_assert_str_eq(tokenizer_chat_template(tok), "D");
    tokenizer_free(tok);
    json_free(tokenizer);
    json_free(config);
    gguf_close(&g);
    strbuf_free(&text);
    strbuf_free(&more);
    strbuf_free(&b);
}
END_TEST

/* The good one with one member changed. */
#define EXPECT(good, message, ...)                                                                           \
    do {                                                                                                     \
        struct made m = good;                                                                                \
        __VA_ARGS__;                                                                                         \
        expect(&m, message);                                                                                 \
    } while (0)

START_TEST(kinds_that_are_not_done)
{
    check_ok(make(&bytes));
    check_ok(make(&pieces));
    EXPECT(bytes, "general.architecture: is missing", m.architecture = NULL);
    EXPECT(bytes,
           "general.architecture: 'bloom' is not supported (gpt2, llama, qwen2, qwen3, gemma2, gemma3, smollm3, "
           "granite, olmo2, gptneox are)",
           m.architecture = "bloom");
    EXPECT(bytes, "tokenizer.ggml.model: is missing", m.model = NULL);
    EXPECT(bytes, "tokenizer.ggml.model 't5' is not supported (gpt2 and llama are)", m.model = "t5");
    EXPECT(pieces, "tokenizer.ggml.model 'bert' is not supported (gpt2 and llama are)", m.model = "bert");
    EXPECT(pieces, "tokenizer.ggml.model 'rwkv' is not supported (gpt2 and llama are)", m.model = "rwkv");
    EXPECT(bytes,
           "tokenizer.ggml.pre 'viking' is not supported (gpt-2, smollm, llama-bpe, llama3, llama-v3, qwen2, tekken, "
           "olmo, dbrx, smaug-bpe, refact and starcoder "
           "are)",
           m.pre = "viking");
    EXPECT(bytes,
           "tokenizer.ggml.pre: is missing, so that nothing says how text is cut into words (convert the model again "
           "with a current llama.cpp)",
           m.pre = NULL);
    struct made of_gpt2 = bytes; /* whose files of old have no such key */
    of_gpt2.architecture = "gpt2";
    of_gpt2.pre = NULL;
    check_ok(make(&of_gpt2));
}
END_TEST

START_TEST(lists_that_are_wrong)
{
    EXPECT(bytes, "tokenizer.ggml.tokens: is missing", m.tokens[0] = NULL);
    EXPECT(bytes, "tokenizer.ggml.tokens[2]: 'a' is there twice, as token 0 too", m.tokens[2] = "a");
    EXPECT(bytes, "tokenizer.ggml.tokens[1]: is empty", m.tokens[1] = "");
    EXPECT(pieces, "tokenizer.ggml.tokens[1]: is not UTF-8", m.tokens[1] = "a\xff");
    char *text = mem_calloc(1, (1 << 14) + 2);
    memset(text, 'a', (1 << 14) + 1);
    EXPECT(pieces, "tokenizer.ggml.tokens[1]: has 16385 bytes, more than 16384", m.tokens[1] = text);
    free(text);
    EXPECT(bytes, "tokenizer.ggml.token_type: 3 entries for 4 tokens", m.n_types = 3);
    EXPECT(bytes, "tokenizer.ggml.token_type[1]: there is no type 7", m.types[1] = 7);
    EXPECT(bytes, "tokenizer.ggml.token_type[3]: there is no type -1", m.types[3] = -1);
    EXPECT(pieces, "tokenizer.ggml.scores: 2 entries for 4 tokens", m.n_scores = 2);
    EXPECT(pieces, "tokenizer.ggml.scores: is missing", m.n_scores = 0);
    EXPECT(pieces, "tokenizer.ggml.scores[2]: expected a number, found NaN", m.scores[2] = NAN);
    EXPECT(bytes, "tokenizer.ggml.merges: is missing", m.n_merges = 0; m.merges[0] = NULL);
    EXPECT(bytes, "tokenizer.ggml.merges[0]: 'a c': no token 'c'", m.merges[0] = "a c");
    EXPECT(bytes, "tokenizer.ggml.merges[0]: 'c a': no token 'c'", m.merges[0] = "c a");
    EXPECT(bytes, "tokenizer.ggml.merges[0]: 'b a': no token 'ba'", m.merges[0] = "b a");
    EXPECT(bytes, "tokenizer.ggml.merges[0]: expected two tokens with a blank between them, not 'ab'",
           m.merges[0] = "ab");
    EXPECT(bytes, "tokenizer.ggml.merges[0]: expected two tokens with a blank between them, not 'a b b'",
           m.merges[0] = "a b b");
    EXPECT(bytes, "tokenizer.ggml.merges[0]: expected two tokens with a blank between them, not ''", m.merges[0] = "");
}
END_TEST

#define EXTRA(k, t, v) m.key = "tokenizer." k, m.type = t, m.value = v

/* -1, without a sign: llama.cpp writes it into files of its own making. */
START_TEST(a_token_that_is_none)
{
    struct made m = pieces;
    EXTRA("ggml.padding_token_id", GGUF_U32, UINT32_MAX);
    check_ok(make(&m));
}
END_TEST

START_TEST(values_that_are_wrong)
{
    EXPECT(bytes, "tokenizer.ggml.bos_token_id: token 4 is outside a vocabulary of 4",
           EXTRA("ggml.bos_token_id", GGUF_U32, 4));
    EXPECT(pieces, "tokenizer.ggml.padding_token_id: token 4294967294 is outside a vocabulary of 4",
           EXTRA("ggml.padding_token_id", GGUF_U32, UINT32_MAX - 1));
    EXPECT(bytes, "tokenizer.ggml.eos_token_id: -1 is not a size",
           EXTRA("ggml.eos_token_id", GGUF_I32, UINT32_MAX));
    EXPECT(bytes, "tokenizer.ggml.add_bos_token: is true, but tokenizer.ggml.bos_token_id names no token",
           EXTRA("ggml.add_bos_token", GGUF_BOOL, 1));
    EXPECT(bytes, "tokenizer.ggml.add_bos_token: expected true or false, found u32",
           EXTRA("ggml.add_bos_token", GGUF_U32, 1));
    EXPECT(bytes, "tokenizer.chat_template: expected a string, found u32", EXTRA("chat_template", GGUF_U32, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gguf_tokenizer");
    TCase *tcase = tcase_create("gguf_tokenizer");
    tcase_set_timeout(tcase, 300);
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_loop_test(tcase, kinds, 0, N_KINDS);
    tcase_add_test(tcase, templates);
    tcase_add_test(tcase, templates_with_names);
    tcase_add_test(tcase, kinds_that_are_not_done);
    tcase_add_test(tcase, lists_that_are_wrong);
    tcase_add_test(tcase, a_token_that_is_none);
    tcase_add_test(tcase, values_that_are_wrong);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
