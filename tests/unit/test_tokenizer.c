/* The tokenizer against Hugging Face's ids: tests/golden/tokenizer_strings.json, tokenizer_hashes.txt and
 * tiny_tokenizer/, made by scripts/golden_tokenizer.py. GPT-2's own vocabulary comes from SFT_ASSETS. */
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/tokenizer_load.h"
#include "text/tokenizer/tokenizer_save.h"

#include "random_texts.h"
#include "support/err_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char TINY[] = "tests/golden/tiny_tokenizer";
static struct sft_err err;

static const char *assets(void)
{
    const char *dir = getenv("SFT_ASSETS");
    return dir ? dir : "../shared/assets";
}

static struct tokenizer *load(const char *dir)
{
    struct tokenizer *tok;
    ck_assert_msg(tokenizer_load(&tok, dir, &err) == SFT_OK, "%s", err_text(&err));
    return tok;
}

/* GPT-2's tokenizer, or NULL with a word on standard output. */
static struct tokenizer *load_gpt2(const char *test)
{
    char *dir = path_join(assets(), "gpt2-tokenizer");
    struct tokenizer *tok = NULL;
    if (path_exists(dir))
        tok = load(dir);
    else
        printf("SKIP: %s: no %s\n", test, dir);
    free(dir);
    return tok;
}

/* A new directory under TMPDIR, and what it is for. */
static char *make_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = mem_printf("%s/test_tokenizer.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    return dir;
}

static void remove_dir(char *dir)
{
    ck_assert_int_eq(io_remove_tree(dir, &err), SFT_OK);
    free(dir);
}

/* ---- strings with their ids ---- */

static json *golden_strings(void)
{
    json *root;
    ck_assert_msg(json_parse_file("tests/golden/tokenizer_strings.json", &root, &err) == SFT_OK, "%s",
                  err_text(&err));
    return root;
}

static void assert_ids(const struct token_buf *got, const json *want, const char *text)
{
    const json *id = json_first(want);
    ck_assert_msg(got->count == json_size(want), "'%s': %zu ids, not %zu", text, got->count, json_size(want));
    for (size_t i = 0; i < got->count; i++, id = json_next(id))
        ck_assert_msg(got->ids[i] == (int32_t)json_number(id), "'%s': id %zu is %d", text, i, got->ids[i]);
}

/* encode, encode_special and encode_offsets agree with Hugging Face, and decoding gives the text back. */
static void check_string(const struct tokenizer *tok, struct encoder *enc, const char *text, const json *want)
{
    struct token_buf special = {0}, plain = {0}, with_starts = {0};
    struct strbuf decoded = {0};
    size_t *starts = NULL, capacity = 0, at = 0, len = strlen(text);
    encoder_encode_special(enc, text, len, &special);
    assert_ids(&special, want, text);
    encoder_encode(enc, text, len, &plain);
    if (!strstr(text, "<|endoftext|>"))
        assert_ids(&plain, want, text);
    tokenizer_decode(tok, plain.ids, plain.count, false, &decoded);
    ck_assert_uint_eq(decoded.len, len);
    ck_assert(len == 0 || memcmp(decoded.data, text, len) == 0);
    encoder_encode_offsets(enc, text, len, &with_starts, &starts, &capacity);
    ck_assert_uint_eq(with_starts.count, plain.count);
    for (size_t i = 0; i < plain.count; i++) {
        size_t n;
        ck_assert_int_eq(with_starts.ids[i], plain.ids[i]);
        ck_assert_uint_eq(starts[i], at);
        tokenizer_token_bytes(tok, plain.ids[i], &n);
        at += n;
    }
    token_buf_free(&special);
    token_buf_free(&plain);
    token_buf_free(&with_starts);
    strbuf_free(&decoded);
    free(starts);
}

static void check_plain_strings(const struct tokenizer *tok, const char *which)
{
    json *root = golden_strings();
    struct encoder *enc = encoder_new(tok);
    size_t n = 0;
    for (const json *row = json_first(json_get(root, "plain")); row; row = json_next(row), n++)
        check_string(tok, enc, json_string(json_get(row, "text")), json_get(row, which));
    ck_assert_uint_gt(n, 40);
    encoder_free(enc);
    json_free(root);
}

