/* Text files: parts encoded one by one give the tokens of the whole, whatever the pattern; pieces, blocks, threads. */
#include "data/store/text_cut.h"

#include "base/rng.h"
#include "support/run_suite.h"
#include "text/tokenizer/tokenizer_load.h"

#include <check.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataset_fixture.h"

/* ---- cuts ---- */

/* What splits a text into words. */
#define BYTE_LEVEL(prefix, regex)                                                                            \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":" prefix ",\"use_regex\":" regex "}"
#define AFTER(first, then) "{\"type\":\"Sequence\",\"pretokenizers\":[" first "," then "]}"
#define SPLIT(regex, behavior)                                                                               \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" regex "\"},\"behavior\":\"" behavior "\"}"
#define DIGITS(individual) "{\"type\":\"Digits\",\"individual_digits\":" individual "}"
#define LLAMA_3                                                                                              \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}|"                    \
    " ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
static const char *const pre_tokenizers[] = {
    BYTE_LEVEL("false", "true"), /* GPT-2 */
    BYTE_LEVEL("true", "true"),
    BYTE_LEVEL("false", "false"), /* the whole text is one word */
    AFTER(SPLIT(LLAMA_3, "Isolated"), BYTE_LEVEL("false", "false")),
    AFTER(DIGITS("true"), BYTE_LEVEL("false", "true")), /* SmolLM2, StarCoder */
    AFTER(DIGITS("false"), BYTE_LEVEL("true", "true")),
    AFTER(SPLIT("[a-z]+\\\\n[a-z]+|.|\\\\n", "Isolated"), BYTE_LEVEL("false", "false")), /* over lines */
    AFTER(SPLIT("(?<=e)\\\\s+|\\\\S+", "Removed"), BYTE_LEVEL("false", "true")),         /* looks back */
};
enum { N_PRE_TOKENIZERS = sizeof pre_tokenizers / sizeof *pre_tokenizers };

/* Text with `from` replaced by `to`, once. */
static void replace(struct strbuf *text, const char *from, size_t from_len, const char *to)
{
    struct strbuf result = {0};
    const char *at = strstr(text->data, from);
    ck_assert_ptr_nonnull(at);
    strbuf_add(&result, text->data, (size_t)(at - text->data));
    strbuf_puts(&result, to);
    strbuf_puts(&result, at + from_len);
    strbuf_free(text);
    *text = result;
}

/* The golden tokenizer with another pre_tokenizer, and merges that reach over ends of lines. */
static struct tokenizer *tokenizer_with(const char *pre_tokenizer)
{
    struct tokenizer *made;
    struct strbuf text = {0};
    char *put = mem_printf("\"pre_tokenizer\": %s, ", pre_tokenizer);
    ck_assert_int_eq(io_read("tests/golden/tiny_tokenizer/tokenizer.json", &text, &err), SFT_OK);
    const char *old = strstr(text.data, "\"pre_tokenizer\""), *next = strstr(text.data, "\"post_processor\"");
    ck_assert(old && next && next > old);
    char *from = mem_strndup(old, (size_t)(next - old));
    replace(&text, from, strlen(from), put);
    replace(&text, "\"vocab\": {", strlen("\"vocab\": {"),
            "\"vocab\": {\"\xC4\x8A\xC4\x8A\": 400, \".\xC4\x8A\": 401, \"aa\": 402, \"aaaa\": 403,");
    replace(&text, "\"merges\": [", strlen("\"merges\": ["),
            "\"merges\": [[\"\xC4\x8A\",\"\xC4\x8A\"],[\".\",\"\xC4\x8A\"],[\"a\",\"a\"],[\"aa\",\"aa\"],");
    for (int id = 404; id >= 400; id--) { /* the added tokens come after them */
        char was[24], is[24];
        snprintf(was, sizeof was, "\"id\": %d", id);
        snprintf(is, sizeof is, "\"id\": %d", id + 4);
        replace(&text, was, strlen(was), is);
    }
    write_in(dir, "tokenizer.json", text.data, text.len);
    const enum sft_status status = tokenizer_load(&made, dir, &err);
    ck_assert_msg(status == SFT_OK, "%s", err_text(&err));
    strbuf_free(&text);
    free(put);
    free(from);
    return made;
}

