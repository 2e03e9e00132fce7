/* Training a tokenizer against Hugging Face's BpeTrainer: tests/golden/bpe_train/, made by
 * scripts/golden_bpe_train.py. */
#include "data/corpus.h"
#include "text/bpe_train/bpe_train.h"

#include "scratch.h"
#include "support/run_suite.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/tokenizer_load.h"
#include "text/tokenizer/tokenizer_save.h"

#include <omp.h>

static const char TEXT[] = "tests/golden/bpe_train/text.txt";
static const char MESSAGES[] = "tests/golden/bpe_train/messages.jsonl";
static const char *const end_of_text[] = {"<|endoftext|>"};
static const char *const several[] = {"<|endoftext|>", "<|im_start|>", "the", "a", "<|endoftext|>"};

/* CASES of scripts/golden_bpe_train.py. */
static const struct golden {
    const char *name, *spec;
    struct bpe_train_options options;
} cases[] = {
    {"text_300", TEXT, {.vocab_size = 300, .special = end_of_text, .n_special = 1}},
    {"text_400_from_2",
     TEXT,
     {.vocab_size = 400, .min_frequency = 2, .special = end_of_text, .n_special = 1}},
    {"text_2000_from_5",
     TEXT,
     {.vocab_size = 2000, .min_frequency = 5, .special = end_of_text, .n_special = 1}},
    {"text_all", TEXT, {.vocab_size = 5000, .special = end_of_text, .n_special = 1}},
    {"text_special", TEXT, {.vocab_size = 450, .special = several, .n_special = 5}},
    {"messages_400", MESSAGES, {.vocab_size = 400, .special = end_of_text, .n_special = 1}},
};

static struct bpe_trainer *trainer_of(const struct bpe_train_options *options)
{
    struct bpe_trainer *trainer;
    check_ok(bpe_trainer_new(&trainer, options, &err));
    return trainer;
}

/* The tokenizer; the trainer is freed. */
static struct tokenizer *finish(struct bpe_trainer *trainer)
{
    struct tokenizer *tok;
    check_ok(bpe_trainer_train(trainer, &tok, &err));
    bpe_trainer_free(trainer);
    return tok;
}

static void count(void *trainer, const struct text_span *texts, size_t n)
{
    bpe_trainer_count(trainer, texts, n);
}

static struct tokenizer *train_file(const char *spec, const struct bpe_train_options *options)
{
    struct bpe_trainer *trainer = trainer_of(options);
    check_ok(corpus_read(spec, count, trainer, &err));
    return finish(trainer);
}

static struct tokenizer *train_strings(const char *const *strings, size_t n, size_t vocab_size)
{
    struct bpe_train_options options = {.vocab_size = vocab_size};
    struct bpe_trainer *trainer = trainer_of(&options);
    for (size_t i = 0; i < n; i++)
        bpe_trainer_count(trainer, &(struct text_span){strings[i], strlen(strings[i])}, 1);
    return finish(trainer);
}

/* ---- against Hugging Face ---- */

static void assert_same_file(const char *name, const char *golden_name, const char *suffix)
{
    struct strbuf ours = {0}, theirs = {0};
    char *path = path_join(dir, name),
         *golden = mem_printf("tests/golden/bpe_train/%s.%s", golden_name, suffix);
    check_ok(io_read(path, &ours, &err));
    check_ok(io_read(golden, &theirs, &err));
    ck_assert_msg(ours.len == theirs.len && memcmp(ours.data, theirs.data, ours.len) == 0,
                  "%s differs from %s", path, golden);
    strbuf_free(&ours);
    strbuf_free(&theirs);
    free(path);
    free(golden);
}

static void assert_golden(const struct tokenizer *tok, const char *name)
{
    check_ok(tokenizer_save(tok, dir, 0, &err));
    assert_same_file("merges.txt", name, "merges.txt");
    assert_same_file("vocab.json", name, "vocab.json");
}

