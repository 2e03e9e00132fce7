/* The text of an answer, however it is cut into tokens: always the same, never more than may be shown, and no longer
 * held back than there is a reason. */
#include "infer/text_stream.h"

#include "base/mem.h"
#include "base/rng.h"
#include "text/tokenizer/tokenizer_parts.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STOPS = 4, MAX_TEXT = 400 };

static struct tokenizer *tok;

/* The token that stands for these bytes. */
static struct new_token token_of(const char *bytes, size_t len)
{
    int32_t id = vocab_find(&tok->vocab, bytes, len);
    if (id == TOKEN_NONE) {
        id = (int32_t)tok->vocab.n_ids;
        vocab_put(&tok->vocab, (size_t)id, bytes, len);
    }
    return (struct new_token){.id = id};
}

static void begin(void)
{
    tok = tokenizer_new();
}

static void end(void)
{
    tokenizer_free(tok);
}

/* ---- the definition ---- */

/* A text and the strings that end it. */
struct text_case {
    const char *bytes;
    size_t len;
    char *stops[MAX_STOPS];
    size_t n_stops;
};

/* What the bytes say as UTF-8, up to the stop string that is complete first (of these, the longest). */
static bool define_text(const struct text_case *c, struct strbuf *want)
{
    strbuf_clear(want);
    strbuf_add_utf8_lossy(want, c->bytes, c->len);
    for (size_t at = 1; at <= want->len; at++) {
        size_t longest = 0;
        for (size_t i = 0; i < c->n_stops; i++) {
            const size_t len = strlen(c->stops[i]);
            if (len <= at && len > longest && strncmp(want->data + at - len, c->stops[i], len) == 0)
                longest = len;
        }
        if (longest) {
            want->len = at - longest;
            return true;
        }
    }
    return false;
}

/* How much may be shown of a text that begins with these bytes, whatever follows. */
static size_t define_ready(const struct text_case *c, size_t n_bytes, const struct strbuf *want, bool is_stopped)
{
    struct strbuf text = {0};
    const size_t whole = n_bytes - utf8_incomplete_tail(c->bytes, n_bytes);
    strbuf_add_utf8_lossy(&text, c->bytes, whole);
    size_t ready = text.len;
    for (size_t from = text.len; from-- > 0;)
        for (size_t i = 0; i < c->n_stops; i++)
            if (text.len - from < strlen(c->stops[i]) && memcmp(text.data + from, c->stops[i], text.len - from) == 0)
                ready = from;
    strbuf_free(&text);
    return is_stopped ? want->len : ready;
}

/* ---- a text, cut ---- */

static struct string_list list_of(struct text_case *c)
{
    return (struct string_list){c->stops, c->n_stops};
}

/* cuts[i]: a token begins at byte i. */
static void check_cut(struct text_case *c, const bool *cuts)
{
    struct strbuf want = {0};
    struct text_stream t;
    const struct string_list stops = list_of(c);
    const bool stops_it = define_text(c, &want);
    size_t from = 0, before = 0;
    bool more = true;
    text_stream_init(&t, tok, false, c->n_stops ? &stops : NULL);
    for (size_t i = 1; i <= c->len && more; i++) {
        if (i < c->len && !cuts[i])
            continue;
        const struct new_token token = token_of(c->bytes + from, i - from);
        more = text_stream_add(&t, &token);
        ck_assert(more == !t.stopped);
        ck_assert_uint_ge(t.ready, before);
        ck_assert_uint_le(t.ready, want.len);
        ck_assert(t.ready == 0 || memcmp(t.text.data, want.data, t.ready) == 0);
        ck_assert_uint_eq(t.ready, define_ready(c, i, &want, t.stopped));
        before = t.ready;
        from = i;
    }
    ck_assert(t.stopped == stops_it);
    const struct new_token ends = {.id = 0, .ends = true};
    ck_assert(text_stream_add(&t, &ends) == !stops_it);
    text_stream_end(&t);
    ck_assert_uint_eq(t.ready, want.len);
    ck_assert_uint_eq(t.text.len, want.len);
    ck_assert(want.len == 0 || memcmp(t.text.data, want.data, want.len) == 0);
    text_stream_free(&t);
    strbuf_free(&want);
}

#define TEXT(bytes) bytes, sizeof(bytes) - 1