START_TEST(tiny_strings)
{
    struct tokenizer *tok = load(TINY);
    check_plain_strings(tok, "tiny");
    tokenizer_free(tok);
}
END_TEST

START_TEST(gpt2_strings)
{
    struct tokenizer *tok = load_gpt2("gpt2_strings");
    if (!tok)
        return;
    ck_assert_uint_eq(tokenizer_vocab_size(tok), 50257);
    check_plain_strings(tok, "gpt2");
    tokenizer_free(tok);
}
END_TEST

START_TEST(the_two_files_are_the_same_tokenizer)
{
    struct tokenizer *tok = load("tests/golden/tiny_tokenizer/two_files");
    ck_assert_int_eq(tokenizer_eos_id(tok), tokenizer_token_id(tok, "<|endoftext|>"));
    ck_assert_int_ne(tokenizer_eos_id(tok), TOKEN_NONE);
    check_plain_strings(tok, "tiny");
    tokenizer_free(tok);
}
END_TEST

START_TEST(added_tokens_in_text)
{
    struct tokenizer *tok = load(TINY);
    struct encoder *enc = encoder_new(tok);
    json *root = golden_strings();
    struct token_buf ids = {0};
    struct strbuf decoded = {0};
    for (const json *row = json_first(json_get(root, "special")); row; row = json_next(row)) {
        const char *text = json_string(json_get(row, "text"));
        ids.count = 0;
        strbuf_clear(&decoded);
        encoder_encode_special(enc, text, strlen(text), &ids);
        assert_ids(&ids, json_get(row, "tiny"), text);
        tokenizer_decode(tok, ids.ids, ids.count, true, &decoded);
        ck_assert_str_eq(decoded.data ? decoded.data : "", json_string(json_get(row, "decoded")));
        ids.count = 0; /* without leave, none is made that is special */
        encoder_encode(enc, text, strlen(text), &ids);
        assert_ids(&ids, json_get(row, "split"), text);
        for (size_t i = 0; i < ids.count; i++)
            ck_assert(!tokenizer_is_special(tok, ids.ids[i]));
    }
    json_free(root);
    strbuf_free(&decoded);
    token_buf_free(&ids);
    encoder_free(enc);
    tokenizer_free(tok);
}
END_TEST

START_TEST(offsets_in_malformed_text)
{
    static const char text[] = "a\xff\xfe z\xe2\x82 y\xc3\xa9";
    static const size_t at[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 10};
    struct tokenizer *tok = load(TINY);
    struct encoder *enc = encoder_new(tok);
    struct token_buf ids = {0};
    size_t *starts = NULL, capacity = 0, i = 0;
    encoder_encode_offsets(enc, text, sizeof text - 1, &ids, &starts, &capacity);
    for (size_t k = 0; k < ids.count; k++) {
        ck_assert(k == 0 || starts[k] >= starts[k - 1]);
        while (i < sizeof at / sizeof at[0] && at[i] < starts[k])
            i++;
        ck_assert_msg(i < sizeof at / sizeof at[0] && at[i] == starts[k], "token %zu at %zu", k, starts[k]);
    }
    free(starts);
    token_buf_free(&ids);
    encoder_free(enc);
    tokenizer_free(tok);
}
END_TEST

/* ---- hashes of ids ---- */

/* STITCHES of scripts/golden_tokenizer.py. */
static const char *const stitches[] = {
    "<mask>", "<tool>", "[w]", "<mask><tool>", "<|endoftext|>", "<mas", "k>", " ", "  ",    "\n",
    "\t",     "\u3000", "a",   "b1",           "\u00e9",        "_",    "<",  "]", "\u65e5"};

static void stitched_text(uint64_t *state, struct strbuf *text)
{
    strbuf_clear(text);
    for (uint64_t n = 1 + splitmix64(state) % 16; n > 0; n--)
        strbuf_puts(text, stitches[splitmix64(state) % (sizeof stitches / sizeof *stitches)]);
}