START_TEST(equals_hugging_face)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tokenizer *tok = train_file(cases[i].spec, &cases[i].options);
        assert_golden(tok, cases[i].name);
        tokenizer_free(tok);
    }
}
END_TEST

START_TEST(threads_do_not_matter)
{
    static const int n_threads[] = {1, 2, 4};
    const int before = omp_get_max_threads();
    for (size_t i = 0; i < sizeof n_threads / sizeof *n_threads; i++) {
        omp_set_num_threads(n_threads[i]);
        struct tokenizer *tok = train_file(TEXT, &cases[3].options);
        assert_golden(tok, cases[3].name);
        tokenizer_free(tok);
    }
    omp_set_num_threads(before);
}
END_TEST

/* ---- what is made ---- */

START_TEST(saved_and_loaded)
{
    struct tokenizer *made = train_file(TEXT, &cases[4].options), *loaded;
    struct token_buf ids = {0}, again = {0};
    struct strbuf text = {0}, decoded = {0};
    check_ok(tokenizer_save(made, dir, 0, &err));
    check_ok(tokenizer_load(&loaded, dir, &err));
    check_ok(io_read(TEXT, &text, &err));
    struct encoder *a = encoder_new(made), *b = encoder_new(loaded);
    encoder_encode_special(a, text.data, text.len, &ids);
    encoder_encode_special(b, text.data, text.len, &again);
    ck_assert_uint_eq(ids.count, again.count);
    ck_assert_int_eq(memcmp(ids.ids, again.ids, ids.count * sizeof *ids.ids), 0);
    tokenizer_decode(loaded, ids.ids, ids.count, false, &decoded);
    ck_assert_uint_eq(decoded.len, text.len);
    ck_assert_int_eq(memcmp(decoded.data, text.data, text.len), 0);
    ck_assert_int_eq(tokenizer_bos_id(loaded), 0);
    ck_assert_int_eq(tokenizer_eos_id(loaded), 0);
    ck_assert_int_eq(tokenizer_unk_id(loaded), 0);
    ck_assert_int_eq(tokenizer_token_id(loaded, "<|im_start|>"), 1);
    ck_assert(tokenizer_is_special(loaded, 2) && tokenizer_is_special(loaded, 3));
    ck_assert(!tokenizer_is_special(loaded, 4));
    encoder_free(a);
    encoder_free(b);
    token_buf_free(&ids);
    token_buf_free(&again);
    strbuf_free(&text);
    strbuf_free(&decoded);
    tokenizer_free(made);
    tokenizer_free(loaded);
}
END_TEST

START_TEST(equal_counts_smaller_ids_first)
{
    static const char *const strings[] = {"dc", "ba", "ab"};
    struct tokenizer *tok = train_strings(strings, 3, 259);
    ck_assert_int_eq(tokenizer_token_id(tok, "ab"), 256);
    ck_assert_int_eq(tokenizer_token_id(tok, "ba"), 257);
    ck_assert_int_eq(tokenizer_token_id(tok, "dc"), 258);
    ck_assert_int_eq(tokenizer_eos_id(tok), TOKEN_NONE);
    tokenizer_free(tok);
}
END_TEST

START_TEST(overlapping_runs)
{
    static const char *const strings[] = {
        "aaaaa", "aaaaa"}; /* becomes aa aa a, then aa aaa: a has a smaller id than aa */
    struct tokenizer *tok = train_strings(strings, 2, 1000);
    ck_assert_uint_eq(tokenizer_vocab_size(tok), 259);
    ck_assert_int_eq(tokenizer_token_id(tok, "aa"), 256);
    ck_assert_int_eq(tokenizer_token_id(tok, "aaa"), 257);
    ck_assert_int_eq(tokenizer_token_id(tok, "aaaaa"), 258);
    tokenizer_free(tok);
}
END_TEST

