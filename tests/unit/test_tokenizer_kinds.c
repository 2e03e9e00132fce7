/* A small tokenizer of each kind that the families have, against what Hugging Face tokenizers makes of the same texts:
 * tests/golden/tokenizer_kinds.json, made by scripts/golden_tokenizer_kinds.py. */
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/xxh64.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/nfc.h"
#include "text/tokenizer/tokenizer_load.h"
#include "text/tokenizer/tokenizer_save.h"

#include "random_texts.h"
#include "support/err_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANDOM_STRINGS = 2000, RANDOM_IDS = 4000 };
static struct sft_err err;
static json *golden;

static char *make_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = mem_printf("%s/test_tokenizer_kinds.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    return dir;
}

static void remove_dir(char *dir)
{
    ck_assert_int_eq(io_remove_tree(dir, &err), SFT_OK);
    free(dir);
}

static struct tokenizer *load(const char *dir, const char *name)
{
    struct tokenizer *tok;
    ck_assert_msg(tokenizer_load(&tok, dir, &err) == SFT_OK, "%s: %s", name, err_text(&err));
    return tok;
}

/* ---- the kinds ---- */

/* tokenizer.json of a kind: its pipeline with the vocabulary and the merges that it shares with others. */
static void write_kind(const json *kind, const char *dir)
{
    json *root = json_copy(json_get(kind, "tokenizer"));
    const json *shared = json_get(json_get(golden, "vocabularies"), json_string(json_get(kind, "vocabulary")));
    json *model = json_copy(json_get(root, "model")), *vocab = json_copy(json_get(shared, "vocab"));
    struct strbuf text = {0};
    char *path = path_join(dir, "tokenizer.json");
    for (const json *token = json_first(json_get(kind, "rename")); token; token = json_next(token)) {
        char *other = mem_printf("%s?", json_string(token)); /* it is no longer the token of a byte */
        json_set_number(vocab, other, json_number(json_get(vocab, json_string(token))));
        json_remove(vocab, json_string(token));
        free(other);
    }
    json_set_node(model, "vocab", vocab);
    json_set_node(model, "merges", json_copy(json_get(shared, "merges")));
    json_set_node(root, "model", model);
    json_print_line(root, &text);
    ck_assert_int_eq(io_write_file(path, text.data, text.len, &err), SFT_OK);
    strbuf_free(&text);
    json_free(root);
    free(path);
}

typedef void check_fn(const struct tokenizer *tok, const json *kind, const char *name);

/* As it is read, and as it is written and read again. */
static void check_kinds(check_fn *check)
{
    ck_assert_msg(json_parse_file("tests/golden/tokenizer_kinds.json", &golden, &err) == SFT_OK, "%s", err_text(&err));
    size_t n = 0;
    for (const json *kind = json_first(json_get(golden, "kinds")); kind; kind = json_next(kind), n++) {
        const char *name = json_string(json_get(kind, "name"));
        char *dir = make_dir(), *again = make_dir();
        write_kind(kind, dir);
        struct tokenizer *read = load(dir, name);
        ck_assert_msg(tokenizer_save(read, again, 64, &err) == SFT_OK, "%s", err_text(&err));
        struct tokenizer *written = load(again, name);
        check(read, kind, name);
        check(written, kind, name);
        tokenizer_free(read);
        tokenizer_free(written);
        remove_dir(dir);
        remove_dir(again);
    }
    ck_assert_uint_ge(n, 13);
    json_free(golden);
}

/* ---- ids ---- */