/* "count hash" of the ids of what `next` makes, as in the file. */
static void hash_random(const struct tokenizer *tok, random_fn *next, uint64_t seed, char *out, size_t size)
{
    enum { RANDOM_STRINGS = 2000 };
    struct encoder *enc = encoder_new(tok);
    struct strbuf text = {0};
    struct token_buf ids = {0};
    for (int i = 0; i < RANDOM_STRINGS; i++) {
        next(&seed, &text);
        encoder_encode(enc, text.data, text.len, &ids);
    }
    snprintf(out, size, "%zu %016llx", ids.count,
             (unsigned long long)xxh64(ids.ids, ids.count * sizeof *ids.ids, 0));
    token_buf_free(&ids);
    strbuf_free(&text);
    encoder_free(enc);
}

static void check_random(const char *kind, random_fn *next, uint64_t seed)
{
    char line[256] = "", gpt2_count[32], gpt2_hash[32], tiny_count[32], tiny_hash[32], want[80], got[80],
         format[64];
    FILE *f = fopen("tests/golden/tokenizer_hashes.txt", "r");
    ck_assert_ptr_nonnull(f);
    snprintf(format, sizeof format, "random %s %%31s %%31s %%31s %%31s", kind);
    bool found = false;
    while (!found && fgets(line, sizeof line, f))
        found = sscanf(line, format, gpt2_count, gpt2_hash, tiny_count, tiny_hash) == 4;
    fclose(f);
    ck_assert(found);
    struct tokenizer *tiny = load(TINY), *gpt2 = load_gpt2(kind);
    hash_random(tiny, next, seed, got, sizeof got);
    snprintf(want, sizeof want, "%s %s", tiny_count, tiny_hash);
    ck_assert_str_eq(got, want);
    if (gpt2) {
        hash_random(gpt2, next, seed, got, sizeof got);
        snprintf(want, sizeof want, "%s %s", gpt2_count, gpt2_hash);
        ck_assert_str_eq(got, want);
    }
    tokenizer_free(tiny);
    tokenizer_free(gpt2);
}

START_TEST(random_texts)
{
    check_random("texts", random_text, 1);
}
END_TEST

START_TEST(random_malformed_texts)
{
    check_random("bytes", random_bytes, 2);
}
END_TEST

/* Tokens follow one another without gaps, whichever way they were found. */
static void check_starts(const struct tokenizer *tok, const char *text, size_t len,
                         const struct token_buf *ids, const size_t *starts)
{
    for (size_t i = 0; i < ids->count; i++) {
        size_t n;
        const char *bytes = tokenizer_token_bytes(tok, ids->ids[i], &n);
        const size_t end = i + 1 < ids->count ? starts[i + 1] : len;
        ck_assert_uint_ge(end, starts[i] + n);
        if (tokenizer_is_added(tok, ids->ids[i])) /* and the white space around it */
            ck_assert_ptr_nonnull(memmem(text + starts[i], end - starts[i], bytes, n));
        else
            ck_assert(end == starts[i] + n && memcmp(text + starts[i], bytes, n) == 0);
    }
    ck_assert(ids->count == 0 || starts[0] == 0);
}

START_TEST(stitched_texts)
{
    enum { RANDOM_STRINGS = 2000 };
    struct tokenizer *tok = load(TINY);
    struct encoder *enc = encoder_new(tok);
    struct strbuf text = {0}, golden = {0}, got = {0};
    struct token_buf special = {0}, split = {0}, one = {0};
    size_t *starts = NULL, capacity = 0;
    uint64_t seed = 3;
    for (int i = 0; i < RANDOM_STRINGS; i++) {
        stitched_text(&seed, &text);
        encoder_encode_special(enc, text.data, text.len, &special);
        encoder_encode(enc, text.data, text.len, &split);
        one.count = 0;
        encoder_encode_offsets(enc, text.data, text.len, &one, &starts, &capacity);
        ck_assert(memcmp(split.ids + split.count - one.count, one.ids, one.count * sizeof *one.ids) == 0);
        check_starts(tok, text.data, text.len, &one, starts);
    }
    strbuf_printf(&got, "\nstitched texts %zu %016llx %zu %016llx\n", special.count,
                  (unsigned long long)xxh64(special.ids, special.count * sizeof *special.ids, 0), split.count,
                  (unsigned long long)xxh64(split.ids, split.count * sizeof *split.ids, 0));
    ck_assert_int_eq(io_read("tests/golden/tokenizer_hashes.txt", &golden, &err), SFT_OK);
    ck_assert_msg(strstr(golden.data, got.data) != NULL, "not in the golden file:%s", got.data);
    strbuf_free(&text);
    strbuf_free(&golden);
    strbuf_free(&got);
    token_buf_free(&special);
    token_buf_free(&split);
    token_buf_free(&one);
    free(starts);
    encoder_free(enc);
    tokenizer_free(tok);
}
END_TEST