/* Some 24 KB of what is hard to cut. `style` says what it is mostly made of. */
static void write_text(struct strbuf *text, struct rng *rng, int style)
{
    static const char *const words[] = {
        "the",
        " the",
        " bread",
        "\n",
        "\n",
        " ",
        "\n\n",
        "\r\n",
        "\r",
        "  ",
        "a",
        "aaaa",
        "\t",
        "12",
        "3",
        ".",
        ".\n",
        "'s",
        "\xC3\xA9",
        "\xE4\xB8\xAD",
        "\xE3\x80\x80",
        "\xFF",
        "\xE4\xB8",
        "<tool>",
        "[w]",
        "<mask><tool>",
        "<|endoftext|>",
        " they",
        "\xC2\xA0",
        "!?",
        "\n \n",
        "e \n",
        " <mask>",
    };
    enum { N = sizeof words / sizeof *words, LEN = 24000, LONG = 5000 };
    while (text->len < LEN) {
        if (style == 1 && rng_below(rng, 500) == 0) { /* long runs of one kind, longer than any margin */
            const char c = " \na1."[rng_below(rng, 5)];
            for (size_t n = LONG + rng_below(rng, 7); n > 0; n--)
                strbuf_putc(text, c);
        }
        if (style == 2) /* lines of prose */
            strbuf_printf(text, "%s%s", words[rng_below(rng, 3)], rng_below(rng, 9) ? "" : "\n");
        else
            strbuf_puts(text, words[rng_below(rng, N)]);
    }
}

/* Cut a text wherever it can be, at some distances, and encode the parts: it must be what the whole gives. The number
 * of cuts. */
static size_t check_cuts(const struct tokenizer *with, const struct strbuf *text, struct rng *rng)
{
    struct strbuf lines = {0};
    struct token_buf whole = {0}, parts = {0};
    struct encoder *enc = encoder_new(with);
    struct text_cutter *cutter = text_cutter_new(with);
    size_t n = 0;
    text_cut_add_lines(&lines, text->data, text->len);
    encoder_encode(enc, lines.data, lines.len, &whole);
    for (size_t from = 0, to; from < text->len; from = to, n++) {
        const size_t least = from + 1 + rng_below(rng, 1000);
        to = least < text->len ? text_cut(cutter, text->data, text->len, least) : text->len;
        ck_assert(to > from && to <= text->len);
        strbuf_clear(&lines);
        text_cut_add_lines(&lines, text->data + from, to - from);
        encoder_encode(enc, lines.data, lines.len, &parts);
    }
    ck_assert_uint_eq(parts.count, whole.count);
    ck_assert_mem_eq(parts.ids, whole.ids, whole.count * sizeof *whole.ids);
    text_cutter_free(cutter);
    encoder_free(enc);
    token_buf_free(&whole);
    token_buf_free(&parts);
    strbuf_free(&lines);
    return n - 1;
}

START_TEST(parts_give_the_tokens_of_the_whole)
{
    enum { STYLES = 3, ROUNDS = 1 };
    struct tokenizer *with = tokenizer_with(pre_tokenizers[_i]);
    struct rng rng;
    size_t cuts[STYLES] = {0};
    for (uint64_t seed = 0; seed < STYLES * ROUNDS; seed++) {
        struct strbuf text = {0};
        rng_seed(&rng, seed, 0);
        write_text(&text, &rng, (int)(seed % STYLES));
        cuts[seed % STYLES] += check_cuts(with, &text, &rng);
        strbuf_free(&text);
    }
    ck_assert_uint_gt(cuts[2], 5); /* prose is cut, by every pattern */
    tokenizer_free(with);
}
END_TEST

START_TEST(a_text_without_a_space_is_not_cut)
{
    struct text_cutter *cutter = text_cutter_new(tok);
    struct strbuf text = {0};
    for (int i = 0; i < 300000; i++)
        strbuf_putc(&text, 'a');
    ck_assert_uint_eq(text_cut(cutter, text.data, text.len, 10), text.len);
    strbuf_puts(&text, "\nb");
    ck_assert_uint_eq(text_cut(cutter, text.data, text.len, 10), text.len - 1);
    text_cutter_free(cutter);
    strbuf_free(&text);
}
END_TEST