START_TEST(every_cut_of_every_text)
{
    static struct text_case cases[] = {
        {TEXT("plain"), {0}, 0},
        {TEXT("a\xC3\xA9\xE2\x98\x83z"), {0}, 0},
        {TEXT("\xF0\x9F\x98\x80!\xF0\x9F\x98\x81"), {0}, 0},
        {TEXT("one\n\ntwo"), {"\n\n"}, 1},
        {TEXT("one\ntwo\n"), {"\n\n"}, 1}, /* begun, and never completed */
        {TEXT("aabaab"), {"aaab", "abaa"}, 2},
        {TEXT("stopped"), {"stop"}, 1},       /* at the very beginning */
        {TEXT("the stop"), {"stop"}, 1},      /* at the very end */
        {TEXT("abcdefg"), {"bcd", "cd", "abcdefg"}, 3},
        {TEXT("abcdefg"), {"bcdef", "cd"}, 2}, /* the one that is complete first */
        {TEXT("aaaa"), {"aa"}, 1},
        {TEXT("na\xC3\xAFve \xC3\xA9"), {"\xC3\xA9"}, 1}, /* shares its first byte with a character before */
        {TEXT("x\xE2\x98\x83y"), {"\xE2\x98\x83y"}, 1},
        {TEXT("\xF0\x9F\x98\x80\xF0\x9F\x98"), {"\xF0\x9F\x98\x81"}, 1}, /* the last is cut */
        {TEXT("a\x80\xC3 b\xFF"), {" b"}, 1}, /* bytes that make no character */
        {TEXT("\xE2\x98\xE2\x98\x83"), {"\xE2\x98\x83"}, 1},
        {TEXT("\xED\xA0\x80 \xC0\xAF"), {"\xEF\xBF\xBD "}, 1}, /* a replacement is text like another */
        {TEXT("<|im|>"), {"<|", "|>", "m|"}, 3},
    };
    struct text_case *c = &cases[_i];
    begin();
    for (size_t mask = 0; mask < (size_t)1 << (c->len - 1); mask++) {
        bool cuts[16] = {0};
        for (size_t i = 1; i < c->len; i++)
            cuts[i] = mask >> (i - 1) & 1;
        check_cut(c, cuts);
    }
    end();
}
END_TEST

enum { N_CASES = 18 };

/* Long ones of few letters, so that stop strings begin often. */
START_TEST(random_texts)
{
    static const char *const parts[] = {"a",          "b",                "aab",      "\xC3\xA9",
                                        "\xE2\x98\x83", "\xF0\x9F\x98\x80", "\xE2\x98", "\xC3", "\n"};
    struct rng rng;
    rng_seed(&rng, 3, 0);
    for (size_t round = 0; round < 3000; round++) {
        struct strbuf bytes = {0}, stops[MAX_STOPS] = {{0}};
        struct text_case c = {.n_stops = (size_t)rng_below(&rng, MAX_STOPS + 1)};
        bool cuts[MAX_TEXT];
        begin();
        for (size_t n = 1 + (size_t)rng_below(&rng, 60); n > 0; n--)
            strbuf_puts(&bytes, parts[rng_below(&rng, sizeof parts / sizeof *parts)]);
        c.bytes = bytes.data;
        c.len = bytes.len;
        for (size_t i = 0; i < c.n_stops; i++) {
            for (size_t n = 1 + (size_t)rng_below(&rng, 4); n > 0; n--)
                strbuf_puts(&stops[i], parts[rng_below(&rng, 6)]);
            c.stops[i] = stops[i].data;
        }
        for (size_t i = 0; i < c.len; i++)
            cuts[i] = rng_below(&rng, 3) == 0;
        check_cut(&c, cuts);
        for (size_t i = 0; i < MAX_STOPS; i++)
            strbuf_free(&stops[i]);
        strbuf_free(&bytes);
        end();
    }
}
END_TEST

/* ---- tokens that are no text ---- */

START_TEST(special_tokens_and_first_blanks)
{
    struct text_stream t;
    begin();
    const struct new_token word = token_of(" word", 5), more = token_of(" more", 5);
    const struct new_token control = {.id = tokenizer_add_special(tok, "<|end|>")};
    tok->decoder.strip = 1;
    text_stream_init(&t, tok, false, NULL);
    ck_assert(text_stream_add(&t, &control) && text_stream_add(&t, &word) && text_stream_add(&t, &more));
    text_stream_end(&t);
    ck_assert_str_eq(t.text.data, "word more");
    text_stream_free(&t);
    text_stream_init(&t, tok, true, NULL); /* it goes on behind something */
    ck_assert(text_stream_add(&t, &word) && text_stream_add(&t, &control) && text_stream_add(&t, &more));
    ck_assert_uint_eq(t.ready, 10);
    text_stream_end(&t);
    ck_assert_str_eq(t.text.data, " word more");
    text_stream_free(&t);
    text_stream_free(&t);
    end();
}
END_TEST

START_TEST(an_answer_of_nothing)
{
    struct text_stream t;
    struct text_case c = {.stops = {"x"}, .n_stops = 1};
    const struct string_list stops = list_of(&c);
    begin();
    text_stream_init(&t, tok, false, &stops);
    text_stream_end(&t);
    ck_assert_uint_eq(t.ready, 0);
    ck_assert_uint_eq(t.text.len, 0);
    ck_assert(!t.stopped);
    text_stream_free(&t);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text_stream");
    TCase *tcase = tcase_create("text_stream");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, every_cut_of_every_text, 0, N_CASES);
    tcase_add_test(tcase, random_texts);
    tcase_add_test(tcase, special_tokens_and_first_blanks);
    tcase_add_test(tcase, an_answer_of_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