static void check_file(struct encoder *enc, const char *line)
{
    enum { CHUNK = 4096 };
    char name[160];
    size_t n_whole, n_pieces;
    unsigned long long whole, pieces;
    ck_assert_int_eq(sscanf(line, "file %159s %zu %llx %zu %llx", name, &n_whole, &whole, &n_pieces, &pieces),
                     5);
    char *path = path_join(assets(), name);
    struct strbuf text = {0};
    struct token_buf ids = {0};
    ck_assert_msg(io_read(path, &text, &err) == SFT_OK, "%s", err_text(&err));
    encoder_encode(enc, text.data, text.len, &ids);
    ck_assert_msg(ids.count == n_whole && xxh64(ids.ids, ids.count * sizeof *ids.ids, 0) == whole, "%s",
                  name);
    ids.count = 0;
    for (size_t at = 0; at < text.len; at += CHUNK)
        encoder_encode(enc, text.data + at, text.len - at < CHUNK ? text.len - at : CHUNK, &ids);
    ck_assert_msg(ids.count == n_pieces && xxh64(ids.ids, ids.count * sizeof *ids.ids, 0) == pieces, "%s",
                  name);
    token_buf_free(&ids);
    strbuf_free(&text);
    free(path);
}

START_TEST(gpt2_files)
{
    struct tokenizer *tok = load_gpt2("gpt2_files");
    if (!tok)
        return;
    struct encoder *enc = encoder_new(tok);
    FILE *f = fopen("tests/golden/tokenizer_hashes.txt", "r");
    ck_assert_ptr_nonnull(f);
    char line[512];
    size_t n = 0;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "file ", 5) == 0) {
            check_file(enc, line);
            n++;
        }
    fclose(f);
    ck_assert_uint_gt(n, 10);
    encoder_free(enc);
    tokenizer_free(tok);
}
END_TEST

/* ---- long words ---- */

/* A word of a million letters, and a million blanks: both are seconds if anything is quadratic. */
START_TEST(a_megabyte_in_one_word)
{
    enum { MEGABYTE = 1000000 };
    struct tokenizer *tok = load(TINY);
    struct encoder *enc = encoder_new(tok);
    struct token_buf ids = {0};
    struct strbuf decoded = {0};
    char *text = mem_alloc(MEGABYTE);
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < MEGABYTE; i++)
            text[i] = kind == 0 ? "thebakr"[i * i % 7] : kind == 1 ? ' ' : (char)0xff;
        ids.count = 0;
        strbuf_clear(&decoded);
        encoder_encode(enc, text, MEGABYTE, &ids);
        tokenizer_decode(tok, ids.ids, ids.count, false, &decoded);
        ck_assert_uint_eq(decoded.len, kind == 2 ? 3 * MEGABYTE : MEGABYTE);
        ck_assert(kind == 2 || memcmp(decoded.data, text, MEGABYTE) == 0);
    }
    free(text);
    strbuf_free(&decoded);
    token_buf_free(&ids);
    encoder_free(enc);
    tokenizer_free(tok);
}
END_TEST

/* ---- saving ---- */