START_TEST(without_text)
{
    struct bpe_trainer *trainer = trainer_of(&cases[0].options);
    bpe_trainer_count(trainer, NULL, 0);
    bpe_trainer_count(trainer, &(struct text_span){"", 0}, 1);
    struct tokenizer *tok = finish(trainer);
    ck_assert_uint_eq(tokenizer_vocab_size(tok), 257);
    tokenizer_free(tok);
}
END_TEST

START_TEST(malformed_text)
{
    static const char *const strings[] = {"a\xff"
                                          "b",
                                          "a\xef\xbf\xbd"
                                          "b"};
    struct tokenizer *tok = train_strings(strings, 2, 1000);
    struct token_buf ids = {0};
    struct encoder *enc = encoder_new(tok);
    encoder_encode(enc, "\xff", 1, &ids);
    ck_assert_uint_eq(ids.count, 1); /* U+FFFD was there twice */
    encoder_free(enc);
    token_buf_free(&ids);
    tokenizer_free(tok);
}
END_TEST

START_TEST(summary)
{
    static const char words[] = "one two two";
    struct bpe_trainer *trainer = trainer_of(&cases[0].options);
    struct tokenizer *tok;
    bpe_trainer_count(trainer, (struct text_span[]){{words, 11}, {words, 3}}, 2);
    check_ok(bpe_trainer_train(trainer, &tok, &err));
    const struct bpe_train_summary s = bpe_trainer_summary(trainer);
    ck_assert_uint_eq(s.n_texts, 2);
    ck_assert_uint_eq(s.n_bytes, 14);
    ck_assert_uint_eq(s.n_words, 4);
    ck_assert_uint_eq(s.n_distinct_words, 2); /* "one", " two" */
    ck_assert_uint_eq(s.n_merges, 5);
    ck_assert_uint_eq(tokenizer_vocab_size(tok), 257 + 5);
    tokenizer_free(tok);
    bpe_trainer_free(trainer);
}
END_TEST

/* ---- refusals ---- */

static void expect_refusal(const struct bpe_train_options *options, const char *message)
{
    struct bpe_trainer *trainer;
    ck_assert_int_eq(bpe_trainer_new(&trainer, options, &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), message);
    ck_assert_ptr_null(trainer);
}

START_TEST(refused_options)
{
    static const char *const empty[] = {""}, *const broken[] = {"<\xff>"};
    expect_refusal(&(struct bpe_train_options){.vocab_size = 256, .special = end_of_text, .n_special = 1},
                   "a vocabulary of 256 is too small: 1 special token and 256 bytes are in every one");
    expect_refusal(&(struct bpe_train_options){.vocab_size = 259, .special = several, .n_special = 5},
                   "a vocabulary of 259 is too small: 4 special tokens and 256 bytes are in every one");
    expect_refusal(&(struct bpe_train_options){.vocab_size = (size_t)1 << 40},
                   "a vocabulary of 1099511627776 is too large: 4194304 at most");
    expect_refusal(&(struct bpe_train_options){.vocab_size = 300, .special = empty, .n_special = 1},
                   "a special token cannot be empty");
    expect_refusal(&(struct bpe_train_options){.vocab_size = 300, .special = broken, .n_special = 1},
                   "special token '<\uFFFD>': not UTF-8");
}
END_TEST

/* ---- the texts of files ---- */

static void gather(void *context, const struct text_span *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        strbuf_puts(context, "[");
        strbuf_add(context, texts[i].text, texts[i].len);
        strbuf_puts(context, "]");
    }
}

static void expect_texts(const char *name, const char *content, const char *suffix, const char *texts)
{
    struct strbuf found = {0};
    put(name, content);
    char *spec = mem_printf("%s/%s%s", dir, name, suffix);
    check_ok(corpus_read(spec, gather, &found, &err));
    ck_assert_str_eq(found.data, texts);
    strbuf_free(&found);
    free(spec);
}