static void check_strings(const struct tokenizer *tok, const json *kind, const char *name)
{
    struct encoder *enc = encoder_new(tok);
    struct token_buf ids = {0};
    const json *want = json_first(json_get(kind, "strings"));
    const json *text = json_first(json_get(golden, "texts"));
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

START_TEST(strings)
{
    check_kinds(check_strings);
}
END_TEST

static void stitched_text(uint64_t *state, struct strbuf *text)
{
    const json *stitches = json_get(golden, "stitches");
    const size_t n_stitches = json_size(stitches);
    strbuf_clear(text);
    for (uint64_t n = 1 + splitmix64(state) % 16; n > 0; n--) {
        const json *stitch = json_first(stitches);
        for (size_t i = (size_t)(splitmix64(state) % n_stitches); i > 0; i--)
            stitch = json_next(stitch);
        strbuf_puts(text, json_string(stitch));
    }
}

typedef void encode_fn(struct encoder *enc, const char *text, size_t len, struct token_buf *out);

static void check_hash(const struct tokenizer *tok, const json *kind, const char *key, random_fn *next, uint64_t seed,
                       encode_fn *encode)
{
    struct encoder *enc = encoder_new(tok);
    struct strbuf text = {0};
    struct token_buf ids = {0};
    char got[64];
    for (int i = 0; i < RANDOM_STRINGS; i++) {
        next(&seed, &text);
        encode(enc, text.data, text.len, &ids);
    }
    snprintf(got, sizeof got, "%zu %016llx", ids.count,
             (unsigned long long)xxh64(ids.ids, ids.count * sizeof *ids.ids, 0));
    ck_assert_msg(strcmp(got, json_string(json_get(kind, key))) == 0, "%s: %s: %s, not %s",
                  json_string(json_get(kind, "name")), key, got, json_string(json_get(kind, key)));
    token_buf_free(&ids);
    strbuf_free(&text);
    encoder_free(enc);
}

/* With offsets the ids are the same; these never go back, and lie in the text. */
static void encode_with_offsets(struct encoder *enc, const char *text, size_t len, struct token_buf *out)
{
    size_t *starts = NULL, capacity = 0;
    const size_t before = out->count;
    encoder_encode_offsets(enc, text, len, out, &starts, &capacity);
    for (size_t i = before; i < out->count; i++)
        ck_assert(starts[i] < len && (i == before || starts[i] >= starts[i - 1]));
    free(starts);
}

static void check_hashes(const struct tokenizer *tok, const json *kind, const char *name)
{
    (void)name;
    check_hash(tok, kind, "texts", random_text, 1, encoder_encode);
    check_hash(tok, kind, "bytes", random_bytes, 2, encoder_encode);
    check_hash(tok, kind, "stitched", stitched_text, 3, encoder_encode);
    check_hash(tok, kind, "special", stitched_text, 3, encoder_encode_special);
    check_hash(tok, kind, "bytes", random_bytes, 2, encode_with_offsets);
    check_hash(tok, kind, "stitched", stitched_text, 3, encode_with_offsets);
}

START_TEST(hashes)
{
    check_kinds(check_hashes);
}
END_TEST

/* ---- decoding ---- */

static void check_decoded(const struct tokenizer *tok, const json *kind, const char *name)
{
    uint64_t seed = 4;
    const size_t n_ids = (size_t)json_number(json_get(kind, "n_ids"));
    struct xxh64 h;
    struct strbuf text = {0}, lossy = {0}, flow = {0};
    char got[32];
    xxh64_init(&h, 0);
    for (int i = 0; i < RANDOM_IDS; i++) {
        int32_t ids[8];
        struct decoding decoding = {.skip_special = true};
        const size_t n = (size_t)(1 + splitmix64(&seed) % 8);
        for (size_t k = 0; k < n; k++)
            ids[k] = (int32_t)(splitmix64(&seed) % n_ids);
        strbuf_clear(&text);
        strbuf_clear(&lossy);
        strbuf_clear(&flow);
        tokenizer_decode(tok, ids, n, true, &text);
        strbuf_add_utf8_lossy(&lossy, text.data ? text.data : "", text.len);
        strbuf_putc(&lossy, '\n');
        xxh64_update(&h, lossy.data, lossy.len);
        for (size_t k = 0; k < n; k++)
            tokenizer_decode_next(tok, &decoding, ids[k], &flow);
        if (!memmem(lossy.data, lossy.len, "\xef\xbf\xbd", 3)) /* else each byte may have become a character */
            ck_assert(flow.len == text.len && (text.len == 0 || memcmp(flow.data, text.data, text.len) == 0));
    }
    snprintf(got, sizeof got, "%016llx", (unsigned long long)xxh64_digest(&h));
    ck_assert_msg(strcmp(got, json_string(json_get(kind, "decoded"))) == 0, "%s: decoded as something else", name);
    strbuf_free(&text);
    strbuf_free(&lossy);
    strbuf_free(&flow);
}

START_TEST(decoded)
{
    check_kinds(check_decoded);
}
END_TEST

/* ---- where a text begins ---- */

static size_t count_ids(struct encoder *enc, const char *text)
{
    struct token_buf ids = {0};
    encoder_encode(enc, text, strlen(text), &ids);
    const size_t n = ids.count;
    token_buf_free(&ids);
    return n;
}

/* A kind that puts a blank before the first word of all puts none before a text that goes on. */
static void check_continuation(const struct tokenizer *tok, const json *kind, const char *name)
{
    (void)kind;
    struct encoder *enc = encoder_new(tok);
    const size_t begins = count_ids(enc, "\xe2\x99\xa5");
    encoder_set_continuation(enc, true);
    ck_assert_msg(count_ids(enc, "\xe2\x99\xa5") == begins - (strcmp(name, "first") == 0), "%s", name);
    encoder_set_continuation(enc, false);
    ck_assert_uint_eq(count_ids(enc, "\xe2\x99\xa5"), begins);
    encoder_free(enc);
}

START_TEST(continuation)
{
    check_kinds(check_continuation);
}
END_TEST

/* Marks in the wrong order, very many: each class in one run, and in a time that does not grow with the square. */
START_TEST(many_marks)
{
    enum { PAIRS = 200000 };
    struct strbuf text = {0}, expected = {0};
    struct text_map out = {0};
    strbuf_puts(&text, "a");
    strbuf_puts(&expected, "a");
    for (size_t i = 0; i < PAIRS; i++) {
        strbuf_puts(&text, "\u0315\u0316");
        strbuf_puts(&expected, "\u0316");
    }
    for (size_t i = 0; i < PAIRS; i++)
        strbuf_puts(&expected, "\u0315");
    text_map_begin(&out, true);
    nfc_append(&out, text.data, text.len);
    ck_assert_uint_eq(out.text.len, expected.len);
    ck_assert(memcmp(out.text.data, expected.data, expected.len) == 0);
    text_map_free(&out);
    strbuf_free(&text);
    strbuf_free(&expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokenizer_kinds");
    TCase *tcase = tcase_create("tokenizer_kinds");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, strings);
    tcase_add_test(tcase, hashes);
    tcase_add_test(tcase, decoded);
    tcase_add_test(tcase, continuation);
    tcase_add_test(tcase, many_marks);
    suite_add_tcase(suite, tcase);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_ENV);
    const int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
