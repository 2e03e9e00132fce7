/* Words, sets of runs of them, and the index that finds what is alike, against looking at everybody. */
#include "base/mem.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "collect/synth/minhash.h"
#include "collect/synth/words.h"
#include "support/run_suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

static const struct {
    const char *text, *words; /* each with a '|' behind */
} texts[] = {
    {"", ""},
    {" \n-- !", ""},
    {"Don\xE2\x80\x99t stop, it's 3.5 km!", "don't|stop|it's|3|5|km|"},
    {"don't", "don't|"},
    {"'quoted' text'", "quoted|text|"},
    {"\xC3\x89T\xC3\x89 \xD0\x9C\xD0\xB8\xD1\x80 \xCE\xA9", "\xC3\xA9t\xC3\xA9|\xD0\xBC\xD0\xB8\xD1\x80|\xCF\x89|"},
    {"\xE6\x97\xA5\xE6\x9C\xAC\xE3\x80\x82x", "\xE6\x97\xA5|\xE6\x9C\xAC|x|"},
    {"a\xE2\x80\x94"
     "b\xFF"
     "c\xEF\xBF\xBD"
     "d",
     "a|b|c|d|"},
    {"snake_case", "snake|case|"},
};

START_TEST(words_of_texts)
{
    struct strbuf got = {0};
    struct word_reader reader = words_of(texts[_i].text, strlen(texts[_i].text));
    strbuf_puts(&got, "");
    while (words_next(&reader)) {
        strbuf_add(&got, reader.word, reader.len);
        strbuf_putc(&got, '|');
    }
    ck_assert_str_eq(got.data, texts[_i].words);
    strbuf_free(&got);
}
END_TEST

START_TEST(a_long_word_is_several)
{
    char text[1000];
    size_t n = 0, bytes = 0;
    memset(text, 'a', sizeof text);
    struct word_reader reader = words_of(text, sizeof text);
    for (; words_next(&reader); n++) {
        ck_assert_uint_le(reader.len, WORD_BYTES_MAX);
        bytes += reader.len;
    }
    ck_assert_uint_gt(n, 1);
    ck_assert_uint_eq(bytes, sizeof text);
}
END_TEST

/* ---- sets ---- */

static struct shingles set_of(const char *text)
{
    struct shingles set = {0};
    shingles_add(&set, text, strlen(text));
    shingles_seal(&set);
    return set;
}

static double similarity_of(const char *a, const char *b)
{
    struct shingles x = set_of(a), y = set_of(b);
    const double similarity = shingles_similarity(&x, &y);
    shingles_free(&x);
    shingles_free(&y);
    return similarity;
}

START_TEST(similarity_is_a_share_of_runs)
{
    ck_assert_double_eq(similarity_of("one two three four", "One, two: three FOUR!"), 1);
    /* 123 234 345 against 123 234 236: two of four */
    ck_assert_double_eq(similarity_of("1 2 3 4 5", "1 2 3 4 6"), 2.0 / 4);
    ck_assert_double_eq(similarity_of("1 2 3 1 2 3 1 2 3", "1 2 3"), 1.0 / 3); /* 123, 231, 312: a set, not a list */
    ck_assert_double_eq(similarity_of("yes", "Yes."), 1);
    ck_assert_double_eq(similarity_of("yes", "no"), 0);
    ck_assert_double_eq(similarity_of("", ""), 0);
}
END_TEST

START_TEST(messages_of_the_roles_that_are_asked_for)
{
    struct message messages[] = {
        {ROLE_SYSTEM, "a b c", 5, 1}, {ROLE_USER, "d e f g", 7, 1}, {ROLE_ASSISTANT, "h", 1, 1}};
    const struct conversation conv = {.messages = messages, .count = 3};
    struct shingles user = {0}, all = {0};
    shingles_of(&user, &conv, 1U << ROLE_USER);
    shingles_of(&all, &conv, 7);
    ck_assert_uint_eq(user.count, 2);
    ck_assert_uint_eq(all.count, 4); /* none over a message's end */
    shingles_free(&user);
    shingles_free(&all);
}
END_TEST

/* ---- signatures and the index ---- */

enum { RUNS = 300 };

/* A set of RUNS random hashes, of which the first `shared` are those of `base`. */
static struct shingles set_like(struct rng *rng, const uint64_t *base, size_t shared)
{
    struct shingles set = {0};
    set.items = mem_grow(NULL, &set.capacity, RUNS, sizeof *set.items);
    for (set.count = 0; set.count < RUNS; set.count++)
        set.items[set.count] = set.count < shared ? base[set.count] : rng_u64(rng);
    shingles_seal(&set);
    return set;
}

START_TEST(a_signature_estimates_the_similarity)
{
    enum { PAIRS = 400 };
    struct rng rng;
    double squares = 0, sum = 0;
    rng_seed(&rng, 7, 0);
    for (size_t i = 0; i < PAIRS; i++) {
        uint64_t base[RUNS];
        uint32_t x[MINHASH_SIZE], y[MINHASH_SIZE];
        size_t equal = 0;
        for (size_t k = 0; k < RUNS; k++)
            base[k] = rng_u64(&rng);
        struct shingles a = set_like(&rng, base, RUNS), b = set_like(&rng, base, rng_below(&rng, RUNS + 1));
        minhash_sign(&a, x);
        minhash_sign(&b, y);
        for (size_t k = 0; k < MINHASH_SIZE; k++)
            equal += x[k] == y[k];
        const double error = (double)equal / MINHASH_SIZE - shingles_similarity(&a, &b);
        ck_assert_double_lt(fabs(error), 5 * 0.045);
        sum += error;
        squares += error * error;
        shingles_free(&a);
        shingles_free(&b);
    }
    ck_assert_double_lt(fabs(sum / PAIRS), 3 * 0.045 / sqrt(PAIRS)); /* it leans to neither side */
    ck_assert_double_lt(sqrt(squares / PAIRS), 0.045);
}
END_TEST