START_TEST(save_and_load_again)
{
    static const char text[] = "The baker's <|im_start|>user<|im_sep|> hi <mask>\n<tool>  12";
    struct tokenizer *tok = load(TINY), *again;
    size_t before = tokenizer_vocab_size(tok);
    int32_t start = tokenizer_add_special(tok, "<|im_start|>");
    ck_assert_int_eq(start, (int32_t)before);
    ck_assert_int_eq(tokenizer_add_special(tok, "<|im_sep|>"), start + 1);
    ck_assert_int_eq(tokenizer_add_special(tok, "<|im_start|>"), start);
    tokenizer_set_eos(tok, start + 1);
    tokenizer_set_pad(tok, tokenizer_bos_id(tok));
    tokenizer_set_chat_template(tok, "{{ \"a\\n\" }}");
    char *dir = make_dir();
    ck_assert_msg(tokenizer_save(tok, dir, 777, &err) == SFT_OK, "%s", err_text(&err));

    again = load(dir);
    ck_assert_uint_eq(tokenizer_vocab_size(again), before + 2);
    ck_assert_int_eq(tokenizer_eos_id(again), start + 1);
    ck_assert_int_eq(tokenizer_pad_id(again), tokenizer_bos_id(tok));
    ck_assert_int_eq(tokenizer_unk_id(again), tokenizer_unk_id(tok));
    ck_assert(tokenizer_is_special(again, start));
    ck_assert(!tokenizer_is_special(again, tokenizer_token_id(again, "<tool>")));
    ck_assert_str_eq(tokenizer_chat_template(again), "{{ \"a\\n\" }}");
    struct encoder *enc = encoder_new(tok), *enc_again = encoder_new(again);
    struct token_buf ids = {0}, ids_again = {0};
    encoder_encode_special(enc, text, strlen(text), &ids);
    encoder_encode_special(enc_again, text, strlen(text), &ids_again);
    ck_assert_uint_eq(ids.count, ids_again.count);
    ck_assert_mem_eq(ids.ids, ids_again.ids, ids.count * sizeof *ids.ids);

    json *config;
    char *path = path_join(dir, "tokenizer_config.json");
    ck_assert_int_eq(json_parse_file(path, &config, &err), SFT_OK);
    ck_assert_double_eq(json_number(json_get(config, "model_max_length")), 777);
    ck_assert(json_is_array(json_get(config, "our_own_key")));
    ck_assert_str_eq(json_string(json_get(config, "tokenizer_class")), "GPT2Tokenizer");
    json_free(config);
    free(path);
    token_buf_free(&ids);
    token_buf_free(&ids_again);
    encoder_free(enc);
    encoder_free(enc_again);
    tokenizer_free(tok);
    tokenizer_free(again);
    remove_dir(dir);
}
END_TEST

/* ---- the rest of the interface ---- */

START_TEST(ids_and_bytes)
{
    struct tokenizer *tok = load(TINY);
    struct strbuf out = {0};
    size_t len;
    int32_t nonsense[] = {-5, 1 << 30, tokenizer_eos_id(tok)};
    ck_assert_int_eq(tokenizer_token_id(tok, "no such token"), TOKEN_NONE);
    ck_assert_int_eq(tokenizer_pad_id(tok), TOKEN_NONE);
    ck_assert_ptr_null(tokenizer_token_bytes(tok, -1, &len));
    ck_assert_ptr_null(tokenizer_token_bytes(tok, (int32_t)tokenizer_vocab_size(tok), &len));
    const char *bytes = tokenizer_token_bytes(tok, tokenizer_token_id(tok, "\xc4\xa0"), &len); /* U+0120 */
    ck_assert_uint_eq(len, 1);
    ck_assert_int_eq(bytes[0], ' ');
    tokenizer_decode(tok, nonsense, 3, true, &out);
    ck_assert_uint_eq(out.len, 0);
    tokenizer_decode(tok, nonsense, 3, false, &out);
    ck_assert_str_eq(out.data, "<|endoftext|>");
    strbuf_free(&out);
    tokenizer_free(tok);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        tiny_strings,
        gpt2_strings,
        the_two_files_are_the_same_tokenizer,
        added_tokens_in_text,
        offsets_in_malformed_text,
        random_texts,
        stitched_texts,
        random_malformed_texts,
        gpt2_files,
        a_megabyte_in_one_word,
        save_and_load_again,
        ids_and_bytes,
    };
    Suite *suite = suite_create("tokenizer");
    TCase *tcase = tcase_create("tokenizer");
    tcase_set_timeout(tcase, 120);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? 0 : 1;
}