START_TEST(line_ends)
{
    static const char *const cases[][2] = {
        {"a\r\nb", "a\nb"}, {"\r\r\n\n\r", "\r\n\n\r"}, {"", ""}, {"\r\n", "\n"}, {"x", "x"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strbuf lines = {0};
        text_cut_add_lines(&lines, cases[i][0], strlen(cases[i][0]));
        ck_assert_str_eq(lines.data ? lines.data : "", cases[i][1]);
        strbuf_free(&lines);
    }
}
END_TEST

/* ---- files ---- */

/* Of several blocks of parts: byte tokens say at once what they should be. */
static void check_document(const struct strbuf *text, size_t max_length)
{
    const size_t n_tokens = text->len + 1; /* the end token */
    size_t at_byte = 0;
    ck_assert_uint_eq(ds.n_tokens, n_tokens);
    ck_assert_uint_eq(ds.files[0].store.n_records, (n_tokens + max_length - 1) / max_length);
    for (size_t i = 0; i < ds.n_examples; i++) {
        const struct example e = at(i);
        ck_assert_uint_eq(e.n_tokens, i + 1 < ds.n_examples ? max_length : n_tokens - at_byte);
        ck_assert_uint_eq(e.n_targets, e.n_tokens - 1);
        for (size_t t = 0; t < e.n_tokens; t++, at_byte++)
            if (e.tokens[t] !=
                (at_byte < text->len ? (unsigned char)text->data[at_byte] : BYTE_TOKENIZER_EOS))
                ck_abort_msg("byte %zu", at_byte);
        ck_assert(!(e.weights[0] > 0) && e.weights[e.n_tokens - 1] > 0);
    }
}

START_TEST(a_file_of_several_blocks)
{
    enum { SIZE = 20 << 20 }; /* a block is 16 MB */
    struct strbuf text = {0};
    struct rng rng;
    rng_seed(&rng, 1, 0);
    while (text.len < SIZE)
        strbuf_printf(&text, "%llu%c", (unsigned long long)rng_below(&rng, 100000),
                      " \n  "[rng_below(&rng, 4)]);
    omp_set_num_threads(3);
    options.render.max_length = 700001;
    loads("a.txt", "", text.data);
    check_document(&text, 700001);
    ck_assert_uint_eq(ds.files[0].store.counts.longest, text.len + 1);
    omp_set_num_threads(1);
    dataset_free(&ds);
    setenv("SFT_CACHE_DIR", "/proc/nowhere", 1); /* not the cached one */
    loads("a.txt", "", NULL);
    check_document(&text, 700001);
    strbuf_free(&text);
}
END_TEST

START_TEST(pieces_end_where_they_should)
{
    options.render.max_length = 4;
    loads("a.txt", "", "abcdefg"); /* with its end token two whole pieces */
    ck_assert_uint_eq(ds.files[0].store.n_records, 2);
    ck_assert_uint_eq(at(1).n_tokens, 4);
    loads("a.txt", "", "abcdefgh"); /* the end token alone: nothing to learn from */
    ck_assert_uint_eq(ds.files[0].store.n_records, 3);
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_uint_eq(ds.files[0].store.counts.dropped[DROP_NOTHING_LEFT], 1);
    loads("a.txt", "",
          "\xEF\xBB\xBF"
          "a\r\nb");
    ck_assert_uint_eq(ds.n_tokens, 4);
    fails(SFT_EDATA, "a.txt", "", "\xEF\xBB\xBF", ": there is no text in it");
}
END_TEST

static volatile int stop;

START_TEST(a_signal_is_heard)
{
    options.stop = &stop;
    stop = 1;
    fails(SFT_EINTERRUPTED, "a.txt", "", "some text\n", ": stopped while it was read");
    stop = 0;
    loads("a.txt", "", NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text_document");
    TCase *tcase = tcase_create("text_document");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, parts_give_the_tokens_of_the_whole, 0, N_PRE_TOKENIZERS);
    tcase_add_test(tcase, a_text_without_a_space_is_not_cut);
    tcase_add_test(tcase, line_ends);
    tcase_add_test(tcase, a_file_of_several_blocks);
    tcase_add_test(tcase, pieces_end_where_they_should);
    tcase_add_test(tcase, a_signal_is_heard);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