START_TEST(bands_follow_the_threshold)
{
    static const struct {
        double threshold;
        size_t rows;
    } all[] = {{0.01, 1}, {0.5, 2}, {0.7, 4}, {0.8, 5}, {0.9, 8}, {1, 128}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct minhash_index index;
        minhash_index_init(&index, all[i].threshold);
        ck_assert_uint_eq(index.rows, all[i].rows);
        ck_assert_uint_le(index.rows * index.bands, MINHASH_SIZE);
        minhash_index_free(&index);
    }
}
END_TEST

/* The most similar of the first n, by looking at all of them. */
static size_t look_at_all(const struct minhash_index *index, size_t n, const struct shingles *set, double *most)
{
    size_t best = MINHASH_NONE;
    *most = 0;
    for (size_t i = 0; i < n; i++) {
        const double similarity = shingles_similarity(&index->sets[i], set);
        if (similarity >= index->threshold && similarity > *most) {
            *most = similarity;
            best = i;
        }
    }
    return best;
}

/* Of sets that are alike in all degrees the index finds exactly what looking at all finds. (Of 20000 pairs
 * right at the threshold, those that escape most easily, none was missed at 0.5, four at 0.7 and two at 0.9.) */
START_TEST(the_index_finds_what_is_there)
{
    enum { SETS = 1000, FAMILIES = 50 };
    static const double thresholds[] = {0.5, 0.7, 0.9};
    static uint64_t bases[FAMILIES][RUNS];
    struct rng rng;
    struct minhash_index index;
    size_t n_there = 0, n_missed = 0;
    rng_seed(&rng, 11, (uint64_t)_i);
    for (size_t f = 0; f < FAMILIES; f++)
        for (size_t k = 0; k < RUNS; k++)
            bases[f][k] = rng_u64(&rng);
    minhash_index_init(&index, thresholds[_i]);
    for (size_t n = 0; n < SETS; n++) {
        double most, similarity;
        struct shingles set = set_like(&rng, bases[rng_below(&rng, FAMILIES)], RUNS - rng_below(&rng, RUNS / 3));
        const size_t wanted = look_at_all(&index, n, &set, &most);
        const size_t found = minhash_index_find(&index, &set, MINHASH_NONE, &similarity);
        n_there += wanted != MINHASH_NONE;
        n_missed += found != wanted;
        if (found == wanted && found != MINHASH_NONE)
            ck_assert_double_eq(similarity, most);
        ck_assert_uint_eq(minhash_index_add(&index, &set), n);
    }
    ck_assert_uint_gt(n_there, SETS / 20);
    ck_assert_uint_eq(n_missed, 0);
    minhash_index_free(&index);
}
END_TEST

START_TEST(the_first_of_equals_and_all_but_one)
{
    struct minhash_index index;
    struct shingles a = set_of("the same words are here"), b = set_of("The same words are here"), empty = {0};
    const struct shingles wanted = set_of("the same words are here");
    double similarity;
    minhash_index_init(&index, 0.7);
    ck_assert_uint_eq(minhash_index_find(&index, &wanted, MINHASH_NONE, &similarity), MINHASH_NONE);
    minhash_index_add(&index, &a);
    minhash_index_add(&index, &b);
    minhash_index_add(&index, &empty);
    ck_assert_uint_eq(minhash_index_find(&index, &wanted, MINHASH_NONE, &similarity), 0);
    ck_assert_uint_eq(minhash_index_find(&index, &wanted, 0, &similarity), 1);
    ck_assert_uint_eq(minhash_index_find(&index, &empty, MINHASH_NONE, &similarity), MINHASH_NONE);
    minhash_index_free(&index);
    free(wanted.items);
}
END_TEST

/* Ten thousand texts that are all one do not cost a square. */
START_TEST(a_file_of_one_text)
{
    enum { SETS = 10000 };
    struct minhash_index index;
    double similarity = 0;
    minhash_index_init(&index, 0.5);
    for (size_t i = 0; i < SETS; i++) {
        struct shingles set = set_of("nothing is ever new under this sun of ours, and all is as it was");
        if (i > 0)
            ck_assert_uint_ne(minhash_index_find(&index, &set, MINHASH_NONE, &similarity), MINHASH_NONE);
        minhash_index_add(&index, &set);
    }
    ck_assert_double_eq(similarity, 1);
    ck_assert_uint_eq(index.count, SETS);
    minhash_index_free(&index);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("synth_likeness");
    TCase *tcase = tcase_create("likeness");
    tcase_add_loop_test(tcase, words_of_texts, 0, sizeof texts / sizeof *texts);
    tcase_add_test(tcase, a_long_word_is_several);
    tcase_add_test(tcase, similarity_is_a_share_of_runs);
    tcase_add_test(tcase, messages_of_the_roles_that_are_asked_for);
    tcase_add_test(tcase, a_signature_estimates_the_similarity);
    tcase_add_test(tcase, bands_follow_the_threshold);
    tcase_add_loop_test(tcase, the_index_finds_what_is_there, 0, 3);
    tcase_add_test(tcase, the_first_of_equals_and_all_but_one);
    tcase_add_test(tcase, a_file_of_one_text);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