static void expect_bad(const char *name, const char *content, const char *message)
{
    struct strbuf found = {0};
    put(name, content);
    char *path = path_join(dir, name);
    expect_message(corpus_read(path, gather, &found, &err), message);
    strbuf_free(&found);
    free(path);
}

START_TEST(texts_of_files)
{
    expect_texts("a.txt", "\xef\xbb\xbfone\r\n\ntwo", "", "[\xef\xbb\xbfone\r\n][\n][two]");
    expect_texts("b", "x\ny\n", "*2:txt", "[x\n][y\n][x\n][y\n]");
    expect_texts("c.jsonl", "{\"text\": \"a\\nb\"}\n\n{\"text\": \"\"}\n", "", "[a\nb][]");
    expect_texts("d.json", "[{\"instruction\": \"i\", \"input\": \"j\", \"output\": \"o\"}]", "",
                 "[i\n\nj][o]");
    expect_texts("e.csv", "id,prompt,completion\n1,\"a, \"\"b\"\"\",\"c\nd\"\n", "", "[a, \"b\"][c\nd]");
    expect_texts("f", "id\ttext\n1\ta\n", ":tsv", "[a]");
}
END_TEST

START_TEST(shares_of_files)
{
    expect_texts("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "*0.25", "[4\n][8\n]");
    expect_texts("a.txt", "1\n2\n", "*1.5", "[1\n][2\n][2\n]");
    expect_texts("b.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n", "*0.5", "[b]");
}
END_TEST

START_TEST(packed_files)
{
    /* "one\ntwo\n" by gzip */
    static const unsigned char packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                           0xcb, 0xcf, 0x4b, 0xe5, 0x2a, 0x29, 0xcf, 0xe7, 0x02, 0x00,
                                           0xe6, 0x0b, 0xba, 0x12, 0x08, 0x00, 0x00, 0x00};
    struct strbuf found = {0};
    char *path = path_join(dir, "a.txt.gz");
    check_ok(io_write_file(path, packed, sizeof packed, &err));
    check_ok(corpus_read(path, gather, &found, &err));
    ck_assert_str_eq(found.data, "[one\n][two\n]");
    strbuf_free(&found);
    free(path);
}
END_TEST

START_TEST(bad_files)
{
    expect_bad("empty.txt", "", "/empty.txt: there is no text in it");
    expect_bad("empty.jsonl", "\n", "/empty.jsonl: there is no row in it");
    expect_bad("e.jsonl", "{\"text\": \"a\"}\n{\"text\": 1}\n",
               "/e.jsonl:2: text: expected a string, found a number");
    expect_bad("f.json", "[{\"text\": \"a\"} {\"text\": \"a\"}]",
               "/f.json: line 1: expected ',' or ']' after an element of the array");
    expect_bad("g.csv", "text\na\nb,c\n",
               "/g.csv:3: expected 1 column as in the header, found 2 (separated by commas)");
    expect_bad("h.csv", "text\na\n\"b\n", "/h.csv: line 3: a quoted field is never closed");
    expect_bad("i.csv", "text,text\na\n", "/i.csv: line 1: two columns are called 'text'");
    expect_bad("j.txt", "\x1f\x8b\x08", "/j.txt: the gzip stream is cut off at byte 3");
    struct strbuf found = {0};
    ck_assert_int_eq(corpus_read("no/such.txt", gather, &found, &err), SFT_EIO);
    ck_assert_ptr_null(found.data);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        equals_hugging_face, threads_do_not_matter, saved_and_loaded, equal_counts_smaller_ids_first,
        overlapping_runs,    without_text,          malformed_text,   summary,
        refused_options,     texts_of_files,        shares_of_files,  packed_files,
        bad_files,
    };
    Suite *suite = suite_create("bpe_train");
    TCase *tcase = tcase_create("bpe_train");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_set_timeout(tcase, 120);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
